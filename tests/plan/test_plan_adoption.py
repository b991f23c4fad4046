"""Weeks of adoption: order, ship weeks and sums worked out by hand, the order against every other order."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planned_cases import HAIKU, USD, cached, menu, plan, usd, workload

from baseload.plan.adoption import Pace, adopt, ranked
from baseload.plan.cash import Level
from baseload.plan.changes import Change, changes_of
from baseload.plan.choice import Choice, Lever
from baseload.plan.span import Span, point
from baseload.values import Grade

NOW = Pace(capacity_days_per_week=Decimal(5), realization=Decimal(1), trial_weeks=2)


def change(name: str, dollars: int, days: str, *, lever: Lever = "cache", trial: bool = False) -> Change:
    """A change of workload `name` that saves whole dollars a year."""
    return Change(
        workload=name,
        name=name,
        owner="",
        lever=lever,
        saving=point(dollars * USD),
        grade="simulated",
        kinds=("config", "trial") if trial else ("config",),
        person_days=Decimal(days),
    )


def test_the_most_dollars_a_person_day_ship_first() -> None:
    """100 a day, 300 a day, 200 a day."""
    found = ranked([change("a", 500, "5"), change("b", 300, "1"), change("c", 2_000, "10")])
    assert [one.name for one in found] == ["b", "c", "a"]


def test_a_small_first_step_is_pulled_up_by_what_it_opens() -> None:
    """Workload a: 10 in a day, then 1,000 in a day: 505 a day together. b: 400 a day."""
    found = ranked([change("a", 10, "1"), change("a", 1_000, "1"), change("b", 400, "1")])
    assert [(one.name, one.saving.likely // USD) for one in found] == [("a", 10), ("a", 1_000), ("b", 400)]


def test_a_big_first_step_does_not_pull_its_followers_along() -> None:
    found = ranked([change("a", 1_000, "1"), change("a", 10, "1"), change("b", 400, "1")])
    assert [(one.name, one.saving.likely // USD) for one in found] == [("a", 1_000), ("b", 400), ("a", 10)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-50, 500), st.integers(1, 8)), min_size=1, max_size=6),
)
def test_no_order_saves_more_while_the_work_is_done(drawn: list[tuple[str, int, int]]) -> None:
    """Brute force: of all orders that keep each workload's own, none has shipped more dollars, summed over time."""
    changes = [change(name, dollars, str(days)) for name, dollars, days in drawn]

    def waited(order: tuple[Change, ...] | list[Change]) -> Decimal:
        done, lost = Decimal(0), Decimal(0)
        for one in order:
            done += one.person_days
            lost += done * one.saving.likely
        return lost

    def keeps(order: tuple[int, ...]) -> bool:
        return all(
            [i for i in order if drawn[i][0] == name] == sorted(i for i in order if drawn[i][0] == name)
            for name in "abc"
        )

    allowed = [tuple(changes[i] for i in order) for order in permutations(range(len(changes))) if keeps(order)]
    assert waited(ranked(changes)) == min(map(waited, allowed))


