"""Who serves what, as tables: each row is a request, an entry and a state, and what follows from them."""

from __future__ import annotations

from typing import Any

import pytest
from decide_made import BOOK, HAIKU, KEY, NOW_US, OPUS, facts_from, made_entry, made_facts, made_policy, mark, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.gateway.decide.decide import SAYS, Decision, decide, remember
from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.router import Chosen
from baseload.gateway.decide.rules import Rules, Ways
from baseload.gateway.decide.state import IDLE_US, Reached, RouteView, Sessions, State
from baseload.gateway.decide.switch import pays
from baseload.plan.policy import Batch, Cache, Entry, Match, Router, WorkloadRef
from baseload.plan.policy_match import RequestFacts
from baseload.values.periods import DAY_US, HOUR_US

SONNET = "claude-sonnet-5-5"
WHO = RequestFacts(api_key="key-1")
AT_ONCE = Ways(start="at_once", holdback=0.0)
DAY_AGO = NOW_US - DAY_US


def view(share: float, **more: Any) -> RouteView:
    """A route that reached this share a day ago."""
    reached = (Reached(DAY_AGO - DAY_US, 0.0), Reached(DAY_AGO, share))
    return RouteView(**{"lot": "p-0", "share": share, "stage": f"canary {share:.0%}", "reached": reached, **more})


def rules_of(*entries: Entry, ways: Ways | None = None, **more: Any) -> Rules:
    return Rules(made_policy(*entries), BOOK, KEY, ways=ways or AT_ONCE, **more)


def decided(
    entry: Entry | None = None,
    facts: Facts | None = None,
    route: RouteView | None = None,
    ways: Ways | None = None,
    sessions: Sessions | None = None,
    **more: Any,
) -> Decision:
    rules = rules_of(entry or made_entry(), ways=ways, **more)
    routes = {("w-1", rules.policy_id): route} if route else {}
    return decide(facts or made_facts(who=WHO), rules, State(routes, sessions or Sessions()))


@pytest.mark.parametrize(
    ("reason", "facts", "entry"),
    [
        ("not-messages", made_facts(kind="count_tokens", who=WHO), {}),
        ("not-messages", made_facts(kind="other", who=WHO), {}),
        ("no-entry", made_facts(who=RequestFacts()), {}),
        ("unreadable", made_facts(readable=False, who=RequestFacts()), {}),
        ("unreadable", made_facts(readable=False, who=WHO), {}),
        ("pinned-by-header", made_facts(pin_original=True, who=WHO), {}),
        ("pinned-by-policy", made_facts(who=WHO), {"pin_original": True}),
        ("leave", made_facts(who=WHO), {"decision": "leave", "model": "", "verdict_id": ""}),
        ("fast-mode", made_facts(fast=True, who=WHO), {}),
        ("thread", made_facts(thread=True, who=WHO), {}),
        ("unknown-model", made_facts(model="gpt-9", who=WHO), {}),
        ("other-model", made_facts(who=WHO), {"from_models": ("claude-opus-5-5",)}),
        ("unknown-target", made_facts(who=WHO), {"model": "claude-opus-99"}),
        ("same-model", made_facts(model=HAIKU, who=WHO), {}),
        ("same-model", made_facts(model=HAIKU, effort="low", who=WHO), {"effort": "low"}),
    ],
)
def test_these_keep_the_model_they_ask_for(reason: str, facts: Facts, entry: dict[str, Any]) -> None:
    found = decided(made_entry(**entry), facts)
    assert (found.reason, found.model, found.effort) == (reason, "", "")
    assert SAYS[found.reason]


