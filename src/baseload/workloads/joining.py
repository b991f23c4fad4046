"""Billing rows of a key whose calls all name one workload: days without a log belong to it and not to a stranger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from baseload.workloads.cascade import owner_key
from baseload.workloads.key import Key
from baseload.workloads.signature import Signature

SOLE_PERCENT = 95
"""A key is one workload's when its calls hold this share of all calls under the key."""
GAP_PERCENT = 10
"""…and the bill without calls is at most this share of theirs: more is not a gap in a log but another program."""


def joined_bills(
    bases: Mapping[str, Key], members: Mapping[str, Sequence[Signature]], spend_nano: Mapping[str, int]
) -> dict[str, str]:
    """Id of an owner's base group that holds billing rows only -> id of the base group its calls are in."""
    weights = _call_weights(bases, members, spend_nano)
    found = {}
    for id_, base in bases.items():
        if base.stage != "owner" or any(row.is_call for row in members[id_]) or not weights[id_]:
            continue
        calls = sum(weights[id_].values())
        best = max(weights[id_], key=lambda name: (weights[id_][name], name))
        bill = _spend(members[id_], spend_nano)
        if 100 * weights[id_][best] >= SOLE_PERCENT * calls and 100 * bill <= GAP_PERCENT * calls and calls:
            found[id_] = best
    return found


def _call_weights(
    bases: Mapping[str, Key], members: Mapping[str, Sequence[Signature]], spend_nano: Mapping[str, int]
) -> defaultdict[str, dict[str, int]]:
    """Owner's id -> base group -> spend of the owner's calls in that group."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for id_ in bases:
        for row in members[id_]:
            owner = owner_key(row) if row.is_call else None
            if owner is not None:
                groups = found[owner.id]
                groups[id_] = groups.get(id_, 0) + spend_nano.get(row.signature, 0)
    return found


def _spend(rows: Iterable[Signature], spend_nano: Mapping[str, int]) -> int:
    return sum(spend_nano.get(row.signature, 0) for row in rows)
