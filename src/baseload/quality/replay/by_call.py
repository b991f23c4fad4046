"""Items one by one, for organisations whose data must not lie in a batch: full price, bounded concurrency.

A call that was in flight at a kill, or whose connection broke, may have been carried out: it is sent again, and what
was reserved for it stays reserved and is counted. There are never more of those than calls in flight.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from baseload.quality.replay.desk import Desk, halted, pause_s
from baseload.quality.replay.errors import ReplayError
from baseload.quality.replay.journal import Lost, Settled
from baseload.quality.replay.plan import Item
from baseload.quality.replay.transport import Refused, Transport, Unsure

MOST_LOST: Final = 3
"""Times an item is sent again after no answer came; each may have been paid."""


class ByCall:
    """Sends items, a few at a time."""

    def __init__(self, desk: Desk, transport: Transport) -> None:
        self._desk = desk
        self._transport = transport
        self._not_before = 0.0

    async def resume(self) -> None:
        """What an earlier process had in flight is lost, not forgotten."""
        for intent in self._desk.state.open:
            self._desk.write(Lost(n=intent.n, why="in flight when the process ended"))

    async def send(self, items: Sequence[Item]) -> None:
        """All items answered or given up. Raises ReplayError, after the calls in flight have ended."""
        waiting = list(items)[::-1]

        async def work() -> None:
            try:
                while waiting:
                    await self._one(waiting.pop())
            except BaseException:
                waiting.clear()  # nobody starts another call
                raise

        workers = [asyncio.create_task(work()) for _ in range(min(self._desk.plan.concurrency, len(items)))]
        ended = await asyncio.gather(*workers, return_exceptions=True)
        for found in ended:
            if isinstance(found, BaseException):
                raise found

    async def _one(self, item: Item) -> None:
        desk, lost, attempt = self._desk, 0, 0
        while True:
            await self._until_allowed()
            intent = desk.intend([item])
            try:
                message = await self._transport.message(item.params)
            except Unsure as error:
                desk.write(Lost(n=intent.n, why=str(error)[:80]))
                lost += 1
                if lost == MOST_LOST:
                    desk.write(desk.failed(intent.n, item, "missing", "no answer came"))
                    return
            except Refused as error:
                desk.refuse(intent, error)
                if error.halts:
                    raise halted(error) from error
                attempt += 1
                if not (error.is_busy or error.status >= 500) or attempt == desk.plan.tries:
                    if error.is_busy:
                        raise ReplayError(f"the API was busy {attempt} times. Resume the replay later.") from error
                    desk.write(desk.failed(intent.n, item, "errored", error.kind))
                    return
                self._wait(pause_s(error, attempt - 1))
            else:
                result = desk.result(intent.n, item, message)
                desk.write(result, Settled(n=intent.n, usd=result.usd))
                return

    def _wait(self, seconds: float) -> None:
        """Nobody sends before then: a rate limit is the organisation's."""
        self._not_before = max(self._not_before, self._desk.clock() + seconds)

    async def _until_allowed(self) -> None:
        while (left := self._not_before - self._desk.clock()) > 0:
            await self._desk.sleep(left)
