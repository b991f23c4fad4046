"""How a route climbs, holds, expires, falls back and comes back."""

from __future__ import annotations

import msgspec
import pytest
from watch_terms import DAY_US, TESTED, at_full, on, served, started, terms

from baseload.errors import UsageError
from baseload.quality.watch.assign import share_at
from baseload.quality.watch.burn import HOUR_US
from baseload.quality.watch.events import Answered, Graded, Inputs, Ordered, Passed, Seen
from baseload.quality.watch.machine import step
from baseload.quality.watch.route import Expired, Reached, RolledBack, begin, carried, read_state, state_bytes
from baseload.quality.watch.terms import Rung


def test_a_route_climbs_from_shadow_to_all_sessions() -> None:
    route = started()
    stages = [(route.stage, route.share)]
    for calls, pairs in ((100, 100), (200, 50), (500, 100), (1000, 200)):
        route = served(route, 24, calls, pairs)
        stages.append((route.stage, route.share))
    assert stages == [
        ("shadow", 0.0), ("canary 5 %", 0.05), ("canary 25 %", 0.25), ("canary 50 %", 0.5), ("canary 100 %", 1.0)
    ]  # fmt: skip
    assert route.reached == tuple(Reached(day * DAY_US, share) for day, share in enumerate((0.0, 0.05, 0.25, 0.5, 1.0)))
    assert served(route, 240, 10_000, 500).stage == "canary 100 %"


@pytest.mark.parametrize(
    ("hours", "calls", "pairs"), [(23.9, 100, 100), (24, 99, 100), (24, 100, 99)], ids=["time", "answers", "pairs"]
)
def test_a_stage_is_left_only_with_its_least_of_everything(hours: float, calls: int, pairs: int) -> None:
    assert served(started(), hours, calls, pairs).stage == "shadow"
    assert served(started(), 24, 100, 100).stage == "canary 5 %"


def test_what_a_stage_counted_does_not_count_for_the_next() -> None:
    route = served(started(), 24, 100_000, 1000)
    assert (route.stage, route.rung_calls, route.rung_pairs) == ("canary 5 %", 0, 0)
    assert on(route, Passed(at_us=route.at_us + 30 * DAY_US)).stage == "canary 5 %"


def test_one_event_climbs_one_rung() -> None:
    ladder = tuple(Rung(share=share, least_us=0, least_calls=0, least_pairs=0) for share in (0.0, 0.5, 1.0))
    route, actions = step(started(ladder=ladder), Passed(at_us=1))
    assert route.share == 0.5
    assert [(action.kind, action.reason, action.share) for action in actions] == [("ramp", "canary 50 %", 0.5)]


def test_a_person_holds_the_ramp_and_lets_it_go_on() -> None:
    held = on(started(), Ordered(at_us=0, order="hold", who="ana", says="launch week"))
    assert held.held == "ana: launch week"
    held = served(held, 48, 500, 500)
    assert held.stage == "shadow"
    assert on(held, Ordered(at_us=held.at_us, order="resume", who="ana")).stage == "canary 5 %"


def test_a_person_rolls_back_in_one_write_and_for_good() -> None:
    full = at_full()
    back, actions = step(full, Ordered(at_us=full.at_us + 1, order="roll_back", who="ana", says="complaints"))
    assert back.rolled_back == RolledBack(
        at_us=4 * DAY_US + 1, candidate="claude-haiku-5-5", reason="ordered", says="ana: complaints"
    )
    assert (back.share, back.shadow_share, back.stage) == (0.0, 0.0, "rolled back")
    assert [(action.kind, action.share) for action in actions] == [("roll_back", 0.0)]
    again = (Ordered(at_us=back.at_us, order="resume", who="ana"), Graded(at_us=back.at_us, d=1.0))
    assert on(back, *again, Passed(at_us=back.at_us + DAY_US)) == back