@pytest.mark.parametrize(
    ("facts", "entry", "model", "effort"),
    [
        (made_facts(who=WHO), {}, HAIKU, ""),
        (made_facts(who=WHO), {"effort": "low"}, HAIKU, "low"),
        (made_facts(who=WHO), {"from_models": ("claude-opus-4-8",)}, HAIKU, ""),
        (made_facts(model="anthropic/claude-opus-4.8", who=WHO), {"from_models": (OPUS,)}, HAIKU, ""),
        (made_facts(model=HAIKU, who=WHO), {"effort": "low"}, "", "low"),
        (made_facts(who=RequestFacts(workload="tickets")), {"match": Match()}, HAIKU, ""),
        (made_facts(who=RequestFacts(workload="w-1")), {"match": Match()}, HAIKU, ""),
        (made_facts(who=RequestFacts(tags={"app": "Desk"})), {"match": Match(tag={"app": "desk"})}, HAIKU, ""),
    ],
)
def test_these_go_to_the_policys_model(facts: Facts, entry: dict[str, Any], model: str, effort: str) -> None:
    found = decided(made_entry(**entry), facts)
    assert (found.reason, found.model, found.effort) == ("candidate", model, effort)
    assert (found.workload, found.arm, found.verdict_id) == ("w-1", "candidate", "v-1")


def test_a_request_that_names_its_workload_has_its_entry_whatever_else_matches() -> None:
    other = made_entry(workload=WorkloadRef(id="w-2", name="mails"), match=Match(api_key=("never",)), model=SONNET)
    rules = rules_of(made_entry(), other)
    facts = made_facts(who=RequestFacts(workload="mails", api_key="key-1"))
    assert decide(facts, rules, State({}, Sessions())).model == SONNET


@pytest.mark.parametrize(
    ("ways", "route", "reason", "arm"),
    [
        # an entry with a verdict and no route yet begins in shadow, unless it is applied at once
        (Ways(holdback=0.0), None, "shadow", "incumbent"),
        (AT_ONCE, None, "candidate", "candidate"),
        # a route says where it stands
        (Ways(), view(0.0), "shadow", "incumbent"),
        (Ways(), view(1.0), "candidate", "candidate"),
        (AT_ONCE, view(0.0), "candidate", "candidate"),
        # whatever was rolled back stays so
        (Ways(), view(0.0, rolled_back=True), "rolled-back", "incumbent"),
        (AT_ONCE, view(1.0, rolled_back=True), "rolled-back", "incumbent"),
        # the holdback is on the original for ever
        (AT_ONCE, view(1.0, holdback=0.999999), "holdback", "holdback"),
        (Ways(start="at_once", holdback=0.999999), None, "holdback", "holdback"),
    ],
)
def test_stage_share_and_roll_back_override_the_file(
    ways: Ways, route: RouteView | None, reason: str, arm: str
) -> None:
    found = decided(ways=ways, route=route)
    assert (found.reason, found.arm) == (reason, arm)
    assert (found.model != "") is (reason == "candidate")
    assert found.candidate == ("" if arm == "holdback" else HAIKU)


FULL = made_entry(cache=Cache(marks=(mark("last_tool", "1h"), mark("tail"))), batch=Batch(deadline="4h"), effort="low")


def test_marks_and_batches_reach_the_incumbent_too_but_never_the_holdback_or_who_is_pinned() -> None:
    shadow = decided(FULL, ways=Ways(holdback=0.0))
    assert (shadow.reason, len(shadow.marks), shadow.batch) == ("shadow", 2, Batch(deadline="4h"))
    assert shadow.effort == ""
    for found in (
        decided(FULL, route=view(1.0, holdback=0.999999)),
        decided(FULL, facts=made_facts(pin_original=True, who=WHO)),
    ):
        assert (found.marks, found.batch, found.changes, found.workload) == ((), None, False, "w-1")


def test_an_entry_that_leaves_the_model_has_its_marks_at_once_and_a_holdback_of_its_own() -> None:
    entry = made_entry(decision="leave", model="", verdict_id="", cache=Cache(marks=(mark("tail"),)))
    assert decided(entry, ways=Ways(holdback=0.0)).marks == (mark("tail"),)
    assert decided(entry, ways=Ways(holdback=0.999999)).reason == "holdback"


def test_cache_marks_can_be_turned_off_or_left_to_the_planner() -> None:
    assert decided(FULL, ways=Ways(cache="off")).marks == ()
    found = decided(FULL, ways=Ways(cache="online", holdback=0.0))
    assert found.online
    assert found.changes


