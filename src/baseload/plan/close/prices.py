"""Prices of two months for the bridge, from the dated price book."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from baseload.plan.close.effects import Rates
from baseload.plan.close.mixture import ONE, Path
from baseload.plan.close.months import Owner
from baseload.prices.book import PriceBook
from baseload.prices.rates import RATE_FIELDS, PriceKey, RateRange
from baseload.values import TOKEN_CLASSES, Window

NANO_PER_TOKEN = 1_000
"""A USD per million tokens is this many nano-dollars per token."""

End = Literal["low", "typical", "high"]
Paid = tuple[Mapping[Owner, Decimal], Mapping[Owner, Decimal]]


def rates_of(book: PriceBook, windows: tuple[Window, Window], paid: Paid, end: End = "typical") -> Rates:
    """Prices for combinations that last month did not use, and what moved between the two windows.

    A price that moved inside a month is charged as it was charged; only what nobody used is priced at the month's end.
    `end` is which tokenizer ratio is taken.
    """
    days = windows[0].end_day_exclusive - 1, windows[1].end_day_exclusive - 1
    return Rates(
        tau=_tau(book, end),
        price=_price(book, days),
        moved=_moved(book, windows[0].start_day, days[1]),
        listed=_listed(book, days),
        paid=paid,
    )


def families(book: PriceBook, models: frozenset[str]) -> frozenset[str]:
    """Tokenizer families of some models: "old", "new"; unknown models have none."""
    return frozenset(book.models[model].tokenizer for model in models if model in book.models) - {""}


def _tau(book: PriceBook, end: End) -> Callable[[str], Decimal]:
    ratio = book.record.tokenizer_ratio
    newer: Decimal = ONE if ratio is None else getattr(ratio, end)

    def tau(model: str) -> Decimal:
        known = book.models.get(model)
        return newer if known is not None and known.tokenizer == "new" else ONE

    return tau


def _price(book: PriceBook, days: tuple[int, int]) -> Callable[[Path], Decimal | None]:
    def price(path: Path) -> Decimal | None:
        found = _nano(book, path, days[0])
        return _nano(book, path, days[1]) if found is None else found

    return price


def _listed(book: PriceBook, days: tuple[int, int]) -> Callable[[Path], Decimal | None]:
    catalogue = PriceBook(book.record)

    def listed(path: Path) -> Decimal | None:
        if not book.overlay.matching(path.model, path.option.platform):
            return None
        before, after = (_nano(catalogue, path, day) for day in days)
        return after / before if before and after is not None else None

    return listed


def _moved(book: PriceBook, first: int, last: int) -> Callable[[Path], bool]:
    def moved(path: Path) -> bool:
        spans = book.spans(_key(path))
        return any(
            first < after.from_day <= last
            and isinstance(before.answer, RateRange)
            and isinstance(after.answer, RateRange)
            and (before.answer.low, before.answer.high) != (after.answer.low, after.answer.high)
            for before, after in pairwise(spans)
        )

    return moved


def _key(path: Path) -> PriceKey:
    option = path.option
    tier = "batch" if path.batch else option.tier or "standard"
    return PriceKey(path.model, option.platform, option.geo, tier, option.speed, option.band)


def _nano(book: PriceBook, path: Path, day: int) -> Decimal | None:
    found = book.rates(_key(path), day)
    if found is None or TOKEN_CLASSES[path.token_class] in found.unsold:
        return None
    rate: Decimal = getattr(found.low, RATE_FIELDS[path.token_class])
    return rate * NANO_PER_TOKEN
