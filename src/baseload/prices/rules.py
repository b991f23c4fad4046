"""How the rows of the book combine into one price: offer, tier, geography, band, fee, overlay; and why there is none.

Pure functions over the records. Days are integers since 1970-01-01, ends exclusive. Where several rows hold on a day
the last one wins, so that an addition overrides what is packaged for the days it names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeVar

import msgspec

from baseload.prices.overlay import Discount, Overlay, replaced
from baseload.prices.rates import FIELD_OF_CLASS, RATE_FIELDS, PriceKey, RateRange, Rates
from baseload.prices.records import (
    BookRecord,
    FeeRecord,
    ModelRecord,
    ModifierRecord,
    OfferRecord,
    PriceRecord,
    Scope,
)
from baseload.values import day_of_date

OPEN_END = day_of_date(dt.date.max)
"""The exclusive end of a row whose end is not known."""

_ENDLESS = 1 << 62
BAND_EDGES = {
    "0-100k": (0, 100_000),
    "100k-200k": (100_000, 200_000),
    "200k+": (200_000, _ENDLESS),
    "0-200k": (0, 200_000),
    "any": (0, _ENDLESS),
}
"""Prompt tokens of each band of values/bands.py: more than the first number, at most the second."""

_CACHE_RATES = {"cache_read": "read", "cache_write_5m": "write_5m", "cache_write_1h": "write_1h"}
_ZERO = Decimal(0)


Dated = OfferRecord | ModifierRecord | PriceRecord | FeeRecord | Discount
_Row = TypeVar("_Row", OfferRecord, ModifierRecord, PriceRecord, FeeRecord, Discount)


class Unpriced(NamedTuple):
    """Why a combination has no price: a stable code, a sentence, and what would have had one."""

    code: str
    message: str
    expected: str = ""


class Span(NamedTuple):
    """One stretch of days with one answer: `from_day` inclusive, `to_day` exclusive."""

    from_day: int
    to_day: int
    answer: RateRange | Unpriced


class Rules(NamedTuple):
    """The rows that can matter to one key on any day."""

    key: PriceKey
    model: ModelRecord
    offers: Sequence[OfferRecord]
    modifiers: Sequence[ModifierRecord]
    prices: Sequence[PriceRecord]
    fees: Sequence[FeeRecord]
    discounts: Sequence[Discount]

    def spans(self) -> tuple[Span, ...]:
        """Every answer, over all days, in order and without gaps; equal neighbours are joined."""
        days = self._change_days()
        spans: list[Span] = []
        for start, end in zip(days, [*days[1:], OPEN_END], strict=True):
            answer = self.answer(start)
            if spans and spans[-1].answer == answer:
                spans[-1] = spans[-1]._replace(to_day=end)
            else:
                spans.append(Span(start, end, answer))
        return tuple(spans)

    def _change_days(self) -> list[int]:
        days = {0, day_number(self.model.released), day_number(self.model.retires)}
        dated: tuple[Dated, ...] = (*self.offers, *self.modifiers, *self.prices, *self.fees, *self.discounts)
        for row in dated:
            days |= {day_number(row.valid_from), day_number(row.valid_to)}
        return sorted(day for day in days if 0 <= day < OPEN_END)

    def answer(self, day: int) -> RateRange | Unpriced:
        """The rates on one day, or why there are none."""
        missing = self._not_sold(day)
        if missing:
            return missing
        rows = _rows_of_band([row for row in self.prices if holds(row, day)], self.key, self.model)
        if not rows:
            return self._no_row(day)
        chain = [modifier for kind in ("tier", "geo") if (modifier := self._modifier(kind, day))]
        factor = Decimal(1)
        for modifier in chain:
            factor *= modifier.factor
        discount = self._discount(rows, day)
        fee = _last(self.fees, day)
        offer = _last([row for row in self.offers if self.key.speed in row.speeds], day)
        unsold = _unsold(rows, offer, fee)
        priced = [_without(_rates(row, factor, discount), unsold) for row in rows]
        notes = (*(row.note for row in rows), offer.note if offer else "", *(row.note for row in chain))
        return RateRange(
            low=_bound(min, priced),
            high=_bound(max, priced),
            web_search=fee.usd if fee else _ZERO,
            notes=tuple(dict.fromkeys(note for note in (*notes, self._lifecycle_note(day), _mark(discount)) if note)),
            unsold=unsold,
        )

    def _not_sold(self, day: int) -> Unpriced | None:
        key, model = self.key, self.model
        if model.unpriced:
            return Unpriced("no-price-known", f"{model.display_name}: {model.unpriced}.")
        if day < day_number(model.released):
            return Unpriced("before-release", f"{model.display_name} was released on {model.released}.", "a later day")
        sold = [row for row in self.offers if holds(row, day)]
        if not sold:
            return Unpriced("not-on-platform", f"{model.display_name} was not sold on {key.platform} that day.")
        if not any(key.speed in row.speeds for row in sold):
            return Unpriced("no-such-speed", f"{key.platform} sells {model.display_name} at no speed {key.speed!r}.")
        for kind, value in (("tier", key.tier), ("geo", key.geo)):
            if self._modifier(kind, day) is None:
                text = f"{key.platform} has no {kind} {value!r} for {model.display_name} at {key.speed} speed that day."
                return Unpriced(f"no-such-{kind}", text)
        return None

    def _discount(self, rows: Sequence[PriceRecord], day: int) -> Discount | None:
        """The first discount, in file order, that holds on the day and touches one of the rows."""
        edges = {(row.speed, row.over) for row in rows}
        touching = [row for row in self.discounts if row.percent is not None or (row.speed, row.over) in edges]
        return _last(reversed(touching), day)

    def _modifier(self, kind: str, day: int) -> ModifierRecord | None:
        return _last([row for row in self.modifiers if row.kind == kind], day)

    def _no_row(self, day: int) -> Unpriced:
        key, name = self.key, self.model.display_name
        if not any(holds(row, day) for row in self.prices):
            return Unpriced("no-price-that-day", f"No price of {name} at {key.speed} speed is known for that day.")
        return Unpriced(
            "prompt-too-long", f"{name} took no prompts of the band {key.band} that day.", "a shorter prompt"
        )

    def _lifecycle_note(self, day: int) -> str:
        return "after-retirement" if self.model.retires and day >= day_number(self.model.retires) else ""


def rules_of(record: BookRecord, overlay: Overlay, key: PriceKey, model: ModelRecord) -> Rules:
    """The rows of a book that can matter to a key."""
    wanted = {"tier": key.tier, "geo": key.geo}
    return Rules(
        key=key,
        model=model,
        offers=[row for row in record.offers if _covers(row, key, model)],
        modifiers=[
            row
            for row in record.modifiers
            if wanted[row.kind] == row.value and key.speed in row.speeds and _covers(row, key, model)
        ],
        prices=[row for row in record.prices if row.model == model.id and row.speed == key.speed],
        fees=[
            row
            for row in record.fees
            if row.fee == "web_search" and key.platform in row.platforms and model.released >= row.released_from
        ],
        discounts=overlay.matching(model.id, key.platform),
    )


def day_number(text: str) -> int:
    """Days since the epoch of an ISO day; "" is `OPEN_END`."""
    return day_of_date(dt.date.fromisoformat(text)) if text else OPEN_END


def _covers(row: Scope, key: PriceKey, model: ModelRecord) -> bool:
    return (
        (not row.platforms or key.platform in row.platforms)
        and (not row.models or model.id in row.models)
        and model.id not in row.except_models
        and (not row.released_from or model.released >= row.released_from)
        and (not row.released_before or model.released < row.released_before)
    )


def holds(row: Dated, day: int) -> bool:
    """True from valid_from (inclusive) to valid_to (exclusive)."""
    return day_number(row.valid_from) <= day < day_number(row.valid_to)


def _last(rows: Iterable[_Row], day: int) -> _Row | None:
    found: _Row | None = None
    for row in rows:
        if holds(row, day):
            found = row
    return found


def _rows_of_band(rows: Sequence[PriceRecord], key: PriceKey, model: ModelRecord) -> list[PriceRecord]:
    """The rows whose prompt lengths overlap the key's band: one, or more where the band is ambiguous."""
    by_edge = {row.over: row for row in rows}  # a later row replaces an earlier one of the same edge
    edges = sorted(by_edge)
    low, high = BAND_EDGES.get(key.band, (0, 0))
    found = []
    for edge, following in zip(edges, [*edges, _ENDLESS][1:], strict=True):
        row = by_edge[edge]
        top = min(following, row.context or model.context or _ENDLESS)
        if edge < min(high, top) and low < top:
            found.append(row)
    return found


