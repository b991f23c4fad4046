"""An upstream's health: whether it is worth asking, and how often it may be asked twice. Pure: time is passed in.

closed ──`open_after` failures in a row──> open ──`open_s` later──> half-open: one request goes
  ^                                         ^────── it fails ──────────┤
  └───────────────────────────────────────── it is answered ───────────┘
"""

from __future__ import annotations

from typing import Final

MOST_REPEATS: Final = 10.0
"""Repeats an upstream may be asked for at once, before the share of its requests counts."""


class Circuit:
    """Whether requests go to one upstream. A probe that is never heard of again is taken for lost after `open_s`."""

    __slots__ = ("_failures", "_open_after", "_open_ns", "_opened_ns", "_probe_ns", "_until_ns")

    def __init__(self, open_after: int, open_s: float) -> None:
        self._open_after = open_after
        self._open_ns = int(open_s * 1e9)
        self._failures = 0  # in a row
        self._opened_ns = 0
        self._until_ns: int | None = None  # None = closed
        self._probe_ns: int | None = None  # when the one request of half-open went

    @property
    def is_closed(self) -> bool:
        return self._until_ns is None

    def takes(self, now_ns: int) -> bool:
        """Whether a request may go now."""
        if self._until_ns is None:
            return True
        if now_ns < self._until_ns:
            return False
        return self._probe_ns is None or now_ns - self._probe_ns >= self._open_ns

    def goes(self, now_ns: int) -> None:
        """A request goes; the first after the pause is the probe."""
        if self._until_ns is not None and self.takes(now_ns):
            self._probe_ns = now_ns

    def worked(self, began_ns: int) -> None:
        """A request that went at `began_ns` was answered. One from before it opened says nothing of now."""
        if self._until_ns is not None and began_ns < self._opened_ns:
            return
        self._failures, self._until_ns, self._probe_ns = 0, None, None

    def failed(self, now_ns: int) -> None:
        """A request was not served by a fault of the upstream's."""
        self._failures += 1
        if self._until_ns is not None and now_ns < self._until_ns:
            return  # one that went before: the pause is not made longer
        if self._until_ns is not None or self._failures >= self._open_after:
            self._until_ns, self._opened_ns, self._probe_ns = now_ns + self._open_ns, now_ns, None

    def forgot(self) -> None:
        """A request ended without saying anything of the upstream: the next one may be the probe."""
        self._probe_ns = None


class Allowance:
    """How often an upstream is asked twice: a share of what it is asked, so that a storm is not made worse.

    Tokens: each request adds `share`, each repeat takes one. Full at the start; share 0 = never.
    """

    __slots__ = ("_most", "_share", "_tokens")

    def __init__(self, share: float) -> None:
        self._share = share
        self._most = MOST_REPEATS if share else 0.0
        self._tokens = self._most

    def asked(self) -> None:
        self._tokens = min(self._tokens + self._share, self._most)

    def take(self) -> bool:
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
