"""How much, and for how long, before a peer is refused: every bound of the wire in one record."""

from __future__ import annotations

from typing import Final

import msgspec

from baseload.gateway.exchange import MOST_BODY_BYTES

SWEEP_S: Final = 0.25
"""One look at all deadlines a server, and one a client: no timer belongs to a single request."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes and seconds. A time is without any progress unless it says otherwise."""

    head_bytes: int = 64 * 1024
    headers: int = 200
    answer_head_bytes: int = 256 * 1024  # of an upstream's head: its call is paid, and refusing it gives nothing back
    answer_headers: int = 1000
    body_bytes: int = MOST_BODY_BYTES  # of a body that is read whole
    streamed_bytes: int = 512 * 1024 * 1024  # of one that streams through
    held_bytes: int = 512 * 1024 * 1024  # of all bodies together, from their first byte to the end of their exchange
    early_bytes: int = 64 * 1024  # of requests sent before the answer to the one before them
    error_bytes: int = 1024 * 1024  # of an upstream's error that may be retried; a longer one is passed on
    connections: int = 8192
    exchanges: int = 4096  # requests being answered, open streams among them
    head_s: float = 15.0  # from its first byte to its last
    body_s: float = 30.0
    body_rate: float = 1024.0  # bytes a second over a whole upload; asked for after `body_s`
    idle_s: float = 75.0  # between two requests
    write_s: float = 120.0  # a caller that takes nothing of its answer
    linger_s: float = 2.0  # for a caller that still sends what was refused
    connect_s: float = 10.0  # name, connection and TLS together
    upstream_idle_s: float = 30.0  # an upstream connection kept for the next request
