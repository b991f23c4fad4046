"""What a replay asks of the API: the seam between its rules and whatever carries them out (`sdk.connect`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

SPEND_CAPS: Final = ("enforced_spend_limit_reached", "contract_spend_limit_reached")
_OWN_LIMIT: Final = "You have reached your specified"
"""A limit the customer set comes as a 400 (anthropic-facts 5.3)."""
_BUSY: Final = (429, 529)
_SETUP: Final = (401, 402, 403, 404)


class Refused(Exception):
    """The API answered with an error: nothing was carried out or billed. The text names types, never content."""

    def __init__(
        self,
        status: int,
        kind: str,
        *,
        retry_after_s: float | None = None,
        error_code: str = "",
        own_limit: bool = False,
    ) -> None:
        super().__init__(f"{status} {kind}" + (f" ({error_code})" if error_code else ""))
        self.status = status
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.capped = error_code in SPEND_CAPS or own_limit

    @property
    def is_busy(self) -> bool:
        """Worth asking again later. A spend cap never is (anthropic-facts 5.3)."""
        return self.status in _BUSY and not self.capped

    @property
    def halts(self) -> bool:
        """No other item would fare better: a key, a model or a limit is wrong."""
        return self.capped or self.status in _SETUP


class Unsure(Exception):
    """No answer: it may have been carried out and billed, or not."""


class BatchSeen(NamedTuple):
    """A batch as the API shows it; `created` is seconds since 1970 by the API's clock."""

    id: str
    created: float
    ended: bool
    items: int


class Transport(Protocol):
    """Each call is one request, without retries of its own. All raise Refused and Unsure."""

    async def workspace(self) -> str:
        """Where batches of this key live; "" where the API does not say."""

    async def create_batch(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> BatchSeen:
        """(custom id, params) of each item."""

    async def batches_since(self, since: float) -> list[BatchSeen]:
        """Newest first, of this workspace."""

    async def batch(self, batch_id: str) -> BatchSeen: ...

    async def results(self, batch_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        """(custom id, `result` object) of each item, in any order."""

    async def delete_batch(self, batch_id: str) -> None: ...

    async def message(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The whole message of one synchronous call."""


def is_own_limit(message: str) -> bool:
    """Whether an error's text says that a limit set by the customer was reached."""
    return message.startswith(_OWN_LIMIT)
