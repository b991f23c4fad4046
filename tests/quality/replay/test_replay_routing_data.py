"""Real outputs through the official SDK, the upstream and the test: what was recorded is what is judged."""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
from replay_world import BOOK

from baseload.demo.upstream.answers import Answers, asked_hash, text_answer
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.quality.betting import Rule
from baseload.quality.decide import decide
from baseload.quality.replay.journal import Journal
from baseload.quality.replay.plan import Item, ReplayPlan, prepare
from baseload.quality.replay.run import Look, replay
from baseload.quality.replay.sdk import connect

HAIKU, SONNET = "claude-3-5-haiku-20241022", "claude-3-5-sonnet-20241022"
CALLS = 400


def test_recorded_outputs_come_back_word_for_word_and_do_not_hold_the_bar(shared_data: Path, tmp_path: Path) -> None:
    """Haiku 3.5 against Sonnet 3.5 on 400 prompts: 8 it alone gets right, 61 it alone gets wrong."""
    table = pq.read_table(shared_data / "routing" / "zeroeval_claude3.parquet").to_pylist()
    by_model = {
        name: {row["prompt_id"]: row for row in table if row["model"] == name}
        for name in ("claude-3-5-haiku", "claude-3-5-sonnet")
    }
    haiku, sonnet = by_model["claude-3-5-haiku"], by_model["claude-3-5-sonnet"]
    prompts = sorted(haiku.keys() & sonnet.keys())[::7][:CALLS]
    asks = {key: {"max_tokens": 4096, "messages": [user(haiku[key]["prompt"])]} for key in prompts}
    recorded = [(HAIKU, asked_hash(asks[key]), text_answer(haiku[key]["output"] or "")) for key in prompts]
    items = tuple(Item(call=key, arm="candidate", params={"model": HAIKU, **asks[key]}) for key in prompts)
    plan = ReplayPlan(items=items, cap_usd=Decimal(20), poll_s=0.02)

    service = Service(Answers(recorded), BOOK)
    service.behaviour = Behaviour(batch_s=0.01)
    differences: list[float] = []
    with running(Upstream(service)) as server:
        for look in asyncio.run(looks(plan, server.base_url, tmp_path / "journal")):
            for one in look.replayed:
                assert one.message is not None
                text = one.message["content"][0]["text"] if one.message["content"] else ""
                assert text == (haiku[one.call]["output"] or "")
                differences.append(haiku[one.call]["score"] - sonnet[one.call]["score"])
    assert len(differences) == len(prompts)
    found = decide(differences, Rule(margin=0.02, futility=False))
    assert (found.verdict, found.wins, found.losses) == ("NOT_SHOWN", 8, 61)
    assert found.high is not None
    assert found.high < -0.02  # what it would take to hold lies outside the 95 % sequence


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def looks(plan: ReplayPlan, base_url: str, path: Path) -> list[Look]:
    journal = Journal(path)
    try:
        async with connect(base_url, "any") as api:
            return [look async for look in replay(plan, journal, api, BOOK, nonce="routing", clock=time.time)]
    finally:
        journal.close()


def test_a_request_is_prepared_by_both_rules_or_refused() -> None:
    body = {
        "model": "x",
        "max_tokens": 50,
        "stream": True,
        "temperature": 0,
        "messages": [{"role": "user", "content": "hello"}],
    }
    found = prepare(body, "claude-opus-4-5-20251101", "claude-haiku-5-5", BOOK.models, "batch")
    assert [one.feature for one in found.changes] == ["sampling", "thinking_omitted", "stream"]
    assert found.request is not None
    assert "stream" not in found.request
    forced = {**body, "tool_choice": {"type": "any"}}
    assert not prepare(forced, "claude-opus-4-5-20251101", "claude-opus-5-5", BOOK.models, "batch").replayable
