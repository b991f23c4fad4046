"""Scores, other forecasters, the back-test on one's own past and what it does to the paths."""

from __future__ import annotations

import numpy as np
import pytest

from baseload.demand.calibration import (
    OWN,
    Calibration,
    calibrate,
    calibrated,
    candidate_logs,
    isotonic_map,
    look_back,
    tilt,
    widening,
)
from baseload.demand.candidates import rw_drift, seasonal, theta
from baseload.demand.events import Event
from baseload.demand.fit import PathSettings
from baseload.demand.history import History, history_of
from baseload.demand.months import parse_month
from baseload.demand.paths import sample_paths
from baseload.demand.scores import crps, held, pit

RNG = np.random.default_rng


def growing(months: int, noise: float = 0.08, seed: int = 0, workloads: int = 1) -> History:
    steps = RNG(seed).normal(0.02, noise, (workloads, months))
    names = tuple(f"w{place}" for place in range(workloads))
    return History(parse_month("2023-01"), names, 1_000 * np.exp(np.cumsum(steps, axis=1)))


def test_crps_of_a_two_point_sample_by_hand():
    # draws 0 and 2, figure 1: mean distance 1; half the mean distance among draws (0, 2, 2, 0)/4 / 2 = 0.5
    assert crps(np.array([0.0, 2.0]), 1.0) == pytest.approx(0.5)
    # a sample of one point is as far as it is off
    assert crps(np.array([3.0]), 1.0) == pytest.approx(2.0)


def test_pit_counts_ties_by_half_and_coverage_is_of_the_middle():
    assert pit(np.array([1.0, 2.0, 2.0, 3.0]), 2.0) == 0.5
    assert held(np.array([0.05, 0.1, 0.5, 0.9, 0.95])) == pytest.approx(0.6)


def test_random_walk_with_drift_follows_a_straight_line_exactly():
    logs = rw_drift(np.array([0.0, 1.0, 2.0]), 4, 3, RNG(0))
    assert logs.tolist() == [[3.0, 4.0, 5.0]] * 4


def test_theta_goes_on_with_half_the_slope():
    # a line of slope 1 without error at alpha 1: level 9 and, in the long run, half the slope per month
    logs = theta(np.arange(10.0), 2, 2, RNG(0))
    assert logs[0, 1] - logs[0, 0] == pytest.approx(0.5)


def test_seasonal_repeats_the_year_with_its_growth():
    year = np.array([0.0] * 11 + [5.0])
    logs = seasonal(np.concatenate([year, year + 1, year + 2]), 3, 12, RNG(0))
    np.testing.assert_allclose(logs, np.tile(year + 3, (3, 1)), atol=1e-12)


def test_the_back_test_looks_from_every_month_with_six_behind_and_a_year_ahead():
    found = calibrate(growing(24), paths=50)
    # ends after 6, 7, ... 12 months: the last one has exactly a year ahead
    assert [origin.month for origin in found.origins] == [f"2023-{month:02d}" for month in range(6, 13)]
    assert found.independent_years == pytest.approx(1.5)
    assert "1.5 independent years" in found.note


def test_a_look_back_knows_nothing_of_what_came():
    history = growing(24)
    changed = history._replace(usd=np.concatenate([history.usd[:, :12], history.usd[:, 12:] * 9], axis=1))
    before, after = (look_back(one, 12, PathSettings(), 12, 50, 0) for one in (history, changed))
    assert before is not None
    assert after is not None
    assert (before.p10_usd, before.p90_usd) == (after.p10_usd, after.p90_usd)
    assert after.actual_usd == pytest.approx(9 * before.actual_usd)


def test_too_short_a_past_calibrates_nothing_and_says_so():
    history = growing(17)
    found = calibrate(history, paths=50)
    assert found.origins == ()
    assert found.coverage80 is None
    assert found.bias is None
    assert "no 12 months of the past" in found.note
    paths = sample_paths(history, paths=50, months=12)
    assert calibrated(paths, history, found).usage.tobytes() == paths.usage.tobytes()


