"""Savings on the paths: sizes, dates, chances; none, proven, expected, all."""

from __future__ import annotations

import datetime as dt
import itertools

import msgspec
import numpy as np
import pytest

from baseload.demand.adoption import SCENARIOS, Landing, adoption, scenario_paths
from baseload.demand.events import Event
from baseload.demand.history import DemandError, History
from baseload.demand.months import parse_month
from baseload.demand.paths import Paths, sample_paths
from baseload.demand.savings import PLAN_SCHEMA, Saving, month_place, parse_savings, plan_savings

FIRST = parse_month("2027-01")


def history(*names: str) -> History:
    names = names or ("all",)
    steps = np.random.default_rng(0).normal(0.02, 0.05, (len(names), 24))
    return History(parse_month("2025-01"), names, 1_000 * np.exp(np.cumsum(steps, axis=1)))


def paths(*names: str, count: int = 400, months: int = 12, **more: object) -> Paths:
    return sample_paths(history(*names), paths=count, months=months, **more)


def sure(**changes: object) -> Saving:
    """A saving of 40 % of everything that ships when month 2 begins, at once."""
    given = {
        "name": "s", "low": 0.4, "likely": 0.4, "high": 0.4,
        "ship_first": 2.0, "ship_likely": 2.0, "ship_last": 2.0, "ramp_months": 0.0, "proven": True,
    }  # fmt: skip
    return Saving(**{**given, **changes})


def left(found: Paths, plain: Paths) -> np.ndarray:
    return found.usage / plain.usage


def test_all_leaves_exactly_what_the_plan_leaves_from_its_date_on():
    plain = paths()
    found = scenario_paths(plain, [sure()])
    np.testing.assert_allclose(left(found["all"], plain), np.tile([1.0] * 2 + [0.6] * 10, (400, 1)))


def test_none_is_as_today():
    plain = paths()
    assert scenario_paths(plain, [sure()])["none"].usage.tobytes() == plain.usage.tobytes()


def test_without_savings_the_four_are_one():
    plain = paths()
    found = scenario_paths(plain, [])
    assert {found[name].usage.tobytes() for name in SCENARIOS} == {plain.usage.tobytes()}


def test_a_change_that_ships_within_a_month_counts_for_its_part_of_it():
    # ships at 2.5 at once: half of month 2; over two months in a line: 1/16, 7/16 - 1/16..., by areas under the line
    assert adoption(np.array([2.5]), 0.0, 4).tolist() == [[0.0, 0.0, 0.5, 1.0]]
    # line from 1 to 3: month 1 averages 1/4, month 2 averages 3/4, then all
    assert adoption(np.array([1.0]), 2.0, 4).tolist() == [[0.0, 0.25, 0.75, 1.0]]
    assert adoption(np.array([-5.0, np.inf]), 1.0, 2).tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_an_unproven_saving_enters_with_its_probability_never_as_zero():
    plain = paths(count=20_000)
    certain_landing = Landing(realization=0.8, certainty=1e6, roll_back=0.0)
    found = scenario_paths(plain, [sure(probability=0.5, proven=False)], landing=certain_landing)
    last = left(found["expected"], plain)[:, -1]
    # half of the paths keep 1, half keep 1 - 0.4 x 0.8 = 0.68
    assert last.mean() == pytest.approx(0.84, abs=0.005)
    assert sorted(set(np.round(last, 2))) == [0.68, 1.0]
    assert left(found["proven"], plain).tolist() == np.ones((20_000, 12)).tolist()


def test_realization_has_the_mean_it_is_given_and_a_spread():
    plain = paths(count=20_000)
    found = scenario_paths(plain, [sure()], landing=Landing(roll_back=0.0))
    realized = (1 - left(found["proven"], plain)[:, -1]) / 0.4
    assert realized.mean() == pytest.approx(0.8, abs=0.01)
    assert 0.08 < realized.std() < 0.16


