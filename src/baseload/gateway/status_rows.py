"""What `status` counts: one row an attempt, from the gateway's own call log or from a ledger it was shipped to."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from baseload.engine.port import Engine
from baseload.gateway.batch.unbatched import NOTE as NOT_BATCHED
from baseload.gateway.calllog.recover import whole_lines
from baseload.gateway.calllog.segment import SUFFIX
from baseload.gateway.calllog.to_calls import repriced
from baseload.ledger.sql_parts import canonical_calls
from baseload.prices.book import PriceBook
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair, Pairing, Placed
from baseload.usage.gateway_records import End, Start, booked_nano
from baseload.usage.gateway_rows import ASKED, NAME, NOT_SETTLED, calls_of
from baseload.usage.reader import ReadContext
from baseload.values import TOKEN_CLASSES, Call, Problem, decimal_usd

DONE: Final = ("end_turn", "stop_sequence")
"""An answer that ends so completes something; one that asks for a tool, was cut or refused, does not."""


class Attempt(NamedTuple):
    """One attempt. `usd` at list price as it went, `original_usd` the same tokens at the model asked for; None =
    not known. `first`: the session of a row counts by its first. `reserved_usd`: what the
    budgets keep for a call whose cost is not known, 0 = none.
    `seen_usd`: list price of what an answer had used when it ended before its final usage, the least it cost; None =
    it was read to its end, or nothing was seen of it."""

    start_us: int
    workload: str
    policy_id: str
    stage: str
    arm: str
    session: str
    trip: str
    attempt: int
    purpose: str
    answered: bool
    done: bool
    in_flight: bool
    fell_back: bool
    usd: Decimal | None
    original_usd: Decimal | None
    reserved_usd: Decimal = Decimal(0)
    seen_usd: Decimal | None = None


class Read(msgspec.Struct, kw_only=True):
    """What was read: attempts, records the log could not write, and what was wrong.

    `not_batched`: calls that might have waited for a batch, by workload and why they did not; a ledger has none.
    """

    attempts: list[Attempt] = msgspec.field(default_factory=list)
    dropped: int = 0
    not_batched: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    problems: list[Problem] = msgspec.field(default_factory=list)
    has_stages: bool = True  # False: the source does not keep them, and nothing can be identified


def read_log(folder: Path, context: ReadContext, book: PriceBook) -> Read:
    """Every segment of a folder. A start that stands again in a later segment counts once."""
    found = Read()
    open_now: dict[tuple[str, int], Attempt] = {}
    ended: set[tuple[str, int]] = set()
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        pairing = Pairing()
        for placed in _lines(path):
            try:
                pair = pairing.take(placed)
                if pair is not None:
                    ended.add((pair.head.replica_id, pair.start.seq))
                    found.attempts.append(_attempt(pair, context, book))
            except BadRecord as bad:
                found.problems.append(bad.problem(NAME, path.name, placed.row))
        if pairing.head is not None:
            replica = pairing.head.replica_id
            for seq, (start, row) in pairing.open.items():
                open_now[replica, seq] = _attempt(Pair(pairing.head, start, None, row), context, book)
        found.dropped += sum(n for note in pairing.notes if isinstance(n := note.values.get("dropped"), int))
        for note in pairing.notes:
            if note.kind == NOT_BATCHED:
                counts = {why: count for why, count in note.values.items() if isinstance(count, int)}
                found.not_batched.update({(note.workload, why): count for why, count in counts.items()})
    found.attempts += [attempt for key, attempt in open_now.items() if key not in ended]
    return found


def _lines(path: Path) -> Iterator[Placed]:
    """The records of a segment; none of one that was deleted since the folder was listed: its days are over."""
    with contextlib.suppress(FileNotFoundError):
        yield from whole_lines(path)


def _reserved_nano(start: Start, end: End | None) -> int:
    return start.held_nano if end is None else booked_nano(start, end)


def _attempt(pair: Pair, context: ReadContext, book: PriceBook) -> Attempt:
    start, end = pair.start, pair.end
    calls = list(calls_of(pair, context))
    usd, original = _costs(calls, book, asked_tier="standard" if start.purpose == "serve" else "")
    cut_short = end is not None and end.usage is not None and not end.settled
    known = end is not None and not cut_short and (end.usage is not None or calls[0].requests == 0)
    cost = usd if known else None
    return Attempt(
        start_us=start.us,
        workload=start.workload,
        policy_id=start.policy_id,
        stage=start.stage,
        arm=start.arm,
        session=start.session_id,
        trip=start.trip,
        attempt=start.attempt,
        purpose=start.purpose,
        answered=end is not None and end.outcome == "ok",
        done=end is not None and end.stop_reason in DONE,
        in_flight=end is None,
        fell_back=any("fallback" in call.flags.split(",") for call in calls),
        usd=cost,
        original_usd=original if known else None,
        reserved_usd=decimal_usd(_reserved_nano(start, end)) if cost is None else Decimal(0),
        seen_usd=(usd or Decimal(0)) if cut_short else None,
    )


def _costs(calls: Iterable[Call], book: PriceBook, *, asked_tier: str) -> tuple[Decimal | None, Decimal | None]:
    """Of all parts together; None where one has no price."""
    found = [repriced(call, book, asked_tier=asked_tier) for call in calls]
    actual = [one.actual_usd for one in found]
    original = [one.original_usd for one in found]
    return _sum(actual), _sum(original)


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None


_COLUMNS: Final = ("start_us", "session_id", "flags", "attempt", "stop_reason", "http_status", "requests", "model_raw",
                   "model", "platform", "geo", "tier", "speed", *TOKEN_CLASSES, "web_search_requests")  # fmt: skip


def read_ledger(engine: Engine, book: PriceBook) -> Read:
    """The gateway's rows of an attached ledger. Workload and stage are flags there (`workload:…`, `stage:…`)."""
    table = engine.query(canonical_calls(*_COLUMNS, where=f"stored_calls.source = '{NAME}'"))
    columns = [table[name].tolist() for name in _COLUMNS]
    found = Read(has_stages=False)
    for row in zip(*columns, strict=True):
        attempt = _of_ledger(dict(zip(_COLUMNS, row, strict=True)), book)
        found.has_stages = found.has_stages or bool(attempt.stage)
        found.attempts.append(attempt)
    return found


