"""Routing tables as recordings: the real outputs come back, with the tokens the table has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from upstream_recordings import Recorded, read_recorded, recorded_answers, request_of

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.http import Request
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book


def row(prompt: str, model: str, output: str, trial: str = "0", **given: Any) -> Recorded:
    values: dict[str, Any] = {"reference": None, "score": 1.0, "input_tokens": None, "output_tokens": None} | given
    return Recorded(prompt_id=prompt, prompt=prompt, model=model, trial=trial, output=output, **values)


def test_a_model_answers_a_prompt_as_the_table_has_it_and_under_the_id_it_is_asked_by() -> None:
    rows = [
        row("2 + 2?", "small", "5", output_tokens=3),
        row("2 + 2?", "large", "4"),
        row("2 + 2?", "unnamed", "no"),
    ]
    said = Answers(recorded_answers(rows, {"small": "claude-haiku-5-5", "large": "claude-opus-4-8"}))
    small = said.say("claude-haiku-5-5", request_of("2 + 2?", "claude-haiku-5-5"))
    large = said.say("claude-opus-4-8", request_of("2 + 2?", "claude-opus-4-8"))
    assert (small.content[0]["text"], small.output_tokens) == ("5", 3)  # type: ignore[union-attr]  # both are answers
    assert large.content[0]["text"] == "4"  # type: ignore[union-attr]
    assert said.models == {"claude-haiku-5-5", "claude-opus-4-8"}
    assert said.say("unnamed", request_of("2 + 2?", "unnamed")) is None


def test_trials_of_a_prompt_are_given_in_turn() -> None:
    said = Answers(recorded_answers([row("?", "m", "a", "0"), row("?", "m", "b", "1")], {"m": "m"}))
    texts = [said.say("m", request_of("?", "m")).content[0]["text"] for _ in range(3)]  # type: ignore[union-attr]
    assert texts == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("table", "model", "count", "mean"),
    [
        # data/routing/README.md: Sonnet 4.5 .621 on 501 prompts; Haiku 3 .614, Opus 3 .742 on 2,840
        ("banking77", "claude-sonnet-4-5", 501, 0.621),
        ("zeroeval_claude3", "claude-3-haiku", 2840, 0.614),
        ("zeroeval_claude3", "claude-3-opus", 2840, 0.742),
    ],
)
def test_the_real_tables_are_read_with_their_scores(
    shared_data: Path, table: str, model: str, count: int, mean: float
) -> None:
    rows = [one for one in read_recorded(shared_data / "routing" / f"{table}.parquet") if one.model == model]
    assert len(rows) == count
    assert sum(one.score for one in rows) / count == pytest.approx(mean, abs=0.0005)


def test_the_server_says_the_real_outputs(shared_data: Path) -> None:
    rows = read_recorded(shared_data / "routing" / "banking77.parquet")
    answers = Answers(recorded_answers(rows, {"claude-sonnet-4-5": "claude-sonnet-4-5-20250929"}))
    service = Service(answers, load_book())
    first = next(one for one in rows if one.model == "claude-sonnet-4-5")
    body = json.dumps(request_of(first.prompt, "claude-sonnet-4-5-20250929")).encode()
    headers = (("x-api-key", "any"), ("anthropic-version", "2023-06-01"))
    request = Request("POST", "/v1/messages", "HTTP/1.1", headers, body)
    message = json.loads(service.handle(request, 1_790_000_000.0).body)
    assert message["content"][0]["text"] == first.output
    assert message["usage"]["output_tokens"] == first.output_tokens
