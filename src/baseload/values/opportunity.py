"""A first figure of what could be saved, with how well it is known."""

from __future__ import annotations

from typing import Literal

import msgspec

from baseload.values.verdict import VerdictGrade, VerdictState

Grade = Literal["billed", "measured", "replayed", "simulated", "sampled", "assumed"]
"""How a figure is known, strongest first (design.md section 2)."""


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """Nano-dollars one lever could save on one workload inside the window, as a range.

    `low_nano` may be negative: the move may cost more. Ranges of different levers overlap and are not summed.
    `excluded_by` names request features that forbid the move, or the trial that broke it; then both bounds are 0.
    `verdict` is what trials say about another model; None where a lever changes no answer and needs none.
    """

    workload: str
    lever: str  # route | cache | batch | surcharge | repeat | retirement
    candidate: str  # model id, "5m cache", "batch", "fast mode", …
    low_nano: int
    high_nano: int
    grade: Grade
    assumption: str  # one sentence: what the range assumes and what was not tested
    excluded_by: tuple[str, ...] = ()
    verdict: VerdictState | None = None
    verdict_grade: VerdictGrade = "replayed"  # "simulated": a stand-in answered, no model
    verdict_id: str = ""