def test_what_is_rolled_back_is_gone_within_its_year():
    plain = paths(count=5_000, months=18)
    landing = Landing(realization=0.8, certainty=1e6, roll_back=0.2)
    found = scenario_paths(plain, [sure()], landing=landing)
    back = left(found["expected"], plain) > 0.99
    assert back[:, 2].mean() < 0.05
    assert back[:, -1].mean() == pytest.approx(0.2, abs=0.02)
    assert (left(found["all"], plain)[:, -1] < 0.61).all()


def test_scenarios_share_their_luck():
    plain = paths(count=500)
    savings = [sure(), sure(name="hoped", proven=False, probability=0.6)]
    found = scenario_paths(plain, savings)
    costs = [found[name].usage.sum(axis=1) for name in ("all", "expected", "proven", "none")]
    for cheaper, dearer in itertools.pairwise(costs):
        assert (cheaper <= dearer * (1 + 1e-12)).all()


def test_one_more_saving_moves_no_other():
    plain = paths()
    lone, both = ([sure(probability=0.5)], [sure(name="x", low=0.0, likely=0.0, high=0.0), sure(probability=0.5)])
    assert (
        scenario_paths(plain, lone)["expected"].usage.tobytes()
        == scenario_paths(plain, both)["expected"].usage.tobytes()
    )


def test_a_team_that_slips_slips_with_everything():
    plain = paths("a", "b", count=300, months=24)
    late = {"ship_first": 1.0, "ship_likely": 4.0, "ship_last": 20.0}
    savings = [sure(name=name, workload=name, **late) for name in ("a", "b")]
    found = scenario_paths(plain, savings)["all"]
    ratios = found.workloads / plain.workloads
    np.testing.assert_allclose(ratios[0], ratios[1])


def test_shares_of_one_workload_add_and_never_pass_everything():
    plain = paths("a", "b")
    savings = [sure(name="x", workload="a"), sure(name="y", workload="a", low=0.9, likely=0.9, high=0.9)]
    found = scenario_paths(plain, savings)["all"]
    assert (found.workloads[0, :, -1] == 0).all()
    assert found.workloads[1].tobytes() == plain.workloads[1].tobytes()


def test_a_retirement_takes_what_the_plan_left_and_a_launch_stays():
    launch = Event(name="new", kind="launch", month=FIRST, low=50.0, likely=50.0, high=50.0)
    goes = Event(name="old", kind="retire", workload="a", month=FIRST + 4, low=1.0, likely=1.0, high=1.0)
    plain = paths("a", "b", events=[launch, goes])
    found = scenario_paths(plain, [sure(workload="a")])["all"]
    np.testing.assert_allclose(found.usage[:, -1], plain.workloads[1, :, -1] + 50.0)
    np.testing.assert_allclose(found.usage[:, 3], 0.6 * plain.workloads[0, :, 3] + plain.workloads[1, :, 3] + 50.0)


def test_the_command_lines_four_values():
    one = parse_savings("0.4, 55%,.7,2027-03-16", FIRST)
    assert (one.low, one.likely, one.high) == (0.4, 0.55, 0.7)
    assert one.ship_first == pytest.approx(2 + 15 / 31)
    assert one.ship_last == pytest.approx(one.ship_first + 3)
    assert 0 < one.probability < 1
    assert parse_savings("0,0,1,2027-02", FIRST).ship_first == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.4,0.5,0.6", "3 values; expected four"),
        ("0.4,0.5,60,2027-01", "high '60'; expected a share"),
        ("-0.1,0.5,0.6,2027-01", "low '-0.1'"),
        ("0.4,101%,0.6,2027-01", "likely '101%'"),
        ("0.6,0.5,0.7,2027-01", "do not rise"),
        ("0.4,0.5,0.6,soon", "ship_date 'soon'; expected YYYY-MM-DD"),
        ("0.4,0.5,0.6,2027-02-30", "ship_date"),
        (",,,", "low ''"),
    ],
)
def test_savings_that_mean_nothing_are_refused(text: str, said: str):
    with pytest.raises(DemandError, match=said):
        parse_savings(text, FIRST)


def test_where_a_day_lies():
    assert month_place(dt.date(2027, 1, 1), FIRST) == 0.0
    assert month_place(dt.date(2026, 12, 17), FIRST) == pytest.approx(-15 / 31)


