"""CUR rows of Claude: which rows are ours, what each usage type says, tokens from quantities, money as billed."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import KEY, classes, context, read_bytes, read_path, recognises

from baseload.usage.cur import READER
from baseload.usage.cur_types import usage_type_of
from baseload.values import Call, Problem

PRODUCT = "Claude Sonnet 4.5 (Amazon Bedrock Edition)"
NAMES = {PRODUCT: "claude-sonnet-4-5-20250929", "Claude 3 Haiku": "claude-3-haiku-20240307"}


def line(**changes: str) -> dict[str, str]:
    """Half a million regional input tokens at 3.30 USD a million: 1.65 USD."""
    base = {
        "line_item_usage_account_id": "111122223333",
        "line_item_usage_start_date": "2026-08-01T00:00:00Z",
        "line_item_usage_end_date": "2026-08-01T01:00:00Z",
        "line_item_line_item_type": "Usage",
        "line_item_product_code": "4efefzkeexample1",
        "product_product_name": PRODUCT,
        "line_item_usage_type": "USE2-MP:USE2_InputTokenCount-Units",
        "line_item_usage_amount": "0.500000",
        "pricing_unit": "1M tokens",
        "line_item_currency_code": "USD",
        "line_item_unblended_cost": "1.650000",
    }
    return {**base, **changes}


def read_lines(folder: Path, *lines: dict[str, str], **options: Any) -> tuple[list[Call], list[Problem]]:
    names = list(dict.fromkeys(name for row in lines for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(lines)
    return read_bytes(READER, text.getvalue().encode(), folder, name="cur.csv", run=context(aliases=NAMES, **options))


# what a usage type says


@pytest.mark.parametrize(
    ("usage_type", "token_class", "geo", "tier", "window"),
    [
        ("USE2-MP:USE2_InputTokenCount-Units", "uncached_input_tokens", "regional", "standard", "0-200k"),
        ("USE2-MP:USE2_InputTokenCount_Global-Units", "uncached_input_tokens", "global", "standard", "0-200k"),
        ("USE2-MP:USE2_OutputTokenCount_Global_Batch-Units", "output_tokens", "global", "batch", "0-200k"),
        ("USE1-MP:USE1_CacheReadInputTokenCount_Geo-Units", "cache_read_tokens", "regional", "standard", "0-200k"),
        ("USE1-MP:USE1_CacheWriteInputTokenCount-Units", "cache_write_5m_tokens", "regional", "standard", "0-200k"),
        (
            "USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units",
            "cache_write_1h_tokens",
            "global",
            "standard",
            "0-200k",
        ),
        ("USW2-MP:USW2_InputTokenCount_LCtx_Global-Units", "uncached_input_tokens", "global", "standard", "200k-1M"),
        ("USW2-MP:USW2_input_tokens_standard-Units", "uncached_input_tokens", "regional", "standard", "0-200k"),
        ("USW2-MP:USW2_output_tokens_global_standard-Units", "output_tokens", "global", "standard", "0-200k"),
        ("USW2-MP:USW2_cache_write_tokens_standard-Units", "cache_write_5m_tokens", "regional", "standard", "0-200k"),
        (
            "USW2-MP:USW2_cache_write_tokens_1h_standard-Units",
            "cache_write_1h_tokens",
            "regional",
            "standard",
            "0-200k",
        ),
        ("USW2-MP:USW2_cache_read_tokens_global_flex-Units", "cache_read_tokens", "global", "flex", "0-200k"),
        ("APN1-MP:APN1_output_tokens_long_ctx_priority-Units", "output_tokens", "regional", "priority", "200k-1M"),
        ("UGW1-MP:UGW1_input_tokens_standard-Units", "uncached_input_tokens", "us_gov", "standard", "0-200k"),
        ("USE1-Claude3Haiku-output-tokens", "output_tokens", "regional", "standard", "0-200k"),
        (
            "USE1-Claude4Sonnet-input-tokens-cross-region-global",
            "uncached_input_tokens",
            "global",
            "standard",
            "0-200k",
        ),
        ("APN2-MP:APN2_Reserved_1Month_InputTPM_Global-Units", "", "global", "standard", "0-200k"),
        ("USE1-Claude3Haiku-ProvisionedThroughput-hours", "", "regional", "standard", "0-200k"),
    ],
)
def test_both_grammars_of_usage_types(usage_type: str, token_class: str, geo: str, tier: str, window: str) -> None:
    assert usage_type_of(usage_type)[:4] == (token_class, geo, tier, window)


# tokens and money


def test_a_line_item_gives_its_money_and_its_tokens_apart(tmp_path: Path) -> None:
    (money, tokens), problems = read_lines(tmp_path, line())
    assert problems == []
    assert (money.billed_nano_usd, money.cost_type, money.token_class) == (
        1_650_000_000,
        "tokens",
        "uncached_input_tokens",
    )
    assert classes(money) == (0, 0, 0, 0, 0)
    assert classes(tokens) == (500_000, 0, 0, 0, 0)
    assert (tokens.billed_nano_usd, tokens.cost_type) == (None, "")
    assert money.call_id != tokens.call_id
    for row in (money, tokens):
        assert (row.grain, row.requests, row.platform, row.geo) == ("hour", None, "bedrock", "regional")
        assert row.model == "claude-sonnet-4-5-20250929"


@pytest.mark.parametrize(("unit", "tokens"), [("1M tokens", 500_000), ("1K tokens", 500), ("1k tokens", 500)])
def test_the_unit_scales_the_quantity(tmp_path: Path, unit: str, tokens: int) -> None:
    calls, _ = read_lines(tmp_path, line(pricing_unit=unit))
    assert calls[1].uncached_input_tokens == tokens


def test_an_unknown_unit_keeps_the_money_and_says_so(tmp_path: Path) -> None:
    calls, problems = read_lines(tmp_path, line(pricing_unit="Units"))
    assert [call.billed_nano_usd for call in calls] == [1_650_000_000]
    assert [(p.code, p.row, p.value) for p in problems] == [("unknown-unit", 2, "Units")]


def test_a_quantity_that_is_not_whole_tokens_is_rounded_and_flagged(tmp_path: Path) -> None:
    # 0.0000015 of a million = 1.5 tokens: half to even gives 2
    calls, _ = read_lines(tmp_path, line(line_item_usage_amount="0.0000015"))
    assert (calls[1].uncached_input_tokens, calls[1].flags) == (2, "rounded_tokens")


def test_the_net_cost_is_the_bill_where_the_report_has_it(tmp_path: Path) -> None:
    row = line(line_item_net_unblended_cost="1.485000", pricing_public_on_demand_cost="1.650000")
    calls, _ = read_lines(tmp_path, row)
    assert calls[0].billed_nano_usd == 1_485_000_000
    assert calls[0].reported_list_nano_usd == 1_650_000_000


def test_tax_and_credits_are_summed_in_one_problem_and_discounts_are_part_of_the_bill(tmp_path: Path) -> None:
    rows = [
        line(),
        line(line_item_line_item_type="Tax", line_item_unblended_cost="0.20"),
        line(line_item_line_item_type="Tax", line_item_unblended_cost="0.10"),
        line(line_item_line_item_type="Credit", line_item_unblended_cost="-1.00"),
        line(line_item_line_item_type="EdpDiscount", line_item_unblended_cost="-0.165", line_item_usage_amount="0"),
    ]
    calls, problems = read_lines(tmp_path, *rows)
    # 1.65 - 0.165
    assert sum(call.billed_nano_usd or 0 for call in calls) == 1_485_000_000
    assert [(p.code, p.value) for p in problems] == [("cur-not-usage", "Credit -1.00 USD, Tax 0.30 USD")]


def test_reserved_capacity_is_money_without_tokens(tmp_path: Path) -> None:
    row = line(line_item_usage_type="APN2-MP:APN2_Reserved_1Month_InputTPM_Global-Units", pricing_unit="Units")
    (money,), problems = read_lines(tmp_path, row)
    assert problems == []
    assert (money.cost_type, money.token_class, money.billed_nano_usd) == ("other", "", 1_650_000_000)


def test_another_currency_is_refused_not_summed(tmp_path: Path) -> None:
    calls, problems = read_lines(tmp_path, line(), line(line_item_currency_code="EUR"))
    assert len(calls) == 2
    assert [(p.code, p.row, p.value) for p in problems] == [("currency-not-usd", 3, "EUR")]


# rows of the bill


def test_other_services_are_passed_over_and_a_bill_without_claude_says_so(tmp_path: Path) -> None:
    other = line(product_product_name="Amazon S3", line_item_usage_type="USE1-Requests-Tier1")
    calls, problems = read_lines(tmp_path, line(), other)
    assert (len(calls), problems) == (2, [])
    calls, problems = read_lines(tmp_path, other, other)
    assert calls == []
    assert [(p.code, p.value) for p in problems] == [("no-claude-rows", "2")]


def test_oldest_usage_types_name_the_model_themselves(tmp_path: Path) -> None:
    row = line(product_product_name="", line_item_usage_type="USE1-Claude3Haiku-input-tokens", pricing_unit="1K tokens")
    calls, _ = read_lines(tmp_path, row)
    assert [call.model for call in calls] == ["claude-3-haiku-20240307"] * 2
    assert calls[1].uncached_input_tokens == 500


def test_columns_of_the_older_report_are_the_same_columns(tmp_path: Path) -> None:
    old = {
        "lineItem/UsageAccountId": "111122223333",
        "lineItem/UsageStartDate": "2026-08-01T00:00:00Z",
        "lineItem/UsageEndDate": "2026-08-02T00:00:00Z",
        "product/ProductName": PRODUCT,
        "lineItem/UsageType": "USE2-MP:USE2_InputTokenCount-Units",
        "lineItem/UsageAmount": "0.5",
        "pricing/unit": "1M tokens",
        "lineItem/CurrencyCode": "USD",
        "lineItem/UnblendedCost": "1.65",
        "resourceTags/user:team": "payments",
    }
    calls, problems = read_lines(tmp_path, old)
    assert problems == []
    assert [(call.grain, call.account, call.tags) for call in calls] == [
        ("day", "111122223333", '{"team":"payments"}')
    ] * 2


def test_map_columns_of_cur_2_give_the_product_and_the_tags(tmp_path: Path) -> None:
    row = line(
        product_product_name="", resource_tags='{"user_team":"payments"}', product=f'{{"product_name":"{PRODUCT}"}}'
    )
    calls, _ = read_lines(tmp_path, row)
    assert calls[0].model == "claude-sonnet-4-5-20250929"
    assert calls[0].tags == '{"user_team":"payments"}'


def test_principal_and_profile_own_the_rows(tmp_path: Path) -> None:
    role = "arn:aws:sts::111122223333:assumed-role/PaymentsAppRole"
    row = line(
        line_item_iam_principal=f"{role}/i-0abc123",
        line_item_resource_id="arn:aws:bedrock:us-east-2:111122223333:application-inference-profile/abc123",
    )
    calls, _ = read_lines(tmp_path, row)
    assert calls[0].api_key == "role/PaymentsAppRole"
    assert calls[0].user_id == KEY.fingerprint("user", role)
    assert calls[0].workspace == "application-inference-profile/abc123"


def test_without_end_dates_one_row_inside_a_day_makes_the_report_hourly(tmp_path: Path) -> None:
    midnight = line(line_item_usage_end_date="")
    one = line(line_item_usage_end_date="", line_item_usage_start_date="2026-08-01T01:00:00Z")
    calls, _ = read_lines(tmp_path, midnight, one)
    assert {call.grain for call in calls} == {"hour"}
    calls, _ = read_lines(tmp_path, midnight)
    assert {call.grain for call in calls} == {"day"}


def test_equal_line_items_stay_apart_and_a_second_export_gives_the_same_ids(tmp_path: Path) -> None:
    small, large = line(line_item_usage_amount="0.1", line_item_unblended_cost="0.33"), line()
    first, _ = read_lines(tmp_path, small, large)
    second, _ = read_lines(tmp_path, large, small)
    assert len({call.call_id for call in first}) == 4
    assert {(call.call_id, call.billed_nano_usd) for call in first} == {
        (call.call_id, call.billed_nano_usd) for call in second
    }


# what a bad record costs


@pytest.mark.parametrize(
    ("changes", "code", "kept"),
    [
        ({"line_item_usage_amount": "NaN"}, "not-a-number", 1),
        ({"line_item_usage_amount": "lots"}, "not-a-number", 1),
        ({"line_item_usage_amount": "-0.5"}, "negative-tokens", 1),
        ({"line_item_usage_amount": "1e30"}, "not-a-number", 1),
        ({"line_item_unblended_cost": ""}, "bad-amount", 0),
        ({"line_item_unblended_cost": "0,5"}, "bad-amount", 0),
        ({"line_item_usage_start_date": "August"}, "bad-time", 0),
        ({"line_item_usage_end_date": "2026-07-01T00:00:00Z"}, "bad-time", 0),
    ],
)
def test_a_bad_line_item_costs_one_problem(tmp_path: Path, changes: dict[str, str], code: str, kept: int) -> None:
    calls, problems = read_lines(tmp_path, line(), line(**changes))
    assert len(calls) == 2 + kept
    assert [(p.code, p.row, p.source) for p in problems] == [(code, 3, "cur")]


def test_the_sample_reads_as_worked_out_by_hand(shared_data: Path) -> None:
    path = shared_data / "usage" / "bedrock" / "cur2_rows.csv"
    assert recognises(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert problems == []
    assert [call.billed_nano_usd for call in calls] == [825_000_000, None, 1_650_000_000, None, 1_975_300_000, None]
    assert [classes(call) for call in calls[1::2]] == [
        (250_000, 0, 0, 0, 0),
        (0, 5_500_000, 0, 0, 0),
        (0, 0, 0, 0, 98_765),
    ]
    assert [call.geo for call in calls[::2]] == ["regional", "global", "global"]


def test_a_console_csv_is_not_a_cur(shared_data: Path) -> None:
    assert recognises(READER, shared_data / "usage" / "anthropic-console-csv" / "claude_api_cost_v4_2026-08.csv") == 0
