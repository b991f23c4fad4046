"""Which verdicts stand together, worked out by hand: the k-th largest wealth must reach K / (k x rate)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from trial_documents import document

from baseload.quality.bar import Bar
from baseload.quality.trial.document import TrialDocument
from baseload.quality.trial.together import evidence_of, sentence_of, together


def trial(wealth: float | None, state: str = "holds", grade: str = "replayed", **given: Any) -> TrialDocument:
    found = document(**given)
    decision = msgspec.structs.replace(found.decision, e_value=wealth)
    return msgspec.structs.replace(found, decision=decision, state=state, grade=grade)


def test_one_trial_alone_says_nothing_of_several() -> None:
    assert together({"a": trial(20.1)}) == ()


def test_all_stand_where_all_hold() -> None:
    [found] = together({"a": trial(20.1), "b": trial(20.2)})
    assert (found.holds, found.stand, found.trials) == (("a", "b"), ("a", "b"), 2)


def test_a_trial_that_did_not_hold_counts_against_those_that_did() -> None:
    """Three trials: one alone needs 60, two need 30."""
    trials = {"a": trial(25.0), "b": trial(29.0), "c": trial(0.2, state="not_shown")}
    [found] = together(trials)
    assert (found.holds, found.stand) == (("a", "b"), ())
    assert found.all_stand_at == pytest.approx(3 / (2 * 25.0))
    [better] = together(trials | {"a": trial(30.0), "b": trial(31.0)})
    assert better.stand == ("a", "b")


def test_trials_set_aside_before_they_ended_count_too() -> None:
    trials = {"a": trial(20.1), "b": trial(20.2)}
    [found] = together(trials, unfinished=1)
    assert (found.trials, found.stand) == (3, ())
    assert together({"a": trial(20.1)}, unfinished=1)[0].trials == 2


def test_what_is_invalid_has_no_evidence_and_what_a_judge_cost_is_taken_off() -> None:
    """A judged test of a bar at 0.05 runs at 0.04: a wealth of 25 there is worth 20."""
    assert evidence_of(trial(50.0, state="invalid")) == 0
    assert evidence_of(trial(None)) == 0
    found = document(bar=Bar(workload="triage", grader="judge", budget_usd=document().bar.budget_usd))
    judged = msgspec.structs.replace(found.decision, e_value=25.0, alpha=0.04)
    assert evidence_of(msgspec.structs.replace(found, decision=judged)) == pytest.approx(20.0)


def test_a_stand_ins_trials_are_counted_apart() -> None:
    found = together({"a": trial(20.1), "b": trial(20.1), "c": trial(99.0, grade="simulated")})
    assert [(one.grade, one.trials) for one in found] == [("replayed", 2)]
    both = together({"a": trial(20.1, grade="simulated"), "b": trial(0.1, state="breaks", grade="simulated")})
    assert "against a stand-in" in sentence_of(both[0], {})


def test_a_rate_is_never_said_to_be_smaller_than_it_is() -> None:
    [found] = together({"a": trial(20.1), "b": trial(0.1, state="breaks")})
    assert sentence_of(found, {"a": "Tickets on Haiku"}) == (
        "Of 2 trials 1 hold alone; at a false discovery rate of 5 % none stand together. "
        "Counting on all 1 accepts 10 % wrong ones"
    )
    assert sentence_of(msgspec.structs.replace(found, all_stand_at=0.1001), {}).endswith("accepts 10.1 % wrong ones")
