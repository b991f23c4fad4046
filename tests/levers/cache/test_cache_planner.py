"""What the planner decides, request by request: hand-worked lanes, its picture of the cache, its memory."""

from __future__ import annotations

import msgspec
import pytest
from cache_traces import Asked, asked_rows, trace_of, unit_prices
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache import lane as lanes
from baseload.levers.cache import planner as planners
from baseload.levers.cache.choices import Rates
from baseload.levers.cache.paths import fold
from baseload.levers.cache.planner import Decision, Facts, KeepAlive, LearntPlan, Planner
from baseload.levers.cache.replay import learn, requests_of
from baseload.levers.cache.rules import Cache, Mark, Prompt
from baseload.levers.cache.trace import EndsWith, Stop

RATES = Rates(plain=100.0, read=10.0, write_5m=125.0, write_1h=200.0)
SECOND = 1_000_000


def facts(second: float, *ends: int, ids: str = "", lane: int = 0, minimum: int = 0) -> Facts:
    """A request whose positions are named by letters and end at these tokens."""
    names = [ord(letter) for letter in ids] if ids else list(range(len(ends)))
    return Facts(
        lane=lane,
        prefix_ids=names,
        ends=list(ends),
        prompt_tokens=ends[-1] if ends else 50,
        ends_with=EndsWith.TOOL_RESULT,
        start_us=round(second * SECOND),
        rates=RATES,
        minimum_tokens=minimum,
    )


def ask(planner: Planner, request: Facts, stop: Stop = Stop.TOOL_USE, read: int | None = None) -> Decision:
    decision = planner.decide(request)
    planner.answered(request, decision, request.start_us + SECOND, stop, read)
    return decision


def test_a_first_request_is_written_for_five_minutes() -> None:
    assert ask(Planner(), facts(0, 60_000)).marks == (Mark(0, "5m"),)


def test_a_short_step_behind_a_long_prefix_is_an_anchor() -> None:
    """An hour for 500 new tokens costs 375 more and keeps 60,500 for the hour."""
    planner = Planner()
    ask(planner, facts(0, 60_000))
    assert ask(planner, facts(10, 60_000, 60_500)).marks[-1] == Mark(1, "1h")


def test_a_long_step_is_not_an_anchor() -> None:
    planner = Planner()
    ask(planner, facts(0, 60_000))
    assert ask(planner, facts(10, 60_000, 100_000)).marks[-1] == Mark(1, "5m")


def test_the_anchor_is_marked_again_so_that_it_lives_on() -> None:
    """Entries are refreshed only where a mark finds them; the third request is too near the anchor for another."""
    planner = Planner()
    ask(planner, facts(0, 60_000))
    ask(planner, facts(10, 60_000, 60_500))
    ask(planner, facts(20, 60_000, 60_500, 62_500))
    marks = ask(planner, facts(30, 60_000, 60_500, 62_500, 64_500)).marks
    assert Mark(1, "1h") in marks
    assert marks[-1] == Mark(3, "5m")


def test_where_conversations_parted_an_own_mark_keeps_the_fork_alive() -> None:
    """ "a" went on to "b" and then to "c"; the next request on "c" marks "a" besides."""
    planner = Planner()
    ask(planner, facts(0, 50_000, ids="a"))
    ask(planner, facts(10, 50_000, 90_000, ids="ab"))
    ask(planner, facts(20, 50_000, 90_000, ids="ac"))
    marks = ask(planner, facts(30, 50_000, 90_000, 130_000, ids="acd")).marks
    assert [mark.position for mark in marks] == [0, 1, 2]


def test_a_prefix_below_the_minimum_is_not_marked() -> None:
    planner = Planner()
    assert ask(planner, facts(0, 1_000, minimum=1_024)).marks == ()
    assert [mark.position for mark in ask(planner, facts(1, 1_000, 2_000, minimum=1_024)).marks] == [1]


def test_a_request_without_a_whole_position_is_only_counted() -> None:
    assert ask(Planner(), facts(0)) == Decision((), None)


