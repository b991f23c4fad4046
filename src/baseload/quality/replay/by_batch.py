"""Items through Message Batches: half price, adopted after a kill, deleted once their results are on disk.

    intent on disk -> create -> batch id on disk -> ended -> results on disk -> deleted

Between the first two arrows nobody knows whether a batch exists. So after a kill, or an answer that never came, the
batches created since the intent are listed and awaited, and one whose items carry this replay's ids is adopted; only
when none has appeared within `settle_s` are the items sent again. Custom ids are nonce-intent-place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from baseload.quality.replay.desk import Desk, halted, pause_s
from baseload.quality.replay.errors import ReplayError
from baseload.quality.replay.journal import Absent, Deleted, Intent, Outcome, Result, Settled, Submitted
from baseload.quality.replay.plan import Item, parts
from baseload.quality.replay.transport import BatchSeen, Refused, Transport, Unsure

CLOCKS_APART_S: Final = 3600.0
"""The API's clock and ours may differ by so much; ids decide whose a batch is, this only shortens the list."""

_OUTCOMES: Final[Mapping[str, Outcome]] = {"errored": "errored", "expired": "expired", "canceled": "canceled"}


class ByBatch:
    """Sends items, and settles what an earlier process left open."""

    def __init__(self, desk: Desk, transport: Transport) -> None:
        self._desk = desk
        self._transport = transport
        self._items = {item.key: item for item in desk.plan.items}

    async def resume(self) -> None:
        """Everything that was submitted before is found, awaited and settled; then nothing is open."""
        for intent in self._desk.state.open:
            if intent.n in self._desk.state.batches or await self._find(intent):
                await self._collect(intent)
        for batch_id in self._desk.state.undeleted if self._desk.plan.delete else ():
            await self._delete(batch_id)

    async def send(self, items: Sequence[Item]) -> None:
        """All items submitted, awaited and settled. Raises ReplayError."""
        intents = [await self._submit(part) for part in parts(items)]
        for intent in intents:
            await self._collect(intent)

    async def _submit(self, items: Sequence[Item]) -> Intent:
        desk = self._desk
        for attempt in range(desk.plan.tries):
            intent = desk.intend(items)
            requests = [(self._custom_id(intent.n, place), item.params) for place, item in enumerate(items)]
            try:
                made = await self._transport.create_batch(requests)
            except Refused as error:
                if error.status >= 500 and not error.is_busy:  # an error of theirs may come after the deed
                    if await self._find(intent):
                        return intent
                else:
                    desk.refuse(intent, error)
                    if not error.is_busy:
                        raise halted(error) from error
                await desk.sleep(pause_s(error, attempt))
            except Unsure:
                if await self._find(intent):
                    return intent
            else:
                desk.write(Submitted(n=intent.n, batch_id=made.id))
                return intent
        raise ReplayError(f"no batch could be created in {desk.plan.tries} tries. Resume the replay later.")

    def _custom_id(self, n: int, place: int) -> str:
        begun = self._desk.state.begun
        return f"{begun.nonce if begun else ''}-{n}-{place}"

    async def _find(self, intent: Intent) -> bool:
        """Adopt the batch of an intent that nobody heard of; without one, its items are free to be sent again."""
        desk, until = self._desk, intent.at + self._desk.plan.settle_s
        foreign: set[str] = set()
        while True:
            is_last = desk.clock() >= until
            listed = await desk.patiently(lambda: self._transport.batches_since(intent.at - CLOCKS_APART_S))
            known = foreign | {one.batch_id for one in desk.state.batches.values()}
            for seen in listed:
                if seen.id not in known and seen.items == len(intent.items):
                    if await self._is_ours(seen, intent):
                        desk.write(Submitted(n=intent.n, batch_id=seen.id, adopted=True))
                        return True
                    foreign.add(seen.id)
            if is_last:
                desk.write(Absent(n=intent.n, why="no batch of it appeared"))
                return False
            await desk.sleep(max(min(desk.plan.poll_s, until - desk.clock()), 0.0))

    async def _is_ours(self, seen: BatchSeen, intent: Intent) -> bool:
        """Custom ids are only in the results, so another's batch of the same size is awaited too."""
        if not await self._ended(seen.id):
            return False
        try:
            found = await self._desk.patiently(lambda: self._transport.results(seen.id))
        except Refused:  # deleted or archived meanwhile: not by us
            return False
        return {custom_id for custom_id, _ in found} == {
            self._custom_id(intent.n, place) for place in range(len(intent.items))
        }

    async def _ended(self, batch_id: str) -> bool:
        """Waits; False where the batch is gone."""
        while True:
            try:
                seen = await self._desk.patiently(lambda: self._transport.batch(batch_id))
            except Refused as error:
                if error.status == 404:
                    return False
                raise halted(error) from error
            if seen.ended:
                return True
            await self._desk.sleep(self._desk.plan.poll_s)

    async def _collect(self, intent: Intent) -> None:
        """Results and their cost on disk, then the batch deleted."""
        desk, batch_id = self._desk, self._desk.state.batches[intent.n].batch_id
        items = [self._items[key] for key in intent.items]
        found: dict[str, Mapping[str, Any]] | None = None
        if await self._ended(batch_id):
            try:
                found = dict(await desk.patiently(lambda: self._transport.results(batch_id)))
            except Refused as error:
                if error.status != 404:
                    raise halted(error) from error
        results = [self._result(intent.n, place, item, found) for place, item in enumerate(items)]
        desk.write(*results, Settled(n=intent.n, usd=sum((one.usd for one in results[1:]), results[0].usd)))
        if desk.plan.delete and found is not None:
            await self._delete(batch_id)

    def _result(self, n: int, place: int, item: Item, found: Mapping[str, Mapping[str, Any]] | None) -> Result:
        """Only a succeeded item is billed; one whose result is gone may have been."""
        if found is None:
            return self._desk.failed(n, item, "gone", "results are gone upstream", paid=True)
        result = found.get(self._custom_id(n, place))
        if result is None:
            return self._desk.failed(n, item, "missing", "no result of this id", paid=True)
        message = result.get("message")
        if result.get("type") == "succeeded" and isinstance(message, Mapping):
            return self._desk.result(n, item, message)
        outcome = _OUTCOMES.get(str(result.get("type")), "errored")
        return self._desk.failed(n, item, outcome, _error_type(result))

    async def _delete(self, batch_id: str) -> None:
        """What is here need not stay there. A batch that is gone already is as good."""
        try:
            await self._desk.patiently(lambda: self._transport.delete_batch(batch_id))
        except Refused as error:
            if error.status != 404:
                raise halted(error) from error
        self._desk.write(Deleted(batch_id=batch_id))


def _error_type(result: Mapping[str, Any]) -> str:
    """The innermost type of an errored result; its message may quote the request and is left out."""
    found: Any = result
    for _ in range(3):
        inner = found.get("error")
        if not isinstance(inner, Mapping):
            break
        found = inner
    return str(found.get("type", "")) if found is not result else str(result.get("type", ""))
