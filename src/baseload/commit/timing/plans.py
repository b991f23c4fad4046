"""The five plans of when to sign, all on the same paths, the same horizon and the same luck of what ships.

The horizon is the contract's term. Who signs later pays the months before on demand or in the bridge, then signs the
same offer until the horizon ends (`shorten`), sized by what is known then (`informed`). Demand is what comes with the
changes that are planned, each with its chance (scenario `expected`); `sign_now` alone is sized on demand as if nothing
were planned. Which plan is cheapest is computed, never assumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.legs import Leg, bridge_of, simulate_legs
from baseload.commit.options.picking import pick
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.family import Ramp
from baseload.commit.search.optimum import optimum
from baseload.commit.timing.informed import Signed, signed_then
from baseload.commit.timing.words import about
from baseload.demand.adoption import Scenario

Plan = Literal["sign_now", "bridge", "route_first", "day_0", "on_demand"]
PLANS: Final[tuple[Plan, ...]] = ("sign_now", "bridge", "route_first", "day_0", "on_demand")
DELAY_MONTHS: Final = 9
BRIDGE_MONTHS: Final = 3
"""Where the offer names no bridge."""


class Priced(NamedTuple):
    """One plan on every path: dollars (paths,), cash (paths, months), what is signed (paths, years) and when."""

    plan: Plan
    cost_usd: Array
    npv_usd: Array
    cash_usd: Array
    commit_usd: Array
    signs_in_month: int | None


class TimingWorth(msgspec.Struct, frozen=True, kw_only=True):
    """What one plan comes to over the horizon, after everything planned has shipped or not.

    `commit_usd_by_year` is in the offer's basis; who signs later commits what is known then, so it is the mean over the
    paths, and `commit_low_usd` to `commit_high_usd` hold four fifths of its first year. A last part of a year commits
    its part. `expected_cost_usd`, p10 and p90 are cash over the horizon, `npv_usd` its mean present value.
    """

    plan: Plan
    signs_in_month: int | None  # 0 = now; None = never
    commit_usd_by_year: tuple[Decimal, ...]
    commit_low_usd: Decimal
    commit_high_usd: Decimal
    expected_cost_usd: float
    p10_usd: float
    p90_usd: float
    npv_usd: float
    cheapest: bool  # of the five, by present value
    says: str


def timings(
    contract: Contract,
    scenarios: Mapping[Scenario, Paths],
    *,
    delay_months: int = DELAY_MONTHS,
    bridge_months: int | None = None,
    wacc: float = 0.0,
) -> tuple[TimingWorth, ...]:
    """The five plans, in the order of `PLANS`. Sizes are those of least expected cost, as `commit size` finds them.

    `scenarios` needs `none` and `expected` on the same volumes. A bridge that the offer does not name lasts three
    months at list price. Raises CommitError where a scenario is missing or shorter than the term.
    """
    priced = price_plans(contract, scenarios, delay_months=delay_months, bridge_months=bridge_months, wacc=wacc)
    return told(contract, priced)


def price_plans(
    contract: Contract,
    scenarios: Mapping[Scenario, Paths],
    *,
    delay_months: int = DELAY_MONTHS,
    bridge_months: int | None = None,
    wacc: float = 0.0,
    plans: Sequence[Plan] = PLANS,
    groups: int | None = None,
    ramp: Ramp = "free",
) -> tuple[Priced, ...]:
    """Plans path by path. Delays are cut to leave at least one month of contract.

    `groups` and `ramp` (one amount for all years) make a search quicker and coarser, on both sides alike.
    """
    none, expected = two_scenarios(contract, scenarios)
    months = {
        "bridge": _bridge_months(contract, bridge_months),
        "route_first": min(delay_months, contract.term_months - 1),
    }
    found = []
    for plan in plans:
        if plan == "on_demand":
            found.append(_walked(plan, [], expected, None, 0, wacc))
        elif plan in months:
            month = _checked(months[plan])
            first = _bridge(contract, month) if plan == "bridge" else None
            later = signed_then(contract, expected, month, groups=groups, ramp=ramp)
            found.append(_walked(plan, later, expected, first, month, wacc))
        else:
            sized_on = none if plan == "sign_now" else expected
            now = contract.sized(*optimum(contract, sized_on, ramp=ramp).commit_usd_by_year)
            found.append(_walked(plan, [Signed(np.arange(expected.count), now)], expected, None, 0, wacc))
    return tuple(found)


def _checked(months: int) -> int:
    if months < 1:
        raise CommitError("delay", f"{months} months", "at least 1 month, and a term of at least 2")
    return months


def two_scenarios(contract: Contract, scenarios: Mapping[Scenario, Paths]) -> tuple[Paths, Paths]:
    """Demand without and with what is planned, over the contract's term. Raises CommitError."""
    wanted: tuple[Scenario, Scenario] = ("none", "expected")
    for name in wanted:
        if name not in scenarios:
            raise CommitError("scenarios", f"no {name}", "none and expected: demand without and with what is planned")
        if scenarios[name].months < contract.term_months:
            raise CommitError("usage", f"{scenarios[name].months} months", f"the term, {contract.term_months} months")
    none, expected = (scenarios[name].first(contract.term_months) for name in wanted)
    if none.count != expected.count:
        raise CommitError("scenarios", f"{none.count} and {expected.count} paths", "the same volumes in both")
    return none, expected


