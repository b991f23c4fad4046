"""The framing: what a raw socket sends and gets back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from baseload.demo.upstream.answers import Answers, asked_hash, text_answer
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book

BODY = json.dumps(
    {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
).encode()
KEYS = b"x-api-key: k\r\nanthropic-version: 2023-06-01\r\n"
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: h\r\n" + KEYS
WHOLE = HEAD + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    asked = asked_hash({"messages": [{"role": "user", "content": "hello"}]})
    answers = Answers([("claude-haiku-5-5", asked, text_answer("hi"))])
    with running(Upstream(Service(answers, load_book()), keep=50)) as found:
        yield found


def exchange(server: Upstream, *sent: bytes, close: bool = True) -> bytes:
    """Everything the server says to these bytes until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as wire:
        for part in sent:
            wire.sendall(part)
        if close:
            wire.shutdown(socket.SHUT_WR)
        found = b""
        while part := wire.recv(65536):
            found += part
        return found


def test_one_connection_carries_many_requests_even_at_once(server: Upstream) -> None:
    said = exchange(server, WHOLE * 3)
    assert said.count(b"HTTP/1.1 200 OK") == 3
    assert said.count(b'"text":"hi"') == 3


def test_a_request_may_come_a_byte_at_a_time(server: Upstream) -> None:
    assert exchange(server, *(WHOLE[place : place + 1] for place in range(len(WHOLE)))).count(b"200 OK") == 1


def test_a_chunked_body_is_read_and_its_trailers_skipped(server: Upstream) -> None:
    chunks = b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n%s\r\n%x\r\n%s\r\n0\r\nTrailer: 1\r\n\r\n"
    said = exchange(server, HEAD + chunks % (BODY[:5], len(BODY) - 5, BODY[5:]) + WHOLE)
    assert said.count(b"200 OK") == 2


def test_expect_100_is_answered_before_the_body(server: Upstream) -> None:
    said = exchange(server, WHOLE.replace(b"Host: h", b"Host: h\r\nExpect: 100-continue"))
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_connection_close_and_http_1_0_end_the_connection(server: Upstream) -> None:
    said = exchange(server, WHOLE.replace(b"Host: h", b"Host: h\r\nConnection: close") + WHOLE, close=False)
    assert said.count(b"200 OK") == 1
    said = exchange(server, WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0") + WHOLE, close=False)
    assert said.count(b"200 OK") == 1


def test_a_stream_is_chunked_and_ends_with_message_stop(server: Upstream) -> None:
    body = BODY[:-1] + b', "stream": true}'
    said = exchange(server, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    head, _, rest = said.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert b"content-type: text/event-stream" in head
    assert rest.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n\r\n0\r\n\r\n')


@pytest.mark.parametrize(
    "sent",
    [
        b"GET\r\n\r\n",
        b"GET /x HTTP/2\r\n\r\n",
        b"GET http://other/x HTTP/1.1\r\n\r\n",
        HEAD + b"no header\r\n\r\n",
        HEAD + b"bad name: x\r\n\r\n",
        HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 50\r\n\r\nshort",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe",
        b"GET /x HTTP/1.1\r\nHalf",
    ],
)
def test_ambiguous_or_broken_framing_is_refused_and_the_connection_closed(server: Upstream, sent: bytes) -> None:
    said = exchange(server, sent)
    assert said.startswith(b"HTTP/1.1 400 ")
    assert said.count(b"HTTP/1.1") == 1


def test_endless_headers_are_refused(server: Upstream) -> None:
    said = exchange(server, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n")
    assert said.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b"{}", 400), (b'{"model": "m", "max_tokens": 1, "messages": []}', 400),
        (b'{"model": "m", "max_tokens": true, "messages": [{"role": "user", "content": "x"}]}', 400),
        (b'{"model": "m", "max_tokens": 1, "messages": [{"role": "bot", "content": "x"}]}', 400),
        (b'{"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}', 404),
        (b'{"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": 7}]}', 400),
        (b"[" * 200_000, 400),
    ],
)  # fmt: skip
def test_a_body_that_is_no_request_gets_an_error_of_the_api(server: Upstream, body: bytes, status: int) -> None:
    said = exchange(server, HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    error = json.loads(said.partition(b"\r\n\r\n")[2])
    assert said.startswith(b"HTTP/1.1 %d " % status)
    assert error["type"] == "error"
    assert error["request_id"].startswith("req_")


def test_the_version_header_is_required_and_unknown_paths_are_404(server: Upstream) -> None:
    said = exchange(server, WHOLE.replace(b"anthropic-version: 2023-06-01\r\n", b""))
    assert said.startswith(b"HTTP/1.1 400 ")
    said = exchange(server, b"GET /v1/files HTTP/1.1\r\n" + KEYS + b"\r\n")
    assert said.startswith(b"HTTP/1.1 404 ")


def test_requests_are_kept_as_they_came(server: Upstream) -> None:
    exchange(server, WHOLE.replace(b"Host: h", b"HOST: h\r\nX-Mine: Value "))
    seen = server.requests[-1]
    assert seen.body == BODY
    assert ("HOST", "h") in seen.headers
    assert ("X-Mine", "Value") in seen.headers


def test_the_key_is_kept_out_of_every_answer(server: Upstream) -> None:
    secret = b"sk-ant-secret-value"
    for sent in (WHOLE, WHOLE.replace(b"/v1/messages", b"/v1/nowhere"), HEAD + b"broken\r\n\r\n"):
        assert secret not in exchange(server, sent.replace(b"x-api-key: k", b"x-api-key: " + secret))
