"""Budgets on the hot path: reserved and settled in memory, within leases the store gave out.

    hold = budgets.reserve(names, most_nano, now_us)           memory only; None: not enough is leased here
    hold = hold or await budgets.ask(names, most_nano, now_us) a lease from the store, or Refused
    budgets.settle(hold, cost_nano)                            once; what it did not cost is free again

With amounts reserved that calls cannot exceed, no budget that fails closed ever passes its cap, with any number of
replicas; one that fails open passes it only by what was spent while the store was down. One event loop, no locks on
the way: everything between two awaits happens at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import msgspec

from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.leases import Place, Used
from baseload.gateway.state.records import LeaseRow
from baseload.gateway.state.threads import StateThread

_DAY_US: Final = 86_400_000_000
SECOND_US: Final = 1_000_000
EXPIRES_US: Final = 120 * SECOND_US
RENEW_US: Final = 30 * SECOND_US
IDLE_US: Final = 30 * SECOND_US
REFUSED_US: Final = SECOND_US // 4
"""How long a budget that had nothing left is not asked again."""
PROBE_S: Final = 0.25
"""Between two looks at whether a store that is down answers again."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """A cap on the dollars of one month (UTC). `fail`: what happens to calls while the store does not answer."""

    name: str
    cap_nano: int
    fail: Literal["closed", "open"] = "closed"


class Refused(NamedTuple):
    """Why a call may not go: the budget's cap, no answer from the store, or no such budget."""

    budget: str
    why: Literal["cap", "store", "unknown"]


class _Lease:
    """What this replica has of one budget in one month."""

    __slots__ = ("asking", "granted", "low", "place", "refilling", "refused_need", "refused_us", "renewed_us",
                 "reported", "reserved", "spent", "used_us")  # fmt: skip

    def __init__(self, place: Place) -> None:
        self.place = place
        self.granted = 0
        self.spent = 0
        self.reserved = 0
        self.reported = 0  # of spent, in the store
        self.used_us = 0
        self.renewed_us = 0
        self.refused_us = -REFUSED_US
        self.refused_need = 0
        self.low = 0  # with less available than this, more is asked for ahead of need
        self.refilling = False
        self.asking = asyncio.Lock()

    @property
    def available(self) -> int:
        return self.granted - self.spent - self.reserved

    def adopt(self, row: LeaseRow, now_us: int) -> None:
        if row.granted_nano > self.granted:
            self.low = (row.granted_nano - self.granted) // 4
        self.granted = row.granted_nano
        self.reported = row.spent_nano
        self.spent = max(self.spent, row.spent_nano)
        self.renewed_us = now_us


class Hold:
    """An amount reserved in every budget of one call, until it is settled."""

    __slots__ = ("amount_nano", "is_open", "leases", "period")

    def __init__(self, leases: Sequence[_Lease], amount_nano: int, period: str) -> None:
        self.leases = leases
        self.amount_nano = amount_nano
        self.period = period
        self.is_open = True


