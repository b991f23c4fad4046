"""Facts are what every other source of the ledger would say of the same request, and never hold a secret in sight."""

from __future__ import annotations

from typing import Any

import pytest
from decide_made import KEY, NOW_US, OPUS, body_of, facts_from, inbound, plain, requests
from hypothesis import given, settings

from baseload.gateway.decide.facts import Facts, facts_of
from baseload.gateway.decide.heads import is_ours
from baseload.gateway.decide.memo import Memo, Slices
from baseload.usage.features import features_of, session_fp

MARK = {"cache_control": {"type": "ephemeral"}}


@settings(max_examples=150, deadline=None)
@given(requests())
def test_fingerprints_and_counts_are_those_of_the_ledger(request_: dict[str, Any]) -> None:
    facts, features = facts_from(request_), features_of(request_, KEY)
    assert (facts.who.tools_fp, facts.who.system_fp, facts.who.template_id) == (
        features.tools_fp,
        features.system_fp,
        features.template_id,
    )
    assert (facts.shape.messages, facts.max_tokens, facts.effort) == (
        features.messages,
        features.max_tokens,
        features.effort,
    )
    assert facts.stream is bool(features.stream)


@pytest.mark.parametrize("chars", [700, 770, 2040, 2047, 2048, 2060, 5000])
def test_a_long_system_prompt_has_the_template_the_ledger_gives_it(chars: int) -> None:
    system = ("word 42 " * 1000)[:chars]
    request = plain(system=system)
    assert facts_from(request).who.template_id == features_of(request, KEY).template_id
    blocks = plain(system=[{"type": "text", "text": system[:9]}, {"type": "text", "text": system[9:]}])
    assert facts_from(blocks).who.template_id == features_of(blocks, KEY).template_id


def test_the_second_time_is_answered_from_memory_and_the_same() -> None:
    memo = Memo(KEY)
    request = plain(system="s" * 100, tools=[{"name": "look", "input_schema": {}}])
    first = facts_from(request, memo=memo)
    held = memo.tools.held_bytes, memo.systems.held_bytes
    assert facts_from(request, memo=memo).who == first.who
    assert (memo.tools.held_bytes, memo.systems.held_bytes) == held


def test_slices_with_equal_ends_are_not_taken_for_each_other() -> None:
    slices: Slices[int] = Slices(lambda data: data.count(b"x"))
    one, two = b"a" * 60 + b"xy" + b"b" * 60, b"a" * 60 + b"xx" + b"b" * 60
    assert [slices.of(one), slices.of(two), slices.of(one)] == [1, 2, 1]


def test_memory_for_slices_is_bounded() -> None:
    slices: Slices[int] = Slices(len, most_bytes=1000)
    for number in range(100):
        assert slices.of(b"%04d" % number + b"." * 196) == 200
    assert slices.held_bytes <= 1000
    assert slices.of(b"." * 900) == 900  # too large a share of the memory to be kept
    assert slices.held_bytes <= 1000


SESSION = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("request_", "headers", "where", "session"),
    [
        (plain(), ((b"X-Claude-Code-Session-Id", SESSION.encode()),), "header", session_fp(KEY, SESSION)),
        (
            plain(metadata={"user_id": f"user_1_account_2_session_{SESSION}"}),
            (),
            "metadata",
            session_fp(KEY, SESSION),
        ),
        (
            plain(metadata={"user_id": f'{{"session_id": "{SESSION}"}}'}),
            (),
            "metadata",
            session_fp(KEY, SESSION),
        ),
        (plain(metadata={"user_id": "ada"}), (), "user", KEY.fingerprint("user", "ada")),
    ],
)
def test_a_session_is_read_where_its_caller_says_it(
    request_: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...], where: str, session: str
) -> None:
    facts = facts_from(request_, *headers)
    assert (facts.session_from, facts.session) == (where, session)


def test_a_session_nobody_names_is_told_by_how_it_begins() -> None:
    first = plain()
    later = plain(
        messages=[*first["messages"], {"role": "assistant", "content": "ok"}, {"role": "user", "content": "?"}]
    )
    other = plain(messages=[{"role": "user", "content": "Another ticket."}])
    sessions = [facts_from(one).session for one in (first, later, other)]
    assert sessions[0] == sessions[1] != sessions[2]
    assert facts_from(first, (b"x-api-key", b"sk-other")).session != sessions[0]
    assert facts_from(first).session_from == "prefix"


