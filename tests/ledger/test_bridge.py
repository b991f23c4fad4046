"""Invoice to ledger: every line by hand, and the lines always add up to the invoice."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from spend_rows import call, cost, key, report, table

from baseload.ledger.bridge import Bridge, MonthBridge, bridge_months
from baseload.ledger.scope import settle
from baseload.project import Invoice
from baseload.values import DAY_US, Table, day_of_date

USD = 10**9
MAY = day_of_date(dt.date(2026, 5, 1))
JUNE = day_of_date(dt.date(2026, 6, 1))


def bridge(*rows: dict[str, Any], invoices: list[Invoice], restated: Table | None = None) -> Bridge:
    return bridge_months(settle(table(*rows)), invoices, restated)


def invoice(amount: str, month: str = "2026-05", **parts: str) -> Invoice:
    return Invoice(month=month, amount=amount, **parts)


def lines(month: MonthBridge) -> dict[str, int]:
    return {line.label: line.nano for line in month.lines}


def revised(first_rank: int | None, first: int, current: int) -> Table:
    values: dict[str, Any] = {"day": MAY, "source": "analytics_api", "account": "", "first_nano": first}
    values["current_nano"] = current
    if first_rank is not None:
        values["first_rank"] = first_rank
    return {
        name: np.array([value], dtype=object if isinstance(value, str) else np.int64) for name, value in values.items()
    }


def test_tax_credits_seats_and_the_ledger_explain_the_invoice() -> None:
    (month,) = bridge(
        cost(day=MAY, billed=1_000 * USD, listed=1_250 * USD),
        invoices=[invoice("1125", tax="75", credits="50", seats="100")],
    ).months
    # 1,125 = 75 tax - 50 credits + 100 seats + 1,000 ledger
    assert lines(month) == {
        "Tax": 75 * USD,
        "Credits": -50 * USD,
        "Seats": 100 * USD,
        "Unattributed": 0,
        "Ledger": 1_000 * USD,
    }
    assert (month.status, month.explained_share) == ("reconciled", 1.0)


def test_what_no_source_holds_is_unattributed() -> None:
    found = bridge(cost(day=MAY, billed=960 * USD, listed=960 * USD), invoices=[invoice("1000")])
    assert lines(found.months[0])["Unattributed"] == 40 * USD
    assert (found.months[0].explained_share, found.status) == (0.96, "reconciled")


def test_under_95_per_cent_is_partial() -> None:
    found = bridge(cost(day=MAY, billed=940 * USD, listed=940 * USD), invoices=[invoice("1000")])
    assert (found.status, found.months[0].status) == ("PARTIAL", "PARTIAL")
    assert "94.0% of the usage on the invoice is explained, under 95%" in found.status_why


def test_seats_cannot_hide_missing_usage() -> None:
    found = bridge(cost(day=MAY, billed=50 * USD, listed=50 * USD), invoices=[invoice("10100", seats="10000")])
    assert found.months[0].explained_share == 0.5  # of 100 of usage; of the whole invoice it would be 99.5 %
    assert found.status == "PARTIAL"


def test_too_much_in_the_ledger_is_as_unexplained_as_too_little() -> None:
    (month,) = bridge(cost(day=MAY, billed=1_100 * USD, listed=1_100 * USD), invoices=[invoice("1000")]).months
    assert lines(month)["Unattributed"] == -100 * USD
    assert (month.explained_share, month.status) == (0.9, "PARTIAL")


def test_without_an_invoice_it_is_not_reconciled() -> None:
    found = bridge(cost(day=MAY, billed=USD), invoices=[])
    assert (found.status, found.months) == ("not reconciled", ())


def test_a_model_off_the_provider_s_list_price_is_partial() -> None:
    found = bridge(
        report(day=MAY, plain=101 * 10**8),  # 101 USD at list
        cost(day=MAY, billed=90 * USD, listed=100 * USD),
        invoices=[invoice("90")],
    )
    assert found.status == "PARTIAL"
    assert "opus +1.0%" in found.months[0].why


def test_priority_usage_is_a_line_of_its_own_and_not_in_the_ledger() -> None:
    (month,) = bridge(
        report(day=MAY, plain=10**9, price_key=key(tier="priority")),  # 10 USD at list
        report(day=MAY, plain=10**10),  # 100 USD
        cost(day=MAY, billed=100 * USD, listed=100 * USD),
        invoices=[invoice("110")],
    ).months
    assert lines(month) == {"Priority tier": 10 * USD, "Unattributed": 0, "Ledger": 100 * USD}
    assert [line.grade for line in month.lines if line.label == "Priority tier"] == ["assumed"]


def test_other_channels_are_named_and_never_added() -> None:
    bedrock = call(day=MAY, plain=10**9, price_key=key(platform="bedrock", band="0-100k"))
    (month,) = bridge(bedrock, cost(day=MAY, billed=100 * USD), invoices=[invoice("100")]).months
    assert lines(month) == {"Cloud channels": 0, "Unattributed": 0, "Ledger": 100 * USD}
    assert "10.00 USD by aws" in next(line.note for line in month.lines if line.label == "Cloud channels")
    (cloud,) = bridge(bedrock, invoices=[invoice("10", channel="aws")]).months
    assert (lines(cloud)["Ledger"], cloud.status) == (10 * USD, "reconciled")


def test_days_without_a_cost_report_count_at_list_price_and_say_so() -> None:
    (month,) = bridge(
        cost(day=MAY, billed=80 * USD, listed=100 * USD),
        report(day=MAY + 1, plain=2 * 10**9),  # 20 USD
        invoices=[invoice("100")],
    ).months
    assert lines(month)["Ledger"] == 100 * USD
    ledger = month.lines[-1]
    assert (ledger.grade, ledger.note.split(",")[0]) == ("measured", "20.00 of it at list price")


def test_a_month_s_bill_covers_all_its_days() -> None:
    (month,) = bridge(
        cost(day=MAY, grain="month", billed=100 * USD, end=JUNE),
        call(day=MAY + 9, plain=10**9),
        invoices=[invoice("100")],
    ).months
    assert lines(month) == {"Unattributed": 0, "Ledger": 100 * USD}


def test_another_currency_is_never_compared() -> None:
    found = bridge(cost(day=MAY, billed=100 * USD), invoices=[invoice("100", currency="EUR", tax="19")])
    (month,) = found.months
    assert lines(month) == {"Tax": 19 * USD, "Unattributed": 81 * USD, "Ledger": 0}
    assert (month.explained_share, month.status, found.status) == (0.0, "PARTIAL", "PARTIAL")


def test_invoices_of_one_month_and_channel_are_one() -> None:
    (month,) = bridge(cost(day=MAY, billed=100 * USD), invoices=[invoice("60"), invoice("40")]).months
    assert (month.invoice_nano, month.status) == (100 * USD, "reconciled")


def test_an_invoice_of_an_account_takes_that_account_s_usage() -> None:
    rows = [cost(day=MAY, billed=100 * USD, account="a"), cost(day=MAY, billed=7 * USD, account="b")]
    found = bridge(*rows, invoices=[invoice("100", account="a"), invoice("7")])
    assert {month.account: lines(month)["Ledger"] for month in found.months} == {"": 7 * USD, "a": 100 * USD}
    assert found.status == "reconciled"


def test_a_closed_month_that_was_revised_later_shows_a_restatement() -> None:
    after = (JUNE + 3) * DAY_US
    (month,) = bridge(
        cost(day=MAY, billed=103 * USD),
        invoices=[invoice("100")],
        restated=revised(after, first=100 * USD, current=103 * USD),
    ).months
    assert lines(month) == {"Restatement": -3 * USD, "Unattributed": 0, "Ledger": 103 * USD}
    assert month.explained_share == 1.0


def test_a_statement_that_was_only_completed_is_no_restatement() -> None:
    during = (MAY + 3) * DAY_US
    for first_rank in (during, 12_345):  # inside the month; undated
        (month,) = bridge(
            cost(day=MAY, billed=100 * USD),
            invoices=[invoice("100")],
            restated=revised(first_rank, first=10 * USD, current=100 * USD),
        ).months
        assert "Restatement" not in lines(month)


def test_a_month_before_the_last_without_an_invoice_keeps_it_partial() -> None:
    rows = [cost(day=MAY, billed=5 * USD), cost(day=JUNE, billed=100 * USD)]
    found = bridge(*rows, invoices=[invoice("100", month="2026-06")])
    assert (found.status, found.status_why) == ("PARTIAL", "no invoice for 2026-05 anthropic")
    found = bridge(*rows, invoices=[invoice("5", month="2026-05")])
    assert found.status == "reconciled"  # June is still open


def test_a_month_whose_beginning_is_missing_needs_no_invoice() -> None:
    rows = [cost(day=MAY + 19, billed=5 * USD), cost(day=JUNE, billed=100 * USD)]
    found = bridge(*rows, invoices=[invoice("100", month="2026-06")])
    assert found.status == "reconciled"


@settings(max_examples=50, deadline=None)
@given(*(st.integers(0, 10**6) for _ in range(4)), st.integers(0, 10**6), st.integers(-(10**6), 10**6))
def test_the_lines_add_up_to_the_invoice(
    amount: int, tax: int, credits_: int, seats: int, billed: int, delta: int
) -> None:
    (month,) = bridge(
        cost(day=MAY, billed=billed),
        report(day=MAY + 1, plain=7, price_key=key(tier="priority")),
        invoices=[invoice(str(amount), tax=str(tax), credits=str(credits_), seats=str(seats))],
        restated=revised((JUNE + 1) * DAY_US, 0, delta),
    ).months
    assert sum(line.nano for line in month.lines) == month.invoice_nano
    assert 0 <= month.explained_share <= 1
