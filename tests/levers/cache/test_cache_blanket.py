"""What caching nothing and caching everything cost, block by block."""

from __future__ import annotations

import pytest
from cache_traces import Asked, asked_rows, banded_prices, trace_of, unit_prices
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.levers.cache.blanket import cache_all, cache_nothing
from baseload.levers.cache.paths import fold
from baseload.levers.cache.price import InputPrices, PolicyResult, TokenRates
from baseload.levers.cache.touches import touches
from baseload.levers.cache.trace import Trace


def blanket(name: str, trace: Trace, prices: InputPrices) -> PolicyResult:
    return cache_all(name, trace, prices, touches(trace, fold(trace, "all"), prices))  # type: ignore[arg-type]  # by test


def test_no_cache_is_plain_input() -> None:
    trace = trace_of(Asked(0, "ab", more=5), Asked(1, "abc"))
    result = cache_nothing(trace, unit_prices(trace))
    assert result.femto_usd == 100 * (133 + 192)
    assert (result.requests, result.uncached_tokens, result.hit_rate) == (2, 325, 0.0)


def test_five_minutes_writes_reads_and_leaves_the_partial_block() -> None:
    """128 written; 192 = 128 read + 64 written, 5 plain; after 301 s all 192 are written again."""
    trace = trace_of(Asked(0, "ab"), Asked(10, "abc", more=5), Asked(311, "abc"))
    result = blanket("all_5m", trace, unit_prices(trace))
    assert (result.write_5m_tokens, result.read_tokens, result.uncached_tokens) == (128 + 64 + 192, 128, 5)
    assert result.femto_usd == 125 * 384 + 10 * 128 + 100 * 5
    assert result.write_1h_tokens == 0


@pytest.mark.parametrize(("gap", "read"), [(300, 64), (300.000001, 0), (3600, 0)])
def test_a_block_lives_five_minutes_from_its_last_touch_inclusive(gap: float, read: int) -> None:
    trace = trace_of(Asked(0, "a"), Asked(gap, "a"))
    assert blanket("all_5m", trace, unit_prices(trace)).read_tokens == read


@pytest.mark.parametrize(("gap", "read"), [(3600, 64), (3600.000001, 0)])
def test_or_an_hour_at_twice_the_price(gap: float, read: int) -> None:
    trace = trace_of(Asked(0, "a"), Asked(gap, "a"))
    result = blanket("all_1h", trace, unit_prices(trace))
    assert result.read_tokens == read
    assert result.femto_usd == (200 * 64 + 10 * 64 if read else 2 * 200 * 64)


def test_a_touch_refreshes() -> None:
    """Four touches 4 minutes apart: one write, three reads."""
    trace = trace_of(*(Asked(240 * turn, "a") for turn in range(4)))
    assert blanket("all_5m", trace, unit_prices(trace)).read_tokens == 3 * 64


def test_blankets_are_not_bound_by_look_back() -> None:
    """The second request returns to a prefix of the first that is 30 positions back and was never an end: read."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"
    turns = [Asked(turn, letters[: turn + 1]) for turn in range(36)]
    trace = trace_of(*turns, Asked(40, "abcZ"))
    before = blanket("all_5m", trace_of(*turns), unit_prices(trace)).read_tokens
    assert blanket("all_5m", trace, unit_prices(trace)).read_tokens - before == 3 * 64


def test_lanes_and_models_do_not_share() -> None:
    trace = trace_of(Asked(0, "a"), Asked(1, "a", model=1), Asked(2, "a", lane=1))
    assert blanket("all_1h", trace, unit_prices(trace)).read_tokens == 0


def test_a_request_below_the_minimum_is_plain_and_keeps_nothing_alive() -> None:
    """Of 128 tokens at least: "a" is plain and does not refresh, so that after 310 s "ab" is written again."""
    trace = trace_of(Asked(0, "ab"), Asked(150, "a", more=40), Asked(310, "ab"))
    result = blanket("all_5m", trace, unit_prices(trace, minimum=128))
    assert (result.write_5m_tokens, result.read_tokens, result.uncached_tokens) == (256, 0, 104)


def test_a_dear_band_takes_the_whole_request_cached_tokens_too() -> None:
    """anthropic-facts 0.2: the band goes by all input. 128 tokens are cheap, 192 dear throughout."""
    cheap = TokenRates(uncached=100, read=10, write_5m=125, write_1h=200)
    dear = TokenRates(uncached=500, read=50, write_5m=625, write_1h=1000)
    trace = trace_of(Asked(0, "ab"), Asked(1, "abc"))
    result = blanket("all_5m", trace, banded_prices(128, cheap, dear))
    assert result.femto_usd == 125 * 128 + 50 * 128 + 625 * 64


@settings(max_examples=200, deadline=None)
@given(rows=st.lists(asked_rows(lanes=2), min_size=1, max_size=12), minimum=st.sampled_from([0, 128]))
def test_segments_give_what_the_blocks_give_one_by_one(rows: list[Asked], minimum: int) -> None:
    trace = trace_of(*rows)
    for name, ttl_us in (("all_5m", 300_000_000), ("all_1h", 3_600_000_000)):
        last: dict[tuple[int, tuple[int, ...]], int] = {}
        read = written = 0
        for i in range(len(trace)):
            blocks = trace.blocks[trace.offset[i] : trace.offset[i + 1]].tolist()
            if 64 * len(blocks) < minimum:
                continue
            for depth in range(1, len(blocks) + 1):
                prefix = (int(trace.lane[i]), tuple(blocks[:depth]))
                now = int(trace.start_us[i])
                alive = prefix in last and now - last[prefix] <= ttl_us
                read, written = read + 64 * alive, written + 64 * (not alive)
                last[prefix] = now
        result = blanket(name, trace, unit_prices(trace, minimum=minimum))
        assert (result.read_tokens, result.write_tokens) == (read, written)
        assert result.prompt_tokens == int(trace.prompt_tokens.sum())