def test_losses_beyond_the_margin_roll_back() -> None:
    # after good pairs every stake starts at 1. The largest is 0.9 / 1.02 = 0.88235: a loss multiplies by
    # 1 + 0.88235 x 0.98 = 1.86471. After 14: (6163 + 1.57214^14 = 564 + 1.37855^14 = 89 + five under 60) / 8 < 1000;
    # after 15: more than 1.86471^15 / 8 = 11492 / 8 = 1437
    full = at_full()
    route = on(full, *[Graded(at_us=full.at_us, d=-1.0)] * 14)
    assert (route.stage, route.rolled_back) == ("canary 100 %", None)
    route, actions = step(route, Graded(at_us=route.at_us, d=-1.0))
    assert route.rolled_back is not None
    assert route.rolled_back.reason == "quality"
    assert route.rolled_back.says.startswith("worse than the margin of 0.02 after 465 pairs")
    assert [action.kind for action in actions] == ["roll_back"]


def test_evidence_half_way_to_the_alarm_holds_the_ramp_and_pairs_more_calls() -> None:
    # 1.86471^8 / 8 = 18 and the second stake adds (1.57214^8 = 37) / 8 = 5: the square root of 1000, 31.6, comes next
    route = started()
    for _ in range(8):
        route = on(route, Graded(at_us=0, d=-1.0))
    assert route.alarms == ()
    route, actions = step(route, Graded(at_us=0, d=-1.0))
    assert route.alarms == ("evidence of a loss",)
    assert [(action.kind, action.reason, action.share) for action in actions] == [("shadow", "raised", 0.06)]
    assert on(route, Passed(at_us=DAY_US), Answered(at_us=DAY_US, calls=1000)).stage == "shadow"


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"incumbent": "claude-opus-6"}, "incumbent"),
        ({"system_sha": "sys-c"}, "system"),
        ({"tools_sha": "tools-b"}, "tools"),
        ({"grader": "label@4"}, "grader"),
    ],
)
def test_a_verdict_expires_with_what_it_was_earned_with(seen: dict[str, str], reason: str) -> None:
    route, actions = step(at_full(), Seen(at_us=5 * DAY_US, **seen))
    assert route.expired is not None
    assert (route.expired.reason, route.expired.at_us) == (reason, 5 * DAY_US)
    assert [action.kind for action in actions] == ["expire", "shadow"]
    assert (route.share, route.shadow_share) == (1.0, pytest.approx(0.06))


def test_what_is_not_said_and_what_the_trial_had_expire_nothing() -> None:
    known = Seen(at_us=0, candidate="claude-haiku-5-5", incumbent="claude-opus-5-5", system_sha="sys-b",
                 tools_sha="tools-a", grader="label@3")  # fmt: skip
    route, actions = step(started(), known)
    assert (route.expired, actions) == (None, ())
    bare = started(tested=msgspec.structs.replace(TESTED, incumbent="", systems=(), tools=(), grader=""))
    assert on(bare, Seen(at_us=0, incumbent="x", system_sha="y", tools_sha="z", grader="q")).expired is None


def test_another_candidate_was_never_tested_and_stops_serving() -> None:
    route, actions = step(at_full(), Seen(at_us=5 * DAY_US, candidate="claude-haiku-6"))
    assert [(action.kind, action.reason) for action in actions] == [("expire", "candidate"), ("roll_back", "candidate")]
    assert route.share == 0.0


def test_a_verdict_expires_at_ninety_days_to_the_microsecond() -> None:
    route = started()
    assert on(route, Passed(at_us=90 * DAY_US - 1)).expired is None
    route, actions = step(route, Passed(at_us=90 * DAY_US))
    says = "decided 90 days ago; verdicts last 90"
    assert route.expired == Expired(at_us=90 * DAY_US, reason="age", says=says)
    assert [action.kind for action in actions] == ["expire", "shadow"]
    later, actions = step(route, Seen(at_us=91 * DAY_US, grader="label@4"))
    assert (later.expired, actions) == (route.expired, ())  # once, with its first reason


def test_an_expired_verdict_holds_the_ramp_where_it_is() -> None:
    route = on(served(started(), 24, 100, 100), Seen(at_us=DAY_US, grader="label@4"))
    assert served(route, 48, 5000, 500).stage == "canary 5 %"


