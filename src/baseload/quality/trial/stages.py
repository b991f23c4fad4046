"""The replays of one trial and the one cap they share: controls first, then looks, and a judge's questions after each.

Every replay has a journal of its own in the trial's folder, because the plan of a journal is fixed before its first
submit and a judge's questions are known only when the answers are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.replay.desk import Sleep
from baseload.quality.replay.journal import Journal, Seal
from baseload.quality.replay.plan import Item, ReplayPlan
from baseload.quality.replay.run import Look, replay
from baseload.quality.replay.state import State
from baseload.quality.replay.transport import BatchSeen, Transport

MAIN: Final = "journal.jsonl"
LATENCY: Final = "baseload_latency_ms"
"""Where a synchronous answer carries how long it took."""


class Timed:
    """A transport that notes with each synchronous answer how long it took; batches have no latency to speak of."""

    def __init__(self, inner: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner, self._clock = inner, clock

    async def workspace(self) -> str:
        return await self._inner.workspace()

    async def create_batch(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> BatchSeen:
        return await self._inner.create_batch(requests)

    async def batches_since(self, since: float) -> list[BatchSeen]:
        return await self._inner.batches_since(since)

    async def batch(self, batch_id: str) -> BatchSeen:
        return await self._inner.batch(batch_id)

    async def results(self, batch_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        return await self._inner.results(batch_id)

    async def delete_batch(self, batch_id: str) -> None:
        await self._inner.delete_batch(batch_id)

    async def message(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        began = self._clock()
        found = await self._inner.message(params)
        return {**found, LATENCY: round((self._clock() - began) * 1000, 1)}


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars of one or more journals. `lost_usd` is inside `reserved_usd`: what was perhaps paid for nothing."""

    spent_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)
    lost_usd: Decimal = Decimal(0)

    @property
    def bound_usd(self) -> Decimal:
        return self.spent_usd + self.reserved_usd

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            spent_usd=self.spent_usd + other.spent_usd,
            reserved_usd=self.reserved_usd + other.reserved_usd,
            lost_usd=self.lost_usd + other.lost_usd,
        )


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How replays travel; see `ReplayPlan`."""

    concurrency: int = 4
    settle_s: float = 60.0
    poll_s: float = 30.0
    tries: int = 8


class Stages:
    """The journals of a trial's folder. Opening it locks the trial; close it when done."""

    def __init__(
        self,
        folder: Path,
        plan: ReplayPlan,
        transport: Transport,
        book: PriceBook,
        *,
        nonce: str,
        clock: Callable[[], float],
        sleep: Sleep = asyncio.sleep,
        seal: Seal | None = None,
        key: bytes = b"",
    ) -> None:
        """`plan` is the main replay's, with the whole cap; `key` that of the journals' chains.

        Raises JournalLocked, JournalBroken.
        """
        self._folder, self._plan, self._book, self._clock, self._sleep = folder, plan, book, clock, sleep
        self._transport, self._nonce, self._seal, self._key = Timed(transport), nonce, seal, key
        self._main = Journal(folder / MAIN, seal, key)
        self._beside: dict[str, Spent] = {}

    def close(self) -> None:
        self._main.close()

    @property
    def spent(self) -> Spent:
        """Of all journals that this run has opened."""
        return self.beside + _spent(self._main)

    @property
    def beside(self) -> Spent:
        """Of controls and questions to a judge."""
        return sum(self._beside.values(), Spent())

    def spent_on(self, prefix: str) -> Decimal:
        """Dollars of the stages whose name begins so."""
        return sum((one.spent_usd for name, one in self._beside.items() if name.startswith(prefix)), Decimal(0))

    async def looks(self) -> AsyncIterator[Look]:
        """The main replay. Each look is begun with what the cap then has left; those before come from the journal."""
        number = 0
        while True:
            number += 1
            left = self._plan.cap_usd - self.beside.bound_usd
            if left <= 0:
                return
            look = await self._look(msgspec.structs.replace(self._plan, cap_usd=left), number)
            if look is None:
                return
            yield look
            if not look.whole:
                return

    async def _look(self, plan: ReplayPlan, number: int) -> Look | None:
        async with aclosing(self._replay(plan, self._main)) as looks:
            async for look in looks:
                if look.number == number:
                    return look
        return None

    async def aside(self, name: str, items: Sequence[Item]) -> Look | None:
        """A replay of its own, all in one look; None where the cap has no room for any of it."""
        journal = Journal(self._folder / f"{name}.jsonl", self._seal, self._key)
        try:
            others = [one for key, one in self._beside.items() if key != name]
            left = self._plan.cap_usd - sum(others, _spent(self._main)).bound_usd
            if not items or left <= 0:
                return None
            plan = msgspec.structs.replace(self._plan, items=tuple(items), cap_usd=left, first_look=len(items))
            return await self._look_aside(plan, journal)
        finally:
            self._beside[name] = _spent(journal)
            journal.close()

    async def _look_aside(self, plan: ReplayPlan, journal: Journal) -> Look | None:
        async with aclosing(self._replay(plan, journal)) as looks:
            async for look in looks:
                return look
        return None

    def _replay(self, plan: ReplayPlan, journal: Journal) -> AsyncGenerator[Look, None]:
        made = replay(
            plan, journal, self._transport, self._book, nonce=self._nonce, clock=self._clock, sleep=self._sleep
        )
        return cast("AsyncGenerator[Look, None]", made)  # an async generator, so that it can be closed early


def _spent(journal: Journal) -> Spent:
    state = State(journal.lines)
    return Spent(spent_usd=state.spent_usd, reserved_usd=state.reserved_usd, lost_usd=state.lost_usd)
