"""The watch of one process: told of every attempt, it moves routes once a second and starts shadow calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from baseload.errors import UsageError
from baseload.gateway.core import Core
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.state.records import Topic
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.watching.child import Child, ChildFault
from baseload.gateway.watching.routes import RouteBook
from baseload.gateway.watching.shadow import ShadowDesk
from baseload.gateway.watching.signals import AskedAgain, Tally, asks_for_schema, counts
from baseload.gateway.watching.views import Standing
from baseload.quality.watch.events import Action, Event, Graded, Passed, Seen

PASSED_US: Final = 60_000_000
"""A route that hears nothing is told of the time once a minute: age and stages come due by it."""
MOST_ANSWER_BYTES: Final = 4 << 20
log = logging.getLogger("baseload.gateway.watch")


class Watch:
    """A part of the gateway (`runtime.Part`) and one of its watchers (`core.Watcher`)."""

    def __init__(
        self,
        core: Core,
        book: RouteBook,
        desk: ShadowDesk,
        children: tuple[Child, ...],
        *,
        told: Callable[[RouteKey, Action], None] = lambda _key, _action: None,
        renewed: Callable[[], None] = lambda: None,
    ) -> None:
        """`told` is given what a route did, `renewed` called when another policy serves."""
        self.core = core
        self.book = book
        self.desk = desk
        self._children = children
        self._told = told
        self._renewed = renewed
        self._tallies: dict[RouteKey, Tally] = {}
        self._wanted: set[RouteKey] = set()
        self._learned: set[RouteKey] = set()
        self._passed: dict[RouteKey, int] = {}
        self._again = AskedAgain()
        self._policy_id = core.rules.policy_id

    # on the data path

    def keeps(self, trip: Metering) -> bool:
        """Whether an answer is wanted whole: of a pair, or to be held against the schema it was asked for."""
        if not trip.decision.candidate:
            return False
        wanted = self.desk.keeps(trip)
        return wanted or (trip.decision.reason == "candidate" and asks_for_schema(trip.facts.members))

    def finished(self, attempt: Finished) -> None:
        decision = attempt.decision
        if not decision.candidate:
            return
        of_the_route = counts(attempt)
        self.desk.offer(attempt, use=of_the_route)
        if not of_the_route or decision.policy_id != self.core.rules.policy_id:
            return
        key = (decision.workload, decision.policy_id)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = Tally()
            self._wanted.add(key)
        again = self._again.seen(attempt.facts.session, attempt.end.request_hash, attempt.end.us)
        tally.take(attempt, again, self.core.book)

    # beside it

    async def start(self) -> None:
        """Nothing: the routes were read when the store was first asked."""

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Another replica moved a route, or somebody rolled one back. Raises StateDown."""
        if topics & {"routes", "rollbacks"}:
            await self.book.load()

    async def tick(self, now_us: int) -> None:
        """Begin routes that were served for the first time, tell all of them what happened. Raises StateDown."""
        if self.core.rules.policy_id != self._policy_id:
            self._policy_id = self.core.rules.policy_id
            self._renewed()
            await self.book.load()
        await self._begin(now_us)
        standings = self.book.standings
        self._tell_grades(now_us, standings)
        for key, standing in standings.items():
            if key[1] == self._policy_id and not standing.view.rolled_back:
                self._tell(key, standing, now_us)
        for key, actions in (await self.book.write(now_us)).items():
            for action in actions:
                log.warning("route of %s: %s, %s", key[0], action.kind, action.says)
                self._told(key, action)
        await self._compare(standings, now_us)
        await self.desk.cap.tick(now_us)

    async def stop(self) -> None:
        """End shadow calls and the watching processes; what was reserved goes back."""
        await self.desk.close()
        await self.desk.cap.tick(self.core.clock_us(), give_back=True)
        await asyncio.gather(*(child.close() for child in self._children))

    # inside

    async def _begin(self, now_us: int) -> None:
        standings = self.book.standings
        for key in sorted(self._wanted):
            entry = self.book.entry(key[0])
            if entry is not None and key not in standings and key[1] == self._policy_id:
                try:
                    await self.book.begin(entry, now_us)
                except (ChildFault, UsageError) as error:
                    log.error("the route of %s cannot begin: %s", key[0], type(error).__name__)
                    continue
            self._wanted.discard(key)

    def _tell(self, key: RouteKey, standing: Standing, now_us: int) -> None:
        tally = self._tallies.setdefault(key, Tally())
        entry = self.book.entry(key[0])
        has_one_model = entry is not None and entry.router is None
        events: list[Event] = list(tally.drain(now_us, standing.features, names_candidate=has_one_model))
        if not events and now_us - self._passed.get(key, 0) >= PASSED_US:
            events.append(Passed(at_us=now_us))
        if events:
            self._passed[key] = now_us
            self.book.note(key, events)

    def _tell_grades(self, now_us: int, standings: Mapping[RouteKey, Standing]) -> None:
        graders: set[tuple[RouteKey, str]] = set()
        for graded in self.desk.drain():
            standing = standings.get(graded.key)
            if standing is None or standing.view.rolled_back:
                continue
            if graded.replayed_stop and not standing.view.share:
                self._tallies.setdefault(graded.key, Tally()).replayed(graded.replayed_stop)
            if graded.grader:
                graders.add((graded.key, graded.grader))
            if graded.d is not None:
                self.book.note(graded.key, [Graded(at_us=now_us, d=graded.d)])
        for key, grader in sorted(graders):
            self.book.note(key, [Seen(at_us=now_us, grader=grader)])

    async def _compare(self, standings: Mapping[RouteKey, Standing], now_us: int) -> None:
        """Give a route the shape of its first calls to compare later ones with, where it has none."""
        for key, standing in standings.items():
            entry, tally = self.book.entry(key[0]), self._tallies.get(key)
            if entry is None or tally is None or standing.features or key in self._learned:
                continue
            if key[1] == self._policy_id and not standing.view.rolled_back and (found := tally.references()):
                self._learned.add(key)
                try:
                    await self.book.begin(entry, now_us, references=found)
                except (ChildFault, UsageError) as error:
                    log.error("the route of %s cannot take references: %s", key[0], type(error).__name__)
