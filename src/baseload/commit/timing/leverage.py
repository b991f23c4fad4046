"""What a buyer can do instead of signing, before and after the plan; and what an inflated commitment brings.

A negotiation is as strong as its alternatives: to walk, to scale down, to wait. Each has a cost and a lead time, and
the plan changes both. Nothing here is assumed to favour the plan: where a claim does not hold, the figures say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.bands import discount_arrays_at
from baseload.commit.clauses import ZERO, Band, Channel, Overage, Unused
from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.legs import Leg, simulate_legs
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.simulate import simulate
from baseload.commit.timing.plans import price_plans, two_scenarios
from baseload.commit.timing.words import about
from baseload.demand.adoption import Scenario

Phase = Literal["before", "after"]
Move = Literal["sign", "walk", "other_cloud", "wait"]
QUARTER: Final = 3
CLOUD_LEAD_MONTHS: Final = 2
"""Accounts, networks and quotas in another cloud. An assumption."""
TREND_MONTHS: Final = 6
DAYS: Final = (30, 60, 90)
_NOTHING: Final = 0.5
"""Dollars: less is rounding."""


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """One move, before the plan (nothing ships) or after it (each change with its chance).

    `cost_usd` over the term, mean; `extra_usd` over signing this offer now at its best size, negative where it is
    cheaper. `lead_months` until it is in force.
    """

    move: Move
    phase: Phase
    cost_usd: float
    extra_usd: float
    lead_months: int


class Removable(msgspec.Struct, frozen=True, kw_only=True):
    """List dollars a month that changes in hand take away within so many days, means; `proven_usd` by proven ones.

    Without the plan there is nothing ready to take away: 0.
    """

    days: int
    usd_per_month: float
    proven_usd: float | None


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A commitment on what the plan leaves: chance and mean dollars of overage (cash) and of balance lost (in the
    offer's basis), and what it costs over the term.
    """

    commit_usd_by_year: tuple[Decimal, ...]
    p_overage: float
    overage_usd: float
    p_unused: float
    unused_usd: float
    cost_usd: float


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is said about committing small after the plan, and whether it holds here.

    `kind`: "trend" needs months billed to commit on the trend of, "walk" a plan to walk away after.
    """

    kind: Literal["trend", "walk"]
    claim: str
    holds: bool
    says: str


class Leverage(msgspec.Struct, frozen=True, kw_only=True):
    """Moves, dollars that can be scaled down, and an inflated commitment beside a lean one."""

    alternatives: tuple[Alternative, ...]
    removable: tuple[Removable, ...]
    inflated: Sized
    lean: Sized
    claims: tuple[Claim, ...]


def leverage(
    contract: Contract,
    scenarios: Mapping[Scenario, Paths],
    billed_usd: Sequence[float],
    *,
    cloud: Channel | None = None,
    cloud_lead_months: int = CLOUD_LEAD_MONTHS,
) -> Leverage:
    """Moves before and after the plan, over the contract's term.

    `billed_usd`: monthly list dollars as billed, the last the most recent: its trend sizes the inflated commitment.
    `cloud`: another cloud's channel with its burn-down; None = not priced. Raises CommitError as `timings` does, and
    below two months billed.
    """
    none, expected = two_scenarios(contract, scenarios)
    sides: tuple[tuple[Phase, Paths], ...] = (("before", none), ("after", expected))
    moves = [row for phase, usage in sides for row in _moves(contract, phase, usage, cloud, cloud_lead_months)]
    inflated = _sized(contract, trend_commit(contract, billed_usd), expected)
    lean = _sized(contract, optimum(contract, expected).commit_usd_by_year, expected)
    proven = scenarios.get("proven")
    return Leverage(
        alternatives=tuple(moves),
        removable=tuple(_removable(days, none, expected, proven) for days in DAYS),
        inflated=inflated,
        lean=lean,
        claims=(*_claims(inflated, lean), _walking(moves)),
    )


def trend_commit(contract: Contract, billed_usd: Sequence[float]) -> tuple[Decimal, ...]:
    """The trend of the last six months billed, drawn on over the term: how a commitment is usually asked for.

    A straight line through them, summed by contract year; in the offer's basis (net: after the discount it would
    get). Whole dollars. Raises CommitError below two months.
    """
    seen = np.asarray(billed_usd, dtype=np.float64)[-TREND_MONTHS:]
    if len(seen) < 2:
        raise CommitError("billed_usd", f"{len(seen)} months", "at least 2 to draw a trend")
    slope, level = np.polyfit(np.arange(len(seen)), seen, 1)
    ahead = np.maximum(level + slope * (len(seen) + np.arange(contract.term_months)), 0.0)
    starts = [MONTHS_PER_YEAR * year for year in range(contract.years)]
    yearly = np.array([ahead[at : at + year_months(contract, year)].sum() for year, at in enumerate(starts)])
    if contract.commit_basis == "net":
        yearly = yearly * (1 - discount_arrays_at(contract, yearly).committed)
    return tuple(Decimal(round(float(usd))) for usd in yearly)


def _moves(
    contract: Contract, phase: Phase, usage: Paths, cloud: Channel | None, cloud_lead_months: int
) -> list[Alternative]:
    signed = _mean(optimum(contract, usage).cost_usd)
    waits = price_plans(contract, {"none": usage, "expected": usage}, delay_months=QUARTER, plans=("route_first",))[0]
    costs: list[tuple[Move, float, int]] = [
        ("sign", signed, 0),
        ("walk", _mean(simulate_legs([], usage).cost_usd), 0),
        ("wait", _mean(waits.cost_usd), waits.signs_in_month or 0),
    ]
    if cloud is not None:
        lead = min(cloud_lead_months, contract.term_months - 1)
        leg = Leg(contract=_pay_as_you_go(cloud, contract.term_months - lead), start=lead)
        costs.append(("other_cloud", _mean(simulate_legs([leg], usage).cost_usd), lead))
    return [
        Alternative(move=move, phase=phase, cost_usd=cost, extra_usd=cost - signed, lead_months=lead)
        for move, cost, lead in costs
    ]


def _mean(values: Array) -> float:
    return float(values.mean())


def _pay_as_you_go(cloud: Channel, months: int) -> Contract:
    """List price through another cloud: nothing committed here, a cloud commitment burned down there."""
    empty = Contract(
        name=cloud.name,
        term_months=months,
        commit_basis="list",
        bands=(Band(from_usd=ZERO, discount=ZERO),),
        overage=Overage(rule="list"),
        unused=Unused(rule="forfeit"),
        channel=cloud,
    )
    return empty.sized(0)


def _removable(days: int, none: Paths, expected: Paths, proven: Paths | None) -> Removable:
    """What the month that ends on that day bills less."""
    month = min(days // 30, none.months) - 1
    today = _mean(none.list_usd[:, month])
    return Removable(
        days=days,
        usd_per_month=today - _mean(expected.list_usd[:, month]),
        proven_usd=None if proven is None else today - _mean(proven.list_usd[:, month]),
    )


def _sized(contract: Contract, commits: tuple[Decimal, ...], usage: Paths) -> Sized:
    found = simulate(contract.sized(*commits), usage)
    return Sized(
        commit_usd_by_year=commits,
        p_overage=_mean((found.excess > _NOTHING).astype(np.float64)),
        overage_usd=_mean(found.overage_usd),
        p_unused=_mean((found.lost > _NOTHING).astype(np.float64)),
        unused_usd=_mean(found.lost),
        cost_usd=_mean(found.cost_usd),
    )


def _claims(inflated: Sized, lean: Sized) -> tuple[Claim, ...]:
    return (
        Claim(
            kind="trend",
            claim="A lean commitment leaves less unused",
            holds=lean.unused_usd <= inflated.unused_usd,
            says=f"unused {about(lean.unused_usd)} lean ({lean.p_unused:.0%} of paths), "
            f"{about(inflated.unused_usd)} inflated ({inflated.p_unused:.0%}).",
        ),
        Claim(
            kind="trend",
            claim="A lean commitment pays less overage",
            holds=lean.overage_usd <= inflated.overage_usd,
            says=f"overage {about(lean.overage_usd)} lean ({lean.p_overage:.0%} of paths), "
            f"{about(inflated.overage_usd)} inflated ({inflated.p_overage:.0%}).",
        ),
        Claim(
            kind="trend",
            claim="A lean commitment costs less in all",
            holds=lean.cost_usd <= inflated.cost_usd,
            says=f"{about(lean.cost_usd)} lean, {about(inflated.cost_usd)} inflated, on the same demand.",
        ),
    )


def _walking(moves: Sequence[Alternative]) -> Claim:
    """Does the plan make it cheaper to walk away from the table?"""
    extra = {one.phase: one.extra_usd for one in moves if one.move == "walk"}
    return Claim(
        kind="walk",
        claim="After the plan, walking away costs less",
        holds=extra["after"] <= extra["before"],
        says=f"staying on demand costs {about(extra['after'])} more than signing after the plan, "
        f"{about(extra['before'])} before it.",
    )
