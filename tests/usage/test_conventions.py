"""Does the input field contain cached tokens? Decided from the numbers, by row and by batch, flagged when open."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.usage.conventions import FLAG, Contains, Counts, Draft, proven, settle, uncached_of
from baseload.values import Call


def draft(
    input_: int, read: int, write: int = 0, *, key: str = "k", output: int = 10, total: int | None = None
) -> Draft:
    call = Call(call_id=f"{input_}/{read}/{write}/{key}", source="s", start_us=0, uncached_input_tokens=input_)
    return Draft(call=call, counts=Counts(input_, read, write, output, total), key=key)


def settled(drafts: list[Draft], documented: Contains = "all") -> list[tuple[int, str]]:
    """(uncached, flags) in the order given."""
    found = {r.call_id: r for r in settle(drafts, documented) if isinstance(r, Call)}
    return [(found[d.call.call_id].uncached_input_tokens, found[d.call.call_id].flags) for d in drafts]


# one row


@pytest.mark.parametrize(
    ("counts", "contains"),
    [
        (Counts(100, 0, 0), "none"),  # nothing cached: nothing to subtract
        (Counts(3, 14_874, 1_331), "none"),  # cached tokens exceed the input
        (Counts(130_213, 128_955, 1_253, text=5), "all"),  # 5 + 128955 + 1253
        (Counts(5, 128_955, 1_253, text=5), "none"),
        (Counts(128_960, 128_955, 1_253, text=5), "reads"),  # 5 + 128955
        (Counts(404, 401, 1_789, output=20, total=2_213), "reads"),  # 2213 - 20 - 404 = 1789 written
        (Counts(5_000, 401, 1_789, output=20, total=7_210), "none"),  # 7210 - 20 - 5000 = 2190 = 401 + 1789
        (Counts(11_220, 6_000, 0, output=420, total=11_640), None),  # the total is only input + output
        (Counts(11_220, 6_000, 0), None),
    ],
)
def test_what_one_row_proves(counts: Counts, contains: Contains | None) -> None:
    assert proven(counts) == contains


# a batch


def test_one_row_with_more_cached_than_input_makes_every_row_of_its_key_excluding() -> None:
    assert settled([draft(5_000, 4_000), draft(3, 4_000), draft(900, 100)]) == [(5_000, ""), (3, ""), (900, "")]


def test_large_reads_that_never_exceed_the_input_mean_it_includes_them() -> None:
    assert settled([draft(5_000, 4_000), draft(9_000, 1_000)]) == [(1_000, ""), (8_000, "")]


def test_small_reads_alone_follow_the_documented_convention_and_are_flagged() -> None:
    assert settled([draft(9_000, 1_000)], "all") == [(8_000, FLAG)]
    assert settled([draft(9_000, 1_000)], "none") == [(9_000, FLAG)]


def test_a_source_documented_as_excluding_needs_ten_rows_against_it() -> None:
    rows = [draft(5_000 + n, 4_000) for n in range(10)]
    assert settled(rows[:9], "none") == [(5_000 + n, FLAG) for n in range(9)]
    assert settled(rows, "none") == [(1_000 + n, "") for n in range(10)]


def test_keys_do_not_speak_for_each_other() -> None:
    rows = [draft(3, 4_000, key="raw"), draft(5_000, 4_000, key="summed"), draft(5_000, 4_000, key="raw")]
    assert settled(rows) == [(3, ""), (1_000, ""), (5_000, "")]


def test_rows_without_cached_tokens_are_never_flagged() -> None:
    assert settled([draft(100, 0)], "all") == [(100, "")]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5)), min_size=1, max_size=12
    ),
    contains=st.sampled_from(["all", "reads", "none"]),
)
def test_rows_that_state_their_uncached_part_always_get_it_back(
    rows: list[tuple[int, int, int]], contains: Contains
) -> None:
    for uncached, read, write in rows:
        included = {"all": read + write, "reads": read, "none": 0}[contains]
        counts = Counts(uncached + included, read, write, text=uncached)
        found = proven(counts)
        assert found is not None
        assert uncached_of(counts, found) == uncached
