"""Aggregates are control totals: hand-worked cells (design, section 5, Scope)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spend_rows import CLASSES, call, cost, key, report, table, total

from baseload.ledger.scope import settle
from baseload.values import Table, day_of_date

NANO = tuple(f"{name}_nano" for name in CLASSES)
TOKENS = tuple(f"{name}_tokens" for name in CLASSES)


def test_calls_inside_a_total_stay_and_the_rest_is_nobody_s() -> None:
    rows = settle(table(call(plain=60, out=4, n=3), report(plain=100, out=10, n=5))).rows
    # the report: 100 x 10 + 10 x 50 = 1,500; the calls 60 x 10 + 4 x 50 = 800; the rest 40 x 10 + 6 x 50 = 700
    assert total(rows, "list_nano") == 1_500
    assert total(rows, "list_nano", part="call") == 800
    assert total(rows, "list_nano", part="rest") == 700
    assert total(rows, "uncached_input_tokens", part="rest") == 40
    assert total(rows, "output_tokens", part="rest") == 6
    assert total(rows, "requests", part="rest") == 2
    assert total(rows, "list_nano", attributed=1) == 800


def test_calls_without_a_report_and_a_report_without_calls_count_as_they_are() -> None:
    rows = settle(table(call(day=1, plain=60), report(day=2, plain=100))).rows
    assert total(rows, "list_nano", part="call") == 600
    assert total(rows, "list_nano", part="control") == 1_000


def test_more_calls_than_the_total_are_scaled_down_and_nothing_is_negative() -> None:
    settled = settle(table(call(plain=90, out=1), call(plain=30, out=1, api_key="a"), report(plain=100, out=10)))
    # plain: 120 claimed of 100, so 75 and 25; output: 2 of 10, untouched, and 8 left
    assert settled.rows["uncached_input_tokens"].tolist() == [75, 25, 0]
    assert settled.rows["output_tokens"].tolist() == [1, 1, 8]
    assert total(settled.rows, "list_nano") == 1_500
    assert settled.rows["scaled"].tolist() == [1, 1, 0]
    (cell,) = settled.reconciliation
    assert (cell.calls_nano, cell.control_nano, cell.difference_nano) == (1_300, 1_500, 200)


def test_the_difference_is_shown_as_it_was_before_scaling() -> None:
    settled = settle(table(call(plain=3_000_000), report(plain=2_000_000)))
    (cell,) = settled.reconciliation
    assert (cell.calls_nano, cell.control_nano) == (30_000_000, 20_000_000)
    assert (cell.difference_nano, cell.difference_share, cell.verdict) == (-10_000_000, -0.5, "agrees")  # 1 cent


def test_differences_over_half_a_per_cent_and_a_cent_differ() -> None:
    near = settle(table(call(plain=9_960_000), report(plain=10_000_000))).reconciliation
    far = settle(table(call(plain=9_000_000), report(plain=10_000_000))).reconciliation
    less = settle(table(call(plain=8_900_000), report(plain=10_000_000))).reconciliation
    assert [cell.verdict for cell in (*near, *far, *less)] == ["agrees", "agrees", "differs"]  # 0.4 %, 1 cent, 11 %


def test_missing_sides_are_named_only_where_the_account_has_both() -> None:
    both = settle(table(call(day=1, plain=6), report(day=1, plain=6), call(day=2, plain=6), report(day=3, plain=6)))
    assert [(cell.day, cell.verdict) for cell in both.reconciliation] == [
        (1, "agrees"),
        (2, "control-missing"),
        (3, "calls-missing"),
    ]
    assert settle(table(report(day=1, plain=6), report(day=2, plain=6))).reconciliation == ()
    assert settle(table(call(day=1, plain=6))).reconciliation == ()


def test_keys_are_matched_where_both_sides_say_them() -> None:
    rows = settle(
        table(
            call(plain=50, api_key="k1", workspace="w"),
            call(plain=70, api_key="k2", workspace="w"),
            report(plain=60, api_key="k1", workspace="w"),
            report(plain=60, api_key="k2", workspace="w"),
        )
    ).rows
    # k1 keeps 50 of 60; k2 asks 70 of 60: its 10 too many never eat what k1 left
    assert rows["uncached_input_tokens"].tolist() == [50, 60, 10]
    assert rows["api_key"].tolist() == ["k1", "k2", "k1"]


def test_a_key_that_only_the_calls_know_is_matched_by_day_and_model() -> None:
    settled = settle(table(call(plain=50, api_key="name"), report(plain=60, api_key="apikey_1", workspace="w")))
    assert settled.rows["uncached_input_tokens"].tolist() == [50, 10]
    assert settled.reconciliation[0].scope == "account, day, model"


def test_the_scope_says_what_was_matched() -> None:
    settled = settle(table(call(plain=5, api_key="k", workspace="w"), report(plain=6, api_key="k", workspace="w")))
    assert settled.reconciliation[0].scope == "account, day, model, workspace, api_key"
    settled = settle(table(call(plain=5, workspace="w"), report(plain=6, api_key="k", workspace="w")))
    assert settled.reconciliation[0].scope == "account, day, model, workspace"


def test_calls_of_a_rate_fill_the_bucket_of_that_rate_first() -> None:
    batch = {"price_key": key(tier="batch")}
    rows = settle(table(call(plain=50), report(plain=60), report(plain=40, **batch))).rows
    assert [
        (row_key.split("|")[3], tokens)
        for row_key, tokens in zip(rows["price_key"], rows["uncached_input_tokens"], strict=True)
    ] == [("standard", 50), ("standard", 10), ("batch", 40)]


def test_tokens_and_money_of_one_cell_are_never_added() -> None:
    rows = settle(table(report(plain=100), cost(billed=700, listed=1_000))).rows
    assert total(rows, "list_nano") == 1_000
    assert total(rows, "billed_nano_usd") == 700
    assert total(rows, "reported_list_nano_usd") == 1_000


def test_two_reports_of_the_same_tokens_are_counted_once_by_precedence() -> None:
    rows = settle(
        table(
            report(plain=100),
            report(plain=101, source="admin_api"),
            report(plain=102, source="console_csv"),
            report(plain=100, grain="hour"),
        )
    ).rows
    assert rows["source"].tolist() == ["analytics_api"]
    assert total(rows, "uncached_input_tokens") == 100


def test_a_report_that_prices_exactly_speaks_before_one_that_does_not() -> None:
    vague = report(plain=100, source="analytics_api/model+workspace", workspace="w")
    rows = settle(table(vague, report(plain=100, source="console_csv", workspace="w"))).rows
    assert rows["source"].tolist() == ["console_csv"]


def test_two_reports_of_the_same_money_are_counted_once() -> None:
    rows = settle(
        table(
            cost(billed=1_000_000, listed=2_000_000, source="console_csv"),
            cost(billed=1_234_567, listed=2_345_678),
            cost(billed=9, source="focus"),
        )
    ).rows
    assert total(rows, "billed_nano_usd") == 1_234_567
    assert total(rows, "list_nano") == 2_345_678  # no report says tokens: the provider's list price is the total


def test_money_alone_is_the_total_that_calls_are_fitted_to() -> None:
    money = [
        cost(billed=300, listed=400, token_class="uncached_input_tokens"),
        cost(billed=450, listed=600, token_class="output_tokens"),
    ]
    rows = settle(table(call(plain=30, out=2), *money)).rows
    # 1,000 listed; the calls are 30 x 10 + 2 x 50 = 400, the rest 600; tokens are the calls' own
    assert total(rows, "list_nano") == 1_000
    assert total(rows, "list_nano", part="call") == 400
    assert total(rows, "billed_nano_usd") == 750
    assert total(rows, "uncached_input_tokens") == 30


def test_money_by_workspace_alone_is_the_total_of_the_whole_day() -> None:
    rows = settle(table(call(plain=30), cost(model="?", billed=900, cost_type="other"))).rows
    assert total(rows, "list_nano") == 900
    assert total(rows, "list_nano", part="call") == 300


def test_searches_are_not_counted_twice() -> None:
    search = {"cost_type": "web_search", "model": "?"}
    told = settle(table(report(plain=10, searches=2), cost(billed=20_000_000, listed=20_000_000, **search))).rows
    assert total(told, "list_nano") == 20_000_100
    # without a token report the calls' own searches lie inside the report's
    rows = settle(
        table(
            call(plain=10, searches=1),
            cost(billed=100, listed=100),
            cost(billed=20_000_000, listed=20_000_000, **search),
        )
    ).rows
    assert total(rows, "list_nano") == 20_000_100
    assert total(rows, "list_nano", part="call") == 10_000_100


def test_code_execution_and_sessions_always_add() -> None:
    rows = settle(
        table(report(plain=10), cost(billed=5, listed=5, cost_type="code_execution", model="?"), cost(billed=90))
    ).rows
    assert total(rows, "list_nano") == 105
    assert total(rows, "other_nano") == 5


def test_a_correction_counts_and_encloses_nothing() -> None:
    rows = settle(table(call(plain=3), cost(billed=100, listed=100), cost(billed=-20, listed=-20))).rows
    assert total(rows, "list_nano") == 80
    assert total(rows, "billed_nano_usd") == 80
    assert total(rows, "list_nano", part="call") == 30


def test_owners_are_found_by_a_second_report_inside_the_exact_total() -> None:
    rows = settle(
        table(
            report(plain=100),
            report(plain=20, price_key=key(speed="fast"), times=2),
            report(plain=90, source="analytics_api/key+model", api_key="k1", workspace="w"),
            report(plain=30, source="analytics_api/key+model", api_key="k2", workspace="w"),
        )
    ).rows
    # exact: 100 x 10 + 20 x 20 = 1,400; by owner 1,200, which does not know the fast tokens' surcharge of 200
    assert total(rows, "list_nano") == 1_400
    assert total(rows, "list_nano", api_key="k1") == 900
    assert total(rows, "list_nano", api_key="k2") == 300
    assert total(rows, "list_nano", attributed=0) == 200
    assert total(rows, "uncached_input_tokens") == 120


def test_calls_then_owners_then_the_total() -> None:
    rows = settle(
        table(
            call(plain=50, api_key="k1"),
            report(plain=120),
            report(plain=80, source="analytics_api/key+model", api_key="k1"),
            report(plain=30, source="analytics_api/key+model", api_key="k2"),
        )
    ).rows
    parts = list(
        zip(rows["api_key"].tolist(), rows["part"].tolist(), rows["uncached_input_tokens"].tolist(), strict=True)
    )
    assert parts == [("k1", "call", 50), ("", "rest", 10), ("k1", "rest", 30), ("k2", "rest", 30)]
    assert rows["attributed"].tolist() == [1, 0, 1, 1]


def test_a_report_of_claude_code_is_inside_the_total_and_limits_only_claude_code() -> None:
    people = {"source": "admin_api/claude_code", "agent": "claude_code"}
    rows = settle(
        table(
            call(plain=10, from_="claude_code"),
            call(plain=60, api_key="app"),
            report(plain=25, **people),
            report(plain=100),
        )
    ).rows
    assert total(rows, "uncached_input_tokens") == 100
    assert total(rows, "uncached_input_tokens", source="messages") == 60
    assert total(rows, "uncached_input_tokens", source="claude_code") == 10
    assert total(rows, "uncached_input_tokens", source="admin_api/claude_code") == 15
    assert total(rows, "uncached_input_tokens", source="analytics_api") == 15


def test_claude_code_calls_fill_the_claude_code_bucket_before_others() -> None:
    by_product = "analytics_api/model+product"
    rows = settle(
        table(
            call(plain=30, from_="claude_code"),
            report(plain=50, source=by_product, agent="claude_code"),
            report(plain=50, source=by_product, agent="messages_api"),
        )
    ).rows
    assert total(rows, "uncached_input_tokens", agent="claude_code") == 20
    assert total(rows, "uncached_input_tokens", agent="messages_api") == 50


def test_another_account_is_never_touched() -> None:
    alone = settle(table(call(plain=60, account="a"))).rows
    rows = settle(table(call(plain=60, account="a"), call(plain=9, account="b"), report(plain=5, account="b"))).rows
    assert total(rows, "list_nano", account="a") == total(alone, "list_nano") == 600
    assert total(rows, "list_nano", account="b") == 50


def test_another_platform_is_another_account() -> None:
    bedrock = {"price_key": key(platform="bedrock", band="0-100k")}
    rows = settle(table(call(plain=60, **bedrock), report(plain=5))).rows
    assert total(rows, "list_nano") == 650


def test_an_unsaid_account_is_the_only_one_known() -> None:
    rows = settle(table(call(plain=60), report(plain=100, account="org"))).rows
    assert total(rows, "list_nano") == 1_000
    assert set(rows["account"].tolist()) == {"org"}


def test_an_unsaid_account_beside_two_is_one_more_and_is_said() -> None:
    settled = settle(table(call(plain=60), report(plain=100, account="a"), report(plain=100, account="b")))
    assert total(settled.rows, "list_nano") == 2_600
    assert [problem.code for problem in settled.problems] == ["account-unknown"]


def test_calls_and_totals_under_two_names_are_added_and_said() -> None:
    settled = settle(table(call(plain=60, account="gateway"), report(plain=100, account="org")))
    assert total(settled.rows, "list_nano") == 1_600
    (problem,) = settled.problems
    assert (problem.code, problem.value) == ("accounts-apart", "gateway and org")
    both = settle(table(call(plain=60, account="a"), report(plain=100, account="a"), call(plain=1, account="b")))
    assert both.problems == ()


def test_a_report_without_requests_leaves_the_calls_their_own() -> None:
    rows = settle(table(call(plain=60, n=7), report(plain=100))).rows
    assert rows["requests"].tolist() == [7, None]


def test_a_sample_is_calibrated_over_its_days_and_chance_is_not_unattributed() -> None:
    # 1-in-10, scaled: 120 and 80 against 100 and 100. Taking the lesser each day would leave 20 to nobody.
    rows = settle(
        table(
            call(day=1, plain=120, rate=10),
            call(day=2, plain=80, rate=10),
            report(day=1, plain=100),
            report(day=2, plain=100),
        )
    ).rows
    assert total(rows, "uncached_input_tokens", part="call", day=1) == 100
    assert total(rows, "uncached_input_tokens", part="call", day=2) == 100
    assert set(rows["scaled"][rows["part"] == "call"].tolist()) == {1}


def test_a_sample_of_half_the_traffic_explains_half_of_each_day() -> None:
    rows = settle(
        table(
            call(day=1, plain=60, rate=10),
            call(day=2, plain=40, rate=10),
            report(day=1, plain=100),
            report(day=2, plain=100),
            report(day=3, plain=100),
        )
    ).rows
    # 100 of the 200 on sampled days; the third day has no sample and says nothing about the share
    assert [total(rows, "uncached_input_tokens", part="call", day=day) for day in (1, 2, 3)] == [50, 50, 0]
    assert total(rows, "uncached_input_tokens") == 300


def test_full_logs_come_before_samples() -> None:
    rows = settle(table(call(plain=70), call(plain=90, rate=10, api_key="s"), report(plain=100))).rows
    assert total(rows, "uncached_input_tokens", api_key="s") == 30
    assert total(rows, "uncached_input_tokens") == 100


def test_a_sample_agrees_within_its_chance() -> None:
    settled = settle(table(call(plain=9_000_000, rate=10, rows=400), report(plain=10_000_000)))
    (cell,) = settled.reconciliation
    assert cell.verdict == "agrees"  # 10 % off; 3 / sqrt(400) = 15 %
    assert cell.note == "sampled calls, scaled: agreement within 15.0%"


def test_calls_know_the_band_that_the_report_does_not() -> None:
    # the report prices 100 tokens at 10 (low) and at 50 (high). 60 are calls that cost 50 each, 40 stay open.
    rows = settle(table(call(plain=60, times=5), report(plain=100, high=5))).rows
    assert total(rows, "list_nano", part="call") == 3_000
    assert total(rows, "list_nano", part="rest") == 400
    assert total(rows, "list_high_nano", part="rest") == 2_000
    assert total(rows, "uncached_input_tokens") == 100


def test_calls_know_the_cache_lifetime_that_the_report_does_not() -> None:
    # 100 writes of unknown lifetime: 12 each at 5 minutes, 20 at an hour; the calls wrote 30 for an hour
    open_row = report(w5m=100, ttl_unknown=1)
    open_row["list_high_nano"] = 2_000
    rows = settle(table(call(w1h=30, w5m=10), open_row)).rows
    assert total(rows, "cache_write_1h_tokens") == 30
    assert total(rows, "cache_write_5m_tokens") == 70
    assert total(rows, "list_nano") == 30 * 20 + 70 * 12
    assert total(rows, "list_nano", part="call") == 30 * 20 + 10 * 12


def test_a_month_s_report_counts_outside_the_days_that_daily_reports_explain() -> None:
    march = day_of_date(dt.date(2026, 3, 1))
    month = report(day=march, plain=1_000, grain="month", source="console_csv")
    rows = settle(table(month, report(day=march + 4, plain=30), call(day=march + 9, plain=50))).rows
    assert total(rows, "uncached_input_tokens") == 1_000
    assert total(rows, "uncached_input_tokens", part="call") == 50
    assert total(rows, "uncached_input_tokens", source="analytics_api") == 30
    after = settle(table(month, call(day=march + 31, plain=50))).rows
    assert total(after, "uncached_input_tokens") == 1_050


def test_a_month_s_report_never_cuts_a_daily_one() -> None:
    march = day_of_date(dt.date(2026, 3, 1))
    rows = settle(table(report(day=march, plain=10, grain="month"), report(day=march + 4, plain=30))).rows
    assert total(rows, "uncached_input_tokens") == 30


def test_money_of_a_range_beside_daily_money_is_left_out_and_said() -> None:
    long = cost(day=0, end=31, grain="range", billed=900, source="console_csv/enterprise_spend", cost_type="other")
    settled = settle(table(long, cost(day=5, billed=10)))
    assert total(settled.rows, "billed_nano_usd") == 10
    assert [problem.code for problem in settled.problems] == ["period-left-out"]
    alone = settle(table(long, call(day=7, plain=20), call(day=31, plain=1)))
    assert total(alone.rows, "billed_nano_usd") == 900
    assert total(alone.rows, "list_nano") == 910


def test_billed_dollars_of_calls_give_way_to_the_report_of_money() -> None:
    rows = settle(table(call(plain=60, billed=600), cost(billed=500), call(day=2, plain=6, billed=60))).rows
    assert total(rows, "billed_nano_usd") == 560


def test_a_model_without_a_price_is_reconciled_by_tokens() -> None:
    unpriced = {"price_key": key("?new"), "times": 0}
    (cell,) = settle(table(call(plain=50, **unpriced), report(plain=100, **unpriced))).reconciliation
    assert (cell.model, cell.verdict, cell.note) == ("?new", "agrees", "no price: compared by tokens")
    assert (cell.calls_tokens, cell.control_tokens) == (50, 100)


# what holds whatever the numbers are

names = st.sampled_from(["", "k1", "k2"])
amounts = st.integers(0, 1_000)


@st.composite
def call_rows(draw: st.DrawFn, account: str = "") -> dict[str, object]:
    return call(
        day=draw(st.integers(0, 2)),
        model=draw(st.sampled_from(["opus", "haiku"])),
        account=account,
        api_key=draw(names),
        rate=draw(st.sampled_from([1, 1, 10])),
        **{name: draw(amounts) for name in ("plain", "read", "out")},
        n=draw(st.integers(1, 9)),
    )


@st.composite
def report_rows(draw: st.DrawFn, account: str = "") -> dict[str, object]:
    return report(
        day=draw(st.integers(0, 2)),
        model=draw(st.sampled_from(["opus", "haiku"])),
        source=draw(st.sampled_from(["analytics_api", "analytics_api/key+model", "console_csv"])),
        account=account,
        api_key=draw(names),
        high=draw(st.sampled_from([1, 5])),
        **{name: draw(amounts) for name in ("plain", "read", "out")},
    )


def cell_totals(rows: Table, name: str) -> dict[tuple[int, str], int]:
    found: dict[tuple[int, str], int] = {}
    for day, price_key, value in zip(
        rows["day"].tolist(), rows["price_key"], np.ma.filled(rows[name], 0).tolist(), strict=True
    ):
        cell = day, price_key.split("|")[0]
        found[cell] = found.get(cell, 0) + value
    return {cell: value for cell, value in found.items() if value}


@settings(max_examples=60, deadline=None)
@given(st.lists(call_rows(), min_size=1, max_size=8), st.lists(report_rows(), max_size=5))
def test_parts_are_never_negative_and_list_is_the_sum_of_its_classes(calls: list, reports: list) -> None:
    rows = settle(table(*calls, *reports)).rows
    for name in (*NANO, *TOKENS, "server_tool_nano", "list_nano"):
        assert (np.ma.filled(rows[name], 0) >= 0).all(), name
    assert (rows["list_high_nano"] >= rows["list_nano"]).all()
    parts = sum(rows[name] for name in NANO) + rows["server_tool_nano"] + rows["other_nano"]
    assert (parts == rows["list_nano"]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(call_rows(), min_size=1, max_size=8), st.lists(report_rows(), min_size=1, max_size=5))
def test_tokens_of_a_covered_cell_are_those_of_its_report(calls: list, reports: list) -> None:
    without_calls = settle(table(*reports)).rows
    rows = settle(table(*calls, *reports)).rows
    calls_alone = settle(table(*calls)).rows
    for name in TOKENS:
        covered, settled = cell_totals(without_calls, name), cell_totals(rows, name)
        bare = cell_totals(calls_alone, name)
        cells = {
            (day, price_key.split("|")[0])
            for day, price_key in zip(without_calls["day"].tolist(), without_calls["price_key"], strict=True)
        }
        expected = {cell: value for cell, value in bare.items() if cell not in cells} | covered
        assert settled == expected, name


@settings(max_examples=40, deadline=None)
@given(
    st.lists(call_rows(account="a"), min_size=1, max_size=5),
    st.lists(report_rows(account="a"), max_size=3),
    st.lists(call_rows(account="b"), max_size=3),
    st.lists(report_rows(account="b"), max_size=3),
)
def test_adding_reports_of_one_account_never_changes_another(
    calls: list, reports: list, others: list, more: list
) -> None:
    alone = settle(table(*calls, *reports)).rows
    together = settle(table(*calls, *reports, *others, *more)).rows
    for name in (*TOKENS, "list_nano", "list_high_nano"):
        assert total(together, name, account="a") == total(alone, name, account="a"), name


@settings(max_examples=40, deadline=None)
@given(st.lists(call_rows(), min_size=1, max_size=6), st.lists(report_rows(), max_size=4), st.randoms())
def test_the_order_of_rows_does_not_change_a_total(calls: list, reports: list, random: object) -> None:
    rows = [*calls, *reports]
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis passes a random.Random
    one, other = settle(table(*rows)).rows, settle(table(*shuffled)).rows
    for name in (*TOKENS, "list_nano", "list_high_nano"):
        assert total(one, name) == total(other, name)


def test_an_empty_table_settles_to_an_empty_one() -> None:
    empty = {name: column[:0] for name, column in table(call(plain=1)).items()}
    assert len(settle(empty).rows["day"]) == 0


@pytest.mark.parametrize("values", [[3, 3, 3], [1, 0, 2], [10**15, 1, 7]])
def test_shares_add_up_exactly(values: list[int]) -> None:
    from baseload.ledger.attribution import Groups

    groups = Groups(np.zeros(3, dtype=np.int64), 1)
    column = np.array(values, dtype=np.int64)
    for given_ in (0, 1, 2, sum(values) - 1, sum(values)):
        parts = groups.share(column, np.array([given_]))
        assert parts.sum() == given_
        assert ((parts >= 0) & (parts <= column)).all()
