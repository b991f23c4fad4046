"""Figures of a size document, read back strictly and shown as known: text in, checked dollars out, text to read."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from baseload.commit.contract import MONTHS_PER_YEAR
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
    return stepped(value, 1.0 if low is None or high is None else step_of(low, high))


def about(value: float, figures: int = 2, *, down: bool = False) -> str:
    """A figure without an interval of its own, in so many figures; `down` never rounds it up.

    >>> about(93_932.4), about(-227_687), about(1_569_735, 3), about(1_569_735, 3, down=True)
    ('$94,000', '−$230,000', '$1,570,000', '$1,560,000')
    """
    step = 10.0 ** max(0, len(str(int(abs(value)))) - figures)
    said = rounded(math.floor(abs(value) / step) * step if down else abs(value), step)
    return f"{'−' if value < 0 and said != '0' else ''}${said}"


def yearly(amounts: Sequence[str], field: str, months: int | None = None, *, mean: bool = False) -> str:
    """A commitment by contract year: one amount where all are alike, and its months where a year is not whole.

    `months` from its start to the end of the term; None = whole years. `mean`: of many sizes, so in three figures.

    >>> yearly(["625000.00", "625000.00"], "x"), yearly(["1.00", "2.00"], "x"), yearly(["0.00"], "x"), yearly([], "x")
    ('$625,000 a year', '$1, $2', 'nothing', 'nothing')
    >>> yearly(["759669.00"], "x", 9, mean=True), yearly(["8.00", "6.00"], "x", 21)
    ('$760,000 for 9 months', '$8 for 12 months, $6 for 9 months')
    """
    values = [number(one, field) for one in amounts]
    if not any(values):
        return "nothing"
    shown = [about(one, 3) if mean else dollars(one) for one in values]
    if months is not None and months < MONTHS_PER_YEAR * len(values):
        parts = [min(MONTHS_PER_YEAR, max(0, months - MONTHS_PER_YEAR * place)) for place in range(len(values))]
        return ", ".join(
            f"{one} for {part} month{'' if part == 1 else 's'}" for one, part in zip(shown, parts, strict=True)
        )
    return f"{shown[0]} a year" if len(set(shown)) == 1 else ", ".join(shown)


def apart(values: Sequence[float], low: float, high: float) -> float:
    """The step that figures of one table are rounded to: that of their interval, finer where they would look alike.

    For figures on the same paths: their distance is known better than either.

    >>> apart([1_154_216, 1_206_310], 800_000, 1_600_000), apart([5.0, 5.0], 0, 1_000)
    (10000.0, 100.0)
    """
    ordered = sorted(values)
    gaps = [more - less for less, more in itertools.pairwise(ordered) if more - less >= 1]
    finest = 10.0 ** math.floor(math.log10(min(gaps))) if gaps else math.inf
    return max(1.0, min(step_of(low, high), finest))


def stepped(value: float, step: float) -> str:
    """Dollars to a step.

    >>> stepped(-1_234.0, 100.0)
    '−$1,200'
    """
    said = rounded(abs(value), step)
    return f"{'−' if value < 0 and said != '0' else ''}${said}"


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
