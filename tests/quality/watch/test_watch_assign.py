"""Sessions are drawn once, by a key, in the shares that the stages say."""

from __future__ import annotations

import math

import msgspec
from watch_terms import DAY_US, at_full, on, served, started, terms

from baseload.quality.watch.assign import arm, paired, share_at
from baseload.quality.watch.events import Ordered
from baseload.quality.watch.route import carried
from baseload.values.secrecy import OrgKey

KEY = OrgKey(b"k" * 32)
SESSIONS = [f"session-{number}" for number in range(4000)]


def within(found: int, share: float, of: int) -> bool:
    """Four standard errors."""
    return abs(found - share * of) <= 4 * math.sqrt(share * (1 - share) * of) + 1e-9


def test_every_stage_serves_its_share_less_the_holdback() -> None:
    route = started()
    for calls, pairs in ((100, 100), (200, 50), (500, 100), (1000, 200), (0, 0)):
        drawn = [arm(route, session, KEY) for session in SESSIONS]
        assert within(drawn.count("candidate"), route.share * 0.98, len(SESSIONS))
        assert within(drawn.count("holdback"), 0.02, len(SESSIONS))
        route = served(route, 24, calls, pairs)


def test_a_higher_stage_only_adds_sessions() -> None:
    five = served(started(), 24, 100, 100)
    quarter = served(five, 24, 200, 50)
    before = {session for session in SESSIONS if arm(five, session, KEY) == "candidate"}
    after = {session for session in SESSIONS if arm(quarter, session, KEY) == "candidate"}
    assert before < after


def test_the_holdback_never_changes() -> None:
    held = [{s for s in SESSIONS if arm(route, s, KEY) == "holdback"} for route in (started(), at_full())]
    assert held[0] == held[1]


def test_a_session_keeps_its_model_while_the_ramp_climbs() -> None:
    full = at_full()
    began = DAY_US + 1  # at 5 %
    five = served(started(), 24, 100, 100)
    assert [arm(full, s, KEY, began) for s in SESSIONS] == [arm(five, s, KEY) for s in SESSIONS]
    assert [share_at(full, day * DAY_US) for day in range(6)] == [0.0, 0.05, 0.25, 0.5, 1.0, 1.0]
    assert share_at(full, -1) == 0.0


def test_a_rollback_takes_every_session_at_once() -> None:
    back = on(at_full(), Ordered(at_us=0, order="roll_back", who="ana"))
    assert {arm(back, s, KEY, 4 * DAY_US) for s in SESSIONS} == {"incumbent"}
    assert not any(paired(back, s, KEY) for s in SESSIONS)


def test_policy_and_key_draw_anew_and_a_carried_route_does_not() -> None:
    half = msgspec.structs.replace(at_full(), rung=3)
    base = [arm(half, s, KEY) for s in SESSIONS]
    assert [arm(carried(half, terms(policy_id="p-2")), s, KEY) for s in SESSIONS] == base
    other_policy = [arm(msgspec.structs.replace(half, lot="p-2"), s, KEY) for s in SESSIONS]
    other_key = [arm(half, s, OrgKey(b"q" * 32)) for s in SESSIONS]
    for other in (other_policy, other_key):  # independent draws agree on about half
        assert within(sum(a == b for a, b in zip(base, other, strict=True)), 0.5, len(SESSIONS))


def test_pairing_is_independent_of_the_arm_and_follows_the_shadow_share() -> None:
    half = msgspec.structs.replace(at_full(shadow_share=0.3), rung=3)
    chosen = [s for s in SESSIONS if paired(half, s, KEY)]
    assert within(len(chosen), 0.3, len(SESSIONS))
    served_by = [arm(half, s, KEY) for s in chosen]
    assert within(served_by.count("candidate"), 0.49, len(chosen))