def test_weeks_are_counted_by_hand() -> None:
    """5 days a week. b (2 days) ships at the end of week 1, a (6 days, 8 in all) at the end of week 2.

    Run rate 3,650 a year: 70 a week. From week 2 on 365 less a year (7 a week), from week 3 on 1,095 less (21 a week).
    """
    found = adopt(3_650 * USD, [change("a", 730, "6"), change("b", 365, "2")], NOW, weeks=4)
    assert [one.week for one in found.changes] == [1, 2]
    assert [week.run_rate.likely // USD for week in found.weeks] == [3_650, 3_285, 2_555, 2_555, 2_555]
    assert [week.saved.likely // USD for week in found.weeks] == [0, 0, 7, 28, 49]
    assert [week.remaining.likely // USD for week in found.weeks] == [1_095, 730, 0, 0, 0]
    assert [week.shipped for week in found.weeks] == [0, 1, 2, 2, 2]


def test_only_the_declared_share_of_a_saving_lands() -> None:
    found = adopt(1_000 * USD, [change("a", 500, "1")], Pace(realization=Decimal("0.8")), weeks=1)
    assert found.weeks[1].run_rate.likely == 600 * USD


def test_the_highest_savings_leave_the_lowest_run_rate() -> None:
    one = Change(
        workload="a", name="a", owner="", lever="route", saving=usd(100, 200, 400), grade="assumed",
        kinds=("config",), person_days=Decimal(1),
    )  # fmt: skip
    week = adopt(1_000 * USD, [one], NOW, weeks=1).weeks[1]
    assert week.run_rate == usd(600, 800, 900)


def test_a_trial_takes_its_weeks_and_what_follows_waits_for_it() -> None:
    """The routed change is worked out in week 1 and ships in week 3; its cache, done in week 1 too, not before."""
    found = adopt(USD, [change("a", 500, "1", lever="route", trial=True), change("a", 10, "1")], NOW)
    assert [one.week for one in found.changes] == [3, 3]


def test_changes_beyond_the_series_are_listed_and_do_not_count() -> None:
    found = adopt(1_000 * USD, [change("a", 100, "1"), change("b", 1, "500")], NOW)
    assert [one.week for one in found.changes] == [1, 101]
    assert found.weeks[26].run_rate.likely == 900 * USD
    assert found.weeks[26].remaining.likely == USD


def test_cash_walks_on_levels_from_the_day_after_each_ship_week() -> None:
    found = adopt(3_650 * USD, [change("a", 730, "6"), change("b", 365, "2")], NOW)
    assert found.levels(20_000) == (Level(20_007, 365 * USD), Level(20_014, 1_095 * USD))


def test_nothing_to_change_is_a_flat_line() -> None:
    found = adopt(1_000 * USD, [])
    assert {week.run_rate for week in found.weeks} == {point(1_000 * USD)}
    assert found.levels(0) == ()
    assert len(found.weeks) == 27


@pytest.mark.parametrize(
    "bad", [{"capacity_days_per_week": Decimal(0)}, {"realization": Decimal(2)}, {"trial_weeks": -1}]
)
def test_an_impossible_pace_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="capacity must be above 0"):
        Pace(**bad)  # type: ignore[arg-type]  # on purpose


def test_the_last_week_is_the_plan_when_everything_lands() -> None:
    spans = [Span(low=1, likely=5, high=9), Span(low=2, likely=4, high=8)]
    changes = [
        Change(workload=str(i), name="", owner="", lever="fix", saving=span, grade="measured", kinds=("config",),
               person_days=Decimal("0.5"))
        for i, span in enumerate(spans)
    ]  # fmt: skip
    assert adopt(100, changes, NOW).weeks[-1].run_rate == Span(low=83, likely=91, high=97)


# what a step takes


def kinds(*levers: Lever, gateway: bool = True, **other: object) -> list[tuple[str, ...]]:
    planned = plan(*((lever, usd(1, 2, 3), "assumed") for lever in levers), **other)  # type: ignore[arg-type]
    return [one.kinds for one in changes_of(planned, gateway=gateway)]


ROUTE = Choice(route=1)


def test_an_untested_route_needs_a_trial() -> None:
    assert kinds("route", choice=ROUTE) == [("gateway_policy", "trial")]


def test_a_new_model_with_a_new_effort_is_one_change() -> None:
    steps: tuple[tuple[Lever, Span, Grade], ...] = (
        ("fix", usd(1, 1, 1), "measured"), ("effort", usd(10, 20, 30), "simulated"), ("route", usd(1, 2, 3), "assumed"),
    )  # fmt: skip
    found = changes_of(plan(*steps, choice=Choice(fixes=(0,), route=1)))
    assert [(one.lever, one.saving, one.grade) for one in found] == [
        ("fix", usd(1, 1, 1), "measured"),
        ("route", usd(11, 22, 33), "assumed"),
    ]


def test_a_tested_route_is_an_entry_of_the_policy_or_code() -> None:
    assert kinds("route", choice=ROUTE, options=menu("holds")) == [("gateway_policy",)]
    assert kinds("route", choice=ROUTE, options=menu("holds"), gateway=False) == [("code",)]


def test_claude_code_is_a_setting() -> None:
    assert kinds("route", choice=ROUTE, options=menu("holds"), coding_agent="claude_code") == [("config",)]


def test_moving_a_volatile_part_is_work_on_the_prompt() -> None:
    options = menu(caches=(cached(HAIKU, move_after_prefix=("the date",)),))
    assert kinds("cache", choice=Choice(route=1, cache="plan"), options=options) == [("gateway_policy", "prompt")]


def test_fast_mode_is_a_setting_and_repeats_are_code() -> None:
    assert kinds("fix", choice=Choice(fixes=(0,))) == [("config",)]


def test_a_week_of_work_is_five_person_days() -> None:
    """0.5 + 3 days for 700 a year likely: 1,000 a week of work."""
    planned = plan(("route", usd(0, 700, 900), "assumed"), choice=ROUTE, of=workload("a"))
    assert changes_of(planned)[0].nano_per_week_of_work == 1_000 * USD
