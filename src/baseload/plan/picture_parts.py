"""What a workload's page of the plan draws beside its figures: how its requests repeat, and when they come.

Dollars are list dollars of the calls named, never of a year. Sizes, kinds and times only: never a word of a prompt.
"""

from __future__ import annotations

import msgspec


class BlockPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a request, in order. `tokens` is the mean of the calls that have it, 0 where it is not known."""

    section: str  # tools | system | messages
    name: str
    tokens: int
    repeat_share: float | None  # of its calls, how many have a typical call's very text; null where nobody counted
    volatile: bool  # changes although what stands behind it repeats: nothing after it can be read
    said: str
    mark: str  # "5m" | "1h" | "": a cache mark ends here


class GapBucket(msgspec.Struct, frozen=True, kw_only=True):
    """Calls that came at most so long after the one before, and longer than the bucket before this one."""

    up_to_seconds: int | None  # null: any longer
    calls: int
    prompt_tokens: int


class GapsPart(msgspec.Struct, frozen=True, kw_only=True):
    """How long an entry must live to be read: the time since the last call that could have written it."""

    since: str  # session: the last call of the same session | start: the last call that began with the same prompt
    first_calls: int  # with no call before them
    buckets: tuple[GapBucket, ...]
    estimated: bool  # calls between were not kept: spread as if they came at random


class PolicyPart(msgspec.Struct, frozen=True, kw_only=True):
    """The input of the judged calls under one cache policy."""

    name: str  # none | as_billed | all_5m | all_1h | plan
    usd: str
    ratio: float  # over no cache at all
    hit_rate: float  # share of prompt tokens read
    uncached_tokens: int
    read_tokens: int
    write_5m_tokens: int
    write_1h_tokens: int


class MissPart(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that came again and were not read: what was paid for them less what reading would have cost."""

    reason: str
    detail: str
    calls: int
    tokens: int
    usd: str


class CacheAnatomyPart(msgspec.Struct, frozen=True, kw_only=True):
    """A request today and under the plan, and what its cache did. Empty where the calls do not tell; `note` says why.

    `policies` are of the judged calls on `model`, `misses` of all calls; both in the dollars of the calls seen.
    """

    model: str
    calls: int
    judged_calls: int
    before: tuple[BlockPart, ...]
    after: tuple[BlockPart, ...]
    diff: tuple[str, ...]  # "- " goes, "+ " comes, "  " stays
    gaps: tuple[GapsPart, ...]
    policies: tuple[PolicyPart, ...]
    misses: tuple[MissPart, ...]
    missed_usd: str  # the sum of `misses`
    note: str


class DrawnBatchPart(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of the busiest day, in seconds after its midnight (UTC); it may end on a later day."""

    opened_second: int
    submitted_second: int
    ended_second: int
    requests: int


class BatchClockPart(msgspec.Struct, frozen=True, kw_only=True):
    """Calls a week by UTC hour, 168 from Monday's midnight, averaged over the weeks seen; batches by hour of day."""

    weeks: float
    arrivals: tuple[float, ...]
    answers_batch: tuple[float, ...]
    answers_sync: tuple[float, ...]
    closings: tuple[float, ...]  # 24
    day: str
    batches: tuple[DrawnBatchPart, ...]
