"""What one trial showed, as figures: `trial.json`, schema `baseload.trial/1`. The record beside it is the evidence.

`_usd` fields are list dollars unless said otherwise, decimal strings in JSON. No field holds a word of a prompt or an
answer, but for the texts of `Discordant` where somebody asked for them, redacted.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import Bar
from baseload.quality.decide import Decision
from baseload.quality.graders.controls import Controls

SCHEMA: Final = "baseload.trial/1"
MOST_POINTS: Final = 200
MOST_DISCORDANT: Final = 200
MOST_BYTES: Final = 16 << 20
_MOST_NAME: Final = 120
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")

TrialState = Literal["holds", "breaks", "not_shown", "invalid"]
TrialGrade = Literal["replayed", "simulated"]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of fields of the document."""


class WealthPoint(Part, frozen=True, kw_only=True):
    """Where the test stood after `n` calls: `wealth` against "worse by the margin", `mirror` against "no worse"."""

    n: int
    wealth: float
    mirror: float
    mean: float  # of the differences so far
    low: float  # 95 % confidence sequence
    high: float


class Discordant(Part, frozen=True, kw_only=True):
    """One call on which the arms differ: `d` is candidate's score - incumbent's, weight included.

    `tokens` are of output; None = the answer does not say. Texts are "" unless asked for, and then redacted.
    """

    call_id: str
    stratum: str
    d: float
    how: str
    reason: str
    candidate_tokens: int | None = None
    incumbent_tokens: int | None = None
    asked: str = ""
    candidate_text: str = ""
    incumbent_text: str = ""


class NoiseFloor(Part, frozen=True, kw_only=True):
    """The incumbent against itself: mean difference with its 95 % interval, and how often its answers differ."""

    pairs: int
    mean: float
    low: float
    high: float
    disagreement_share: float


class GuardResult(Part, frozen=True, kw_only=True):
    """One stratum's own test, at the bar's margin and alpha: `breaks` vetoes. `low` to `high` is at 95 %.

    `n` 0 = the sample held none of it; `estimate` is then 0 and the interval everything.
    """

    stratum: str
    state: TrialState
    n: int
    estimate: float
    low: float
    high: float


class SampleSummary(Part, frozen=True, kw_only=True):
    """What was drawn from what. `calls` and `sessions` are of the population, repeats counted; `drawn` was in the plan.

    `held_back` calls were kept for later; `left_out` says why calls were no candidates. `capped_share` is the weight
    the cap of 3 took away, 0 = none. `not_replayable` of the sample could not be sent, by reason.
    """

    query: str
    population_sha256: str
    seed: str
    calls: int
    sessions: int
    drawn: int
    strata: dict[str, int]
    held_back: int
    left_out: dict[str, int]
    capped_share: float
    redaction: str
    not_replayable: int
    not_replayable_share: float
    not_replayable_reasons: dict[str, int]


class ArmSummary(Part, frozen=True, kw_only=True):
    """One arm's answers: "candidate", "incumbent" (as recorded) or "incumbent_again".

    `failures` holds refusals, truncations and calls without an answer. Tokens are None where no answer says them;
    latencies are None in batches, which have none. Costs are list dollars at the tier the calls of the workload run
    on; None = no price or nothing recorded. By "scores" completed tasks are the sum of the scores, so that a wrong
    answer completes nothing; "not_failed" counts answers that did not fail, which an older document does unsaid. Cost
    per completed task is None where there was none.
    """

    arm: str
    model: str
    calls: int
    failures: int
    refusals: int
    truncations: int
    output_tokens_mean: float | None = None
    output_tokens_p50: float | None = None
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    cost_per_call_usd: Decimal | None = None
    cost_per_completed_usd: Decimal | None = None
    completed_by: Literal["scores", "not_failed"] | msgspec.UnsetType = msgspec.UNSET  # not written: hashes stay

    @property
    def by_scores(self) -> bool:
        return self.completed_by == "scores"


class Attempts(Part, frozen=True, kw_only=True):
    """Of a trial after others of the same candidate: which attempt it is, from 1, and what it is tested at.

    `counted` of the earlier ones still count: they left `alpha_left` of the bar's alpha, as a share of it, so that the
    chance that any of them all passes stays at the bar's alpha. `alpha` is what the test itself got.
    """

    number: int
    counted: int
    alpha_left: float
    alpha: float


class TrialMoney(Part, frozen=True, kw_only=True):
    """What the trial cost, and what the move saves. `saving_*` at list dollars; negative = the move costs.

    `reserved_usd` is still held, `maybe_paid_twice_usd` bounds what was perhaps paid for answers nobody has; 0 = none.
    `calls_a_month` None = no source counts them. `calls_counted_share` below 1: they were counted of that share of the
    incumbent's list dollars and scaled by dollars to all. `payback_months` None = it never pays back. Savings are None
    where an arm has no price; those of a month also where nobody counts calls.
    """

    cap_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    maybe_paid_twice_usd: Decimal
    grading_usd: Decimal
    saving_per_call_usd: Decimal | None
    calls_a_month: Decimal | None
    saving_a_month_usd: Decimal | None
    payback_months: Decimal | None
    calls_counted_share: Decimal = Decimal(1)


