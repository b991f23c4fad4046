"""The alert's arithmetic, by hand; its rates are in test_track_alarm_proof."""

from __future__ import annotations

import numpy as np

from baseload.commit.track.monitor import PRIOR_LIKENESS, PRIOR_SD, Noise, bar_for, noise_of, sums, watch

CALM = Noise(0.1, 0.5, 52)


def test_sums_add_what_exceeds_the_allowance_and_never_fall_below_zero() -> None:
    up, down = sums(np.array([[1.75, 1.75, -0.25, -3.0]]))

    # up: 1.75 - 0.75 = 1; +1 = 2; -0.25 - 0.75 = -1 -> 1; -3.75 -> 0. down: 0, 0, 0.25 - 0.75 -> 0, 3 - 0.75 = 2.25
    assert up.tolist() == [[1.0, 2.0, 1.0, 0.0]]
    assert down.tolist() == [[0.0, 0.0, 0.0, 2.25]]


def test_usage_on_its_plan_never_alarms() -> None:
    found = watch(np.full(52, 700.0), np.full(52, 700.0), CALM)

    assert (found.state, found.first_alarm, found.since, found.ratio) == ("quiet", None, None, None)


def test_a_halving_alarms_and_says_since_when_and_how_far() -> None:
    usage = np.array([700.0] * 17 + [350.0] * 20)
    found = watch(usage, np.full(37, 700.0), CALM)

    # log 0.5 = -0.69 is cut at three noises: each week adds 3 - 0.75 = 2.25
    weeks = int(np.floor(found.bar / 2.25))
    assert (found.state, found.since, found.ratio) == ("alarm", 17, 0.5)
    assert found.first_alarm == 17 + weeks


def test_one_wild_week_alarms_nobody() -> None:
    usage = np.full(52, 700.0)
    usage[20] = 70_000.0

    assert watch(usage, np.full(52, 700.0), CALM).state == "quiet"


def test_a_week_without_usage_is_far_below_its_plan_and_finite() -> None:
    found = watch(np.array([700.0, 0.0]), np.full(2, 700.0), CALM)

    assert np.isfinite(found.height)
    assert found.since == 1


def test_weeks_that_are_like_their_neighbours_need_a_higher_bar() -> None:
    assert bar_for(0.2) < bar_for(0.5) < bar_for(0.8)


def test_a_short_history_leaves_the_assumed_noise() -> None:
    assert noise_of(np.full(12, 100.0)) == Noise(PRIOR_SD, PRIOR_LIKENESS, 0)


def test_a_calm_history_lowers_the_noise_and_never_to_nothing() -> None:
    found = noise_of(np.exp(np.linspace(0.0, 1.0, 52)))

    # 52 weeks without noise beside 52 assumed ones: sd = 0.2 x sqrt(1/2)
    assert abs(found.sd - 0.2 * np.sqrt(0.5)) < 1e-6
    assert found.weeks == 52
