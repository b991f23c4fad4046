"""From the plan to the policy: what may run unattended, and what stands in a comment."""

from __future__ import annotations

from typing import Any

import pytest
from planned_cases import HAIKU, MARKS, OPUS, cached, menu, plan, usd, workload

from baseload.levers.options import Menu, Rewrite, RouteOption
from baseload.plan.changes import changes_of
from baseload.plan.choice import Choice
from baseload.plan.planned import Planned
from baseload.plan.policy import Batch, Cache, Entry, Match
from baseload.plan.policy_plan import policy_of
from baseload.plan.policy_read import read_policy
from baseload.plan.policy_write import write_policy
from baseload.workloads.key import UNATTRIBUTED

PLACE = Match(api_key=("k1",))
DEPLOYED = Choice(route=1, cache="plan", batch=True)
CACHED = Choice(cache="plan")


def entry_of(one: Planned, place: Match = PLACE, hoped: tuple[Planned, ...] = ()) -> tuple[Entry, list[str]]:
    found, comments = policy_of(
        [one], {"w-triage": place}, created="2026-11-22", prices_checked="2026-11-21", hoped=hoped
    )
    return found.entries[0], comments["w-triage"]


def chosen(choice: Choice, verdict: str = "holds", **other: Any) -> Planned:
    return plan(("route", usd(300, 400, 500), "replayed"), choice=choice, options=menu(verdict, **other))


def test_a_tested_model_is_pinned_with_its_marks_batch_and_verdict() -> None:
    found, comments = entry_of(chosen(DEPLOYED))
    assert (found.decision, found.model, found.effort, found.from_models) == ("pin", HAIKU, "low", (OPUS,))
    assert found.cache == Cache(marks=MARKS)
    assert found.batch == Batch(deadline="4h", window="10m")
    assert (found.verdict_id, found.pin_original, found.match) == ("v-1", False, PLACE)
    assert comments == [f"Runs on {OPUS}. The entry saves $300 to $500, likely $400 a year at list price."]


@pytest.mark.parametrize("verdict", ["assumed", "not_shown", "breaks", "invalid"])
def test_without_a_verdict_that_holds_nothing_of_the_choice_is_deployed(verdict: str) -> None:
    """The cache and the batch were priced with the model: without it they are void."""
    found, _ = entry_of(chosen(DEPLOYED, verdict))
    assert found == Entry(workload=found.workload, match=PLACE)


def test_an_excluded_model_is_never_pinned() -> None:
    options = Menu(
        workload="w-triage",
        routes=(
            RouteOption(model=OPUS, today=True),
            RouteOption(model=HAIKU, verdict="holds", excluded_by=("prefill",)),
        ),
    )
    found, _ = entry_of(plan(choice=Choice(route=1), options=options))
    assert found.decision == "leave"


def test_what_the_full_plan_hopes_for_names_the_trial_that_would_unlock_it() -> None:
    hoped = plan(("route", usd(200, 900, 950), "assumed"), choice=DEPLOYED, options=menu("assumed"))
    found, comments = entry_of(chosen(CACHED, "assumed"), hoped=(hoped,))
    assert (found.decision, found.cache) == ("leave", Cache(marks=MARKS))
    assert comments[1].startswith(f"Not tested: {HAIKU} at effort low and what goes with it would save $200 to $950")
    assert "A quality trial of it on this workload's own calls unlocks it." in comments[1]


def test_marks_of_a_prompt_that_nobody_has_edited_are_in_no_entry() -> None:
    """As requests are sent today the marks would stand behind a part that changes: they would save nothing."""
    moved = menu("holds", caches=(cached(OPUS, policy="edited", move_after_prefix=("the date",)),))
    edited = plan(("cache", usd(90, 100, 110), "simulated"), choice=Choice(cache="edited"), options=moved)
    found, _ = entry_of(edited)
    assert found == Entry(workload=found.workload, match=PLACE)
    made, comments = policy_of(
        [plan(options=moved)], {"w-triage": PLACE}, created="2026-11-22", prices_checked="2026-11-21", edited=[edited]
    )
    assert made.entries[0].cache is None
    assert comments["w-triage"] == [
        f"Runs on {OPUS}. Nothing to change without an edit of the prompt.",
        (
            "Not in this entry: an edit of the prompt by its owner, who moves the date behind the static part and "
            "checks that the answers stay as good. With it the entry would save $90 to $110, likely $100 a year in "
            "all: plan again on calls sent after the edit."
        ),
    ]


