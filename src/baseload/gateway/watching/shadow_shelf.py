"""Shadow calls that wait for a batch, or are in one: in memory with their money, on disk for whoever comes next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from baseload.errors import BaseloadError
from baseload.gateway.calllog.records import Start
from baseload.gateway.core import Core
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import StateThread
from baseload.gateway.watching.cap import DayCap, Reserved
from baseload.gateway.watching.shadow_pair import Ask, Item, Pair
from baseload.gateway.watching.shadow_store import Row, ShadowStore

if TYPE_CHECKING:
    from baseload.gateway.batch.seal import Sealer

log = logging.getLogger("baseload.gateway.shadow")

_T = TypeVar("_T")


class Texts(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What is sealed of an item."""

    pair: Pair
    bodies: tuple[tuple[str, bytes], ...]

    def __repr__(self) -> str:
        return f"Texts({self.pair!r})"


class Shelf:
    """One replica's items. `sealer` None: their texts are in memory only."""

    def __init__(self, core: Core, state: StateThread, cap: DayCap, sealer: Sealer | None) -> None:
        self.items: dict[str, Item] = {}
        self.written_us = 0  # when the store was last told that this replica lives
        self._core = core
        self._state = state
        self._cap = cap
        self._sealer = sealer
        self._store: ShadowStore | None = None
        self._putting: set[str] = set()  # items on their way into the store
        self._held: dict[str, Reserved] = {}  # for items of replicas that may have ended

    def __repr__(self) -> str:
        return f"Shelf({len(self.items)} items)"

    async def close(self) -> None:
        """What is under way stays for the next process, and counts as spent. Raises StateDown."""
        for item in self.items.values():
            if item.reserved is not None:
                self._cap.settle(item.reserved, item.held_nano)
        for held in self._held.values():
            self._cap.settle(held, 0)
        await self.ask(lambda store: store.leave())
        await self._cap.tick(self._core.clock_us(), give_back=True)

    async def ask(self, ask: Callable[[ShadowStore], _T]) -> _T:
        def asked(store: StateStore) -> _T:
            if self._store is None:
                self._store = ShadowStore(store.database, self._core.log.replica_id)
            return ask(self._store)

        return await self._state(asked)

    async def put(self, item: Item, intent_id: str = "") -> None:
        kept = ""
        if self._sealer is not None and item.pair is not None:
            texts = Texts(pair=item.pair, bodies=tuple((ask.name, ask.body) for ask in item.asks))
            kept = self._sealer.close(texts, item.item_id)
        starts = msgspec.json.encode([ask.start for ask in item.asks]).decode()
        row = Row(item.item_id, intent_id, item.group, item.created_us, item.held_nano, starts, kept)
        now_us = self._core.clock_us()
        self._putting.add(item.item_id)
        try:
            await self.ask(lambda store: store.put([row], now_us))
            self.items[item.item_id] = item
        finally:
            self._putting.discard(item.item_id)
        self.written_us = now_us

    async def done(self, item: Item) -> None:
        """Nothing more is asked of it, and its money is settled."""
        await self.ask(lambda store: store.drop([item.item_id]))
        del self.items[item.item_id]

    async def drop(self, items: Sequence[Item]) -> None:
        """Never sent: nothing was spent."""
        if not items:
            return
        ids = [item.item_id for item in items]
        await self.ask(lambda store: store.drop(ids))
        for item in items:
            self.items.pop(item.item_id, None)
            if item.reserved is not None:
                self._cap.settle(item.reserved, 0)

    # what an earlier process left

    async def adopt(self, before_us: int, now_us: int) -> list[Row]:
        """Take over what replicas not heard of since `before_us` left; all rows that are this replica's now."""
        count = await self.ask(lambda store: store.adopt(before_us, now_us))
        rows = await self.ask(lambda store: store.items())
        for row in rows:
            if row.item_id not in self.items and row.item_id not in self._putting:
                self.items[row.item_id] = self._read(row)
        if count:
            log.warning("%d shadow calls of a process that ended were taken over", count)
        return rows

    async def hold(self, since_us: int) -> None:
        """Of replicas not heard of since nobody knows whether they live: their money is held here too."""
        now_us = self._core.clock_us()
        elsewhere = await self.ask(lambda store: store.held_elsewhere(since_us))
        for item_id in self._held.keys() - elsewhere.keys():
            if item_id not in self.items:
                self._cap.settle(self._held.pop(item_id), 0)
        for item_id, nano in elsewhere.items():
            if item_id not in self._held and (found := await self._cap.reserve(nano, now_us)) is not None:
                self._held[item_id] = found

    def _read(self, row: Row) -> Item:
        """An item as it was stored; without its texts where they were not kept, or cannot be opened."""
        texts = None
        if row.kept and self._sealer is not None:
            try:
                texts = self._sealer.open(row.kept, row.item_id, Texts)
            except (BaseloadError, msgspec.MsgspecError, ValueError):
                log.warning("a shadow call of an earlier process cannot be opened: is the vault's key another one?")
        bodies = dict(texts.bodies) if texts is not None else {}
        starts = msgspec.json.decode(row.starts, type=list[Start])
        names = [name for name, _ in texts.bodies] if texts is not None else [""] * len(starts)
        asks = tuple(
            Ask(name=name, body=bodies.get(name, b""), start=start) for name, start in zip(names, starts, strict=True)
        )
        return Item(
            item_id=row.item_id,
            group=row.group,
            pair=texts.pair if texts is not None else None,
            asks=asks,
            created_us=row.created_us,
            reserved=self._held.pop(row.item_id, None),
        )


__all__ = ["Shelf"]
