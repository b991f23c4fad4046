"""The contract already signed, and what can be done in the middle of it.

What was paid is paid: an option is judged by the cash still to come. While a prepaid balance lasts, a list dollar saved
saves no cash; it does once it lowers overage, leaves room for other work, or reaches months after the end.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.bands import committed_cash_usd, discounts_at, key_of_year
from baseload.commit.clauses import ZERO, Band
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.legs import Journey, Leg, forfeits, simulate_legs
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError, check_share, check_usd
from baseload.commit.simulate import Opening

MOST_PULLED_MONTHS: Final = 3
"""How many months of later work may be pulled forward at most."""


class CurrentContract(msgspec.Struct, frozen=True, kw_only=True):
    """A signed contract as it stands on `as_of`. Whole months; `end` is exclusive.

    `remaining_usd` is what may still be drawn of the test period under way (the contract year, or the term), in the
    contract's basis; `paid_usd` all
    cash paid for commitments so far.
    """

    terms: Contract
    start: dt.date
    end: dt.date
    as_of: dt.date
    paid_usd: Decimal
    remaining_usd: Decimal

    def __post_init__(self) -> None:
        if not self.terms.commit_usd_by_year:
            raise CommitError("commit_usd_by_year", "missing", "the commitment that was signed")
        if self.terms.period in ("month", "quarter"):
            raise CommitError("period", self.terms.period, "year or term: one balance that remaining_usd is left of")
        check_usd("paid_usd", self.paid_usd)
        check_usd("remaining_usd", self.remaining_usd)
        months = months_between(self.start, self.end)
        if months != self.terms.term_months:
            raise CommitError("end", self.end, f"{self.terms.term_months} months after start, as term_months says")
        if not self.start <= self.as_of < self.end:
            raise CommitError("as_of", self.as_of, f"a day from {self.start} until, not including, {self.end}")
        years = self.terms.years if self.terms.period == "term" else self.year + 1
        granted = sum(self.terms.commit_usd_by_year[:years], ZERO) + self.terms.credits_usd
        if self.remaining_usd > granted:
            raise CommitError("remaining_usd", self.remaining_usd, f"at most what was committed so far, {granted}")
        if self.paid_usd > self.committed_cash_usd:
            raise CommitError(
                "paid_usd", self.paid_usd, f"at most the term's commitment, {self.committed_cash_usd:.2f}"
            )

    @property
    def months_gone(self) -> int:
        """Whole months since the start; the month under way counts as one that remains."""
        return months_between(self.start, self.as_of)

    @property
    def year(self) -> int:
        """The contract year under way, the first being 0."""
        return self.months_gone // MONTHS_PER_YEAR

    @property
    def committed_cash_usd(self) -> Decimal:
        """What the whole term commits to pay."""
        return sum((committed_cash_usd(self.terms, year) for year in range(self.terms.years)), ZERO)

    @property
    def due_usd(self) -> Decimal:
        """Committed cash of the years until now that is not paid yet; owed whatever is done. 0 in arrears."""
        if self.terms.payment == "arrears":
            return ZERO
        so_far = sum((committed_cash_usd(self.terms, year) for year in range(self.year + 1)), ZERO)
        return max(ZERO, so_far - self.paid_usd)

    @property
    def notice_by(self) -> dt.date | None:
        """The last day to stop an automatic renewal; None where it does not renew by itself."""
        renewal = self.terms.renewal
        return self.end - dt.timedelta(days=renewal.notice_days) if renewal.auto else None


def months_between(start: dt.date, day: dt.date) -> int:
    """Whole months from `start` to `day`."""
    return (day.year - start.year) * 12 + day.month - start.month - (day.day < start.day)


def legs_of(current: CurrentContract) -> list[Leg]:
    """The rest of the contract as legs from the month under way on: this year's balance, then the years to come."""
    terms, year = current.terms, current.year
    gone = current.months_gone
    first = terms.term_months if terms.period == "term" else (year + 1) * MONTHS_PER_YEAR
    left = min(first, terms.term_months) - gone
    plain = replace(terms, step_down=None, step_down_band="keep", step_up=None, termination=None, credits_usd=ZERO)
    now = replace(
        plain,
        term_months=left,
        commit_usd_by_year=(ZERO,) * -(-left // MONTHS_PER_YEAR),
        bands=_flat(terms, year),
        hold_months=_held(terms, gone, left),
        support_usd_per_year=ZERO,
    )
    if first < terms.term_months and not _rolls(terms, year):
        now = forfeits(now)
    legs = [Leg(contract=now, start=0, opening=Opening(own_usd=float(current.remaining_usd)))]
    if first < terms.term_months:
        months = terms.term_months - first
        later = replace(
            plain,
            term_months=months,
            commit_usd_by_year=terms.commit_usd_by_year[year + 1 :],
            bands=terms.bands if terms.band_key == "annual_commit" else _flat(terms, year + 1),
            hold_months=_held(terms, first, months),
        )
        legs.append(Leg(contract=later, start=left, signed_then=False))
    return legs


def _rolls(terms: Contract, year: int) -> bool:
    """May the year's unused dollars roll into the next one?"""
    condition, commits = terms.roll_condition, terms.commit_usd_by_year
    return condition is None or commits[year + 1] >= condition.renew_at_least * commits[year]


def _flat(terms: Contract, year: int) -> tuple[Band, ...]:
    """The discount of one contract year as signed, whatever is still committed."""
    extra = terms.prepay_discount if terms.payment == "upfront" else ZERO
    discount = discounts_at(terms, key_of_year(terms, year)).committed
    return (Band(from_usd=ZERO, discount=discount - extra),)


def _held(terms: Contract, gone: int, months: int) -> int | None:
    return None if terms.hold_months is None else min(months, max(0, terms.hold_months - gone))


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do now. Dollars are means over the paths from the month under way to the end of the paths.

    `saved_usd` is cash against waiting with the savings until the end; `list_saved_usd` the list dollars less used: the
    difference is what the remaining balance swallows. `lost_usd` is commitment never used, in the contract's basis.
    """

    name: str
    cost_usd: float
    p10_usd: float
    p90_usd: float
    saved_usd: float
    list_saved_usd: float
    lost_usd: float


def midterm_options(
    current: CurrentContract,
    as_is: Paths,
    shipped: Paths,
    *,
    reforecast_share: Decimal = ZERO,
    pull_months: int = MOST_PULLED_MONTHS,
    renewal: Contract | None = None,
) -> tuple[Option, ...]:
    """What each option costs on the same paths, from the month under way on.

    `as_is` is usage while nothing ships and `shipped` usage if everything ships now; both reach at least to the
    contract's end, and beyond it where the months after it are to count. `reforecast_share`: how much of the remaining
    balance the vendor would give back. `renewal`: what is signed next (at the end, or now in `renew early`); without it
    usage after the end is at list. Raises CommitError.
    """
    check_share("reforecast_share", reforecast_share)
    legs = legs_of(current)
    end = sum(leg.contract.term_months for leg in legs)
    if as_is.months != shipped.months or as_is.count != shipped.count or as_is.months < end:
        raise CommitError("usage", f"{as_is.months} and {shipped.months} months", f"the same, at least {end}")
    waiting = replace(as_is, list_usd=np.hstack([as_is.list_usd[:, :end], shipped.list_usd[:, end:]]))
    after = _after(renewal, end, as_is.months)
    due = float(current.due_usd)
    plans: list[tuple[str, Sequence[Leg], Paths, float]] = [
        ("wait until the end", [*legs, *after], waiting, due),
        ("ship now", [*legs, *after], shipped, due),
    ]
    if reforecast_share:
        back = current.remaining_usd * reforecast_share
        price = legs[0].contract.bands[0].discount if current.terms.commit_basis == "list" else ZERO
        given = 0.0 if current.terms.payment == "arrears" else float(back * (1 - price))
        less = Leg(contract=legs[0].contract, start=0, opening=Opening(own_usd=float(current.remaining_usd - back)))
        plans.append(("ship now, reforecast", [less, *legs[1:], *after], shipped, due - given))
    if pull_months:
        plans.append(("ship now, pull work forward", [*legs, *after], _pulled(legs, shipped, end, pull_months), due))
    if renewal is not None and renewal.term_months <= as_is.months:
        early = Leg(contract=renewal, start=0, opening=Opening(rolled_usd=float(current.remaining_usd)))
        plans.append(("ship now, renew early", [early], shipped, due))
    found = [(name, simulate_legs(chosen, paths), paths, extra) for name, chosen, paths, extra in plans]
    base = float(found[0][1].cost_usd.mean()) + due
    listed = float(waiting.list_usd.sum(axis=1).mean())
    return tuple(_option(name, journey, paths, extra, base, listed) for name, journey, paths, extra in found)


def _after(renewal: Contract | None, end: int, months: int) -> list[Leg]:
    fits = renewal is not None and end + renewal.term_months <= months
    return [Leg(contract=renewal, start=end)] if renewal is not None and fits else []


def _pulled(legs: Sequence[Leg], paths: Paths, end: int, months: int) -> Paths:
    """Work of the months after the end done in the last month instead, as far as the balance would be lost."""
    lost = simulate_legs(legs, paths.first(end)).legs[-1].lost
    usage = paths.list_usd.copy()
    later = usage[:, end : end + min(months, MOST_PULLED_MONTHS)]
    contract = legs[-1].contract
    rate = 1.0 if contract.commit_basis == "list" else 1 - float(contract.bands[0].discount)
    total: Array = later.sum(axis=1)
    moved = np.minimum(lost / rate, total)
    usage[:, end - 1] += moved
    kept = np.divide(total - moved, total, out=np.ones_like(total), where=total > 0)
    usage[:, end : end + later.shape[1]] = later * kept[:, None]
    return replace(paths, list_usd=usage)


def _option(name: str, journey: Journey, paths: Paths, extra: float, base: float, listed: float) -> Option:
    cost = journey.cost_usd + extra
    low, high = np.quantile(cost, [0.1, 0.9]).tolist()
    numbers: dict[str, Any] = {
        "cost_usd": float(cost.mean()),
        "p10_usd": low,
        "p90_usd": high,
        "saved_usd": base - float(cost.mean()),
        "list_saved_usd": listed - float(paths.list_usd.sum(axis=1).mean()),
        "lost_usd": float(sum(float(leg.lost.mean()) for leg in journey.legs)),
    }
    return Option(name=name, **{key: round(value, 2) for key, value in numbers.items()})
