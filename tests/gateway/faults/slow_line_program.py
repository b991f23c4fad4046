"""The gateway of `gateway_program`, with the small buffers a slow line has: loopback's would swallow whole streams."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import gateway_program
import uvloop

from baseload.gateway.wire.inlet import Inlet
from baseload.gateway.wire.outlet import Outlet

BYTES = 8_192


def narrowed(made: Callable[..., None], option: int) -> Callable[..., None]:
    def connection_made(self: asyncio.Protocol, transport: asyncio.BaseTransport) -> None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, BYTES)
        made(self, transport)

    return connection_made


if __name__ == "__main__":
    Inlet.connection_made = narrowed(Inlet.connection_made, socket.SO_SNDBUF)  # type: ignore[method-assign]
    Outlet.connection_made = narrowed(Outlet.connection_made, socket.SO_RCVBUF)  # type: ignore[method-assign]
    uvloop.run(gateway_program.main())
