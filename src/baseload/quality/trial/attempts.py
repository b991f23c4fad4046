"""Which attempts at a candidate there were: from the folders they left, and from a log that outlives the folders.

The log lies beside the verdicts, a hash chain of what began and how it ended. Where a trial's folder is gone the log
says what its attempt left of alpha and which calls it compared; an attempt of which neither says how it went lets none
hold until its time is over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import Bar
from baseload.quality.record import read_record
from baseload.quality.trial.earlier import Attempt, mark
from baseload.quality.trial.evidence import Evidence
from baseload.quality.trial.facts import graded_of, order_of, terms_of
from baseload.quality.trial.tested import Weighing
from baseload.values import iso_day


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log. `wealth` None = the attempt began, and how it ended another line says, or none does."""

    attempt: int
    on: int  # UTC day
    counts_until: int  # the first UTC day on which it no longer counts
    simulated: bool
    verdict_id: str = ""
    wealth: float | None = None
    calls: tuple[str, ...] = ()
    paid_usd: Decimal = Decimal(0)  # of entries that do not say


def read_log(path: Path) -> tuple[Entry, ...]:
    """Every entry; none where there is no log. Raises Tampered where its chain does not hold, UsageError."""
    data = path.read_bytes() if path.is_file() else b""
    whole = data[: data.rfind(b"\n") + 1]
    try:
        return tuple(msgspec.convert(line.body, Entry) for line in read_record(whole)) if whole else ()
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}; expected the log of a candidate's attempts") from error


def note(path: Path, entry: Entry) -> None:
    """Append an entry, once; on disk when this returns."""
    if any((one.attempt, one.wealth) == (entry.attempt, entry.wealth) for one in read_log(path)):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with Evidence(path) as log:
        log.walk()
        log.put(("event", msgspec.to_builtins(entry)))


def left_by(record: bytes, sample: bytes = b"") -> Attempt:
    """What an attempt left, by its record and its `sample.json`: its wealth at the last call compared, 1 before any.

    Raises Tampered where the chain does not hold, UsageError where they cannot be a trial's.
    """
    lines = read_record(record) if record else []
    bodies: dict[str, list[Mapping[str, Any]]] = {"sample": [], "control": [], "pair": [], "verdict": []}
    for line in lines:
        bodies.setdefault(line.kind, []).append(line.body)
    begun = _identity(sample) or next((body for body in bodies["sample"] if body.get("of") == "summary"), {})
    verdict = next(iter(bodies["verdict"]), {})
    until = verdict.get("expires_on")
    return Attempt(
        number=int(begun.get("attempt", begun.get("earlier_trials", 0) + 1)),
        wealth=_wealth(lines[0].body, bodies) if bodies["pair"] else 1.0,
        verdict_id=lines[-1].sha256 if verdict else "",
        simulated=begun.get("simulated") is True,
        calls=tuple(mark(str(body.get("call", ""))) for body in bodies["pair"]),
        counts_until=until if isinstance(until, int) else None,
    )


def _identity(sample: bytes) -> Mapping[str, Any]:
    """What `sample.json` says its trial is; empty where it does not."""
    try:
        found = msgspec.json.decode(sample, type=dict[str, Any]).get("identity")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _wealth(bar: Mapping[str, Any], bodies: Mapping[str, Sequence[Mapping[str, Any]]]) -> float:
    try:
        hows = [body.get("how") for body in bodies["pair"]]
        walk = Weighing(terms_of(msgspec.convert(bar, Bar), bodies["sample"], bodies["control"], hows))
        for pair in graded_of(bodies["pair"], order_of(bodies["sample"])):
            walk.see(pair)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(f"the record of an earlier attempt: {error}; expected a trial's") from error
    return walk.wealth


def counting(number: int, folders: Mapping[int, Attempt], log: Sequence[Entry], day: int) -> tuple[Attempt, ...]:
    """The attempts before `number` that count on a day, by number; `folders` are those whose record is there.

    Raises UsageError where one began of which nobody knows how it went.
    """
    found: list[Attempt] = []
    for earlier in sorted({*folders, *(one.attempt for one in log)}):
        entries = [one for one in log if one.attempt == earlier]
        if earlier >= number or _until(folders.get(earlier), entries) <= day:
            continue
        known = [one for one in entries if one.wealth is not None]
        attempt = folders.get(earlier) or (_of_log(known[-1]) if known else None)
        if attempt is None:
            raise UsageError(
                f"attempt {earlier}, begun on {iso_day(entries[-1].on)}, is gone, and nobody knows how it went: none "
                f"can hold before {iso_day(entries[-1].counts_until)}. Put its folder back where it was."
            )
        least = min([attempt.wealth, *(one.wealth for one in known if one.wealth is not None)])
        most = max([attempt.paid_usd, *(one.paid_usd for one in entries)])
        found.append(msgspec.structs.replace(attempt, wealth=least, paid_usd=most))
    return tuple(found)


def _until(attempt: Attempt | None, entries: Sequence[Entry]) -> float:
    """The first day it no longer counts; for ever where nobody says."""
    said = attempt.counts_until if attempt is not None else None
    return max([one.counts_until for one in entries] + ([said] if said is not None else []), default=math.inf)


def _of_log(entry: Entry) -> Attempt:
    return Attempt(
        number=entry.attempt,
        wealth=entry.wealth or 0.0,
        verdict_id=entry.verdict_id,
        simulated=entry.simulated,
        calls=entry.calls,
        paid_usd=entry.paid_usd,
    )
