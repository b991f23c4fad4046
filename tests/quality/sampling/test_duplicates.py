"""Repeats: merged by hash and by near-equality, with the weight of the whole group."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.errors import UsageError
from baseload.quality.sampling.duplicates import deduplicated, near_duplicates, signature, similarity
from baseload.quality.sampling.population import Member, Stratum

KEY = b"k" * 32
WORDS = [f"w{number}" for number in range(400)]


def member(call: str, request_hash: str = "", day: int = 0, length: str = "1k") -> Member:
    return Member(
        call_id=call, session=call, stratum=Stratum(length, "", False, ""), start_us=day, request_hash=request_hash
    )


def test_equal_requests_merge_into_the_oldest_with_all_their_weight() -> None:
    found = deduplicated([member("b", "h", 2), member("a", "h", 3), member("c", "h", 1), member("d", "g")], key=KEY)
    assert {m.call_id: m.weight for m in found.members} == {"c": 3, "d": 1}
    assert found.groups == {"c": ("a", "b", "c")}


def test_calls_without_a_hash_are_not_equal_to_each_other() -> None:
    assert len(deduplicated([member("a"), member("b")], key=KEY).members) == 2


def test_nearly_equal_texts_merge_and_others_do_not() -> None:
    text = " ".join(WORDS[:300])
    near = " ".join([*WORDS[:150], "changed", *WORDS[151:300]])  # 3 of 298 triples differ: 295 / 301 = 0.98
    far = " ".join(WORDS[100:400])  # 198 of 398 triples in common: 0.5
    texts = {"a": text, "b": near, "c": far}
    assert near_duplicates(texts, key=KEY) == [("a", "b")]
    found = deduplicated([member(name, name) for name in texts], texts, key=KEY)
    assert {m.call_id: m.weight for m in found.members} == {"a": 2, "c": 1}


def test_near_repeats_of_other_strata_stay_apart() -> None:
    texts = {"a": "one two three four", "b": "one two three four"}
    assert len(deduplicated([member("a"), member("b", length="4k")], texts, key=KEY).members) == 2
    assert len(deduplicated([member("a"), member("b")], texts, key=KEY).members) == 1


def test_the_estimate_is_near_the_true_similarity() -> None:
    # n shared words of 300: triples in common s = shared - 2, Jaccard s / (2 * 298 - s); 0.045 is one standard error
    for shared in (30, 150, 270):
        a, b = WORDS[:300], [*WORDS[:shared], *(f"x{n}" for n in range(300 - shared))]
        exact = (shared - 2) / (2 * 298 - (shared - 2))
        estimate = similarity(signature(" ".join(a), KEY), signature(" ".join(b), KEY))
        assert estimate == pytest.approx(exact, abs=4 * 0.045)


def test_another_key_gives_other_hashes() -> None:
    assert not np.array_equal(signature("one two three", KEY), signature("one two three", b"x" * 32))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=3), st.text(max_size=40), max_size=12))
def test_no_call_is_lost_and_weights_add_up(texts: dict[str, str]) -> None:
    members = [member(name) for name in texts]
    found = deduplicated(members, texts, key=KEY)
    assert sum(m.weight for m in found.members) == len(members)
    left = {m.call_id for m in found.members}
    assert left | {call for group in found.groups.values() for call in group} == set(texts)
    again = deduplicated([msgspec.structs.replace(m) for m in members[::-1]], texts, key=KEY)
    assert again == found


def test_a_similarity_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        deduplicated([], key=KEY, similar=0)
