"""One gateway process put together: settings in, a serving door out, and everything that happens once a second.

Heavy parts are imported only where the settings ask for them: the pipe that most people start with stays small.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from baseload.errors import UsageError
from baseload.gateway.calllog.records import new_replica_id
from baseload.gateway.calllog.recover import Recovered, recover
from baseload.gateway.calllog.segment import CallLog
from baseload.gateway.config import GatewayConfig, UpstreamSettings
from baseload.gateway.core import Core
from baseload.gateway.decide.memo import Memo
from baseload.gateway.decide.rules import Rules, Ways
from baseload.gateway.door import GatewayDoor
from baseload.gateway.making import (
    MIB,
    budgets_of,
    database_of,
    limits_of,
    online_of,
    project_of,
    read_secret,
    routers_of,
)
from baseload.gateway.reload import Loaded, Reloader
from baseload.gateway.state.budgets import Budgets
from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.records import KeyRow, Topic
from baseload.gateway.state.store import StateStore
from baseload.gateway.state.threads import Changes, StateThread
from baseload.gateway.upstreams.keys import keys_in
from baseload.gateway.upstreams.made import pool_of
from baseload.gateway.upstreams.port import Upstreams
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.server import Server
from baseload.gateway.wire.tls import server_context
from baseload.prices.book import PriceBook
from baseload.values import OrgKey

_US: Final = 1_000
log = logging.getLogger("baseload.gateway")


class Part(Protocol):
    """Something that lives as long as the gateway: batches, the watch, telemetry, admin endpoints."""

    async def start(self) -> None: ...

    async def tick(self, now_us: int) -> None:
        """About once a second. Raises StateDown where the store does not answer; it is asked again."""

    async def changed(self, topics: frozenset[Topic]) -> None:
        """What other replicas, or this one, have written."""

    async def stop(self) -> None: ...


def settle_memory() -> None:
    """What was loaded stays for good: the collector need not look at it again with every few hundred requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def utc_us() -> int:
    return time.time_ns() // _US


