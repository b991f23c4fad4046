"""The judged part: what is learnt on, what is judged, and what the document says."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from cache_traces import Asked, trace_of, unit_prices

from baseload.errors import NothingToRead, UsageError
from baseload.levers.cache.evaluate import Question, cache_document, gap_closed, judge, judged_part
from baseload.levers.cache.price import PolicyResult
from baseload.levers.cache.traces import select

SESSIONS = [Asked(100 - lane, "ab", lane=lane) for lane in range(5)]


@pytest.mark.parametrize(
    ("share", "judged"), [("0", [0, 1, 2, 3, 4]), ("0.5", [2, 3, 4]), ("0.75", [3, 4]), ("0.8", [4])]
)
def test_the_first_share_of_sessions_by_name_is_learnt_on(share: str, judged: list[int]) -> None:
    """Five sessions; half of them is two, rounded down. The times run the other way and do not matter."""
    trace = trace_of(*SESSIONS)
    assert trace.lane[judged_part(trace, Decimal(share))].tolist() == judged


def test_a_session_is_never_cut() -> None:
    """Two lanes (an agent and its sub-agent) of the first session, one of the second."""
    trace = trace_of(Asked(0, "a", lane=0, group=0), Asked(0, "a", lane=1, group=0), Asked(0, "a", lane=2, group=1))
    assert judged_part(trace, Decimal("0.5")).tolist() == [False, False, True]


def test_a_trace_without_sessions_is_cut_by_time() -> None:
    trace = trace_of(*(Asked(second, "a") for second in range(5)), timed=True)
    assert judged_part(trace, Decimal("0.5")).tolist() == [False, False, True, True, True]


def test_the_judged_part_starts_cold() -> None:
    """The third request would read what the second wrote; the second is not judged, so it is written."""
    trace = trace_of(Asked(0, "ab"), Asked(1, "ab"), Asked(2, "ab"), Asked(3, "ab"), timed=True)
    results = {result.name: result for result in judge(trace, unit_prices(trace), Decimal("0.5")).results}
    assert results["none"].femto_usd == 100 * 256
    assert (results["all_5m"].write_5m_tokens, results["all_5m"].read_tokens) == (128, 128)
    assert results["clairvoyant"].femto_usd == 128 * 135


def test_sessions_know_their_last_request_and_one_lane_of_many_callers_all() -> None:
    """The third request comes back to a branch that the second left: 64 tokens are shared by all, 128 by two."""
    asked = (Asked(0, "ab"), Asked(1, "ax"), Asked(2, "ab"))
    for timed, read in ((False, 64 + 64), (True, 64 + 128)):
        trace = trace_of(*asked, timed=timed)
        results = {result.name: result for result in judge(trace, unit_prices(trace), Decimal(0)).results}
        assert results["all_5m"].read_tokens == read


def test_the_careful_plan_is_the_plan_where_an_hour_s_mark_keeps_only_what_it_wrote() -> None:
    """One conversation that grows by two blocks and pauses for six minutes, twelve times over.

    An hour's mark that covers what was read before it bridges the pauses; one that does not leaves it all to be
    written again. Nothing else is different between the two.
    """
    trace = trace_of(
        *(Asked(400 * turn, "".join(chr(300 + block) for block in range(40 + 2 * turn))) for turn in range(12))
    )
    found = judge(trace, unit_prices(trace), Decimal(0)).results
    results = {result.name: result for result in found}
    assert results["plan"].name == "plan"
    assert results["plan"].femto_usd < results["plan_careful"].femto_usd


def test_every_policy_is_in_the_document() -> None:
    trace = trace_of(Asked(0, "ab", lane=0), Asked(0, "ab", lane=1), Asked(1, "abc", lane=1))
    question = Question(train_share=Decimal("0.5"), minimum=False, read_multiplier=None, copies=3, files=("x.parquet",))
    document = cache_document(trace, unit_prices(trace), question)
    assert [policy.name for policy in document.policies] == [
        "none",
        "all_5m",
        "all_1h",
        "plan",
        "plan_careful",
        "online",
        "clairvoyant",
        "clairvoyant_keep_alive",
    ]
    assert (document.requests, document.train_requests, document.sessions, document.lanes) == (2, 1, 1, 1)
    assert document.schema == "baseload.cache/1"
    assert document.policies[0].ratio == 1.0
    assert document.policies[0].usd == document.uncached_usd


@pytest.mark.parametrize("share", ["1", "-0.1", "1.5"])
def test_a_share_that_leaves_nothing_to_judge_is_refused(share: str) -> None:
    trace = trace_of(*SESSIONS)
    with pytest.raises(UsageError, match="train-share"):
        judge(trace, unit_prices(trace), Decimal(share))


def test_a_trace_without_requests_is_said_so() -> None:
    trace = trace_of()
    with pytest.raises(NothingToRead):
        judge(trace, unit_prices(trace), Decimal(0))


def result(name: str, femto_usd: int) -> PolicyResult:
    return PolicyResult(
        name=name,
        requests=1,
        femto_usd=femto_usd,
        uncached_tokens=1,
        read_tokens=0,
        write_5m_tokens=0,
        write_1h_tokens=0,
    )


def test_the_gap_is_from_the_best_rule_to_the_bound() -> None:
    """Rules 100, 80, 90; bound 60; plan 65: fifteen of twenty."""
    costs = {"none": 100, "all_5m": 80, "all_1h": 90, "plan": 65, "clairvoyant": 60}
    assert gap_closed(tuple(result(name, cost) for name, cost in costs.items())) == 0.75
    costs["clairvoyant"] = 80
    assert gap_closed(tuple(result(name, cost) for name, cost in costs.items())) is None


@pytest.mark.parametrize(("places", "blocks"), [([1, 2], "def"), ([0, 2], "abcf"), ([0, 1, 2], "abcdef"), ([], "")])
def test_selected_requests_keep_their_blocks(places: list[int], blocks: str) -> None:
    trace = trace_of(Asked(0, "abc"), Asked(1, "de", more=3), Asked(2, "f"))
    chosen = select(trace, np.isin([0, 1, 2], places))
    assert "".join(map(chr, chosen.blocks.tolist())) == blocks
    assert np.diff(chosen.offset).tolist() == [[3, 2, 1][place] for place in places]
    assert chosen.prompt_tokens.tolist() == [[192, 131, 64][place] for place in places]
