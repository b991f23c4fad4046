"""The content pass never takes more than its share, and works through a burst with what it saved up."""

from __future__ import annotations

import msgspec

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
