"""The cache of a trace by hand: what marks at request tails write, what a later request reads, and for how long."""

from __future__ import annotations

import pytest
from cache_traces import BLOCK, Asked, trace_of
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.blocks import BlockCache
from baseload.levers.cache.paths import Memory, Paths, fold
from baseload.levers.cache.rules import Cache, IllegalMarks, Mark, Served
from baseload.levers.cache.trace import Trace
from baseload.levers.options import Ttl

SECOND = 1_000_000


class Hands:
    """A trace, its cache, and marks said in blocks: `((2, "1h"),)` is an hour's mark after the second block."""

    def __init__(self, *asked: Asked, memory: Memory = "all", hour_covers: bool = True) -> None:
        self.trace: Trace = trace_of(*asked)
        self.paths: Paths = fold(self.trace, memory)
        self.cache = BlockCache(self.paths, hour_covers=hour_covers)

    def serve(
        self, request: int, *marks: tuple[int, Ttl], begins_us: int | None = None, minimum_tokens: int = 0
    ) -> Served:
        start_us = int(self.trace.start_us[request])
        ends = list(self.paths.prompt(request).ends)
        placed = [Mark(ends.index(blocks * BLOCK), ttl) for blocks, ttl in marks]
        begins_us = start_us if begins_us is None else begins_us
        return self.cache.serve(request, ends, placed, start_us, begins_us, minimum_tokens)


def blocks(read: int, write_5m: int, write_1h: int, uncached: int) -> Served:
    """A bill in whole blocks."""
    return Served(read * BLOCK, write_5m * BLOCK, write_1h * BLOCK, uncached * BLOCK)


def test_a_request_without_marks_is_plain_input_and_keeps_nothing_alive() -> None:
    """The third request comes 301 s after the only marked one: the unmarked one between did not refresh it."""
    hands = Hands(Asked(0, "ab"), Asked(200, "ab"), Asked(301, "ab"))
    assert hands.serve(0, (2, "5m")) == blocks(0, 2, 0, 0)
    assert hands.serve(1) == blocks(0, 0, 0, 2)
    assert hands.serve(2, (2, "5m")) == blocks(0, 2, 0, 0)


def test_only_what_is_up_to_a_mark_is_written() -> None:
    """The second request ends after four blocks and marks the second: c and d, and half a block, are plain."""
    hands = Hands(Asked(0, "ab"), Asked(400, "abcd", more=32), Asked(401, "abcd"))
    hands.serve(0, (2, "5m"))
    assert hands.serve(1, (2, "5m")) == Served(0, 128, 0, 128 + 32)
    assert hands.serve(2, (4, "5m")) == blocks(2, 2, 0, 0)


def test_a_request_that_parts_reads_up_to_there() -> None:
    """No request ends after "ab", yet a real prompt would have a part's end there."""
    hands = Hands(Asked(0, "abcd"), Asked(1, "abxy"))
    hands.serve(0, (4, "5m"))
    assert hands.serve(1, (4, "5m")) == blocks(2, 2, 0, 0)


def test_a_read_never_goes_past_the_last_mark() -> None:
    hands = Hands(Asked(0, "a"), Asked(1, "abc"), Asked(2, "abc"))
    hands.serve(0, (1, "5m"))
    hands.serve(1, (3, "5m"))
    assert hands.serve(2, (1, "5m")) == blocks(1, 0, 0, 2)


def test_each_stretch_lives_as_long_as_it_was_written_for() -> None:
    """One block for an hour, two for five minutes behind it; after 400 s the first is still there."""
    hands = Hands(Asked(0, "a"), Asked(4000, "abc"), Asked(4400, "abc"))
    hands.serve(0, (1, "5m"))
    assert hands.serve(1, (1, "1h"), (3, "5m")) == blocks(0, 2, 1, 0)
    assert hands.serve(2, (3, "5m")) == blocks(1, 2, 0, 0)


def test_nothing_is_read_behind_a_stretch_that_is_gone() -> None:
    """Careful reading: "b" was written for an hour behind "a", which died after five minutes and took it along."""
    hands = Hands(Asked(0, "a"), Asked(1, "ab"), Asked(400, "ab"), hour_covers=False)
    hands.serve(0, (1, "5m"))
    assert hands.serve(1, (2, "1h")) == blocks(1, 0, 1, 0)
    assert hands.serve(2, (2, "5m")) == blocks(0, 2, 0, 0)