def test_what_held_against_a_stand_in_is_never_pinned_and_named_for_what_it_is() -> None:
    route = RouteOption(model=HAIKU, effort="low", verdict="holds", verdict_id="v-1", verdict_grade="simulated")
    options = menu(routes=(RouteOption(model=OPUS, today=True), route))
    hoped = plan(("route", usd(200, 900, 950), "simulated"), choice=Choice(route=1), options=options)
    found, comments = entry_of(hoped, hoped=(hoped,))
    assert (found.decision, found.model, found.verdict_id) == ("leave", "", "")
    _, comments = entry_of(plan(options=options), hoped=(hoped,))
    assert comments[1].startswith(f"Tried against a stand-in alone: {HAIKU} at effort low")


def test_marks_taken_out_are_work_on_code_and_said_to_be() -> None:
    options = menu("holds", caches=(cached(OPUS, policy="none", marks=()),))
    bare = plan(("cache", usd(90, 100, 110), "simulated"), choice=Choice(cache="none"), options=options)
    _, comments = entry_of(bare)
    assert comments[1] == (
        "Cache policy none is for the caller's code: it gives no marks that a gateway could set. There it saves $90 to "
        "$110, likely $100 a year."
    )
    assert [change.kinds for change in changes_of(bare)] == [("code",)]


def test_rewrites_stand_above_the_entry() -> None:
    moved = RouteOption(
        model=HAIKU,
        verdict="holds",
        verdict_id="v-1",
        rewrites=(Rewrite(feature="sampling", action="strip temperature"),),
    )
    options = menu(routes=(RouteOption(model=OPUS, today=True), moved))
    _, comments = entry_of(plan(choice=Choice(route=1), options=options))
    assert "Rewritten on the way: strip temperature (sampling)." in comments


def test_what_cannot_be_told_apart_is_left_alone_whatever_was_chosen() -> None:
    found, comments = entry_of(chosen(DEPLOYED), Match())
    assert found == Entry(workload=found.workload)
    assert comments == [
        "Left alone: nothing a gateway sees tells these requests from others. Let the caller send a tag."
    ]


def test_keep_alive_is_written_where_the_plan_reads_to_keep() -> None:
    options = menu("holds", caches=(cached(OPUS, keep_alive_share=0.1),))
    found, _ = entry_of(plan(choice=CACHED, options=options))
    assert found.cache == Cache(marks=MARKS, keep_alive=True)


def test_a_cache_policy_without_marks_writes_no_marks() -> None:
    options = menu("holds", caches=(cached(OPUS, policy="none", marks=()),))
    found, _ = entry_of(plan(choice=Choice(cache="none"), options=options))
    assert found.cache is None


def test_unattributed_spend_has_no_entry() -> None:
    one = plan(of=UNATTRIBUTED)
    made, comments = policy_of([one], {}, created="", prices_checked="")
    assert (made.entries, comments) == ((), {})


def test_the_policy_of_a_plan_is_written_and_read_back() -> None:
    planned = [chosen(DEPLOYED), plan(choice=CACHED, of=workload("other")), plan(of=workload("third"))]
    places = {one.workload.id: Match(api_key=(one.workload.name,)) for one in planned}
    made, comments = policy_of(planned, places, created="2026-11-22", prices_checked="2026-11-21")
    assert read_policy(write_policy(made, comments).encode()) == made
    again, _ = policy_of(planned[::-1], places, created="2026-12-01", prices_checked="2026-11-30")
    assert again.policy_id == made.policy_id
