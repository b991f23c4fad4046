"""An upstream without a socket, and replays that can be killed between any two steps."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from baseload.demo.upstream.answers import Answers, Said, text_answer
from baseload.demo.upstream.api_errors import ApiError
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.http import Request
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book
from baseload.quality.replay.journal import Journal, Line
from baseload.quality.replay.plan import Item, ReplayPlan
from baseload.quality.replay.run import Look, replay
from baseload.quality.replay.transport import BatchSeen, Refused, Unsure

BOOK = load_book()
HAIKU = "claude-haiku-5-5"
START = 1_795_000_000.0  # November 2026
HEADERS = (("x-api-key", "k"), ("anthropic-version", "2023-06-01"), ("host", "upstream"))


def echo(model: str, request: Mapping[str, Any], asked: str) -> Said:
    """Says back the last thing it was told: an answer that shows whose it is."""
    return text_answer(f"re: {request['messages'][-1]['content']}", prompt_tokens=1000, output_tokens=100)


def item(call: str, arm: Any = "candidate", **params: Any) -> Item:
    body = {"model": HAIKU, "max_tokens": 200, "messages": [{"role": "user", "content": call}], **params}
    return Item(call=call, arm=arm, params=body)


def plan_of(calls: int, **given: Any) -> ReplayPlan:
    fast: dict[str, Any] = {"cap_usd": Decimal(10), "first_look": 4, "settle_s": 5.0, "poll_s": 1.0}
    items = tuple(item(f"call-{place}") for place in range(calls))
    return ReplayPlan(**(fast | {"items": items} | given))


class Killed(BaseException):
    """The process ends here."""


class World:
    """The API, a clock that sleeping moves, and a counter of steps at which a process may be killed."""

    def __init__(self, model: Callable[..., Said] = echo) -> None:
        self.service = Service(Answers(fallback=model), BOOK)
        self.service.behaviour = Behaviour(batch_s=3.0)
        self.now = START
        self.slept: list[float] = []
        self.steps = 0
        self.die_at = 0
        self.dead = False
        self.faults: list[tuple[str, Exception, bool | str]] = []  # (what, error, whether it was carried out)

        self.late: list[tuple[float, Any]] = []  # a body that arrives at this time, whoever sent it is gone

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        for at, body in [one for one in self.late if one[0] <= self.now]:
            self.late.remove((at, body))
            self._handle("POST", "/v1/messages/batches", body)

    def step(self) -> None:
        self.steps += 1
        self.dead = self.dead or self.steps == self.die_at
        if self.dead:
            raise Killed

    async def call(self, what: str, method: str, path: str, body: Any = None) -> Any:
        self.step()
        fault = next((one for one in self.faults if one[0] == what), None)
        if fault is not None:
            self.faults.remove(fault)
            if fault[2] == "late":
                self.late.append((self.now + 2, body))
            elif fault[2]:
                self._handle(method, path, body)
            raise fault[1]
        found = self._handle(method, path, body)
        self.step()
        return found

    def _handle(self, method: str, path: str, body: Any) -> bytes:
        request = Request(method, path, "HTTP/1.1", HEADERS, b"" if body is None else json.dumps(body).encode())
        try:
            reply = self.service.handle(request, self.now)
        except ApiError as error:
            raise Refused(error.status, error.body("").decode()[:60]) from None
        if reply.begin is not None:
            reply.begin()
        return reply.body

    # the transport

    async def workspace(self) -> str:
        return "wrkspc_a"

    async def create_batch(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> BatchSeen:
        body = {"requests": [{"custom_id": custom_id, "params": params} for custom_id, params in requests]}
        return _seen(json.loads(await self.call("create", "POST", "/v1/messages/batches", body)))

    async def batches_since(self, since: float) -> list[BatchSeen]:
        page = json.loads(await self.call("list", "GET", "/v1/messages/batches?limit=1000"))
        return [one for one in map(_seen, page["data"]) if one.created >= since]

    async def batch(self, batch_id: str) -> BatchSeen:
        return _seen(json.loads(await self.call("batch", "GET", f"/v1/messages/batches/{batch_id}")))

    async def results(self, batch_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        data = await self.call("results", "GET", f"/v1/messages/batches/{batch_id}/results")
        return [(row["custom_id"], row["result"]) for row in map(json.loads, data.splitlines())]

    async def delete_batch(self, batch_id: str) -> None:
        await self.call("delete", "DELETE", f"/v1/messages/batches/{batch_id}")

    async def message(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        found: dict[str, Any] = json.loads(await self.call("message", "POST", "/v1/messages", params))
        return found

    # what is asked of it

    def times_sent(self) -> dict[str, int]:
        """How often each prompt was carried out, batches and calls together."""
        found: dict[str, int] = {}
        for batch in self.service.batches.created:
            for one in batch.requests:
                words = one["params"]["messages"][-1]["content"]
                found[words] = found.get(words, 0) + 1
        return found

    def billed_usd(self) -> Decimal:
        """By hand: 1,000 tokens in at $0.10 and 100 out at $0.50 a million (Haiku 5.5), half in a batch."""
        each = Decimal("0.0001") + Decimal("0.00005")
        return sum((each / 2 if one.tier == "batch" else each for one in self.service.billed), Decimal(0))


def _seen(batch: Mapping[str, Any]) -> BatchSeen:
    created = dt.datetime.fromisoformat(batch["created_at"]).timestamp()
    return BatchSeen(batch["id"], created, batch["processing_status"] == "ended", sum(batch["request_counts"].values()))


class Dying(Journal):
    """A journal whose process may be killed before or after any write."""

    world: World

    def append(self, *lines: Line) -> None:
        self.world.step()
        super().append(*lines)
        self.world.step()


async def run(world: World, plan: ReplayPlan, path: Path, nonce: str = "n0") -> tuple[list[Look], Journal]:
    journal = Dying(path)
    journal.world = world
    try:
        asked = replay(plan, journal, world, BOOK, nonce=nonce, clock=world.clock, sleep=world.sleep)
        return [look async for look in asked], journal
    finally:
        journal.close()


__all__ = ["BOOK", "HAIKU", "Killed", "Refused", "Unsure", "World", "item", "plan_of", "run"]
