"""Looking a commitment up in its bands: the rate of what is committed, of what exceeds it, of the band above.

All-units: the band's discount on every dollar. Marginal: each dollar at the discount of the band it lies in, so the
committed rate is an average and overage has the last band's. Bands are in dollars of the contract's own basis; below
the first band there is no discount; `prepay_discount` comes on top where payment is upfront.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.clauses import ONE, ZERO, Band
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months

_EDGE: Final = 1e-12
"""Relative: an amount that reaches a band but for floating-point rounding has reached it."""


class Discounts(NamedTuple):
    """Fractions off list: of committed usage, of usage at the committed rate beyond it, of the band above."""

    committed: Decimal
    beyond: Decimal
    above: Decimal


class DiscountArrays(NamedTuple):
    """`Discounts` of many amounts at once."""

    committed: Array
    beyond: Array
    above: Array


def ladder(contract: Contract) -> tuple[Band, ...]:
    """The bands from 0 dollars on, with the discount for paying upfront inside."""
    bands = contract.bands
    if bands[0].from_usd > 0:
        bands = (Band(from_usd=ZERO, discount=ZERO), *bands)
    extra = contract.prepay_discount if contract.payment == "upfront" else ZERO
    return tuple(Band(from_usd=band.from_usd, discount=band.discount + extra) for band in bands)


def key_of_year(contract: Contract, year: int) -> Decimal:
    """The amount that is looked up for contract year `year`: what `band_key` names, as signed.

    The commitment of a part of a year is looked up as it stands, not annualized; the average is annualized.
    """
    commits = contract.commit_usd_by_year
    if contract.band_key == "annual_commit":
        return commits[year]
    if contract.band_key == "tcv":
        return sum(commits, ZERO)
    return sum(commits, ZERO) * MONTHS_PER_YEAR / contract.term_months


def discounts_at(contract: Contract, key_usd: Decimal) -> Discounts:
    """The discounts of one amount, exact. The band above the last is the last."""
    bands = ladder(contract)
    place = max(index for index, band in enumerate(bands) if band.from_usd <= key_usd)
    beyond, above = bands[place].discount, bands[min(place + 1, len(bands) - 1)].discount
    if contract.band_mode == "all_units" or key_usd == 0:
        return Discounts(beyond, beyond, above)
    other = ZERO  # the amount in the other basis: net dollars of a list amount, list dollars of a net one
    for index, band in enumerate(bands[: place + 1]):
        top = bands[index + 1].from_usd if index < place else key_usd
        rate = ONE - band.discount
        other += (top - band.from_usd) * (rate if contract.commit_basis == "list" else ONE / rate)
    committed = ONE - (other / key_usd if contract.commit_basis == "list" else key_usd / other)
    return Discounts(committed, beyond, above)


def discount_arrays_at(contract: Contract, key_usd: Array) -> DiscountArrays:
    """`discounts_at` for many amounts, in floating point."""
    bands = ladder(contract)
    floors = np.array([float(band.from_usd) for band in bands])
    discounts = np.array([float(band.discount) for band in bands])
    place = np.searchsorted(floors, key_usd * (1 + _EDGE), side="right") - 1
    beyond, above = discounts[place], discounts[np.minimum(place + 1, len(bands) - 1)]
    if contract.band_mode == "all_units":
        return DiscountArrays(beyond, beyond, above)
    in_list = contract.commit_basis == "list"
    rates = 1 - discounts if in_list else 1 / (1 - discounts)
    at_floor = np.concatenate([[0.0], np.cumsum(np.diff(floors) * rates[:-1])])
    other = at_floor[place] + np.maximum(key_usd - floors[place], 0) * rates[place]
    above_zero = np.where(key_usd > 0, key_usd, 1.0)
    ratio = other / above_zero if in_list else above_zero / np.where(other > 0, other, 1.0)
    return DiscountArrays(np.where(key_usd > 0, 1 - ratio, beyond), beyond, above)


def committed_cash_usd(contract: Contract, year: int) -> Decimal:
    """What contract year `year` costs if nothing exceeds it: its commitment, net of the discount."""
    commit = contract.commit_usd_by_year[year]
    if contract.commit_basis == "net":
        return commit
    return commit * (ONE - discounts_at(contract, key_of_year(contract, year)).committed)


def monthly_commit_usd(contract: Contract) -> tuple[Decimal, ...]:
    """The commitment spread evenly over the months of its contract year."""
    spread: list[Decimal] = []
    for year, commit in enumerate(contract.commit_usd_by_year):
        months = year_months(contract, year)
        spread += [commit / months] * months
    return tuple(spread)