class Misses(Part, frozen=True, kw_only=True):
    """What a point of quality is worth. A miss is a call that scores 0 in place of 1.

    The move pays unless a miss costs more than `break_even_usd_per_miss`; None = no price, or no call lost at the
    estimate. `cost_per_error_usd` None = the bar does not say. Extra misses are a month's; negative = fewer, None =
    nobody counts calls, or there is no estimate.
    `dollar_weighted_difference` is the mean of D weighted by what the incumbent's calls cost; None = no price.
    """

    break_even_usd_per_miss: Decimal | None
    break_even_at_margin_usd_per_miss: Decimal | None
    cost_per_error_usd: Decimal | None
    extra_a_month_at_estimate: Decimal | None
    extra_a_month_at_margin: Decimal | None
    dollar_weighted_difference: float | None


class Approval(Part, frozen=True, kw_only=True):
    """Who stands by the move, on which day (ISO), and why; it is in the record's chain."""

    who: str
    on: str
    comment: str


class TrialDocument(Part, frozen=True, kw_only=True):
    """One trial. `verdict_id` is the record's head hash: `baseload trial verify RECORD --head` recomputes the verdict.

    `grade` is "simulated" where the answers came from a stand-in, never from the models. `effort` "" = the model's
    default. `tested_margin` is the bar's, x what the judge is sure to see where one judged. `decision` is the walk on
    all calls; `state` counts guards and faults too. Days are ISO; `expires_day` is the first it no longer counts on.
    `noise_floor` and `controls` are None where the trial had none; `output_ratio_*` where no answers say their length.
    `attempts` is there where others of this candidate came before.
    """

    schema: Literal["baseload.trial/1"] = SCHEMA
    workload: str
    workload_name: str
    incumbent: str
    candidate: str
    effort: str
    state: TrialState
    grade: TrialGrade
    verdict_id: str
    reason: str
    bar: Bar
    bar_sha256: str
    grader_version: str
    tier: str
    decided_day: str
    expires_day: str
    transport: str
    decision: Decision
    tested_margin: float
    wealth: tuple[WealthPoint, ...]
    discordant: tuple[Discordant, ...]
    discordant_calls: int  # all of them; `discordant` holds the largest
    controls: Controls | None
    noise_floor: NoiseFloor | None
    guards: tuple[GuardResult, ...]
    sample: SampleSummary
    rewrites: dict[str, int]  # what was changed in requests -> calls
    arms: tuple[ArmSummary, ...]
    output_ratio_low: Decimal | None
    output_ratio_high: Decimal | None
    money: TrialMoney
    misses: Misses
    approvals: tuple[Approval, ...]
    sentence: str
    attempts: Attempts | msgspec.UnsetType = msgspec.UNSET  # not written for a first one: hashes stay

    @property
    def attempt(self) -> int:
        """From 1."""
        return self.attempts.number if self.attempts else 1

    @property
    def clearly_below(self) -> bool:
        """Whether the trial ended without an answer and the whole 95 % interval lies below the tested margin."""
        high = self.decision.high
        return self.state == "not_shown" and high is not None and high < -self.tested_margin


_DECODER: Final = msgspec.json.Decoder(TrialDocument)


def load_trial(data: bytes) -> TrialDocument:
    """A trial from its document. Raises UsageError where it is none; the message holds no value of it."""
    if len(data) > MOST_BYTES:
        raise UsageError(f"trial document: {len(data)} bytes; expected at most {MOST_BYTES}")
    try:
        found = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        expected = str(error).split("\n", 1)[0][:160]
        raise UsageError(
            f"trial document: {expected}. Run the trial again, which writes it anew ({SCHEMA})."
        ) from error
    if found.bar.sha256 != found.bar_sha256:
        raise UsageError("trial document: bar_sha256 is not that of its bar; expected an untouched document")
    return found


def trial_bytes(document: TrialDocument) -> bytes:
    """The document as it is written: keys sorted, the same trial always the same bytes."""
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def folder_name(workload: str, model: str, effort: str = "") -> str:
    """The name of a trial's folder and of its verdict file: what stands in it is safe on every file system.

    A name that had to be changed or cut carries a piece of its hash, so that no two trials share a folder.

    >>> folder_name("triage", "claude-haiku-5-5"), folder_name("triage", "claude-haiku-5-5", "low")
    ('triage--claude-haiku-5-5', 'triage--claude-haiku-5-5--low')
    """
    name = "--".join(part for part in (workload, model, effort) if part)
    parts = [_UNSAFE.sub("-", part).strip(".-") for part in (workload, model, effort) if part]
    safe = "--".join(parts)
    if safe == name and len(safe) <= _MOST_NAME and "--" not in workload + "|" + model:
        return safe
    digest = hashlib.sha256(f"{workload}\0{model}\0{effort}".encode()).hexdigest()[:8]
    return f"{safe[: _MOST_NAME - 10]}--{digest}"