@pytest.mark.parametrize("special", [{"fast": True}, {"thread": True}])
def test_what_no_batch_takes_does_not_wait(special: dict[str, Any]) -> None:
    assert decided(FULL, facts=made_facts(who=WHO, **special)).batch is None


# sessions


def noted(model: str, *, asked: str = OPUS, ago_us: int = HOUR_US // 2, cached: int = 0) -> Sessions:
    sessions = Sessions()
    session = made_facts().session
    sessions.note("w-1", session, asked=asked, model=model, now_us=NOW_US - ago_us, cached_tokens=cached)
    return sessions


def test_a_session_keeps_its_model_while_the_ramp_climbs() -> None:
    climbed = view(1.0, reached=(Reached(DAY_AGO, 0.0), Reached(NOW_US - 60_000_000, 1.0)))
    assert decided(route=climbed, ways=Ways()).arm == "candidate"
    assert decided(route=climbed, ways=Ways(), sessions=noted(OPUS)).arm == "incumbent"
    idle = noted(OPUS, ago_us=IDLE_US)
    assert decided(route=climbed, ways=Ways(), sessions=idle).arm == "candidate"


def test_a_route_that_was_rolled_back_says_so_whatever_the_file_says() -> None:
    back = view(0.0, rolled_back=True, stage="rolled back")
    for ways in (Ways(), AT_ONCE):
        assert decided(route=back, ways=ways).stage == "rolled back"


def test_a_roll_back_takes_a_running_session_back_at_once() -> None:
    found = decided(route=view(1.0, rolled_back=True), ways=Ways(), sessions=noted(HAIKU))
    assert (found.reason, found.model) == ("rolled-back", "")


def test_a_session_that_began_on_the_original_ends_there() -> None:
    assert decided(sessions=noted(OPUS, cached=50_000)).reason == "mid-session"
    assert decided(sessions=noted(OPUS)).reason == "mid-session"
    assert decided(sessions=noted(HAIKU)).reason == "candidate"
    assert decided(sessions=noted(OPUS, ago_us=IDLE_US)).reason == "candidate"


def test_a_caller_that_changes_its_model_begins_a_new_session() -> None:
    climbed = view(1.0, reached=(Reached(DAY_AGO, 0.0), Reached(NOW_US - 60_000_000, 1.0)))
    for asked, arm in ((OPUS, "incumbent"), (SONNET, "candidate")):
        assert decided(route=climbed, ways=Ways(), sessions=noted(asked, asked=asked)).arm == arm


def test_a_switch_in_mid_session_needs_both_leave_and_a_price() -> None:
    """Fable 5 reads at 1.00 a MTok, Haiku 5.5 writes at 0.125: it pays. Opus 4.8 reads at 0.50, Sonnet 5.5 writes at
    2.50: it does not, unless nothing is cached.
    """
    allowed = Ways(start="at_once", holdback=0.0, switch_mid_session=True)
    for asked, target, cached, ways, reason in (
        ("claude-fable-5", HAIKU, 50_000, AT_ONCE, "mid-session"),
        ("claude-fable-5", HAIKU, 50_000, allowed, "candidate"),
        (OPUS, SONNET, 50_000, allowed, "mid-session"),
        (OPUS, SONNET, 0, allowed, "candidate"),
    ):
        sessions = noted(asked, asked=asked, cached=cached)
        facts = made_facts(model=asked, who=WHO)
        assert decided(made_entry(model=target), facts, ways=ways, sessions=sessions).reason == reason


def test_a_switch_pays_where_writing_anew_costs_no_more_than_reading_once() -> None:
    """Per MTok on 2026-11-18: Opus 4 reads at 1.50; Haiku 5.5 writes 5m at 0.125, its new tokens up to 1.35 to one.

    Opus 4.8 reads at 0.50 and Sonnet 5.5 writes at 2.50: no.
    """
    old_opus = BOOK.resolve("claude-opus-4-1")
    assert pays(BOOK, old_opus, HAIKU, 10_000, NOW_US)
    assert not pays(BOOK, OPUS, SONNET, 10_000, NOW_US)
    assert pays(BOOK, OPUS, SONNET, 0, NOW_US)
    assert not pays(BOOK, "claude-opus-99", SONNET, 10, NOW_US)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.25, 0.5, 1.0]))
