"""Haiku 3.5 against Sonnet 3.5 on recorded outputs, as a process that may be killed.

    python routing_trial.py BASE_URL FOLDER ROWS.json

ROWS: [[prompt id, prompt, Sonnet's output, its score, Haiku's output, its score], …]. The score of an output is its
truth, so that the grader looks up what was measured.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from baseload.prices.load import load_book
from baseload.quality.bar import Bar, Tier
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.grader import Grade
from baseload.quality.replay.sdk import connect
from baseload.quality.trial.document import TrialDocument
from baseload.quality.trial.run import run_trial
from baseload.quality.trial.setup import TrialSetup
from baseload.quality.trial.stages import Pace
from baseload.values import Call
from baseload.vault.body import Body

HAIKU, SONNET = "claude-haiku-5-5", "claude-sonnet-5-5"
"""Today's names for yesterday's outputs: the models they are of can no longer be called."""
DAY = 20_770
BAR = Bar(workload="zeroeval", grader="measured", margin=0.13, budget_usd=Decimal(20), expires_days=30)


class MeasuredGrader:
    """What the benchmark measured for this very text."""

    id = "measured"
    version = "1"
    tier: Tier = "truth"

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        return Grade(score=float(reference[output.text]), reason="as measured", tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return a.text == b.text


def call_id(prompt_id: str) -> str:
    return hashlib.sha256(prompt_id.encode()).hexdigest()[:32]


def request(prompt: str) -> dict[str, Any]:
    return {"model": SONNET, "max_tokens": 4096, "messages": [{"role": "user", "content": prompt}]}


def setup(rows: Sequence[Sequence[Any]]) -> tuple[TrialSetup, dict[str, Body]]:
    calls, bodies, truths = [], {}, {}
    for place, (prompt_id, prompt, theirs, their_score, ours, our_score) in enumerate(rows):
        key = call_id(prompt_id)
        truths[key] = {theirs: their_score, ours: our_score}
        response = {"content": [{"type": "text", "text": theirs}], "stop_reason": "end_turn"}
        bodies[key] = Body(request=request(prompt), response=response)
        calls.append(Call(call_id=key, source="messages", start_us=DAY * 86_400_000_000 + place, model_raw=SONNET,
                          model=SONNET, uncached_input_tokens=400, output_tokens=200, session_id=prompt_id,
                          body_ref="f:0:1"))  # fmt: skip
    made = TrialSetup(
        bar=BAR, workload="zeroeval", workload_name="ZeroEval", incumbent=SONNET, candidate=HAIKU, calls=tuple(calls),
        grader=MeasuredGrader(), reference=lambda call, _: truths[call], cap_usd=Decimal(20), noise_pairs=0,
        data_use="batch_allowed", seed="1", key=b"key", simulated=True, calls_a_month=Decimal(1000),
    )  # fmt: skip
    return made, bodies


async def trial(base_url: str, folder: Path, rows: Sequence[Sequence[Any]]) -> TrialDocument:
    given, bodies = setup(rows)

    def opened(calls: Sequence[Call]) -> Iterable[tuple[Call, Body]]:
        return [(call, bodies[call.call_id]) for call in calls]

    async with connect(base_url, "any") as api:
        return await run_trial(
            given, folder, api, book=load_book(), bodies=opened, nonce="routing", clock=time.time,
            pace=Pace(settle_s=0.5, poll_s=0.02),
        )  # fmt: skip


if __name__ == "__main__":
    url, where, data = sys.argv[1:]
    print(asyncio.run(trial(url, Path(where), json.loads(Path(data).read_text()))).verdict_id)
