"""The queue of batches, by hand on small cases and by its laws on random ones. Times in minutes."""

from __future__ import annotations

import numpy as np
import pytest
from batch_cases import HOUR, always, flow, in_minutes, minutes, policy, run
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.batch.completion import MINUTE_US, Completion, completion_table
from baseload.levers.batch.figures import figures
from baseload.levers.batch.flow import BYTES_PER_REQUEST, TIERS, Flow, Limits, between, flow_of
from baseload.levers.batch.queue import Policy, simulate

LIKELY = completion_table().likely


def test_a_batch_closes_when_its_window_is_over_and_answers_together() -> None:
    # window 15 from the first request at 0: 0, 5 and 15 are in it (15 arrives as it closes), 16 opens the next
    found = run(flow(0, 5, 15, 16), policy(4 * HOUR, 15), always(20))
    assert in_minutes(found.batches.submitted_us) == [15, 31]
    assert in_minutes(found.answered_us) == [35, 35, 35, 51]
    assert found.batches.requests.tolist() == [3, 1]
    assert found.batch_paid.all()
    assert not found.sync_paid.any()


def test_a_full_batch_closes_when_the_next_request_does_not_fit() -> None:
    limits = Limits(batch_requests=2)
    found = run(flow(0, 1, 2, 3, 4, limits=limits), policy(4 * HOUR, 15), always(20), limits=limits)
    assert found.batches.requests.tolist() == [2, 2, 1]
    assert in_minutes(found.batches.submitted_us) == [2, 4, 19]


def test_a_batch_holds_no_more_than_its_bytes() -> None:
    limits = Limits(batch_bytes=2 * BYTES_PER_REQUEST)
    found = run(flow(0, 1, 2, limits=limits), policy(4 * HOUR, 15), always(20), limits=limits)
    assert found.batches.requests.tolist() == [2, 1]
    assert found.batches.bytes.tolist() == [2 * BYTES_PER_REQUEST, BYTES_PER_REQUEST]


def test_a_window_never_keeps_the_oldest_request_past_the_time_a_batch_needs() -> None:
    # deadline 60, margin 2, reserve 10: the first request must be under way at 48, long before the window of 4 hours
    found = run(flow(0, 47), policy(60, 4 * HOUR), always(10))
    assert in_minutes(found.batches.submitted_us) == [48]
    assert in_minutes(found.answered_us) == [58, 58]


def test_what_would_miss_its_deadline_is_sent_synchronously_and_paid_twice() -> None:
    # deadline 60, margin 2: a batch that returns at 115 is too late for 0 and 10 (spilled at 58 and 68), and for 15
    found = run(flow(0, 10, 15), policy(60, 15), always(100), sync=1)
    assert in_minutes(found.answered_us) == [59, 69, 74]
    assert found.batch_paid.all()
    assert found.sync_paid.all()
    come_to = figures(flow(0, 10, 15), found, 60 * MINUTE_US, MINUTE_US)
    assert (come_to.met_share, come_to.double_paid_share, come_to.saving_share) == (1.0, 1.0, -0.5)


def test_a_batch_that_returns_at_the_very_spill_counts() -> None:
    found = run(flow(0), policy(60, 15), always(43))  # 15 + 43 = 58 = 60 - 2
    assert (in_minutes(found.answered_us), found.sync_paid.tolist()) == ([58], [False])


def test_a_deadline_too_short_for_any_batch_sends_everything_at_once() -> None:
    found = run(flow(0, 5), policy(11, 15), always(20), sync=1)  # 11 - 2 - 10 < 0
    assert in_minutes(found.answered_us) == [1, 6]
    assert len(found.batches.requests) == 0
    assert not found.batch_paid.any()


def test_a_full_queue_makes_the_next_batch_wait_for_a_running_one() -> None:
    # room for 3: the second batch closes at 45, but the first returns at 15 + 60 = 75
    limits = Limits(queued_requests=3)
    found = run(flow(0, 1, 2, 30, 31), policy(4 * HOUR, 15), always(60), limits=limits)
    assert in_minutes(found.batches.submitted_us) == [15, 75]
    assert in_minutes(found.answered_us) == [75, 75, 75, 135, 135]
    assert found.peak_queued == 3


