"""The end of a trial: its verdict line, its document, the verdict file that plans read, and the sentence to quote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.prices.book import PriceBook
from baseload.quality.replay.run import Replayed
from baseload.quality.sampling.sample import Sample
from baseload.quality.trial import figures
from baseload.quality.trial.completed import completed
from baseload.quality.trial.document import (
    MOST_DISCORDANT,
    ArmSummary,
    Attempts,
    Discordant,
    SampleSummary,
    TrialDocument,
    TrialMoney,
    TrialState,
)
from baseload.quality.trial.pairs import Seen
from baseload.quality.trial.prepare import Prepared
from baseload.quality.trial.setup import TrialSetup
from baseload.quality.trial.tested import Found, Terms
from baseload.values import day_of_date, iso_day

VERDICT_SCHEMA: Final = "baseload.verdict/1"
_STATES: Final[Mapping[str, TrialState]] = {
    "HOLDS": "holds", "BREAKS": "breaks", "NOT_SHOWN": "not_shown", "INVALID": "invalid",
}  # fmt: skip
_WORTH_SAYING: Final = 0.001
_SAYS: Final[Mapping[TrialState, str]] = {
    "holds": "was shown to be no worse than",
    "breaks": "was shown to be worse than",
    "not_shown": "was not shown to be no worse than",
    "invalid": "could not be compared with",
}


class Told:
    """What a run saw beside its evidence: the answers themselves, for the document's figures."""

    def __init__(self) -> None:
        self.rows: list[tuple[Seen, dict[str, Any]]] = []
        self.again: list[Replayed] = []
        self.placebo: list[tuple[float, bool]] = []
        self.noise_usd = Decimal(0)


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How a trial ended: on which UTC day, what it cost, and what cut it short ("" = nothing).

    `spent_usd` is all of it, `grading_usd` inside it. Reserved dollars are held for answers nobody has;
    `maybe_paid_twice_usd` is the part of them that was perhaps paid.
    """

    day: int
    cut: str
    spent_usd: Decimal
    reserved_usd: Decimal
    maybe_paid_twice_usd: Decimal
    grading_usd: Decimal


def verdict_body(setup: TrialSetup, found: Found, ended: Ended) -> dict[str, Any]:
    """The verdict line: what was decided, on which margin and alpha, when, and what it cost."""
    decision = found.decision
    return {
        "verdict": found.state,
        "reason": reason_of(found, ended),
        "margin": found.margin,
        "alpha": found.alpha,
        **({"attempt": setup.attempt, "alpha_left": setup.alpha_left} if setup.attempt > 1 else {}),
        "n": decision.n_used,
        "estimate": decision.estimate,
        "low": decision.low,
        "high": decision.high,
        "e_value": decision.e_value,
        "tier": found.tier,
        "grade": grade_of(setup),
        "guards": msgspec.to_builtins(found.guards),
        "decided_on": ended.day,
        "expires_on": ended.day + setup.bar.expires_days,
        "spent_usd": figures.plain(ended.spent_usd),
        "grading_usd": figures.plain(ended.grading_usd),
        "reserved_usd": figures.plain(ended.reserved_usd),
        "maybe_paid_twice_usd": figures.plain(ended.maybe_paid_twice_usd),
    }


def reason_of(found: Found, ended: Ended) -> str:
    return f"not shown: {ended.cut}" if ended.cut else found.reason


def grade_of(setup: TrialSetup) -> Any:
    return "simulated" if setup.simulated else "replayed"


def document_of(
    setup: TrialSetup,
    sample: Sample,
    ready: Prepared,
    terms: Terms,
    found: Found,
    ended: Ended,
    told: Told,
    book: PriceBook,
) -> TrialDocument:
    """The document, but for the verdict's id, which is the hash of a line that is written before it."""
    rows = [figures.costed(seen, float(body["score"]), setup.candidate, book, ended.day) for seen, body in told.rows]
    saved = figures.saving_per_call(rows)
    low, high = figures.output_ratio(rows)
    listed = _discordant(told)
    document = TrialDocument(
        workload=setup.workload,
        workload_name=setup.workload_name,
        incumbent=setup.incumbent,
        candidate=setup.candidate,
        effort=setup.effort,
        state=_STATES[found.state],
        grade=grade_of(setup),
        verdict_id="",
        reason=reason_of(found, ended),
        bar=setup.bar,
        bar_sha256=setup.bar.sha256,
        grader_version=setup.identity["grader"]["version"],
        tier=found.tier or setup.grader.tier,
        decided_day=iso_day(ended.day),
        expires_day=iso_day(ended.day + setup.bar.expires_days),
        transport=setup.transport,
        decision=found.decision,
        tested_margin=found.margin,
        wealth=found.path,
        discordant=listed[:MOST_DISCORDANT],
        discordant_calls=len(listed),
        controls=terms.controls,
        noise_floor=figures.noise_floor(told.placebo),
        guards=found.guards,
        sample=_summary(sample, terms, ready),
        rewrites=ready.rewrites,
        arms=_arms(setup, rows, told),
        output_ratio_low=low,
        output_ratio_high=high,
        money=_money(setup, ended, saved),
        misses=figures.misses(setup.bar, found.decision.estimate, rows, saved, setup.calls_a_month),
        approvals=() if setup.approval is None else (setup.approval,),
        sentence="",
        attempts=_attempts(setup, found),
    )
    return msgspec.structs.replace(document, sentence=sentence_of(document))


def _attempts(setup: TrialSetup, found: Found) -> Attempts | msgspec.UnsetType:
    """Unset for a first one."""
    if setup.attempt == 1:
        return msgspec.UNSET
    return Attempts(number=setup.attempt, counted=len(setup.counting), alpha_left=setup.alpha_left, alpha=found.alpha)


