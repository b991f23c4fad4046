"""What the pages show of a `MapDocument`: the same figures, joined and capped for reading, nothing computed anew.

Caps are stated on the page with what they leave out; `map.json` and the CSV files beside it are always complete.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from baseload.plan.document import ProblemPart
from baseload.report import names, spark
from baseload.report.bridge import Bridge, bridge, total_usd
from baseload.report.document import (
    DayPart,
    FigurePart,
    MapDocument,
    OpportunityPart,
    PlantedPart,
    ReadinessPart,
    ReconciliationPart,
    WorkloadPart,
)
from baseload.report.opportunities import LeverGroup, dearest_first, lever_groups, lever_unit, nothing_priced
from baseload.report.spark import Spark

MOST_ROWS = 5_000
MOST_DRILLS = 100
MOST_PRINTED_DRILLS = 25
MOST_READINESS = 200
MOST_RECONCILIATION = 100
MOST_PROBLEMS = 50


class WorkloadRow(msgspec.Struct, frozen=True, kw_only=True):
    part: WorkloadPart
    anchor: str
    trend: Spark
    daily: Spark
    opportunities: tuple[OpportunityPart, ...]
    readiness: ReadinessPart | None
    drill: bool  # details are on the page
    printed: bool  # … and on paper


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """All reconciled cells with one verdict, added up."""

    verdict: str
    cells: int
    calls_usd: str
    control_usd: str
    difference_usd: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    document: MapDocument
    rows: tuple[WorkloadRow, ...]
    rows_left_out: int
    drills: int
    groups: tuple[LeverGroup, ...]
    lever_unit: str
    nothing_priced: bool  # dollars are unknown, not nothing
    figures: dict[str, FigurePart]
    model_names: dict[str, str]  # model id -> name for readers
    anchors: dict[str, str]  # workload id -> anchor of its row
    outliers: frozenset[str]
    days: tuple[DayPart, ...]
    bridge: Bridge | None
    verdicts: tuple[Verdict, ...]
    reconciliation: tuple[ReconciliationPart, ...]  # what does not agree, largest first
    reconciliation_left_out: int
    readiness: tuple[ReadinessPart, ...]
    readiness_left_out: int
    problems: tuple[ProblemPart, ...]
    problem_total: int
    planted: tuple[PlantedPart, ...]


def view(document: MapDocument) -> View:
    """The page's rows. Pure: the same document always gives the same view."""
    rows = _workload_rows(document)
    differing = _differing(document.reconciliation)
    return View(
        document=document,
        rows=rows,
        rows_left_out=len(document.workloads) - len(rows),
        drills=sum(row.drill for row in rows),
        groups=lever_groups(document),
        lever_unit=lever_unit(document.levers),
        nothing_priced=nothing_priced(document),
        figures={figure.figure: figure for figure in document.figures},
        model_names={part.model: part.name for part in document.by_model},
        anchors={row.part.id: row.anchor for row in rows},
        outliers=frozenset(document.run_rate.outlier_days),
        days=document.by_day,
        bridge=bridge(document.bridge),
        verdicts=_verdicts(document.reconciliation),
        reconciliation=tuple(differing[:MOST_RECONCILIATION]),
        reconciliation_left_out=max(0, len(differing) - MOST_RECONCILIATION),
        readiness=document.readiness[:MOST_READINESS],
        readiness_left_out=max(0, len(document.readiness) - MOST_READINESS),
        problems=document.problems[:MOST_PROBLEMS],
        problem_total=sum(item.count for item in document.problem_counts),
        planted=document.planted,
    )


def _workload_rows(document: MapDocument) -> tuple[WorkloadRow, ...]:
    opportunities: defaultdict[str, list[OpportunityPart]] = defaultdict(list)
    for item in document.opportunities:
        opportunities[item.workload].append(item)
    readiness = {item.workload: item for item in document.readiness}
    unit = lever_unit(document.levers)
    rows = []
    for at, part in enumerate(document.workloads[:MOST_ROWS]):
        drill = at < MOST_DRILLS
        rows.append(
            WorkloadRow(
                part=part,
                anchor=names.anchor("w", part.id),
                trend=spark.weekly(part.daily_usd),
                daily=spark.daily(part.daily_usd if drill else ()),
                opportunities=tuple(dearest_first(opportunities[part.id], unit)) if drill else (),
                readiness=readiness.get(part.id),
                drill=drill,
                printed=at < MOST_PRINTED_DRILLS,
            )
        )
    return tuple(rows)


def _verdicts(parts: Sequence[ReconciliationPart]) -> tuple[Verdict, ...]:
    counts = Counter(part.verdict for part in parts)
    return tuple(
        Verdict(
            verdict=verdict,
            cells=cells,
            calls_usd=total_usd(part.calls_usd for part in parts if part.verdict == verdict),
            control_usd=total_usd(part.control_usd for part in parts if part.verdict == verdict),
            difference_usd=total_usd(part.difference_usd for part in parts if part.verdict == verdict),
        )
        for verdict, cells in sorted(counts.items())
    )


def _differing(parts: Sequence[ReconciliationPart]) -> list[ReconciliationPart]:
    differing = [part for part in parts if part.verdict != "agrees"]
    return sorted(differing, key=lambda part: (-abs(Decimal(part.difference_usd)), part.day, part.model, part.account))
