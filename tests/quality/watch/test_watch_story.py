"""Whole routes, drawn: how far a candidate climbs, by how much worse it is. Simulated with the default ladder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from watch_terms import on, started

from baseload.quality.watch.burn import HOUR_US
from baseload.quality.watch.events import Answered, Graded
from baseload.quality.watch.route import Route
from baseload.quality.watch.shadow import drawn


def story(mean: float, seed: int, pairs: int = 2_000) -> tuple[Route, float, int]:
    """The route at its roll-back or after so many pairs, the largest share it served, and the pairs to 100 %.

    A hundred pairs and a thousand answers a day; 5 % of the pairs differ, or as many as the mean needs.
    """
    route, highest, full = started(), 0.0, 0
    for number, d in enumerate(drawn(np.random.default_rng(seed), pairs, mean, 0.05), start=1):
        at = number * 24 * HOUR_US // 100
        route = on(route, Graded(at_us=at, d=float(d)), Answered(at_us=at, calls=10))
        highest = max(highest, route.share)
        full = full or number * (route.share == 1)
        if route.rolled_back:
            break
    return route, highest, full


def test_an_equal_candidate_reaches_all_sessions_and_stays() -> None:
    for seed in range(3):
        route, highest, _ = story(0.0, seed, pairs=800)
        assert (highest, route.rolled_back) == (1.0, None)


def test_a_bad_candidate_never_reaches_all_sessions() -> None:
    for seed in range(20):
        route, highest, _ = story(-0.2, seed)
        assert route.rolled_back is not None
        assert highest <= 0.05


@pytest.mark.prove
@pytest.mark.parametrize("mean", [0.0, -0.04, -0.06, -0.10, -0.20], ids=lambda mean: f"mean {mean * 100:g} pt")
def test_how_far_a_candidate_climbs(mean: float, record_property: Callable[[str, object], None]) -> None:
    found = [story(mean, seed) for seed in range(200)]
    back = [route for route, _, _ in found if route.rolled_back]
    record_property("rolled back within 2,000 pairs", f"{len(back) / len(found):.1%}")
    record_property("ever served 50 %", f"{sum(share >= 0.5 for _, share, _ in found) / len(found):.1%}")
    record_property("ever served 100 %", f"{sum(share >= 1 for _, share, _ in found) / len(found):.1%}")
    reached = [full for _, _, full in found if full]
    record_property("median pairs to 100 %", f"{np.median(reached):.0f}" if reached else "never")
    assert len(back) == 0 if mean == 0 else len(back) > 0
    if mean <= -0.10:
        assert len(back) == len(found)