def test_an_hour_s_mark_covers_what_was_read_before_it() -> None:
    """The same three requests as the published billing reads: an entry at the hour's mark lives an hour, to 3,601 s."""
    hands = Hands(Asked(0, "a"), Asked(1, "ab"), Asked(400, "ab"))
    hands.serve(0, (1, "5m"))
    hands.serve(1, (2, "1h"))
    assert hands.serve(2, (2, "5m")) == blocks(2, 0, 0, 0)


@pytest.mark.parametrize("hour_covers", [False, True])
def test_five_minutes_behind_an_hour_shorten_nothing(hour_covers: bool) -> None:
    hands = Hands(Asked(0, "a"), Asked(1, "ab"), Asked(3601, "ab"), hour_covers=hour_covers)
    hands.serve(0, (1, "1h"))
    hands.serve(1, (2, "5m"))
    assert hands.serve(2, (2, "5m")) == blocks(1, 1, 0, 0)


@pytest.mark.parametrize(("ttl", "seconds"), [("5m", 300), ("1h", 3600)])
def test_the_lifetime_counts_from_the_start_to_its_last_second(ttl: Ttl, seconds: int) -> None:
    """The answer begins after 60 s and does not move the end."""
    for second, read in ((seconds, 1), (seconds + 1, 0)):
        hands = Hands(Asked(0, "a"), Asked(second, "a"))
        hands.serve(0, (1, ttl), begins_us=60 * SECOND)
        assert hands.serve(1, (1, ttl)).read_tokens == read * BLOCK


def test_a_read_starts_the_lifetime_again() -> None:
    hands = Hands(Asked(0, "a"), Asked(299, "a"), Asked(598, "a"), Asked(899, "a"))
    assert [hands.serve(request, (1, "5m")).read_tokens for request in range(4)] == [0, 64, 64, 0]


def test_nothing_is_readable_before_its_writer_s_answer_begins() -> None:
    """Begun after five seconds: a request at four writes too, one at five reads."""
    hands = Hands(Asked(0, "a"), Asked(4, "a"), Asked(5, "a"))
    assert hands.serve(0, (1, "5m"), begins_us=5 * SECOND) == blocks(0, 1, 0, 0)
    assert hands.serve(1, (1, "5m"), begins_us=5 * SECOND) == blocks(0, 1, 0, 0)
    assert hands.serve(2, (1, "5m")) == blocks(1, 0, 0, 0)


def test_of_two_parallel_writers_the_earlier_answer_and_the_longer_life_count() -> None:
    """An hour's write, answered from 5 s on, and one of five minutes at four seconds, answered from 9 s on."""
    hands = Hands(Asked(0, "a"), Asked(4, "a"), Asked(6, "a"), Asked(400, "a"))
    hands.serve(0, (1, "1h"), begins_us=5 * SECOND)
    assert hands.serve(1, (1, "5m"), begins_us=9 * SECOND) == blocks(0, 1, 0, 0)
    assert hands.serve(2, (1, "5m")) == blocks(1, 0, 0, 0)
    assert hands.serve(3, (1, "5m")) == blocks(1, 0, 0, 0)


@pytest.mark.parametrize(("between", "read"), [(18, 1), (19, 0)])
def test_a_mark_looks_back_over_twenty_tails_itself_the_first(between: int, read: int) -> None:
    """So many unmarked requests, each a block longer, lie between the entry and the mark."""
    asked = [Asked(second, "abcdefghijklmnopqrstuv"[: second + 1]) for second in range(between + 2)]
    hands = Hands(*asked)
    hands.serve(0, (1, "5m"))
    for request in range(1, between + 1):
        hands.serve(request)
    assert hands.serve(between + 1, (between + 2, "5m")) == blocks(read, between + 2 - read, 0, 0)


def test_tails_of_later_requests_do_not_count_for_the_look_back() -> None:
    """The second request ends after thirty blocks; that the ones after it stop inside them is not known yet."""
    letters = "abcdefghijklmnopqrstuvwxyzABCD"
    hands = Hands(Asked(0, "a"), Asked(1, letters), *(Asked(2 + more, letters[: 2 + more]) for more in range(28)))
    hands.serve(0, (1, "5m"))
    assert hands.serve(1, (30, "5m")).read_tokens == BLOCK


def test_a_prefix_under_the_minimum_is_left_to_the_next_mark() -> None:
    hands = Hands(Asked(0, "a"), Asked(1, "abc"))
    assert hands.serve(0, (1, "5m"), minimum_tokens=65) == blocks(0, 0, 0, 1)
    assert hands.serve(1, (1, "1h"), (3, "5m"), minimum_tokens=65) == blocks(0, 3, 0, 0)


