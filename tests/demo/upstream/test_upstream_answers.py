"""Answers, the prompt cache and the fault plan, without a socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from baseload.demo.upstream.answers import Answers, asked_hash, read_answers, text_answer
from baseload.demo.upstream.faults import Fault, FaultPlan
from baseload.demo.upstream.http import Request
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.service import Service
from baseload.errors import UsageError
from baseload.prices.load import load_book

OPUS = "claude-opus-5-5"
HEADERS = (("x-api-key", "k"), ("anthropic-version", "2023-06-01"))
MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}


def text(size: int, mark: dict[str, str] | None = None, letter: str = "x") -> dict[str, Any]:
    """A block of `size` tokens: 3.2 characters each."""
    block = {"type": "text", "text": letter * round(size * 3.2)}
    return block if mark is None else {**block, "cache_control": mark}


class Asker:
    """A service asked in turn, and what its answers say they cost."""

    def __init__(self, total: int | None = None) -> None:
        answers = Answers(fallback=lambda *_: text_answer("yes", prompt_tokens=total))
        self.service = Service(answers, load_book())

    def ask(self, now: float, *blocks: dict[str, Any], begin: bool = True, **given: Any) -> tuple[int, int, int, int]:
        """(uncached, read, written 5m, written 1h)"""
        body = {"model": OPUS, "max_tokens": 5, "messages": [{"role": "user", "content": list(blocks)}], **given}
        request = Request("POST", "/v1/messages", "HTTP/1.1", HEADERS, json.dumps(body).encode())
        reply = self.service.handle(request, now)
        if begin and reply.begin is not None:
            reply.begin()
        usage = json.loads(reply.body)["usage"]
        made = usage["cache_creation"]
        written = made["ephemeral_5m_input_tokens"], made["ephemeral_1h_input_tokens"]
        assert sum(written) == usage["cache_creation_input_tokens"]
        return usage["input_tokens"], usage["cache_read_input_tokens"], *written


def test_a_marked_prefix_is_written_once_and_read_while_it_lives() -> None:
    asker = Asker()
    shared, own = text(788, MARK), text(200, letter="y")  # 12 + 788 = 800
    assert asker.ask(0, shared, own) == (200, 0, 800, 0)
    assert asker.ask(299, shared, own) == (200, 800, 0, 0)
    assert asker.ask(598, shared, own) == (200, 800, 0, 0)  # the read at 299 s refreshed it
    assert asker.ask(899, shared, own) == (200, 0, 800, 0)  # 598 + 300 < 899


def test_a_growing_conversation_reads_what_the_turn_before_wrote() -> None:
    asker = Asker()
    first, second, third = text(1000, MARK), text(500, MARK, "y"), text(300, MARK, "z")
    assert asker.ask(0, first) == (0, 0, 1012, 0)  # 12 tokens of frame
    assert asker.ask(10, text(1000), second) == (0, 1012, 500, 0)
    assert asker.ask(20, text(1000), text(500, letter="y"), third) == (0, 1512, 300, 0)


def test_two_lives_are_billed_apart_and_one_hour_stands_first() -> None:
    asker = Asker()
    blocks = text(988, HOUR), text(600, MARK, "y"), text(400, letter="z")
    assert asker.ask(0, *blocks) == (400, 0, 600, 1000)
    assert asker.ask(3000, *blocks) == (400, 1000, 600, 0)
    with pytest.raises(Exception, match="must not come after"):
        asker.ask(0, text(600, MARK), text(600, HOUR, "y"))


def test_a_short_prefix_is_not_cached_and_five_marks_are_refused() -> None:
    asker = Asker(total=511)
    assert asker.ask(0, text(511, MARK)) == (511, 0, 0, 0)  # Opus 5.5 caches from 512 tokens on
    with pytest.raises(Exception, match="maximum of 4"):
        asker.ask(0, *(text(600, MARK, letter) for letter in "abcde"))


def test_requests_sent_before_the_first_answer_begins_all_write() -> None:
    asker = Asker(total=1000)
    assert asker.ask(0, text(1000, MARK), begin=False)[2] == 1000
    assert asker.ask(0, text(1000, MARK))[2] == 1000
    assert asker.ask(1, text(1000, MARK))[1] == 1000


def test_another_model_and_automatic_marks() -> None:
    asker = Asker(total=1000)
    assert asker.ask(0, text(1000), cache_control=MARK) == (0, 0, 1000, 0)
    assert asker.ask(0, text(1000), cache_control=MARK) == (0, 1000, 0, 0)
    assert asker.ask(0, text(1000), cache_control=MARK, model="claude-haiku-5-5") == (0, 0, 1000, 0)


def test_the_seeded_model_says_the_same_for_the_same_seed_and_fits_the_schema() -> None:
    schema = {"type": "object", "properties": {"label": {"enum": ["a", "b"]}, "n": {"type": "integer"}}}
    body = {"messages": [], "output_config": {"format": {"type": "json_schema", "schema": schema}}}
    one = seeded_answers(1)("m", body, "h")
    assert one == seeded_answers(1)("m", body, "h")
    assert json.loads(one.content[0]["text"]) == {"label": "a", "n": 1}  # type: ignore[union-attr]
    words = {seeded_answers(seed)("m", {"messages": []}, "h").content[0]["text"] for seed in range(5)}  # type: ignore[union-attr]
    assert len(words) == 5


def test_faults_come_in_order_and_are_used_up() -> None:
    plan = FaultPlan()
    plan.add(Fault(kind="status", skip=1, times=2), Fault(kind="hang", match="GET /v1/models", times=0))
    post = [plan.next("POST", "/v1/messages") for _ in range(5)]
    assert [one.kind if one else "" for one in post] == ["", "status", "status", "", ""]
    assert all(plan.next("GET", "/v1/models/x") for _ in range(3))


def test_an_answers_file_is_read_by_row_and_refused_by_row() -> None:
    rows = [
        b'{"model": "m", "asked": "aa", "text": "hi", "output_tokens": 2}',
        b"",
        b'{"model": "m", "request": {"messages": []}, "error": {"status": 529}}',
    ]
    found = read_answers(rows)
    assert [(model, asked) for model, asked, _ in found] == [("m", "aa"), ("m", asked_hash({"messages": []}))]
    for broken in (b"{", b'{"model": "m"}', b'{"model": "m", "asked": "a", "request": {}}', b'{"model": 1}', b"\xff"):
        with pytest.raises(UsageError, match="row 1"):
            read_answers([broken])


def test_real_outputs_are_served_by_prompt_and_model(shared_data: Path) -> None:
    """data/routing/bashkit and banking77: what was recorded is what comes back."""
    rows = pq.read_table(shared_data / "routing" / "banking77.parquet").slice(0, 200).to_pylist()
    asked = [[{"role": "user", "content": row["prompt"]}] for row in rows]
    recorded = [
        (row["model"], asked_hash({"messages": words}), text_answer(row["output"] or ""))
        for row, words in zip(rows, asked, strict=True)
    ]
    answers = Answers(recorded)
    said = [answers.say(row["model"], {"messages": words}) for row, words in zip(rows, asked, strict=True)]
    assert [one.content[0]["text"] for one in said] == [row["output"] or "" for row in rows]  # type: ignore[union-attr]
    assert answers.say("claude-nobody", {"messages": asked[0]}) is None
