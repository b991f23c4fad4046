"""The pull against a real server on a loopback port, whose pages are held against Anthropic's published types."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic.pagination import SyncReportPageCursor
from anthropic.types.beta.organization.analytics import BetaAnalyticsCostItem, BetaAnalyticsUsageItem
from report_api import KEY, ReportApi
from report_reading import read_path

from baseload.errors import PullError, UsageError
from baseload.usage import admin_api, analytics_api
from baseload.usage.files import Found, find_files
from baseload.usage.pull import client
from baseload.usage.pull.admin_key import AdminKey, admin_key
from baseload.usage.pull.folder import STATE_NAME, PullFolder, locked_folder
from baseload.usage.pull.machine import pull
from baseload.usage.pull.state import PullPlan, PullState, begin
from baseload.usage.reader import Reader
from baseload.values import Call, Problem

TODAY = dt.date(2026, 11, 21)
SINCE = dt.date(2026, 10, 28)


@pytest.fixture
def api() -> Iterator[ReportApi]:
    with ReportApi() as server:
        yield server


async def no_sleep(_: float) -> None:
    """The server's waits, without the waiting."""


def pull_into(folder: Path, api: ReportApi, *, key: str = KEY, url: str = "", **options: Any) -> PullState:
    plan = PullPlan(**{"since": SINCE, "until": TODAY, "today": TODAY} | options)
    with locked_folder(folder) as held:
        flow = pull(begin(plan, held.load()))
        return asyncio.run(client.run(flow, held, AdminKey(key), base_url=url or api.url, sleep=no_sleep))


def pages(folder: Path, pattern: str = "*.json") -> list[Path]:
    """What an import of the folder reads: never its state and lock."""
    return [item.path for item in find_files([folder]) if isinstance(item, Found) and item.path.match(pattern)]


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in pages(folder)}


def items_of(folder: Path, pattern: str = "*.json") -> list[Any]:
    return [item for path in pages(folder, pattern) for item in json.loads(path.read_bytes())["data"]]


def read_all(reader: Reader, folder: Path, pattern: str = "*.json") -> tuple[list[Call], list[Problem]]:
    """Every page read alone, as an import does."""
    read = [read_path(reader, path) for path in pages(folder, pattern)]
    return [call for calls, _ in read for call in calls], [problem for _, problems in read for problem in problems]


def test_the_imitation_serves_pages_of_the_published_types(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path, api)
    checked = 0
    for path, page in api.pages:
        kind = BetaAnalyticsUsageItem if path.endswith("/usage") else BetaAnalyticsCostItem
        parsed = SyncReportPageCursor[kind].model_validate(page, strict=False)  # type: ignore[valid-type]  # built per page
        assert all(type(item) is kind for item in parsed.data)
        assert not any(item.model_extra or item.group.model_extra for item in parsed.data)
        checked += len(parsed.data)
    assert checked > 100


def test_our_requests_are_those_of_the_published_client(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path, api, since=dt.date(2026, 11, 1), until=dt.date(2026, 11, 3), owners=False)
    ours = {path: query for path, query in api.requests if dict(query).get("ending_at", "").startswith("2026-11-03")}
    headers = {path: header for (path, _), header in zip(api.requests, api.headers, strict=True)}
    api.requests.clear()
    sdk = Anthropic(api_key=KEY, base_url=api.url, max_retries=0)
    analytics = sdk.beta.organization.analytics
    common: dict[str, Any] = {
        "starting_at": "2026-11-01T00:00:00Z",
        "ending_at": "2026-11-03T00:00:00Z",
        "time_bucket_width": "1d",
        "order_by": "time",
        "order": "asc",
        "limit": 1000,
        "betas": ["analytics-usage-cost-2026-08-24"],
    }
    rates = ["model", "service_tier", "context_window", "speed", "inference_geo"]
    analytics.usage.list(**common, group_by=rates)
    analytics.cost.list(**common, group_by=[*rates, "cost_type", "token_type"])
    sdk.close()
    for path, query in api.requests:
        theirs = sorted((name, value) for name, value in query if name != "beta")
        assert sorted(pair for pair in ours[path] if pair[0] != "page") == theirs
        assert headers[path]["anthropic-beta"] in api.headers[-1]["anthropic-beta"]


