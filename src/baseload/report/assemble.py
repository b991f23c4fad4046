"""Stage results -> the frozen map document: formatting and joining only; every figure was computed before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from baseload import __version__
from baseload.ledger.bridge import Bridge
from baseload.ledger.reconciliation import Reconciliation
from baseload.ledger.run_rate import annualised
from baseload.ledger.totals import DayTotal, ModelTotal
from baseload.levers.route.finding_out import trial_plan_command
from baseload.levers.route.status import status_of
from baseload.levers.summary import LeverSummary
from baseload.plan.document import ProblemCount, ProblemPart, WindowPart
from baseload.plan.parts import trial_part
from baseload.report.document import (
    AlternativePart,
    BridgeLine,
    BridgePart,
    DayPart,
    HeadlinePart,
    LeverPart,
    MapDocument,
    ModelPart,
    OpportunityPart,
    PriceBookPart,
    RankDocument,
    RankRow,
    ReadinessPart,
    ReconciliationPart,
    RunRatePart,
    TokenTotals,
    TotalsPart,
    WorkloadModelPart,
    WorkloadPart,
)
from baseload.report.evidence import figures
from baseload.report.facts import BookNote, MapFacts
from baseload.values import Grade, Opportunity, Problem, Tokens, Window, iso_day, usd_text
from baseload.workloads.ranking import RankedWorkload, Ranking
from baseload.workloads.readiness import ReadinessRow

MOST_PROBLEMS = 1_000
STALE_AFTER_DAYS = 7


def document(facts: MapFacts) -> MapDocument:
    """The `baseload.map/1` document of what the stages found. Pure: the same facts always give the same document."""
    names = {found.workload.id: found.workload.name for found in facts.ranking.workloads}
    return MapDocument(
        version=__version__,
        title=facts.title,
        as_of=facts.as_of,
        price_book=_book(facts.book),
        window=_window(facts.window),
        totals=_totals(facts),
        headline=_headline(facts),
        run_rate=_run_rate(facts),
        levers=tuple(_lever(facts, summary) for summary in facts.levers),
        by_model=tuple(_model(facts, total) for total in facts.by_model),
        by_day=tuple(_day(total) for total in facts.by_day),
        workloads=tuple(_workload(found) for found in facts.ranking.workloads),
        opportunities=_opportunities(facts, names),
        readiness=tuple(_readiness(row, names) for row in facts.readiness),
        bridge=_bridge(facts.bridge),
        reconciliation=tuple(_reconciliation(cell) for cell in facts.reconciliation),
        figures=figures(facts),
        problem_counts=_problem_counts(facts.problems),
        problems=_problems(facts.problems),
    )


def rank_document(
    title: str, as_of: str, book: BookNote, window: Window, ranking: Ranking, problems: Sequence[Problem], most: int
) -> RankDocument:
    """The `baseload.rank/1` document with the `most` dearest workloads; 0 = all."""
    chosen = ranking.workloads[:most] if most else ranking.workloads
    return RankDocument(
        title=title,
        as_of=as_of,
        price_book=_book(book),
        window=_window(window),
        list_usd=usd_text(ranking.list_nano),
        requests=ranking.requests,
        workloads_for_80_percent=ranking.workloads_for_80_percent,
        workloads=tuple(_rank_row(_workload(found)) for found in chosen),
        workloads_in_all=len(ranking.workloads),
        problem_counts=_problem_counts(problems),
    )


def _rank_row(part: WorkloadPart) -> RankRow:
    return RankRow(**{name: getattr(part, name) for name in RankRow.__struct_fields__})


def _book(book: BookNote) -> PriceBookPart:
    return PriceBookPart(checked=book.checked, age_days=book.age_days, warning=book.warning, overlay=book.overlay)


def _window(window: Window) -> WindowPart:
    return WindowPart(
        start=iso_day(window.start_day), end_exclusive=iso_day(window.end_day_exclusive), days=window.days
    )


def _tokens(tokens: Tokens) -> TokenTotals:
    return TokenTotals(
        uncached_input_tokens=tokens.uncached_input_tokens,
        cache_read_tokens=tokens.cache_read_tokens,
        cache_write_5m_tokens=tokens.cache_write_5m_tokens,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens,
        output_tokens=tokens.output_tokens,
    )


def _usd(nano: int | None) -> str | None:
    return None if nano is None else usd_text(nano)


def _totals(facts: MapFacts) -> TotalsPart:
    tokens = sum((found.tokens for found in facts.ranking.workloads), Tokens())
    billed = [total.billed_nano for total in facts.by_model if total.billed_nano is not None]
    return TotalsPart(
        requests=facts.ranking.requests,
        uncached_input_tokens=tokens.uncached_input_tokens,
        cache_read_tokens=tokens.cache_read_tokens,
        cache_write_5m_tokens=tokens.cache_write_5m_tokens,
        cache_write_1h_tokens=tokens.cache_write_1h_tokens,
        output_tokens=tokens.output_tokens,
        list_usd=usd_text(facts.ranking.list_nano),
        list_high_usd=usd_text(sum(found.list_high_nano for found in facts.ranking.workloads)),
        billed_usd=_usd(sum(billed)) if billed else None,
        annual_run_rate_usd=_usd(facts.run_rate.annual_nano),
        unpriced_rows=facts.unpriced_rows,
        scaled=facts.sampled_nano > 0,
    )


def _headline(facts: MapFacts) -> HeadlinePart:
    few = facts.ranking.workloads_for_80_percent
    top = facts.top_model
    return HeadlinePart(
        status=facts.bridge.status,
        status_why=facts.bridge.status_why,
        sentence=_sentence(facts),
        top_model=top[0] if top else "",
        top_model_name=_name(facts, top[0]) if top else "",
        top_model_share=top[1] if top else None,
        workloads=len(facts.ranking.workloads),
        workloads_for_80_percent=few,
    )


def _sentence(facts: MapFacts) -> str:
    few = facts.ranking.workloads_for_80_percent
    count = len(facts.ranking.workloads)
    parts = []
    if few is not None and count > 1:
        parts.append(f"{few} of {count} workloads hold 80 % of the spend")
    elif count > 1:
        parts.append("more than 20 % of the spend cannot be attributed to a workload")
    if facts.top_model:
        model, share = facts.top_model
        parts.append(f"{share * 100:.0f} % of it goes to {_name(facts, model)} and models at least as dear")
    sentence = "; ".join(parts) or "One workload holds all of the spend"
    return sentence[:1].upper() + sentence[1:] + "." + _said_of_age(facts)


def _said_of_age(facts: MapFacts) -> str:
    """A sentence when the data ends well before the report's day: an old level is no current one."""
    behind = facts.as_of_day - facts.window.end_day_exclusive
    if behind <= STALE_AFTER_DAYS:
        return ""
    return f" The data ends on {iso_day(facts.window.end_day_exclusive - 1)}, {behind} days before this report."


