"""The plan's tables as CSV for a spreadsheet: exact figures, safe cells, the rules of `csv_tables`."""

from __future__ import annotations

from collections.abc import Iterator

from baseload.plan.document import PlanDocument, PlanWorkload, SpanPart
from baseload.report.csv_tables import csv_bytes, row_of
from baseload.report.plan_words import choice_text

_SAVING = ("saving_low_usd", "saving_likely_usd", "saving_high_usd")
_LEVERS = ("fix", "effort", "route", "cache", "batch")
WORKLOADS = (
    *("rank", "id", "name", "owner", "as_billed_usd", "share"),
    *("optimized_low_usd", "optimized_likely_usd", "optimized_high_usd", *_SAVING, "saving_share"),
    "effective_saving_usd",
    *(f"{lever}_saving_usd" for lever in _LEVERS),
    *("today", "choice", "levers", "standings", "verdict", "notes", "unit"),
    *("status", "verdict_id", "finding_out_calls", "finding_out_usd", "payback_months"),
)
CHANGES = (
    *("rank", "workload", "workload_name", "owner", "lever", *_SAVING, "grade", "kinds", "person_days"),
    *("saving_per_week_of_work_usd", "needs_trial", "ships_in_week", "unit", "status"),
)
WATERFALL = ("name", "title", *_SAVING, "after_usd", "grade", "shapley_saving_usd", "unit")


def plan_tables(document: PlanDocument) -> dict[str, bytes]:
    """File name -> content of every CSV of the plan. Every row says what its dollars are of (`unit`)."""
    return {
        "plan-workloads.csv": csv_bytes(WORKLOADS, (_workload(part, document) for part in document.workloads)),
        "plan-changes.csv": csv_bytes(CHANGES, _changes(document)),
        "plan-waterfall.csv": csv_bytes(WATERFALL, _waterfall(document)),
    }


def _workload(part: PlanWorkload, document: PlanDocument) -> list[object]:
    trial = part.finding_out
    steps = {step.lever: step.saving.likely_usd for step in part.steps}
    return [
        *(part.rank, part.id, part.name, part.owner, part.as_billed_usd, part.share),
        *(*_span(part.optimized), *_span(part.saving), part.saving_share, part.effective_saving_usd),
        *(steps.get(lever) for lever in _LEVERS),
        *(choice_text(part.today), choice_text(part.choice), part.choice.levers, part.standings, part.verdict),
        *(part.notes, document.basis.unit),
        *(part.status, part.verdict_id, trial and trial.calls, trial and trial.likely_usd),
        trial and trial.payback_months,
    ]


def _changes(document: PlanDocument) -> Iterator[list[object]]:
    for part in document.adoption.changes if document.adoption else ():
        saving = dict(zip(_SAVING, _span(part.saving), strict=True))
        yield [saving[name] if name in saving else row_of((name,), part, document.basis)[0] for name in CHANGES]


def _waterfall(document: PlanDocument) -> Iterator[list[object]]:
    shapley = {part.lever: part.saving_usd for part in document.totals.shapley}
    for part in document.totals.waterfall:
        saving = _span(part.saving) if part.saving else (None, None, None)
        fair = shapley.get(part.name)
        yield [part.name, part.title, *saving, part.after_usd, part.grade, fair, document.basis.unit]


def _span(span: SpanPart) -> tuple[str, str, str]:
    return span.low_usd, span.likely_usd, span.high_usd
