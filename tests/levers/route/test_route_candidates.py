"""Which options a workload has, and what they cost on its own shape, worked out by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from route_hands import HAIKU, MTOK, OPUS, SONNET, TODAY, USD, at, options, plain, sized, spent, workload

from baseload.ledger.prompt_sizes import SizeBin
from baseload.ledger.request_settings import Settings
from baseload.ledger.session_models import SessionMix
from baseload.levers.options import RouteOption
from baseload.levers.position import Position, cost_today
from baseload.levers.route.candidates import route_options
from baseload.levers.route.cost import Cost, option_cost
from baseload.levers.route.shape import RouteShape
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.values import TOKEN_CLASSES, Tokens, Verdict

BOOK = load_book()


def verdict(model: str, effort: str = "", state: str = "holds", **more: object) -> dict[tuple[str, str, str], Verdict]:
    one = Verdict(workload="w", model=model, effort=effort, state=state, verdict_id="v-1", **more)  # type: ignore[arg-type]
    return {("w", model, effort): one}


def cents(cost: Cost) -> tuple[float, ...]:
    return tuple(round(nano / USD, 6) for nano in cost)


def cost_of(book: PriceBook, option: RouteOption, *positions: Position, today: str = OPUS) -> tuple[float, ...]:
    return cents(option_cost(positions, option, today, book, TODAY))


# what is on offer


def test_today_comes_first_and_stands_for_the_whole_mix(book: PriceBook) -> None:
    positions = [plain(book, OPUS), plain(book, HAIKU)]  # 7.50 and 1.50 USD
    found, _ = route_options(workload(), positions, RouteShape(), book, TODAY, {})
    assert (found[0].model, found[0].today, found[0].verdict) == (OPUS, True, "holds")
    assert found[0].note == "runs on Claude Opus 4.8 83%, Claude Haiku 4.5 17%"
    assert [one.today for one in found].count(True) == 1
    assert option_cost(positions, found[0], OPUS, book, TODAY) == Cost(9 * USD, 9 * USD, 9 * USD)


def test_candidates_are_of_no_dearer_line_and_stay(book: PriceBook) -> None:
    found = options(book, plain(book, SONNET))
    lines = {book.models[model].line for model, _ in found if model != "today"}
    assert lines == {"haiku", "sonnet"}
    assert ("claude-sonnet-5-5", "") in found
    assert "claude-sonnet-4-5-20250929" not in {model for model, _ in found}  # retires on 2026-11-30


def test_an_older_model_of_the_same_line_is_no_refresh(book: PriceBook) -> None:
    models = {model for model, _ in options(book, plain(book, OPUS))}
    assert "claude-opus-5-5" in models
    assert not models & {"claude-opus-4-6", "claude-opus-4-7"}
    assert "claude-opus-4-6" in {
        model for model, _ in options(book, plain(book, OPUS), verdicts=verdict("claude-opus-4-6"))
    }


def test_a_model_that_a_newer_one_of_its_line_beats_at_every_rate_is_left_out(book: PriceBook) -> None:
    # Sonnet 4.6 at 3/15 against Sonnet 5 at 2/10, 2.70/13.50 when every token grows by 1.35; Haiku 4.5 against 5.5
    models = {model for model, _ in options(book, plain(book, OPUS))}
    assert not models & {SONNET, HAIKU}
    # Sonnet 5 may stop thinking and Sonnet 5.5 may not: both stay
    assert {"claude-sonnet-5", "claude-sonnet-5-5"} <= models


def test_it_is_shown_again_where_the_newer_ones_are_forbidden(book: PriceBook) -> None:
    trusted = verdict(HAIKU)
    found = options(book, plain(book, "claude-opus-4-5-20251101"), request_features=("prefill",), verdicts=trusted)
    assert found[HAIKU, ""].excluded_by == ()
    assert found["claude-haiku-5-5", ""].excluded_by == ("answers are prefilled",)
    assert list(found)[-1][0] != HAIKU  # excluded ones come last


def test_a_model_that_may_get_its_notice_soon_is_no_place_to_go_untested(book: PriceBook) -> None:
    # Haiku 4.5: not before 2026-10-15, which has passed
    found = options(book, plain(book, "claude-opus-4-5-20251101"), request_features=("prefill",))
    assert HAIKU not in {model for model, _ in found}


def test_staying_on_a_model_that_retires_soon_is_no_choice_and_is_said(book: PriceBook) -> None:
    found = options(book, plain(book, "claude-sonnet-4-5-20250929"))
    assert found["today", ""].note == "retires on 2026-11-30: staying is no choice"
    assert found["claude-sonnet-5-5", ""].same_line


def test_a_workload_without_a_known_model_has_a_nameless_today_alone(book: PriceBook) -> None:
    unknown = Position(
        workload="w", key=at("?glm-5"), requests=1, tokens=Tokens(output_tokens=1), list_nano=0, list_high_nano=0
    )
    found, problems = route_options(workload(), [unknown], RouteShape(), book, TODAY, {})
    assert [(one.model, one.today) for one in found] == [("", True)]
    assert problems == []


def test_a_candidate_clearly_below_the_bar_is_excluded_as_a_broken_one_is(book: PriceBook) -> None:
    below = verdict("claude-haiku-5-5", state="not_shown", clearly_below=True)
    found = options(book, plain(book, OPUS), verdicts=below)["claude-haiku-5-5", ""]
    assert found.excluded_by == ("not shown; clearly below the bar (v-1)",)
    open_still = verdict("claude-haiku-5-5", state="not_shown")
    assert options(book, plain(book, OPUS), verdicts=open_still)["claude-haiku-5-5", ""].excluded_by == ()


# what it costs


def test_a_refresh_of_the_smallest_model_by_hand(book: PriceBook) -> None:
    # low 0.10 + 0.05; likely 1.3 x 0.10 + 0.1 x 1.3 x 1.1 x 0.50; high 1.35 x 0.10 + 0.1 x 1.35 x 1.25 x 0.50
    position = plain(book, HAIKU)
    option = options(book, position)["claude-haiku-5-5", ""]
    assert (option.growth_low, option.growth_likely, option.growth_high) == (1, Decimal("1.3"), Decimal("1.35"))
    assert (option.output_low, option.output_likely, option.output_high) == (1, Decimal("1.1"), Decimal("1.25"))
    assert cost_of(book, option, position, today=HAIKU) == (0.15, 0.2015, 0.219375)
    assert option.same_line
    assert option.grade == option.verdict == "assumed"
    assert [one.action for one in option.rewrites] == ["set thinking disabled"]


def test_thinking_that_cannot_be_turned_off_may_double_the_output(book: PriceBook) -> None:
    option = options(book, plain(book, SONNET))["claude-sonnet-5-5", ""]
    assert (option.output_low, option.output_likely, option.output_high) == (1, Decimal("1.5"), 2)
    assert [one.feature for one in option.rewrites] == ["max_tokens"]


def test_thinking_that_ends_takes_its_share_away(book: PriceBook) -> None:
    # Opus 5 thinks, Sonnet 4.6 does not unless asked: 0.4 of the output goes at the low end, 0.6 x 1.1 is likely
    found = options(book, plain(book, "claude-opus-5"), shape=RouteShape(thinking_share=0.4), verdicts=verdict(SONNET))
    option = found[SONNET, ""]
    assert (option.output_low, option.output_likely, option.output_high) == (
        Decimal("0.6"), Decimal("0.66"), Decimal("1.25"),
    )  # fmt: skip


def test_newer_to_older_shrinks_the_same_text(book: PriceBook) -> None:
    option = options(book, plain(book, OPUS), verdicts=verdict(SONNET))[SONNET, ""]
    assert [round(float(one), 3) for one in (option.growth_low, option.growth_likely, option.growth_high)] == [
        0.741, 0.769, 1.0,
    ]  # fmt: skip


def test_calls_on_a_cheaper_line_stay_where_they_are(book: PriceBook) -> None:
    # Opus 7.50 -> Sonnet 5: 2 + 0.1 x 10 = 3; the Haiku 1.50 is not moved up
    positions = [plain(book, OPUS), plain(book, HAIKU)]
    option = options(book, *positions)["claude-sonnet-5", ""]
    assert cost_of(book, option, *positions)[0] == 3 + 1.5
    assert "calls on other models of today's mix stay where they are" in option.note


def test_a_mix_is_weighted_by_what_it_costs_there(book: PriceBook) -> None:
    # equal text on Opus 4.8, which does not think (output x 1.5 on Sonnet 5.5), and on Opus 5, which does (x 1.1)
    positions = [plain(book, OPUS), plain(book, "claude-opus-5")]
    option = options(book, *positions)["claude-sonnet-5-5", ""]
    assert option.output_likely == Decimal("1.3")
    assert option.output_high == Decimal("1.625")  # of 2 and 1.25


def test_what_is_not_sold_there_stays_and_is_said(book: PriceBook) -> None:
    # fast mode: 10 in, 50 out on Opus 4.8; no Sonnet is sold fast
    positions = [plain(book, OPUS), plain(book, OPUS, speed="fast")]
    option = options(book, *positions)["claude-sonnet-5", ""]
    assert cost_of(book, option, *positions)[0] == 3 + 15
    assert "67% of the spend stays" in option.note
    alone = options(book, positions[1], verdicts=verdict("claude-sonnet-5"))["claude-sonnet-5", ""]
    assert alone.excluded_by == ("it is not sold where this workload runs",)


def test_the_100_000_token_cliff_is_read_from_the_prompts_themselves(book: PriceBook) -> None:
    # 100M tokens: 40 in prompts up to 74,074, 10 up to 76,923, 50 up to 100,000. Grown by 1.3 the last 50 cross the
    # cliff, by 1.35 the last 60. Low 10; likely 130M: 13 + 0.5 x (65 - 13); high 135M: 13.5 + 0.6 x (67.5 - 13.5)
    key = at(HAIKU)
    shape = RouteShape(sizes=(sized(key, 74_074, 40), sized(key, 76_923, 10), sized(key, 100_000, 50)))
    position = spent(book, key, uncached_input_tokens=100 * MTOK)
    option = options(book, position, shape=shape)["claude-haiku-5-5", ""]
    assert (option.band_share_low, option.band_share_likely, option.band_share_high) == (0.0, 0.5, 0.6)
    assert cost_of(book, option, position, today=HAIKU) == (10, 39, 45.9)
    assert "0% to 60% of its cost in prompts over its dear length" in option.note


def test_one_price_at_every_length_has_no_band_share(book: PriceBook) -> None:
    option = options(book, plain(book, OPUS))["claude-sonnet-5", ""]
    assert option.band_share_low is option.band_share_likely is option.band_share_high is None


def test_a_prefix_under_the_candidates_minimum_bills_in_full_at_worst(book: PriceBook) -> None:
    # 1,000 calls that read 3,000 cached tokens: Sonnet 4.6 caches from 1,024, Haiku 4.5 from 4,096 (section 3).
    # At most 3M x 1.00 plain on Haiku 4.5; at least 3M x 0.10
    key = at(SONNET)
    short = SizeBin(price_key=key.text, up_to=4_096, calls=1_000, tokens=Tokens(cache_read_tokens=3 * MTOK))
    position = spent(book, key, cache_read_tokens=3 * MTOK)
    option = options(book, position, shape=RouteShape(sizes=(short,)), verdicts=verdict(HAIKU))[HAIKU, ""]
    assert cost_of(book, option, position, today=SONNET) == (0.3, 0.3, 3.0)
    assert "caches prefixes from 4,096 tokens only, and 100% of its cached tokens lie in shorter prompts" in option.note


# efforts


def test_less_effort_on_todays_model_is_an_option_of_its_own(book: PriceBook) -> None:
    # 5 in, 2.50 out: low effort takes half of the output at best, 40 % likely, nothing at worst
    position = plain(book, OPUS)
    found = options(book, position)
    assert [effort for model, effort in found if model == OPUS] == ["low", "medium"]
    assert cost_of(book, found[OPUS, "low"], position) == (6.25, 6.5, 7.5)
    assert cost_of(book, found[OPUS, "medium"], position) == (6.75, 7.0, 7.5)
    assert [one.action for one in found[OPUS, "low"].rewrites] == ["set effort low"]
    assert not found[OPUS, "low"].same_line


def test_long_loops_may_save_more_by_less_effort(book: PriceBook) -> None:
    found = options(book, plain(book, OPUS), task="agentic")
    assert found[OPUS, "low"].output_low == Decimal("0.25")


def test_calls_that_ask_for_little_already_save_nothing(book: PriceBook) -> None:
    # three quarters at the default (high), a quarter at low: 0.75 x 0.5 + 0.25 = 0.625
    shape = RouteShape(settings=Settings(efforts=((OPUS, "", 75), (OPUS, "low", 25))))
    found = options(book, plain(book, OPUS), shape=shape)
    option = found[OPUS, "low"]
    assert (option.output_low, option.output_likely, option.output_high) == (Decimal("0.625"), Decimal("0.7"), 1)
    # nobody is raised to medium: 0.75 x 0.7 + 0.25
    assert (found[OPUS, "medium"].output_low, found[OPUS, "medium"].output_high) == (Decimal("0.775"), 1)


def test_an_effort_in_use_goes_along_and_only_lower_ones_are_offered(book: PriceBook) -> None:
    shape = RouteShape(settings=Settings(efforts=((OPUS, "medium", 10),)))
    found = options(book, plain(book, OPUS), shape=shape, request_features=("effort",))
    assert found["today", ""].effort == "medium"
    assert [effort for model, effort in found if model == OPUS] == ["low"]
    assert [effort for model, effort in found if model == "claude-haiku-5-5"] == ["low", "medium"]


def test_a_model_without_efforts_gets_the_parameter_dropped(book: PriceBook) -> None:
    shape = RouteShape(settings=Settings(efforts=((OPUS, "medium", 10),)))
    found = options(book, plain(book, OPUS), shape=shape, request_features=("effort",), verdicts=verdict(HAIKU))
    assert [effort for model, effort in found if model == HAIKU] == [""]
    assert "drop the effort parameter" in [one.action for one in found[HAIKU, ""].rewrites]


def test_another_default_effort_is_said(book: PriceBook) -> None:
    found = options(book, plain(book, OPUS))
    assert "its default effort is medium, today's high" in found["claude-opus-5-5", ""].note
    assert "default effort" not in found["claude-sonnet-5-5", ""].note  # high, as today's


def test_a_refresh_with_less_effort_is_no_refresh(book: PriceBook) -> None:
    found = options(book, plain(book, OPUS))
    assert found["claude-opus-5-5", ""].same_line
    assert not found["claude-opus-5-5", "low"].same_line


# what forbids


def test_a_forced_tool_forbids_the_newest_and_leaves_the_one_before(book: PriceBook) -> None:
    found = options(book, plain(book, OPUS), request_features=("forced_tool",))
    assert found["claude-opus-5-5", ""].excluded_by == ("a tool choice is forced",)
    assert found["claude-sonnet-5-5", ""].excluded_by == ("a tool choice is forced",)
    assert found["claude-sonnet-5", ""].excluded_by == ()
    assert found["claude-haiku-5-5", ""].excluded_by == ()


def test_zero_data_retention_forbids_fable(book: PriceBook) -> None:
    positions = [plain(book, "claude-fable-5")]
    assert options(book, *positions)["claude-fable-5-2", ""].excluded_by == ()
    found = options(book, *positions, zdr=True)
    assert found["claude-fable-5-2", ""].excluded_by == ("the organisation keeps no data (zero data retention)",)
    assert found["claude-opus-5-5", ""].excluded_by == ()


def test_more_than_one_per_cent_beyond_the_context_window_forbids(book: PriceBook) -> None:
    key = at(SONNET)
    position = spent(book, key, uncached_input_tokens=1_000 * MTOK)
    few = RouteShape(sizes=(sized(key, 100_000, 995), sized(key, 260_000, 5)))
    many = RouteShape(sizes=(sized(key, 100_000, 980), sized(key, 260_000, 20)))
    tried = verdict(HAIKU)
    long = ("prompt_over_200k",)
    fine = options(book, position, shape=few, verdicts=tried, request_features=long)[HAIKU, ""]
    assert fine.excluded_by == ()
    assert "calls over 200,000 tokens stay where they are" in fine.note
    refused = options(book, position, shape=many, verdicts=tried, request_features=long)[HAIKU, ""]
    assert refused.excluded_by == ("2% of prompt tokens lie in calls over 200,000 tokens",)
    # where no call was seen, the feature alone decides
    unseen = options(book, position, verdicts=tried, request_features=long)[HAIKU, ""]
    assert unseen.excluded_by == ("prompts exceed 200,000 tokens",)


def test_sessions_shared_with_other_workloads_are_said(book: PriceBook) -> None:
    shape = RouteShape(mix=SessionMix(sessions=10, mixed_workloads=4))
    note = options(book, plain(book, OPUS), shape=shape)["claude-sonnet-5", ""].note
    assert "40% of its sessions hold calls of other workloads: whole sessions move together" in note


# verdicts


def test_a_measured_output_ratio_takes_the_place_of_the_allowance(book: PriceBook) -> None:
    # the ratio counts tokens: 1.2 to 1.4 with the tokenizer in it. 0.1M x 1.2 x 0.50 = 0.06 at the low end
    measured = verdict("claude-haiku-5-5", output_ratio_low=Decimal("1.2"), output_ratio_high=Decimal("1.4"))
    position = plain(book, HAIKU)
    option = options(book, position, verdicts=measured)["claude-haiku-5-5", ""]
    assert (option.verdict, option.verdict_id, option.grade) == ("holds", "v-1", "replayed")
    low, likely, high = cost_of(book, option, position, today=HAIKU)
    assert (low, likely, high) == (0.16, 0.195, pytest.approx(0.135 + 0.07))


def test_a_verdict_without_a_ratio_changes_no_figure(book: PriceBook) -> None:
    position = plain(book, HAIKU)
    untested = options(book, position)["claude-haiku-5-5", ""]
    tested = options(book, position, verdicts=verdict("claude-haiku-5-5"))["claude-haiku-5-5", ""]
    assert (tested.grade, tested.verdict) == ("assumed", "holds")
    assert cost_of(book, tested, position) == cost_of(book, untested, position)


def test_a_broken_bar_excludes_and_names_the_trial(book: PriceBook) -> None:
    found = options(book, plain(book, HAIKU), verdicts=verdict("claude-haiku-5-5", state="breaks"))
    assert found["claude-haiku-5-5", ""].excluded_by == ("a trial found that quality breaks (v-1)",)


def test_a_tested_effort_is_an_option_even_above_the_default(book: PriceBook) -> None:
    # medium by default; high is the inverse of high -> medium: 1 to 1/0.8 to 1/0.7
    found = options(book, plain(book, HAIKU), verdicts=verdict("claude-haiku-5-5", "high"))
    option = found["claude-haiku-5-5", "high"]
    assert option.verdict == "holds"
    assert (option.output_low, option.output_likely) == (1, Decimal("1.375"))  # 1.1 x 1.25


def test_a_verdict_nobody_can_use_is_a_problem(book: PriceBook) -> None:
    gone = verdict("claude-sonnet-4-5-20250929")
    _, problems = route_options(workload(), [plain(book, OPUS)], RouteShape(), book, TODAY, gone)
    assert [one.code for one in problems] == ["verdict-no-option"]
    assert "v-1" in problems[0].value


# always


@settings(max_examples=40, deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**9), min_size=5, max_size=5),
    model=st.sampled_from([OPUS, SONNET, HAIKU, "claude-opus-5-5", "claude-fable-5-2"]),
    requests=st.one_of(st.none(), st.integers(1, 10**6)),
)
def test_every_option_is_an_ordered_range_and_today_is_exact(
    counts: list[int], model: str, requests: int | None
) -> None:
    position = spent(BOOK, at(model), requests, **dict(zip(TOKEN_CLASSES, counts, strict=True)))
    found, _ = route_options(workload(), [position], RouteShape(), BOOK, TODAY, {})
    low, high = cost_today(position, BOOK, TODAY)
    assert option_cost([position], found[0], found[0].model, BOOK, TODAY) == Cost(low, low, high)
    for option in found[1:]:
        cost = option_cost([position], option, found[0].model, BOOK, TODAY)
        assert 0 <= cost.low <= cost.likely <= cost.high
        assert option.growth_low <= option.growth_likely <= option.growth_high
        assert option.output_low <= option.output_likely <= option.output_high
