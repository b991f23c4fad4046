"""A small trial document for tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from baseload.quality.bar import Bar
from baseload.quality.betting import Rule
from baseload.quality.decide import decide
from baseload.quality.trial.document import (
    ArmSummary,
    Discordant,
    Misses,
    NoiseFloor,
    SampleSummary,
    TrialDocument,
    TrialMoney,
    WealthPoint,
)


def document(**given: Any) -> TrialDocument:
    """333 equal calls: two points hold."""
    bar = given.pop("bar", Bar(workload="triage", grader="label", budget_usd=Decimal(5)))
    fields: dict[str, Any] = {
        "workload": "triage", "workload_name": "Ticket triage", "incumbent": "claude-opus-5-5",
        "candidate": "claude-haiku-5-5", "effort": "", "state": "holds", "grade": "replayed", "verdict_id": "ab" * 32,
        "reason": "no worse than the bar", "bar": bar, "bar_sha256": bar.sha256, "grader_version": "label/1",
        "tier": "truth", "decided_day": "2026-11-23", "expires_day": "2027-02-21", "transport": "batch",
        "decision": decide([0.0] * 400, Rule(margin=0.02)), "tested_margin": 0.02,
        "wealth": (WealthPoint(n=333, wealth=20.1, mirror=0.0, mean=0.0, low=-0.02, high=0.02),),
        "discordant": (Discordant(call_id="c1", stratum="1k", d=-1.0, how="graded", reason="x"),),
        "discordant_calls": 1, "controls": None,
        "noise_floor": NoiseFloor(pairs=50, mean=0.0, low=-0.01, high=0.01, disagreement_share=0.02), "guards": (),
        "sample": SampleSummary(
            query="triage", population_sha256="00" * 32, seed="7", calls=900, sessions=800, drawn=400,
            strata={"a": 400},
            held_back=0, left_out={}, capped_share=0.0, redaction="raw", not_replayable=0, not_replayable_share=0.0,
            not_replayable_reasons={},
        ),
        "rewrites": {"sampling: dropped temperature": 400},
        "arms": (
            ArmSummary(arm="candidate", model="claude-haiku-5-5", calls=333, failures=0, refusals=0, truncations=0),
        ),
        "output_ratio_low": Decimal("0.9"), "output_ratio_high": Decimal("1.1"),
        "money": TrialMoney(
            cap_usd=Decimal(5), spent_usd=Decimal("0.1"), reserved_usd=Decimal(0), maybe_paid_twice_usd=Decimal(0),
            grading_usd=Decimal(0), saving_per_call_usd=Decimal("0.01"), calls_a_month=Decimal(1000),
            saving_a_month_usd=Decimal(10), payback_months=Decimal("0.01"),
        ),
        "misses": Misses(
            break_even_usd_per_miss=None, break_even_at_margin_usd_per_miss=Decimal("0.5"), cost_per_error_usd=None,
            extra_a_month_at_estimate=Decimal(0), extra_a_month_at_margin=Decimal(20), dollar_weighted_difference=0.0,
        ),
        "approvals": (), "sentence": "It holds.",
    }  # fmt: skip
    return TrialDocument(**(fields | given))
