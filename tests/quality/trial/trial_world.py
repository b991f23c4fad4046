"""A workload of labelled tickets, recorded on Opus, and an upstream that answers for Haiku."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from baseload.demo.upstream.answers import Answers, Said, text_answer
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book
from baseload.quality.bar import Bar
from baseload.quality.graders.label import LabelGrader
from baseload.quality.replay.sdk import connect
from baseload.quality.trial.document import TrialDocument
from baseload.quality.trial.run import run_trial
from baseload.quality.trial.setup import TrialSetup
from baseload.quality.trial.stages import Pace
from baseload.values import Call, Problem
from baseload.vault.body import Body

BOOK = load_book()
OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"
DAY = 20_780  # 2026-11-23
KEY = b"an organisation's key"
FAST = Pace(settle_s=0.3, poll_s=0.01)


def bar(**given: Any) -> Bar:
    fields: dict[str, Any] = {"workload": "triage", "grader": "label", "margin": 0.05, "budget_usd": Decimal(5)}
    return Bar(**(fields | given))


def call(place: int, **given: Any) -> Call:
    """1,000 tokens in and 4 out on Opus, a session each."""
    fields: dict[str, Any] = {
        "call_id": hashlib.sha256(str(place).encode()).hexdigest()[:32], "source": "messages",
        "start_us": (DAY - 10) * 86_400_000_000 + place * 1_000_000, "end_us": (DAY - 10) * 86_400_000_000
        + place * 1_000_000 + 800_000, "model_raw": OPUS, "model": OPUS, "uncached_input_tokens": 1_000,
        "output_tokens": 4, "session_id": f"s{place}", "stop_reason": "end_turn", "body_ref": f"f:{place}:1",
        "task_cues": "classify",
    }  # fmt: skip
    return Call(**(fields | given))


def request(place: int, **given: Any) -> dict[str, Any]:
    return {
        "model": OPUS,
        "max_tokens": 50,
        "messages": [{"role": "user", "content": f"ticket number {place}"}],
        **given,
    }


def response(text: str, tokens: int = 4, stop: str = "end_turn") -> dict[str, Any]:
    usage = {"input_tokens": 1_000, "output_tokens": tokens}
    return {"content": [{"type": "text", "text": text}], "stop_reason": stop, "usage": usage}


class World:
    """Tickets whose truth is "spam" or "ham", what Opus was recorded to say, and what each model says when asked."""

    def __init__(self, calls: int, says: Callable[[str, int], str] | None = None) -> None:
        self.calls = tuple(call(place) for place in range(calls))
        self.place = {one.call_id: place for place, one in enumerate(self.calls)}
        self.says = says or (lambda model, place: self.truth(place))
        self.bodies: dict[str, Body | Problem] = {
            one.call_id: Body(request=request(place), response=response(self.truth(place)))
            for place, one in enumerate(self.calls)
        }
        self.service = Service(Answers(fallback=self._answer), BOOK)
        self.service.behaviour = Behaviour(batch_s=0.01)

    @staticmethod
    def truth(place: int) -> str:
        return "spam" if place % 3 == 0 else "ham"

    def _answer(self, model: str, body: Mapping[str, Any], asked: str) -> Said:
        text = str(body["messages"][-1]["content"])
        place = int(text.rsplit(" ", 1)[1])
        return text_answer(self.says(model, place), prompt_tokens=1_000, output_tokens=8 if model == HAIKU else 4)

    def reference(self, call_id: str, recorded: object) -> str:
        return self.truth(self.place[call_id])

    def open(self, calls: Sequence[Call]) -> Iterable[tuple[Call, Body | Problem]]:
        return [(one, self.bodies[one.call_id]) for one in calls]

    def setup(self, **given: Any) -> TrialSetup:
        fields: dict[str, Any] = {
            "bar": bar(), "workload": "triage", "workload_name": "Ticket triage", "incumbent": OPUS,
            "candidate": HAIKU, "calls": self.calls, "grader": LabelGrader(), "reference": self.reference,
            "cap_usd": Decimal(5), "data_use": "batch_allowed", "seed": "7", "key": KEY, "simulated": True,
            "calls_a_month": Decimal(30_000),
        }  # fmt: skip
        fields |= given
        if "bar" in given and "cap_usd" not in given:
            fields["cap_usd"] = given["bar"].budget_usd
        return TrialSetup(**fields)

    @contextmanager
    def served(self) -> Iterator[Upstream]:
        with running(Upstream(self.service)) as server:
            yield server

    def run(self, folder: Path, **given: Any) -> TrialDocument:
        """The trial over a real socket and the official SDK."""
        more = {name: given.pop(name) for name in ("judging", "on_progress") if name in given}
        with self.served() as server:
            return asyncio.run(self.trial(self.setup(**given), folder, server.base_url, **more))

    async def trial(self, setup: TrialSetup, folder: Path, base_url: str, **more: Any) -> TrialDocument:
        async with connect(base_url, "any") as api:
            return await run_trial(
                setup, folder, api, book=BOOK, bodies=self.open, nonce="trial", clock=time.time, pace=FAST, **more
            )


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "record.jsonl").read_bytes().splitlines()]
