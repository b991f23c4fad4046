"""What the door asks of the upstreams."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from baseload.gateway.exchange import Again, Answer, Failure, Forward, Header, Trip


class Asked(NamedTuple):
    """A request that is ready to go. `headers` are the caller's; its credential is among them.

    `ours`: the credential is replaced by the gateway's own key; else it goes on as it is, and never both. `model` is
    what the body names, "" where it names none.
    """

    method: bytes
    target: bytes
    headers: tuple[Header, ...]
    body: bytes
    model: str
    stream: bool
    ours: bool

    def __repr__(self) -> str:
        return f"Asked({self.model!r}, {len(self.body)} bytes)"


class Sent(NamedTuple):
    """One attempt: how it goes, and what its record says of it. `turn` is the pool's own note of it."""

    forward: Forward
    upstream: str
    platform: str = "anthropic"
    geo: str = "global"
    turn: object = None


class Upstreams(Protocol):
    """Where requests go, and where they go next when that fails."""

    def first(self, asked: Asked, trip: Trip) -> Sent | Answer:
        """The first attempt; an answer of ours where nobody can be asked."""

    def again(self, asked: Asked, sent: Sent, attempt: int, failure: Failure, trip: Trip) -> tuple[Sent, Again] | None:
        """Another attempt after the `attempt`-th failed before its first byte; None = pass on what there is."""

    def answered(self, sent: Sent, status: int) -> None:
        """An attempt got this answer, or 0 where it broke off: what circuits and retry budgets are kept by."""
