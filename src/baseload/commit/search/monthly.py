"""Sizes to begin with where only the month-by-month ledger prices a contract."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.clauses import ZERO, CarryForward, Channel, Unused
from baseload.commit.contract import Contract
from baseload.commit.search.family import Family, fills
from baseload.commit.search.segments import exact, is_stateless

_EVEN: Final = 12
_EVEN_ALONE: Final = 24
_MOST_ALONE: Final = 4
_LEVELS: Final = (0.02, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95)


def first_looks(family: Family) -> Array:
    """(sizes, width): the optima of contracts much like this one, a line from 0 to the top, profiles of usage."""
    found = [*_likely(family), *_line(family), *_profiles(family), *_one_year_alone(family)]
    return np.unique(np.round(np.array(found), 2), axis=0)


def _likely(family: Family) -> list[Array]:
    """Exact optima of what the contract is but for its state: with unused dollars lost, and with half of them kept."""
    lost, halved = Unused(rule="forfeit"), Unused(rule="refund", share=(1 + ZERO) / 2)
    alike = [_alike(family.contract, unused) for unused in (lost, halved)]
    return [exact(replace(family, contract=one)).chosen for one in alike if is_stateless(replace(family, contract=one))]


def _alike(contract: Contract, unused: Unused) -> Contract:
    marginal_over_all = contract.band_mode == "marginal" and contract.band_key != "annual_commit"
    return replace(
        contract,
        period="year",
        unused=unused,
        roll_condition=None,
        carry_forward=CarryForward(),
        true_forward=None,
        credits_usd=ZERO,
        channel=Channel(),
        shortfall_rate="net",
        band_mode="all_units" if marginal_over_all else contract.band_mode,
    )


def _line(family: Family) -> list[Array]:
    """Even amounts, and every year on the same band floor."""
    even = [family.tops * share for share in np.linspace(0, 1, _EVEN if family.width > 1 else _EVEN_ALONE)]
    return [*even, *(np.full(family.width, floor / family.key_of_one) for floor in family.floors)]


def _profiles(family: Family) -> list[Array]:
    """Every year at the same level of probability."""
    filled = [
        fills(family.contract, family.filled_by(place), family.key_of_one).ravel() for place in range(family.width)
    ]
    return list(np.quantile(np.array(filled), _LEVELS, axis=1))


def _one_year_alone(family: Family) -> list[Array]:
    """Where dollars outlive their year: one year commits, for itself or for all that follow."""
    if family.width == 1 or not family.dollars_last:
        return []
    alone = np.eye(family.width)
    rest = [float(np.median(family.usage[:, year:].sum(axis=1))) for year in range(family.width)]
    floors = family.floors if family.contract.band_key == "annual_commit" else family.floors / family.key_of_all
    reached = floors[floors <= family.usage.sum(axis=1).max()][-_MOST_ALONE:]
    return [
        *(one * usd for one, usd in zip(alone, rest, strict=True)),
        *(one * usd for one in alone for usd in reached),
    ]
