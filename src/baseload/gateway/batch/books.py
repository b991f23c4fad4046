"""What a call in a batch is held to: a reservation from the queue to its result, and a record of its own.

The queue's row is the durable start of a batch item: it was on disk before the batch was made. In the call log start
and end stand together when the result is there. A kill between log and queue writes them twice, under the same
message id: readers count them once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

import msgspec

from baseload.gateway.batch.api import Result
from baseload.gateway.batch.records import Call, Intent, Kept
from baseload.gateway.calllog.meter import Meter
from baseload.gateway.calllog.records import End, Note, Start
from baseload.gateway.calllog.segment import LogFull
from baseload.gateway.core import Core
from baseload.gateway.start import start_record
from baseload.gateway.state.budgets import Hold, Refused
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.upstreams.port import Asked

ABANDONED: Final = "abandoned"
"""Flag of an item whose caller was served otherwise, or left: what it cost bought nothing."""
_INPUT: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


class Books:
    """One replica's holds on the money of calls in the queue, and the records of their results."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._holds: dict[str, Hold] = {}
        self._entered: set[str] = set()  # those whose items are in the queue by now

    @property
    def held(self) -> list[str]:
        """Items in the queue whose money is held here."""
        return list(self._entered & self._holds.keys())

    def entered(self, item_id: str) -> None:
        self._entered.add(item_id)

    def names(self, call: Call) -> tuple[str, ...]:
        return self._core.budget_names(call.decision.workload, call.facts.who.api_key)

    def most_nano(self, call: Call) -> int:
        """What it can cost at most in a batch: half of what it can cost at once (anthropic-facts section 4)."""
        return (self._core.most_nano(call.facts, call.applied.served_as) + 1) // 2

    async def reserve(self, item_id: str, names: Sequence[str], nano: int, now_us: int) -> Refused | None:
        """Why the money is not there; None where it is held now, or no budget asks."""
        if not names:
            return None
        found = await self._core.budgets.ask(names, nano, now_us)
        if isinstance(found, Refused):
            return found
        self.release(item_id)
        self._holds[item_id] = found
        return None

    def move(self, item_id: str, to: str) -> None:
        """The call is another item from now on, which is held once."""
        if to in self._holds:
            self.release(item_id)
        elif item_id in self._holds:
            self._holds[to] = self._holds.pop(item_id)
            self._entered.add(to)

    def release(self, item_id: str, cost_nano: int = 0) -> None:
        hold = self._holds.pop(item_id, None)
        self._entered.discard(item_id)
        if hold is not None:
            self._core.budgets.settle(hold, cost_nano)

    async def hold_of(self, item_id: str, names: Sequence[str], now_us: int) -> Hold | None:
        """The item's hold; an empty one where another replica made it and could not hand it over."""
        hold = self._holds.get(item_id)
        if hold is None and names:
            found = await self._core.budgets.ask(names, 0, now_us)
            hold = None if isinstance(found, Refused) else found
            if hold is not None:
                self._holds[item_id] = hold
        return hold

    def record(
        self, kept: Kept, call: Call, intent: Intent, result: Result | None, hold: Hold | None, *, upstream: str,
        delivered: bool,
    ) -> int:  # fmt: skip
        """Write what became of an item, tell the watchers, and give its cost in nano-dollars.

        An item whose result is gone may have been billed: it counts with what was held for it.
        """
        core = self._core
        start = self._start(kept, call, intent, hold, upstream)
        end = self._end(start, call, result, delivered=delivered)
        cost = core.cost_nano(start, end)
        if cost is None:
            cost = start.held_nano
        else:
            end = msgspec.structs.replace(end, cost_nano=cost)
        with contextlib.suppress(LogFull):  # it is paid already: its end brings it back, or counts it as missing
            core.log.append(start)
        core.log.append(end, start)
        if delivered and result is not None and result.message is not None:
            core.finished(
                Finished(
                    start=start,
                    end=end,
                    decision=call.decision,
                    facts=call.facts,
                    body=call.applied.body,
                    answer=bytes(result.message),
                )
            )
        return cost

    def note(self, kind: str, workload: str = "", **values: str | int) -> None:
        """What must not be forgotten: structural only."""
        log = self._core.log
        log.append(Note(seq=log.next_seq(), us=self._core.clock_us(), kind=kind, workload=workload, values=values))

    # inside

    def _start(self, kept: Kept, call: Call, intent: Intent, hold: Hold | None, upstream: str) -> Start:
        inbound, facts, decision, applied = call
        asked = Asked(
            inbound.method, inbound.target, inbound.headers, applied.body, applied.served_as, facts.stream, ours=True
        )
        trip = Metering(self._core, facts, decision, applied, asked, None, kept.trip)
        made = start_record(
            trip,
            seq=self._core.log.next_seq(),
            us=intent.sent_us or intent.intent_us,
            attempt=1,
            hold=hold,
            budgets=self.names(call) if hold is not None else (),
            name=kept.trip,
        )
        return msgspec.structs.replace(made, tier="batch", upstream=upstream)

    def _end(self, start: Start, call: Call, result: Result | None, *, delivered: bool) -> End:
        now_us = self._core.clock_us()
        flags = () if delivered else (ABANDONED,)
        if result is None:
            return End(seq=start.seq, us=now_us, outcome="upstream", error="gone", flags=(*flags, "unmetered"))
        if result.message is None:
            return End(seq=start.seq, us=now_us, outcome="error", error=result.error_type or result.kind, flags=flags)
        meter = Meter()
        meter.data(bytes(result.message))
        metered = meter.metered()
        usage = metered.usage or {}
        content = self._core.content.of(call.applied.body)
        prompt, cached = _sum(usage, _INPUT), _sum(usage, _INPUT[1:])
        return End(
            seq=start.seq,
            us=now_us,
            status=200,
            usage=metered.usage,
            settled=metered.settled,
            message_id=metered.message_id,
            model=metered.model,
            stop_reason=metered.stop_reason,
            flags=(*flags, *metered.flags),
            prefix_blocks=content.prefix.text(prompt, cached) if content is not None else "",
            request_hash=content.request_hash if content is not None else "",
            request_features=content.request_features if content is not None else "",
            task_cues=content.task_cues if content is not None else "",
        )


def _sum(usage: dict[str, object], names: Sequence[str]) -> int:
    return sum(value for name in names if isinstance(value := usage.get(name), int) and value > 0)