def test_a_cache_that_forgets_what_was_before_the_hour_is_believed_at_once() -> None:
    """After ten minutes the anchor should be read; nothing is. From then on no hour stands behind five minutes."""
    planner = Planner()
    ask(planner, facts(0, 60_000))
    ask(planner, facts(10, 60_000, 60_500))
    ask(planner, facts(610, 60_000, 60_500, 61_000), read=0)
    assert not planner.covers
    assert not planner.learnt().hour_covers
    assert all(mark.ttl == "5m" for mark in ask(planner, facts(620, 60_000, 60_500, 61_000, 61_500)).marks[1:])


def test_a_cache_that_keeps_the_whole_is_trusted() -> None:
    planner = Planner()
    ask(planner, facts(0, 60_000))
    ask(planner, facts(10, 60_000, 60_500))
    ask(planner, facts(610, 60_000, 60_500, 61_000), read=60_500)
    assert planner.covers


def test_a_silent_lane_is_kept_alive_until_it_speaks() -> None:
    """A first request has no anchor yet: all 60,000 tokens would be lost in five minutes."""
    planner, request = Planner(), facts(0, 60_000)
    decision = planner.decide(request)
    keep_alive = planner.answered(request, decision, SECOND, Stop.TOOL_USE)
    assert keep_alive == KeepAlive(prefix_id=0, tokens=60_000, every_us=290 * SECOND, most=2)


def test_an_anchored_lane_needs_no_keep_alive_for_minutes() -> None:
    planner = Planner()
    ask(planner, facts(0, 60_000))
    request = facts(10, 60_000, 60_500)
    assert planner.answered(request, planner.decide(request), 11 * SECOND, Stop.TOOL_USE) is None


def test_an_answer_that_ends_after_the_lane_moved_on_asks_for_nothing_but_can_be_read() -> None:
    planner, first, second = Planner(), facts(0, 60_000, ids="a"), facts(1, 70_000, ids="b")
    earlier, later = planner.decide(first), planner.decide(second)
    assert planner.answered(first, earlier, 2 * SECOND, Stop.TOOL_USE) is None
    assert planner.answered(second, later, 3 * SECOND, Stop.TOOL_USE) is not None
    marks = planner.decide(facts(10, 60_000, 90_000, ids="ac")).marks
    assert [mark.position for mark in marks] == [0, 1]


def test_what_never_comes_back_is_no_longer_written() -> None:
    """Sixty prompts of their own in one lane, half a minute apart: reuse is counted as rare once they have waited."""
    planner = Planner()
    written = [bool(ask(planner, facts(30 * k, 20_000, ids=chr(200 + k))).marks) for k in range(90)]
    assert written[0]
    assert not any(written[-20:])


def test_a_plan_is_json_and_says_the_same_after_it() -> None:
    trace = trace_of(*(Asked(10 * k, "abcdefgh"[: k + 1]) for k in range(8)))
    plan = learn(trace, unit_prices(trace))
    assert msgspec.json.decode(msgspec.json.encode(plan), type=LearntPlan) == plan
    assert Planner(plan).learnt() == plan


def test_the_longest_silent_lanes_are_closed_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planners, "MOST_LANES", 3)
    planner = Planner()
    for lane in (1, 2, 3, 1, 4):
        ask(planner, facts(lane, 10_000, lane=lane))
    assert set(planner._lanes) == {3, 1, 4}


def test_all_lanes_together_remember_so_many_prefixes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planners, "MOST_PLACES", 4)
    planner = Planner()
    for lane in range(5):
        ask(planner, facts(lane, 10_000, 20_000, lane=lane))
        assert planner._places == sum(len(each.places) for each in planner._lanes.values())
    assert planner._places <= 6


def test_one_lane_forgets_what_it_has_not_seen_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST_PLACES", 10)
    planner = Planner()
    for k in range(200):
        ask(planner, facts(1_000 * k, 10_000, ids=chr(300 + k)))
    (lane,) = planner._lanes.values()
    assert len(lane.places) <= 11
    assert len(lane._entries) <= 11


