"""Burn-rate rules on the free signals, by hand. Budget of refusals: 2 % measured + 1 = 3 %."""

from __future__ import annotations

import numpy as np
import pytest
from watch_terms import at_full, on, started, terms

from baseload.errors import UsageError
from baseload.quality.watch.burn import HOUR_US, MINUTE_US, Budget, Windows, tripped
from baseload.quality.watch.events import Answered
from baseload.quality.watch.machine import step
from baseload.quality.watch.route import Route, begin

BUDGETS = terms().budgets
T0 = 1000 * 24 * HOUR_US


def answers(*counts: tuple[float, int, int]) -> tuple[Windows, int]:
    """Windows of (minutes after T0, calls, refusals), and the last time."""
    windows, at = Windows(), T0
    for minutes, calls, bad in counts:
        at = T0 + int(minutes * MINUTE_US)
        windows = windows.counted(at, calls, {"refusal": bad})
    return windows, at


def rules(*counts: tuple[float, int, int], least_bad: int = 10) -> list[tuple[str, float]]:
    windows, at = answers(*counts)
    return [(trip.signal, trip.rule.multiple) for trip in tripped(windows, at, BUDGETS, least_bad)]


def test_a_fast_burn_needs_its_hour_and_its_last_five_minutes() -> None:
    # 14.4 x 3 % = 43.2 %: 44 of 100 in the hour
    assert rules((0, 50, 0), (58, 50, 44)) == [("refusal", 14.4), ("refusal", 6.0), ("refusal", 1.0)]
    assert rules((0, 50, 0), (58, 50, 43))[0] == ("refusal", 6.0)  # 43.0 %
    assert rules((0, 50, 44), (58, 50, 0)) == [("refusal", 1.0)]  # it is over: neither short window burns


def test_a_slow_burn_needs_its_six_hours_and_its_last_half_hour() -> None:
    # 6 x 3 % = 18 %: 36 of 200 in six hours, and 18 % of the last half hour
    assert rules((0, 100, 18), (300, 100, 18)) == [("refusal", 6.0), ("refusal", 1.0)]
    assert rules((0, 100, 19), (300, 100, 17)) == [("refusal", 1.0)]  # 17 % in the half hour
    assert rules((0, 101, 18), (300, 100, 18)) == [("refusal", 1.0)]  # 17.9 % in six hours


def test_the_budget_spent_over_three_days_asks_for_a_new_trial() -> None:
    # 1 x 3 %: 30 of 1000 within 72 hours
    assert rules((0, 500, 15), (71 * 60, 500, 15)) == [("refusal", 1.0)]
    assert rules((0, 500, 15), (71 * 60, 500, 14)) == []
    assert rules((0, 500, 15), (72 * 60, 500, 14)) == []  # the first 500 are out; 2.8 %


def test_few_bad_answers_trip_nothing() -> None:
    assert rules((0, 9, 9)) == []
    assert rules((0, 10, 10)) == [("refusal", 14.4), ("refusal", 6.0), ("refusal", 1.0)]
    assert rules((0, 3, 3), least_bad=3)[0] == ("refusal", 14.4)


def test_a_signal_without_a_budget_is_not_judged() -> None:
    windows = Windows().counted(T0, 100, {"retry": 100})
    assert tripped(windows, T0, BUDGETS) == ()


def test_a_large_budget_still_trips_before_everything_fails() -> None:
    # 14.4 x 10 % cannot be: half the way from 10 % to 100 % is 55 %; 6 x 10 % = 60 % is beyond that too
    budget = Budget(baseline=0.09, margin=0.01)
    assert budget.trips_at(14.4) == pytest.approx(0.55)
    assert budget.trips_at(6) == pytest.approx(0.55)
    assert budget.trips_at(1) == pytest.approx(0.10)
    assert Budget(baseline=0.02).trips_at(14.4) == pytest.approx(0.432)


def test_windows_forget_and_add_up() -> None:
    windows, at = answers((0, 10, 1), (0.5, 10, 2), (4, 10, 0), (59, 10, 3))
    assert windows.total(at, 5 * MINUTE_US) == (10, (3, 0, 0, 0, 0))
    assert windows.total(at, HOUR_US) == (40, (6, 0, 0, 0, 0))
    assert windows.total(at + MINUTE_US, HOUR_US) == (20, (3, 0, 0, 0, 0))
    assert windows.total(at + 71 * HOUR_US, 72 * HOUR_US) == (40, (6, 0, 0, 0, 0))
    assert windows.total(at + 80 * HOUR_US, 72 * HOUR_US) == (0, (0,) * 5)


def test_a_state_keeps_three_days_and_no_more() -> None:
    windows, _ = answers(*((minute, 1, 0) for minute in range(0, 5 * 24 * 60, 1)))
    assert [len(ring) for ring in windows.rings] == [60, 72, 72]


def test_a_burning_route_rolls_back_and_says_the_figures() -> None:
    route = at_full()
    route, actions = step(route, Answered(at_us=route.at_us + 3 * HOUR_US, calls=100, bad={"refusal": 50}))
    assert route.rolled_back is not None
    assert route.rolled_back.reason == "signal"
    assert route.rolled_back.says == ("refusal: 50 of 100 answers in 1 h; the budget is 3.0%, the rule 14.4 times that")
    assert [action.kind for action in actions] == ["roll_back"]


def test_a_spent_budget_asks_once_holds_the_ramp_and_closes() -> None:
    route, actions = step(started(), Answered(at_us=HOUR_US, calls=400, bad={"refusal": 12}))
    assert [action.kind for action in actions] == ["retest", "shadow"]
    assert route.alarms == ("budget of refusal",)
    route, actions = step(route, Answered(at_us=2 * HOUR_US, calls=100, bad={"refusal": 3}))
    assert (route.alarms, actions) == (("budget of refusal",), ())
    route, actions = step(route, Answered(at_us=3 * HOUR_US, calls=500))
    assert (route.alarms, [action.kind for action in actions]) == ((), ["shadow"])


@pytest.mark.parametrize(("baseline", "margin"), [(-0.1, 0.1), (0.1, 0.0), (0.95, 0.1), (float("nan"), 0.1)])
def test_budgets_that_cannot_be_are_refused(baseline: float, margin: float) -> None:
    with pytest.raises(UsageError, match=r"budget: baseline"):
        Budget(baseline=baseline, margin=margin)


def days_of(rate: float, calls_an_hour: float, days: int, seed: int) -> Route:
    """A route whose candidate refuses at this rate, told every five minutes."""
    rng, route = np.random.default_rng(seed), begin(terms(), T0)
    for tick in range(days * 24 * 12):
        calls = int(rng.poisson(calls_an_hour / 12))
        route = on(route, Answered(at_us=T0 + tick * 5 * MINUTE_US, calls=calls,
                                   bad={"refusal": int(rng.binomial(calls, rate))}))  # fmt: skip
        if route.rolled_back:
            break
    return route


def test_a_candidate_within_budget_is_left_alone_and_an_outage_is_not() -> None:
    assert days_of(0.02, 200, days=10, seed=1).rolled_back is None
    outage = days_of(0.5, 200, days=1, seed=2)
    assert outage.rolled_back is not None
    assert outage.at_us - T0 <= HOUR_US // 2
