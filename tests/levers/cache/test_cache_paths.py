"""Requests become short paths of segments, and nothing is lost by it."""

from __future__ import annotations

from cache_traces import Asked, asked_rows, trace_of
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.paths import fold, memory_of
from baseload.levers.cache.trace import Trace


def as_stretches(trace: Trace, request: int) -> list[int]:
    """A request's path as tokens of its segments."""
    paths = fold(trace, "all")
    return paths.tokens[paths.path(request)].tolist()


def test_a_conversation_is_one_segment_a_turn() -> None:
    trace = trace_of(Asked(0, "abc"), Asked(1, "abcde"), Asked(2, "abcdefg"))
    assert as_stretches(trace, 0) == [192]
    assert as_stretches(trace, 1) == [192, 128]
    assert as_stretches(trace, 2) == [192, 128, 128]


def test_a_segment_ends_where_two_requests_part() -> None:
    """They part after "ab", where no request ends: the segment "ab" is there, but it is no position."""
    trace = trace_of(Asked(0, "abcd"), Asked(1, "abxy"))
    assert as_stretches(trace, 0) == [128, 128]
    assert as_stretches(trace, 1) == [128, 128]
    assert list(fold(trace, "all").prompt(1).ends) == [256]


def test_a_parting_is_a_position_from_the_request_that_parts() -> None:
    """The second request parts from the first after "ab"; the first could not know, the third does."""
    trace = trace_of(Asked(0, "abcd"), Asked(1, "abxy"), Asked(2, "abc"))
    paths = fold(trace, "all")
    assert [list(paths.prompt(request, partings=True).ends) for request in range(3)] == [[256], [128, 256], [128, 192]]
    assert [list(paths.prompt(request).ends) for request in range(3)] == [[256], [256], [192]]


def test_positions_are_the_ends_of_requests_known_by_then() -> None:
    """The third request ends inside the path of the second, which was sent before it and cannot know."""
    trace = trace_of(Asked(0, "a"), Asked(1, "abcd"), Asked(2, "ab"), Asked(3, "abcde", more=7))
    paths = fold(trace, "all")
    assert list(paths.prompt(1).ends) == [64, 256]
    assert list(paths.prompt(2).ends) == [64, 128]
    assert list(paths.prompt(3).ends) == [64, 128, 256, 320]
    assert paths.prompt(3).prompt_tokens == 327
    assert list(paths.prompt(3).prefix_ids)[2] == list(paths.prompt(1).prefix_ids)[1]


def test_equal_blocks_in_another_place_are_another_prefix() -> None:
    trace = trace_of(Asked(0, "ab"), Asked(1, "bb"))
    paths = fold(trace, "all")
    assert not set(paths.prompt(0).prefix_ids) & set(paths.prompt(1).prefix_ids)


def test_lanes_and_models_share_nothing() -> None:
    trace = trace_of(Asked(0, "ab"), Asked(1, "ab", model=1), Asked(2, "ab", lane=1))
    prompts = [fold(trace, "all").prompt(request) for request in range(3)]
    assert len({prompt.scope for prompt in prompts}) == 3
    assert len({tuple(prompt.prefix_ids) for prompt in prompts}) == 3


def test_a_request_without_a_whole_block_has_no_position() -> None:
    trace = trace_of(Asked(0, "", more=40), Asked(1, "a"))
    paths = fold(trace, "all")
    assert list(paths.prompt(0).prefix_ids) == []
    assert paths.prompt(0).prompt_tokens == 40
    assert paths.cached_length().tolist() == [0, 64]


def test_an_empty_trace_has_no_paths() -> None:
    paths = fold(trace_of())
    assert len(paths.steps) == 0
    assert paths.cached_length().tolist() == []


def test_blocks_may_differ_in_size() -> None:
    import msgspec
    import numpy as np

    trace = trace_of(Asked(0, "ab"), Asked(1, "abc"))
    sized = msgspec.structs.replace(trace, sizes=np.array([10, 200, 10, 200, 3], dtype=np.int64))
    paths = fold(sized, "all")
    assert list(paths.prompt(1).ends) == [210, 213]


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(asked_rows(lanes=2, models=2), max_size=12))
def test_two_requests_share_segments_exactly_as_far_as_their_blocks_agree(rows: list[Asked]) -> None:
    trace = trace_of(*rows)
    paths = fold(trace, "all")
    texts = ["".join(map(chr, trace.blocks[trace.offset[i] : trace.offset[i + 1]].tolist())) for i in range(len(trace))]
    for i in range(len(trace)):
        assert int(paths.tokens[paths.path(i)].sum()) == 64 * len(texts[i])
        for j in range(i):
            same = trace.lane[i] == trace.lane[j] and trace.model[i] == trace.model[j]
            agree = 0
            while same and agree < min(len(texts[i]), len(texts[j])) and texts[i][agree] == texts[j][agree]:
                agree += 1
            both = set(paths.path(i).tolist()) & set(paths.path(j).tolist())
            assert sum(int(paths.tokens[segment]) for segment in both) == 64 * agree


def as_last(trace: Trace, request: int) -> list[int]:
    """The same where a lane knows its last request only."""
    paths = fold(trace, "last")
    return paths.tokens[paths.path(request)].tolist()


def test_a_lane_that_knows_its_last_request_forgets_other_branches() -> None:
    """The third request is the first again: of it only "a" was in the one between."""
    trace = trace_of(Asked(0, "abc"), Asked(1, "axy"), Asked(2, "abc"))
    assert [as_last(trace, request) for request in range(3)] == [[64, 128]] * 3
    first, second, third = (set(fold(trace, "last").path(request).tolist()) for request in range(3))
    assert len(first & second) == len(second & third) == len(first & third) == 1


def test_a_lane_that_knows_its_last_request_keeps_what_that_one_had() -> None:
    trace = trace_of(Asked(0, "abc"), Asked(1, "abcde"), Asked(2, "abcdx"))
    assert as_last(trace, 2) == [192, 64, 64]


def test_a_change_of_model_starts_a_lane_again() -> None:
    trace = trace_of(Asked(0, "ab"), Asked(1, "ab", model=1), Asked(2, "ab", model=1))
    first, second, third = (fold(trace, "last").path(request).tolist() for request in range(3))
    assert not set(first) & set(second)
    assert second == third


def test_sessions_know_their_last_request_and_one_lane_of_many_callers_all() -> None:
    assert memory_of(trace_of(Asked(0, "a"))) == "last"
    assert memory_of(trace_of(Asked(0, "a", group=-1))) == "all"
