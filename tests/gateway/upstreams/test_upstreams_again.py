"""What is worth another attempt, and after what pause: tables worked out by hand."""

from __future__ import annotations

import pytest

from baseload.gateway.config import Retry
from baseload.gateway.exchange import Failure
from baseload.gateway.upstreams.again import (
    NEVER,
    NOT_SAID,
    Verdict,
    is_free,
    is_repeatable,
    is_spent,
    pause_s,
    retry_after_s,
    verdict,
)

SPENT = b'{"type":"error","error":{"type":"rate_limit_error","message":"m","details":{"error_code":"%b"}}}'


@pytest.mark.parametrize(
    ("failure", "repeatable", "expected"),
    [
        (Failure("connect"), True, "here"),
        (Failure("connect"), False, "here"),  # nothing was sent
        (Failure("reset"), True, "no"),  # it was sent: it may be paid already
        (Failure("malformed"), True, "no"),
        (Failure("reset"), False, "no"),
        (Failure("timeout"), True, "no"),
        (Failure("status", 529), True, "here"),
        (Failure("status", 529), False, "no"),
        (Failure("status", 500), True, "here"),
        (Failure("status", 501), True, "no"),
        (Failure("status", 429), True, "here"),
        (Failure("status", 429, (), SPENT % b"enforced_spend_limit_reached"), True, "elsewhere"),
        (Failure("status", 429, (), SPENT % b"contract_spend_limit_reached"), True, "elsewhere"),
        (Failure("status", 429, (), SPENT % b"ramp_limit_exceeded"), True, "here"),
        (Failure("status", 503, ((b"X-Should-Retry", b"false"),)), True, "elsewhere"),
        (Failure("status", 503, ((b"x-should-retry", b"true"),)), True, "here"),
    ],
)
def test_what_another_attempt_can_do(failure: Failure, repeatable: bool, expected: Verdict) -> None:
    assert verdict(failure, Retry(), repeatable=repeatable, free=False) == expected


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure("reset"), "here"),
        (Failure("timeout"), "no"),
        (Failure("malformed"), "no"),
        (Failure("status", 529), "here"),
    ],
)
def test_what_is_free_is_asked_again_after_a_reset(failure: Failure, expected: Verdict) -> None:
    assert verdict(failure, Retry(), repeatable=True, free=True) == expected


def test_only_statuses_of_the_settings_are_tried_again() -> None:
    assert verdict(Failure("status", 529), Retry(statuses=(500,)), repeatable=True, free=False) == "no"
    assert verdict(Failure("status", 500), Retry(statuses=(500,)), repeatable=True, free=False) == "here"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        (b"POST", b"/v1/messages", False),
        (b"POST", b"/v1/messages/count_tokens", True),
        (b"GET", b"/v1/models", True),
        (b"POST", b"/v1/messages/batches", False),
        (b"DELETE", b"/v1/files/f", False),
    ],
)
def test_what_can_be_carried_out_twice_for_nothing(method: bytes, path: bytes, expected: bool) -> None:
    assert is_free(method, path) is expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        (b"POST", b"/v1/messages", True),
        (b"POST", b"/v1/messages/count_tokens", True),
        (b"GET", b"/v1/models", True),
        (b"POST", b"/v1/messages/batches", False),
        (b"DELETE", b"/v1/files/f", False),
    ],
)
def test_what_creates_something_is_not_sent_twice(method: bytes, path: bytes, expected: bool) -> None:
    assert is_repeatable(method, path) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((), NOT_SAID),
        (((b"Retry-After", b"7"),), 7.0),
        (((b"retry-after", b" 0.5 "),), 0.5),
        (((b"retry-after", b"7"), (b"retry-after-ms", b"250")), 0.25),
        (((b"retry-after", b"0"),), 0.0),
        (((b"date", b"Mon, 23 Nov 2026 10:00:00 GMT"), (b"retry-after", b"Mon, 23 Nov 2026 10:00:09 GMT")), 9.0),
        (((b"date", b"Mon, 23 Nov 2026 10:00:09 GMT"), (b"retry-after", b"Mon, 23 Nov 2026 10:00:00 GMT")), 0.0),
        (((b"retry-after", b"Mon, 23 Nov 2026 10:00:09 GMT"),), NEVER),  # no Date to count from
        (((b"retry-after", b"soon"),), NEVER),
        (((b"retry-after", b"-1"),), NEVER),
        (((b"retry-after", b"nan"),), NEVER),
        (((b"retry-after", b"."),), NEVER),
        (((b"retry-after", "²".encode()),), NEVER),
    ],
)
def test_how_long_the_upstream_asks_to_wait(headers: tuple[tuple[bytes, bytes], ...], expected: float) -> None:
    assert retry_after_s(headers) == expected


@pytest.mark.parametrize(
    ("said_s", "last_s", "chance", "expected"),
    [
        (NOT_SAID, 0.5, 0.0, 0.5),
        (NOT_SAID, 0.5, 0.5, 1.0),  # between 0.5 and 1.5
        (NOT_SAID, 2.0, 0.5, 3.25),  # between 0.5 and 6
        (NOT_SAID, 8.0, 0.99, 10.0),  # never beyond the most
        (2.0, 0.5, 0.5, 2.25),  # what it asks for, and up to half a second more
        (10.0, 0.5, 0.0, 10.0),
        (10.1, 0.5, 0.0, NEVER),
        (NEVER, 0.5, 0.0, NEVER),
    ],
)
def test_how_long_the_pause_is(said_s: float, last_s: float, chance: float, expected: float) -> None:
    assert pause_s(said_s, last_s, 10.0, lambda: chance) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"error":"text"}', b'{"error":{"details":[]}}', b"\xff", b"null"])
def test_a_body_that_says_nothing_of_a_limit_is_none(body: bytes) -> None:
    assert not is_spent(Failure("status", 429, (), body))
