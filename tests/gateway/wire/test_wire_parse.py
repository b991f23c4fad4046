"""Heads and chunks: what is taken, what is refused, and that a second parser agrees on what is taken."""

from __future__ import annotations

import time

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.wire.parse import (
    TO_THE_END,
    UNKNOWN,
    Chunks,
    Malformed,
    answer_head,
    head_end,
    request_head,
)

LINE = b"POST /v1/messages HTTP/1.1\r\n"


def head_of(*lines: bytes, start: bytes = LINE, host: bool = True) -> bytes:
    return start + (b"Host: a\r\n" if host else b"") + b"".join(one + b"\r\n" for one in lines)


def test_names_values_order_and_case_are_kept() -> None:
    found = request_head(head_of(b"X-B: 1", b"x-a:\t two  words \t", b"X-B: 3", b"Empty:"), 100)
    expected = ((b"Host", b"a"), (b"X-B", b"1"), (b"x-a", b"two  words"), (b"X-B", b"3"), (b"Empty", b""))
    assert found.headers == expected
    assert (found.method, found.target, found.length, found.closes) == (b"POST", b"/v1/messages", 0, False)


def test_a_length_chunks_and_closing_are_read_whatever_their_case() -> None:
    assert request_head(head_of(b"CONTENT-LENGTH: 12"), 100).length == 12
    assert request_head(head_of(b"Transfer-Encoding: Chunked"), 100).length == UNKNOWN
    assert request_head(head_of(b"Connection: Keep-Alive, CLOSE"), 100).closes
    assert request_head(b"GET / HTTP/1.0\r\n", 100).closes
    assert request_head(head_of(b"Expect: 100-Continue"), 100).expects


def test_headers_that_connection_names_are_this_connections_but_never_a_credential() -> None:
    found = request_head(head_of(b"Connection: X-Hop, close", b"Connection: Authorization, x-api-key"), 100)
    assert found.nominated == {b"x-hop"}


