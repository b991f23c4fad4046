"""Planning a trial: calls, dollars and pay-back worked out by hand, and every reason against it with its next step."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trial_documents import document

from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.project import parse_project
from baseload.quality.bar import Bar
from baseload.quality.betting import Rule
from baseload.quality.decide import decide
from baseload.quality.trial.planning import TrialPlan, plan_trial
from baseload.quality.trial.planning_calls import Earlier, calls_plan, certifiable, discordance_of, earlier_of
from baseload.quality.trial.planning_cost import Shape, Usd
from baseload.quality.trial.planning_order import first_to_try, ranked, together
from baseload.quality.trial.planning_question import Candidate, Grading, Question, Recorded
from baseload.quality.trial.together import RATE
from baseload.values import Tokens, day_of_date

BOOK = load_book()
TODAY = day_of_date(dt.date(2026, 11, 22))
OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
KEY = PriceKey(OPUS, "anthropic", "global", "standard", "standard", "0-100k")
BAR = Bar(workload="w-000000000001", grader="label 0", budget_usd=Decimal(25))
AGAIN = Decimal("0.5")
"""The incumbent again on 50 calls: 50 x (3,000 x 2 + 400 x 10) a million."""
PLENTY = Recorded(calls=9_000, with_body=9_000, independent=5_000, sources=("messages",), keeps_bodies=True)
FIVE_PERCENT = Earlier(state="not_shown", calls=24)
"""No difference in 24 calls beside 3.2 in 40 assumed ones: 3.2 / 64 = 5 %."""


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def usd(low: str, likely: str, high: str) -> Usd:
    return Usd(Decimal(low), Decimal(likely), Decimal(high))


def question(**changes: Any) -> Question:
    """Ticket triage: 3,000 tokens in and 400 out a call, $100 a month to be saved with Haiku."""
    tokens = Tokens(uncached_input_tokens=3_000 * 10, output_tokens=400 * 10)
    asked = Question(
        workload="w-000000000001",
        workload_name="Ticket triage",
        incumbent=OPUS,
        candidate=Candidate(model=HAIKU, saving_a_month=usd("80", "100", "110")),
        bar=BAR,
        grading=Grading(tier="truth"),
        data_use="batch_allowed",
        recorded=PLENTY,
        shapes=(Shape(key=KEY, calls=10, tokens=tokens),),
        day=TODAY,
        task="classification",
    )
    return msgspec.structs.replace(asked, **changes)


def codes(plan: TrialPlan) -> list[str]:
    return [one.kind for one in plan.refusals]


def step(plan: TrialPlan, code: str) -> str:
    return next(one.next_step for one in plan.refusals if one.kind == code)


# -- calls --


def test_the_calls_are_those_of_the_published_table_at_the_discordance_an_earlier_trial_saw(book: PriceBook) -> None:
    calls = plan_trial(question(earlier=FIVE_PERCENT), book).calls
    assert calls.discordance == 0.05
    assert calls.expected == 1146  # quality.md 3.8: 5 %, 2 points
    assert calls.horizon == 1432  # 1.25 x 1,145.3
    assert calls.sent == 1432  # the look that ends beyond 1,146 is that of 1,600: cut at the horizon


def test_without_an_earlier_trial_eight_percent_are_assumed_and_it_says_so(book: PriceBook) -> None:
    calls = plan_trial(question(), book).calls
    assert calls.discordance == 0.08
    assert calls.discordance_from.startswith("assumed: 8%")


def test_graded_scores_of_an_earlier_trial_say_nothing_about_discordance(book: PriceBook) -> None:
    earlier = Earlier(state="not_shown", calls=500, graded=True)
    assert plan_trial(question(earlier=earlier), book).calls.discordance == 0.08


def test_a_finished_trial_leaves_its_discordance_its_state_and_its_last_day() -> None:
    left = earlier_of(document(decision=decide([0.0, 1.0, -1.0, 0.0] * 10, Rule(margin=0.02)), state="not_shown"))
    assert (left.calls, left.wins, left.losses, left.graded) == (40, 10, 10, False)
    assert (left.state, left.expires_day) == ("not_shown", "2027-02-21")
    assert discordance_of(left)[0] == 0.29  # 3.2 and 20 of 80
    assert earlier_of(document(decision=decide([0.5] * 10, Rule(margin=0.02)))).graded


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.floats(0.005, 0.2))
@settings(max_examples=50)
def test_more_calls_never_certify_a_wider_margin(one: int, other: int, margin: float) -> None:
    plan = calls_plan(msgspec.structs.replace(BAR, margin=margin))
    few, many = (certifiable(calls, plan) or 1.0 for calls in sorted((one, other)))
    assert many <= few


@given(st.floats(0.005, 0.2))
@settings(max_examples=30)
def test_the_horizon_certifies_the_margin_it_was_planned_for(margin: float) -> None:
    plan = calls_plan(msgspec.structs.replace(BAR, margin=margin))
    found = certifiable(plan.horizon, plan)
    assert found is not None
    assert found <= margin + 1e-6


def test_a_judge_is_tested_at_a_part_of_the_margin_and_of_alpha(book: PriceBook) -> None:
    judged = Grading(tier="adjudicated", judge=OPUS)
    calls = plan_trial(question(grading=judged), book).calls
    assert (round(calls.tested_margin, 9), round(calls.alpha, 9)) == (0.018, 0.04)
    assert calls.expected > plan_trial(question(), book).calls.expected


# -- dollars --


def test_a_short_call_to_haiku_costs_a_quarter_of_a_thousandth_in_a_batch(book: PriceBook) -> None:
    plan = plan_trial(question(earlier=FIVE_PERCENT), book)
    batch, single = plan.money["batch"], plan.money["synchronous"]
    assert batch.per_call.likely == Decimal("0.00025")  # 3,000 x 0.05 + 400 x 0.25 a million
    assert batch.candidate_usd == Decimal("0.358")  # 1,432 x 0.00025
    assert batch.incumbent_again_usd == AGAIN
    assert batch.expected.likely == Decimal("0.858")
    assert single.expected.likely == 2 * batch.expected.likely  # batches cost half
    assert plan.transport == "batch"


def test_tokens_grow_by_the_tokenizer_where_the_price_book_knows_it(book: PriceBook) -> None:
    old = "claude-opus-4-5-20251101"
    shape = Shape(key=KEY._replace(model=old), calls=1, tokens=Tokens(uncached_input_tokens=3_000, output_tokens=400))
    per_call = plan_trial(question(incumbent=old, shapes=(shape,)), book).money["batch"].per_call
    # 1.00, 1.30 and 1.35 times as many tokens as on the old tokenizer
    assert per_call == usd("0.000250", "0.000325", "0.000338")  # 0.0003375, half-even


def test_a_replay_relies_on_no_warm_cache(book: PriceBook) -> None:
    read = Tokens(uncached_input_tokens=1_000, cache_read_tokens=2_000, output_tokens=400)
    plan = plan_trial(question(shapes=(Shape(key=KEY, calls=1, tokens=read),)), book)
    # in a batch on Haiku, a million: read 0.005, plain 0.05, written for an hour 0.10, out 0.25
    # low 1,000 x 0.05 + 2,000 x 0.005 + 400 x 0.25; likely 3,000 x 0.05 + 100; high 50 + 2,000 x 0.10 + 100
    assert plan.money["batch"].per_call == usd("0.000160", "0.000250", "0.000350")


def test_the_noise_floor_replays_the_incumbent_on_every_call(book: PriceBook) -> None:
    floor = Grading(tier="same_as_incumbent", noise_floor=True)
    money = plan_trial(question(grading=floor, earlier=FIVE_PERCENT), book).money["batch"]
    assert money.incumbent_again_usd == Decimal("14.32")  # 1,432 x (3,000 x 2 + 400 x 10) a million = 0.01
    assert money.candidate_usd + money.incumbent_again_usd + money.grading_usd == money.expected.likely


def test_a_judge_costs_two_questions_a_pair_and_its_controls(book: PriceBook) -> None:
    judged = Grading(tier="adjudicated", judge=OPUS, differing=Decimal("0.5"))
    money = plan_trial(question(grading=judged), book).money["batch"]
    # a question: 3,000 + 2 x 400 + 500 = 4,300 in at 2, 300 out at 10 a million = 0.0116; a pair 0.0232
    # controls: 100 incumbent calls at 0.01, and 160 pairs judged
    controls = Decimal("1.00") + 160 * Decimal("0.0232")
    assert money.first_look.likely == controls + 50 * (Decimal("0.00025") + Decimal("0.0116"))
    assert money.grading_usd == controls + money.calls * Decimal("0.0116")


def test_a_judge_replaces_the_noise_floor_by_its_placebo(book: PriceBook) -> None:
    judged = Grading(tier="adjudicated", judge=OPUS)
    assert plan_trial(question(grading=judged), book).money["batch"].incumbent_again_usd == 0


def test_a_fifth_of_the_budget_bounds_the_noise_floor(book: PriceBook) -> None:
    poor = msgspec.structs.replace(BAR, budget_usd=Decimal(1))  # 0.20 / 0.01 = 20 calls
    assert plan_trial(question(bar=poor), book).money["batch"].incumbent_again_usd == Decimal("0.20")


def test_people_cost_what_the_bar_says_a_label_costs(book: PriceBook) -> None:
    people = Grading(tier="adjudicated", usd_per_label=Decimal("1.50"))
    money = plan_trial(question(grading=people), book).money["batch"]
    assert money.grading_usd == money.calls * Decimal("1.50")


# -- worth --


def test_a_trial_that_pays_back_is_recommended(book: PriceBook) -> None:
    plan = plan_trial(question(earlier=FIVE_PERCENT, bar=msgspec.structs.replace(BAR, expires_days=365)), book)
    assert (plan.state, plan.refusals) == ("recommended", ())
    assert plan.saving_in_expiry_usd == Decimal("1200.00")  # 365 days are twelve months
    assert plan.payback_months == Decimal("0.01")  # $0.86 of $100 a month
    assert plan.value_per_trial_dollar == Decimal("1398.60")  # 1,200 / 0.858
    assert "about 1,146 calls show whether it is within 2 points, for $0.86 in batches" in plan.sentence


def test_a_trial_that_costs_more_than_its_expiry_could_save_is_not_recommended(book: PriceBook) -> None:
    tiny = Candidate(model=HAIKU, saving_a_month=usd("0", "0.05", "0.06"))
    plan = plan_trial(question(candidate=tiny), book)
    # 90 days of a year are 2.96 months: $0.15; 2,201 calls cost $0.55, and 50 of the incumbent $0.50
    assert (plan.state, plan.refusals) == ("not_recommended", ())
    assert plan.sentence == (
        "Not recommended: the trial may cost $1.05 and the saving it could find is $0.15 in the 90 days its verdict "
        "counts."
    )


def test_a_candidate_that_saves_nothing_is_not_recommended_and_never_pays_back(book: PriceBook) -> None:
    plan = plan_trial(question(candidate=Candidate(model=SONNET, saving_a_month=usd("-9", "-1", "2"))), book)
    assert (plan.state, plan.payback_months) == ("not_recommended", None)


def test_a_saving_nobody_worked_out_leaves_pay_back_open(book: PriceBook) -> None:
    plan = plan_trial(question(candidate=Candidate(model=HAIKU)), book)
    assert (plan.saving_a_month, plan.payback_months, plan.value_per_trial_dollar) == (None, None, None)
    assert plan.state == "recommended"


def test_more_than_a_tenth_of_what_it_could_find_is_a_second_thought(book: PriceBook) -> None:
    plan = plan_trial(question(candidate=Candidate(model=HAIKU, saving_a_month=usd("1", "1", "1"))), book)
    assert plan.state == "recommended"  # $1.05 of $2.96
    assert "the trial may cost more than a tenth of what it could find" in plan.cautions


# -- reasons against it --


@pytest.mark.parametrize("keeps", [True, False])
def test_nothing_to_replay_names_the_command_that_starts_capture(book: PriceBook, keeps: bool) -> None:
    plan = plan_trial(question(recorded=Recorded(calls=10, keeps_bodies=keeps)), book)
    assert plan.state == "refused"
    command = "baseload import PATH --keep-bodies" if keeps else "baseload gateway --observe"
    assert step(plan, "nothing-to-replay").splitlines()[-1] == command
    assert plan.money["batch"].expected.likely > 0  # the figures stand beside the reason


def test_nobody_allowed_it_gives_the_table_for_the_project_file(book: PriceBook) -> None:
    plan = plan_trial(question(data_use="none"), book)
    assert codes(plan) == ["data-use-none"]
    written = parse_project(step(plan, "data-use-none").split("\n", 1)[1])
    rule = written.workload[0]
    assert (rule.id, rule.name, rule.data_use) == ("w-000000000001", "Ticket triage", "batch_allowed")


def test_no_bar_gives_one_that_the_project_file_takes(book: PriceBook) -> None:
    plan = plan_trial(question(bar=None, grading=None, workload_name='A "quoted"\nname'), book)
    assert codes(plan) == ["no-bar"]
    written = parse_project(step(plan, "no-bar").split("\n", 1)[1])
    bar = written.bar[0]
    assert (bar.workload, bar.margin, bar.budget_usd, type(bar.grader).__name__) == (
        "w-000000000001", 0.02, "25.00", "LabelTable",
    )  # fmt: skip
    assert (plan.bar, plan.calls.margin) == (None, 0.02)


@pytest.mark.parametrize("task", ["classification", "routing", "extraction", "formatting", "codegen", "chat"])
def test_the_proposed_bar_is_one_whatever_the_work(book: PriceBook, task: str) -> None:
    plan = plan_trial(question(bar=None, grading=None, task=task), book)
    assert len(parse_project(step(plan, "no-bar").split("\n", 1)[1]).bar) == 1


def test_a_bar_that_cannot_be_used_says_why(book: PriceBook) -> None:
    plan = plan_trial(question(bar=None, grading=None, bar_fault="truths.jsonl: No such file."), book)
    assert codes(plan) == ["bar-unusable"]
    assert plan.refusals[0].reason == "its bar cannot be used: truths.jsonl: No such file"


def test_a_budget_under_the_first_look_is_refused_with_the_dollars_it_takes(book: PriceBook) -> None:
    poor = msgspec.structs.replace(BAR, budget_usd=Decimal("0.01"))
    plan = plan_trial(question(bar=poor, earlier=FIVE_PERCENT), book)  # 50 x 0.00025 = $0.0125
    assert codes(plan) == ["budget-under-first-look"]
    assert "$0.36" in step(plan, "budget-under-first-look")


def test_a_budget_under_the_plan_says_what_margin_it_buys(book: PriceBook) -> None:
    poor = msgspec.structs.replace(BAR, budget_usd=Decimal("0.0825"))
    plan = plan_trial(question(bar=poor, earlier=FIVE_PERCENT), book)
    assert codes(plan) == ["budget-under-plan"]
    assert plan.budget_calls == 290  # a fifth of it buys one call of the incumbent, 0.01; the rest 0.0725 / 0.00025
    # 290 / 1.25 = 232 calls of a fixed test; quality.md 3.8: 222 hold 5 points at 5 %
    assert plan.smallest_margin_of_budget is not None
    assert 0.047 < plan.smallest_margin_of_budget < 0.05


def test_a_budget_short_of_the_horizon_is_a_caution(book: PriceBook) -> None:
    # 5 %, 2.5 points: 756 calls end in the look of 800, the horizon is 945. A fifth of $0.27 buys 5 calls of the
    # incumbent, $0.05: 800 calls cost $0.25, 945 cost $0.286
    bar = msgspec.structs.replace(BAR, margin=0.025, budget_usd=Decimal("0.27"))
    plan = plan_trial(question(bar=bar, earlier=FIVE_PERCENT), book)
    assert (plan.state, plan.calls.sent, plan.calls.horizon) == ("recommended", 800, 945)
    assert plan.cautions == ("the budget does not reach the horizon ($0.29): the test may end without an answer",)


@pytest.mark.parametrize(("calls", "certified"), [(100, 9.3), (300, 4.8), (1_000, 2.4), (3_000, 1.4), (10_000, 0.7)])
def test_the_smallest_margin_is_that_of_the_published_table(book: PriceBook, calls: int, certified: float) -> None:
    """quality.md 3.4, in points, at 5 % discordance."""
    there = msgspec.structs.replace(PLENTY, independent=calls)
    found = plan_trial(question(recorded=there, earlier=FIVE_PERCENT), book).smallest_margin
    assert found is not None
    assert round(100 * found, 1) == certified


def test_too_few_calls_name_the_smallest_margin_and_how_many_more(book: PriceBook) -> None:
    few = msgspec.structs.replace(PLENTY, independent=300)
    plan = plan_trial(question(recorded=few, earlier=FIVE_PERCENT), book)
    assert codes(plan) == ["too-few-calls"]
    assert plan.refusals[0].reason == (
        "a margin of 2 points takes up to 1,432 calls and 300 independent ones are recorded; they certify 4.8 points"
    )
    assert "record 1,132 more sessions" in plan.refusals[0].next_step  # 1,432 - 300


def test_calls_between_the_expected_and_the_horizon_are_too_few(book: PriceBook) -> None:
    """A fixed test would need 1,146; this one needs its horizon for the same power, as the smallest margin counts."""
    plan = plan_trial(question(recorded=msgspec.structs.replace(PLENTY, independent=1_200), earlier=FIVE_PERCENT), book)
    assert codes(plan) == ["too-few-calls"]
    assert plan.smallest_margin is not None
    assert plan.smallest_margin > 0.02


@given(st.integers(1, 6_000), st.sampled_from([0.01, 0.02, 0.025, 0.03, 0.05, 0.1]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_enough_calls_and_a_margin_they_certify_are_one_thing(calls: int, margin: float, judged: bool) -> None:
    bar, grading = msgspec.structs.replace(BAR, margin=margin), Grading(tier="adjudicated", judge=OPUS)
    there = msgspec.structs.replace(PLENTY, independent=calls)
    plan = plan_trial(question(bar=bar, recorded=there, grading=grading if judged else Grading(tier="truth")), BOOK)
    enough = plan.smallest_margin is not None and plan.smallest_margin <= margin
    assert enough == ("too-few-calls" not in codes(plan))


def test_no_more_calls_are_priced_than_there_are(book: PriceBook) -> None:
    money = plan_trial(question(recorded=msgspec.structs.replace(PLENTY, independent=30)), book).money["batch"]
    assert money.calls == 30
    # 30 x 0.00025 and the incumbent again on as many: 30 x 0.01
    assert money.expected == money.horizon == money.first_look
    assert money.expected.likely == Decimal("0.3075")


def test_the_most_calls_of_a_bar_bind(book: PriceBook) -> None:
    plan = plan_trial(question(bar=msgspec.structs.replace(BAR, most_calls=100)), book)
    assert (plan.there, codes(plan)) == (100, ["too-few-calls"])
    assert "raise most_calls" in plan.refusals[0].next_step


def test_calls_without_a_known_truth_do_not_count(book: PriceBook) -> None:
    plan = plan_trial(question(recorded=msgspec.structs.replace(PLENTY, with_truth=0)), book)
    assert codes(plan) == ["no-truths"]  # and not once more as too few calls
    assert plan.there == 0
    assert plan.smallest_margin is None


def test_more_than_the_bar_takes_cannot_be_replayed(book: PriceBook) -> None:
    plan = plan_trial(question(recorded=msgspec.structs.replace(PLENTY, refused=540)), book)  # of 9,000: 6 %
    assert codes(plan) == ["not-replayable"]
    assert (plan.not_replayable_share, plan.there) == (0.06, 4_700)  # 94 % of 5,000


def test_batches_are_refused_under_zero_retention_and_planned_one_by_one_unless_asked_for(book: PriceBook) -> None:
    asked = question(zero_data_retention=True, transport="batch")
    assert codes(plan_trial(asked, book)) == ["batch-under-zero-retention"]
    plan = plan_trial(question(zero_data_retention=True), book)
    assert (plan.state, plan.transport) == ("recommended", "synchronous")
    assert any("zero data retention" in one for one in plan.cautions)


def test_batches_need_their_own_permission(book: PriceBook) -> None:
    assert codes(plan_trial(question(data_use="same_platform", transport="batch"), book)) == ["batch-not-allowed"]
    plan = plan_trial(question(data_use="same_platform"), book)
    assert plan.transport == "synchronous"
    assert any("cost half" in one for one in plan.cautions)


def test_a_critical_bar_needs_the_truth(book: PriceBook) -> None:
    bar = msgspec.structs.replace(BAR, critical=True)
    assert (
        codes(plan_trial(question(bar=bar, grading=Grading(tier="adjudicated")), book))[0] == "critical-without-truth"
    )
    assert plan_trial(question(bar=bar), book).calls.margin == 0.01


def test_a_tier_the_grader_does_not_reach_is_refused(book: PriceBook) -> None:
    bar = msgspec.structs.replace(BAR, tier_required="adjudicated")
    plan = plan_trial(question(bar=bar, grading=Grading(tier="same_as_incumbent")), book)
    assert codes(plan) == ["tier-not-reachable"]


def test_a_judge_whose_controls_take_all_of_alpha_is_refused(book: PriceBook) -> None:
    bar = msgspec.structs.replace(BAR, alpha=0.01)
    plan = plan_trial(question(bar=bar, grading=Grading(tier="adjudicated", judge=OPUS)), book)
    assert codes(plan)[0] == "alpha-too-small"


def test_what_ran_on_another_platform_is_not_replayed(book: PriceBook) -> None:
    away = plan_trial(question(recorded=msgspec.structs.replace(PLENTY, elsewhere=9_000)), book)
    assert codes(away) == ["other-platform"]
    half = plan_trial(question(recorded=msgspec.structs.replace(PLENTY, elsewhere=4_500)), book)
    assert (half.state, half.there) == ("recommended", 2_500)
    assert "50% of its calls ran on another platform than the Claude API: they are not replayed" in half.cautions


def test_nobody_judges_itself(book: PriceBook) -> None:
    plan = plan_trial(question(grading=Grading(tier="adjudicated", judge=HAIKU)), book)
    assert "judges-itself" in codes(plan)


@pytest.mark.parametrize(
    ("candidate", "code"),
    [
        (Candidate(model="claude-nonsuch-9"), "candidate-unknown"),
        (Candidate(model=OPUS), "candidate-is-incumbent"),
        (Candidate(model="claude-opus-4-20250514"), "candidate-retired"),
        (Candidate(model=HAIKU, excluded_by=("prompts over 200K tokens",)), "candidate-illegal"),
    ],
)
def test_a_candidate_that_cannot_be_one_is_refused(book: PriceBook, candidate: Candidate, code: str) -> None:
    plan = plan_trial(question(candidate=candidate), book)
    assert (plan.state, codes(plan)[0]) == ("refused", code)
    assert all(one.next_step for one in plan.refusals)


def test_less_effort_on_the_incumbent_is_a_candidate(book: PriceBook) -> None:
    bar = msgspec.structs.replace(BAR, budget_usd=Decimal(100))
    assert plan_trial(question(candidate=Candidate(model=OPUS, effort="low"), bar=bar), book).refusals == ()


def test_a_verdict_that_broke_counts_until_it_expires(book: PriceBook) -> None:
    broke = Earlier(state="breaks", calls=0, verdict_id="ab" * 32, expires_day="2026-11-23")
    assert codes(plan_trial(question(earlier=broke), book)) == ["candidate-broke"]
    expired = msgspec.structs.replace(broke, expires_day="2026-11-22")
    assert codes(plan_trial(question(earlier=expired), book)) == []


def test_a_verdict_that_holds_is_said(book: PriceBook) -> None:
    holds = Earlier(state="holds", calls=0, expires_day="2027-01-01")
    assert any("hold already" in one for one in plan_trial(question(earlier=holds), book).cautions)
    gone = msgspec.structs.replace(holds, expires_day="2026-11-01")
    assert plan_trial(question(earlier=gone), book).cautions == ()


def test_a_platform_without_batches_is_planned_one_by_one(book: PriceBook) -> None:
    asked = question()
    key = KEY._replace(platform="nowhere")
    plan = plan_trial(question(shapes=(msgspec.structs.replace(asked.shapes[0], key=key),)), book)
    assert codes(plan) == ["no-price"]
    assert (plan.money, plan.transport) == ({}, None)


def test_every_reason_is_given_at_once(book: PriceBook) -> None:
    plan = plan_trial(question(bar=None, grading=None, data_use="none", recorded=Recorded()), book)
    assert codes(plan) == ["data-use-none", "no-bar", "nothing-to-replay"]
    assert plan.sentence == "No trial yet: nobody has allowed that its recorded prompts are sent again (2 more)."


# -- many --


def test_the_portfolio_is_ranked_by_dollars_at_stake_for_a_trial_dollar(book: PriceBook) -> None:
    def of(name: str, saving: str) -> TrialPlan:
        candidate = Candidate(model=HAIKU, saving_a_month=usd(saving, saving, saving))
        return plan_trial(question(workload=name, candidate=candidate), book)

    unknown = plan_trial(question(workload="w-d", candidate=Candidate(model=HAIKU)), book)
    found = ranked([of("w-a", "10"), unknown, of("w-b", "300"), of("w-c", "10")])
    assert [one.workload for one in found] == ["w-b", "w-a", "w-c", "w-d"]


def test_of_one_workload_what_can_be_tried_comes_before_what_saves_more(book: PriceBook) -> None:
    little = plan_trial(question(candidate=Candidate(model=SONNET, saving_a_month=usd("50", "50", "50"))), book)
    much = plan_trial(
        question(candidate=Candidate(model=HAIKU, excluded_by=("a tool",), saving_a_month=usd("90", "90", "90"))), book
    )
    assert [one.candidate for one in first_to_try([much, little])] == [SONNET, HAIKU]


def test_several_trials_at_once_come_with_what_they_promise_together(book: PriceBook) -> None:
    one = plan_trial(question(), book)
    assert together([one]) == ""
    assert "e-BH" in together([one, one])
    assert f"K / (k x {RATE:g})" in together([one, one])  # the rate that `trial show` and the plan say them at


def test_the_document_writes_dollars_as_decimal_strings(book: PriceBook) -> None:
    found = msgspec.json.decode(msgspec.json.encode(plan_trial(question(earlier=FIVE_PERCENT), book)))
    assert found["money"]["batch"]["expected"]["likely_usd"] == "0.858000"
    assert found["saving_a_month"] == {"low_usd": "80.000000", "likely_usd": "100.000000", "high_usd": "110.000000"}
