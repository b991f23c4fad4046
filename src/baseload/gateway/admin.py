"""The endpoints of whoever runs a gateway, on a port of their own: health, metrics, routes, reload.

`/livez` and `/readyz` say nothing and ask for nothing, so that any orchestrator can read them; everything else asks for
the token of the environment, and is shut where there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from baseload.errors import UsageError
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.records import Rollback, Topic
from baseload.gateway.telemetry.together import PATH, Beside, page
from baseload.gateway.watching.orders import Order, Ordered
from baseload.gateway.watching.views import Standing

MOST_BODY_BYTES: Final = 64 * 1024
Handler = Callable[[Request], Awaitable[Response]]


class Served(Protocol):
    """What the endpoints speak of."""

    @property
    def ready(self) -> bool: ...
    def metrics(self) -> bytes: ...
    def standings(self) -> dict[RouteKey, Standing]: ...
    def rollbacks(self) -> tuple[Rollback, ...]: ...
    async def order(self, order: Order, workload: str, who: str, why: str, candidate: str) -> Ordered:
        """Raises UsageError, StateDown."""

    async def reload(self) -> str:
        """Read settings and policy now; what serves afterwards. Raises UsageError where they are refused."""


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    workload: str
    who: str
    why: str
    candidate: str = ""


def admin_app(served: Served, token: str, beside: Beside | None = None) -> Starlette:
    """The endpoints. `token` "" = only health is answered. `beside`: the processes whose metrics are on one page."""
    ends = _Endpoints(served, token, beside)
    orders: tuple[tuple[str, Order], ...] = (
        ("rollback", "roll_back"), ("hold", "hold"), ("resume", "resume"), ("lift", "lift")
    )  # fmt: skip
    return Starlette(
        routes=[
            Route("/livez", ends.livez),
            Route("/readyz", ends.readyz),
            Route("/metrics", ends.guarded(ends.metrics)),
            Route(PATH, ends.guarded(ends.own_metrics)),
            Route("/routes", ends.guarded(ends.routes)),
            Route("/reload", ends.guarded(ends.reload), methods=["POST"]),
            *(
                Route(f"/routes/{name}", ends.guarded(partial(_ordered, served, order)), methods=["POST"])
                for name, order in orders
            ),
        ]
    )


class _Endpoints:
    """What each path answers."""

    def __init__(self, served: Served, token: str, beside: Beside | None) -> None:
        self._served = served
        self._given = token
        self._token = token.encode("utf-8", "replace")
        self._beside = beside

    def guarded(self, handler: Handler) -> Handler:
        """The handler behind the token."""

        async def checked(request: Request) -> Response:
            if not self._token:
                return _said(403, "no admin token is set: only /livez and /readyz answer")
            given = request.headers.get("authorization", "").partition(" ")[2].strip()
            if not hmac.compare_digest(given.encode("utf-8", "replace"), self._token):
                return _said(401, "expected the admin token as a bearer")
            return await handler(request)

        return checked

    async def livez(self, request: Request) -> Response:  # noqa: ARG002 - as Starlette calls it
        return Response(b"ok\n", media_type="text/plain")

    async def readyz(self, request: Request) -> Response:  # noqa: ARG002 - as above
        ready = self._served.ready
        return Response(b"ok\n" if ready else b"not ready\n", 200 if ready else 503, media_type="text/plain")

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002 - as above
        own = self._served.metrics()
        return _exposition(own if self._beside is None else await page(self._beside, own, self._given))

    async def own_metrics(self, request: Request) -> Response:  # noqa: ARG002 - as above
        return _exposition(self._served.metrics())

    async def routes(self, request: Request) -> Response:  # noqa: ARG002 - as above
        routes = [route_part(key, standing) for key, standing in sorted(self._served.standings().items())]
        backs = [msgspec.to_builtins(back) for back in self._served.rollbacks()]
        return _json(200, {"routes": routes, "rollbacks": backs})

    async def reload(self, request: Request) -> Response:  # noqa: ARG002 - as above
        try:
            return _json(200, {"policy_id": await self._served.reload()})
        except UsageError as error:
            return _said(409, f"refused, the last good settings keep serving: {error}"[:1_000])


async def _ordered(served: Served, order: Order, request: Request) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY_BYTES:
            return _said(413, f"expected at most {MOST_BODY_BYTES} bytes")
    try:
        asked = msgspec.json.decode(body, type=_Asked)
        done = await served.order(order, asked.workload, asked.who, asked.why, asked.candidate)
    except (msgspec.MsgspecError, UnicodeError) as error:
        return _said(400, f"expected workload, who and why: {type(error).__name__}")
    except UsageError as error:
        return _said(409, str(error)[:1_000])
    except StateDown:
        return _said(503, "the state store does not answer; nothing is known of what became of the order")
    return _json(200, msgspec.to_builtins(done))


def route_part(key: RouteKey, standing: Standing) -> dict[str, Any]:
    """A route for people and machines."""
    view = standing.view
    return {
        "workload": key[0], "policy_id": key[1], "candidate": view.candidate, "incumbent": view.incumbent,
        "stage": view.stage, "share": view.share, "holdback": view.holdback, "shadow_share": view.shadow_share,
        "rolled_back": standing.why_back if view.rolled_back else "", "alarms": list(standing.alarms),
        "held": standing.held, "pairs": standing.pairs, "verdict_id": standing.verdict_id,
    }  # fmt: skip


def _json(status: int, value: Any) -> Response:
    return Response(msgspec.json.encode(value) + b"\n", status, media_type="application/json")


def _exposition(text: bytes) -> Response:
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _said(status: int, message: str) -> Response:
    return _json(status, {"error": message})


class _Quiet(uvicorn.Server):
    """Signals belong to the gateway."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Admin:
    """A part of the gateway: the endpoints in its own loop, on their own port. Raises OSError where it is taken.

    `beside`: of several processes that share the port, which one this is. It answers on its own socket too.
    """

    def __init__(self, served: Served, host: str, port: int, token: str, *, beside: Beside | None = None) -> None:
        self.port = port
        self._host = host
        self._beside = beside
        config = uvicorn.Config(
            admin_app(served, token, beside), log_config=None, access_log=False, lifespan="off", server_header=False,
            timeout_graceful_shutdown=2, limit_concurrency=64,
        )  # fmt: skip
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._beside is not None:
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listening.bind((self._host, self.port))
        except OSError:
            listening.close()
            raise
        self.port = listening.getsockname()[1]
        # uvicorn closes what it serves: the first process keeps the socket of its own for the next of this number
        own = [] if self._beside is None else [self._beside.sockets[self._beside.number].dup()]
        self._task = asyncio.get_running_loop().create_task(self._server.serve(sockets=[listening, *own]))

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing: what is asked for is read when it is asked for."""

    async def tick(self, now_us: int) -> None:
        """Nothing."""

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
