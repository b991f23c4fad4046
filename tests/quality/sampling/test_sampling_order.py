"""Sessions, strata, blocks and weights: that any beginning of a sample stands for the whole."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.errors import UsageError
from baseload.quality.sampling.order import Chosen, apportioned, choose, permuted
from baseload.quality.sampling.population import Member, Stratum, fixed, length_of, member_of, population
from baseload.quality.sampling.sample import HEAVIEST, Sample, draw
from baseload.quality.sampling.split import time_split
from baseload.values import DAY_US, Call


def stratum(name: str) -> Stratum:
    return Stratum(length=name, kind="label", tools=False, stop_reason="end_turn")


def member(call: str, session: str = "", name: str = "1k", day: int = 0, weight: int = 1) -> Member:
    return Member(
        call_id=call, session=session or call, stratum=stratum(name), start_us=day * DAY_US, weight=weight,
        request_hash=f"h-{call}",
    )  # fmt: skip


def sessions(*sizes: int, name: str = "1k") -> list[Member]:
    return [member(f"{name}-{s:04d}-{c:04d}", f"{name}-{s}", name) for s, size in enumerate(sizes) for c in range(size)]


def drawn(members: list[Member], most: int, seed: str = "s", **options: object) -> Sample:
    found = fixed(members, query="q")
    return draw(found, most, seed=seed, key=b"k" * 32, redaction="raw", **options)  # type: ignore[arg-type]  # by name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(0, 5))
def test_every_beginning_is_within_one_of_every_share(counts: list[int], seed: int) -> None:
    wanted = {stratum(str(place)): count for place, count in enumerate(counts)}
    order = apportioned(wanted, random.Random(seed))
    assert Counter(order) == wanted
    seen: Counter[Stratum] = Counter()
    for place, name in enumerate(order, start=1):
        seen[name] += 1
        assert all(abs(seen[s] - count * place / len(order)) < 1 for s, count in wanted.items())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(1, 60))
def test_after_each_block_counts_are_within_one_and_inside_within_what_the_block_adds(
    counts: list[int], block: int
) -> None:
    chosen = [Chosen(member(f"{p}-{n}", name=str(p)), 1.0) for p, count in enumerate(counts) for n in range(count)]
    order = permuted(chosen, random.Random(1), block)
    assert Counter(order) == Counter(chosen)
    seen: Counter[str] = Counter()
    for place, item in enumerate(order, start=1):
        seen[item.member.stratum.length] += 1
        for p, count in enumerate(counts):
            away = abs(seen[str(p)] - count * place / len(order))
            # a block holds at most its share + 2 of a stratum
            assert away < (1 if place % block == 0 else 3 + block * count / len(order))


def test_one_call_of_each_session() -> None:
    sample = drawn(sessions(3, 1, 7, 2), 10)
    assert len(sample.order) == 4
    assert len({item.session for item in sample.order}) == 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 50), st.integers(0, 3))
def test_weights_add_up_to_the_sample(sizes: list[int], most: int, seed: int) -> None:
    chosen = choose(sessions(*sizes), most, random.Random(seed))
    assert len(chosen) == min(most, len(sizes))
    assert sum(item.weight for item in chosen) == pytest.approx(len(chosen))
    assert len({item.member.session for item in chosen}) == len(chosen)


def test_a_session_with_half_of_the_calls_is_surely_in_it_and_counts_for_half() -> None:
    # 10 calls in one session, ten sessions of one: at most 4 of them. 10 / 20 of 4 = weight 2; the others 2 / 3 each.
    for seed in range(20):
        chosen = choose(sessions(10, *[1] * 10), 4, random.Random(seed))
        weights = sorted(item.weight for item in chosen)
        assert weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])


def test_the_weighted_mean_is_that_of_all_calls() -> None:
    # sessions of 1 to 8 calls, each call worth its session's size: mean = sum of squares / sum = 204 / 36
    members = sessions(*range(1, 9))
    size = Counter(m.session for m in members)
    total = 0.0
    for seed in range(4_000):
        chosen = choose(members, 4, random.Random(seed))
        total += sum(item.weight * size[item.member.session] for item in chosen) / len(chosen)
    # one draw's standard deviation is below 2, so that of the mean below 0.032
    assert total / 4_000 == pytest.approx(204 / 36, abs=0.1)


def test_strata_get_their_share_of_calls_not_of_sessions() -> None:
    # 30 sessions of 1 call against 10 of 9: 90 of 120 calls are "long", so 3 of 4 in the sample
    members = sessions(*[1] * 30, name="short") + sessions(*[9] * 10, name="long")
    shares = [drawn(members, 8, seed=str(seed)).strata for seed in range(30)]
    assert {counts[stratum("long").text] for counts in shares} <= {5, 6, 7}
    assert sum(counts[stratum("long").text] for counts in shares) / 30 == pytest.approx(6, abs=0.4)


def test_the_same_seed_draws_the_same_and_the_order_given_does_not_matter() -> None:
    members = sessions(*range(1, 30)) + sessions(*[2] * 20, name="4k")
    first = drawn(members, 25)
    assert drawn(members[::-1], 25) == first
    assert drawn(members, 25, seed="t").order != first.order


def test_the_population_is_fixed_by_a_hash_of_what_is_in_it() -> None:
    members = sessions(1, 2)
    base = fixed(members, query="q").sha256
    assert fixed(members[::-1], query="q").sha256 == base
    assert fixed(members, query="r").sha256 != base
    assert fixed(members[:-1], query="q").sha256 != base
    with pytest.raises(UsageError, match="twice"):
        fixed([*members, members[0]], query="q")


def test_the_newest_days_are_held_back_by_whole_sessions() -> None:
    members = [member("a", "s1", day=1), member("b", "s1", day=9), member("c", "s2", day=7), member("d", "s3", day=8)]
    older, newest = time_split(members, 2)  # days 8 and 9
    assert ([m.call_id for m in older], [m.call_id for m in newest]) == (["c"], ["a", "b", "d"])
    assert time_split(members, 0) == (members, [])
    assert time_split([], 3) == ([], [])
    assert drawn(members, 9, held_back_days=2).held_back == ("a", "b", "d")
    with pytest.raises(UsageError):
        time_split(members, -1)


def test_weights_past_three_are_cut_and_said() -> None:
    # 91 of 100 calls in one session: weight 10 * 0.91 = 9.1 is cut to 3; lost 6.1 of 10
    sample = drawn(sessions(91, *[1] * 9), 10)
    assert sample.bound == HEAVIEST
    assert sample.capped_share == pytest.approx(0.61)
    assert drawn(sessions(1, 1), 2).capped_share == 0


def test_nothing_to_draw_from_is_an_empty_sample_and_bad_numbers_are_refused() -> None:
    empty = drawn([], 5)
    assert (empty.order, empty.sessions, empty.bound) == ((), 0, 1.0)
    with pytest.raises(UsageError):
        drawn(sessions(1), 0)


def test_what_cannot_be_replayed_is_counted_by_reason() -> None:
    def call(number: int, **changes: object) -> Call:
        return Call(**({"call_id": f"c{number}", "source": "messages", "start_us": 0, "body_ref": "a:0:1"} | changes))  # type: ignore[arg-type]  # by name

    found = population(
        [call(1), call(2, body_ref=""), call(3, body_ref=""), call(4, grain="day"), call(5, requests=0),
         call(6, http_status=529)],
        query="w-1", in_vault={"c3"},
    )  # fmt: skip
    assert [m.call_id for m in found.members] == ["c1", "c3"]
    assert found.left_out == {"no body recorded": 1, "a bucket, no call": 1, "not answered": 2}
    assert (found.calls, found.sessions) == (2, 2)
    assert member_of(call(1, session_id="s", uncached_input_tokens=4_000, tools_fp="t")).stratum == Stratum(
        length="4k", kind="", tools=True, stop_reason=""
    )
    assert [length_of(n) for n in (0, 1_000, 16_001, 64_000, 64_001)] == ["1k", "1k", "64k", "64k", "more"]