def _run_rate(facts: MapFacts) -> RunRatePart:
    rate = facts.run_rate
    weeks = rate.window.days // 7 if rate.window else 0
    return RunRatePart(
        annual_usd=_usd(rate.annual_nano),
        low_usd=_usd(rate.low_nano),
        high_usd=_usd(rate.high_nano),
        interval=f"95 % between the window's {weeks} weeks (bootstrap); not a forecast" if rate.low_nano else "",
        window=_window(rate.window) if rate.window else None,
        complete_days=rate.complete_days,
        observed_usd=usd_text(rate.observed_nano),
        gaps=tuple(iso_day(day) for day in rate.gaps),
        outlier_days=tuple(iso_day(day) for day in rate.outlier_days),
        sampling_rate=facts.sampling_rate,
        alternatives=tuple(
            AlternativePart(name=other.name, annual_usd=_usd(other.annual_nano), note=other.note)
            for other in rate.alternatives
        ),
        why_null=rate.why_null,
        grade=facts.grade,
    )


def _lever(facts: MapFacts, summary: LeverSummary) -> LeverPart:
    annual = {other.lever: other for other in facts.rate_levers or ()}.get(summary.lever)
    unknown = facts.nothing_priced
    return LeverPart(
        lever=summary.lever,
        title=summary.title,
        low_usd=None if unknown else usd_text(summary.low_nano),
        high_usd=None if unknown else usd_text(summary.high_nano),
        low_annual_usd=None if unknown else _annual(facts, annual.low_nano if annual else None),
        high_annual_usd=None if unknown else _annual(facts, annual.high_nano if annual else None),
        grade="unknown" if unknown else summary.grade,
        sentence=summary.sentence,
    )


def _annual(facts: MapFacts, nano: int | None) -> str | None:
    if nano is None or facts.run_rate.window is None:
        return None
    return usd_text(annualised(nano, facts.run_rate.window.days))


def _opportunities(facts: MapFacts, names: Mapping[str, str]) -> tuple[OpportunityPart, ...]:
    annual = {_same(row): row for row in facts.rate_opportunities or ()}
    known = facts.rate_opportunities is not None
    parts = []
    for row in facts.opportunities:
        other = annual.get(_same(row))
        low, high = (other.low_nano, other.high_nano) if other else (0, 0)
        trial = facts.finding_out.get((row.workload, row.candidate)) if row.lever == "route" else None
        parts.append(
            OpportunityPart(
                workload=row.workload,
                workload_name=names.get(row.workload, row.workload),
                lever=row.lever,
                candidate=row.candidate,
                low_usd=usd_text(row.low_nano),
                high_usd=usd_text(row.high_nano),
                low_annual_usd=_annual(facts, low) if known else None,
                high_annual_usd=_annual(facts, high) if known else None,
                grade=row.grade,
                assumption=row.assumption,
                excluded_by=row.excluded_by,
                status=status_of(row.verdict, row.verdict_grade) if row.verdict else "",
                verdict_id=row.verdict_id,
                finding_out=trial_part(trial, trial_plan_command(row.workload, row.candidate)) if trial else None,
            )
        )
    return tuple(parts)