def test_who_waits_too_long_for_the_queue_never_enters_a_batch() -> None:
    # the first batch runs 15 to 95; of the second, 30 must be under way at 78 and goes synchronously then, 50 may go
    limits = Limits(queued_requests=2)
    found = run(flow(0, 1, 30, 45, 50), policy(60, 15), always(80), limits=limits, sync=1)
    # 0 and 1 spill at 58 and 59; 30 leaves at 78, 45 at 93; 50 opens its own batch at 50, closed 65, waits until 95
    assert in_minutes(found.answered_us)[:4] == [59, 60, 79, 94]
    assert found.batch_paid.tolist()[2:4] == [False, False]
    assert in_minutes(found.batches.submitted_us) == [15, 95]


def test_batches_are_spaced_by_the_rate_of_the_endpoint() -> None:
    limits = Limits(batch_requests=1, batches_per_minute=2)
    found = run(flow(0, 0, 0, limits=limits), policy(4 * HOUR, 15), always(20), limits=limits)
    assert in_minutes(found.batches.submitted_us) == [0, 0.5, 15]


def test_what_expires_is_batched_again_where_time_allows_and_costs_nothing_the_first_time() -> None:
    # 48 hours: submitted at 15, expired whole at 15 + 1440, again at once, and expired again at 2895 > 48 h - 2 = 2878
    found = run(flow(0), policy(48 * HOUR, 15), always(20, expires=1.0))
    assert in_minutes(found.batches.submitted_us) == [15, 1455]
    assert found.batches.retry.tolist() == [False, True]
    assert in_minutes(found.answered_us) == [2879]
    assert (found.batch_paid.tolist(), found.sync_paid.tolist(), found.expired.tolist()) == ([False], [True], [True])


def test_inside_a_day_an_expired_request_was_spilled_before_and_is_paid_once() -> None:
    found = run(flow(0), policy(24 * HOUR, 15), always(20, expires=1.0), sync=1)
    assert in_minutes(found.answered_us) == [24 * 60 - 2 + 1]
    assert (found.batch_paid.tolist(), found.sync_paid.tolist()) == ([False], [True])


def test_an_expired_request_too_late_for_another_batch_goes_at_once() -> None:
    # 24.4 hours = 1464: expired at 1455, a new batch needs 10 before 1462, so it is sent at 1455
    found = run(flow(0), policy(1464, 15), always(20, expires=1.0), sync=1)
    assert in_minutes(found.answered_us) == [1456]


def test_a_slow_synchronous_answer_misses_the_deadline_and_is_counted() -> None:
    found = run(flow(0), policy(60, 15), always(100), sync=5)  # spilled at 58, answered at 63
    come_to = figures(flow(0), found, 60 * MINUTE_US, MINUTE_US)
    assert come_to.met_share == 0.0


def test_figures_weigh_a_sampled_row_by_the_calls_it_stands_for() -> None:
    # 3 calls answered at 35 (5 to 35: waited 30), 1 at 51 (16 to 51: 35); a synchronous call takes 1
    given_flow = flow(5, 30, requests=[3, 1])
    found = run(given_flow, policy(4 * HOUR, 15), always(20))
    come_to = figures(given_flow, found, 4 * HOUR * MINUTE_US, MINUTE_US)
    assert (come_to.calls, come_to.batches, come_to.biggest_batch) == (4, 2, 3)
    assert (come_to.added_p50_us, come_to.added_p95_us) == (34 * MINUTE_US, 34 * MINUTE_US)
    assert come_to.saving_share == 0.5


def test_a_row_that_no_batch_could_hold_is_cut_into_equal_rows() -> None:
    # 250,000 calls of 100 tokens each: 100,000 to a batch, so three rows of 83,334, 83,333 and 83,333
    cut = flow_of(minutes(7), np.array([250_000]), np.array([25_000_000]))
    assert cut.requests.tolist() == [83_334, 83_333, 83_333]
    assert cut.start_us.tolist() == minutes(7, 7, 7).tolist()
    # 10 calls of 400 MB together: two rows of 5, each under 256 MB
    heavy = flow_of(minutes(7), np.array([10]), np.array([80_000_000]))
    assert heavy.requests.tolist() == [5, 5]
    assert (heavy.bytes <= 256_000_000).all()


def test_arrivals_are_sorted_and_cut_by_time() -> None:
    given_flow = flow(9, 3, 5)
    assert in_minutes(between(given_flow, *minutes(3, 9).tolist()).start_us) == [3, 5]


