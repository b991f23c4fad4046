"""What goes upstream is what `quality.rewrite` says, legal for its target, and otherwise the caller's own bytes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from decide_made import BOOK, HAIKU, OPUS, bodies, body_of, facts_from, mark, plain
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from baseload.gateway.decide.apply import Applied, apply
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.fit import Capabilities
from baseload.quality.legality import faults
from baseload.quality.rewrite import rewrite

MODELS = BOOK.models
CAPABILITIES = Capabilities(MODELS)
SONNET45, OPUS55, SONNET55 = "claude-sonnet-4-5-20250929", "claude-opus-5-5", "claude-sonnet-5-5"
TARGETS = [HAIKU, SONNET45, OPUS55, SONNET55, "claude-sonnet-4-6", "claude-fable-5-2", "claude-3-haiku-20240307"]


def applied(body: bytes, model: str, effort: str = "", **more: Any) -> Applied:
    decision = Decision(reason="candidate", workload="w-1", asked=OPUS, model=model, effort=effort, **more)
    return apply(body, facts_from(body), decision, CAPABILITIES)


@settings(max_examples=400, deadline=None)
@given(bodies, st.sampled_from(TARGETS), st.sampled_from(["", "low", "xhigh"]))
def test_what_is_sent_is_what_rewrite_says_and_legal(body: bytes, model: str, effort: str) -> None:
    """By sketch or whole: the answer is that of `rewrite` on the request itself."""
    request = json.loads(body)
    found, wanted = applied(body, model, effort), rewrite(request, OPUS, model, MODELS, effort=effort)
    if wanted.request is None:
        assert found.refusals == wanted.refusals
        assert (found.body, found.changes, found.served_as) == (body, (), OPUS)
        return
    after = json.loads(found.body)
    assert after == wanted.request
    assert found.changes[1:] == wanted.changes
    assert (found.served_as, after["model"]) == (model, model)
    assert faults(after, MODELS[model]) == ()


@settings(max_examples=150, deadline=None)
@given(bodies, st.sampled_from(TARGETS))
def test_members_that_are_not_changed_keep_their_bytes(body: bytes, model: str) -> None:
    found = applied(body, model, marks=(mark("tail"),))
    before, after = (msgspec.json.decode(one, type=dict[str, Raw]) for one in (body, found.body))
    values, wanted = json.loads(body), json.loads(found.body)
    for name in before.keys() & after.keys():
        if values[name] == wanted[name]:
            assert bytes(before[name]) == bytes(after[name])


def test_a_plain_request_changes_its_model_and_not_another_byte() -> None:
    body = (
        b'{ "model" : "claude-opus-4-8",\n "max_tokens":1e2, "x": 1.50,'
        b'"messages":[{"role":"user","content":"h\\u00e9"}]}'
    )
    found = applied(body, "claude-sonnet-4-6")
    assert found.body == body.replace(b"claude-opus-4-8", b"claude-sonnet-4-6")
    assert [change.feature for change in found.changes] == ["model"]


def test_an_effort_of_a_single_message_is_seen() -> None:
    """Sonnet 5.5 thinks only between tools where it may not stop, but not beside such an effort (note 6)."""
    request = plain(messages=[{"role": "user", "content": "q", "effort": "low"}], thinking={"type": "disabled"})
    wanted = rewrite(request, OPUS, SONNET55, MODELS)
    for first in (plain(thinking={"type": "disabled"}), request):
        found = json.loads(applied(body_of(first), SONNET55).body)
    assert found == wanted.request
    assert "thinking" not in found


def test_a_sketch_is_asked_for_once_for_all_requests_of_a_kind() -> None:
    capabilities = Capabilities(MODELS)
    decision = Decision(reason="candidate", asked=OPUS, model=HAIKU)
    asked = []
    capabilities_rewrite = Capabilities._rewrite
    try:
        Capabilities._rewrite = lambda *args: asked.append(1) or capabilities_rewrite(*args)  # type: ignore[method-assign]
        for words in ("one", "two", "three"):
            body = body_of(plain(messages=[{"role": "user", "content": words}], metadata={"user_id": words}))
            assert apply(body, facts_from(body), decision, capabilities).changes
    finally:
        Capabilities._rewrite = capabilities_rewrite  # type: ignore[method-assign]
    assert len(asked) == 1


def test_thoughts_of_another_model_go_and_marks_land_in_what_is_left() -> None:
    request = plain(
        messages=[
            {"role": "user", "content": "long " * 5000},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"},
                                              {"type": "text", "text": "a"}]},
            {"role": "user", "content": "b"},
        ]
    )  # fmt: skip
    after = json.loads(applied(body_of(request), HAIKU, marks=(mark("tail"),)).body)
    assert after["messages"][1]["content"] == [{"type": "text", "text": "a"}]
    assert after["messages"][2]["content"][0]["cache_control"] == {"type": "ephemeral"}


@pytest.mark.parametrize(
    ("more", "model"),
    [
        ({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "{"}]}, HAIKU),
        ({"tools": [{"name": "a", "input_schema": {}}], "tool_choice": {"type": "any"}}, OPUS55),
        ({"inference_geo": "us"}, SONNET45),
        ({}, "claude-instant-1.2"),
        ({"messages": [{"role": "user", "content": "x" * 700_000}]}, SONNET45),
    ],
)
def test_what_the_target_refuses_goes_out_as_it_came(more: dict[str, Any], model: str) -> None:
    body = body_of(plain(**more))
    found = applied(body, model, marks=(mark("tail"),))
    assert found.body is body
    assert found.refusals
    assert (found.served_as, found.is_original) == (OPUS, True)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "a"}], "model": "x"}',
        b'{"mod\\u0065l": "claude-opus-4-8", "messages": [{"role": "user", "content": "a"}]}',
        b'{"model": "claude-opus-4-8"}',
        b"no json",
    ],
)
def test_a_body_that_says_things_twice_or_is_none_is_never_edited(body: bytes) -> None:
    assert applied(body, HAIKU).body is body


def test_half_a_character_in_a_request_that_must_be_written_anew_is_refused() -> None:
    body = (
        b'{"model": "claude-opus-4-8", "max_tokens": 9, "messages": [{"role": "user", "content": "\\ud800"},'
        b'{"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}]}]}'
    )
    assert applied(body, HAIKU).body is body


def test_nothing_to_do_is_nothing_done() -> None:
    body = body_of(plain())
    facts = facts_from(body)
    for decision in (
        Decision(reason="shadow", asked=OPUS),
        Decision(reason="pinned-by-header", model=HAIKU, pinned=True),
    ):
        found = apply(body, facts, decision, CAPABILITIES)
        assert (found.body is body, found.is_original, found.served_as) == (True, True, OPUS)


def test_an_effort_alone_changes_no_model() -> None:
    found = applied(body_of(plain()), "", "low")
    assert json.loads(found.body) == {**plain(), "output_config": {"effort": "low"}}
    assert found.served_as == OPUS


def test_an_organisation_without_data_retention_is_refused_what_needs_it() -> None:
    body = body_of(plain())
    decision = Decision(reason="candidate", asked=OPUS, model="claude-fable-5-2")
    assert apply(body, facts_from(body), decision, Capabilities(MODELS, zdr=True)).refusals
    assert not apply(body, facts_from(body), decision, CAPABILITIES).refusals


def test_the_2026_10_21_version_takes_no_sampling() -> None:
    body = body_of(plain(temperature=1))
    facts = facts_from(body, (b"anthropic-version", b"2026-10-21"))
    decision = Decision(reason="candidate", asked=OPUS, model=HAIKU)
    assert "temperature" not in json.loads(apply(body, facts, decision, CAPABILITIES).body)
    assert "temperature" in json.loads(applied(body, HAIKU).body)


def test_nothing_shown_holds_a_prompt() -> None:
    found = applied(body_of(plain(system="PRIVATE")), HAIKU)
    assert "PRIVATE" not in f"{found!r} {CAPABILITIES!r}"