def _of_ledger(row: dict[str, object], book: PriceBook) -> Attempt:
    flags = str(row["flags"] or "").split(",")
    named = dict(flag.partition(":")[::2] for flag in flags if ":" in flag and not flag.startswith(ASKED))
    given = {name: value for name, value in row.items() if value is not None}
    call = msgspec.convert({**given, "call_id": "", "source": NAME}, Call)
    actual = repriced(call, book, asked_tier="standard" if "shadow" not in flags else "")
    cut_short = NOT_SETTLED in flags
    unknown = cut_short or "in_flight" in flags or "unmetered" in flags
    return Attempt(
        start_us=call.start_us,
        workload=named.get("workload", ""),
        policy_id=named.get("policy", ""),
        stage=named.get("stage", ""),
        arm=next((flag[4:] for flag in flags if flag.startswith("arm_")), ""),
        session=call.session_id,
        trip="",
        attempt=call.attempt or 1,
        purpose=next((flag for flag in flags if flag in ("shadow", "trial", "spill")), "serve"),
        answered=call.requests != 0 and "in_flight" not in flags,
        done=call.stop_reason in DONE,
        in_flight="in_flight" in flags,
        fell_back="fallback" in flags,
        usd=None if unknown else actual.actual_usd,
        original_usd=None if unknown else actual.original_usd,
        seen_usd=(actual.actual_usd or Decimal(0)) if cut_short else None,
    )


def each_first(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    """The first attempt of every session of a workload, in order of time."""
    seen: set[tuple[str, str]] = set()
    for attempt in sorted(attempts, key=lambda one: one.start_us):
        key = (attempt.workload, attempt.session)
        if key not in seen:
            seen.add(key)
            yield attempt
