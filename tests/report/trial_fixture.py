"""Trials to render in tests and to look at: one that holds, one that breaks, hostile names, a simulated one with texts.

`python tests/report/trial_fixture.py FOLDER` writes every one of them as a page.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from baseload.quality.bar import Bar
from baseload.quality.betting import Walks
from baseload.quality.decide import decide
from baseload.quality.graders.controls import Controls, Placebo
from baseload.quality.sequence import Sequence as Interval
from baseload.quality.trial.document import (
    Approval,
    ArmSummary,
    Discordant,
    GuardResult,
    Misses,
    NoiseFloor,
    SampleSummary,
    TrialDocument,
    TrialMoney,
    TrialState,
    WealthPoint,
)
from baseload.report.evidence_html import render_evidence_html
from baseload.report.evidence_view import Checked

HEAD = "5f2c" * 16
HOSTILE = "<script>alert(1)</script>\"'& \u202egnp.exe"
VETO = "worse than the bar in long, which may veto"
STATES: dict[str, TrialState] = {"HOLDS": "holds", "BREAKS": "breaks", "NOT_SHOWN": "not_shown", "INVALID": "invalid"}


def differences(wins: float, losses: float, calls: int, seed: int = 7) -> list[float]:
    """So many differences of which these shares are won and lost."""
    chance = random.Random(seed)
    drawn = [chance.random() for _ in range(calls)]
    return [1.0 if one < wins else -1.0 if one < wins + losses else 0.0 for one in drawn]


def path_of(found: Sequence[float], bar: Bar, used: int) -> tuple[WealthPoint, ...]:
    """At most 200 points of the walk and the last."""
    walk, interval, points = Walks(bar.rule), Interval(), []
    total, every = 0.0, max(1, used // 150)
    for n, d in enumerate(found[:used], start=1):
        interval.see(d)
        walk.step(np.array([d]))
        total += d
        if n % every == 0 or n in (1, used):
            low, high = interval.interval
            points.append(
                WealthPoint(n=n, wealth=float(walk.wealth[0]), mirror=float(walk.mirror[0]), mean=total / n,
                            low=low, high=high)
            )  # fmt: skip
    return tuple(points)


def trial(found: Sequence[float], **changed: Any) -> TrialDocument:
    """A trial of email triage on these differences."""
    bar = changed.pop("bar", None) or Bar(
        workload="email-triage", grader="label", budget_usd=Decimal(40), guards=("long",),
        cost_per_error_usd=Decimal("0.25"),
    )  # fmt: skip
    decision = decide(found, bar.rule)
    lost = [d for d in found[: decision.n_used] if d]
    discordant = tuple(
        Discordant(
            call_id=f"call_{at:04d}{'ab' * 10}", stratum="short/label/tools:no", d=d, how="graded",
            reason="label is not the true one" if d < 0 else "label is the true one",
            candidate_tokens=8 + at, incumbent_tokens=11,
        )
        for at, d in enumerate(lost[:200])
    )  # fmt: skip
    document = TrialDocument(
        workload="email-triage",
        workload_name="Email triage",
        incumbent="claude-opus-5-5",
        candidate="claude-haiku-5-5",
        effort="",
        state=STATES[decision.verdict],
        grade="replayed",
        verdict_id=HEAD,
        reason=decision.reason,
        bar=bar,
        bar_sha256=bar.sha256,
        grader_version="1",
        tier="truth",
        decided_day="2026-11-22",
        expires_day="2027-02-20",
        transport="batch",
        decision=decision,
        tested_margin=bar.points,
        wealth=path_of(found, bar, decision.n_used),
        discordant=discordant,
        discordant_calls=len(lost),
        controls=None,
        noise_floor=NoiseFloor(pairs=400, mean=0.0025, low=-0.0075, high=0.0125, disagreement_share=0.0312),
        guards=(
            GuardResult(stratum="long", state="not_shown", n=88, estimate=-0.0114, low=-0.09, high=0.06),
            GuardResult(stratum="tools", state="not_shown", n=0, estimate=0.0, low=-1.0, high=1.0),
        ),
        sample=SampleSummary(
            query="email-triage, 2026-08-24 to 2026-11-14", population_sha256="ab12" * 16, seed="2026-11-22/triage",
            calls=41_220, sessions=38_004, drawn=1_400,
            strata={"short/label/tools:no": 1_102, "long/label/tools:no": 298}, held_back=1_850,
            left_out={"no body": 212, "not answered": 14}, capped_share=0.0, redaction="raw",
            not_replayable=9, not_replayable_share=0.0064, not_replayable_reasons={"the answer was prefilled": 9},
        ),
        rewrites={"temperature: strip": 1_391, "thinking: disabled -> effort low": 12},
        arms=(
            ArmSummary(arm="candidate", model="claude-haiku-5-5", calls=926, failures=3, refusals=1, truncations=2,
                       output_tokens_mean=14.2, output_tokens_p50=11, cost_per_call_usd=Decimal("0.00048"),
                       cost_per_completed_usd=Decimal("0.0004815")),
            ArmSummary(arm="incumbent", model="claude-opus-5-5", calls=926, failures=1, refusals=0, truncations=1,
                       output_tokens_mean=12.8, output_tokens_p50=11, latency_p50_ms=812.4, latency_p95_ms=15_230,
                       cost_per_call_usd=Decimal("0.0193"), cost_per_completed_usd=Decimal("0.01932")),
        ),
        output_ratio_low=Decimal("1.06"),
        output_ratio_high=Decimal("1.16"),
        money=TrialMoney(
            cap_usd=Decimal(40), spent_usd=Decimal("0.41"), reserved_usd=Decimal(0),
            maybe_paid_twice_usd=Decimal(0), grading_usd=Decimal(0), saving_per_call_usd=Decimal("0.01882"),
            calls_a_month=Decimal("14211.5"),
            saving_a_month_usd=Decimal("267.46043"), payback_months=Decimal("0.00153"),
        ),
        misses=Misses(
            break_even_usd_per_miss=Decimal("4.3561"), break_even_at_margin_usd_per_miss=Decimal("0.941"),
            cost_per_error_usd=Decimal("0.25"), extra_a_month_at_estimate=Decimal("61.4"),
            extra_a_month_at_margin=Decimal("284.23"), dollar_weighted_difference=-0.0039,
        ),
        approvals=(Approval(who="R. Okafor, Customer care", on="2026-11-22", comment="From 5 % on Monday"),),
        sentence=(
            "On Email triage, claude-haiku-5-5 was no worse than claude-opus-5-5 by more than 2 points of mean score "
            "(alpha 5 %, one-sided), shown on the workload's own recorded calls, one a session."
        ),
    )  # fmt: skip
    return replace(document, **changed)


@cache
def holding() -> Checked:
    return Checked(name="email-triage--claude-haiku-5-5", document=trial(differences(0.012, 0.014, 2_000)))


@cache
def breaking() -> Checked:
    """Judged: the grader was tested, and a guarded stratum breaks."""
    controls = Controls(
        seeded=60, hits=55, hits_candidate=28, seeded_candidate=30, sensitivity=0.784,
        placebo=Placebo(pairs=100, mean=0.01, low=-0.03, high=0.05),
    )  # fmt: skip
    document = trial(
        differences(0.01, 0.16, 2_000), controls=controls, tier="adjudicated", tested_margin=0.01568, approvals=(),
        sentence="On Email triage, claude-haiku-5-5 was worse than claude-opus-5-5 by more than 2 points.",
        effort="low", state="breaks", reason=VETO,
        guards=(GuardResult(stratum="long", state="breaks", n=31, estimate=-0.29, low=-0.52, high=-0.03),),
    )  # fmt: skip
    decision = replace(document.decision, verdict="BREAKS", reason=VETO)
    return Checked(name="email-triage--claude-haiku-5-5--low", document=replace(document, decision=decision))


@cache
def simulated() -> Checked:
    """By a stand-in upstream, with texts asked for; the third text is long and has lines of its own."""
    document = trial(differences(0.012, 0.014, 2_000), grade="simulated", transport="synchronous")
    texts = (
        ("Please cancel order <PHONE_1>.", "billing", "cancellation"),
        ("Where is my parcel?\nIt should be here.", "delivery", "delivery, and also: " + "word " * 1_200),
    )
    shown = tuple(
        replace(pair, asked=asked, candidate_text=ours, incumbent_text=theirs)
        for pair, (asked, ours, theirs) in zip(document.discordant, texts, strict=False)
    )
    return Checked(name="email-triage--claude-haiku-5-5", document=replace(document, discordant=shown))


@cache
def hostile() -> Checked:
    """Every text that comes from outside tries to act; numbers are at their ends."""
    document = holding().document
    pair = replace(
        document.discordant[0], call_id=HOSTILE, stratum=HOSTILE, reason=HOSTILE * 9, asked=HOSTILE,
        candidate_text=HOSTILE, incumbent_text="", candidate_tokens=None, incumbent_tokens=None,
    )  # fmt: skip
    sample = replace(
        document.sample, query=HOSTILE, seed="x" * 300, strata={HOSTILE: 1, "y" * 200: 2}, left_out={HOSTILE: 3},
        not_replayable_reasons={HOSTILE: 4}, redaction=HOSTILE, capped_share=0.4,
    )  # fmt: skip
    changed = replace(
        document, workload_name=HOSTILE * 3, candidate="m" * 200, incumbent=HOSTILE, sentence=HOSTILE, reason=HOSTILE,
        discordant=(pair,), sample=sample, rewrites={HOSTILE: 9}, transport=HOSTILE, grader_version=HOSTILE,
        approvals=(Approval(who=HOSTILE, on=HOSTILE, comment=HOSTILE * 40),), tier=HOSTILE,
        arms=tuple(replace(arm, arm=HOSTILE, model=HOSTILE) for arm in document.arms),
        guards=(replace(document.guards[0], stratum=HOSTILE),),
    )  # fmt: skip
    return Checked(name="safe-name--0123abcd", document=changed, record_fault=HOSTILE)


@cache
def empty() -> Checked:
    """Invalid before a call was tested: no path, no price, no answer."""
    document = trial([], noise_floor=None, guards=(), arms=(), rewrites={}, approvals=())
    money = replace(
        document.money, saving_per_call_usd=None, saving_a_month_usd=None, payback_months=None, spent_usd=Decimal(0)
    )
    misses = Misses(
        break_even_usd_per_miss=None, break_even_at_margin_usd_per_miss=None, cost_per_error_usd=None,
        extra_a_month_at_estimate=Decimal(0), extra_a_month_at_margin=Decimal(0), dollar_weighted_difference=None,
    )  # fmt: skip
    bare = replace(
        document, state="invalid", reason="12 % of the sample cannot be sent; the bar allows 5 %", money=money,
        misses=misses, output_ratio_low=None, output_ratio_high=None,
    )  # fmt: skip
    return Checked(name="email-triage--claude-haiku-5-5", document=bare)


TRIALS: dict[str, Callable[[], Checked]] = {
    "breaking": breaking,
    "empty": empty,
    "holding": holding,
    "hostile": hostile,
    "simulated": simulated,
}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, made in TRIALS.items():
        (folder / f"{name}.html").write_bytes(render_evidence_html(made()))
