"""The state store off the event loop: its calls one after the other on a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from baseload.gateway.state.faults import StateDown
from baseload.gateway.state.records import Topic
from baseload.gateway.state.store import StateStore

POLL_SECONDS: Final = 0.5
"""So that what one replica writes is known to all within a second."""

_T = TypeVar("_T")


class StateThread:
    """`await state(lambda store: store.key_rows())`. A cancelled wait does not undo what the thread does."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="baseload-state")

    async def __call__(self, ask: Callable[[StateStore], _T]) -> _T:
        """What the store answers. Raises StateDown."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, ask, self._store)

    async def close(self) -> None:
        await self(lambda store: store.close())
        self._thread.shutdown(wait=True)


class Changes:
    """Which topics other replicas, or this one, have changed since they were last asked for."""

    def __init__(self, state: StateThread) -> None:
        self._state = state
        self._seen: dict[Topic, int] = {}

    async def since_last(self) -> frozenset[Topic]:
        """All topics the first time. Raises StateDown."""
        now = await self._state(lambda store: store.changes())
        changed = frozenset(topic for topic, count in now.items() if self._seen.get(topic) != count)
        self._seen = dict(now)
        return changed

    async def follow(
        self,
        changed: Callable[[frozenset[Topic]], Awaitable[None]],
        down: Callable[[StateDown], None],
        every_s: float = POLL_SECONDS,
        answers: Callable[[], None] = lambda: None,
    ) -> None:
        """Calls `changed` with what did, until cancelled; `down` each time the store does not answer, else `answers`.

        Topics whose reading fails are reported again the next time.
        """
        while True:
            seen = dict(self._seen)
            try:
                if topics := await self.since_last():
                    await changed(topics)
                answers()
            except StateDown as error:
                self._seen = seen
                down(error)
            await asyncio.sleep(every_s)
