"""The planted quality of the demo's models, worked out by hand and found again by the real graders."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.demo.answers.bars import INCUMBENT, quality_truths
from baseload.demo.answers.cases import KINDS, QUEUES, case_of, text_of, truth_of
from baseload.demo.answers.skills import TASKS, level_of, line_of, planted_difference
from baseload.demo.answers.speaker import AGAIN, answer_text, demo_answers, recorded_take
from baseload.demo.company import Single
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.scripts import wording
from baseload.demo.upstream.answers import Answer as Said
from baseload.demo.upstream.answers import asked_hash
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.extraction import ExtractionGrader
from baseload.quality.graders.grader import Grader, difference
from baseload.quality.graders.label import LabelGrader, Labels
from baseload.quality.graders.parsed import ParsedGrader

SERVICES = {service.name: service for service in LARKFIELD.services}
GRADERS: dict[str, Grader] = {
    "support-triage": LabelGrader(labels=Labels(known=tuple(QUEUES), field="category")),
    "contract-extraction": ExtractionGrader(score="all"),
    "address-enrichment": ParsedGrader(language="json"),
}
names = st.sampled_from(sorted(KINDS))
numbers = st.integers(0, 12_000_000)
models = st.sampled_from(["claude-opus-4-8", "claude-sonnet-5", "claude-haiku-5-5"])


def answer(service: str, model: str, number: int, *, seed: int = 7, take: str = AGAIN) -> Answer:
    return Answer(text=answer_text(service, model, number, seed=seed, take=take), stop_reason="end_turn")


@pytest.mark.parametrize(
    ("service", "candidate", "expected"),
    [
        # opus .9 x .999 x .998 + .1 x .97 x .998 = .9941078; haiku .9 x .999 x .998 + .1 x .968 x .998 = .9939082
        ("support-triage", "claude-haiku-5-5", -0.0001996),
        # six parts, all right: opus .9 x .997002^6 + .1 x .96806^6 = .9662343,
        # haiku .9 x (.86 x .99)^6 + .1 x (.7 x .99)^6 = .3538792
        ("contract-extraction", "claude-haiku-5-5", -0.6123550340356503921),
        # sonnet .9 x (.998 x .998)^6 + .1 x (.969 x .998)^6 = .9604309
        ("contract-extraction", "claude-sonnet-5-5", -0.0058034090906818594),
        # opus .8 x .995 x .995 + .2 x .93 x .995 = .97709; haiku .8 x .989 x .992 + .2 x .912 x .992 = .9658112
        ("address-enrichment", "claude-haiku-5-5", -0.0112788),
    ],
)
def test_the_planted_difference_is_the_one_worked_out_by_hand(service: str, candidate: str, expected: float) -> None:
    assert planted_difference(service, candidate, INCUMBENT) == pytest.approx(expected, abs=1e-12)


def test_what_trials_have_to_find_follows_from_what_is_planted() -> None:
    found = {(one.service, one.candidate): one for one in quality_truths()}
    assert {key: one.state for key, one in found.items()} == {
        ("support-triage", "claude-haiku-5-5"): "holds",
        ("contract-extraction", "claude-haiku-5-5"): "breaks",
        ("contract-extraction", "claude-sonnet-5-5"): "holds",
        ("address-enrichment", "claude-haiku-5-5"): "not_shown",
    }
    for one in found.values():
        # a bar is broken below its margin alone; what is not shown lies inside it, by less than a point
        assert (one.difference < -one.margin) is (one.state == "breaks")
        assert (0 < one.difference + one.margin < 0.01) is (one.state == "not_shown")


@pytest.mark.parametrize("truth", quality_truths(), ids=lambda one: f"{one.service}-{one.candidate}")
def test_graders_find_the_planted_difference_within_sampling_error(truth: Any) -> None:
    grader, count = GRADERS[truth.service], 3000
    found = []
    for number in range(count):
        theirs = answer(truth.service, truth.candidate, number)
        ours = answer(truth.service, truth.incumbent, number, take=recorded_take(0))
        call = Asked(call_id=str(number))
        found.append(difference(grader, call, theirs, ours, truth_of(truth.service, number)).d)
    mean = sum(found) / count
    error = math.sqrt(sum((d - mean) ** 2 for d in found) / count / count)
    assert abs(mean - truth.difference) < 3.5 * error
    assert error < 0.01  # so that the bound above says something


@pytest.mark.parametrize("service", sorted(KINDS))
def test_as_many_records_are_knotty_as_planted(service: str) -> None:
    share = sum(level_of(service, number) == "knotty" for number in range(4000)) / 4000
    assert share == pytest.approx(TASKS[service].knotty_share, abs=0.025)  # 3 standard errors of 0.2 are 0.019


@given(names, models, numbers, st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_the_same_seed_gives_the_same_answer(service: str, model: str, number: int, seed: int) -> None:
    first, second = (answer_text(service, model, number, seed=seed, take=AGAIN) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("service", sorted(KINDS))
def test_another_seed_errs_elsewhere(service: str) -> None:
    def texts(seed: int) -> list[str]:
        return [answer_text(service, "claude-haiku-5-5", number, seed=seed, take=AGAIN) for number in range(300)]

    assert texts(7) != texts(8)


@pytest.mark.parametrize("service", sorted(KINDS))
def test_a_model_asked_again_differs_from_itself_by_its_flickers_alone(service: str) -> None:
    parts = len(case_of(service, 0).truth)
    flicker = TASKS[service].lines["opus"].flicker
    differing = sum(
        answer_text(service, INCUMBENT, number, seed=7, take=AGAIN)
        != answer_text(service, INCUMBENT, number, seed=7, take=recorded_take(0))
        for number in range(3000)
    )
    # two askings differ on a part where exactly one slips: 2 f (1 - f), a little less for parts nobody knows
    expected = 3000 * parts * 2 * flicker * (1 - flicker)
    assert 0.5 * expected < differing < 1.4 * expected


@given(names, numbers, st.integers(40, 9000))
@settings(max_examples=60, deadline=None)
def test_a_text_states_its_truth_and_keeps_its_length(service: str, number: int, chars: int) -> None:
    service_ = SERVICES[service]
    assert isinstance(service_.shape, Single)
    text = text_of(service, number, wording(service, service_.shape.static).sentences, chars)
    case = case_of(service, number)
    assert all(sentence in text for sentence in case.sentences)
    assert len(text) <= max(chars, sum(len(sentence) + 1 for sentence in case.sentences))


@given(names, models, numbers)
@settings(max_examples=60, deadline=None)
def test_a_right_answer_scores_one_and_a_spoiled_one_less(service: str, model: str, number: int) -> None:
    said = answer(service, model, number)
    right = KINDS[service].said(case_of(service, number).truth)
    grade = GRADERS[service].grade(Asked(call_id="c"), said, truth_of(service, number))
    assert (grade.score == pytest.approx(1)) is (json.loads(said.text) == right)


def live(service: str, number: int, model: str, tokens: int = 400) -> Said | None:
    words = wording(service, SERVICES[service].shape.static)  # type: ignore[union-attr]  # gradeable ones are `Single`
    text = words.opening(number) + text_of(service, number, words.sentences, words.chars_of(tokens))
    request = {"model": model, "messages": [{"role": "user", "content": text}], "system": words.system}
    return demo_answers(LARKFIELD.services, 7)(model, request, asked_hash(request))  # type: ignore[return-value]


@pytest.mark.parametrize("service", sorted(KINDS))
def test_the_upstream_knows_a_record_by_its_first_words(service: str) -> None:
    said = live(service, 4711, "claude-haiku-5-5")
    assert said is not None
    assert said.content[0]["text"] == answer_text(service, "claude-haiku-5-5", 4711, seed=7, take=AGAIN)
    assert said.output_tokens is not None
    assert said.output_tokens > said.thinking_tokens > 0  # it thinks where a request does not say


def test_tokens_are_those_the_texts_stand_for() -> None:
    # a contract of 25,000 declared tokens behind 1,900 of instructions; 3 % for the sentence the text ends in
    said = live("contract-extraction", 12, "claude-sonnet-5", tokens=25_000)
    assert said is not None
    assert said.prompt_tokens == pytest.approx(26_900, rel=0.03)
    # an address is too short to be abridged: 1,250 of instructions and the median record of 240
    short = live("address-enrichment", 12, "claude-sonnet-5")
    assert short is not None
    assert short.prompt_tokens == 1490


def test_the_upstream_says_nothing_to_what_no_record_begins_like_or_no_model_of_a_line() -> None:
    say: Callable[..., Any] = demo_answers(LARKFIELD.services, 7)
    asked = {"messages": [{"role": "user", "content": "Write a poem."}]}
    assert say("claude-haiku-5-5", asked, "") is None
    assert live("support-triage", 3, "gpt-5") is None


@pytest.mark.parametrize(("model", "line"), [("claude-opus-4-8", "opus"), ("claude-haiku-5-5", "haiku"), ("x", "")])
def test_a_line_is_read_from_the_id(model: str, line: str) -> None:
    assert line_of(model) == line
