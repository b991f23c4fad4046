"""Plans to render in tests and to look at: a company of nine workloads, the awkward ones, an empty one.

Built by hand from a few figures a workload; totals are sums of the rows, as the document promises.
`python tests/report/plan_fixture.py FOLDER` writes every one of them as a folder.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

import msgspec

from baseload.plan.document import (
    AdoptionPart,
    BaselinePart,
    BasisPart,
    BatchPart,
    BookPart,
    CashPart,
    ChangePart,
    ChoicePart,
    EffectivePart,
    FigurePart,
    FindingOutPart,
    GradeShare,
    MarkPart,
    PlanDocument,
    PlanTotals,
    PlanWorkload,
    ProblemCount,
    ProblemPart,
    RejectedPart,
    RewritePart,
    RoutingAlonePart,
    RoutingGradePart,
    RoutingPart,
    ScenarioChoice,
    ScenarioPart,
    ShapleyPart,
    SpanPart,
    StepPart,
    WaterfallPart,
    WeekPart,
    WindowPart,
)
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

LEVERS = ("fix", "effort", "route", "cache", "batch")
TITLES = {
    "fix": "Waste removed",
    "effort": "Less effort",
    "route": "A cheaper model",
    "cache": "Prompt caching",
    "batch": "Batch processing",
}
GRADES = {"fix": "measured", "effort": "assumed", "route": "assumed", "cache": "simulated", "batch": "simulated"}
# name, owner, dollars as billed, savings by lever
COMPANY: Sequence[tuple[str, str, str, tuple[str, str, str, str, str]]] = (
    ("Claims intake: read and extract", "Claims", "612400.50", ("0.00", "0.00", "183720.15", "122480.10", "91860.08")),
    ("Support assistant", "Customer care", "498210.25", ("12455.26", "0.00", "0.00", "149463.07", "0.00")),
    ("Claude Code: platform team", "Platform", "431876.00", ("0.00", "64781.40", "0.00", "21593.80", "0.00")),
    ("Contract review", "Legal", "240118.75", ("0.00", "0.00", "0.00", "60029.69", "0.00")),
    ("Email triage", "Customer care", "221030.40", ("8841.22", "0.00", "110515.20", "-1105.15", "33154.56")),
    ("Catalogue enrichment", "Marketplace", "151900.00", ("0.00", "0.00", "0.00", "0.00", "75950.00")),
    ("Fraud case notes", "Risk", "88812.13", ("0.00", "0.00", "0.00", "0.00", "0.00")),
    ("Nightly route summaries", "", "61007.90", ("0.00", "0.00", "0.00", "6100.79", "21352.77")),
    ("Translation memory", "Marketplace", "23119.60", ("0.00", "0.00", "0.00", "0.00", "0.00")),
)
UNPLANNED = "4211.37"
TODAY = ChoicePart(
    fixes=(),
    model="claude-opus-5-5",
    model_name="Claude Opus 5.5",
    effort="",
    moves_from=(),
    cache="as_billed",
    batch=False,
    levers=(),
)
WINDOW = WindowPart(start="2026-10-25", end_exclusive="2026-11-22", days=28)


def money(*texts: str) -> Decimal:
    """The exact sum of decimal strings."""
    return sum(map(Decimal, texts), Decimal(0))


def usd(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01')):f}"


def span(likely: str | Decimal, below: str = "0.9", above: str = "1.08") -> SpanPart:
    """A range around a likely figure, its ends in the right order whatever its sign."""
    exact = Decimal(likely)
    low, high = sorted((exact * Decimal(below), exact * Decimal(above)))
    return SpanPart(low_usd=usd(low), likely_usd=usd(exact), high_usd=usd(high))


def mix(**parts: str) -> tuple[GradeShare, ...]:
    whole = money(*parts.values())
    return tuple(
        GradeShare(grade=grade, usd=amount, share=float(Decimal(amount) / whole) if whole else None)
        for grade, amount in parts.items()
    )


def choice(savings: Sequence[str]) -> ChoicePart:
    taken = {lever for lever, amount in zip(LEVERS, savings, strict=True) if Decimal(amount)}
    moves = "route" in taken
    return ChoicePart(
        fixes=("keep answers to repeats",) if "fix" in taken else (),
        model="claude-sonnet-5-5" if moves else TODAY.model,
        model_name="Claude Sonnet 5.5" if moves else TODAY.model_name,
        effort="low" if "effort" in taken else "",
        moves_from=(TODAY.model,) if moves else (),
        cache="plan" if "cache" in taken else "as_billed",
        batch="batch" in taken,
        levers=tuple(lever for lever in LEVERS if lever in taken),
    )


def anatomy() -> CacheAnatomyPart:
    """A stamped system block in front of a long steady one: the plan moves it behind everything that is marked."""

    def block(
        section: str, name: str, tokens: int, share: float | None, said: str, mark: str = "", *, volatile: bool = False
    ) -> BlockPart:
        return BlockPart(
            section=section, name=name, tokens=tokens, repeat_share=share, volatile=volatile, said=said, mark=mark
        )

    stamp = block("system", "system block 1", 61, 0.004, "time stamp change", volatile=True)
    steady = block("system", "system block 2", 7_840, 0.998, "the same in every call", "5m")
    tools = block("tools", "tools", 4_120, 1.0, "definitions")
    guide = block("system", "system block 3", 2_310, 0.46, "a typical text comes in 46% of the calls")
    talk = block("messages", "messages", 3_905, 0.002, "all of the conversation")
    buckets = (
        (10, 4_310, 61_204_000),
        (60, 21_877, 310_653_400),
        (300, 30_412, 431_850_400),
        (900, 11_020, 156_484_000),
        (3_600, 6_204, 88_096_800),
        (14_400, 1_907, 27_079_400),
        (86_400, 388, 5_509_600),
        (None, 41, 582_200),
    )
    sessions = ((10, 120), (60, 900), (300, 410), (900, 220), (3_600, 95), (14_400, 12), (86_400, 3), (None, 0))
    return CacheAnatomyPart(
        model="claude-sonnet-5-5",
        calls=152_318,
        judged_calls=76_159,
        before=(tools, stamp, msgspec.structs.replace(steady, mark=""), guide, talk),
        after=(tools, steady, guide, msgspec.structs.replace(talk, mark="5m"), stamp),
        diff=(
            "  tools: about 4,120 tokens, definitions",
            "- system block 1: about 61 tokens, time stamp change",
            "- system block 2: about 7,840 tokens, the same in every call",
            "+ system block 2: about 7,840 tokens, the same in every call  [cache mark 5m]",
            "+ system block 1: about 61 tokens, time stamp change",
        ),
        gaps=(
            GapsPart(
                since="session",
                first_calls=1_204,
                estimated=False,
                buckets=tuple(
                    GapBucket(up_to_seconds=up_to, calls=calls, prompt_tokens=calls * 14_200)
                    for up_to, calls in sessions
                ),
            ),
            GapsPart(
                since="start",
                first_calls=19,
                estimated=True,
                buckets=tuple(
                    GapBucket(up_to_seconds=up_to, calls=calls, prompt_tokens=tokens)
                    for up_to, calls, tokens in buckets
                ),
            ),
        ),
        policies=tuple(
            PolicyPart(
                name=name,
                usd=amount,
                ratio=ratio,
                hit_rate=hits,
                uncached_tokens=uncached,
                read_tokens=read,
                write_5m_tokens=short,
                write_1h_tokens=long,
            )
            for name, amount, ratio, hits, uncached, read, short, long in (
                ("none", "3244.18", 1.0, 0.0, 1_081_459_800, 0, 0, 0),
                ("as_billed", "3190.07", 0.983, 0.02, 1_038_201_400, 21_629_196, 21_629_204, 0),
                ("all_5m", "2211.90", 0.682, 0.41, 324_437_940, 443_398_518, 313_623_342, 0),
                ("all_1h", "2465.52", 0.76, 0.52, 302_808_744, 562_359_096, 0, 216_291_960),
                ("plan", "1103.05", 0.34, 0.72, 259_550_352, 778_651_056, 43_258_392, 0),
            )
        ),
        misses=(
            MissPart(
                reason="system_changed",
                detail="time stamp in system block 1",
                calls=148_902,
                tokens=1_511_355_300,
                usd="4080.66",
            ),
            MissPart(
                reason="gap_over_ttl", detail="5m expired, 1h would live", calls=9_112, tokens=92_486_800, usd="249.71"
            ),
            MissPart(reason="below_minimum", detail="", calls=311, tokens=260_103, usd="0.70"),
        ),
        missed_usd="4331.07",
        note="One call in ten was kept; gaps are corrected for that.",
    )


def clock() -> BatchClockPart:
    """Office hours on weekdays, a little at night; a batch an hour on the busiest day."""
    arrivals = []
    for hour in range(168):
        day, of_day = divmod(hour, 24)
        busy = math.exp(-((of_day - 13) ** 2) / 18) * (240 if day < 5 else 22)
        arrivals.append(round(busy + (3 if of_day in (2, 3) else 0), 2) if busy > 0.6 or of_day in (2, 3) else 0.0)
    answered = [0.0, *arrivals[:-1]]
    batch = [round(value * 0.93, 3) for value in answered]
    sync = [round(value * 0.07, 3) for value in arrivals]
    return BatchClockPart(
        weeks=3.98,
        arrivals=tuple(arrivals),
        answers_batch=tuple(batch),
        answers_sync=tuple(sync),
        closings=tuple(7.0 if 6 <= hour <= 20 else 0.5 for hour in range(24)),
        day="2026-11-17",
        batches=tuple(
            DrawnBatchPart(
                opened_second=hour * 3_600 + 40,
                submitted_second=(hour + 1) * 3_600 + 40,
                ended_second=(hour + 1) * 3_600 + 40 + 900 + 260 * (hour % 5) + (30_000 if hour == 20 else 0),
                requests=40 + 11 * hour,
            )
            for hour in range(6, 21)
        ),
    )


def batch(savings: Sequence[str], name: str) -> BatchPart | None:
    if name == "Support assistant":
        return BatchPart(
            deadline_us=0,
            deadline_source="inferred",
            share_low=0.0,
            share_likely=0.0,
            share_high=0.0,
            hits_low=0.3,
            hits_high=0.98,
            double_paid_share=0.0,
            met_share=1.0,
            added_p50_us=0,
            added_p95_us=0,
            blocked_by=("interactive",),
            grade="simulated",
            note="people wait for the answer",
        )
    if not Decimal(savings[4]):
        return None
    return BatchPart(
        deadline_us=4 * 3_600_000_000,
        deadline_source="declared",
        share_low=0.88,
        share_likely=0.934,
        share_high=0.951,
        hits_low=0.3,
        hits_high=0.98,
        double_paid_share=0.012,
        met_share=0.9994,
        added_p50_us=1_560_000_000,
        added_p95_us=5_400_000_000,
        blocked_by=(),
        grade="simulated",
        note="declared in baseload.toml; a batch every 1 h",
    )


TRIAL = FindingOutPart(
    calls=1_761,
    horizon=2_201,
    margin=0.02,
    bar_is_set=False,
    judged=False,
    transport="batch",
    low_usd="0.900000",
    likely_usd="1.050250",
    high_usd="1.400000",
    payback_months="0.01",
    command="baseload trial plan wl-1 --model claude-sonnet-5-5",
)


def workload(rank: int, name: str, owner: str, billed: str, savings: Sequence[str], bill: Decimal) -> PlanWorkload:
    saved = money(*savings)
    left = Decimal(billed) - saved
    chosen = choice(savings)
    proven = Decimal(savings[0])
    shifted = [Decimal(amount) for amount in savings]
    if chosen.levers:  # a merit order that is not the waterfall's, and adds up all the same
        shifted[LEVERS.index(chosen.levers[0])] += Decimal("10.00")
        shifted[LEVERS.index(chosen.levers[-1])] -= Decimal("10.00")
    first = rank == 1
    moves = "route" in chosen.levers or "effort" in chosen.levers
    held = moves and rank == 5
    return PlanWorkload(
        id=f"wl-{rank}",
        name=name,
        owner=owner,
        rank=rank,
        as_billed_usd=billed,
        share=float(Decimal(billed) / bill),
        today=TODAY,
        choice=chosen,
        standings=tuple("proven" if lever == "fix" else GRADES[lever] for lever in chosen.levers),
        optimized=SpanPart(
            low_usd=usd(left * Decimal("0.94")), likely_usd=usd(left), high_usd=usd(left * Decimal("1.07"))
        ),
        saving=span(saved),
        saving_share=float(saved / Decimal(billed)),
        effective_saving_usd=usd(saved * Decimal("0.85")),
        steps=tuple(
            StepPart(lever=lever, saving=span(amount), grade=GRADES[lever] if Decimal(amount) else "")
            for lever, amount in zip(LEVERS, savings, strict=True)
        ),
        shapley=tuple(
            ShapleyPart(lever=lever, saving_usd=usd(amount)) for lever, amount in zip(LEVERS, shifted, strict=True)
        ),
        grade_mix=mix(measured=usd(left)) if not saved else mix(measured=usd(left / 4), assumed=usd(left - left / 4)),
        scenarios=(
            ScenarioChoice(name="expected", choice=chosen, saving=span(saved)),
            ScenarioChoice(name="deployable", choice=TODAY, saving=span("0.00")),
            ScenarioChoice(name="conservative", choice=TODAY, saving=span(proven, "1", "1")),
        ),
        rejected=(
            RejectedPart(
                lever="route",
                candidate="claude-haiku-5-5",
                cost_usd=usd(left - 5_000),
                more_usd="-5000.00",
                reason="excluded: prefill",
                status="not tested",
            ),
            RejectedPart(
                lever="route",
                candidate="claude-sonnet-5",
                cost_usd=usd(left - 4_000),
                more_usd="-4000.00",
                reason="a trial could not show that it holds",
                status="not shown",
                verdict_id="ab12" * 16,
                finding_out=TRIAL,
            ),
            RejectedPart(
                lever="cache", candidate="all_1h", cost_usd=usd(left + 1_200), more_usd="1200.00", reason="costs more"
            ),
            RejectedPart(
                lever="batch", candidate="in batches", cost_usd=None, more_usd=None, reason="blocked: interactive"
            ),
        )
        if rank < 4
        else (),
        verdict="holds" if held else "assumed",
        verdict_id="5f2c" * 16 if held else "",
        status="proven" if held else "not tested" if moves else "",
        finding_out=TRIAL if moves and not held else None,
        rewrites=(RewritePart(feature="sampling", action="strip temperature"),) if "route" in chosen.levers else (),
        marks=(
            MarkPart(section="system", after="system:0", ttl="5m"),
            MarkPart(section="messages", after="tail", ttl="5m"),
        )
        if "cache" in chosen.levers
        else (),
        move_after_prefix=("time stamp in system block 1 (about 61 tokens)",) if first else (),
        batch=batch(savings, name),
        notes=("judged on the second half of October",) if "cache" in chosen.levers else (),
        cache=anatomy() if first else None,
        clock=clock() if first else None,
    )


def company_plan(rows: Sequence[tuple[str, str, str, tuple[str, str, str, str, str]]] = COMPANY) -> PlanDocument:
    bill = money(UNPLANNED, *(billed for _, _, billed, _ in rows))
    workloads = tuple(
        workload(rank, name, owner, billed, savings, bill)
        for rank, (name, owner, billed, savings) in enumerate(rows, start=1)
    )
    by_lever = {
        lever: money(*(one.steps[at].saving.likely_usd for one in workloads)) for at, lever in enumerate(LEVERS)
    }
    saved = money(*map(str, by_lever.values()))
    left = bill - saved
    proven = by_lever["fix"]
    return PlanDocument(
        version="0.1.0",
        title="Meridian Claims",
        as_of="2026-11-22",
        price_book=BookPart(checked="2026-11-20", age_days=2, warning="", overlay=""),
        basis=BasisPart(unit="a year", window=WINDOW, prices_of="2026-11-22", why_not_a_year=""),
        headline=(
            f"${bill:,.0f} a year at list price; ${left:,.0f} once the plan has landed: ${saved:,.0f} less. "
            f"Proven today: ${proven:,.0f}."
        ),
        totals=PlanTotals(
            as_billed_usd=usd(bill),
            unplanned_usd=UNPLANNED,
            optimized=SpanPart(
                low_usd=usd(left - saved * Decimal("0.08")),
                likely_usd=usd(left),
                high_usd=usd(left + saved * Decimal("0.1")),
            ),
            saving=span(saved),
            saving_share=float(saved / bill),
            effective=EffectivePart(
                rate="0.85",
                as_billed_usd=usd(bill * Decimal("0.85")),
                optimized_usd=usd(bill * Decimal("0.85") - saved * Decimal("0.85")),
                saving_usd=usd(saved * Decimal("0.85")),
            ),
            waterfall=waterfall(bill, by_lever),
            shapley=tuple(
                ShapleyPart(
                    lever=lever,
                    saving_usd=usd(money(*(one.shapley[at].saving_usd for one in workloads))),
                )
                for at, lever in enumerate(LEVERS)
            ),
            scenarios=(
                scenario("expected", "Every change nobody has ruled out.", saved, bill, 7),
                scenario(
                    "deployable", "What may be switched on without a trial.", saved / 2, bill, 4, ("opus-5 input",)
                ),
                scenario("conservative", "Only savings that were measured or shown to hold.", proven, bill, 2),
            ),
            routing_alone=RoutingAlonePart(
                claim_low_share=0.4,
                claim_high_share=0.7,
                sentence="routing alone: 11 to 16% against the claim of 40 to 70%, none of it proven by trials",
                workloads=2,
                parts=(
                    RoutingPart(
                        known="shown to hold", saving=span("0.00"), low_share=0.0, likely_share=0.0, high_share=0.0
                    ),
                    RoutingPart(
                        known="shown to hold or assumed",
                        saving=span("310211.09"),
                        low_share=0.112,
                        likely_share=0.133,
                        high_share=0.161,
                    ),
                ),
                by_grade=(RoutingGradePart(grade="assumed", saving=span("310211.09")),),
            ),
        ),
        baseline=BaselinePart(
            as_billed=figure(bill, "measured", mix(measured=usd(bill)), "100 % measured"),
            optimized=figure(
                left,
                "assumed",
                mix(measured=usd(left * Decimal("0.61")), assumed=usd(left - left * Decimal("0.61"))),
                "61 % measured, 39 % assumed",
            ),
            conservative=figure(bill - proven, "measured", mix(measured=usd(bill - proven)), "100 % measured"),
        ),
        cash=CashPart(
            window=WindowPart(start="2026-11-22", end_exclusive="2027-02-01", days=71),
            effective_rate="0.85",
            list_saved_usd="81442.10",
            effective_saved_usd="69225.79",
            cash_saved_usd="12004.50",
            balance_before_usd="0.00",
            balance_after_usd="57221.29",
            forfeited_before_usd="0.00",
            forfeited_after_usd="310.00",
            gone_before="2027-01-19",
            gone_after=None,
            sentence="The prepaid balance covers spend until 19 January; what is saved before then is no cash",
        ),
        adoption=adoption(workloads, bill),
        workloads=workloads,
        problem_counts=(
            ProblemCount(code="batch-queue-crowded", count=1),
            ProblemCount(code="unknown-model", count=41),
        ),
        problems=(
            ProblemPart(
                source="batch",
                file="",
                row=0,
                code="batch-queue-crowded",
                message="All workloads together would have more requests waiting than the batch queue holds.",
                value="up to 310,204 at once",
                expected="at most 200,000 (rate-limit tier)",
                next_step="Batch the dearest first, spread their starts, or declare the tier you have.",
            ),
        ),
    )


def waterfall(bill: Decimal, by_lever: dict[str, Decimal]) -> tuple[WaterfallPart, ...]:
    left = bill
    lines = [
        WaterfallPart(
            name="as_billed",
            title="At list price",
            saving=None,
            after_usd=usd(bill),
            grade="measured",
            by_grade=mix(measured=usd(bill)),
        )
    ]
    for lever, amount in by_lever.items():
        left -= amount
        lines.append(
            WaterfallPart(
                name=lever,
                title=TITLES[lever],
                saving=span(amount),
                after_usd=usd(left),
                grade=GRADES[lever] if amount else "",
                by_grade=mix(**{GRADES[lever]: usd(amount)}) if amount else (),
            )
        )
    mixed = mix(measured=usd(left * Decimal("0.61")), assumed=usd(left - left * Decimal("0.61")))
    lines.append(
        WaterfallPart(
            name="optimized", title="Optimized", saving=None, after_usd=usd(left), grade="assumed", by_grade=mixed
        )
    )
    return tuple(lines)


def scenario(
    name: str, sentence: str, saved: Decimal, bill: Decimal, workloads: int, pools: tuple[str, ...] = ()
) -> ScenarioPart:
    return ScenarioPart(
        name=name,
        sentence=sentence,
        saving=span(usd(saved)),
        saving_share=float(saved / bill),
        workloads=workloads,
        pools=pools,
    )


def figure(amount: Decimal, grade: str, parts: tuple[GradeShare, ...], sentence: str) -> FigurePart:
    return FigurePart(
        usd=usd(amount),
        low_usd=usd(amount * Decimal("0.94")),
        high_usd=usd(amount * Decimal("1.07")),
        grade=grade,
        mix=parts,
        mix_sentence=sentence,
        note="95 % interval of the run rate",
    )


def adoption(workloads: Sequence[PlanWorkload], bill: Decimal) -> AdoptionPart:
    """One change a step, best per person-day first; one ships a week."""
    found = []
    for one in workloads:
        for step in one.steps:
            if Decimal(step.saving.likely_usd) > 0:
                trial = step.lever in ("route", "effort")
                days = Decimal("3.5") if trial else Decimal("0.5") if step.lever == "batch" else Decimal(2)
                found.append((Decimal(step.saving.likely_usd) * 5 / days, one, step, days, trial))
    found.sort(key=lambda item: -item[0])
    changes = tuple(
        ChangePart(
            rank=rank,
            workload=one.id,
            workload_name=one.name,
            owner=one.owner,
            lever=step.lever,
            saving=step.saving,
            grade=step.grade,
            kinds=("gateway_policy", "trial") if trial else ("gateway_policy",),
            person_days=f"{days.normalize():f}",
            saving_per_week_of_work_usd=usd(each),
            needs_trial=trial,
            ships_in_week=rank + 2 * trial,
            status="not tested" if trial else "",
        )
        for rank, (each, one, step, days, trial) in enumerate(found, start=1)
    )
    weeks, saved, landed = [], Decimal(0), Decimal(0)
    whole = money(*(change.saving.likely_usd for change in changes))
    for week in range(17):
        saved += landed * Decimal("0.8") * 7 / 365
        landed = money(*(change.saving.likely_usd for change in changes if change.ships_in_week <= week))
        low, high = landed * Decimal("0.9"), landed * Decimal("1.08")
        weeks.append(
            WeekPart(
                week=week,
                run_rate=SpanPart(
                    low_usd=usd(bill - high * Decimal("0.8")),
                    likely_usd=usd(bill - landed * Decimal("0.8")),
                    high_usd=usd(bill - low * Decimal("0.8")),
                ),
                saved=span(usd(saved)),
                remaining=span(usd((whole - landed) * Decimal("0.8"))),
                shipped=sum(change.ships_in_week <= week for change in changes),
            )
        )
    return AdoptionPart(
        capacity_days_per_week="5", realization="0.8", trial_weeks=2, changes=changes, weeks=tuple(weeks)
    )


def window_plan() -> PlanDocument:
    """Too few days for a year: no baseline, no cash, no adoption, no rate."""
    found = company_plan()
    basis = BasisPart(
        unit="in the window", window=WINDOW, prices_of="2026-11-22", why_not_a_year="9 complete days; 14 are needed"
    )
    totals = msgspec.structs.replace(found.totals, effective=None)
    rows = tuple(msgspec.structs.replace(one, effective_saving_usd=None) for one in found.workloads)
    return msgspec.structs.replace(
        found,
        basis=basis,
        totals=totals,
        workloads=rows,
        baseline=None,
        cash=None,
        adoption=None,
        price_book=BookPart(
            checked="2026-10-01", age_days=52, warning="The price book is 52 days old.", overlay="prices.json"
        ),
    )


def empty_plan() -> PlanDocument:
    """A bill without a workload, and nothing to do about it."""
    found = msgspec.structs.replace(company_plan(()), problem_counts=(), problems=())
    adopted = found.adoption
    assert adopted is not None
    return msgspec.structs.replace(found, adoption=msgspec.structs.replace(adopted, changes=()))


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "pay\u202eroll\x1b[31m",
    "=cmd|' /C calc'!A0",
    "fn:usd",
    "{{ 7 * 7 }}",
    "x" * 10_000,
    "</style></details></section>",
    "javascript:alert(1)",
)


def hostile_plan() -> PlanDocument:
    """Every text that comes from outside is one that would do harm where it is not escaped."""
    found = company_plan()
    rows = []
    for one, text in zip(found.workloads, HOSTILE, strict=True):
        changed = msgspec.structs.replace(
            one,
            id=text[:80],
            name=text,
            owner=text,
            choice=msgspec.structs.replace(one.choice, model_name=text, fixes=(text,)),
            rejected=tuple(msgspec.structs.replace(part, candidate=text, reason=text) for part in one.rejected),
            rewrites=(RewritePart(feature=text, action=text),),
            marks=(MarkPart(section="system", after=text, ttl="5m"),),
            move_after_prefix=(text,),
            notes=(text,),
            verdict_id=text,
        )
        if one.cache:
            block = msgspec.structs.replace(one.cache.before[0], name=text, said=text)
            cache_ = msgspec.structs.replace(
                one.cache,
                before=(block, *one.cache.before),
                note=text,
                diff=(text,),
                misses=tuple(msgspec.structs.replace(miss, detail=text) for miss in one.cache.misses),
            )
            changed = msgspec.structs.replace(changed, cache=cache_)
        rows.append(changed)
    assert found.adoption is not None
    names = {old.id: new for old, new in zip(found.workloads, rows, strict=True)}
    changes = tuple(
        msgspec.structs.replace(
            change,
            workload=names[change.workload].id,
            workload_name=names[change.workload].name,
            owner=names[change.workload].owner,
        )
        for change in found.adoption.changes
    )
    return msgspec.structs.replace(
        found,
        title=HOSTILE[0],
        workloads=tuple(rows),
        adoption=msgspec.structs.replace(found.adoption, changes=changes),
        problems=tuple(
            msgspec.structs.replace(problem, message=HOSTILE[1], value=HOSTILE[2]) for problem in found.problems
        ),
    )


def many_plan(count: int = 600) -> PlanDocument:
    """More workloads than have a section of their own."""
    start = dt.date(2026, 1, 1)
    rows = [
        (
            f"Job of {start + dt.timedelta(days=at)}",
            "team",
            usd(Decimal(900_000) / (at + 1)),
            ("0.00", "0.00", "0.00", usd(Decimal(90_000) / (at + 1)), "0.00"),
        )
        for at in range(count)
    ]
    return company_plan(rows)


PLANS: dict[str, Callable[[], PlanDocument]] = {
    "company": cache(company_plan),
    "window": cache(window_plan),
    "empty": cache(empty_plan),
    "hostile": cache(hostile_plan),
    "many": cache(many_plan),
}


if __name__ == "__main__":
    from baseload.report.plan_write import write_plan

    for name_, make in PLANS.items():
        print(*write_plan(make(), Path(sys.argv[1]) / name_), sep="\n")
