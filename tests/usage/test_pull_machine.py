"""The pull decides without any IO: every answer here is a literal."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from baseload.errors import PullError
from baseload.usage.pull.actions import Action, Remove, Reply, Save, Send, Wait
from baseload.usage.pull.machine import Flow, pull
from baseload.usage.pull.replies import MOST_FAILURES, wait_of
from baseload.usage.pull.series import SERIES, Window, months_between, params_of
from baseload.usage.pull.state import PullPlan, PullState, Task, begin

TODAY = dt.date(2026, 11, 22)
NOVEMBER = dt.date(2026, 11, 1)


def plan(since: dt.date = NOVEMBER, until: dt.date = TODAY, **options: bool) -> PullPlan:
    return PullPlan(since=since, until=until, today=TODAY, **options)


def page(*rows: Any, next_page: str | None = None, refreshed: str | None = "2026-11-22T06:00:00Z") -> Reply:
    body = {"data": list(rows), "has_more": next_page is not None, "next_page": next_page}
    if refreshed:
        body["data_refreshed_at"] = refreshed
    return Reply(status=200, body=json.dumps(body).encode(), organization_id="org-1", date="2026-11-22T08:00:00Z")


def failure(status: int, code: str = "", retry_after: float | None = None) -> Reply:
    error: dict[str, Any] = {"type": "x", "message": "told"}
    if code:
        error["details"] = {"error_code": code}
    return Reply(status=status, body=json.dumps({"error": error}).encode(), retry_after=retry_after)


def one_task(series: str = "usage-rates", **values: Any) -> PullState:
    """A state with one window left, past its probe."""
    task = Task(series=series, window=Window(start=NOVEMBER, end=TODAY), **values)
    return PullState(since=NOVEMBER, until=TODAY, tasks=(task,), probed=True)


def play(flow: Flow, *replies: Reply) -> tuple[list[Action], PullState]:
    """Run a flow to its end, answering each Send with the next reply."""
    waiting = list(replies)
    actions: list[Action] = []
    answer: Reply | None = None
    while True:
        try:
            action = flow.send(answer)
        except StopIteration as end:
            assert not waiting, "fewer requests than replies"
            return actions, end.value
        actions.append(action)
        answer = waiting.pop(0) if isinstance(action, Send) else None


def sent(actions: list[Action]) -> list[dict[str, str]]:
    return [dict(action.params) for action in actions if isinstance(action, Send)]


def test_the_request_asks_for_exactly_the_dimensions_of_a_price() -> None:
    window = Window(start=NOVEMBER, end=dt.date(2026, 12, 1))
    assert params_of(SERIES["usage-rates"], window, "") == (
        ("starting_at", "2026-11-01T00:00:00Z"),
        ("ending_at", "2026-12-01T00:00:00Z"),
        ("group_by[]", "model"),
        ("group_by[]", "service_tier"),
        ("group_by[]", "context_window"),
        ("group_by[]", "speed"),
        ("group_by[]", "inference_geo"),
        ("time_bucket_width", "1d"),
        ("order_by", "time"),
        ("order", "asc"),
        ("limit", "1000"),
    )


def test_windows_are_months_of_at_most_31_days_without_gap_or_overlap() -> None:
    windows = months_between(dt.date(2026, 1, 20), dt.date(2027, 3, 2))
    assert all(0 < (window.end - window.start).days <= 31 for window in windows)
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
    assert (windows[0].start, windows[-1].end) == (dt.date(2026, 1, 20), dt.date(2027, 3, 2))


def test_pages_follow_the_cursor_and_are_saved_with_the_state_that_names_them() -> None:
    actions, state = play(pull(one_task()), page(1, next_page="c1"), page(2))
    assert [query.get("page") for query in sent(actions)] == [None, "c1"]
    saves = [action for action in actions if isinstance(action, Save)]
    assert [save.name for save in saves] == ["usage-rates-2026-11-01-p001.json", "usage-rates-2026-11-01-p002.json", ""]
    assert [save.state.tasks[0].cursor for save in saves] == ["c1", "", ""]
    assert (state.finished, state.tasks[0].rows) == (True, 2)


def test_a_page_carries_what_it_takes_to_read_it_alone() -> None:
    actions, _ = play(pull(one_task()), page(1, next_page="c1"), page(2))
    marks = [
        json.loads(action.content)["baseload_pull"] for action in actions if isinstance(action, Save) and action.name
    ]
    assert marks[0] == {
        "endpoint": "/v1/organizations/analytics/usage",
        "group_by": ["model", "service_tier", "context_window", "speed", "inference_geo"],
        "starting_at": "2026-11-01",
        "ending_at": "2026-11-22",
        "organization_id": "org-1",
        "retrieved_at": "2026-11-22T08:00:00Z",
        "next_file": "usage-rates-2026-11-01-p002.json",
    }
    assert marks[1]["next_file"] == ""


def test_an_interrupted_pull_goes_on_with_the_page_it_lacked() -> None:
    first = pull(one_task())
    action = first.send(None)
    assert isinstance(action, Send)
    saved = first.send(page(1, next_page="c1"))
    assert isinstance(saved, Save)
    resumed = begin(plan(), saved.state)  # the process died here
    actions, _ = play(pull(resumed), page(2))
    assert sent(actions)[0]["page"] == "c1"
    assert next(save.name for save in actions if isinstance(save, Save)) == "usage-rates-2026-11-01-p002.json"


def test_a_limit_is_waited_out_to_the_second() -> None:
    actions, _ = play(pull(one_task()), failure(429, retry_after=37.0), page(1))
    assert [action.seconds for action in actions if isinstance(action, Wait)] == [37.0]


def test_failures_are_retried_after_one_two_four_seconds() -> None:
    torn = Reply(status=0, error="no answer")
    half = Reply(status=200, body=b'{"data":[')
    actions, _ = play(pull(one_task()), failure(500), torn, half, failure(529), page(1))
    assert [action.seconds for action in actions if isinstance(action, Wait)] == [1.0, 2.0, 4.0, 8.0]


def test_a_server_that_keeps_failing_ends_the_pull_and_says_how_to_go_on() -> None:
    with pytest.raises(PullError, match="goes on where it stopped"):
        play(pull(one_task()), *[failure(500)] * MOST_FAILURES)


@pytest.mark.parametrize("status", [400, 401])
def test_a_refusal_is_not_retried(status: int) -> None:
    with pytest.raises(PullError, match="told"):
        play(pull(one_task()), failure(status))


def test_a_spend_cap_is_never_retried() -> None:
    with pytest.raises(PullError, match="spend limit"):
        wait_of(failure(429, "enforced_spend_limit_reached"), 1)


def test_an_endless_wait_is_left_to_the_next_pull() -> None:
    with pytest.raises(PullError, match="3,600 seconds"):
        wait_of(failure(429, retry_after=3600.0), 1)


def test_an_expired_cursor_restarts_its_window_and_leaves_no_page_behind() -> None:
    rows = [page(n, next_page=f"c{n}") for n in range(2)]
    actions, state = play(pull(one_task()), *rows, failure(410), page(8))
    assert [query.get("page") for query in sent(actions)] == [None, "c0", "c1", None]
    assert state.tasks[0].files == ("usage-rates-2026-11-01-p001.json",)
    removed = [action.names for action in actions if isinstance(action, Remove)]
    assert removed == [("usage-rates-2026-11-01-p002.json",)]


def test_a_cursor_that_always_expires_is_given_up() -> None:
    with pytest.raises(PullError, match="expired 4 times"):
        play(pull(one_task()), *[failure(410)] * 4)


def test_the_same_cursor_twice_is_no_endless_loop() -> None:
    with pytest.raises(PullError, match="same cursor"):
        play(pull(one_task()), page(1, next_page="c"), page(1, next_page="c"))


def test_an_answer_that_is_no_report_ends_the_pull() -> None:
    with pytest.raises(PullError, match="no report page"):
        play(pull(one_task()), Reply(status=200, body=b'{"hello": 1}'))


def test_days_that_are_not_complete_are_left_for_the_next_pull() -> None:
    cost, usage = page(refreshed="2026-11-21T20:00:00Z"), page(refreshed="2026-11-20T04:00:00Z")
    actions, state = play(pull(begin(plan(), None)), cost, usage, page(1), page(2), page(3))
    # the probe asks for the last day of each endpoint; then every report ends with the earlier of the two
    assert [query["ending_at"][:10] for query in sent(actions)] == ["2026-11-22"] * 2 + ["2026-11-20"] * 3
    assert state.complete_through == dt.date(2026, 11, 20)
    assert "complete through 2026-11-20" in state.notes[0]


def test_a_refused_analytics_api_falls_back_to_the_legacy_reports_and_says_so() -> None:
    refused = [failure(404), failure(403)]
    actions, state = play(pull(begin(plan(), None)), *refused, page(1, refreshed=None), page(2, refreshed=None))
    assert [task.series for task in state.tasks] == ["legacy-usage", "legacy-cost"]
    assert [note.split(";")[1].strip() for note in state.notes] == [
        "the legacy report /v1/organizations/cost_report is pulled instead",
        "the legacy report /v1/organizations/usage_report/messages is pulled instead",
    ]
    assert len(sent(actions)) == 4


def test_only_what_is_refused_falls_back() -> None:
    _, state = play(pull(begin(plan(), None)), failure(403), page(), page(1), page(2), page(3, refreshed=None))
    assert [task.series for task in state.tasks] == ["usage-rates", "usage-owners", "legacy-cost"]


def test_a_refused_legacy_usage_report_ends_the_pull_and_a_refused_cost_report_is_left_out() -> None:
    with pytest.raises(PullError, match="may not read usage"):
        play(pull(one_task("legacy-usage")), failure(403))
    _, state = play(pull(one_task("legacy-cost")), failure(403))
    assert state.tasks == ()
    assert state.notes[0].endswith("left out")


def test_days_before_the_analytics_api_come_from_the_legacy_reports() -> None:
    tasks = begin(plan(dt.date(2025, 11, 15), dt.date(2026, 2, 1)), None).tasks
    legacy = {task.series for task in tasks if task.window.start < dt.date(2026, 1, 1)}
    recent = {task.series for task in tasks if task.window.start >= dt.date(2026, 1, 1)}
    assert legacy == {"legacy-usage", "legacy-cost"}
    assert recent == {"usage-rates", "usage-owners", "cost-rates"}


def test_the_pace_is_kept_between_requests() -> None:
    actions, _ = play(pull(one_task(), pace=1.0), page(1, next_page="c"), page(2))
    assert [type(action).__name__ for action in actions] == ["Wait", "Send", "Save", "Wait", "Send", "Save", "Save"]


def test_a_later_pull_asks_again_only_for_what_may_have_changed() -> None:
    april, may, november = (dt.date(2026, month, 1) for month in (4, 5, 11))

    def done(start: dt.date, end: dt.date, refreshed: str) -> Task:
        window = Window(start=start, end=end)
        return Task(series="usage-rates", window=window, done=True, refreshed_at=refreshed, files=(f"{start}.json",))

    earlier = PullState(
        since=april,
        until=dt.date(2026, 11, 20),
        finished=True,
        tasks=(
            done(april, may, "2026-11-20T00:00:00Z"),  # long settled
            done(dt.date(2026, 10, 1), november, "2026-11-20T00:00:00Z"),  # still revisable
            done(november, dt.date(2026, 11, 20), "2026-11-20T00:00:00Z"),  # longer now
        ),
    )
    tasks = begin(plan(april, TODAY, owners=False), earlier).tasks
    again = {task.window.start: not task.done for task in tasks if task.series == "usage-rates"}
    assert (again[april], again[dt.date(2026, 10, 1)], again[november]) == (False, True, True)
    renewed = next(task for task in tasks if task.window.start == november and task.series == "usage-rates")
    assert renewed.stale == ("2026-11-01.json",)


def test_days_of_claude_code_are_asked_for_one_by_one() -> None:
    tasks = [
        task
        for task in begin(plan(dt.date(2026, 11, 20), claude_code=True), None).tasks
        if task.series == "claude-code"
    ]
    assert [task.window.start.day for task in tasks] == [20, 21]
    assert params_of(SERIES["claude-code"], tasks[0].window, "") == (("starting_at", "2026-11-20"), ("limit", "1000"))
