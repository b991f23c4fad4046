"""Judging: figures worked out by hand, and rows the router was fitted on are told."""

from __future__ import annotations

import math

import msgspec
import pytest
from answers_made import STRONG, WEAK, answers, paired, row

from baseload.quality.router.certify import Promise
from baseload.quality.router.document import RouterFile
from baseload.quality.router.evaluate import CONTROLS, Evaluation, evaluate
from baseload.quality.router.fit import fit

PROMISE = Promise(floor=0.95, confidence=0.90)
KEYS = {
    "quality", "quality_ratio", "quality_ratio_se", "cost_ratio", "saving", "share_by_model", "controls",
}  # fmt: skip


@pytest.fixture(scope="module")
def pinned() -> RouterFile:
    found, _ = fit(paired([(1.0, 1.0)] * 80), STRONG, [WEAK], PROMISE)
    assert found.decision == "pin"
    return found


def others() -> list[tuple[float, float]]:
    """Strong is right on 3 of 4, weak on 2: one of those and the one strong misses."""
    return [(1.0, 1.0), (1.0, 0.0), (1.0, 0.0), (0.0, 1.0)]


def judged(router: RouterFile, *, weak_cost: float = 0.25) -> Evaluation:
    rows = []
    for at, (strong, weak) in enumerate(others()):
        rows += [row(f"new{at}", STRONG, strong, 1.0), row(f"new{at}", WEAK, weak, weak_cost)]
    return evaluate(router, answers(rows))[0]


def test_figures_of_a_pin(pinned: RouterFile) -> None:
    """Quality 2/4; ratio 2/3; cost 4 x 0.25 of 4. Residuals q - (2/3) s: 1/3, -2/3, -2/3, 1: squares 2; 4/3 of them,
    root, over the sum of s (3)."""
    found = judged(pinned)
    assert found.quality == 0.5
    assert found.quality_ratio == pytest.approx(2 / 3)
    assert found.quality_ratio_se == pytest.approx(math.sqrt(2 * 4 / 3) / 3)
    assert (found.cost_ratio, found.saving) == (0.25, 0.75)
    assert found.share_by_model == {STRONG: 0.0, WEAK: 1.0}


def test_controls_are_those_of_the_issue(pinned: RouterFile) -> None:
    found = judged(pinned)
    assert set(msgspec.to_builtins(found)) >= KEYS
    assert tuple(found.controls) == CONTROLS
    assert found.controls["always_strong"].quality == 0.75
    assert found.controls["always_strong"].saving == 0.0
    assert found.controls["always_weak"].quality == 0.5
    assert found.controls["oracle"].quality == 1.0
    assert found.controls["oracle"].cost_ratio == (0.25 + 1 + 1 + 0.25) / 4
    assert found.controls["cost_matched_mix"].quality == 0.5  # at weak's cost there is only weak
    assert found.controls["best_constant"].saving == 0.75


def test_a_mix_of_constants_lies_on_the_line_between_them(pinned: RouterFile) -> None:
    """A router that leaves all with strong costs as much as strong: the mix is strong."""
    left = msgspec.structs.replace(pinned.policy, decision="leave", model="")
    found = judged(msgspec.structs.replace(pinned, policy=left))
    assert found.controls["cost_matched_mix"].quality == 0.75
    assert (found.saving, found.quality_ratio, found.quality_ratio_se) == (0.0, 1.0, 0.0)


def test_fitted_rows_are_left_out(pinned: RouterFile) -> None:
    mixed = [*paired([(1.0, 1.0)] * 80).rows]
    mixed += [row("new", STRONG, 1.0), row("new", WEAK, 0.0)]
    found, problems = evaluate(pinned, answers(mixed))
    assert (found.prompts, found.fitted_rows, found.quality) == (1, 80, 0.0)
    assert found.quality_ratio_se is None  # one prompt has no spread
    assert [problem.code for problem in problems] == ["fitted-rows"]


def test_a_table_of_nothing_but_fitted_rows_is_no_evidence(pinned: RouterFile) -> None:
    found, problems = evaluate(pinned, paired([(1.0, 1.0)] * 80))
    assert found.fitted_rows == found.prompts == 80
    assert "no evidence" in problems[0].message


@pytest.mark.parametrize(
    "change", [{"dataset": "other"}, {"trial": "9"}, {"prompt_id": "z"}, {"prompt": "QUESTION  number 7 of many"}]
)
def test_a_fitted_prompt_is_told_whatever_it_is_called(pinned: RouterFile, change: dict[str, str]) -> None:
    one = [each for each in paired([(1.0, 1.0)] * 80).rows if each.prompt_id == "p7"]
    new = [row("new", name, 1.0) for name in (STRONG, WEAK)]
    found, _ = evaluate(pinned, answers([*new, *(each._replace(**change) for each in one)]))
    assert (found.prompts, found.fitted_rows) == (1, 1)


def test_new_prompts_under_fitted_ids_are_judged(pinned: RouterFile) -> None:
    texts = [f"something else {at}" for at in range(80)]
    found, problems = evaluate(pinned, paired([(1.0, 1.0)] * 80, prompts=texts))
    assert (found.prompts, found.fitted_rows, problems) == (80, 0, [])


def test_what_weak_failed_to_answer_is_judged_as_a_miss(pinned: RouterFile) -> None:
    rows = [row(f"new{at}", STRONG, 1.0) for at in range(4)] + [row(f"new{at}", WEAK, 1.0, 0.1) for at in range(3)]
    found, _ = evaluate(pinned, answers(rows))
    assert (found.quality, found.used, found.asked) == (0.75, 4, 4)


def test_estimated_costs_make_the_saving_relative(pinned: RouterFile) -> None:
    rows = [row("x", name, 1.0, basis="est_tokens") for name in (STRONG, WEAK)]
    found, problems = evaluate(pinned, answers(rows))
    assert found.relative
    assert [problem.code for problem in problems] == ["cost-basis"]  # it was fitted on measured dollars


def test_strong_that_never_scores_gives_no_nan(pinned: RouterFile) -> None:
    found = evaluate(pinned, answers([row("x", STRONG, 0.0), row("x", WEAK, 0.0, 0.1)]))[0]
    assert (found.quality_ratio, found.quality_ratio_se) == (1.0, None)


def test_a_session_follows_its_first_prompt() -> None:
    """Fitted on two topics of which weak knows one; a session that begins with that one stays there."""
    scores, texts = [], []
    for at in range(300):
        easy = at % 2
        texts.append(f"{'greet my friend warmly' if easy else 'integrate this awful function'} {at}")
        scores.append((1.0, float(easy)))
    router, _ = fit(paired(scores, prompts=texts), STRONG, [WEAK], PROMISE)
    assert router.decision == "route"
    turns = [("s", "greet my friend warmly 1003"), ("s", "integrate this awful function 1003")]
    turns += [("t", "integrate this awful function 1004"), ("t", "greet my friend warmly 1004")]
    rows = [
        row(
            f"{session}{at}",
            name,
            1.0,
            1.0 if name == STRONG else 0.1,
            prompt=text,
            session=session,
            numbers=(float(at),),
        )
        for at, (session, text) in enumerate(turns)
        for name in (STRONG, WEAK)
    ]
    found, _ = evaluate(router, answers(rows, ("turn",)))
    assert found.share_by_model == {STRONG: 0.5, WEAK: 0.5}
    assert found.prompts == 2
