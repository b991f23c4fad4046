"""Marks come where the policy says, and never where the API would refuse them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from decide_made import BOOK, HAIKU, OPUS, body_of, facts_from, mark, plain, requests
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.decide.apply import Applied, apply
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.fit import Capabilities
from baseload.levers.options import CacheMark

FIVE, HOUR = {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}
LONG = "word " * 4000  # about 5,000 tokens: longer than any model's minimum
CAPABILITIES = Capabilities(BOOK.models)
TOOLS = [{"name": "a", "input_schema": {"d": LONG}}, {"name": "b", "input_schema": {}}]
SYSTEM = [{"type": "text", "text": LONG}, {"type": "text", "text": "two"}]


def marked(request: dict[str, Any] | bytes, *marks: CacheMark, **more: Any) -> Applied:
    body = request if isinstance(request, bytes) else body_of(request)
    decision = Decision(reason="leave", workload="w-1", asked=OPUS, marks=marks, **more)
    return apply(body, facts_from(body), decision, CAPABILITIES)


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
RESULT = {"type": "tool_result", "tool_use_id": "t", "content": "r"}


@pytest.mark.parametrize(
    ("request_", "wanted", "path", "control"),
    [
        (plain(tools=TOOLS), mark("last_tool", "1h"), ("tools", 1), HOUR),
        (plain(system=SYSTEM), mark("system:0"), ("system", 0), FIVE),
        (plain(system=SYSTEM), mark("system:1", "1h"), ("system", 1), HOUR),
        (plain(system=LONG), mark("system:0"), ("system", 0), FIVE),
        (plain(messages=[user(text(LONG))]), mark("tail"), ("messages", 0, "content", 0), FIVE),
        (plain(messages=[{"role": "user", "content": LONG}]), mark("tail"), ("messages", 0, "content", 0), FIVE),
        (plain(messages=[user(text(LONG)), user(text("x"), RESULT)]), mark("tail"),
         ("messages", 1, "content", 1), FIVE),
        (plain(messages=[user(text(LONG)), user(text("x"))]), mark("message:0"), ("messages", 0, "content", 0), FIVE),
        # the tail steps over what carries no mark
        (plain(messages=[user(text(LONG)), user(text("x"), THOUGHT, text(""))]), mark("tail"),
         ("messages", 1, "content", 0), FIVE),
        (plain(messages=[user(text(LONG)), user(THOUGHT)]), mark("tail"), ("messages", 0, "content", 0), FIVE),
        (plain(messages=[user(text(LONG)), user(text("x"), text(" \n\t\u00a0"))]), mark("tail"),
         ("messages", 1, "content", 0), FIVE),
        (plain(messages=[user(text(LONG)), {"role": "system", "content": "s"}]), mark("tail"),
         ("messages", 0, "content", 0), FIVE),
    ],
)  # fmt: skip
def test_a_mark_comes_where_the_policy_says(
    request_: dict[str, Any], wanted: CacheMark, path: tuple[Any, ...], control: dict[str, str]
) -> None:
    for how in ({}, {"separators": (",", ":")}, {"indent": 2}):
        found = marked(body_of(request_, **how), wanted)
        value = json.loads(found.body)
        for step in path:
            value = value[step]
        assert value["cache_control"] == control
        assert len(found.marks) == 1
        assert found.body.count(b"cache_control") == 1


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (plain(), mark("last_tool")),
        (plain(tools=[]), mark("last_tool")),
        (plain(tools=[{"name": "a" + LONG, "defer_loading": True}]), mark("last_tool")),
        (plain(tools=[{"name": "a" + LONG, "cache_control": None}]), mark("last_tool")),
        (plain(system=SYSTEM), mark("system:2")),
        (plain(system=[text(LONG), text("")]), mark("system:1")),
        (plain(system=""), mark("system:0")),
        (plain(system=LONG), mark("system:1")),
        (plain(messages=[user(text(LONG))]), mark("message:1")),
        (plain(messages=[user(THOUGHT, text(""))], system=LONG), mark("message:0")),
        (plain(messages=[{"role": "user", "content": " "}], system=LONG), mark("tail")),
        # shorter than what the model caches
        (plain(), mark("tail")),
        (plain(system="short"), mark("system:0")),
        # a mark of the caller's own: stand down
        (plain(system=LONG, cache_control=FIVE), mark("system:0")),
        (plain(system=LONG, messages=[user(text("u", cache_control=HOUR))]), mark("system:0")),
    ],
)
def test_no_mark_comes_where_none_may_and_not_a_byte_changes(request_: dict[str, Any], wanted: CacheMark) -> None:
    body = body_of(request_)
    found = marked(body, wanted)
    assert found.body is body
    assert found.marks == ()


def test_text_that_becomes_a_block_keeps_its_very_bytes() -> None:
    body = b'{"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "%s\\u00e9"}]}' % LONG.encode()
    assert marked(body, mark("tail")).body == body.replace(
        b'"content": "', b'"content": [{"type":"text","text":"'
    ).replace(b'\\u00e9"}', b'\\u00e9","cache_control":{"type":"ephemeral"}}]}')


def test_two_marks_that_meet_in_one_place_are_one_with_the_longer_life() -> None:
    found = marked(plain(messages=[user(text(LONG))]), mark("message:0", "1h"), mark("tail"))
    assert found.marks == (mark("message:0", "1h"),)


def test_a_fifth_mark_and_a_longer_life_after_a_shorter_one_are_left_out() -> None:
    request = plain(system=[text(LONG), text("b"), text("c")], tools=TOOLS, messages=[user(text("u"))])
    wanted = [mark("last_tool"), mark("system:0"), mark("system:1", "1h"), mark("system:2"), mark("message:0")]
    assert marked(request, *wanted).marks == (wanted[0], wanted[1], wanted[3], wanted[4])
    every = [mark("last_tool"), mark("system:0"), mark("system:1"), mark("system:2"), mark("message:0")]
    assert marked(request, *every).marks == tuple(every[:4])


def test_members_in_another_order_are_marked_in_the_order_the_api_reads_them() -> None:
    request = {"messages": [user(text("x"))], "system": SYSTEM, "tools": TOOLS, "model": OPUS}
    found = marked(request, mark("last_tool", "1h"), mark("system:1", "1h"), mark("tail"))
    assert found.marks == (mark("last_tool", "1h"), mark("system:1", "1h"), mark("message:0"))
    assert json.loads(found.body)["tools"][1]["cache_control"] == HOUR


def test_the_minimum_is_that_of_the_model_that_serves() -> None:
    """5,000 estimated tokens: enough for Haiku 5.5; 700 for none."""
    least = BOOK.models[HAIKU].min_cacheable_tokens
    enough, less = ("x" * (least * 4 + 100), "x" * (least * 4 - 100))
    assert marked(plain(system=enough), mark("system:0"), model=HAIKU, candidate=HAIKU).marks
    assert not marked(plain(system=less), mark("system:0"), model=HAIKU, candidate=HAIKU).marks


def blocks_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that can carry a mark, in the order the API reads it."""
    found = list(request.get("tools") or [])
    contents = [request.get("system"), *(message["content"] for message in request["messages"])]
    return found + [block for content in contents if isinstance(content, list) for block in content]