def test_every_day_is_pulled_once_and_read_back_exactly(api: ReportApi, tmp_path: Path) -> None:
    state = pull_into(tmp_path, api)
    assert state.finished
    days = (TODAY - SINCE).days
    for pattern in ("usage-rates-*", "usage-owners-*", "cost-rates-*"):
        assert len(items_of(tmp_path, pattern)) == days * 2
    calls, problems = read_all(analytics_api.READER, tmp_path)
    assert problems == []
    assert len({call.call_id for call in calls}) == len(calls) == days * 6
    # day d writes 1,000 x d output tokens for each of two models: October 28-31 and November 1-20
    expected = 2 * 1_000 * (28 + 29 + 30 + 31 + sum(range(1, 21)))
    for source in ("analytics_api", "analytics_api/key+model+product+tier+workspace"):
        assert sum(call.output_tokens for call in calls if call.source == source) == expected
    billed = [call.billed_nano_usd for call in calls if call.billed_nano_usd is not None]
    assert sum(billed) == days * 2 * 80_005_000_000  # 8,000.5 cents each
    assert {call.account for call in calls} == {"org-1"}


def test_limits_torn_answers_and_failures_change_nothing(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path / "clean", api)
    api.requests.clear()
    api.faults = {1: "429 0", 3: "torn", 4: "500", 6: "half", 9: "529", 12: "429 2", 15: "torn", 16: "torn", 20: "503"}
    state = pull_into(tmp_path / "rough", api)
    assert state.finished
    assert content(tmp_path / "rough") == content(tmp_path / "clean")


def test_an_expired_cursor_leaves_the_same_files(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path / "clean", api)
    api.requests.clear()
    api.faults = {5: "410", 11: "410"}
    pull_into(tmp_path / "rough", api)
    assert content(tmp_path / "rough") == content(tmp_path / "clean")


@pytest.mark.parametrize("stop_at", [1, 3, 7, 20])
def test_a_pull_that_died_goes_on_and_gives_the_same_files(api: ReportApi, tmp_path: Path, stop_at: int) -> None:
    pull_into(tmp_path / "clean", api)
    api.requests.clear()
    api.faults = dict.fromkeys(range(stop_at, stop_at + 20), "500")  # more than the pull endures
    with pytest.raises(PullError, match="goes on where it stopped"):
        pull_into(tmp_path / "rough", api)
    api.faults = {}
    done_before = len(content(tmp_path / "rough"))
    api.requests.clear()
    pull_into(tmp_path / "rough", api)
    assert content(tmp_path / "rough") == content(tmp_path / "clean")
    probes = 2 if stop_at <= 2 else 0
    assert len(api.requests) == len(content(tmp_path / "clean")) - done_before + probes


CHILD = """
import asyncio, datetime as dt, sys
from pathlib import Path
from baseload.usage.pull import client
from baseload.usage.pull.admin_key import AdminKey
from baseload.usage.pull.folder import locked_folder
from baseload.usage.pull.machine import pull
from baseload.usage.pull.state import PullPlan, begin

url, folder, key = sys.argv[1:]
day = dt.date(2026, 11, 21)
plan = PullPlan(since=dt.date(2026, 10, 28), until=day, today=day)
with locked_folder(Path(folder)) as pages:
    asyncio.run(client.run(pull(begin(plan, pages.load())), pages, AdminKey(key), base_url=url))
"""


def test_kill_minus_nine_at_any_moment_then_again_equals_one_clean_run(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path / "clean", api)
    folder = tmp_path / "killed"
    for written in (0, 2, 5):
        child = subprocess.Popen([sys.executable, "-c", CHILD, api.url, str(folder), KEY])
        deadline = time.monotonic() + 30
        while (
            len(list(folder.glob("usage-*.json"))) <= written and child.poll() is None and time.monotonic() < deadline
        ):
            time.sleep(0.002)
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
    pull_into(folder, api)
    assert content(folder) == content(tmp_path / "clean")
    assert not list(folder.glob(".*.tmp"))


def test_a_later_pull_renews_the_open_month_and_removes_pages_it_no_longer_has(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path, api, until=dt.date(2026, 11, 20), today=dt.date(2026, 11, 20))
    before = content(tmp_path)
    api.page_rows = 50
    api.requests.clear()
    pull_into(tmp_path, api)
    after = content(tmp_path)
    assert len(after) < len(before)
    assert len(items_of(tmp_path, "usage-rates-2026-11-01-*")) == 2 * 20
    calls, _ = read_all(analytics_api.READER, tmp_path)
    assert len({call.call_id for call in calls}) == len(calls)


