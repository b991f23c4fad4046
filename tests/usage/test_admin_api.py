"""The legacy Admin reports: shapes of anthropic-facts sections 6.2 and 6.3, and the published samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report_reading import KEY, classes, codes, micros, read_json, read_path, score

from baseload.usage.admin_api import READER


def result(**values: Any) -> dict[str, Any]:
    return {
        "uncached_input_tokens": 1500,
        "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
        "cache_read_input_tokens": 200,
        "output_tokens": 40,
        "server_tool_use": {"web_search_requests": 10},
        "api_key_id": "apikey_1",
        "workspace_id": "wrkspc_1",
        "model": "claude-opus-4-6",
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
    } | values


def bucket(*results: Any) -> dict[str, Any]:
    return {"starting_at": "2025-08-01T00:00:00Z", "ending_at": "2025-08-02T00:00:00Z", "results": list(results)}


def page(*data: Any) -> dict[str, Any]:
    return {"data": list(data), "has_more": False, "next_page": None}


def person_day(customer: str = "api", **values: Any) -> dict[str, Any]:
    return {
        "date": "2025-08-08T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": "ann@example.com"},
        "organization_id": "org-1",
        "customer_type": customer,
        "terminal_type": "vscode",
        "model_breakdown": [
            {
                "model": "claude-opus-4-6",
                "tokens": {"input": 100, "output": 20, "cache_read": 3000, "cache_creation": 400},
                "estimated_cost": {"amount": 186, "currency": "USD"},
            }
        ],
    } | values


def test_the_published_usage_sample(shared_data: Path) -> None:
    path = shared_data / "usage" / "anthropic-admin-api" / "usage_report_messages.json"
    (call,), problems = read_path(READER, path)
    assert classes(call) == (1500, 200, 500, 1000, 500)
    assert (call.requests, call.web_search_requests) == (None, 10)
    assert (call.api_key, call.workspace) == ("apikey_01Rj2N8SVvo6BePZj99NhmiT", "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ")
    assert call.model == "claude-sonnet-4-20250514"
    assert codes(problems) == ["pages-missing"]  # the sample says has_more: true


def test_the_published_cost_sample_is_in_cents(shared_data: Path) -> None:
    path = shared_data / "usage" / "anthropic-admin-api" / "cost_report.json"
    (call,), problems = read_path(READER, path)
    assert call.billed_nano_usd == 1_237_891_200  # 123.78912 cents = 1.2378912 USD
    assert call.reported_list_nano_usd is None
    assert (call.cost_type, call.token_class, call.requests) == ("tokens", "uncached_input_tokens", None)
    assert codes(problems) == ["pages-missing"]


def test_the_published_claude_code_sample_is_estimated_cents(shared_data: Path) -> None:
    path = shared_data / "usage" / "anthropic-admin-api" / "usage_report_claude_code.json"
    (sonnet, haiku), problems = read_path(READER, path)
    assert classes(sonnet) == (45_230, 8_790, 2_340, 0, 12_450)
    assert classes(haiku) == (23_100, 3_420, 890, 0, 5_680)
    assert (sonnet.reported_cost_nano_usd, sonnet.billed_nano_usd) == (1_860_000_000, None)
    assert (sonnet.agent, sonnet.source, sonnet.grain) == ("claude_code", "admin_api/claude_code", "day")
    assert "ttl_unknown" in sonnet.flags
    assert sonnet.user_id == KEY.fingerprint("user", "user@emaildomain.com")
    assert sonnet.account == "12345678-1234-5678-1234-567812345678"
    assert codes(problems) == ["pages-missing"]


def test_seat_covered_claude_code_is_not_api_spend_and_is_counted(tmp_path: Path) -> None:
    rows = page(person_day(), person_day("subscription"), person_day("subscription"))
    calls, problems = read_json(READER, rows, tmp_path)
    assert len(calls) == 1
    assert codes(problems) == ["seats-left-out"]
    assert "7,040 tokens" in problems[0].message  # two rows of 100 + 20 + 3000 + 400


def test_claude_code_by_an_api_key(tmp_path: Path) -> None:
    row = person_day(actor={"type": "api_actor", "api_key_name": "ci"})
    (call,), _ = read_json(READER, page(row), tmp_path)
    assert (call.api_key, call.user_id) == ("ci", "")


def test_null_is_the_default_workspace_and_the_console_where_others_are_named(tmp_path: Path) -> None:
    rows = page(bucket(result(), result(workspace_id=None, api_key_id=None)))
    calls, _ = read_json(READER, rows, tmp_path)
    assert [(call.workspace, call.api_key) for call in calls] == [("wrkspc_1", "apikey_1"), ("default", "console")]


def test_nulls_alone_are_not_grouped(tmp_path: Path) -> None:
    rows = page(bucket(result(workspace_id=None, api_key_id=None)))
    (call,), _ = read_json(READER, rows, tmp_path)
    assert (call.workspace, call.api_key) == ("", "")


def test_a_pulled_report_names_its_null_groups(tmp_path: Path) -> None:
    mark = {"baseload_pull": {"group_by": ["model", "workspace_id"], "retrieved_at": "2026-11-22T00:00:00Z"}}
    (call,), _ = read_json(READER, page(bucket(result(workspace_id=None))) | mark, tmp_path)
    assert call.workspace == "default"
    assert call.rank == micros("2026-11-22T00:00+00:00")


def test_cost_by_workspace_alone_is_of_no_single_type(tmp_path: Path) -> None:
    row = {"amount": "250.5", "currency": "USD", "workspace_id": "wrkspc_1", "cost_type": None, "model": None}
    (call,), _ = read_json(READER, page(bucket(row)), tmp_path)
    assert (call.billed_nano_usd, call.cost_type, call.model) == (2_505_000_000, "other", "")


def test_batch_and_us_rows_keep_their_modifiers(tmp_path: Path) -> None:
    rows = page(bucket(result(service_tier="batch"), result(inference_geo="us"), result(speed="fast")))
    calls, _ = read_json(READER, rows, tmp_path)
    assert [(call.tier, call.geo, call.speed) for call in calls] == [
        ("batch", "global", "standard"),
        ("standard", "us", "standard"),
        ("standard", "global", "fast"),
    ]


def test_the_enterprise_reports_count_requests_and_say_when_groups_may_be_cut(tmp_path: Path) -> None:
    rows = page(bucket(*(result(model=f"m{n}", requests=3) for n in range(100))))
    calls, problems = read_json(READER, rows, tmp_path)
    assert {call.requests for call in calls} == {3}
    assert codes(problems) == ["groups-cut"]


def test_one_bad_result_costs_itself_alone(tmp_path: Path) -> None:
    rows = page(bucket(result(output_tokens="many"), result()), {"starting_at": "2025-08-01T00:00:00Z"})
    calls, problems = read_json(READER, rows, tmp_path)
    assert len(calls) == 1
    assert [(problem.row, problem.code) for problem in problems] == [(1, "not-a-number"), (2, "no-time")]


def test_it_recognises_its_three_reports(shared_data: Path) -> None:
    found = sorted((shared_data / "usage" / "anthropic-admin-api").glob("*.json"))
    assert [score(READER, path) for path in found] == [2, 2, 2]
