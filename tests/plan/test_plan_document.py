"""The plan document: what it says adds up, follows its schema, and names why not."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from plan_documents import (
    BARRED,
    BOOK,
    MARK,
    MENUS,
    POSITIONS,
    WORKLOADS,
    annual,
    facts,
    of_the_window,
    portfolio,
    run_rate,
)
from plan_menus import AS_TODAY, HAIKU, OLD_SONNET, OPUS, SONNET, TODAY_DAY, outcome

from baseload.levers.options import Menu, RouteOption
from baseload.plan.assemble import build, edit_words, today_words
from baseload.plan.changes import changes_of
from baseload.plan.choice import TODAY
from baseload.plan.compose import standings
from baseload.plan.document import PlanDocument, PlanWorkload
from baseload.plan.portfolio import OUT_OF_REACH, SCENARIOS, WorkloadPlan, plan_portfolio, planned_under
from baseload.plan.rejected import LESS_KNOWN, MOST_REJECTED, rejected
from baseload.plan.rules import EXPECTED
from baseload.plan.schema import plan_schema
from baseload.values import Problem

DOCUMENTS = {"a year": annual(), "in the window": of_the_window()}


@pytest.fixture(params=DOCUMENTS)
def document(request: pytest.FixtureRequest) -> PlanDocument:
    return DOCUMENTS[request.param]


def row(document: PlanDocument, id_: str) -> PlanWorkload:
    return next(one for one in document.workloads if one.id == id_)


def money(*texts: str) -> Decimal:
    return sum(map(Decimal, texts), Decimal(0))


def test_every_table_adds_up_to_the_cent(document: PlanDocument) -> None:
    totals = document.totals
    for one in document.workloads:
        steps = money(*(step.saving.likely_usd for step in one.steps))
        assert steps == money(*(value.saving_usd for value in one.shapley)) == Decimal(one.saving.likely_usd)
        assert Decimal(one.as_billed_usd) - steps == Decimal(one.optimized.likely_usd)
        assert money(*(part.usd for part in one.grade_mix)) == Decimal(one.optimized.likely_usd)
    billed = money(totals.unplanned_usd, *(one.as_billed_usd for one in document.workloads))
    assert billed == Decimal(totals.as_billed_usd)
    left = money(totals.unplanned_usd, *(one.optimized.likely_usd for one in document.workloads))
    assert left == Decimal(totals.optimized.likely_usd) == Decimal(totals.waterfall[-1].after_usd)
    assert money(*(value.saving_usd for value in totals.shapley)) == Decimal(totals.saving.likely_usd)


def test_what_touches_answers_is_never_said_to_touch_none() -> None:
    usd = 10**9
    assert today_words(700 * usd, 0, "simulated") == (
        "Without touching an answer or a prompt: $700 less (simulated on its own calls)"
    )
    assert today_words(700 * usd, 500 * usd, "simulated") == (
        "Ready today: $700 less, $500 of it on models that trials have shown to hold, the rest without touching an "
        "answer or a prompt (simulated on its own calls)"
    )


def test_what_rests_on_a_sample_is_called_sampled() -> None:
    assert today_words(700 * 10**9, 0, "sampled") == (
        "Without touching an answer or a prompt: $700 less (sampled: simulated on a 1-in-N sample of its own calls)"
    )


def test_what_owners_of_prompts_would_add_is_said_apart() -> None:
    assert edit_words(0) == ""
    assert edit_words(50 * 10**9) == " Once owners have edited prompts and checked the answers: $50 more."


def test_marks_that_wait_for_an_edit_of_the_prompt_may_not_run_and_are_a_class_of_their_own() -> None:
    """Sent as they are, nothing is read; moved, eight tenths are: only the expected and the edited plan take that."""
    moved = outcome(OPUS, "edited", marks=(MARK,), move_after_prefix=("time stamp in system block 1",))
    menus = {"big": Menu(workload="big", routes=(AS_TODAY,), caches=(moved,))}
    found, _ = plan_portfolio(WORKLOADS, POSITIONS, menus, BOOK, TODAY_DAY)
    big = next(one for one in found.workloads if one.workload.id == "big")
    assert {name: choice.cache for name, choice in big.chosen.items()} == {
        "expected": "edited",
        "edited": "edited",
        "deployable": "as_billed",
        "conservative": "as_billed",
    }
    assert standings(big.pricer, big.chosen["expected"]) == ["edit"]
    (planned,) = (one for one in planned_under(found, EXPECTED, window_days=28) if one.workload.id == "big")
    assert [change.kinds for change in changes_of(planned)] == [("gateway_policy", "prompt")]


def held_beside_untested(held: str, untested: str) -> WorkloadPlan:
    """The big job, 293.33 dollars: a model that a trial speaks for, and one that nobody tried."""
    said = RouteOption(
        model=SONNET, output_likely=Decimal(held), output_high=Decimal(2), verdict="holds", verdict_id="v-1",
        verdict_grade="simulated", grade="simulated",
    )  # fmt: skip
    other = RouteOption(model="claude-sonnet-5", output_low=Decimal("0.1"), output_likely=Decimal(untested))
    menus = {"big": Menu(workload="big", routes=(AS_TODAY, said, other))}
    found, _ = plan_portfolio(WORKLOADS, POSITIONS, menus, BOOK, TODAY_DAY)
    return next(one for one in found.workloads if one.workload.id == "big")


def test_a_tested_model_gives_way_to_an_untested_one_only_where_that_saves_materially_more() -> None:
    """Half price: 106.67 for the prompts and 20.00 for the answers. A twentieth of what it costs today is 14.67."""
    near = held_beside_untested("1.0", "0.5")  # 10.00 less
    far = held_beside_untested("2.0", "0.5")  # 30.00 less
    assert (near.chosen["expected"].route, far.chosen["expected"].route) == (1, 2)
    reasons = {one.candidate: one.reason for one in rejected(near.pricer, near.chosen["expected"], near.best_by_route)}
    assert reasons["claude-sonnet-5"] == LESS_KNOWN
    others = rejected(far.pricer, far.chosen["expected"], far.best_by_route)
    assert {one.candidate: one.reason for one in others}[SONNET] == "costs more"


def test_a_candidate_that_a_trial_spoke_on_is_always_among_those_not_chosen() -> None:
    tried = RouteOption(
        model=SONNET, output_likely=Decimal(20), output_high=Decimal(20), verdict="holds", verdict_id="v"
    )
    efforts = [RouteOption(model=HAIKU, effort=name, excluded_by=("prefill",)) for name in ("low", "medium", "high")]
    more = [RouteOption(model=OPUS, effort=name, excluded_by=("prefill",)) for name in ("low", "medium", "max")]
    olds = [RouteOption(model=OLD_SONNET, effort=name, excluded_by=("x",)) for name in ("", "low", "medium", "high")]
    menus = {"big": Menu(workload="big", routes=(AS_TODAY, *efforts, *more, *olds, tried))}
    found, _ = plan_portfolio(WORKLOADS, POSITIONS, menus, BOOK, TODAY_DAY)
    big = next(one for one in found.workloads if one.workload.id == "big")
    listed = rejected(big.pricer, TODAY, big.best_by_route)
    assert len(listed) == MOST_REJECTED
    assert SONNET in [one.candidate for one in listed]


def test_waste_that_somebody_has_still_to_agree_to_may_not_go_away() -> None:
    found = DOCUMENTS["a year"]
    step = next(one for one in row(found, "mid").steps if one.lever == "fix")
    assert (Decimal(step.saving.low_usd), step.saving.likely_usd) == (0, step.saving.high_usd)
    assert Decimal(row(found, "mid").saving.low_usd) == 0
    own = next(one for one in row(found, "big").steps if one.lever == "fix")  # nobody has to agree to that one
    assert own.saving.low_usd == own.saving.high_usd


def test_what_held_against_a_stand_in_is_said_beside_the_step() -> None:
    assert [line.note for line in DOCUMENTS["a year"].totals.waterfall] == [""] * 7
    held = RouteOption(model=SONNET, verdict="holds", verdict_id="v", verdict_grade="simulated", grade="simulated")
    menus = {"big": Menu(workload="big", routes=(AS_TODAY, held))}
    found, _ = plan_portfolio(WORKLOADS, POSITIONS, menus, BOOK, TODAY_DAY)
    planned = {rules.name: planned_under(found, rules, window_days=365) for rules in SCENARIOS}
    document = build(facts()._replace(portfolio=found, planned=planned))
    line = next(one for one in document.totals.waterfall if one.name == "route")
    assert line.saving is not None
    assert line.note == f"${round(Decimal(line.saving.likely_usd))} of it held against a stand-in: no model answered"
    assert (document.totals.saving_grade, document.totals.saving_mix[0].usd) == ("simulated", line.saving.likely_usd)


def test_the_waterfall_goes_from_the_bill_to_the_optimized_cost_in_order(document: PlanDocument) -> None:
    lines = document.totals.waterfall
    assert [line.name for line in lines] == ["as_billed", "fix", "effort", "route", "cache", "batch", "optimized"]
    left = Decimal(lines[0].after_usd)
    for line in lines[1:-1]:
        assert line.saving is not None
        left -= Decimal(line.saving.likely_usd)
        assert Decimal(line.after_usd) == left
        assert money(*(part.usd for part in line.by_grade)) == Decimal(line.saving.likely_usd)
    for line in (lines[0], lines[-1]):
        assert money(*(part.usd for part in line.by_grade)) == Decimal(line.after_usd)


def test_the_bill_of_the_year_is_the_run_rate() -> None:
    rate = run_rate(beside_nano=123_456_789)
    assert rate.annual_nano is not None
    assert Decimal(DOCUMENTS["a year"].totals.as_billed_usd) == round(Decimal(rate.annual_nano) / 10**9, 2)
    assert Decimal(DOCUMENTS["a year"].totals.unplanned_usd) == Decimal("1.61")  # 0.123456789 x 365 / 28 = 1.609
    found = DOCUMENTS["a year"].baseline
    assert found is not None
    assert found.as_billed.usd == DOCUMENTS["a year"].totals.as_billed_usd
    assert found.optimized.usd == DOCUMENTS["a year"].totals.optimized.likely_usd


def test_savings_are_said_at_what_the_customer_pays_too() -> None:
    found = DOCUMENTS["a year"]
    effective = found.totals.effective
    assert effective is not None
    assert effective.rate == "0.85"
    assert Decimal(effective.saving_usd) == round(Decimal(found.totals.saving.likely_usd) * Decimal("0.85"), 2)
    rows = [one.effective_saving_usd for one in found.workloads]
    assert money(*filter(None, rows)) == Decimal(effective.saving_usd)
    assert money(effective.optimized_usd, effective.saving_usd) == Decimal(effective.as_billed_usd)


def test_without_a_run_rate_the_figures_are_the_windows_and_nothing_is_annual() -> None:
    found = DOCUMENTS["in the window"]
    assert (found.basis.unit, found.basis.why_not_a_year) == ("in the window", "9 complete days")
    assert (found.baseline, found.cash, found.adoption, found.totals.effective) == (None, None, None, None)
    # low: 1,000,003 tokens at 2 USD per million
    assert row(found, "low").as_billed_usd == "2.00"


def test_a_row_says_what_changes_and_what_it_rests_on() -> None:
    big = row(DOCUMENTS["a year"], "big")
    assert (big.rank, big.owner, big.today.model, big.choice.model) == (1, "team-a", OPUS, SONNET)
    assert big.choice.levers == ("fix", "route", "cache", "batch")
    assert big.choice.fixes == ("keep answers to repeats",)
    assert big.choice.moves_from == (OPUS,)
    assert big.standings == ("proven", "assumed", "simulated", "simulated")
    assert [step.grade for step in big.steps] == ["measured", "", "assumed", "assumed", "assumed"]
    assert [one.action for one in big.rewrites] == ["strip temperature"]
    assert [(mark.after, mark.ttl) for mark in big.marks] == [("system:1", "5m")]
    assert big.notes == ("7 of 100 calls repeat one before", "shorter answers", "judged on October")


def test_a_row_says_why_not_the_others() -> None:
    big, mid = (row(DOCUMENTS["a year"], name) for name in ("big", "mid"))
    barred = next(one for one in big.rejected if one.candidate == HAIKU)
    assert barred.reason == f"excluded: prefill; {OUT_OF_REACH}"
    assert barred.more_usd is not None
    assert Decimal(barred.more_usd) < 0  # it would be cheaper
    assert next(one for one in big.rejected if one.candidate == "one by one").reason == "costs more"
    assert next(one for one in mid.rejected if one.candidate == SONNET).reason == "a trial shows that it breaks the bar"
    loop = next(one for one in mid.rejected if one.lever == "batch")
    assert (loop.reason, loop.cost_usd) == ("blocked: a client tool loop", None)


def test_rule_sets_stand_side_by_side() -> None:
    found = {one.name: one for one in DOCUMENTS["a year"].totals.scenarios}
    assert list(found) == ["expected", "edited", "deployable", "conservative"]
    savings = [Decimal(one.saving.likely_usd) for one in found.values()]
    assert savings[0] > savings[1] == savings[2] > savings[3] > 0  # no prompt waits for an edit
    choices = {one.name: one.choice for one in row(DOCUMENTS["a year"], "big").scenarios}
    assert choices["deployable"].levers == ("fix", "cache", "batch")
    assert choices["conservative"].levers == ("fix",)
    assert found["expected"].workloads == 2
    assert found["deployable"].workloads == 1  # the other's fix needs somebody's word


def test_routing_alone_is_said_by_how_it_is_known() -> None:
    found = DOCUMENTS["a year"].totals.routing_alone
    sure, hoped = found.parts
    assert (sure.likely_share, Decimal(sure.saving.likely_usd)) == (0.0, 0)
    # the big job, 213.3 in and 40.0 out of 292.0, halves, its answers a tenth longer: 253.3 - 106.7 - 22.0 = 124.7
    assert round(hoped.likely_share, 3) == 0.427
    assert found.workloads == 1
    assert [one.grade for one in found.by_grade] == ["assumed"]
    assert found.sentence.endswith("against the claim of 40 to 70%, none of it proven by a trial.")


def test_a_pool_without_room_is_the_reason_to_stay() -> None:
    half = RouteOption(model=SONNET, verdict="holds", pool="sonnet-5", headroom=0.6)
    menus = {name: Menu(workload=name, routes=(MENUS["big"].routes[0], half)) for name in ("big", "mid")}
    found, problems = plan_portfolio(WORKLOADS, POSITIONS, menus, BOOK, TODAY_DAY)
    plans = {one.workload.id: one for one in found.workloads}
    assert {name: plans[name].chosen["expected"].route for name in menus} == {"big": 1, "mid": 0}
    assert found.binding["expected"] == ("sonnet-5",)
    assert problems == []
    reasons = rejected(plans["mid"].pricer, plans["mid"].chosen["expected"], plans["mid"].best_by_route)
    assert [(one.candidate, one.reason) for one in reasons] == [(SONNET, "its rate-limit pool has no room left")]


def test_an_untested_model_too_far_down_is_no_candidate_until_a_trial_holds() -> None:
    for verdict, chosen in (("assumed", 0), ("holds", 1)):
        far = RouteOption(model=HAIKU, verdict=verdict, grade="replayed")  # type: ignore[arg-type]
        menus = {"big": Menu(workload="big", routes=(MENUS["big"].routes[0], far))}
        found, _ = plan_portfolio(WORKLOADS, POSITIONS, menus, BOOK, TODAY_DAY)
        big = next(one for one in found.workloads if one.workload.id == "big")
        assert {name: choice.route for name, choice in big.chosen.items()} == dict.fromkeys(
            ("expected", "edited", "deployable", "conservative"), chosen
        )
    classifies = {**WORKLOADS, "big": msgspec.structs.replace(WORKLOADS["big"], task="classification")}
    menus = {"big": Menu(workload="big", routes=(MENUS["big"].routes[0], RouteOption(model=HAIKU)))}
    found, _ = plan_portfolio(classifies, POSITIONS, menus, BOOK, TODAY_DAY)
    assert next(one.chosen["expected"].route for one in found.workloads if one.workload.id == "big") == 1


def test_an_option_that_makes_no_sense_is_a_problem_and_not_a_plan() -> None:
    absurd = Menu(workload="big", routes=(MENUS["big"].routes[0], RouteOption(model="claude-nonesuch"), BARRED))
    found, problems = plan_portfolio(WORKLOADS, POSITIONS, {"big": absurd}, BOOK, TODAY_DAY)
    assert [(one.code, one.value) for one in problems] == [("unsound-option", "routes[1]")]
    assert all(choice.route == 0 for plan in found.workloads for choice in plan.chosen.values())
    assert portfolio()[1] == []


def test_one_measured_ratio_on_another_tokenizer_is_no_fault_of_the_program() -> None:
    # a trial found the same tokens, exactly: 1 divided by a growth of 1.2 is 0.833333333, and that times 1.2 is under 1
    one, growth = Decimal(1), (Decimal(1), Decimal("1.2"), Decimal("1.35"))
    output = [(one / part).quantize(Decimal("1e-9")) for part in growth]
    even = RouteOption(
        model=SONNET,
        growth_low=growth[0],
        growth_likely=growth[1],
        growth_high=growth[2],
        output_low=output[0],
        output_likely=output[1],
        output_high=output[2],
        verdict="holds",
        grade="replayed",
    )
    menu = Menu(workload="big", routes=(MENUS["big"].routes[0], even))
    _, problems = plan_portfolio(WORKLOADS, POSITIONS, {"big": menu}, BOOK, TODAY_DAY)
    assert problems == []


def test_problems_are_counted_whole_and_listed_by_frequency() -> None:
    many = [Problem(source="plan", file="", row=at, code=f"c{at % 3}", message="m") for at in range(2_000)]
    found = build(facts(problems=many))
    assert sum(one.count for one in found.problem_counts) == 2_000
    assert len(found.problems) == 1_000
    assert found.problems[0].code == found.problem_counts[0].code


def test_the_document_survives_json(document: PlanDocument) -> None:
    assert msgspec.json.decode(msgspec.json.encode(document), type=PlanDocument) == document


def test_the_document_follows_its_schema(document: PlanDocument) -> None:
    schema = json.loads(plan_schema())
    assert faults(json.loads(msgspec.json.encode(document)), schema, schema["$defs"]) == []


def test_the_schema_file_is_what_the_records_say(root: Path) -> None:
    written = (root / "docs" / "reference" / "plan.schema.json").read_bytes()
    assert written == plan_schema(), "run tools/plan_schema.py"


def test_the_reference_names_every_field(root: Path) -> None:
    page = (root / "docs" / "reference" / "plan.md").read_text()
    for name, part in json.loads(plan_schema())["$defs"].items():
        for field in part["properties"]:
            assert f"`{field}`" in page, f"{name}.{field}"


def faults(value: Any, kind: dict[str, Any], parts: dict[str, Any], where: str = "$") -> list[str]:
    """What in `value` contradicts the schema: the few keywords this schema uses, written out."""
    if "$ref" in kind:
        return faults(value, parts[kind["$ref"].rsplit("/", 1)[1]], parts, where)
    if "anyOf" in kind:
        tried = [faults(value, option, parts, where) for option in kind["anyOf"]]
        return [] if [] in tried else tried[0]
    if "const" in kind:
        return [] if value == kind["const"] else [f"{where}: {value!r}"]
    types = {"string": str, "integer": int, "number": (int, float), "null": type(None), "array": list, "object": dict}
    types["boolean"] = bool
    if not isinstance(value, types[kind["type"]]):
        return [f"{where}: {value!r} is no {kind['type']}"]
    if isinstance(value, str) and not re.search(kind.get("pattern", ""), value):
        return [f"{where}: {value!r} does not match {kind['pattern']}"]
    if isinstance(value, list):
        return [fault for at, one in enumerate(value) for fault in faults(one, kind["items"], parts, f"{where}[{at}]")]
    if isinstance(value, dict):
        missing = [f"{where}: no {name}" for name in kind["required"] if name not in value]
        known = kind["properties"]
        inner = [fault for name, one in value.items() for fault in faults(one, known[name], parts, f"{where}.{name}")]
        return missing + inner
    return []
