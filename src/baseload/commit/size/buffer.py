"""Why the commitment stays where it does: its distance from the demand it is sized on, in words and dollars."""

from __future__ import annotations

from typing import Final

import numpy as np

from baseload.commit.bands import discount_arrays_at, key_of_year, ladder
from baseload.commit.contract import Contract
from baseload.commit.search.family import yearly_usage
from baseload.commit.size.amounts import percent, rounded, share, unit_of, usd
from baseload.commit.size.document import Buffer
from baseload.commit.size.figures import Case, Sized
from baseload.commit.size.terms import discount_of, usage_in_basis

_ROUNDING: Final = 1e-9
"""Relative: usage that reaches the commitment but for floating-point rounding has reached it."""


def buffer_of(case: Case, one: Sized) -> Buffer | None:
    """The first contract year that commits anything; null without a commitment."""
    contract = one.contract
    year = next((place for place, commit in enumerate(contract.commit_usd_by_year) if commit), None)
    if year is None:
        return None
    commit = float(contract.commit_usd_by_year[year])
    usage = usage_in_basis(contract, year, yearly_usage(contract, case.paths)[:, year])
    mean, p10 = float(usage.mean()), float(np.quantile(usage, 0.1))
    key = float(key_of_year(contract, year))
    floor = key in {float(band.from_usd) for band in ladder(contract)}
    yearly = contract.period == "year" or (contract.period == "term" and contract.years == 1)
    fills, needed = float((usage >= commit * (1 - _ROUNDING)).mean()), _needed(contract, year)
    unit = unit_of(commit, mean)
    return Buffer(
        to_mean_usd=usd(commit - mean),
        to_p10_usd=usd(commit - p10),
        fill_chance=share(fills) if yearly else None,
        needed_chance=share(needed) if yearly else None,
        at_band_floor=floor,
        says=(
            f"The commitment of year {year + 1} is {_away(commit - mean, unit)} the mean of that year's demand and "
            f"{_away(commit - p10, unit)} its 10th percentile. "
            + (
                _reason(contract, key, floor, fills, needed, discount_of(contract, year))
                if yearly
                else f"It is tested by the {contract.period}: what one leaves unused, another does not make up for."
            )
        ),
    )


def _away(distance: float, unit: float) -> str:
    said = rounded(abs(distance), unit)
    if said == "0":
        return "level with"
    return f"{said} dollars {'above' if distance > 0 else 'below'}"


def _needed(contract: Contract, year: int) -> float | None:
    """2d: chance of being used at which one more committed dollar pays inside its band; null where it never costs.

    For unused dollars that are lost or refunded; other clauses give them more worth than is counted here.
    """
    rates = discount_arrays_at(contract, np.array([float(key_of_year(contract, year))]))
    paid = 1 - float(rates.beyond[0])  # the last committed dollar's own band
    rule = contract.overage
    over = {
        "list": 1.0,
        "next_band": 1 - float(rates.above[0]),
        "committed": paid,
        "multiple": paid * float(rule.multiple),
    }[rule.rule]
    back = float(contract.unused.share) if contract.unused.rule == "refund" else 0.0
    lost = (1.0 if contract.shortfall_rate == "list" else paid) * (1 - back)
    spared = over - paid  # by the dollar that is used; `lost` is what it costs unused
    return min(1.0, max(0.0, lost / (spared + lost))) if spared + lost > 0 else None


_LOOKED_UP: Final = {"annual_commit": "", "average_annual": " a year on average", "tcv": " over the term"}


def _reason(contract: Contract, key: float, floor: bool, fills: float, needed: float | None, discount: float) -> str:
    at = f"{key:,.0f}{_LOOKED_UP[contract.band_key]}"
    stands = f"It stands on the floor of the band of {percent(discount, 1)} at {at}" if floor else ""
    if contract.overage.rule == "committed":
        more = "usage beyond it costs the same rate, so that committing to more inside a band is worth nothing"
        return f"{stands}: {more}." if floor else f"Here {more}."
    if needed is None:
        return f"{stands}." if floor else "Unused dollars keep their worth, so that a larger commitment costs little."
    chance = (
        f"one more dollar must be used with a chance of {percent(needed)} to pay, and the last one is used with "
        f"{percent(fills)}"
    )
    if not floor:
        return f"Inside its band {chance}."
    if fills < needed:
        return f"{stands}, reached for the discount on all of it: {chance}."
    return f"{stands}: beyond it {chance}."
