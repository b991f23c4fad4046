"""A clock that jumps back an hour and forward a day: no crash, no negative time, each call in the month it began in."""

from __future__ import annotations

import datetime as dt
import functools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import served
from faults_world import Caller, answer_bytes, books, check, reached, request_bytes, rough, stream_bytes
from served import Served, serving, settings

from baseload.gateway.runtime import Gateway
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.values import NANO_PER_USD

SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
END_OF_MONTH = int(dt.datetime(2026, 11, 30, 23, 59, 50, tzinfo=dt.UTC).timestamp()) * SECOND
CAP_USD = 3


class Clock:
    def __init__(self) -> None:
        self.us = END_OF_MONTH

    def __call__(self) -> int:
        self.us += 100
        return self.us


@contextmanager
def world(
    folder: Path, patch: pytest.MonkeyPatch, behave: Callable[[Any], None], text: str = ""
) -> Iterator[tuple[Served, Clock, Any]]:
    clock = Clock()
    patch.setattr(served, "Gateway", functools.partial(Gateway, clock_us=clock))
    budget = f'[retry]\ntries = 1\n[[budget]]\nusd = "{CAP_USD}"\n'
    with rough(behave) as upstream, serving(settings(upstream.base_url, budget + text, folder=folder)) as gateway:
        yield gateway, clock, upstream


def month(us: int) -> str:
    return dt.datetime.fromtimestamp(us / SECOND, dt.UTC).strftime("%Y-%m")


def jumps(folder: Path, patch: pytest.MonkeyPatch, count: int, seed: int) -> dict[str, Any]:
    """The clock jumps between calls, and within them: between the request and its answer."""
    chance = random.Random(seed)
    clock_of: list[Clock] = []
    told: Counter[int] = Counter()

    def jump() -> None:
        clock_of[0].us += chance.choice((-HOUR, DAY, -DAY, HOUR, -SECOND, SECOND, 40 * SECOND, 200 * SECOND))

    def behave(line: Any) -> None:
        while (number := line.request()) is not None:
            if number % 3 == 0:
                jump()
            line.send(stream_bytes(number) if number % 2 else answer_bytes(number))

    with world(folder, patch, behave) as (gateway, clock, upstream):
        clock_of.append(clock)
        with Caller(gateway.gateway.port) as caller:
            for number in range(count):
                if number % 5 == 0:
                    jump()
                if number % 7 == 0:
                    gateway.call(lambda: gateway.gateway.budgets.tick(clock()))
                    gateway.call(gateway.gateway.core.log.tick)
                caller.send(request_bytes(number, stream=bool(number % 2)))
                told[caller.told().status] += 1
    assert told == {200: count}
    figures = check(folder, reached(upstream), set(range(count)))
    found = books(folder)
    assert all(start.period == month(start.us) for _, start in found.starts)
    assert all(end.first_us is None or end.us >= end.first_us for _, end in found.ends)
    spent = Counter[str]()
    period_of = {number: start.period for number, start in found.starts}
    for number, end in found.ends:
        spent[period_of[number]] += end.cost_nano or 0
    store = StateStore(SqliteDatabase(folder / ".baseload/gateway/state.db"))
    try:
        for period, cost in spent.items():
            rows = store.budgets(period)
            assert [(row.spent_nano, row.leased_nano, row.held_nano) for row in rows] == [(cost, 0, 0)]
            assert cost <= CAP_USD * NANO_PER_USD
    finally:
        store.close()
    return {**figures, "months": len(spent)}


def test_jumps_of_the_clock_lose_nothing_and_count_each_call_in_its_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert jumps(tmp_path, monkeypatch, 150, 1)["months"] >= 2


@pytest.mark.prove
def test_thousands_of_calls_under_a_clock_that_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    for name, value in jumps(tmp_path, monkeypatch, 3_000, 2).items():
        record_property(name, value)


@pytest.mark.parametrize("by", [-HOUR, DAY], ids=["back an hour", "forward a day"])
def test_a_budget_that_is_spent_stays_spent_over_a_jump_within_its_month(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: int
) -> None:
    def behave(line: Any) -> None:
        while (number := line.request()) is not None:
            line.send(answer_bytes(number))

    text = '[[budget]]\nusd = "0.0001"\nkey = "nobody"\n'
    with world(tmp_path, monkeypatch, behave, text) as (gateway, clock, _):
        clock.us = END_OF_MONTH - 20 * DAY
        gateway.call(lambda: _spend(gateway, clock()))
        with Caller(gateway.gateway.port) as caller:
            caller.send(request_bytes(1))
            assert (caller.told().status) == 429
            clock.us += by
            caller.send(request_bytes(2))
            told = caller.told()
            assert (told.status, told.error) == (429, "rate_limit_error")


async def _spend(gateway: Served, now_us: int) -> None:
    """All of the month's budget."""
    budgets = gateway.gateway.budgets
    name = "workload=;key="
    hold = await budgets.ask((name,), CAP_USD * NANO_PER_USD, now_us)
    budgets.settle(hold, CAP_USD * NANO_PER_USD)  # type: ignore[arg-type]
