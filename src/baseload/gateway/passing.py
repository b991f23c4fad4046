"""What is no call passes without a record: token counts, models, batches and files. Retries are the same for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from baseload.gateway.exchange import Again, Failure, Forward, Header
from baseload.gateway.upstreams.port import Asked, Sent

if TYPE_CHECKING:
    from baseload.gateway.core import Core


class Passing:
    """The trip of a request that costs nothing by itself."""

    __slots__ = ("_asked", "_attempt", "_core", "_status", "sent")

    def __init__(self, core: Core, asked: Asked) -> None:
        self._core = core
        self._asked = asked
        self._attempt = 0
        self._status = 0
        self.sent: Sent | None = None

    def __repr__(self) -> str:
        return "Passing()"

    def sending(self) -> None:
        self._attempt += 1

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:  # noqa: ARG002 - as the seam says
        self._status = status
        return ()

    def data(self, chunk: bytes) -> None:
        """Nothing to meter."""

    def end(self) -> None:
        self._answered(self._status)

    def failed(self, failure: Failure) -> Forward | Again | None:
        if self.sent is None:
            return None
        again = self._core.upstreams.again(self._asked, self.sent, self._attempt, failure, self)
        if again is None:
            if failure.kind != "status":
                self._answered(0)
            return None
        self._answered(failure.status)
        self.sent, how = again
        return how

    def broken(self, who: Literal["client", "upstream", "gateway"]) -> None:
        self._answered(0 if who == "upstream" else self._status)

    def _answered(self, status: int) -> None:
        if self.sent is not None:
            self._core.upstreams.answered(self.sent, status)