@settings(max_examples=150)
@given(st.lists(asked_rows(letters="a"), min_size=3, max_size=10), st.booleans(), st.sampled_from([0, 100, 200]))
def test_the_planner_s_picture_of_the_cache_is_the_cache(rows: list[Asked], covers: bool, minimum: int) -> None:
    """What it expects to be read is what the exact rules read, for both readings of an hour behind five minutes."""
    trace = trace_of(*rows)
    planner, caches = Planner(LearntPlan(hour_covers=covers)), {}
    for request in requests_of(trace, fold(trace), unit_prices(trace, minimum=minimum)):
        facts = request.facts
        cache = caches.setdefault(facts.lane, Cache(hour_covers=covers))
        decision = planner.decide(facts)
        prompt = Prompt(scope=0, prefix_ids=facts.prefix_ids, ends=facts.ends, prompt_tokens=facts.prompt_tokens)
        served = cache.serve(prompt, decision.marks, facts.start_us, request.begins_us, facts.minimum_tokens)
        assert served.read_tokens == (decision.sent.expected if decision.sent else 0)
        planner.answered(facts, decision, request.begins_us, request.stop, served.read_tokens)
    assert planner.covers == covers


@settings(max_examples=60)
@given(
    st.lists(asked_rows(letters="ab", lanes=2), max_size=8),
    st.lists(asked_rows(letters="ab", lanes=2), max_size=4),
    st.lists(asked_rows(letters="ab", lanes=2), max_size=4),
    st.sampled_from([200, 700, 4_000]),
)
def test_no_decision_looks_ahead(before: list[Asked], one: list[Asked], other: list[Asked], cut: int) -> None:
    """Two traces of one session that agree up to a time are decided alike up to that time."""

    def decided(rows: list[Asked]) -> list[object]:
        trace = trace_of(*(row._replace(group=0) for row in rows))
        planner, past = Planner(), []
        for request in requests_of(trace, fold(trace), unit_prices(trace)):
            decision = planner.decide(request.facts)
            keep_alive = planner.answered(request.facts, decision, request.begins_us, request.stop)
            if request.facts.start_us < cut * SECOND:
                reached = [(request.facts.ends[mark.position], mark.ttl) for mark in decision.marks]
                kept = keep_alive and keep_alive[1:]
                past.append((request.facts.start_us, request.facts.prompt_tokens, reached, kept))
        return past

    early = [row for row in before if row.second < cut]
    assert decided(early + [row for row in one if row.second >= cut]) == decided(
        early + [row for row in other if row.second >= cut]
    )


def unknown(second: float, *ends: int, ids: str = "") -> Facts:
    """A request that does not say what it ends with."""
    return facts(second, *ends, ids=ids)._replace(ends_with=EndsWith.UNKNOWN)


def test_traffic_that_does_not_say_what_it_is_is_not_written_before_something_was_wanted_again() -> None:
    planner = Planner()
    one_shots = [ask(planner, unknown(600 * place, 60_000, ids=chr(65 + place)), Stop.UNKNOWN) for place in range(5)]
    assert [decision.marks for decision in one_shots] == [()] * 5
    assert ask(planner, unknown(3_000, 60_000, ids="a"), Stop.UNKNOWN).marks == ()
    assert ask(planner, unknown(3_010, 60_000, 90_000, ids="ab"), Stop.UNKNOWN).marks[-1].position == 1
    # what was learnt elsewhere is evidence too
    assert ask(Planner(planner.learnt()), unknown(0, 60_000), Stop.UNKNOWN).marks == (Mark(0, "5m"),)


def test_a_silence_nobody_ever_broke_is_not_kept_alive_in_unknown_traffic() -> None:
    planner = Planner()
    ask(planner, unknown(0, 60_000, ids="a"), Stop.UNKNOWN)
    request = unknown(10, 60_000, 90_000, ids="ab")
    decision = planner.decide(request)
    assert decision.marks
    assert planner.answered(request, decision, request.start_us + SECOND, Stop.UNKNOWN) is None
