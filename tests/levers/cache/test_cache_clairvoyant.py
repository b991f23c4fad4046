"""The bound: worked by hand, against every possible course, and below whatever the exact rules can do."""

from __future__ import annotations

from itertools import product

import pytest
from cache_traces import Asked, asked_rows, banded_prices, trace_of, unit_prices
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.blanket import cache_all, cache_nothing
from baseload.levers.cache.clairvoyant import clairvoyant
from baseload.levers.cache.paths import fold
from baseload.levers.cache.price import InputPrices, PolicyResult, TokenRates
from baseload.levers.cache.rules import Cache, Mark
from baseload.levers.cache.touches import touches
from baseload.levers.cache.trace import Trace


def bound(trace: Trace, prices: InputPrices, *, keep_alive: bool = False) -> PolicyResult:
    name = "clairvoyant_keep_alive" if keep_alive else "clairvoyant"
    return clairvoyant(name, trace, prices, touches(trace, fold(trace, "all"), prices))  # type: ignore[arg-type]  # one of two


def each(trace: Trace, **how: bool) -> float:
    """The bound in plain-input tokens' worth (100 femto-dollars each)."""
    return bound(trace, unit_prices(trace), **how).femto_usd / 100


def test_what_never_comes_back_is_not_written() -> None:
    trace = trace_of(Asked(0, "ab", more=9))
    result = bound(trace, unit_prices(trace))
    assert result.femto_usd == 100 * 137
    assert (result.write_tokens, result.read_tokens, result.uncached_tokens) == (0, 0, 137)


def test_a_block_that_comes_back_in_five_minutes_is_written_once() -> None:
    """64 x (1.25 + 0.1) = 86.4 against 128 plain."""
    assert each(trace_of(Asked(0, "a"), Asked(300, "a"))) == pytest.approx(86.4)


def test_one_return_within_the_hour_does_not_pay_two_do() -> None:
    """2 + 0.1 > 1 + 1, but 2 + 0.1 + 0.1 < 3: 64 x 2.2 = 140.8."""
    assert each(trace_of(Asked(0, "a"), Asked(1800, "a"))) == pytest.approx(128)
    assert each(trace_of(Asked(0, "a"), Asked(1800, "a"), Asked(3600, "a"))) == pytest.approx(140.8)


def test_lifetimes_may_change_on_the_way() -> None:
    """Two touches a minute apart, a day's pause, three touches half an hour apart: 1.25 + 0.1 + 2 + 0.1 + 0.1."""
    times = (0, 60, 90_000, 91_800, 93_600)
    assert each(trace_of(*(Asked(second, "a") for second in times))) == pytest.approx(64 * 3.55)


def test_blocks_of_one_request_are_decided_apart() -> None:
    """ "a" comes back, "b" does not: 1.25 + 0.1 for the one, 1 for the other."""
    assert each(trace_of(Asked(0, "ab"), Asked(10, "a"))) == pytest.approx(64 * 2.35)


def test_below_the_minimum_nothing_is_cached() -> None:
    trace = trace_of(Asked(0, "a"), Asked(1, "a"))
    assert bound(trace, unit_prices(trace, minimum=65)).femto_usd == 100 * 128


def test_keep_alive_bridges_what_a_lifetime_does_not() -> None:
    """A return after 11 minutes: the 5m entry needs ceil(11 / 5) - 1 = 2 reads between, so 1.25 + 0.2 + 0.1 = 1.55."""
    trace = trace_of(Asked(0, "a"), Asked(660, "a"))
    result = bound(trace, unit_prices(trace), keep_alive=True)
    assert result.femto_usd == pytest.approx(100 * 64 * 1.55)
    assert result.keep_alive_tokens == 2 * 64
    assert result.prompt_tokens == 128
    assert each(trace) == pytest.approx(128)


def test_keep_alive_is_dropped_where_it_costs_more() -> None:
    """A return after two hours: 23 reads of a 5m entry cost 2.3, one of a 1h entry 0.1 but 2 to write: plain it is."""
    trace = trace_of(Asked(0, "a"), Asked(7200, "a"))
    assert each(trace, keep_alive=True) == pytest.approx(128)


