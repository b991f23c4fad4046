"""The family of sizes a search chooses from: one amount per contract year, or one for all of them.

Amounts are in the contract's own basis. A band floor is where a discount begins; a kink is where a path's usage of a
year just fills a commitment.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import ladder
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.paths import Paths
from baseload.commit.rating import rate

Ramp = Literal["free", "flat"]
"""`free`: each contract year its own amount. `flat`: one amount for every year, a part of one included."""


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """What may be chosen.

    `usage` is list dollars inside the contract, (paths, years); `floors` the band floors above 0, as amounts of the
    look-up key; `tops` the most worth looking at of each free amount, (width,).
    """

    contract: Contract
    ramp: Ramp
    usage: Array
    floors: Array
    tops: Array

    @property
    def width(self) -> int:
        """How many amounts are free."""
        return 1 if self.ramp == "flat" else self.contract.years

    @property
    def dollars_last(self) -> bool:
        """May a year's commitment be drawn in a later year?"""
        return self.contract.unused.rule in ("roll", "credit", "extend") or self.contract.period == "term"

    @property
    def key_of_all(self) -> float:
        """The look-up key over the sum of all years, where the key looks at all of them."""
        contract = self.contract
        return MONTHS_PER_YEAR / contract.term_months if contract.band_key == "average_annual" else 1.0

    @property
    def key_of_one(self) -> float:
        """The look-up key over one free amount, where every year commits the same."""
        return 1.0 if self.contract.band_key == "annual_commit" else self.key_of_all * self.contract.years

    def bands_of(self, chosen: Array) -> tuple[int, ...]:
        """Which band each year lies in, or the one of all years together, (width,) amounts given."""
        if self.width == 1 or self.contract.band_key != "annual_commit":
            per_key = self.key_of_one if self.width == 1 else self.key_of_all
            chosen = np.array([chosen.sum() * per_key])
        return tuple(np.searchsorted(self.floors, chosen * (1 + 1e-12), side="right").tolist())

    def by_year(self, chosen: Array) -> Array:
        """(sizes, width) -> (sizes, years)."""
        return np.repeat(chosen, self.contract.years, axis=1) if self.width == 1 else chosen

    def filled_by(self, place: int) -> Array:
        """Usage that a free amount is held against: its year's, or every year's."""
        return self.usage.ravel() if self.width == 1 else self.usage[:, place]

    def fixed_points(self, place: int) -> Array:
        """0 and the band floors within reach of a free amount; all of them where unused dollars come back."""
        floors = self.floors / self.key_of_one
        refunded = self.contract.unused.rule == "refund" and self.contract.unused.share > 0
        return np.concatenate([[0.0], floors if refunded else floors[floors <= self.tops[place]]])


def family_of(contract: Contract, paths: Paths, ramp: Ramp) -> Family:
    """The sizes worth looking at on these paths."""
    usage = yearly_usage(contract, paths)
    floors = np.array([float(band.from_usd) for band in ladder(contract) if band.from_usd > 0])
    family = Family(contract=contract, ramp=ramp, usage=usage, floors=floors, tops=np.zeros(0))
    return msgspec.structs.replace(family, tops=_tops(family))


def yearly_usage(contract: Contract, paths: Paths) -> Array:
    """Rated list dollars by contract year, new models at list among them, (paths, years)."""
    rated = rate(contract, paths)
    months = rated.rated if rated.undiscounted is None else rated.rated + rated.undiscounted
    years = [
        months[start : min(start + MONTHS_PER_YEAR, contract.term_months)].sum(axis=0)
        for start in range(0, contract.term_months, MONTHS_PER_YEAR)
    ]
    return np.ascontiguousarray(np.stack(years, axis=1))


def _tops(family: Family) -> Array:
    """Usage above the largest is never met; a floor is worth reaching for up to the dollars its discount saves.

    Dollars that outlive their year may be wanted a year early.
    """
    contract, usage = family.contract, family.usage
    most = usage.max(axis=0)
    if family.dollars_last:
        most = np.array([usage[:, year:].sum(axis=1).max() for year in range(contract.years)])
    if family.width == 1:
        most = most.max(keepdims=True)
    reach = most / (1 - float(ladder(contract)[-1].discount))
    floors = family.floors / family.key_of_one
    found = [max([one, *floors[floors <= far]]) for one, far in zip(most, reach, strict=True)]
    tops: Array = np.maximum(np.array(found), 1.0)
    return tops


def fills(contract: Contract, usage: Array, per_key: float = 1.0) -> Array:
    """The amounts that so many list dollars of usage just fill, (discounts, ...): one where bands do not rate it.

    `per_key`: the look-up key over the amount.
    """
    if contract.commit_basis == "list":
        return usage[None]
    bands = ladder(contract)
    discounts = np.array([float(band.discount) for band in bands])
    if contract.band_mode == "all_units":
        every: Array = np.multiply.outer(1 - np.unique(discounts), usage)
        return every
    floors = np.array([float(band.from_usd) for band in bands])
    lists = np.concatenate([[0.0], np.cumsum(np.diff(floors) / (1 - discounts[:-1]))])
    place = np.searchsorted(lists, usage * per_key, side="right") - 1
    filled: Array = (floors[place] + (usage * per_key - lists[place]) * (1 - discounts[place])) / per_key
    return filled[None]
