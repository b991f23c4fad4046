"""The state of one route: a frozen record that the state store keeps as JSON under (workload, policy_id).

`events` counts the events taken, so that a driver with several replicas can write by compare-and-swap.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.watch.burn import Windows
from baseload.quality.watch.detector import Evidence
from baseload.quality.watch.events import Signal
from baseload.quality.watch.terms import Terms

SCHEMA: Final = "baseload.watch/1"

BackReason = Literal["quality", "signal", "candidate", "ordered"]
EndReason = Literal["candidate", "incumbent", "system", "tools", "grader", "age", "drift"]


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """The incumbent serves everything again, and this candidate comes back only through a trial decided later."""

    at_us: int
    candidate: str
    reason: BackReason
    says: str


class Expired(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict no longer speaks of what runs: the ramp stands still until a new trial."""

    at_us: int
    reason: EndReason
    says: str


class Reached(msgspec.Struct, frozen=True, array_like=True):
    """From when on the candidate served this share of the sessions that began."""

    at_us: int
    share: float


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Recent calls of one feature in the reference's bins, and whether the last full count had moved."""

    recent: tuple[int, ...] = ()  # () = none yet
    moved: bool = False


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a route stands. Times are UTC microseconds; `at_us` never goes back, whatever the events' clocks do.

    `lot`: the policy under which sessions were drawn; it outlives that policy while the route goes on, so that no
    session changes sides. `past`: earlier roll-backs of this workload, the latest of each candidate.
    """

    schema: str = SCHEMA
    terms: Terms
    lot: str
    at_us: int
    events: int = 0
    rung: int = 0
    rung_us: int
    rung_calls: int = 0
    rung_pairs: int = 0
    reached: tuple[Reached, ...] = ()
    evidence: Evidence = Evidence()
    windows: Windows = Windows()
    burning: tuple[Signal, ...] = ()
    drift: dict[str, Drift] = msgspec.field(default_factory=dict)
    held: str = ""
    expired: Expired | None = None
    rolled_back: RolledBack | None = None
    past: tuple[RolledBack, ...] = ()

    @property
    def share(self) -> float:
        """Of the sessions that begin now, drawn for the candidate; the holdback is taken out of it."""
        return 0.0 if self.rolled_back else self.terms.ladder[self.rung].share

    @property
    def holdback(self) -> float:
        """Share of sessions that stays on the incumbent for ever."""
        return self.terms.holdback

    @property
    def stage(self) -> str:
        """In words: shadow, canary 5 %, … or rolled back."""
        if self.rolled_back:
            return "rolled back"
        return f"canary {self.share * 100:g} %" if self.share else "shadow"

    @property
    def alarms(self) -> tuple[str, ...]:
        """Open alarms: with any of them the ramp stands still. Empty = calm."""
        moved = tuple(f"drift of {feature}" for feature, drift in sorted(self.drift.items()) if drift.moved)
        evidence = ("evidence of a loss",) if self.evidence.level >= self.terms.alarm**0.5 else ()
        expired = (f"verdict expired: {self.expired.reason}",) if self.expired else ()
        return (*evidence, *(f"budget of {signal}" for signal in self.burning), *moved, *expired)

    @property
    def shadow_share(self) -> float:
        """Of calls, to be paired and graded now: more while an alarm is open, none after a roll-back."""
        if self.rolled_back:
            return 0.0
        return min(1.0, self.terms.shadow_share * (self.terms.shadow_factor if self.alarms else 1.0))


def begin(terms: Terms, at_us: int, past: tuple[RolledBack, ...] = ()) -> Route:
    """A route in its shadow stage, or rolled back at once where `past` bars its candidate.

    A candidate is barred until a trial that was decided after its roll-back: no flapping.
    """
    bars = [back for back in past if back.candidate == terms.tested.candidate and back.at_us >= terms.decided_us]
    return Route(
        terms=_plain(terms),
        lot=terms.policy_id,
        at_us=at_us,
        rung_us=at_us,
        reached=(Reached(at_us, 0.0),),
        rolled_back=bars[-1] if bars else None,
        past=past,
    )


def carried(route: Route, terms: Terms) -> Route:
    """The route under the workload's next policy. Raises UsageError where that is of another workload.

    The same promise goes on as it stands: stage, evidence, alarms, roll-back. A newer verdict on the same pair of
    models keeps the stage and its sessions, and starts evidence and expiry afresh. Anything else begins in shadow.
    """
    if terms.workload != route.terms.workload:
        raise UsageError(f"workload {terms.workload[:40]!r}; expected {route.terms.workload[:40]!r}, the route's own")
    terms = _plain(terms)
    if terms.same_promise(route.terms):
        return _kept(route, terms)
    past = tuple(back for back in route.past if route.rolled_back is None or back.candidate != _candidate(route))
    past += (route.rolled_back,) if route.rolled_back else ()
    fresh = begin(terms, route.at_us, past)
    renewed = terms.decided_us > max(route.terms.decided_us, route.expired.at_us if route.expired else 0)
    before, after = route.terms.tested, terms.tested
    same_pair = (before.candidate, before.incumbent) == (after.candidate, after.incumbent)
    if fresh.rolled_back or route.rolled_back or not (renewed and same_pair):
        return fresh
    same_sessions = msgspec.structs.replace(fresh, lot=route.lot, reached=route.reached, held=route.held)
    return _kept(same_sessions, terms, route.share)


def _plain(terms: Terms) -> Terms:
    """As they read back: a whole number given for a fraction is stored as one, so that states are the same bytes."""
    return msgspec.json.decode(msgspec.json.encode(terms), type=Terms)


def _candidate(route: Route) -> str:
    return route.terms.tested.candidate


def _kept(route: Route, terms: Terms, share: float | None = None) -> Route:
    """Under these terms, on the highest rung that serves no more than the route did."""
    share = route.terms.ladder[route.rung].share if share is None else share
    rung = max(place for place, one in enumerate(terms.ladder) if one.share <= share)
    same_bins = {
        feature: drift
        for feature, drift in route.drift.items()
        if feature in terms.references and terms.references[feature] == route.terms.references.get(feature)
    }
    reached = route.reached
    if terms.ladder[rung].share < share and not route.rolled_back:
        reached = (*reached, Reached(route.at_us, terms.ladder[rung].share))
    return msgspec.structs.replace(route, terms=terms, rung=rung, drift=same_bins, reached=reached)


_STATES: Final = msgspec.json.Decoder(Route)


def state_bytes(route: Route) -> bytes:
    """As the state store keeps it; `state_bytes(read_state(data)) == data`."""
    return msgspec.json.encode(route, order="sorted")


def read_state(data: bytes) -> Route:
    """A state as it was stored. Raises UsageError where it is none: the driver then serves the incumbent."""
    try:
        route = _STATES.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"route state: {type(error).__name__}; expected what Baseload wrote") from error
    if route.schema != SCHEMA or not 0 <= route.rung < len(route.terms.ladder):
        raise UsageError(f"route state: {route.schema[:40]}, rung {route.rung}; expected {SCHEMA} and a known rung")
    if not (route.evidence.is_sound and route.windows.is_sound):
        raise UsageError("route state: evidence or windows of another shape; expected what Baseload wrote")
    return route
