"""Latency and faults, programmed from outside: each is used up in the order it was given."""

from __future__ import annotations

from typing import Literal

import msgspec

FaultKind = Literal[
    "status",  # an error of the API: `status`, with retry-after where given
    "reset_before",  # the request is read, not carried out, and the connection reset
    "answer_lost",  # the request is carried out, and the connection reset before the first byte
    "reset_after",  # the first `after` bytes of the answer, then a reset
    "hang",  # no byte until the client gives up
    "stall",  # the first `after` bytes of the answer, then silence until the client gives up
    "truncate",  # the answer ends after `after` bytes as if it were whole (no last chunk, connection closed)
    "error_event",  # of a stream: `event: error` after `after` events, then the end
    "malformed",  # of a stream: `after` events, then bytes that are no event
    "dribble",  # the whole answer, a byte a write
]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong. It meets requests whose "METHOD path" begins with `match`.

    The first `skip` of them go well, the next `times` do not (0 = all of them from then on).
    """

    kind: FaultKind
    match: str = "POST /v1/messages"
    skip: int = 0
    times: int = 1
    after: int = 0
    status: int = 529
    retry_after_s: float | None = None
    error_code: str = ""


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Times in seconds. `batch_s` is how long a batch takes from its creation, `cancel_s` from its cancellation."""

    latency_s: float = 0.0
    event_gap_s: float = 0.0
    batch_s: float = 0.0
    cancel_s: float = 0.0
    requests_limit: int = 4000
    tokens_limit: int = 2_000_000


class FaultPlan:
    """The faults still to come."""

    def __init__(self) -> None:
        self._left: list[tuple[Fault, int]] = []  # with how many requests it has met

    def add(self, *faults: Fault) -> None:
        self._left.extend((fault, 0) for fault in faults)

    def clear(self) -> None:
        self._left.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """The fault of this request. Every matching fault counts it; the first that is due happens."""
        due: Fault | None = None
        kept = []
        for fault, met in self._left:
            if not f"{method} {path}".startswith(fault.match):
                kept.append((fault, met))
                continue
            is_due = met >= fault.skip and due is None
            if is_due:
                due = fault
            met = met + 1 if is_due or met < fault.skip else met
            if not fault.times or met < fault.skip + fault.times:
                kept.append((fault, met))
        self._left = kept
        return due
