"""The Usage and Cost Analytics API, saved: shapes of anthropic-facts section 6.1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from report_reading import KEY, classes, codes, micros, read_json, read_text, score

from baseload.usage.analytics_api import READER

GROUP: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "workspace_id": None,
    "api_key_id": None,
    "service_tier": "standard",
    "context_window": "0-200k",
    "actor": None,
    "product": None,
    "speed": "standard",
    "inference_geo": "global",
}


def usage_row(day: int = 1, group: dict[str, Any] | None = None, **usage: Any) -> dict[str, Any]:
    return {
        "starting_at": f"2026-11-{day:02d}T00:00:00Z",
        "ending_at": f"2026-11-{day + 1:02d}T00:00:00Z",
        "group": GROUP | (group or {}),
        "usage": {
            "uncached_input_tokens": 1_500_000,
            "cache_read_input_tokens": 9_200_000,
            "cache_creation": {"ephemeral_5m_input_tokens": 400_000, "ephemeral_1h_input_tokens": 7_000},
            "output_tokens": 310_000,
            "server_tool_use": {"web_search_requests": 12},
            "total_tokens": 11_417_000,
            "requests": 2210,
        }
        | usage,
    }


def cost_row(group: dict[str, Any] | None = None, **cost: Any) -> dict[str, Any]:
    return {
        "starting_at": "2026-11-01T00:00:00Z",
        "ending_at": "2026-12-01T00:00:00Z",
        "group": GROUP | {"cost_type": "tokens", "token_type": "cache_read_input_tokens"} | (group or {}),
        "cost": {"amount": "156400.000000", "list_amount": "184000.000000", "currency": "USD", "requests": None} | cost,
    }


def page(*rows: Any, more: bool = False, refreshed: str | None = "2026-11-21T20:00:00Z") -> dict[str, Any]:
    return {"data": list(rows), "has_more": more, "next_page": None, "data_refreshed_at": refreshed}


def test_a_usage_row_is_a_day_of_disjoint_tokens_with_its_requests(tmp_path: Path) -> None:
    calls, problems = read_json(READER, page(usage_row()), tmp_path)
    (call,) = calls
    assert problems == []
    assert classes(call) == (1_500_000, 9_200_000, 400_000, 7_000, 310_000)
    assert (call.requests, call.web_search_requests, call.grain) == (2210, 12, "day")
    assert (call.start_us, call.end_us) == (micros("2026-11-01T00:00+00:00"), micros("2026-11-02T00:00+00:00"))
    assert (call.model, call.tier, call.context, call.speed, call.geo) == (
        "claude-opus-5-5",
        "standard",
        "0-200k",
        "standard",
        "global",
    )
    assert (call.workspace, call.api_key, call.billed_nano_usd, call.cost_type) == ("", "", None, "")


def test_cost_amounts_are_cents_and_carry_no_tokens_and_no_requests(tmp_path: Path) -> None:
    (call,), problems = read_json(READER, page(cost_row()), tmp_path)
    assert problems == []
    assert call.billed_nano_usd == 1_564 * 10**9  # 156,400 cents
    assert call.reported_list_nano_usd == 1_840 * 10**9
    assert (call.cost_type, call.token_class, call.grain) == ("tokens", "cache_read_tokens", "month")
    assert call.requests is None
    assert call.prompt_tokens + call.output_tokens == 0


def test_fractions_of_a_cent_are_kept(tmp_path: Path) -> None:
    (call,), _ = read_json(READER, page(cost_row(amount="0.012345", list_amount="0.02")), tmp_path)
    assert (call.billed_nano_usd, call.reported_list_nano_usd) == (123_450, 200_000)


def test_a_dimension_that_is_null_in_every_row_is_not_grouped(tmp_path: Path) -> None:
    calls, _ = read_json(READER, page(usage_row(1), usage_row(2)), tmp_path)
    assert {call.workspace for call in calls} == {""}
    assert {call.source for call in calls} == {"analytics_api"}


def test_a_null_beside_other_values_is_a_group_with_a_name(tmp_path: Path) -> None:
    rows = [
        usage_row(1, {"workspace_id": "wrkspc_1", "api_key_id": "apikey_1"}),
        usage_row(1),
    ]
    calls, _ = read_json(READER, page(*rows), tmp_path)
    assert [(call.workspace, call.api_key) for call in calls] == [("wrkspc_1", "apikey_1"), ("no-workspace", "no-key")]
    assert {call.source for call in calls} == {"analytics_api/context+key+model+speed+tier+workspace"}


def test_a_pulled_page_says_itself_what_it_was_grouped_by(tmp_path: Path) -> None:
    pulled = page(usage_row()) | {
        "baseload_pull": {
            "endpoint": "/v1/organizations/analytics/usage",
            "group_by": ["model", "api_key_id"],
            "organization_id": "org-1",
        }
    }
    (call,), _ = read_json(READER, pulled, tmp_path)
    assert (call.api_key, call.workspace, call.account) == ("no-key", "", "org-1")
    assert call.source == "analytics_api/key+model"
    assert call.flags == "geo_unknown,speed_unknown,tier_unknown"


def test_the_account_is_the_row_s_organisation_then_the_declared_one(tmp_path: Path) -> None:
    rows = page(usage_row(1, {"organization_id": "child-1"}), usage_row(2))
    calls, _ = read_json(READER, rows, tmp_path, account="acme")
    assert [call.account for call in calls] == ["child-1", "acme"]


def test_priority_rows_keep_their_tier(tmp_path: Path) -> None:
    (call,), _ = read_json(READER, page(usage_row(1, {"service_tier": "priority"})), tmp_path)
    assert call.tier == "priority"


def test_code_execution_counts_spans_and_not_requests(tmp_path: Path) -> None:
    nothing = {
        "uncached_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 0,
        "total_tokens": 0,
        "requests": 9,
    }
    rows = page(usage_row(), usage_row(1, {"model": None}, **nothing))
    calls, _ = read_json(READER, rows, tmp_path)
    assert (calls[1].requests, calls[1].code_execution_requests) == (None, 9)


def test_a_bucket_read_again_keeps_its_id_and_the_later_statement_ranks_higher(tmp_path: Path) -> None:
    (first,), _ = read_json(READER, page(usage_row()), tmp_path)
    (later,), _ = read_json(
        READER, page(usage_row(output_tokens=1, total_tokens=1), refreshed="2026-11-22T20:00:00Z"), tmp_path
    )
    assert later.call_id == first.call_id
    assert later.rank > first.rank  # although it has fewer tokens


def test_other_groups_days_and_accounts_are_other_buckets(tmp_path: Path) -> None:
    rows = page(usage_row(1), usage_row(2), usage_row(1, {"speed": "fast"}), usage_row(1, {"service_tier": "batch"}))
    calls, _ = read_json(READER, rows, tmp_path)
    others, _ = read_json(READER, page(usage_row(1)), tmp_path, account="acme")
    assert len({call.call_id for call in [*calls, *others]}) == 5


def test_people_become_fingerprints_and_service_accounts_stay_readable(tmp_path: Path) -> None:
    person = {"type": "user_actor", "user_id": "user_1", "email_address": "ann@example.com", "deleted": False}
    service = {"type": "service_account_actor", "service_account_id": "svac_1"}
    key = {"type": "api_actor", "api_key_id": "apikey_9"}
    rows = page(*(usage_row(1, {"actor": actor}) for actor in (person, service, key)))
    calls, _ = read_json(READER, rows, tmp_path)
    assert [call.user_id for call in calls] == [KEY.fingerprint("user", "user_1"), "svac_1", ""]
    assert [call.api_key for call in calls] == ["", "", "apikey_9"]
    assert not any("example.com" in repr(call) for call in calls)


def test_a_list_of_pages_and_pages_by_line_are_one_report(tmp_path: Path) -> None:
    pages = [page(usage_row(1), more=True), page(usage_row(2))]
    listed, problems = read_json(READER, pages, tmp_path)
    assert (len(listed), problems) == (2, [])
    import json

    lines = "\n".join(json.dumps(one) for one in pages)
    by_line, problems = read_text(READER, lines, tmp_path, "report.jsonl")
    assert [call.call_id for call in by_line] == [call.call_id for call in listed]
    assert problems == []


def test_a_page_without_its_followers_is_a_problem(tmp_path: Path) -> None:
    calls, problems = read_json(READER, page(usage_row(), more=True), tmp_path)
    assert len(calls) == 1
    assert codes(problems) == ["pages-missing"]


def test_a_pulled_page_whose_follower_is_beside_it_is_complete(tmp_path: Path) -> None:
    (tmp_path / "p002.json").write_text("{}")
    pulled = page(usage_row(), more=True) | {"baseload_pull": {"group_by": ["model"], "next_file": "p002.json"}}
    assert read_json(READER, pulled, tmp_path)[1] == []
    pulled["baseload_pull"]["next_file"] = "p003.json"
    assert codes(read_json(READER, pulled, tmp_path)[1]) == ["pages-missing"]


def test_bad_rows_cost_one_problem_each_and_the_rest_is_read(tmp_path: Path) -> None:
    rows = page(
        usage_row(1, uncached_input_tokens=-1),
        usage_row(2),
        cost_row(amount="much"),
        cost_row(currency="EUR"),
        cost_row(amount="NaN"),
        {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z"},
        7,
    )
    calls, problems = read_json(READER, rows, tmp_path)
    assert len(calls) == 1
    assert [(problem.row, problem.code) for problem in problems] == [
        (1, "negative-tokens"),
        (3, "bad-amount"),
        (4, "currency-not-usd"),
        (5, "bad-amount"),
        (6, "not-an-object"),
        (7, "not-an-object"),
    ]


def test_a_total_that_is_not_the_sum_is_said_and_the_classes_are_used(tmp_path: Path) -> None:
    calls, problems = read_json(READER, page(usage_row(total_tokens=1)), tmp_path)
    assert calls[0].prompt_tokens + calls[0].output_tokens == 11_417_000
    assert codes(problems) == ["total-differs"]


def test_overlapping_groups_have_no_sum_and_are_refused(tmp_path: Path) -> None:
    calls, problems = read_json(READER, page(usage_row(1, {"rbac_group_id": "rbac_group_1"})), tmp_path)
    assert (calls, codes(problems)) == ([], ["overlapping-groups"])


def test_torn_json_is_one_problem(tmp_path: Path) -> None:
    calls, problems = read_text(READER, '{"data":[{"group":', tmp_path, "report.json")
    assert (calls, codes(problems)) == ([], ["bad-json"])


def test_the_reader_knows_its_pages_and_leaves_the_legacy_reports(tmp_path: Path, shared_data: Path) -> None:
    for number, content in enumerate((page(usage_row()), page(cost_row()), page(refreshed=None, more=False))):
        path = tmp_path / f"{number}.json"
        read_json(READER, content, tmp_path, path.name)
    assert [score(READER, tmp_path / f"{number}.json") for number in range(3)] == [2, 2, 2]
    for legacy in (shared_data / "usage" / "anthropic-admin-api").glob("*.json"):
        assert score(READER, legacy) == 0
