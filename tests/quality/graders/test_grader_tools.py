"""Tool calls and free signals."""

from __future__ import annotations

from typing import Any

import pytest

from baseload.errors import UsageError
from baseload.quality.graders.answers import Answer, Asked, ToolUse
from baseload.quality.graders.grader import graded
from baseload.quality.graders.signals import SignalGrader, length_ratio, refuses, signals
from baseload.quality.graders.tool_call import ToolCallGrader

ASKED = Asked(call_id="c")
WEATHER = {"name": "weather", "input": {"city": "Berlin", "days": 3}, "optional": ["unit"], "allowed": {"days": [4]}}


def made(*calls: tuple[str, Any], text: str = "") -> Answer:
    return Answer(text=text, tool_calls=tuple(ToolUse(name=name, input=value) for name, value in calls))


def score(answer: Answer, reference: Any, **options: bool) -> tuple[float, str]:
    found = graded(ToolCallGrader(**options), ASKED, answer, reference)
    return found.score, found.reason


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        ({"city": "berlin", "days": 3}, True),
        ({"city": "Berlin", "days": 4, "unit": "c"}, True),
        ({"city": "Berlin", "days": 3.0}, True),
        ({"city": "Berlin", "days": "3"}, False),
        ({"city": "Berlin", "days": True}, False),
        ({"city": "Berlin"}, False),
        ({"city": "Berlin", "days": 3, "country": "DE"}, False),
        ({"city": "Bern", "days": 3}, False),
        (None, False),
        (["Berlin", 3], False),
    ],
)
def test_names_required_arguments_and_types(arguments: Any, right: bool) -> None:
    assert score(made(("weather", arguments)), [WEATHER]) == (float(right), "right" if right else "wrong call")


def test_calling_and_not_calling_are_classes_of_their_own() -> None:
    assert score(Answer(text="It rains."), []) == (1, "right")
    assert score(made(("weather", {})), []) == (0, "needless call")
    assert score(Answer(text="It rains."), [WEATHER]) == (0, "no call")
    assert score(made(("a", {}), ("a", {})), [{"name": "a"}]) == (0, "wrong number")


def test_parallel_calls_have_no_order_unless_asked_for() -> None:
    right = [{"name": "a", "input": {"x": 1}}, {"name": "a", "input": {"x": 2}}]
    turned = made(("a", {"x": 2}), ("a", {"x": 1}))
    assert score(turned, right)[0] == 1
    assert score(turned, right, in_order=True)[0] == 0
    assert score(made(("a", {"x": 1}), ("a", {"x": 1})), right)[0] == 0


def test_the_same_calls_are_the_same() -> None:
    grader = ToolCallGrader()
    assert grader.same(made(("a", {"x": 1}), ("b", {})), made(("b", {}), ("a", {"x": 1.0}), text="Let me look."))
    assert not grader.same(made(("a", {"x": 1})), made(("a", {"x": 1, "y": None})))
    assert not grader.same(made(("a", {})), Answer(text="no"))
    assert grader.same(Answer(text="It  rains"), Answer(text="it rains"))


def test_a_reference_that_is_no_list_of_calls_is_set_up_wrongly() -> None:
    with pytest.raises(UsageError):
        score(Answer(text="x"), {"name": "a"})


@pytest.mark.parametrize(
    ("text", "refusal"),
    [("I'm sorry, but I can't help with that.", True), ("I can’t assist with this.", True),
     ("Es tut mir leid, das geht nicht.", True), ("The customer says: I'm sorry.", False),
     ("Sorry state of affairs", False)],
)  # fmt: skip
def test_refusals_are_told_by_how_they_begin(text: str, refusal: bool) -> None:
    assert refuses(Answer(text=text)) == refusal


def test_signals_of_an_arm_by_hand() -> None:
    found = signals([
        Answer(text="four", output_tokens=2), Answer(text="I'm sorry, no", output_tokens=4), Answer(error="529"),
        Answer(text="x", stop_reason="max_tokens"), Answer(), Answer(text="y", stop_reason="refusal"),
    ])  # fmt: skip
    assert (found.answers, found.errors, found.refused, found.cut_off, found.empty) == (6, 1, 2, 1, 1)
    assert (found.mean_chars, found.mean_output_tokens) == ((4 + 13 + 1 + 1) / 6, 3)
    assert signals([]).mean_output_tokens is None


def test_length_is_bounded_as_a_multiple_of_the_incumbents() -> None:
    grader = SignalGrader(shortest=0.5, longest=2)
    said = "a b c d"
    assert [graded(grader, ASKED, Answer(text=text), said).reason for text in ("a", "a b", "a " * 8, "a " * 9)] == [
        "too short", "no bad sign", "no bad sign", "too long",
    ]  # fmt: skip
    assert length_ratio("a", "") is None
