"""The levers as the page tells them: the easiest money first, each with its opportunities by workload."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec

from baseload.ledger.run_rate import annualised
from baseload.levers.route.status import status_of
from baseload.report.bars import RangeBar, scale
from baseload.report.document import LeverPart, MapDocument, OpportunityPart
from baseload.values import Opportunity, usd_text

MOST_OPPORTUNITIES = 200  # per lever
MOST_EXCLUDED = 50  # per lever
A_YEAR, IN_THE_PERIOD = "a year", "in the period"

GROUPS = (
    (
        "Nothing to do with quality",
        "Paid for without buying a better answer. No test is needed, only a decision.",
        ("surcharge", "repeat", "retirement"),
    ),
    (
        "Same model, same answers",
        "The same requests, sent or timed differently. What has to be checked is engineering, not quality.",
        ("cache", "batch"),
    ),
    (
        "Needs a quality test first",
        "What-if prices of the same tokens on another model. Whether its answers are as good only a trial can show.",
        ("route",),
    ),
)
"""(title, sentence, levers in order): the easiest money first."""


class LeverSection(msgspec.Struct, frozen=True, kw_only=True):
    """One lever with its opportunities, dearest first."""

    part: LeverPart
    low_usd: str | None  # in the unit of all levers: `lever_unit`; None where nothing has a price
    high_usd: str | None
    bar: RangeBar
    rows: tuple[OpportunityPart, ...]
    rows_left_out: int
    assumption: str  # the one sentence all rows share; "" when they differ
    excluded: tuple[OpportunityPart, ...]
    excluded_left_out: int
    has_status: bool  # rows say what a trial found


def opportunity_part(row: Opportunity, name: str, days: int) -> OpportunityPart:
    """One opportunity of a window of so many days, with its range as a year too."""
    return OpportunityPart(
        workload=row.workload,
        workload_name=name,
        lever=row.lever,
        candidate=row.candidate,
        low_usd=usd_text(row.low_nano),
        high_usd=usd_text(row.high_nano),
        low_annual_usd=usd_text(annualised(row.low_nano, days)),
        high_annual_usd=usd_text(annualised(row.high_nano, days)),
        grade=row.grade,
        assumption=row.assumption,
        excluded_by=row.excluded_by,
        status=status_of(row.verdict, row.verdict_grade) if row.verdict else "",
        verdict_id=row.verdict_id,
    )


class LeverGroup(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    sentence: str
    levers: tuple[LeverSection, ...]


def lever_unit(levers: Sequence[LeverPart]) -> str:
    """`a year` when every lever has a yearly range, else `in the period`: one unit for all, so that they compare."""
    yearly = all(part.low_annual_usd is not None and part.high_annual_usd is not None for part in levers)
    return A_YEAR if yearly else IN_THE_PERIOD


def range_of(item: OpportunityPart, unit: str) -> tuple[str, str]:
    """Low and high in that unit; the period's where no yearly range is given."""
    if unit == A_YEAR and item.low_annual_usd is not None and item.high_annual_usd is not None:
        return item.low_annual_usd, item.high_annual_usd
    return item.low_usd, item.high_usd


def lever_range(part: LeverPart, unit: str) -> tuple[str | None, str | None]:
    """Low and high in the unit of `lever_unit`; None where nothing has a price."""
    return (part.low_annual_usd, part.high_annual_usd) if unit == A_YEAR else (part.low_usd, part.high_usd)


def nothing_priced(document: MapDocument) -> bool:
    """There is usage and none of it has a price: its dollars are unknown, not nothing."""
    return document.totals.unpriced_rows > 0 and not Decimal(document.totals.list_high_usd)


def lever_groups(document: MapDocument) -> tuple[LeverGroup, ...]:
    """The levers in reading order; a lever this page does not know comes last, never nowhere."""
    unit = lever_unit(document.levers)
    draw = scale([Decimal(end or 0) for part in document.levers for end in lever_range(part, unit)])
    known = {lever for _, _, levers in GROUPS for lever in levers}
    others = tuple(dict.fromkeys(part.lever for part in document.levers if part.lever not in known))
    groups = []
    for title, sentence, levers in (*GROUPS, ("Other levers", "", others)):
        parts = [part for lever in levers for part in document.levers if part.lever == lever]
        if parts:
            sections = tuple(_lever_section(part, document.opportunities, unit, draw) for part in parts)
            groups.append(LeverGroup(title=title, sentence=sentence, levers=sections))
    return tuple(groups)


def dearest_first(opportunities: Iterable[OpportunityPart], unit: str) -> list[OpportunityPart]:
    """Largest upper end in that unit first, what is excluded last; ties in a fixed order."""

    def order(item: OpportunityPart) -> tuple[bool, Decimal, Decimal, str, str, str]:
        high = Decimal(range_of(item, unit)[1])
        return bool(item.excluded_by), -high, -Decimal(item.high_usd), item.lever, item.workload, item.candidate

    return sorted(opportunities, key=order)


def _lever_section(
    part: LeverPart, opportunities: Sequence[OpportunityPart], unit: str, draw: Callable[[Decimal, Decimal], RangeBar]
) -> LeverSection:
    mine = [item for item in opportunities if item.lever == part.lever]
    possible = dearest_first((item for item in mine if not item.excluded_by), unit)
    excluded = [item for item in mine if item.excluded_by]
    assumptions = {item.assumption for item in possible}
    low, high = lever_range(part, unit)
    return LeverSection(
        part=part,
        low_usd=low,
        high_usd=high,
        bar=draw(Decimal(low or 0), Decimal(high or 0)),
        rows=tuple(possible[:MOST_OPPORTUNITIES]),
        rows_left_out=max(0, len(possible) - MOST_OPPORTUNITIES),
        assumption=assumptions.pop() if len(assumptions) == 1 else "",
        excluded=tuple(excluded[:MOST_EXCLUDED]),
        excluded_left_out=max(0, len(excluded) - MOST_EXCLUDED),
        has_status=any(item.status for item in mine),
    )