def unmarked(value: Any) -> Any:
    """The request without marks, plain text as blocks."""
    if isinstance(value, list):
        return [unmarked(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {name: unmarked(one) for name, one in value.items() if name != "cache_control"}
    for name in ("system", "content"):
        if isinstance(found.get(name), str) and found.get("type") != "tool_result":
            found[name] = [text(found[name])]
    return found


@settings(max_examples=200, deadline=None)
@given(
    requests(),
    st.lists(st.sampled_from([mark("last_tool", "1h"), mark("last_tool"), mark("system:0", "1h"), mark("system:1"),
                              mark("message:0"), mark("message:1", "1h"), mark("tail"), mark("tail", "1h")])),
)  # fmt: skip
def test_marks_are_legal_and_nothing_else_changes(request_: dict[str, Any], wanted: list[CacheMark]) -> None:
    capabilities = Capabilities({OPUS: msgspec.structs.replace(BOOK.models[OPUS], min_cacheable_tokens=1)})
    body = body_of(request_)
    decision = Decision(reason="leave", workload="w-1", asked=OPUS, marks=tuple(wanted))
    found = apply(body, facts_from(body), decision, capabilities)
    after = json.loads(found.body)
    assert unmarked(after) == unmarked(request_)
    carrying = [block for block in blocks_of(after) if "cache_control" in block]
    assert len(carrying) == len(found.marks) <= 4
    lives = [block["cache_control"].get("ttl", "5m") for block in carrying]
    assert lives == sorted(lives)  # "1h" before "5m"
    assert not any(block.get("type") in ("thinking", "redacted_thinking") for block in carrying)
    assert not any(block.get("type") == "text" and not block["text"] for block in carrying)


@pytest.mark.parametrize(
    "request_", [plain(system=[*SYSTEM, text(" \n ")]), plain(system=" " * 40_000)],
)  # fmt: skip
def test_a_system_block_of_nothing_but_space_carries_no_mark(request_: dict[str, Any]) -> None:
    number = len(request_["system"]) - 1 if isinstance(request_["system"], list) else 0
    assert marked(request_, mark(f"system:{number}")).is_original
