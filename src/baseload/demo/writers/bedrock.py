"""Bedrock model invocation logs: gzipped JSON lines below the bucket path AWS uses (usage-sources section 2.6)."""

from __future__ import annotations

from typing import Any

import msgspec

from baseload.demo.company import Service
from baseload.demo.ids import generator, random_ids, random_uuids
from baseload.demo.truth import Run
from baseload.demo.writers.bodies import Counted, answer, message, single_request, words_of
from baseload.demo.writers.cur import REGION, role_arn
from baseload.demo.writers.files import Output
from baseload.demo.writers.messages import counted_rows, note_of, timestamp
from baseload.values import DAY_US, iso_day

_ENCODER = msgspec.json.Encoder()
ANTHROPIC_VERSION = "bedrock-2023-05-31"


def write_bedrock(output: Output, folder: str, service: Service, run: Run) -> None:
    """One log object a day, and the sampling note."""
    rng = generator(service.name, len(run.sample["unit"]))
    rows = list(counted_rows(run))
    requests, messages = random_uuids(rng, len(rows)), random_ids(rng, "msg_bdrk_01", len(rows))
    days: dict[int, list[bytes]] = {}
    for (row, counted, era), request_id, message_id in zip(rows, requests, messages, strict=True):
        body = single_request(service, era, row["variable"], row["unit"], row["start_us"])
        model = body.pop("model")
        content = answer(words_of(service), row["unit"], counted)
        record = _record(service, row["start_us"], counted, request_id)
        record["modelId"] = f"us.anthropic.{model}-v1"
        record["input"] |= {"inputBodyJson": {"anthropic_version": ANTHROPIC_VERSION, **body}}
        record["output"] |= {"outputBodyJson": message(message_id, model, content, counted, service, era)}
        days.setdefault(row["start_us"] // DAY_US, []).append(_ENCODER.encode(record))
    for day, lines in days.items():
        stamp = iso_day(day).replace("-", "")
        path = f"AWSLogs/{service.account}/BedrockModelInvocationLogs/{REGION}/{iso_day(day).replace('-', '/')}/00"
        output.write_gzip(f"{folder}/{path}/{stamp}T000000000Z_{day:016x}.json.gz", lines)
        output.sampled_calls += len(lines)
    output.note(folder, note_of(service))


def _record(service: Service, start_us: int, counted: Counted, request_id: str) -> dict[str, Any]:
    return {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": timestamp(start_us),
        "accountId": service.account,
        "identity": {"arn": role_arn(service, "i-0a41c6")},
        "region": REGION,
        "requestId": request_id,
        "operation": "InvokeModel",
        "modelId": "",
        "inferenceRegion": REGION,
        "requestMetadata": {"team": "claims"},
        "input": {
            "inputContentType": "application/json",
            "inputTokenCount": counted.uncached,
            "cacheReadInputTokenCount": counted.read,
            "cacheWriteInputTokenCount": counted.write_5m,
        },
        "output": {"outputContentType": "application/json", "outputTokenCount": counted.output},
    }
