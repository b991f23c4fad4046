"""A stored route as a decision needs it, read without the numbers behind: no numpy in the process that serves.

The same view as `decide.state.view_of(quality.watch.route.read_state(…))`; a test holds the two together.
"""

from __future__ import annotations

from typing import Final

import msgspec

from baseload.gateway.decide.state import Reached, RouteView


class _Rung(msgspec.Struct):
    share: float


class _Tested(msgspec.Struct):
    candidate: str
    incumbent: str = ""


class _Terms(msgspec.Struct):
    ladder: tuple[_Rung, ...]
    tested: _Tested
    holdback: float
    shadow_share: float
    shadow_factor: float
    alarm: float
    verdict_id: str = ""
    references: dict[str, object] = msgspec.field(default_factory=dict)


class _Evidence(msgspec.Struct):
    values: tuple[float, ...]
    pairs: int = 0

    @property
    def level(self) -> float:
        return sum(self.values) / max(len(self.values), 1)


class _Drift(msgspec.Struct):
    moved: bool = False


class _Ended(msgspec.Struct):
    reason: str = ""
    says: str = ""


class _Reached(msgspec.Struct, array_like=True):
    at_us: int
    share: float


class _Route(msgspec.Struct):
    """The part of a stored route that is looked at on the data path."""

    terms: _Terms
    lot: str
    rung: int = 0
    reached: tuple[_Reached, ...] = ()
    evidence: _Evidence = msgspec.field(default_factory=lambda: _Evidence(()))
    burning: tuple[str, ...] = ()
    drift: dict[str, _Drift] = msgspec.field(default_factory=dict)
    held: str = ""
    expired: _Ended | None = None
    rolled_back: _Ended | None = None
    at_us: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A route for people and metrics: its view, its open alarms in words, and who holds the ramp ("" = nobody)."""

    view: RouteView
    alarms: tuple[str, ...] = ()
    held: str = ""
    pairs: int = 0
    why_back: str = ""
    features: frozenset[str] = frozenset()  # that drift is measured in
    verdict_id: str = ""


_decode: Final = msgspec.json.Decoder(_Route).decode


def standing_of(state: str, policy_id: str) -> Standing:
    """A stored state. One that cannot be read stands as rolled back: the incumbent serves."""
    try:
        route = _decode(state)
        rung = route.terms.ladder[route.rung]
    except (msgspec.MsgspecError, UnicodeError, IndexError):
        return Standing(
            view=RouteView(lot=policy_id, stage="unreadable", rolled_back=True), why_back="its state cannot be read"
        )
    back = route.rolled_back is not None
    share = 0.0 if back else rung.share
    alarms = _alarms(route)
    factor = route.terms.shadow_factor if alarms else 1.0
    view = RouteView(
        lot=route.lot,
        share=share,
        shadow_share=0.0 if back else min(1.0, route.terms.shadow_share * factor),
        holdback=route.terms.holdback,
        stage="rolled back" if back else stage_of(share),
        candidate=route.terms.tested.candidate,
        incumbent=route.terms.tested.incumbent,
        rolled_back=back,
        expired=route.expired is not None,
        alarms=len(alarms),
        reached=tuple(Reached(one.at_us, one.share) for one in route.reached),
    )
    return Standing(
        view=view,
        alarms=alarms,
        held=route.held,
        pairs=route.evidence.pairs,
        why_back=route.rolled_back.says if route.rolled_back else "",
        features=frozenset(route.terms.references),
        verdict_id=route.terms.verdict_id,
    )


def as_served(view: RouteView, *, at_once: bool) -> RouteView:
    """The view that decisions are made with where the settings apply entries at once (`decide.rules.Rules.view`): the
    candidate serves every session but the holdback, whatever stage its route waits in, unless it was rolled back."""
    if not at_once or view.rolled_back or view.share == 1:
        return view
    return msgspec.structs.replace(view, share=1.0, stage="applied")


def stage_of(share: float) -> str:
    """A share in words."""
    return f"canary {share * 100:g} %" if share else "shadow"


def _alarms(route: _Route) -> tuple[str, ...]:
    moved = tuple(f"drift of {feature}" for feature, drift in sorted(route.drift.items()) if drift.moved)
    evidence = ("evidence of a loss",) if route.evidence.level >= route.terms.alarm**0.5 else ()
    expired = (f"verdict expired: {route.expired.reason}",) if route.expired else ()
    return (*evidence, *(f"budget of {signal}" for signal in route.burning), *moved, *expired)