def _same(row: Opportunity) -> tuple[str, str, str]:
    return row.workload, row.lever, row.candidate


def _model(facts: MapFacts, total: ModelTotal) -> ModelPart:
    return ModelPart(
        model=total.model,
        name=_name(facts, total.model),
        requests=total.requests,
        tokens=_tokens(total.tokens),
        list_usd=usd_text(total.list_nano),
        list_high_usd=usd_text(total.list_high_nano),
        billed_usd=_usd(total.billed_nano),
        share=total.list_nano / facts.ranking.list_nano if facts.ranking.list_nano else 0.0,
    )


def _name(facts: MapFacts, model: str) -> str:
    """What people call a model; as logged where the book does not know it."""
    return facts.model_names.get(model) or model.removeprefix("?") or "model not said"


def _day(total: DayTotal) -> DayPart:
    return DayPart(
        day=iso_day(total.day),
        requests=total.requests,
        list_usd=usd_text(total.list_nano),
        billed_usd=_usd(total.billed_nano),
        models={model: usd_text(nano) for model, nano in total.models.items()},
        complete=total.complete,
    )


def _workload(found: RankedWorkload) -> WorkloadPart:
    workload = found.workload
    per_request = found.usd_per_request
    return WorkloadPart(
        id=workload.id,
        name=workload.name,
        why=workload.why,
        stage=workload.stage,
        rank=found.rank,
        requests=found.requests,
        tokens=_tokens(found.tokens),
        list_usd=usd_text(found.list_nano),
        list_high_usd=usd_text(found.list_high_nano),
        share=found.share,
        cumulative_share=found.cumulative_share,
        usd_per_request=None if per_request is None else f"{per_request:f}",
        models=tuple(
            WorkloadModelPart(
                model=one.model,
                list_usd=usd_text(one.list_nano),
                share=one.list_nano / found.list_nano if found.list_nano else 0.0,
                requests=one.requests,
            )
            for one in found.models
        ),
        daily_usd=tuple(usd_text(nano) for nano in found.daily_nano),
        task=workload.task,
        task_confidence=workload.task_confidence,
        task_evidence=workload.task_evidence,
        latency=workload.latency,
        latency_evidence=workload.latency_evidence,
        owner=workload.owner,
        cost_center=workload.cost_center,
        grade=workload_grade(found),
        sources=found.sources,
    )


def workload_grade(found: RankedWorkload) -> Grade:
    """How a workload's list dollars are known: counted tokens at dated prices, unless part of them was scaled up."""
    return "sampled" if found.sampling_rate > 1 else "measured"


def _readiness(row: ReadinessRow, names: Mapping[str, str]) -> ReadinessPart:
    return ReadinessPart(
        workload=row.workload,
        workload_name=names.get(row.workload, row.workload),
        share=row.share,
        sources=row.sources,
        rank=row.rank,
        cache=row.cache,
        batch=row.batch,
        trial=row.trial,
        next_source=row.next_source,
        steps=row.steps,
        capture_days=row.capture_days,
    )


def _bridge(bridge: Bridge) -> tuple[BridgePart, ...]:
    return tuple(
        BridgePart(
            month=month.month,
            channel=month.channel,
            account=month.account,
            currency=month.currency,
            invoice_usd=usd_text(month.invoice_nano),
            lines=tuple(
                BridgeLine(label=line.label, usd=usd_text(line.nano), grade=line.grade, note=line.note)
                for line in month.lines
            ),
            explained_share=month.explained_share,
            status=month.status,
            why=month.why,
        )
        for month in bridge.months
    )


def _reconciliation(cell: Reconciliation) -> ReconciliationPart:
    return ReconciliationPart(
        account=cell.account or cell.platform,
        day=iso_day(cell.day),
        model=cell.model,
        scope=cell.scope,
        calls_usd=usd_text(cell.calls_nano),
        control_usd=usd_text(cell.control_nano),
        difference_usd=usd_text(cell.difference_nano),
        difference_share=cell.difference_share,
        verdict=cell.verdict,
        note=cell.note,
    )


def _problem_counts(problems: Sequence[Problem]) -> tuple[ProblemCount, ...]:
    counts = Counter(problem.code for problem in problems)
    return tuple(ProblemCount(code=code, count=count) for code, count in counts.most_common())


def _problems(problems: Sequence[Problem]) -> tuple[ProblemPart, ...]:
    counts = Counter(problem.code for problem in problems)
    ordered = sorted(problems, key=lambda problem: (-counts[problem.code], problem.code, problem.file, problem.row))
    return tuple(
        ProblemPart(
            source=problem.source,
            file=problem.file,
            row=problem.row,
            code=problem.code,
            message=problem.message,
            value=problem.value,
            expected=problem.expected,
            next_step=problem.next_step,
        )
        for problem in ordered[:MOST_PROBLEMS]
    )
