"""What holds of every route, whatever it is told."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from watch_terms import DAY_US, on, started

from baseload.quality.watch.assign import arm, share_at
from baseload.quality.watch.burn import HOUR_US
from baseload.quality.watch.events import SIGNALS, Answered, Event, Graded, Inputs, Ordered, Passed, Seen
from baseload.quality.watch.machine import replay, step
from baseload.quality.watch.route import Route, read_state, state_bytes
from baseload.quality.watch.terms import Rung
from baseload.values.secrecy import OrgKey

KEY = OrgKey(b"k" * 32)
# a ladder that short stories climb
LADDER = tuple(Rung(share=share, least_us=HOUR_US, least_calls=5, least_pairs=1) for share in (0.0, 0.3, 1.0))

times = st.integers(-DAY_US, 100 * DAY_US)
counts = st.integers(0, 60).flatmap(
    lambda calls: st.tuples(st.just(calls), st.dictionaries(st.sampled_from(SIGNALS), st.integers(0, calls)))
)
ids = st.sampled_from(["", "claude-haiku-5-5", "sys-a", "label@3", "other"])
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Graded, at_us=times, d=st.floats(-1, 1)),
    st.builds(Graded, at_us=times, d=st.just(0.0)),
    st.builds(lambda at, c: Answered(at_us=at, calls=c[0], bad=c[1]), times, counts),
    st.builds(lambda at, c: Answered(at_us=at, calls=c), times, st.integers(0, 60)),
    st.builds(lambda at, c: Inputs(at_us=at, counts={"length": c}), times,
              st.tuples(*[st.integers(0, 300)] * 4)),
    st.builds(Seen, at_us=times, incumbent=ids, system_sha=ids, grader=ids),
    st.builds(Ordered, at_us=times, order=st.sampled_from(["hold", "resume"]), who=st.just("ana")),
    st.builds(Passed, at_us=times),
)  # fmt: skip
stories = st.lists(events, max_size=40)
steady_times = st.lists(st.integers(0, 3 * HOUR_US), min_size=1, max_size=40)


def fresh() -> Route:
    return started(ladder=LADDER)


@settings(max_examples=120, deadline=None)
@given(stories, st.integers(0, 40))
def test_replaying_gives_the_same_state_through_the_store_too(story: list[Event], cut: int) -> None:
    once, actions = replay(fresh(), story)
    half, first = replay(fresh(), story[:cut])
    stored = read_state(state_bytes(half))
    assert state_bytes(stored) == state_bytes(half)
    again, second = replay(stored, story[cut:])
    assert state_bytes(again) == state_bytes(once)
    assert first + second == actions


@settings(max_examples=120, deadline=None)
@given(stories)
def test_counts_are_never_negative_and_time_never_goes_back(story: list[Event]) -> None:
    route = fresh()
    for event in story:
        after, _ = step(route, event)
        assert after.at_us >= route.at_us
        assert min(after.rung_calls, after.rung_pairs, after.evidence.pairs, *after.evidence.values) >= 0
        assert after.windows.is_sound
        assert all(min(drift.recent, default=0) >= 0 for drift in after.drift.values())
        assert 0 <= after.shadow_share <= 1
        route = after


@settings(max_examples=120, deadline=None)
@given(stories, st.lists(st.text(max_size=8), max_size=5), times)
def test_never_more_than_the_stages_share(story: list[Event], sessions: list[str], began: int) -> None:
    route = fresh()
    for event in story:
        after, _ = step(route, event)
        if not after.rolled_back:
            assert after.share in (route.share, LADDER[min(route.rung + 1, 2)].share)
        assert share_at(after, began) <= after.share
        if after.share == 0:
            assert all(arm(after, session, KEY, began) != "candidate" for session in sessions)
        route = after


@settings(max_examples=120, deadline=None)
@given(stories, stories)
def test_a_rollback_is_absorbing(before: list[Event], after: list[Event]) -> None:
    back, _ = replay(fresh(), [*before, Ordered(at_us=0, order="roll_back", who="ana")])
    assert back.share == 0
    assert replay(back, [*after, Ordered(at_us=0, order="resume", who="ana")]) == (back, ())


@settings(max_examples=120, deadline=None)
@given(stories)
def test_a_clock_that_goes_back_counts_as_one_that_stood_still(story: list[Event]) -> None:
    route, still, latest = fresh(), [], 0
    for event in story:
        latest = max(latest, event.at_us)
        still.append(type(event)(**{**{f: getattr(event, f) for f in event.__struct_fields__}, "at_us": latest}))
    assert replay(route, story) == replay(route, still)


@settings(max_examples=120, deadline=None)
@given(stories)
def test_drift_expiry_and_time_never_roll_back(story: list[Event]) -> None:
    harmless = [event for event in story if isinstance(event, Inputs | Passed | Seen)]
    assert on(fresh(), *harmless).rolled_back is None


@settings(max_examples=60, deadline=None)
@given(steady_times)
def test_with_an_open_alarm_the_ramp_stands_still(gaps: list[int]) -> None:
    route = on(fresh(), Inputs(at_us=0, counts={"length": (125, 250, 250, 375)}))
    for gap in gaps:
        route = on(route, Graded(at_us=route.at_us, d=0.0), Answered(at_us=route.at_us + gap, calls=10))
    assert route.rung == 0
