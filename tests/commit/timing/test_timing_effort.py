"""What the work costs, against what it saves: worked out by hand on one path."""

from __future__ import annotations

import numpy as np
import pytest
from timing_making import both, offer

from baseload.commit.refusal import CommitError
from baseload.commit.timing.effort import Effort, effort_table, plan_effort

TODAY, ROUTED = [100.0] * 12, [60.0] * 12
WORK = Effort(
    person_weeks=2, rate_usd_per_week=50, trials_usd=10, judges_usd=6, shadow_usd=4, gateway_usd_per_month=5, months=1
)


def test_signature_engineering_and_both_by_hand() -> None:
    """1,200 as it is. Signed: 0.8 x 1,200 = 960 on the first day. Engineered: 720, work 120, gateway 60. Both: 576.

    Cash saved so far, signed: 100 - 960 = -860, +100 a month, above 0 with month 10. Engineered: 40 - 5 - 120 = -85,
    +35 a month: month 4. Both: 100 - 5 - 120 - 576 = -601, +95 a month: month 8.
    """
    signature, engineering, together = effort_table(offer(), both(TODAY, ROUTED), WORK)
    assert [one.way for one in (signature, engineering, together)] == ["signature", "engineering", "both"]
    assert (signature.saves_usd, signature.effort_usd, signature.npv_usd) == pytest.approx((240, 0, 240))
    assert (engineering.saves_usd, engineering.effort_usd, engineering.npv_usd) == pytest.approx((480, 180, 300))
    assert (together.saves_usd, together.effort_usd, together.npv_usd) == pytest.approx((624, 180, 444))
    assert [one.payback_month for one in (signature, engineering, together)] == [10, 4, 8]
    # 2 weeks and what 300 or 444 more would pay at 50 a week
    assert signature.break_even_person_weeks is None
    assert engineering.break_even_person_weeks == pytest.approx(8)
    assert together.break_even_person_weeks == pytest.approx(10.88)


def test_at_the_break_even_work_is_worth_nothing() -> None:
    at_even = Effort(person_weeks=8, rate_usd_per_week=50, trials_usd=20, gateway_usd_per_month=5, months=1)
    assert effort_table(offer(), both(TODAY, ROUTED), at_even)[1].npv_usd == pytest.approx(0)


def test_work_that_costs_more_than_it_saves_never_pays_back() -> None:
    found = effort_table(offer(), both(TODAY, ROUTED), Effort(person_weeks=20, rate_usd_per_week=50, months=1))
    assert found[1].payback_month is None
    assert "does not pay back" in found[1].says
    # saves 480: nine weeks and three fifths
    assert found[1].break_even_person_weeks == pytest.approx(9.6)


def test_capital_makes_work_dearer_than_what_it_saves_later() -> None:
    """40 a month saved, each at its end; 240 of work over three months at their starts; 10 % a year."""
    (_, engineering, _) = effort_table(
        offer(), both(TODAY, ROUTED), Effort(person_weeks=4.8, rate_usd_per_week=50, months=3), wacc=0.1
    )
    saved = sum(40 * 1.1 ** (-k / 12) for k in range(1, 13))
    spent = sum(80 * 1.1 ** (-k / 12) for k in range(3))
    assert engineering.npv_usd == pytest.approx(saved - spent)
    assert engineering.break_even_person_weeks == pytest.approx(4.8 * saved / spent)


def test_negotiating_is_work_too() -> None:
    terms = Effort(person_weeks=2, rate_usd_per_week=50, months=1, signature_weeks=1)
    found = effort_table(offer(), both(TODAY, ROUTED), terms)
    assert [one.effort_usd for one in found] == pytest.approx([50, 100, 150])


def test_paths_give_an_interval() -> None:
    rng = np.random.default_rng(0)
    today = rng.uniform(50, 150, (200, 1)).repeat(12, axis=1)
    one = effort_table(offer(), both(today, 0.5 * today), WORK)[1]
    assert one.npv_p10_usd < one.npv_usd < one.npv_p90_usd


def test_a_plan_says_its_person_weeks_and_what_is_no_plan_is_refused() -> None:
    document = {"adoption": {"changes": [{"person_days": "7.5"}, {"person_days": "2.5"}]}}
    assert plan_effort(document) == 2.0
    with pytest.raises(CommitError, match="no person_days"):
        plan_effort({"adoption": None})
    with pytest.raises(CommitError, match=r"effort\.person_weeks"):
        Effort(person_weeks=-1)
