"""What clauses and dates of signing are worth, as rows of the document."""

from __future__ import annotations

from decimal import Decimal

from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import share, usd
from baseload.commit.size.demand import Demand
from baseload.commit.size.document import ClauseRow, TimingRow
from baseload.commit.timing.plans import timings
from baseload.commit.worth.values import clause_values


def clause_rows(offer: Contract, paths: Paths, found: tuple[Decimal, ...], seed: int) -> tuple[ClauseRow, ...]:
    """Every clause that the offer holds, and every usual ask, each re-optimized on the same paths."""
    return tuple(
        ClauseRow(
            clause=one.clause,
            kind=one.kind,
            measure=one.measure,
            says=one.says,
            value_usd=usd(one.value_usd),
            low_usd=usd(one.low_usd),
            high_usd=usd(one.high_usd),
            discount_points=share(one.discount_points),
            points_beyond=one.points_beyond,
            at_fixed_usd=usd(one.at_fixed_usd),
            commit_usd_by_year=tuple(map(usd, one.commit_usd_by_year)),
            wording=one.wording,
        )
        for one in clause_values(offer, paths, seed=seed, sizes=(found,))
    )


def timing_rows(contract: Contract, demand: Demand) -> tuple[TimingRow, ...]:
    """Sign now, bridge, route first, sign on the optimized demand, never: on the same paths, over the term."""
    return tuple(
        TimingRow(
            plan=one.plan,
            signs_in_month=one.signs_in_month,
            commit_usd_by_year=tuple(map(usd, one.commit_usd_by_year)),
            expected_cost_usd=usd(one.expected_cost_usd),
            p10_usd=usd(one.p10_usd),
            p90_usd=usd(one.p90_usd),
            npv_usd=usd(one.npv_usd),
            cheapest=one.cheapest,
            says=one.says,
        )
        for one in timings(contract, demand.scenarios, wacc=float(contract.wacc))
    )
