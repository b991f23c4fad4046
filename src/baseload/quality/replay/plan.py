"""What is to be replayed, fixed before the first dollar: items in sample order, and the looks they are taken in.

A look is what the test sees at once: 50 calls, 50, 100, 200 … (doubling), with all their arms. An item is one request
that is sent; a call may have one per arm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.prices.book import Model
from baseload.quality.blocks import history_blocks, tools_of
from baseload.quality.legality import Fault
from baseload.quality.replay.arms import Arm
from baseload.quality.rewrite import Rewritten, rewrite
from baseload.quality.rewrite_thinking import Change

Transport = Literal["batch", "synchronous"]
FIRST_LOOK: Final = 50
MOST_IN_BATCH: Final = 100_000
MOST_BATCH_BYTES: Final = 200 * 1024 * 1024
"""The API takes 256 MB; what it adds around an item is not known to the byte."""

_NOT_IN_BATCHES: Final = ("speed", "fallbacks", "cache_hint", "context_hint", "research_preview")
_CLIENT_TOOLS: Final = ("custom", "computer", "bash", "text_editor", "memory")
_THREADS: Final = ("store", "previous_thread_event_id")


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One request to send: `params` as the target takes them (`rewrite`, then `sendable`).

    `prompt_tokens_most` bounds the prompt where somebody counted it; 0 = the bytes of the request bound it.
    """

    call: str
    arm: Arm
    params: Mapping[str, Any]
    prompt_tokens_most: int = 0

    @property
    def key(self) -> str:
        return f"{self.arm}/{self.call}"

    @property
    def model(self) -> str:
        return str(self.params.get("model", ""))


class ReplayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Items in order, the cap in list dollars, and how they travel. Raises UsageError.

    `settle_s` is how long after an intent a batch may still appear upstream that nobody heard of. `concurrency` bounds
    the synchronous calls in flight, and so what a kill can make one pay twice. A cap may be raised when resuming.
    """

    items: tuple[Item, ...]
    cap_usd: Decimal
    transport: Transport = "batch"
    first_look: int = FIRST_LOOK
    concurrency: int = 4
    warm: bool = True
    delete: bool = True
    settle_s: float = 60.0
    poll_s: float = 30.0
    tries: int = 8
    platform: str = "anthropic"
    geo: str = "global"

    def __post_init__(self) -> None:
        keys = [item.key for item in self.items]
        if len(set(keys)) != len(keys):
            raise UsageError("replay: a call is planned twice in one arm; expected each once")
        if not self.cap_usd.is_finite() or self.cap_usd <= 0:
            raise UsageError(f"replay: cap of {self.cap_usd} dollars; expected more than 0")
        if self.first_look < 1 or self.concurrency < 1 or self.tries < 1:
            raise UsageError("replay: first_look, concurrency and tries; expected at least 1")

    @property
    def sha256(self) -> str:
        """Of what is sent, in order; a journal belongs to one of these. The cap is not in it."""
        digest = hashlib.sha256(f"{self.transport}/{self.first_look}\n".encode())
        for item in self.items:
            params = hashlib.sha256(msgspec.json.encode(item.params, order="sorted")).hexdigest()
            digest.update(f"{item.key} {params}\n".encode())
        return digest.hexdigest()

    def looks(self) -> Iterator[tuple[Item, ...]]:
        """The items of 50 calls, 50, 100, 200 …; a call's arms stay together."""
        by_call: dict[str, list[Item]] = {}
        for item in self.items:
            by_call.setdefault(item.call, []).append(item)
        calls, done = list(by_call.values()), 0
        while done < len(calls):
            size = self.first_look if done == 0 else done
            yield tuple(item for group in calls[done : done + size] for item in group)
            done += size


def parts(items: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    """As many batches as the limits of one ask for."""
    part: list[Item] = []
    size = 0
    for item in items:
        bytes_ = len(msgspec.json.encode(item.params)) + 128
        if part and (len(part) == MOST_IN_BATCH or size + bytes_ > MOST_BATCH_BYTES):
            yield tuple(part)
            part, size = [], 0
        part.append(item)
        size += bytes_
    if part:
        yield tuple(part)


def prepare(
    request: Mapping[str, Any],
    from_model: str,
    to_model: str,
    models: Mapping[str, Model],
    transport: Transport,
    **given: Any,
) -> Rewritten:
    """`rewrite` for the target, then `sendable`: what an item's params are made with. `given` goes to `rewrite`."""
    fitted = rewrite(request, from_model, to_model, models, **given)
    if fitted.request is None:
        return fitted
    found = sendable(fitted.request, transport)
    return msgspec.structs.replace(found, changes=fitted.changes + found.changes)


def sendable(request: Mapping[str, Any], transport: Transport) -> Rewritten:
    """A request as a replay sends it: no stream, and in a batch nothing a batch refuses (anthropic-facts 4).

    A request that would run server tools is refused: they reach the world and cost what nobody can bound beforehand.
    """
    body = dict(request)
    fields = ("stream", *_THREADS, *(_NOT_IN_BATCHES if transport == "batch" else ()))
    dropped = [name for name in fields if body.pop(name, None) not in (None, False)]
    refusals = tuple(_refusals(body))
    return Rewritten(
        request=None if refusals else body,
        changes=tuple(Change(feature=name, action=f"dropped {name}") for name in dropped),
        refusals=refusals,
    )


def _refusals(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("max_tokens") == 0:
        yield Fault(feature="max_tokens", reason="0 only warms a cache: there is no answer to compare")
    if body.get("mcp_servers") or any(tool.kind and not tool.kind.startswith(_CLIENT_TOOLS) for tool in tools_of(body)):
        yield Fault(feature="server_tools", reason="tools that run at the provider have no bound on cost and effects")
    for block in history_blocks(body):
        source = block.get("source")
        if isinstance(source, Mapping) and source.get("type") in ("url", "file"):
            yield Fault(feature="images_pdf", reason="a file that is fetched later: may have changed, has no bound")
            return
