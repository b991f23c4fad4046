"""The bare pipe: every request as it came to one upstream, without a policy and without a record.

It is what the rest of the gateway is measured against.
"""

from __future__ import annotations

from baseload.gateway.exchange import Failure, Forward, Header, Inbound, Origin


class BareTrip:
    """Nothing is noted and nothing tried again. One serves every request."""

    __slots__ = ()

    def sending(self) -> None:
        """Nothing to note."""

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:  # noqa: ARG002 - as the seam says
        return ()

    def data(self, chunk: bytes) -> None:
        """Nothing to read."""

    def end(self) -> None:
        """Nothing to note."""

    def failed(self, failure: Failure) -> None:
        """No other attempt."""

    def broken(self, who: str) -> None:
        """Nothing to note."""


class BareDoor:
    """Everything goes to `origin`."""

    __slots__ = ("_origin", "_trip")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._trip = BareTrip()

    def reads_body(self, method: bytes, target: bytes, headers: tuple[Header, ...]) -> bool:  # noqa: ARG002
        """Messages are read whole, as a door with a policy does; batches and files go through as they come."""
        return target.startswith(b"/v1/messages") and not target.startswith(b"/v1/messages/batches")

    def enter(self, inbound: Inbound) -> Forward:
        return Forward(self._origin, inbound.method, inbound.target, inbound.headers, inbound.body, self._trip)

    def untouched(self, inbound: Inbound) -> Forward:
        return self.enter(inbound)