def plan(**changes: object) -> dict[str, object]:
    span = {"low_usd": "100.00", "likely_usd": "200.00", "high_usd": "300.00"}
    change = {"rank": 1, "workload": "a", "lever": "route", "saving": span, "grade": "assumed", "ships_in_week": 8}
    steps = [{"lever": "route", "saving": span, "grade": "assumed"}, {"lever": "batch", "saving": span, "grade": ""}]
    return {
        "schema": PLAN_SCHEMA,
        "as_of": "2027-01-01",
        "totals": {"as_billed_usd": "1000.00"},
        "adoption": {"changes": [change, {**change, "lever": "cache", "grade": "replayed", "ships_in_week": 1}]},
        "workloads": [{"id": "a", "name": "The a job", "as_billed_usd": "400.00", "steps": steps}],
        **changes,
    }


def test_a_plans_changes_become_shares_of_their_workload_with_their_chance_and_week():
    route, cache = plan_savings(plan(), history("a", "b"))[0]
    assert (route.workload, route.low, route.likely, route.high) == ("a", 0.25, 0.5, 0.75)
    assert (route.proven, cache.proven) == (False, True)
    assert 0 < route.probability < cache.probability < 1
    # week 8 of a year of 365 / 7 weeks: 8 / 4.345 = 1.841 months; a quarter later as a rule, twice at worst
    assert (route.ship_first, route.ship_likely, route.ship_last) == pytest.approx((1.841, 2.301, 3.682), abs=1e-3)


def test_a_history_of_one_series_takes_every_saving_as_a_share_of_the_bill():
    found, problems = plan_savings(plan(), history())
    assert [(one.workload, one.likely) for one in found] == [("all", 0.2), ("all", 0.2)]
    assert problems == []


def test_a_workload_the_demand_does_not_name_is_spread_and_said():
    found, problems = plan_savings(plan(), history("b", "c"))
    assert {one.workload for one in found} == {"all"}
    assert [(one.code, one.value) for one in problems] == [("saving-without-workload", "a")]


def test_a_workload_is_found_by_its_name_too():
    assert plan_savings(plan(), history("The a job", "c"))[0][0].workload == "The a job"


def test_a_saving_that_was_due_before_the_demand_ends_is_said():
    _, problems = plan_savings(plan(as_of="2026-06-01"), history())
    assert [(one.code, one.value) for one in problems] == [
        ("saving-due-before-demand-ends", "a/route"),
        ("saving-due-before-demand-ends", "a/cache"),
    ]


def test_a_plan_without_a_run_rate_ships_within_a_quarter_or_so():
    found, _ = plan_savings(plan(adoption=None), history("a", "b"))
    assert [one.name for one in found] == ["a/route"]
    assert found[0].ship_first == pytest.approx(13 / (365 / 12 / 7))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "baseload.map/1"}, "schema 'baseload.map/1'; expected baseload.plan/1"),
        ({"workloads": []}, "KeyError at 'a'"),
        ({"as_of": "soon"}, "ValueError"),
        ({"totals": {"as_billed_usd": 1000}}, "ValueError"),
        ({"totals": None}, "TypeError"),
    ],
)
def test_a_document_that_is_no_plan_is_refused(changes: dict[str, object], said: str):
    with pytest.raises(DemandError, match=said):
        plan_savings(plan(**changes), history("a", "b"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: sure(low=0.5), "low, likely, high"),
        (lambda: sure(high=1.2), "low, likely, high"),
        (lambda: sure(ship_last=1.0), "ship"),
        (lambda: sure(probability=-0.1), "probability"),
        (lambda: Landing(realization=1.0), "realization 1.0"),
        (lambda: Landing(roll_back=2.0), "roll_back 2.0"),
        (lambda: scenario_paths(paths(count=5), [sure(), sure()]), "a name occurs twice"),
        (lambda: scenario_paths(paths(count=5), [sure(workload="x")]), "no workload 'x'"),
    ],
)
def test_savings_that_contradict_themselves_are_refused(make, said: str):
    with pytest.raises(DemandError, match=said):
        make()


def test_records_are_json():
    assert msgspec.json.decode(msgspec.json.encode(sure()), type=Saving) == sure()
