"""What a person should look at; and the refusal of quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from baseload.demand.history import history_of
from baseload.demand.months import month_text
from baseload.demand.oddities import oddities, without
from baseload.demand.ranges import refuse_quantiles

CALM = [100, 104, 103, 108, 110, 109, 114, 116, 119, 120, 125, 126]


def found(usd: list[float]) -> list[tuple[str, str]]:
    return [(one.kind, month_text(one.month)) for one in oddities(history_of(usd, "2026-01"))]


def changed(**months: float) -> list[float]:
    return [months.get(f"m{place}", usd) for place, usd in enumerate(CALM, start=1)]


def test_a_calm_history_has_none():
    assert found(CALM) == []


def test_one_high_month_is_a_spike_and_one_low_a_dip():
    assert found(changed(m6=400)) == [("spike", "2026-06")]
    assert found(changed(m6=20)) == [("dip", "2026-06")]


def test_a_high_month_after_a_low_one_was_recorded_late():
    assert found(changed(m6=15, m7=205)) == [("dip", "2026-06"), ("backfill", "2026-07")]


def test_a_step_that_stays_is_a_break():
    assert found([*CALM[:6], *(2 * usd for usd in CALM[6:])]) == [("break", "2026-07")]


def test_a_load_that_is_going_away_is_said():
    assert ("retiring", "2026-12") in found([100, 101, 99, 102, 100, 98, 85, 70, 58, 45, 36, 28])


def test_too_few_months_are_not_judged():
    assert found([100, 900, 100, 100, 100, 100]) == []


def test_an_oddity_says_what_is_usual_and_what_to_do():
    (one,) = oddities(history_of(changed(m6=400), "2026-01"))
    # the middle of 103, 108, 110, 114, 116, 119 in logs
    assert one.usual_usd == pytest.approx((110 * 114) ** 0.5)
    assert one.usd == 400
    assert one.advice


def test_nothing_is_removed_but_what_is_named_and_that_is_said():
    history = history_of(changed(m6=400), "2026-01")
    cleaned, problems = without(history, oddities(history))
    assert np.flatnonzero(np.isnan(cleaned.usd[0])).tolist() == [5]
    assert history.usd[0, 5] == 400
    assert [(one.code, one.value) for one in problems] == [("month-left-out", "all 2026-06")]
    assert "400" in problems[0].message
    assert without(history, ())[1] == []


def test_under_six_months_there_are_scenarios_and_a_reason_no_quantiles():
    refusal = refuse_quantiles(history_of([90.0, 100.0, 110.0], "2026-01"), months=24)
    assert refusal is not None
    assert "3 whole months of history; under 6" in refusal.reason
    assert [scenario.name for scenario in refusal.scenarios] == ["shrinks", "stays", "grows"]
    # from the mean, 100: x 0.95 and x 1.1 after a month
    assert [scenario.usd[0] for scenario in refusal.scenarios] == pytest.approx([95.0, 100.0, 110.0])
    low, high = refusal.total_range(12)
    assert low == pytest.approx(100 * 0.95 * (1 - 0.95**12) / 0.05)
    assert high == pytest.approx(100 * 1.1 * (1.1**12 - 1) / 0.1)


def test_six_known_months_are_enough_and_unknown_ones_do_not_count():
    assert refuse_quantiles(history_of([1.0] * 6, "2026-01"), 12) is None
    assert refuse_quantiles(history_of([1.0, np.nan, 1.0, 1.0, 1.0, 1.0], "2026-01"), 12) is not None
