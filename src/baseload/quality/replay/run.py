"""A replay from its first look to its last, or from wherever an earlier process left it.

    async for look in replay(plan, journal, transport, book, nonce=…, clock=…): …

The caller grades each look and may stop at any; what was sent is in the journal either way. The same plan and journal
give the same looks again without sending anything twice.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.replay.arms import Arm
from baseload.quality.replay.by_batch import ByBatch
from baseload.quality.replay.by_call import ByCall
from baseload.quality.replay.desk import Desk, Sleep, halted
from baseload.quality.replay.errors import ReplayError
from baseload.quality.replay.journal import Begun, Journal, Outcome, Result
from baseload.quality.replay.plan import Item, ReplayPlan
from baseload.quality.replay.transport import Refused, Transport
from baseload.usage.capabilities import request_features

LEAST_TO_WARM: Final = 3
"""A 1-hour write pays from two reads on (anthropic-facts 3): one call writes, at least two read."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One item's end. Without a message it failed: as candidate its score is 0, and it is never dropped.

    A failed `incumbent_again` is no evidence against the incumbent: a grader falls back on the recorded answer.
    """

    call: str
    arm: Arm
    model: str
    outcome: Outcome
    error: str
    usd: Decimal
    message: Mapping[str, Any] | None

    @property
    def failed(self) -> bool:
        return self.message is None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look brought, in the order of the plan. `whole` is False where the cap cut it: the last look."""

    number: int
    replayed: tuple[Replayed, ...]
    whole: bool


async def replay(
    plan: ReplayPlan,
    journal: Journal,
    transport: Transport,
    book: PriceBook,
    *,
    nonce: str,
    clock: Callable[[], float],
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Look]:
    """Looks in order. `nonce` (letters and digits, at most 24) marks a new journal's submits; an old one has its own.

    Ends early after a look that the cap cut short. Raises ReplayError where the plan is not the journal's, where the
    key is of another workspace, or where the API refuses.
    """
    desk = Desk(plan, journal, book, clock, sleep)
    await _begin(desk, transport, nonce)
    sender = ByBatch(desk, transport) if plan.transport == "batch" else ByCall(desk, transport)
    await sender.resume()
    for number, items in enumerate(plan.looks(), start=1):
        within = _within_cap(desk, items)
        for stage in _stages(desk, within):
            await sender.send(stage)
        if within:
            replayed = tuple(_replayed(desk, item, desk.state.results[item.key]) for item in within)
            yield Look(number=number, replayed=replayed, whole=len(within) == len(items))
        if len(within) < len(items):
            return


async def _begin(desk: Desk, transport: Transport, nonce: str) -> None:
    if not nonce.isalnum() or not nonce.isascii() or len(nonce) > 24:
        raise ReplayError("nonce: expected at most 24 letters and digits")
    begun, plan = desk.state.begun, desk.plan
    workspace = ""
    if plan.transport == "batch":
        try:
            workspace = await desk.patiently(transport.workspace)
        except Refused as error:
            raise halted(error) from error
    if begun is None:
        desk.write(Begun(nonce=nonce, plan_sha256=plan.sha256, workspace=workspace))
        return
    if begun.plan_sha256 != plan.sha256:
        raise ReplayError("the journal is of another plan; expected the one it was begun with")
    if begun.workspace and workspace and begun.workspace != workspace:
        raise ReplayError(
            f"this key is of workspace {workspace[:40]}; expected {begun.workspace[:40]}, where the batches are"
        )


def _within_cap(desk: Desk, items: Sequence[Item]) -> tuple[Item, ...]:
    """The first calls of a look that the cap has room for, with all their arms; those with results cost nothing."""
    room, cut = desk.left_usd, len(items)
    for place, item in enumerate(items):
        room -= Decimal(0) if item.key in desk.state.results else desk.bound(item)
        if room < 0:
            cut = place
            break
    while 0 < cut < len(items) and items[cut - 1].call == items[cut].call:
        cut -= 1
    return tuple(items[:cut])


def _stages(desk: Desk, items: Sequence[Item]) -> list[list[Item]]:
    """What is still to be sent: first one of each shared prefix, so that the others can read what it writes."""
    waiting = [item for item in items if item.key not in desk.state.results]
    if not desk.plan.warm:
        return [waiting] if waiting else []
    prefixes = {item.key: shared_prefix(item.params) for item in waiting}
    count = Counter(prefix for prefix in prefixes.values() if prefix)
    first: dict[str, Item] = {}
    for item in waiting:
        if count[prefixes[item.key]] >= LEAST_TO_WARM:
            first.setdefault(prefixes[item.key], item)
    heads = {item.key for item in first.values()}
    stages = [[item for item in waiting if item.key in heads], [item for item in waiting if item.key not in heads]]
    return [stage for stage in stages if stage]


def shared_prefix(params: Mapping[str, Any]) -> str:
    """Hash of model, tools and system; "" where nothing is marked to be cached."""
    if "cache_control" not in request_features(params).split(","):
        return ""
    prefix = {name: params.get(name) for name in ("model", "tools", "system")}
    return hashlib.sha256(msgspec.json.encode(prefix, order="sorted")).hexdigest()


def _replayed(desk: Desk, item: Item, result: Result) -> Replayed:
    return Replayed(
        call=item.call,
        arm=item.arm,
        model=result.model or item.model,
        outcome=result.outcome,
        error=result.error,
        usd=result.usd,
        message=desk.message_of(result),
    )
