"""The desk where calls that may wait are taken in: `door.Diversion`, and a part of the gateway with a life of its own.

Nothing is taken in that is not on disk, sealed, before its caller hears of it; nothing of a caller's own credential is
ever kept, so that only calls with virtual keys are taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from baseload.errors import UsageError
from baseload.gateway.batch import rules, tickets
from baseload.gateway.batch.api import BatchApi
from baseload.gateway.batch.books import Books
from baseload.gateway.batch.carry import Synchronous, refused
from baseload.gateway.batch.held import HELD, OPEN, Held, stored_of
from baseload.gateway.batch.intake import Intake
from baseload.gateway.batch.intents import Queue
from baseload.gateway.batch.queue import Added, QueueThread
from baseload.gateway.batch.records import Call, Kept, Seen, Stored, call_of, said_of
from baseload.gateway.batch.rules import SECOND_US, Mode, Times
from baseload.gateway.batch.seal import Sealer
from baseload.gateway.batch.unbatched import NotBatched, among, name_of
from baseload.gateway.batch.work import Pace, Work
from baseload.gateway.config import UpstreamSettings
from baseload.gateway.core import Core
from baseload.gateway.decide.apply import Applied
from baseload.gateway.decide.decide import Decision
from baseload.gateway.decide.facts import Facts
from baseload.gateway.exchange import Answer, Inbound, Way
from baseload.gateway.state.database import Database
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.records import Topic
from baseload.gateway.wire.answer import error_answer
from baseload.gateway.wire.client import Client
from baseload.plan.policy import Policy
from baseload.vault.key import VaultKey

LEAST_KEPT_S: Final = 3_600.0
"""An answer nobody fetched is kept so long at least."""
COUNTS_US: Final = 10_000_000
"""Between two writes of what went at once."""
_TICKETS_AT_ONCE: Final = 4
_STREAM: Final = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"), HELD)
log = logging.getLogger("baseload.gateway.batch")


class BatchDesk:
    """One replica's desk. `keys` gives the gateway's own keys for `upstream`, newest first; `database` is its own
    connection to the state store's database. Raises UsageError where it must not start, and says why."""

    def __init__(
        self,
        core: Core,
        *,
        database: Database,
        client: Client,
        upstream: UpstreamSettings,
        keys: Callable[[], Sequence[bytes]],
        vault_key: VaultKey | None,
        pace: Pace | None = None,
        api: BatchApi | None = None,
        not_batched: NotBatched | None = None,
    ) -> None:
        if vault_key is None:
            raise UsageError(
                "batch.enabled: prompts wait on disk, sealed with the vault's key, and there is none. Set the variable "
                "of sample.key_env or sample.key_file, or switch batches off."
            )
        if upstream.kind != "anthropic":
            raise UsageError(f"batch.upstream {upstream.name} is of kind {upstream.kind}; expected anthropic")
        self._core = core
        self._settings = core.config.batch
        self._upstream = upstream
        self._pace = pace or Pace()
        self._api = api or BatchApi(client, upstream.origin, keys, core.memo.org_key, upstream.timeout_s)
        if not self._api.credential():
            raise UsageError(
                f"batch.enabled: upstream {upstream.name} has no key of the gateway's own. Set its key_env."
            )
        self._queue = Queue(database)
        self._thread = QueueThread()
        self._sealer = Sealer(vault_key)
        self._books = Books(core)
        self._intake = Intake(core, self._sealer, self._api, self._books, upstream.name)
        self._synchronous = Synchronous(core)
        self._held = Held(
            self._queue, self._thread, self._sealer, self._synchronous, client,
            replica_id=core.log.replica_id, clock_us=core.clock_us, ping_s=self._settings.ping_s,
        )  # fmt: skip
        self._work = Work(core, self._queue, self._thread, self._api, self._sealer, self._books, self._pace)
        self.not_batched = not_batched or NotBatched(core, Policy, has_desk=True)
        self._counted_us = 0
        self.leads = False
        self.is_open = False
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._tickets = asyncio.Semaphore(_TICKETS_AT_ONCE)

    def __repr__(self) -> str:
        return f"BatchDesk({self._upstream.name!r}, {len(self._held)} held)"

    @property
    def declined(self) -> Counter[str]:
        """Why calls with a batch in their entry went at once, of this process."""
        found: Counter[str] = Counter()
        for (_, why), count in self.not_batched.counts.items():
            found[why] += count
        return found

    # a part of the gateway

    async def start(self) -> None:
        """Be known as alive, reserve for what an earlier process left, then take calls in. Raises StateDown."""
        await self._beat()
        await self._once(self._core.clock_us())
        self.is_open = True
        for loop in (self._beats(), self._rounds()):
            self._keep(asyncio.create_task(loop))

    async def tick(self, now_us: int) -> None:
        """The desk keeps time itself; called by the gateway once a second, it has a round if none is under way."""
        if not self._turn.locked():
            await self._once(now_us)

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of keys and routes is kept here."""

    async def stop(self) -> None:
        """Take nothing more; what is queued and out stays for the next process."""
        self.is_open = False
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._held.close()
        with contextlib.suppress(StateDown):
            await self._store_counts(self._core.clock_us(), every_us=0)
            await self._thread(self._queue.resign, self._core.log.replica_id)
        await self._thread(self._queue.close)
        self._thread.close()

    async def counts(self) -> dict[str, int]:
        """Since the queue was made, over all replicas: spilled, attached, adopted, sent_again, sent_twice …"""
        found = await self._thread(self._queue.counts)
        return {name: count for name, count in found.items() if not among({name: count})}

    # the door's

    def owns(self, target: bytes) -> bool:
        return target.startswith(tickets.PATH)

    async def serve(self, inbound: Inbound, key_id: str) -> Answer:
        """A ticket asked for or called off, by the key it was given to."""
        item_id = tickets.item_id_in(inbound.target)
        try:
            seen = await self._thread(self._queue.seen, item_id) if item_id else None
            if seen is None or seen.key_id != key_id or seen.mode != "ticket":
                return tickets.unknown()
            if inbound.method == b"DELETE":
                await self._thread(
                    self._queue.step, item_id, "left", (*OPEN, "ready", "spilling"), self._core.clock_us()
                )
                return tickets.cancelled_answer(item_id)
            if inbound.method != b"GET":
                return error_answer(405, "A ticket takes GET and DELETE.")
            return tickets.status_answer(seen, self._stored(seen), self._core.clock_us())
        except StateDown:
            return error_answer(503, "The queue cannot be looked up now.", retry_after_s=5)

    def take(self, inbound: Inbound, facts: Facts, decision: Decision, applied: Applied) -> Awaitable[Way] | None:
        """The call's way through the queue; None = it goes at once, and `not_batched` counts why."""
        mode = rules.mode_of(inbound, facts)
        batch = decision.batch
        why = self._intake.declines(mode, inbound, applied) if self.is_open else "closed"
        if why or batch is None or mode == "off":
            self.not_batched.add(decision.workload, why)
            return None
        times = self._intake.times(mode, batch, inbound, facts)
        if mode == "hold" and not rules.pays((times.due_us - times.form_us) / SECOND_US, self._work.took_s):
            self.not_batched.add(decision.workload, "batches-too-slow")
            return None
        return self._taken(Call(inbound, facts, decision, applied), mode, times)

    # taking in

    async def _taken(self, call: Call, mode: Mode, times: Times) -> Way:
        """On disk, then held or given a ticket. A queue that is down makes no caller wait: the call goes at once."""
        now_us = self._core.clock_us()
        trip = self._core.next_trip()
        item = self._intake.item(call, mode, times, now_us, trip)
        short = await self._books.reserve(item.item_id, item.budgets, item.held_nano, now_us)
        if short is not None:
            return refused(short)
        try:
            added = await self._thread(self._queue.add, item)
        except StateDown:
            self._books.release(item.item_id)
            self.not_batched.add(item.workload, "queue-down")
            return await self._synchronous.way(call, trip, "serve")
        except asyncio.CancelledError:
            self._books.entered(item.item_id)  # it may be: a round finds out
            self._held.orphan(item.item_id)
            raise
        if added.how == "attached":
            self._books.move(item.item_id, added.item_id)
        elif added.how == "new":
            self._books.entered(item.item_id)
        else:
            self._books.release(item.item_id)
        return await self._waits(call, mode, times, trip, added)

    async def _waits(self, call: Call, mode: Mode, times: Times, trip: str, added: Added) -> Way:
        if added.how == "conflict":
            return error_answer(409, "This idempotency key was given to another request.")
        if mode == "ticket":
            return await self._ticket(added.item_id, call)
        if mode == "stream":
            head = (*_STREAM, *said_of(call.applied.served_as or call.facts.model, call.decision.reason))
            return Answer(200, head, events=self._held.stream(added.item_id, call, trip, times.due_us))
        return await self._held.whole(added.item_id, call, trip, times.due_us)

    async def _ticket(self, item_id: str, call: Call) -> Answer:
        seen = await self._thread(self._queue.seen, item_id)
        if seen is None:
            return tickets.unknown()
        answer = tickets.ticket_answer(item_id, seen.created_us, seen.ends_us, self._core.clock_us())
        answer.headers += said_of(call.applied.served_as or call.facts.model, call.decision.reason)
        return answer

    def _stored(self, seen: Seen) -> Stored | None:
        if seen.wants != "ready" or not seen.answer:
            return None
        return self._sealer.open(seen.answer, seen.item_id + "/answer", Stored)

    # keeping time

    async def _beats(self) -> None:
        while True:
            await asyncio.sleep(self._pace.beat_s)
            with contextlib.suppress(StateDown):
                await self._beat()

    async def _beat(self) -> None:
        lease_us = int(self._pace.stale_s * SECOND_US)
        self.leads = await self._thread(self._queue.beat, self._core.log.replica_id, self._core.clock_us(), lease_us)

    async def _rounds(self) -> None:
        while True:
            await asyncio.sleep(min(self._pace.round_s, self._settings.poll_s))
            try:
                await self._once(self._core.clock_us())
            except StateDown:
                continue
            except Exception as error:  # noqa: BLE001 - the next round finds what this one left
                log.error("a fault in a round of batches: %s", type(error).__name__)  # its text may quote a prompt

    async def _once(self, now_us: int) -> None:
        async with self._turn:
            if self.leads:
                await self._thread(self._queue.bury, now_us, int(self._pace.stale_s * SECOND_US))
                await self._work.round(now_us)
                await self._due_tickets(now_us)
                keep_us = int(max(self._settings.keep_results_s, LEAST_KEPT_S) * SECOND_US)
                await self._thread(self._queue.forget, now_us, keep_us)
            await self._held.wake()
            await self._let_go()
            await self._store_counts(now_us)

    async def _store_counts(self, now_us: int, every_us: int = COUNTS_US) -> None:
        """What went at once, for people who ask the state store."""
        fresh = self.not_batched.fresh()
        if fresh and now_us - self._counted_us >= every_us:
            await self._thread(self._queue.count_all, {name_of(key): count for key, count in fresh.items()})
            self.not_batched.stored(fresh)
            self._counted_us = now_us

    async def _let_go(self) -> None:
        """Money of items that are settled, or that the leader holds now."""
        if held := self._books.held:
            for item_id in await self._thread(self._queue.settled_of, held, self._core.log.replica_id):
                self._books.release(item_id)

    async def _due_tickets(self, now_us: int) -> None:
        for item_id in await self._thread(self._queue.tickets_due, now_us, _TICKETS_AT_ONCE):
            if self._tickets.locked():
                return
            if await self._thread(self._queue.step, item_id, "spilling", OPEN, now_us, by=self._core.log.replica_id):
                await self._tickets.acquire()
                self._keep(asyncio.create_task(self._send_ticket(item_id)))

    async def _send_ticket(self, item_id: str) -> None:
        try:
            seen = await self._thread(self._queue.seen, item_id)
            kept = await self._thread(self._queue.kept, item_id)
            if seen is None or not kept:
                return
            if self._core.clock_us() >= seen.ends_us:
                stored = stored_of(error_answer(504, "No answer came before the deadline."))
            else:
                await self._thread(self._queue.count, "spilled")
                opened = self._sealer.open(kept, item_id + "/kept", Kept)
                stored = await self._held.sent(call_of(opened, self._core.memo), opened.trip)
            answer = self._sealer.close(stored, item_id + "/answer")
            await self._thread(self._queue.store, item_id, answer, self._core.clock_us())
        except StateDown:
            log.error("a ticket's answer could not be kept: its state store does not answer")
        finally:
            self._tickets.release()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
