"""Answers of our own, requests of our own, TLS, and bytes at random."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_world import GET, NotedDoor, Peer, Script, World, answer, eventually, ok, post, world

from baseload.gateway.exchange import Answer, Origin
from baseload.gateway.wire.answer import TYPES, error_body, error_type
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.fetch import Fetched, NotFetched, fetch
from baseload.gateway.wire.limits import Limits
from baseload.gateway.wire.tls import client_context, server_context

# --- answers of our own


def test_an_answer_of_our_own_has_a_length_and_keeps_the_connection(door: NotedDoor, world: World) -> None:
    door.way = lambda inbound: answer(b"hello " + inbound.body, 202)
    caller = world.caller()
    for name in (b"one", b"two"):
        caller.send(post(name))
        head = b"HTTP/1.1 202 Accepted\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n"
        assert caller.message() == (head, b"hello " + name)
    caller.send(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
    assert caller.until(b"\r\n\r\n").endswith(b"content-length: 6\r\n\r\n")
    assert caller.message()[1] == b"hello "


def test_hundreds_of_requests_at_once_are_answered_in_order(door: NotedDoor, world: World) -> None:
    door.way = lambda inbound: answer(b"%d" % len(door.inbound))
    caller = world.caller()
    caller.send(GET * 2000)
    for number in range(1, 2001):
        assert caller.message()[1] == b"%d" % number


def test_events_of_our_own_are_sent_as_they_come_and_stop_when_the_caller_leaves(door: NotedDoor, world: World) -> None:
    ended: list[str] = []

    async def events() -> AsyncIterator[bytes]:
        try:
            yield b"event: ping\n\n"
            await asyncio.sleep(0.05)
            yield b""
            yield b"event: end\n\n"
            if len(door.inbound) > 1:
                await asyncio.sleep(30)
        finally:
            ended.append("closed")

    door.way = lambda inbound: Answer(200, ((b"content-type", b"text/event-stream"),), events=events())
    caller = world.caller()
    caller.send(post(b"{}"))
    assert caller.message()[1] == b"d\r\nevent: ping\n\n\r\nc\r\nevent: end\n\n\r\n0\r\n\r\n"
    caller.send(post(b"{}"))
    caller.until(b"event: end\n\n\r\n")
    caller.close()
    eventually(lambda: ended == ["closed", "closed"])
    assert world.server.exchanges == 0


def test_events_that_fail_end_in_an_error_event(door: NotedDoor, world: World) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"event: ping\n\n"
        raise RuntimeError("sekrit")

    door.way = lambda inbound: Answer(200, (), events=events())
    caller = world.caller()
    caller.send(post(b"{}"))
    said = caller.rest()
    assert b"event: error\ndata: " in said
    assert said.endswith(b"0\r\n\r\n")
    assert b"sekrit" not in said


def test_events_wait_for_a_caller_that_takes_none(door: NotedDoor, world: World) -> None:
    made = 0

    async def events() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(2000):
            made += 1
            yield b"x" * 100_000

    door.way = lambda inbound: Answer(200, (), events=events())
    world.caller().send(GET)
    eventually(lambda: made > 2)
    world.thread.run(asyncio.sleep(0.3))
    assert made < 200


def test_events_to_http_1_0_end_with_the_connection(door: NotedDoor, world: World) -> None:
    async def events() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    door.way = lambda inbound: Answer(200, (), events=events())
    caller = world.caller()
    caller.send(b"GET / HTTP/1.0\r\n\r\n")
    assert caller.rest() == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo"


def test_an_answer_to_an_upload_that_was_not_read_ends_the_connection(door: NotedDoor, world: World) -> None:
    door.whole = False
    door.way = lambda inbound: answer(b"no", 403)
    caller = world.caller()
    caller.send(post(b"x" * 100_000)[:-1])
    head, body = caller.message()
    assert b"connection: close" in head
    assert body == b"no"
    assert caller.rest() == b""


def test_errors_are_of_the_apis_types() -> None:
    expected = {400: "invalid_request_error", 431: "invalid_request_error", 502: "api_error", 503: "api_error"}
    assert {status: error_type(status) for status in expected} == expected
    assert {error_type(status) for status in TYPES} <= {
        "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error",
        "timeout_error", "conflict_error", "request_too_large", "rate_limit_error", "overloaded_error",
    }  # fmt: skip
    found = json.loads(error_body(529, "why", "req_1"))
    assert found == {"type": "error", "error": {"type": "overloaded_error", "message": "why"}, "request_id": "req_1"}


# --- requests of our own


def test_a_fetch_brings_the_whole_answer(world: World, script: Script) -> None:
    async def ask() -> Fetched:
        return await fetch(
            world.server.client, script.origin, b"POST", b"/v1/messages", ((b"x-api-key", b"k"),), b"{}", timeout_s=5
        )

    asked = asyncio.run_coroutine_threadsafe(ask(), world.thread.loop)
    upstream = script.accept()
    assert upstream.message() == (
        b"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nx-api-key: k\r\ncontent-length: 2\r\n\r\n" % script.port,
        b"{}",
    )
    upstream.send(b"HTTP/1.1 429 Slow\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    found = asked.result(5)
    assert (found.status, found.body, found.headers) == (429, b"abc", ((b"Transfer-Encoding", b"chunked"),))


@pytest.mark.parametrize(
    ("said", "kind"), [(b"", "reset"), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na", "reset")]
)
def test_a_fetch_that_breaks_off_says_so(world: World, script: Script, said: bytes, kind: str) -> None:
    async def ask() -> Fetched:
        return await fetch(world.server.client, script.origin, b"GET", b"/", (), timeout_s=5)

    asked = asyncio.run_coroutine_threadsafe(ask(), world.thread.loop)
    upstream = script.asked()
    upstream.send(said)
    upstream.close()
    with pytest.raises(NotFetched, match=kind):
        asked.result(5)


def test_a_cancelled_fetch_ends_its_connection(world: World, script: Script) -> None:
    async def ask() -> Fetched:
        return await fetch(world.server.client, script.origin, b"GET", b"/", ())

    asked = asyncio.run_coroutine_threadsafe(ask(), world.thread.loop)
    upstream = script.asked()
    asked.cancel()
    assert upstream.rest() == b""


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that is its own authority, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return pem, private


def test_tls_on_both_sides(door: NotedDoor, script: Script, certificate: tuple[Path, Path]) -> None:
    """Caller, gateway, a second gateway as the upstream, and a plain script behind it."""
    pem, key = certificate
    trusting = Client(Limits(), tls=client_context(pem))
    to_behind = NotedDoor(Origin("localhost", 0, tls=True))
    with (
        world(door, tls=server_context(pem, key)) as behind,
        world(to_behind, tls=server_context(pem, key), client=trusting) as front,
    ):
        to_behind.origin = Origin("localhost", behind.server.port, tls=True)
        plain = front.caller().socket
        with ssl.create_default_context(cafile=pem).wrap_socket(plain, server_hostname="localhost") as secure:
            caller = Peer(secure)
            caller.send(post(b"x" * 200_000))
            upstream = script.accept()
            assert upstream.message()[1] == b"x" * 200_000
            upstream.send(ok(b"y" * 200_000))
            assert caller.message()[1] == b"y" * 200_000


def test_an_upstream_nobody_vouches_for_is_not_spoken_to(door: NotedDoor, certificate: tuple[Path, Path]) -> None:
    to_behind = NotedDoor(Origin("localhost", 0, tls=True))
    with world(door, tls=server_context(*certificate)) as behind, world(to_behind) as front:
        to_behind.origin = Origin("localhost", behind.server.port, tls=True)
        assert front.ask(post(b"sekrit"))[0].startswith(b"HTTP/1.1 502 ")
        assert door.inbound == []


# --- bytes at random

PARTS = st.lists(
    st.sampled_from(
        [
            b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST /v1/messages HTTP/1.1\r\nHost: a\r\n", b"Content-Length: 4\r\n",
            b"Transfer-Encoding: chunked\r\n", b"\r\n", b"abcd", b"4\r\nabcd\r\n", b"0\r\n\r\n", b"\n", b"\0", b" ",
            b"HTTP/1.1 200 OK\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"5;a=b\r\nhello\r\n",
        ]
    ),
    max_size=14,
)  # fmt: skip


def test_whatever_a_caller_sends_the_server_serves_the_next_one(door: NotedDoor) -> None:
    door.way = lambda inbound: answer(b"served")
    with world(door, Limits(linger_s=0.05)) as found:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(PARTS, st.binary(max_size=20), st.booleans())
        def serves(parts: list[bytes], noise: bytes, whole: bool) -> None:
            door.whole = whole
            caller = found.caller()
            with contextlib.suppress(ConnectionError):
                caller.send(b"".join(parts) + noise)
            caller.close()
            assert found.ask(GET)[1] == b"served"

        serves()
        eventually(lambda: not found.server.inlets)
        assert (found.server.exchanges, found.server.held_bytes) == (0, 0)


def test_whatever_an_upstream_sends_the_caller_gets_a_message_or_an_end(door: NotedDoor, script: Script) -> None:
    with world(door) as found:

        @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
        @given(PARTS, st.binary(max_size=20), st.booleans())
        def answers(parts: list[bytes], noise: bytes, head: bool) -> None:
            caller = found.caller()
            caller.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            upstream = script.accept()
            upstream.message()
            upstream.send((b"HTTP/1.1 200 OK\r\n" if head else b"") + b"".join(parts) + noise)
            upstream.close()
            assert caller.rest().startswith(b"HTTP/1.1 ")
            caller.close()

        answers()
        eventually(lambda: not found.server.inlets and not found.server.client.connections)
        assert found.server.exchanges == 0
        finals = [trip.told[-1] for trip in door.trips]
        assert set(finals) <= {"end", "reset", "malformed", "broken upstream"}
