"""Workloads by total cost = cost per inference x volume: worked by hand, exact, and honest about missing counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from workload_tables import USD, text

from baseload.values import TOKEN_CLASSES, Table, Window, Workload
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.ranking import how_few, rank, top_model

WINDOW = Window(start_day=100, end_day_exclusive=103)


def workload(name: str) -> Workload:
    return Workload(id=f"w-{name}", name=name, stage="owner", why="test")


def spend(*rows: Mapping[str, object]) -> Table:
    """Spend rows: signature, day, usd; by default 1 request, 10 tokens of each class, priced, not billed."""
    plain: dict[str, object] = dict.fromkeys(TOKEN_CLASSES, 10)
    plain |= {"day": 100, "model": "m", "source": "messages", "requests": 1, "usd": 0, "priced": 1, "billed": None,
              "sampling_rate": 1, "cost_type": "", "rows": 1}  # fmt: skip
    full = [plain | row for row in rows]
    columns: dict[str, object] = {
        name: np.array([row[name] for row in full], dtype=np.int64)
        for name in ("day", "priced", "sampling_rate", "rows", *TOKEN_CLASSES)
    }
    columns |= {name: text([row[name] for row in full]) for name in ("signature", "model", "source", "cost_type")}
    columns["requests"] = nullable([row["requests"] for row in full])
    columns["billed_nano_usd"] = nullable([None if row["billed"] is None else row["billed"] * USD for row in full])  # type: ignore[operator]
    columns["requests_known"] = np.array([int(row["requests"] is not None) for row in full], dtype=np.int64)
    columns["list_nano"] = np.array([row["usd"] * USD for row in full], dtype=np.int64)  # type: ignore[operator]
    columns["list_high_nano"] = columns["list_nano"]
    return columns  # type: ignore[return-value]


def nullable(values: Sequence[object]) -> object:
    return np.ma.array([value or 0 for value in values], mask=[value is None for value in values], dtype=np.int64)


def test_the_dearest_in_total_comes_first_whatever_one_call_costs() -> None:
    # big: 1,000 calls at 0.09 = 90 USD; dear: 5 calls at 2 = 10 USD
    found = rank(
        spend({"signature": "d", "usd": 10, "requests": 5}, {"signature": "b", "usd": 90, "requests": 1000}),
        {"b": workload("big"), "d": workload("dear")},
        WINDOW,
    )
    assert [(one.rank, one.workload.name, one.usd_per_request) for one in found.workloads] == [
        (1, "big", Decimal("0.09")),
        (2, "dear", Decimal(2)),
    ]
    assert [one.share for one in found.workloads] == [0.9, 0.1]
    assert [one.cumulative_share for one in found.workloads] == [0.9, 1.0]
    assert (found.list_nano, found.requests, found.workloads_for_80_percent) == (100 * USD, 1005, 1)


def test_one_row_without_a_count_makes_the_cost_per_inference_unknown() -> None:
    found = rank(
        spend({"signature": "a", "usd": 1, "requests": 10}, {"signature": "a", "usd": 1, "requests": None}),
        {"a": workload("a")},
        WINDOW,
    ).workloads[0]
    assert (found.requests, found.usd_per_request, found.list_nano) == (None, None, 2 * USD)


def test_a_cost_reports_rows_count_no_calls_and_hide_none() -> None:
    zero = dict.fromkeys(TOKEN_CLASSES, 0)
    found = rank(
        spend(
            {"signature": "a", "usd": 3, "requests": 2},
            {"signature": "a", "requests": None, "cost_type": "tokens", "billed": 2, "priced": 0} | zero,
        ),
        {"a": workload("a")},
        WINDOW,
    ).workloads[0]
    assert (found.requests, found.billed_nano, found.unpriced_rows) == (2, 2 * USD, 0)
    assert found.usd_per_request == Decimal("1.5")


def test_dollars_without_tokens_say_nothing_about_calls() -> None:
    zero = dict.fromkeys(TOKEN_CLASSES, 0)
    row = {"signature": "a", "usd": 4, "requests": None} | zero
    assert rank(spend(row), {"a": workload("a")}, WINDOW).workloads[0].requests is None
    found = rank(spend(row, {"signature": "a", "usd": 1, "requests": 9}), {"a": workload("a")}, WINDOW)
    assert found.workloads[0].requests == 9


def test_no_bill_is_none_and_not_zero() -> None:
    assert rank(spend({"signature": "a", "usd": 1}), {"a": workload("a")}, WINDOW).workloads[0].billed_nano is None


def test_tokens_stay_in_their_classes() -> None:
    row = {"signature": "a", "uncached_input_tokens": 1, "cache_read_tokens": 2, "cache_write_5m_tokens": 3,
           "cache_write_1h_tokens": 4, "output_tokens": 5}  # fmt: skip
    tokens = rank(spend(row, row), {"a": workload("a")}, WINDOW).workloads[0].tokens
    assert (tokens.prompt_tokens, tokens.output_tokens, tokens.cache_read_tokens) == (20, 10, 4)


def test_models_of_a_workload_are_listed_dearest_first_and_unknown_ones_too() -> None:
    found = rank(
        spend(
            {"signature": "a", "usd": 1, "model": "haiku", "requests": 7},
            {"signature": "a", "usd": 5, "model": "opus", "requests": None},
            {"signature": "a", "model": "", "priced": 0},
        ),
        {"a": workload("a")},
        WINDOW,
    ).workloads[0]
    assert [(one.model, one.list_nano, one.requests) for one in found.models] == [
        ("opus", 5 * USD, None),
        ("haiku", USD, 7),
        ("", 0, 1),
    ]
    assert found.unpriced_rows == 1


def test_days_of_the_window_are_all_there_and_days_outside_do_not_count() -> None:
    rows = [{"signature": "a", "usd": usd, "day": day} for day, usd in ((99, 50), (100, 1), (102, 4), (103, 60))]
    found = rank(spend(*rows), {"a": workload("a")}, WINDOW)
    assert found.workloads[0].daily_nano == (USD, 0, 4 * USD)
    assert found.list_nano == 5 * USD


def test_spend_nobody_can_name_is_unattributed_and_does_not_help_to_hold_80_percent() -> None:
    rows = spend({"signature": "a", "usd": 50}, {"signature": "b", "usd": 29}, {"signature": "?", "usd": 21})
    found = rank(rows, {"a": workload("a"), "b": workload("b")}, WINDOW)
    assert found.workloads[2].workload == UNATTRIBUTED
    assert found.workloads_for_80_percent is None  # 50 + 29 = 79 of 100


def test_how_few_counts_up_to_exactly_80_percent() -> None:
    ranked = rank(
        spend({"signature": "a", "usd": 50}, {"signature": "b", "usd": 30}, {"signature": "c", "usd": 20}),
        {name: workload(name) for name in "abc"},
        WINDOW,
    ).workloads
    assert how_few(ranked, 100 * USD) == 2
    assert how_few(ranked, 0) == 0


def test_an_empty_ledger_ranks_nothing() -> None:
    found = rank(spend(), {}, WINDOW)
    assert (found.workloads, found.list_nano, found.requests, found.workloads_for_80_percent) == ((), 0, 0, 0)


def test_the_top_model_is_the_dearest_that_holds_a_real_share() -> None:
    price = {"opus": Decimal(25), "sonnet": Decimal(15), "old": Decimal(75)}
    # 4 of 100 dollars on the dearest are a stray call: 60 on the next name the top, and at or above its price are 64
    assert top_model({"old": 4, "opus": 60, "sonnet": 36}, price) == ("opus", 0.64)
    assert top_model({"old": 5, "opus": 60, "sonnet": 35}, price) == ("old", 0.05)
    assert top_model({"?": 100}, price) is None
    assert top_model({}, price) is None


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(98, 104), st.integers(0, 10**12), st.sampled_from("mn")),
        max_size=30,
    )
)
def test_parts_add_up_to_the_whole_to_the_nano_dollar(rows: list[tuple[str, int, int, str]]) -> None:
    table = dict(spend(*({"signature": s, "day": day, "model": model} for s, day, _, model in rows)))
    table["list_nano"] = np.array([nano for _, _, nano, _ in rows], dtype=np.int64)
    found = rank(table, {name: workload(name) for name in "abc"}, WINDOW)
    expected = sum(nano for _, day, nano, _ in rows if 100 <= day < 103)
    assert found.list_nano == sum(one.list_nano for one in found.workloads) == expected
    assert all(sum(one.daily_nano) == one.list_nano for one in found.workloads)
    assert all(sum(model.list_nano for model in one.models) == one.list_nano for one in found.workloads)
    assert [one.list_nano for one in found.workloads] == sorted(
        (one.list_nano for one in found.workloads), reverse=True
    )