def test_headers_say_workload_tags_agent_and_how_long_the_caller_waits() -> None:
    facts = facts_from(
        plain(metadata={"user_id": "u", "useCase": "triage"}),
        (b"X-Baseload-Workload", b"tickets"),
        (b"x-baseload-tag-team-name", b" Support "),
        (b"User-Agent", b"claude-cli/2.1 (external, cli)"),
        (b"X-Stainless-Timeout", b"600"),
        (b"anthropic-workspace-id", b"wrkspc_1"),
        (b"anthropic-beta", b"a-2026, b-2026"),
        (b"X-Baseload-Pin", b"Original"),
    )
    who = facts.who
    assert (who.workload, dict(who.tags)) == ("tickets", {"team_name": "Support", "use_case": "triage"})
    assert (who.agents, who.workspace) == (("claude-code",), "wrkspc_1")
    assert (facts.client_timeout_s, facts.betas, facts.pin_original) == (600.0, ("a-2026", "b-2026"), True)


@pytest.mark.parametrize("value", [b"soon", b"-1", b"0", b"1e9", b"nan"])
def test_a_timeout_that_makes_no_sense_is_none(value: bytes) -> None:
    assert facts_from(plain(), (b"x-stainless-timeout", value)).client_timeout_s is None


def test_a_callers_own_key_is_known_by_a_fingerprint_or_by_the_name_given_to_it() -> None:
    secret = b"sk-ant-api03-secret"
    print_ = KEY.fingerprint("api-key", secret)
    assert facts_from(plain(), (b"x-api-key", secret)).who.api_key == print_
    assert facts_from(plain(), (b"Authorization", b"Bearer " + secret)).who.api_key == print_
    named = Memo(KEY, key_names={print_: "support-prod"})
    assert facts_from(plain(), (b"x-api-key", secret), memo=named).who.api_key == "support-prod"
    virtual = facts_of(inbound(body_of(plain()), (b"x-api-key", secret)), Memo(KEY), "key-7")
    assert virtual.who.api_key == "key-7"


@pytest.mark.parametrize(
    "request_",
    [
        plain(**MARK),
        plain(tools=[{"name": "a"}, {"name": "b", **MARK}]),
        plain(system=[{"type": "text", "text": "s", **MARK}]),
        plain(messages=[{"role": "user", "content": [{"type": "text", "text": "u", **MARK}]}]),
        plain(messages=[{"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r", **MARK}]}]}]),
    ],
)  # fmt: skip
def test_a_mark_of_the_caller_is_seen_wherever_it_stands(request_: dict[str, Any]) -> None:
    assert facts_from(request_).has_marks
    assert not facts_from(plain(cache_control=None)).has_marks


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"model": "x"}', b'{"model": "x", "messages": []}', b'{"model": "x", "messages": "hi"}',
     b'{"model": "x", "messages": [1]}', b'{"messages": [{"role": "user", "content": "hi"}]}', b"\xff\xfe",
     b'{"a":' * 100_000],
)  # fmt: skip
def test_what_is_no_messages_request_is_not_readable_and_no_fault(body: bytes) -> None:
    assert not facts_from(body).readable


def test_only_messages_and_their_count_are_of_a_kind() -> None:
    kinds = []
    for method, target in ((b"POST", b"/v1/messages"), (b"POST", b"/v1/messages/count_tokens?x=1"),
                           (b"GET", b"/v1/messages"), (b"POST", b"/v1/messages/batches")):  # fmt: skip
        request = inbound(body_of(plain()))
        request.method, request.target = method, target
        kinds.append(facts_of(request, Memo(KEY)).kind)
    assert kinds == ["messages", "count_tokens", "other", "other"]


def test_nothing_shown_of_facts_or_memory_holds_a_prompt_or_a_key() -> None:
    memo = Memo(KEY)
    request = plain(system="PRIVATE words", tools=[{"name": "PRIVATE"}], metadata={"user_id": "PRIVATE"})
    facts = facts_from(request, (b"x-api-key", b"PRIVATE"), memo=memo)
    shown = f"{facts!r} {memo!r} {facts.system!r} {facts.messages!r} {memo.systems!r}"
    assert "PRIVATE" not in shown
    assert isinstance(facts, Facts)
    assert facts.model == OPUS
    assert facts.now_us == NOW_US


def test_our_own_headers_are_told_from_the_others() -> None:
    assert is_ours(b"X-Baseload-Pin")
    assert not is_ours(b"X-Base")
    assert not is_ours(b"anthropic-version")


@pytest.mark.parametrize("model", ["claude\r\nset-cookie: a=1", "claude\x00", "c" * 201, "claude\u2028"])
def test_what_is_no_models_name_is_none(model: str) -> None:
    """It would go into an answer's header, and into a record, as it is."""
    assert facts_from(plain(model=model)).model == ""
    assert facts_from(plain(model="c" * 200)).model == "c" * 200
