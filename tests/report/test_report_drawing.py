"""Bars and sparklines that need no script: one scale, one zero, nothing outside the box."""

from __future__ import annotations

import re
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from baseload.report import bars, palette, spark


def test_a_range_is_drawn_on_the_scale_of_its_table() -> None:
    draw = bars.scale([Decimal(-50), Decimal(150)])  # 200 dollars over 200 units: zero at 50

    assert draw(Decimal(0), Decimal(150)) == bars.RangeBar(start=50.0, width=150.0, zero=50.0)
    assert draw(Decimal(-50), Decimal(25)) == bars.RangeBar(start=0.0, width=75.0, zero=50.0)


def test_a_range_without_width_is_still_seen() -> None:
    bar = bars.scale([Decimal(100)])(Decimal(100), Decimal(100))

    assert (bar.start, bar.width) == (198.5, 1.5)


def test_nothing_to_scale_draws_at_zero() -> None:
    assert bars.scale([])(Decimal(0), Decimal(0)).start == 0.0


amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=2)


@given(st.lists(amounts, min_size=2, max_size=8))
def test_no_bar_leaves_its_box(ends: list[Decimal]) -> None:
    bar = bars.scale(ends)(ends[0], ends[1])

    assert 0 <= bar.start <= bar.start + bar.width <= bars.WIDTH + 0.01
    assert 0 <= bar.zero < bars.WIDTH


def test_weeks_are_counted_back_from_the_last_day() -> None:
    days = ["9"] * 3 + ["1"] * 7 + ["3"] * 7  # the three first days are no whole week

    drawn = spark.weekly(days, width=10, height=12)
    assert drawn.line == "M0 7.7L10 1"  # one third of ten pixels up, then the top


def test_one_day_draws_no_line() -> None:
    assert spark.daily(["5"]).line == ""
    assert spark.weekly(["5"] * 13).line == ""


def test_a_week_without_spend_lies_on_the_ground() -> None:
    assert spark.daily(["0", "0", "0"], width=4, height=10).line == "M0 9L2 9L4 9"


def test_a_thousand_days_are_averaged_into_few_points() -> None:
    assert len(re.findall("[ML]", spark.daily(["1"] * 1_000).line)) <= spark.MOST_POINTS


def test_models_keep_the_hue_of_their_line_and_lose_shade_by_rank() -> None:
    models = [
        "claude-opus-5",
        "claude-opus-5-5",
        "claude-mythos-5",
        "claude-fable-5",
        *[f"claude-haiku-{n}" for n in range(8)],
        "?x",
    ]

    slots = palette.model_slots(models)
    assert [slots[model] for model in models[:4]] == ["opus-0", "opus-1", "fable-0", "fable-1"]
    assert slots["claude-haiku-7"] == "haiku-5"  # the sixth shade serves all that follow
    assert slots["?x"] == "other-0"


def test_a_lever_nobody_knows_is_drawn_as_if_it_needed_a_test() -> None:
    assert palette.tone("teleport") == "test"


def test_a_range_of_nothing_is_not_drawn() -> None:
    assert bars.scale([Decimal(100)])(Decimal(0), Decimal(0)).width == 0
