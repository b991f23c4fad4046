"""From list dollars to cash: at the customer's effective rate, past a prepaid balance, inside the fiscal year.

A customer inside a prepaid commitment saves no cash until its balance is gone: spending less only leaves more of what
is already paid. The walk goes month by month, splits a month where something changes, and charges whole cents.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from itertools import pairwise, zip_longest
from typing import NamedTuple

import msgspec

from baseload.ledger.run_rate import YEAR_DAYS
from baseload.plan.words import dollars
from baseload.values import NANO_PER_CENT, Window, date_of_day, day_of_date

LIST = Decimal(1)
"""The effective rate of a customer without a discount."""
_RATE_PLACES = Decimal("0.000000001")


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of a prepaid commitment. Usage draws it down at the effective rate until `ends_day`.

    `balance_nano` is in the dollars usage is charged in, as of the day the walk starts. What is left on `ends_day`
    (exclusive) is forfeited. `overage_rate` is the share of list that usage costs beyond it; None: the effective rate.
    """

    balance_nano: int
    ends_day: int
    overage_rate: Decimal | None = None


class Level(NamedTuple):
    """From this day on the plan saves so many list nano-dollars a year; several days in rising order."""

    from_day: int
    saved_annual_nano: int


class CashPart(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of days inside one month: without the plan and with it. Charges and cash are whole cents."""

    window: Window
    list_before_nano: int
    list_after_nano: int
    charge_before_nano: int
    charge_after_nano: int
    cash_before_nano: int
    cash_after_nano: int
    balance_before_nano: int  # at the end of the stretch, without the plan
    balance_after_nano: int


class CashYear(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan is worth until the fiscal year ends, three ways, and what becomes of a prepaid balance.

    `balance_*_nano` is what is left when the year ends; `forfeited_*_nano` what a commitment that ended inside the
    year left unused; "before" is without the plan. `gone_*_day` is the first day that costs cash, None if none does.
    """

    window: Window
    effective_rate: Decimal
    list_saved_nano: int
    effective_saved_nano: int
    cash_saved_nano: int
    balance_before_nano: int
    balance_after_nano: int
    forfeited_before_nano: int
    forfeited_after_nano: int
    gone_before_day: int | None
    gone_after_day: int | None
    parts: tuple[CashPart, ...]
    sentence: str


def effective_rate(billed_nano: int, list_nano: int) -> Decimal | None:
    """Billed dollars as a share of list dollars of the same usage, nine places; None without list dollars."""
    if list_nano <= 0 or billed_nano < 0:
        return None
    return (Decimal(billed_nano) / list_nano).quantize(_RATE_PLACES, rounding=ROUND_HALF_EVEN)


def fiscal_year(day: int, start_month: int) -> Window:
    """The fiscal year a day falls in; it starts on the first of `start_month` (1-12).

    >>> fiscal_year(day_of_date(dt.date(2026, 11, 22)), 2).end_day_exclusive == day_of_date(dt.date(2027, 2, 1))
    True
    """
    if not 1 <= start_month <= 12:
        raise ValueError(f"fiscal year starts in month {start_month}; expected 1 to 12")
    date = date_of_day(day)
    first = date.year if date.month >= start_month else date.year - 1
    start, end = dt.date(first, start_month, 1), dt.date(first + 1, start_month, 1)
    return Window(start_day=day_of_date(start), end_day_exclusive=day_of_date(end))


def cash_year(
    run_rate_nano: int,
    levels: Sequence[Level],
    *,
    as_of_day: int,
    fiscal_start_month: int = 1,
    rate: Decimal = LIST,
    commitment: Commitment | None = None,
) -> CashYear:
    """From `as_of_day` to the end of its fiscal year, at a level run rate and with the plan's savings as they land.

    `run_rate_nano` is list nano-dollars a year as billed, spread evenly over 365 days; no growth is mixed in.
    """
    year = fiscal_year(as_of_day, fiscal_start_month)
    window = Window(start_day=as_of_day, end_day_exclusive=year.end_day_exclusive)
    before, after = _Wallet(commitment, rate), _Wallet(commitment, rate)
    parts = []
    for stretch in _stretches(window, commitment.ends_day if commitment else None):
        whole = Fraction(run_rate_nano * stretch.days, YEAR_DAYS)
        saved = Fraction(_saved_day_nano(levels, stretch), YEAR_DAYS)
        parts.append(_part(stretch, whole, whole - saved, before, after))
    before.reach(window.end_day_exclusive)
    after.reach(window.end_day_exclusive)
    return _year(window, rate, parts, before, after)


class _Wallet:
    """A prepaid balance being spent, and then cash."""

    def __init__(self, commitment: Commitment | None, rate: Decimal) -> None:
        self.balance_nano = commitment.balance_nano if commitment else 0
        self.forfeited_nano = 0
        self.gone_day: int | None = None
        self._ends_day = commitment.ends_day if commitment else None
        self._rate = rate
        overage = commitment.overage_rate if commitment else None
        self._beyond = rate if overage is None else overage

    def reach(self, day: int) -> None:
        """What a commitment that ends by `day` left unused is forfeited."""
        if self._ends_day is not None and day >= self._ends_day:
            self.forfeited_nano, self.balance_nano = self.forfeited_nano + self.balance_nano, 0

    def pay(self, stretch: Window, list_nano: Fraction) -> tuple[int, int]:
        """(charge, cash) of a stretch, in whole cents: the balance first, then the rate beyond it."""
        self.reach(stretch.start_day)
        charge = _cents(list_nano * Fraction(self._rate))
        drawn = min(charge, self.balance_nano)
        self.balance_nano -= drawn
        if drawn == charge:
            return charge, 0
        if self.gone_day is None:
            self.gone_day = stretch.start_day + int(stretch.days * Fraction(drawn, charge))
        left = list_nano * Fraction(charge - drawn, charge)
        cash = _cents(left * Fraction(self._beyond)) if self._beyond != self._rate else charge - drawn
        return drawn + cash, cash


def _stretches(window: Window, ends_day: int | None) -> Iterator[Window]:
    """The calendar months of a window, cut once more where a commitment ends."""
    cuts = {window.start_day, window.end_day_exclusive}
    cuts |= {day for day in range(window.start_day, window.end_day_exclusive) if date_of_day(day).day == 1}
    if ends_day is not None and ends_day in window:
        cuts.add(ends_day)
    ordered = sorted(cuts)
    for start, end in pairwise(ordered):
        yield Window(start_day=start, end_day_exclusive=end)


def _saved_day_nano(levels: Sequence[Level], stretch: Window) -> int:
    """Annual savings in force, summed over the days of a stretch."""
    total = 0
    for level, following in zip_longest(levels, levels[1:]):
        start = max(level.from_day, stretch.start_day)
        end = min(following.from_day if following else stretch.end_day_exclusive, stretch.end_day_exclusive)
        total += level.saved_annual_nano * max(0, end - start)
    return total


def _part(stretch: Window, list_before: Fraction, list_after: Fraction, before: _Wallet, after: _Wallet) -> CashPart:
    charge_before, cash_before = before.pay(stretch, list_before)
    charge_after, cash_after = after.pay(stretch, list_after)
    return CashPart(
        window=stretch,
        list_before_nano=round(list_before),
        list_after_nano=round(list_after),
        charge_before_nano=charge_before,
        charge_after_nano=charge_after,
        cash_before_nano=cash_before,
        cash_after_nano=cash_after,
        balance_before_nano=before.balance_nano,
        balance_after_nano=after.balance_nano,
    )


def _year(window: Window, rate: Decimal, parts: Sequence[CashPart], before: _Wallet, after: _Wallet) -> CashYear:
    cash_saved = sum(part.cash_before_nano - part.cash_after_nano for part in parts)
    effective_saved = sum(part.charge_before_nano - part.charge_after_nano for part in parts)
    return CashYear(
        window=window,
        effective_rate=rate,
        list_saved_nano=sum(part.list_before_nano - part.list_after_nano for part in parts),
        effective_saved_nano=effective_saved,
        cash_saved_nano=cash_saved,
        balance_before_nano=before.balance_nano,
        balance_after_nano=after.balance_nano,
        forfeited_before_nano=before.forfeited_nano,
        forfeited_after_nano=after.forfeited_nano,
        gone_before_day=before.gone_day,
        gone_after_day=after.gone_day,
        parts=tuple(parts),
        sentence=_sentence(cash_saved, effective_saved, before, after),
    )


def _sentence(cash_saved: int, effective_saved: int, before: _Wallet, after: _Wallet) -> str:
    if not effective_saved:
        return "Nothing lands before the fiscal year ends."
    if cash_saved == effective_saved:
        return "Every dollar saved is cash."
    left, lost = after.balance_nano - before.balance_nano, after.forfeited_nano - before.forfeited_nano
    kept = [f"{dollars(left)} more is left of the prepaid balance when the year ends"] if left > 0 else []
    kept += [f"{dollars(lost)} more of it is forfeited when the commitment ends"] if lost > 0 else []
    rest = f": {' and '.join(kept)}" if kept else ""
    if not cash_saved:
        return f"No cash is saved this fiscal year{rest}."
    return f"{dollars(cash_saved)} of {dollars(effective_saved)} saved is cash{rest}."


def _cents(nano: Fraction) -> int:
    """Nano-dollars rounded half-even to a whole cent, as an invoice states them."""
    return round(nano / NANO_PER_CENT) * NANO_PER_CENT
