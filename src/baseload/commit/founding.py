"""The example Baseload was founded on: 20 % off two million dollars, or route first and commit to what remains.

The same paths, both orders, over one, two and three years. A frozen table: the picture and the page draw from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import numpy as np

from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.legs import Leg, simulate_legs
from baseload.commit.paths import Paths, paths_of

TREND_USD_PER_YEAR: Final = Decimal(2_000_000)
ROUTED_USD_PER_YEAR: Final = Decimal(800_000)
DISCOUNT: Final = Decimal("0.20")
ROUTE_MONTHS: Final = 3
"""Months on demand while routing ships; the list bill falls in a straight line meanwhile."""

FIRST: Final = "commit first"
ROUTED: Final = "route first"
DEMAND: Final = "on demand"


class Point(NamedTuple):
    """Dollars paid by the start of a month; months count from 0 and may stand twice, before and after a step."""

    month: int
    paid_usd: float


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order of doing things over one horizon: means over the paths, to the cent."""

    years: int
    order: str
    committed_usd_per_year: Decimal
    committed_cash_usd: float
    list_usd: float  # usage at list, after routing
    cost_usd: float
    effective_rate: float  # cost per list dollar used
    unused_usd: float  # list dollars committed and never used


def founding_contract(commit_usd: Decimal, months: int, discount: Decimal = DISCOUNT) -> Contract:
    """List basis, one flat discount, overage at list, unused forfeited: the draft as it is usually sent."""
    return Contract(
        name="founding example",
        term_months=months,
        commit_usd_by_year=(commit_usd,) * -(-months // 12),
        commit_basis="list",
        bands=(Band(from_usd=Decimal(0), discount=discount),),
        overage=Overage(rule="list"),
        unused=Unused(rule="forfeit"),
    )


def founding_paths(years: int) -> Paths:
    """One path: 0.8M of true usage a year from the first month on."""
    return paths_of(np.full((1, 12 * years), float(ROUTED_USD_PER_YEAR) / 12))


def ramping_paths(years: int, ramp_months: int = ROUTE_MONTHS) -> Paths:
    """One path: 2M a year at signature, falling in a straight line to 0.8M a year over `ramp_months`, then flat."""
    start, end = float(TREND_USD_PER_YEAR) / 12, float(ROUTED_USD_PER_YEAR) / 12
    share = np.minimum(np.arange(12 * years) / ramp_months, 1.0)
    return paths_of((start + (end - start) * share)[None, :])


def order_table(
    paths: Paths,
    *,
    years: Sequence[int] = (1, 2, 3),
    trend_commit_usd: Decimal = TREND_USD_PER_YEAR,
    routed_commit_usd: Decimal = ROUTED_USD_PER_YEAR,
    route_months: int = ROUTE_MONTHS,
    trend_discount: Decimal = DISCOUNT,
    routed_discount: Decimal = DISCOUNT,
) -> tuple[OrderRow, ...]:
    """Commit first, route first, and never commit, on the same paths.

    `paths` are usage with routing shipped, long enough for the longest horizon. Route first pays `route_months` on
    demand, then commits for the rest of the horizon; the size of a part of a year is its share of the yearly one.
    """
    sizes = {FIRST: trend_commit_usd, ROUTED: routed_commit_usd, DEMAND: Decimal(0)}
    return tuple(
        _row(order, horizon, sizes[order], legs, paths.first(12 * horizon))
        for horizon in years
        for order, legs in _orders(
            12 * horizon, trend_commit_usd, routed_commit_usd, route_months, trend_discount, routed_discount
        ).items()
    )


def order_paths(paths: Paths, *, years: int = 3, route_months: int = ROUTE_MONTHS) -> dict[str, tuple[Point, ...]]:
    """Cash paid so far in each order of `order_table`, means over the paths: the corners of its line, month 0 first.

    What is due at the start of a month is a step there, what is due at its end a slope over it.
    """
    paths = paths.first(12 * years)
    found = {}
    for order, legs in _orders(
        paths.months, TREND_USD_PER_YEAR, ROUTED_USD_PER_YEAR, route_months, DISCOUNT, DISCOUNT
    ).items():
        journey = simulate_legs(legs, paths)
        start = np.zeros(paths.months)
        for leg, outcome in zip(legs, journey.legs, strict=True):
            start[leg.start : leg.start + leg.contract.term_months] += outcome.lines["commitment"].mean(axis=0)
        end = journey.cash_usd.mean(axis=0) - start
        points, paid = [Point(0, 0.0)], 0.0
        for month in range(paths.months):
            points.append(Point(month, paid := paid + float(start[month])))
            points.append(Point(month + 1, paid := paid + float(end[month])))
        found[order] = tuple(points)
    return found


def _orders(
    months: int,
    trend_commit: Decimal,
    routed_commit: Decimal,
    route_months: int,
    trend_discount: Decimal,
    routed_discount: Decimal,
) -> dict[str, list[Leg]]:
    first = founding_contract(trend_commit, months, trend_discount)
    later = _part_year(founding_contract(routed_commit, months - route_months, routed_discount))
    return {
        FIRST: [Leg(contract=first, start=0)],
        ROUTED: [Leg(contract=later, start=route_months)],
        DEMAND: [],
    }


def _part_year(contract: Contract) -> Contract:
    """The last year's commitment in proportion to its months."""
    commits = contract.commit_usd_by_year
    months = contract.term_months - 12 * (contract.years - 1)
    return contract.sized(*commits[:-1], commits[-1] * months / 12)


def _row(order: str, years: int, commit: Decimal, legs: list[Leg], paths: Paths) -> OrderRow:
    found = simulate_legs(legs, paths)
    cost, listed = float(found.cost_usd.mean()), float(found.list_usd.mean())
    return OrderRow(
        years=years,
        order=order,
        committed_usd_per_year=commit,
        committed_cash_usd=round(sum(float(leg.lines["commitment"].sum(axis=1).mean()) for leg in found.legs), 2),
        list_usd=round(listed, 2),
        cost_usd=round(cost, 2),
        effective_rate=round(cost / listed, 6) if listed else 0.0,
        unused_usd=round(sum(float(leg.lost.mean()) for leg in found.legs), 2),
    )
