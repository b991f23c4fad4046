"""What a buyer can do instead, and where to walk away from the table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from baseload.commit.case.document import LeveragePart, Missing
from baseload.commit.case.priced import Priced
from baseload.commit.case.records import Against, ClaimRow, MoveRow, RemovableRow, SizedRow, WalkRow
from baseload.commit.case.terms import CaseRequest, Cloud
from baseload.commit.clauses import ZERO, Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.legs import Leg, simulate_legs
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import usd
from baseload.commit.size.demand import Demand
from baseload.commit.timing.leverage import (
    CLOUD_LEAD_MONTHS,
    TREND_MONTHS,
    Alternative,
    Leverage,
    Phase,
    Sized,
    leverage,
)
from baseload.commit.timing.words import about
from baseload.commit.worth.points import SHIFTS, Points, shifted
from baseload.commit.worth.table import usd_of
from baseload.commit.worth.walk import WalkAway, walk_away

_EQUAL = 1e-12
_STEPS = 18
"""Halvings of half of everything: points are known to a thousandth."""
"""The first three claims set an inflated commitment, which is the trend of what was billed, against a lean one."""


def billed_usd(demand: Demand) -> list[float] | None:
    """Known months billed at list, the last the most recent; None where the demand is somebody's own paths."""
    if demand.history is None:
        return None
    total = demand.history.total
    return [float(one) for one in total[~np.isnan(total)]]


def leverage_part(request: CaseRequest, case: Priced) -> LeveragePart:
    """Moves before and after the plan. What needs months billed or a plan is left out where there are none."""
    billed, planned = billed_usd(request.demand), bool(request.demand.savings)
    stand_in = [float(one) for one in case.scenarios["none"].list_usd[:, :TREND_MONTHS].mean(axis=0)]
    found = leverage(case.contract, case.scenarios, stand_in if billed is None else billed)
    moves = [one for one in _moves(found, case, request.given.cloud) if planned or one.phase == "before"]
    told = {"trend": billed is not None, "walk": planned}
    return LeveragePart(
        moves=tuple(_move(one) for one in moves),
        removable=tuple(
            RemovableRow(
                days=one.days,
                list_usd_per_month=usd(one.usd_per_month),
                proven_usd_per_month=None if one.proven_usd is None else usd(one.proven_usd),
            )
            for one in found.removable
            if planned
        ),
        inflated=None if billed is None else _sized(found.inflated),
        lean=_sized(found.lean),
        claims=tuple(
            ClaimRow(claim=one.claim, holds=one.holds, says=one.says) for one in found.claims if told[one.kind]
        ),
    )


def _moves(found: Leverage, case: Priced, cloud: Cloud | None) -> Iterator[Alternative]:
    yield from found.alternatives
    if cloud is None:
        return
    signed = {one.phase: one.cost_usd for one in found.alternatives if one.move == "sign"}
    sides: tuple[tuple[Phase, Paths], ...] = (("before", case.scenarios["none"]), ("after", case.expected))
    for phase, usage in sides:
        cost, lead = cloud_usd(case.contract, usage, cloud)
        yield Alternative(
            move="other_cloud", phase=phase, cost_usd=cost, extra_usd=cost - signed[phase], lead_months=lead
        )


def cloud_usd(contract: Contract, usage: Paths, cloud: Cloud) -> tuple[float, int]:
    """Mean cost through another cloud over the term, and the months until it is in force, paid on demand as today.

    Nothing is committed for these models there: its discount is on every dollar, and what is paid burns down a cloud
    commitment that exists anyway.
    """
    lead = min(CLOUD_LEAD_MONTHS, contract.term_months - 1)
    plain = Contract(
        name=cloud.channel.name,
        term_months=contract.term_months - lead,
        commit_basis="list",
        bands=(Band(from_usd=ZERO, discount=cloud.discount),),
        overage=Overage(rule="committed"),
        unused=Unused(rule="forfeit"),
        channel=cloud.channel,
    )
    return float(simulate_legs([Leg(contract=plain.sized(0), start=lead)], usage).cost_usd.mean()), lead


def _move(one: Alternative) -> MoveRow:
    return MoveRow(
        move=one.move,
        phase=one.phase,
        cost_usd=usd(one.cost_usd),
        extra_usd=usd(one.extra_usd),
        lead_months=one.lead_months,
    )