class Budgets:
    """This replica's part of all budgets. `now_us` is always the caller's: a request's start, a tick's time."""

    def __init__(self, state: StateThread, replica_id: str, budgets: Sequence[Budget] = ()) -> None:
        self._state = state
        self._replica_id = replica_id
        self._budgets: dict[str, Budget] = {}
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._refills: set[asyncio.Task[None]] = set()
        self._probe: asyncio.Task[None] | None = None  # runs while the store is known to be down
        self._expired_us = 0
        self.configure(budgets)

    def configure(self, budgets: Sequence[Budget]) -> None:
        """The policy's budgets, at the start and after each reload; a new cap holds from the next lease on."""
        self._budgets = {budget.name: budget for budget in budgets}

    @property
    def caps(self) -> Mapping[str, int]:
        return {name: budget.cap_nano for name, budget in self._budgets.items()}

    @property
    def spent(self) -> dict[str, dict[str, int]]:
        """What this replica has settled, by month and budget: what a new log segment begins with."""
        found: dict[str, dict[str, int]] = {}
        for (name, period), lease in self._leases.items():
            found.setdefault(period, {})[name] = lease.spent
        return found

    # the hot path

    def reserve(self, names: Sequence[str], amount_nano: int, now_us: int) -> Hold | None:
        """Reserve in every named budget, each named once, from what is leased; None where that is not enough."""
        period = period_of(now_us)
        leases = []
        for name in names:
            lease = self._leases.get((name, period))
            if lease is None or lease.granted - lease.spent - lease.reserved < amount_nano or name not in self._budgets:
                return None
            leases.append(lease)
        for lease in leases:
            lease.reserved += amount_nano
            lease.used_us = now_us
            if lease.granted - lease.spent - lease.reserved < lease.low and not lease.refilling:
                self._refill_soon(lease, now_us)
        return Hold(leases, amount_nano, period)

    def settle(self, hold: Hold, cost_nano: int) -> None:
        """What the call did cost, 0 for one that was not billed. A second time does nothing."""
        if not hold.is_open:
            return
        hold.is_open = False
        for lease in hold.leases:
            lease.reserved -= hold.amount_nano
            lease.spent += cost_nano

    # with the store

    async def ask(self, names: Sequence[str], amount_nano: int, now_us: int) -> Hold | Refused:
        """Reserve in every named budget, with new leases where needed: a few milliseconds, and only now and then."""
        period = period_of(now_us)
        taken: list[_Lease] = []
        try:
            for name in sorted(set(names)):
                why = await self._reserved(name, period, amount_nano, now_us, taken)
                if why is not None:
                    self._undo(taken, amount_nano)
                    return Refused(name, why)
        except BaseException:  # the caller was cancelled while it waited
            self._undo(taken, amount_nano)
            raise
        return Hold(taken, amount_nano, period)

    async def tick(self, now_us: int) -> None:
        """About once a second: report what was spent, renew, give back what lies idle, hold what others lost.

        Raises StateDown; everything is reported the next time.
        """
        try:
            await self._tell_all(now_us)
        except StateDown:
            self.store_down()
            raise

    def store_down(self) -> None:
        """The store does not answer: from now on no call waits for it, until a look beside the calls finds it back."""
        if self._probe is None:
            self._probe = asyncio.get_running_loop().create_task(self._until_it_answers())

    async def _until_it_answers(self) -> None:
        try:
            while True:
                await asyncio.sleep(PROBE_S)
                with contextlib.suppress(StateDown):
                    await self._state(lambda store: store.changes())
                    return
        finally:
            self._probe = None

    async def _tell_all(self, now_us: int) -> None:
        for lease in list(self._leases.values()):
            await self._report(lease, now_us)
        if now_us - self._expired_us >= RENEW_US:
            await self._state(lambda store: store.expire(now_us - EXPIRES_US))
            self._expired_us = now_us

    async def close(self, now_us: int) -> None:
        """Report everything and give back every lease; what is still reserved stays leased until it expires."""
        if self._probe is not None:
            self._probe.cancel()
        await asyncio.gather(*self._refills, return_exceptions=True)
        for lease in self._leases.values():
            async with lease.asking:
                await self._told(lease, now_us, give_back=True)

    async def reclaim(self, replica_id: str, used: Mapping[Place, tuple[int, int]], now_us: int) -> list[Place]:
        """Close the leases of a dead replica by what its log says. See `leases.LeaseStore.reclaim`."""
        found = {place: Used(*amounts) for place, amounts in used.items()}
        return await self._state(lambda store: store.reclaim(replica_id, found, self.caps, now_us))

    # inside

    async def _reserved(
        self, name: str, period: str, amount: int, now_us: int, taken: list[_Lease]
    ) -> Literal["cap", "store", "unknown"] | None:
        """Reserves in one budget and adds its lease to `taken`; else why not."""
        budget = self._budgets.get(name)
        if budget is None:
            return "unknown"
        lease = self._leases.setdefault((name, period), _Lease(Place(name, period)))
        why: Literal["cap", "store"] | None = None
        if lease.available < amount and self._probe is not None:
            why = "store"
        elif lease.available < amount:
            async with lease.asking:
                if lease.available < amount:  # still, after others waited for the store too
                    why = await self._more(lease, budget, amount, now_us)
        if why == "cap" or (why == "store" and budget.fail == "closed"):
            return why
        lease.reserved += amount
        lease.used_us = now_us
        taken.append(lease)
        return None

    async def _more(self, lease: _Lease, budget: Budget, amount: int, now_us: int) -> Literal["cap", "store"] | None:
        """A larger lease, so that `amount` is available; else why there is none.

        What is available now is set aside while the store is asked: could a call that reserves meanwhile take it, what
        the store then gives would not be enough, and nobody had said that the cap is reached.
        """
        while (need := amount - lease.available) > 0:
            aside = max(0, lease.available)
            lease.reserved += aside
            try:
                why = await self._taken(lease, budget, need, now_us)
            finally:
                lease.reserved -= aside
            if why is not None:
                return why if lease.available < amount else None  # else others have settled meanwhile
        return None

    async def _taken(self, lease: _Lease, budget: Budget, need: int, now_us: int) -> Literal["cap", "store"] | None:
        """At least `need` more is leased; else why not. That the cap is reached is for the store alone to say."""
        if 0 <= now_us - lease.refused_us < REFUSED_US and need >= lease.refused_need:
            return "cap"
        if self._probe is not None:
            return "store"
        had = lease.granted
        try:
            row = await self._state(
                lambda store: store.take(
                    self._replica_id, lease.place, need_nano=need, cap_nano=budget.cap_nano, at_us=now_us
                )
            )
        except StateDown:
            self.store_down()
            return "store"
        lease.adopt(row, now_us)
        if lease.granted > had:
            return None
        lease.refused_us, lease.refused_need = now_us, need
        return "cap"

    def _refill_soon(self, lease: _Lease, now_us: int) -> None:
        """Asks for more beside the requests, so that few of them ever wait for the store."""
        lease.refilling = True
        task = asyncio.get_running_loop().create_task(self._refill(lease, now_us))
        self._refills.add(task)
        task.add_done_callback(self._refills.discard)

    async def _refill(self, lease: _Lease, now_us: int) -> None:
        budget = self._budgets.get(lease.place.budget)
        try:
            if budget is not None:
                async with lease.asking:
                    await self._taken(lease, budget, 1, now_us)
        finally:
            lease.refilling = False
            lease.low = min(lease.low, max(0, lease.available))  # a budget that gives no more is not asked each time

    async def _report(self, lease: _Lease, now_us: int) -> None:
        """Tells the store what is new about a lease, if anything is."""
        is_over = lease.place.period != period_of(now_us)
        idle = lease.available > 0 and (is_over or now_us - lease.used_us >= IDLE_US)
        due = (lease.reserved or not is_over) and now_us - lease.renewed_us >= RENEW_US
        if idle or due or lease.spent > lease.reported:
            async with lease.asking:
                await self._told(lease, now_us, give_back=idle)

    async def _told(self, lease: _Lease, now_us: int, *, give_back: bool) -> None:
        budget = self._budgets.get(lease.place.budget)
        keep = lease.spent + lease.reserved if give_back else None
        if keep is not None:
            lease.granted = min(lease.granted, keep)  # at once: nobody may spend what is on its way back
        spent = lease.spent
        cap = budget.cap_nano if budget else None
        row = await self._state(
            lambda store: store.report(
                self._replica_id, lease.place, spent_nano=spent, cap_nano=cap, at_us=now_us, keep_nano=keep
            )
        )
        lease.adopt(row, now_us)

    def _undo(self, taken: Sequence[_Lease], amount: int) -> None:
        for lease in taken:
            lease.reserved -= amount


def period_of(us: int) -> str:
    """The UTC month of a time: what budgets are counted by.

    >>> period_of(1_795_392_000_000_000)
    '2026-11'
    """
    return _period(us // _DAY_US)


@lru_cache(maxsize=64)
def _period(day: int) -> str:
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()[:7]
