"""Backwards from the signing: dates worked out on a calendar."""

from __future__ import annotations

import datetime as dt

import pytest

from baseload.commit.refusal import CommitError
from baseload.commit.timing.schedule import Work, backward_schedule, chance_by, day_of, plan_work
from baseload.demand.savings import Saving

JANUARY = 2027 * 12
SIGNING = dt.date(2027, 7, 1)


def saving(name: str, first: float, likely: float, last: float, **more: float) -> Saving:
    return Saving(
        name=name, low=0.1, likely=0.2, high=0.3, ship_first=first, ship_likely=likely, ship_last=last, **more
    )


EARLY, LATE, TOO_LATE = saving("early", 1, 2, 3), saving("late", 3, 4, 6), saving("too late", 5, 6, 9)


def test_what_can_be_proven_what_only_ships_and_what_the_bridge_takes() -> None:
    """Signed on 1 July = month 6. A month to move everybody and a month's bill: shipped by month 4, 1 May, is proven.

    late: by month 4 one third, (4-3)^2 / (3 x 1); by month 5, in time but unproven, 1 - 1 / (3 x 2) = 83 %.
    """
    early, late, too_late = backward_schedule([TOO_LATE, LATE, EARLY], SIGNING, JANUARY)
    assert [one.verdict for one in (early, late, too_late)] == ["proven", "shipped", "bridge"]
    assert (late.p_proven, late.p_shipped) == pytest.approx((1 / 3, 5 / 6))
    assert (early.ships, early.ship_by, early.proven) == (
        dt.date(2027, 3, 1), dt.date(2027, 5, 1), dt.date(2027, 5, 1),
    )  # fmt: skip
    assert early.slack_weeks == 8  # 61 days
    assert late.slack_weeks == 0
    assert too_late.slack_weeks == -9  # 61 days late, in weeks begun
    assert (too_late.p_shipped, too_late.start_by) == (0.0, None)


def test_work_is_packed_backwards_at_the_teams_pace() -> None:
    """late ships by 1 June: its trial of two weeks begins by 18 May, its week of work by 11 May.

    early, ten days, needs two weeks: done by 1 May anyway, so from 17 April; where its own day allows 11 May or later
    it would have to be done when the other begins.
    """
    work = [Work(name="early", person_days=10), Work(name="late", person_days=5, trial_weeks=2)]
    early, late = backward_schedule([EARLY, LATE], SIGNING, JANUARY, work=work)
    assert late.start_by == dt.date(2027, 5, 11)
    assert early.start_by == dt.date(2027, 4, 17)
    # twenty days of late: four weeks before 18 May is 20 April, so early must be done by then and begin on 6 April
    more = [work[0], Work(name="late", person_days=20, trial_weeks=2)]
    early, late = backward_schedule([EARLY, LATE], SIGNING, JANUARY, work=more)
    assert late.start_by == dt.date(2027, 4, 20)
    assert early.start_by == dt.date(2027, 4, 6)


def test_a_later_signing_proves_more() -> None:
    verdicts = [
        [one.verdict for one in backward_schedule([EARLY, LATE, TOO_LATE], day, JANUARY)]
        for day in (dt.date(2027, 3, 1), SIGNING, dt.date(2028, 1, 1))
    ]
    assert verdicts == [["bridge"] * 3, ["proven", "shipped", "bridge"], ["proven"] * 3]


def test_what_has_shipped_needs_no_work() -> None:
    (done,) = backward_schedule([saving("done", -2, -2, -2)], SIGNING, JANUARY, work=[Work(name="done", person_days=5)])
    assert (done.verdict, done.start_by, done.ships) == ("proven", None, dt.date(2026, 11, 1))


def test_the_chance_of_a_ship_date_is_its_triangle() -> None:
    # 1, 2, 5: below 2 rises as (x-1)^2 / 4, above it falls as 1 - (5-x)^2 / 12
    one = saving("one", 1, 2, 5)
    assert [chance_by(one, place) for place in (0, 1, 1.5, 2, 3, 5)] == pytest.approx(
        [0, 0, 1 / 16, 1 / 4, 1 - 4 / 12, 1]
    )
    assert chance_by(saving("fixed", 2, 2, 2), 2) == 1.0


def test_places_between_months_are_days() -> None:
    assert day_of(0.5, JANUARY) == dt.date(2027, 1, 16)
    assert day_of(13.0, JANUARY) == dt.date(2028, 2, 1)
    assert day_of(-1.0, JANUARY) == dt.date(2026, 12, 1)


def test_a_plan_document_says_its_work() -> None:
    change = {"workload": "w1", "lever": "route", "person_days": "3.5", "needs_trial": True}
    document = {"adoption": {"trial_weeks": 2, "capacity_days_per_week": "4", "changes": [change]}}
    work, pace = plan_work(document)
    assert work == (Work(name="w1/route", person_days=3.5, trial_weeks=2.0),)
    assert pace == 4.0
    with pytest.raises(CommitError, match="no adoption"):
        plan_work({"adoption": None})
    with pytest.raises(CommitError, match="more than 0"):
        backward_schedule([EARLY], SIGNING, JANUARY, capacity_days_per_week=0)
