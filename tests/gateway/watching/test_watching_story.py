"""A route from its first shadow call to its roll-back: real gateway, real store, the official SDK, a failing model."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from watching_world import HAIKU, OPUS, PROJECT, Running, ask, until

from baseload.demo.upstream.answers import Answer, Answers, text_answer
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book

SETTINGS = """
[policy]
file = "policy.yaml"
settings = "baseload.toml"
holdback = 0.0
[shadow]
usd_per_day = "5"
transport = "synchronous"
"""
LABELS = 'labels = ["billing", "bug"], truth = "truths.jsonl"'
TRUTHS = PROJECT.replace('kind = "signals"', f'kind = "label", {LABELS}')
MOST_CALLS = 200


class Models:
    """Opus names the queue; Haiku does, until it is told otherwise."""

    haiku = "Billing."

    def __call__(self, model: str, request: Mapping[str, Any], asked: str) -> Answer:
        return text_answer(self.haiku if model == HAIKU else "billing")


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def gateway(tmp_path: Path, models: Models) -> Iterator[Running]:
    """Its bar is graded by truths, which no live call has; the trial found the incumbent right on all of 1,000."""
    trial = tmp_path / ".baseload" / "trials" / "t" / "trial.json"
    trial.parent.mkdir(parents=True)
    arm = {"arm": "incumbent", "calls": 1_000, "completed_by": "scores",
           "cost_per_call_usd": "0.01", "cost_per_completed_usd": "0.01"}  # fmt: skip
    document = {"verdict_id": "v-1", "decided_day": "2026-11-22", "candidate": HAIKU, "incumbent": OPUS,
                "tier": "truth", "tested_margin": 0.02, "arms": [arm]}  # fmt: skip
    trial.write_text(json.dumps(document))
    (tmp_path / "truths.jsonl").write_text('{"call": "msg_1", "truth": "bug"}\n')
    service = Service(Answers(fallback=models), load_book())
    with running(Upstream(service, keep=10)) as upstream:
        one = Running(tmp_path, upstream.base_url, SETTINGS, project=TRUTHS)
        yield one
        one.stop()


@pytest.mark.parametrize("fails_by", ["It might be about an invoice, I believe", "bug"])
def test_a_route_climbs_and_is_taken_back_when_its_candidate_goes_wrong(
    gateway: Running, models: Models, fails_by: str
) -> None:
    client = gateway.client()
    ask(client, "s-0")
    until(lambda: bool(gateway.gateway.core.routes))
    gateway.pair_all()
    (key,) = gateway.gateway.core.routes
    first = ask(client, "s-1")
    assert (first.headers["x-baseload-model"], first.headers["x-baseload-reason"]) == (OPUS, "shadow")
    for number in range(2, 30):
        ask(client, f"s-{number}")
    gateway.settle()
    until(lambda: gateway.gateway.core.routes[key].share == 0.5)
    assert set(gateway.watching.outcomes()) == {("shadow", "graded by form")}

    models.haiku = fails_by
    for number in range(30, MOST_CALLS):
        ask(client, f"s-{number}")
        gateway.settle()
        gateway.tick()
        if gateway.gateway.core.routes[key].rolled_back:
            break
    (back,) = gateway.watching.rollbacks()
    assert (back.workload, back.candidate, back.reason) == ("w-1", HAIKU, "quality")
    last = ask(client, "s-last")
    assert (last.headers["x-baseload-model"], last.headers["x-baseload-reason"]) == (OPUS, "rolled-back")