def test_the_share_in_time_is_the_completion_curve_at_the_time_left() -> None:
    # one request a batch, closed at once: the share answered in time is the share of batches that end within 238 min
    n = 20_000
    starts = np.arange(n, dtype=np.int64) * 2 * MINUTE_US
    given_flow = Flow(starts, np.ones(n, dtype=np.int64), np.ones(n, dtype=np.int64))
    found = run(given_flow, policy(4 * HOUR, 0), LIKELY, limits=TIERS["scale"], seed=3)
    expected = LIKELY.ended_share(238 * MINUTE_US)
    assert 1 - found.sync_paid.mean() == pytest.approx(expected, abs=4 * (expected * (1 - expected) / n) ** 0.5)


@st.composite
def queues(draw: st.DrawFn) -> tuple[Flow, Policy, Completion, Limits, int]:
    count = draw(st.integers(1, 60))
    starts = draw(st.lists(st.integers(0, 3_000), min_size=count, max_size=count))
    calls = draw(st.lists(st.integers(1, 9), min_size=count, max_size=count))
    limits = Limits(
        batch_requests=draw(st.integers(1, 20)),
        batch_bytes=draw(st.integers(9, 40)) * BYTES_PER_REQUEST,
        queued_requests=draw(st.integers(5, 60)),
        batches_per_minute=draw(st.sampled_from((1, 60))),
    )
    given_flow = flow_of(minutes(*starts), np.array(calls, dtype=np.int64), limits=limits)
    deadline = draw(st.sampled_from((5, 30, 240, 1440, 4000)))
    how = policy(deadline, draw(st.sampled_from((0, 5, 60, 600))), margin=2, reserve=draw(st.sampled_from((0, 20))))
    took = draw(st.sampled_from((1.0, 30.0, 400.0)))
    completion = always(took, expires=draw(st.sampled_from((0.0, 0.3, 1.0))), items=draw(st.sampled_from((0.5, 1.0))))
    return given_flow, how, completion, limits, draw(st.integers(0, 9))


@settings(max_examples=150, deadline=None)
@given(queues())
def test_every_request_is_answered_once_and_no_limit_is_broken(
    case: tuple[Flow, Policy, Completion, Limits, int],
) -> None:
    given_flow, how, completion, limits, seed = case
    rng = np.random.default_rng(seed)
    found = simulate(given_flow, how, completion, limits, sync_us=minutes(1), rng=rng)
    made = found.batches
    assert (found.answered_us > given_flow.start_us).all()  # answered, and never before it came
    assert (found.batch_paid | found.sync_paid).all()  # by somebody who was paid
    assert (found.answered_us <= given_flow.start_us + how.deadline_us).all()  # a minute's call fits a margin of two
    assert (made.requests <= min(limits.batch_requests, limits.queued_requests)).all()
    assert (made.bytes <= limits.batch_bytes).all()
    assert (np.diff(made.submitted_us) >= MINUTE_US // limits.batches_per_minute).all()
    assert (made.submitted_us >= made.opened_us).all()
    assert found.peak_queued <= limits.queued_requests
    first_tries = int(made.requests[~made.retry].sum())
    billed_by_batches = int(given_flow.requests[found.batch_paid].sum())
    expired_or_billed = int(given_flow.requests[found.batch_paid | found.expired].sum())
    assert billed_by_batches <= expired_or_billed == first_tries  # who entered a batch was answered or expired


@settings(max_examples=100, deadline=None)
@given(queues())
def test_what_is_in_the_queue_never_exceeds_its_limit(case: tuple[Flow, Policy, Completion, Limits, int]) -> None:
    given_flow, how, completion, limits, seed = case
    rng = np.random.default_rng(seed)
    made = simulate(given_flow, how, completion, limits, sync_us=minutes(1), rng=rng).batches
    for at in made.submitted_us:
        inside = (made.submitted_us <= at) & (at < made.ended_us)
        assert made.requests[inside].sum() <= limits.queued_requests


@settings(max_examples=60, deadline=None)
@given(queues())
def test_the_past_does_not_depend_on_the_future(case: tuple[Flow, Policy, Completion, Limits, int]) -> None:
    given_flow, how, completion, limits, seed = case
    whole = simulate(given_flow, how, completion, limits, sync_us=minutes(1), rng=np.random.default_rng(seed))
    cut = int(given_flow.start_us[len(given_flow.start_us) // 2])
    early = between(given_flow, 0, cut)
    if not len(early.start_us):
        return
    part = simulate(early, how, completion, limits, sync_us=minutes(1), rng=np.random.default_rng(seed))
    before = whole.batches.submitted_us < cut
    kept = part.batches.submitted_us < cut
    assert whole.batches.submitted_us[before].tolist() == part.batches.submitted_us[kept].tolist()
