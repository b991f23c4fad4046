"""A call sent synchronously by the desk: through the same upstreams, retries, records and budgets as any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Literal

from baseload.gateway.batch.records import Call
from baseload.gateway.calllog.records import Purpose
from baseload.gateway.core import Core
from baseload.gateway.decide.decide import remember
from baseload.gateway.decide.heads import is_ours
from baseload.gateway.exchange import Again, Answer, Failure, Forward, Header, Trip
from baseload.gateway.state.budgets import Hold, Refused
from baseload.gateway.trip import Metering
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.wire.answer import error_answer
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.parse import RequestHead
from baseload.gateway.wire.pipe import Pipe


class Synchronous:
    """Makes the way of a call that does not wait any longer, with the gateway's own key."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def way(self, call: Call, name: str, purpose: Purpose, *, stream: bool | None = None) -> Forward | Answer:
        """Its reservation is its own: with a batch item beside it, both may be paid. An Answer where it cannot go."""
        core = self._core
        inbound, facts, decision, applied = call
        hold: Hold | None = None
        if names := core.budget_names(decision.workload, facts.who.api_key):
            found = await core.budgets.ask(names, core.most_nano(facts, applied.served_as), core.clock_us())
            if isinstance(found, Refused):
                return refused(found)
            hold = found
        headers = tuple(header for header in inbound.headers if not is_ours(header[0]))
        streams = facts.stream if stream is None else stream
        asked = Asked(inbound.method, inbound.target, headers, applied.body, applied.served_as, streams, ours=True)
        trip = Metering(core, facts, decision, applied, asked, hold, name)
        trip.purpose = purpose
        remember(facts, decision, core.book.resolve(applied.served_as), core.state,
                 marked=bool(applied.marks) or facts.has_marks)  # fmt: skip
        sent = core.upstreams.first(asked, trip)
        if isinstance(sent, Answer):
            if hold is not None:
                core.budgets.settle(hold, 0)
            return sent
        trip.sent = sent
        return sent.forward


def refused(found: Refused) -> Answer:
    """What a caller is told whose call no budget has room for."""
    if found.why == "cap":
        return error_answer(429, "The budget of this month is used up.", retry_after_s=60)
    return error_answer(503, "The budget cannot be looked up now.", retry_after_s=2)


class Carried:
    """Between a pipe and a call's own trip: what comes is noted, and handed on as it comes."""

    def __init__(self, client: Client, call: Call, forward: Forward) -> None:
        self.status = 0
        self.headers: tuple[Header, ...] = ()
        self.added: tuple[Header, ...] = ()  # what the gateway says beside the upstream's own
        self._trip: Trip = forward.trip
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        forward.trip = self
        inbound = call.inbound
        head = RequestHead(inbound.method, inbound.target, inbound.headers, old=False)
        self._pipe = Pipe(_Caller(self._pieces), client, head, inbound, forward)

    @property
    def whole(self) -> bool:
        """The answer came to its end."""
        return self._pipe.whole

    def header(self, name: bytes) -> bytes:
        return next((value for given, value in self.headers if given.lower() == name), b"")

    async def pieces(self) -> AsyncIterator[bytes]:
        """The answer's bytes as they come; ended early, the upstream's connection ends too."""
        self._pipe.start()
        over = False
        try:
            while (piece := await self._pieces.get()) is not None:
                yield piece
            over = True
        finally:
            if not over:
                self._pipe.left("client")

    # the trip

    def sending(self) -> None:
        self._trip.sending()

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        self.status, self.headers = status, headers
        self.added = self._trip.head(status, headers)
        return ()

    def data(self, chunk: bytes) -> None:
        self._trip.data(chunk)
        self._pieces.put_nowait(chunk)

    def end(self) -> None:
        self._trip.end()

    def failed(self, failure: Failure) -> Forward | Again | None:
        again = self._trip.failed(failure)
        if again is not None:
            (again.forward if isinstance(again, Again) else again).trip = self
        return again

    def broken(self, who: Literal["client", "upstream", "gateway"]) -> None:
        self._trip.broken(who)


class _Caller:
    """In place of a connection: the bytes have been told to the trip."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: asyncio.Queue[bytes | None]) -> None:
        self._pieces = pieces

    def write(self, data: bytes) -> None:
        """Framed for a connection that is not there."""

    def finished(self, *, keep: bool) -> None:  # noqa: ARG002 - there is no connection to keep
        self._pieces.put_nowait(None)

    def refuse(self, status: int, message: str) -> None:  # noqa: ARG002 - the trip knows
        self._pieces.put_nowait(None)

    def cut(self) -> None:
        self._pieces.put_nowait(None)

    def hold(self) -> None:
        """The body is whole."""

    def go_on(self) -> None:
        """The body is whole."""
