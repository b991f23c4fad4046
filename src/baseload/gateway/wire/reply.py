"""An answer of our own that comes in pieces, and a way in that has to wait: the exchanges that need a task."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, Protocol

from baseload.gateway.exchange import Way
from baseload.gateway.wire.answer import LAST_CHUNK, chunk, error_event
from baseload.gateway.wire.pipe import Caller, faulty


class Exchange(Protocol):
    """What a caller's connection tells the exchange it has open."""

    def feed(self, piece: bytes, *, last: bool) -> None:
        """More of a streaming body."""

    def left(self, who: Literal["client", "gateway"]) -> None:
        """The caller is gone, or we stop."""

    def pause(self) -> None:
        """The caller takes no more for now."""

    def resume(self) -> None:
        """It does again."""


class Waiting:
    """A request that waits for its way. Its streaming body is kept until then, its connection not read."""

    __slots__ = ("_caller", "_early", "_fed", "_task", "_then")

    def __init__(self, caller: Caller, way: Awaitable[Way], then: Callable[[Way | None, bytes, bool], None]) -> None:
        self._caller = caller
        self._then = then
        self._early: list[bytes] = []
        self._fed = False
        self._task = asyncio.ensure_future(way)
        self._task.add_done_callback(self._found)

    def _found(self, task: asyncio.Future[Way]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            faulty("enter", error)
        self._then(None if error is not None else task.result(), b"".join(self._early), self._fed)

    def feed(self, piece: bytes, *, last: bool) -> None:
        self._early.append(piece)
        self._fed = last
        self._caller.hold()

    def left(self, who: Literal["client", "gateway"]) -> None:  # noqa: ARG002 - whoever left, nobody waits
        self._task.remove_done_callback(self._found)
        self._task.cancel()

    def pause(self) -> None:
        """Nothing is sent yet."""

    def resume(self) -> None:
        """Nothing was held back."""


class Reply:
    """The events of an answer, sent as they come and no faster than the caller takes them."""

    __slots__ = ("_caller", "_chunked", "_may_go", "_task")

    def __init__(self, caller: Caller, events: AsyncIterator[bytes], *, chunked: bool, keep: bool) -> None:
        self._caller = caller
        self._chunked = chunked
        self._may_go = asyncio.Event()
        self._may_go.set()
        self._task = asyncio.ensure_future(self._send(events, keep=keep))

    async def _send(self, events: AsyncIterator[bytes], *, keep: bool) -> None:
        last = b""
        try:
            async for piece in events:
                if piece:
                    last = piece
                    self._caller.write(chunk(piece) if self._chunked else piece)
                await self._may_go.wait()
        except Exception as error:  # noqa: BLE001 - the caller has bytes already: an event tells it
            faulty("events", error)
            event = error_event("The gateway could not finish this answer", last)
            self._caller.write(chunk(event) if self._chunked else event)
            keep = False
        finally:
            close = getattr(events, "aclose", None)
            if close is not None:
                with contextlib.suppress(Exception):
                    await close()
        if self._chunked:
            self._caller.write(LAST_CHUNK)
        self._caller.finished(keep=keep and self._chunked)

    def feed(self, piece: bytes, *, last: bool) -> None:
        """What a caller still sends of a request that is answered is read over."""

    def left(self, who: Literal["client", "gateway"]) -> None:  # noqa: ARG002 - either way it is over
        self._task.cancel()

    def pause(self) -> None:
        self._may_go.clear()

    def resume(self) -> None:
        self._may_go.set()
