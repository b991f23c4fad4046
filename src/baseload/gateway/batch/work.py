"""What the leading replica does, round by round: find, form, submit, collect, cancel, delete.

    intent on disk -> create -> batch id on disk -> ended -> results on disk -> deleted

Between the first two arrows nobody knows whether a batch exists. So an intent without an id is looked for among the
batches created since, and adopted by its custom ids; only when none has appeared within `settle_s` do its items go
into another batch (docs/decisions/gateway-batch.md).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from baseload.gateway.batch.api import BatchApi, Result
from baseload.gateway.batch.books import Books
from baseload.gateway.batch.intents import Outcome, Queue
from baseload.gateway.batch.queue import QueueThread
from baseload.gateway.batch.records import Intent, Kept, Member, Stored, call_of, group_of, new_intent_id
from baseload.gateway.batch.rules import SECOND_US, Queued, after_failure, status_of, to_form
from baseload.gateway.batch.seal import Sealer
from baseload.gateway.core import Core
from baseload.gateway.wire.answer import error_body, new_request_id
from baseload.quality.replay.transport import BatchSeen, Refused, Unsure

CLOCKS_APART_S: Final = 3_600.0
"""The API's clock and ours; ids decide whose a batch is, this only shortens the list."""
ABANDONED_AFTER_US: Final = 60 * SECOND_US
"""A batch nobody waits for any more is cancelled; a lost connection may come back within this time."""
_AT_ONCE: Final = 50
_FIRST_PAUSE_S: Final = 1.0
_MOST_PAUSE_S: Final = 60.0
_GONE: Final = 404
log = logging.getLogger("baseload.gateway.batch")


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. `stale_s`: a replica unheard of for so long is dead; `settle_s`: a batch may appear so late."""

    round_s: float = 1.0
    beat_s: float = 1.0
    stale_s: float = 10.0
    settle_s: float = 60.0


class Work:
    """One replica's turn at the queue; only the leader takes it. `replica_id` is that of its log."""

    def __init__(
        self, core: Core, queue: Queue, thread: QueueThread, api: BatchApi, sealer: Sealer, books: Books, pace: Pace
    ) -> None:
        self._core = core
        self._queue = queue
        self._thread = thread
        self._api = api
        self._sealer = sealer
        self._books = books
        self._pace = pace
        self._settings = core.config.batch
        self._foreign: set[str] = set()
        self._polled_us: dict[str, int] = {}
        self._paused_until_us = 0
        self._refusals = 0
        self.took_s: list[float] = []  # by the last batches, newest first

    async def round(self, now_us: int) -> None:
        """One turn. Raises StateDown; what was begun is found again in the next."""
        await self._hold()
        for intent in await self._thread(self._queue.open_intents):
            if now_us - self._polled_us.get(intent.intent_id, 0) < self._settings.poll_s * SECOND_US:
                continue
            self._polled_us[intent.intent_id] = now_us
            if intent.state == "intent":
                await self._find(intent, now_us)
            else:
                await self._poll(intent, now_us)
        if now_us >= self._paused_until_us:
            queued = await self._thread(self._queue.queued)
            for items in to_form(queued, now_us, self._settings.most_items):
                await self._submit(items)
        await self._delete(now_us)

    async def _hold(self) -> None:
        """The leader holds the money of every item it will settle, whoever took it in."""
        untaken = await self._thread(self._queue.untaken, self._core.log.replica_id)
        taken = [
            one.item_id
            for one in untaken
            if await self._books.reserve(one.item_id, one.budgets, one.held_nano, one.created_us) is None
        ]
        for item_id in taken:
            self._books.entered(item_id)
        if taken:
            await self._thread(self._queue.taken, taken, self._core.log.replica_id)

    # into a batch

    async def _submit(self, items: Sequence[Queued]) -> None:
        """Intend, create, write down. Where nobody knows what became of it, the next rounds look."""
        now_us = self._core.clock_us()
        intent_id = new_intent_id()
        count = await self._thread(self._queue.intend, self._core.log.replica_id, intent_id, items, now_us)
        if not count:
            return
        intent = Intent(intent_id, items[0].group, "intent", "", count, now_us, 0, cancelled=False)
        rows = []
        for part in _portions([one.item_id for one in items]):
            members = await self._thread(self._queue.members, intent_id, part)
            params = {one.item_id: _params(self._kept(one).body) for one in members}
            rows += [(intent.custom_id(item_id), params[item_id]) for item_id in part if item_id in params]
            await asyncio.sleep(0)
        try:
            made = await self._api.create(group_of(intent.group), rows)
        except Unsure:
            return
        except Refused as error:
            await self._refused(intent, error)
        else:
            self._refusals = 0
            await self._submitted(intent, made)

    async def _submitted(self, intent: Intent, made: BatchSeen) -> None:
        now_us = self._core.clock_us()
        ours = await self._thread(self._queue.submitted, intent.intent_id, made.id, now_us, adopted=False)
        if not ours:  # another replica gave it up and sent its items again
            log.warning("a batch of %d calls was made twice; the second is cancelled", intent.items)
            await self._thread(self._queue.count, "sent_twice", intent.items)
            self._books.note("batch-made-twice", items=intent.items)
            await self._cancel(intent, made.id)

    async def _refused(self, intent: Intent, error: Refused) -> None:
        """An error of the server's may come after the deed: then the batch is looked for."""
        if error.status >= 500 and not error.is_busy:
            return
        now_us = self._core.clock_us()
        again = error.is_busy or error.halts
        self._refusals += 1
        pause_s = error.retry_after_s
        if pause_s is None:
            pause_s = _MOST_PAUSE_S if error.halts else min(_FIRST_PAUSE_S * 2**self._refusals, _MOST_PAUSE_S)
        if again:
            self._paused_until_us = now_us + int(pause_s * SECOND_US)
        log.warning("the upstream refused a batch of %d calls: %s", intent.items, error)
        self._books.note("batch-refused", items=intent.items, status=error.status)
        await self._thread(self._queue.give_up, intent.intent_id, now_us, again=again, form_us=now_us)

    async def _find(self, intent: Intent, now_us: int) -> None:
        """Adopt the batch of an intent that nobody heard of; without one, its items are free again."""
        group = group_of(intent.group)
        try:
            listed = await self._api.since(group, intent.intent_us / SECOND_US - CLOCKS_APART_S)
            known = await self._thread(self._queue.batch_ids) | self._foreign
            may_be = [one for one in listed if one.id not in known and one.items == intent.items]
            for seen in may_be:
                if seen.ended:
                    if await self._is_ours(intent, seen):
                        await self._thread(
                            self._queue.submitted,
                            intent.intent_id,
                            seen.id,
                            int(seen.created * SECOND_US),
                            adopted=True,
                        )
                        log.warning("a batch of %d calls was adopted", intent.items)
                        return
                    self._foreign.add(seen.id)
        except (Refused, Unsure):
            return
        open_now = any(not one.ended for one in may_be)
        if not open_now and now_us - intent.intent_us >= self._pace.settle_s * SECOND_US:
            await self._thread(self._queue.give_up, intent.intent_id, now_us, again=True, form_us=now_us)
            await self._thread(self._queue.count, "sent_again", intent.items)

    async def _is_ours(self, intent: Intent, seen: BatchSeen) -> bool:
        """Custom ids stand only in results."""
        found = {one.custom_id for one in await self._api.results(group_of(intent.group), seen.id)}
        ids = await self._thread(self._queue.member_ids, intent.intent_id)
        return found == {intent.custom_id(item_id) for item_id in ids}

    # out of a batch

    async def _poll(self, intent: Intent, now_us: int) -> None:
        group = group_of(intent.group)
        try:
            seen = await self._api.batch(group, intent.batch_id)
            if seen.ended:
                await self._collect(intent, await self._api.results(group, intent.batch_id))
            elif not intent.cancelled and not await self._thread(
                self._queue.waited_for, intent.intent_id, now_us, ABANDONED_AFTER_US
            ):
                await self._cancel(intent, intent.batch_id)
        except Unsure:
            return
        except Refused as error:
            if error.status == _GONE:
                log.warning("a batch of %d calls is gone upstream", intent.items)
                await self._collect(intent, None)

    async def _collect(self, intent: Intent, results: list[Result] | None) -> None:
        """Records, then the queue, then the money. None = the batch is gone, and what it cost is not known."""
        by_id = {one.custom_id: one for one in results or ()}
        ids = await self._thread(self._queue.member_ids, intent.intent_id)
        for part in _portions(ids):
            members = await self._thread(self._queue.members, intent.intent_id, part)
            settled = [await self._settled(intent, one, by_id.get(intent.custom_id(one.item_id))) for one in members]
            await self._thread(self._queue.settle, [one for one, _ in settled], self._core.clock_us())
            for outcome, cost_nano in settled:
                self._books.release(outcome.item_id, cost_nano)
        ended_us = self._core.clock_us()
        await self._thread(self._queue.ended, intent.intent_id, ended_us)
        self._polled_us.pop(intent.intent_id, None)
        self.took_s = await self._thread(self._queue.took_s, ended_us - 86_400 * SECOND_US)

    async def _settled(self, intent: Intent, member: Member, result: Result | None) -> tuple[Outcome, int]:
        """An item's outcome for its caller, and its cost."""
        now_us = self._core.clock_us()
        kept = self._kept(member)
        call = call_of(kept, self._core.memo)
        hold = await self._books.hold_of(member.item_id, member.budgets, call.inbound.us)
        cost = self._books.record(
            kept, call, intent, result, hold,
            upstream=group_of(intent.group).upstream, delivered=member.wants in ("waiting", "orphan"),
        )  # fmt: skip
        answer = _answer(result, now_us, member.ends_us)
        if result is not None and result.kind in ("expired", "errored", "canceled"):
            await self._thread(self._queue.count, result.kind)
        if answer is not None:
            answer = msgspec.structs.replace(
                answer, model=kept.served_as or kept.asked_model, reason=kept.decision.reason
            )
        sealed = None if answer is None else self._sealer.close(answer, member.item_id + "/answer")
        return Outcome(member.item_id, sealed), cost

    async def _cancel(self, intent: Intent, batch_id: str) -> None:
        try:
            await self._api.cancel(group_of(intent.group), batch_id)
        except (Refused, Unsure):
            return
        await self._thread(self._queue.cancelled, intent.intent_id)

    async def _delete(self, now_us: int) -> None:
        """What is here need not stay there. A batch that is gone already is as good."""
        keep_us = int(self._settings.keep_results_s * SECOND_US)
        for intent in await self._thread(self._queue.undeleted, now_us - keep_us):
            try:
                await self._api.delete(group_of(intent.group), intent.batch_id)
            except Unsure:
                continue
            except Refused as error:
                if error.status != _GONE:
                    continue
            await self._thread(self._queue.deleted, intent.intent_id)

    def _kept(self, member: Member) -> Kept:
        return self._sealer.open(member.kept, member.item_id + "/kept", Kept)


def _answer(result: Result | None, now_us: int, ends_us: int) -> Stored | None:
    """What the caller is told; None = it goes synchronously."""
    if result is not None and result.message is not None:
        return Stored(status=200, body=bytes(result.message), synthesized=True)
    kind = result.error_type if result is not None else ""
    if after_failure(kind, now_us, ends_us) == "spill":
        return None
    said = result.error_message if result is not None else ""
    text = said or "The batch ended without an answer to this call."
    status, request_id = status_of(kind), new_request_id()
    log.info(  # the upstream's words may quote the prompt
        "a batch item ended with %d", status, extra={"request_id": request_id, "status": status}
    )
    body = error_body(status, text, request_id)
    return Stored(status=status, body=body, synthesized=True, request_id=request_id)


def _params(body: bytes) -> bytes:
    """The request as an item's params: everything but `stream`, byte for byte."""
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    members.pop("stream", None)
    return msgspec.json.encode(members)


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
