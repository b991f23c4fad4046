"""One range per lever over all workloads: for each workload its best candidate, never two at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from baseload.values import Grade, Opportunity

NOTHING_TO_DO_WITH_QUALITY = ("surcharge", "repeat", "retirement")
LEVERS = (*NOTHING_TO_DO_WITH_QUALITY, "route", "cache", "batch")
"""In the order a reader should act: what costs no quality first."""

TITLES: Mapping[str, str] = {
    "surcharge": "Surcharges",
    "repeat": "Identical repeats",
    "retirement": "Models about to retire",
    "route": "A cheaper model",
    "cache": "Prompt caching",
    "batch": "Batch processing",
}
_SENTENCES: Mapping[str, str] = {
    "surcharge": "The same calls without the surcharge; nobody's answer changes.",
    "repeat": "Requests sent again byte for byte; up to all but the first could have been kept.",
    "retirement": "These calls must move anyway; the difference to the newest model of the same line.",
    "route": (
        "Low: the newest model of the same line, dearest reading. High: the cheapest model its features allow, "
        "cheapest reading; one line down at most where answers are hard to check. Not tested is not proven."
    ),
    "cache": "Per workload the largest of: caching that loses money, reads missed, prefixes repeated. Not additive.",
    "batch": "Low: only workloads tolerant by their traffic. High: also those whose latency nobody has stated.",
}
_STRENGTH: tuple[Grade, ...] = ("billed", "measured", "replayed", "simulated", "sampled", "assumed")


class LeverSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Low and high nano-dollars of one lever inside the window, and the weakest grade of its parts."""

    lever: str
    title: str
    low_nano: int
    high_nano: int
    grade: Grade
    sentence: str


def summarise(
    opportunities: Iterable[Opportunity],
    same_line: Mapping[str, frozenset[str]],
    within_reach: Mapping[str, frozenset[str]],
) -> list[LeverSummary]:
    """A summary of every lever, in acting order; levers without an opportunity are 0 to 0.

    `same_line` maps a workload to the candidate models that only refresh its own line: the low end of routing.
    `within_reach` maps it to those its task may reasonably be tried on: the high end.
    """
    groups: dict[tuple[str, str], list[Opportunity]] = {}
    for opportunity in opportunities:
        groups.setdefault((opportunity.lever, opportunity.workload), []).append(opportunity)
    found = []
    for lever in LEVERS:
        members = {workload: rows for (name, workload), rows in groups.items() if name == lever}
        nothing: frozenset[str] = frozenset()
        ranges = [
            _range(lever, rows, same_line.get(workload, nothing), within_reach.get(workload, nothing))
            for workload, rows in members.items()
        ]
        found.append(
            LeverSummary(
                lever=lever,
                title=TITLES[lever],
                low_nano=sum(low for low, _ in ranges),
                high_nano=sum(high for _, high in ranges),
                grade=weakest(row.grade for rows in members.values() for row in rows),
                sentence=_SENTENCES[lever],
            )
        )
    return found


def weakest(grades: Iterable[Grade]) -> Grade:
    """The weakest of some grades; `measured` of none."""
    return max(grades, key=_STRENGTH.index, default="measured")


def _range(
    lever: str, rows: Sequence[Opportunity], refreshes: frozenset[str], reach: frozenset[str]
) -> tuple[int, int]:
    """One workload's (low, high) of one lever. Retirements are of different calls, so they add; all else overlaps."""
    allowed = [row for row in rows if not row.excluded_by]
    if lever == "retirement":
        return sum(row.low_nano for row in allowed), sum(row.high_nano for row in allowed)
    if lever == "route":
        low = max((row.low_nano for row in allowed if row.candidate in refreshes), default=0)
        return max(low, 0), max((row.high_nano for row in allowed if row.candidate in reach), default=0)
    best_low = max((row.low_nano for row in allowed), default=0)
    return max(best_low, 0), max((row.high_nano for row in allowed), default=0)
