"""What the plug-in's hook makes of LiteLLM's `data`, without LiteLLM."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

import pytest
from export_made import KEY, LONG

from baseload.errors import UsageError
from baseload.gateway.export import litellm_hook
from baseload.gateway.export.litellm_hook import Hook, key_check, load_hook, needs_key
from baseload.plan.policy_read import read_policy
from baseload.prices.load import load_book
from baseload.values import OrgKey

OPUS, HAIKU = "claude-opus-4-8", "claude-haiku-4-5-20251001"
POLICY = """schema_version: 1
entries:
  - workload: {id: night}
    match: {api_key: [night-shift], workspace: [letters]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
    cache:
      marks:
        - {section: tools, after: last_tool, ttl: 1h}
        - {section: system, after: "system:0", ttl: 1h}
        - {section: messages, after: tail, ttl: 5m}
"""
NIGHT = {"user_api_key_alias": "night-shift", "user_api_key_team_alias": "Letters"}
ASK: list[Any] = [{"role": "user", "content": "Where?"}]
HOUR, FIVE = {"type": "ephemeral", "ttl": "1h"}, {"type": "ephemeral"}


def hook() -> Hook:
    return Hook(read_policy(POLICY.encode()), load_book(), KEY, names={})


def data(form: str = "litellm_metadata", caller: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    body = {"model": OPUS, "max_tokens": 20, "messages": ASK, **more}
    return {**body, "proxy_server_request": {"headers": {}, "body": dict(body)}, form: dict(caller or NIGHT)}


def test_key_alias_and_team_name_the_workload() -> None:
    assert hook().changed(data(), "anthropic_messages")["model"] == HAIKU
    for caller in ({**NIGHT, "user_api_key_team_alias": "parcels"}, {"user_api_key_team_alias": "letters"}):
        assert hook().changed(data(caller=caller), "anthropic_messages")["model"] == OPUS


@pytest.mark.parametrize("call_type", ["aembedding", "aresponses", "atext_completion", ""])
def test_other_calls_of_litellm_are_not_looked_at(call_type: str) -> None:
    given = data()
    before = copy.deepcopy(given)
    assert hook().changed(given, call_type) == before


def test_what_fails_leaves_the_request_and_says_only_its_kind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a prompt")

    monkeypatch.setattr(litellm_hook, "decide", broken)
    failing = hook()
    given = data(system=LONG)
    before = copy.deepcopy(given)
    with caplog.at_level(logging.INFO, "baseload.litellm"):
        for _ in range(12):
            assert failing.changed(given, "anthropic_messages") == before
    assert [record.getMessage() for record in caplog.records] == [
        "request left as it is: KeyError (1 so far)",
        "request left as it is: KeyError (10 so far)",
    ]


def test_a_request_that_cannot_be_written_as_json_is_left() -> None:
    given = data(system=object())
    assert hook().changed(given, "anthropic_messages")["model"] == OPUS


def test_marks_of_chat_completions_go_on_tools_system_and_the_last_plain_turn() -> None:
    tool = {"type": "function", "function": {"name": "look", "description": LONG, "parameters": {"type": "object"}}}
    chat = [{"role": "system", "content": LONG}, *ASK]
    found = hook().changed(data("metadata", messages=chat, tools=[tool]), "acompletion")
    assert found["model"] == HAIKU
    assert found["tools"] == [{**tool, "cache_control": HOUR}]
    assert found["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": LONG, "cache_control": HOUR}]},
        {"role": "user", "content": [{"type": "text", "text": "Where?", "cache_control": FIVE}]},
    ]


@pytest.mark.parametrize("where", ["block", "tool", "turn", "points"])
def test_marks_of_the_caller_in_chat_completions_are_enough(where: str) -> None:
    tool: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    system: dict[str, Any] = {"role": "system", "content": LONG}
    more: dict[str, Any] = {}
    if where == "block":
        system["content"] = [{"type": "text", "text": LONG, "cache_control": FIVE}]
    elif where == "points":
        more["cache_control_injection_points"] = [{"location": "message", "role": "system"}]
    else:
        (tool if where == "tool" else system)["cache_control"] = FIVE
    given = data("metadata", messages=[system, *ASK], tools=[tool]) | more
    before = copy.deepcopy(given)
    found = hook().changed(given, "acompletion")
    assert (found["messages"], found["tools"]) == (before["messages"], before["tools"])


def test_another_key_than_the_exports_is_refused_and_shows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    assert repr(load_hook(path, names={}, org_key=lambda: KEY, check=key_check(KEY))).startswith("Hook('p-")
    with pytest.raises(UsageError, match="BASELOAD_ORG_KEY"):
        load_hook(path, names={}, org_key=lambda: OrgKey(b"another key of 32 bytes or so..."), check=key_check(KEY))
    with pytest.raises(UsageError, match="beside the plug-in"):
        load_hook(tmp_path / "none.yaml", names={})


def test_only_fingerprints_need_the_organisations_key() -> None:
    assert not needs_key(read_policy(POLICY.encode()))
    assert needs_key(read_policy(POLICY.replace("workspace: [letters]", "tools_fp: [abc]").encode()))
