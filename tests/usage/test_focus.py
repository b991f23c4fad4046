"""FOCUS files: only what bills Claude, by column name (usage-sources section 2.13)."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from report_reading import codes, micros, read_path, read_text, score

from baseload.usage.focus import READER

ROW = {
    "BilledCost": "8.00",
    "ListCost": "10.00",
    "BillingCurrency": "USD",
    "BillingAccountId": "payer-1",
    "SubAccountId": "222233334444",
    "ChargeCategory": "Usage",
    "ChargeClass": "NULL",
    "ChargeDescription": "Claude Opus 4.6 (Amazon Bedrock Edition) cache read tokens",
    "ChargePeriodStart": "2026-09-18 22:00:00",
    "ChargePeriodEnd": "2026-09-18 23:00:00",
    "ProviderName": "AWS",
    "PublisherName": "Anthropic, PBC",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Amazon Bedrock",
    "SkuMeter": "USE1-CacheRead-Tokens",
    "Tags": '{"team": "search", "env": "prod"}',
}


def focus(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(ROW))
    writer.writeheader()
    writer.writerows(ROW | row for row in rows)
    return text.getvalue()


def test_a_bedrock_row_is_money_of_its_hour_model_and_class(tmp_path: Path) -> None:
    (call,), problems = read_text(READER, focus({}), tmp_path)
    assert problems == []
    assert (call.billed_nano_usd, call.reported_list_nano_usd) == (8 * 10**9, 10 * 10**9)
    assert (call.account, call.platform, call.model) == ("222233334444", "bedrock", "claude-opus-4-6")
    assert (call.cost_type, call.token_class, call.requests, call.grain) == (
        "tokens",
        "cache_read_tokens",
        None,
        "hour",
    )
    assert (call.start_us, call.end_us) == (micros("2026-09-18T22:00+00:00"), micros("2026-09-18T23:00+00:00"))
    assert call.tags == '{"env":"prod","team":"search"}'
    assert call.prompt_tokens + call.output_tokens == 0


def test_anthropic_s_own_rows_have_its_account_and_workspace(tmp_path: Path) -> None:
    row = {
        "ProviderName": "Anthropic",
        "ServiceName": "Claude API",
        "SubAccountId": "wrkspc_1",
        "SkuMeter": "output_tokens",
        "ChargeDescription": "Claude Opus 5.5 output tokens, batch",
    }
    (call,), _ = read_text(READER, focus(row), tmp_path)
    assert (call.platform, call.account, call.workspace) == ("anthropic", "payer-1", "wrkspc_1")
    assert (call.model, call.tier, call.token_class) == ("claude-opus-5-5", "batch", "output_tokens")


def test_rows_of_other_services_are_passed_over_in_silence(tmp_path: Path) -> None:
    other = {
        "PublisherName": "AWS",
        "ServiceName": "Amazon S3",
        "ServiceCategory": "Storage",
        "ChargeDescription": "storage",
        "SkuMeter": "Bytes",
    }
    calls, problems = read_text(READER, focus({}, other, other), tmp_path)
    assert (len(calls), problems) == (1, [])


def test_a_bucket_named_claude_is_not_a_claude_bill(tmp_path: Path) -> None:
    other = dict.fromkeys(("PublisherName", "ServiceName", "ServiceCategory", "ChargeDescription"), "storage")
    text = focus(other).replace("SkuMeter", "ResourceName").replace("USE1-CacheRead-Tokens", "claude-backups")
    calls, problems = read_text(READER, text, tmp_path)
    assert (calls, codes(problems)) == ([], ["no-claude-rows"])


def test_the_real_sample_holds_no_claude_and_says_what_it_holds(shared_data: Path) -> None:
    path = shared_data / "usage" / "focus" / "focus_1.0_sample.csv"
    assert score(READER, path) == 2
    calls, problems = read_path(READER, path)
    assert (calls, codes(problems)) == ([], ["no-claude-rows"])
    assert problems[0].value == "1000"


def test_tax_and_credits_are_left_out_and_their_sums_said(tmp_path: Path) -> None:
    rows = [{}, {"ChargeCategory": "Tax", "BilledCost": "1.52"}, {"ChargeCategory": "Credit", "BilledCost": "-3"}]
    calls, problems = read_text(READER, focus(*rows), tmp_path)
    assert len(calls) == 1
    assert [(problem.code, problem.value) for problem in problems] == [
        ("focus-not-usage", "Credit -3.00 USD, Tax 1.52 USD")
    ]


def test_corrections_may_be_negative_and_other_currencies_are_refused(tmp_path: Path) -> None:
    rows = [{"ChargeClass": "Correction", "BilledCost": "-2"}, {"BillingCurrency": "EUR"}]
    calls, problems = read_text(READER, focus(*rows), tmp_path)
    assert [(call.billed_nano_usd, call.flags) for call in calls] == [(-2 * 10**9, "correction,speed_unknown")]
    assert codes(problems) == ["currency-not-usd"]


def test_lines_alike_but_for_their_amount_are_all_kept(tmp_path: Path) -> None:
    calls, _ = read_text(READER, focus({}, {"BilledCost": "1"}, {"BilledCost": "2"}), tmp_path)
    again, _ = read_text(READER, focus({"BilledCost": "2"}, {}, {"BilledCost": "1"}), tmp_path)
    by_id = {call.call_id: call.billed_nano_usd for call in calls}
    assert len(by_id) == 3
    assert by_id == {call.call_id: call.billed_nano_usd for call in again}


def test_an_unknown_model_stays_as_it_was_written(tmp_path: Path) -> None:
    (call,), _ = read_text(READER, focus({"ChargeDescription": "Claude Novel 9 input"}), tmp_path)
    assert (call.model, call.model_raw) == ("", "Claude Novel 9")