def test_a_gap_of_exactly_two_lifetimes_needs_one_read_between() -> None:
    trace = trace_of(Asked(0, "a"), Asked(600, "a"))
    assert bound(trace, unit_prices(trace), keep_alive=True).keep_alive_tokens == 64


def test_kept_alive_at_the_cheapest_band() -> None:
    """The prompt of 128 tokens is dear, but what keeps its prefix alive need not be."""
    cheap = TokenRates(uncached=100, read=10, write_5m=125, write_1h=200)
    dear = TokenRates(uncached=500, read=50, write_5m=625, write_1h=1000)
    trace = trace_of(Asked(0, "ab"), Asked(600, "ab"))
    result = bound(trace, banded_prices(127, cheap, dear), keep_alive=True)
    assert result.femto_usd == 128 * (625 + 10 + 50)


def cheapest_course(gaps: list[int], keep_alive: bool) -> float:
    """Every course of one block: at each touch plain, read, or write for five minutes or an hour."""
    best = float("inf")
    for course in product(("plain", "read", "5m", "1h"), repeat=len(gaps)):
        cost, life = 0.0, 0
        for act, gap in zip(course, gaps, strict=True):
            if act == "read":
                bridges = max(-(-gap // life) - 1, 0) if life else 0
                if not life or (bridges and not keep_alive):
                    break
                cost += 0.1 * (1 + bridges)
                continue
            cost += {"plain": 1, "5m": 1.25, "1h": 2}[act]
            life = {"plain": 0, "5m": 300, "1h": 3600}[act]
        else:
            best = min(best, cost)
    return best


@settings(max_examples=80, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([0, 1, 300, 301, 900, 3600, 3601, 20_000]), max_size=5),
    keep_alive=st.booleans(),
)
def test_no_course_of_a_block_is_cheaper(gaps: list[int], keep_alive: bool) -> None:
    seconds = [sum(gaps[:count]) for count in range(len(gaps) + 1)]
    trace = trace_of(*(Asked(second, "a") for second in seconds))
    expected = 64 * cheapest_course([0, *gaps], keep_alive)
    assert each(trace, keep_alive=keep_alive) == pytest.approx(expected)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(asked_rows(), min_size=1, max_size=10), minimum=st.sampled_from([0, 128]), data=st.data())
def test_no_marks_under_the_exact_rules_are_cheaper(rows: list[Asked], minimum: int, data: st.DataObject) -> None:
    trace = trace_of(*rows)
    prices = unit_prices(trace, minimum=minimum)
    paths, cache, cost = fold(trace, "all"), Cache(minimum_tokens=minimum), 0
    for request in range(len(trace)):
        prompt = paths.prompt(request)
        every = range(len(prompt.prefix_ids))
        places = sorted(data.draw(st.sets(st.sampled_from(every), max_size=4))) if every else []
        long = data.draw(st.integers(0, len(places)))
        marks = [Mark(place, "1h" if rank < long else "5m") for rank, place in enumerate(places)]
        start_us = int(trace.start_us[request])
        served = cache.serve(prompt, marks, start_us, start_us)
        cost += 10 * served.read_tokens + 125 * served.write_5m_tokens
        cost += 200 * served.write_1h_tokens + 100 * served.uncached_tokens
    assert bound(trace, prices).femto_usd <= cost


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(asked_rows(), min_size=1, max_size=12), minimum=st.sampled_from([0, 128]))
def test_the_bounds_lie_below_every_blanket_and_in_order(rows: list[Asked], minimum: int) -> None:
    trace = trace_of(*rows)
    prices = unit_prices(trace, minimum=minimum)
    touched = touches(trace, fold(trace, "all"), prices)
    plain, kept = bound(trace, prices), bound(trace, prices, keep_alive=True)
    blankets = [
        cache_nothing(trace, prices),
        *(cache_all(name, trace, prices, touched) for name in ("all_5m", "all_1h")),
    ]
    assert kept.femto_usd <= plain.femto_usd <= min(result.femto_usd for result in blankets)
    for result in (plain, kept):
        money = 10 * (result.read_tokens + result.keep_alive_tokens) + 125 * result.write_5m_tokens
        assert result.femto_usd == money + 200 * result.write_1h_tokens + 100 * result.uncached_tokens
        assert result.prompt_tokens == int(trace.prompt_tokens.sum())
