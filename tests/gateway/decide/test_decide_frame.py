"""What is remembered of earlier requests changes nothing of what is said of this one, and never holds a credential."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from decide_made import KEY, OPUS, bodies, body_of, facts_from, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.frame import LONG_BYTES, Frame, Known
from baseload.gateway.decide.heads import Heads, secret_of
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.notes import NO_PARAMS, NO_SYSTEM, NO_TOOLS
from baseload.gateway.decide.state import Sessions

TURN = {"role": "user", "content": "Go on."}
SYSTEM = "Sort the ticket by its text. " * 20
RICH = {
    "model": OPUS, "max_tokens": 64, "messages": [TURN], "system": SYSTEM, "tools": [{"name": "look"}],
    "metadata": {"user_id": "ada"}, "stream": True,
}  # fmt: skip


def said(facts: Facts) -> dict[str, Any]:
    """All that facts say, as values that can be compared."""
    found = {name: getattr(facts, name) for name in facts.__struct_fields__}
    found["members"] = [(name, bytes(raw)) for name, raw in facts.members.items()]
    found["located"] = facts.located and list(facts.located.items())
    found["messages"] = msgspec.json.encode(facts.messages)
    return found


def outcome(body: bytes, memo: Memo) -> dict[str, Any] | type[Exception]:
    """The same; or what it raises over bytes that are no text, which the door takes for a request to leave alone."""
    try:
        return said(facts_from(body, memo=memo))
    except UnicodeDecodeError as error:
        return type(error)


def warmed(*bodies_: bytes) -> Memo:
    """A memory that has met these bodies often enough to know them again."""
    memo = Memo(KEY)
    for body in bodies_:
        for _ in range(3):
            facts_from(body, memo=memo)
    return memo


@settings(max_examples=150, deadline=None)
@given(bodies, bodies, st.lists(st.sampled_from(["user", "assistant"]), min_size=1, max_size=3))
def test_a_warm_memory_says_what_a_fresh_one_does(one: bytes, other: bytes, roles: list[str]) -> None:
    memo = warmed(one, other)
    talk = json.dumps([{"role": role, "content": "é ]}"} for role in roles]).encode()
    members = msgspec.json.decode(one, type=dict[str, msgspec.Raw])
    for body in (one, other, one.replace(bytes(members["messages"]), talk)):
        assert said(facts_from(body, memo=memo)) == said(facts_from(body))


@settings(max_examples=300, deadline=None)
@given(bodies, st.data())
def test_so_it_does_for_bodies_that_are_damaged_or_differ_in_a_byte(body: bytes, data: st.DataObject) -> None:
    memo = warmed(body)
    start = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(start, min(start + 3, len(body))))
    text = data.draw(st.sampled_from([b"", b" ", b"x", b'"', b"]", b"[", b"}", b",", b"\\", b'"a":1,', b"\xff", b"[]"]))
    changed = body[:start] + text + body[end:]
    assert outcome(changed, memo) == outcome(changed, Memo(KEY))


@pytest.mark.parametrize(
    "talk",
    [
        b'[{"role":"user","content":"a"}],"model":"x","messages":[{"role":"user","content":"b"}]',  # a name twice
        b'[{"role":"user","content":"a"}],"temperature":0,"stop_sequences":["b"]',  # members more
        b'[{"role":"user","content":"a"}',
        b"[]]",
        b'[1,{"role":"user"}]',
        b' [{"role":"user","content":"a"}] ',
        b'["]',
    ],
)  # fmt: skip
def test_no_conversation_passes_for_more_or_less_than_one_array(talk: bytes) -> None:
    body = body_of(RICH)
    memo = warmed(body)
    other = body.replace(json.dumps([TURN]).encode(), talk)
    assert said(facts_from(other, memo=memo)) == said(facts_from(other))


@pytest.mark.parametrize("how", [{}, {"separators": (",", ":")}, {"indent": 1}])
@pytest.mark.parametrize("last", [False, True])
def test_another_conversation_in_the_same_frame_is_found_from_the_third_request_on(
    last: bool, how: dict[str, Any]
) -> None:
    request = {**{name: RICH[name] for name in RICH if name != "messages" or not last}, "messages": [TURN]}
    memo = Memo(KEY)
    found = []
    for number in range(4):
        request["messages"] = [{"role": "user", "content": f"{number} " * number}, TURN]
        body = body_of(request, **how)
        found.append(memo.frames.find(body) is not None)
        assert facts_from(body, memo=memo).readable
    assert found == [False, False, True, True]  # what is met once is not kept


def test_all_that_say_the_same_of_themselves_are_the_same() -> None:
    memo = warmed(body_of(RICH))
    one, two = (facts_from({**RICH, "messages": [TURN] * many}, (b"user-agent", b"a"), memo=memo) for many in (1, 2))
    three = facts_from(RICH, (b"user-agent", b"claude-cli/2"), memo=memo)
    assert one.who is two.who
    assert three.who.agents == ("claude-code",)


def test_memory_for_frames_is_bounded_and_a_long_prompt_is_held_once() -> None:
    memo, system = Memo(KEY, most_bytes=80_000), "s" * 2 * LONG_BYTES
    for number in range(5):
        request = {**RICH, "system": system, "metadata": {"user_id": f"{number:04}"}}
        for _ in range(3):
            facts_from(request, memo=memo)
    assert 2 * LONG_BYTES < memo.frames.held_bytes < 4 * LONG_BYTES + 5 * 4_096
    for number in range(100):
        request = {**RICH, "system": f"{number:04}" + system}
        for _ in range(3):
            facts_from(request, memo=memo)
        assert memo.frames.held_bytes <= 80_000
    assert memo.frames.find(body_of(request)) is not None


def test_nothing_of_a_prompt_is_shown() -> None:
    memo = warmed(body_of({**RICH, "system": "secret words " * 40}))
    frame = memo.frames.find(body_of({**RICH, "system": "secret words " * 40}))
    assert frame is not None
    assert "secret" not in f"{frame!r} {memo.frames!r} {memo!r}"
    assert not Frame(Known(NO_TOOLS, NO_SYSTEM, NO_PARAMS, 0, False)).fits(b"")


SECRET = b"sk-ant-secret"


def test_headers_that_say_nothing_here_tell_no_requests_apart_and_credentials_are_not_kept() -> None:
    heads = Heads()
    common = ((b"User-Agent", b"claude-cli/2"), (b"X-Baseload-Tag-App", b"bench"))
    one = heads.of((*common, (b"Content-Length", b"10"), (b"x-api-key", SECRET), (b"x-request-id", b"1")))
    two = heads.of(((b"Authorization", b"Bearer " + SECRET), *common, (b"Content-Length", b"11")))
    assert one is two
    assert (dict(one.tags), one.ours) == ({"app": "bench"}, frozenset({b"X-Baseload-Tag-App"}))
    assert heads.of((*common, (b"x-baseload-pin", b"original"))).pinned
    assert SECRET not in b"".join(name + value for key in heads._found for name, value in key)
    assert "bench" not in f"{heads!r} {one!r}"


def test_memory_for_headers_is_bounded() -> None:
    heads = Heads()
    for number in range(3_000):
        heads.of(((b"x-baseload-tag-n", b"%d" % number), (b"name-%d" % number, b"")))
    assert len(heads._found) <= 1_024
    assert len(heads._is_read) <= 1_024
    long = ((b"x-baseload-tag-n", b"n" * 5_000),)
    assert heads.of(long) is not heads.of(long)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ((), b""),
        (((b"X-Api-Key", SECRET), (b"authorization", b"Bearer other")), SECRET),
        (((b"authorization", b"Bearer  " + SECRET + b" "),), SECRET),
        (((b"x-api-key", b""), (b"AUTHORIZATION", b"Bearer " + SECRET)), SECRET),
        (((b"x-api-key", SECRET), (b"x-api-key", b"second")), SECRET),
        (((b"authorization", SECRET),), b""),  # no scheme before it
        (((b"x-api-kex", SECRET), (b"authorizatiom", b"Bearer " + SECRET)), b""),
    ],
)
def test_the_credential_is_the_first_api_key_else_what_its_bearer_holds(
    headers: tuple[tuple[bytes, bytes], ...], secret: bytes
) -> None:
    assert secret_of(headers) == secret


def test_the_session_unheard_for_longest_is_forgotten_first() -> None:
    sessions = Sessions(most=2)
    for name in ("a", "b", "a", "c"):
        sessions.note("w", name, asked=OPUS, model=OPUS, now_us=1)
    assert [sessions.get("w", name, 1) is not None for name in ("a", "b", "c")] == [True, False, True]


def test_a_plain_request_without_members_around_it_is_read_all_the_same() -> None:
    body = body_of({"messages": [TURN]})
    memo = warmed(body)
    assert said(facts_from(body, memo=memo)) == said(facts_from(body))
    assert facts_from(plain(), memo=memo).readable
