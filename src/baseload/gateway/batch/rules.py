"""When a call may wait, when a batch is formed, when waiting ends. No clock, no database, no network.

created ──window──> form ──…──> due ──spare──> ends
             the batch goes      no answer yet: the call   the caller has its answer
             upstream            is sent synchronously     by then, or an error
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from baseload.gateway.decide.facts import Facts
from baseload.gateway.exchange import Inbound
from baseload.plan.policy import Batch
from baseload.quality.replay.plan import sendable
from baseload.workloads.rules import deadline_seconds

Mode = Literal["stream", "hold", "ticket"]
"""`stream`: pings until the answer is there. `hold`: no byte until then. `ticket`: 202, and the caller asks again."""

MOST_ITEM_BYTES: Final = 8 * 1024 * 1024
MOST_BATCH_BYTES: Final = 24 * 1024 * 1024
"""A batch is made in memory: far below the API's 256 MB."""
SPARE_S: Final = 10.0
SPARE_TOKENS_PER_S: Final = 50.0
"""What a synchronous answer takes: a convention, and never more than half of the time there is."""
LEAST_SEEN: Final = 8
LEAST_IN_TIME: Final = 0.5
"""A call that spills is paid one and a half times, one that does not half: below one in two, waiting costs money."""
MOST_TRIES: Final = 5
SECOND_US: Final = 1_000_000

_WITH_STREAM: Final = frozenset({"dropped stream"})
_TRANSIENT: Final = frozenset({"api_error", "overloaded_error", "rate_limit_error", "timeout_error"})
_CALLERS: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
}


class Times(NamedTuple):
    """UTC microseconds."""

    form_us: int
    due_us: int
    ends_us: int


class Queued(NamedTuple):
    """A call in the queue, as far as batches are formed by it."""

    item_id: str
    group: str  # calls of one group may share a batch
    workload: str
    size: int
    created_us: int
    form_us: int


def mode_of(inbound: Inbound, facts: Facts) -> Mode | Literal["off"]:
    """How a caller waits: by what it asks for, else by whether it streams.

    `x-baseload-batch: off` sends this call at once; `ticket`, or `prefer: respond-async` (RFC 7240), asks for a ticket.
    """
    said = inbound.header(b"x-baseload-batch").strip().lower()
    if said == b"off":
        return "off"
    if said == b"ticket" or b"respond-async" in inbound.header(b"prefer").lower():
        return "ticket"
    return "stream" if facts.stream else "hold"


def declared_s(inbound: Inbound) -> float | None:
    """How long the caller waits for the whole answer (`x-baseload-timeout`); None where it does not say."""
    try:
        found = float(inbound.header(b"x-baseload-timeout"))
    except ValueError:
        return None
    return found if 0 < found < 1e7 else None


def patience_s(mode: Mode, deadline_s: float, client_s: float | None, total_s: float | None, wait_s: float) -> float:
    """How long an answer may take. A silent caller is held no longer than its own timeout, or `wait_s` without one.

    A stream's timeout is between two bytes and a ticket's caller does not wait, so only what it said of the whole
    answer counts for them.
    """
    bounds = [deadline_s] + ([total_s] if total_s is not None else [])
    if mode == "hold" and total_s is None:
        bounds.append(wait_s if client_s is None else client_s)
    return min(bounds)


def times(batch: Batch, now_us: int, patience: float, max_tokens: int) -> Times:
    """When its batch is formed at the latest, when waiting ends, and when the answer must be there."""
    spare = min(SPARE_S + max_tokens / SPARE_TOKENS_PER_S, patience / 2)
    due = patience - spare
    window = min(float(deadline_seconds(batch.window) or 0), due / 2)
    return Times(*(now_us + int(one * SECOND_US) for one in (window, due, patience)))


def refusal(request: Mapping[str, Any], size: int) -> str:
    """Why a request cannot be in a batch; "" where it can. Nothing is taken out of a caller's request but `stream`."""
    if size > MOST_ITEM_BYTES:
        return "too-large"
    if not isinstance(request.get("max_tokens"), int):
        return "max_tokens"
    found = sendable(request, "batch")
    if found.refusals:
        return found.refusals[0].feature
    lost = [change for change in found.changes if change.action not in _WITH_STREAM]
    return lost[0].feature if lost else ""


def pays(waits_s: float, took_s: Sequence[float]) -> bool:
    """Whether waiting so long is worth its risk, by how long the last batches took; too few of them: it is tried."""
    if len(took_s) < LEAST_SEEN:
        return True
    return sum(one <= waits_s for one in took_s) >= LEAST_IN_TIME * len(took_s)


def to_form(queued: Iterable[Queued], now_us: int, most_items: int) -> list[tuple[Queued, ...]]:
    """The batches to make now: full ones at once, the rest of a group when any of it has waited its window.

    Calls of one workload lie side by side in a batch: the same prefix is cached best that way.
    """
    by_group: dict[str, list[Queued]] = {}
    for one in queued:
        by_group.setdefault(one.group, []).append(one)
    found: list[tuple[Queued, ...]] = []
    for group in by_group.values():
        parts = list(_parts(sorted(group, key=lambda one: (one.created_us, one.item_id)), most_items))
        ripe = any(one.form_us <= now_us for one in parts[-1])
        ready = parts if ripe or len(parts[-1]) >= most_items else parts[:-1]
        found += [tuple(part) for part in ready]
    return [tuple(sorted(part, key=lambda one: (one.workload, one.created_us, one.item_id))) for part in found]


def _parts(group: Sequence[Queued], most_items: int) -> Iterable[list[Queued]]:
    part: list[Queued] = []
    size = 0
    for one in group:
        if part and (len(part) >= most_items or size + one.size > MOST_BATCH_BYTES):
            yield part
            part, size = [], 0
        part.append(one)
        size += one.size
    yield part


def after_failure(error_type: str, now_us: int, ends_us: int) -> Literal["error", "spill"]:
    """What becomes of a call whose item failed. An error of its own it would meet again; anything else is tried
    synchronously while there is time. `error_type` "" = expired, cancelled or gone."""
    if now_us >= ends_us or (error_type and error_type not in _TRANSIENT):
        return "error"
    return "spill"


def status_of(error_type: str) -> int:
    """The status a synchronous call would have had; 504 where the batch ended without an answer."""
    if not error_type:
        return 504
    return {"overloaded_error": 529, "rate_limit_error": 429, "timeout_error": 504, **_CALLERS}.get(error_type, 500)
