"""What a rewrite emits is legal for its target; the matrix of anthropic-facts 5.4 is written out here once more.

The oracle below is typed from the published table and knows nothing of the price book's reading of it.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.prices.load import load_book
from baseload.quality.legality import faults
from baseload.quality.rewrite import rewrite

MODELS = load_book().models
ALL = ("low", "medium", "high", "xhigh", "max")


class Column(NamedTuple):
    """One column: what it takes. `think` lists legal thinking types; `off` the efforts legal with thinking off."""

    sampling: bool
    think: tuple[str, ...]
    off: tuple[str, ...]
    effort: tuple[str, ...]
    prefill: bool
    forced: bool
    long: bool
    ceiling: int
    media: int
    geo: bool
    system: bool
    budget: bool
    compaction: bool
    computer: str
    zdr: bool = True


HIGH = ALL[:3]
ORACLE = {
    "claude-haiku-4-5-20251001": Column(True, ("enabled", "disabled"), ALL, (), True, True, False, 64_000, 100, False,
                                        False, False, False, "computer_20250124"),
    "claude-sonnet-4-5-20250929": Column(True, ("enabled", "disabled"), ALL, (), True, True, False, 64_000, 100, False,
                                         False, False, False, "computer_20250124"),
    "claude-opus-4-5-20251101": Column(True, ("enabled", "disabled"), ALL, HIGH, True, True, False, 64_000, 100, False,
                                       False, False, False, "computer_20251124"),
    "claude-sonnet-4-6": Column(True, ("enabled", "adaptive", "disabled"), ALL, (*HIGH, "max"), False, True, True,
                                128_000, 600, True, False, False, True, "computer_20251124"),
    "claude-opus-4-8": Column(False, ("adaptive", "disabled"), ALL, ALL, False, True, True, 128_000, 600, True, True,
                              True, True, "computer_20251124"),
    "claude-sonnet-5": Column(False, ("adaptive", "disabled"), ALL, ALL, False, True, True, 128_000, 600, True, False,
                              False, True, "computer_20251124"),
    "claude-opus-5": Column(False, ("adaptive", "disabled"), HIGH, ALL, False, True, True, 128_000, 600, True, True,
                            True, True, "computer_20251124"),
    "claude-fable-5": Column(False, ("adaptive",), ALL, ALL, False, True, True, 128_000, 600, True, True, True, True,
                             "computer_20251124", zdr=False),
    "claude-fable-5-2": Column(False, ("adaptive",), ALL, ALL, False, False, True, 128_000, 600, True, True, True,
                               True, "computer_toolset_20260801", zdr=False),
    "claude-opus-5-5": Column(False, ("adaptive",), ALL, ALL, False, False, True, 128_000, 600, True, True, True, True,
                              "computer_toolset_20260801"),
    "claude-sonnet-5-5": Column(False, ("adaptive", "between_tools"), HIGH, ALL, False, False, True, 128_000, 600,
                                True, True, True, True, "computer_toolset_20260801"),
    "claude-haiku-5-5": Column(False, ("adaptive", "disabled"), HIGH, ALL, False, True, True, 128_000, 600, True, True,
                               True, True, "computer_toolset_20260801"),
}  # fmt: skip


def is_legal(body: dict[str, Any], column: Column, version: str, prompt_tokens: int, zdr: bool) -> str:
    """ "" where the published table takes the request, else what it refuses."""
    sampling = [name for name in ("temperature", "top_p", "top_k") if name in body]
    thinking, config = body.get("thinking") or {}, body.get("output_config") or {}
    kind = thinking.get("type", "")
    checks = {
        "sampling in 2026-10-21": not (sampling and version == "2026-10-21"),
        "sampling": column.sampling or all(body[name] == 1 and name != "top_k" for name in sampling),
        "both": not (column.sampling and {"temperature", "top_p"} <= set(sampling)),
        "thinking type": not kind or kind in column.think,
        "budget": kind != "enabled" or 1024 <= thinking["budget_tokens"] < body["max_tokens"],
        "sampling beside thinking": kind != "enabled"
        or (body.get("temperature", 1) == 1 and "top_k" not in body and 0.95 <= body.get("top_p", 1) <= 1),
        "effort": "effort" not in config or config["effort"] in column.effort,
        "off at effort": kind not in ("disabled", "between_tools") or config.get("effort", "low") in column.off,
        "between alone": kind != "between_tools" or set(thinking) == {"type"},
        "prefill": body["messages"][-1]["role"] != "assistant" or (column.prefill and kind in ("", "disabled")),
        "forced": body.get("tool_choice", {}).get("type") not in ("any", "tool")
        or (column.forced and (kind != "enabled" or "adaptive" in column.think)),
        "long": prompt_tokens <= 200_000 or column.long,
        "ceiling": body["max_tokens"] <= column.ceiling,
        "geo": "inference_geo" not in body or column.geo,
        "system": column.system or all(message["role"] != "system" for message in body["messages"]),
        "task budget": column.budget or "task_budget" not in config,
        "compaction": column.compaction or "context_management" not in body,
        "computer": all(t["type"] == column.computer for t in body.get("tools", []) if "computer" in t.get("type", "")),
        "zdr": column.zdr or not zdr,
    }
    return ", ".join(name for name, holds in checks.items() if not holds)


TEXT = st.sampled_from(["hello", "sort this ticket", "x" * 30])
USER = st.builds(lambda text: {"role": "user", "content": text}, TEXT)
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
ASSISTANT = st.sampled_from([
    {"role": "assistant", "content": "yes"},
    {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "yes"}]},
    {"role": "assistant", "content": [THOUGHT]},
    {"role": "assistant", "content": [THOUGHT, {"type": "tool_use", "id": "t1", "name": "look", "input": {}}]},
])  # fmt: skip
RESULT = st.just({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "found"}]})
SYSTEM = st.just({"role": "system", "content": "be brief"})
MESSAGES = st.lists(st.one_of(USER, ASSISTANT, RESULT, SYSTEM), min_size=1, max_size=5)
THINKING = st.one_of(
    st.builds(
        lambda budget: {"type": "enabled", "budget_tokens": budget}, st.sampled_from([500, 1024, 4000, 20_000, 90_000])
    ),
    st.sampled_from(
        [
            {"type": "adaptive"},
            {"type": "adaptive", "display": "summary"},
            {"type": "disabled"},
            {"type": "between_tools"},
        ]
    ),
)
TOOLS = st.sampled_from([
    [{"name": "look", "input_schema": {"type": "object"}}],
    [{"name": "computer", "type": "computer_20250124"}],
    [{"name": "computer", "type": "computer_20251124"}],
    [{"name": "web_search", "type": "web_search_20260209"}],
])  # fmt: skip
OPTIONAL = {
    "temperature": st.sampled_from([0, 0.5, 1]),
    "top_p": st.sampled_from([0.5, 0.97, 1]),
    "top_k": st.just(5),
    "thinking": THINKING,
    "output_config": st.fixed_dictionaries(
        {}, optional={"effort": st.sampled_from(ALL), "task_budget": st.just({"total": 20_000}), "format": st.just({})}
    ),
    "tools": TOOLS,
    "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "look"}]),
    "inference_geo": st.sampled_from(["global", "us"]),
    "speed": st.sampled_from(["fast", "standard"]),
    "fallbacks": st.just([{"model": "claude-opus-5"}]),
    "context_management": st.just({"edits": [{"type": "compact_20260112"}]}),
    "cache_control": st.just({"type": "ephemeral"}),
}
REQUESTS = st.fixed_dictionaries(
    {"messages": MESSAGES, "max_tokens": st.sampled_from([1, 50, 1024, 5000, 64_000, 128_000]), "model": st.just("m")},
    optional=OPTIONAL,
)
NAMES = st.sampled_from(sorted(ORACLE))
VERSIONS = st.sampled_from(["2023-06-01", "2026-10-21"])


@settings(max_examples=600, deadline=None)
@given(
    REQUESTS, NAMES, NAMES, VERSIONS, st.sampled_from([0, 90_000, 250_000]), st.booleans(), st.sampled_from(["", *ALL])
)
def test_whatever_is_emitted_is_legal_for_the_target(
    body: dict[str, Any], before: str, after: str, version: str, prompt: int, zdr: bool, effort: str
) -> None:
    given_body = copy.deepcopy(body)
    found = rewrite(
        body,
        before,
        after,
        MODELS,
        effort=effort,
        api_version=version,
        prompt_tokens=prompt,
        zdr=zdr,  # type: ignore[arg-type]
    )
    assert body == given_body  # the caller's request is untouched
    assert (found.request is None) == bool(found.refusals)
    if found.request is None:
        return
    assert found.request["model"] == after
    assert is_legal(found.request, ORACLE[after], version, prompt, zdr) == ""
    if before != after:
        kinds = [b["type"] for m in found.request["messages"] if isinstance(m["content"], list) for b in m["content"]]
        assert "thinking" not in kinds
    changed = {key for key in {*body, *found.request} - {"model"} if body.get(key) != found.request.get(key)}
    assert not changed or found.changes  # nothing changes unrecorded


@settings(max_examples=300, deadline=None)
@given(REQUESTS, NAMES, VERSIONS)
def test_the_check_and_the_published_table_agree_on_any_request(body: dict[str, Any], name: str, version: str) -> None:
    """Legal by the oracle means no fault but what the oracle does not know (speed, fallbacks, web tools)."""
    column = ORACLE[name]
    body = {**body, "model": name}
    unknown = {"fast", "fallbacks", "server_tools"}
    found = {one.feature for one in faults(body, MODELS[name], api_version=version)} - unknown  # type: ignore[arg-type]
    assert bool(found) == bool(is_legal(body, column, version, 0, False)), found


@settings(max_examples=200, deadline=None)
@given(REQUESTS, NAMES)
def test_a_legal_request_to_the_same_model_goes_as_it_is(body: dict[str, Any], name: str) -> None:
    body = {**body, "model": name}
    if faults(body, MODELS[name]):
        return
    found = rewrite(body, name, name, MODELS)
    assert found.request == body
    assert found.changes == ()


ASK: dict[str, Any] = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "sort this ticket"}]}


@pytest.mark.parametrize(
    ("body", "before", "after", "expected"),
    [
        # temperature=0 on a classifier: dropped; Opus 4.8 does not think unless asked, Haiku 5.5 would
        ({**ASK, "temperature": 0}, "claude-opus-4-5-20251101", "claude-haiku-5-5", {"thinking": {"type": "disabled"}}),
        # Opus 5.5 cannot stop thinking: least effort, and 50 + 4,096 tokens
        (ASK, "claude-opus-4-8", "claude-opus-5-5", {"output_config": {"effort": "low"}, "max_tokens": 4146}),
        # Sonnet 5.5 has the nearest thing to off
        (ASK, "claude-opus-4-8", "claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        # 8,000 tokens of budget are a medium effort (8,192)
        (
            {**ASK, "max_tokens": 20_000, "thinking": {"type": "enabled", "budget_tokens": 8000}},
            "claude-sonnet-4-5-20250929",
            "claude-sonnet-5-5",
            {"max_tokens": 20_000, "thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}},
        ),
        # adaptive at high is a budget of 16,384, held below max_tokens
        (
            {**ASK, "max_tokens": 9000, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            "claude-opus-4-8",
            "claude-haiku-4-5-20251001",
            {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 8999}},
        ),
        # disabled at max effort: Haiku 5.5 takes it up to high
        (
            {**ASK, "thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
            "claude-opus-4-8",
            "claude-haiku-5-5",
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
        ),
        # Sonnet 4.6 has no xhigh; nearest below
        (
            {**ASK, "output_config": {"effort": "xhigh"}},
            "claude-opus-4-8",
            "claude-sonnet-4-6",
            {"output_config": {"effort": "high"}},
        ),
        ({**ASK, "max_tokens": 128_000}, "claude-opus-4-8", "claude-haiku-4-5-20251001", {"max_tokens": 64_000}),
    ],
)  # fmt: skip
def test_a_request_becomes(body: dict[str, Any], before: str, after: str, expected: dict[str, Any]) -> None:
    found = rewrite(body, before, after, MODELS)
    assert found.request == {"model": after, "max_tokens": 50, "messages": ASK["messages"], **expected}
    assert found.changes


@pytest.mark.parametrize(
    ("extra", "after", "feature"),
    [
        ({"messages": [*ASK["messages"], {"role": "assistant", "content": "Label:"}]}, "claude-haiku-5-5", "prefill"),
        ({"tool_choice": {"type": "any"}}, "claude-sonnet-5-5", "forced_tool"),
        ({"inference_geo": "us"}, "claude-haiku-4-5-20251001", "inference_geo"),
        ({"tools": [{"name": "computer", "type": "computer_20251124"}]}, "claude-haiku-5-5", "computer_tool"),
        ({"messages": [*ASK["messages"], {"role": "system", "content": "x"}]}, "claude-sonnet-5", "system_in_messages"),
        ({}, "claude-3-haiku-20240307", "model"),
    ],
)  # fmt: skip
def test_what_no_change_can_help_is_refused_by_name(extra: dict[str, Any], after: str, feature: str) -> None:
    found = rewrite({**ASK, **extra}, "claude-opus-4-5-20251101", after, MODELS)
    assert not found.replayable
    assert [one.feature for one in found.refusals] == [feature]


def test_a_prefill_goes_where_an_output_format_says_the_same() -> None:
    body = {
        **ASK,
        "messages": [*ASK["messages"], {"role": "assistant", "content": "{"}],
        "output_config": {"format": {"type": "json_schema", "schema": {}}},
    }
    found = rewrite(body, "claude-opus-4-5-20251101", "claude-haiku-5-5", MODELS)
    assert found.request is not None
    assert found.request["messages"] == ASK["messages"]
    assert "prefill" in {one.feature for one in found.changes}


def test_long_prompts_and_organisations_that_keep_nothing_are_refused() -> None:
    long = rewrite(ASK, "claude-opus-4-8", "claude-haiku-4-5-20251001", MODELS, prompt_tokens=200_001)
    assert [one.feature for one in long.refusals] == ["prompt_over_200k", "context"]
    kept = rewrite(ASK, "claude-opus-4-8", "claude-fable-5", MODELS, zdr=True)
    assert [one.feature for one in kept.refusals] == ["zdr"]


def test_no_change_and_no_refusal_holds_a_word_of_the_request() -> None:
    secret = "the patient's name is Ada"
    body = {
        **ASK,
        "system": secret,
        "temperature": 0,
        "speed": "fast",
        "messages": [
            {"role": "user", "content": secret},
            {"role": "assistant", "content": [{**THOUGHT, "thinking": secret}]},
            {"role": "user", "content": secret},
        ],
    }
    for after in ORACLE:
        found = rewrite(body, "claude-opus-4-5-20251101", after, MODELS)
        assert secret not in repr(found.changes) + repr(found.refusals)


@pytest.mark.parametrize("broken", [
    {"messages": "x"}, {"messages": [3, None]}, {"thinking": 7}, {"tools": [None, 4]}, {"output_config": []},
    {"tool_choice": "any"}, {"messages": []}, {"max_tokens": "9"}, {"thinking": {"type": "enabled"}},
    {"output_config": {"effort": ["high"]}},
])  # fmt: skip
def test_a_malformed_request_never_raises(broken: dict[str, Any]) -> None:
    for before in ORACLE:
        for after in ORACLE:
            rewrite({**ASK, **broken}, before, after, MODELS)
