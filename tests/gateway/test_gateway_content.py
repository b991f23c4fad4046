"""The content pass never takes more than its share, and works through a burst with what it saved up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.content import BURST_NS, ContentPass
from baseload.usage.features import features_of
from baseload.values import OrgKey

KEY = OrgKey(b"key")
REQUEST = {"model": "m", "max_tokens": 5, "system": "You sort.", "messages": [{"role": "user", "content": "Sort me."}]}
BODY = msgspec.json.encode(REQUEST)


class Clock:
    """Every look at it takes `step` nanoseconds."""

    def __init__(self, step: int) -> None:
        self.now = 0
        self.step = step

    def __call__(self) -> int:
        self.now += self.step
        return self.now


def test_what_it_finds_is_what_a_reader_finds() -> None:
    content = ContentPass(KEY, Clock(1)).of(BODY)
    assert content is not None
    features = features_of(REQUEST, KEY, prompt_tokens=40, cached_tokens=0)
    assert content.prefix.text(40, 0) == features.prefix_blocks
    assert content.request_hash == features.request_hash
    assert content.request_features == features.request_features


MARK = {"cache_control": {"type": "ephemeral"}}
TEXTS = st.sampled_from(["Sort me.", "Call 4711 of 2026-11-23", "Ünïcode \u2028 text\n" * 400, "", "x" * 9_000])
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.builds(lambda text: {"type": "text", "text": text} | MARK, TEXTS),
    st.builds(lambda text: {"type": "tool_result", "tool_use_id": "t", "content": text}, TEXTS),
    st.sampled_from([
        {"type": "image", "source": {"type": "base64", "data": "AAAA"}},
        {"type": "tool_result", "content": [{"type": "image", "source": {}}]},
        {"type": "thinking", "thinking": "hm"},
        {"type": "tool_use", "id": "t", "name": "n", "input": {"b": 1.0, "a": [None, True]}},
        {"type": "document", "source": {}, "citations": {"enabled": True}},
        "no block",
    ]),
)  # fmt: skip
CONTENT = st.one_of(TEXTS, st.lists(BLOCKS, max_size=3), st.none())
ROLES = st.sampled_from(["user", "assistant", "system", ""])
MESSAGES = st.lists(st.builds(lambda role, content: {"role": role, "content": content}, ROLES, CONTENT), max_size=4)
TOOLS = st.lists(
    st.sampled_from([
        {"name": "b", "input_schema": {"z": 1, "a": 2}},
        {"name": "a", "description": "Finds order 8841."} | MARK,
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        {"type": "computer_20250124", "name": "computer"},
        {"name": "c", "allowed_callers": ["code_execution_20250825"]},
        7,
    ]),
    max_size=3,
)  # fmt: skip
REQUESTS = st.fixed_dictionaries(
    {"model": st.sampled_from(["m", "n"])},
    optional={
        "system": CONTENT,
        "tools": st.one_of(TOOLS, st.none()),
        "messages": st.one_of(MESSAGES, st.just("none")),
        "max_tokens": st.sampled_from([5, 5.0]),
        "thinking": st.sampled_from([{"type": "enabled", "budget_tokens": 9}, {"type": "disabled"}]),
        "tool_choice": st.sampled_from([{"type": "auto"}, {"type": "any"}]),
        "output_config": st.sampled_from([{"effort": "low"}, {"format": {"type": "json_schema"}}]),
        "speed": st.just("fast"),
        "temperature": st.sampled_from([0, 1]),
        "metadata": st.just({"user_id": "u"}),
        "stream": st.booleans(),
        "prompt": st.just("Classify this."),
        "cache_control": st.just({"type": "ephemeral", "ttl": "1h"}),
    },
)
PASS = ContentPass(KEY, lambda: 0)


@given(request=REQUESTS, indent=st.sampled_from([0, 1]))
@settings(max_examples=150, deadline=None)
def test_of_any_request_it_finds_what_a_reader_finds_whatever_it_met_before(
    request: dict[str, Any], indent: int
) -> None:
    found = PASS.work_out(msgspec.json.format(msgspec.json.encode(request), indent=indent))
    assert found is not None
    features = features_of(request, KEY, prompt_tokens=40, cached_tokens=10)
    assert (found.request_hash, found.request_features, found.task_cues, found.prefix.text(40, 10)) == (
        features.request_hash, features.request_features, features.task_cues, features.prefix_blocks
    )  # fmt: skip


def test_what_was_met_before_is_not_changed_by_what_went_on_from_it() -> None:
    first = PASS.work_out(BODY)
    PASS.work_out(msgspec.json.encode(REQUEST | {"speed": "fast", "messages": [{"role": "user", "content": "Else."}]}))
    again = PASS.work_out(BODY)
    assert first is not None
    assert again is not None
    assert again.prefix.text(40, 0) == first.prefix.text(40, 0)


def test_after_a_millisecond_of_looking_callers_are_served_before_the_others() -> None:
    """Each look takes 0.4 ms: three are one turn of five, the other two the next."""
    passes = ContentPass(KEY, Clock(400_000))
    turns: list[Callable[[], None]] = []
    for _ in range(5):
        passes.later(lambda: passes.work_out(BODY) and None, turns.append)
    taken = []
    while turns:
        turns.pop()()
        taken.append(passes.taken)
    assert taken == [3, 5]


def test_with_the_whole_time_asked_for_it_keeps_to_its_share() -> None:
    """Each pass takes 10 ms and the next follows at once: after half a second saved up, one in ten of the time."""
    clock = Clock(10_000_000)
    passes = ContentPass(KEY, clock, share=0.1)
    for _ in range(2_000):
        passes.of(BODY)
    busy_ns = passes.taken * 10_000_000
    assert busy_ns <= BURST_NS + 0.1 * clock.now + 10_000_000
    assert busy_ns >= 0.05 * clock.now
    assert passes.skipped > 0


def test_a_share_of_nothing_takes_nothing() -> None:
    passes = ContentPass(KEY, Clock(1), share=0.0)
    assert passes.of(BODY) is None
    assert (passes.taken, passes.skipped) == (0, 1)


def test_what_is_no_request_is_passed_over() -> None:
    passes = ContentPass(KEY, Clock(1))
    assert [passes.of(body) for body in (b"", b"[1]", b'{"a":', b"\xff" * 40, b"[" * 5_000)] == [None] * 5
