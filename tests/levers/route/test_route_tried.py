"""The map's routing rows with what trials found: the word, the trial, and nothing proven that is not."""

from __future__ import annotations

from msgspec.structs import replace

from baseload.levers.route.tried import with_verdicts
from baseload.levers.route.verdicts import of_own_traffic
from baseload.levers.summary import summarise
from baseload.values import Opportunity, Verdict, VerdictState


def row(candidate: str = "haiku", lever: str = "route") -> Opportunity:
    return Opportunity(
        workload="triage", lever=lever, candidate=candidate, low_nano=40, high_nano=90, grade="assumed",
        assumption="quality not tested; output up to x 1.25",
    )  # fmt: skip


def said(state: VerdictState, effort: str = "", name: str = "v1") -> Verdict:
    return Verdict(workload="triage", model="haiku", effort=effort, state=state, verdict_id=name)


def tried(*verdicts: Verdict, of: Opportunity | None = None) -> Opportunity:
    keyed = {(one.workload, one.model, one.effort): one for one in verdicts}
    return with_verdicts([of or row()], keyed)[0]


def test_a_move_without_a_trial_is_not_tested() -> None:
    found = tried()
    assert (found.verdict, found.verdict_id) == ("assumed", "")
    assert found.assumption == row().assumption


def test_a_trial_that_holds_is_said_in_place_of_not_tested() -> None:
    found = tried(said("holds"))
    assert (found.verdict, found.verdict_id) == ("holds", "v1")
    assert found.assumption == "proven by a trial; output up to x 1.25"
    assert (found.low_nano, found.high_nano, found.excluded_by) == (40, 90, ())


def test_what_held_against_a_stand_in_is_simulated_and_not_proven() -> None:
    found = tried(replace(said("holds"), grade="simulated"))
    assert (found.verdict, found.verdict_grade) == ("holds", "simulated")
    assert found.assumption == "simulated by a trial against a stand-in; output up to x 1.25"


def test_a_broken_move_is_excluded_and_counts_in_no_range() -> None:
    found = tried(said("breaks"))
    assert (found.low_nano, found.high_nano) == (0, 0)
    assert found.excluded_by == ("a trial found that quality breaks (v1)",)
    reach = {"triage": frozenset({"haiku"})}
    route = next(one for one in summarise([found], {}, reach) if one.lever == "route")
    assert (route.low_nano, route.high_nano) == (0, 0)


def test_a_move_clearly_below_the_bar_is_excluded_too() -> None:
    found = tried(replace(said("not_shown"), clearly_below=True))
    assert (found.low_nano, found.high_nano, found.verdict) == (0, 0, "not_shown")
    assert found.excluded_by == ("not shown; clearly below the bar (v1)",)
    assert tried(said("not_shown")).excluded_by == ()


def test_what_a_stand_in_broke_is_simulated_on_own_traffic() -> None:
    found = tried(*of_own_traffic({("triage", "haiku", ""): replace(said("breaks"), grade="simulated")}).values())
    assert (found.excluded_by, found.high_nano, found.verdict) == ((), 90, "assumed")
    assert found.assumption == "simulated by a trial against a stand-in; output up to x 1.25"


def test_a_trial_at_another_effort_counts_where_it_holds_and_not_where_it_breaks() -> None:
    holds, breaks = tried(said("holds", "low")), tried(said("breaks", "low"))
    assert holds.verdict == "holds"
    assert holds.assumption.startswith("proven by a trial at effort low; ")
    assert (breaks.verdict, breaks.excluded_by, breaks.high_nano) == ("assumed", (), 90)
    assert breaks.assumption.startswith("quality not tested; broken by a trial at effort low; ")


def test_a_break_at_the_default_effort_is_not_made_good_by_another() -> None:
    found = tried(said("breaks"), said("holds", "high", "v2"))
    assert (found.verdict, found.verdict_id, found.high_nano) == ("breaks", "v1", 0)


def test_other_levers_need_no_trial() -> None:
    assert tried(said("holds"), of=row(lever="cache")).verdict is None
