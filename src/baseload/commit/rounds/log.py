"""The rounds of a negotiation as a log that only grows: each entry holds the hash of the one before it.

One JSON object a line. An entry changed, left out or put in breaks the chain from there on, and the log is refused. The
chain shows what was changed after it was written; it does not show who wrote it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec

from baseload.commit.contract import Contract
from baseload.commit.refusal import CommitError
from baseload.commit.rounds.move import Move

SCHEMA: Final = "baseload.commit.log/1"
FIRST: Final = "0" * 64
MOST_BYTES: Final = 16 * 1024 * 1024
Side = Literal["vendor", "buyer"]
SIDES: Final[tuple[Side, ...]] = ("vendor", "buyer")
Words = Annotated[str, msgspec.Meta(max_length=500)]


class Round(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One offer (of the vendor) or counter (of the buyer). `move`: what it changed in dollars, where it was priced."""

    schema: str = SCHEMA
    number: int
    date: dt.date
    side: Side
    by: Words
    note: Words = ""
    offer: Contract
    assumed: tuple[str, ...] = ()
    move: Move | None = None
    previous: str
    hash: str = ""


def appended(
    rounds: Sequence[Round],
    offer: Contract,
    *,
    date: dt.date,
    side: str,
    by: str,
    note: str = "",
    assumed: Sequence[str] = (),
    move: Move | None = None,
) -> Round:
    """The next entry. Raises CommitError on a date before the last round's and on a text that is too long."""
    known = next((one for one in SIDES if one == side), None)
    if known is None:
        raise CommitError("side", side, "vendor (an offer) or buyer (a counter)")
    for field, text in (("by", by), ("note", note)):
        if len(text) > 500 or (field == "by" and not text.strip()):
            raise CommitError(
                field, text or "empty", "1 to 500 characters" if field == "by" else "at most 500 characters"
            )
    if rounds and date < rounds[-1].date:
        raise CommitError("date", date, f"the day of the last round, {rounds[-1].date}, or a later one")
    plain = Round(
        number=len(rounds) + 1,
        date=date,
        side=known,
        by=by,
        note=note,
        offer=offer,
        assumed=tuple(assumed),
        move=move,
        previous=rounds[-1].hash if rounds else FIRST,
    )
    return msgspec.structs.replace(plain, hash=hash_of(plain))


def hash_of(entry: Round) -> str:
    """SHA-256 of the entry's line without its own hash."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(entry, hash=""), order="sorted")).hexdigest()


def line_of(entry: Round) -> bytes:
    return msgspec.json.encode(entry, order="sorted") + b"\n"


def read_rounds(data: bytes, name: str = "rounds.jsonl") -> tuple[Round, ...]:
    """Every round, first to last. Raises CommitError where a line is none or the chain is broken."""
    if len(data) > MOST_BYTES:
        raise CommitError("", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}", where=name)
    found: list[Round] = []
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            entry = msgspec.json.decode(line, type=Round)
        except (msgspec.DecodeError, CommitError) as error:
            raise CommitError(f"line {number}", str(error), f"a round of {SCHEMA}", where=name) from error
        previous = found[-1].hash if found else FIRST
        if entry.previous != previous or entry.hash != hash_of(entry) or entry.number != number:
            rule = "the log as it was written: a round was changed, left out or put in. Restore the file"
            raise CommitError(f"line {number}", entry.hash, rule, where=name)
        found.append(entry)
    return tuple(found)
