"""All calls at once against the rules one by one, and by hand where calls were sampled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cache_calls import Sent, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.chances import Marks, billed, chances
from baseload.levers.cache.judge import Judge
from baseload.levers.cache.marking import Plan
from baseload.levers.cache.price import ModelPrices, TokenRates
from baseload.levers.cache.prompts import TAIL, TOOLS, Slot, layout_of, requests_of
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book

SYSTEM = Slot("system", "system:0")
SLOTS = (TOOLS, SYSTEM, TAIL)
PRICES = ModelPrices(
    model="claude-opus-4-8",
    minimum_tokens=1000,
    edges=(),
    bands=(TokenRates(uncached=100, read=10, write_5m=125, write_1h=200),),
)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def bill_of(marks: Marks, *calls: Sent, least: int = 1000) -> list[list[float]]:
    """[uncached, read, written 5m, written 1h] of each call."""
    requests = requests_of(rows_of(*calls))
    given_chances = chances(requests, layout_of(requests, SLOTS), np.full(len(requests), least))
    return np.array(billed(given_chances, marks)).T.tolist()


def prefix(system: str, *turns: str) -> str:
    """900 tokens of tools, 600 of system, 500 a turn."""
    sides = "ua" * len(turns)
    return " ".join(
        ["70:900:t", f"{system}:600:s", *(f"{turn}:500:{side}" for turn, side in zip(turns, sides, strict=False))]
    )


def test_the_second_call_in_time_reads_and_the_third_comes_too_late() -> None:
    marks: Marks = ((SYSTEM, "5m"),)
    calls = [Sent(at, prefix("11", turn), (2000, 0, 0, 0)) for at, turn in ((0, "a1"), (300, "a2"), (601, "a3"))]
    assert bill_of(marks, *calls) == [[500, 0, 1500, 0], [500, 1500, 0, 0], [500, 0, 1500, 0]]
    hour: Marks = ((SYSTEM, "1h"),)
    assert bill_of(hour, *calls) == [[500, 0, 0, 1500], [500, 1500, 0, 0], [500, 1500, 0, 0]]


def test_a_tail_reads_the_tail_before_it_and_writes_the_rest() -> None:
    marks: Marks = ((SYSTEM, "1h"), (TAIL, "5m"))
    calls = [
        Sent(0, prefix("11", "a1"), (2000, 0, 0, 0)),
        Sent(60, prefix("11", "a1", "a2", "a3"), (3000, 0, 0, 0)),
        Sent(700, prefix("11", "a1", "a2", "a3", "a4", "a5"), (4000, 0, 0, 0)),  # the 5m part is gone, the 1h is not
    ]
    assert bill_of(marks, *calls) == [[0, 0, 500, 1500], [0, 2000, 1000, 0], [0, 1500, 2500, 0]]


def test_below_the_minimum_a_mark_does_nothing() -> None:
    calls = [Sent(at, prefix("11", "a1"), (2000, 0, 0, 0)) for at in (0, 1)]
    assert bill_of(((TOOLS, "5m"), (SYSTEM, "5m")), *calls, least=1600) == [[2000, 0, 0, 0]] * 2


def test_calls_before_the_first_answer_begins_all_write() -> None:
    marks: Marks = ((SYSTEM, "5m"),)
    calls = [Sent(at, prefix("11", "a1"), (2000, 0, 0, 0), begins=3) for at in (0, 1, 2, 3.5)]
    assert [row[1] for row in bill_of(marks, *calls)] == [0, 0, 0, 1500]


def test_gaps_of_sampled_calls_stand_for_shorter_ones() -> None:
    # 1 in 10, one every 3,000 s: arrivals every 300 s, so that 1 - 1/e find the entry alive
    marks: Marks = ((SYSTEM, "5m"),)
    calls = [Sent(3000 * n, prefix("11", f"a{n}"), (2000, 0, 0, 0), rate=10) for n in range(3)]
    alive = 1 - 1 / math.e
    assert bill_of(marks, *calls)[0] == [500, 0, 1500, 0]
    assert bill_of(marks, *calls)[2] == pytest.approx([500, 1500 * alive, 1500 * (1 - alive), 0])


def test_of_sampled_conversations_no_tail_is_known() -> None:
    calls = [Sent(at, prefix("11", "a1"), (2000, 0, 0, 0), rate=10) for at in (0, 1)]
    assert bill_of(((TAIL, "5m"),), *calls) == [[0, 0, 2000, 0]] * 2


def test_in_sampled_sessions_own_gaps_are_true_and_those_of_others_are_not() -> None:
    marks: Marks = ((SYSTEM, "5m"), (TAIL, "5m"))
    calls = [
        Sent(0, prefix("11", "a1"), (2000, 0, 0, 0), "a", rate=10, flags="sampled_whole"),
        Sent(400, prefix("11", "a1", "a2", "a3"), (3000, 0, 0, 0), "a", rate=10, flags="sampled_whole"),
        Sent(3400, prefix("11", "b1"), (2000, 0, 0, 0), "b", rate=10, flags="sampled_whole"),
    ]
    found = bill_of(marks, *calls)
    assert found[1] == [0, 0, 3000, 0]  # 400 s in one session: dead
    assert found[2] == pytest.approx([0, 1500 * (1 - 1 / math.e), 2000 - 1500 * (1 - 1 / math.e), 0])


CALLS = st.lists(
    st.tuples(
        st.integers(0, 5000),  # second
        st.sampled_from(["11", "22"]),  # system
        st.integers(0, 2),  # conversation
        st.integers(0, 3),  # turns before this one
        st.sampled_from([0.0, 0.0, 2.0, 40.0]),  # seconds until the answer begins
    ),
    min_size=1,
    max_size=25,
)
WAYS = st.sampled_from(
    [
        ((SYSTEM, "5m"),),
        ((TAIL, "5m"),),
        ((TAIL, "1h"),),
        ((TOOLS, "1h"), (SYSTEM, "5m")),
        ((SYSTEM, "1h"), (TAIL, "5m")),
        ((TOOLS, "1h"), (SYSTEM, "1h"), (TAIL, "1h")),
        ((TOOLS, "5m"), (SYSTEM, "5m"), (TAIL, "5m")),
    ]
)


@settings(max_examples=150, deadline=None)
@given(CALLS, WAYS)
def test_every_call_known_the_answer_is_that_of_the_rules(
    drawn: list[tuple[int, str, int, int, float]], marks: Marks
) -> None:
    calls = [
        Sent(second, prefix(system, *(f"{talk}{turn}" for turn in range(2 * before + 1))), begins=begins,
             billed=(1500 + 500 * (2 * before + 1), 0, 0, 0))
        for second, system, talk, before, begins in sorted(drawn)
    ]  # fmt: skip
    requests = requests_of(rows_of(*calls))
    judge = Judge(requests, SLOTS, (), load_book())
    given_chances, _ = judge._chances_of(PRICES, moves=False)
    exact = judge._served(given_chances, Plan(marks))
    at_once = billed(given_chances, marks)
    assert [column.tolist() for column in at_once] == [column.tolist() for column in exact]
