"""Which kind of work a workload is, from shape, prompt cues and names, with a confidence that means something."""

from __future__ import annotations

from collections import Counter

import pytest
from labelled_company import labelled

from baseload.usage.cues import SHAPE_CUES, VERB_CUES
from baseload.workloads.cues import CUE_WEIGHTS, FORM_CUE, LOOP_CUE
from baseload.workloads.rules import TASKS
from baseload.workloads.shape import Shape
from baseload.workloads.task import MIN_CONFIDENCE, classify


def shape(calls: int = 100, prompt: int = 0, output: int = 0, **more: int) -> Shape:
    """`prompt` and `output` are tokens of one call; outputs of more than 20 fall in one bin."""
    edges = {"out_le_20": 20, "out_le_100": 100, "out_le_500": 500, "out_le_2000": 2000, "out_gt_2000": 10**9}
    one = next(name for name, edge in edges.items() if output <= edge)
    totals = {"uncached_input_tokens": prompt * calls, "output_tokens": output * calls, one: calls}
    return Shape(calls=calls, **(totals | more))


@pytest.mark.parametrize(
    ("seen", "cues", "task"),
    [
        (shape(prompt=600, output=4), "classify,system", "classification"),
        (shape(prompt=600, output=4), "route,system", "routing"),
        (shape(prompt=9000, output=300), "extract,json_output", "extraction"),
        (shape(prompt=9000, output=40), "classify,json_output", "classification"),
        (shape(prompt=20_000, output=500), "summarise", "summarisation"),
        (shape(prompt=6000, output=300), "answer,document", "qa"),
        (shape(prompt=900, output=850), "translate", "formatting"),
        (shape(prompt=2000, output=900), "code,code_output", "codegen"),
        (shape(prompt=40_000, output=300, messages_sum=2000), "code,tool_result,tools", "agentic"),
        (shape(prompt=800, output=4000, thinking_sum=320_000), "reason", "reasoning"),
        (shape(prompt=3000, output=200, messages_sum=900), "chat", "chat"),
        (shape(prompt=60, output=400), "system", "unknown"),
    ],
)
def test_shape_and_cues_together_name_the_task(seen: Shape, cues: str, task: str) -> None:
    found = classify(seen, {cues: seen.calls})
    assert found.task == task
    assert (found.confidence >= MIN_CONFIDENCE) == (task != "unknown")
    assert found.evidence.endswith(".")


def test_a_forced_tool_that_fills_a_form_is_extraction_and_not_an_agent() -> None:
    forced = shape(prompt=5000, output=300, tool_result_calls=100)  # every call stops to "call" the tool
    assert classify(forced, {"extract,tool_use,tools": 100}, features=("forced_tool",)).task == "extraction"
    assert classify(forced, {"": 100}).task != "agentic"
    mostly = shape(prompt=5000, output=300, tool_result_calls=90)
    assert classify(mostly, {"": 100}, features=("structured_outputs",)).task != "agentic"


def test_tool_loops_are_seen_without_prompts_too() -> None:
    assert classify(shape(prompt=9000, output=200, tool_result_calls=70), {"": 100}).task == "agentic"


def test_a_coding_agents_calls_are_agentic_even_in_billing_rows() -> None:
    assert classify(Shape(), {}, is_coding_agent=True).task == "agentic"


def test_a_name_alone_gives_a_modest_guess() -> None:
    found = classify(Shape(), {}, names=("invoice-extractor-prod",))
    assert (found.task, found.evidence) == ("extraction", 'Its name says "extractor".')
    # 1.2 points of a name against 1 of doubt: 1.2 / 2.2
    assert found.confidence == 0.55


def test_confidence_is_the_winners_points_over_all_points_and_one_of_doubt() -> None:
    # classify: 2 x 1.0 of words + 1.3 of shape = 3.3; 3.3 / (3.3 + 0 + 1) = 0.767
    assert classify(shape(prompt=600, output=4), {"classify": 100}).confidence == 0.77


def test_cues_of_few_calls_do_not_decide() -> None:
    found = classify(shape(prompt=60, output=400), {"extract": 5, "": 95})
    assert found.task == "unknown"


def test_words_that_point_everywhere_are_unknown_and_said() -> None:
    found = classify(shape(prompt=100, output=60), {"answer,code,reason,translate": 100})
    assert found.task == "unknown"
    assert "No kind of task leads" in found.evidence


def test_nothing_seen_is_unknown_with_the_reason() -> None:
    assert classify(Shape(), {}) == ("unknown", 0.0, "Only billing rows: what a call is like was not seen.")


def test_every_cue_that_readers_write_is_known_here() -> None:
    neutral = {"document", "image", "system", "tool_use", "tools", FORM_CUE, LOOP_CUE}
    assert set(CUE_WEIGHTS) | neutral == set(VERB_CUES) | set(SHAPE_CUES)
    assert {task for task, _ in CUE_WEIGHTS.values()} <= set(TASKS)


def test_on_the_labelled_set_it_is_mostly_right_and_rarely_wrong() -> None:
    # docs/concepts-workloads.md quotes these figures: change both. 1,000 workloads, 20 kinds of program in turn; a
    # quarter of true cues missing, a stray cue on a quarter, 15 % without any prompt seen.
    outcome: Counter[str] = Counter()
    for one in labelled(1000, seed=7):
        found = classify(one.shape, one.cues, features=one.features).task
        outcome["unknown" if found == "unknown" else "right" if found == one.task else "wrong"] += 1
    assert outcome["right"] >= 630
    assert outcome["wrong"] <= 140
    clear: Counter[str] = Counter()
    for one in labelled(1000, seed=7, missing=0, stray=0, blind=0):
        clear["right" if classify(one.shape, one.cues, features=one.features).task == one.task else "other"] += 1
    assert clear["right"] >= 850


def test_a_high_confidence_is_right_more_often_than_a_low_one() -> None:
    right: Counter[bool] = Counter()
    total: Counter[bool] = Counter()
    for one in labelled(1000, seed=11):
        found = classify(one.shape, one.cues, features=one.features)
        if found.task != "unknown":
            high = found.confidence >= 0.7
            total[high] += 1
            right[high] += found.task == one.task
    assert right[True] / total[True] >= 0.9
    assert right[False] / total[False] < right[True] / total[True]