def _rates(row: PriceRecord, factor: Decimal, discount: Discount | None) -> Rates:
    base = Rates(
        uncached_input=row.input,
        output=row.output,
        **{name: getattr(row, field) or _ZERO for name, field in _CACHE_RATES.items()},
    )
    if discount and discount.rates and (discount.speed, discount.over) == (row.speed, row.over):
        base = replaced(base, discount.rates)
    if discount and discount.percent is not None:
        factor *= 1 - discount.percent / 100
    return base.times(factor)


def _without(rates: Rates, unsold: Sequence[str]) -> Rates:
    """Rates of 0 for the token classes that are not sold, so that no range is built on them."""
    fields = [FIELD_OF_CLASS[name] for name in unsold if name in FIELD_OF_CLASS]
    return msgspec.structs.replace(rates, **dict.fromkeys(fields, _ZERO)) if fields else rates


def _bound(choose: Callable[[Iterable[Decimal]], Decimal], rates: Sequence[Rates]) -> Rates:
    """Each class at its cheapest or dearest of the candidate rows."""
    return Rates(**{name: choose([getattr(rate, name) for rate in rates]) for name in RATE_FIELDS})


def _unsold(rows: Sequence[PriceRecord], offer: OfferRecord | None, fee: FeeRecord | None) -> tuple[str, ...]:
    missing = [
        f"{name}_tokens" for name, field in _CACHE_RATES.items() if any(getattr(row, field) is None for row in rows)
    ]
    if offer:
        missing += offer.unsold
    if not fee:
        missing.append("web_search_requests")
    return tuple(dict.fromkeys(missing))


def _mark(discount: Discount | None) -> str:
    return "overlay" if discount else ""
