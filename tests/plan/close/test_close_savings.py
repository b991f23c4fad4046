"""Realised against planned, at this month's volume and text; and the year's bill."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from close_company import AFTER, BEFORE, BIG, OLD, Company, Use, alike, request

from baseload.plan.close.document import ForecastPart, SavingsPart
from baseload.plan.close.forecast import fiscal_year
from baseload.plan.close.months import month_window
from baseload.plan.close.promises import Promise, Promises
from baseload.plan.close.run import close_month
from baseload.project import Invoice
from baseload.values import day_of_date, iso_day

# one workload of 74.40 USD a month: 18.6 M prompt tokens at 3, 1.24 M output tokens at 15 (test_close_effects)


def promised(saved: int, *, shortens: bool = False) -> Promises:
    """A plan of July that saves `saved` of the 100 it bills."""
    promise = Promise(workload="triage", name="triage", billed_nano=100, saved_nano=saved, shortens=shortens)
    return Promises(plan_id="p-1", window=month_window(BEFORE), promises=(promise,), sha256="")


def saved(promises: Promises, more: dict[str, tuple[Use, Use]] | None = None, **change: Any) -> SavingsPart:
    pairs = {"triage": alike(Use(), **change), **(more or {})}
    company = Company(
        before={name: pair[0] for name, pair in pairs.items()}, after={name: pair[1] for name, pair in pairs.items()}
    )
    found = close_month(request(company, promises=promises))[0].figures.savings
    assert found
    return found


def test_half_of_the_calls_in_batch_saves_a_quarter() -> None:
    found = saved(promised(25), batch=50)
    assert (found.planned_usd, found.realised_usd, found.realization) == ("18.60", "18.60", 1.0)


def test_growth_is_neither_a_saving_nor_a_loss() -> None:
    # three times the calls, half of them in batch: planned and realised are three times as much
    found = saved(promised(25), per_day=300, batch=50)
    assert (found.planned_usd, found.realised_usd) == ("55.80", "55.80")


def test_longer_prompts_are_not_held_against_the_plan() -> None:
    # 18.6 M more prompt tokens: 130.20 USD before, a quarter of it planned and saved
    found = saved(promised(25), prompt=12_000, batch=50)
    assert (found.planned_usd, found.realised_usd) == ("32.55", "32.55")


def test_half_of_what_was_planned_is_a_ratio_of_a_half() -> None:
    assert saved(promised(50), batch=50).realization == 0.5


def test_what_costs_more_is_negative() -> None:
    # all to Opus 4.6 at 5/25: 18.6 x 2 + 1.24 x 10 dearer
    assert saved(promised(50), models={BIG: 100}).realised_usd == "-49.60"


def test_shorter_answers_count_where_the_plan_changes_model_or_effort() -> None:
    # 100 fewer tokens on 3,100 calls at 15
    assert saved(promised(10, shortens=True), output=300).realised_usd == "4.65"
    assert saved(promised(10), output=300).realised_usd == "0.00"


def test_a_change_outside_the_plan_counts_beside_it() -> None:
    found = saved(promised(25), {"claims": alike(Use(), batch=100)}, batch=50)
    assert (found.realised_usd, found.outside_usd) == ("18.60", "37.20")
    assert [(part.id, part.planned_usd) for part in found.workloads] == [("triage", "18.60"), ("claims", None)]


def test_what_is_outside_the_plan_and_calls_as_before_is_not_listed() -> None:
    found = saved(promised(25), {"claims": alike(Use(), per_day=300)}, batch=50)
    assert [part.id for part in found.workloads] == ["triage"]


def test_a_planned_workload_without_usage_then_is_said_and_not_counted() -> None:
    company = Company(before={"claims": Use()}, after={"claims": Use(), "triage": Use()})
    found = close_month(request(company, promises=promised(25)))[0].figures.savings
    assert found
    assert (found.planned_usd, found.realised_usd, found.realization) == ("0.00", "0.00", None)
    assert found.note.startswith("1 of 1 planned workloads")


def test_cost_per_call_is_before_and_now_at_the_same_volume() -> None:
    (part,) = saved(promised(25), per_day=300, batch=50).workloads
    # 0.024 USD a call, three quarters of it now
    assert (part.before_usd_per_call, part.now_usd_per_call) == ("0.024", "0.018")


def test_savings_are_also_told_as_paid() -> None:
    company = Company(before={"triage": Use()}, after={"triage": Use(batch=50)}, paid=(80, 80))
    found = close_month(request(company, promises=promised(25)))[0].figures.savings
    assert found
    assert (found.realised_usd, found.realised_paid_usd) == ("18.60", "14.88")


# the year


def forecast(company: Company, **more: Any) -> ForecastPart:
    found = close_month(request(company, **more))[0].figures.forecast
    assert found
    return found


STEADY = Company(before={"triage": Use()}, after={"triage": Use()})


def test_the_rest_of_the_year_is_the_run_rate_at_the_months_end() -> None:
    found = forecast(STEADY)
    # 62 days at 2.40 so far, 122 days from September on at 2.40; every week is alike, so the interval is a point
    assert (found.so_far_usd, found.remaining_days, found.remaining_usd) == ("148.80", 122, "292.80")
    assert (found.year_usd, found.low_usd, found.high_usd) == ("441.60", "441.60", "441.60")
    assert found.missing_months == tuple(f"2026-{month:02d}" for month in range(1, 7))


def test_a_fiscal_year_may_begin_in_any_month() -> None:
    found = forecast(STEADY, fiscal_year_start=8)
    assert (found.fiscal_year_start, found.fiscal_year_end_exclusive) == ("2026-08-01", "2027-08-01")
    assert [(part.month, part.bill_usd) for part in found.months] == [(AFTER, "74.40")]
    assert found.remaining_days == 334


@pytest.mark.parametrize(
    ("month", "first", "start"),
    [("2026-01", 2, "2025-02-01"), ("2026-02", 2, "2026-02-01"), ("2026-12", 1, "2026-01-01")],
)
def test_the_fiscal_year_holds_its_month(month: str, first: int, start: str) -> None:
    assert iso_day(fiscal_year(month, first).start_day) == start


def test_invoices_set_what_a_list_dollar_costs() -> None:
    bills = (
        Invoice(month=BEFORE, amount="89.28", seats="14.88", account="acme"),
        Invoice(month=AFTER, amount="69.28", seats="14.88", credits="20.00", account="acme"),
    )
    company = Company(before={"triage": Use()}, after={"triage": Use()}, paid=(100, 100), invoices=bills)
    found = forecast(company)
    # 89.28 for 74.40 at list, the one-off credit left out: 1.2 x 292.80
    assert found.bill_per_list_dollar == pytest.approx(1.2)
    assert (found.so_far_usd, found.remaining_usd) == ("158.56", "351.36")


def test_a_month_without_its_invoice_is_estimated_by_the_last_that_has_one() -> None:
    bills = (Invoice(month=BEFORE, amount="89.28", seats="14.88", account="acme"),)
    company = Company(before={"triage": Use()}, after={"triage": Use()}, paid=(100, 100), invoices=bills)
    found = forecast(company)
    assert [(part.month, part.bill_usd, part.basis) for part in found.months] == [
        (BEFORE, "89.28", "invoice"),
        (AFTER, "89.28", "estimated"),
    ]


def test_too_few_days_make_no_forecast() -> None:
    short = Company(before={}, after={"triage": Use(days=10)})
    found = forecast(short)
    assert (found.year_usd, found.low_usd) == (None, None)
    assert "a run rate needs at least 14" in found.why_null


def test_a_running_month_goes_on_from_its_last_day_of_data() -> None:
    running = Company(before={"triage": Use()}, after={"triage": Use(days=20)})
    found = forecast(running, as_of_day=day_of_date(dt.date(2026, 8, 21)))
    assert found.remaining_days == 133
    assert found.year_usd == "441.60"


def test_the_rest_of_the_plan_is_a_share_of_the_rest_of_the_year() -> None:
    company = Company(before={"triage": Use()}, after={"triage": Use(models={OLD: 100})})
    found = forecast(company, promises=promised(25))
    # nothing realised yet: a quarter of 292.80 would go
    assert found.if_plan_lands_usd == "368.40"
