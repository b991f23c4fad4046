"""The content pass: what a request is like, as fingerprints, names and counts, never its text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage_reading import KEY

from baseload.levers.batch.eligible import UNSUPPORTED
from baseload.usage.capabilities import API_FEATURES, REQUEST_FEATURES, request_features
from baseload.usage.cues import CUE_OF_WORD, SHAPE_CUES, VERB_CUES, task_cues, verbs_in
from baseload.usage.features import NO_FEATURES, Features, features_of, masked
from baseload.usage.prefix import text_in
from baseload.values import OrgKey

OTHER_KEY = OrgKey(b"another organisation's key......")


def asked(text: str = "Hello", **changes: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]} | changes


def features(request: dict[str, Any], **options: Any) -> Features:
    return features_of(request, KEY, **options)


# fingerprints


def test_templates_are_told_by_what_does_not_change_per_call() -> None:
    first = features(asked("Ticket 8841 of ada@example.com, Monday 2026-11-22T09:30Z: where is my parcel?"))
    second = features(asked("Ticket 17 of bob@corp.example, Friday 2026-01-02: where is my parcel?"))
    other = features(asked("Invoice 8841 of ada@example.com, Monday 2026-11-22T09:30Z: please book it"))
    assert first.template_id == second.template_id != other.template_id


def test_masks_hide_ids_hashes_dates_and_addresses() -> None:
    text = "id 3f2b8a1c-aaaa-4bbb-8ccc-1234567890ab sha 9f86d081 on 3 March 2026 by ada@example.com ok"
    assert masked(text, 99) == "id # sha # on # # # by # ok"
    assert masked("a  b\n\nc", 99) == "a b c"
    assert len(masked("word " * 500, 256)) == 256


def test_a_long_system_prompt_alone_decides_the_template() -> None:
    system = "You sort the tickets of a shop into one of nine groups. " * 8
    assert features(asked("one", system=system)).template_id == features(asked("two", system=system)).template_id
    assert features(asked("one")).template_id != features(asked("two")).template_id


def test_tools_are_one_fingerprint_in_any_order_and_with_any_cache_mark() -> None:
    first, second = {"name": "a", "input_schema": {"x": 1, "y": 2}}, {"name": "b"}
    marked = second | {"cache_control": {"type": "ephemeral"}}
    base = features(asked(tools=[first, second])).tools_fp
    assert base == features(asked(tools=[marked, {"input_schema": {"y": 2, "x": 1}, "name": "a"}])).tools_fp
    assert base != features(asked(tools=[first])).tools_fp
    assert features(asked()).tools_fp == features(asked(tools=[])).tools_fp == ""


def test_an_identical_repeat_has_the_same_request_hash_and_nothing_else_has() -> None:
    base = features(asked()).request_hash
    assert base == features({"messages": asked()["messages"], "max_tokens": 9, "model": "m"}).request_hash
    assert base == features(asked(metadata={"user_id": "u"}, stream=True)).request_hash
    assert base != features(asked("Hello!")).request_hash
    assert base != features(asked(max_tokens=10)).request_hash


def test_every_fingerprint_depends_on_the_organisations_key() -> None:
    request = asked(system="S", tools=[{"name": "t"}], metadata={"user_id": "user_session_abcdef123456"})
    ours, theirs = features_of(request, KEY), features_of(request, OTHER_KEY)
    for name in ("tools_fp", "system_fp", "template_id", "request_hash", "prefix_blocks", "user_id"):
        assert getattr(ours, name)
        assert getattr(ours, name) != getattr(theirs, name)


def test_no_text_of_a_request_survives_in_its_features() -> None:
    secret = "Adalovelace"
    request = asked(
        f"{secret} asks", system=f"{secret} is here", metadata={"user_id": secret}, tools=[{"name": secret}]
    )
    kept = json.dumps({name: getattr(features(request), name) for name in Features.__struct_fields__})
    assert secret not in kept


def test_plain_counts_are_taken_as_they_are() -> None:
    found = features(asked(stream=True, output_config={"effort": "low"}))
    assert (found.messages, found.max_tokens, found.stream, found.effort) == (1, 9, True, "low")
    assert features({}).messages is None


# capability rows


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ""),
        ({"temperature": 1, "top_p": 1}, ""),
        ({"temperature": 0}, "sampling"),
        ({"top_k": 5}, "sampling"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "thinking_budget"),
        ({"thinking": {"type": "adaptive"}}, "thinking_adaptive"),
        ({"thinking": {"type": "disabled"}}, "thinking_disabled"),
        ({"thinking": {"type": "between_tools"}}, "thinking_between_tools"),
        ({"output_config": {"effort": "max"}}, "effort"),
        ({"output_config": {"task_budget": {"total": 20_000}}}, "task_budget"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "structured_outputs"),
        ({"output_format": {"type": "json_schema"}}, "structured_outputs"),
        ({"tool_choice": {"type": "any"}}, "forced_tool"),
        ({"tool_choice": {"type": "tool", "name": "x"}}, "forced_tool"),
        ({"tool_choice": {"type": "auto"}}, ""),
        ({"inference_geo": "us"}, "inference_geo"),
        ({"inference_geo": "global"}, ""),
        ({"speed": "fast"}, "fast"),
        ({"fallbacks": [{"model": "x"}]}, "fallbacks"),
        ({"store": True}, "thread"),
        ({"previous_thread_event_id": "evt_1"}, "thread"),
        ({"store": False, "previous_thread_event_id": None}, ""),
        ({"cache_hint": {"type": "x"}}, "cache_hint"),
        ({"context_hint": "x"}, "context_hint"),
        ({"research_preview": {"type": "x"}}, "research_preview"),
        ({"cache_hint": None, "context_hint": None, "research_preview": False}, ""),
        ({"context_management": {"edits": [{"type": "compact_20260112"}]}}, "compaction"),
        ({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}, ""),
        ({"cache_control": {"type": "ephemeral"}}, "cache_control"),
        ({"system": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}, "cache_control"),
        ({"tools": [{"name": "x", "cache_control": {"type": "ephemeral"}}]}, "cache_control"),
        ({"tools": [{"type": "computer_20250124", "name": "computer"}]}, "computer_tool"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "server_tools"),
        ({"tools": [{"type": "custom", "name": "x"}]}, ""),
        ({"tools": [{"name": "x", "allowed_callers": ["code_execution_20250825"]}]}, "programmatic_tools"),
        ({"mcp_servers": [{"url": "x"}]}, "server_tools"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "{"}]}, "prefill"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]}, "system_in_messages"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "images_pdf"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "document"}]}]}]},
            "images_pdf",
        ),
    ],
)
def test_each_request_feature_is_named_by_its_capability_row(changes: dict[str, Any], names: str) -> None:
    assert request_features(asked(**changes)) == names


def test_a_long_prompt_is_told_by_its_tokens() -> None:
    assert request_features(asked(), prompt_tokens=200_000) == ""
    assert request_features(asked(), prompt_tokens=200_001) == "prompt_over_200k"


def test_the_names_are_those_of_the_price_books_capability_rows() -> None:
    assert list(REQUEST_FEATURES) == sorted(REQUEST_FEATURES)
    assert len(REQUEST_FEATURES) == 25
    assert set(API_FEATURES) < set(REQUEST_FEATURES)


def test_what_no_batch_takes_is_told_by_the_names_the_batch_lever_knows() -> None:
    assert {*API_FEATURES, "fallbacks"} == set(UNSUPPORTED)


# task cues


def cues(request: dict[str, Any], response: dict[str, Any] | None = None) -> str:
    return features(request, response=response).task_cues


def test_verbs_come_from_the_system_prompt_and_only_then_from_the_user() -> None:
    assert cues(asked("Translate this: bonjour")) == "translate"
    assert (
        cues(asked("Please refund me", system="You classify tickets and extract fields.")) == "classify,extract,system"
    )
    assert cues(asked("Summarize: I want to translate", system="You classify.")) == "classify,system"


def test_shape_cues_say_what_request_and_response_are_made_of() -> None:
    loop = [
        {"role": "user", "content": [{"type": "image"}, {"type": "document"}]},
        {"role": "assistant", "content": [{"type": "tool_use"}]},
        {"role": "user", "content": [{"type": "tool_result", "content": "x"}]},
    ]
    answer = {"content": [{"type": "tool_use", "name": "t"}, {"type": "text", "text": "```python\n1\n```"}]}
    assert cues(asked(messages=loop, tools=[{"name": "t"}]), answer) == (
        "code_output,document,image,tool_result,tool_use,tools"
    )
    assert cues(asked(messages=[*loop, {"role": "assistant", "content": "ok"}])) == "document,image"


@pytest.mark.parametrize("text", ['{"label": 1}', "[1]", '```json\n{"a":1}\n```'])
def test_json_answers_are_told_from_code(text: str) -> None:
    assert cues(asked(), {"content": [{"type": "text", "text": text}]}) == "json_output"


def test_the_vocabulary_is_closed_and_documented() -> None:
    known = {*SHAPE_CUES, *VERB_CUES}
    words = "classify extract summarize route format translate code reason answer chat"
    assert verbs_in(words) == set(VERB_CUES)
    assert set(cues(asked(words, system="s"), {"content": "```"}).split(",")) <= known


# malformed content never costs a record

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "role", "content", "name", "input", "source", "effort", "user_id", "edits"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
_FIELDS = (
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "metadata",
    "context_management",
    "prompt",
)


@given(
    st.dictionaries(st.sampled_from(_FIELDS), _JSON, max_size=6), st.none() | st.fixed_dictionaries({"content": _JSON})
)
def test_whatever_a_request_looks_like_it_has_features(
    request: dict[str, Any], response: dict[str, Any] | None
) -> None:
    found = features(request, response=response, prompt_tokens=7)
    assert set(filter(None, found.request_features.split(","))) <= set(REQUEST_FEATURES)
    assert task_cues(request, response, system="", first_user="") is not None


def test_text_is_found_in_strings_and_blocks_only() -> None:
    assert text_in("a") == "a"
    assert text_in([{"type": "text", "text": "a"}, {"type": "image"}, {"type": "text", "text": "b"}]) == "a\nb"
    assert text_in(None) == text_in(5) == text_in([3, {"type": "text"}]) == ""
    assert Features() == NO_FEATURES


def test_the_documented_cues_are_the_ones_given(root: Path) -> None:
    page = (root / "docs/reference/task-cues.md").read_text()
    rows = {line.split("`")[1]: line.rsplit("|", 2)[1].split() for line in page.splitlines() if line.startswith("| `")}
    for cue in SHAPE_CUES:
        assert f"`{cue}`" in page
    assert {cue: set(rows[cue]) for cue in VERB_CUES} == {cue: words_of(cue) for cue in VERB_CUES}


def words_of(cue: str) -> set[str]:
    return {word for word, found in CUE_OF_WORD.items() if found == cue}
