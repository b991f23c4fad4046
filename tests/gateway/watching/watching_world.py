"""Gateways with a policy, a state store and everything that watches, on loops of their own, before one upstream."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anthropic
import msgspec

from baseload.gateway.config import parse_config
from baseload.gateway.reload import Loaded
from baseload.gateway.runtime import Gateway
from baseload.gateway.state.store import StateStore
from baseload.gateway.watching.parts import Watching
from baseload.plan.policy import Entry, Match, Policy, WorkloadRef, policy
from baseload.prices.load import load_book
from baseload.quality.watch.terms import Rung
from baseload.values import OrgKey

KEY = OrgKey(b"k" * 32)
OPUS, HAIKU = "claude-opus-4-8", "claude-haiku-5-5"
SECRET = "sk-ant-caller-secret-0001"
QUICK = (
    Rung(share=0.0, least_us=0, least_calls=3, least_pairs=3),
    Rung(share=0.5, least_us=3_600_000_000, least_calls=0, least_pairs=0),
    Rung(share=1.0, least_us=0, least_calls=0, least_pairs=0),
)
"""Three pairs leave the shadow stage; half of the sessions go to the candidate then."""
PROJECT = """
[[workload]]
name = "tickets"
data_use = "batch_allowed"

[[bar]]
workload = "tickets"
margin = 0.5
budget_usd = "5"
grader = { kind = "signals" }
"""


def entry(**more: Any) -> Entry:
    fields: dict[str, Any] = {
        "workload": WorkloadRef(id="w-1", name="tickets"),
        "match": Match(api_key=("*",)),
        "decision": "pin",
        "model": HAIKU,
        "verdict_id": "v-1",
    }
    return Entry(**{**fields, **more})


def made_policy(*entries: Entry) -> Policy:
    return policy(entries or (entry(),), created="2026-11-22", prices_checked="2026-11-21")


class Loop:
    """An event loop on a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, awaitable: Awaitable[Any]) -> Any:
        async def wrapped() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(wrapped(), self.loop).result(30)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Running:
    """One gateway in its own loop. `settings` is TOML beside the upstream's address."""

    def __init__(
        self,
        folder: Path,
        upstream_url: str,
        settings: str = "",
        *,
        served: Policy | None = None,
        name: str = "a",
        env: dict[str, str] | None = None,
        ladder: tuple[Rung, ...] = QUICK,
        clock_us: Callable[[], int] | None = None,
        project: str = PROJECT,
    ) -> None:
        self.loop = Loop()
        (folder / "baseload.toml").write_text(project)
        text = f"""
[listen]
port = 0
{settings}
[[upstream]]
base_url = "{upstream_url}"
[log]
folder = "log-{name}"
[state]
file = "state.db"
"""
        loaded = Loaded(config=parse_config(text), policy=served or made_policy(), folder=folder)
        self.watching: Watching

        def parts(gateway: Gateway) -> tuple[Any, ...]:
            self.watching = Watching(gateway, ladder=ladder)
            return self.watching.parts

        more = {"clock_us": clock_us} if clock_us else {}

        async def make() -> Gateway:
            gateway = Gateway(loaded, load_book(), env=env or {}, org_key=KEY, name=name, parts=parts, **more)
            await gateway.start()
            return gateway

        self.gateway: Gateway = self.loop.run(make())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    def client(self) -> anthropic.Anthropic:
        return anthropic.Anthropic(base_url=self.url, api_key=SECRET, max_retries=0)

    def tick(self) -> None:
        """What happens once a second, now."""
        self.loop.run(self.watching.watch.tick(self.gateway.clock_us()))

    def pair_all(self) -> None:
        """From now on every session is paired."""

        def widened(store: StateStore) -> bool:
            row = store.routes()[0]
            state = json.loads(row.state)
            state["terms"]["shadow_share"], state["events"] = 1.0, row.events + 1
            fresh = msgspec.structs.replace(row, events=row.events + 1, state=json.dumps(state))
            return store.swap_route(fresh, row.events)

        while not self.loop.run(self.gateway.state(widened)):  # a tick was first
            pass
        self.loop.run(self.watching.watch.book.load())

    def settle(self) -> None:
        """Every shadow call under way is answered and graded."""
        self.loop.run(self.watching.watch.desk.settled())

    def stop(self) -> None:
        self.loop.run(self.gateway.stop())
        self.loop.close()


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for what other threads bring about; as long as a busy machine may take."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise AssertionError("it did not come to hold")
        time.sleep(0.02)


def ask(client: anthropic.Anthropic, session: str, text: str = "Sort this ticket.", **more: Any) -> Any:
    """One Messages call of a session; the raw response."""
    return client.messages.with_raw_response.create(
        model=OPUS,
        max_tokens=256,
        messages=[{"role": "user", "content": text}],
        extra_headers={"X-Claude-Code-Session-Id": session},
        **more,
    )
