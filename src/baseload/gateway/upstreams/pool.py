"""Several upstreams with their keys: who is asked first, and who next when that fails before its first byte.

A caller's own credential goes to the first upstream of the API's kind and to nobody else; every other one is asked
with the gateway's own. What is not a message (batches, files, models) belongs to one account and stays with the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from baseload.gateway.config import Retry, UpstreamSettings
from baseload.gateway.exchange import Again, Answer, Failure, Origin, Trip
from baseload.gateway.upstreams.again import (
    BASE_S,
    NEVER,
    NOT_SAID,
    is_free,
    is_repeatable,
    is_spent,
    pause_s,
    retry_after_s,
    verdict,
)
from baseload.gateway.upstreams.backend import Backend, What, what_of
from baseload.gateway.upstreams.circuit import Allowance, Circuit
from baseload.gateway.upstreams.keys import Keys
from baseload.gateway.upstreams.port import Asked, Sent
from baseload.gateway.wire.answer import error_answer

_NS: Final = 1_000_000_000
_REST_S: Final = 1.0
_SPENT_REST_S: Final = 60.0
_MOST_REST_S: Final = 3600.0
"""How long a key rests that met a limit: without being told, with a spend limit reached, and at most."""
_NOBODY: Final[dict[What, str]] = {
    "messages": "No upstream of this gateway serves this model.",
    "count": "No upstream of this gateway counts tokens for this model.",
    "other": "No upstream of this gateway serves this path.",
}
_CALLERS_OWN: Final = "No upstream of this gateway takes a caller's own key: it needs a virtual key of the gateway's."


class Seat:
    """One upstream and what is known of it."""

    __slots__ = ("allowance", "backend", "circuit", "keyed", "keys", "kind", "name", "origin")

    def __init__(self, settings: UpstreamSettings, backend: Backend, keys: Keys, retry: Retry) -> None:
        self.name = settings.name
        self.kind = settings.kind
        self.origin: Origin = settings.origin
        self.backend = backend
        self.keys = keys
        self.keyed = settings.kind == "anthropic"  # the others have credentials of their own
        self.circuit = Circuit(retry.open_after, retry.open_s)
        self.allowance = Allowance(retry.share)

    def __repr__(self) -> str:
        return f"Seat({self.name!r})"

    def free(self, asked: Asked, now_ns: int) -> bool:
        """Whether it is worth asking now: its circuit lets a request through, and a key does not rest."""
        if not self.circuit.takes(now_ns):
            return False
        return not (asked.ours and self.keyed) or bool(self.keys.fresh(limit_of(asked), now_ns))

    def key(self, asked: Asked, now_ns: int) -> bytes:
        """The key of ours to ask with; b"" where there is none."""
        limit = limit_of(asked)
        return self.keys.best(limit, now_ns) if limit else self.keys.first(now_ns)


class Turn:
    """One attempt, and what came before it: `tries` with this one, `tried` upstreams in order."""

    __slots__ = ("began_ns", "key", "pause_s", "seat", "told", "tried", "tries")

    def __init__(
        self, seat: Seat, key: bytes, began_ns: int, tries: int, tried: tuple[Seat, ...], pause_s: float
    ) -> None:
        self.seat = seat
        self.key = key
        self.began_ns = began_ns
        self.tries = tries
        self.tried = tried
        self.pause_s = pause_s
        self.told = False  # how it ended is known to its circuit

    def __repr__(self) -> str:
        return f"Turn({self.seat.name!r}, {self.tries})"


class Pool:
    """The upstreams in their order. `clock_ns` is monotonic, `chance` uniform in [0, 1)."""

    def __init__(
        self, seats: Iterable[Seat], retry: Retry, *, clock_ns: Callable[[], int], chance: Callable[[], float]
    ) -> None:
        self._seats = tuple(seats)
        self._retry = retry
        self._clock_ns = clock_ns
        self._chance = chance
        direct = [seat for seat in self._seats if seat.kind == "anthropic"]
        self._home = tuple(direct[:1])
        self._callers = tuple(seat for seat in direct if seat.origin == direct[0].origin)

    def first(self, asked: Asked, trip: Trip) -> Sent | Answer:
        seats = self._takers(asked)
        now_ns = self._clock_ns()
        if len(seats) > 1:  # with all of them out of order, they are asked all the same, in order
            seats = tuple(sorted(seats, key=lambda seat: not seat.free(asked, now_ns)))
        answer: Answer | None = None
        for seat in seats:
            found = self._go(seat, asked, trip, now_ns)
            if isinstance(found, Sent):
                return found
            answer = answer or found
        return answer or self._nobody(asked)

    def again(
        self,
        asked: Asked,
        sent: Sent,
        attempt: int,  # noqa: ARG002 - an attempt without a connection is not counted there, but is here
        failure: Failure,
        trip: Trip,
    ) -> tuple[Sent, Again] | None:
        turn = sent.turn
        if not isinstance(turn, Turn):
            return None
        now_ns = self._clock_ns()
        said_s = retry_after_s(failure.headers) if failure.kind == "status" else NOT_SAID
        self._learn(turn, asked, failure, said_s, now_ns)
        if turn.tries >= self._retry.tries:
            return None
        path = asked.target.partition(b"?")[0]
        repeatable, free = is_repeatable(asked.method, path), is_free(asked.method, path)
        may = verdict(failure, self._retry, repeatable=repeatable, free=free)
        if may == "no":
            return None
        return self._another_key(turn, asked, failure, trip, now_ns, here=may == "here") or self._another(
            turn, asked, failure, trip, now_ns, said_s if may == "here" else NEVER
        )

    def answered(self, sent: Sent, status: int) -> None:
        turn = sent.turn
        if not isinstance(turn, Turn) or turn.told:
            return
        turn.told = True
        circuit = turn.seat.circuit
        if status >= 500:
            circuit.failed(self._clock_ns())
        elif status:
            circuit.worked(turn.began_ns)
        else:
            circuit.forgot()  # whoever ended it: a caller that left is no fault of the upstream's

    # inside

    def _takers(self, asked: Asked) -> tuple[Seat, ...]:
        what = what_of(asked)
        if what == "other":
            return self._home
        if not asked.ours:
            return self._callers
        return tuple(seat for seat in self._seats if seat.backend.takes(asked, what))

    def _nobody(self, asked: Asked) -> Answer:
        if not asked.ours and not self._callers:
            return error_answer(401, _CALLERS_OWN)
        return error_answer(404, _NOBODY[what_of(asked)])

    def _go(self, seat: Seat, asked: Asked, trip: Trip, now_ns: int, after: Turn | None = None,
            pause_s: float = BASE_S) -> Sent | Answer:  # fmt: skip
        key = seat.key(asked, now_ns) if asked.ours and seat.keyed else b""
        forward = seat.backend.forward(asked, trip, key)
        if isinstance(forward, Answer):
            return forward
        seat.circuit.goes(now_ns)
        if after is None:
            turn = Turn(seat, key, now_ns, 1, (seat,), pause_s)
            seat.allowance.asked()
        else:
            turn = Turn(seat, key, now_ns, after.tries + 1, (*after.tried, seat), pause_s)
            if seat not in after.tried:
                seat.allowance.asked()
        return Sent(forward, seat.name, seat.backend.platform, seat.backend.geo(asked), turn)

    def _learn(self, turn: Turn, asked: Asked, failure: Failure, said_s: float, now_ns: int) -> None:
        """What a failure says of its upstream, or of its key: 429 is a limit of the key's, no fault of the upstream."""
        if turn.told:
            return
        turn.told = True
        if failure.kind != "status" or failure.status >= 500:
            turn.seat.circuit.failed(now_ns)
            return
        turn.seat.circuit.worked(turn.began_ns)
        limit = limit_of(asked)
        if failure.status == 429 and turn.key and limit:
            unsaid_s = _SPENT_REST_S if is_spent(failure) else _REST_S
            rest_s = min(said_s if said_s > 0 else unsaid_s, _MOST_REST_S)
            turn.seat.keys.rest(turn.key, limit, now_ns + int(rest_s * _NS))

    def _another_key(
        self, turn: Turn, asked: Asked, failure: Failure, trip: Trip, now_ns: int, *, here: bool
    ) -> tuple[Sent, Again] | None:
        """The same upstream with the next key of ours, at once. A caller's own limit is the caller's."""
        limit = limit_of(asked)
        if failure.status != 429 or not here or not turn.key or not limit:
            return None
        if not turn.seat.keys.fresh(limit, now_ns):
            return None
        return _at_once(self._go(turn.seat, asked, trip, now_ns, turn))

    def _another(
        self, turn: Turn, asked: Asked, failure: Failure, trip: Trip, now_ns: int, said_s: float
    ) -> tuple[Sent, Again] | None:
        """The same upstream after a pause, or the next one at once. A repeat never costs another one its turn."""
        others = [seat for seat in self._takers(asked) if seat not in turn.tried and seat.free(asked, now_ns)]
        left = self._retry.tries - turn.tries
        if left > len(others) and not (failure.kind == "connect" and others):
            found = self._repeat(turn, asked, trip, now_ns, said_s)
            if found is not None:
                return found
        for seat in others:
            found = _at_once(self._go(seat, asked, trip, now_ns, turn))
            if found is not None:
                return found
        return None

    def _repeat(self, turn: Turn, asked: Asked, trip: Trip, now_ns: int, said_s: float) -> tuple[Sent, Again] | None:
        pause = pause_s(said_s, turn.pause_s, self._retry.most_wait_s, self._chance)
        if pause == NEVER or not turn.seat.circuit.takes(now_ns) or not turn.seat.allowance.take():
            return None
        sent = self._go(turn.seat, asked, trip, now_ns, turn, pause)
        return (sent, Again(sent.forward, pause)) if isinstance(sent, Sent) else None


def limit_of(asked: Asked) -> str:
    """Which rate limit of a key a request counts in; "" = it belongs to one key's account, whatever its limits."""
    what = what_of(asked)
    return asked.model if what == "messages" else "count_tokens" if what == "count" else ""


def _at_once(sent: Sent | Answer) -> tuple[Sent, Again] | None:
    return (sent, Again(sent.forward, 0.0)) if isinstance(sent, Sent) else None
