"""Where callers connect: the socket, the count of what is open, one timer for every deadline, and the way out."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import time
from collections.abc import Callable

from baseload.gateway.exchange import Door
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.inlet import Inlet
from baseload.gateway.wire.limits import SWEEP_S, Limits


class Server:
    """Requests in by one door. `clock` gives UTC nanoseconds; `client` is one of its own where none is given."""

    def __init__(
        self, door: Door, limits: Limits, *, clock: Callable[[], int] = time.time_ns, client: Client | None = None
    ) -> None:
        self.door = door
        self.limits = limits
        self.clock = clock
        self.client = client or Client(limits)
        self.port = 0
        self.draining = False
        self.inlets: set[Inlet] = set()
        self.exchanges = 0  # requests being answered
        self.held_bytes = 0  # of bodies read whole, in all open exchanges
        self.requests = 0  # since the start
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._prefix = f"req_baseload_{secrets.token_hex(6)}_"
        self._number = 0

    async def start(self, host: str, port: int, *, reuse_port: bool = False, ssl: ssl.SSLContext | None = None) -> None:
        """Listen, here too where it does already; port 0 takes a free one. Raises OSError where it is taken."""
        loop = asyncio.get_running_loop()
        handshake_s = None if ssl is None else self.limits.head_s
        server = await loop.create_server(
            lambda: Inlet(self, loop),
            host,
            port,
            reuse_port=reuse_port or None,
            ssl=ssl,
            ssl_handshake_timeout=handshake_s,
            backlog=2048,
        )
        self._servers.append(server)
        self.port = server.sockets[0].getsockname()[1]
        if self._timer is None:
            self._timer = loop.call_later(SWEEP_S, self._sweep, loop)

    def request_id(self) -> str:
        """Of an answer of our own."""
        self._number += 1
        return f"{self._prefix}{self._number:08d}"

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for inlet in [one for one in self.inlets if one.deadline < now or one.too_slow(now)]:
            inlet.expired()
        self._timer = loop.call_later(SWEEP_S, self._sweep, loop)

    async def drain(self, grace_s: float) -> int:
        """No new connections; idle ones end, exchanges finish. How many were not done after `grace_s`."""
        self.draining = True
        for server in self._servers:
            server.close()
        for inlet in tuple(self.inlets):
            inlet.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                while self.exchanges:
                    await asyncio.sleep(0.02)
        return self.exchanges

    async def stop(self) -> None:
        """End everything now: what is under way is told to its trip as broken by the gateway."""
        self.draining = True
        for server in self._servers:
            server.close()
        if self._timer is not None:
            self._timer.cancel()
        for inlet in tuple(self.inlets):
            inlet.stop()
        await self.client.close()
        await asyncio.sleep(0)
