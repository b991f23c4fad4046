"""Where every route stands, the same for all replicas: read from the state store, moved by compare-and-swap.

A roll-back is one row of its own: it outlives the policy, and holds whatever a route's state says. Steps are taken in
a watching process, so that their numbers stay out of this one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.gateway.core import Core
from baseload.gateway.decide.state import RouteKey, RouteView
from baseload.gateway.state.records import Rollback, RouteRow
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import StateThread
from baseload.gateway.watching.child import Child, ChildFault
from baseload.gateway.watching.messages import Back, Begin, State, Step
from baseload.gateway.watching.terms import Promise, candidate_of, has_route, terms_of
from baseload.gateway.watching.views import Standing, standing_of
from baseload.plan.policy import Entry, Policy
from baseload.quality.watch.drift import Reference
from baseload.quality.watch.events import Action, Event
from baseload.quality.watch.terms import LADDER, Rung, Terms

MOST_TRIES: Final = 8
"""Of one compare-and-swap; the events wait for the next second then."""
MOST_EVENTS: Final = 2_000
"""Kept for one route while they cannot be written; the oldest go first, and are counted."""
log = logging.getLogger("baseload.gateway.watch")


class RouteBook:
    """One replica's view of all routes, and the only writer of them in its process."""

    def __init__(
        self,
        core: Core,
        state: StateThread,
        steps: Child,
        *,
        policy: Callable[[], Policy],
        promises: Callable[[], Mapping[str, Promise]] = dict,
        ladder: tuple[Rung, ...] = LADDER,
    ) -> None:
        self.core = core
        self.dropped_events = 0
        self._state = state
        self._steps = steps
        self._policy = policy
        self._promises = promises
        self._ladder = ladder
        self._rows: dict[RouteKey, RouteRow] = {}
        self._read: dict[RouteKey, tuple[str, Standing]] = {}
        self._backs: dict[RouteKey, Rollback] = {}  # by (workload, candidate)
        self._waiting: dict[RouteKey, list[Event]] = {}

    @property
    def standings(self) -> dict[RouteKey, Standing]:
        """Every stored route as it stands, roll-backs counted in."""
        return {key: self._back_counted(key, standing) for key, (_, standing) in self._read.items()}

    @property
    def rollbacks(self) -> tuple[Rollback, ...]:
        """Those in force."""
        return tuple(self._backs.values())

    def entry(self, workload: str) -> Entry | None:
        """The entry of a workload that has a route, under the policy that serves."""
        return next((e for e in self._policy().entries if e.workload.id == workload and has_route(e)), None)

    async def load(self) -> None:
        """Read routes and roll-backs anew. Raises StateDown; what was known stays."""
        rows = await self._state(lambda store: store.routes())
        backs = await self._state(lambda store: store.rollbacks())
        read = {(row.workload, row.policy_id): row for row in rows}
        self._rows = {key: _newer(self._rows.get(key), row) for key, row in read.items()}
        self._backs = {(back.workload, back.candidate): back for back in backs}
        self.show()

    def show(self) -> None:
        """Give decisions the present view: at once, between two requests."""
        read = {}
        for key, row in self._rows.items():
            known = self._read.get(key)
            same = known is not None and known[0] == row.state
            read[key] = known if known is not None and same else (row.state, standing_of(row.state, row.policy_id))
        self._read = read
        views = {key: self._back_counted(key, standing).view for key, (_, standing) in read.items()}
        policy = self._policy()
        for entry in policy.entries:
            key = (entry.workload.id, policy.policy_id)
            barred = has_route(entry) and (entry.workload.id, candidate_of(entry, self.core.book)) in self._backs
            if barred and key not in views:
                views[key] = _barred(RouteView(lot=policy.policy_id, holdback=self.core.rules.ways.holdback))
        self.core.routes = views

    async def begin(self, entry: Entry, now_us: int, references: Mapping[str, Reference] | None = None) -> None:
        """The route of an entry that is served, from what its workload's route was until now; or with references it
        had not. Another replica may have been first. Raises StateDown, ChildFault, UsageError."""
        key = (entry.workload.id, self._policy().policy_id)
        own = await self._state(lambda store: store.route(*key))
        if own is not None and not references:
            self._take(own)
            return
        before = own or self._latest(entry.workload.id)
        terms = self._terms(entry, before, references, now_us)
        begun = await self._steps.ask(
            Begin(
                terms=terms,
                at_us=now_us,
                before=before.state if before is not None else "",
                past=tuple(_back(one) for one in self._backs.values() if one.workload == entry.workload.id),
            ),
            State,
        )
        events = begun.events + 1 if own is not None else begun.events
        state = _with_events(begun.state, events) if own is not None else begun.state
        row = RouteRow(workload=key[0], policy_id=key[1], events=events, state=state, changed_us=now_us)
        swapped = await self._state(lambda store: store.swap_route(row, own.events if own is not None else None))
        stored = row if swapped else await self._state(lambda store: store.route(*key))
        if stored is not None:
            self._take(stored)

    def note(self, key: RouteKey, events: Sequence[Event]) -> None:
        """Events of a route, to be written by the next `write`."""
        waiting = self._waiting.setdefault(key, [])
        waiting += events
        too_many = len(waiting) - MOST_EVENTS
        if too_many > 0:
            del waiting[:too_many]
            self.dropped_events += too_many

    async def write(self, now_us: int) -> dict[RouteKey, tuple[Action, ...]]:
        """Step every route by what waits for it; what its actions are. Raises StateDown: events wait on.

        Events of a route that is not there, and those a watching process refused, are dropped and counted.
        """
        done: dict[RouteKey, tuple[Action, ...]] = {}
        for key in list(self._waiting):
            events = self._waiting.pop(key, [])
            written: tuple[Action, ...] | None = None
            try:
                written = await self._stepped(key, tuple(events), now_us) if events else ()
            except ChildFault as fault:
                log.error("a route could not take its events: %s", fault)
                self.dropped_events += len(events)
                written = ()
            finally:
                if written is None:  # the store is down, or others were always first
                    newer = self._waiting.pop(key, [])
                    self.note(key, [*events, *newer])
            if written:
                done[key] = written
        return done

    # inside

    async def _stepped(self, key: RouteKey, events: tuple[Event, ...], now_us: int) -> tuple[Action, ...] | None:
        """The actions of a step that was written; None where others were always first."""
        for _ in range(MOST_TRIES):
            row = await self._state(lambda store: store.route(*key))
            if row is None:
                self.dropped_events += len(events)
                return ()
            stepped = await self._steps.ask(Step(state=row.state, events=events), State)
            if stepped.events == row.events:  # rolled back: nothing moves it
                self._take(row)
                return ()
            fresh = RouteRow(
                workload=key[0], policy_id=key[1], events=stepped.events, state=stepped.state, changed_us=now_us
            )
            if await self._state(partial(_swapped, fresh, row.events)):
                await self._bar(key, stepped.actions, now_us, fresh)
                self._take(fresh)
                return stepped.actions
        return None

    async def _bar(self, key: RouteKey, actions: Sequence[Action], now_us: int, row: RouteRow) -> None:
        """A route that rolled itself back bars its candidate by a row of its own."""
        for action in actions:
            if action.kind == "roll_back":
                view = standing_of(row.state, row.policy_id).view
                back = Rollback(
                    workload=key[0], candidate=view.candidate, policy_id=key[1], reason=action.reason,
                    says=action.says[:500], at_us=now_us,
                )  # fmt: skip
                await self._state(partial(_barring, back))
                self._backs[back.workload, back.candidate] = back

    def _terms(
        self, entry: Entry, before: RouteRow | None, references: Mapping[str, Reference] | None, now_us: int
    ) -> Terms:
        terms = terms_of(
            entry, self._policy(), self._promises(), self.core.book,
            holdback=self.core.config.policy.holdback, ladder=self._ladder, now_us=now_us,
        )  # fmt: skip
        known = dict(references) if references else _references(before)
        return msgspec.structs.replace(terms, references=known)

    def _latest(self, workload: str) -> RouteRow | None:
        rows = [row for (of, _), row in self._rows.items() if of == workload]
        return max(rows, key=lambda row: row.changed_us, default=None)

    def _take(self, row: RouteRow) -> None:
        key = (row.workload, row.policy_id)
        self._rows[key] = _newer(self._rows.get(key), row)
        self.show()

    def _back_counted(self, key: RouteKey, standing: Standing) -> Standing:
        back = self._backs.get((key[0], standing.view.candidate))
        if back is None or standing.view.rolled_back:
            return standing
        return msgspec.structs.replace(standing, view=_barred(standing.view), why_back=back.says)


