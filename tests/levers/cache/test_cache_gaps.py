"""Gaps between calls that could read one another's entries, and how often parts of a request repeat."""

from __future__ import annotations

import numpy as np
from cache_calls import DAY, MODEL, Sent, rows_of
from test_cache_report import Answers
from test_cache_report import stamped as program

from baseload.levers.cache.gaps import BOUNDS_US, Gaps, gaps_of
from baseload.levers.cache.prompts import TAIL, Slot, requests_of
from baseload.levers.cache.report import Study, _workload, workload_caches
from baseload.levers.cache.study import study_of
from baseload.prices.load import load_book
from baseload.usage.source_note import SAMPLED_WHOLE

SYSTEM = Slot("system", "system:0")


def counts(found: Gaps) -> dict[int | None, int]:
    """Bound in seconds -> calls, where there are any."""
    return {one.up_to_us and one.up_to_us // 1_000_000: one.calls for one in found.counts if one.calls}


def test_gaps_of_a_session_are_counted_from_start_to_start_up_to_their_bound() -> None:
    times = (0, 300, 301, 3_901, 100_000)  # gaps of 300, 1, 3,600 and 96,099 seconds
    (found,) = gaps_of(requests_of(rows_of(*(Sent(at, session="a") for at in times))), ())

    assert (found.since, found.first_calls) == ("session", 1)
    assert counts(found) == {300: 1, 10: 1, 3_600: 1, None: 1}
    assert len(found.counts) == len(BOUNDS_US) + 1


def test_sessions_and_models_are_kept_apart() -> None:
    calls = [Sent(0, session="a"), Sent(20, session="b"), Sent(40, session="a", model="claude-haiku-5-5")]
    (found,) = gaps_of(requests_of(rows_of(*calls)), ())

    assert (found.first_calls, counts(found)) == (3, {})


def test_calls_that_begin_with_the_same_prompt_are_told_by_their_prefix() -> None:
    """Two programs share no start: aa's calls are 100 s apart, bb has one call."""
    calls = [Sent(0, "aa:2000:s 01:9:u"), Sent(50, "bb:2000:s 02:9:u"), Sent(100, "aa:2000:s 03:9:u")]
    (found,) = gaps_of(requests_of(rows_of(*calls)), (SYSTEM, TAIL))

    assert (found.since, found.first_calls, counts(found)) == ("start", 2, {300: 1})


def test_a_gap_with_calls_left_out_is_spread_as_arrivals_at_random() -> None:
    """One call in 10 was kept, 600 s apart: calls come every 60 s on average. Within 10 s: 1 - exp(-10/60) = 15.4 %;
    within 60 s: 63.2 %; within 300 s: 99.3 %. Of the 1,000 calls the hundred gaps stand for: 154, 479, 361, 7."""
    calls = [Sent(600 * n, session="a", rate=10) for n in range(101)]
    (found,) = gaps_of(requests_of(rows_of(*calls)), ())

    assert found.estimated
    assert found.first_calls == 1  # the call before the first was left out, not missing
    assert counts(found) == {10: 154, 60: 479, 300: 361, 900: 7}
    assert found.counts[0].prompt_tokens == 460_555  # 3,000 tokens each of 153.518 calls


def test_sessions_kept_whole_have_the_gaps_they_had() -> None:
    calls = [Sent(at, session="a", rate=10, flags=SAMPLED_WHOLE) for at in (0, 30)]
    (found,) = gaps_of(requests_of(rows_of(*calls)), ())

    assert not found.estimated
    assert (found.first_calls, counts(found)) == (10, {60: 10})
    assert [one.prompt_tokens for one in found.counts if one.calls] == [30_000]  # ten calls of 3,000


def test_nothing_to_count_is_nothing() -> None:
    assert gaps_of(requests_of(rows_of(Sent(0))), (SYSTEM, TAIL)) == ()


def stamped() -> Study:
    calls = [
        Sent(60 * n, f"{n:04x}:40:s:#aaaaaat{n:06x} 5a:2000:s5 {n:05x}:460:u", (460, 0, 2040, 0)) for n in range(80)
    ]
    return study_of(rows_of(*calls), load_book(), DAY, model=MODEL)


def test_a_report_says_how_often_each_part_repeats_and_which_one_changes_too_early() -> None:
    found = _workload("w", "Work", rows_of(Sent(0)), stamped(), [])

    shares = {part.name: (part.repeat_share, part.volatile) for part in found.request.before}
    assert shares["system block 1"] == (1 / 40, True)  # forty judged calls, each with a stamp of its own, or so
    assert shares["system block 2"] == (1.0, False)
    (start,) = found.gaps
    assert (start.first_calls, counts(start)) == (1, {60: 39})  # a minute apart, once the stamp is moved


def test_the_caches_of_a_plan_are_studied_on_the_model_it_chose_and_for_its_workloads_alone() -> None:
    one, other = program("s"), program("t")
    rows = {name: np.asarray(np.ma.concatenate([one[name], other[name]])) for name in one}
    with Answers(rows) as engine:
        found = workload_caches(
            engine, {"s": "w-s", "t": "w-t"}.__getitem__, {"w-s": "claude-haiku-5-5"}, load_book(), DAY
        )

    assert list(found) == ["w-s"]
    assert (found["w-s"].model, found["w-s"].calls) == ("claude-haiku-5-5", len(one["start_us"]))
    assert found["w-s"].missed_usd == "0.9085"  # as billed, whatever model is planned
