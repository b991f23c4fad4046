"""Does anybody wait? Only evidence decides, and what was seen is said."""

from __future__ import annotations

from collections import Counter

from baseload.workloads.latency import Arrivals, judge
from baseload.workloads.rules import deadline_seconds
from baseload.workloads.shape import Shape

PLAIN = Shape(calls=1000, stream_known=1000, stream_calls=0)
NIGHTLY = Counter({1: 700, 2: 250, 14: 50})
SPREAD = Counter(dict.fromkeys(range(24), 40))
NONE = Arrivals()


def test_calls_in_three_adjacent_hours_are_a_schedule() -> None:
    latency, evidence = judge(PLAIN, NIGHTLY, NONE, span_days=7)
    assert latency == "tolerant"
    assert "95% of its calls start between" in evidence


def test_one_evenings_work_is_no_schedule() -> None:
    assert judge(PLAIN, NIGHTLY, NONE, span_days=6.9)[0] == "unknown"


def test_a_schedule_may_cross_midnight() -> None:
    latency, evidence = judge(PLAIN, Counter({23: 400, 0: 500, 12: 100}), NONE, span_days=30)
    assert latency == "tolerant"
    assert "UTC" in evidence


def test_not_streaming_alone_proves_nothing() -> None:
    latency, evidence = judge(PLAIN, SPREAD, NONE)
    assert latency == "unknown"
    assert "100% of its calls do not stream" in evidence


def test_not_streaming_and_a_name_that_says_batch_are_enough() -> None:
    assert judge(PLAIN, SPREAD, NONE, names=("nightly-reports",))[0] == "tolerant"


def test_a_stream_is_read_by_somebody() -> None:
    assert judge(Shape(calls=100, stream_known=100, stream_calls=80), SPREAD, NONE)[0] == "interactive"


def test_a_stream_on_a_schedule_is_unknown_and_both_are_said() -> None:
    latency, evidence = judge(Shape(calls=1000, stream_known=1000, stream_calls=1000), NIGHTLY, NONE, span_days=30)
    assert latency == "unknown"
    assert "stream" in evidence
    assert "UTC" in evidence


def test_pauses_as_long_as_a_person_reads_are_a_conversation() -> None:
    assert judge(PLAIN, SPREAD, Arrivals(gaps=90, human_gaps=30))[0] == "interactive"
    assert judge(PLAIN, SPREAD, Arrivals(gaps=90, human_gaps=29))[0] == "unknown"


def test_calls_in_batches_already_are_tolerant() -> None:
    assert judge(PLAIN, SPREAD, Arrivals(calls=10, batch_calls=5))[0] == "tolerant"


def test_a_coding_agent_is_interactive_even_in_billing_rows() -> None:
    assert judge(Shape(), Counter(), NONE, is_coding_agent=True)[0] == "interactive"


def test_fewer_than_fifty_calls_have_no_pattern() -> None:
    assert judge(Shape(calls=49, stream_known=49), Counter({1: 49}), NONE, span_days=30)[0] == "unknown"


def test_billing_rows_alone_are_unknown_for_that_reason() -> None:
    assert judge(Shape(), Counter(), NONE) == ("unknown", "Only billing rows: no call seen.")


def test_deadlines_are_read_in_seconds() -> None:
    assert [deadline_seconds(text) for text in ("90s", "15m", " 4h ", "1d", "0h", "4", "h", "1.5h", "")] == [
        90, 900, 14_400, 86_400, None, None, None, None, None,
    ]  # fmt: skip