def _summary(sample: Sample, terms: Terms, ready: Prepared) -> SampleSummary:
    return SampleSummary(
        query=sample.query,
        population_sha256=sample.population_sha256,
        seed=sample.seed,
        calls=sample.calls,
        sessions=sample.sessions,
        drawn=len(sample.order),
        strata=sample.strata,
        held_back=len(sample.held_back),
        left_out=sample.left_out,
        capped_share=sample.capped_share,
        redaction=sample.redaction,
        not_replayable=terms.not_replayable,
        not_replayable_share=terms.not_replayable_share,
        not_replayable_reasons=ready.not_replayable,
    )


def _arms(setup: TrialSetup, rows: list[figures.Costed], told: Told) -> tuple[ArmSummary, ...]:
    ours, theirs = completed(setup, told.rows) or (None, None)
    arms = [figures.candidate_arm(rows, setup.candidate, ours), figures.incumbent_arm(rows, setup.incumbent, theirs)]
    return (*arms, figures.again_arm(told.again, setup.incumbent)) if told.again else tuple(arms)


def _discordant(told: Told) -> tuple[Discordant, ...]:
    """Calls that differ, the largest differences first, then in the sample's order."""
    found = [
        Discordant(
            call_id=body["call"],
            stratum=body["stratum"],
            d=body["d"],
            how=body["how"],
            reason=body["reason"],
            candidate_tokens=body["tokens"],
            incumbent_tokens=body["against_tokens"],
        )
        for _, body in told.rows
        if body["d"]
    ]
    return tuple(sorted(found, key=lambda one: -abs(one.d)))


def _money(setup: TrialSetup, ended: Ended, saved: Decimal | None) -> TrialMoney:
    calls = setup.calls_a_month
    a_month = None if saved is None or calls is None else figures.usd(saved * calls)
    pays = a_month is not None and a_month > 0
    return TrialMoney(
        cap_usd=setup.cap_usd,
        spent_usd=figures.plain(ended.spent_usd),
        reserved_usd=figures.plain(ended.reserved_usd),
        maybe_paid_twice_usd=figures.plain(ended.maybe_paid_twice_usd),
        grading_usd=figures.plain(ended.grading_usd),
        saving_per_call_usd=saved,
        calls_a_month=None if calls is None else figures.tenth(calls),
        calls_counted_share=setup.calls_counted_share,
        saving_a_month_usd=a_month,
        payback_months=figures.usd(ended.spent_usd / a_month) if a_month is not None and pays else None,
    )


def sentence_of(document: TrialDocument) -> str:
    """What an auditor may quote."""
    who = document.candidate + (f" at effort {document.effort}" if document.effort else "")
    found, bar = document.decision, document.bar
    answers = "simulated answers of a stand-in" if document.grade == "simulated" else "replayed calls"
    work = document.workload_name or document.workload
    claim = f"On {answers}, {who} {_SAYS[document.state]} {document.incumbent} on {work}"
    if document.state == "invalid" or found.estimate is None:
        return f"{claim}: {document.reason}. Decided {document.decided_day}."
    judged = f" (tested at {points(document.tested_margin)}, by what the judge is sure to see)"
    tested = "" if document.tested_margin == bar.points else judged
    low, high = (points(one or 0.0, signed=True) for one in (found.low, found.high))
    again = f" in all of its {document.attempt} attempts together" if document.attempts else ""
    error = f"{bar.level:.1%} of passing one that is worse by it{again}"
    if document.state == "breaks":  # what went wrong, if it did, is another thing
        error = f"{found.alpha:.1%}" if found.alpha >= _WORTH_SAYING else f"{found.alpha:.1g}"
        error += " of breaking one that is not"
    return (
        f"{claim} by a margin of {points(bar.points)}{tested}, with a chance of at most {error}: mean difference "
        f"{points(found.estimate, signed=True)} on {found.n_used} calls of as many sessions, between {low} and {high} "
        f"(95 %, at any time). "
        f"Decided {document.decided_day}; good until {_last_day(document)}.{_beyond(document.sample.capped_share)}"
    )


def _last_day(document: TrialDocument) -> str:
    """The last day the verdict counts: `expires_day` is the first on which it no longer does."""
    return iso_day(day_of_date(dt.date.fromisoformat(document.expires_day)) - 1)


def _beyond(capped_share: float) -> str:
    """Said where it could matter: what the cap on weights keeps out of the mean."""
    if capped_share < _WORTH_SAYING:
        return ""
    return f" {capped_share:.1%} of the calls are repeats beyond the weight of 3 that one of the sample may have."


def points(value: float, *, signed: bool = False) -> str:
    """A difference of mean score in points.

    >>> points(0.02), points(-0.0131, signed=True)
    ('2 points', '-1.31 points')
    """
    amount = round(value * 100, 2) + 0.0
    return f"{amount:{'+' if signed else ''}g} points"


def verdict_bytes(document: TrialDocument, expires_on: int) -> bytes:
    """The verdict document (schema baseload.verdict/1) that `baseload plan` reads; `expires_on` is a UTC day number.

    Output ratios beyond 1/20 and 20 make no verdict that a plan may use: the reader refuses the document.
    """
    return (
        msgspec.json.format(
            msgspec.json.encode(
                {
                    "schema": VERDICT_SCHEMA,
                    "workload": document.workload,
                    "model": document.candidate,
                    "effort": document.effort,
                    "state": document.state,
                    "grade": document.grade,
                    "verdict_id": document.verdict_id,
                    "output_ratio_low": document.output_ratio_low,
                    "output_ratio_high": document.output_ratio_high,
                    "expires_day": expires_on,
                    "clearly_below": document.clearly_below,
                },
                order="sorted",
            ),
            indent=1,
        )
        + b"\n"
    )
