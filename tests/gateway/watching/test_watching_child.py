"""The watching process: what it grades, how it fails, and that it comes back."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from baseload.gateway.watching.child import Child, ChildFault
from baseload.gateway.watching.grade import Answering
from baseload.gateway.watching.messages import Difference, Grade, State, Step
from baseload.gateway.watching.unlabelled import DIFFER
from baseload.project import parse_project
from baseload.quality.trial.tables import GraderFiles, bar_of


def message(text: str, stop: str = "end_turn") -> msgspec.Raw:
    body = {"type": "message", "content": [{"type": "text", "text": text}], "stop_reason": stop}
    return msgspec.Raw(json.dumps(body).encode())


def grade(
    grader: dict[str, Any],
    ours: msgspec.Raw,
    theirs: msgspec.Raw,
    folder: str = ".",
    replies: dict[str, msgspec.Raw] | None = None,
) -> Difference:
    ask = Grade(
        grader=grader, folder=folder, call_id="c", request=msgspec.Raw(b"{}"), candidate=ours, incumbent=theirs,
        replies=replies or {},
    )  # fmt: skip
    return msgspec.json.decode(Answering().answer(msgspec.json.encode(ask)), type=Difference)


SCREEN = {"kind": "label", "truth": "incumbent", "labels": ["billing", "bug"]}


def test_agreement_with_the_incumbent_is_no_difference_and_disagreement_costs_one() -> None:
    assert grade(SCREEN, message("billing"), message("Billing")).d == 0
    assert grade(SCREEN, message("bug"), message("billing")).d == -1


def test_a_candidate_that_failed_scores_nothing() -> None:
    failed = msgspec.Raw(b'{"type":"error","status":400}')
    assert grade({"kind": "signals"}, failed, message("fine")).d == -1
    assert grade({"kind": "signals"}, message("cut", "max_tokens"), message("fine")).d == -1


@pytest.mark.parametrize(
    ("ours", "d", "reason"),
    [
        ("billing", 0, ""),  # the same: no difference whatever the truth is
        ("bug", 0, DIFFER),  # nobody knows which is right
        ("I think it is a bug", -1, ""),  # not a label
        ("", -1, ""),
    ],
)
def test_without_the_truth_of_live_calls_only_form_is_graded(tmp_path: Path, ours: str, d: float, reason: str) -> None:
    (tmp_path / "truth.jsonl").write_text('{"call": "msg_1", "truth": "bug"}\n')
    found = grade({**SCREEN, "truth": "truth.jsonl"}, message(ours), message("Billing"), str(tmp_path))
    assert (found.d, found.how, found.reason) == (d, "form", reason)


def test_a_call_that_nobody_labelled_is_graded_by_form(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"call": "msg_1", "d": -1, "rater": "ann"}\n')
    people = {"kind": "human", "labels": "labels.jsonl"}
    found = grade(people, message("one way to say it"), message("another"), str(tmp_path))
    assert (found.d, found.how, found.reason) == (0, "form", DIFFER)
    assert grade(people, message("Sorry, I cannot."), message("fine"), str(tmp_path)).d == -1


JUDGE = {"kind": "judge", "model": "claude-opus-4-8"}


def test_a_judge_is_asked_in_both_orders_and_then_gives_the_difference() -> None:
    asked = grade(JUDGE, message("short"), message("long and right"))
    assert (asked.d, len(asked.questions)) == (None, 2)
    bodies = [json.loads(bytes(one.body)) for one in asked.questions]
    assert [body["model"] for body in bodies] == ["claude-opus-4-8"] * 2
    texts = [body["messages"][0]["content"] for body in bodies]
    assert texts[0].index("short") < texts[0].index("long and right")
    assert texts[1].index("short") > texts[1].index("long and right")
    for said, d in ((("second", "first"), -1), (("first", "second"), 1), (("first", "first"), 0), (("tie", "tie"), 0)):
        replies = {
            one.name: message(f'{{"better": "{word}"}}') for one, word in zip(asked.questions, said, strict=True)
        }
        found = grade(JUDGE, message("short"), message("long and right"), replies=replies)
        assert (found.d, found.how, found.questions) == (d, "judged", ())
    assert grade(JUDGE, message("same"), message("same ")).d == 0  # nobody is asked


def test_a_grader_that_cannot_be_made_grades_nothing() -> None:
    gone = grade({"kind": "parsed", "language": "json", "truth": "gone.jsonl"}, message("1"), message("1"))
    assert (gone.d, gone.reason) == (None, "the bar's grader cannot be made here")


def test_a_line_that_cannot_be_answered_names_the_type_of_the_error_only() -> None:
    assert Answering().answer(b'{"op":"grade","secret prompt"') == b'{"fault":"DecodeError"}\n'


def run(child: Child, use: Callable[[Child], Any]) -> Any:
    async def main() -> Any:
        try:
            return await use(child)
        finally:
            await child.close()

    return asyncio.run(main())


def test_a_process_that_died_is_started_again() -> None:
    async def use(child: Child) -> int:
        for _ in range(2):
            with pytest.raises(ChildFault):
                await child.ask(Step(state="{}", events=()), State)
        assert child._process is not None
        child._process.kill()
        with pytest.raises(ChildFault):
            await child.ask(Step(state="{}", events=()), State)
        with pytest.raises(ChildFault, match="UsageError"):
            await child.ask(Step(state="{}", events=()), State)
        return child.started

    assert run(Child(), use) == 2


def test_a_process_that_does_not_answer_is_ended() -> None:
    async def use(child: Child) -> str:
        with pytest.raises(ChildFault) as raised:
            await child.ask(Step(state="{}", events=()), State)
        return str(raised.value)

    sleeping = (sys.executable, "-c", "import time; time.sleep(60)")
    assert run(Child(sleeping, seconds=0.3), use) == "no answer in time"


def test_a_grader_sees_no_key_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    shows = (
        sys.executable, "-c",
        "import os, sys\nsys.stdin.readline()\nprint('{\"fault\": \"%s\"}' % ('ANTHROPIC_API_KEY' in os.environ))",
    )  # fmt: skip

    async def use(child: Child) -> None:
        with pytest.raises(ChildFault, match="False"):
            await child.ask(Step(state="{}", events=()), State)

    run(Child(shows), use)


def test_a_pair_names_its_grader_as_the_bar_of_a_trial_does() -> None:
    """Another table is another grader: what the route's verdict was earned with is compared with this."""
    table = parse_project(
        '[[bar]]\nworkload = "w"\nbudget_usd = "5"\n'
        'grader = { kind = "label", truth = "incumbent", labels = ["billing", "bug"] }\n', "baseload.toml",
    ).bar[0]  # fmt: skip
    of_bar = bar_of(table, "w", GraderFiles(folder=Path(), contents={})).grader
    assert grade(SCREEN, message("bug"), message("bug")).grader == f"{of_bar} 1"
    assert grade({**SCREEN, "labels": ["billing"]}, message("bug"), message("bug")).grader != f"{of_bar} 1"
