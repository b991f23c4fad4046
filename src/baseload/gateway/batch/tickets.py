"""`/v1/baseload/tickets/{id}`: what has become of a call that nobody waits for with an open connection."""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

from baseload.gateway.batch.held import answer_of
from baseload.gateway.batch.records import Seen, Stored
from baseload.gateway.batch.rules import SECOND_US
from baseload.gateway.exchange import Answer
from baseload.gateway.wire.answer import error_answer

PATH: Final = b"/v1/baseload/tickets/"
_LEAST_RETRY_S: Final = 1
_MOST_RETRY_S: Final = 60
_UNKNOWN: Final = "There is no such ticket of this key."


def item_id_in(target: bytes) -> str:
    """The ticket a path names; "" = none."""
    name = target.partition(b"?")[0].removeprefix(PATH)
    return name.decode("ascii") if len(name) < 65 and name.replace(b"_", b"").isalnum() else ""


def ticket_answer(item_id: str, created_us: int, ends_us: int, now_us: int, *, state: str = "queued") -> Answer:
    """202: the call is kept, and its answer will be there."""
    retry_s = max(_LEAST_RETRY_S, min(_MOST_RETRY_S, (ends_us - now_us) // (10 * SECOND_US)))
    path = PATH.decode() + item_id
    body = {
        "id": item_id,
        "type": "baseload_ticket",
        "status": state,
        "created_at": _stamp(created_us),
        "answer_by": _stamp(ends_us),
        "url": path,
    }
    headers = (
        (b"content-type", b"application/json"),
        (b"location", path.encode()),
        (b"retry-after", b"%d" % retry_s),
    )
    return Answer(202, headers, msgspec.json.encode(body))


def status_answer(seen: Seen, stored: Stored | None, now_us: int) -> Answer:
    """The Messages answer with the status it would have had, or the ticket while it is open."""
    if stored is not None:
        return answer_of(stored)
    if seen.wants in ("left", "told", "orphan"):
        return error_answer(410, "This ticket was cancelled.")
    state = "in_batch" if seen.sent == "out" else "sent" if seen.wants == "spilling" else "queued"
    return ticket_answer(seen.item_id, seen.created_us, seen.ends_us, now_us, state=state)


def cancelled_answer(item_id: str) -> Answer:
    body = {"id": item_id, "type": "baseload_ticket", "status": "cancelled"}
    return Answer(200, body=msgspec.json.encode(body))


def unknown() -> Answer:
    return error_answer(404, _UNKNOWN)


def _stamp(us: int) -> str:
    return dt.datetime.fromtimestamp(us / SECOND_US, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
