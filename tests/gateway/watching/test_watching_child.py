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


def message(text: str, stop: str = "end_turn") -> msgspec.Raw:
    body = {"type": "message", "content": [{"type": "text", "text": text}], "stop_reason": stop}
    return msgspec.Raw(json.dumps(body).encode())


def grade(grader: dict[str, Any], ours: msgspec.Raw, theirs: msgspec.Raw, folder: str = ".") -> Difference:
    ask = Grade(grader=grader, folder=folder, call_id="c", request=msgspec.Raw(b"{}"), candidate=ours, incumbent=theirs)
    return msgspec.json.decode(Answering().answer(msgspec.json.encode(ask)), type=Difference)


SCREEN = {"kind": "label", "truth": "incumbent", "labels": ["billing", "bug"]}


def test_agreement_with_the_incumbent_is_no_difference_and_disagreement_costs_one() -> None:
    assert grade(SCREEN, message("billing"), message("Billing")).d == 0
    assert grade(SCREEN, message("bug"), message("billing")).d == -1


def test_a_candidate_that_failed_scores_nothing() -> None:
    failed = msgspec.Raw(b'{"type":"error","status":400}')
    assert grade({"kind": "signals"}, failed, message("fine")).d == -1
    assert grade({"kind": "signals"}, message("cut", "max_tokens"), message("fine")).d == -1


def test_a_grader_that_needs_the_truth_of_each_call_grades_nothing(tmp_path: Path) -> None:
    (tmp_path / "truth.jsonl").write_text('{"call": "msg_1", "truth": "bug"}\n')
    found = grade({**SCREEN, "truth": "truth.jsonl"}, message("bug"), message("billing"), str(tmp_path))
    assert (found.d, found.reason) == (None, "the grader needs the truth of each call")


def test_a_grader_that_cannot_be_made_grades_nothing() -> None:
    assert grade({**SCREEN, "truth": "gone.jsonl"}, message("bug"), message("bug")).d is None
    assert grade({"kind": "judge", "model": "m"}, message("a"), message("b")).d is None


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