def test_under_eight_origins_one_factor_widens_from_eight_on_probabilities_are_mapped():
    few, enough = calibrate(growing(24), paths=50), calibrate(growing(25), paths=50)
    assert (len(few.origins), len(enough.origins)) == (7, 8)
    assert few.cdf == ((0.0, 1.0), (0.0, 1.0))
    assert enough.widen == 1.0
    assert len(enough.cdf[0]) == 101


def test_widening_is_the_shrunk_spread_of_past_surprises_and_never_narrows():
    # both ends of the 95 % interval in one year: squared scores 3.84; (1 * 3.84 + 64) / 65 = 1.0437, root 1.0216
    assert widening(np.array([0.025, 0.975]), 1.0) == pytest.approx(1.0216, abs=1e-4)
    assert widening(np.array([0.5, 0.5]), 1.0) == 1.0


def test_the_map_rises_from_0_to_1_and_leans_to_what_came():
    _, came = (np.array(part) for part in isotonic_map(np.array([0.8, 0.85, 0.9, 0.95]), 4.0))
    assert (came[0], came[-1]) == (0.0, 1.0)
    assert (np.diff(came) > 0).all()
    # figures came in high: less than half of them below the median drawn; 4 years against 64 of prior move it a little
    assert 0.45 < came[50] < 0.5


def test_a_past_above_all_forecasts_raises_the_paths_and_keeps_their_order():
    history = growing(30)
    paths = sample_paths(history, paths=400, months=24)
    high = Calibration(horizon_months=12, cdf=isotonic_map(np.linspace(0.9, 0.99, 12), 30.0))
    moved = calibrated(paths, history, high)
    before, after = (one.usage[:, :12].sum(axis=1) for one in (paths, moved))
    assert np.median(after) > 1.02 * np.median(before)
    assert (np.argsort(before) == np.argsort(after)).all()


def test_tilting_meets_its_target_and_leaves_the_present_alone():
    total = np.exp(RNG(1).normal(0, 0.3, (5, 18)))
    factors = tilt(total, 2.0 * total[:, :12].sum(axis=1), 12)
    np.testing.assert_allclose((total * factors)[:, :12].sum(axis=1), 2.0 * total[:, :12].sum(axis=1))
    assert (factors[:, 0] < factors[:, 11]).all()
    np.testing.assert_allclose(factors[:, 11:], factors[:, 11:12] * np.ones(7))


def test_others_get_their_share_of_the_paths_and_workloads_keep_theirs():
    history = growing(30, workloads=2)
    paths = sample_paths(history, paths=200, months=12)
    half = Calibration(horizon_months=12, weights={OWN: 0.5, "theta": 0.5})
    mixed = calibrated(paths, history, half)
    changed = (np.abs(mixed.usage / paths.usage - 1) > 1e-9).any(axis=1)
    assert changed.sum() == 100
    np.testing.assert_allclose(
        mixed.workloads[0] / mixed.workloads[1], paths.workloads[0] / paths.workloads[1], rtol=1e-9
    )
    drawn = np.exp(candidate_logs(history.total, 200, 12, paths.seed)["theta"])
    np.testing.assert_allclose(mixed.usage[changed], drawn[changed], rtol=1e-6)


def test_weights_move_with_evidence_and_slowly():
    calm = calibrate(growing(48, noise=0.02), paths=60)
    assert sum(calm.weights.values()) == pytest.approx(1.0)
    assert calm.weights[OWN] > 0.5


def test_calibrating_leaves_events_and_prices_alone():
    history = growing(30)
    launch = Event(name="e", kind="launch", month=history.next_month, low=5.0, likely=5.0, high=5.0)
    paths = sample_paths(history, paths=50, months=12, events=[launch])
    moved = calibrated(paths, history, calibrate(history, paths=50))
    assert moved.events.tobytes() == paths.events.tobytes()
    assert moved.price.tobytes() == paths.price.tobytes()


def test_the_back_test_is_the_same_twice():
    assert calibrate(growing(26), paths=50, seed=3) == calibrate(growing(26), paths=50, seed=3)


def test_months_without_data_are_no_origin():
    history = history_of(growing(24).usd[0], "2023-01")
    history.usd[0, 20] = np.nan
    ends = [origin.month for origin in calibrate(history, paths=50).origins]
    # month 21 is within a year of all ends but those up to the eighth month
    assert ends == ["2023-06", "2023-07", "2023-08"]
