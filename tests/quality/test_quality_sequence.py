from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from baseload.quality.portfolio import e_bh, e_holm
from baseload.quality.sequence import Sequence


def test_before_any_value_every_mean_is_possible_and_it_never_widens() -> None:
    found = Sequence()
    assert found.interval == (-1.0, 1.0)
    widths = []
    for value in np.random.default_rng(1).uniform(-1, 1, 300):
        found.see(float(value))
        low, high = found.interval
        widths.append(high - low)
    assert all(later <= before for before, later in pairwise(widths))
    assert widths[-1] < 0.5


def test_it_holds_at_every_call_at_once_in_at_least_95_percent_of_walks() -> None:
    rng, missed, walks = np.random.default_rng(2), 0, 150
    for _ in range(walks):
        found, outside = Sequence(), False
        for value in rng.choice([-1.0, 0.0, 1.0], p=[0.07, 0.88, 0.05], size=400):
            found.see(float(value))
            low, high = found.interval
            outside |= not low <= -0.02 <= high
        missed += outside
    assert missed / walks <= 0.05 + 3 * (0.05 * 0.95 / walks) ** 0.5


def test_extreme_values_do_not_break_it() -> None:
    found = Sequence()
    for _ in range(200):
        found.see(1.0)
    low, high = found.interval
    assert high == 1.0
    assert low > 0.9


def test_e_bh_passes_the_k_largest_for_the_largest_k_that_reaches_its_bound() -> None:
    # K = 4, rate .10: needs 40, 20, 13.3, 10 for k = 1 to 4
    assert e_bh({"a": 25, "b": 21, "c": 5, "d": 1}) == {"a", "b"}  # 25 < 40 alone, but two reach 20
    assert e_bh({"a": 41, "b": 19, "c": 13, "d": 9}) == {"a"}
    assert e_bh({"a": 12, "b": 12, "c": 12, "d": 12}) == {"a", "b", "c", "d"}
    assert e_bh({}) == frozenset()


def test_e_holm_stops_at_the_first_that_does_not_reach_what_is_left_over_alpha() -> None:
    # K = 3, alpha .05: 60, then 40, then 20
    assert e_holm({"a": 60, "b": 40, "c": 20}) == {"a", "b", "c"}
    assert e_holm({"a": 100, "b": 39, "c": 38}) == {"a"}  # 39 does not reach 40, and 38 is not asked
    assert e_holm({"a": 59, "b": 40, "c": 40}) == frozenset()


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_nothing_passes_without_evidence(rate: float) -> None:
    assert e_bh(dict.fromkeys("abcdef", 1.0), rate) == frozenset()
