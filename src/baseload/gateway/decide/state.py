"""What a decision looks at besides request and policy: where routes stand, and what sessions were served with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from baseload.values.periods import HOUR_US

if TYPE_CHECKING:  # numpy stands behind it
    from baseload.quality.watch.route import Route

IDLE_US: Final = HOUR_US
"""A session unheard for so long begins anew: nothing of it can be cached any more (anthropic-facts section 3)."""
MOST_SESSIONS: Final = 50_000

RouteKey = tuple[str, str]
"""(workload, policy_id)."""


class Reached(NamedTuple):
    """From when on the candidate served this share of the sessions that began."""

    at_us: int
    share: float


class RouteView(msgspec.Struct, frozen=True, kw_only=True):
    """A route as a decision needs it (`quality.watch.assign.Assigned`). `share` 0 = shadow: the incumbent serves all.

    `candidate` is what the trial was decided for, "" where no route is known; `alarms` how many stand open.
    """

    lot: str
    share: float = 0.0
    shadow_share: float = 0.0
    holdback: float = 0.0
    stage: str = "shadow"
    candidate: str = ""
    incumbent: str = ""
    rolled_back: bool = False
    expired: bool = False
    alarms: int = 0
    reached: tuple[Reached, ...] = ()


def view_of(route: Route) -> RouteView:
    """What a decision needs of a stored route."""
    return RouteView(
        lot=route.lot,
        share=route.share,
        shadow_share=route.shadow_share,
        holdback=route.holdback,
        stage=route.stage,
        candidate=route.terms.tested.candidate,
        incumbent=route.terms.tested.incumbent,
        rolled_back=route.rolled_back is not None,
        expired=route.expired is not None,
        alarms=len(route.alarms),
        reached=tuple(Reached(one.at_us, one.share) for one in route.reached),
    )


class Seen(NamedTuple):
    """What a session was served with last. `model` served, `asked` was asked for; both ids of the price book.

    `cached_tokens` is what of its prompt the cache holds: an estimate until the answer's bill is known, 0 = nothing.
    """

    began_us: int
    last_us: int
    asked: str
    model: str
    cached_tokens: int = 0


class Sessions:
    """The sessions heard of last, at most `most` of them; the one unheard for longest is forgotten first."""

    __slots__ = ("_most", "_seen")

    def __init__(self, most: int = MOST_SESSIONS) -> None:
        self._most = most
        self._seen: OrderedDict[tuple[str, str], Seen] = OrderedDict()  # a dict finds its first slowly

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"Sessions({len(self._seen)})"

    def get(self, workload: str, session: str, now_us: int) -> Seen | None:
        """What is remembered of a session that still goes on; None where it begins now."""
        seen = self._seen.get((workload, session))
        return seen if seen is not None and now_us - seen.last_us < IDLE_US else None

    def note(self, workload: str, session: str, *, asked: str, model: str, now_us: int, cached_tokens: int = 0) -> None:
        """A request of the session goes upstream. A caller that asks for another model begins a session of its own."""
        key = (workload, session)
        seen, began_us = self._seen.get(key), now_us
        if seen is not None:
            self._seen.move_to_end(key)
            if now_us - seen.last_us < IDLE_US and seen.asked == asked:
                began_us = seen.began_us
        self._seen[key] = Seen(began_us, now_us, asked, model, cached_tokens)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def answered(self, workload: str, session: str, cached_tokens: int) -> None:
        """What of the last prompt was read from the cache and written to it, as billed."""
        seen = self._seen.get((workload, session))
        if seen is not None:
            self._seen[workload, session] = seen._replace(cached_tokens=cached_tokens)


class State(NamedTuple):
    """All a decision knows of the past. `routes` by (workload, policy_id); a workload without one was never served."""

    routes: Mapping[RouteKey, RouteView]
    sessions: Sessions
