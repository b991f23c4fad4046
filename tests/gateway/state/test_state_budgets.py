"""Budgets are exact: every dollar settled is in the store once, and none is spent beyond a cap that fails closed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.calllog.recover import recover
from baseload.gateway.state.budgets import PROBE_S, Budget, Budgets, Hold, Refused, period_of
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.leases import Place
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import StateThread

NOW_US = 1_795_003_200_000_000  # 2026-11-18T12:00:00Z
SECOND_US = 1_000_000
ALL = Budget(name="all", cap_nano=1_000)

_T = TypeVar("_T")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


async def reserved(budgets: Budgets, names: tuple[str, ...], amount: int, now_us: int = NOW_US) -> Hold | Refused:
    """As the gateway does it."""
    return budgets.reserve(names, amount, now_us) or await budgets.ask(names, amount, now_us)


def totals(store: StateStore, budget: str = "all", period: str = "2026-11") -> tuple[int, int, int]:
    (row,) = (row for row in store.budgets(period) if row.budget == budget)
    return row.spent_nano, row.leased_nano, row.held_nano


class Breaking(SqliteDatabase):
    """A store that does not answer while `is_down`; `asked` counts."""

    is_down = False
    asked = 0

    def transaction(self):
        self.asked += 1
        if self.is_down:
            raise StateDown("no answer")
        return super().transaction()


class Slow(SqliteDatabase):
    """A store whose answers wait until they may go; `waiting` counts those that were asked for."""

    waiting = 0
    may_go = threading.Semaphore(1_000)

    def transaction(self):
        self.waiting += 1
        self.may_go.acquire()
        return super().transaction()


def test_replicas_at_once_spend_the_cap_exactly_and_never_more(connect) -> None:
    async def replica(name: str, store: StateStore) -> int:
        state = StateThread(store)
        budgets = Budgets(state, name, [ALL, Budget(name="w", cap_nano=10**9)])
        admitted = 0

        async def call() -> None:
            nonlocal admitted
            hold = await reserved(budgets, ("all", "w"), 1)
            if isinstance(hold, Hold):
                admitted += 1
                await asyncio.sleep(0)
                budgets.settle(hold, 1)
                budgets.settle(hold, 1)  # a second time does nothing

        for _ in range(20):
            await asyncio.gather(*(call() for _ in range(40)))
        await budgets.close(NOW_US)
        return admitted

    async def both() -> list[int]:
        return await asyncio.gather(replica("a", StateStore(connect())), replica("b", StateStore(connect())))

    admitted = run(both())
    assert sum(admitted) <= 1_000
    store = StateStore(connect())
    assert totals(store) == (sum(admitted), 0, 0)
    assert totals(store, "w") == (sum(admitted), 0, 0)

    async def rest() -> int:
        budgets = Budgets(StateThread(store), "c", [ALL])
        return sum([isinstance(await reserved(budgets, ("all",), 1, NOW_US + n * SECOND_US), Hold) for n in range(500)])

    assert sum(admitted) + run(rest()) == 1_000  # what idle slices kept from others was given back


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(2, 4))
def test_whatever_calls_cost_the_store_knows_every_nano_and_the_cap_holds(tmp_path_factory, seed, most, replicas):
    path = tmp_path_factory.mktemp("budgets") / "s"
    settled = 0

    async def replica(number: int) -> None:
        nonlocal settled
        dice = random.Random(seed + number)
        budgets = Budgets(StateThread(StateStore(SqliteDatabase(path))), f"r{number}", [ALL])

        async def call() -> None:
            nonlocal settled
            amount = dice.randint(0, most)
            hold = await reserved(budgets, ("all",), amount)
            if isinstance(hold, Hold):
                await asyncio.sleep(0)
                cost = dice.randint(0, amount)
                settled += cost
                budgets.settle(hold, cost)

        for tick in range(6):
            await asyncio.gather(*(call() for _ in range(5)))
            await budgets.tick(NOW_US + tick * SECOND_US)
        await budgets.close(NOW_US)

    async def all_of_them() -> None:
        await asyncio.gather(*(replica(number) for number in range(replicas)))

    run(all_of_them())
    store = StateStore(SqliteDatabase(path))
    assert totals(store) == (settled, 0, 0)
    assert settled <= 1_000
    store.close()


def test_more_is_leased_before_it_is_needed(tmp_path: Path) -> None:
    async def work() -> tuple[int, int]:
        store = StateStore(SqliteDatabase(tmp_path / "s"))
        budgets = Budgets(StateThread(store), "a", [Budget(name="all", cap_nano=100_000)])
        assert isinstance(await reserved(budgets, ("all",), 1), Hold)  # a lease of 1,000
        waited = 0
        for _ in range(200):
            if budgets.reserve(("all",), 100, NOW_US) is None:
                waited += isinstance(await budgets.ask(("all",), 100, NOW_US), Hold)
            await asyncio.sleep(0.005)
        await budgets.close(NOW_US)
        return waited, totals(store)[1]

    waited, leased = run(work())
    assert waited <= 20  # of 200; 20 leases and more were needed
    assert leased == 20_001  # everything reserved, and no more


def test_a_call_under_several_budgets_goes_only_where_all_allow_it(tmp_path: Path) -> None:
    async def work() -> None:
        store = StateStore(SqliteDatabase(tmp_path / "s"))
        small = Budget(name="small", cap_nano=50)
        budgets = Budgets(StateThread(store), "a", [ALL, small])
        assert await reserved(budgets, ("all", "small"), 60) == Refused("small", "cap")
        hold = await reserved(budgets, ("all", "small"), 50)
        assert isinstance(hold, Hold)
        whole = await reserved(budgets, ("all",), 950)  # the refused call holds nothing
        assert isinstance(whole, Hold)
        assert await reserved(budgets, ("all", "other"), 1) in (Refused("all", "cap"), Refused("other", "unknown"))

    run(work())


def test_what_is_leased_is_reserved_without_the_store(tmp_path: Path) -> None:
    async def work() -> int:
        database = Breaking(tmp_path / "s")
        budgets = Budgets(StateThread(StateStore(database)), "a", [Budget(name="all", cap_nano=100_000)])
        assert isinstance(await reserved(budgets, ("all",), 1), Hold)  # a lease of 1,000
        before = database.asked
        for _ in range(999):
            assert budgets.reserve(("all",), 1, NOW_US) is not None
        assert budgets.reserve(("all",), 1, NOW_US) is None
        return database.asked - before

    assert run(work()) == 0


@pytest.mark.parametrize(("fail", "goes"), [("closed", False), ("open", True)])
def test_while_the_store_is_down_a_budget_fails_as_it_was_told(tmp_path: Path, fail: Any, goes: bool) -> None:
    async def work() -> None:
        database = Breaking(tmp_path / "s")
        store = StateStore(database)
        budgets = Budgets(StateThread(store), "a", [Budget(name="all", cap_nano=1_000, fail=fail)])
        database.is_down = True
        asked = database.asked
        first, second = [await reserved(budgets, ("all",), 10) for _ in range(2)]
        assert database.asked == asked + 1  # not every call waits for a store that is down
        assert isinstance(first, Hold) is isinstance(second, Hold) is goes
        for hold in (first, second):
            if isinstance(hold, Hold):
                budgets.settle(hold, 7)
            else:
                assert hold == Refused("all", "store")
        with pytest.raises(StateDown):
            await budgets.close(NOW_US)
        database.is_down = False
        await budgets.close(NOW_US)
        assert totals(store) == ((14, 0, 0) if goes else (0, 0, 0))

    run(work())


def test_a_store_that_comes_back_is_asked_again(tmp_path: Path) -> None:
    async def work() -> None:
        database = Breaking(tmp_path / "s")
        budgets = Budgets(StateThread(StateStore(database)), "a", [ALL])
        database.is_down = True
        assert await reserved(budgets, ("all",), 10) == Refused("all", "store")
        database.is_down = False
        assert await reserved(budgets, ("all",), 10) == Refused("all", "store")  # nobody waits for it meanwhile
        await asyncio.sleep(2 * PROBE_S)
        assert isinstance(await reserved(budgets, ("all",), 10, NOW_US + SECOND_US), Hold)

    run(work())


def test_an_answer_of_the_store_that_was_lost_changes_nothing(tmp_path: Path) -> None:
    class Forgetting(SqliteDatabase):
        """Commits, and then does not answer."""

        forgets = 0

        def transaction(self):
            outer = super().transaction()

            class Lost:
                def __enter__(inner):  # noqa: N805
                    return outer.__enter__()

                def __exit__(inner, *raised: object) -> bool:  # noqa: N805
                    outer.__exit__(*raised)
                    if self.forgets:
                        self.forgets -= 1
                        raise StateDown("lost")
                    return False

            return Lost()

    async def work() -> None:
        database = Forgetting(tmp_path / "s")
        store = StateStore(database)
        budgets = Budgets(StateThread(store), "a", [ALL])
        database.forgets = 1
        assert await reserved(budgets, ("all",), 400) == Refused("all", "store")
        await asyncio.sleep(2 * PROBE_S)
        hold = await reserved(budgets, ("all",), 400, NOW_US + SECOND_US)
        assert isinstance(hold, Hold)
        budgets.settle(hold, 300)
        database.forgets = 1
        with pytest.raises(StateDown):
            await budgets.tick(NOW_US + SECOND_US)
        await budgets.tick(NOW_US + 2 * SECOND_US)
        assert totals(store) == (300, 500, 0)  # the lease asked for twice was granted twice, and is this replica's
        await budgets.close(NOW_US + 3 * SECOND_US)
        assert totals(store) == (300, 0, 0)

    run(work())


def test_a_lease_that_lies_idle_goes_back(tmp_path: Path) -> None:
    async def work() -> None:
        store = StateStore(SqliteDatabase(tmp_path / "s"))
        budgets = Budgets(StateThread(store), "a", [ALL])
        hold = await reserved(budgets, ("all",), 4)
        assert isinstance(hold, Hold)
        assert totals(store) == (0, 10, 0)
        await budgets.tick(NOW_US + 29 * SECOND_US)
        assert totals(store) == (0, 10, 0)
        await budgets.tick(NOW_US + 31 * SECOND_US)
        assert totals(store) == (0, 4, 0)  # a call is under way
        budgets.settle(hold, 3)
        await budgets.tick(NOW_US + 32 * SECOND_US)
        assert totals(store) == (3, 0, 0)

    run(work())


def test_each_month_has_its_own_budget_and_a_call_belongs_to_the_month_it_started_in(tmp_path: Path) -> None:
    last_second = NOW_US + 13 * 86_400 * SECOND_US - 12 * 3600 * SECOND_US - SECOND_US
    assert period_of(last_second) == "2026-11"
    assert period_of(last_second + SECOND_US) == "2026-12"

    async def work() -> None:
        store = StateStore(SqliteDatabase(tmp_path / "s"))
        budgets = Budgets(StateThread(store), "a", [ALL])
        november = await reserved(budgets, ("all",), 1_000, last_second)
        december = await reserved(budgets, ("all",), 1_000, last_second + SECOND_US)
        assert isinstance(november, Hold)
        assert isinstance(december, Hold)
        budgets.settle(november, 900)
        budgets.settle(december, 10)
        await budgets.tick(last_second + 2 * SECOND_US)
        assert totals(store, period="2026-11") == (900, 0, 0)  # what is left of a past month goes back at once
        assert totals(store, period="2026-12") == (10, 990, 0)
        assert budgets.spent == {"2026-11": {"all": 900}, "2026-12": {"all": 10}}

    run(work())


def test_a_clock_that_jumps_back_or_far_ahead_loses_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        store = StateStore(SqliteDatabase(tmp_path / "s"))
        one, two = (Budgets(StateThread(store), name, [ALL]) for name in "ab")
        hold = await reserved(one, ("all",), 100)
        assert isinstance(hold, Hold)
        await two.tick(NOW_US + 10**13)  # another replica's clock is months ahead
        assert totals(store) == (0, 0, 100)
        one.settle(hold, 60)
        await one.tick(NOW_US - 10**12)
        assert totals(store) == (60, 40, 0)

    run(work())


def test_a_caller_that_leaves_while_it_waits_holds_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        database = Slow(tmp_path / "s")
        store = StateStore(database)
        budgets = Budgets(StateThread(store), "a", [ALL, Budget(name="b", cap_nano=1_000)])
        database.may_go = threading.Semaphore(1)
        waiting = asyncio.create_task(budgets.ask(("all", "b"), 1_000, NOW_US))
        while database.waiting < 2:  # it has reserved in "all" and waits for "b"
            await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        database.may_go.release(10)
        hold = await reserved(budgets, ("all", "b"), 1_000, NOW_US + SECOND_US)
        assert isinstance(hold, Hold)

    run(work())


@contextlib.contextmanager
def stopped(database: Slow) -> Iterator[None]:
    """The store answers nobody until this ends."""
    database.waiting, database.may_go = 0, threading.Semaphore(0)
    try:
        yield
    finally:
        database.may_go.release(1_000)


def test_what_a_waiting_call_counts_on_is_not_taken_from_it(tmp_path: Path) -> None:
    """100 of 1,000 leased, 1 spent, 99 free: the next 100 needs one more, and nobody may take the 99 meanwhile."""

    async def work() -> None:
        database = Slow(tmp_path / "s")
        budgets = Budgets(StateThread(StateStore(database)), "a", [ALL])
        first = await reserved(budgets, ("all",), 100)
        assert isinstance(first, Hold)
        budgets.settle(first, 1)
        with stopped(database):
            waiting = asyncio.create_task(budgets.ask(("all",), 100, NOW_US))
            while not database.waiting:
                await asyncio.sleep(0.01)
            between = asyncio.create_task(reserved(budgets, ("all",), 90))
            await asyncio.sleep(0)
        assert isinstance(await waiting, Hold)
        assert isinstance(await between, Hold)
        assert isinstance(await reserved(budgets, ("all",), 100), Hold)  # and nobody is refused for it afterwards
        assert isinstance(await reserved(budgets, ("all",), 709), Hold)  # 1 spent, 290 reserved: to the last nano
        assert await reserved(budgets, ("all",), 1, NOW_US + SECOND_US) == Refused("all", "cap")

    run(work())


def test_a_lease_enlarged_ahead_of_need_refuses_nobody_for_what_calls_took_meanwhile(tmp_path: Path) -> None:
    """Leased 200 of 1,000; with fewer than 50 free more is asked for. What is free then is taken before the answer."""

    async def work() -> None:
        database = Slow(tmp_path / "s")
        budgets = Budgets(StateThread(StateStore(database)), "a", [ALL])
        first = await reserved(budgets, ("all",), 200)
        assert isinstance(first, Hold)
        budgets.settle(first, 151)
        with stopped(database):
            assert budgets.reserve(("all",), 1, NOW_US)  # 48 free: more is asked for
            while not database.waiting:
                await asyncio.sleep(0.01)
            assert budgets.reserve(("all",), 48, NOW_US)
        assert isinstance(await reserved(budgets, ("all",), 700), Hold)

    run(work())


def test_a_call_that_stops_waiting_gives_back_what_was_set_aside_for_it(tmp_path: Path) -> None:
    async def work() -> None:
        database = Slow(tmp_path / "s")
        budgets = Budgets(StateThread(StateStore(database)), "a", [ALL])
        first = await reserved(budgets, ("all",), 100)
        assert isinstance(first, Hold)
        budgets.settle(first, 1)
        with stopped(database):
            waiting = asyncio.create_task(budgets.ask(("all",), 100, NOW_US))
            while not database.waiting:
                await asyncio.sleep(0.01)
            assert budgets.reserve(("all",), 90, NOW_US) is None
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert budgets.reserve(("all",), 99, NOW_US)

    run(work())


def test_what_is_on_its_way_back_is_not_spent(tmp_path: Path) -> None:
    async def work() -> None:
        database = Slow(tmp_path / "s")
        store = StateStore(database)
        budgets = Budgets(StateThread(store), "a", [Budget(name="all", cap_nano=100_000)])
        hold = await reserved(budgets, ("all",), 1)
        assert isinstance(hold, Hold)
        database.waiting, database.may_go = 0, threading.Semaphore(0)
        closing = asyncio.create_task(budgets.close(NOW_US))
        while not database.waiting:
            await asyncio.sleep(0.01)
        assert budgets.reserve(("all",), 1, NOW_US) is None
        database.may_go.release(10)
        await closing
        assert totals(store) == (0, 1, 0)

    run(work())


def test_the_lease_of_a_dead_replica_is_reclaimed_once_by_what_its_log_says(connect, tmp_path: Path) -> None:
    from baseload.gateway.calllog.records import End, Start
    from baseload.gateway.calllog.segment import CallLog

    async def dies() -> None:
        budgets = Budgets(StateThread(StateStore(connect())), "dead", [ALL])
        log = CallLog(tmp_path / "log", "dead", clock_us=lambda: NOW_US, spent=lambda: budgets.spent)
        for cost in (30, 50, None):
            seq = log.next_seq()
            hold = await reserved(budgets, ("all",), 100)
            assert isinstance(hold, Hold)
            log.append(Start(seq=seq, us=NOW_US, budgets=("all",), period=hold.period, held_nano=100))
            if cost is not None:
                log.append(End(seq=seq, us=NOW_US, cost_nano=cost))
                budgets.settle(hold, cost)
            if cost == 30:
                log.rotate()
                await budgets.tick(NOW_US)
        log._commits.close(log._fd)  # its locks go as with the process

    run(dies())
    assert totals(StateStore(connect())) == (
        30,
        150,
        0,
    )  # leased: 100, 30 and 50, what each call needed beyond the rest

    async def restarted(name: str) -> list[Place]:
        budgets = Budgets(StateThread(StateStore(connect())), name, [ALL])
        return [place for one in found for place in await budgets.reclaim(one.replica_id, one.used, NOW_US)]

    found = recover(tmp_path / "log", lambda: NOW_US)
    assert [one.replica_id for one in found] == ["dead"]
    assert run(restarted("x")) == [Place("all", "2026-11")]
    assert run(restarted("y")) == []
    assert totals(StateStore(connect())) == (80, 0, 100)  # the call in flight keeps what it had reserved