def _bridge_months(contract: Contract, months: int | None) -> int:
    offered = contract.bridge.term_months if contract.bridge else BRIDGE_MONTHS
    return min(offered if months is None else months, contract.term_months - 1)


def _bridge(contract: Contract, months: int) -> Contract | None:
    """The offer's bridge over so many months, its commitment in proportion; None = on demand."""
    if contract.bridge is None:
        return None
    whole = contract.bridge.commit_usd * months / contract.bridge.term_months
    return bridge_of(replace(contract, bridge=replace(contract.bridge, term_months=months, commit_usd=whole)))


def _walked(
    plan: Plan, signed: Sequence[Signed], paths: Paths, first: Contract | None, month: int, wacc: float
) -> Priced:
    """Cash of everybody who signs something, and of the months before."""
    if not signed:
        found = simulate_legs([], paths, wacc)
        return Priced(plan, found.cost_usd, found.npv_usd, found.cash_usd, np.zeros((paths.count, 1)), None)
    cost, npv = np.empty(paths.count), np.empty(paths.count)
    cash = np.empty((paths.count, paths.months))
    commits = np.empty((paths.count, signed[0].contract.years))
    before = [] if first is None else [Leg(contract=first, start=0)]
    for rows, contract in signed:
        found = simulate_legs([*before, Leg(contract=contract, start=month)], pick(paths, rows), wacc)
        cost[rows], npv[rows], cash[rows] = found.cost_usd, found.npv_usd, found.cash_usd
        commits[rows] = [float(usd) for usd in contract.commit_usd_by_year]
    return Priced(plan, cost, npv, cash, commits, month)


def told(contract: Contract, priced: Sequence[Priced]) -> tuple[TimingWorth, ...]:
    """Figures and a sentence for each plan."""
    least = min(float(one.npv_usd.mean()) for one in priced)
    return tuple(_worth(contract, one, least) for one in priced)


def _worth(contract: Contract, one: Priced, least: float) -> TimingWorth:
    low, high = np.quantile(one.commit_usd[:, 0], [0.1, 0.9])
    p10, p90 = np.quantile(one.cost_usd, [0.1, 0.9])
    npv = float(one.npv_usd.mean())
    more = npv / least - 1 if least > 0 else 0.0
    commits = tuple(Decimal(round(float(usd))) for usd in one.commit_usd.mean(axis=0))
    return TimingWorth(
        plan=one.plan,
        signs_in_month=one.signs_in_month,
        commit_usd_by_year=() if one.signs_in_month is None else commits,
        commit_low_usd=Decimal(round(float(low))),
        commit_high_usd=Decimal(round(float(high))),
        expected_cost_usd=float(one.cost_usd.mean()),
        p10_usd=float(p10),
        p90_usd=float(p90),
        npv_usd=npv,
        cheapest=npv == least,
        says=f"{_what(contract, one, float(low), float(high))}: {_rank(npv == least, more)}.",
    )


def _rank(cheapest: bool, more: float) -> str:
    return "the cheapest of these" if cheapest else f"{more:.1%} dearer than the cheapest"


def _what(contract: Contract, one: Priced, low: float, high: float) -> str:
    if one.plan == "on_demand":
        return "Ship the plan, sign nothing"
    if one.plan == "sign_now":
        return f"Sign now, sized on demand as it is today ({about(low)} in the first year)"
    if one.plan == "day_0":
        return f"Sign now, sized on what the plan leaves, each change with its chance ({about(low)} in the first year)"
    size = f"then sign {about(low)} to {about(high)}, by the run rate of the day"
    if one.plan == "route_first":
        return f"{one.signs_in_month} months on demand while the plan ships, {size}"
    if contract.bridge is None:
        return f"{one.signs_in_month} months at list (the offer names no bridge), {size}"
    held = "" if contract.bridge.resign == "frozen" else "; the offer does not promise today's bands then"
    bridge = f"{about(float(contract.bridge.commit_usd))} at {contract.bridge.discount:.0%} off"
    return f"{one.signs_in_month} months of bridge ({bridge}), {size}{held}"
