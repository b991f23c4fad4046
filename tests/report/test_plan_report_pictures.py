"""The pictures of a workload: shares, colours and positions worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from plan_fixture import anatomy, clock, company_plan, empty_plan, window_plan

from baseload.plan.picture_parts import BatchClockPart, BlockPart
from baseload.report.plan_charts import plan_charts
from baseload.report.plan_pictures import anatomy_picture, clock_picture, tone_of
from baseload.report.plan_view import plan_view


def block(share: float | None, *, volatile: bool = False) -> BlockPart:
    return BlockPart(section="system", name="b", tokens=10, repeat_share=share, volatile=volatile, said="", mark="")


@pytest.mark.parametrize(
    ("share", "tone"),
    [(0.0, "0"), (0.19, "0"), (0.2, "1"), (0.5, "2"), (0.79, "3"), (0.8, "4"), (1.0, "4"), (None, "unknown")],
)
def test_the_colour_of_a_block_is_how_often_it_repeats(share: float | None, tone: str) -> None:
    assert tone_of(block(share)) == tone


def test_what_changes_too_early_is_told_apart_whatever_it_repeats() -> None:
    assert tone_of(block(0.9, volatile=True)) == "volatile"


def test_gaps_say_what_share_of_the_calls_each_life_reaches() -> None:
    session, _ = anatomy_picture(anatomy()).gaps

    # 120 + 900 + 410 of 1,760 calls come within five minutes, 1,745 within the hour
    assert session.within == (("5m", pytest.approx(1_430 / 1_760)), ("1h", pytest.approx(1_745 / 1_760)))
    assert [column.ends_life for column in session.columns] == ["", "", "5m", "", "1h", "", "", ""]
    assert [column.title for column in session.columns][-2:] == ["≤ 1 day", "over 1 day"]
    assert [column.height for column in session.columns][:2] == [13.3, 100.0]  # 120 of the tallest 900


def test_gaps_without_a_call_are_not_drawn() -> None:
    found = anatomy()
    none = msgspec.structs.replace(
        found.gaps[0], buckets=tuple(msgspec.structs.replace(one, calls=0) for one in found.gaps[0].buckets)
    )

    assert anatomy_picture(msgspec.structs.replace(found, gaps=(none,))).gaps == ()


def test_an_hour_without_a_call_is_not_drawn_and_the_busiest_is_darkest() -> None:
    arrivals = [0.0] * 168
    arrivals[24 + 9], arrivals[24 + 10] = 50.0, 10.0  # Tuesday
    found = clock_picture(msgspec.structs.replace(clock(), arrivals=tuple(arrivals)))

    assert [(cell.day, cell.hour, cell.level) for cell in found.cells] == [(1, 9, 5), (1, 10, 2)]
    assert found.busiest == "Tuesday, 09:00"
    assert found.hours[9].arrivals == (0.0, 50.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_a_batch_that_ends_after_midnight_ends_at_the_edge() -> None:
    last = clock_picture(clock()).batches[-1]

    # opened at 20:00:40, sent at 21:00:40: 72,040 and 75,640 of 86,400 seconds, over 2,400 units
    assert (last.start, last.sent, last.end) == (2001.1, 2101.1, 2400.0)


def test_a_clock_without_anything_is_drawn_empty() -> None:
    nothing = BatchClockPart(
        weeks=1.0,
        arrivals=(0.0,) * 168,
        answers_batch=(0.0,) * 168,
        answers_sync=(0.0,) * 168,
        closings=(0.0,) * 24,
        day="2026-11-17",
        batches=(),
    )

    assert clock_picture(nothing).cells == ()


def test_the_bars_of_the_waterfall_are_the_dollars_of_its_steps() -> None:
    document = company_plan()
    _, bars, whiskers, _ = plan_charts(document)["waterfall"].option["baseOption"]["series"]

    parts = document.totals.waterfall
    for bar, part in zip(bars["data"], parts, strict=True):
        _, start, end, _ = bar["value"]
        drawn = float(part.after_usd) if part.saving is None else abs(float(part.saving.likely_usd))
        assert end - start == pytest.approx(drawn)
    # effort: 64,781.40 likely, 58,303.26 to 69,963.91 of the 2,311,390.42 before it
    assert whiskers["data"][2] == [2, pytest.approx(2311390.42 - 69963.91), pytest.approx(2311390.42 - 58303.26)]


def test_the_bars_of_the_table_float_where_those_of_the_chart_do() -> None:
    document = company_plan()
    bill = Decimal(document.totals.as_billed_usd)
    for row in plan_view(document).waterfall:
        after = float(Decimal(row.part.after_usd) / bill) * 200  # drawing units
        assert row.bar.start == pytest.approx(0 if row.part.saving is None else after, abs=0.02)
        if row.part.saving:
            width = float(Decimal(row.part.saving.likely_usd) / bill) * 200
            assert row.bar.width == pytest.approx(max(width, 1.5), abs=0.02)


def test_only_what_the_document_has_is_charted() -> None:
    assert set(plan_charts(window_plan())) == {"waterfall"}
    assert set(plan_charts(empty_plan())) == {"waterfall"}
