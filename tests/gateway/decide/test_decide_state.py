"""What is seen of a route is the route, and what is remembered of sessions is bounded."""

from __future__ import annotations

import subprocess
import sys

import pytest
from decide_made import KEY
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.decide.state import IDLE_US, Sessions, view_of
from baseload.quality.watch import terms
from baseload.quality.watch.assign import arm, paired
from baseload.quality.watch.events import Answered, Event, Graded, Ordered, Passed
from baseload.quality.watch.machine import replay
from baseload.quality.watch.route import begin
from baseload.values.periods import DAY_US, HOUR_US

TERMS = terms.Terms(
    workload="w-1",
    policy_id="p-1",
    verdict_id="v-1",
    decided_us=0,
    tested=terms.Tested(candidate="small", incumbent="large"),
    margin=0.02,
    holdback=0.1,
    shadow_share=0.3,
    ladder=(terms.Rung(share=0.0, least_us=HOUR_US, least_calls=0, least_pairs=0),
            terms.Rung(share=0.5, least_us=HOUR_US, least_calls=0, least_pairs=0),
            terms.Rung(share=1.0, least_us=0, least_calls=0, least_pairs=0)),
)  # fmt: skip
times = st.integers(0, 3 * DAY_US)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Passed, at_us=times),
    st.builds(Answered, at_us=times, calls=st.integers(0, 500)),
    st.builds(Graded, at_us=times, d=st.sampled_from([-1.0, 0.0, 1.0])),
    st.builds(Ordered, at_us=times, order=st.sampled_from(["hold", "resume", "roll_back"]), who=st.just("ops")),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(events, max_size=12), st.integers(0, 99), st.none() | times)
def test_a_view_assigns_every_session_as_its_route_does(story: list[Event], number: int, began_us: int | None) -> None:
    route, _ = replay(begin(TERMS, 0), sorted(story, key=lambda event: event.at_us))
    view, session = view_of(route), f"s{number}"
    assert arm(view, session, KEY, began_us) == arm(route, session, KEY, began_us)
    assert paired(view, session, KEY) == paired(route, session, KEY)
    assert (view.stage, view.candidate, view.incumbent) == (route.stage, "small", "large")
    assert (view.rolled_back, view.alarms) == (route.rolled_back is not None, len(route.alarms))


def test_the_session_unheard_for_longest_is_forgotten_first() -> None:
    sessions = Sessions(most=2)
    for number, session in enumerate(["a", "b", "a", "c"]):
        sessions.note("w", session, asked="m", model="m", now_us=number)
    assert len(sessions) == 2
    assert sessions.get("w", "b", 4) is None
    seen = sessions.get("w", "a", 4)
    assert seen is not None
    assert (seen.began_us, seen.last_us) == (0, 2)


def test_a_session_goes_on_until_nothing_of_it_can_be_cached() -> None:
    sessions = Sessions()
    sessions.note("w", "s", asked="m", model="n", now_us=0, cached_tokens=7)
    assert sessions.get("w", "s", IDLE_US - 1) is not None
    assert sessions.get("w", "s", IDLE_US) is None
    sessions.note("w", "s", asked="m", model="n", now_us=IDLE_US)
    seen = sessions.get("w", "s", IDLE_US)
    assert seen is not None
    assert seen.began_us == IDLE_US


def test_the_bill_of_an_answer_corrects_what_is_cached() -> None:
    sessions = Sessions()
    sessions.answered("w", "s", 5)  # nothing is known of it: nothing is noted
    assert len(sessions) == 0
    sessions.note("w", "s", asked="m", model="m", now_us=0, cached_tokens=7)
    sessions.answered("w", "s", 1234)
    seen = sessions.get("w", "s", 1)
    assert seen is not None
    assert seen.cached_tokens == 1234
    assert repr(sessions) == "Sessions(1)"


@pytest.mark.parametrize("module", ["facts", "decide", "splice", "apply", "marks", "state", "rules", "switch", "fit"])
def test_the_data_path_imports_nothing_heavy(module: str) -> None:
    heavy = ["numpy", "duckdb", "yaml", "httpx2", "anthropic", "starlette"]
    code = f"import sys, baseload.gateway.decide.{module}; print([m for m in {heavy!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
