"""It must look like a company, not noise."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from demo_window import END, SCALE, WINDOW

from baseload.demo.billing import BillLine
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.simulate import era_of
from baseload.demo.truth import Truth
from baseload.values import date_of_day, day_of_date, iso_day

YEAR = 365 / 28


def dollars(lines: tuple[BillLine, ...], **wanted: str) -> dict[int, float]:
    """List dollars by day, at the size of the whole company."""
    days = dict.fromkeys(range(WINDOW.start_day, WINDOW.end_day_exclusive), 0.0)
    for line in lines:
        if all(getattr(line, name) == value for name, value in wanted.items()):
            days[line.day] += sum(line.list_nano) / 1e9 / SCALE
    return days


def recent(days: dict[int, float]) -> float:
    return sum(amount for day, amount in days.items() if day >= END - 28) * YEAR


def test_about_two_million_a_year_goes_to_the_dearest_lines(lines: tuple[BillLine, ...]) -> None:
    dear = [line for line in lines if line.model.startswith(("claude-opus", "claude-fable"))]
    assert 1.8e6 < recent(dollars(tuple(dear))) < 2.4e6
    assert recent(dollars(tuple(dear))) > 0.8 * recent(dollars(lines))


def test_one_flagship_model_holds_most_of_the_spend(lines: tuple[BillLine, ...]) -> None:
    flagship = recent(dollars(lines, model="claude-opus-4-8"))
    assert 0.6 < flagship / recent(dollars(lines)) < 0.85


def test_more_than_a_dozen_services_and_none_is_half_of_the_spend(lines: tuple[BillLine, ...]) -> None:
    shares = [recent(dollars(lines, service=service.name)) for service in LARKFIELD.services]
    assert len(shares) >= 12
    assert min(shares) > 0
    assert max(shares) < 0.3 * sum(shares)


def test_weekends_are_quiet(lines: tuple[BillLine, ...]) -> None:
    days = dollars(lines)
    weekday = np.mean([amount for day, amount in days.items() if date_of_day(day).weekday() < 5])
    weekend = np.mean([amount for day, amount in days.items() if date_of_day(day).weekday() >= 5])
    assert 0.2 < weekend / weekday < 0.6


def test_a_holiday_is_quieter_than_the_same_weekday_around_it(lines: tuple[BillLine, ...]) -> None:
    days = dollars(lines)
    labor_day = day_of_date(dt.date(2026, 9, 7))
    assert days[labor_day] < 0.9 * min(days[labor_day - 7], days[labor_day + 7])


def test_the_incident_is_the_highest_day_of_the_run_rate_window(lines: tuple[BillLine, ...]) -> None:
    days = dollars(lines)
    assert max(range(END - 28, END), key=days.__getitem__) == END - LARKFIELD.incident_before_end


def test_contracts_peak_at_month_end(lines: tuple[BillLine, ...]) -> None:
    days = dollars(lines, service="contract-extraction")
    # 31 August 2026 is a Monday: its run reads Friday's and Monday's papers; 27 and 28 are the working days before
    peak = days[day_of_date(dt.date(2026, 8, 28))]
    usual = days[day_of_date(dt.date(2026, 8, 21))]
    assert 1.4 < peak / usual < 2.1


def test_a_launch_shows_as_a_step(lines: tuple[BillLine, ...]) -> None:
    days = dollars(lines, service="help-center-answers")
    launch = END - 130
    before, after = sum(days[launch - back] for back in range(1, 8)), sum(days[launch + on] for on in range(7))
    assert after > 6 * before


def test_work_grows_over_the_half_year_although_prices_fall(lines: tuple[BillLine, ...]) -> None:
    calls = dict.fromkeys(("first", "last"), 0)
    for line in lines:
        if line.service == "claude-code":
            calls["first"] += line.counts[0] * (line.day < WINDOW.start_day + 28)
            calls["last"] += line.counts[0] * (line.day >= END - 28)
    # 5 % a month over the 156 days between the middles of the two windows: 1.05 ** 5.2 = 1.29
    assert 1.15 < calls["last"] / calls["first"] < 1.45


@pytest.mark.parametrize("service", LARKFIELD.services, ids=lambda service: service.name)
def test_every_service_changes_models_only_forwards(service: object) -> None:
    starts = [era.start for era in service.eras]  # type: ignore[attr-defined] # parametrised by pytest
    assert starts == sorted(starts)
    assert starts[0] == ""


def test_the_era_of_a_day_is_the_last_that_has_started() -> None:
    eras = next(service for service in LARKFIELD.services if service.name == "claude-code").eras
    day = day_of_date(dt.date(2026, 7, 27))
    assert [era_of(eras, day - 1).model, era_of(eras, day).model] == ["claude-opus-4-8", "claude-opus-5"]


def test_no_call_starts_outside_the_window(truth: Truth) -> None:
    for name, run in truth.runs.items():
        starts = run.sample["start_us"]
        assert not len(starts) or WINDOW.start_day <= starts.min() // 86_400_000_000, name
        assert not len(starts) or starts.max() // 86_400_000_000 < END, name
        assert {iso_day(cell.day) for cell in run.cells} <= {iso_day(day) for day in range(WINDOW.start_day, END)}
