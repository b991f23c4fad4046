"""Change sheets: what they say, that their code runs, and that nothing of a prompt or a trick of a name is in them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from anthropic import Anthropic, DefaultHttpxClient
from anthropic.types import OutputConfigParam, TextBlockParam, ThinkingConfigParam, ToolParam
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from planned_cases import HAIKU, MARKS, OPUS, cached, menu, plan, usd, workload
from pydantic import TypeAdapter

from baseload.levers.options import CacheMark, Fix, Menu, Rewrite, RouteOption
from baseload.plan.adoption import Pace, adopt
from baseload.plan.changes import changes_of
from baseload.plan.choice import Choice
from baseload.plan.planned import Planned
from baseload.plan.sheet_code import batch_code, call_code, call_diff, request_json
from baseload.plan.sheet_request import requests_of
from baseload.plan.sheets import COLUMNS, INDEX, change_rows, change_sheets, file_name, plain, sheet, step_words

REWRITES = (
    Rewrite(feature="sampling", action="strip temperature"),
    Rewrite(feature="thinking_budget", action="use adaptive thinking and effort low"),
)


def options(verdict: str = "assumed") -> Menu:
    plain_menu = menu(verdict)
    moved = RouteOption(
        model=HAIKU, effort="low", verdict=verdict, verdict_id="v-1" if verdict == "holds" else "", rewrites=REWRITES  # type: ignore[arg-type]
    )  # fmt: skip
    return Menu(
        workload="w-triage", routes=(plain_menu.routes[0], moved), caches=plain_menu.caches,
        fixes=(Fix(kind="speed"),), batch=plain_menu.batch,
    )  # fmt: skip


EVERYTHING = Choice(fixes=(0,), route=1, cache="plan", batch=True)
TRIAGE = workload(owner="Ann", request_features=("fast", "sampling", "thinking_budget"), task_evidence="short answers")


def full(verdict: str = "assumed", **other: Any) -> Planned:
    return plan(
        ("fix", usd(50, 50, 50), "measured"),
        ("effort", usd(20, 30, 60), "assumed"),
        ("route", usd(300, 400, 500), "assumed"),
        ("cache", usd(40, 45, 50), "simulated"),
        ("batch", usd(20, 30, 40), "simulated"),
        choice=EVERYTHING, options=options(verdict), of=other.pop("of", TRIAGE), **other,
    )  # fmt: skip


def adopted(*planned: Planned) -> Any:
    return adopt(10**15, [change for one in planned for change in changes_of(one)], Pace())


def block(text: str, language: str, index: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)\n```", text, re.DOTALL)[index]


# the request before and after


def test_marks_stand_where_the_plan_puts_them() -> None:
    _, after = requests_of(full())
    assert "cache_control" not in after["tools"][0]
    assert after["tools"][-1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in after["system"][0]
    assert after["system"][1]["cache_control"] == {"type": "ephemeral"}
    assert after["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    assert json.dumps(after).count("cache_control") == len(MARKS)


def test_the_new_model_has_its_effort_and_none_of_what_it_refuses() -> None:
    before, after = requests_of(full())
    assert (before["model"], before["temperature"], before["speed"]) == (OPUS, 0, "fast")
    assert before["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert (after["model"], after["output_config"], after["thinking"]) == (
        HAIKU,
        {"effort": "low"},
        {"type": "adaptive"},
    )
    assert not {"temperature", "speed"} & set(after)


def test_a_volatile_part_is_shown_where_it_was_and_where_it_goes() -> None:
    moved = cached(HAIKU, move_after_prefix=('today"s <date>\n',))
    before, after = requests_of(with_caches(moved))
    assert before["system"][0]["text"] == "<system prompt, block 0 with todays date>"
    assert after["system"][0]["text"] == "<system prompt, block 0>"
    assert after["messages"][-1]["content"][-1]["text"] == "<todays date>"
    assert "cache_control" in after["messages"][-1]["content"][-1]


def with_caches(*caches: Any) -> Planned:
    one = options()
    return plan(
        ("cache", usd(1, 2, 3), "simulated"),
        choice=Choice(route=1, cache="plan"),
        options=Menu(workload="w", routes=one.routes, caches=caches),
        of=TRIAGE,
    )


def test_without_a_change_the_two_requests_are_one() -> None:
    before, after = requests_of(plan())
    assert before == after
    assert call_diff(before, after) == ""


@pytest.mark.parametrize("index", [0, 1, 2, 5])
def test_a_mark_after_any_message_has_that_message(index: int) -> None:
    mark = CacheMark(section="messages", after=f"message:{index}", ttl="5m")
    _, after = requests_of(with_caches(cached(HAIKU, marks=(mark,))))
    assert "cache_control" in after["messages"][index]["content"][-1]
    assert after["messages"][-1]["role"] == "user"


# the code


def test_the_call_and_the_batch_compile() -> None:
    before, after = requests_of(full())
    for text in (call_code(before), call_code(after), batch_code(after, "4h")):
        compile(text, "sheet", "exec")


def test_the_request_is_what_the_sdk_says_a_request_is() -> None:
    """The installed SDK's own types: no unknown key, every part of the right shape."""
    _, after = requests_of(full())
    assert set(after) <= set(MessageCreateParamsNonStreaming.__annotations__)
    texts = [*after["system"], *(block for message in after["messages"] for block in message["content"])]
    for kind, parts in (
        (TextBlockParam, texts),
        (ToolParam, after["tools"]),
        (OutputConfigParam, [after["output_config"]]),
        (ThinkingConfigParam, [after["thinking"]]),
    ):
        for part in parts:
            assert TypeAdapter(kind).validate_python(part) == part  # what a type does not know is dropped


