"""When to sign: the five plans, what would change the answer, and the two orders on the customer's own paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.case.priced import Priced
from baseload.commit.case.records import BreakEvenRow, Order, OrderRow
from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.legs import Leg, simulate_legs
from baseload.commit.options.picking import pick
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import share, usd
from baseload.commit.size.document import TimingRow
from baseload.commit.timing.breakeven import break_evens
from baseload.commit.timing.informed import signed_then
from baseload.commit.timing.leverage import trend_commit
from baseload.commit.timing.plans import price_plans, told
from baseload.commit.timing.shorten import shortened
from baseload.commit.worth.interval import range_of, weights

_CENT = 0.005


class Walked(NamedTuple):
    """One order on every path: cash, balance lost, and the mean commitment by year."""

    cost: Array
    lost: Array
    commits: Sequence[float]


def timing_rows(case: Priced, delay_months: int, seed: int) -> tuple[TimingRow, ...]:
    """The five plans at the delay asked for, each with its distance to the cheapest on the same paths."""
    priced_plans = price_plans(case.contract, case.scenarios, delay_months=delay_months, wacc=case.wacc)
    least = min(priced_plans, key=lambda one: float(one.npv_usd.mean())).npv_usd
    drawn = weights(len(least), seed)
    rows = []
    for one, plan in zip(told(case.contract, priced_plans), priced_plans, strict=True):
        more = plan.npv_usd - least
        over = range_of(float(more.mean()), drawn @ more)
        rows.append(
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
                over_cheapest_usd=usd(over.value),
                over_cheapest_low_usd=usd(over.low),
                over_cheapest_high_usd=usd(over.high),
                too_close=over.low <= 0 <= over.high and over.high - over.low > _CENT,
            )
        )
    return tuple(rows)


def break_even_rows(case: Priced, delay_months: int) -> tuple[BreakEvenRow, ...]:
    """How long a delay, how much worse a later discount, how big a price rise."""
    return tuple(
        BreakEvenRow(
            kind=one.kind,
            now=one.now,
            later=one.later,
            pays=one.pays,
            value=share(one.value),
            searched_from=one.searched[0],
            searched_to=one.searched[1],
            says=one.says,
        )
        for one in break_evens(case.contract, case.scenarios, delay_months=delay_months, wacc=case.wacc)
    )


def order_rows(case: Priced, billed_usd: Sequence[float] | None, delay_months: int) -> tuple[OrderRow, ...]:
    """Commit first, route first, never, over one year and more up to the term. Nothing billed: without commit first."""
    term = case.contract.term_months
    horizons = sorted({min(MONTHS_PER_YEAR * (year + 1), term) for year in range(case.contract.years)})
    return tuple(row for months in horizons for row in _over(case, months, billed_usd, delay_months))


def _over(case: Priced, months: int, billed_usd: Sequence[float] | None, delay_months: int) -> Iterator[OrderRow]:
    offer, usage = shortened(case.contract, months), case.expected.first(months)
    listed = simulate_legs([], usage).cost_usd
    found: list[tuple[Order, Walked]] = []
    if billed_usd is not None:
        found.append(("commit_first", _committed(offer, trend_commit(offer, billed_usd), usage)))
    found.append(("route_first", _routed(offer, usage, min(delay_months, months - 1))))
    found.append(("on_demand", Walked(listed, np.zeros(usage.count), ())))
    for order, one in found:
        p10, p90 = (float(end) for end in np.quantile(one.cost, (0.1, 0.9)))
        cost, whole = float(one.cost.mean()), float(usage.list_usd.sum(axis=1).mean())
        yield OrderRow(
            months=months,
            order=order,
            commit_usd_by_year=tuple(usd(amount) for amount in one.commits),
            list_usd=usd(whole),
            expected_cost_usd=usd(cost),
            p10_usd=usd(p10),
            p90_usd=usd(p90),
            effective_rate=share(cost / whole) if whole else None,
            unused_usd=usd(float(one.lost.mean())),
        )


def _committed(offer: Contract, commits: tuple[Decimal, ...], usage: Paths) -> Walked:
    found = simulate_legs([Leg(contract=offer.sized(*commits), start=0)], usage)
    return Walked(found.cost_usd, found.legs[0].lost, [float(one) for one in commits])


def _routed(offer: Contract, usage: Paths, delay: int) -> Walked:
    cost, lost = np.empty(usage.count), np.empty(usage.count)
    commits = []
    for rows, contract in signed_then(offer, usage, delay):
        found = simulate_legs([Leg(contract=contract, start=delay)], pick(usage, rows))
        cost[rows], lost[rows] = found.cost_usd, found.legs[0].lost
        commits.append((len(rows), [float(one) for one in contract.commit_usd_by_year]))
    yearly = np.array([one for _, one in commits])
    weights = np.array([count for count, _ in commits], dtype=np.float64)
    return Walked(cost, lost, np.average(yearly, axis=0, weights=weights).tolist())
