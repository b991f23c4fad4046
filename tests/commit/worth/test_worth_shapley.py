"""Bundles and what each ask adds to them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worth_making import offer, worked

from baseload.commit.refusal import CommitError
from baseload.commit.worth.shapley import bundle, shapley
from baseload.commit.worth.suited import thinned
from baseload.commit.worth.values import clause_values


def test_three_players_by_hand() -> None:
    """The glove game: one left glove (0), two right ones (1, 2); a pair is worth 6. Known: 4, 1, 1."""
    assert shapley(3, lambda who: 6.0 if 0 in who and len(who) > 1 else 0.0) == pytest.approx([4.0, 1.0, 1.0])


@given(st.lists(st.integers(-100, 100), min_size=16, max_size=16))
@settings(max_examples=30)
def test_parts_sum_to_the_whole(worths: list[int]) -> None:
    def worth(who: frozenset[int]) -> float:
        return float(worths[sum(1 << player for player in who)])

    assert sum(shapley(4, worth)) == pytest.approx(worths[15] - worths[0])


def test_a_bundle_is_the_sum_of_its_parts_and_less_than_its_values_alone() -> None:
    found = bundle(offer(), worked(), ["overage_committed", "refund_50"])
    assert sum(found.parts_usd.values()) == pytest.approx(found.value_usd)
    assert found.value_usd < sum(found.alone_usd.values())
    assert found.value_usd >= max(found.alone_usd.values())


def test_one_ask_is_a_bundle_of_itself() -> None:
    found = bundle(offer(), worked(), ["refund_50"])
    (alone,) = clause_values(offer(), worked(), clauses=["refund_50"])
    assert found.parts_usd == {"refund_50": pytest.approx(found.value_usd)}
    assert found.value_usd == pytest.approx(alone.value_usd, rel=0.05)


def test_large_bundles_are_run_on_fewer_paths_and_still_sum() -> None:
    names = ["overage_committed", "roll_50", "step_down_20_keep", "carry_forward_50", "one_point"]
    found = bundle(offer(24), thinned(worked(24), 60), names)
    assert sum(found.parts_usd.values()) == pytest.approx(found.value_usd)
    assert thinned(worked(), 100).count == 100


def test_two_asks_of_one_clause_and_too_many_are_refused() -> None:
    with pytest.raises(CommitError, match="one ask of overage"):
        bundle(offer(), worked(), ["overage_committed", "overage_half_way"])
    with pytest.raises(CommitError, match="1 to 8"):
        bundle(offer(), worked(), [])
