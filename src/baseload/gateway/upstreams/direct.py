"""One upstream of Anthropic's kind, asked once."""

from __future__ import annotations

from collections.abc import Callable

from baseload.gateway.exchange import Again, Answer, Failure, Forward, Header, Origin, Trip
from baseload.gateway.upstreams.port import Asked, Sent
from baseload.gateway.wire.answer import error_answer

CREDENTIALS = frozenset((b"x-api-key", b"authorization"))


class Direct:
    """Everything goes to `origin`. `key` gives the gateway's own key, b"" where there is none."""

    def __init__(self, name: str, origin: Origin, key: Callable[[], bytes], timeout_s: float) -> None:
        self._name = name
        self._origin = origin
        self._key = key
        self._timeout_s = timeout_s

    def first(self, asked: Asked, trip: Trip) -> Sent | Answer:
        headers = asked.headers
        if asked.ours:
            key = self._key()
            if not key:
                return error_answer(503, "The gateway has no key for its upstream.")
            headers = with_key(headers, key)
        forward = Forward(
            self._origin, asked.method, asked.target, headers, asked.body, trip, timeout_s=self._timeout_s
        )
        return Sent(forward, self._name)

    def again(
        self,
        asked: Asked,  # noqa: ARG002
        sent: Sent,  # noqa: ARG002
        attempt: int,  # noqa: ARG002
        failure: Failure,  # noqa: ARG002
        trip: Trip,  # noqa: ARG002
    ) -> tuple[Sent, Again] | None:
        return None

    def answered(self, sent: Sent, status: int) -> None:
        """Nothing is kept."""


def with_key(headers: tuple[Header, ...], key: bytes) -> tuple[Header, ...]:
    """The headers with this API key in place of whatever credential they had."""
    kept = tuple(header for header in headers if header[0].lower() not in CREDENTIALS)
    return (*kept, (b"x-api-key", key))
