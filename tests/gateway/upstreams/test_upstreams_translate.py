"""Errors of any shape in the API's words, and heads around bodies that were made anew."""

from __future__ import annotations

import msgspec
import pytest

from baseload.gateway.upstreams.backend import betas_in, without_betas
from baseload.gateway.upstreams.translate import MOST_ERROR_BYTES, ErrorText, as_error, reheaded

OURS = b'{"type":"error","error":{"type":"x_error","message":"As the API says it."},"request_id":"req_1"}'


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"Amazon says."}', "Amazon says."),
        (b'{"Message":"Amazon shouts."}', "Amazon shouts."),
        (b'{"error":{"code":429,"message":"Google says.","status":"RESOURCE_EXHAUSTED"}}', "Google says."),
        (b'[{"error":{"message":"Google streams."}}]', "Google streams."),
        (b"[]", "The upstream answered with an error and no message."),
        (b"{}", "The upstream answered with an error and no message."),
        (b"<html>", "The upstream answered with an error that cannot be read."),
        (b"", "The upstream answered with an error that cannot be read."),
        (b"\xff", "The upstream answered with an error that cannot be read."),
        (b'{"message":7}', "The upstream answered with an error that cannot be read."),
    ],
)
def test_whatever_shape_an_error_has_the_caller_gets_the_apis(body: bytes, message: str) -> None:
    assert msgspec.json.decode(as_error(429, body, "r")) == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": message},
        "request_id": "r",
    }


def test_an_error_in_the_apis_words_stays_byte_for_byte() -> None:
    assert as_error(400, OURS, "") == OURS


def test_an_error_in_pieces_is_said_once_at_its_end_and_an_endless_one_is_not_collected() -> None:
    error = ErrorText(400, "")
    assert error.feed(OURS[:10], False) == b""
    assert error.feed(OURS[10:], True) == OURS
    endless = ErrorText(400, "")
    for _ in range(20):
        endless.feed(b"x" * MOST_ERROR_BYTES, False)
    assert sum(map(len, endless._pieces)) <= 2 * MOST_ERROR_BYTES
    assert b"cannot be read" in endless.feed(b"", True)


def test_a_head_around_another_body_says_its_type_and_no_length() -> None:
    told = ((b"Content-Type", b"x"), (b"Content-Length", b"9"), (b"x-amzn-y", b"z"))
    assert reheaded(told, b"text/event-stream", "r1") == (
        (b"x-amzn-y", b"z"),
        (b"content-type", b"text/event-stream"),
        (b"request-id", b"r1"),
    )


def test_betas_are_read_over_all_their_headers_and_kept_as_they_are_where_all_are_allowed() -> None:
    told = ((b"anthropic-beta", b"a,b"), (b"Anthropic-Beta", b" c"), (b"x", b"y"))
    assert betas_in(told) == ("a", "b", "c")
    assert without_betas(told, frozenset("abc")) is told
    assert without_betas(told, frozenset("ac")) == ((b"x", b"y"), (b"anthropic-beta", b"a,c"))
    assert without_betas(told, frozenset()) == ((b"x", b"y"),)
