"""The gateway's own keys for one upstream: the first that is not resting, so that a cache stays where it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from baseload.errors import UsageError

_READ_AGAIN_NS: Final = 5_000_000_000
_MOST_RESTS: Final = 1_024


class Keys:
    """Keys in the order given. Rate limits count by model, so a key rests for one `limit` at a time.

    `read` gives what is there now; a file that was replaced is seen within five seconds, and one that cannot be read
    then changes nothing. At the start it raises UsageError.
    """

    __slots__ = ("_keys", "_read", "_read_ns", "_rests")

    def __init__(self, read: Callable[[], tuple[bytes, ...]]) -> None:
        self._read = read
        self._keys = read()
        self._read_ns: int | None = None
        self._rests: dict[tuple[bytes, str], int] = {}  # until when

    def __repr__(self) -> str:
        return f"Keys({len(self._keys)})"

    def first(self, now_ns: int) -> bytes:
        """The first key, whatever its limits: of what belongs to one account. b"" where there is none."""
        self._look(now_ns)
        return self._keys[0] if self._keys else b""

    def best(self, limit: str, now_ns: int) -> bytes:
        """The key to use; the one that rests least where all do; b"" where there is none."""
        if not self._rests:
            return self.first(now_ns)
        self._look(now_ns)
        return min(self._keys, key=lambda key: max(self._rests.get((key, limit), 0), now_ns), default=b"")

    def fresh(self, limit: str, now_ns: int) -> bytes:
        """A key that does not rest; b"" where there is none."""
        key = self.best(limit, now_ns)
        return b"" if self._rests.get((key, limit), 0) > now_ns else key

    def rest(self, key: bytes, limit: str, until_ns: int) -> None:
        if len(self._rests) >= _MOST_RESTS:
            self._rests.clear()
        self._rests[key, limit] = until_ns

    def _look(self, now_ns: int) -> None:
        if self._read_ns is not None and now_ns - self._read_ns < _READ_AGAIN_NS:
            return
        self._read_ns = now_ns
        with contextlib.suppress(UsageError):
            self._keys = self._read()


def keys_in(text: bytes) -> tuple[bytes, ...]:
    """The keys of a setting: one, or several with commas between."""
    return tuple(key for one in text.split(b",") if (key := one.strip()))