def _sized(one: Sized) -> SizedRow:
    return SizedRow(
        commit_usd_by_year=tuple(map(usd, one.commit_usd_by_year)),
        p_overage=round(one.p_overage, 6) + 0.0,
        overage_usd=usd(one.overage_usd),
        p_unused=round(one.p_unused, 6) + 0.0,
        unused_usd=usd(one.unused_usd),
        cost_usd=usd(one.cost_usd),
    )


def moves_missing(request: CaseRequest) -> Iterator[Missing]:
    if request.demand.history is None:
        says = "Own paths have no months billed: no trend to commit on, so nothing inflated stands beside lean."
        yield Missing(part="leverage", needs="--demand or --ledger", says=says)
    if request.given.cloud is None:
        yield Missing(
            part="leverage", needs="--cloud with its discount or shadow value", says="No other cloud is priced."
        )


def walk_rows(request: CaseRequest, case: Priced) -> tuple[WalkRow, ...]:
    """Against on demand and, where one is described, another cloud; at the best size and at the stated one."""
    ways: list[tuple[Against, float | None]] = [("on_demand", None)]
    if request.given.cloud is not None:
        ways.append(("other_cloud", cloud_usd(case.contract, case.expected, request.given.cloud)[0]))
    stated = request.offer.contract.commit_usd_by_year
    offers = [case.contract, *([request.offer.contract] if any(stated) else [])]
    return tuple(
        _walk(against, offer, walk_away(offer, case.expected, alternative_usd=other), case.expected)
        for against, other in ways
        for offer in offers
    )


def points_to(offer: Contract, one: WalkAway, paths: Paths) -> Points:
    """How far every discount may move at this size until signing costs what the alternative costs.

    Priced at every step: a discount that reaches 0 bends the line that `walk_away` reads between a few shifts.
    """
    size = np.array([[float(amount) for amount in one.commit_usd_by_year]])

    def cost(shift: float) -> float:
        return float(usd_of(shifted(offer, shift), size, paths, "cost").mean())

    low, high = SHIFTS[0], SHIFTS[-1]
    near = one.alternative_usd * (1 + _EQUAL)
    if cost(high) > near:
        return Points(points=100 * high, beyond=True)
    if cost(low) < one.alternative_usd * (1 - _EQUAL):
        return Points(points=100 * low, beyond=True)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) > near else (low, middle)
    return Points(points=100 * high, beyond=False)


def _walk(against: Against, offer: Contract, found: WalkAway, paths: Paths) -> WalkRow:
    points = points_to(offer, found, paths)
    one = replace(found, shift_points=points.points, shift_beyond=points.beyond)
    return WalkRow(
        against=against,
        size="stated" if offer.commit_usd_by_year else "best",
        commit_usd_by_year=tuple(map(usd, one.commit_usd_by_year)),
        cost_usd=usd(one.cost_usd),
        alternative_usd=usd(one.alternative_usd),
        shift_points=round(one.shift_points, 2) + 0.0,
        shift_beyond=one.shift_beyond,
        largest_usd_by_year=tuple(map(usd, one.largest_usd_by_year)),
        says=_walk_says(against, one),
    )


def _walk_says(against: Against, one: WalkAway) -> str:
    other = "on demand" if against == "on_demand" else "the other cloud"
    if not any(one.commit_usd_by_year):
        return f"No size beats {other} ({about(one.alternative_usd)}): do not sign at these discounts."
    points = f"{'more than ' if one.shift_beyond else ''}{abs(one.shift_points):.1f} points"
    size = f"At {_yearly(one.commit_usd_by_year)} against {other} ({about(one.alternative_usd)})"
    largest = _yearly(one.largest_usd_by_year) if one.largest_usd_by_year else ""
    if one.shift_points <= 0:
        return f"{size}: walk away once every discount is {points} lower, or above {largest or 'this size'}."
    top = f"or for no more than {largest}" if largest else "and no smaller one of this shape will do"
    return f"{size}: sign only if every discount rises by {points}, {top}."


def _yearly(amounts: Sequence[object]) -> str:
    shown = [about(float(str(one))) for one in amounts]
    return f"{shown[0]} a year" if len(set(shown)) == 1 else ", ".join(shown)
