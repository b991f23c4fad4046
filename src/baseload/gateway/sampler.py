"""Bodies of allowed workloads kept in the encrypted vault, for trials: a sample of sessions, written on a thread.

Imported only where the settings name a folder: it needs the extra `vault`. A call's id is the ledger's own.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.errors import BaseloadError
from baseload.gateway.config import SampleSettings
from baseload.gateway.core import Core
from baseload.gateway.state.records import Topic
from baseload.gateway.trip import Finished, Metering
from baseload.gateway.watching.answers import message_in
from baseload.usage.normal import call_id
from baseload.values import day_of
from baseload.vault.body import Body
from baseload.vault.data_use import DataUse
from baseload.vault.frame import Entry
from baseload.vault.key import VaultKey
from baseload.vault.store import Caps, Stored, Vault

MOST_WAITING: Final = 500
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of bodies waiting for the disk; what comes beyond it is not kept, and counted."""
log = logging.getLogger("baseload.gateway.sample")


class Sampler:
    """A part of the gateway and one of its watchers. `data_use` by workload id: none = never kept."""

    def __init__(
        self,
        core: Core,
        root: Path,
        key: VaultKey,
        settings: SampleSettings,
        data_use: Mapping[str, DataUse],
        caps: Caps | None = None,
    ) -> None:
        self.core = core
        self.data_use = data_use
        self.outcomes: Counter[str] = Counter()
        self._settings = settings
        self._waiting: list[tuple[Entry, bytes, bytes]] = []
        self._bytes = 0
        self._vault = Vault.open(root, key, create=True, caps=caps)

    def __repr__(self) -> str:
        return f"Sampler({len(self._waiting)} waiting)"

    # on the data path

    def keeps(self, trip: Metering) -> bool:
        """Whether this request's session is of the sample."""
        return trip.facts.kind == "messages" and self._wanted(trip.decision.workload, trip.facts.session)

    def finished(self, attempt: Finished) -> None:
        end, facts = attempt.end, attempt.facts
        if not attempt.answer or end.outcome != "ok" or end.status != 200:
            return
        if facts.kind != "messages" or not self._wanted(attempt.decision.workload, facts.session):
            return
        size = len(attempt.body) + len(attempt.answer)
        if len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_BYTES:
            self.outcomes["no room"] += 1
            return
        entry = Entry(
            call_id=call_id(message_id=end.message_id, request_id=end.request_id),
            day=0,
            workload=attempt.decision.workload,
            session_id=facts.session,
        )
        self._waiting.append((entry, attempt.body, attempt.answer))
        self._bytes += size

    # beside it

    async def start(self) -> None:
        """Nothing: the vault was opened when this was made."""

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of the shared state counts here."""

    async def tick(self, now_us: int) -> None:
        """Write what waits. Where another process writes the vault now, it waits on."""
        waiting = self._waiting
        if not waiting:
            return
        self._waiting, self._bytes = [], 0
        try:
            stored = await asyncio.to_thread(self._store, waiting, day_of(now_us))
        except BaseloadError as error:
            self._back(waiting, error)
            return
        self.outcomes["kept"] += stored.stored
        self.outcomes["known"] += stored.known
        self.outcomes["refused"] += len(stored.problems)

    async def stop(self) -> None:
        await self.tick(self.core.clock_us())

    # inside

    def _wanted(self, workload: str, session: str) -> bool:
        settings = self._settings
        if not workload or not session or self.data_use.get(workload, "none") == "none":
            return False
        if settings.workloads and workload not in settings.workloads:
            return False
        drawn = int(self.core.memo.fingerprint("sample", session)[:8], 16)
        return drawn % settings.one_in == 0

    def _store(self, waiting: list[tuple[Entry, bytes, bytes]], day: int) -> Stored:
        return self._vault.store(
            ((entry, body) for entry, asked, answer in waiting if (body := self._body(asked, answer)) is not None), day
        )

    def _body(self, asked: bytes, answer: bytes) -> Body | None:
        response = message_in(answer)
        try:
            request = msgspec.json.decode(asked, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            request = {}
        if response is None or not request:
            self.outcomes["unreadable"] += 1
            return None
        return Body(request=request, response=response, response_verified=isinstance(response.get("id"), str))

    def _back(self, waiting: list[tuple[Entry, bytes, bytes]], error: BaseloadError) -> None:
        """Try these again the next time, as far as there is room."""
        if not self.outcomes["busy"]:
            log.warning("the vault cannot be written now: %s", type(error).__name__)
        self.outcomes["busy"] += 1
        room = max(0, MOST_WAITING - len(self._waiting))
        self.outcomes["no room"] += max(0, len(waiting) - room)
        self._waiting = [*waiting[:room], *self._waiting]
        self._bytes = sum(len(asked) + len(answer) for _, asked, answer in self._waiting)
