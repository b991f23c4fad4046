"""What watches a gateway, made from its settings: routes and shadow calls, samples, metrics, spans, admin endpoints.

Each is imported only where the settings ask for it, so that a plain pipe stays small.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.gateway.config import dollars
from baseload.gateway.core import Watcher
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.exchange import Forward
from baseload.gateway.making import SETTINGS, project_of
from baseload.gateway.state.records import Rollback
from baseload.gateway.watching.cap import DayCap
from baseload.gateway.watching.child import Child
from baseload.gateway.watching.orders import Order, Ordered, hold, lift, resume, roll_back
from baseload.gateway.watching.routes import RouteBook
from baseload.gateway.watching.shadow import Setup, ShadowDesk
from baseload.gateway.watching.shadow_batch import ShadowBatches
from baseload.gateway.watching.terms import Promise, has_route, promises_in
from baseload.gateway.watching.views import Standing
from baseload.gateway.watching.watch import Watch
from baseload.gateway.wire.fetch import Fetched, fetch
from baseload.plan.policy import Policy
from baseload.project import Project
from baseload.quality.watch.terms import LADDER, Rung
from baseload.values import NANO_PER_USD
from baseload.vault.data_use import DataUse, parse_data_use

if TYPE_CHECKING:
    from baseload.gateway.runtime import Gateway, Part
    from baseload.gateway.sampler import Sampler
    from baseload.gateway.telemetry.metrics import Metrics
    from baseload.gateway.telemetry.spans import Spans

log = logging.getLogger("baseload.gateway.watch")
_ORDERS: Final = {"roll_back": roll_back, "lift": lift}


def parts_of(gateway: Gateway, *, ladder: tuple[Rung, ...] = LADDER) -> tuple[Part, ...]:
    """Everything of this kind that the settings ask for, with its watchers set. Raises UsageError."""
    return Watching(gateway, ladder=ladder).parts


class Watching:
    """The parts of one gateway, and what its admin endpoints and metrics ask of them (`admin.Served`)."""

    def __init__(self, gateway: Gateway, *, ladder: tuple[Rung, ...] = LADDER) -> None:
        self.gateway = gateway
        self.watch: Watch | None = None
        self.sampler: Sampler | None = None
        self._metrics: Metrics | None = None
        self._spans_made: Spans | None = None
        self._project = project_of(gateway.loaded.config.policy.settings, gateway.folder)
        self._learned: Mapping[str, Promise] = {}
        parts: list[Part] = []
        config = gateway.loaded.config
        if config.policy.file and not config.policy.observe:
            self.watch = self._watch(ladder)
            parts.append(self.watch)
        if config.sample.folder:
            self.sampler = self._sampler()
            parts.append(self.sampler)
        if config.telemetry.otlp_endpoint:
            self._spans_made = self._spans()
            parts.append(self._spans_made)
        if config.listen.admin_port is not None:
            parts.append(self._admin(config.listen.admin_port))
        self.parts: tuple[Part, ...] = tuple(parts)
        found: list[Watcher | None] = [self.watch, self.sampler, self._spans_made, self._metrics]
        gateway.core.watchers = tuple(one for one in found if one is not None)

    # what admin endpoints and metrics ask

    @property
    def ready(self) -> bool:
        return self.gateway.ready

    def metrics(self) -> bytes:
        policy = self.gateway.loaded.policy
        if self._metrics is None:
            return b""
        if self._metrics.labels.policy_id != policy.policy_id:
            self._metrics.learn(policy)
        return self._metrics.text()

    def standings(self) -> dict[RouteKey, Standing]:
        return self.watch.book.standings if self.watch is not None else {}

    def rollbacks(self) -> tuple[Rollback, ...]:
        return self.watch.book.rollbacks if self.watch is not None else ()

    def outcomes(self) -> dict[tuple[str, str], int]:
        """(part, outcome) -> count."""
        found = {("shadow", name): n for name, n in self.watch.desk.outcomes.items()} if self.watch is not None else {}
        kept = {("sample", name): n for name, n in self.sampler.outcomes.items()} if self.sampler is not None else {}
        return {**found, **kept}

    def shadow_spent_nano(self) -> int:
        return self.watch.desk.cap.spent_nano(self.gateway.clock_us()) if self.watch is not None else 0

    async def order(self, order: Order, workload: str, who: str, why: str, candidate: str) -> Ordered:
        """Carry out an order and see it at once. Raises UsageError, StateDown."""
        at_us = self.gateway.clock_us()

        def ordered(store: Any) -> Ordered:
            if order in _ORDERS:
                return _ORDERS[order](store, workload, who=who, why=why, at_us=at_us, candidate=candidate)
            return (hold if order == "hold" else resume)(store, workload, who=who, why=why, at_us=at_us)

        done = await self.gateway.state(ordered)
        if self.watch is not None:
            await self.watch.book.load()
        return done

    async def reload(self) -> str:
        """Read settings and policy now. Raises UsageError; the last good ones then keep serving."""
        if self.gateway.read is None:
            raise UsageError("this gateway was not given files to read again")
        self.gateway.reload(await asyncio.to_thread(self.gateway.read))
        return self.gateway.loaded.policy.policy_id

    # how each is made

    def _watch(self, ladder: tuple[Rung, ...]) -> Watch:
        gateway = self.gateway
        steps, grader = Child(), Child()
        self._learned = self._promises()
        book = RouteBook(
            gateway.core, gateway.state, steps,
            policy=lambda: gateway.loaded.policy, promises=lambda: self._learned, ladder=ladder,
        )  # fmt: skip
        settings = gateway.loaded.config.shadow
        cap = DayCap(gateway.state, gateway.replica_id, int(dollars(settings.usd_per_day) * NANO_PER_USD))
        batches = ShadowBatches(gateway.core, self._fetch) if settings.transport == "batch" else None
        desk = ShadowDesk(gateway.core, cap, self._fetch, grader, transport=settings.transport, batches=batches)
        if batches is not None:
            batches.desk = desk
        desk.setup = self._setup()
        return Watch(gateway.core, book, desk, (steps, grader), renewed=self._renew)

    def _renew(self) -> None:
        """Another policy serves: what the project says of its workloads is read again."""
        try:
            self._project = project_of(self.gateway.loaded.config.policy.settings, self.gateway.folder)
        except UsageError as error:
            log.error("the project's settings cannot be read, the last ones hold: %s", type(error).__name__)
        self._learned = self._promises()
        if self.watch is not None:
            self.watch.desk.setup = self._setup()
        if self.sampler is not None:
            self.sampler.data_use = data_uses(self._project, self.gateway.loaded.policy)

    async def _fetch(self, forward: Forward) -> Fetched:
        return await fetch(
            self.gateway.client, forward.origin, forward.method, forward.target, forward.headers, forward.body,
            timeout_s=forward.timeout_s,
        )  # fmt: skip

    def _promises(self) -> Mapping[str, Promise]:
        folder = self._project_folder()
        return promises_in(folder) if folder is not None else {}

    def _project_folder(self) -> Path | None:
        settings = self.gateway.loaded.config.policy.settings
        path = self.gateway.folder / (settings or SETTINGS)
        return path.parent if settings or path.is_file() else None

    def _setup(self) -> Setup:
        policy, folder = self.gateway.loaded.policy, self._project_folder()
        return Setup(
            data_use=data_uses(self._project, policy),
            graders=graders_of(self._project, policy),
            folder=str(folder) if folder is not None else "",
            zero_data_retention=self._project.zero_data_retention,
        )

    def _sampler(self) -> Sampler:
        from baseload.gateway.sampler import Sampler  # noqa: PLC0415 - it needs the extra `vault`
        from baseload.vault.key import find_key  # noqa: PLC0415 - as above

        gateway, settings = self.gateway, self.gateway.loaded.config.sample
        key = find_key(gateway.env.get(settings.key_env, ""), gateway.folder / (settings.key_file or "vault.key"))
        if key is None:
            raise UsageError(f"sample.folder without a key; expected {settings.key_env} set, or sample.key_file")
        uses = data_uses(self._project, gateway.loaded.policy)
        return Sampler(gateway.core, gateway.folder / settings.folder, key, settings, uses)

    def _spans(self) -> Spans:
        from baseload.gateway.telemetry.spans import Spans  # noqa: PLC0415 - it needs the extra `otel`

        return Spans(self.gateway.loaded.config.telemetry)

    def _admin(self, port: int) -> Part:
        from baseload.gateway.admin import Admin  # noqa: PLC0415 - only where somebody wants the endpoints
        from baseload.gateway.telemetry.labels import Labels  # noqa: PLC0415 - as above
        from baseload.gateway.telemetry.metrics import Metrics  # noqa: PLC0415 - as above

        gateway, listen = self.gateway, self.gateway.loaded.config.listen
        self._metrics = Metrics(gateway.core, Labels(gateway.core, gateway.loaded.policy), self)
        token = gateway.env.get(listen.admin_token_env, "")
        return Admin(self, listen.admin_host, port, token, reuse_port=listen.workers > 1)


def data_uses(project: Project, policy: Policy) -> dict[str, DataUse]:
    """What may be done with the prompts of the policy's workloads, as the project says; by workload id."""
    said = {rule.name: rule.data_use for rule in project.workload if rule.data_use}
    return {
        entry.workload.id: parse_data_use(said.get(entry.workload.name) or said.get(entry.workload.id, ""))
        for entry in policy.entries
    }


def graders_of(project: Project, policy: Policy) -> dict[str, dict[str, Any]]:
    """The table of each workload's grader, of those that have a route."""
    bars = {bar.workload: bar.grader for bar in project.bar}
    found = {}
    for entry in policy.entries:
        grader = bars.get(entry.workload.id) or bars.get(entry.workload.name)
        if grader is not None and has_route(entry):
            found[entry.workload.id] = msgspec.to_builtins(grader)
    return found
