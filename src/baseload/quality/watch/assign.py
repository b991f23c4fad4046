"""Which model serves a session: drawn by a keyed hash, so that every replica and every retry draws the same.

Draws are uniform and independent between purposes: a session is drawn for the holdback, for the candidate and for
pairing by three hashes. A share that rises only adds sessions to the candidate's.
"""

from __future__ import annotations

from typing import Literal

from baseload.quality.watch.route import Route
from baseload.values.secrecy import OrgKey

Arm = Literal["candidate", "incumbent", "holdback"]
"""`holdback`: on the incumbent for ever, the randomised reference of what the route saves."""


def arm(route: Route, session: str, key: OrgKey, began_us: int | None = None) -> Arm:
    """Who serves a session. After a roll-back the incumbent does, at once.

    With `began_us` the share of that moment counts, so that a session keeps its model while the ramp climbs; None =
    it begins now. The candidate's part of all sessions is share x (1 - holdback).
    """
    if route.rolled_back:
        return "incumbent"
    if _drawn("watch-holdback", route, session, key) < route.terms.holdback:
        return "holdback"
    share = route.share if began_us is None else share_at(route, began_us)
    return "candidate" if _drawn("watch-arm", route, session, key) < share else "incumbent"


def paired(route: Route, session: str, key: OrgKey) -> bool:
    """One call of this session is answered by the other model too, and graded."""
    return _drawn("watch-shadow", route, session, key) < route.shadow_share


def share_at(route: Route, time_us: int) -> float:
    """The candidate's share at a moment, 0 before the route began; never more than the present stage's."""
    shares = [reached.share for reached in route.reached if reached.at_us <= time_us]
    return min(shares[-1], route.share) if shares else 0.0


def _drawn(purpose: str, route: Route, session: str, key: OrgKey) -> float:
    """Uniform in [0, 1), by session and by the policy the route began under."""
    digits = key.fingerprint(purpose, f"{len(route.lot)}:{route.lot}:{session}")
    return float(int(digits[:13], 16)) / float(1 << 52)