def test_drift_pairs_more_calls_until_it_is_calm_again() -> None:
    # half as many short calls as in the trial, one and a half times as many long ones: shares .125 .25 .25 .375
    # PSI = .125 ln 2 + .125 ln 1.5 = .0866 + .0507 = .137; the largest gap of the sums up to a bin is .125
    route, actions = step(started(), Inputs(at_us=0, counts={"length": (125, 250, 250, 375)}))
    assert route.alarms == ("drift of length",)
    assert [(action.kind, action.reason, action.share) for action in actions] == [("shadow", "raised", 0.06)]
    assert served(route, 24, 1000, 100).stage == "shadow"
    route, actions = step(route, Inputs(at_us=0, counts={"length": (250, 250, 250, 250)}))
    assert route.alarms == ()
    assert [(action.kind, action.reason, action.share) for action in actions] == [("shadow", "calm", 0.02)]


def test_great_drift_ends_the_verdict_and_serves_on() -> None:
    route, actions = step(at_full(), Inputs(at_us=0, counts={"length": (0, 0, 0, 1000)}))
    assert (actions[0].kind, actions[0].reason) == ("expire", "drift")
    assert (route.rolled_back, route.share) == (None, 1.0)


def test_drift_is_judged_once_enough_calls_came_in() -> None:
    route = on(started(), Inputs(at_us=0, counts={"length": (0, 0, 0, 999)}))
    assert (route.alarms, route.drift["length"].recent) == ((), (0, 0, 0, 999))
    route = on(route, Inputs(at_us=0, counts={"length": (1, 0, 0, 0)}))
    assert (route.expired is not None, route.drift["length"].recent) == (True, ())


def test_a_feature_without_a_reference_is_not_judged_and_other_bins_are_refused() -> None:
    assert on(started(), Inputs(at_us=0, counts={"mood": (1, 2)})).drift == {}
    with pytest.raises(UsageError, match=r"length: 2 bins; expected 4"):
        step(started(), Inputs(at_us=0, counts={"length": (1, 2)}))


def test_the_next_policy_carries_the_same_promise_on() -> None:
    full = on(at_full(), Graded(at_us=4 * DAY_US, d=-1.0))
    carried_on = carried(full, terms(policy_id="p-2"))
    assert carried_on.terms.policy_id == "p-2"
    assert (carried_on.lot, carried_on.share, carried_on.evidence) == ("p-1", 1.0, full.evidence)


def test_a_rollback_survives_the_next_policy() -> None:
    back = on(at_full(), Ordered(at_us=4 * DAY_US, order="roll_back", who="ana"))
    assert carried(back, terms(policy_id="p-2")).rolled_back == back.rolled_back


@pytest.mark.parametrize(("decided", "stage"), [(4 * DAY_US, "rolled back"), (4 * DAY_US + 1, "shadow")])
def test_only_a_trial_decided_after_the_rollback_lets_a_candidate_begin_again(decided: int, stage: str) -> None:
    back = on(at_full(), Ordered(at_us=4 * DAY_US, order="roll_back", who="ana"))
    again = carried(back, terms(policy_id="p-2", verdict_id="v-2", decided_us=decided))
    assert again.stage == stage
    assert again.lot == "p-2"  # its sessions are drawn anew


def test_a_detour_by_another_candidate_does_not_lift_the_bar() -> None:
    back = on(at_full(), Ordered(at_us=4 * DAY_US, order="roll_back", who="ana"))
    sonnet = msgspec.structs.replace(TESTED, candidate="claude-sonnet-5-5")
    other = carried(back, terms(policy_id="p-2", verdict_id="v-2", tested=sonnet))
    assert other.stage == "shadow"  # the roll-back of one candidate says nothing of another
    assert carried(other, terms(policy_id="p-3", verdict_id="v-1")).stage == "rolled back"
    assert carried(other, terms(policy_id="p-3", verdict_id="v-3", decided_us=5 * DAY_US)).stage == "shadow"


def test_a_newer_verdict_on_the_same_models_keeps_stage_and_sessions() -> None:
    expired = on(at_full(), Ordered(at_us=0, order="hold", who="ana"), Graded(at_us=0, d=-1.0),
                 Seen(at_us=5 * DAY_US, grader="label@4"))  # fmt: skip
    tested = msgspec.structs.replace(TESTED, grader="label@4")
    new = carried(expired, terms(policy_id="p-2", verdict_id="v-2", decided_us=6 * DAY_US, tested=tested))
    assert (new.share, new.lot, new.reached, new.held) == (1.0, "p-1", expired.reached, "ana")
    assert (new.expired, new.evidence.pairs) == (None, 0)


