"""What the levers found about a workload's prompts and arrivals, as the plan document draws it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from baseload.levers.batch.clock import BatchClock
from baseload.levers.cache.anatomy import RequestPart
from baseload.levers.cache.report import WorkloadCache
from baseload.plan.cents import cents_text
from baseload.plan.picture_parts import (
    BatchClockPart,
    BlockPart,
    CacheAnatomyPart,
    DrawnBatchPart,
    GapBucket,
    GapsPart,
    MissPart,
    PolicyPart,
)
from baseload.plan.rounding import half_even
from baseload.values import DAY_US, iso_day

SECOND_US = 1_000_000


def anatomy_part(found: WorkloadCache | None) -> CacheAnatomyPart | None:
    """None where nobody looked. `missed_usd` is the sum of the cents shown, so that the table adds up."""
    if found is None:
        return None
    missed = [_cents(miss.usd) for miss in found.misses]
    return CacheAnatomyPart(
        model=found.model,
        calls=found.calls,
        judged_calls=found.judged_calls,
        before=_blocks(found.request.before),
        after=_blocks(found.request.after),
        diff=found.request.diff,
        gaps=tuple(
            GapsPart(
                since=gaps.since,
                first_calls=gaps.first_calls,
                estimated=gaps.estimated,
                buckets=tuple(
                    GapBucket(
                        up_to_seconds=None if one.up_to_us is None else one.up_to_us // SECOND_US,
                        calls=one.calls,
                        prompt_tokens=one.prompt_tokens,
                    )
                    for one in gaps.counts
                ),
            )
            for gaps in found.gaps
        ),
        policies=tuple(
            PolicyPart(
                name=policy.name,
                usd=cents_text(_cents(policy.usd)),
                ratio=policy.ratio,
                hit_rate=policy.hit_rate,
                uncached_tokens=policy.uncached_tokens,
                read_tokens=policy.read_tokens,
                write_5m_tokens=policy.write_5m_tokens,
                write_1h_tokens=policy.write_1h_tokens,
            )
            for policy in found.policies
        ),
        misses=tuple(
            MissPart(
                reason=miss.reason, detail=miss.detail, calls=miss.calls, tokens=miss.tokens, usd=cents_text(cents)
            )
            for miss, cents in zip(found.misses, missed, strict=True)
        ),
        missed_usd=cents_text(sum(missed)),
        note=found.note,
    )


def clock_part(found: BatchClock | None) -> BatchClockPart | None:
    """None where nothing of the workload may be batched, or its arrivals were not seen."""
    if found is None:
        return None
    midnight = found.day * DAY_US
    return BatchClockPart(
        weeks=found.weeks,
        arrivals=found.arrivals,
        answers_batch=found.answers_batch,
        answers_sync=found.answers_sync,
        closings=found.closings,
        day=iso_day(found.day),
        batches=tuple(
            DrawnBatchPart(
                opened_second=(batch.opened_us - midnight) // SECOND_US,
                submitted_second=(batch.submitted_us - midnight) // SECOND_US,
                ended_second=(batch.ended_us - midnight) // SECOND_US,
                requests=batch.requests,
            )
            for batch in found.batches
        ),
    )


def _blocks(parts: Sequence[RequestPart]) -> tuple[BlockPart, ...]:
    return tuple(
        BlockPart(
            section=part.section,
            name=part.name,
            tokens=part.tokens,
            repeat_share=part.repeat_share,
            volatile=part.volatile,
            said=part.said,
            mark=part.mark,
        )
        for part in parts
    )


def _cents(usd: str) -> int:
    return half_even(Fraction(usd) * 100)
