"""The dollar cap of shadow calls: so much a UTC day for all replicas together, reserved before anything is sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import Final

from baseload.gateway.state.leases import Place
from baseload.gateway.state.records import LeaseRow
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import StateThread

NAME: Final = "shadow-calls"
"""Of the cap among the store's budgets; its periods are days."""
DAY_US: Final = 86_400_000_000
RENEW_US: Final = 30_000_000


class _Day:
    """What this replica has of one day."""

    __slots__ = ("granted", "renewed_us", "reported", "reserved", "spent")

    def __init__(self) -> None:
        self.granted = self.spent = self.reserved = self.reported = self.renewed_us = 0


class Reserved:
    """An amount of one day, until it is settled."""

    __slots__ = ("amount_nano", "day", "is_open")

    def __init__(self, day: str, amount_nano: int) -> None:
        self.day = day
        self.amount_nano = amount_nano
        self.is_open = True


class DayCap:
    """This replica's part of the cap. A cap of 0 reserves nothing, ever."""

    def __init__(self, state: StateThread, replica_id: str, cap_nano: int) -> None:
        self.cap_nano = cap_nano
        self._state = state
        self._replica_id = replica_id
        self._days: dict[str, _Day] = {}

    def spent_nano(self, now_us: int) -> int:
        """Settled by this replica on the day of a time."""
        found = self._days.get(day_of_us(now_us))
        return found.spent if found is not None else 0

    async def reserve(self, amount_nano: int, now_us: int) -> Reserved | None:
        """None where it does not fit under the cap any more. Raises StateDown: then nothing is sent either."""
        if self.cap_nano <= 0 or amount_nano > self.cap_nano:
            return None
        name = day_of_us(now_us)
        day = self._days.setdefault(name, _Day())
        free = day.granted - day.spent - day.reserved
        if free < amount_nano:
            row = await self._state(
                lambda store: store.take(
                    self._replica_id, Place(NAME, name), need_nano=amount_nano - free, cap_nano=self.cap_nano,
                    at_us=now_us,
                )
            )  # fmt: skip
            _adopt(day, row, now_us)
        if day.granted - day.spent - day.reserved < amount_nano:  # it is not free, or went while we waited
            return None
        day.reserved += amount_nano
        return Reserved(name, amount_nano)

    def lower(self, reserved: Reserved, amount_nano: int) -> None:
        """So much of it is enough; more than was reserved it never is."""
        freed = max(0, reserved.amount_nano - amount_nano) if reserved.is_open else 0
        reserved.amount_nano -= freed
        self._days[reserved.day].reserved -= freed

    def split(self, reserved: Reserved, amounts_nano: Sequence[int]) -> list[Reserved]:
        """The same money in parts, each settled by itself. The amounts add up to what was reserved."""
        reserved.is_open = False
        return [Reserved(reserved.day, amount) for amount in amounts_nano]

    def settle(self, reserved: Reserved, cost_nano: int) -> None:
        """What it did cost, 0 for what was not billed. A second time does nothing."""
        if not reserved.is_open:
            return
        reserved.is_open = False
        day = self._days[reserved.day]
        day.reserved -= reserved.amount_nano
        day.spent += cost_nano

    async def tick(self, now_us: int, *, give_back: bool = False) -> None:
        """Report what is new, renew what is held, give back past days and, at the end, everything. Raises StateDown."""
        today = day_of_us(now_us)
        for name, day in list(self._days.items()):
            back = give_back or name != today
            if back or day.spent > day.reported or now_us - day.renewed_us >= RENEW_US:
                keep = day.spent + day.reserved if back else None
                if keep is not None:
                    day.granted = min(day.granted, keep)
                report = partial(
                    _reported, replica_id=self._replica_id, place=Place(NAME, name), spent_nano=day.spent,
                    keep_nano=keep, at_us=now_us,
                )  # fmt: skip
                row = await self._state(report)
                _adopt(day, row, now_us)
            if name != today and not day.reserved:
                del self._days[name]


def day_of_us(us: int) -> str:
    """The UTC day of a time.

    >>> day_of_us(1_795_392_000_000_000)
    '2026-11-23'
    """
    return (dt.date(1970, 1, 1) + dt.timedelta(days=us // DAY_US)).isoformat()


def _reported(
    store: StateStore, *, replica_id: str, place: Place, spent_nano: int, keep_nano: int | None, at_us: int
) -> LeaseRow:
    return store.report(replica_id, place, spent_nano=spent_nano, cap_nano=None, at_us=at_us, keep_nano=keep_nano)


def _adopt(day: _Day, row: LeaseRow, now_us: int) -> None:
    day.granted = row.granted_nano
    day.reported = row.spent_nano
    day.renewed_us = now_us