def test_a_verdict_from_before_the_expiry_begins_in_shadow() -> None:
    expired = on(at_full(), Seen(at_us=5 * DAY_US, grader="label@4"))
    assert carried(expired, terms(verdict_id="v-0", decided_us=5 * DAY_US)).stage == "shadow"


def test_a_shorter_ladder_never_serves_more_than_before() -> None:
    halves = tuple(Rung(share=share, least_us=0, least_calls=0, least_pairs=0) for share in (0.0, 0.2, 1.0))
    quarter = served(served(started(), 24, 100, 100), 24, 200, 50)
    assert quarter.share == 0.25
    quarter = on(quarter, Passed(at_us=3 * DAY_US))
    fewer = carried(quarter, terms(policy_id="p-2", ladder=halves))
    assert fewer.share == 0.2
    assert fewer.reached[-1] == Reached(3 * DAY_US, 0.2)
    assert share_at(fewer, 2 * DAY_US) == 0.2  # a session that began at 25 %


def test_another_workload_is_refused() -> None:
    with pytest.raises(UsageError, match=r"w-other.*w-triage"):
        carried(started(), terms(workload="w-other"))


def test_a_state_is_stored_and_read_byte_for_byte() -> None:
    route = on(
        begin(terms(alarm=1000, holdback=0), 0),  # whole numbers where fractions are meant
        Graded(at_us=1, d=-0.3),
        Answered(at_us=HOUR_US, calls=7, bad={"retry": 2, "refusal": 1}),
        Inputs(at_us=0, counts={"length": (1, 2, 3, 4)}),
    )
    data = state_bytes(route)
    assert read_state(data) == route
    assert state_bytes(read_state(data)) == data


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-5],
        lambda data: data.replace(b"baseload.watch/1", b"baseload.watch/2"),
        lambda data: data.replace(b'"rung":0', b'"rung":7'),
        lambda data: data.replace(b'"values":[0.0,', b'"values":['),
        lambda data: data.replace(b'"values":[0.0,', b'"values":[-1.0,'),
        lambda data: data.replace(b'"rings":[[],', b'"rings":['),
        lambda data: data.replace(b'"margin":0.02', b'"margin":2.0'),
        lambda _: b"\xff",
    ],
)
def test_a_damaged_state_is_refused(damage: object) -> None:
    data = state_bytes(started())
    assert callable(damage)
    assert damage(data) != data
    with pytest.raises(UsageError, match=r"expected"):
        read_state(damage(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"margin": 0.0}, {"margin": float("nan")}, {"alarm": 1.0}, {"alarm": float("inf")}, {"expires_days": 0},
        {"holdback": 1.0}, {"shadow_share": 1.1}, {"shadow_factor": 0.5}, {"ladder": ()}, {"least_bad": 0},
        {"ladder": (Rung(share=0.1, least_us=0, least_calls=0, least_pairs=0),)}, {"drift_calls": 0},
        {"ladder": (Rung(share=0.0, least_us=-1, least_calls=0, least_pairs=0),
                    Rung(share=1.0, least_us=0, least_calls=0, least_pairs=0))},
    ],
)  # fmt: skip
def test_terms_out_of_range_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"watch of 'w-triage': "):
        terms(**changes)


def test_events_that_cannot_be_are_refused() -> None:
    for value in (1.1, -1.1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=r"d: .*expected a number from -1 to 1"):
            Graded(at_us=0, d=value)
    with pytest.raises(UsageError, match=r"calls: -1"):
        Answered(at_us=0, calls=-1)
    with pytest.raises(UsageError, match=r"refusal: 3 of 2 calls"):
        Answered(at_us=0, calls=2, bad={"refusal": 3})
    with pytest.raises(UsageError, match=r"length: a negative count"):
        Inputs(at_us=0, counts={"length": (0, -1)})
