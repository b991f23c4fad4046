"""A stored route, read without numpy, is what the route itself says."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.decide.state import view_of
from baseload.gateway.watching.views import standing_of
from baseload.quality.watch import terms as promised
from baseload.quality.watch.burn import Budget
from baseload.quality.watch.events import Answered, Graded, Ordered, Passed, Seen
from baseload.quality.watch.machine import replay
from baseload.quality.watch.route import begin, state_bytes

TERMS = promised.Terms(
    workload="w", policy_id="p", verdict_id="v", decided_us=0,
    tested=promised.Tested(candidate="haiku", incumbent="opus"),
    margin=0.02, alarm=4.0, budgets={"refusal": Budget(baseline=0.01)}, least_bad=2,
    ladder=(
        promised.Rung(share=0.0, least_us=0, least_calls=1, least_pairs=1),
        promised.Rung(share=0.25, least_us=0, least_calls=2, least_pairs=2),
        promised.Rung(share=1.0, least_us=0, least_calls=0, least_pairs=0),
    ),
)  # fmt: skip
TIMES = st.integers(0, 100 * 86_400_000_000)
EVENTS = st.lists(
    st.one_of(
        st.builds(Graded, at_us=TIMES, d=st.sampled_from([-1.0, 0.0, 0.5])),
        st.builds(Answered, at_us=TIMES, calls=st.just(3), bad=st.sampled_from([{}, {"refusal": 2}])),
        st.builds(Seen, at_us=TIMES, candidate=st.sampled_from(["", "haiku", "other"])),
        st.builds(Ordered, at_us=TIMES, order=st.sampled_from(["hold", "resume"]), who=st.just("ann")),
        st.builds(Passed, at_us=TIMES),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_the_light_view_is_the_routes_own(events: list[object]) -> None:
    route, _ = replay(begin(TERMS, 0), events)  # type: ignore[arg-type]
    standing = standing_of(state_bytes(route).decode(), "p")
    assert standing.view == view_of(route)
    assert standing.alarms == route.alarms
    assert standing.held == route.held


def test_a_state_that_cannot_be_read_stands_as_rolled_back() -> None:
    standing = standing_of("{", "p")
    assert standing.view.rolled_back
    assert standing.view.share == 0


def test_watching_loads_nothing_heavy_into_the_process_that_serves() -> None:
    code = (
        "import sys, baseload.gateway.watching.parts\n"
        "print([name for name in ('numpy', 'duckdb', 'yaml', 'starlette', 'anthropic', 'jsonschema', 'cryptography',"
        " 'prometheus_client', 'opentelemetry') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