def _newer(known: RouteRow | None, read: RouteRow) -> RouteRow:
    """What was read while this replica wrote may be older than what it wrote."""
    return known if known is not None and known.events > read.events else read


def _swapped(row: RouteRow, expected_events: int, store: StateStore) -> bool:
    return store.swap_route(row, expected_events)


def _barring(back: Rollback, store: StateStore) -> bool:
    return store.roll_back(back)


class _Watched(msgspec.Struct):
    references: dict[str, Reference] = msgspec.field(default_factory=dict)


class _Stored(msgspec.Struct):
    terms: _Watched


def _references(before: RouteRow | None) -> dict[str, Reference]:
    """What a route compares its calls with goes on under the next policy."""
    try:
        return msgspec.json.decode(before.state, type=_Stored).terms.references if before is not None else {}
    except (msgspec.MsgspecError, UsageError):
        return {}


def _barred(view: RouteView) -> RouteView:
    return msgspec.structs.replace(view, share=0.0, shadow_share=0.0, stage="rolled back", rolled_back=True)


def _back(back: Rollback) -> Back:
    reason = back.reason if back.reason in ("quality", "signal", "candidate", "ordered") else "ordered"
    return Back(at_us=back.at_us, candidate=back.candidate, reason=reason, says=back.says)


def _with_events(state: str, events: int) -> str:
    """The state with another count of events, keys in order as they are stored."""
    found = msgspec.json.decode(state, type=dict[str, msgspec.Raw])
    found["events"] = msgspec.Raw(str(events).encode())
    return msgspec.json.encode(found, order="sorted").decode()
