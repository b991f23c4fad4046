"""Message Batches in memory: created, carried out when their time has come, fetched, cancelled, deleted."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.demo.upstream.api_errors import ApiError, invalid, not_found

MOST_REQUESTS: Final = 100_000
EXPIRES_S: Final = 24 * 3600
UNSUPPORTED: Final = ("stream", "speed", "fallbacks", "store", "previous_thread_event_id", "cache_hint", "context_hint")
_CUSTOM_ID: Final = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")

Result = dict[str, Any]
CarryOut = Callable[[Mapping[str, Any], str], Result]
"""(params, workspace) -> the `result` of one item."""


class Batch(msgspec.Struct, kw_only=True):
    """One batch; `results` is empty until it has ended."""

    id: str
    workspace: str
    created: float  # seconds since 1970
    ends: float
    requests: tuple[Mapping[str, Any], ...]
    cancelled: float | None = None
    results: list[dict[str, Any]] = msgspec.field(default_factory=list)

    def object(self, base_url: str, now: float) -> dict[str, Any]:
        ended = now >= self.ends
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        counts["processing"] = 0 if ended else len(self.requests)
        for row in self.results if ended else ():
            counts[row["result"]["type"]] += 1
        status = "ended" if ended else "canceling" if self.cancelled is not None else "in_progress"
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": status,
            "request_counts": counts,
            "created_at": stamp(self.created),
            "expires_at": stamp(self.created + EXPIRES_S),
            "ended_at": stamp(self.ends) if ended else None,
            "archived_at": None,
            "cancel_initiated_at": None if self.cancelled is None else stamp(self.cancelled),
            "results_url": f"{base_url}/v1/messages/batches/{self.id}/results" if ended else None,
        }


class BatchStore:
    """Batches of all workspaces, newest first. `created` counts them all, the deleted too."""

    def __init__(self, carry_out: CarryOut, seed: int) -> None:
        self._carry_out = carry_out
        self._seed = seed
        self._batches: list[Batch] = []
        self.created: list[Batch] = []

    def create(self, workspace: str, body: Mapping[str, Any], now: float, takes_s: float) -> Batch:
        """Raises ApiError on a request that is no batch; the params of each item are looked at later."""
        requests = _checked(body)
        number = len(self.created) + 1
        batch = Batch(
            id=f"msgbatch_{number:024d}", workspace=workspace, created=now, ends=now + takes_s, requests=requests
        )
        self._batches.insert(0, batch)
        self.created.append(batch)
        return batch

    def get(self, workspace: str, batch_id: str, now: float) -> Batch:
        """Carried out if its time has come. Raises ApiError."""
        found = next((one for one in self._batches if one.id == batch_id and one.workspace == workspace), None)
        if found is None:
            raise not_found(f"Message batch {batch_id[:60]} not found.")
        self._settle(found, now)
        return found

    def list(self, workspace: str, now: float) -> Sequence[Batch]:
        found = [one for one in self._batches if one.workspace == workspace]
        for one in found:
            self._settle(one, now)
        return found

    def cancel(self, workspace: str, batch_id: str, now: float, takes_s: float) -> Batch:
        batch = self.get(workspace, batch_id, now)
        if now >= batch.ends:
            raise ApiError(409, "Batch has already ended.")
        if batch.cancelled is None:
            batch.cancelled, batch.ends = now, now + takes_s
        return batch

    def delete(self, workspace: str, batch_id: str, now: float) -> None:
        batch = self.get(workspace, batch_id, now)
        if now < batch.ends:
            raise invalid("A batch can be deleted when it has ended; cancel it first.")
        self._batches.remove(batch)

    def _settle(self, batch: Batch, now: float) -> None:
        """The order of results is not that of requests."""
        if batch.results or now < batch.ends:
            return
        rows = [{"custom_id": one["custom_id"], "result": self._result(batch, one["params"])} for one in batch.requests]
        random.Random(f"{self._seed}/{batch.id}").shuffle(rows)  # noqa: S311 - an order, not a secret
        batch.results = rows

    def _result(self, batch: Batch, params: Mapping[str, Any]) -> Result:
        if batch.cancelled is not None:
            return {"type": "canceled"}
        if batch.ends - batch.created >= EXPIRES_S:
            return {"type": "expired"}
        return self._carry_out(params, batch.workspace)


def _checked(body: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    requests = body.get("requests")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MOST_REQUESTS:
        raise invalid(f"requests: expected a list of 1 to {MOST_REQUESTS}")
    seen = set()
    for number, one in enumerate(requests):
        custom_id = one.get("custom_id") if isinstance(one, Mapping) else None
        if not isinstance(custom_id, str) or not _CUSTOM_ID.match(custom_id):
            raise invalid(f"requests.{number}.custom_id: expected 1 to 64 of a-z, A-Z, 0-9, - and _")
        if custom_id in seen:
            raise invalid(f"requests.{number}.custom_id: not unique")
        if not isinstance(one.get("params"), Mapping):
            raise invalid(f"requests.{number}.params: expected an object")
        seen.add(custom_id)
    return tuple(requests)


def stamp(seconds: float) -> str:
    """RFC 3339, UTC, microseconds."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")