def test_what_is_not_complete_is_not_asked_for(api: ReportApi, tmp_path: Path) -> None:
    api.refreshed = "2026-11-15T09:00:00Z"
    state = pull_into(tmp_path, api)
    assert state.complete_through == dt.date(2026, 11, 15)
    assert max(item["ending_at"] for item in items_of(tmp_path)) == "2026-11-15T00:00:00Z"


def test_an_organisation_without_the_analytics_api_gets_the_legacy_reports(api: ReportApi, tmp_path: Path) -> None:
    api.refused = {"/v1/organizations/analytics/usage", "/v1/organizations/analytics/cost"}
    state = pull_into(tmp_path, api)
    assert len(state.notes) == 2
    calls, problems = read_all(admin_api.READER, tmp_path)
    assert problems == []
    days = (TODAY - SINCE).days
    assert len(calls) == days * 2
    assert sum(call.billed_nano_usd or 0 for call in calls) == days * 80_005_000_000
    assert {call.workspace for call in calls} == {"default"}


def test_claude_code_comes_by_person_where_asked_for(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path, api, since=dt.date(2026, 11, 19), claude_code=True)
    calls, problems = read_all(admin_api.READER, tmp_path, "claude-code-*.json")
    assert ([call.start_us % 86_400_000_000 for call in calls], problems) == ([0, 0], [])


def test_the_key_is_in_no_file_and_no_message(api: ReportApi, tmp_path: Path) -> None:
    pull_into(tmp_path, api)
    for path in tmp_path.iterdir():
        assert KEY.encode() not in path.read_bytes(), path.name
    api.requests.clear()
    api.faults = {1: "401"}  # this server echoes the key in its message
    with pytest.raises(PullError) as error:
        pull_into(tmp_path / "refused", api)
    assert KEY not in str(error.value)
    assert "fault for …" in str(error.value)
    assert KEY not in repr(AdminKey(KEY))


def test_a_redirect_is_not_followed_with_the_key(api: ReportApi, tmp_path: Path) -> None:
    api.faults = {1: "302"}
    with pytest.raises(PullError, match="HTTP 302"):
        pull_into(tmp_path, api)
    assert len(api.requests) == 1


@pytest.mark.parametrize("url", ["http://example.com", "ftp://127.0.0.1", "api.anthropic.com", ""])
def test_the_key_leaves_this_machine_only_encrypted(url: str, api: ReportApi, tmp_path: Path) -> None:
    flow = pull(begin(PullPlan(since=SINCE, until=TODAY, today=TODAY), None))
    with pytest.raises(UsageError, match="expected https"):
        asyncio.run(client.run(flow, PullFolder(tmp_path), AdminKey(KEY), base_url=url))
    assert api.requests == []


def test_two_pulls_do_not_write_one_folder(api: ReportApi, tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(PullError, match="another pull"):
        pull_into(tmp_path, api)


def test_a_damaged_state_is_said_and_not_guessed_at(api: ReportApi, tmp_path: Path) -> None:
    (tmp_path / STATE_NAME).write_text('{"schema":')
    with pytest.raises(PullError, match="Remove the folder"):
        pull_into(tmp_path, api)


def test_a_key_file_must_be_private(tmp_path: Path) -> None:
    file = tmp_path / "admin.key"
    file.write_text(KEY + "\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        admin_key({}, file)
    file.chmod(0o600)
    assert admin_key({"ANTHROPIC_ADMIN_KEY": "other"}, file) == AdminKey(KEY)


def test_the_environment_s_key_is_used_and_a_missing_one_says_what_to_do() -> None:
    assert admin_key({"ANTHROPIC_ADMIN_KEY": f" {KEY}\n"}, None) == AdminKey(KEY)
    with pytest.raises(UsageError, match="ANTHROPIC_ADMIN_KEY is not set"):
        admin_key({}, None)
    with pytest.raises(UsageError, match="printable") as error:
        admin_key({"ANTHROPIC_ADMIN_KEY": "sk-ant admin"}, None)
    assert "sk-ant" not in str(error.value)


def test_a_retry_after_date_is_read_by_the_server_s_clock() -> None:
    date, later = "Sat, 21 Nov 2026 20:30:00 GMT", "Sat, 21 Nov 2026 20:30:45 GMT"
    assert client._retry_after({"retry-after": later, "date": date}) == 45.0
    assert client._retry_after({"retry-after": "1.5"}) == 1.5
    assert client._retry_after({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert client._retry_after({}) is None
    assert client._retry_after({"retry-after": "soon"}) is None