class Gateway:
    """One process. `env` is the environment, where secrets are; nothing else reads it."""

    def __init__(
        self,
        loaded: Loaded,
        book: PriceBook,
        *,
        env: Mapping[str, str],
        org_key: OrgKey,
        name: str = "gateway",
        clock_us: Callable[[], int] = utc_us,
        parts: Callable[[Gateway], tuple[Part, ...]] = lambda _: (),
    ) -> None:
        self.loaded = loaded
        self.env = env
        self.book = book
        self.clock_us = clock_us
        self.folder = loaded.folder
        config = loaded.config
        self.client = Client(limits_of(config.limits))
        self.state = StateThread(StateStore(database_of(config.state, loaded.folder, env)))
        self.replica_id = new_replica_id(name)
        self.budgets = Budgets(self.state, self.replica_id, budgets_of(config))
        self.upstreams = self._upstreams(config)
        project = project_of(config.policy.settings, loaded.folder)
        memo = Memo(org_key, key_names=project.key_name)
        self.core = Core(
            config=config,
            book=book,
            memo=memo,
            rules=self._rules(loaded, org_key),
            log=self._call_log(config),
            budgets=self.budgets,
            upstreams=self.upstreams,
            clock_us=clock_us,
            clock_ns=time.monotonic_ns,
            zdr=project.zero_data_retention,
        )
        self._online(config)
        self.door = GatewayDoor(self.core)
        self.server = Server(self.door, self.client.limits, clock=lambda: clock_us() * _US, client=self.client)
        self.read: Callable[[], Loaded] | None = None  # settings and policy from their files, where there are any
        self.parts = parts(self)
        self.degraded = ""  # why not all of it works; "" = all does
        self._tasks: list[asyncio.Task[None]] = []
        self._key_rows: tuple[KeyRow, ...] = ()

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def ready(self) -> bool:
        """It may be sent callers: not where all of them would be refused."""
        return not self.server.draining and not self.core.log.refuses and (
            not self.core.asks_for_keys or (self.core.keys.loaded_us > 0 and self._has_own_key)
        )  # fmt: skip

    @property
    def _has_own_key(self) -> bool:
        """Whether any upstream can be asked with a credential of the gateway's own."""
        try:
            return any(one.kind != "anthropic" or self.upstream_key(one) for one in self.loaded.config.upstream)
        except UsageError:  # a file of a key that cannot be read now
            return False

    async def start(self, *, reuse_port: bool = False) -> None:
        """Take over what dead replicas left, learn keys and routes, then listen. Raises OSError, UsageError."""
        asyncio.get_running_loop().set_exception_handler(_beside)
        dead = await self._sealed()
        changes = Changes(self.state)
        with contextlib.suppress(StateDown):
            await self._changed(await changes.since_last())
        self._check_keys()
        for part in self.parts:
            await part.start()  # batches take back what they had reserved before it is given to anybody
        await self._reclaim(dead)
        listen = self.loaded.config.listen
        await self.server.start(listen.host, listen.port, reuse_port=reuse_port, ssl=self._tls(self.loaded.config))
        self._tasks = [
            asyncio.create_task(changes.follow(self._changed, self._down, answers=self._state_answers)),
            asyncio.create_task(self._ticks()),
        ]

    async def stop(self) -> None:
        """Drain, then end everything; what is reported is on disk and in the store."""
        await self.server.drain(self.loaded.config.limits.drain_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for part in reversed(self.parts):
            await part.stop()
        await self.server.stop()
        with contextlib.suppress(StateDown):
            await self.budgets.close(self.clock_us())
        self.core.log.close()
        await self.state.close()

    def reload(self, loaded: Loaded) -> None:
        """Serve by new settings from the next request on. What needs a restart is said and kept as it was.

        Raises UsageError, and then nothing has changed.
        """
        before, config = self.loaded.config, loaded.config
        rules = self._rules(loaded, self.core.memo.org_key)
        kept = [
            name
            for name in ("listen", "log", "state", "upstream", "retry", "batch")
            if getattr(before, name) != getattr(config, name)
        ]
        self.budgets.configure(budgets_of(config, self._key_rows))
        self.core.config, self.core.rules, self.loaded = config, rules, loaded
        self._online(config)
        if kept:
            log.warning("settings of %s need a restart and stay as they were", ", ".join(kept))

    # what is made from the settings

    def _call_log(self, config: GatewayConfig) -> CallLog:
        return CallLog(
            self.folder / config.log.folder,
            self.replica_id,
            clock_us=self.clock_us,
            on_full=config.log.when_full,
            commit_s=config.log.commit_ms / 1_000,
            segment_bytes=config.log.segment_mb * MIB,
            spent=lambda: self.budgets.spent,
        )

    def _upstreams(self, config: GatewayConfig) -> Upstreams:
        chance = random.random  # spreads retries, keeps no secret
        return pool_of(
            config.upstream,
            config.retry,
            keys_of=self.upstream_keys,
            clock_ns=time.monotonic_ns,
            chance=chance,
            book=self.book,
        )

    def upstream_keys(self, settings: UpstreamSettings) -> tuple[bytes, ...]:
        """The gateway's own keys, from their 0600 file or the environment; () where there is none."""
        if settings.key_file:
            return keys_in(read_secret(self.folder / settings.key_file))
        return keys_in(self.env.get(settings.key_env, "").encode())

    def upstream_key(self, settings: UpstreamSettings) -> bytes:
        """The first of them; b"" where there is none."""
        return next(iter(self.upstream_keys(settings)), b"")

    def _rules(self, loaded: Loaded, org_key: OrgKey) -> Rules:
        settings = loaded.config.policy
        ways = Ways(start=settings.start, holdback=settings.holdback, cache=settings.cache)
        beside = (loaded.folder / settings.file).parent
        return Rules(loaded.policy, self.book, org_key, ways=ways, routers=routers_of(loaded.policy, beside))

    def _online(self, config: GatewayConfig) -> None:
        if config.policy.cache == "online" and self.core.online is None:
            self.core.online = online_of(self.book)

    def _tls(self, config: GatewayConfig) -> ssl.SSLContext | None:
        if not config.listen.tls_cert:
            return None
        return server_context(self.folder / config.listen.tls_cert, self.folder / config.listen.tls_key)

    # what happens beside the requests

    async def _sealed(self) -> list[Recovered]:
        """What dead replicas left in this log, completed."""
        return await asyncio.to_thread(recover, self.folder / self.loaded.config.log.folder, self.clock_us)

    async def _reclaim(self, dead: list[Recovered]) -> None:
        """Give back what dead replicas had leased and not spent."""
        for one in dead:
            used = {place: (amount.spent_nano, amount.held_nano) for place, amount in one.used.items()}
            with contextlib.suppress(StateDown):
                await self.budgets.reclaim(one.replica_id, used, self.clock_us())
            if one.in_flight:
                log.warning("replica %s died with %d calls in flight", one.replica_id, len(one.in_flight))

    async def _changed(self, topics: frozenset[Topic]) -> None:
        if "keys" in topics:
            rows = await self.state(lambda store: store.key_rows())
            self.core.keys.replace(rows, self.clock_us())
            self.core.keys_defined = bool(rows)
            self._key_rows = tuple(row for row in rows if row.revoked_us is None)
            self.core.capped_keys = frozenset(row.name or row.key_id for row in self._key_rows if row.scope.budget)
            self.budgets.configure(budgets_of(self.loaded.config, self._key_rows))
        for part in self.parts:
            await part.changed(topics)
        self._state_answers()

    def _check_keys(self) -> None:
        listen = self.loaded.config.listen
        if not (listen.is_loopback or self.loaded.config.virtual_keys or self.core.keys_defined):
            raise UsageError(
                f"host {listen.host} is beyond loopback and no virtual key is defined. Make one with "
                "`baseload gateway keys new NAME`, or listen on 127.0.0.1."
            )

    def _down(self, error: StateDown) -> None:
        if not self.degraded:
            log.error("the state store does not answer: %s", type(error).__name__)
        self.degraded = "the state store does not answer"
        self.budgets.store_down()

    def _state_answers(self) -> None:
        if self.degraded:
            log.warning("the state store answers again")
        self.degraded = ""

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(1)
            now_us = self.clock_us()
            self.core.log.tick()
            await self._quietly(self.budgets.tick(now_us))
            for part in self.parts:
                await self._quietly(part.tick(now_us))

    async def _quietly(self, ticking: Awaitable[None]) -> None:
        try:
            await ticking
        except StateDown as error:
            self._down(error)
        except Exception as error:  # noqa: BLE001 - it must not end what serves
            log.error("a fault beside the requests: %s", type(error).__name__)  # its text may quote a prompt


def _beside(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody caught costs a line. Neither its text nor its traceback is told: both may quote a prompt."""
    error = context.get("exception")
    log.error("a fault beside the requests: %s", type(error).__name__ if error is not None else "unknown")


async def watch_files(
    gateway: Gateway, reloader: Reloader, every_s: float = 0.5, at_once: asyncio.Event | None = None
) -> None:
    """Take new settings as their files change, and `at_once` when told to, until cancelled."""
    told = at_once or asyncio.Event()
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every_s):
                await told.wait()
        ask = reloader.now if told.is_set() else reloader.poll
        told.clear()
        try:
            take(gateway, await asyncio.to_thread(ask))
        except Exception as error:  # noqa: BLE001 - whatever a file does, what serves goes on, and the next is read
            log.error("settings refused, the last good ones keep serving: %s", type(error).__name__)


def take(gateway: Gateway, loaded: Loaded | None) -> None:
    """Serve by settings that were just read; a fault in them leaves what serves."""
    if loaded is None:
        return
    try:
        gateway.reload(loaded)
    except UsageError as error:
        log.error("settings refused, the last good ones keep serving: %s", error)


def process_name() -> str:
    """What a replica is known by: the machine's name and the process."""
    return f"{os.uname().nodename}-{os.getpid()}"
