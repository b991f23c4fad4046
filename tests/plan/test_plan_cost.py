"""The joint cost of one workload, worked out by hand at the prices in `plan_menus`."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_menus import (
    CACHED,
    HAIKU,
    MTOK,
    OLD_HAIKU,
    OLD_SONNET,
    OPUS,
    SONNET,
    TODAY_DAY,
    at,
    batch,
    menu_of,
    outcome,
    spent,
    usd,
    wordy,
)

from baseload.levers.options import CacheOutcome, Fix, Menu, RouteOption
from baseload.levers.position import Position, cost_today
from baseload.plan.choice import TODAY, Choice
from baseload.plan.cost import Pricer, cost
from baseload.plan.repricing import Ends
from baseload.plan.span import Span
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.values import Tokens, day_of_date

BOOK = load_book()


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return BOOK


def priced(menu: Menu, choice: Choice, *positions: Position) -> Span:
    return cost(positions or (spent(BOOK, at(OPUS)),), menu, choice, BOOK, TODAY_DAY)


def span(low: str, likely: str, high: str) -> Span:
    return Span(low=usd(low), likely=usd(likely), high=usd(high))


def test_today_costs_what_it_costs_to_the_nano(book: PriceBook) -> None:
    odd = Tokens(uncached_input_tokens=1_234_567, cache_read_tokens=7, cache_write_5m_tokens=333, output_tokens=11)
    positions = [spent(book, at(OPUS), odd, ttl_unknown=True), spent(book, at(HAIKU, band="any"), odd)]
    expected = [cost_today(position, book, TODAY_DAY) for position in positions]
    found = priced(menu_of(), TODAY, *positions)
    assert found.low == found.likely == sum(low for low, _ in expected)
    assert found.high == sum(high for _, high in expected)


def test_a_write_of_unknown_lifetime_leaves_today_open_upwards() -> None:
    # 4 + 2 + 5 + 2 = 13; if the million was written for an hour, 8 in place of 5
    assert priced(menu_of(), TODAY, spent(BOOK, at(OPUS), ttl_unknown=True)) == span("13", "13", "16")


def test_repeats_take_their_share_of_every_class() -> None:
    menu = menu_of(fixes=(Fix(kind="repeat", share=0.25),))
    assert priced(menu, Choice(fixes=(0,))) == span("9.75", "9.75", "9.75")


def test_repeats_under_a_policy_take_its_reads_and_leave_its_writes() -> None:
    # of 12M a quarter leaves, 3M. likely a tenth of it in full, the rest read, which leaves 0.9M plain, 6.9M read and
    # 1.2M written: 3.6 + 1.38 + 6 + 1.5. high all of it read, which leaves 1.2M plain, 6.6M read and 1.2M written:
    # 4.8 + 1.32 + 6 + 1.5. low a quarter of each class: (4.8 + 1.92 + 6 + 2) x 0.75
    menu = menu_of(fixes=(Fix(kind="repeat", share=0.25),), caches=(outcome(OPUS),))
    assert priced(menu, Choice(fixes=(0,), cache="plan")) == span("11.04", "12.48", "13.62")


def test_repeats_that_outnumber_the_reads_were_plain_input_or_written() -> None:
    # 12M: a tenth plain, two tenths read, seven tenths written; half of it leaves. likely 0.6M plain, 5.4M cached: all
    # 2.4M read and 3M written, which leaves 0.6M plain and 5.4M written: 2.4 + 27 + 1. high the cheapest first: 2.4M
    # read, 1.2M plain, 2.4M written, which leaves 6M written: 30 + 1. low half of each: (4.8 + 0.48 + 42 + 2) / 2
    poor = outcome(OPUS, uncached_share=0.1, read_share=0.2, write_5m_share=0.7)
    menu = menu_of(fixes=(Fix(kind="repeat", share=0.5),), caches=(poor,))
    assert priced(menu, Choice(fixes=(0,), cache="plan")) == span("24.64", "30.4", "31")


def test_keep_alive_reads_stay_when_repeats_leave() -> None:
    # 6M kept-alive tokens at 0.20 on top of the cost without them; a quarter less at the low end
    kept_alive = outcome(OPUS, keep_alive_share=0.5)
    menu = menu_of(fixes=(Fix(kind="repeat", share=0.25),), caches=(kept_alive,))
    assert priced(menu, Choice(fixes=(0,), cache="plan")) == span("11.94", "13.68", "14.82")


def test_repeats_leave_the_shares_of_today_as_they_are() -> None:
    # moved to Sonnet with the shares that its own calls have: a quarter of (2.4 + 0.96 + 3 + 1) less
    menu = menu_of(
        RouteOption(model=SONNET), fixes=(Fix(kind="repeat", share=0.25),), caches=(outcome(SONNET, "as_billed"),)
    )
    assert priced(menu, Choice(fixes=(0,), route=1)) == span("5.52", "5.52", "5.52")


@pytest.mark.parametrize(("kind", "key"), [("speed", at(OPUS, speed="fast")), ("geo", at(OPUS, geo="us"))])
def test_a_surcharge_goes_away_whole(kind: str, key: PriceKey) -> None:
    menu = menu_of(fixes=(Fix(kind=kind),))  # type: ignore[arg-type]
    assert priced(menu, TODAY, spent(BOOK, key)).likely == usd("26" if kind == "speed" else "14.3")
    assert priced(menu, Choice(fixes=(0,)), spent(BOOK, key)) == span("13", "13", "13")


def test_government_regions_keep_their_place() -> None:
    position = spent(BOOK, PriceKey(OPUS, "bedrock", "us_gov", "standard", "standard", "0-100k"))
    menu = menu_of(fixes=(Fix(kind="geo"),))
    assert priced(menu, Choice(fixes=(0,)), position) == priced(menu, TODAY, position)


def test_a_route_keeps_the_cache_it_has() -> None:
    # 2 + 1 + 2.5 + output 1 / 1.1 / 1.25
    assert priced(menu_of(wordy(SONNET)), Choice(route=1)) == span("6.5", "6.6", "6.75")


def test_a_cached_prefix_below_the_candidates_minimum_is_lost_in_the_likely_case() -> None:
    # 11M cached over 100,000 calls = 110 tokens, under the 512 of Sonnet 5.5: 24 + 1.1
    position = spent(BOOK, at(OPUS), requests=100_000)
    # or kept, as far as its own prompts are longer: 5.5 + 1
    assert priced(menu_of(wordy(SONNET)), Choice(route=1), position) == span("6.5", "25.1", "25.25")


def test_a_policy_on_the_candidate_prices_the_shares_it_has_there() -> None:
    # of 12M: 1.2M x 2 + 9.6M x 0.1 + 1.2M x 2.5 = 6.36, within a tenth of it; output 1 / 1.1 / 1.25
    menu = menu_of(wordy(SONNET), caches=(outcome(SONNET, spread=0.1),))
    assert priced(menu, Choice(route=1, cache="plan")) == span("6.724", "7.46", "8.246")


def test_what_is_as_billed_on_another_model_is_taken_where_somebody_worked_it_out() -> None:
    menu = menu_of(wordy(SONNET), caches=(outcome(SONNET, "as_billed"),))
    assert priced(menu, Choice(route=1)) == span("7.36", "7.46", "7.61")


def test_keep_alive_reads_are_paid_on_top() -> None:
    # 1.2M x 4 + (9.6M + 6M) x 0.2 + 1.2M x 5 + 2 = 15.92
    menu = menu_of(caches=(outcome(OPUS, keep_alive_share=0.5),))
    assert priced(menu, Choice(cache="plan")).likely == usd("15.92")


def test_a_policy_with_nothing_known_for_the_model_changes_nothing() -> None:
    menu = menu_of(caches=(outcome(SONNET),))
    assert priced(menu, Choice(cache="plan")) == priced(menu, TODAY)


def test_rounding_goes_to_plain_input_so_that_a_prompt_keeps_its_length() -> None:
    # 7 tokens in thirds: 2 read (2.33), 2 written (2.33), so 3 plain, not 2
    third = CacheOutcome(
        policy="plan", model=OPUS, uncached_share=1 / 3, read_share=1 / 3, write_5m_share=1 / 3, write_1h_share=0.0
    )
    position = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=7))
    found = priced(menu_of(caches=(third,)), Choice(cache="plan"), position)
    assert found.likely == 3 * 4000 + 2 * 200 + 2 * 5000


def test_batches_halve_every_class_where_every_read_is_found() -> None:
    # marks inside a batch live an hour: 2 + 1 + 1M x 4 + 1 = 8; at the low end as written today: 6.5
    assert priced(menu_of(batch=batch()), Choice(batch=True)) == span("6.5", "8", "8")


def test_reads_lost_in_batches_are_written_again_for_an_hour() -> None:
    # likely, 0.8 inside, 0.65 of reads found: 1.6 + 5.2M x 0.1 + (2.8M + 0.8M) x 4 + 0.8 = 17.32, and 0.2 x 13 beside
    # low: all inside, all found, 6.5; high: all inside, 3M found: 2 + 0.3 + (7M + 1M) x 4 + 1 = 35.3
    some = batch(share_low=0.5, share_likely=0.8, share_high=1.0, hits_low=0.3, hits_high=1.0)
    assert priced(menu_of(batch=some), Choice(batch=True)) == span("6.5", "19.92", "35.3")


def test_without_a_cache_batching_has_no_range() -> None:
    plain = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=MTOK, output_tokens=MTOK))
    some = batch(hits_low=0.3, hits_high=0.98)
    assert priced(menu_of(batch=some), Choice(batch=True), plain) == span("12", "12", "12")


def test_calls_paid_twice_are_paid_twice() -> None:
    # 24 a call at full price, 12 in a batch: 0.7 answered there, 0.3 beside, 0.1 paid in both
    plain = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=MTOK, output_tokens=MTOK))
    some = batch(share_low=0.7, share_likely=0.7, share_high=0.7, double_paid_share=0.1)
    assert priced(menu_of(batch=some), Choice(batch=True), plain).likely == usd("16.8")  # 0.8 x 12 + 0.3 x 24


@pytest.mark.parametrize(
    "key",
    [at(OPUS, tier="batch"), at(OPUS, speed="fast"), at(OPUS, tier="priority"), at(OPUS, platform="foundry")],
)
def test_batching_leaves_what_it_cannot_take(key: PriceKey) -> None:
    menu = menu_of(batch=batch())
    assert priced(menu, Choice(batch=True), spent(BOOK, key)) == priced(menu, TODAY, spent(BOOK, key))


def test_what_runs_in_batches_today_keeps_the_cache_it_has() -> None:
    menu, position = menu_of(caches=(outcome(OPUS, "none"),)), spent(BOOK, at(OPUS, tier="batch"))
    assert priced(menu, Choice(cache="none"), position) == priced(menu, TODAY, position)


def test_the_newer_tokenizer_makes_prompt_and_answer_longer() -> None:
    # Sonnet 4.6 to 5.5: 1M in x 2 and 1M out x 10, x 1.00 / 1.30 / 1.35
    longer = RouteOption(model=SONNET, growth_likely=Decimal("1.3"), growth_high=Decimal("1.35"))
    menu = Menu(workload="w", routes=(RouteOption(model=OLD_SONNET, today=True), longer))
    position = spent(BOOK, at(OLD_SONNET), Tokens(uncached_input_tokens=MTOK, output_tokens=MTOK))
    assert priced(menu, Choice(route=1), position) == span("12", "15.6", "16.2")


def test_another_model_of_the_workload_has_its_own_tokenizer() -> None:
    # the option speaks of Opus 5.5 (factor 1); the old Sonnet beside it grows by the book's 1.00 / 1.30 / 1.35
    position = spent(BOOK, at(OLD_SONNET), Tokens(uncached_input_tokens=MTOK))
    assert priced(menu_of(RouteOption(model=SONNET)), Choice(route=1), position) == span("2", "2.6", "2.7")


def test_the_dear_band_is_mixed_in_by_its_share() -> None:
    # 10M in: cheap 1, dear 5; shares 0.1 / 0.2 / 0.5
    bands = {"band_share_low": 0.1, "band_share_likely": 0.2, "band_share_high": 0.5}
    position = spent(BOOK, at(OPUS), Tokens(uncached_input_tokens=10 * MTOK))
    found = priced(menu_of(RouteOption(model=HAIKU, **bands)), Choice(route=1), position)
    assert found == span("1.4", "1.8", "3")


def test_without_a_share_a_position_stays_in_its_band() -> None:
    one = Tokens(uncached_input_tokens=MTOK)
    positions = [spent(BOOK, at(OPUS), one), spent(BOOK, at(OPUS, band="100k-200k"), one)]
    unsaid = spent(BOOK, at(OPUS, band="any"), one)
    menu = menu_of(RouteOption(model=HAIKU))
    assert priced(menu, Choice(route=1), *positions) == span("0.6", "0.6", "0.6")
    assert priced(menu, Choice(route=1), unsaid) == span("0.1", "0.1", "0.5")


def test_a_route_moves_dearer_and_equal_lines_and_leaves_the_rest() -> None:
    # Haiku 4.5 stays: 1M x 1; Opus 5.5 moves: 1M x 2
    one = Tokens(uncached_input_tokens=MTOK)
    positions = [spent(BOOK, at(OPUS), one), spent(BOOK, at(OLD_HAIKU), one), spent(BOOK, at(SONNET), one)]
    found = priced(menu_of(RouteOption(model=SONNET)), Choice(route=1), *positions)
    assert found.likely == usd("5")  # 2 moved + 1 stayed + 2 there already


def test_effort_changes_the_answers_of_the_main_model_alone() -> None:
    # Opus answers 0.6 as long: 20 x 0.6 = 12; Sonnet stays 10
    less = RouteOption(model=OPUS, effort="low", output_low=Decimal("0.5"), output_likely=Decimal("0.6"))
    one = Tokens(output_tokens=MTOK)
    found = priced(menu_of(less), Choice(route=1), spent(BOOK, at(OPUS), one), spent(BOOK, at(SONNET), one))
    assert found == span("20", "22", "30")


def test_fast_mode_stays_where_the_candidate_has_none_until_its_fix_is_taken() -> None:
    menu, fast = menu_of(RouteOption(model=SONNET), fixes=(Fix(kind="speed"),)), spent(BOOK, at(OPUS, speed="fast"))
    assert priced(menu, Choice(route=1), fast).likely == usd("26")
    assert priced(menu, Choice(route=1, fixes=(0,)), fast).likely == usd("6.5")


def test_a_combination_the_day_does_not_price_keeps_its_list_price() -> None:
    unknown = spent(BOOK, at("?mystery"))  # 7 USD as listed
    menu = menu_of(wordy(SONNET), fixes=(Fix(kind="repeat", share=0.5),), caches=(outcome("?mystery"),), batch=batch())
    assert priced(menu, Choice(route=1, cache="plan", batch=True), unknown) == span("7", "7", "7")
    assert priced(menu, Choice(fixes=(0,)), unknown).likely == usd("3.5")


def test_tokens_of_a_class_that_is_not_sold_are_plain_input_never_free() -> None:
    # December 2024: Claude 3 Sonnet had no cache, 3 in, 15 out; the whole prompt of 12M bills in full
    day = day_of_date(dt.date(2024, 12, 1))
    opus, sonnet = "claude-3-opus-20240229", "claude-3-sonnet-20240229"
    menu = Menu(workload="w", routes=(RouteOption(model=opus, today=True), RouteOption(model=sonnet)))
    found = cost([spent(BOOK, at(opus))], menu, Choice(route=1), BOOK, day)
    assert found == span("37.5", "37.5", "37.5")
    with_policy = Menu(workload="w", routes=menu.routes, caches=(outcome(sonnet),))
    assert cost([spent(BOOK, at(opus))], with_policy, Choice(route=1, cache="plan"), BOOK, day) == found


def test_an_unknown_of_one_lever_can_be_read_alone() -> None:
    menu = menu_of(wordy(SONNET), caches=(outcome(SONNET, spread=0.1),), batch=batch())
    pricer = Pricer([spent(BOOK, at(OPUS))], menu, BOOK, TODAY_DAY)
    choice = Choice(route=1, cache="plan")
    assert pricer.at(choice, Ends(route=2)) == usd("7.61")  # output 1.25, the cache as likely
    assert pricer.at(choice, Ends(cache=2)) == usd("8.096")  # 6.36 x 1.1 + 1.1


def test_the_careful_cost_takes_the_high_end_of_what_changes_alone() -> None:
    # the write of unknown lifetime stays at its list price; the moved position counts 6.75
    positions = [spent(BOOK, at(OLD_HAIKU), ttl_unknown=True), spent(BOOK, at(OPUS))]
    pricer = Pricer(positions, menu_of(wordy(SONNET)), BOOK, TODAY_DAY)
    assert pricer.careful(TODAY) == pricer.at(TODAY)
    assert pricer.careful(Choice(route=1)) == cost_today(positions[0], BOOK, TODAY_DAY)[0] + usd("6.75")
    assert pricer.saving(Choice(route=1)) == span("6.25", "6.4", "6.5")


def test_an_unknown_of_today_is_one_unknown_on_both_sides_of_a_saving() -> None:
    # Opus: 4 + 2 + 5 + 2 = 13, or 16 with the write for an hour (8). Sonnet at half of that, answers x 1, 1.1, 1.25:
    # 2 + 1 + 2.5 + 1 = 6.5, 6.6 and 6.75; with the write for an hour (4) 8 and 8.25.
    # five minutes: 13 - 6.5 = 6.5, 13 - 6.6 = 6.4, 13 - 6.75 = 6.25; an hour: 16 - 8 = 8, 16 - 8.25 = 7.75;
    # read at two ends it would be 13 - 8.25 = 4.75 to 16 - 6.5 = 9.5
    pricer = Pricer([spent(BOOK, at(OPUS), ttl_unknown=True)], menu_of(wordy(SONNET)), BOOK, TODAY_DAY)
    assert pricer.saving(Choice(route=1)) == span("6.25", "6.4", "8")


def test_a_policy_knows_its_writes_where_today_does_not() -> None:
    # the prompt of 12M under the policy: 1.2M plain 4.8, 9.6M read 1.92, 1.2M written 6, output 2 = 14.72, whatever
    # today's write was: 13 - 14.72 = -1.72 or 16 - 14.72 = 1.28; the likely case is the low end of today
    pricer = Pricer([spent(BOOK, at(OPUS), ttl_unknown=True)], menu_of(caches=(outcome(OPUS),)), BOOK, TODAY_DAY)
    assert pricer.saving(Choice(cache="plan")) == span("-1.72", "-1.72", "1.28")


def test_what_stays_as_it_is_saves_exactly_nothing_at_every_end() -> None:
    # in batches today: no lever reaches it, and its write of unknown lifetime is no saving
    positions = [spent(BOOK, at(OPUS, tier="batch"), ttl_unknown=True)]
    pricer = Pricer(positions, menu_of(caches=(outcome(OPUS),), batch=batch()), BOOK, TODAY_DAY)
    assert pricer.saving(Choice(cache="plan", batch=True)) == pricer.saving(TODAY) == Span()


POSITIONS = st.builds(
    lambda model, changes, counts, requests, unknown: spent(
        BOOK, at(model, **changes), Tokens(**counts), requests=requests, ttl_unknown=unknown
    ),
    model=st.sampled_from([OPUS, SONNET, HAIKU, OLD_SONNET, OLD_HAIKU]),
    changes=st.fixed_dictionaries(
        {"tier": st.sampled_from(["standard", "batch"]), "band": st.sampled_from(["0-100k", "100k-200k", "any"])}
    ),
    counts=st.fixed_dictionaries({name: st.integers(0, 10**10) for name in CACHED.__struct_fields__}),
    requests=st.none() | st.integers(1, 10**6),
    unknown=st.booleans(),
)
CHOICES = st.builds(
    Choice,
    fixes=st.sampled_from([(), (0,), (0, 1)]),
    route=st.integers(0, 3),
    cache=st.sampled_from(["as_billed", "none", "plan"]),
    batch=st.booleans(),
)
SHARES = st.floats(0, 1)


def _menu(repeat: float, hits: float, share: float, growth: int, spread: float) -> Menu:
    grows = {"growth_likely": Decimal(100 + growth) / 100, "growth_high": Decimal(100 + 2 * growth) / 100}
    return menu_of(
        wordy(SONNET, **grows),
        wordy(HAIKU, **grows, band_share_low=0.1, band_share_likely=0.1, band_share_high=0.4),
        RouteOption(model=OPUS, effort="low", output_low=Decimal("0.4"), output_likely=Decimal("0.6")),
        fixes=(Fix(kind="repeat", share=repeat), Fix(kind="geo")),
        caches=tuple(
            outcome(model, policy, spread=spread) for model in (OPUS, SONNET, HAIKU) for policy in ("none", "plan")
        ),
        batch=batch(share_low=share / 2, share_likely=share, hits_low=hits / 2, hits_high=hits),
    )


MENUS = st.builds(_menu, repeat=SHARES, hits=SHARES, share=SHARES, growth=st.integers(0, 40), spread=st.floats(0, 0.5))


@settings(max_examples=80, deadline=None)
@given(positions=st.lists(POSITIONS, min_size=1, max_size=3), menu=MENUS, choice=CHOICES)
def test_bounds_are_in_order_and_add_up_over_positions(positions: list[Position], menu: Menu, choice: Choice) -> None:
    pricer = Pricer(positions, menu, BOOK, TODAY_DAY)
    found = pricer.cost(choice)
    assert 0 <= found.low <= found.likely <= found.high
    alone = [Pricer([position], menu, BOOK, TODAY_DAY).cost(choice) for position in positions]
    assert found.likely == sum(part.likely for part in alone)
    assert found.likely <= max(pricer.careful(choice), found.likely) <= max(found.high, pricer.careful(TODAY))
    assert pricer.saving(choice).likely == pricer.at(TODAY) - found.likely


@settings(max_examples=60, deadline=None)
@given(position=POSITIONS, menu=MENUS, choice=CHOICES, more=st.integers(0, 10**9))
def test_more_tokens_never_cost_less(position: Position, menu: Menu, choice: Choice, more: int) -> None:
    tokens = Tokens(output_tokens=more, uncached_input_tokens=more)
    larger = spent(BOOK, position.key, position.tokens + tokens, requests=None, ttl_unknown=position.ttl_unknown)
    smaller = spent(BOOK, position.key, position.tokens, requests=None, ttl_unknown=position.ttl_unknown)
    before, after = priced(menu, choice, smaller), priced(menu, choice, larger)
    slack = 100_000  # a class rounds to a whole token: at most some tokens' worth
    assert before.low <= after.low + slack
    assert before.likely <= after.likely + slack
    assert before.high <= after.high + slack


@settings(max_examples=40, deadline=None)
@given(position=POSITIONS, menu=MENUS)
def test_removing_repeats_never_costs_more(position: Position, menu: Menu) -> None:
    slack = 5 * 50_000
    assert priced(menu, Choice(fixes=(0,)), position).likely <= priced(menu, TODAY, position).likely + slack
