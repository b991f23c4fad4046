"""The joint cost of one workload under one choice of levers, in integers of nano-dollars at the prices of one day.

Nothing is a discount on a discount: the choice decides which tokens each call would have, on which model, in which
class, in a batch or not, and those tokens are priced once (docs/decisions/plan-composition.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from baseload.levers.options import BatchOutcome, CacheOutcome, Menu
from baseload.levers.position import Position, cost_today
from baseload.plan.choice import TODAY, Choice, route_of
from baseload.plan.placing import Placed, place
from baseload.plan.repricing import ALL_HIGH, ALL_LIKELY, ALL_LOW, Ends, cost_at, reaches
from baseload.plan.span import Span, around, total
from baseload.prices.book import PriceBook


def cost(positions: Sequence[Position], menu: Menu, choice: Choice, book: PriceBook, day: int) -> Span:
    """What a workload would cost under a choice; under today's choice exactly `cost_today` of its positions.

    Likely is the low bound of today's price wherever a position stays as it is, as in every list figure.
    """
    return Pricer(positions, menu, book, day).cost(choice)


def agreed(choice: Choice, menu: Menu) -> Choice:
    """The choice without the fixes that somebody has still to agree to."""
    return msgspec.structs.replace(choice, fixes=tuple(at for at in choice.fixes if not menu.fixes[at].decision))


class Part(NamedTuple):
    """One position under a choice: where it runs, what shapes it there, and whether anything about it changes."""

    placed: Placed
    cache: CacheOutcome | None
    batch: BatchOutcome | None

    @property
    def changed(self) -> bool:
        return self.placed.changed or self.cache is not None or self.batch is not None


class Pricer:
    """Costs of one workload under many choices; what several choices share is worked out once."""

    def __init__(self, positions: Sequence[Position], menu: Menu, book: PriceBook, day: int) -> None:
        self.positions = tuple(positions)
        self.menu = menu
        self._book = book
        self._day = day
        self._today = [cost_today(position, book, day) for position in self.positions]
        self._outcomes = {(outcome.policy, outcome.model): outcome for outcome in menu.caches}
        self._placed: dict[tuple[tuple[int, ...], int], tuple[Placed, ...]] = {}
        self._amounts: dict[tuple[int, tuple[int, ...], int, str, bool, Ends], int] = {}

    def cost(self, choice: Choice) -> Span:
        """Low, likely and high of a choice."""
        return total(self.spans(choice))

    def spans(self, choice: Choice) -> list[Span]:
        """The span of each position, in order."""
        found = []
        for index in range(len(self.positions)):
            likely = self._amount(index, choice, ALL_LIKELY)
            bounds = (self._amount(index, choice, ALL_LOW), self._amount(index, choice, ALL_HIGH))
            found.append(around(likely, bounds))
        return found

    def at(self, choice: Choice, ends: Ends = ALL_LIKELY) -> int:
        """Nano-dollars of a choice with each unknown read at one end."""
        return sum(self._amount(index, choice, ends) for index in range(len(self.positions)))

    def amounts(self, choice: Choice) -> list[int]:
        """The likely nano-dollars of each position, in order."""
        return [self._amount(index, choice, ALL_LIKELY) for index in range(len(self.positions))]

    def careful(self, choice: Choice) -> int:
        """The cost nobody should be surprised by: the high end of what changes, the list price of what stays.

        Today's choice costs exactly what `at` says, so a careful saving is never made of an unknown that is there
        anyway.
        """
        parts = self.parts(choice)
        return sum(
            around(self._amount(index, choice, ALL_LIKELY), [self._amount(index, choice, ALL_HIGH)]).high
            if part.changed
            else self._today[index][0]
            for index, part in enumerate(parts)
        )

    def saving(self, choice: Choice) -> Span:
        """Today's cost less the choice's. A position that stays as it is saves exactly nothing at every end.

        What is unknown about today (a TTL, a band) is one unknown on both sides: it is read at one end for both. What
        somebody has still to agree to may also not happen: the low end is without it.
        """
        return total(self._saved(index, choice) for index, part in enumerate(self.parts(choice)) if part.changed)

    def _saved(self, index: int, choice: Choice) -> Span:
        likely = self._amount(index, TODAY, ALL_LIKELY) - self._amount(index, choice, ALL_LIKELY)
        bounds = []
        for today in (ALL_LOW.today, ALL_HIGH.today):
            billed = self._amount(index, TODAY, Ends(today=today))
            bounds += [
                billed - self._amount(index, one, end._replace(today=today))
                for one in dict.fromkeys((choice, agreed(choice, self.menu)))
                for end in (ALL_LOW, ALL_HIGH)
            ]
        return around(likely, bounds)

    def parts(self, choice: Choice) -> list[Part]:
        """Every position under a choice."""
        return [Part(placed, *self._reached(placed, choice)) for placed in self._places(choice)]

    def models(self, choice: Choice) -> frozenset[str]:
        """The models the workload's calls run on under a choice."""
        return frozenset(placed.model for placed in self._places(choice))

    def _places(self, choice: Choice) -> tuple[Placed, ...]:
        key = (choice.fixes, choice.route)
        found = self._placed.get(key)
        if found is None:
            option, today = route_of(choice, self.menu), route_of(TODAY, self.menu)
            fixes = [self.menu.fixes[index] for index in choice.fixes]
            found = tuple(place(position, fixes, option, today, self._book, self._day) for position in self.positions)
            self._placed[key] = found
        return found

    def _reached(self, placed: Placed, choice: Choice) -> tuple[CacheOutcome | None, BatchOutcome | None]:
        """The outcomes that shape a position: of a policy on its own model, and of batching where it is sold."""
        cache = None
        if choice.cache != "as_billed" or placed.moved:
            cache = self._outcomes.get((choice.cache, placed.model))
        if cache is None and placed.moved:
            cache = self._outcomes.get(("as_billed", placed.model))
        if cache is not None and not reaches(placed, cache):
            cache = None
        batch = self.menu.batch if choice.batch and placed.batch is not None else None
        return cache, batch

    def _amount(self, index: int, choice: Choice, ends: Ends) -> int:
        key = (index, choice.fixes, choice.route, choice.cache, choice.batch, ends)
        found = self._amounts.get(key)
        if found is None:
            found = self._amounts[key] = self._worked_out(index, choice, ends)
        return found

    def _worked_out(self, index: int, choice: Choice, ends: Ends) -> int:
        placed = self._places(choice)[index]
        cache, batch = self._reached(placed, choice)
        if not Part(placed, cache, batch).changed:
            return self._today[index][1] if ends.today == ALL_HIGH.today else self._today[index][0]
        return cost_at(placed, cache, batch, ends)
