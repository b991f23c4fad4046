"""One in N, at random within the day."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.demo.sampling import Sampler


@settings(max_examples=60)
@given(st.integers(1, 50), st.lists(st.integers(0, 200), max_size=12), st.integers(0, 5))
def test_kept_units_times_n_are_all_units_to_within_n(rate: int, days: list[int], seed: int) -> None:
    sampler = Sampler(rate, np.random.default_rng(seed))
    kept = [sampler.draw(units) for units in days]
    for places, units in zip(kept, days, strict=True):
        assert len(np.unique(places)) == len(places)
        assert not len(places) or 0 <= places.min() <= places.max() < units
    assert abs(sum(map(len, kept)) * rate - sum(days)) < rate


def test_every_place_of_a_day_has_the_same_chance() -> None:
    rng = np.random.default_rng(3)
    hits = np.zeros(8)
    for _ in range(4000):
        hits[Sampler(4, rng).draw(8)] += 1
    # 4000 draws of 2 in 8: 1,000 a place, with a standard deviation of about 27
    assert bool((np.abs(hits - 1000) < 120).all())


def test_gaps_are_those_of_a_thinned_stream_not_a_comb() -> None:
    places = Sampler(100, np.random.default_rng(5)).draw(100_000)
    gaps = np.diff(places)
    # geometric gaps of mean 100: a share 1 - 0.99^20 = 18 % is at most 20; a comb would have none
    assert 0.14 < (gaps <= 20).mean() < 0.22


def test_a_rate_of_zero_keeps_nothing_and_of_one_everything() -> None:
    rng = np.random.default_rng(1)
    assert Sampler(0, rng).draw(9).tolist() == []
    assert Sampler(1, rng).draw(4).tolist() == [0, 1, 2, 3]
