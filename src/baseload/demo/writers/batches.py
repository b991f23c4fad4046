"""Message Batches: the requests that were sent, the batch object, and the results (anthropic-facts section 4)."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import msgspec

from baseload.demo.company import Era, Service
from baseload.demo.ids import generator, random_ids
from baseload.demo.truth import Run
from baseload.demo.writers.analytics import key_id
from baseload.demo.writers.bodies import Counted, answer, message, single_request, words_of
from baseload.demo.writers.files import Output
from baseload.demo.writers.messages import counted_rows, note_of, timestamp
from baseload.values import DAY_US

_ENCODER = msgspec.json.Encoder()
LATENCY_US = 2_700_000_000  # a batch is done in three quarters of an hour
EXPIRE_US = DAY_US

Item = tuple[dict[str, int], Counted, Era]


def write_batches(output: Output, folder: str, service: Service, run: Run) -> None:
    """`<batch>.json`, `<batch>_requests.jsonl`, `<batch>_results.jsonl` for each day's batch, and the sampling note."""
    rng = generator(service.name, len(run.sample["unit"]))
    for _, group in groupby(counted_rows(run), key=lambda item: item[0]["start_us"] // DAY_US):
        items = list(group)
        batch = random_ids(rng, "msgbatch_01", 1)[0]
        ids = random_ids(rng, "msg_01", len(items))
        requests = [_request(service, item) for item in items]
        results = [_result(service, item, own) for item, own in zip(items, ids, strict=True)]
        order = rng.permutation(len(items)).tolist()  # results come in any order
        output.write_lines(f"{folder}/{batch}_requests.jsonl", map(_ENCODER.encode, requests))
        output.write_lines(f"{folder}/{batch}_results.jsonl", (_ENCODER.encode(results[index]) for index in order))
        output.write(f"{folder}/{batch}.json", _ENCODER.encode(_batch(batch, items)) + b"\n")
        output.sampled_calls += len(items)
    output.note(folder, msgspec.structs.replace(note_of(service), api_key=key_id(service)))


def _request(service: Service, item: Item) -> dict[str, Any]:
    row, _, era = item
    params = single_request(service, era, row["variable"], row["unit"], row["start_us"])
    return {"custom_id": f"item-{row['unit']}", "params": params}


def _result(service: Service, item: Item, message_id: str) -> dict[str, Any]:
    row, counted, era = item
    content = answer(words_of(service), row["unit"], counted)
    body = message(message_id, era.model, content, counted, service, era)
    return {"custom_id": f"item-{row['unit']}", "result": {"type": "succeeded", "message": body}}


def _batch(batch: str, items: list[Item]) -> dict[str, Any]:
    created = items[0][0]["start_us"]
    return {
        "id": batch,
        "type": "message_batch",
        "processing_status": "ended",
        "request_counts": {"processing": 0, "succeeded": len(items), "errored": 0, "canceled": 0, "expired": 0},
        "created_at": timestamp(created),
        "ended_at": timestamp(created + LATENCY_US),
        "expires_at": timestamp(created + EXPIRE_US),
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"https://api.anthropic.com/v1/messages/batches/{batch}/results",
    }
