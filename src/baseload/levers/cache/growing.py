"""A session without request bodies as one prompt that grows: the prefixes its calls share, told by their bills."""

from __future__ import annotations

NO_PREFIX = 0
"""The number for no prefix."""
_SURELY_ALIVE_US = 240_000_000  # a five-minute entry, less what a transcript's clock may be off


def in_scope(scope: int, prefix: int) -> int:
    """A prefix in one scope; never the number for none."""
    return (scope ^ (prefix << 15 | 1)) & 0x7FFF_FFFF_FFFF_FFFF or 1


class Chain:
    """The positions of one session's growing prompt."""

    def __init__(self, lane: int, scope: int, model: int, first_read: int) -> None:
        self.shared_end = first_read
        self.shared_id = in_scope(scope, hash((model, first_read)) & 0xFFFF_FFFF_FFFF) if first_read else NO_PREFIX
        self.positions: list[tuple[int, int]] = [(self.shared_id, first_read)] if first_read else []
        self._lane = lane
        self._scope = scope
        self._last_us: int | None = None
        self._count = 0

    def grow(self, start_us: int, uncached: int, read: int, write_5m: int, write_1h: int) -> None:
        """Take one call: keep what it shares with the one before, add where its own cached part ends."""
        cached = read + write_5m + write_1h
        end = cached or uncached
        was_alive = self._last_us is not None and start_us - self._last_us < _SURELY_ALIVE_US
        shared = min(read, end) if was_alive and cached else end
        while self.positions and self.positions[-1][1] > shared:
            self.positions.pop()
        if not self.positions or self.positions[-1][1] < end:
            self._count += 1
            name = hash((self._lane, self._count)) & 0xFFFF_FFFF_FFFF
            self.positions.append((in_scope(self._scope, name), end))
        self._last_us = start_us
