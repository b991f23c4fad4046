"""What clauses and dates of signing are worth, as rows of the document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import percent, rounded, share, step_of, usd
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import ClauseRow, TimingRow
from baseload.commit.size.figures import cost_of, on_demand_usd
from baseload.commit.timing.plans import Plan, Priced, TimingWorth, price_plans, told
from baseload.commit.worth.interval import range_of, weights
from baseload.commit.worth.values import ASSUMED_WACC, ClauseWorth, clause_values
from baseload.demand.adoption import Scenario

_FREE: Final = Decimal("1e-12")
"""Capital that costs nothing by the offer's own word: 0 would have a cost of capital assumed for it."""
_CENT: Final = 0.005
_SIZED_ON: Final[Mapping[Plan, Scenario]] = {"sign_now": "none", "day_0": "expected"}


def wacc_is_assumed(offer: Offer) -> bool:
    """Does the offer leave open what capital costs? A stated 0 is an answer."""
    return "wacc" in offer.assumed and not offer.contract.wacc


def clause_rows(offer: Offer, paths: Paths, found: tuple[Decimal, ...], seed: int) -> tuple[ClauseRow, ...]:
    """Every clause that the offer holds, and every usual ask, each re-optimized on the same paths."""
    assumed = wacc_is_assumed(offer)
    contract = offer.contract
    if not contract.wacc and not assumed:
        contract = replace(contract, wacc=_FREE)
    wacc = ASSUMED_WACC if assumed else offer.contract.wacc
    return tuple(_clause(one, wacc, assumed) for one in clause_values(contract, paths, seed=seed, sizes=(found,)))


def _clause(one: ClauseWorth, wacc: Decimal, assumed: bool) -> ClauseRow:
    """What is worth nothing is worth no points."""
    nothing, in_npv = abs(one.value_usd) < _CENT, one.measure == "npv"
    return ClauseRow(
        clause=one.clause,
        kind=one.kind,
        measure=one.measure,
        says=one.says,
        value_usd=usd(one.value_usd),
        low_usd=usd(one.low_usd),
        high_usd=usd(one.high_usd),
        discount_points=None if nothing else share(one.discount_points),
        points_beyond=one.points_beyond and not nothing,
        at_fixed_usd=usd(one.at_fixed_usd),
        commit_usd_by_year=tuple(map(usd, one.commit_usd_by_year)),
        wording=one.wording,
        wacc=float(wacc) if in_npv else None,
        wacc_assumed=assumed and in_npv,
    )


def timing_rows(contract: Contract, demand: Demand) -> tuple[TimingRow, ...]:
    """Sign now, bridge, route first, sign on the optimized demand, never: on the same paths, over the term.

    Each with its distance to the cheapest, path by path: plans meet the same luck, so that their difference is known
    far better than either.
    """
    priced = _unsigned_at_list(contract, demand, price_plans(contract, demand.scenarios, wacc=float(contract.wacc)))
    found = told(contract, priced)
    least = min(priced, key=lambda one: float(one.npv_usd.mean()))
    drawn = weights(len(least.npv_usd), demand.seed)
    return tuple(
        _timing(row, _Distance.of(one.npv_usd - least.npv_usd, drawn)) for row, one in zip(found, priced, strict=True)
    )


def _unsigned_at_list(contract: Contract, demand: Demand, priced: Sequence[Priced]) -> tuple[Priced, ...]:
    """Nobody signs today what costs more than on demand, on the paths that he sizes it on."""
    never = next(one for one in priced if one.plan == "on_demand")
    return tuple(
        one._replace(cost_usd=never.cost_usd, npv_usd=never.npv_usd, cash_usd=never.cash_usd, commit_usd=none)
        if one.plan in _SIZED_ON and _is_dearer(contract, demand, one)
        else one
        for one, none in ((one, np.zeros_like(one.commit_usd)) for one in priced)
    )


def _is_dearer(contract: Contract, demand: Demand, one: Priced) -> bool:
    paths = demand.scenarios[_SIZED_ON[one.plan]].first(contract.term_months)
    commits = tuple(Decimal(f"{amount:.2f}") for amount in one.commit_usd[0])
    cost, listed = (float(usd.mean()) for usd in (cost_of(contract, commits, paths), on_demand_usd(contract, paths)))
    return cost > listed or (not any(commits) and cost == listed)


class _Distance(NamedTuple):
    """Dollars beyond the cheapest plan and their 90 % interval."""

    usd: float
    low: float
    high: float

    @classmethod
    def of(cls, differences: Array, drawn: Array) -> _Distance:
        return cls(*range_of(float(differences.mean()), drawn @ differences))

    @property
    def too_close(self) -> bool:
        """May chance alone have made it dearer? Not where both cost the same on every path."""
        return self.low <= 0 <= self.high and (self.high - self.low) > _CENT


def _timing(row: TimingWorth, over: _Distance) -> TimingRow:
    return TimingRow(
        plan=row.plan,
        signs_in_month=row.signs_in_month,
        commit_usd_by_year=tuple(map(usd, row.commit_usd_by_year)),
        expected_cost_usd=usd(row.expected_cost_usd),
        p10_usd=usd(row.p10_usd),
        p90_usd=usd(row.p90_usd),
        npv_usd=usd(row.npv_usd),
        cheapest=row.cheapest,
        says=row.says if row.cheapest else f"{row.says} {_apart(over)}",
        over_cheapest_usd=usd(over.usd),
        over_cheapest_low_usd=usd(over.low),
        over_cheapest_high_usd=usd(over.high),
        too_close=over.too_close,
    )


def _apart(over: _Distance) -> str:
    if over.high - over.low <= _CENT:
        return "The same on every path." if abs(over.usd) < _CENT else f"{rounded(over.usd, 1.0)} more on every path."
    step = step_of(over.low, over.high)
    said = f"{rounded(over.usd, step)} more on average (90 %: {rounded(over.low, step)} to {rounded(over.high, step)})"
    return f"Too close to call: {said}." if over.too_close else f"{said[0].upper()}{said[1:]}."


def capital_note(rows: Sequence[ClauseRow]) -> str:
    """At what cost of capital present value is measured among these clauses; "" where none is."""
    row = next((one for one in rows if one.wacc is not None), None)
    if row is None or row.wacc is None:
        return ""
    return f"What moves cash in time is priced at {percent(row.wacc)} a year, {_how(row)}."


def _how(row: ClauseRow) -> str:
    return "assumed: state wacc in the offer" if row.wacc_assumed else "as the offer states"
