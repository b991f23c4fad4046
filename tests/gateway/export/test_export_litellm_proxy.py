"""What reaches the upstream from the real LiteLLM proxy with the exported plug-in, asked by the official SDK."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from export_made import LONG, MASTER, Proxy

OPUS, HAIKU, SONNET = "claude-opus-4-8", "claude-haiku-4-5-20251001", "claude-sonnet-5-5"
ASK: list[Any] = [{"role": "user", "content": "Where does this letter go?"}]
TRIAGE = {"x-baseload-tag-app": "triage"}


@pytest.fixture
def client(litellm_proxy: Proxy) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=litellm_proxy.base_url, api_key=MASTER, max_retries=0) as found:
        yield found


def given(**more: Any) -> dict[str, Any]:
    return {"model": OPUS, "max_tokens": 20, "messages": ASK, **more}


def asked(proxy: Proxy) -> dict[str, Any]:
    """The last body that reached the upstream, without what LiteLLM adds to every request."""
    found: dict[str, Any] = json.loads(proxy.upstream.requests[-1].body)
    if found.get("stream") is False:
        del found["stream"]
    return found


def test_a_tagged_message_goes_to_the_pinned_model_with_its_marks(
    litellm_proxy: Proxy, client: anthropic.Anthropic
) -> None:
    raw = client.messages.with_raw_response.create(**given(system=LONG), extra_headers=TRIAGE)
    sent = asked(litellm_proxy)
    assert sent["model"] == HAIKU
    assert sent["system"] == [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert sent["messages"][0]["content"] == [
        {"type": "text", "text": ASK[0]["content"], "cache_control": {"type": "ephemeral"}}
    ]
    assert raw.headers["x-baseload-reason"] == "candidate"
    assert raw.headers["x-baseload-model"] == HAIKU
    usage = raw.parse().usage
    assert usage.cache_creation is not None
    assert usage.cache_creation.ephemeral_1h_input_tokens > 1_000
    assert not any(name.lower().startswith("x-baseload") for name, _ in litellm_proxy.upstream.requests[-1].headers)


def test_nobody_elses_message_is_changed(litellm_proxy: Proxy, client: anthropic.Anthropic) -> None:
    request = given(system=LONG, stop_sequences=["END"], metadata={"user_id": "u-1"})
    raw = client.messages.with_raw_response.create(**request)
    assert asked(litellm_proxy) == request
    assert raw.headers["x-baseload-reason"] == "no-entry"


@pytest.mark.parametrize("tag", ["app:triage", "App: triage"])
def test_a_litellm_tag_names_the_workload_too(litellm_proxy: Proxy, client: anthropic.Anthropic, tag: str) -> None:
    client.messages.create(**given(), extra_headers={"x-litellm-tags": tag})
    assert asked(litellm_proxy)["model"] == HAIKU


def test_a_system_prompt_names_the_workload_by_its_fingerprint(
    litellm_proxy: Proxy, client: anthropic.Anthropic
) -> None:
    client.messages.create(**given(system="Sort this letter."))
    # Opus 4.8 does not think unless it is asked to, Sonnet 5.5 does: the change says so
    expected = {"model": SONNET, "thinking": {"type": "between_tools"}}
    assert asked(litellm_proxy) == given(system="Sort this letter.") | expected


def test_the_callers_own_marks_stay_as_they_are(litellm_proxy: Proxy, client: anthropic.Anthropic) -> None:
    own = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    client.messages.create(**given(system=own), extra_headers=TRIAGE)
    assert asked(litellm_proxy) == given(system=own) | {"model": HAIKU}


def test_a_header_and_the_policy_each_keep_the_original(litellm_proxy: Proxy, client: anthropic.Anthropic) -> None:
    for headers, reason in (
        ({**TRIAGE, "x-baseload-pin": "original"}, "pinned-by-header"),
        ({"x-baseload-tag-app": "kept"}, "pinned-by-policy"),
    ):
        raw = client.messages.with_raw_response.create(**given(system=LONG), extra_headers=headers)
        assert (asked(litellm_proxy), raw.headers["x-baseload-reason"]) == (given(system=LONG), reason)


def test_a_request_that_the_target_refuses_is_served_by_the_original(
    litellm_proxy: Proxy, client: anthropic.Anthropic
) -> None:
    computer = [{"type": "computer_20251124", "name": "computer", "display_width_px": 800, "display_height_px": 600}]
    request = given(tools=computer)
    raw = client.messages.with_raw_response.create(
        **request, extra_headers={**TRIAGE, "anthropic-beta": "computer-use-2025-11-24"}
    )
    assert raw.headers["x-baseload-reason"] == "refused"
    assert asked(litellm_proxy) == request


def test_effort_is_set_and_what_the_target_does_not_take_is_dropped(
    litellm_proxy: Proxy, client: anthropic.Anthropic
) -> None:
    client.messages.create(**given(), extra_headers={"x-baseload-tag-app": "thrifty"})
    assert asked(litellm_proxy) == given(output_config={"effort": "low"})
    client.messages.create(**given(output_config={"effort": "high"}), extra_headers=TRIAGE)
    assert asked(litellm_proxy) == given(model=HAIKU)


def test_a_model_that_litellm_calls_otherwise_is_known(litellm_proxy: Proxy, client: anthropic.Anthropic) -> None:
    client.messages.create(**given(model="our-opus"), extra_headers=TRIAGE)
    assert asked(litellm_proxy) == given(model=HAIKU)
    client.messages.create(**given(model="our-opus"))
    assert asked(litellm_proxy) == given()


def test_a_stream_is_moved_and_reaches_its_end(litellm_proxy: Proxy, client: anthropic.Anthropic) -> None:
    with client.messages.stream(**given(), extra_headers=TRIAGE) as stream:
        assert stream.response.headers["x-baseload-model"] == HAIKU
        assert stream.get_final_message().usage.output_tokens == 20
    assert asked(litellm_proxy)["model"] == HAIKU


def test_chat_completions_are_moved_where_both_forms_say_the_same(litellm_proxy: Proxy) -> None:
    chat: list[Any] = [{"role": "system", "content": LONG}, *ASK]
    complete(litellm_proxy, messages=chat, metadata={"tags": ["app:triage"]})
    sent = asked(litellm_proxy)
    assert sent["model"] == HAIKU
    assert sent["system"] == [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    assert sent["messages"][-1]["content"][-1]["cache_control"] == {"type": "ephemeral"}
    complete(litellm_proxy, messages=ASK, metadata={"tags": ["app:thrifty"]})
    assert (asked(litellm_proxy)["model"], asked(litellm_proxy)["output_config"]) == (OPUS, {"effort": "low"})
    complete(litellm_proxy, messages=chat, metadata={"tags": ["app:triage"]}, reasoning_effort="low")
    sent = asked(litellm_proxy)
    assert (sent["model"], sent["system"]) == (OPUS, [{"type": "text", "text": LONG}])


def complete(proxy: Proxy, **more: Any) -> None:
    request = urllib.request.Request(
        f"{proxy.base_url}/v1/chat/completions",
        data=json.dumps({"model": OPUS, "max_tokens": 20, **more}).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {MASTER}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_litellms_log_says_what_was_done_and_never_a_prompt_or_a_key(
    litellm_proxy: Proxy, client: anthropic.Anthropic
) -> None:
    client.messages.create(**given(system="A secret that only this prompt holds."), extra_headers=TRIAGE)
    said = litellm_proxy.log.read_text()
    assert "only this prompt holds" not in said
    assert "sk-ant-of-the-proxy" not in said
    assert "request left as it is" not in said
