"""What one upstream makes of a request: whether it takes it, and how it is spelt there."""

from __future__ import annotations

from typing import Final, Literal, Protocol

from baseload.gateway.exchange import Answer, Forward, Header, Trip
from baseload.gateway.upstreams.port import Asked

What = Literal["messages", "count", "other"]

NO_BODY: Final = "The request's body is no JSON object, which is all that this upstream takes."
NO_CREDENTIALS: Final = "The gateway has no credentials for this upstream now."
_BETA: Final = b"anthropic-beta"
_WHATS: Final[dict[bytes, What]] = {b"/v1/messages": "messages", b"/v1/messages/count_tokens": "count"}


class Backend(Protocol):
    """One upstream's own way. Quick, and without waiting."""

    @property
    def platform(self) -> str:
        """As the price book calls it."""

    def takes(self, asked: Asked, what: What) -> bool:
        """Whether this upstream can serve a request of this kind, for this model."""

    def forward(self, asked: Asked, trip: Trip, key: bytes) -> Forward | Answer:
        """The request as it goes there; an answer of ours where it cannot. `key` replaces the caller's, b"" = none."""

    def geo(self, asked: Asked) -> str:
        """The geography it is priced at."""


def what_of(asked: Asked) -> What:
    return _WHATS.get(asked.target.partition(b"?")[0], "other") if asked.method == b"POST" else "other"


def betas_in(headers: tuple[Header, ...]) -> tuple[str, ...]:
    """The betas a caller asks for, in order."""
    values = (value.decode("latin-1") for name, value in headers if name.lower() == _BETA)
    return tuple(beta for value in values for one in value.split(",") if (beta := one.strip()))


def without_betas(headers: tuple[Header, ...], allowed: frozenset[str]) -> tuple[Header, ...]:
    """The headers with those betas left out that are not allowed; the very same where all are."""
    asked = betas_in(headers)
    kept = [beta for beta in asked if beta in allowed]
    if len(kept) == len(asked):
        return headers
    rest = tuple(header for header in headers if header[0].lower() != _BETA)
    return (*rest, (_BETA, ",".join(kept).encode("latin-1"))) if kept else rest
