"""Realised savings: worked by hand, and right as often as the interval says."""

from __future__ import annotations

import numpy as np
import pytest

from baseload.gateway.savings import LEAST_SESSIONS, SessionCost, realised


def sessions(period: str, candidate: list[float], reference: list[float]) -> list[SessionCost]:
    rows = [SessionCost(period, "candidate", usd) for usd in candidate]
    return rows + [SessionCost(period, "reference", usd) for usd in reference]


def test_two_periods_add_up_by_hand() -> None:
    """First period: 10 x (3 - 1) = 20. Second: 20 x (4 - 3) = 20. Of 10 x 3 + 20 x 4 = 110 it is 40/110."""
    rows = sessions("5 %", [1.0] * 10, [3.0] * 12) + sessions("25 %", [3.0] * 20, [4.0] * 10)
    found = realised(rows)
    assert found.saved_usd == pytest.approx(40)
    assert (found.low_usd, found.high_usd) == (found.saved_usd, found.saved_usd)  # no session differs from another
    assert found.share == pytest.approx(40 / 110)
    assert (found.sessions, found.reference, found.left_out) == (30, 22, 0)
    assert found.candidate_per_session_usd == pytest.approx(70 / 30)
    assert found.reference_per_session_usd == pytest.approx(110 / 30)


def test_shares_that_change_do_not_mix_cheap_days_with_dear_ones() -> None:
    """Cheap days at a small share, dear ones at a large: nothing is saved, and a plain mean would call it a loss."""
    rows = sessions("5 %", [1.0] * 10, [1.0] * 190) + sessions("50 %", [9.0] * 100, [9.0] * 100)
    assert realised(rows).saved_usd == pytest.approx(0)


def test_a_route_that_costs_more_is_a_negative_saving() -> None:
    assert realised(sessions("all", [2.0] * 10, [1.5] * 10)).saved_usd == pytest.approx(-5)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "no session was served"),
        (sessions("all", [1.0] * 50, []), "no session was held back"),
        (sessions("all", [1.0] * 50, [1.0] * (LEAST_SESSIONS - 1)), "in no period"),
    ],
)
def test_without_a_reference_nothing_is_identified(rows: list[SessionCost], says: str) -> None:
    found = realised(rows)
    assert not found.identified
    assert (found.low_usd, found.high_usd, found.share) == (None, None, None)
    assert says in found.reason


def test_a_period_without_reference_is_left_out_and_counted() -> None:
    found = realised(sessions("a", [1.0] * 10, [2.0] * 10) + sessions("b", [1.0] * 7, []))
    assert (found.saved_usd, found.left_out) == (pytest.approx(10), 7)


def test_dollars_per_completed_task_count_both_sides() -> None:
    rows = [SessionCost("a", "candidate", 1.0, 2)] * 10 + [SessionCost("a", "reference", 3.0, 1)] * 10
    found = realised(rows)
    assert (found.candidate_per_completed_usd, found.reference_per_completed_usd) == (0.5, 3.0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Long-tailed costs, 60 sessions served and 40 held back, true saving 60 x (2 - 1.2) x e^0.5."""
    chance = np.random.default_rng(5)
    inside = 0
    for run in range(200):
        ours = 1.2 * chance.lognormal(size=60)
        theirs = 2.0 * chance.lognormal(size=40)
        found = realised(sessions("a", ours.tolist(), theirs.tolist()), seed=run)
        assert found.low_usd is not None
        assert found.high_usd is not None
        inside += found.low_usd <= 60 * 0.8 * float(np.exp(0.5)) <= found.high_usd
    assert inside >= 180  # 95 % of 200 less three standard errors, and the tail's own toll
