"""Upstream connections: kept alive for each origin, one exchange at a time, looked after by one timer."""

from __future__ import annotations

import asyncio
import ssl

from baseload.gateway.exchange import Origin
from baseload.gateway.wire.limits import SWEEP_S, Limits
from baseload.gateway.wire.outlet import Outlet, User
from baseload.gateway.wire.tls import client_context


class Client:
    """Connections to upstreams. `tls` is the context of those by TLS; made at the first one where not given."""

    def __init__(self, limits: Limits, *, tls: ssl.SSLContext | None = None) -> None:
        self.limits = limits
        self._tls = tls
        self._idle: dict[Origin, list[Outlet]] = {}
        self._live: set[Outlet] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.opened = 0  # connections since the start

    @property
    def connections(self) -> int:
        return len(self._live)

    def take(self, origin: Origin) -> Outlet | None:
        """An idle connection, the one used last; None where there is none."""
        kept = self._idle.get(origin)
        while kept:
            outlet = kept.pop()
            if outlet.usable:
                return outlet
        return None

    def open(self, origin: Origin, user: User) -> None:
        """A new connection for `user`, told by `connected` or `unreachable`."""
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._timer = loop.call_later(SWEEP_S, self._sweep, loop)
        task = loop.create_task(self._open(loop, origin, user))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, loop: asyncio.AbstractEventLoop, origin: Origin, user: User) -> None:
        """Another error than these is a fault of ours: the caller gets its answer, then it is raised."""
        try:
            async with asyncio.timeout(self.limits.connect_s):
                outlet = await self._connection(loop, origin)
        except (OSError, ValueError):  # TLS and time-outs are OSErrors; a name that no label can spell is a ValueError
            user.unreachable()
            return
        self.opened += 1
        if not user.connected(outlet):
            outlet.rest()

    async def _connection(self, loop: asyncio.AbstractEventLoop, origin: Origin) -> Outlet:
        context = self._context() if origin.tls else None
        _, outlet = await loop.create_connection(
            lambda: Outlet(self, origin, loop),
            origin.host,
            origin.port,
            ssl=context,
            server_hostname=origin.host if context else None,
        )
        return outlet

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = client_context()
        return self._tls

    def made(self, outlet: Outlet) -> None:
        self._live.add(outlet)

    def rests(self, outlet: Outlet) -> None:
        """A connection is free for the next request."""
        kept = self._idle.get(outlet.origin)
        if kept is None:
            kept = self._idle[outlet.origin] = []
        kept.append(outlet)

    def lost(self, outlet: Outlet) -> None:
        self._live.discard(outlet)
        kept = self._idle.get(outlet.origin)
        if kept and outlet in kept:
            kept.remove(outlet)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for outlet in [one for one in self._live if one.deadline < now]:
            outlet.expired()
        self._timer = loop.call_later(SWEEP_S, self._sweep, loop) if self._live or self._opening else None

    async def close(self) -> None:
        """End every connection; what is under way is lost."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for task in tuple(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        for outlet in tuple(self._live):
            outlet.abort()
        await asyncio.sleep(0)
