"""What a price change does to usage already seen: the same tokens at two books or two days.

Tokens do not move with the price here; that is a question for a plan, not for a price list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from baseload.prices.book import PriceBook, PriceKey, RateRange
from baseload.prices.pricing import amounts, dearest_writes
from baseload.values import TOKEN_CLASSES, Table

YEAR_DAYS = 365
COUNTS = (*TOKEN_CLASSES, "web_search_requests")
"""What of a row is priced."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one price key over the window, every sample scaled. `ttl_unknown`: its cache writes may be 5m or 1h."""

    price_key: str
    counts: dict[str, int]
    ttl_unknown: bool = False


class Priced(NamedTuple):
    """A list price as a range: equal ends unless a TTL or a prompt band is unknown."""

    low: Decimal
    high: Decimal


class ImpactRow(msgspec.Struct, frozen=True, kw_only=True):
    """One price key before and after, in USD of the window. None where that side has no price: then no delta."""

    price_key: str
    tokens: int
    before: Priced | None
    after: Priced | None

    @property
    def delta(self) -> Priced | None:
        """After minus before, like with like: both at their low end, both at their high end."""
        if self.before is None or self.after is None:
            return None
        ends = (self.after.low - self.before.low, self.after.high - self.before.high)
        return Priced(min(ends), max(ends))


class Side(NamedTuple):
    """One state of prices: a book on a day."""

    book: PriceBook
    day: int


def impact(usage: Iterable[Usage], before: Side, after: Side) -> list[ImpactRow]:
    """Each price key's usage at both prices, largest change first; keys of equal price are kept, with a delta of 0."""
    totals: dict[tuple[str, bool], dict[str, int]] = {}
    for part in usage:
        total = totals.setdefault((part.price_key, part.ttl_unknown), dict.fromkeys(COUNTS, 0))
        for name in COUNTS:
            total[name] += part.counts.get(name, 0)
    rows = [_row(text, counts, ttl_unknown, before, after) for (text, ttl_unknown), counts in totals.items()]
    return sorted(rows, key=lambda row: (-_size(row), row.price_key))


def annual(amount: Decimal, window_days: int) -> Decimal:
    """A window's dollars as a year's: x 365 / days of the window."""
    return amount * YEAR_DAYS / window_days


def usage_of_table(table: Table) -> list[Usage]:
    """The usage of a spend table: price_key, the counts and ttl_unknown of every row (masked counts are 0)."""
    columns = {name: _plain(table[name]) for name in (*COUNTS, "ttl_unknown")}
    return [
        Usage(
            price_key=str(key),
            counts={name: columns[name][index] for name in COUNTS},
            ttl_unknown=bool(columns["ttl_unknown"][index]),
        )
        for index, key in enumerate(table["price_key"].tolist())
    ]


def totals(rows: Sequence[ImpactRow]) -> tuple[Priced, Priced]:
    """Dollars before and after over the rows that have both prices."""
    both = [(row.before, row.after) for row in rows if row.before is not None and row.after is not None]
    zero = Decimal(0)
    before = Priced(sum((one.low for one, _ in both), zero), sum((one.high for one, _ in both), zero))
    after = Priced(sum((two.low for _, two in both), zero), sum((two.high for _, two in both), zero))
    return before, after


def _row(text: str, counts: Mapping[str, int], ttl_unknown: bool, before: Side, after: Side) -> ImpactRow:
    key = PriceKey.parse(text)
    return ImpactRow(
        price_key=text,
        tokens=sum(counts[name] for name in TOKEN_CLASSES),
        before=_cost(counts, before.book.rates(key, before.day), ttl_unknown),
        after=_cost(counts, after.book.rates(key, after.day), ttl_unknown),
    )


def _cost(counts: Mapping[str, int], found: RateRange | None, ttl_unknown: bool) -> Priced | None:
    if found is None or any(counts[name] for name in found.unsold):
        return None
    server_tools = counts["web_search_requests"] * found.web_search
    high = dearest_writes(found.high) if ttl_unknown else found.high
    return Priced(
        sum(amounts(counts, found.low).values(), server_tools), sum(amounts(counts, high).values(), server_tools)
    )


def _size(row: ImpactRow) -> Decimal:
    return max(abs(row.delta.low), abs(row.delta.high)) if row.delta else Decimal(0)


def _plain(column: object) -> list[int]:
    """Integers of a column, a masked (missing) one as 0."""
    values = column.tolist()  # type: ignore[attr-defined]  # a numpy array; numpy itself is not loaded here
    return [0 if value is None else int(value) for value in values]
