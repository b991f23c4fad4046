"""What reaches the upstream from the real Envoy with the exported bootstrap, asked by the official SDK."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from export_made import ENVOY_POLICY, KEY, LONG, NIGHT_KEY, Proxy
from hypothesis import HealthCheck, event, example, settings
from hypothesis import given as given_
from hypothesis import strategies as st

from baseload.gateway.decide.apply import apply
from baseload.gateway.decide.decide import decide
from baseload.gateway.decide.facts import facts_of
from baseload.gateway.decide.fit import Capabilities
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.rules import Rules, Ways
from baseload.gateway.decide.state import Sessions, State
from baseload.gateway.exchange import Inbound
from baseload.plan.policy_read import read_policy
from baseload.prices.load import load_book

BOOK = load_book()
RULES = Rules(read_policy(ENVOY_POLICY.encode()), BOOK, KEY, ways=Ways(start="at_once", holdback=0.0))
NOW_US = 1_795_000_000_000_000  # 2026-11-18
OPUS, HAIKU = "claude-opus-4-8", "claude-haiku-4-5-20251001"
ASK: list[Any] = [{"role": "user", "content": 'Where does this "letter" go? {"model": "x"}'}]
TRIAGE = {"x-baseload-tag-use-case": "Triage-2"}


@pytest.fixture
def client(envoy_proxy: Proxy) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=envoy_proxy.base_url, api_key="sk-ant-caller", max_retries=0) as found:
        yield found


def given(**more: Any) -> dict[str, Any]:
    return {"model": OPUS, "max_tokens": 20, "messages": ASK, **more}


def raw(proxy: Proxy, body: bytes, headers: dict[str, str], path: str = "/v1/messages") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", int(proxy.base_url.rpartition(":")[2]), timeout=20)
    key = {"x-api-key": "sk-ant-caller", "anthropic-version": "2023-06-01", "content-type": "application/json"}
    connection.request("POST", path, body, {**key, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def reached(proxy: Proxy) -> bytes:
    return proxy.upstream.requests[-1].body


def test_a_tagged_message_goes_to_the_pinned_model_and_nothing_else_of_it_changes(
    envoy_proxy: Proxy, client: anthropic.Anthropic
) -> None:
    found = client.messages.with_raw_response.create(**given(system=LONG), extra_headers=TRIAGE)
    assert json.loads(reached(envoy_proxy)) == given(system=LONG, model=HAIKU)
    assert found.parse().model == HAIKU
    assert (found.headers["x-baseload-reason"], found.headers["x-baseload-model"]) == ("candidate", HAIKU)
    assert not any(name.lower().startswith("x-baseload") for name, _ in envoy_proxy.upstream.requests[-1].headers)


def test_the_bytes_around_the_model_are_the_callers(envoy_proxy: Proxy) -> None:
    body = (
        b'{ "max_tokens":\t20, "no_such": "\\u00e9", "model" : "%s",\n "messages": [{"role":"user","content":"hi"}] }'
    )
    raw(envoy_proxy, body % OPUS.encode(), TRIAGE)
    assert reached(envoy_proxy) == body % HAIKU.encode()


def test_untagged_messages_and_other_paths_go_as_they_came(envoy_proxy: Proxy) -> None:
    body = json.dumps(given()).encode()
    assert raw(envoy_proxy, body, {}).getheader("x-baseload-reason") == "no-entry"
    assert reached(envoy_proxy) == body
    raw(envoy_proxy, body, TRIAGE, "/v1/messages/count_tokens")
    assert reached(envoy_proxy) == body


def test_a_stream_is_moved_and_its_events_reach_the_sdk(envoy_proxy: Proxy, client: anthropic.Anthropic) -> None:
    with client.messages.stream(**given(), extra_headers=TRIAGE) as stream:
        events = [event.type for event in stream]
        found = stream.get_final_message()
    assert (found.model, found.usage.output_tokens) == (HAIKU, 20)
    assert (events[0], events[-1]) == ("message_start", "message_stop")
    assert json.loads(reached(envoy_proxy))["stream"] is True


def test_tools_are_used_as_before(envoy_proxy: Proxy, client: anthropic.Anthropic) -> None:
    tool: Any = {
        "name": "file",
        "input_schema": {"type": "object", "properties": {"model": {"type": "string"}, "temperature": {}}},
    }
    found = client.messages.create(
        **given(tools=[tool], tool_choice={"type": "tool", "name": "file"}), extra_headers=TRIAGE
    )
    sent = json.loads(reached(envoy_proxy))
    assert sent["model"] == OPUS  # a schema that names `temperature` looks like the parameter: left alone
    del tool["input_schema"]["properties"]["temperature"]
    found = client.messages.create(
        **given(tools=[tool], tool_choice={"type": "tool", "name": "file"}), extra_headers=TRIAGE
    )
    assert json.loads(reached(envoy_proxy)) == given(
        tools=[tool], tool_choice={"type": "tool", "name": "file"}, model=HAIKU
    )
    assert found.content[0].type == "tool_use"


@pytest.mark.parametrize(
    ("headers", "workload"),
    [
        ({"x-baseload-tag-app": "letters", "x-baseload-tag-use_case": "triage-legal"}, "legal"),
        ({**TRIAGE, "x-baseload-pin": "Original"}, "triage, pinned by a header"),
        ({"x-baseload-tag-app": "kept"}, "kept, pinned by the policy"),
        ({**TRIAGE, "x-baseload-workload": "kept"}, "kept, by its name"),
        ({"x-api-key": "sk-ant-of-the-day-shift"}, "none"),
        ({"x-baseload-tag-app": "thrift"}, "none: no star, no prefix"),
    ],
)
def test_what_is_left_alone_is_left_alone(envoy_proxy: Proxy, headers: dict[str, str], workload: str) -> None:
    body = json.dumps(given()).encode()
    raw(envoy_proxy, body, headers)
    assert reached(envoy_proxy) == body, workload


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-api-key": NIGHT_KEY}, {"model": HAIKU}),
        ({"authorization": f"Bearer {NIGHT_KEY}", "x-api-key": ""}, {"model": HAIKU}),
        ({"user-agent": "claude-cli/2.1.126 (external, cli)"}, {"model": HAIKU}),
        ({"x-baseload-agent": "Claude-Code"}, {"model": HAIKU}),
        ({"x-baseload-workload": "Thrifty letters"}, {"output_config": {"effort": "low"}}),
        ({"x-baseload-tag-app": "thrifty"}, {"output_config": {"effort": "low"}}),
        # Haiku 5.5 thinks unless it is told not to; Opus 4.8 did not think here
        ({"x-baseload-tag-app": "newer"}, {"model": "claude-haiku-5-5", "thinking": {"type": "disabled"}}),
    ],
)
def test_key_agent_name_and_tag_each_find_their_entry(
    envoy_proxy: Proxy, headers: dict[str, str], expected: dict[str, Any]
) -> None:
    raw(envoy_proxy, json.dumps(given()).encode(), headers)
    assert json.loads(reached(envoy_proxy)) == given(**expected)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"temperature": 0.5}, "kept:temperature"),
        ({"thinking": {"type": "adaptive"}}, "kept:thinking"),
        ({"output_config": {"effort": "high"}}, "kept:output_config"),
        ({"max_tokens": 64_001}, "kept:max_tokens"),
        ({"messages": [{**ASK[0], "effort": "low"}]}, "kept:effort"),
        ({"tools": [{"type": "web_search_20260209", "name": "web_search"}]}, "kept:tool-of-the-api"),
        ({"messages": [*ASK, {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": ""}]},
                       *ASK]}, "kept:thinking"),
        ({"messages": [*ASK, {"role": "system", "content": "s"}, *ASK]}, "kept:system-turn"),
        ({"model": "claude-of-tomorrow"}, "other-model"),
        ({"metadata": {"model": OPUS}}, "other-model"),  # which of the two is meant cannot be said
        ({"system": "x" * 600_000}, "kept:too-long"),
    ],
)  # fmt: skip
def test_what_the_target_may_refuse_is_served_by_the_original(
    envoy_proxy: Proxy, more: dict[str, Any], why: str
) -> None:
    body = json.dumps(given(**more)).encode()
    assert raw(envoy_proxy, body, TRIAGE).getheader("x-baseload-reason") == why
    assert reached(envoy_proxy) == body


def test_a_body_in_gzip_goes_as_it_came(envoy_proxy: Proxy) -> None:
    body = json.dumps(given()).encode()  # whatever it is, it is not looked into
    answer = raw(envoy_proxy, body, {**TRIAGE, "content-encoding": "gzip"})
    assert answer.getheader("x-baseload-reason") == "kept:content-encoding"
    assert reached(envoy_proxy) == body


def test_envoys_log_holds_no_key_and_no_fault_of_the_script(envoy_proxy: Proxy) -> None:
    said = envoy_proxy.log.read_text()
    assert "sk-ant" not in said
    assert "script log" not in said.lower()


words = st.text('ab "\\é\n{}', max_size=8)
_text = st.builds(lambda text: {"type": "text", "text": text}, words)
_use = st.builds(lambda name: {"type": "tool_use", "id": "t", "name": "look", "input": {name: "claude-opus-4-8"}},
                 st.sampled_from(["q", "model", "role", "type"]))  # fmt: skip
_result = st.just({"type": "tool_result", "tool_use_id": "t", "content": "r"})
_thought = st.just({"type": "thinking", "thinking": "hm", "signature": "c2ln"})
_turn = st.fixed_dictionaries({
    "role": st.sampled_from(["user", "assistant", "user", "system"]),
    "content": words | st.lists(_text | _use | _result | _thought, min_size=1, max_size=2),
})  # fmt: skip
_tool = st.sampled_from([
    {"name": "look", "input_schema": {"type": "object", "properties": {"model": {"type": "string"}}}},
    {"type": "custom", "name": "look", "input_schema": {"type": "object"}},
    {"type": "web_search_20260209", "name": "web_search"},
])  # fmt: skip
_members: dict[str, st.SearchStrategy[Any]] = {
    "system": words,
    "tools": st.lists(_tool, max_size=2),
    "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any"}, {"type": "none"}]),
    "temperature": st.sampled_from([0, 1]),
    "top_p": st.just(0.9),
    "thinking": st.sampled_from([{"type": "disabled"}, {"type": "adaptive"}]),
    "output_config": st.just({"effort": "low"}),
    "speed": st.just("fast"),
    "inference_geo": st.sampled_from(["us", "global"]),
    "metadata": st.just({"user_id": "u"}),
}
requests = st.fixed_dictionaries(
    {"model": st.sampled_from([OPUS, HAIKU, "claude-sonnet-4-5"]), "max_tokens": st.sampled_from([50, 100_000]),
     "messages": st.lists(_turn, min_size=1, max_size=3)}, optional=_members
)  # fmt: skip


@example(
    request=given(messages=[{"role": "assistant", "content": [
        {"type": "tool_use", "id": "t", "name": "look", "input": {"role": "user"}}]}]),
    workload="newer", how={},
)  # fmt: skip
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given_(
    request=requests,
    workload=st.sampled_from(["triage", "newer", "thrifty"]),
    how=st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}]),
)
def test_what_envoy_changes_the_gateway_changes_alike(
    envoy_proxy: Proxy, request: dict[str, Any], workload: str, how: dict[str, Any]
) -> None:
    body = json.dumps(request, **how).encode()
    raw(envoy_proxy, body, {"x-baseload-workload": workload})
    sent = reached(envoy_proxy)
    inbound = Inbound(b"POST", b"/v1/messages", ((b"x-baseload-workload", workload.encode()),), body, us=NOW_US)
    facts = facts_of(inbound, Memo(KEY))
    decision = decide(facts, RULES, State({}, Sessions()))
    ours = apply(body, facts, decision, Capabilities(BOOK.models))
    assert sent == body or json.loads(sent) == json.loads(ours.body)
    event("moved" if sent != body else "left alone")
