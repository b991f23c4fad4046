"""Figures of a size document, read back strictly and shown as known: text in, checked dollars out, text to read."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from baseload.commit.refusal import CommitError
from baseload.commit.size.amounts import rounded, step_of
from baseload.commit.size.document import SCHEMA, Inputs, SizeDocument

MOST_BYTES: Final = 32 * 1024 * 1024
MOST_USD: Final = Decimal(10) ** 13
SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
RUN_ID_DIGITS: Final = 16


def read_size(data: bytes, name: str) -> SizeDocument:
    """The document of `commit size --json`. Raises CommitError, naming the place."""
    if len(data) > MOST_BYTES:
        raise CommitError("", f"{len(data):,} bytes", f"at most {MOST_BYTES:,}", where=name)
    try:
        found = msgspec.json.decode(data, type=SizeDocument)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommitError(
            "", str(error), f"{SCHEMA}, as `baseload commit size --json` prints it", where=name
        ) from error
    if found.schema != SCHEMA:
        raise CommitError("schema", found.schema, SCHEMA, where=name)
    return found


def run_id(inputs: Inputs, version: str) -> str:
    """Which run the figures are of: a hash of its inputs, seed and the version of Baseload."""
    told = msgspec.json.encode({"inputs": inputs, "version": version}, order="sorted")
    return "run-" + hashlib.sha256(told).hexdigest()[:RUN_ID_DIGITS]


def usd_of(record: msgspec.Struct, field: str) -> float:
    """Dollars of a record's `_usd` field. Raises CommitError where there are none, as without a history to size on."""
    return number(getattr(record, field), field)


def number(text: str | None, field: str) -> float:
    """Dollars of a text. Raises CommitError."""
    try:
        value = Decimal(text or "NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > MOST_USD:
        raise CommitError(field, "null" if text is None else text, "dollars: a size that a history carries")
    return float(value)


def dollars(value: float, low: float | None = None, high: float | None = None) -> str:
    """Rounded to the interval it is known to; whole dollars without one.

    >>> dollars(861234.5, 780_000, 940_000), dollars(-1234.4), dollars(0.2)
    ('$860,000', '−$1,234', '$0')
    """
    step = 1.0 if low is None or high is None else step_of(low, high)
    said = rounded(abs(value), step)
    return f"{'−' if value < 0 and said != '0' else ''}${said}"


def about(value: float, figures: int = 2, *, down: bool = False) -> str:
    """A figure without an interval of its own, in so many figures; `down` never rounds it up.

    >>> about(93_932.4), about(-227_687), about(1_569_735, 3), about(1_569_735, 3, down=True)
    ('$94,000', '−$230,000', '$1,570,000', '$1,560,000')
    """
    step = 10.0 ** max(0, len(str(int(abs(value)))) - figures)
    said = rounded(math.floor(abs(value) / step) * step if down else abs(value), step)
    return f"{'−' if value < 0 and said != '0' else ''}${said}"


def yearly(amounts: Sequence[str], field: str) -> str:
    """A commitment by contract year: one amount where all are alike.

    >>> yearly(["625000.00", "625000.00"], "x"), yearly(["1.00", "2.00"], "x"), yearly([], "x")
    ('$625,000 a year', '$1, $2', 'nothing')
    """
    shown = [dollars(number(one, field)) for one in amounts]
    if not shown:
        return "nothing"
    return f"{shown[0]} a year" if len(set(shown)) == 1 else ", ".join(shown)


def mean_yearly(amounts: Sequence[str], field: str) -> float:
    values = [number(one, field) for one in amounts]
    return sum(values) / len(values) if values else 0.0


def chance(value: float | None) -> str:
    """
    >>> chance(0.104), chance(None), chance(0.001)
    ('10 %', 'not known', 'under 1 %')
    """
    if value is None:
        return "not known"
    return "under 1 %" if 0 < value < 0.005 else f"{100 * value:.0f} %"


def points(value: float | None, beyond: bool = False) -> str:
    """Discount points.

    >>> points(3.42), points(50.0, True), points(None)
    ('3.4', 'over 50.0', '—')
    """
    return "—" if value is None else f"{'over ' if beyond else ''}{value:.1f}"
