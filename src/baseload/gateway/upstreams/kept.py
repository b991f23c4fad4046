"""What a cloud's library fetches over the network, kept fresh by a thread of its own: no request waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_TRY_AGAIN_S: Final = 5.0
log = logging.getLogger("baseload.gateway.upstreams")


class Kept(Generic[T]):
    """A value and its next version. `fetch` gives it and the seconds after which it is fetched again.

    It is fetched once before this returns, so that the first request finds it; what it raises then and later costs a
    line without its text, the last value stays, and it is tried again in a few seconds.
    """

    def __init__(self, name: str, fetch: Callable[[], tuple[T, float]]) -> None:
        self._name = name
        self._fetch = fetch
        self._value: T | None = None
        self._closed = threading.Event()
        self._wait_s = self._fetched()
        self._thread = threading.Thread(target=self._follow, name=f"credentials of {name}", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"Kept({self._name!r})"

    @property
    def value(self) -> T | None:
        """None while there never was one."""
        return self._value

    def close(self) -> None:
        self._closed.set()
        self._thread.join(1)

    def _follow(self) -> None:
        while not self._closed.wait(self._wait_s):
            self._wait_s = self._fetched()

    def _fetched(self) -> float:
        try:
            self._value, wait_s = self._fetch()
        except Exception as error:  # noqa: BLE001 - of a library's making, and its text may quote a credential
            log.warning("no credentials for %s: %s", self._name, type(error).__name__)
            return _TRY_AGAIN_S
        return wait_s
