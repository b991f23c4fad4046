"""The pictures of one workload that need no script: its request as a bar, its gaps as columns, its week as a strip."""

from __future__ import annotations

import msgspec

from baseload.plan.picture_parts import BatchClockPart, BlockPart, CacheAnatomyPart, GapsPart
from baseload.report.plan_words import lasting

TONES = 5
"""Steps of the colour that says how often a part repeats, and of the one that says how busy an hour is."""
LIVES = {300: "5m", 3_600: "1h"}
"""Seconds an entry lives: a bucket that ends there has its line drawn behind it."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS = 24
_DAY_SECONDS = 86_400
_DAY_WIDTH = 2_400  # drawing units of the busiest day
_LEAST_BATCH = 4  # drawing units: a batch that is over at once is still seen
MOST_DRAWN_BATCHES = 96


class Block(msgspec.Struct, frozen=True, kw_only=True):
    part: BlockPart
    tone: str  # "0" to "4", "volatile", "unknown"


class GapColumn(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    calls: int
    prompt_tokens: int
    share: float  # of all calls with one before them
    height: float  # percent of the tallest
    ends_life: str  # "5m" | "1h" | ""


class GapPicture(msgspec.Struct, frozen=True, kw_only=True):
    part: GapsPart
    columns: tuple[GapColumn, ...]
    within: tuple[tuple[str, float], ...]  # (life, share of calls that come inside it)


class AnatomyPicture(msgspec.Struct, frozen=True, kw_only=True):
    part: CacheAnatomyPart
    before: tuple[Block, ...]
    after: tuple[Block, ...]
    gaps: tuple[GapPicture, ...]


class HourCell(msgspec.Struct, frozen=True, kw_only=True):
    day: int
    hour: int
    level: int  # 1 to 5; an hour without a call is not drawn


class HourRow(msgspec.Struct, frozen=True, kw_only=True):
    """One hour of the day: arrivals by day of the week, and what happens in that hour of a whole week."""

    hour: int
    arrivals: tuple[float, ...]  # 7
    answers_batch: float
    answers_sync: float
    closings: float
    height: float  # of the closings, percent of the tallest


class DrawnBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of the busiest day in drawing units: collecting from `start` to `sent`, worked on until `end`."""

    start: float
    sent: float
    end: float


class ClockPicture(msgspec.Struct, frozen=True, kw_only=True):
    part: BatchClockPart
    cells: tuple[HourCell, ...]
    hours: tuple[HourRow, ...]
    batches: tuple[DrawnBatch, ...]
    batches_left_out: int
    busiest: str  # "Tuesday, 14:00"


def anatomy_picture(part: CacheAnatomyPart) -> AnatomyPicture:
    return AnatomyPicture(
        part=part,
        before=tuple(Block(part=block, tone=tone_of(block)) for block in part.before),
        after=tuple(Block(part=block, tone=tone_of(block)) for block in part.after),
        gaps=tuple(_gaps(gaps) for gaps in part.gaps if any(one.calls for one in gaps.buckets)),
    )


def tone_of(block: BlockPart) -> str:
    """The colour of a block: how often it repeats, unless it is what breaks the rest."""
    if block.volatile:
        return "volatile"
    if block.repeat_share is None:
        return "unknown"
    return str(min(TONES - 1, int(block.repeat_share * TONES)))


def _gaps(part: GapsPart) -> GapPicture:
    total = sum(one.calls for one in part.buckets)
    most = max(one.calls for one in part.buckets)
    columns = tuple(
        GapColumn(
            title=f"over {lasting(part.buckets[at - 1].up_to_seconds or 0)}"
            if one.up_to_seconds is None
            else f"≤ {lasting(one.up_to_seconds)}",
            calls=one.calls,
            prompt_tokens=one.prompt_tokens,
            share=one.calls / total,
            height=round(100 * one.calls / most, 1),
            ends_life=LIVES.get(one.up_to_seconds or 0, ""),
        )
        for at, one in enumerate(part.buckets)
    )
    within = []
    seen = 0.0
    for column in columns:
        seen += column.share
        if column.ends_life:
            within.append((column.ends_life, seen))
    return GapPicture(part=part, columns=columns, within=tuple(within))


def clock_picture(part: BatchClockPart) -> ClockPicture:
    most = max(part.arrivals, default=0.0)
    highest = max(part.closings, default=0.0)
    at = part.arrivals.index(most) if part.arrivals else 0
    shown = part.batches[:MOST_DRAWN_BATCHES]
    return ClockPicture(
        part=part,
        cells=tuple(
            HourCell(day=place // HOURS, hour=place % HOURS, level=_level(value, most))
            for place, value in enumerate(part.arrivals)
            if value > 0
        ),
        hours=tuple(
            HourRow(
                hour=hour,
                arrivals=tuple(part.arrivals[hour::HOURS]),
                answers_batch=sum(part.answers_batch[hour::HOURS]),
                answers_sync=sum(part.answers_sync[hour::HOURS]),
                closings=part.closings[hour],
                height=round(100 * part.closings[hour] / highest, 1) if highest else 0.0,
            )
            for hour in range(HOURS)
        ),
        batches=tuple(
            DrawnBatch(
                start=_x(one.opened_second),
                sent=_x(one.submitted_second),
                end=_end(one.submitted_second, one.ended_second),
            )
            for one in shown
        ),
        batches_left_out=len(part.batches) - len(shown),
        busiest=f"{DAYS[at // HOURS]}, {at % HOURS:02d}:00",
    )


def _level(value: float, most: float) -> int:
    return min(TONES, 1 + int(TONES * value / most))


def _x(second: int) -> float:
    """A moment of the day; what lies beyond midnight ends at the edge."""
    return round(min(max(second, 0), _DAY_SECONDS) * _DAY_WIDTH / _DAY_SECONDS, 1)


def _end(submitted: int, ended: int) -> float:
    return min(max(_x(ended), _x(submitted) + _LEAST_BATCH), float(_DAY_WIDTH))
