"""A call and its shadow, as they are kept until both answers are graded: in memory, or sealed on disk for a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from baseload.gateway.calllog.records import Start
from baseload.gateway.decide.state import RouteKey
from baseload.gateway.watching.cap import NAME, Reserved

if TYPE_CHECKING:
    from baseload.gateway.batch.api import Result

JUDGE: Final = "judge"
"""As `arm` of a record: neither candidate nor incumbent."""

REFUSED: Final = b'{"type":"error","status":400}'
"""In place of a message: the candidate did not take the request. Graders score it 0."""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Everything needed to grade. Answers are messages of the API as JSON, b"" = none that can be read.

    `side` is whose answer the replay brings. Holds texts: the repr shows none of them.
    """

    workload: str
    policy_id: str
    session_id: str
    side: Literal["candidate", "incumbent"]
    call_id: str
    request: bytes  # as the replay's model was asked
    served: bytes
    replayed: bytes = b""
    replies: dict[str, bytes] = {}  # a judge's messages by the names of its questions

    @property
    def key(self) -> RouteKey:
        return self.workload, self.policy_id

    @property
    def replayed_stop(self) -> str:
        """The candidate's stop reason where it is the one that was replayed, else ""."""
        if self.side != "candidate" or not self.replayed:
            return ""
        stop = msgspec.json.decode(self.replayed, type=dict[str, Any]).get("stop_reason")
        return stop if isinstance(stop, str) else ""

    def __repr__(self) -> str:
        return f"Pair({self.call_id!r}, {self.side!r})"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a pair: the replay itself (`name` ""), or a question to the judge. `start` is its record, with
    what is reserved for it."""

    name: str = ""
    body: bytes
    start: Start

    @property
    def model(self) -> str:
        return self.start.model

    def __repr__(self) -> str:
        return f"Ask({self.name!r}, {self.model!r}, {len(self.body)} bytes)"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A pair and what is asked next for it. `pair` None: an earlier process's, which kept no texts.

    `reserved` is for all asks together; None: what an earlier process reserved was counted as spent when it ended.
    """

    item_id: str
    group: str
    pair: Pair | None
    asks: tuple[Ask, ...]
    created_us: int
    reserved: Reserved | None = None

    @property
    def held_nano(self) -> int:
        return sum(ask.start.held_nano for ask in self.asks)

    def settled(self, ask: Ask) -> Start:
        """The record of an ask as it is written: held where the money is held."""
        day = self.reserved.day if self.reserved is not None else ""
        return msgspec.structs.replace(ask.start, budgets=(NAME,) if day else (), period=day)


def learned(pair: Pair, said: Mapping[str, Result | None]) -> Pair | None:
    """The pair with what came; None where something is missing that is not the candidate's failure."""
    replies = dict(pair.replies)
    replayed = pair.replayed
    for name, result in said.items():
        if name and (result is None or result.message is None):
            return None
        if name and result is not None and result.message is not None:
            replies[name] = bytes(result.message)
        elif result is None:
            return None
        elif result.message is not None:
            replayed = bytes(result.message)
        elif result.error_type == "invalid_request_error" and pair.side == "candidate":
            replayed = REFUSED  # the candidate does not take it: its failure, which scores 0
        else:
            return None
    return msgspec.structs.replace(pair, replayed=replayed, replies=replies)


def why_not(item: Item, said: Mapping[str, Result | None]) -> str:
    if item.pair is None and all(result is not None for result in said.values()):
        return "not graded: its process ended, and its texts were not kept"
    return "not graded: the judge did not answer" if item.asks[0].start.arm == JUDGE else "not answered"


__all__ = ["JUDGE", "REFUSED", "Ask", "Item", "Pair", "learned", "why_not"]