def test_a_lane_that_knows_its_last_request_forgets_the_other_branch() -> None:
    """Two conversations take turns in one lane: only what both share is found again."""
    asked = (Asked(0, "abc"), Asked(1, "axy"), Asked(2, "abc"))
    for memory, read in (("last", [0, 1, 1]), ("all", [0, 1, 3])):
        hands = Hands(*asked, memory="last" if memory == "last" else "all")
        assert [hands.serve(request, (3, "5m")).read_tokens // BLOCK for request in range(3)] == read


def test_a_keep_alive_read_starts_the_lifetime_again() -> None:
    hands = Hands(Asked(0, "ab"), Asked(590, "ab"))
    hands.serve(0, (2, "5m"))
    assert hands.cache.touch(0, 128, 295 * SECOND)
    assert hands.serve(1, (2, "5m")) == blocks(2, 0, 0, 0)


def test_a_keep_alive_read_of_what_is_gone_revives_nothing() -> None:
    hands = Hands(Asked(0, "ab"), Asked(302, "ab"))
    hands.serve(0, (2, "5m"))
    assert not hands.cache.touch(0, 128, 301 * SECOND)
    assert hands.serve(1, (2, "5m")) == blocks(0, 2, 0, 0)


def test_a_keep_alive_read_keeps_no_more_than_it_reads() -> None:
    """The first block is touched, the second is not: it dies at 301 s."""
    hands = Hands(Asked(0, "a"), Asked(1, "ab"), Asked(400, "ab"))
    hands.serve(0, (1, "5m"))
    hands.serve(1, (2, "5m"))
    assert hands.cache.touch(1, 64, 295 * SECOND)
    assert hands.serve(2, (2, "5m")) == blocks(1, 1, 0, 0)


def test_every_stretch_that_is_read_lives_on_where_the_exact_rules_keep_the_found_entry_only() -> None:
    """An hour's "a" is read at 100 s as part of "ab": alive to 3,700 s by blocks, to 3,601 by entries."""
    asked = (Asked(0, "a"), Asked(1, "ab"), Asked(100, "ab"), Asked(3650, "ab"))
    marks: tuple[tuple[tuple[int, Ttl], ...], ...] = (((1, "1h"),), ((2, "5m"),), ((2, "5m"),), ((2, "5m"),))
    hands, exact = Hands(*asked), Cache()
    read = [
        (hands.serve(row, *marked).read_tokens, exact_read(hands, exact, row, *marked))
        for row, marked in enumerate(marks)
    ]
    assert read == [(0, 0), (64, 64), (128, 128), (64, 0)]


def exact_read(hands: Hands, exact: Cache, request: int, *marks: tuple[int, Ttl]) -> int:
    """What the exact rules let this request read, with the same marks."""
    prompt, start_us = hands.paths.prompt(request), int(hands.trace.start_us[request])
    placed = [Mark(list(prompt.ends).index(blocks * BLOCK), ttl) for blocks, ttl in marks]
    return exact.serve(prompt, placed, start_us, start_us).read_tokens


def test_marks_the_api_refuses_are_refused() -> None:
    hands = Hands(Asked(0, "a"), Asked(1, "ab"))
    with pytest.raises(IllegalMarks, match="1h mark"):
        hands.serve(1, (1, "5m"), (2, "1h"))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 4, 100, 299, 300, 301, 700, 3600, 3601]),  # seconds since the one before
            st.integers(0, 3),  # blocks it adds
            st.sampled_from([0, 0, 5]),  # seconds until its answer begins
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from(["5m", "1h"]),
    st.sampled_from([0, 65, 130]),
    st.booleans(),
    st.sampled_from(["last", "all"]),
)
def test_where_every_request_extends_the_one_before_the_bill_is_that_of_the_exact_rules(
    steps: list[tuple[int, int, int]], ttl: Ttl, minimum: int, hour_covers: bool, memory: Memory
) -> None:
    """One lifetime, every end marked: entries and stretches then stand and fall together."""
    asked, second, length = [], 0, 1
    for gap, more, _ in steps:
        second, length = second + gap, length + more
        asked.append(Asked(second, "".join(chr(300 + block) for block in range(length)), more=7))
    hands, exact = Hands(*asked, memory=memory, hour_covers=hour_covers), Cache(hour_covers=hour_covers)
    for request, (_, _, wait) in enumerate(steps):
        prompt, start_us = hands.paths.prompt(request), int(hands.trace.start_us[request])
        marks = [Mark(len(prompt.ends) - 1, ttl)]
        begins_us = start_us + wait * SECOND
        expected = exact.serve(prompt, marks, start_us, begins_us, minimum)
        assert hands.cache.serve(request, prompt.ends, marks, start_us, begins_us, minimum) == expected
