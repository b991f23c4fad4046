"""Tango's test and the plan: figures of quality.md 3.1, 3.4 and 3.8."""

from __future__ import annotations

import math

import pytest

from baseload.quality.tango import null_variance, planned_calls, smallest_margin, tango_p, tango_z


@pytest.mark.parametrize(
    ("discordance", "points", "calls"),
    [
        (0.02, 1, 1901), (0.02, 2, 563), (0.02, 5, 134), (0.05, 1, 4366), (0.05, 2, 1146),
        (0.05, 3, 542), (0.05, 5, 222), (0.10, 1, 8602), (0.10, 2, 2178), (0.10, 3, 987), (0.10, 5, 374),
    ],
)  # fmt: skip
def test_the_plan_is_the_published_one(discordance: float, points: int, calls: int) -> None:
    assert math.ceil(planned_calls(discordance, points / 100)) == calls


def test_without_discordance_the_clean_floor_is_planned() -> None:
    # ln 20 / -ln 0.98 = 148.3: so many clean calls bound the losses by two points at 95 %
    assert planned_calls(0.0, 0.02) == pytest.approx(148.28, abs=0.01)


def test_a_hundred_clean_pairs_certify_five_points_and_not_one() -> None:
    # variance under the null without a win or a loss: d (1 - d)... p = (|B| - B) / 4 with B = -2 d, so p = d and
    # V = 2 d - d (1 + d) = d - d^2. z = n d / sqrt(n (d - d^2)) = sqrt(n d / (1 - d)).
    assert null_variance(0, 0, 0.05) == pytest.approx(0.05 - 0.0025)
    assert tango_z(0, 0, 100, 0.05) == pytest.approx(math.sqrt(100 * 0.05 / 0.95))
    assert tango_p(0, 0, 100, 0.05) < 0.05 < tango_p(0, 0, 100, 0.01)


def test_no_call_has_no_score() -> None:
    with pytest.raises(ValueError, match="at least one"):
        tango_z(0, 0, 0, 0.02)


@pytest.mark.parametrize("calls", [100, 1000, 10000])
@pytest.mark.parametrize("discordance", [0.0, 0.01, 0.1])
def test_the_smallest_margin_is_the_inverse_of_the_plan(calls: int, discordance: float) -> None:
    margin = smallest_margin(discordance, calls)
    assert planned_calls(discordance, margin) == pytest.approx(calls, rel=1e-6)


def test_one_call_certifies_nothing() -> None:
    assert smallest_margin(0.5, 1) > 0.9
