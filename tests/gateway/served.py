"""A gateway on a thread of its own, as one process runs it; and a socket that keeps what went over it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from baseload.gateway.config import parse_config
from baseload.gateway.reload import Loaded
from baseload.gateway.runtime import Gateway, Part
from baseload.plan.policy import Policy
from baseload.plan.policy_read import read_policy
from baseload.prices.load import load_book
from baseload.values import OrgKey

KEY = OrgKey(b"the organisation's key of the tests")
BOOK = load_book()


def settings(upstream: str, text: str = "", policy: Policy | str = "", folder: Path = Path()) -> Loaded:
    """What serves: any free port, an upstream, and more TOML."""
    config = parse_config(f'[listen]\nport = 0\n[[upstream]]\nbase_url = "{upstream}"\n{text}')
    found = policy if isinstance(policy, Policy) else read_policy(policy.encode()) if policy else Policy()
    return Loaded(config=config, policy=found, folder=folder)


class Served:
    """A running gateway, asked from other threads."""

    def __init__(self, gateway: Gateway, loop: asyncio.AbstractEventLoop) -> None:
        self.gateway = gateway
        self.loop = loop

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}"

    def call(self, make: Callable[[], Any]) -> Any:
        """Run something on the gateway's loop and wait for it."""

        async def run() -> Any:
            found = make()
            return await found if asyncio.iscoroutine(found) else found

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)


@contextmanager
def serving(
    loaded: Loaded,
    *,
    env: Mapping[str, str] | None = None,
    name: str = "test",
    parts: Callable[[Gateway], tuple[Part, ...]] = lambda _: (),
) -> Iterator[Served]:
    """A gateway until the block ends; it drains and closes its log then."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="gateway", daemon=True)
    thread.start()

    async def start() -> Gateway:
        gateway = Gateway(loaded, BOOK, env=env or {}, org_key=KEY, name=name, parts=parts)
        await gateway.start()
        return gateway

    try:
        gateway = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
        try:
            yield Served(gateway, loop)
        finally:
            asyncio.run_coroutine_threadsafe(gateway.stop(), loop).result(40)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
