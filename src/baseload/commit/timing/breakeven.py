"""What would change the answer of `plans`: another delay, other discounts at a later signing, a dearer price list.

Signing now (`sign_now`, `day_0`, `on_demand`) against signing later (`bridge`, `route_first`), each at its best, by
mean present value. Sizes are found anew at every step of a search. Where months must be priced one by one over several
years, searches run on at most 400 of the paths and with one amount for all years, so that near a tie they may answer
otherwise than the plans do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from baseload.commit.clauses import ONE, ZERO, Band
from baseload.commit.contract import Contract
from baseload.commit.options.picking import pick
from baseload.commit.paths import Paths
from baseload.commit.search.family import Ramp
from baseload.commit.search.pricing import by_the_year
from baseload.commit.timing.plans import (
    BRIDGE_MONTHS,
    DELAY_MONTHS,
    Plan,
    Priced,
    price_plans,
    two_scenarios,
)
from baseload.demand.adoption import Scenario

Kind = Literal["delay_months", "discount_points", "list_rise"]
NOW: Final[tuple[Plan, ...]] = ("sign_now", "day_0", "on_demand")
LATER: Final[tuple[Plan, ...]] = ("bridge", "route_first")
GROUPS: Final = 4
"""Of run rates in a search: half of what the plans themselves use."""
MOST_DELAY: Final = 12
FEW_DELAYS: Final = (1, 2, 3, 4, 6, 9, 12)
MOST_POINTS: Final = 0.25
MOST_RISE: Final = 1.0
MOST_PATHS: Final = 400
_STEPS: Final = 8
"""Halvings: points are known to 0.001, a rise to 0.004."""


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """Where signing later stops or starts to pay.

    `value`: the delay in months, nearest to the one asked about, that has the other answer; points (a fraction) by
    which every discount of a later signing is worse, negative where it must be better; the share by which list prices
    rise between now and then. None = nothing within `searched` changes the answer. `pays`: does signing later pay as
    things are?
    """

    kind: Kind
    now: Plan
    later: Plan
    pays: bool
    value: float | None
    searched: tuple[float, float]
    says: str


class Sides(NamedTuple):
    """The best of each side and what signing later saves; negative where it costs."""

    now: Plan
    later: Plan
    saves_usd: float


def break_evens(
    contract: Contract,
    scenarios: Mapping[Scenario, Paths],
    *,
    delay_months: int = DELAY_MONTHS,
    bridge_months: int | None = None,
    wacc: float = 0.0,
) -> tuple[BreakEven, ...]:
    """How long a delay, how much worse a discount and how big a price rise would change the answer.

    A rise of list prices comes in the month a bridge ends, for everybody; an offer that holds its price keeps who
    signed out of it. Raises CommitError as `timings` does.
    """

    two_scenarios(contract, scenarios)
    coarse = contract.years > 1 and not by_the_year(contract, scenarios["expected"], "cost", None)
    quick = contract.years > 1 and contract.price_rule_name != "disc_off_current_list"
    few = {name: pick(paths, _spread(paths.count)) for name, paths in scenarios.items()}

    def price(
        terms: Contract, usage: Mapping[Scenario, Paths], plans: Sequence[Plan], delay: int, flat: bool = coarse
    ) -> list[Priced]:
        ramp: Ramp = "flat" if flat else "free"
        return list(
            price_plans(
                terms,
                usage,
                delay_months=delay,
                bridge_months=bridge_months,
                wacc=wacc,
                plans=plans,
                groups=GROUPS,
                ramp=ramp,
            )
        )

    if coarse:
        scenarios = few
    now = price(contract, scenarios, NOW, delay_months)

    def worse(points: float) -> Sides:
        return sides(now, price(_worse(contract, points), scenarios, LATER, delay_months))

    def dearer(rise: float) -> Sides:
        month = min(bridge_months or _bridge(contract), contract.term_months - 1)
        risen = {name: _risen(paths, month, rise) for name, paths in (few if quick else scenarios).items()}
        flat = coarse or quick
        return sides(price(contract, risen, NOW, delay_months, flat), price(contract, risen, LATER, delay_months, flat))

    delays = sorted({*(FEW_DELAYS if coarse else range(1, MOST_DELAY + 1)), delay_months})
    routed = {
        delay: price(contract, scenarios, ("route_first",), delay)[0]
        for delay in delays
        if delay < contract.term_months
    }
    return (_delay(now, routed, delay_months), _points(worse), _rise(contract, dearer))


def _spread(paths: int) -> NDArray[np.int64]:
    """At most `MOST_PATHS` of the paths, evenly spread."""
    return np.linspace(0, paths - 1, min(paths, MOST_PATHS)).astype(np.int64)


def sides(now: Sequence[Priced], later: Sequence[Priced]) -> Sides:
    """The best plan of each side."""
    best_now, best_later = (min(side, key=_mean) for side in (now, later))
    return Sides(best_now.plan, best_later.plan, _mean(best_now) - _mean(best_later))


def _mean(one: Priced) -> float:
    return float(one.npv_usd.mean())


def _bridge(contract: Contract) -> int:
    return contract.bridge.term_months if contract.bridge else BRIDGE_MONTHS


def _delay(now: Sequence[Priced], routed: Mapping[int, Priced], asked: int) -> BreakEven:
    """Delays at which routing first on demand beats everything that signs nothing later."""
    wins = {delay: sides(now, [one]).saves_usd > 0 for delay, one in routed.items()}
    best = _called(min(now, key=_mean).plan)
    here = min(asked, max(routed))
    others = [delay for delay, wins_then in wins.items() if wins_then != wins[here]]
    nearest = min(others, key=lambda delay: (abs(delay - here), delay)) if others else None
    if wins[here]:
        says = f"{_months(here)} on demand, then signing, beats {best}"
        turn = (
            f"; not so after {_months(nearest)}"
            if nearest
            else f", as does every delay searched up to {max(routed)} months"
        )
    else:
        says = f"{_months(here)} on demand, then signing, does not beat {best}"
        turn = (
            f"; it does after {_months(nearest)}"
            if nearest
            else f", nor does any delay searched up to {max(routed)} months"
        )
    return BreakEven(
        kind="delay_months",
        now=min(now, key=_mean).plan,
        later="route_first",
        pays=wins[here],
        value=None if nearest is None else float(nearest),
        searched=(float(min(routed)), float(max(routed))),
        says=f"{says}{turn}.",
    )


def _months(count: int) -> str:
    return f"{count} month{'' if count == 1 else 's'}"


def _points(worse: Callable[[float], Sides]) -> BreakEven:
    today = worse(0.0)
    pays = today.saves_usd > 0
    far = MOST_POINTS if pays else -MOST_POINTS
    value = _root(worse, far, pays)
    if value is None:
        says = f"No change of up to {MOST_POINTS:.0%} points in a later signing's discounts changes the answer"
    elif pays:
        says = (
            f"Signing later ({_called(today.later)}) pays until its discounts are {100 * value:.1f} points worse than "
            "today's"
        )
    else:
        says = f"Signing later would pay only with discounts {-100 * value:.1f} points better than today's"
    return BreakEven(
        kind="discount_points",
        now=today.now,
        later=today.later,
        pays=pays,
        value=value,
        searched=(min(0.0, far), max(0.0, far)),
        says=f"{says}.",
    )


def _rise(contract: Contract, dearer: Callable[[float], Sides]) -> BreakEven:
    today = dearer(0.0)
    pays = today.saves_usd > 0
    value = _root(dearer, MOST_RISE, pays)
    held = contract.price_rule_name != "disc_off_current_list"
    if value is not None:
        says = f"A rise of list prices by {value:.1%} before the later signing changes the answer"
    elif not held:
        says = "The offer's discount is off each month's list, so a price rise meets who signed as well: no rise searched changes the answer"  # noqa: E501 - one sentence
    else:
        says = f"No rise of list prices up to {MOST_RISE:.0%} changes the answer"
    return BreakEven(
        kind="list_rise",
        now=today.now,
        later=today.later,
        pays=pays,
        value=value,
        searched=(0.0, MOST_RISE),
        says=f"{says}.",
    )


def _root(at: Callable[[float], Sides], far: float, pays: bool) -> float | None:
    """Where the sign of what signing later saves turns between 0 and `far`; None where it does not."""
    if (at(far).saves_usd > 0) == pays:
        return None
    near = 0.0
    for _ in range(_STEPS):
        middle = (near + far) / 2
        if (at(middle).saves_usd > 0) == pays:
            near = middle
        else:
            far = middle
    return (near + far) / 2


def _worse(contract: Contract, points: float) -> Contract:
    """Every discount of the offer less so many points, from 0 to 95 %; bands without one stay without."""
    less = Decimal(repr(points))
    bands = tuple(
        Band(
            from_usd=band.from_usd,
            discount=min(max(band.discount - less, ZERO), ONE - Decimal("0.05")) if band.discount else ZERO,
        )
        for band in contract.bands
    )
    return replace(contract, bands=bands)


def _risen(paths: Paths, month: int, rise: float) -> Paths:
    """List prices higher from `month` on, the work the same."""
    factor = np.where(np.arange(paths.months) >= month, 1 + rise, 1.0)[None, :]
    index = factor if paths.price_index is None else paths.price_index * factor
    outside = None if paths.outside_usd is None else paths.outside_usd * factor
    return replace(paths, list_usd=paths.list_usd * factor, price_index=index, outside_usd=outside)


def _called(plan: Plan) -> str:
    return {
        "sign_now": "signing now on today's demand",
        "bridge": "a bridge",
        "route_first": "routing first",
        "day_0": "signing now on what the plan leaves",
        "on_demand": "staying on demand",
    }[plan]
