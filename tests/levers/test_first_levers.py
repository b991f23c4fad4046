"""The first figures of routing, caching, batching and waste, worked out by hand at the prices of 2026-11-22.

Prices in USD per million tokens (anthropic-facts section 1.1): Opus 4.8 5 in, 25 out; Opus 5.5 4 in, 20 out, read 0.20,
write 5.00; Haiku 4.5 1 in, 5 out; Haiku 5.5 0.10 in, 0.50 out, five times that above 100,000 tokens.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from baseload.levers.batching import batch_opportunities
from baseload.levers.caching import (
    TTL_US,
    losing_cache_opportunities,
    missed_read_opportunities,
    prefix_reads,
    realised_savings,
)
from baseload.levers.evidence import prefix_days
from baseload.levers.first_look import within_reach
from baseload.levers.position import Position, cost_nano
from baseload.levers.routing import route_opportunities, successor
from baseload.levers.summary import summarise
from baseload.levers.waste import retirement_opportunities, surcharge_opportunities
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.values import Opportunity, Tokens, Window, Workload, day_of_date

TODAY = day_of_date(dt.date(2026, 11, 22))
USD = 1_000_000_000
MTOK = 1_000_000


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def at(model: str, **changes: str) -> PriceKey:
    return PriceKey(model, "anthropic", "global", "standard", "standard", "0-100k")._replace(**changes)


def spent(book: PriceBook, key: PriceKey, requests: int | None = 1_000, **tokens: int) -> Position:
    counted = Tokens(**tokens)
    rates = book.rates(key, TODAY)
    assert rates is not None
    nano = cost_nano(counted, rates.low)
    return Position(workload="w", key=key, requests=requests, tokens=counted, list_nano=nano, list_high_nano=nano)


def workload(**changes: object) -> dict[str, Workload]:
    return {"w": Workload(id="w", name="w", stage="tag", why="", **changes)}  # type: ignore[arg-type]


def route_to(book: PriceBook, model: str, position: Position, *features: str) -> Opportunity:
    rows = route_opportunities([position], workload(request_features=features), book, TODAY)
    return next(row for row in rows if row.candidate == model)


def test_a_swap_on_one_tokenizer_is_the_difference_of_two_prices(book: PriceBook) -> None:
    # 1M in + 0.1M out on Opus 5: 5 + 2.5 = 7.5; on Opus 5.5: 4 + 2 = 6, or 4 + 2.5 when it says a quarter more
    position = spent(book, at("claude-opus-5"), uncached_input_tokens=MTOK, output_tokens=MTOK // 10)
    found = route_to(book, "claude-opus-5-5", position)
    assert (found.low_nano, found.high_nano) == (1 * USD, 1_500_000_000)
    assert found.grade == "assumed"
    assert found.assumption == "quality not tested; output up to x 1.25"


def test_thinking_that_cannot_be_turned_off_widens_the_range_downwards(book: PriceBook) -> None:
    # Opus 4.8 does not think unless asked; Opus 5.5 always does: output may double, 4 + 4 = 8 against 7.5
    position = spent(book, at("claude-opus-4-8"), uncached_input_tokens=MTOK, output_tokens=MTOK // 10)
    found = route_to(book, "claude-opus-5-5", position)
    assert (found.low_nano, found.high_nano) == (-500_000_000, 1_500_000_000)
    assert "thinking cannot be turned off" in found.assumption


def test_the_newer_tokenizer_makes_the_same_text_up_to_a_third_longer(book: PriceBook) -> None:
    # Haiku 4.5: 1M in = 1.00; Haiku 5.5: 0.10 to 0.135 (x 1.35), thinking can be disabled there
    position = spent(book, at("claude-haiku-4-5-20251001"), uncached_input_tokens=MTOK)
    found = route_to(book, "claude-haiku-5-5", position)
    assert (found.low_nano, found.high_nano) == (865_000_000, 900_000_000)


def test_prompts_that_would_cross_100_000_tokens_are_priced_above_the_cliff(book: PriceBook) -> None:
    # 90,000 tokens a call x 1.35 = 121,500: the whole request at 0.50, 90M x 1.35 x 0.50 = 60.75 against 90
    position = spent(book, at("claude-haiku-4-5-20251001"), uncached_input_tokens=90 * MTOK)
    found = route_to(book, "claude-haiku-5-5", position)
    assert (found.low_nano, found.high_nano) == (29_250_000_000, 81 * USD)


def test_a_feature_the_candidate_refuses_excludes_it_by_name(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-4-5-20251101"), uncached_input_tokens=MTOK)
    found = route_to(book, "claude-sonnet-5-5", position, "prefill", "sampling")
    assert found.excluded_by == ("prefill",)
    assert (found.low_nano, found.high_nano) == (0, 0)
    assert "answers are prefilled" in found.assumption


def test_a_model_about_to_retire_is_no_place_to_move_to(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-4-5-20251101"), uncached_input_tokens=MTOK)
    rows = route_opportunities([position], workload(), book, TODAY)
    assert "claude-sonnet-4-5-20250929" not in {row.candidate for row in rows}
    assert "claude-sonnet-4-6" in {row.candidate for row in rows}


def test_routing_never_proposes_a_dearer_line_or_the_same_model(book: PriceBook) -> None:
    position = spent(book, at("claude-sonnet-5-5"), uncached_input_tokens=MTOK)
    rows = route_opportunities([position], workload(), book, TODAY)
    assert all(book.models[row.candidate].line in ("haiku", "sonnet") for row in rows)
    assert "claude-sonnet-5-5" not in {row.candidate for row in rows}


def test_the_successor_is_the_newest_of_the_line(book: PriceBook) -> None:
    newest = successor(book.models["claude-opus-4-8"], book, TODAY)
    assert newest is not None
    assert newest.id == "claude-opus-5-5"
    assert successor(book.models["claude-opus-5-5"], book, TODAY) is None


def test_batch_halves_tolerant_work_and_is_only_possible_where_latency_is_unknown(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-5-5"), uncached_input_tokens=MTOK, output_tokens=MTOK)  # 24 USD
    tolerant = batch_opportunities([position], workload(latency="tolerant"), book, TODAY)
    unknown = batch_opportunities([position], workload(), book, TODAY)
    assert [(row.low_nano, row.high_nano) for row in tolerant] == [(12 * USD, 12 * USD)]
    assert [(row.low_nano, row.high_nano) for row in unknown] == [(0, 12 * USD)]
    assert batch_opportunities([position], workload(latency="interactive"), book, TODAY) == []
    assert batch_opportunities([position], workload(latency="tolerant", task="agentic"), book, TODAY) == []


def test_work_that_is_batched_already_saves_nothing_more(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-5-5", tier="batch"), uncached_input_tokens=MTOK)
    assert batch_opportunities([position], workload(latency="tolerant"), book, TODAY) == []


def test_fast_mode_is_a_surcharge_over_the_same_call_at_standard_speed(book: PriceBook) -> None:
    # Opus 5.5 fast is 8 in, 40 out: 8 + 4 = 12 against 4 + 2 = 6
    position = spent(book, at("claude-opus-5-5", speed="fast"), uncached_input_tokens=MTOK, output_tokens=MTOK // 10)
    (row,) = surcharge_opportunities([position], book, TODAY)
    assert (row.candidate, row.low_nano, row.high_nano) == ("fast mode", 0, 6 * USD)


def test_the_100_000_token_cliff_costs_four_fifths_of_the_request(book: PriceBook) -> None:
    position = spent(book, at("claude-haiku-5-5", band="100k-200k"), uncached_input_tokens=10 * MTOK)  # 5 USD
    (row,) = surcharge_opportunities([position], book, TODAY)
    assert (row.candidate, row.high_nano) == ("over 100,000 tokens", 4 * USD)


def test_long_prompts_of_models_without_a_cliff_are_no_surcharge(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-5-5", band="100k-200k"), uncached_input_tokens=10 * MTOK)
    assert surcharge_opportunities([position], book, TODAY) == []


def test_spend_on_a_retiring_model_is_shown_with_what_its_line_costs_today(book: PriceBook) -> None:
    # Sonnet 4.5 retires 2026-11-30: 1M in = 3.00; Sonnet 5.5: 2.00 to 2.70 (the same text x 1.0 to 1.35)
    position = spent(book, at("claude-sonnet-4-5-20250929"), uncached_input_tokens=MTOK)
    (row,) = retirement_opportunities([position], workload(request_features=("prefill",)), book, TODAY)
    assert (row.candidate, row.low_nano, row.high_nano) == ("claude-sonnet-5-5", 300_000_000, USD)
    assert "retires 2026-11-30" in row.assumption
    assert "to be rewritten first, because answers are prefilled" in row.assumption


def test_realised_cache_savings_are_reads_saved_minus_write_premiums(book: PriceBook) -> None:
    # Opus 5.5: 10M read save 10 x (4 - 0.2) = 38; 2M written at 5 instead of 4 cost 2
    position = spent(book, at("claude-opus-5-5"), cache_read_tokens=10 * MTOK, cache_write_5m_tokens=2 * MTOK)
    (row,) = realised_savings([position], book, TODAY)
    assert (row.read_saving_nano, row.write_premium_nano, row.net_nano) == (38 * USD, 2 * USD, 36 * USD)
    assert losing_cache_opportunities([row]) == []


def test_writes_that_nobody_reads_are_a_loss_shown_as_measured(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-5-5"), cache_write_5m_tokens=2 * MTOK)
    (row,) = losing_cache_opportunities(realised_savings([position], book, TODAY))
    assert (row.candidate, row.low_nano, row.high_nano, row.grade) == (
        "turn caching off",
        2 * USD,
        2 * USD,
        "measured",
    )


def test_tokens_sent_again_while_the_entry_lived_could_have_been_reads(book: PriceBook) -> None:
    # 1M re-sent plain (4.00) and 1M re-written (5.00) as 2M reads (0.40): 8.60
    paid = Tokens(uncached_input_tokens=MTOK, cache_write_5m_tokens=MTOK)
    (row,) = missed_read_opportunities([("w", at("claude-opus-5-5"), paid)], book, TODAY)
    assert (row.low_nano, row.high_nano) == (0, 8_600_000_000)


def prefix_rows(*calls: tuple[int, str], rate: int = 1, flags: str = "") -> dict[str, np.ndarray]:
    count = len(calls)
    return {
        "scope": np.zeros(count, dtype=np.int64),
        "signature": np.array(["s"] * count, dtype=object),
        "price_key": np.array(["k"] * count, dtype=object),
        "model": np.array(["m"] * count, dtype=object),
        "start_us": np.array([start for start, _ in calls], dtype=np.int64),
        "sampling_rate": np.full(count, rate, dtype=np.int64),
        "flags": np.array([flags] * count, dtype=object),
        "prefix_blocks": np.array([blocks for _, blocks in calls], dtype=object),
    }


def test_a_prefix_is_written_once_per_chain_and_read_by_everyone_who_follows_in_time() -> None:
    # a 2,000-token prefix at 0, within the TTL, within it again, then too late: one write, two reads
    calls = [(0, "a:2000 x:10"), (TTL_US, "a:2000 y:10"), (2 * TTL_US, "a:2000 z:10"), (4 * TTL_US, "a:2000 w:10")]
    found = prefix_reads({"m": 1024})(prefix_rows(*calls))
    assert found["readable_tokens"].tolist() == [4_000]
    assert found["written_tokens"].tolist() == [2_000]


def test_a_prefix_below_the_minimum_or_seen_once_is_not_worth_an_entry() -> None:
    short = prefix_reads({"m": 1024})(prefix_rows((0, "a:500"), (1, "a:500")))
    once = prefix_reads({"m": 1024})(prefix_rows((0, "a:2000"), (1, "b:2000")))
    assert len(short["signature"]) == len(once["signature"]) == 0


def test_blocks_after_a_difference_are_another_prefix_even_when_they_look_the_same() -> None:
    found = prefix_reads({"m": 100})(prefix_rows((0, "a:200 c:300"), (1, "b:200 c:300")))
    assert len(found["signature"]) == 0


def test_gaps_of_sampled_calls_stand_for_shorter_ones() -> None:
    # 1-in-10 calls, one every 3,000 s: really one every 300 s = the TTL, so a share 1 - 1/e = 0.6321 finds it alive:
    # 2 gaps x 10 x 0.6321 x 2,000 = 25,285 tokens read, 2 x 10 x 0.3679 x 0.6321 x 2,000 = 9,302 written
    calls = [(0, "a:2000"), (10 * TTL_US, "a:2000"), (20 * TTL_US, "a:2000")]
    found = prefix_reads({"m": 1024})(prefix_rows(*calls, rate=10))
    assert found["readable_tokens"].tolist() == [25_285]
    assert found["written_tokens"].tolist() == [9_302]


def test_gaps_inside_whole_sampled_sessions_are_true_gaps() -> None:
    calls = [(0, "a:2000"), (TTL_US, "a:2000"), (3 * TTL_US, "a:2000")]
    found = prefix_reads({"m": 1024})(prefix_rows(*calls, rate=10, flags="sampled_whole"))
    assert found["readable_tokens"].tolist() == [20_000]
    assert found["written_tokens"].tolist() == [20_000]


def test_many_prefixes_are_followed_on_the_latest_days_only() -> None:
    days = {"day": np.array([10, 12, 11]), "calls": np.array([500, 200, 300])}
    assert prefix_days(days, most=1_000) is None
    assert prefix_days(days, most=600) == Window(start_day=11, end_day_exclusive=13)
    assert prefix_days(days, most=100) == Window(start_day=12, end_day_exclusive=13)  # one day at least


def test_a_lever_counts_each_workload_once() -> None:
    def row(candidate: str, low: int, high: int) -> Opportunity:
        return Opportunity(
            workload="w",
            lever="route",
            candidate=candidate,
            low_nano=low,
            high_nano=high,
            grade="assumed",
            assumption="",
        )

    rows = [row("cheap", -5, 90), row("refresh", 10, 20)]

    def route(reach: set[str]) -> tuple[int, int]:
        found = summarise(rows, {"w": frozenset({"refresh"})}, {"w": frozenset(reach)})
        return next((one.low_nano, one.high_nano) for one in found if one.lever == "route")

    assert route({"cheap", "refresh"}) == (10, 90)
    assert route({"refresh"}) == (10, 20)


def test_only_work_that_is_easy_to_check_reaches_below_the_next_line(book: PriceBook) -> None:
    position = spent(book, at("claude-opus-5-5"), uncached_input_tokens=MTOK)
    checked = within_reach([position], workload(task="classification"), book, TODAY)["w"]
    agentic = within_reach([position], workload(task="agentic"), book, TODAY)["w"]
    assert "claude-haiku-5-5" in checked
    assert "claude-haiku-5-5" not in agentic
    assert "claude-sonnet-5-5" in agentic