def test_the_code_runs_and_sends_the_json_of_the_sheet() -> None:
    """The snippets, run against the real client with a transport that records what it is given."""
    _, after = requests_of(full())
    sent = run(call_code(after))
    assert sent == [("/v1/messages", after)]
    sent = run(batch_code(after, "4h"))
    path, body = sent[0]
    assert path == "/v1/messages/batches"
    assert body["requests"][0]["params"] == {name: value for name, value in after.items() if name != "speed"}


def run(code: str) -> list[tuple[str, Any]]:
    """Execute a snippet; every request is recorded and answered with an empty object of its kind."""
    import httpx2

    sent: list[tuple[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            sent.append((request.url.path, json.loads(request.content)))
        return httpx2.Response(200, json={"id": "msgbatch_1", "processing_status": "in_progress", "content": []})

    with Anthropic(api_key="k", http_client=DefaultHttpxClient(transport=httpx2.MockTransport(answer))) as client:
        exec(code.replace("client = Anthropic()", ""), {"client": client})
    return sent


def test_the_diff_turns_the_one_call_into_the_other() -> None:
    before, after = requests_of(full())
    diff = call_diff(before, after)
    assert f'-    model="{OPUS}",' in diff
    assert f'+    model="{HAIKU}",' in diff
    assert "-    temperature=0," in diff
    added = [line[1:] for line in diff.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert all(line in call_code(after).splitlines() for line in added)


# the sheet


def test_a_sheet_says_who_what_how_much_and_the_way_back() -> None:
    one = full()
    text = sheet(one, adopted(one))
    for expected in (
        "# triage: what to change",
        "| owner | Ann |",
        "$430 to $700, likely $555",
        "| of | $1,000 a year as billed |",
        "Remove waste: fast mode | $50 | measured | a setting | 0.5 |",
        f"Run on another model: {HAIKU} at effort low instead of {OPUS}",
        "- Its caller tags it triage.",
        "- strip temperature (sampling)",
        "pin_original: true",
        "revert the diff",
    ):
        assert expected in text, expected
    assert json.loads(block(text, "json", 1)) == requests_of(one)[1]
    compile(block(text, "python"), "sheet", "exec")


def test_an_untested_model_says_so_before_anything_else() -> None:
    one = full()
    text = sheet(one, adopted(one))
    assert "**Do not ship the model change yet.**" in text
    assert text.index("Do not ship") < text.index("## The changes")
    held = full("holds")
    assert "Do not ship" not in sheet(held, adopted(held))


def test_claude_code_gets_settings_instead_of_code() -> None:
    one = full(coding_agent="claude_code")
    text = sheet(one, adopted(one))
    assert "messages.create" not in text
    assert json.loads(block(text, "json"))["model"] == HAIKU
    assert "Take the keys above out of the managed settings" in text


def test_the_index_ranks_by_dollars_a_week_of_work_and_links_every_sheet() -> None:
    big, small = full(), plan(("fix", usd(1, 1, 1), "measured"), choice=Choice(fixes=(0,)), of=workload("small"))
    files = change_sheets([small, big, plan(of=workload("still"))], adopted(small, big))
    assert set(files) == {INDEX, file_name(big), file_name(small)}
    rows = [line for line in files[INDEX].splitlines() if re.match(r"\| \d", line)]
    assert [row.split(" | ")[0] for row in rows] == [f"| {rank}" for rank in range(1, 6)]
    assert "small" in rows[-1]
    assert f"[triage]({file_name(big)})" in rows[0]


def test_the_csv_has_a_cell_for_every_column() -> None:
    one = full()
    rows = change_rows(adopted(one))
    assert len(rows) == 4
    assert {len(row) for row in rows} == {len(COLUMNS)}
    fixed = next(dict(zip(COLUMNS, row, strict=True)) for row in rows if "fix" in row)
    assert fixed["likely_usd"] == "50.00"
    assert fixed["per_week_of_work_usd"] == "500.00"
    assert (fixed["rank"], fixed["needs_trial"], fixed["ships_in_week"]) == ("1", "no", "1")


HOSTILE = "x | <script>alert(1)</script> `rm` [a](javascript:1)\n# head ``` \u202e"


def test_names_from_logs_cannot_become_markup() -> None:
    evil = workload("evil", id="w-e/../../etc", why=HOSTILE, task_evidence=HOSTILE)
    one = full(of=type(evil)(id=evil.id, name=HOSTILE, stage="tag", why=HOSTILE, owner=HOSTILE))
    files = change_sheets([one], adopted(one))
    for name, text in files.items():
        assert re.fullmatch(r"[\w.-]+", name)
        assert ".." not in name
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        assert "<script" not in outside.replace("\\<", "")
        assert "\u202e" not in text
        assert not re.search(r"^# head", text, re.MULTILINE)


def test_text_is_inert_on_one_line() -> None:
    assert plain("a\nb\x00 | *c*") == "a b \\| \\*c\\*"


def test_no_sheet_holds_more_than_placeholders() -> None:
    """Everything that stands for a prompt is in angle brackets."""
    before, after = requests_of(full())
    for request in (before, after):
        texts = re.findall(r'"(?:text|description)": "(.*?)"', request_json(request))
        assert texts
        assert all(re.fullmatch(r"<[^<>]+>", text) for text in texts)


def test_a_step_that_waits_for_an_edit_of_the_prompt_says_so() -> None:
    options = menu(caches=(cached(OPUS, policy="edited", move_after_prefix=("the date",)),))
    one = plan(("cache", usd(90, 100, 110), "simulated"), choice=Choice(cache="edited"), options=options)
    assert step_words(one, "cache").endswith(": 3 marks, once the prompt is edited and its answers checked")
