"""Which model serves a session: drawn by a keyed hash, so that every replica and every retry draws the same.

Draws are uniform and independent between purposes: a session is drawn for the holdback, for the candidate and for
pairing by three hashes. A share that rises only adds sessions to the candidate's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, Protocol

from baseload.values.secrecy import OrgKey

Arm = Literal["candidate", "incumbent", "holdback"]
"""`holdback`: on the incumbent for ever, the randomised reference of what the route saves."""


class Reach(Protocol):
    """From when on the candidate served this share of the sessions that began."""

    @property
    def at_us(self) -> int: ...
    @property
    def share(self) -> float: ...


class Assigned(Protocol):
    """What of a `route.Route` says who serves: a gateway draws from this much of it, without the numbers behind."""

    @property
    def rolled_back(self) -> object: ...
    @property
    def lot(self) -> str: ...
    @property
    def share(self) -> float: ...
    @property
    def shadow_share(self) -> float: ...
    @property
    def holdback(self) -> float: ...
    @property
    def reached(self) -> Iterable[Reach]: ...


def arm(route: Assigned, session: str, key: OrgKey, began_us: int | None = None) -> Arm:
    """Who serves a session. After a roll-back the incumbent does, at once.

    With `began_us` the share of that moment counts, so that a session keeps its model while the ramp climbs; None =
    it begins now. The candidate's part of all sessions is share x (1 - holdback).
    """
    if route.rolled_back:
        return "incumbent"
    if _drawn("watch-holdback", route.lot, session, key) < route.holdback:
        return "holdback"
    share = route.share if began_us is None else share_at(route, began_us)
    return "candidate" if _drawn("watch-arm", route.lot, session, key) < share else "incumbent"


def paired(route: Assigned, session: str, key: OrgKey) -> bool:
    """One call of this session is answered by the other model too, and graded."""
    return _drawn("watch-shadow", route.lot, session, key) < route.shadow_share


def share_at(route: Assigned, time_us: int) -> float:
    """The candidate's share at a moment, 0 before the route began; never more than the present stage's."""
    shares = [reached.share for reached in route.reached if reached.at_us <= time_us]
    return min(shares[-1], route.share) if shares else 0.0


@lru_cache(maxsize=16_384)  # every call of a session asks again
def _drawn(purpose: str, lot: str, session: str, key: OrgKey) -> float:
    """Uniform in [0, 1), by session and by the policy the route began under."""
    digits = key.fingerprint(purpose, f"{len(lot)}:{lot}:{session}")
    return float(int(digits[:13], 16)) / float(1 << 52)