def test_the_same_session_is_decided_alike_by_every_replica_and_only_joins_as_shares_rise(
    number: int, share: float
) -> None:
    facts = made_facts(who=WHO, session=f"s{number}")
    here, there = (decided(facts=facts, route=view(share), ways=Ways()) for _ in range(2))
    assert here == there
    if here.arm == "candidate":
        assert decided(facts=facts, route=view(1.0), ways=Ways()).arm == "candidate"


def test_shares_are_shares_of_sessions() -> None:
    rules = rules_of(made_entry(), ways=Ways(holdback=0.1))
    state = State({("w-1", rules.policy_id): view(0.25, holdback=0.1, shadow_share=0.5)}, Sessions())
    found = [decide(made_facts(who=WHO, session=f"s{n}"), rules, state) for n in range(4000)]
    arms = [one.arm for one in found]
    assert abs(arms.count("holdback") - 400) < 80  # 4 standard deviations of 19
    assert abs(arms.count("candidate") - 900) < 110  # 0.25 of the 3,600 others
    kept = [one for one in found if one.arm != "holdback"]
    assert abs(sum(one.paired for one in kept) - 1800) < 130
    assert not any(one.paired for one in found if one.arm == "holdback")


def test_what_is_remembered_is_what_served() -> None:
    rules, sessions = rules_of(made_entry()), Sessions()
    facts = made_facts(who=WHO, prompt_bytes=4000)
    decision = decide(facts, rules, State({}, sessions))
    remember(facts, decision, decision.model, State({}, sessions), marked=True)
    seen = sessions.get("w-1", facts.session, NOW_US)
    assert seen is not None
    assert (seen.asked, seen.model, seen.cached_tokens, seen.began_us) == (OPUS, HAIKU, 1000, NOW_US)
    remember(facts, decision, "", State({}, sessions), marked=False)
    seen = sessions.get("w-1", facts.session, NOW_US)
    assert seen is not None
    assert (seen.model, seen.cached_tokens) == (OPUS, 0)
    remember(made_facts(), Decision(reason="no-entry"), "", State({}, sessions), marked=False)
    assert len(sessions) == 1


# routers


class Choosing:
    """A router that counts how often it was asked."""

    def __init__(self, model: str, note: str = "") -> None:
        self.asked, self.chosen = 0, Chosen(model, note)

    def choose(self, _: Facts) -> Chosen:
        self.asked += 1
        return self.chosen


ROUTED = made_entry(decision="route", model="claude-opus-5-5", router=Router(path="r.json", sha256="0" * 64))


def test_a_router_is_asked_once_a_session() -> None:
    router = Choosing(HAIKU, "a note")
    first = decided(ROUTED, routers={"w-1": router})
    assert (first.model, first.note, router.asked) == (HAIKU, "a note", 1)
    again = decided(ROUTED, routers={"w-1": Choosing(SONNET)}, sessions=noted(HAIKU))
    assert (again.model, again.reason) == (HAIKU, "candidate")


def test_a_router_that_stays_with_the_model_asked_for_changes_nothing() -> None:
    assert decided(ROUTED, routers={"w-1": Choosing(OPUS)}).reason == "same-model"


def test_without_its_router_an_entry_is_served_by_its_incumbent() -> None:
    found = decided(ROUTED)
    assert (found.reason, found.model, found.candidate) == ("no-router", "", "")


def test_real_facts_lead_to_a_decision() -> None:
    facts = facts_from(plain(), (b"x-api-key", b"k"))
    entry = made_entry(match=Match(template_ids=(facts.template_id,)))
    assert decide(facts, rules_of(entry), State({}, Sessions())).model == HAIKU
    assert repr(rules_of(entry)).startswith("Rules('p-")
