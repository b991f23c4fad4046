"""Maps to render in tests and to look at: a company of twelve workloads over 180 days, and the awkward ones.

`python tests/report/map_fixture.py FOLDER` writes every one of them as a report.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from functools import cache
from pathlib import Path

import msgspec

from baseload.plan.document import ProblemCount, ProblemPart, WindowPart
from baseload.report.document import (
    AlternativePart,
    BridgeLine,
    BridgePart,
    DayPart,
    FigurePart,
    HeadlinePart,
    LeverPart,
    MapDocument,
    ModelPart,
    OpportunityPart,
    PlantedPart,
    PriceBookPart,
    ReadinessPart,
    ReconciliationPart,
    RunRatePart,
    TokenTotals,
    TotalsPart,
    WorkloadModelPart,
    WorkloadPart,
)
from baseload.values import usd_text

START = dt.date(2026, 5, 26)
DAYS = 180
END = START + dt.timedelta(days=DAYS)  # exclusive: 2026-11-22
NEW_OPUS = dt.date(2026, 9, 28)  # the day this company moved to the newer Opus
GAP = dt.date(2026, 11, 3)
OUTLIER = dt.date(2026, 11, 12)
USD = 1_000_000_000
NAMES = {
    "claude-opus-5-5": "Claude Opus 5.5",
    "claude-opus-5": "Claude Opus 5",
    "claude-opus-4-8": "Claude Opus 4.8",
    "claude-sonnet-5-5": "Claude Sonnet 5.5",
    "claude-sonnet-4-5-20250929": "Claude Sonnet 4.5",
    "claude-fable-5-2": "Claude Fable 5.2",
    "claude-haiku-5-5": "Claude Haiku 5.5",
}
OPUS = "opus"  # Opus 4.8 until July, then 5, then 5.5
# name, dollars a working day, weekend share, growth over the period, models, dollars per request, task, latency, owner
COMPANY = [
    ("Claims intake: read and extract", 1310, 0.35, 1.30, ((OPUS, 1.0),), 0.081, "extraction", "tolerant", "Claims"),
    (
        "Support assistant",
        1050,
        0.80,
        1.15,
        ((OPUS, 0.7), ("claude-sonnet-5-5", 0.3)),
        0.046,
        "chat",
        "interactive",
        "Customer care",
    ),
    (
        "Claude Code: platform team",
        900,
        0.15,
        1.55,
        ((OPUS, 0.86), ("claude-haiku-5-5", 0.14)),
        0.212,
        "agentic",
        "interactive",
        "Platform",
    ),
    (
        "Contract review",
        620,
        0.10,
        1.05,
        (("claude-fable-5-2", 0.62), (OPUS, 0.38)),
        0.94,
        "summarisation",
        "unknown",
        "Legal",
    ),
    ("Email triage", 560, 0.55, 1.00, ((OPUS, 1.0),), 0.0127, "classification", "tolerant", "Customer care"),
    (
        "Catalogue enrichment",
        470,
        0.95,
        1.20,
        (("claude-sonnet-4-5-20250929", 1.0),),
        0.0211,
        "formatting",
        "tolerant",
        "Marketplace",
    ),
    ("Fraud case notes", 330, 0.60, 1.10, ((OPUS, 1.0),), 0.155, "reasoning", "unknown", "Risk"),
    (
        "Nightly route summaries",
        300,
        1.00,
        1.00,
        (("claude-sonnet-5-5", 1.0),),
        0.033,
        "summarisation",
        "tolerant",
        "Operations",
    ),
    (
        "Code review bot",
        255,
        0.12,
        1.40,
        ((OPUS, 0.5), ("claude-sonnet-5-5", 0.5)),
        0.127,
        "codegen",
        "tolerant",
        "Platform",
    ),
    (
        "Search re-ranking",
        150,
        0.85,
        1.25,
        (("claude-haiku-5-5", 1.0),),
        0.00231,
        "routing",
        "interactive",
        "Marketplace",
    ),
    ("HR questions", 60, 0.10, 1.00, (("claude-sonnet-5-5", 1.0),), 0.019, "QA", "interactive", ""),
    ("Unattributed", 130, 0.70, 1.00, ((OPUS, 0.6), ("claude-sonnet-5-5", 0.4)), None, "unknown", "unknown", ""),
]


@cache
def company_map() -> MapDocument:
    """Northwind Freight: about 2M USD a year, caches used badly here and there; the same on every call."""
    cells = _cells()
    workloads = _workloads(cells)
    by_day = _by_day(cells)
    total = sum(cells.values())
    observed = sum(amount for (_, _, day), amount in cells.items() if day >= END - dt.timedelta(days=28))
    annual = observed * 365 // 28
    by_model = _by_model(cells, total)
    opportunities = _opportunities(workloads)
    return MapDocument(
        version="0.1.0",
        title="Northwind Freight: Claude spend map",
        as_of=END.isoformat(),
        price_book=PriceBookPart(checked="2026-11-20", age_days=2),
        window=_window(START, END),
        totals=_totals(workloads, total),
        headline=HeadlinePart(
            status="PARTIAL",
            status_why="92.4 % of the October invoice of anthropic is explained; 95 % is needed. "
            "7.6 % sits in a second organisation without logs.",
            sentence=f"7 of 12 workloads hold 80 % of the spend; {by_model[0].share:.0%} of it goes to "
            f"{by_model[0].name} and models at least as dear.",
            top_model=by_model[0].model,
            top_model_name=by_model[0].name,
            top_model_share=by_model[0].share,
            workloads=len(workloads),
            workloads_for_80_percent=sum(part.cumulative_share < 0.8 for part in workloads) + 1,
        ),
        run_rate=_run_rate(annual, total),
        levers=_levers(opportunities),
        by_model=by_model,
        by_day=by_day,
        workloads=workloads,
        opportunities=opportunities,
        readiness=_readiness(workloads),
        bridge=_bridge(cells),
        reconciliation=_reconciliation(),
        figures=_figures(),
        problem_counts=(
            ProblemCount(code="bad-json", count=41),
            ProblemCount(code="unknown-model", count=6),
            ProblemCount(code="negative-tokens", count=2),
        ),
        problems=_problems(),
        planted=_planted(),
    )


def _cells() -> dict[tuple[str, str, dt.date], int]:
    """(workload, model, day) -> nano-dollars, with weekends, growth, noise, one gap and one outlier day."""
    rng = random.Random(20261122)
    cells: dict[tuple[str, str, dt.date], int] = {}
    for at in range(DAYS):
        day = START + dt.timedelta(days=at)
        if day == GAP:
            continue
        mood = rng.lognormvariate(0, 0.05) * (2.3 if day == OUTLIER else 1)
        for name, base, weekend, growth, models, *_ in COMPANY:
            level = base * (1 + (growth - 1) * at / DAYS) * (weekend if day.weekday() >= 5 else 1)
            amount = int(level * mood * rng.lognormvariate(0, 0.09) * USD)
            for model, part in models:
                cells[name, _opus_of(model, day), day] = int(amount * part)
    return cells


def _opus_of(model: str, day: dt.date) -> str:
    if model != OPUS:
        return model
    if day < dt.date(2026, 7, 27):
        return "claude-opus-4-8"
    return "claude-opus-5-5" if day >= NEW_OPUS else "claude-opus-5"


def _window(start: dt.date, end: dt.date) -> WindowPart:
    return WindowPart(start=start.isoformat(), end_exclusive=end.isoformat(), days=(end - start).days)


def _tokens(nano: int, at: int) -> TokenTotals:
    """Plausible tokens of some dollars; the shape differs by workload."""
    million = nano / USD / 7 * 1_000_000
    reads = (0.2, 3.1, 6.4, 0.0, 0.1, 0.0, 1.2, 0.4, 2.9, 0.0, 0.5, 0.9)[at % 12]
    return TokenTotals(
        uncached_input_tokens=int(million * 0.62),
        cache_read_tokens=int(million * reads),
        cache_write_5m_tokens=int(million * reads * 0.11),
        cache_write_1h_tokens=int(million * 0.02) if at == 2 else 0,
        output_tokens=int(million * 0.13),
    )


def _workloads(cells: dict[tuple[str, str, dt.date], int]) -> tuple[WorkloadPart, ...]:
    total = sum(cells.values())
    spend = {row[0]: sum(amount for (name, _, _), amount in cells.items() if name == row[0]) for row in COMPANY}
    ranked = sorted(COMPANY, key=lambda row: -spend[row[0]])
    parts: list[WorkloadPart] = []
    running = 0
    for at, (name, _, _, _, _, each, task, latency, owner) in enumerate(ranked):
        mine = spend[name]
        running += mine
        requests = int(mine / USD / each) if each else None
        parts.append(
            WorkloadPart(
                id=f"w{at:02d}{abs(hash(name)) % 1:01d}f{len(name):02x}",
                name=name,
                why=f"All calls carry the tag app={name.split(':')[0].lower().replace(' ', '-')}."
                if owner
                else "Billed in the cost report, with no call in any log to say what it was for.",
                stage="tag" if owner else "unattributed",
                rank=at + 1,
                requests=requests,
                tokens=_tokens(mine, at),
                list_usd=usd_text(mine),
                list_high_usd=usd_text(mine + (mine // 40 if at == 6 else 0)),
                share=mine / total,
                cumulative_share=running / total,
                usd_per_request=usd_text(mine // requests) if requests else None,
                models=_workload_models(cells, name, mine, requests),
                daily_usd=tuple(_daily(cells, name)),
                task=task,
                task_confidence=0.0 if task == "unknown" else 0.62 + 0.03 * (at % 9),
                task_evidence="Median output of 11 tokens, four distinct answers, the system prompt says “classify”."
                if task == "classification"
                else "From output length, tool use and the verbs of the system prompt.",
                latency=latency,
                latency_evidence={
                    "tolerant": "No streaming; 94 % of calls start between 01:00 and 04:00 UTC; no human turn follows.",
                    "interactive": "Every call streams and is followed by a human turn.",
                    "unknown": "Neither streaming nor arrival times say.",
                }[latency],
                owner=owner,
                cost_center=f"CC-{4100 + at}" if owner else "",
                grade="billed" if not owner else "measured" if at == 2 else "sampled",
                sources=("anthropic_cost_report",) if not owner else ("anthropic_usage_report", "messages_jsonl"),
            )
        )
    return tuple(parts)


def _workload_models(
    cells: dict[tuple[str, str, dt.date], int], name: str, mine: int, requests: int | None
) -> tuple[WorkloadModelPart, ...]:
    amounts: dict[str, int] = {}
    for (workload, model, _), amount in cells.items():
        if workload == name:
            amounts[model] = amounts.get(model, 0) + amount
    return tuple(
        WorkloadModelPart(
            model=model,
            list_usd=usd_text(amount),
            share=amount / mine,
            requests=requests * amount // mine if requests else None,
        )
        for model, amount in sorted(amounts.items(), key=lambda item: -item[1])
    )


def _daily(cells: dict[tuple[str, str, dt.date], int], name: str) -> list[str]:
    amounts = dict.fromkeys((START + dt.timedelta(days=at) for at in range(DAYS)), 0)
    for (workload, _, day), amount in cells.items():
        if workload == name:
            amounts[day] += amount
    return [usd_text(amount) for amount in amounts.values()]


def _by_day(cells: dict[tuple[str, str, dt.date], int]) -> tuple[DayPart, ...]:
    days: dict[dt.date, dict[str, int]] = {}
    for (_, model, day), amount in cells.items():
        models = days.setdefault(day, {})
        models[model] = models.get(model, 0) + amount
    return tuple(
        DayPart(
            day=day.isoformat(),
            requests=sum(models.values()) // USD * 19,
            list_usd=usd_text(sum(models.values())),
            billed_usd=usd_text(sum(models.values()) * 95 // 100),
            models={model: usd_text(amount) for model, amount in models.items()},
            complete=True,
        )
        for day, models in sorted(days.items())
    )


def _by_model(cells: dict[tuple[str, str, dt.date], int], total: int) -> tuple[ModelPart, ...]:
    amounts: dict[str, int] = {}
    for (_, model, _), amount in cells.items():
        amounts[model] = amounts.get(model, 0) + amount
    return tuple(
        ModelPart(
            model=model,
            name=NAMES[model],
            requests=amount // USD * 17,
            tokens=_tokens(amount, at),
            list_usd=usd_text(amount),
            list_high_usd=usd_text(amount),
            billed_usd=usd_text(amount * 95 // 100),
            share=amount / total,
        )
        for at, (model, amount) in enumerate(sorted(amounts.items(), key=lambda item: -item[1]))
    )


def _totals(workloads: tuple[WorkloadPart, ...], total: int) -> TotalsPart:
    return TotalsPart(
        requests=sum(part.requests or 0 for part in workloads),
        uncached_input_tokens=sum(part.tokens.uncached_input_tokens for part in workloads),
        cache_read_tokens=sum(part.tokens.cache_read_tokens for part in workloads),
        cache_write_5m_tokens=sum(part.tokens.cache_write_5m_tokens for part in workloads),
        cache_write_1h_tokens=sum(part.tokens.cache_write_1h_tokens for part in workloads),
        output_tokens=sum(part.tokens.output_tokens for part in workloads),
        list_usd=usd_text(total),
        list_high_usd=usd_text(total + total // 500),
        billed_usd=usd_text(total * 95 // 100),
        annual_run_rate_usd=None,
        unpriced_rows=0,
        scaled=True,
    )


def _run_rate(annual: int, total: int) -> RunRatePart:
    return RunRatePart(
        annual_usd=usd_text(annual),
        low_usd=usd_text(annual * 94 // 100),
        high_usd=usd_text(annual * 107 // 100),
        interval="95 % interval, block bootstrap of whole weeks",
        window=_window(END - dt.timedelta(days=28), END),
        complete_days=DAYS,
        observed_usd=usd_text(total),
        gaps=(GAP.isoformat(),),
        outlier_days=(OUTLIER.isoformat(),),
        sampling_rate=20,
        alternatives=(
            AlternativePart(
                name="90 days", annual_usd=usd_text(annual * 95 // 100), note="Last 90 complete days × 365/90."
            ),
            AlternativePart(
                name="6-month trend",
                annual_usd=usd_text(annual * 112 // 100),
                note="Straight line through 26 weekly means, carried one year on.",
            ),
            AlternativePart(name="Without outlier days", annual_usd=None, note="Under 14 complete days would be left."),
        ),
        why_null="",
        grade="sampled",
    )


def _opportunities(workloads: tuple[WorkloadPart, ...]) -> tuple[OpportunityPart, ...]:
    by_name = {part.name: part for part in workloads}
    route = "Same tokens at the candidate’s prices, output between 0.8 and 1.6 times today’s; quality not tested."
    rows = [
        (
            "Claude Code: platform team",
            "surcharge",
            "fast mode",
            0.11,
            0.11,
            "measured",
            "Calls at speed=fast, repriced at standard speed.",
        ),
        (
            "Search re-ranking",
            "surcharge",
            "100K cliff of Haiku 5.5",
            0.22,
            0.31,
            "sampled",
            "Prompts over 100,000 tokens, repriced as if kept under the edge.",
        ),
        (
            "Contract review",
            "surcharge",
            "US-only inference",
            0.091,
            0.091,
            "measured",
            "Geo premium of 10 %, whether or not it is needed.",
        ),
        (
            "Support assistant",
            "repeat",
            "identical repeats",
            0.034,
            0.052,
            "sampled",
            "Same request hash within an hour; the first is kept.",
        ),
        (
            "Catalogue enrichment",
            "repeat",
            "retries",
            0.021,
            0.026,
            "sampled",
            "Second and later attempts after a timeout of the client.",
        ),
        (
            "Catalogue enrichment",
            "retirement",
            "Claude Sonnet 5.5",
            0.10,
            0.33,
            "assumed",
            "Sonnet 4.5 retires on 2026-11-30; tokens scaled by 1.0 to 1.35.",
        ),
        (
            "Claims intake: read and extract",
            "cache",
            "5m cache",
            0.24,
            0.31,
            "sampled",
            "Prefix repeated within 5 minutes and sent uncached.",
        ),
        (
            "Fraud case notes",
            "cache",
            "1h cache",
            0.08,
            0.19,
            "sampled",
            "Prefix repeated within the hour and sent uncached.",
        ),
        (
            "Email triage",
            "cache",
            "5m cache",
            -0.03,
            0.12,
            "sampled",
            "The prefix is near the model’s minimum; writes may not pay.",
        ),
        (
            "Claims intake: read and extract",
            "batch",
            "batch",
            0.31,
            0.42,
            "assumed",
            "Calls judged latency tolerant, at batch price.",
        ),
        (
            "Nightly route summaries",
            "batch",
            "batch",
            0.46,
            0.50,
            "assumed",
            "Calls judged latency tolerant, at batch price.",
        ),
        ("Code review bot", "batch", "batch", 0.10, 0.34, "assumed", "Calls judged latency tolerant, at batch price."),
        ("Email triage", "route", "Claude Haiku 5.5", 0.88, 0.97, "assumed", route),
        ("Email triage", "route", "Claude Sonnet 5.5", 0.38, 0.51, "assumed", route),
        ("Claims intake: read and extract", "route", "Claude Sonnet 5.5", 0.32, 0.50, "assumed", route),
        ("Support assistant", "route", "Claude Sonnet 5.5", 0.18, 0.36, "assumed", route),
        ("Support assistant", "route", "Claude Haiku 5.5", 0.60, 0.91, "assumed", route),
        ("Fraud case notes", "route", "Claude Sonnet 5.5", -0.05, 0.47, "assumed", route),
        ("Code review bot", "route", "Claude Sonnet 5.5", 0.10, 0.26, "assumed", route),
    ]
    found = [
        _opportunity(by_name[name], lever, candidate, low, high, grade, why)
        for name, lever, candidate, low, high, grade, why in rows
    ]
    agent = by_name["Claude Code: platform team"]
    barred = _opportunity(agent, "route", "Claude Haiku 5.5", 0.0, 0.0, "assumed", route)
    return (*found, msgspec.structs.replace(barred, excluded_by=("computer_use", "context over 200K")))


def _opportunity(
    part: WorkloadPart, lever: str, candidate: str, low: float, high: float, grade: str, assumption: str
) -> OpportunityPart:
    nano = int(float(part.list_usd) * USD)
    return OpportunityPart(
        workload=part.id,
        workload_name=part.name,
        lever=lever,
        candidate=candidate,
        low_usd=usd_text(int(nano * low)),
        high_usd=usd_text(int(nano * high)),
        low_annual_usd=usd_text(int(nano * low * 365 / DAYS)),
        high_annual_usd=usd_text(int(nano * high * 365 / DAYS)),
        grade=grade,
        assumption=assumption,
    )


def _levers(opportunities: tuple[OpportunityPart, ...]) -> tuple[LeverPart, ...]:
    titles = {
        "surcharge": ("Surcharges", "Fast mode, geography and prompt-length premiums that were paid.", "measured"),
        "repeat": ("Retries and identical repeats", "The same request, paid for again.", "sampled"),
        "retirement": ("Models about to retire", "Spend that has to move within 180 days anyway.", "assumed"),
        "cache": ("Caching", "Repeated context that was sent at the full input price.", "sampled"),
        "batch": ("Batch", "Latency-tolerant calls at half price.", "assumed"),
        "route": (
            "A cheaper model",
            "The same tokens on the cheapest candidate that supports every feature used.",
            "assumed",
        ),
    }
    return tuple(
        LeverPart(
            lever=lever,
            title=title,
            low_usd=_sum(opportunities, lever, "low_usd"),
            high_usd=_sum(opportunities, lever, "high_usd"),
            low_annual_usd=_sum(opportunities, lever, "low_annual_usd"),
            high_annual_usd=_sum(opportunities, lever, "high_annual_usd"),
            grade=grade,
            sentence=sentence,
        )
        for lever, (title, sentence, grade) in titles.items()
    )


def _sum(opportunities: tuple[OpportunityPart, ...], lever: str, field: str) -> str:
    best: dict[str, OpportunityPart] = {}
    for item in opportunities:
        if item.lever == lever and (
            item.workload not in best or float(item.high_usd) > float(best[item.workload].high_usd)
        ):
            best[item.workload] = item
    return usd_text(sum(int(float(getattr(item, field)) * USD) for item in best.values()))


def _readiness(workloads: tuple[WorkloadPart, ...]) -> tuple[ReadinessPart, ...]:
    steps = (
        "Set CLAUDE_CODE_ENABLE_TELEMETRY=1 for the team.",
        "Point OTEL_EXPORTER_OTLP_ENDPOINT at a collector that writes JSON.",
        "Run baseload map on its folder.",
    )
    return tuple(
        ReadinessPart(
            workload=part.id,
            workload_name=part.name,
            share=part.share,
            sources=part.sources,
            rank=True,
            cache=bool(part.owner),
            batch=part.latency != "unknown",
            trial=at in (0, 4),
            next_source="" if at in (0, 4) else "Claude Code OTel" if at == 2 else "A key per workload",
            steps=()
            if at in (0, 4)
            else steps
            if at == 2
            else ("Create one API key for it in the Console.", "Deploy the key.", "Map again."),
            capture_days=0 if at in (0, 4) else 7,
        )
        for at, part in enumerate(workloads)
    )


def _bridge(cells: dict[tuple[str, str, dt.date], int]) -> tuple[BridgePart, ...]:
    october = sum(amount for (_, _, day), amount in cells.items() if day.month == 10) * 95 // 100
    tax, credits_, seats, other = 13_400 * USD, -5_000 * USD, 9_600 * USD, 15_220 * USD
    invoice = october + tax + credits_ + seats + other
    line = BridgeLine
    return (
        BridgePart(
            month="2026-10",
            channel="anthropic",
            account="",
            currency="USD",
            invoice_usd=usd_text(invoice),
            lines=(
                line(label="Tax", usd=usd_text(tax), grade="billed"),
                line(label="Credits", usd=usd_text(credits_), grade="billed", note="Promotional, expire 2026-12-31."),
                line(label="Seats", usd=usd_text(seats), grade="billed", note="80 premium seats."),
                line(
                    label="Unattributed",
                    usd=usd_text(other),
                    grade="assumed",
                    note="On the invoice, in no source: a second organisation.",
                ),
                line(label="Ledger", usd=usd_text(october), grade="billed", note="Cost report of the same month."),
            ),
            explained_share=0.924,
            status="PARTIAL",
            why="Under 95 % of the invoice is explained by lines with a source.",
        ),
    )


def _reconciliation() -> tuple[ReconciliationPart, ...]:
    rng = random.Random(7)
    parts = []
    for at in range(60):
        day = END - dt.timedelta(days=60 - at)
        control = int(rng.uniform(2000, 4200) * USD)
        calls = control if at % 9 else int(control * 0.982)
        parts.append(
            ReconciliationPart(
                account="org-main",
                day=day.isoformat(),
                model="claude-opus-5-5" if day >= NEW_OPUS else "claude-opus-5",
                scope="account, day, model",
                calls_usd=usd_text(calls),
                control_usd=usd_text(control),
                difference_usd=usd_text(calls - control),
                difference_share=(calls - control) / control,
                verdict="agrees" if at % 9 else "differs",
                note="" if at % 9 else "Calls of 23:00 to 24:00 are missing from the sample.",
            )
        )
    return tuple(parts)


def _figures() -> tuple[FigurePart, ...]:
    sources = (
        "anthropic_cost_report: cost-2026-H2.json",
        "anthropic_usage_report: usage-2026-H2.json",
        "messages_jsonl: calls-*.jsonl (1 in 20)",
    )
    rows = (
        (
            "run_rate",
            "sampled",
            "List dollars of the last 28 complete UTC days × 365/28; one day in the window has no data.",
        ),
        (
            "observed",
            "sampled",
            "Tokens of every row × the price of its day; sampled calls count 20 times.",
        ),
        ("top_model_share", "billed", "From the cost report, which covers every key; no sampling is involved."),
        ("concentration", "sampled", "Workloads in rank order until their list dollars reach 80 %."),
        (
            "opportunity.surcharge",
            "measured",
            "Each surcharged call repriced without the surcharge, at the price of its day.",
        ),
        ("opportunity.repeat", "sampled", "Identical request hashes within one hour, all but the first."),
        (
            "opportunity.retirement",
            "assumed",
            "Replacement named by the provider, token counts scaled for the newer tokenizer.",
        ),
        (
            "opportunity.cache",
            "sampled",
            "Prefixes seen again within the cache lifetime and billed as uncached input or written again.",
        ),
        (
            "opportunity.batch",
            "assumed",
            "Calls of workloads judged latency tolerant, at half price; nobody has confirmed a deadline.",
        ),
        (
            "opportunity.route",
            "assumed",
            "Same tokens at the candidate’s prices with tokenizer ratio and band; quality is not tested.",
        ),
    )
    return tuple(
        FigurePart(
            figure=figure,
            grade=grade,
            sentence=sentence,
            made_from=sources,
            recompute=f"baseload map usage/ --json | jq .{figure.split('.')[0]}",
        )
        for figure, grade, sentence in rows
    )


def _problems() -> tuple[ProblemPart, ...]:
    torn = [
        ProblemPart(
            source="messages_jsonl",
            file="calls-2026-10.jsonl",
            row=1204 + 311 * at,
            code="bad-json",
            message="This line is not a whole JSON object.",
            value=f"{4096 + at} bytes",
            expected="one JSON object a line",
            next_step="The writer was probably stopped in mid-line; nothing to do if it happens once a file.",
        )
        for at in range(41)
    ]
    unknown = [
        ProblemPart(
            source="litellm",
            file="spend.csv",
            row=88 + at,
            code="unknown-model",
            message="The model is not in the price book, so its dollars are missing.",
            value="claude-next-preview",
            expected="a model id, alias or ARN",
            next_step="Add it with `baseload prices add FILE` or map it in baseload.toml.",
        )
        for at in range(6)
    ]
    return (*torn, *unknown)


def _planted() -> tuple[PlantedPart, ...]:
    rows = (
        ("Opus used for email triage", "Email triage", "route", 178_000, 171_000, 188_500, True),
        ("Claims prompts never cached", "Claims intake: read and extract", "cache", 131_000, 118_000, 152_000, True),
        ("Fast mode left on", "Claude Code: platform team", "surcharge", 41_000, 40_700, 40_700, True),
        ("Double submits in the support widget", "Support assistant", "repeat", 17_500, 13_900, 21_200, True),
        ("Weekly report that could be batched", "Contract review", "batch", 22_000, None, None, False),
    )
    return tuple(
        PlantedPart(
            name=name,
            workload=workload,
            lever=lever,
            planted_annual_usd=f"{planted}.00",
            found_low_annual_usd=None if low is None else f"{low}.00",
            found_high_annual_usd=None if high is None else f"{high}.00",
            found=found,
            note="" if found else "Its arrival times do not say that it can wait, so it is “unknown”.",
        )
        for name, workload, lever, planted, low, high, found in rows
    )


HOSTILE = (
    "<script>alert(1)</script>\"' onload=alert(2) {c} ${7*7} {{7*7}} \u202egnp.exe\u202c\x1b[31m " + "long " * 2_000
)


@cache
def hostile_map() -> MapDocument:
    """Names from an attacker in every text that comes from outside."""
    base = company_map()
    workloads = tuple(
        msgspec.structs.replace(part, name=f"{at} {HOSTILE}", why=HOSTILE, owner=HOSTILE, sources=(HOSTILE,))
        for at, part in enumerate(base.workloads)
    )
    return msgspec.structs.replace(
        base,
        title=HOSTILE,
        headline=msgspec.structs.replace(base.headline, status_why=HOSTILE, sentence=HOSTILE),
        figures=tuple(msgspec.structs.replace(part, made_from=(HOSTILE,), recompute=HOSTILE) for part in base.figures),
        workloads=workloads,
        opportunities=tuple(
            msgspec.structs.replace(item, workload_name=HOSTILE, candidate="=cmd|' /C calc'!A0", assumption=HOSTILE)
            for item in base.opportunities
        ),
        by_model=tuple(msgspec.structs.replace(part, name=HOSTILE) for part in base.by_model),
        problems=tuple(
            msgspec.structs.replace(item, file=HOSTILE, message="</table></main><script>alert(3)</script>")
            for item in base.problems
        ),
        planted=(),
    )


@cache
def first_day_map() -> MapDocument:
    """An admin key and three days of reports: no calls, no request counts, no invoice, no opportunity."""
    base = company_map()
    window = _window(END - dt.timedelta(days=3), END)
    days = base.by_day[-3:]
    total = sum(int(float(part.list_usd) * USD) for part in days)
    workload = msgspec.structs.replace(
        base.workloads[-1],
        rank=1,
        share=1.0,
        cumulative_share=1.0,
        list_usd=usd_text(total),
        list_high_usd=usd_text(total),
        requests=None,
        usd_per_request=None,
        daily_usd=tuple(part.list_usd for part in days),
    )
    return msgspec.structs.replace(
        base,
        title="First day",
        window=window,
        totals=msgspec.structs.replace(
            base.totals,
            requests=None,
            list_usd=usd_text(total),
            list_high_usd=usd_text(total),
            billed_usd=None,
            scaled=False,
        ),
        headline=msgspec.structs.replace(
            base.headline,
            status="not reconciled",
            status_why="No invoice was given.",
            sentence="Three days of usage were read; a run rate needs 14 complete days.",
            top_model=base.by_model[3].model,
            top_model_name=base.by_model[3].name,
            top_model_share=1.0,
            workloads=1,
            workloads_for_80_percent=1,
        ),
        run_rate=msgspec.structs.replace(
            base.run_rate,
            annual_usd=None,
            low_usd=None,
            high_usd=None,
            interval="",
            window=None,
            complete_days=3,
            observed_usd=usd_text(total),
            gaps=(),
            outlier_days=(),
            sampling_rate=1,
            alternatives=(),
            why_null="3 complete days; 14 are needed",
            grade="measured",
        ),
        levers=(),
        by_model=(
            msgspec.structs.replace(
                base.by_model[3],
                list_usd=usd_text(total),
                list_high_usd=usd_text(total),
                share=1.0,
                requests=None,
                billed_usd=None,
            ),
        ),
        by_day=days,
        workloads=(workload,),
        opportunities=(),
        readiness=base.readiness[-1:],
        bridge=(),
        reconciliation=(),
        figures=(),
        problem_counts=(),
        problems=(),
        planted=(),
    )


@cache
def unpriced_map() -> MapDocument:
    """Every row is of a model nobody has a price for."""
    base = first_day_map()
    return msgspec.structs.replace(
        base,
        title="Nothing priced",
        totals=msgspec.structs.replace(base.totals, list_usd="0.00", list_high_usd="0.00", unpriced_rows=12_345),
        headline=msgspec.structs.replace(
            base.headline,
            top_model="",
            top_model_name="",
            top_model_share=None,
            workloads=0,
            workloads_for_80_percent=0,
            sentence="Nothing could be priced.",
        ),
        run_rate=msgspec.structs.replace(base.run_rate, observed_usd="0.00"),
        levers=tuple(
            msgspec.structs.replace(
                part, low_usd=None, high_usd=None, low_annual_usd=None, high_annual_usd=None, grade="unknown"
            )
            for part in company_map().levers
        ),
        opportunities=(),
        price_book=PriceBookPart(
            checked="2026-10-01",
            age_days=52,
            warning="The price book is 52 days old; update Baseload or add prices with `baseload prices add`.",
        ),
        by_model=(),
        by_day=(),
        workloads=(),
        readiness=(),
        problem_counts=(ProblemCount(code="unknown-model", count=12_345),),
        problems=company_map().problems[-6:],
    )


@cache
def many_map(workloads: int = 600) -> MapDocument:
    """So many workloads, and invoices, that a page must choose."""
    base = company_map()
    parts = [
        msgspec.structs.replace(
            base.workloads[at % 12],
            id=f"many-{at}",
            name=f"Workload {at:04d}",
            rank=at + 1,
            list_usd=f"{max(1, 90_000 - 29 * at)}.00",
            list_high_usd=f"{max(1, 90_000 - 29 * at)}.00",
        )
        for at in range(workloads)
    ]
    invoices = tuple(
        msgspec.structs.replace(
            base.bridge[0], month=f"2026-{month:02d}", status="PARTIAL" if month == 10 else "reconciled"
        )
        for month in range(1, 11)
    )
    return msgspec.structs.replace(
        base, title="Many workloads", workloads=tuple(parts), opportunities=(), planted=(), bridge=invoices
    )


MAPS = {
    "company": company_map,
    "first-day": first_day_map,
    "hostile": hostile_map,
    "many": many_map,
    "unpriced": unpriced_map,
}

if __name__ == "__main__":
    from baseload.report.write import write_report

    for _name, _make in MAPS.items():
        print(*write_report(_make(), Path(sys.argv[1]) / _name), sep="\n")
