"""What can be said about each workload today, and the cheapest way to be able to say more.

The normal first day is an admin key and no request logs: everything can be ranked and nothing else. Billing buckets
show money; single calls show when and how often (batch); prompts show what repeats (cache) and can be replayed (trial).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from baseload.values import Table, Workload
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.ranking import RankedWorkload, Ranking
from baseload.workloads.signature import Signature, signature_rows
from baseload.workloads.sources import KEY_PER_WORKLOAD, MORE_OF_THE_SAME, NOTHING, NextSource, next_source

TRIAL_CALLS = 400
"""Calls with prompts that a trial starts with: it stops after 60 to 775 (quality facts, section 0)."""
WEEK_DAYS = 7
"""A schedule or a cache pattern is not known before every weekday was seen; also where the volume is unknown."""
LONGEST_CAPTURE_DAYS = 90
TRANSCRIPTS = "claude_code"
"""Transcripts show timing and cache use of sessions but neither tools nor system prompt: no replay."""
MOST = 0.5
"""An ability holds when the sources that allow it carry this share of the workload's spend."""


class ReadinessRow(msgspec.Struct, frozen=True, kw_only=True):
    """One workload: what its sources allow, and what to switch on next.

    `capture_days` is 0 when nothing is missing; `captured_calls` are calls whose prompts were seen.
    """

    workload: str
    workload_name: str
    share: float
    sources: tuple[str, ...]
    rank: bool
    cache: bool
    batch: bool
    trial: bool
    captured_calls: int
    next_source: str
    steps: tuple[str, ...]
    capture_days: int


class _Seen(NamedTuple):
    """One spend row as evidence."""

    row: Signature
    platform: str
    nano: int
    calls: int

    @property
    def shows_calls(self) -> bool:
        return self.row.is_call

    @property
    def shows_prefix(self) -> bool:
        return self.row.is_call and (self.row.saw_prompt or self.row.source == TRANSCRIPTS)

    @property
    def shows_prompt(self) -> bool:
        return self.row.is_call and self.row.saw_prompt and self.row.source != TRANSCRIPTS


def readiness(
    ranking: Ranking, spend: Table, signatures: Table, workload_of: Mapping[str, Workload]
) -> list[ReadinessRow]:
    """One row per ranked workload, in rank order.

    `spend` needs signature, source, price_key, rows and list_nano (samples scaled); give it before the control totals
    replace the calls they cover, so that every source is heard.
    """
    evidence = _evidence(spend, signatures, workload_of)
    return [_row(found, evidence.get(found.workload.id, [])) for found in ranking.workloads]


def _evidence(spend: Table, signatures: Table, workload_of: Mapping[str, Workload]) -> dict[str, list[_Seen]]:
    rows = {row.signature: row for row in signature_rows(signatures)}
    columns = (spend[name].tolist() for name in ("signature", "source", "price_key", "list_nano", "rows"))
    found: defaultdict[str, list[_Seen]] = defaultdict(list)
    for signature, source, price_key, nano, calls in zip(*columns, strict=True):
        row = rows.get(signature, Signature(signature, source=source, grain="range"))
        workload = workload_of.get(signature, UNATTRIBUTED)
        found[workload.id].append(_Seen(row, _platform(price_key), int(nano or 0), int(calls or 0)))
    return found


def _row(found: RankedWorkload, seen: Sequence[_Seen]) -> ReadinessRow:
    captured = sum(one.calls for one in seen if one.shows_prompt)
    named = found.workload.id != UNATTRIBUTED.id
    cache, batch, prompts = (_mostly(seen, name, found) for name in ("shows_prefix", "shows_calls", "shows_prompt"))
    trial = prompts and captured >= TRIAL_CALLS
    missing_pattern = not (cache and batch)
    switch = NOTHING if trial else MORE_OF_THE_SAME if prompts else _switch(seen, named=named)
    return ReadinessRow(
        workload=found.workload.id,
        workload_name=found.workload.name,
        share=found.share,
        sources=tuple(sorted({one.row.source for one in seen} or set(found.sources))),
        rank=named,
        cache=cache,
        batch=batch,
        trial=trial,
        captured_calls=captured,
        next_source=switch.name,
        steps=switch.steps,
        capture_days=0 if switch is NOTHING else _capture_days(found, captured, missing_pattern=missing_pattern),
    )


def _mostly(seen: Sequence[_Seen], ability: str, found: RankedWorkload) -> bool:
    """Whether rows with an ability stand for most of the workload's spend (any row where nothing is priced).

    Control totals repeat the spend of the calls they cover, so the ranking's own total is the measure.
    """
    able = [one for one in seen if getattr(one, ability)]
    return bool(able) and sum(one.nano for one in able) >= MOST * found.list_nano


def _switch(seen: Sequence[_Seen], *, named: bool) -> NextSource:
    if not named:
        return KEY_PER_WORKLOAD
    return next_source(
        sources=frozenset(one.row.source for one in seen),
        platforms=frozenset(one.platform for one in seen),
        coding_agent=all(one.row.is_coding_agent for one in seen),
        saw_calls=any(one.shows_calls for one in seen),
        has_key=any(_names_a_caller(one.row) for one in seen),
    )


def _names_a_caller(row: Signature) -> bool:
    return bool(row.api_key or row.agent or row.tags or row.user_id)


def _capture_days(found: RankedWorkload, captured: int, *, missing_pattern: bool) -> int:
    """Days until TRIAL_CALLS prompts are seen at the volume of its active days; at least a week for a pattern."""
    active = sum(nano > 0 for nano in found.daily_nano)
    if not found.requests or not active:
        return WEEK_DAYS
    days = math.ceil(max(TRIAL_CALLS - captured, 1) * active / found.requests)
    return min(max(days, WEEK_DAYS if missing_pattern else 1), LONGEST_CAPTURE_DAYS)


def _platform(price_key: str) -> str:
    """The second part of a price key: `model|platform|geo|tier|speed|band`."""
    parts = (price_key or "").split("|")
    return parts[1] if len(parts) > 1 else ""
