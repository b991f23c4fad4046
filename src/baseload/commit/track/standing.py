"""Where a signed contract stands: what the test period under way has drawn, and what is left of its balance."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import discounts_at, key_of_year
from baseload.commit.clauses import ZERO
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.current import CurrentContract, months_between
from baseload.commit.refusal import CommitError
from baseload.commit.track.calendar import Span, add_months, period_under_way
from baseload.commit.track.usage import Daily
from baseload.values import Problem

_APART: Final = 0.005
"""Of the commitment: beyond it the file's balance and the usage disagree."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """At the start of `through`, the day after the last known one. Dollars are of the contract's basis.

    `balance_usd` is what the period began with, as far as it is known: drawn + remaining.
    """

    current: CurrentContract
    period: Span
    through: dt.date
    drawn_usd: float
    excess_usd: float
    remaining_usd: float

    @property
    def balance_usd(self) -> float:
        return self.drawn_usd + self.remaining_usd

    @property
    def straight_usd(self) -> float:
        """What a balance drawn evenly over the period would have been drawn by now."""
        return self.balance_usd * (self.through - self.period.start).days / self.period.days


def units(terms: Contract, start: dt.date, span: Span, usd: Array) -> Array:
    """List dollars a day, (…, days of the span), as what draws the balance: eligible, in the contract's basis."""
    if terms.commit_basis == "list":
        return usd * float(terms.eligible_share)
    rates = []
    for place in range(span.days):
        year = min(months_between(start, span.start + dt.timedelta(days=place)) // MONTHS_PER_YEAR, terms.years - 1)
        rates.append(1 - float(discounts_at(terms, key_of_year(terms, year)).committed))
    found: Array = usd * float(terms.eligible_share) * np.array(rates)
    return found


def from_usage(terms: Contract, start: dt.date, daily: Daily, as_of: dt.date | None = None) -> CurrentContract:
    """An offer as signed on `start`, its balance worked out from usage. Raises CommitError.

    What earlier periods bring into this one is not worked out: then a current contract file must say what remains.
    """
    if not terms.commit_usd_by_year:
        raise CommitError("commit_usd_by_year", "missing", "the commitment that was signed")
    through = _through(daily, as_of)
    day = min(through, _last_day(terms, start))
    if through <= start:
        raise CommitError("usage", f"ends before {through}", f"a day from the contract's start, {start}, on")
    period = period_under_way(terms, start, day)
    if period.start > start and _may_carry(terms):
        rule = "--contract, a file that says remaining_usd: an earlier year may have brought dollars into this one"
        raise CommitError("start", start, rule)
    year = months_between(start, period.start) // MONTHS_PER_YEAR
    granted = _granted(terms, year)
    span = Span(period.start, day)
    drawn = float(units(terms, start, span, _covered(daily, span)).sum())
    left = max(ZERO, granted - Decimal(repr(round(drawn, 6))))
    return CurrentContract(
        terms=terms, start=start, end=add_months(start, terms.term_months), as_of=day, paid_usd=ZERO, remaining_usd=left
    )


def standing_of(current: CurrentContract, daily: Daily, as_of: dt.date | None = None) -> tuple[Standing, list[Problem]]:
    """The balance on the day after the last of the usage. Raises CommitError.

    What remains is the file's, less what usage drew since the file's `as_of`. Usage must reach back to the start of
    the test period under way.
    """
    terms, start = current.terms, current.start
    through = min(_through(daily, as_of), current.end)
    if through <= start:
        raise CommitError("usage", f"ends before {through}", f"a day from the contract's start, {start}, on")
    if through < current.as_of:
        rule = f"usage until the day of the balance, {current.as_of}, at least"
        raise CommitError("usage", f"ends before {through}", rule)
    period = period_under_way(terms, start, min(through, _last_day(terms, start)))
    if current.as_of < period.start:
        raise CommitError("as_of", current.as_of, f"a balance of the period under way, which began on {period.start}")
    before, since = Span(period.start, current.as_of), Span(current.as_of, through)
    used_before = float(units(terms, start, before, _covered(daily, before)).sum())
    used_since = float(units(terms, start, since, _covered(daily, since)).sum())
    stated, granted = float(current.remaining_usd), granted_usd(terms, period, start)
    implied = max(0.0, granted - used_before)
    problems = []
    if _may_carry(terms):
        drawn_before = used_before if stated > 0 else min(used_before, granted)
    else:
        drawn_before = max(0.0, granted - stated)
        if abs(implied - stated) > _APART * max(granted, 1.0):
            problems.append(_apart(current.as_of, stated, implied))
    excess_before = max(0.0, used_before - drawn_before) if stated <= 0 else 0.0
    found = Standing(
        current=current,
        period=period,
        through=through,
        drawn_usd=drawn_before + min(used_since, stated),
        excess_usd=excess_before + max(0.0, used_since - stated),
        remaining_usd=max(0.0, stated - used_since),
    )
    return found, problems


def granted_usd(terms: Contract, period: Span, start: dt.date) -> float:
    """Committed dollars of a test period as signed, and the credits of the first."""
    year = months_between(start, period.start) // MONTHS_PER_YEAR
    return float(_granted(terms, year))


def _granted(terms: Contract, year: int) -> Decimal:
    granted = sum(terms.commit_usd_by_year, ZERO) if terms.period == "term" else terms.commit_usd_by_year[year]
    return granted + (terms.credits_usd if year == 0 else ZERO)


def _may_carry(terms: Contract) -> bool:
    """May a period hold more or less than was signed for it?"""
    return bool(terms.carry_forward.share or terms.true_forward or terms.unused.rule in ("roll", "extend", "credit"))


def _through(daily: Daily, as_of: dt.date | None) -> dt.date:
    return daily.end if as_of is None else min(daily.end, as_of)


def _last_day(terms: Contract, start: dt.date) -> dt.date:
    return add_months(start, terms.term_months) - dt.timedelta(days=1)


def _covered(daily: Daily, span: Span) -> Array:
    """The days of a span. Raises CommitError where the usage begins after it."""
    if span.days > 0 and daily.first > span.start:
        raise CommitError("usage", f"begins on {daily.first}", f"every day since {span.start}, the period's start")
    return daily.between(span.start, span.end)


def _apart(as_of: dt.date, stated: float, implied: float) -> Problem:
    return Problem(
        source="track",
        file="",
        row=0,
        code="balance-differs",
        message=f"On {as_of} the contract's balance is not what usage leaves of the commitment; the balance is used",
        value=f"{stated:,.2f} stated, {implied:,.2f} by usage",
        expected="the same within half a percent",
        next_step="Compare the vendor's statement with the usage: scope, credits, or list against net dollars",
    )
