"""What batching comes to for one workload: the window learnt and judged apart, shares, bounds, and what forbids it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from batch_cases import always, in_minutes, minutes, policy, run

from baseload.levers.batch.clock import batch_clock
from baseload.levers.batch.completion import MINUTE_US, CompletionTable, completion_table
from baseload.levers.batch.deadline import Deadline
from baseload.levers.batch.eligible import Eligibility
from baseload.levers.batch.flow import TIERS, Flow, flow_of
from baseload.levers.batch.outcome import BatchRequest, batch_outcome
from baseload.levers.batch.window import Setting, best_window, chosen, halves
from baseload.values import DAY_US, HOUR_US

TABLE = completion_table()
ALL = Eligibility(share=1.0, refused={}, refused_places={})
WEEK = 20_000 * DAY_US  # 2024-10-04, a Friday


def nightly(days: int = 14, calls: int = 60) -> Flow:
    """A run at 03:00 UTC: one call a minute for an hour."""
    starts = [WEEK + day * DAY_US + 3 * HOUR_US + call * MINUTE_US for day in range(days) for call in range(calls)]
    return flow_of(np.array(starts, dtype=np.int64))


def asked(**changes: object) -> BatchRequest:
    plain = {
        "workload": "w",
        "deadline": Deadline(us=4 * HOUR_US, source="declared", reason="said so"),
        "eligibility": ALL,
        "flow": nightly(),
        "table": TABLE,
    }
    return BatchRequest(**(plain | changes))  # type: ignore[arg-type]


def setting(deadline_us: int = 4 * HOUR_US, table: CompletionTable = TABLE) -> Setting:
    return Setting(deadline_us, table, TIERS["start"], minutes(1), 7)


def test_the_likely_share_lies_between_the_slow_and_the_fast_reading() -> None:
    found, problems = batch_outcome(asked())
    assert problems == []
    assert 0 <= found.share_low < found.share_likely < found.share_high <= 1
    # under 4 hours less the wait, the likely reading ends 94 to 95 in 100 batches (its 0.95 quantile is 4 hours)
    assert found.share_likely == pytest.approx(0.94, abs=0.02)
    assert found.double_paid_share == pytest.approx(1 - found.share_likely, abs=0.01)
    assert (found.met_share, found.grade, found.calls) == (1.0, "simulated", 840)
    assert (found.hits_low, found.hits_high) == (0.30, 0.98)


def test_only_the_eligible_part_is_batched() -> None:
    whole, _ = batch_outcome(asked())
    part, _ = batch_outcome(asked(eligibility=Eligibility(share=0.5, refused={}, refused_places={})))
    assert part.share_likely == pytest.approx(whole.share_likely / 2)
    assert part.double_paid_share == pytest.approx(whole.double_paid_share / 2)
    assert "50% of its calls stay out" in part.note


def test_where_nobody_knows_who_waits_it_is_a_possibility_and_no_plan() -> None:
    found, _ = batch_outcome(asked(deadline=Deadline(us=4 * HOUR_US, source="inferred", potential=True, reason="?")))
    assert (found.share_low, found.share_likely, found.double_paid_share) == (0.0, 0.0, 0.0)
    assert found.share_high > 0.9


@pytest.mark.parametrize(
    ("changes", "blocked"),
    [
        ({"deadline": Deadline(us=0, source="inferred", reason="96% of its calls stream")}, "interactive"),
        ({"deadline": Deadline(us=15 * MINUTE_US, source="declared", reason="said so")}, "deadline_too_short"),
        (
            {"eligibility": Eligibility(share=0, refused={"x": 1}, refused_places={}, blocked_by=("tool_loop",))},
            "tool_loop",
        ),
    ],
)  # fmt: skip
def test_what_may_not_be_batched_says_why(changes: dict[str, object], blocked: str) -> None:
    found, problems = batch_outcome(asked(**changes))
    assert found.blocked_by == (blocked,)
    assert (found.share_low, found.share_likely, found.share_high) == (0.0, 0.0, 0.0)
    assert found.note
    assert problems == []


def test_without_arrivals_the_figure_is_assumed_and_its_low_end_is_nothing() -> None:
    found, _ = batch_outcome(asked(flow=None))
    assert (found.grade, found.calls, found.share_low) == ("assumed", 0, 0.0)
    assert found.share_likely > 0.9
    assert "not seen" in found.note


def test_calls_slower_than_their_margin_are_a_problem() -> None:
    # one call in two hundred takes an hour; the margin covers 99 in 100. Spilled are those of batches over 4 hours
    slow = np.array([MINUTE_US] * 995 + [60 * MINUTE_US] * 5, dtype=np.int64)
    late = msgspec.structs.replace(TABLE.likely, quantiles=((0.0, 5), (0.5, 20), (0.6, 300), (1.0, 600)))
    table = CompletionTable(slow=late, likely=late, fast=late)
    found, problems = batch_outcome(asked(sync_us=slow, table=table))
    # 0.4 of the calls are spilled, 0.005 of those take too long: 0.998 in time
    assert found.met_share == pytest.approx(0.998, abs=0.0008)
    assert [problem.code for problem in problems] == ["batch-deadline-missed"]


def test_the_same_question_has_the_same_answer() -> None:
    assert batch_outcome(asked()) == batch_outcome(asked())
    assert batch_outcome(asked(seed=1)) != batch_outcome(asked(seed=2))


def test_the_longest_window_that_gives_up_nothing_is_taken() -> None:
    # every batch takes 20 minutes: all windows up to 3 h 38 min save the same, so the longest tried below it: 2 hours
    table = CompletionTable(slow=always(20), likely=always(20), fast=always(20))
    assert best_window(nightly(), setting(table=table)) == 120 * MINUTE_US


def test_a_window_is_learnt_on_the_first_half_and_judged_on_the_second() -> None:
    window, judged = chosen(nightly(14), setting())
    train, rest = halves(nightly(14))
    assert len(train.start_us) == len(rest.start_us) == 420
    assert judged.start_us.tolist() == rest.start_us.tolist()
    assert window == best_window(train, setting())


def test_few_arrivals_are_judged_whole_on_the_default_window() -> None:
    window, judged = chosen(nightly(2, calls=10), setting())
    assert (window, len(judged.start_us)) == (15 * MINUTE_US, 20)


def test_the_margin_is_twice_what_a_slow_call_takes_and_two_minutes_at_least() -> None:
    assert setting().margin_us == 2 * MINUTE_US
    assert setting()._replace(sync_us=minutes(3)).margin_us == 6 * MINUTE_US


def test_the_clock_counts_a_week_from_monday_and_keeps_the_busiest_day() -> None:
    # Friday 03:00 + 2 calls answered from a batch at 03:35, one on Saturday 04:00 answered at 04:35
    given_flow = Flow(
        np.array([WEEK + 180 * MINUTE_US, WEEK + DAY_US + 240 * MINUTE_US], dtype=np.int64),
        np.array([2, 1], dtype=np.int64),
        np.array([1, 1], dtype=np.int64),
    )
    clock = batch_clock(given_flow, run(given_flow, policy(240, 15), always(20)))
    friday, saturday = 4 * 24 + 3, 5 * 24 + 4
    assert {hour: calls for hour, calls in enumerate(clock.arrivals) if calls} == {friday: 2, saturday: 1}
    assert {hour: calls for hour, calls in enumerate(clock.answers_batch) if calls} == {friday: 2, saturday: 1}
    assert sum(clock.answers_sync) == 0
    assert {hour: count for hour, count in enumerate(clock.closings) if count} == {3: 1, 4: 1}
    assert (clock.day, len(clock.batches), clock.batches[0].requests) == (20_000, 1, 2)
    assert in_minutes(np.array([clock.batches[0].ended_us - clock.batches[0].opened_us])) == [35]
