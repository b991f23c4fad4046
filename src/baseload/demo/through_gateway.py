"""The plan put to work: a workload's own requests through the real gateway, and what that saved beside the plan.

The gateway listens on loopback, the stand-in for the models answers. Sessions are drawn at random to be served by the
plan or held back, as in production, and the saving is the difference of their costs; nothing is taken from the plan.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import uvloop

from baseload.demo.answers.speaker import demo_answers
from baseload.demo.company import Company
from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.gateway.config import parse_config
from baseload.gateway.reload import Loaded
from baseload.gateway.runtime import Gateway
from baseload.gateway.savings import Saved, SessionCost, realised
from baseload.plan.policy import Entry, Match, Policy, WorkloadRef, policy
from baseload.prices.book import PriceBook
from baseload.quality.trial.document import TrialDocument
from baseload.usage.gateway_records import End, Start, json_of, record_of
from baseload.values import NANO_PER_USD, OrgKey

HOLDBACK: Final = 0.3
MOST_REQUESTS: Final = 400
KEY: Final = OrgKey(b"baseload demo: sessions are drawn alike on every machine")
_AT_ONCE: Final = 16
_SETTINGS: Final = """
[listen]
port = 0
[[upstream]]
base_url = "{url}"
[policy]
start = "at_once"
holdback = {holdback}
[log]
ship_to = ""
"""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial allows. `planned_share`: the saving it promises, of what the calls cost before; None = no price."""

    workload: str
    workload_name: str
    incumbent: str
    candidate: str
    verdict_id: str
    planned_share: float | None = None


class ThroughGateway(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one workload's requests, one a session."""

    move: Move
    calls: int
    saved: Saved


def through_gateway(
    move: Move,
    requests: Sequence[Mapping[str, Any]],
    tags: Mapping[str, str],
    folder: Path,
    company: Company,
    *,
    book: PriceBook,
    seed: int,
) -> ThroughGateway:
    """Send the requests, a session each, through a gateway whose policy is this move; `folder` keeps its log."""
    service = Service(Answers(fallback=demo_answers(company.services, seed)), book, seed=seed)
    sent = list(requests)[:MOST_REQUESTS]
    with running(Upstream(service)) as upstream:
        config = parse_config(_SETTINGS.format(url=upstream.base_url, holdback=HOLDBACK))
        loaded = Loaded(config=config, policy=_policy(move, tags), folder=folder)
        with _serving(loaded, book) as gateway:
            asyncio.run(_send(f"http://127.0.0.1:{gateway.port}", sent, tags))
    costs = list(_sessions(folder / config.log.folder))
    return ThroughGateway(move=move, calls=len(costs), saved=realised(costs, seed=seed))


def move_of(trial: TrialDocument) -> Move:
    """The move of a trial that held."""
    costs = {arm.arm: arm.cost_per_call_usd for arm in trial.arms}
    before, after = costs.get("incumbent"), costs.get("candidate")
    return Move(
        workload=trial.workload,
        workload_name=trial.workload_name,
        incumbent=trial.incumbent,
        candidate=trial.candidate,
        verdict_id=trial.verdict_id,
        planned_share=float(1 - after / before) if before and after is not None else None,
    )


def _policy(move: Move, tags: Mapping[str, str]) -> Policy:
    entry = Entry(
        workload=WorkloadRef(id=move.workload_name),  # its id is keyed, and so another on every machine
        match=Match(tag=dict(tags)),
        decision="pin",
        model=move.candidate,
        from_models=(move.incumbent,),
        verdict_id=move.verdict_id,
    )
    return policy((entry,), created="", prices_checked="")


@contextmanager
def _serving(loaded: Loaded, book: PriceBook) -> Iterator[Gateway]:
    """A gateway on a thread of its own, until the block ends."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="gateway", daemon=True)
    thread.start()

    async def start() -> Gateway:
        gateway = Gateway(loaded, book, env={}, org_key=KEY, name="demo")
        await gateway.start()
        return gateway

    try:
        gateway = asyncio.run_coroutine_threadsafe(start(), loop).result()
        try:
            yield gateway
        finally:
            asyncio.run_coroutine_threadsafe(gateway.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _send(base_url: str, requests: Sequence[Mapping[str, Any]], tags: Mapping[str, str]) -> None:
    """Every request in a session of its own, a few at once."""
    turns = asyncio.Semaphore(_AT_ONCE)
    common = {"x-api-key": "any", "anthropic-version": "2023-06-01"}
    common |= {f"x-baseload-tag-{name}": value for name, value in tags.items()}

    async def one(number: int, request: Mapping[str, Any]) -> None:
        headers = {**common, "x-claude-code-session-id": f"demo-{number}"}
        async with turns, session.post(f"{base_url}/v1/messages", json=dict(request), headers=headers) as answer:
            await answer.read()

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one(number, request) for number, request in enumerate(requests)))


def _sessions(log: Path) -> Iterator[SessionCost]:
    """The sessions of a log with their costs; calls without a known cost are left out on both sides."""
    starts: dict[int, Start] = {}
    costs: defaultdict[tuple[str, str], int] = defaultdict(int)
    for path in sorted(log.glob("*.log")):
        for line in path.read_bytes().splitlines():
            body = json_of(line)
            record = record_of(body) if body is not None else None
            if isinstance(record, Start):
                starts[record.seq] = record
            elif isinstance(record, End) and record.cost_nano is not None and record.status == 200:
                start = starts[record.seq]
                costs[start.session_id, start.arm] += record.cost_nano
    for (_, arm), nano in sorted(costs.items()):  # the log's order is that of the answers
        yield SessionCost("demo", "candidate" if arm == "candidate" else "reference", nano / NANO_PER_USD, 1)
