"""The case on one path, every figure by hand; what is not given is null and named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from case_making import demand, made, offer, unplanned

from baseload.commit.case.document import CaseDocument
from baseload.commit.case.terms import Cloud, PlanWork, plan_terms
from baseload.commit.clauses import Channel
from baseload.commit.refusal import CommitError
from baseload.commit.size.demand import Demand
from baseload.commit.timing.schedule import Work

WORK: dict[str, Any] = {
    "person_weeks": 2.0,
    "week_usd": 50.0,
    "trial_usd": 20.0,
    "running_usd_per_month": 5.0,
    "signature_weeks": 0.0,
}


def missing(found: CaseDocument, part: str) -> set[str]:
    return {one.needs for one in found.missing if one.part == part}


def test_five_plans_at_the_delay_asked_for() -> None:
    """720 used. Sized on today 0.8 x 1,200. Bridge 3 x 60 + 0.8 x 540. Five months on demand 300 + 0.8 x 420."""
    found = made(delay_months=5)
    assert {one.plan: one.expected_cost_usd for one in found.timing} == {
        "sign_now": "960.00",
        "bridge": "612.00",
        "route_first": "636.00",
        "day_0": "576.00",
        "on_demand": "720.00",
    }
    assert [one.plan for one in found.timing if one.cheapest] == ["day_0"]
    assert found.verdict[0].part == "timing"
    assert "the cheapest of five plans, about $576" in found.verdict[0].says
    assert "a bridge comes next, $36 dearer" in found.verdict[0].says
    assert [one.kind for one in found.break_evens] == ["delay_months", "discount_points", "list_rise"]


def test_the_distance_to_the_cheapest_has_its_interval() -> None:
    """Half of the paths use 50 a month, half 150; 36 of one path is known to the cent."""
    (one,) = (row for row in made(delay_months=5).timing if row.plan == "bridge")
    assert (one.over_cheapest_usd, one.over_cheapest_low_usd, one.too_close) == ("36.00", "36.00", False)
    fates = np.tile(np.array([[50.0] * 12, [150.0] * 12]), (200, 1))
    for row in made(demand(fates, fates), delay_months=5).timing:
        low, more, high = (Decimal(str(getattr(row, f"over_cheapest{end}_usd"))) for end in ("_low", "", "_high"))
        assert low <= more <= high
        assert row.too_close == (low <= 0 <= high and low != high)


def test_the_delay_is_until_the_plan_has_likely_shipped_and_moved_everybody() -> None:
    """Ships in month 2, a month to move everybody. Without a plan nine months, as `commit size` has it."""
    assert made().inputs.delay_months == 3
    assert any("signs after 3 months: by then all that is planned" in one for one in made().assumed)
    assert made(unplanned()).inputs.delay_months == 9
    assert not any("signs after" in one for one in made(delay_months=5).assumed)


def test_the_founding_order_on_the_customers_own_paths() -> None:
    """The trend of 100 a month is 1,200: 960 in cash, 480 unused. Routed first: 636 for 720, nothing unused."""
    rows = made(delay_months=5).orders
    assert [(one.order, one.expected_cost_usd, one.unused_usd) for one in rows] == [
        ("commit_first", "960.00", "480.00"),
        ("route_first", "636.00", "0.00"),
        ("on_demand", "720.00", "0.00"),
    ]
    assert [one.effective_rate for one in rows] == [1.333333, 0.883333, 1.0]
    assert rows[0].commit_usd_by_year == ("1200.00",)
    assert rows[1].commit_usd_by_year == ("420.00",)


def test_orders_are_told_over_every_whole_year_and_the_term() -> None:
    found = made(demand(months=30), offer(term_months="30"), delay_months=3)
    assert [one.months for one in found.orders] == [12] * 3 + [24] * 3 + [30] * 3
    # 12 months: 3 x 60 + 0.8 x 540; 30 months: 180 + 0.8 x 1,620
    assert [one.expected_cost_usd for one in found.orders if one.order == "route_first"][::2] == ["612.00", "1476.00"]


def test_effort_is_net_where_it_is_known() -> None:
    """Saves 240, 480, 624; 100 of work, 20 of trials, 60 of running leave 240, 300, 444; 50 a week buys the rest."""
    rows = made(**WORK).effort.rows
    assert [(one.way, one.saves_usd, one.effort_usd, one.npv_usd) for one in rows] == [
        ("signature", "240.00", "0.00", "240.00"),
        ("engineering", "480.00", "180.00", "300.00"),
        ("both", "624.00", "180.00", "444.00"),
    ]
    assert [one.break_even_person_weeks for one in rows] == [None, 8.0, 10.88]
    assert missing(made(**WORK), "effort") == set()


def test_effort_that_is_not_given_is_null_and_named() -> None:
    found = made()
    assert [one.gross_npv_usd for one in found.effort.rows] == ["240.00", "480.00", "624.00"]
    for row in found.effort.rows:
        assert (row.effort_usd, row.npv_usd, row.payback_month, row.break_even_person_weeks) == (None,) * 4
    assert missing(found, "effort") == {
        "--effort-weeks, or a --plan with a run rate", "--week-usd", "--trial-usd", "--running-usd-month",
        "--signature-weeks",
    }  # fmt: skip
    # with a rate alone the weeks it is worth are known: 480 / 50
    rated = made(week_usd=50.0).effort.rows
    assert (rated[1].npv_usd, rated[1].break_even_person_weeks) == (None, 9.6)


def test_effort_and_schedule_come_from_the_plan() -> None:
    """Ten person-days are two weeks. Shipped by 1 May (a month to move, a month's bill), two weeks of work before."""
    plan = PlanWork(2.0, (Work(name="w1/route", person_days=10),), 5.0)
    found = made(plan=plan, week_usd=50.0, signing=dt.date(2027, 7, 1))
    assert (found.inputs.person_weeks, found.inputs.person_weeks_from) == (2.0, "plan")
    assert found.effort.rows[1].effort_usd == "100.00"
    assert found.schedule is not None
    (row,) = found.schedule.rows
    assert (row.ship_by, row.start_by, row.verdict) == ("2027-05-01", "2027-04-17", "proven")
    assert found.schedule.bridge == ()
    assert made(plan=plan, person_weeks=3.0).inputs.person_weeks_from == "flag"


def test_what_is_too_late_goes_to_the_bridge() -> None:
    found = made(signing=dt.date(2027, 2, 1)).schedule
    assert found is not None
    assert found.bridge == ("w1/route",)
    assert made().schedule is None
    assert "--signing" in missing(made(), "schedule")


def test_moves_before_and_after_the_plan_with_another_cloud() -> None:
    """Wait a quarter: 300 + 0.8 x 900; 180 + 0.8 x 540. The cloud: two months as today, 10 % off the other ten."""
    cloud = Cloud(Channel(name="aws"), Decimal("0.10"))
    found = made(cloud=cloud)
    assert {(one.move, one.phase): one.cost_usd for one in found.leverage.moves} == {
        ("sign", "before"): "960.00", ("walk", "before"): "1200.00", ("wait", "before"): "1020.00",
        ("other_cloud", "before"): "1100.00",
        ("sign", "after"): "576.00", ("walk", "after"): "720.00", ("wait", "after"): "612.00",
        ("other_cloud", "after"): "660.00",
    }  # fmt: skip
    assert [one.list_usd_per_month for one in found.leverage.removable] == ["40.00"] * 3
    assert found.leverage.inflated is not None
    assert (found.leverage.inflated.unused_usd, found.leverage.lean.unused_usd) == ("480.00", "0.00")
    # the cloud's 660 bears 825 at 20 % off, and is reached when 720 x (1 - d) = 660
    assert {one.against: one.largest_usd_by_year for one in found.walk_away} == {
        "on_demand": ("900.00",),
        "other_cloud": ("825.00",),
    }
    assert [one.shift_points for one in found.walk_away] == [-20.0, pytest.approx(-11.67, abs=0.005)]


def test_a_shadow_value_lowers_what_is_paid_in_the_cloud() -> None:
    """Half of a dollar burned down is saved: 120 direct, 600 at 0.5."""
    cloud = Cloud(
        Channel(name="aws", shadow_value=Decimal("0.5"), cloud_commit_usd_per_year=Decimal(10_000)), Decimal(0)
    )
    found = {(one.move, one.phase): one.cost_usd for one in made(cloud=cloud).leverage.moves}
    assert found["other_cloud", "after"] == "420.00"


def test_a_claim_that_fails_is_in_the_answer() -> None:
    """600 or 1,800: lean commits 600 and pays 1,200 of overage on one half; the trend's 1,200 pays 600 there."""
    fates = np.tile(np.array([[50.0] * 12, [150.0] * 12]), (200, 1))
    found = made(unplanned()._replace(scenarios=demand(fates, fates).scenarios))
    assert {one.claim for one in found.leverage.claims if not one.holds} == {"A lean commitment pays less overage"}
    assert any(one.part == "leverage" and "Not so here" in one.says for one in found.verdict)


def test_points_are_right_where_a_discount_reaches_nothing() -> None:
    """12,600 committed of which 12,000 are used: 12,600 x (1 - d) = 12,000 at d = 4.76 %, 10.24 below 15 %."""
    flat = demand(1_000.0, 1_000.0, savings=())
    found = made(flat, offer(bands=[{"from_usd": "0", "discount": "0.15"}], commit_usd_by_year="12600"))
    stated = next(one for one in found.walk_away if one.size == "stated")
    assert stated.shift_points == pytest.approx(-10.24, abs=0.005)


def test_asks_together_sum_to_the_bundle() -> None:
    fates = np.tile(np.array([[50.0] * 12, [150.0] * 12]), (200, 1))
    found = made(demand(fates, fates), terms=offer(), bundle=("overage_committed", "refund_50", "one_point")).bundle
    assert found is not None
    assert found.chosen == "asked"
    assert sum(Decimal(one.part_usd) for one in found.parts) == Decimal(found.value_usd)
    # committed rate: 0.8 of all, so 960 of 1,200; without it the best of 600 committed: 480 + 1,200 / 2 = 1,080
    alone = {one.ask: Decimal(one.alone_usd) for one in found.parts}
    assert alone["overage_committed"] == Decimal("120.00")


def test_without_names_the_dearest_of_each_clause_is_taken() -> None:
    """On a path that is known a point more is worth 7.20, and nothing else is worth anything."""
    found = made().bundle
    assert found is not None
    assert [(one.ask, one.part_usd) for one in found.parts] == [("one_point", "7.20")]
    assert (found.chosen, found.value_usd) == ("dearest", "7.20")


def test_rights_are_bounded_by_foresight() -> None:
    rng = np.random.default_rng(1)
    usage = np.repeat(rng.uniform(50, 150, (400, 1)), 12, axis=1)
    rows = made(demand(usage, usage), delay_months=3).rights
    assert [(one.right, one.band, one.held) for one in rows] == [
        ("step_down", "keep", False), ("step_down", "retier", False), ("step_up", None, False),
    ]  # fmt: skip
    for one in rows:
        assert 0 <= Decimal(one.value_usd) <= Decimal(one.foresight_usd)
    assert Decimal(rows[0].value_usd) > 0
    assert "termination in the offer" in missing(made(), "rights")


def test_nothing_planned_is_said_and_leaves_engineering_out() -> None:
    found = made(unplanned(), signing=dt.date(2027, 7, 1))
    assert [one.way for one in found.effort.rows] == ["signature"]
    assert found.schedule is None
    assert {one.phase for one in found.leverage.moves} == {"before"}
    assert found.leverage.removable == ()
    assert "--plan or --savings" in missing(found, "effort") & missing(found, "schedule")


def test_own_paths_have_no_trend_and_so_nothing_inflated() -> None:
    found = made(demand(history=False))
    assert found.leverage.inflated is None
    assert [one.claim for one in found.leverage.claims] == ["After the plan, walking away costs less"]
    assert {one.order for one in found.orders} == {"route_first", "on_demand"}
    assert missing(found, "leverage") >= {"--demand or --ledger"}


def test_the_same_case_is_the_same_bytes() -> None:
    assert msgspec.json.encode(made(**WORK)) == msgspec.json.encode(made(**WORK))


def test_many_paths_of_a_contract_of_months_are_thinned_and_it_is_said() -> None:
    usage = np.random.default_rng(2).uniform(50, 150, (900, 12))
    found = made(demand(usage, usage), offer(period="month"), delay_months=3)
    assert (found.inputs.paths, found.inputs.paths_timing, found.inputs.paths_clauses) == (900, 400, 150)
    assert any("400 of 900 paths" in one for one in found.warnings)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(CommitError, match="--delay-months: 12; expected 1 to 11"):
        made(delay_months=12)
    with pytest.raises(CommitError, match="term_months: 1; expected at least 2"):
        made(demand(months=1), offer(term_months="1"))
    with pytest.raises(CommitError, match="list_usd: 0 in every month; expected usage"):
        made(demand(0.0, 0.0))
    with pytest.raises(CommitError, match="--signing: 1999-01-01; expected within 5 years"):
        made(signing=dt.date(1999, 1, 1))
    with pytest.raises(CommitError, match=r"--bundle: roll_50; expected an ask that this offer can hold.*two years"):
        made(bundle=("roll_50",))


def test_a_plan_without_a_run_rate_says_no_work() -> None:
    plan, why = plan_terms({"adoption": None})
    assert plan is None
    assert "the plan says no work" in why


TREND = [
    "A lean commitment leaves less unused",
    "A lean commitment pays less overage",
    "A lean commitment costs less in all",
]
WALK = "After the plan, walking away costs less"


@pytest.mark.parametrize(
    ("usage", "claims"),
    [
        (demand(), [*TREND, WALK]),
        (unplanned(), TREND),  # without a plan there is no after
        (demand(history=False), [WALK]),  # without months billed there is no trend
        (unplanned(history=None, source="paths"), []),
    ],
    ids=["both", "no plan", "no history", "neither"],
)
def test_a_claim_is_made_only_where_what_it_compares_is_there(usage: Demand, claims: list[str]) -> None:
    assert [one.claim for one in made(usage).leverage.claims] == claims
