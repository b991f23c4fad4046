"""Figures of a size document, read back strictly and shown as known: text in, checked dollars out, text to read."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.refusal import CommitError
from baseload.commit.size.amounts import alone, at_unit, highest, lowest, rounded, step_of
from baseload.commit.size.document import SCHEMA, Inputs, SizeDocument
from baseload.commit.size.shown import cost_ends, document_unit, saving

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


def cost(size: SizeDocument, value: float) -> str:
    """A cost of the term or a difference of two, at the unit of the document: what is shown adds up."""
    return stepped(value, document_unit(size))


def less(size: SizeDocument, value: float, than: float) -> float:
    """The difference of two costs as they are shown."""
    unit = document_unit(size)
    return at_unit(than, unit) - at_unit(value, unit)


def part(size: SizeDocument, value: float) -> str:
    """A figure that stands in no sum with the costs, as `commit size` shows it."""
    said = alone(abs(value), document_unit(size))
    return f"{'−' if value < 0 and said != '0' else ''}${said}"


def ends(size: SizeDocument, low: float, high: float) -> str:
    """An interval at the unit of the document, outward."""
    unit = document_unit(size)
    return f"{stepped(lowest(low, unit), 1.0)} to {stepped(highest(high, unit), 1.0)}"


def ends_of_cost(size: SizeDocument) -> str:
    """The 80 % interval of the recommended size's cost."""
    low, high = cost_ends(size)
    return f"{stepped(low, 1.0)} to {stepped(high, 1.0)}"


def saves(size: SizeDocument) -> str:
    """The recommended size's saving: the difference of the two costs as shown."""
    return stepped(saving(size, size.recommended), 1.0)


def outward(low: float, high: float) -> str:
    """An interval rounded to itself, outward.

    >>> outward(93_400, 177_100)
    '$90,000 to $180,000'
    """
    step = step_of(low, high)
    return f"{stepped(lowest(low, step), 1.0)} to {stepped(highest(high, step), 1.0)}"


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
