"""Shadow calls by Message Batches, at half the price: gathered, submitted together, their results graded as they come.

    item on disk -> intent on disk -> create -> batch id on disk -> results in the call log -> graded -> batch deleted

With the gateway's own key only. What a process leaves, killed or stopped, the next one takes over: batches created
since an intent are listed, and one with its ids is adopted. Nothing is sent a second time: a shadow call is a sample,
and one that was lost is only one pair less. Where the vault has a key texts are kept, sealed, and an adopted answer is
graded; else only its cost and how it ended are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from baseload.gateway.batch.api import BatchApi, Result
from baseload.gateway.batch.records import Group, group_of
from baseload.gateway.core import Core
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.records import Topic
from baseload.gateway.watching.cap import Reserved
from baseload.gateway.watching.shadow import ShadowDesk
from baseload.gateway.watching.shadow_pair import Ask, Item, Pair, learned, why_not
from baseload.gateway.watching.shadow_shelf import Shelf
from baseload.gateway.watching.shadow_store import Intent
from baseload.quality.replay.transport import BatchSeen, Refused, Unsure

GATHER_S: Final = 60.0
POLL_S: Final = 30.0
MOST_ITEMS: Final = 500
BEAT_US: Final = 20_000_000
STALE_US: Final = 120_000_000
"""A replica that was not heard of for so long has ended."""
SETTLE_US: Final = 60_000_000
"""A batch that was not listed so long after its intent was never made."""
CLOCKS_APART_S: Final = 3_600.0
_SECOND_US: Final = 1_000_000
_PAUSE_S: Final = 60.0
_GONE: Final = 404
log = logging.getLogger("baseload.gateway.shadow")


class ShadowBatches:
    """A part of the gateway (`runtime.Part`). Items are gathered for `gather_s`, batches asked for every `poll_s`."""

    def __init__(
        self,
        core: Core,
        shelf: Shelf,
        api: BatchApi,
        *,
        upstream: str,
        gather_s: float = GATHER_S,
        poll_s: float = POLL_S,
        stale_us: int = STALE_US,
    ) -> None:
        self.desk: ShadowDesk | None = None
        self.gather_s = gather_s
        self.poll_s = poll_s
        self.stale_us = stale_us
        self._core = core
        self._shelf = shelf
        self._api = api
        self._upstream = upstream
        self._sent: dict[str, list[str]] = {}  # intent -> its items
        self._intents: dict[str, Intent] = {}
        self._polled_us: dict[str, int] = {}
        self._started_us = self._adopted_us = self._paused_until_us = 0
        self._foreign: set[str] = set()
        self._round: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"ShadowBatches({len(self._shelf.items)} items)"

    @property
    def can_send(self) -> bool:
        """There is a key of the gateway's own."""
        return bool(self._api.credential())

    async def add(self, pair: Pair, asks: tuple[Ask, ...], reserved: Reserved, *, version: str, betas: str) -> None:
        """Take a pair in. Raises StateDown: then it is not sent, and the money is the caller's to settle."""
        group = Group(upstream=self._upstream, credential=self._api.credential(), version=version, betas=betas)
        item = Item(
            item_id="sh" + secrets.token_hex(8),
            group=group.text,
            pair=pair,
            asks=asks,
            created_us=self._core.clock_us(),
            reserved=reserved,
        )
        await self._shelf.put(item)

    # a part of the gateway

    async def start(self) -> None:
        """Hold the money of what earlier processes left, before it is given to anybody."""
        self._started_us = self._core.clock_us()
        with contextlib.suppress(StateDown):  # then nobody gets any either; the next turn holds it
            await self._shelf.hold(self._started_us)

    async def tick(self, now_us: int) -> None:
        """Have a turn, if none is under way: it waits for the network, and nobody waits for it."""
        if self._round is None or self._round.done():
            self._round = asyncio.get_running_loop().create_task(self._safe_round(now_us))

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of keys and routes is kept here."""

    async def stop(self) -> None:
        """Stop asking. What is under way stays for the next process, and counts as spent."""
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)
        try:
            await self._shelf.close()
        except StateDown:
            log.warning("%d shadow calls are left to the next process later", len(self._shelf.items))

    async def round(self, now_us: int) -> None:
        """One turn. Raises StateDown; what was begun is found again in the next."""
        if now_us - self._shelf.written_us >= BEAT_US and self._shelf.items:
            self._shelf.written_us = now_us
            await self._shelf.ask(lambda store: store.beat(now_us))
        if now_us - self._adopted_us >= self.poll_s * _SECOND_US:
            self._adopted_us = now_us
            await self._adopt(now_us)
        for intent in list(self._intents.values()):
            if now_us - self._polled_us.get(intent.intent_id, 0) >= self.poll_s * _SECOND_US:
                self._polled_us[intent.intent_id] = now_us
                await self._poll(intent, now_us)
        if now_us >= self._paused_until_us:
            for items in self._due(now_us):
                await self._submit(items)

    # inside

    @property
    def _desk(self) -> ShadowDesk:
        if self.desk is None:
            raise LookupError("no desk")
        return self.desk

    async def _safe_round(self, now_us: int) -> None:
        try:
            await self.round(now_us)
        except StateDown:
            log.warning("shadow batches wait for the state store")
        except Exception as error:  # noqa: BLE001 - a shadow costs no caller anything; the next turn tries again
            log.error("shadow batches: %s", type(error).__name__)

    async def _adopt(self, now_us: int) -> None:
        rows = await self._shelf.adopt(now_us - self.stale_us, now_us)
        known = await self._shelf.ask(lambda store: store.intents())
        for intent in known:
            if intent.intent_id not in self._intents:
                self._intents[intent.intent_id] = intent
                self._sent[intent.intent_id] = [row.item_id for row in rows if row.intent_id == intent.intent_id]
        await self._shelf.hold(self._started_us)
        out = {row.item_id for row in rows if row.intent_id}
        lost = [item for item in self._shelf.items.values() if item.pair is None and item.item_id not in out]
        await self._drop(lost, "its process ended before it was sent")

    async def _drop(self, items: Sequence[Item], why: str) -> None:
        await self._shelf.drop(items)
        if items:
            self._desk.outcomes[why] += len(items)

    # into a batch

    def _due(self, now_us: int) -> Iterable[list[Item]]:
        """What goes together, as soon as the first of it has waited long enough."""
        out = {item_id for sent in self._sent.values() for item_id in sent}
        groups: dict[str, list[Item]] = {}
        for item in self._shelf.items.values():
            if item.item_id not in out:
                groups.setdefault(item.group, []).append(item)
        for items in groups.values():
            if now_us - min(item.created_us for item in items) >= self.gather_s * _SECOND_US:
                for place in range(0, len(items), MOST_ITEMS):
                    yield items[place : place + MOST_ITEMS]

    async def _submit(self, items: list[Item]) -> None:
        requests = sum(len(item.asks) for item in items)
        intent = Intent(secrets.token_hex(8), items[0].group, "", requests, self._core.clock_us())
        ids = [item.item_id for item in items]
        await self._shelf.ask(lambda store: store.intend(intent, ids))
        self._intents[intent.intent_id], self._sent[intent.intent_id] = intent, ids
        self._polled_us[intent.intent_id] = intent.intent_us
        rows = [
            (intent.custom_id(item.item_id, place), ask.body) for item in items for place, ask in enumerate(item.asks)
        ]
        try:
            made = await self._api.create(group_of(intent.group), rows)
        except Unsure:
            return  # whether it was made is seen in the list
        except Refused as error:
            await self._refused(intent, error)
        else:
            await self._submitted(intent, made)

    async def _submitted(self, intent: Intent, made: BatchSeen) -> None:
        self._intents[intent.intent_id] = intent._replace(batch_id=made.id)
        await self._shelf.ask(lambda store: store.submitted(intent.intent_id, made.id))

    async def _refused(self, intent: Intent, error: Refused) -> None:
        """Busy: its items wait for another. An error of theirs may come after the deed: then the list shows it."""
        if error.status >= 500 and not error.is_busy:
            return
        log.warning("the upstream refused a batch of %d shadow calls: %s", intent.requests, error)
        items = [self._shelf.items[item_id] for item_id in self._sent[intent.intent_id]]
        if error.is_busy:
            pause_s = _PAUSE_S if error.retry_after_s is None else error.retry_after_s
            self._paused_until_us = self._core.clock_us() + int(pause_s * _SECOND_US)
        else:
            await self._drop(items, "not submitted")
        await self._forget(intent)

    async def _find(self, intent: Intent, now_us: int) -> None:
        """Adopt the batch of an intent that nobody heard of, or give it up where none has appeared."""
        listed = await self._api.since(group_of(intent.group), intent.intent_us / _SECOND_US - CLOCKS_APART_S)
        known = await self._shelf.ask(lambda store: store.batch_ids()) | self._foreign
        may_be = [one for one in listed if one.id not in known and one.items == intent.requests]
        ours = {
            intent.custom_id(item_id, place)
            for item_id in self._sent[intent.intent_id]
            for place in range(len(self._shelf.items[item_id].asks))
        }
        for seen in may_be:
            if not seen.ended:
                continue  # custom ids stand only in results
            found = await self._api.results(group_of(intent.group), seen.id)
            if {one.custom_id for one in found} == ours:
                log.warning("a batch of %d shadow calls was adopted", intent.requests)
                await self._submitted(intent, seen)
                return
            self._foreign.add(seen.id)
        if all(seen.ended for seen in may_be) and now_us - intent.intent_us >= SETTLE_US:
            await self._drop([self._shelf.items[item_id] for item_id in self._sent[intent.intent_id]], "not submitted")
            await self._forget(intent)

    # out of a batch

    async def _poll(self, intent: Intent, now_us: int) -> None:
        if not await self._shelf.ask(lambda store: store.owns(intent.intent_id)):
            self._disown(intent)
            return
        group = group_of(intent.group)
        try:
            if not intent.batch_id:
                await self._find(intent, now_us)
                return
            if not self._sent[intent.intent_id]:
                await self._delete(intent)
                return
            seen = await self._api.batch(group, intent.batch_id)
            if seen.ended:
                await self._collect(intent, await self._api.results(group, intent.batch_id))
        except Unsure:
            return
        except Refused as error:
            if error.status == _GONE and intent.batch_id:
                log.warning("a batch of %d shadow calls is gone upstream", intent.requests)
                await self._collect(intent, None)

    async def _collect(self, intent: Intent, results: list[Result] | None) -> None:
        """Cost and grade of every item, one after the other. None = nobody knows what it cost."""
        by_id = {one.custom_id: one for one in results or ()}
        sent = self._sent[intent.intent_id]
        while sent:
            item = self._shelf.items[sent[0]]
            found = [by_id.get(intent.custom_id(item.item_id, place)) for place in range(len(item.asks))]
            await self._take(item, found)
            sent.pop(0)
        await self._delete(intent)

    async def _take(self, item: Item, results: list[Result | None]) -> None:
        cost = 0
        for ask, result in zip(item.asks, results, strict=True):
            cost += self._desk.asking.batched(item.settled(ask), result)
        if item.reserved is not None:
            self._desk.cap.settle(item.reserved, cost)
        said = {ask.name: result for ask, result in zip(item.asks, results, strict=True)}
        pair = None if item.pair is None else learned(item.pair, said)
        if pair is None:
            await self._shelf.done(item)
            self._desk.outcomes[why_not(item, said)] += 1
            return
        questions = await self._desk.graded(pair, batched=True)
        if questions is None:
            await self._shelf.done(item)
            return
        asks, reserved = questions
        betas = msgspec.structs.replace(group_of(item.group), betas="")
        await self._shelf.put(
            msgspec.structs.replace(
                item, group=betas.text, pair=pair, asks=asks, reserved=reserved, created_us=self._core.clock_us()
            )
        )

    async def _delete(self, intent: Intent) -> None:
        """What is here need not stay there. A batch that is gone already is as good; else the next turn tries again."""
        try:
            await self._api.delete(group_of(intent.group), intent.batch_id)
        except Unsure:
            return
        except Refused as error:
            if error.is_busy or error.status >= 500:
                return
        await self._forget(intent)

    async def _forget(self, intent: Intent) -> None:
        await self._shelf.ask(lambda store: store.ended(intent.intent_id))
        self._disown(intent, others=False)

    def _disown(self, intent: Intent, *, others: bool = True) -> None:
        """Another replica has it now, or nobody needs it."""
        self._intents.pop(intent.intent_id, None)
        self._polled_us.pop(intent.intent_id, None)
        for item_id in self._sent.pop(intent.intent_id, ()):
            if others and (item := self._shelf.items.pop(item_id, None)) is not None and item.reserved is not None:
                self._desk.cap.settle(item.reserved, item.held_nano)


__all__ = ["ShadowBatches"]
