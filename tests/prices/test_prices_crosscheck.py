"""The cross-check: every disagreement named, known faults of the other list proven, nothing waved through."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from price_helpers import day, key

from baseload.prices.book import PriceBook
from baseload.prices.crosscheck import CheckResult, cross_check
from baseload.prices.faults import KNOWN, TRAPS
from baseload.prices.peer import PEER, peer_names, peer_price
from baseload.prices.probe import PROMPTS, Probe, our_price, probes

LAST = day("2026-11-22")


@pytest.fixture(scope="module")
def result(book: PriceBook) -> CheckResult:
    return cross_check(book, peer_price, LAST, names=peer_names())


def test_no_disagreement_is_unexpected(result: CheckResult) -> None:
    assert result.compared > 4_000
    assert [(found.probe, found.ours, found.theirs) for found in result.unexpected] == []
    assert result.unknown_names == ()


def test_every_known_fault_is_still_there(result: CheckResult) -> None:
    assert result.gone == (), f"{PEER} mended these: take them off the list"
    assert set(result.by_fault) == {fault.code for fault in KNOWN}


def test_most_requests_agree_to_the_last_digit(result: CheckResult) -> None:
    assert result.compared - len(result.disagreements) > 2_000


def test_the_grid_asks_about_every_priced_model_class_and_band(book: PriceBook) -> None:
    asked = list(probes(book, LAST))
    assert {probe.key.model for probe in asked} == {row.model for row in book.record.prices}
    assert {probe.charge for probe in asked} == {
        "uncached_input_tokens",
        "cache_read_tokens",
        "cache_write_5m_tokens",
        "cache_write_1h_tokens",
        "output_tokens",
        "web_search_requests",
    }
    assert {probe.key.band for probe in asked} == {"0-100k", "100k-200k", "200k+"}
    assert len(PROMPTS) == 3


def test_a_wrong_figure_of_theirs_is_unexpected(book: PriceBook) -> None:
    def wrong(probe: Probe) -> Decimal | None:
        ours = our_price(book, probe)
        off = probe.key.model == "claude-opus-5-5" and probe.charge == "output_tokens"
        return ours * 3 if ours is not None and off else ours

    found = cross_check(book, wrong, LAST)
    assert found.unexpected
    assert {one.probe.key.model for one in found.unexpected} == {"claude-opus-5-5"}
    assert set(found.gone) == {fault.code for fault in KNOWN}


def test_a_fault_explains_only_its_exact_figure(book: PriceBook) -> None:
    def nearly(probe: Probe) -> Decimal | None:
        found = peer_price(probe)
        is_us = probe.key.platform == "anthropic" and probe.key.geo == "us"
        return found + Decimal("0.000001") if found is not None and is_us else found

    found = cross_check(book, nearly, LAST)
    assert {(one.probe.key.platform, one.probe.key.geo) for one in found.unexpected} == {("anthropic", "us")}


def test_a_model_only_they_know_is_named(book: PriceBook) -> None:
    assert cross_check(book, peer_price, -1, names=["claude-opus-5-5", "claude-opus-77"]).unknown_names == (
        "claude-opus-77",
    )


# --- the traps of their interface (anthropic-facts section 8), each shown


def theirs(model: str, context: dict[str, str] | None = None, provider: str = "anthropic", **usage: int) -> Decimal:
    found = calc_price(
        Usage(**usage),
        model,
        provider_id=provider,
        genai_request_timestamp=dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC),
        price_context=context,
    )
    return found.total_price


def test_trap_aggregates_are_priced_wholly_in_the_dear_band() -> None:
    two_calls = theirs("claude-haiku-5-5", input_tokens=60_000) * 2
    assert two_calls == Decimal("0.012")
    assert theirs("claude-haiku-5-5", input_tokens=120_000) == Decimal("0.06")  # one aggregate: five times as much


def test_trap_a_misspelt_context_is_priced_as_standard() -> None:
    assert theirs("claude-opus-5-5", {"processing": "batsh"}, input_tokens=1_000_000) == 4


def test_trap_batch_and_fast_together_pick_batch() -> None:
    both = {"processing": "batch", "speed": "fast"}
    assert theirs("claude-opus-5-5", both, input_tokens=1_000_000) == 2


def test_trap_a_bare_bedrock_id_is_priced_as_regional() -> None:
    assert theirs("anthropic.claude-opus-5-5", provider="aws", input_tokens=1_000_000) == Decimal("4.4")


def test_trap_writes_without_a_ttl_are_priced_as_5m() -> None:
    assert theirs("claude-opus-5-5", input_tokens=1_000_000, cache_write_tokens=1_000_000) == 5


def test_trap_input_tokens_is_the_whole_prompt() -> None:
    right = theirs("claude-opus-5-5", input_tokens=1_000_000, cache_read_tokens=900_000)
    assert right == Decimal("0.58")  # 100,000 x 4 + 900,000 x 0.20 per million
    with pytest.raises(Exception, match="cache_read"):
        theirs("claude-opus-5-5", input_tokens=100_000, cache_read_tokens=900_000)  # Anthropic's own uncached field


def test_every_trap_is_listed(book: PriceBook) -> None:
    shown = {"aggregates", "misspelt-context", "batch-and-fast", "bare-bedrock-id", "untimed-writes", "total-input"}
    assert set(TRAPS) == shown


def test_our_own_price_of_a_probe_is_the_books(book: PriceBook) -> None:
    probe = Probe(key("claude-opus-5-5"), LAST, "output_tokens", {"uncached_input_tokens": 1000, "output_tokens": 100})
    assert our_price(book, probe) == Decimal("0.006")  # 1,000 x 4 + 100 x 20 per million
