"""The dollar cap of a UTC day, shared by replicas, reserved before anything is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import StateThread
from baseload.gateway.watching.cap import DAY_US, DayCap

NOW_US = 1_795_392_000_000_000  # 2026-11-23 00:00


def on_two(tmp_path: Path, use: Callable[[DayCap, DayCap], Awaitable[None]], cap_nano: int = 1_000) -> None:
    async def main() -> None:
        states = [StateThread(StateStore(SqliteDatabase(tmp_path / "state.db"))) for _ in range(2)]
        try:
            await use(*(DayCap(state, f"r{n}", cap_nano) for n, state in enumerate(states)))
        finally:
            for state in states:
                await state.close()

    asyncio.run(main())


def test_two_replicas_together_never_reserve_more_than_the_cap(tmp_path: Path) -> None:
    async def use(one: DayCap, two: DayCap) -> None:
        held = [await cap.reserve(150, NOW_US) for _ in range(10) for cap in (one, two)]
        assert sum(found is not None for found in held) == 6  # 6 x 150 <= 1,000 < 7 x 150

    on_two(tmp_path, use)


def test_what_a_call_did_not_cost_can_be_spent_and_a_new_day_begins_anew(tmp_path: Path) -> None:
    async def use(one: DayCap, two: DayCap) -> None:
        held = await one.reserve(1_000, NOW_US)
        assert held is not None
        assert await two.reserve(1, NOW_US) is None
        one.settle(held, 400)
        one.settle(held, 400)  # once
        assert one.spent_nano(NOW_US) == 400
        await one.tick(NOW_US, give_back=True)
        assert await two.reserve(601, NOW_US) is None
        assert await two.reserve(600, NOW_US) is not None
        assert await one.reserve(1_000, NOW_US + DAY_US) is not None

    on_two(tmp_path, use)


def test_a_cap_of_nothing_reserves_nothing(tmp_path: Path) -> None:
    async def use(one: DayCap, _: DayCap) -> None:
        assert await one.reserve(1, NOW_US) is None
        assert await one.reserve(0, NOW_US) is None

    on_two(tmp_path, use, cap_nano=0)
