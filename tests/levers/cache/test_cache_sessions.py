"""Sessions of the ledger as a trace, and the plan that decides request by request."""

from __future__ import annotations

import pytest
from cache_calls import DAY, NOON_US, Sent, rows_of

from baseload.levers.cache.judge import Judge
from baseload.levers.cache.prompts import TAIL, requests_of
from baseload.levers.cache.sessions import MOST_CALLS, per_request, trace_of
from baseload.levers.cache.study import study_of
from baseload.levers.cache.trace import EndsWith, Stop
from baseload.levers.cache.workload import cache_outcomes
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book

FABLE = "claude-fable-5-2"  # reads at 0.025 of plain input


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def talks(gaps: tuple[float, ...], sessions: int = 60, rate: int = 1) -> list[Sent]:
    """Sessions of one prompt that grows by 4,000 tokens a turn; the first turn has 20,000."""
    calls = []
    for session in range(sessions):
        second, text, total = session * 20_000.0, f"{session + 16:03x}:20000:u", 20_000
        for turn, gap in enumerate((0.0, *gaps)):
            if turn:
                text += f" {session:03x}{turn:x}1:2000:a {session:03x}{turn:x}2:2000:u"
                total += 4000
            second += gap
            calls.append(
                Sent(second, text, (total, 0, 0, 0), f"s{session}", rate=rate, flags="sampled_whole" * (rate > 1))
            )
    return calls


def test_a_session_is_a_lane_of_its_own_with_its_positions_as_blocks() -> None:
    calls = [
        Sent(5, "5a:100:s 01:10:u 02:20:a 03:30:r", (161, 0, 0, 0), "b"),
        Sent(9, "", (4, 500, 60, 0), "a"),
        Sent(1, "5a:100:s 01:10:u", (110, 0, 0, 0), "b"),
    ]
    trace = trace_of(requests_of(rows_of(*calls)), "m", ratio=2.0)
    rows = [
        (int(trace.start_us[i]) - NOON_US, trace.sizes[trace.offset[i] : trace.offset[i + 1]].tolist())  # type: ignore[index]  # sizes are there
        for i in range(3)
    ]
    assert rows == [(1_000_000, [200, 20]), (5_000_000, [200, 20, 40, 60]), (9_000_000, [1000, 120])]
    assert trace.lane.tolist() == [0, 0, 1]
    assert trace.prompt_tokens.tolist() == [220, 322, 1128]
    assert trace.blocks[:2].tolist() == trace.blocks[2:4].tolist()
    assert trace.ends_with.tolist() == [EndsWith.HUMAN, EndsWith.TOOL_RESULT, EndsWith.UNKNOWN]
    assert trace.stop.tolist() == [Stop.END_TURN] * 3


def test_without_a_body_a_request_ends_with_what_its_session_stopped_for() -> None:
    rows = rows_of(*(Sent(second, "", (4, 0, 900, 0), "a") for second in range(3)))
    rows["stop_reason"][:] = ["tool_use", "end_turn", "max_tokens"]
    trace = trace_of(requests_of(rows), "m")
    assert trace.ends_with.tolist() == [EndsWith.UNKNOWN, EndsWith.TOOL_RESULT, EndsWith.HUMAN]
    assert trace.stop.tolist() == [Stop.TOOL_USE, Stop.END_TURN, Stop.OTHER]


def test_it_is_tried_only_where_every_call_of_every_session_is_known(book: PriceBook) -> None:
    def tried(calls: list[Sent]) -> bool:
        judge = Judge(requests_of(rows_of(*calls)), (TAIL,), (), book)
        return per_request(judge, judge) is not None

    assert tried(talks((60.0,), sessions=2))
    assert not tried(talks((60.0,), sessions=2, rate=10))
    assert not tried([*talks((60.0,), sessions=2), Sent(0, "5a:9:u", (9, 0, 0, 0))])
    many = [Sent(float(n), "5a:9:u", (9, 0, 0, 0), "s") for n in range(MOST_CALLS // 2 + 1)]
    assert not tried(many)


def test_where_reads_are_cheap_silences_over_the_lifetime_are_bridged(book: PriceBook) -> None:
    rows = rows_of(*talks((30.0, 420.0, 420.0, 420.0)))
    found, _ = cache_outcomes(rows, [book.models[FABLE]], book, DAY)
    plan = next(one for one in found if one.policy == "plan")
    assert plan.note.startswith("decided request by request by the gateway; the marks alone cost ")
    assert plan.uncached_share + plan.read_share + plan.write_5m_share + plan.write_1h_share == pytest.approx(1)
    assert plan.marks
    study = study_of(rows, book, DAY, model=FABLE)
    assert study.policies["per_request"].cost < study.policies["plan"].cost
    assert plan.keep_alive_share == pytest.approx(
        study.policies["per_request"].keep_alive / study.judged.prompt_tokens.sum()
    )


def test_where_marks_do_as_well_nothing_is_decided_by_request(book: PriceBook) -> None:
    rows = rows_of(*talks((20.0, 20.0, 20.0, 20.0)))
    study = study_of(rows, book, DAY)
    none = study.policies["none"].cost
    assert study.policies["plan"].cost < 0.5 * none
    if "per_request" in study.policies:
        assert study.policies["per_request"].cost < study.policies["plan"].cost
