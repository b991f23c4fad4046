"""Where to walk away: the least discount and the largest commitment at which signing is no worse than not signing."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.clauses import Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.worth.options import Measure
from baseload.commit.worth.points import PointScale
from baseload.commit.worth.sizes import COARSE, FINE, in_basis, list_floors, sizes_for, yearly_usage
from baseload.commit.worth.suited import suited
from baseload.commit.worth.table import Table, amounts, cost_table, is_yearly, stated_table

_SCALES: Final = 60
_NEARLY: Final = 1e-3
"""Dollars by which halving may stop short of a whole one."""
_LARGEST: Final = 4.0
_STEPS: Final = 24
_AT_LIST: Final = Overage(rule="list")
_FORFEIT: Final = Unused(rule="forfeit")


class WalkAway(msgspec.Struct, frozen=True, kw_only=True):
    """`commit_usd_by_year` is the size in question: stated, or the best one. Dollars are expected cash.

    `shift_points`: how far every discount may fall (negative) or must rise at this size until signing costs what the
    alternative costs; `shift_beyond` where that lies outside what was looked at. `largest_usd_by_year`: the largest
    multiple of this size (or of a flat one, where it is 0) at which signing costs no more than the alternative; empty
    where none does.
    """

    commit_usd_by_year: tuple[Decimal, ...]
    cost_usd: float
    alternative_usd: float
    shift_points: float
    shift_beyond: bool
    largest_usd_by_year: tuple[Decimal, ...]


def walk_away(
    contract: Contract, paths: Paths, *, alternative_usd: float | None = None, measure: Measure = "cost"
) -> WalkAway:
    """Against staying on demand at list, or against another way's expected cost over the same months."""
    if alternative_usd is None:
        nothing = np.zeros((1, contract.years))
        alternative_usd = float(cost_table(_plain(contract), nothing, paths, measure).least_usd)
    table = stated_table(contract, paths, measure) if contract.commit_usd_by_year else _best(contract, paths, measure)
    points = PointScale(table, paths, measure).worth(table.least_usd - alternative_usd)
    largest = _largest(contract, table.list_sizes[0], paths, alternative_usd, measure)
    return WalkAway(
        commit_usd_by_year=amounts(table.sizes[0]),
        cost_usd=table.least_usd,
        alternative_usd=alternative_usd,
        shift_points=points.points,
        shift_beyond=points.beyond,
        largest_usd_by_year=() if largest is None else amounts(in_basis(contract, largest[None, :])[0]),
    )


def _plain(contract: Contract) -> Contract:
    """Nothing signed: no fees, no credits, nothing that a contract without commitment would still give."""
    return Contract(
        term_months=contract.term_months,
        commit_basis="list",
        bands=contract.bands,
        overage=_AT_LIST,
        unused=_FORFEIT,
        wacc=contract.wacc,
        payment_lag_days=contract.payment_lag_days,
    )


def _best(contract: Contract, paths: Paths, measure: Measure) -> Table:
    """The row of the size that suits the contract."""
    points = FINE if is_yearly(contract, paths, measure) else COARSE
    usual = sizes_for(contract, paths, points)
    sizes = np.unique(np.concatenate([usual, suited(contract, paths, measure, usual)]), axis=0)
    table = cost_table(contract, sizes, paths, measure)
    return table.row(table.best)


def _largest(contract: Contract, size: Array, paths: Paths, alternative: float, measure: Measure) -> Array | None:
    """The largest multiple that costs no more: a scan from above with the floors in it, then halving."""
    shape = size if size.any() else _mean_years(contract, paths)
    scales = _scales(contract, shape)
    means = cost_table(contract, scales[:, None] * shape, paths, measure).means
    holds = np.flatnonzero(means <= alternative * (1 + 1e-12))
    if not len(holds) or scales[holds[-1]] == 0:
        return None
    low = float(scales[holds[-1]])
    high = float(scales[min(holds[-1] + 1, len(scales) - 1)])
    for _ in range(_STEPS):
        middle = (low + high) / 2
        found = cost_table(contract, middle * shape[None, :], paths, measure).least_usd
        low, high = (middle, high) if found <= alternative * (1 + 1e-12) else (low, middle)
    largest: Array = np.floor(low * shape + _NEARLY)
    return largest


def _scales(contract: Contract, shape: Array) -> Array:
    even = np.linspace(0, _LARGEST, _SCALES)
    top = float(shape.max())
    return np.unique(np.concatenate([even, *([[f / top] for f in list_floors(contract) if f <= _LARGEST * top])]))


def _mean_years(contract: Contract, paths: Paths) -> Array:
    found: Array = yearly_usage(paths, contract.term_months).mean(axis=0)
    return found
