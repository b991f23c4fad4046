"""Sample paths: what must hold whatever the numbers are."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.demand.events import Event, ramp, triangular
from baseload.demand.fit import DriftPrior, PathSettings, ShockPrior, fit
from baseload.demand.hazards import Hazard, Hazards
from baseload.demand.history import DemandError, History, check, history_of
from baseload.demand.months import parse_month
from baseload.demand.paths import block_dates, drift_months, sample_paths

CALM = PathSettings(shock=ShockPrior(months=0), turn_sd=0.0)


def wobbly(workloads: int = 3, months: int = 24, seed: int = 1) -> History:
    rng = np.random.default_rng(seed)
    logs = np.log(1_000.0) + np.cumsum(rng.normal(0.02, 0.1, (workloads, months)), axis=1)
    return History(parse_month("2025-01"), tuple(f"w{place}" for place in range(workloads)), np.exp(logs))


def event(kind: str = "launch", **changes: object) -> Event:
    size = {"low": 0.5, "likely": 0.5, "high": 0.5} if kind == "retire" else {"low": 50.0, "likely": 50.0, "high": 50.0}
    given_ = {"name": "e", "kind": kind, "month": parse_month("2027-03"), **size, **changes}
    return Event(**given_)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = (sample_paths(wobbly(), paths=50, seed=seed) for seed in (7, 7, 8))
    assert first.list_usd.tobytes() == again.list_usd.tobytes()
    assert first.list_usd.tobytes() != other.list_usd.tobytes()


@given(st.floats(min_value=0.01, max_value=1_000.0), st.integers(min_value=1, max_value=4))
@settings(max_examples=20, deadline=None)
def test_scaling_the_series_scales_every_path(factor: float, workloads: int):
    history = wobbly(workloads)
    small = sample_paths(history, paths=20, months=24).usage
    large = sample_paths(history._replace(usd=history.usd * factor), paths=20, months=24).usage
    np.testing.assert_allclose(large, small * factor, rtol=1e-9)


def test_a_prior_that_is_certain_is_followed_exactly():
    # no shocks, no doubt: 100 dollars growing by 10 % in logs per month; a year at that pace, then 0.9 of each before
    steady = np.exp(np.log(100.0) + 0.1 * np.arange(8))
    prior = PathSettings(drift=DriftPrior(mean=0.1, sd=1e-9), shock=ShockPrior(months=0), turn_sd=0.0, stays=1.0)
    usage = sample_paths(history_of(steady, "2026-01"), settings=prior, paths=3, months=14).usage
    expected = steady[-1] * np.exp([0.1, 0.2, *(0.1 * step for step in range(3, 13)), 1.2 + 0.09, 1.2 + 0.09 + 0.081])
    np.testing.assert_allclose(usage, np.tile(expected, (3, 1)), rtol=1e-6)


def test_drift_is_kept_a_year_and_then_fades():
    assert drift_months(12, PathSettings()).tolist() == pytest.approx(list(range(1, 13)))
    assert drift_months(14, PathSettings())[-2:].tolist() == pytest.approx([12.9, 13.71])


def test_drift_is_shrunk_towards_the_prior_and_less_so_with_more_months():
    # growth of 10 % a month with shocks, prior 2 %: the estimate lies between, with 36 months nearer to 10 than with 8
    rng = np.random.default_rng(3)
    steps = 0.1 + np.tile(rng.normal(0, 0.05, 4), 9)
    steps += 0.1 - steps.mean()
    long = history_of(np.exp(np.cumsum(steps)), "2023-01")
    short = history_of(np.exp(np.cumsum(steps[:8])), "2023-01")
    drifts = [float(fit(history, PathSettings()).drift[0]) for history in (short, long)]
    assert 0.02 < drifts[0] < drifts[1] < 0.1


def test_a_shock_that_passes_moves_the_level_less():
    usd = [100.0] * 12 + [200.0]
    stays = [float(fit(history_of(usd, "2025-01"), PathSettings(stays=share)).level[0]) for share in (1.0, 0.5)]
    assert np.exp(stays[0]) == pytest.approx(200.0)
    assert 130.0 < np.exp(stays[1]) < 150.0  # about the geometric middle, 141


def test_shocks_are_runs_of_consecutive_months_of_the_past():
    dates = block_dates(dates=10, paths=200, months=9, block=3, seed=0)
    runs = dates.reshape(200, 3, 3)
    assert ((runs[:, :, 1] == (runs[:, :, 0] + 1) % 10) & (runs[:, :, 2] == (runs[:, :, 0] + 2) % 10)).all()
    assert set(dates.ravel().tolist()) == set(range(10))


def test_the_doubt_about_growth_is_half_shared_where_shocks_say_nothing():
    # two flat workloads: no shock, drift certain but for 5 % a month of turning; a year makes 12 x 0.05 = 0.6 of it
    flat = History(parse_month("2025-01"), ("a", "b"), np.full((2, 24), 100.0))
    doubt = PathSettings(drift=DriftPrior(mean=0.0, sd=1e-9), shock=ShockPrior(months=0), turn_sd=0.05)
    last = np.log(sample_paths(flat, settings=doubt, paths=4_000, months=12).workloads[:, :, -1])
    assert last.std(axis=1) == pytest.approx([0.6, 0.6], abs=0.03)
    assert np.corrcoef(last)[0, 1] == pytest.approx(0.5, abs=0.05)


def test_shocks_have_mean_0_and_the_first_month_sees_one_of_them_whole():
    plain = PathSettings(drift=DriftPrior(mean=0.01, sd=1e-9), shock=ShockPrior(months=0), turn_sd=0.0, stays=0.5)
    fitted = fit(wobbly(1), plain)
    assert fitted.shocks.mean() == pytest.approx(0.0, abs=1e-12)
    seen = np.log(sample_paths(wobbly(1), settings=plain, paths=500, months=1).usage[:, 0])
    expected = fitted.level[0] + 0.01 + fitted.shocks[0]
    assert np.abs(seen[:, None] - expected).min(axis=1).max() < 1e-6


def test_workloads_that_move_together_widen_the_total():
    together, apart = wobbly(1).usd, wobbly(12)
    same = History(apart.first_month, apart.names, np.repeat(together, 12, axis=0))
    spreads = []
    for history in (same, apart):
        totals = sample_paths(history, settings=CALM, paths=1_000, months=12).usage.sum(axis=1)
        spreads.append(float(np.log(totals).std()))
    assert spreads[0] > 1.3 * spreads[1]


def test_one_more_workload_leaves_the_others_dates_alone():
    dates = [block_dates(24, 5, 12, 3, seed=4) for _ in range(2)]
    assert (dates[0] == dates[1]).all()


def test_a_launch_adds_exactly_its_dollars_from_its_month_on():
    history = wobbly()
    plain = sample_paths(history, paths=40, months=6)
    with_launch = sample_paths(history, paths=40, months=6, events=[event(ramp_months=2)])
    # the paths begin in 2027-01; half of 50 in March, all of it from April on
    added = [0.0, 0.0, 25.0, 50.0, 50.0, 50.0]
    np.testing.assert_allclose(with_launch.usage - plain.usage, np.tile(added, (40, 1)), atol=1e-9)
    assert with_launch.workloads.tobytes() == plain.workloads.tobytes()


def test_a_retirement_takes_its_share_of_its_workload_alone():
    history = wobbly()
    paths = sample_paths(history, paths=40, months=6, events=[event("retire", workload="w1")])
    taken = paths.workloads[1] * 0.5 * np.array([0, 0, 1, 1, 1, 1])
    np.testing.assert_allclose(paths.usage, paths.workloads.sum(axis=0) - taken)


def test_an_uncertain_event_happens_as_often_as_it_is_said_to():
    paths = sample_paths(wobbly(), paths=4_000, months=6, events=[event(probability=0.25)])
    assert (paths.events[0, :, -1] > 0).mean() == pytest.approx(0.25, abs=0.02)


def test_one_event_does_not_move_another():
    both = [event(probability=0.5), event(name="second", probability=0.5, high=80.0)]
    alone, beside = (sample_paths(wobbly(), paths=50, months=6, events=some) for some in (both[1:], both))
    assert alone.events[0].tobytes() == beside.events[1].tobytes()


def test_price_cuts_and_metering_stand_beside_the_volume():
    cuts = Hazards(price=Hazard(per_year=0.5, low=-0.3, likely=-0.3, high=-0.3))
    plain, cut = (sample_paths(wobbly(), paths=4_000, months=24, hazards=some) for some in (None, cuts))
    assert cut.usage.tobytes() == plain.usage.tobytes()
    np.testing.assert_allclose(cut.list_usd, cut.usage * cut.price)
    assert (cut.metering == 1).all()
    assert (plain.list_usd == plain.usage).all()
    # no cut in a year with probability e^-0.5 = 0.607; each cut leaves 0.7
    assert (cut.price[:, 11] == 1).mean() == pytest.approx(0.607, abs=0.025)
    assert set(np.round(np.unique(cut.price[:, :3]), 6)) <= {1.0, 0.7, 0.49, 0.343}


def test_a_quiet_short_history_is_no_proof_of_a_quiet_business():
    flat = history_of([100.0] * 7, "2026-01")
    totals = sample_paths(flat, paths=1_000, months=12).usage.sum(axis=1)
    spread = np.quantile(totals, 0.9) / np.quantile(totals, 0.1)
    assert spread > 1.4
    longer = sample_paths(history_of([100.0] * 36, "2023-01"), paths=1_000, months=12).usage.sum(axis=1)
    assert np.quantile(longer, 0.9) / np.quantile(longer, 0.1) < spread


def test_a_young_workload_and_gaps_are_carried_on():
    history = wobbly()
    history.usd[1, :21] = np.nan
    history.usd[2, 10] = np.nan
    usage = sample_paths(history, paths=50).workloads
    assert np.isfinite(usage).all()
    assert 0.3 < np.median(usage[1, :, 0]) / history.usd[1, -1] < 3.0


def test_skipped_months_are_months_of_the_same_paths():
    whole, late = (
        sample_paths(wobbly(), paths=20, months=15),
        sample_paths(wobbly(), paths=20, months=12, skip_months=3),
    )
    np.testing.assert_array_equal(whole.workloads[:, :, 3:], late.workloads)
    assert late.first_month == whole.first_month + 3


def test_triangular_draws_have_the_mean_of_their_triangle():
    drawn = triangular(np.random.default_rng(0), 1.0, 2.0, 6.0, 40_000)
    assert drawn.mean() == pytest.approx(3.0, abs=0.02)  # (1 + 2 + 6) / 3
    assert (drawn.min() >= 1.0) & (drawn.max() <= 6.0)


def test_a_ramp_reaches_everything_in_its_last_month():
    assert ramp(1, 5, 2).tolist() == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert ramp(-3, 2, 2).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sample_paths(history_of([1.0] * 5, "2026-01")), "fewer than 6 known months"),
        (lambda: sample_paths(wobbly(), seed=-1), "seed -1"),
        (lambda: sample_paths(wobbly(), paths=10_000_000), "over 100,000,000 cells"),
        (lambda: sample_paths(wobbly(), events=[event("retire", workload="x")]), "'x' is not in the history"),
        (lambda: event(low=60.0), "low, likely, high"),
        (lambda: event("retire", high=1.5), "within 0 to 1"),
        (lambda: event(probability=1.1), "probability 1.1"),
        (lambda: event(ramp_months=0), "ramp_months 0"),
        (lambda: Hazard(per_year=1.0, low=-1.0), "above -1"),
        (lambda: PathSettings(stays=0.0), "stays: 0.0; expected above 0"),
        (lambda: PathSettings(damping=1.5), "damping: 1.5"),
        (lambda: history_of([1.0, -1.0], "2026-01"), "-1 in 2026-02"),
        (lambda: history_of([1.0, 1e12], "2026-01"), "at most 1e.11"),
        (lambda: history_of([1.0], "2026"), "first_month: '2026'"),
        (lambda: check(History(0, ("a", "a"), np.ones((2, 3)))), "named twice"),
    ],
)
def test_what_means_nothing_is_refused_with_field_value_and_rule(make, said: str):
    with pytest.raises(DemandError, match=said):
        make()


def test_fifty_workloads_of_2000_paths_over_three_years_take_under_two_seconds():
    history = wobbly(50, 36)
    sample_paths(history, paths=10)
    begun = time.process_time()
    assert sample_paths(history, paths=2_000, months=36).list_usd.shape == (2_000, 36)
    assert time.process_time() - begun < 2.0
