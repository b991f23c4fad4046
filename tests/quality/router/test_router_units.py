"""Units: models meet inside one trial, and nothing that is missing helps the weak one."""

from __future__ import annotations

import numpy as np
import pytest
from answers_made import STRONG, WEAK, answers, row

from baseload.errors import NothingToRead, UsageError
from baseload.quality.router.table import Row
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


def test_a_prompt_a_weak_model_did_not_answer_is_a_miss_that_costs_as_much_as_strong() -> None:
    rows = [row("p", STRONG, 1.0, 0.5), row("p", WEAK, 1.0, 0.1), row("q", STRONG, 1.0, 0.7)]
    units, problems = units_of(answers(rows), STRONG, [WEAK])
    at = units.texts.index("question q")
    assert (units.quality[at].tolist(), units.cost[at].tolist()) == ([1.0, 0.0], [0.7, 0.6])  # 0.6: strong's mean
    assert [(one.code, one.value) for one in problems] == [("not-answered", WEAK)]
    assert (len(units), units.asked) == (2, 2)


def test_a_failed_answer_without_a_cost_is_a_miss_too() -> None:
    rows = [row("p", STRONG, 1.0), row("p", WEAK, 1.0, 0.1), row("q", STRONG, 1.0), row("q", WEAK, 0.0, None, basis="")]
    units, problems = units_of(answers(rows), STRONG, [WEAK])
    at = units.texts.index("question q")
    assert (units.quality[at].tolist(), units.cost[at].tolist()) == ([1.0, 0.0], [1.0, 1.0])
    assert [(one.code, one.value) for one in problems] == [("no-cost", WEAK)]
    assert units.cost_basis == "measured"


def test_a_dear_weak_model_misses_at_its_own_cost() -> None:
    rows = [row("p", STRONG, 1.0), row("p", WEAK, 1.0, 3.0), row("q", STRONG, 1.0)]
    units, _ = units_of(answers(rows), STRONG, [WEAK])
    assert units.cost[units.texts.index("question q")].tolist() == [1.0, 3.0]


def asked(category: str, many: int, *, weak: bool = True, trial: str = "0", dataset: str = "") -> list[Row]:
    models = (STRONG, WEAK) if weak else (STRONG,)
    return [
        row(f"{category}{trial}{at}", name, 1.0, category=category, trial=trial, dataset=dataset)
        for at in range(many)
        for name in models
    ]


def test_ten_prompts_of_a_category_without_a_row_were_not_asked_and_fewer_were_missed() -> None:
    """A model that skipped a whole category knows nothing of it: neither a hit nor a miss, and it stays with strong."""
    units, problems = units_of(answers(asked("code", 20) + asked("maths", 10, weak=False)), STRONG, [WEAK])
    assert (len(units), units.asked, units.not_asked) == (20, 30, ("maths",))
    assert [one.code for one in problems] == ["not-asked"]
    units, problems = units_of(answers(asked("code", 20) + asked("maths", 9, weak=False)), STRONG, [WEAK])
    assert (len(units), units.not_asked, units.quality[:, 1].sum()) == (29, (), 20)
    assert [one.code for one in problems] == ["not-answered"]


def test_a_dataset_that_was_not_asked_is_told_from_the_other() -> None:
    rows = asked("maths", 12, dataset="a") + asked("maths", 12, weak=False, dataset="b", trial="1")
    units, _ = units_of(answers(rows), STRONG, [WEAK])
    assert set(units.categories) == {"maths"}
    again = [*rows, *asked("maths", 12, weak=False, dataset="b")]
    units, _ = units_of(answers(again), STRONG, [WEAK])
    assert (set(units.categories), units.not_asked) == ({"a/maths"}, ("b/maths",))


def test_trials_a_weak_model_is_not_in_are_left_out() -> None:
    units, problems = units_of(answers(asked("", 12) + asked("", 12, weak=False, trial="1")), STRONG, [WEAK])
    assert (len(units), units.asked) == (12, 24)
    assert [one.code for one in problems] == ["other-trials"]


def test_a_trial_of_one_prompt_hides_no_miss() -> None:
    """A replay that numbers every prompt's trial by itself."""
    rows = [one for at in range(12) for one in asked("", 1, weak=at % 2 == 0, trial=str(at))]
    units, _ = units_of(answers(rows), STRONG, [WEAK])
    assert (len(units), units.quality[:, 1].sum()) == (12, 6)


@pytest.mark.parametrize("basis", ["banana", "Measured"])
def test_an_unknown_cost_basis_is_refused(basis: str) -> None:
    rows = [row("p", STRONG, 1.0), row("p", WEAK, 1.0, basis=basis)]
    with pytest.raises(UsageError, match=f"cost_basis {basis} on rows of {WEAK}; expected measured, list_price"):
        units_of(answers(rows), STRONG, [WEAK])


@pytest.mark.parametrize(("bare", "refused"), [(1, False), (2, True)])
def test_answers_without_a_cost_basis_are_refused_above_one_in_a_hundred(bare: int, refused: bool) -> None:
    rows = []
    for at in range(100):
        rows += [row(f"p{at}", STRONG, 1.0), row(f"p{at}", WEAK, 1.0, 0.1, basis="" if at < bare else "measured")]
    if refused:
        with pytest.raises(UsageError, match="2 of 100 answers with a score lack one"):
            units_of(answers(rows), STRONG, [WEAK])
    else:
        units, _ = units_of(answers(rows), STRONG, [WEAK])
        assert sorted(units.cost[:, 1].tolist())[-2:] == [0.1, 1.0]  # as dear as strong


def test_prompts_that_say_the_same_are_one_cluster_whatever_their_ids() -> None:
    texts = ["Sort  the list", "sort the LIST ", "sort a list"]
    rows = [row(f"p{at}", name, 1.0, prompt=text) for at, text in enumerate(texts) for name in (STRONG, WEAK)]
    units, _ = units_of(answers(rows), STRONG, [WEAK])
    numbers = dict(zip(units.texts, units.cluster.tolist(), strict=True))
    assert numbers[texts[0]] == numbers[texts[1]] != numbers[texts[2]]


def test_one_id_links_two_wordings_and_each_of_them_its_twins() -> None:
    wordings = [("p", "old words", "a"), ("p", "new words", "b"), ("q", "new words", "a"), ("r", "others", "a")]
    rows = [row(at, name, 1.0, prompt=text, trial=trial) for at, text, trial in wordings for name in (STRONG, WEAK)]
    units, _ = units_of(answers(rows), STRONG, [WEAK])
    assert sorted(np.bincount(units.cluster).tolist()) == [1, 3]


def test_sessions_are_twins_by_their_first_prompt_and_not_by_a_later_one() -> None:
    turns = [("s", "sort a list"), ("s", "continue"), ("t", "write a poem"), ("t", "continue"), ("u", "sort a list")]
    rows = [
        row(f"{session}{at}", name, 1.0, prompt=text, session=session, numbers=(float(at),))
        for at, (session, text) in enumerate(turns)
        for name in (STRONG, WEAK)
    ]
    units, _ = units_of(answers(rows, ("turn",)), STRONG, [WEAK])
    assert sorted(np.bincount(units.cluster).tolist()) == [2, 3]


def test_prompts_without_words_are_told_apart_by_their_ids() -> None:
    rows = [
        row(at, name, 1.0, prompt=text) for at, text in (("p", ""), ("q", " "), ("r", "x")) for name in (STRONG, WEAK)
    ]
    units, _ = units_of(answers(rows), STRONG, [WEAK])
    assert len(set(units.cluster.tolist())) == 3


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
