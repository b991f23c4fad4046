"""The plan without a network hop: a transport for the official Python SDK that decides and edits in the same process.

    planner = InProcess(rules, state, memo, capabilities)
    client = anthropic.Anthropic(http_client=httpx2.Client(transport=BaseloadTransport(planner)))

What a fault of ours, or a 400 on an edited request, would cost is never the caller's: the original goes out instead.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import httpx2

from baseload.gateway.decide.apply import Applied, apply
from baseload.gateway.decide.decide import Decision, decide, remember
from baseload.gateway.decide.facts import Facts, facts_of
from baseload.gateway.decide.fit import Capabilities
from baseload.gateway.decide.heads import is_ours
from baseload.gateway.decide.marks import Online
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.rules import Rules
from baseload.gateway.decide.state import State
from baseload.gateway.exchange import Header, Inbound

SERVED: Final = "x-baseload-served"
"""On an answer whose request was edited: the model that served it."""
_PATH: Final = b"/v1/messages"
_BAD_REQUEST: Final = 400
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})


def _now_us() -> int:
    return time.time_ns() // 1000


class Step(NamedTuple):
    """What was decided on one request, and the body that carries it out."""

    facts: Facts
    decision: Decision
    applied: Applied


class InProcess:
    """Policy, state and what is remembered, for the transports of one process. Safe to share between threads.

    `told` is called once a request that was decided on, with what was decided; what it raises is dropped.
    """

    def __init__(
        self,
        rules: Rules,
        state: State,
        memo: Memo,
        capabilities: Capabilities,
        *,
        online: Online | None = None,
        told: Callable[[Decision, Applied], None] | None = None,
        clock_us: Callable[[], int] = _now_us,
    ) -> None:
        self._rules, self._state, self._memo, self._capabilities = rules, state, memo, capabilities
        self._online, self._told, self._clock_us = online, told, clock_us
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"InProcess({self._rules!r})"

    def step(self, method: bytes, target: bytes, headers: tuple[Header, ...], body: bytes) -> Step | None:
        """What happens to a request; None where it goes as it is, a fault of ours included."""
        try:
            inbound = Inbound(method, target, headers, body, us=self._clock_us())
            with self._lock:
                facts = facts_of(inbound, self._memo)
                decision = decide(facts, self._rules, self._state)
                applied = apply(body, facts, decision, self._capabilities, self._online)
                self._note(facts, decision, applied)
        except Exception:  # noqa: BLE001 - the caller's request matters more than whatever went wrong here
            return None
        if self._told is not None:
            with contextlib.suppress(Exception):
                self._told(decision, applied)
        return Step(facts, decision, applied)

    def refused(self, step: Step) -> None:
        """The edited request was answered with 400, and the original is sent: the session stays with it."""
        with self._lock:
            remember(step.facts, step.decision, "", self._state, marked=step.facts.has_marks)

    def _note(self, facts: Facts, decision: Decision, applied: Applied) -> None:
        served = decision.model if applied.changes else ""
        remember(facts, decision, served, self._state, marked=bool(applied.marks) or facts.has_marks)


class BaseloadTransport(httpx2.BaseTransport):
    """For `httpx2.Client`. `inner` sends; the standard transport where none is given."""

    def __init__(self, planner: InProcess, inner: httpx2.BaseTransport | None = None) -> None:
        self._planner = planner
        self._inner = inner or httpx2.HTTPTransport()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        body = request.read() if _is_decided(request) else b""
        step = _step(self._planner, request, body) if body else None
        if step is None:
            return self._inner.handle_request(_without_ours(request))
        response = self._inner.handle_request(_with_body(request, step.applied.body))
        if response.status_code == _BAD_REQUEST and not step.applied.is_original:
            response.close()
            self._planner.refused(step)
            return self._inner.handle_request(_with_body(request, body))
        return _labelled(response, step.applied)

    def close(self) -> None:
        self._inner.close()


class AsyncBaseloadTransport(httpx2.AsyncBaseTransport):
    """For `httpx2.AsyncClient`. `inner` sends; the standard transport where none is given."""

    def __init__(self, planner: InProcess, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._planner = planner
        self._inner = inner or httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread() if _is_decided(request) else b""
        step = _step(self._planner, request, body) if body else None
        if step is None:
            return await self._inner.handle_async_request(_without_ours(request))
        response = await self._inner.handle_async_request(_with_body(request, step.applied.body))
        if response.status_code == _BAD_REQUEST and not step.applied.is_original:
            await response.aclose()
            self._planner.refused(step)
            return await self._inner.handle_async_request(_with_body(request, body))
        return _labelled(response, step.applied)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _is_decided(request: httpx2.Request) -> bool:
    return request.method == "POST" and request.url.raw_path.partition(b"?")[0].endswith(_PATH)


def _step(planner: InProcess, request: httpx2.Request, body: bytes) -> Step | None:
    return planner.step(b"POST", _PATH, tuple(request.headers.raw), body)


def _with_body(request: httpx2.Request, body: bytes) -> httpx2.Request:
    """The request with another body; its headers but for the length and for ours."""
    headers = [
        (name, value) for name, value in request.headers.raw if name.lower() not in _LENGTHS and not is_ours(name)
    ]
    return httpx2.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)


def _without_ours(request: httpx2.Request) -> httpx2.Request:
    """A request that goes as it is, without the headers meant for us."""
    for name in [name for name in request.headers if is_ours(name.encode("latin-1"))]:
        del request.headers[name]
    return request


def _labelled(response: httpx2.Response, applied: Applied) -> httpx2.Response:
    if applied.changes:
        response.headers[SERVED] = applied.served_as
    return response
