"""Several copies of one call: which one is the call, and which replaced ones stay visible.

The choice depends on the copies only, never on the order they were read in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from baseload.values import AGGREGATE_GRAINS, CALL_FIELDS, TOKEN_CLASSES, Call

_ENCODER = msgspec.msgpack.Encoder()
_AMOUNT_FIELDS = (*TOKEN_CLASSES, "requests", "billed_nano_usd", "reported_list_nano_usd")


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that is in the ledger already."""

    row_id: int
    superseded: bool
    call: Call


class Batch(msgspec.Struct, kw_only=True):
    """What a batch does to a ledger: rows to add, rows to add as already replaced, rows of the ledger it replaces."""

    added: list[Call]
    added_superseded: list[Call]
    replaced_row_ids: list[int]


def better(one: Call, other: Call) -> Call:
    """The copy that is the call: higher rank, then more output, then the earlier file and row, then by content."""
    if one.rank != other.rank:
        return one if one.rank > other.rank else other
    if one.output_tokens != other.output_tokens:
        return one if one.output_tokens > other.output_tokens else other
    return one if _order(one) <= _order(other) else other


def restated(one: Call, other: Call) -> bool:
    """True for two versions of a control total that differ: the older is kept, so that the change can be shown."""
    return one.grain in AGGREGATE_GRAINS and amounts(one) != amounts(other)


def amounts(call: Call) -> tuple[Any, ...]:
    """What a later version of a control total may change."""
    return (call.rank, *(getattr(call, name) for name in _AMOUNT_FIELDS))


def merged(calls: Iterable[Call]) -> tuple[list[Call], list[Call]]:
    """One call per id, and the restated versions of control totals that lost against them."""
    best: dict[str, Call] = {}
    losers: list[Call] = []
    for call in calls:
        prior = best.setdefault(call.call_id, call)
        if prior is call:
            continue
        winner = better(prior, call)
        if winner is not prior:
            best[call.call_id] = call
        if prior.grain in AGGREGATE_GRAINS:
            losers.append(prior if winner is call else call)
    versions = {(loser.call_id, amounts(loser)): loser for loser in losers if restated(loser, best[loser.call_id])}
    return list(best.values()), list(versions.values())


def against_ledger(added: Sequence[Call], lost: Sequence[Call], stored: dict[str, list[Stored]]) -> Batch:
    """What is left to do once the ledger's own copies of the same ids are considered."""
    batch = Batch(added=[], added_superseded=[], replaced_row_ids=[])
    for call in added:
        copies = stored.get(call.call_id)
        if copies is None:
            batch.added.append(call)
        else:
            _place(call, copies, batch)
    for call in lost:
        if all(amounts(call) != amounts(copy.call) for copy in stored.get(call.call_id, ())):
            batch.added_superseded.append(call)
    return batch


def _place(call: Call, copies: Sequence[Stored], batch: Batch) -> None:
    current = next(copy for copy in copies if not copy.superseded)
    if call == current.call:
        return
    if better(call, current.call) is call:
        batch.added.append(call)
        batch.replaced_row_ids.append(current.row_id)
    elif restated(call, current.call) and all(amounts(call) != amounts(copy.call) for copy in copies):
        batch.added_superseded.append(call)


def call_of_row(row: dict[str, Any]) -> Call:
    """The call a ledger row was made from."""
    stream = row["stream"]
    return Call(**{**row, "stream": None if stream is None else bool(stream)})


def _order(call: Call) -> tuple[str, int, bytes]:
    """Raises UnicodeError or OverflowError where the call is not storable."""
    return call.source_file, call.source_row, _ENCODER.encode(call)


assert set(_AMOUNT_FIELDS) <= set(CALL_FIELDS)  # noqa: S101 - a renamed field must not silently stop mattering