REFUSED = {
    "a length and a coding": (head_of(b"Content-Length: 3", b"Transfer-Encoding: chunked"), 400),
    "a coding and a length": (head_of(b"Transfer-Encoding: chunked", b"Content-Length: 3"), 400),
    "two lengths": (head_of(b"Content-Length: 3", b"Content-Length: 4"), 400),
    "two lengths that agree": (head_of(b"Content-Length: 3", b"Content-Length: 3"), 400),
    "a list of lengths": (head_of(b"Content-Length: 3, 3"), 400),
    "a length with a sign": (head_of(b"Content-Length: +3"), 400),
    "a negative length": (head_of(b"Content-Length: -3"), 400),
    "a hexadecimal length": (head_of(b"Content-Length: 0x3"), 400),
    "a length with an underscore": (head_of(b"Content-Length: 1_0"), 400),
    "a length in other digits": (head_of("Content-Length: ٣".encode()), 400),
    "a length of 20 digits": (head_of(b"Content-Length: 99999999999999999999"), 400),
    "no length at all": (head_of(b"Content-Length:"), 400),
    "two codings": (head_of(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
    "a list of codings": (head_of(b"Transfer-Encoding: gzip, chunked"), 400),
    "a coding that is not last": (head_of(b"Transfer-Encoding: chunked, identity"), 400),
    "an unknown coding": (head_of(b"Transfer-Encoding: xchunked"), 400),
    "a coding behind a vertical tab": (head_of(b"Transfer-Encoding:\x0bchunked"), 400),
    "chunks in HTTP/1.0": (head_of(b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0\r\n"), 400),
    "a folded header": (head_of(b"X-A: 1", b" two"), 400),
    "a header folded by a tab": (head_of(b"X-A: 1", b"\ttwo"), 400),
    "a folded first header": (LINE + b" Host: a\r\n", 400),
    "a space before the colon": (head_of(b"Content-Length : 3"), 400),
    "a tab before the colon": (head_of(b"Content-Length\t: 3"), 400),
    "a header without a name": (head_of(b": 3"), 400),
    "a header without a colon": (head_of(b"Content-Length"), 400),
    "a space in a name": (head_of(b"X A: 3"), 400),
    "a NUL in a value": (head_of(b"X-A: a\0b"), 400),
    "a NUL in a name": (head_of(b"X-\0A: b"), 400),
    "a bare CR in a value": (head_of(b"X-A: a\rContent-Length: 3"), 400),
    "a bare LF in a value": (head_of(b"X-A: a\nContent-Length: 3"), 400),
    "a bare LF after the request line": (b"POST / HTTP/1.1\nHost: a\r\n", 400),
    "a control character in a value": (head_of(b"X-A: \x1b[2J"), 400),
    "no host": (head_of(host=False), 400),
    "two hosts": (head_of(b"Host: b"), 400),
    "an absolute target": (head_of(start=b"GET http://other/v1/models HTTP/1.1\r\n"), 400),
    "an authority as target": (head_of(start=b"CONNECT other:443 HTTP/1.1\r\n"), 400),
    "an asterisk as target": (head_of(start=b"OPTIONS * HTTP/1.1\r\n"), 400),
    "a space in the target": (head_of(start=b"GET /a b HTTP/1.1\r\n"), 400),
    "a control character in the target": (head_of(start=b"GET /a\x01 HTTP/1.1\r\n"), 400),
    "a target beyond ASCII": (head_of(start="GET /ä HTTP/1.1\r\n".encode()), 400),
    "two spaces in the request line": (head_of(start=b"GET  / HTTP/1.1\r\n"), 400),
    "a tab in the request line": (head_of(start=b"GET\t/ HTTP/1.1\r\n"), 400),
    "no version": (head_of(start=b"GET /\r\n"), 400),
    "a version of the future": (head_of(start=b"GET / HTTP/2.0\r\n"), 505),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n", 505),
    "a version in lower case": (head_of(start=b"GET / http/1.1\r\n"), 400),
    "TLS to a plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    "another expectation": (head_of(b"Expect: the-unexpected"), 417),
}


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case: str) -> None:
    block, status = REFUSED[case]
    with pytest.raises(Malformed) as caught:
        request_head(block, 100)
    assert caught.value.status == status


def test_a_refusal_quotes_nothing_that_was_sent() -> None:
    for block, _ in REFUSED.values():
        with pytest.raises(Malformed) as caught:
            request_head(block + b"X-Key: sekrit\r\n", 100)
        assert "sekrit" not in str(caught.value)


def test_too_many_headers_and_too_long_a_head_are_431() -> None:
    with pytest.raises(Malformed) as caught:
        request_head(head_of(*[b"X: 1"] * 100), 100)
    assert caught.value.status == 431
    for data in (b"x" * 101, b"x" * 101 + b"\r\n\r\n"):
        with pytest.raises(Malformed) as caught:
            head_end(data, 100)
        assert caught.value.status == 431


def test_a_head_that_is_not_whole_is_waited_for_unless_its_lines_end_wrongly() -> None:
    assert head_end(b"GET / HTTP/1.1\r\nHost: a\r", 100) == -1
    assert head_end(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest", 100) == 23
    for data in (b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nA: \0"):
        with pytest.raises(Malformed):
            head_end(data, 100)


def test_a_header_of_many_spaces_costs_one_pass() -> None:
    """Backtracking over them would take minutes."""
    began = time.perf_counter()
    with pytest.raises(Malformed):
        request_head(head_of(b"X-A:" + b" " * 60_000 + b"\0"), 100)
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("lines", "length"),
    [((b"Content-Length: 5",), 5), ((b"transfer-encoding: chunked",), UNKNOWN), ((b"Date: today",), TO_THE_END)],
)
def test_an_answers_length_is_by_its_head(lines: tuple[bytes, ...], length: int) -> None:
    found = answer_head(head_of(*lines, start=b"HTTP/1.1 529 Overloaded\r\n", host=False), 100)
    assert (found.status, found.length, found.clean, found.closes) == (529, length, True, False)


def test_an_answer_of_two_framings_or_none_at_all_is_refused() -> None:
    for block in (
        head_of(b"Content-Length: 1", b"Transfer-Encoding: chunked", start=b"HTTP/1.1 200 OK\r\n"),
        head_of(b"Content-Length: 1", b"Content-Length: 2", start=b"HTTP/1.1 200 OK\r\n"),
        head_of(b"Content-Length: 1", b"Content-Length: 1", b"Content-Length: 2", start=b"HTTP/1.1 200 OK\r\n"),
        head_of(
            b"Content-Length: 1", b"Transfer-Encoding: chunked", b"Content-Length: 1", start=b"HTTP/1.1 200 OK\r\n"
        ),
        head_of(start=b"HTTP/1.1 20 OK\r\n"),
        head_of(start=b"ICY 200 OK\r\n"),
    ):
        with pytest.raises(Malformed):
            answer_head(block, 100)


def test_an_answer_that_says_one_length_twice_has_it_once() -> None:
    block = head_of(b"Content-Length: 7", b"A: b", b"content-length: 7", start=b"HTTP/1.1 200 OK\r\n")
    found = answer_head(block, 100)
    assert (found.length, found.clean, found.headers) == (
        7,
        False,
        ((b"Host", b"a"), (b"Content-Length", b"7"), (b"A", b"b")),
    )


def test_a_reason_phrase_may_be_absent() -> None:
    assert answer_head(b"HTTP/1.1 204\r\n", 100).status == 204
    assert answer_head(b"HTTP/1.1 204 \r\n", 100).status == 204


def test_what_belongs_to_one_connection_makes_an_answer_unclean() -> None:
    kept = b"Keep-Alive: timeout=5, max=100"
    found = answer_head(head_of(b"Connection: keep-alive, X-Hop", kept, start=b"HTTP/1.1 200 OK\r\n"), 100)
    assert (found.clean, found.idle_s, found.nominated) == (False, 5.0, {b"x-hop"})
    assert answer_head(b"HTTP/1.0 200 OK\r\n", 100).closes


# --- chunks


def decoded(data: bytes, step: int) -> tuple[bytes, bytes | None]:
    chunks, found, after = Chunks(1000), b"", None
    for at in range(0, len(data), step):
        piece, after = chunks.feed(data[at : at + step])
        found += piece
        if after is not None:
            return found, after + data[at + step :]
    return found, after


CHUNKED = b"3\r\nabc\r\nA;name=value\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n"


@pytest.mark.parametrize("step", [1, 2, 3, 5, 100])
def test_chunks_are_decoded_however_they_are_cut(step: int) -> None:
    assert decoded(CHUNKED + b"GET / ", step) == (b"abc0123456789", b"GET / ")
    assert decoded(CHUNKED[:-1], step) == (b"abc0123456789", None)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\nabc",
        b"-3\r\nabc\r\n",
        b"+3\r\nabc\r\n",
        b"0x3\r\nabc\r\n",
        b" 3\r\nabc\r\n",
        b"3 \r\nabc\r\n",
        b"3\nabc\r\n",
        b"3\r\nabcd\r\n",
        b"3\r\nabc\n",
        b"3\r\nabcX\r\n",
        b"3;a\0b\r\nabc\r\n",
        b"3;a\rb\r\nabc\r\n",
        b"fffffffffffffffff\r\n",
        b"g\r\n",
        b"3_0\r\n",
        b"0\r\nno trailer\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\nA: b\n\n",
        b"3;" + b"x" * 5000,
        b"0\r\n" + b"A: b\r\n" * 400,
    ],
)
@pytest.mark.parametrize("step", [1, 10_000])
def test_chunks_that_could_be_read_in_two_ways_are_refused(data: bytes, step: int) -> None:
    with pytest.raises(Malformed):
        decoded(data, step)


# --- a second parser


class Second:
    """What httptools makes of a request."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.url, self.body, self.done = b"", b"", 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value.rstrip(b" \t")))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.done += 1


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.sampled_from(
            [b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"0", b"a", b",", b";", b"\x80", b"\r\n ", b""]
        ),
        st.integers(0, 3),
    ),
    max_size=4,
)
SEEDS = st.sampled_from(
    [
        head_of(b"Content-Length: 3", b"X-A: b c") + b"\r\nabc",
        head_of(b"Transfer-Encoding: chunked") + b"\r\n3\r\nabc\r\n0\r\n\r\n",
        head_of(b"Transfer-Encoding: chunked", b"Content-Length: 3") + b"\r\n3\r\nabc\r\n0\r\n\r\n",
        head_of(start=b"GET /v1/models?limit=3 HTTP/1.1\r\n") + b"\r\n",
        head_of(b"Connection: close, x", start=b"DELETE /v1/files/a HTTP/1.0\r\n") + b"\r\n",
    ]
)


@settings(max_examples=600, deadline=None)
@given(SEEDS, MUTATIONS)
def test_a_request_we_take_is_the_same_to_a_second_parser(seed: bytes, mutations: list[tuple[int, bytes, int]]) -> None:
    data = seed
    for at, put, over in mutations:
        data = data[: at % (len(data) + 1)] + put + data[at % (len(data) + 1) + over :]
    try:
        end = head_end(data, 10_000)
        if end < 0:
            return
        head = request_head(data[: end + 2], 100)
        rest = data[end + 4 :]
        after: bytes | None
        if head.length == UNKNOWN:
            body, after = Chunks(1000).feed(rest)
        else:
            body, after = rest[: head.length], rest[head.length :] if len(rest) >= head.length else None
    except Malformed:
        return
    second = Second()
    parser = httptools.HttpRequestParser(second)
    used = data if after is None else data[: len(data) - len(after)]
    try:
        parser.feed_data(used)
    except (httptools.HttpParserInvalidMethodError, httptools.HttpParserUpgrade):
        return  # it knows a list of methods, we know what a token is
    except httptools.HttpParserError:
        assert after is None  # it may see earlier than we that there is no end to come
        return
    assert second.url == head.target
    assert (second.body, bool(second.done)) == (body, after is not None)
    if head.length != UNKNOWN:  # else its trailers are among them
        assert tuple(second.headers) == head.headers


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 7))
def test_any_bytes_are_a_body_or_malformed_and_cutting_them_changes_nothing(data: bytes, step: int) -> None:
    def outcome(step: int) -> object:
        try:
            return decoded(data, step)
        except Malformed as error:
            return error.status

    whole, cut = outcome(1000), outcome(step)
    assert whole == cut or not isinstance(cut, tuple) or cut[1] is None
