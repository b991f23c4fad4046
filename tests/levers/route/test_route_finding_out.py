"""What finding out costs, worked out by hand from tokens and rates of the packaged book."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from baseload.levers.position import Position
from baseload.levers.route.finding_out import bars_by_workload, finding_out, trial_plan_command
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.project_bars import BarTable, JudgeTable, LabelTable
from baseload.values import Tokens, day_of_date

DAY = day_of_date(dt.date(2026, 11, 22))


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def position(model: str = "claude-opus-5-5", requests: int | None = 1_000, platform: str = "anthropic") -> Position:
    """A thousand calls of 3,000 tokens in and 400 out."""
    return Position(
        workload="triage",
        key=PriceKey(model, platform, "global", "standard", "standard", "0-100k"),
        requests=requests,
        tokens=Tokens(uncached_input_tokens=3_000_000, output_tokens=400_000),
        list_nano=10_000_000_000,
        list_high_nano=10_000_000_000,
    )


def bar(**given: object) -> BarTable:
    return BarTable(**({"workload": "triage", "grader": LabelTable(truth="t.jsonl"), "budget_usd": "9"} | given))  # type: ignore[arg-type]  # plain fields by name


def test_without_a_bar_the_default_margin_is_assumed_and_said(book: PriceBook) -> None:
    found = finding_out([position()], "claude-haiku-5-5", None, book, DAY)

    assert found is not None
    assert (found.margin, found.bar_is_set, found.judged, found.transport) == (0.02, False, False, "batch")
    assert found.calls < found.horizon


def test_the_dollars_are_calls_sent_times_a_call_in_a_batch(book: PriceBook) -> None:
    """Looks are 50, 100, 200, 400 …: calls sent are the first of those that reach `calls`, at most the horizon. A call
    on Haiku 5.5 in a batch: 3,000 x 0.05 + 400 x 0.25 USD per million = 0.00025. The incumbent is asked again on 50: on
    Opus 5.5 3,000 x 2 + 400 x 10 USD per million = 0.01 each."""
    found = finding_out([position()], "claude-haiku-5-5", None, book, DAY)

    assert found is not None
    sent = min(found.horizon, next(size for size in (50 * 2**n for n in range(20)) if size >= found.calls))
    assert found.usd.likely == Decimal("0.00025") * sent + Decimal("0.01") * 50


def test_months_to_pay_back_are_dollars_over_the_saving_a_month(book: PriceBook) -> None:
    found = finding_out([position()], "claude-sonnet-5-5", None, book, DAY, saving_a_month_usd=Decimal(2))
    nothing = finding_out([position()], "claude-sonnet-5-5", None, book, DAY, saving_a_month_usd=Decimal(-1))

    assert found is not None
    assert nothing is not None
    assert found.payback_months == (found.usd.likely / 2).quantize(Decimal("0.01"))
    assert nothing.payback_months is None


def test_zero_data_retention_has_no_batches_and_costs_twice(book: PriceBook) -> None:
    batch = finding_out([position()], "claude-haiku-5-5", None, book, DAY)
    alone = finding_out([position()], "claude-haiku-5-5", None, book, DAY, zero_data_retention=True)

    assert batch is not None
    assert alone is not None
    assert alone.transport == "synchronous"
    assert alone.usd.likely == pytest.approx(batch.usd.likely * 2, rel=Decimal("0.0001"))


def test_a_judge_costs_more_and_takes_more_calls(book: PriceBook) -> None:
    label = finding_out([position()], "claude-haiku-5-5", bar(), book, DAY)
    judged = finding_out([position()], "claude-haiku-5-5", bar(grader=JudgeTable(model="claude-opus-5-5")), book, DAY)

    assert label is not None
    assert judged is not None
    assert (label.bar_is_set, label.judged, judged.judged) == (True, False, True)
    assert judged.calls > label.calls
    assert judged.usd.likely > label.usd.likely * 5


def test_a_wider_margin_takes_fewer_calls(book: PriceBook) -> None:
    wide = finding_out([position()], "claude-haiku-5-5", bar(margin=0.05), book, DAY)
    usual = finding_out([position()], "claude-haiku-5-5", bar(), book, DAY)

    assert wide is not None
    assert usual is not None
    assert wide.calls * 4 < usual.calls


def test_nothing_is_said_where_calls_are_not_counted_or_the_model_has_no_price(book: PriceBook) -> None:
    assert finding_out([position(requests=None)], "claude-haiku-5-5", None, book, DAY) is None
    assert finding_out([position()], "no-such-model", None, book, DAY) is None
    assert finding_out([], "claude-haiku-5-5", None, book, DAY) is None


def test_dollars_without_a_count_of_calls_are_left_out(book: PriceBook) -> None:
    """A report's dollars beyond the calls that were seen: what matters is what one call costs."""
    counted = finding_out([position()], "claude-haiku-5-5", None, book, DAY)
    assert finding_out([position(), position(requests=None)], "claude-haiku-5-5", None, book, DAY) == counted


def test_a_bar_binds_by_id_and_else_by_name() -> None:
    by_name, by_id = bar(workload="Email triage"), bar(workload="wl-1", margin=0.05)

    assert bars_by_workload([by_name], {"wl-1": "Email triage", "wl-2": "Other"}) == {"wl-1": by_name}
    assert bars_by_workload([by_name, by_id], {"wl-1": "Email triage"}) == {"wl-1": by_id}


def test_the_command_quotes_what_a_shell_would_split() -> None:
    assert trial_plan_command("Email triage", "m") == "baseload trial plan 'Email triage' --model m"
