"""What a quality trial said about one candidate on one workload, as far as the plan needs to know it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

VerdictState = Literal["assumed", "holds", "not_shown", "breaks", "invalid"]
"""`assumed`: nobody tested it. `not_shown`: tested without an answer. `invalid`: the test itself failed."""

VerdictGrade = Literal["replayed", "simulated", "unverified"]
"""`simulated`: the answers came from a stand-in and never from the models, so that nothing is proven of them.
`unverified`: a file says so, and no record is here from which it could be worked out again; no file says it itself."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trial's answer: does `model` at `effort` hold this workload's bar?

    `output_ratio_*` are the candidate's output tokens over the incumbent's as the trial saw them (95 % interval);
    None where the trial did not measure them. `clearly_below`: it ended without an answer, and the whole 95 % interval
    of the difference lies below the margin, so that nobody should count on it.
    `expires_day` is the first UTC day it no longer counts; None never.
    """

    workload: str
    model: str
    effort: str = ""  # "" = the model's default
    state: VerdictState
    grade: VerdictGrade = "replayed"
    verdict_id: str
    output_ratio_low: Decimal | None = None
    output_ratio_high: Decimal | None = None
    expires_day: int | None = None
    clearly_below: bool = False
