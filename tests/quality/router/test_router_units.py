"""Units: models meet inside one trial, and nothing that is missing helps the weak one."""

from __future__ import annotations

import pytest
from answers_made import STRONG, WEAK, answers, row

from baseload.errors import NothingToRead, UsageError
from baseload.quality.router.units import units_of


def test_repeats_are_averaged_inside_a_trial_and_never_across() -> None:
    """Trial a: weak 1 and 0 -> 0.5; trial b: weak 1. Strong has 1 in a and 0 in b."""
    rows = [
        row("p", STRONG, 1.0, trial="a"), row("p", WEAK, 1.0, trial="a"), row("p", WEAK, 0.0, trial="a"),
        row("p", STRONG, 0.0, trial="b"), row("p", WEAK, 1.0, trial="b"),
    ]  # fmt: skip
    units, problems = units_of(answers(rows), STRONG, [WEAK])
    assert sorted(map(tuple, units.quality.tolist())) == [(0.0, 1.0), (1.0, 0.5)]
    assert set(units.cluster.tolist()) == {0}  # two trials of one prompt are not independent
    assert [problem.code for problem in problems] == ["duplicate-id"]


def test_models_of_different_trials_are_not_compared() -> None:
    rows = [row("p", STRONG, 1.0, trial="a"), row("p", WEAK, 1.0, trial="b")]
    with pytest.raises(NothingToRead, match="in one trial"):
        units_of(answers(rows), STRONG, [WEAK])


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"no model opus; there are strong-1, weak-1"):
        units_of(answers([row("p", STRONG, 1), row("p", WEAK, 1)]), "opus", [WEAK])


@pytest.mark.parametrize("weak", [[], [STRONG], [WEAK, WEAK]])
def test_a_ladder_names_each_model_once(weak: list[str]) -> None:
    with pytest.raises(UsageError):
        units_of(answers([row("p", STRONG, 1), row("p", WEAK, 1)]), STRONG, weak)


@pytest.mark.parametrize(("cost", "basis"), [(None, "measured"), (1.0, "")])
def test_without_costs_there_is_no_saving(cost: float | None, basis: str) -> None:
    rows = [row("p", STRONG, 1.0), row("p", WEAK, 1.0, cost, basis=basis)]
    with pytest.raises(UsageError, match="a saving without costs is no figure"):
        units_of(answers(rows), STRONG, [WEAK])


def test_a_missing_score_is_a_miss_of_the_weak_and_no_unit_of_the_strong() -> None:
    rows = [
        row("p", STRONG, 1.0), row("p", WEAK, None),
        row("q", STRONG, None), row("q", WEAK, 0.0),
    ]  # fmt: skip
    units, problems = units_of(answers(rows), STRONG, [WEAK])
    assert units.quality.tolist() == [[1.0, 0.0]]
    assert [problem.code for problem in problems] == ["no-strong"]


def test_prompts_a_weak_model_did_not_answer_are_left_out_and_said() -> None:
    rows = [row("p", STRONG, 1.0), row("p", WEAK, 1.0), row("q", STRONG, 1.0)]
    units, problems = units_of(answers(rows), STRONG, [WEAK])
    assert len(units) == 1
    assert [(one.code, one.value) for one in problems] == [("not-answered", WEAK)]


def test_the_ladder_stands_by_measured_cost() -> None:
    rows = [row("p", STRONG, 1, 1.0), row("p", "aaa", 1, 0.1), row("p", "bbb", 1, 0.5)]
    for weak in (["aaa", "bbb"], ["bbb", "aaa"]):
        assert units_of(answers(rows), STRONG, weak)[0].models == (STRONG, "bbb", "aaa")


def test_ids_stand_for_texts_only_where_no_prompt_has_any() -> None:
    rows = [row("django-1", name, 1.0, prompt="") for name in (STRONG, WEAK)]
    units, problems = units_of(answers(rows), STRONG, [WEAK])
    assert units.texts == ("django-1",)
    assert [problem.code for problem in problems] == ["no-text"]
    more = [*rows, *(row("x", name, 1.0, prompt="words") for name in (STRONG, WEAK))]
    assert set(units_of(answers(more), STRONG, [WEAK])[0].texts) == {"", "words"}


def test_a_session_is_led_by_its_first_turn_and_is_one_cluster() -> None:
    rows = [
        row(f"p{turn}", name, 1.0, session="s", numbers=(float(turn),)) for turn in (3, 1, 2) for name in (STRONG, WEAK)
    ]
    units, _ = units_of(answers(rows, ("turn",)), STRONG, [WEAK])
    assert units.texts == ("question p1", "question p2", "question p3")
    assert units.lead.tolist() == [0, 0, 0]
    assert units.cluster.tolist() == [0, 0, 0]


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [row(f"p{at}", name, at % 2) for at in range(30) for name in (STRONG, WEAK)]
    assert units_of(answers(rows), STRONG, [WEAK])[0].texts == units_of(answers(rows[::-1]), STRONG, [WEAK])[0].texts
