"""What routing alone could save, for all workloads, beside the claim that it saves 40 to 70 %.

Two rules, and never one figure: what a trial has shown to hold, and that plus candidates nobody tested, each within
reach of the task (`levers.first_look.within_reach`). No cache, batch or lower effort is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from baseload.levers.first_look import within_reach
from baseload.levers.options import RouteOption
from baseload.levers.position import Position
from baseload.levers.route.cost import Cost, option_cost
from baseload.levers.summary import weakest
from baseload.prices.book import PriceBook
from baseload.values import Grade, Workload

CLAIM: Final = (0.40, 0.70)
"""The saving commonly claimed for routing, as a share of spend."""


WORTH_THE_UNKNOWN: Final = Fraction(1, 20)
"""An untested move takes the place of one that a trial speaks for only where it saves so much more of what the workload
costs today: finding out takes work and weeks besides the dollars of a trial (docs/decisions/plan-composition.md)."""


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars saved: bounds of what is known. `low` may be negative: the move may cost more."""

    low: int = 0
    likely: int = 0
    high: int = 0

    def __add__(self, other: Saving) -> Saving:
        return Saving(low=self.low + other.low, likely=self.likely + other.likely, high=self.high + other.high)

    def shares(self, spend_nano: int) -> tuple[float, float, float]:
        """Of a spend; zeros of nothing."""
        if spend_nano <= 0:
            return 0.0, 0.0, 0.0
        return self.low / spend_nano, self.likely / spend_nano, self.high / spend_nano


class Alone(msgspec.Struct, frozen=True, kw_only=True):
    """Routing alone over all workloads, at the prices of one day.

    `spend_nano` is today's cost. `proven` takes only candidates a trial holds for; `all_assumed` adds untested ones and
    those that held against a stand-in, proven ones first. `by_grade` divides `all_assumed` by the weakest of how each
    moved workload's option and its calls are known, as the plan's waterfall does. `moved` names the model each workload
    would go to.
    """

    spend_nano: int
    proven: Saving
    all_assumed: Saving
    by_grade: tuple[tuple[Grade, Saving], ...]
    moved: tuple[tuple[str, str], ...]

    def sentence(self) -> str:
        """The two ranges against the claim, ready to print."""
        low, _, high = self.all_assumed.shares(self.spend_nano)
        proven_low, _, proven_high = self.proven.shares(self.spend_nano)
        claim = f"{CLAIM[0] * 100:.0f} to {CLAIM[1]:.0%}"
        return (
            f"Routing alone: {low * 100:.0f} to {high:.0%} against the claim of {claim}, "
            f"{_proven_words(proven_low, proven_high)}."
        )


def _proven_words(low: float, high: float) -> str:
    if high <= 0:
        return "none of it proven by a trial"
    return f"of which {low * 100:.0f} to {high:.0%} is proven by trials"


def routing_alone(
    menus: Mapping[str, Sequence[RouteOption]],
    positions: Mapping[str, Sequence[Position]],
    workloads: Mapping[str, Workload],
    book: PriceBook,
    day: int,
) -> Alone:
    """The best candidate of every workload under both rules. `menus` and `positions` are by workload id; the first
    option of a menu is today's."""
    every = [position for members in positions.values() for position in members]
    reach = within_reach(every, workloads, book, day)
    spend, proven, everything = 0, Saving(), Saving()
    graded: dict[Grade, Saving] = {}
    moved: list[tuple[str, str]] = []
    for workload, options in menus.items():
        members = positions.get(workload, ())
        today = option_cost(members, options[0], options[0].model, book, day)
        spend += today.low
        tested = _best([one for one in options if one.proven], members, book, day)
        proven += _saving(today, tested)
        allowed = [one for one in options if one.verdict in ("holds", "assumed")]
        near = [one for one in allowed if one.proven or one.model in reach.get(workload, frozenset())]
        best = tested if tested and not tested[0].today else _best(near, members, book, day, today.likely)
        if best is None or best[0].today:
            continue
        gained = _saving(today, best)
        everything += gained
        counted: Grade = "sampled" if any(one.sampling_rate > 1 for one in members) else "measured"
        grade = weakest((best[0].grade, counted))
        graded[grade] = graded.get(grade, Saving()) + gained
        moved.append((workload, best[0].model))
    return Alone(
        spend_nano=spend,
        proven=proven,
        all_assumed=everything,
        by_grade=tuple(sorted(graded.items())),
        moved=tuple(moved),
    )


def _best(
    options: Collection[RouteOption], positions: Sequence[Position], book: PriceBook, day: int, spend: int = 0
) -> tuple[RouteOption, Cost] | None:
    """The option with the least likely cost, today's included; a lower effort on today's model is another lever.

    Where one that held saves, an untested one must save `WORTH_THE_UNKNOWN` of `spend` more.
    """
    today = next((one for one in options if one.today), None)
    if today is None:
        return None
    routes = [
        one
        for one in options
        if one.today
        or (not one.excluded_by and one.model != today.model and (one.verdict == "holds" or _same_effort(one, today)))
    ]
    costs = [(one, option_cost(positions, one, today.model, book, day)) for one in routes]
    held = any(one.verdict == "holds" and not one.today and cost.likely < spend for one, cost in costs)
    toll = round(WORTH_THE_UNKNOWN * spend) if held else 0

    def weighed(pair: tuple[RouteOption, Cost]) -> tuple[int, bool, str, str]:
        option, cost = pair
        unknown = not option.today and option.verdict != "holds"
        return cost.likely + toll * unknown, not option.today, option.model, option.effort

    return min(costs, key=weighed)


def _same_effort(option: RouteOption, today: RouteOption) -> bool:
    return option.effort in ("", today.effort)


def _saving(today: Cost, best: tuple[RouteOption, Cost] | None) -> Saving:
    if best is None or best[0].today:
        return Saving()
    cost = best[1]
    return Saving(low=today.low - cost.high, likely=today.likely - cost.likely, high=today.high - cost.low)
