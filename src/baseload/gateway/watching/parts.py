"""What watches a gateway, made from its settings: routes and shadow calls, samples, metrics, spans, admin endpoints.

Each is imported only where the settings ask for it, so that a plain pipe stays small.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.gateway.batch.unbatched import NotBatched
from baseload.gateway.config import dollars
from baseload.gateway.core import Watcher
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.exchange import Forward
from baseload.gateway.making import SETTINGS, project_of
from baseload.gateway.state.records import Rollback
from baseload.gateway.watching.cap import DayCap
from baseload.gateway.watching.child import Child
from baseload.gateway.watching.differing import has_one_right, wrong_in
from baseload.gateway.watching.orders import Order, Ordered, hold, lift, resume, roll_back
from baseload.gateway.watching.project_says import data_uses, graded_by_of, graders_of, without_files
from baseload.gateway.watching.routes import RouteBook
from baseload.gateway.watching.shadow import Setup, ShadowDesk
from baseload.gateway.watching.terms import Promise, candidate_of, has_route, promises_in
from baseload.gateway.watching.views import Standing, as_served
from baseload.gateway.watching.watch import Watch
from baseload.gateway.wire.fetch import Fetched, fetch
from baseload.quality.watch.terms import LADDER, Rung
from baseload.values import NANO_PER_USD

if TYPE_CHECKING:
    from baseload.gateway.batch.seal import Sealer
    from baseload.gateway.runtime import Gateway, Part
    from baseload.gateway.sampler import Sampler
    from baseload.gateway.telemetry.metrics import Metrics
    from baseload.gateway.telemetry.spans import Spans
    from baseload.gateway.telemetry.together import Beside
    from baseload.gateway.watching.shadow_batch import ShadowBatches

log = logging.getLogger("baseload.gateway.watch")
_ORDERS: Final = {"roll_back": roll_back, "lift": lift}


def parts_of(
    gateway: Gateway,
    *,
    ladder: tuple[Rung, ...] = LADDER,
    not_batched: NotBatched | None = None,
    beside: Beside | None = None,
) -> tuple[Part, ...]:
    """Everything of this kind that the settings ask for, with its watchers set. Raises UsageError."""
    return Watching(gateway, ladder=ladder, not_batched=not_batched, beside=beside).parts


class Watching:
    """The parts of one gateway, and what its admin endpoints and metrics ask of them (`admin.Served`)."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        ladder: tuple[Rung, ...] = LADDER,
        not_batched: NotBatched | None = None,
        beside: Beside | None = None,
    ) -> None:
        """`beside`: of several processes that share a port, which one this is."""
        self.gateway = gateway
        self._not_batched = not_batched
        self._beside = beside
        self.watch: Watch | None = None
        self.batches: ShadowBatches | None = None
        self.sampler: Sampler | None = None
        self._metrics: Metrics | None = None
        self._spans_made: Spans | None = None
        self._project = project_of(gateway.loaded.config.policy.settings, gateway.folder)
        self._learned: Mapping[str, Promise] = {}
        parts: list[Part] = []
        config = gateway.loaded.config
        if config.policy.file and not config.policy.observe:
            self.watch = self._watch(ladder)
            parts += self._watch_parts()
        if config.sample.folder:
            self.sampler = self._sampler()
            parts.append(self.sampler)
        if config.telemetry.otlp_endpoint:
            self._spans_made = self._spans()
            parts.append(self._spans_made)
        if config.listen.admin_port is not None:
            parts.append(self._admin(config.listen.admin_port))
        self.parts: tuple[Part, ...] = tuple(parts)
        found: list[Watcher | None] = [self.watch, self.sampler, self._spans_made, self._metrics, not_batched]
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
        """Every route as it is served: where entries are applied at once, whatever stage it waits in."""
        found = self.watch.book.standings if self.watch is not None else {}
        loaded = self.gateway.loaded
        if loaded.config.policy.start != "at_once":
            return found
        return {
            key: msgspec.structs.replace(one, view=as_served(one.view, at_once=key[1] == loaded.policy.policy_id))
            for key, one in found.items()
        }

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
        planned = self._planned(workload) if order == "roll_back" and not candidate else ""

        def ordered(store: Any) -> Ordered:
            if planned and not any(row.workload == workload for row in store.routes()):
                policy_id = self.gateway.loaded.policy.policy_id
                return roll_back(store, workload, who=who, why=why, at_us=at_us, candidate=planned, policy_id=policy_id)
            if order in _ORDERS:
                return _ORDERS[order](store, workload, who=who, why=why, at_us=at_us, candidate=candidate)
            return (hold if order == "hold" else resume)(store, workload, who=who, why=why, at_us=at_us)

        done = await self.gateway.state(ordered)
        if self.watch is not None:
            await self.watch.book.load()
        return done

    def _planned(self, workload: str) -> str:
        """What the policy's entry would send a workload to: a route that was never served can be barred too."""
        entries = self.gateway.loaded.policy.entries
        entry = next((one for one in entries if one.workload.id == workload and has_route(one)), None)
        return candidate_of(entry, self.gateway.book) if entry is not None else ""

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
        self.batches = self._batches(cap) if settings.transport == "batch" and cap.cap_nano else None
        desk = ShadowDesk(gateway.core, cap, self._fetch, grader, transport=settings.transport, batches=self.batches)
        if self.batches is not None:
            self.batches.desk = desk
        desk.setup = self._setup()
        self._say()
        return Watch(gateway.core, book, desk, (steps, grader), renewed=self._renew)

    def _watch_parts(self) -> list[Part]:
        """Batches start first: they hold what earlier processes reserved."""
        return [one for one in (self.batches, self.watch) if one is not None]

    def _batches(self, cap: DayCap) -> ShadowBatches | None:
        """None where no upstream takes batches with a key of the gateway's own."""
        from baseload.gateway.batch.api import BatchApi  # noqa: PLC0415 - only where pairs go by batch
        from baseload.gateway.watching.shadow_batch import ShadowBatches  # noqa: PLC0415 - as above
        from baseload.gateway.watching.shadow_shelf import Shelf  # noqa: PLC0415 - as above

        gateway = self.gateway
        upstream = next((one for one in gateway.loaded.config.upstream if one.kind == "anthropic"), None)
        if upstream is None:
            return None
        keys = partial(gateway.upstream_keys, upstream)
        api = BatchApi(gateway.client, upstream.origin, keys, gateway.core.memo.org_key, upstream.timeout_s)
        shelf = Shelf(gateway.core, gateway.state, cap, self._sealer())
        return ShadowBatches(gateway.core, shelf, api, upstream=upstream.name)

    def _sealer(self) -> Sealer | None:
        """None without a vault key: then no text of a pair is kept on disk. Raises UsageError on a key that is none."""
        from baseload.vault.key import find_key  # noqa: PLC0415 - only where pairs go by batch

        gateway, settings = self.gateway, self.gateway.loaded.config.sample
        key = find_key(
            gateway.env.get(settings.key_env, "").strip(), gateway.folder / (settings.key_file or "vault.key")
        )
        if key is None:
            return None
        from baseload.gateway.batch.seal import Sealer  # noqa: PLC0415 - it needs the extra `vault`

        return Sealer(key)

    def _say(self) -> None:
        """What a climb rests on: said when a policy begins to serve, since it differs by workload."""
        if not dollars(self.gateway.loaded.config.shadow.usd_per_day):
            return
        for workload, says in self.graded_by().items():
            log.info("shadow calls of %s are graded by %s", workload, says)

    def graded_by(self) -> dict[str, str]:
        """For people: by what the shadow calls of each routed workload are graded."""
        return graded_by_of(self._project, self.gateway.loaded.policy)

    def _renew(self) -> None:
        """Another policy serves: what the project says of its workloads is read again."""
        try:
            self._project = project_of(self.gateway.loaded.config.policy.settings, self.gateway.folder)
        except UsageError as error:
            log.error("the project's settings cannot be read, the last ones hold: %s", type(error).__name__)
        self._learned = self._promises()
        if self.watch is not None:
            self.watch.desk.setup = self._setup()
            self._say()
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
        graders = graders_of(self._project, policy)
        wrong = wrong_in(folder) if folder is not None else {}
        return Setup(
            data_use=data_uses(self._project, policy),
            graders=graders,
            wrong_most={
                entry.workload.id: wrong[entry.verdict_id]
                for entry in policy.entries
                if entry.verdict_id in wrong and has_one_right(graders.get(entry.workload.id, {}))
            },
            ungraded=frozenset(without_files(graders, folder) if folder is not None else ()),
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
        from baseload.gateway.telemetry.batch_counts import BatchCounts  # noqa: PLC0415 - as above
        from baseload.gateway.telemetry.labels import Labels  # noqa: PLC0415 - as above
        from baseload.gateway.telemetry.metrics import Metrics  # noqa: PLC0415 - as above

        gateway, listen = self.gateway, self.gateway.loaded.config.listen
        labels = Labels(gateway.core, gateway.loaded.policy)
        self._metrics = Metrics(gateway.core, labels, self)
        if self._not_batched is not None:
            self._metrics.registry.register(BatchCounts(self._not_batched, labels))
        token = gateway.env.get(listen.admin_token_env, "")
        return Admin(self, listen.admin_host, port, token, beside=self._beside)
