"""Rounding: parts add to their whole, rows and columns of the table to its sums, and nothing is made of nothing."""

from __future__ import annotations

from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from planned_cases import menu, workload

from baseload.plan.cents import column_in_cents, divided, in_cents
from baseload.plan.choice import LEVERS, Choice
from baseload.plan.planned import Planned, PlannedStep
from baseload.plan.rounding import largest_remainder
from baseload.plan.span import Span, point, total
from baseload.values import NANO_PER_CENT

CENT = NANO_PER_CENT


def test_the_largest_remainders_get_what_rounding_down_left() -> None:
    assert largest_remainder([Fraction(5, 4), Fraction(7, 4), Fraction(2)], 5) == [1, 2, 2]
    assert largest_remainder([Fraction(-5, 4), Fraction(0), Fraction(9, 4)], 1) == [-1, 0, 2]


def test_a_whole_further_away_goes_round_again() -> None:
    assert largest_remainder([Fraction(1, 2), Fraction(1, 2)], 4) == [2, 2]
    assert largest_remainder([Fraction(5, 2), Fraction(1, 4)], -1) == [1, -2]
    assert largest_remainder([Fraction(0), Fraction(0)], 1) == [1, 0]


@given(st.lists(st.fractions(-100, 100), min_size=1, max_size=8), st.integers(-3, 3))
def test_rounded_parts_add_to_the_whole_and_stay_near(parts: list[Fraction], off: int) -> None:
    whole = round(sum(parts)) + off
    found = largest_remainder(parts, whole)
    assert sum(found) == whole
    nonzero = sum(map(bool, parts)) or len(parts)
    slack = 1 + -(-abs(whole - sum(parts)) // nonzero)
    assert all(abs(one - exact) <= slack for one, exact in zip(found, parts, strict=True))


def planned(billed: int, **steps: int) -> Planned:
    return Planned(
        workload=workload(),
        menu=menu(),
        choice=Choice(),
        billed_nano=billed,
        saving=point(sum(steps.values())),
        steps=tuple(
            PlannedStep(lever=lever, saving=point(steps[lever]), grade="measured") for lever in LEVERS if lever in steps
        ),
        billed_by_grade={"measured": billed},
        cost_by_grade={"measured": billed - sum(steps.values())},
    )


def test_three_thirds_of_a_cent_are_a_cent_and_not_none() -> None:
    third = CENT // 3
    rows = [planned(100 * CENT, route=third) for _ in range(3)]
    table = in_cents(rows, [{"route": third}] * 3, 300 * CENT + 5)
    assert table.total.billed == 300
    assert table.total.steps["route"] == 1
    assert [row.steps["route"] for row in table.rows] == [1, 0, 0]
    assert [row.optimized for row in table.rows] == [99, 100, 100]


NANO = st.integers(-(10**10), 10**12)
ROWS = st.lists(
    st.tuples(NANO, st.dictionaries(st.sampled_from(LEVERS), NANO), st.permutations(LEVERS)), min_size=1, max_size=6
)


@given(ROWS, NANO)
def test_the_table_adds_up_across_and_down(rows: list[tuple[int, dict[str, int], list[str]]], rest: int) -> None:
    found = [planned(billed, **steps) for billed, steps, _ in rows]
    averages = [
        {other: steps[lever] for lever, other in zip(LEVERS, order, strict=True) if lever in steps}
        for _, steps, order in rows
    ]
    table = in_cents(found, averages, sum(one.billed_nano for one in found) + rest)  # type: ignore[arg-type]
    assert sum(row.billed for row in table.rows) + table.unplanned == table.total.billed
    assert sum(row.optimized for row in table.rows) + table.unplanned == table.total.optimized
    for row, one in zip(table.rows, found, strict=True):
        assert sum(row.shapley.values()) == row.saving
        assert row.saving == 0 or one.steps
        assert abs(row.billed * CENT - one.billed_nano) <= CENT
        assert abs(row.saving * CENT - one.saving.likely) <= len(LEVERS) * CENT
    for lever in LEVERS:
        assert sum(row.steps[lever] for row in table.rows) == table.total.steps[lever]


def test_ends_of_a_range_add_up_as_the_figures_do() -> None:
    # three ranges of a third of a cent each way: a cent below and a cent above in all, not none and not three
    third = CENT // 3
    spans = [Span(low=CENT - third, likely=CENT, high=CENT + third) for _ in range(3)]
    assert column_in_cents(spans) == [
        Span(low=0, likely=1, high=2),
        Span(low=1, likely=1, high=1),
        Span(low=1, likely=1, high=1),
    ]


REACH = st.integers(0, 10**9)
SPANS = st.builds(
    lambda below, likely, above: Span(low=likely - below, likely=likely, high=likely + above), REACH, NANO, REACH
)


@given(st.lists(SPANS, min_size=1, max_size=8))
def test_a_column_of_ranges_adds_up_at_every_end(spans: list[Span]) -> None:
    found = column_in_cents(spans)
    whole = total(spans)
    for end in ("low", "likely", "high"):
        column = sum(getattr(one, end) for one in found)
        assert abs(column * CENT - getattr(whole, end)) <= CENT  # each of two roundings half a cent
        assert all(abs(getattr(a, end) * CENT - getattr(b, end)) <= 2 * CENT for a, b in zip(found, spans, strict=True))
    for one, exact in zip(found, spans, strict=True):
        assert one.low <= one.likely <= one.high
        assert exact.low != exact.high or one.low == one.high


@given(st.lists(st.lists(SPANS, min_size=2, max_size=2), min_size=1, max_size=6))
def test_the_ends_of_the_table_add_up_down(rows: list[list[Span]]) -> None:
    found = []
    for route, cache in rows:
        steps = tuple(
            PlannedStep(lever=lever, saving=span, grade="measured")
            for lever, span in (("route", route), ("cache", cache))
        )
        plain = planned(10**12, route=route.likely, cache=cache.likely)
        found.append(msgspec.structs.replace(plain, steps=steps, saving=route + cache))
    table = in_cents(found, [{} for _ in found], 10**13)
    assert total(row.saving_span for row in table.rows) == table.total.saving_span
    left = total(row.left_span for row in table.rows)
    assert left.each(lambda cents: cents + table.unplanned) == table.total.left_span
    for lever in LEVERS:
        assert total(row.step_span(lever) for row in table.rows) == table.total.step_span(lever)


@given(st.dictionaries(st.sampled_from(["billed", "measured", "assumed"]), NANO), st.integers(-2, 2))
def test_grades_add_to_the_figure_they_divide(by_grade: dict[str, int], off: int) -> None:
    whole = round(Fraction(sum(by_grade.values()), CENT)) + off
    found = divided(by_grade, whole)  # type: ignore[arg-type]
    assert sum(found.values()) == (whole if by_grade else 0)
