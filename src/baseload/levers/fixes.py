"""Waste that goes away without touching an answer: repeats, and surcharges nobody may need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from baseload.levers.options import Fix
from baseload.levers.position import Position, by_workload
from baseload.prices.book import PriceBook, PriceKey
from baseload.values import Grade

LEAST_SHARE = 0.001
"""Fewer repeats than this are no change worth a person's time."""


def fixes(
    positions: Iterable[Position],
    repeats: Mapping[str, tuple[int, int]],
    spent_nano: Mapping[str, int],
    book: PriceBook,
    day: int,
) -> dict[str, tuple[Fix, ...]]:
    """Workload -> its fixes, for the workloads that have any.

    `repeats` are (excess calls, their list nano-dollars) and `spent_nano` list nano-dollars of the same window. A fix
    of speed or geography changes what somebody chose, so it names who must agree; repeats are the callers' own.
    """
    found = {}
    for workload, members in by_workload(positions).items():
        own = [*_repeat(workload, members, repeats, spent_nano), *_surcharges(members, book, day)]
        if own:
            found[workload] = tuple(own)
    return found


def _repeat(
    workload: str, members: Iterable[Position], repeats: Mapping[str, tuple[int, int]], spent_nano: Mapping[str, int]
) -> Iterator[Fix]:
    calls, nano = repeats.get(workload, (0, 0))
    share = nano / spent_nano[workload] if spent_nano.get(workload) else 0.0
    if share >= LEAST_SHARE:
        yield Fix(
            kind="repeat",
            share=min(share, 1.0),
            decision="the application's owner: whether a repeat wants a fresh answer",
            grade=_grade(members),
            note=f"{calls:,} calls repeated an answered request byte for byte within a day",
        )


def _surcharges(members: Iterable[Position], book: PriceBook, day: int) -> Iterator[Fix]:
    members = tuple(members)
    fast = [
        one for one in members if one.key.speed == "fast" and _is_sold(one.key._replace(speed="standard"), book, day)
    ]
    if fast:
        yield Fix(
            kind="speed",
            decision="the application's owner: whether anybody needs the speed",
            grade=_grade(fast),
            note="the same calls at standard speed",
        )
    placed = [one for one in members if one.key.geo in ("us", "regional")]
    placed = [one for one in placed if _is_sold(one.key._replace(geo="global"), book, day)]
    if placed:
        yield Fix(
            kind="geo",
            decision="whoever answers for data residency",
            grade=_grade(placed),
            note="the same calls through global inference",
        )


def _is_sold(key: PriceKey, book: PriceBook, day: int) -> bool:
    return book.rates(key, day) is not None


def _grade(members: Iterable[Position]) -> Grade:
    return "sampled" if any(one.sampling_rate > 1 for one in members) else "measured"
