"""What models cost, by hand from the price pages, in USD per million tokens.

The order is that of a bill: input, cache read, 5m write, 1h write, output.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from price_helpers import day, five, key, rates_of, usd

from baseload.prices.book import PriceBook

CURRENT = {
    # anthropic-facts 1.1
    "claude-fable-5-2": usd("8", "0.20", "10", "16", "40"),
    "claude-mythos-5-2": usd("8", "0.20", "10", "16", "40"),
    "claude-fable-5-1": usd("10", "0.25", "12.5", "20", "50"),
    "claude-mythos-5-1": usd("10", "0.25", "12.5", "20", "50"),
    "claude-fable-5": usd("10", "1.00", "12.5", "20", "50"),
    "claude-mythos-5": usd("10", "1.00", "12.5", "20", "50"),
    "claude-opus-5-5": usd("4", "0.20", "5", "8", "20"),
    "claude-opus-5": usd("5", "0.50", "6.25", "10", "25"),
    "claude-opus-4-8": usd("5", "0.50", "6.25", "10", "25"),
    "claude-opus-4-7": usd("5", "0.50", "6.25", "10", "25"),
    "claude-opus-4-6": usd("5", "0.50", "6.25", "10", "25"),
    "claude-opus-4-5-20251101": usd("5", "0.50", "6.25", "10", "25"),
    "claude-sonnet-5-5": usd("2", "0.10", "2.5", "4", "10"),
    "claude-sonnet-5": usd("2", "0.20", "2.5", "4", "10"),
    "claude-sonnet-4-6": usd("3", "0.30", "3.75", "6", "15"),
    "claude-sonnet-4-5-20250929": usd("3", "0.30", "3.75", "6", "15"),
    "claude-haiku-5-5": usd("0.10", "0.01", "0.125", "0.20", "0.50"),
    "claude-haiku-4-5-20251001": usd("1", "0.10", "1.25", "2", "5"),
}

RETIRED = {
    # anthropic-facts 1.2: model, a day of its life, rates
    ("claude-opus-4-1-20250805", "2026-01-01"): usd("15", "1.5", "18.75", "30", "75"),
    ("claude-opus-4-20250514", "2026-01-01"): usd("15", "1.5", "18.75", "30", "75"),
    ("claude-sonnet-4-20250514", "2026-01-01"): usd("3", "0.30", "3.75", "6", "15"),
    ("claude-3-7-sonnet-20250219", "2026-01-01"): usd("3", "0.30", "3.75", "6", "15"),
    ("claude-3-5-haiku-20241022", "2025-06-01"): usd("0.80", "0.08", "1", "1.6", "4"),
    ("claude-3-haiku-20240307", "2025-06-01"): usd("0.25", "0.03", "0.30", "0.50", "1.25"),  # not exact multiples
    ("claude-3-opus-20240229", "2025-06-01"): usd("15", "1.5", "18.75", "30", "75"),
    ("claude-3-5-sonnet-20240620", "2025-06-01"): usd("3", "0.30", "3.75", "6", "15"),
    ("claude-3-5-sonnet-20241022", "2025-06-01"): usd("3", "0.30", "3.75", "6", "15"),
}


@pytest.mark.parametrize("model", CURRENT)
def test_current_models_cost_what_the_price_page_says(book: PriceBook, model: str) -> None:
    assert rates_of(book, key(model), "2026-11-22") == CURRENT[model]


@pytest.mark.parametrize(("model", "on"), RETIRED)
def test_retired_models_cost_what_they_cost_when_they_were_sold(book: PriceBook, model: str, on: str) -> None:
    assert rates_of(book, key(model), on) == RETIRED[model, on]


@pytest.mark.parametrize("model", CURRENT)
def test_batch_halves_every_class_writes_and_reads_included(book: PriceBook, model: str) -> None:
    halves = tuple(rate / 2 for rate in CURRENT[model])
    assert rates_of(book, key(model, tier="batch"), "2026-11-22") == halves


@pytest.mark.parametrize("model", ["claude-3-sonnet-20240229", "claude-2.1", "claude-2.0"])
def test_models_without_caching_price_input_and_output_only(book: PriceBook, model: str) -> None:
    found = book.rates(key(model), day("2025-01-01"))
    assert found is not None
    plain = {"claude-3-sonnet-20240229": usd("3", "15")}.get(model, usd("8", "24"))
    assert (found.low.uncached_input, found.low.output) == plain
    assert set(found.unsold) >= {"cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"}


# --- history (anthropic-facts 1.3)


def test_sonnet_5_5_cache_reads_halved_on_7_october_2026(book: PriceBook) -> None:
    assert rates_of(book, key("claude-sonnet-5-5"), "2026-10-06") == usd("2", "0.20", "2.5", "4", "10")
    assert rates_of(book, key("claude-sonnet-5-5"), "2026-10-07") == usd("2", "0.10", "2.5", "4", "10")


def test_the_cancelled_rise_of_sonnet_5_never_happened(book: PriceBook) -> None:
    for on in ("2026-06-30", "2026-08-31", "2026-09-01", "2026-11-22"):
        assert rates_of(book, key("claude-sonnet-5"), on) == usd("2", "0.20", "2.5", "4", "10")


def test_haiku_3_5_launched_dearer_and_was_cut_in_december_2024(book: PriceBook) -> None:
    assert rates_of(book, key("claude-3-5-haiku-20241022"), "2024-11-04") == usd("1", "0.10", "1.25", "2", "5")
    assert rates_of(book, key("claude-3-5-haiku-20241022"), "2024-12-31") == usd("0.80", "0.08", "1", "1.6", "4")


@pytest.mark.parametrize(
    ("model", "premium"),
    [
        ("claude-opus-4-6", usd("10", "1.00", "12.5", "20", "37.5")),
        ("claude-sonnet-4-6", usd("6", "0.60", "7.5", "12", "22.5")),
    ],
)
def test_the_4_6_long_context_premium_ended_on_13_march_2026(
    book: PriceBook, model: str, premium: tuple[object, ...]
) -> None:
    assert rates_of(book, key(model, band="200k+"), "2026-03-12") == premium
    assert rates_of(book, key(model, band="200k+"), "2026-03-13") == CURRENT[model]
    assert rates_of(book, key(model, band="100k-200k"), "2026-03-12") == CURRENT[model]


@pytest.mark.parametrize("model", ["claude-sonnet-4-20250514", "claude-sonnet-4-5-20250929"])
def test_sonnet_4_and_4_5_took_long_prompts_only_in_the_beta(book: PriceBook, model: str) -> None:
    long = key(model, band="200k+")
    assert rates_of(book, long, "2026-04-29") == usd("6", "0.60", "7.5", "12", "22.5")
    assert book.rates(long, day("2026-04-30")) is None
    why = book.why_unpriced(long, day("2026-04-30"))
    assert why is not None
    assert why.code == "prompt-too-long"


def test_sonnet_4_long_prompts_have_no_price_before_12_august_2025(book: PriceBook) -> None:
    long = key("claude-sonnet-4-20250514", band="200k+")
    assert book.rates(long, day("2025-08-11")) is None
    assert rates_of(book, long, "2025-08-12") == usd("6", "0.60", "7.5", "12", "22.5")


FAST = [
    # model, day, band, rates or None (anthropic-facts 1.3 fast mode history)
    ("claude-opus-4-6", "2026-02-06", "0-100k", None),
    ("claude-opus-4-6", "2026-02-07", "0-100k", usd("30", "3", "37.5", "60", "150")),
    ("claude-opus-4-6", "2026-02-07", "200k+", usd("60", "6", "75", "120", "225")),
    ("claude-opus-4-6", "2026-03-05", "200k+", usd("30", "3", "37.5", "60", "150")),
    ("claude-opus-4-6", "2026-06-28", "0-100k", usd("30", "3", "37.5", "60", "150")),
    ("claude-opus-4-6", "2026-06-29", "0-100k", usd("5", "0.50", "6.25", "10", "25")),  # silently standard
    ("claude-opus-4-7", "2026-05-11", "0-100k", None),
    ("claude-opus-4-7", "2026-05-12", "0-100k", usd("30", "3", "37.5", "60", "150")),
    ("claude-opus-4-7", "2026-07-23", "0-100k", usd("30", "3", "37.5", "60", "150")),
    ("claude-opus-4-7", "2026-07-24", "0-100k", None),
    ("claude-opus-4-8", "2026-11-30", "0-100k", usd("10", "1", "12.5", "20", "50")),
    ("claude-opus-4-8", "2026-12-01", "0-100k", None),
    ("claude-opus-5", "2026-11-22", "0-100k", usd("10", "1", "12.5", "20", "50")),
    ("claude-opus-5-5", "2026-11-22", "200k+", usd("8", "0.40", "10", "16", "40")),
    ("claude-fable-5-2", "2026-11-22", "0-100k", usd("16", "0.40", "20", "32", "80")),
    ("claude-fable-5-1", "2026-11-22", "0-100k", None),
    ("claude-sonnet-5-5", "2026-11-22", "0-100k", None),
]


@pytest.mark.parametrize(("model", "on", "band", "rates"), FAST)
def test_fast_mode_costs_what_it_cost_on_each_day(
    book: PriceBook, model: str, on: str, band: str, rates: tuple[object, ...] | None
) -> None:
    assert rates_of(book, key(model, speed="fast", band=band), on) == rates


def test_fast_requests_to_opus_4_6_after_its_removal_say_they_were_served_standard(book: PriceBook) -> None:
    found = book.rates(key("claude-opus-4-6", speed="fast"), day("2026-08-01"))
    assert found is not None
    assert found.notes == ("fast-ignored",)


# --- the 100,000-token cliff of Haiku 5.5 (anthropic-facts 0.2)

BELOW = CURRENT["claude-haiku-5-5"]
ABOVE = usd("0.50", "0.05", "0.625", "1.00", "2.50")


@pytest.mark.parametrize(
    ("band", "low", "high"),
    [
        ("0-100k", BELOW, BELOW),
        ("100k-200k", ABOVE, ABOVE),
        ("200k+", ABOVE, ABOVE),
        ("0-200k", BELOW, ABOVE),
        ("any", BELOW, ABOVE),
    ],
)
def test_haiku_5_5_is_a_range_exactly_where_the_band_is_ambiguous(
    book: PriceBook, band: str, low: tuple[object, ...], high: tuple[object, ...]
) -> None:
    found = book.rates(key("claude-haiku-5-5", band=band), day("2026-11-22"))
    assert found is not None
    assert (five(found.low), five(found.high)) == (low, high)


def test_other_models_are_no_range_in_an_ambiguous_band(book: PriceBook) -> None:
    for model in set(CURRENT) - {"claude-haiku-5-5"}:
        assert rates_of(book, key(model, band="any"), "2026-11-22") == CURRENT[model]


def test_an_ambiguous_band_of_opus_4_6_was_a_range_while_it_had_a_premium(book: PriceBook) -> None:
    found = book.rates(key("claude-opus-4-6", band="any"), day("2026-03-01"))
    assert found is not None
    assert (found.low.output, found.high.output) == usd("25", "37.5")


# --- platforms and geographies (anthropic-facts 1.4, 2)

HAIKU = "claude-haiku-4-5-20251001"
WHERE = [
    # platform, geo, tier, speed, model, day, rates or None
    ("anthropic", "us", "standard", "standard", "claude-opus-4-6", usd("5.5", "0.55", "6.875", "11", "27.5")),
    ("anthropic", "us", "batch", "standard", "claude-sonnet-5-5", usd("1.1", "0.055", "1.375", "2.2", "5.5")),
    ("anthropic", "us", "standard", "fast", "claude-opus-5-5", usd("8.8", "0.44", "11", "17.6", "44")),
    ("anthropic", "us", "standard", "standard", "claude-opus-4-5-20251101", None),  # 400 on 4.5 and older
    ("anthropic", "us", "standard", "standard", "claude-haiku-4-5-20251001", None),
    ("anthropic", "regional", "standard", "standard", "claude-opus-5-5", None),
    ("anthropic_aws", "global", "standard", "standard", "claude-opus-5-5", CURRENT["claude-opus-5-5"]),
    ("anthropic_aws", "us", "standard", "standard", "claude-opus-5-5", usd("4.4", "0.22", "5.5", "8.8", "22")),
    ("anthropic_aws", "global", "batch", "standard", "claude-opus-5-5", usd("2", "0.10", "2.5", "4", "10")),
    ("anthropic_aws", "global", "standard", "fast", "claude-opus-5-5", None),
    ("bedrock", "global", "standard", "standard", "claude-opus-5-5", CURRENT["claude-opus-5-5"]),
    ("bedrock", "regional", "standard", "standard", "claude-opus-5-5", usd("4.4", "0.22", "5.5", "8.8", "22")),
    (
        "bedrock",
        "regional",
        "standard",
        "standard",
        "claude-sonnet-4-5-20250929",
        usd("3.3", "0.33", "4.125", "6.6", "16.5"),
    ),
    ("bedrock", "us_gov", "standard", "standard", "claude-sonnet-5-5", usd("2.4", "0.12", "3", "4.8", "12")),
    (
        "bedrock",
        "regional",
        "batch",
        "standard",
        "claude-haiku-4-5-20251001",
        usd("0.55", "0.055", "0.6875", "1.1", "2.75"),
    ),
    ("bedrock", "global", "batch", "standard", "claude-opus-5-5", None),  # no Message Batches on Bedrock
    ("bedrock", "global", "standard", "fast", "claude-opus-5-5", None),
    ("vertex", "global", "standard", "standard", "claude-opus-5-5", CURRENT["claude-opus-5-5"]),
    (
        "vertex",
        "regional",
        "standard",
        "standard",
        "claude-haiku-4-5-20251001",
        usd("1.1", "0.11", "1.375", "2.2", "5.5"),
    ),
    ("vertex", "global", "batch", "standard", "claude-opus-5-5", usd("2", "0.10", "2.5", "4", "10")),
    ("vertex", "global", "batch", "standard", "claude-haiku-4-5-20251001", None),
    ("foundry", "global", "standard", "standard", "claude-sonnet-5-5", CURRENT["claude-sonnet-5-5"]),
    ("foundry", "us", "standard", "standard", "claude-sonnet-5-5", usd("2.2", "0.11", "2.75", "4.4", "11")),
    ("foundry", "global", "batch", "standard", "claude-sonnet-5-5", None),
    ("foundry", "global", "standard", "fast", "claude-opus-5-5", None),
    ("google_anthropic", "global", "batch", "standard", "claude-opus-5-5", usd("2", "0.10", "2.5", "4", "10")),
    ("openrouter", "global", "standard", "standard", "claude-opus-5-5", CURRENT["claude-opus-5-5"]),
    ("moon", "global", "standard", "standard", "claude-opus-5-5", None),
]


@pytest.mark.parametrize(("platform", "geo", "tier", "speed", "model", "rates"), WHERE)
def test_a_price_exists_only_where_the_combination_is_sold(
    book: PriceBook, platform: str, geo: str, tier: str, speed: str, model: str, rates: tuple[object, ...] | None
) -> None:
    assert rates_of(book, key(model, platform, geo, tier, speed), "2026-11-22") == rates


@pytest.mark.parametrize("platform", ["bedrock", "vertex"])
def test_regional_endpoints_of_models_before_4_5_cost_list(book: PriceBook, platform: str) -> None:
    for model in ("claude-sonnet-4-20250514", "claude-opus-4-1-20250805"):
        price = rates_of(book, key(model, platform, "regional"), "2026-01-01")
        assert price is not None
        assert price[0] == rates_of(book, key(model), "2026-01-01")[0]  # type: ignore[index]  # priced on the API


def test_bedrock_has_no_hour_writes_before_the_4_5_generation(book: PriceBook) -> None:
    old = book.rates(key("claude-3-7-sonnet-20250219", "bedrock", "regional"), day("2025-06-01"))
    new = book.rates(key("claude-haiku-4-5-20251001", "bedrock", "regional"), day("2026-06-01"))
    assert old is not None
    assert new is not None
    assert "cache_write_1h_tokens" in old.unsold
    assert "cache_write_1h_tokens" not in new.unsold


def test_openrouter_states_that_list_is_an_assumption(book: PriceBook) -> None:
    found = book.rates(key("claude-opus-5-5", "openrouter"), day("2026-11-22"))
    assert found is not None
    assert found.notes == ("openrouter-list",)


def test_priority_is_worth_list_with_a_note_and_never_existed_on_new_models(book: PriceBook) -> None:
    found = book.rates(key("claude-opus-4-8", tier="priority"), day("2026-11-22"))
    assert found is not None
    assert five(found.low) == CURRENT["claude-opus-4-8"]
    assert found.notes == ("priority-contract",)
    for model in ("claude-opus-5", "claude-sonnet-5", "claude-haiku-5-5", "claude-fable-5-1", "claude-mythos-5"):
        assert book.rates(key(model, tier="priority"), day("2026-11-22")) is None
    assert book.rates(key("claude-fable-5", tier="priority"), day("2026-11-22")) is not None


def test_flex_is_not_sold_anywhere_we_know(book: PriceBook) -> None:
    for platform in ("anthropic", "bedrock", "vertex"):
        why = book.why_unpriced(key("claude-sonnet-4-6", platform, tier="flex"), day("2026-11-22"))
        assert why is not None
        assert why.code == "no-such-tier"


def test_batch_and_fast_cannot_be_combined(book: PriceBook) -> None:
    assert book.rates(key("claude-opus-5-5", tier="batch", speed="fast"), day("2026-11-22")) is None


def test_batches_start_with_their_announcement_and_skip_the_oldest_models(book: PriceBook) -> None:
    assert book.rates(key("claude-3-haiku-20240307", tier="batch"), day("2024-10-07")) is None
    assert rates_of(book, key("claude-3-haiku-20240307", tier="batch"), "2024-10-08") == usd(
        "0.125", "0.015", "0.15", "0.25", "0.625"
    )
    assert book.rates(key("claude-2.1", tier="batch"), day("2025-01-01")) is None


# --- life of a model


@pytest.mark.parametrize("platform", ["anthropic", "bedrock", "vertex", "foundry", "openrouter"])
def test_no_model_has_a_price_before_its_release(book: PriceBook, platform: str) -> None:
    why = book.why_unpriced(key("claude-haiku-5-5", platform), day("2026-10-06"))
    assert why is not None
    assert why.code == "before-release"
    assert "2026-10-07" in why.message


def test_after_retirement_the_last_price_continues_with_a_note(book: PriceBook) -> None:
    last_day = book.rates(key("claude-sonnet-4-5-20250929", "bedrock"), day("2026-11-29"))
    later = book.rates(key("claude-sonnet-4-5-20250929", "bedrock"), day("2026-11-30"))
    assert last_day is not None
    assert later is not None
    assert later.low == last_day.low
    assert last_day.notes == ()
    assert later.notes == ("after-retirement",)


def test_known_models_without_a_price_say_so_instead_of_costing_nothing(book: PriceBook) -> None:
    for model in ("claude-mythos-preview", "claude-instant-1.2", "claude-1.3"):
        why = book.why_unpriced(key(model), day("2024-06-01"))
        assert why is not None
        assert why.code == "no-price-known"


def test_unknown_models_and_bands_have_no_price(book: PriceBook) -> None:
    unknown = book.why_unpriced(key("claude-opus-9"), day("2026-11-22"))
    odd_band = book.why_unpriced(key("claude-opus-5-5", band="0-1M"), day("2026-11-22"))
    assert unknown is not None
    assert odd_band is not None
    assert (unknown.code, odd_band.code) == ("unknown-model", "unknown-band")


def test_claude_2_has_no_price_before_claude_2_1_came_out(book: PriceBook) -> None:
    why = book.why_unpriced(key("claude-2.0"), day("2023-11-20"))
    assert why is not None
    assert why.code == "no-price-that-day"


def test_days_before_the_epoch_and_far_ahead_are_answered(book: PriceBook) -> None:
    assert book.rates(key("claude-opus-5-5"), -1) is None
    assert book.rates(key("claude-opus-5-5"), day("9000-01-01")) is not None


def test_spans_cover_all_days_without_gaps_or_repeats(book: PriceBook) -> None:
    for model in book.models:
        for platform in ("anthropic", "bedrock"):
            spans = book.spans(key(model, platform, band="any"))
            assert spans[0].from_day == 0
            for earlier, later in pairwise(spans):
                assert earlier.to_day == later.from_day
                assert earlier.answer != later.answer


# --- candidates, tokenizers, life dates


def test_candidates_are_callable_by_anyone_and_cheap_first(book: PriceBook) -> None:
    ids = [model.id for model in book.candidates(day("2026-11-22"))]
    assert ids[:3] == ["claude-haiku-5-5", "claude-haiku-4-5-20251001", "claude-sonnet-5-5"]
    assert "claude-sonnet-4-5-20250929" in ids  # deprecated, still callable
    assert not [model for model in ids if "mythos" in model]
    assert "claude-sonnet-4-5-20250929" not in [model.id for model in book.candidates(day("2026-11-30"))]
    assert "claude-haiku-5-5" not in [model.id for model in book.candidates(day("2026-10-06"))]


def test_the_same_text_is_more_tokens_on_the_new_tokenizer(book: PriceBook) -> None:
    up = book.tokenizer_ratio("claude-opus-4-6", "claude-opus-5-5")
    same = book.tokenizer_ratio("claude-opus-4-7", "claude-opus-5-5")
    down = book.tokenizer_ratio("claude-opus-5-5", "claude-haiku-4-5-20251001")
    assert (up.low, up.typical, up.high) == usd("1.00", "1.30", "1.35")
    assert (same.low, same.high) == usd("1", "1")
    assert down.low < 1
    assert down.high == 1


def test_minimum_cacheable_prefixes_are_not_monotonic(book: PriceBook) -> None:
    minimum = {name: book.models[name].min_cacheable_tokens for name in ("claude-opus-5-5", "claude-opus-4-7")}
    assert minimum == {"claude-opus-5-5": 512, "claude-opus-4-7": 2048}
    assert book.models["claude-haiku-4-5-20251001"].min_cacheable_tokens == 4096
    assert book.models["claude-sonnet-4-5-20250929"].min_cacheable_tokens == 1024


def test_life_dates_stand_as_announced(book: PriceBook) -> None:
    sonnet = book.models["claude-sonnet-4-5-20250929"]
    assert (sonnet.released, sonnet.deprecated, sonnet.retires) == ("2025-09-29", "2026-09-30", "2026-11-30")
    assert book.models["claude-opus-4-5-20251101"].retires_not_before == "2026-11-24"
    assert book.models["claude-opus-5-5"].retires_not_before == ""  # in no source


CAPABILITIES = [
    # feature, model, what it does (anthropic-facts 5.4)
    ("prefill", "claude-opus-4-6", "400"),
    ("prefill", "claude-sonnet-4-5-20250929", "ok"),
    ("forced_tool", "claude-opus-5-5", "400"),
    ("forced_tool", "claude-haiku-5-5", "ok"),
    ("thinking_omitted", "claude-opus-4-8", "off"),
    ("thinking_omitted", "claude-sonnet-5", "ON"),
    ("thinking_disabled", "claude-fable-5-2", "400"),
    ("default_effort", "claude-opus-5-5", "medium"),
    ("fast", "claude-opus-4-6", "silently standard"),
    ("fast", "claude-sonnet-4-6", "err"),
    ("fast", "claude-fable-5-2", "ok"),
    ("fast", "claude-fable-5-1", "err"),
    ("system_in_messages", "claude-opus-4-7", "400"),
    ("system_in_messages", "claude-opus-4-8", "ok"),
    ("programmatic_tools", "claude-haiku-4-5-20251001", "no"),
    ("priority_tier", "claude-mythos-5", "none"),
    ("zdr", "claude-fable-5", "400"),
    ("max_tokens_ceiling", "claude-haiku-4-5-20251001", "64K"),
    ("images_pdf", "claude-haiku-5-5", "600"),
    ("edited_history", "claude-fable-5-1", "400"),
]


@pytest.mark.parametrize(("feature", "model", "answer"), CAPABILITIES)
def test_capabilities_say_what_each_model_does(book: PriceBook, feature: str, model: str, answer: str) -> None:
    assert book.models[model].capabilities[feature].startswith(answer)


def test_the_capability_table_has_every_row_for_every_model_of_its_columns(book: PriceBook) -> None:
    known = [model for model in book.models.values() if model.capabilities]
    assert len(known) == 18
    assert len(book.features) == 29  # the 27 rows of the matrix, server tools and caching
    for model in known:
        assert set(model.capabilities) == set(book.features)


def test_every_feature_a_reader_may_name_is_a_row_of_the_table(book: PriceBook) -> None:
    from baseload.usage.capabilities import API_FEATURES, REQUEST_FEATURES

    assert set(REQUEST_FEATURES) - set(API_FEATURES) <= set(book.features)
    assert not set(API_FEATURES) & set(book.features)
