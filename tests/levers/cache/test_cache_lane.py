"""The planner's picture of one lane against the exact rules, whatever is marked."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from baseload.levers.cache.lane import Lane
from baseload.levers.cache.rules import Cache, Mark, Prompt

SECOND = 1_000_000

steps = st.tuples(
    st.sampled_from([1, 200, 300, 301, 2_000]),  # seconds since the request before
    st.integers(1, 3),  # positions
    st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True),  # marks
    st.integers(0, 2),  # how many of them live for an hour
    st.sampled_from([0, 250]),  # seconds until the answer begins
)


@settings(max_examples=200)
@given(st.lists(steps, min_size=3, max_size=8), st.booleans())
@example([(1, 1, [0], 0, 0), (1, 2, [1], 1, 0), (2_000, 2, [1], 0, 0)], False)  # an hour on five minutes, then a pause
@example([(1, 1, [0], 0, 250), (1, 1, [0], 1, 0), (2_000, 1, [0], 0, 0)], True)  # written twice before it can be read
def test_entries_live_as_the_exact_rules_say(
    requests: list[tuple[int, int, list[int], int, int]], covers: bool
) -> None:
    lane, cache, now_us = Lane(), Cache(hour_covers=covers), 0
    answers: list[tuple[int, list[int]]] = []
    for after, size, marked, hours, begins in requests:
        now_us += after * SECOND
        ids, ends = list(range(size)), [10 * (k + 1) for k in range(size)]
        places = sorted(place for place in marked if place < size)
        marks = [Mark(place, "1h" if rank < hours else "5m") for rank, place in enumerate(places)]
        for begins_us, written in answers:
            lane.begun(written, begins_us)  # an entry is not read before it can be, however early that is known
        answers.clear()
        lane.note(ids, ends, lane.seen(ids), now_us)
        read_to = lane.serve(ids, marks, now_us, covers=covers)
        prompt = Prompt(scope=0, prefix_ids=ids, ends=ends, prompt_tokens=ends[-1])
        served = cache.serve(prompt, marks, now_us, now_us + begins * SECOND)
        assert served.read_tokens == (ends[read_to] if read_to >= 0 else 0)
        answers.append((now_us + begins * SECOND, [ids[mark.position] for mark in marks]))


def test_a_request_is_looked_up_from_its_end() -> None:
    """ "0" lives for an hour, "01" for five minutes; after ten minutes only the first can be read."""
    lane = Lane()
    lane.note([0, 1], [10, 20], -1, 0)
    lane.serve([0, 1], [Mark(0, "1h"), Mark(1, "5m")], 0, covers=True)
    lane.begun([0, 1], 0)
    assert lane.find([0, 1, 2], [10, 20, 30], 100 * SECOND) == (1, 1, 0)
    assert lane.find([0, 1, 2], [10, 20, 30], 600 * SECOND) == (1, 0, 0)
    assert lane.find([5], [10], 600 * SECOND) == (-1, -1, -1)


def test_what_has_not_begun_cannot_be_read() -> None:
    lane = Lane()
    lane.note([0], [10], -1, 0)
    lane.serve([0], [Mark(0, "5m")], 0, covers=True)
    assert lane.find([0], [10], 5 * SECOND).read == -1
    lane.begun([0], 2 * SECOND)
    assert lane.find([0], [10], 5 * SECOND).read == 0
