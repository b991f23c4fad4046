"""What a request is like, for its record: worked out while the upstream thinks, and only as often as there is time.

Prefix hashes and cues need the whole body decoded, a millisecond or more for a long one. So that this never decides
how many calls a gateway can carry, it may take `SHARE` of the time, and what it saved up; calls beyond that are logged
without, and say so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from baseload.gateway.content_parts import Parts, all_of
from baseload.usage.capabilities import message_features
from baseload.usage.cues import task_cues
from baseload.usage.features import first_user_text, request_hash
from baseload.usage.prefix import Prefix
from baseload.values import OrgKey

SHARE: Final = 0.03
BURST_NS: Final = 200_000_000
"""Time saved up while there was little to do."""
TURN_NS: Final = 1_000_000
"""Of one turn of the event loop: so long, and one request longer, a caller may wait for what others are like."""
SKIPPED: Final = "no_content_pass"

_FIRST: Final = b'{"system":"a 1","tools":[{"name":"t"}],"messages":[{"role":"user","content":"a 2026-01-01"}]}'
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode = msgspec.json.Decoder().decode


class Content(NamedTuple):
    """What one body is like; `prefix` waits for the bill, so that its tokens add up to it."""

    request_hash: str
    request_features: str
    task_cues: str
    prefix: Prefix


class ContentPass:
    """Asked once a request. `clock_ns` is monotonic; `work_ns` counts this thread's own work, None = as the clock."""

    def __init__(
        self,
        org_key: OrgKey,
        clock_ns: Callable[[], int],
        share: float = SHARE,
        work_ns: Callable[[], int] | None = None,
    ) -> None:
        self._org_key = org_key
        self._parts = Parts(org_key)
        self._waiting: deque[Callable[[], None]] = deque()
        self._clock_ns = clock_ns
        self._work_ns = work_ns or clock_ns
        self._share = share
        self._credit_ns = BURST_NS if share else 0
        self._last_ns = clock_ns()
        self.taken = self.skipped = 0
        if share:
            self._content(_FIRST)  # what is only done once is done before anybody waits

    def of(self, body: bytes) -> Content | None:
        """None where there is no time for it, or the body is no request."""
        return self.work_out(body) if self.has_time() else None

    def has_time(self) -> bool:
        """Whether one more may be looked at; one that may not is counted."""
        if self._credit_ns <= 0:
            now = self._clock_ns()
            self._credit_ns = min(BURST_NS, self._credit_ns + int((now - self._last_ns) * self._share))
            self._last_ns = now
        if self._credit_ns <= 0:
            self.skipped += 1
            return False
        return True

    def later(self, look: Callable[[], None], soon: Callable[[Callable[[], None]], None]) -> None:
        """Look at a request in the next turn of the loop. `look` asks for `work_out`, if it is still wanted."""
        if not self._waiting:
            soon(lambda: self._turn(soon))
        self._waiting.append(look)

    def _turn(self, soon: Callable[[Callable[[], None]], None]) -> None:
        """All that wait, or as many as `TURN_NS` are enough for: then callers are served before the others."""
        waiting, least_ns = self._waiting, self._credit_ns - TURN_NS
        while waiting:
            waiting.popleft()()
            if waiting and self._credit_ns <= least_ns:
                soon(lambda: self._turn(soon))
                return

    def work_out(self, body: bytes) -> Content | None:
        """What the body is like, whatever the time; None where it is no request."""
        before = self._work_ns()
        found = self._content(body)
        self._credit_ns -= self._work_ns() - before
        self.taken += 1
        return found

    def _content(self, body: bytes) -> Content | None:
        try:
            members = _members(body)
            opening, small = self._parts.opening(members), self._parts.small(members)
            talk = {"messages": _decode(members["messages"])} if "messages" in members else {}
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        request = {**small.members, **talk, "tools": opening.searches}
        prefix = opening.prefix.copy()
        prefix.go_on(request)
        asked = {**request, "tools": opening.has_tools}
        first_user = first_user_text(request)
        return Content(
            request_hash=request_hash({**small.members, **talk, **opening.canonical}, self._org_key),
            request_features=all_of(opening.features, small.features, *sorted(message_features(talk))),
            task_cues=task_cues(asked, None, system=opening.instructions, first_user=first_user),
            prefix=prefix,
        )
