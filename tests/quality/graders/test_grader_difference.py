"""From two answers to one difference: nothing is skipped, and a broken grader never helps the candidate."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from baseload.errors import UsageError
from baseload.quality.graders.answers import Answer, Asked, ToolUse, Unparsable, answer_of, json_in, unfenced
from baseload.quality.graders.grader import Comparison, Grade, PairGrader, difference, graded, weakest

ASKED = Asked(call_id="c")
GOOD, BAD = Answer(text="good"), Answer(text="bad")
NONE = Answer(error="529")


class Fixed(msgspec.Struct):
    """Scores by a table of texts; what is not in it raises."""

    table: dict[str, Any]
    id: str = "fixed"
    version: str = "1"
    tier: Any = "truth"

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        found = self.table[output.text]
        if isinstance(found, Exception):
            raise found
        return Grade(score=found, reason="r", tier=self.tier, usd=Decimal("0.01"))

    def same(self, a: Answer, b: Answer) -> bool:
        return a == b


class Judge(msgspec.Struct):
    d: Any
    tier: Any = "adjudicated"
    how: Any = "judged"

    def compare(self, call: Asked, candidate: Answer, incumbent: Answer) -> Comparison:
        if isinstance(self.d, Exception):
            raise self.d
        return Comparison(d=self.d, reason="r")

    def same(self, a: Answer, b: Answer) -> bool:
        raise RuntimeError


SCORES = Fixed({"good": 1.0, "bad": 0.25})


def test_a_difference_is_candidate_minus_incumbent() -> None:
    pair = difference(SCORES, ASKED, BAD, GOOD)
    assert (pair.d, pair.how, pair.usd) == (-0.75, "graded", Decimal("0.02"))
    assert difference(SCORES, ASKED, GOOD, BAD).d == 0.75


def test_equal_answers_are_zero_without_grading() -> None:
    pair = difference(Fixed({}), ASKED, GOOD, GOOD)
    assert (pair.d, pair.how, pair.usd) == (0.0, "equal", 0)


@pytest.mark.parametrize(
    ("answer", "why"),
    [(NONE, "no answer"), (Answer(), "empty"), (Answer(text="  "), "empty"),
     (Answer(text="x", stop_reason="refusal"), "refused"), (Answer(text="x", stop_reason="max_tokens"), "cut off"),
     (Answer(text="x" * 400_001), "too long to grade")],
)  # fmt: skip
def test_a_failed_answer_scores_zero_in_either_arm(answer: Answer, why: str) -> None:
    assert graded(SCORES, ASKED, answer, None).reason == why
    assert difference(SCORES, ASKED, answer, GOOD).d == -1
    assert difference(SCORES, ASKED, GOOD, answer).d == 1
    assert (difference(SCORES, ASKED, answer, NONE).d, difference(SCORES, ASKED, answer, NONE).how) == (
        0,
        "both_failed",
    )
    assert difference(Judge(1.0), ASKED, answer, GOOD).d == -1
    assert difference(Judge(-1.0), ASKED, GOOD, answer).d == 1


def test_an_unparsable_answer_scores_zero() -> None:
    grader = Fixed({"good": 1.0, "bad": Unparsable("no JSON")})
    pair = difference(grader, ASKED, BAD, GOOD)
    assert (pair.d, pair.fault) == (-1, "")


@pytest.mark.parametrize("fault", [RuntimeError("secret text"), 1.5, -0.1, float("nan"), float("inf"), True])
def test_a_broken_grader_is_taken_against_the_candidate_in_both_arms(fault: Any) -> None:
    grader = Fixed({"good": 0.5, "bad": fault})
    ours, theirs = difference(grader, ASKED, BAD, GOOD), difference(grader, ASKED, GOOD, BAD)
    assert (ours.d, theirs.d) == (-0.5, -0.5)  # candidate 0 - 0.5; 0.5 - incumbent taken for 1
    assert ours.fault
    assert theirs.fault
    assert "secret" not in repr(ours)


@pytest.mark.parametrize("fault", [RuntimeError("x"), 1.5, float("nan"), True])
def test_a_broken_judge_costs_the_candidate_a_loss(fault: Any) -> None:
    pair = difference(Judge(fault), ASKED, GOOD, BAD)
    assert (pair.d, bool(pair.fault), pair.tier) == (-1, True, "adjudicated")


def test_a_judge_that_says_it_failed_is_not_believed() -> None:
    class Failing(Judge):
        def compare(self, call: Asked, candidate: Answer, incumbent: Answer) -> Comparison:
            return Comparison(d=1, reason="r", fault="half a reply")

    assert difference(Failing(0), ASKED, GOOD, BAD).d == -1


def test_a_grader_set_up_wrongly_is_an_error_and_no_score() -> None:
    with pytest.raises(UsageError):
        difference(Fixed({"good": UsageError("no reference"), "bad": 1.0}), ASKED, GOOD, BAD)


def test_a_pair_grader_is_told_from_a_grader() -> None:
    assert isinstance(Judge(0), PairGrader)
    assert not isinstance(SCORES, PairGrader)


def test_the_weakest_tier_counts() -> None:
    assert weakest("truth", "same_as_incumbent", "adjudicated") == "same_as_incumbent"


def test_an_answer_is_read_from_a_response() -> None:
    response = {
        "content": [{"type": "thinking", "thinking": "no"}, {"type": "text", "text": "a"},
                    {"type": "text", "text": "b"}, {"type": "tool_use", "name": "t", "input": {"x": 1}},
                    "junk", {"type": "text", "text": 5}],
        "stop_reason": "tool_use", "usage": {"output_tokens": 7},
    }  # fmt: skip
    assert answer_of(response) == Answer(
        text="ab", tool_calls=(ToolUse(name="t", input={"x": 1}),), stop_reason="tool_use", output_tokens=7
    )
    assert answer_of({}).failure == "no answer"
    assert answer_of({"content": "old"}).text == "old"


@pytest.mark.parametrize(
    ("text", "found"),
    [("```json\n{}\n```", "{}"), ("Sure:\n```\na\n```\nthere", "a"), ("```a``` and ```b```", "```a``` and ```b```"),
     ("plain", "plain"), ("```\n```", "")],
)  # fmt: skip
def test_one_fence_is_taken_off(text: str, found: str) -> None:
    assert unfenced(text) == found


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[1,", "Here: {}", "", "[" * 100_000, "1" * 5_000])
def test_what_is_no_json_is_unparsable(text: str) -> None:
    with pytest.raises(Unparsable):
        json_in(text)
