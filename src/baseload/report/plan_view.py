"""What the plan's page shows of a `PlanDocument`: the same figures, joined and capped for reading.

Caps are stated on the page with what they leave out; `plan.json` and the CSV files beside it are always complete.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from baseload.plan.document import (
    ChangePart,
    PlanDocument,
    PlanWorkload,
    ProblemPart,
    RoutingPart,
    ScenarioPart,
    ShapleyPart,
    StepPart,
    WaterfallPart,
)
from baseload.report import names
from baseload.report.bars import RangeBar, scale
from baseload.report.plan_pictures import AnatomyPicture, ClockPicture, anatomy_picture, clock_picture
from baseload.report.plan_words import Shift, shifts
from baseload.report.trial_words import Move, moves

MOST_ROWS = 5_000
MOST_DRILLS = 100
MOST_CHANGES = 1_000
MOST_PROBLEMS = 50


class WorkloadRow(msgspec.Struct, frozen=True, kw_only=True):
    part: PlanWorkload
    anchor: str
    bar: RangeBar  # of its saving
    shifts: tuple[Shift, ...]
    drill: bool  # has a section of its own


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """One workload's section."""

    row: WorkloadRow
    steps: tuple[tuple[StepPart, ShapleyPart | None], ...]
    anatomy: AnatomyPicture | None
    clock: ClockPicture | None


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    part: ChangePart
    ratio: float  # of the best change's dollars per week of work


class WaterfallRow(msgspec.Struct, frozen=True, kw_only=True):
    part: WaterfallPart
    bar: RangeBar
    shapley_usd: str | None


class RoutingRow(msgspec.Struct, frozen=True, kw_only=True):
    part: RoutingPart
    bar: RangeBar  # on the scale of 0 to 100 %


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    document: PlanDocument
    waterfall: tuple[WaterfallRow, ...]
    scenarios: tuple[tuple[ScenarioPart, RangeBar], ...]
    claim: RangeBar
    routing: tuple[RoutingRow, ...]
    changes: tuple[ChangeRow, ...]
    changes_left_out: int
    rows: tuple[WorkloadRow, ...]
    rows_left_out: int
    drills: tuple[Drill, ...]
    anchors: dict[str, str]  # workload id -> anchor of its section, else of its row
    moves: tuple[Move, ...]
    moves_left_out: int
    problems: tuple[ProblemPart, ...]
    problem_total: int


def plan_view(document: PlanDocument) -> PlanView:
    """The page's rows. Pure: the same document always gives the same view."""
    rows = _rows(document)
    changes = document.adoption.changes if document.adoption else ()
    tried = moves(document)
    percent = scale([Decimal(0), Decimal(1)])
    alone = document.totals.routing_alone
    return PlanView(
        document=document,
        waterfall=_waterfall(document),
        scenarios=_scenarios(document),
        claim=percent(_decimal(alone.claim_low_share), _decimal(alone.claim_high_share)),
        routing=tuple(
            RoutingRow(part=part, bar=percent(_within(part.low_share), _within(part.high_share)))
            for part in alone.parts
        ),
        changes=_changes(changes[:MOST_CHANGES]),
        changes_left_out=max(0, len(changes) - MOST_CHANGES),
        rows=rows,
        rows_left_out=len(document.workloads) - len(rows),
        drills=tuple(_drill(row) for row in rows if row.drill),
        anchors={row.part.id: row.anchor for row in rows},
        moves=tuple(tried[:MOST_CHANGES]),
        moves_left_out=max(0, len(tried) - MOST_CHANGES),
        problems=document.problems[:MOST_PROBLEMS],
        problem_total=sum(part.count for part in document.problem_counts),
    )


def _rows(document: PlanDocument) -> tuple[WorkloadRow, ...]:
    shown = document.workloads[:MOST_ROWS]
    ends = [Decimal(usd) for part in shown for usd in (part.saving.low_usd, part.saving.high_usd)]
    draw = scale(ends)
    return tuple(
        WorkloadRow(
            part=part,
            anchor=names.anchor("w", part.id),
            bar=draw(Decimal(part.saving.low_usd), Decimal(part.saving.high_usd)),
            shifts=shifts(part),
            drill=at < MOST_DRILLS,
        )
        for at, part in enumerate(shown)
    )


def _drill(row: WorkloadRow) -> Drill:
    fair = {part.lever: part for part in row.part.shapley}
    return Drill(
        row=row,
        steps=tuple((step, fair.get(step.lever)) for step in row.part.steps),
        anatomy=None if row.part.cache is None else anatomy_picture(row.part.cache),
        clock=None if row.part.clock is None else clock_picture(row.part.clock),
    )


def _waterfall(document: PlanDocument) -> tuple[WaterfallRow, ...]:
    parts = document.totals.waterfall
    fair = {part.lever: part.saving_usd for part in document.totals.shapley}
    draw = scale([Decimal(part.after_usd) for part in parts])
    return tuple(
        WaterfallRow(part=part, bar=draw(_before(part), Decimal(part.after_usd)), shapley_usd=fair.get(part.name))
        for part in parts
    )


def _before(part: WaterfallPart) -> Decimal:
    """Where a line's bar begins: a level at nothing, a step at the cost before it."""
    return Decimal(part.after_usd) + Decimal(part.saving.likely_usd) if part.saving else Decimal(0)


def _scenarios(document: PlanDocument) -> tuple[tuple[ScenarioPart, RangeBar], ...]:
    parts = document.totals.scenarios
    draw = scale([Decimal(usd) for part in parts for usd in (part.saving.low_usd, part.saving.high_usd)])
    return tuple((part, draw(Decimal(part.saving.low_usd), Decimal(part.saving.high_usd))) for part in parts)


def _changes(changes: tuple[ChangePart, ...]) -> tuple[ChangeRow, ...]:
    best = max((Decimal(part.saving_per_week_of_work_usd) for part in changes), default=Decimal(0))
    return tuple(
        ChangeRow(part=part, ratio=float(Decimal(part.saving_per_week_of_work_usd) / best) if best > 0 else 0.0)
        for part in changes
    )


def _within(share: float) -> Decimal:
    return _decimal(min(max(share, 0.0), 1.0))


def _decimal(share: float) -> Decimal:
    return Decimal(str(share))
