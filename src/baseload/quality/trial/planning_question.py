"""What planning a trial is asked: one candidate of one workload, with all that is known before a model is."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec

from baseload.project_bars import INCUMBENT, GraderTable, HumanTable, JudgeTable
from baseload.quality.bar import Bar, Tier
from baseload.quality.trial.planning_calls import Earlier
from baseload.quality.trial.planning_cost import Factors, Shape, Transport, Usd
from baseload.quality.trial.tables import tier_of
from baseload.vault.data_use import DataUse


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to replay of a workload's calls on its incumbent.

    `calls` are single answered ones, `with_body` those whose request can be had again, `independent` the sessions among
    them with each identical request once: a trial takes one call of a session. `sources` are the readers' names, those
    of `keeps_bodies` record requests. `refused` are calls with a body that no rewrite makes legal for the candidate.
    `elsewhere` ran on a platform a replay is not sent to, and recorded prompts go nowhere else. `with_truth` bounds
    the calls whose true answer is known, None where the grader needs none.
    """

    calls: int = 0
    with_body: int = 0
    independent: int = 0
    sources: tuple[str, ...] = ()
    keeps_bodies: bool = False
    refused: int = 0
    with_truth: int | None = None
    elsewhere: int = 0

    @property
    def not_replayable_share(self) -> float:
        """Of the calls with a body; 0 where there are none."""
        return self.refused / self.with_body if self.with_body else 0.0

    @property
    def usable(self) -> int:
        """Independent calls that can be graded, less the shares that ran elsewhere or that the candidate refuses."""
        known = self.independent if self.with_truth is None else min(self.independent, self.with_truth)
        here = self.with_body - self.elsewhere
        return known * here * (self.with_body - self.refused) // self.with_body**2 if self.with_body else 0


class Grading(msgspec.Struct, frozen=True, kw_only=True):
    """How a bar's answers are graded, and what that costs.

    `tier` is the best tier its grader reaches. `judge` is the model that judges pairs, "" = none does. `noise_floor`:
    agreement with the incumbent is the truth, so that it is replayed on every call and must agree with itself too.
    `differing` is the share of pairs that are not equal after canonicalising: only those are judged, 1 = all.
    `usd_per_label` is what a person's label of such a pair costs.
    """

    tier: Tier
    judge: str = ""
    noise_floor: bool = False
    differing: Decimal = Decimal(1)
    usd_per_label: Decimal = Decimal(0)

    @property
    def judged(self) -> bool:
        return bool(self.judge)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """The model that is to be tried. `excluded_by` says in words why the levers rule it out, () = they do not.

    `output` is how much longer it is expected to answer. `saving_a_month` is in list dollars of the whole workload,
    None where nobody worked it out.
    """

    model: str
    effort: str = ""
    excluded_by: tuple[str, ...] = ()
    output: Factors = Factors()
    saving_a_month: Usd | None = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate of one workload, with all that planning its trial needs.

    `bar` None = nobody has set one, or `bar_fault` says why the one there is cannot be used. `task` is what kind of
    work it is, for the bar that is proposed.
    """

    workload: str
    workload_name: str
    incumbent: str
    candidate: Candidate
    bar: Bar | None
    grading: Grading | None
    data_use: DataUse
    recorded: Recorded
    shapes: tuple[Shape, ...]
    day: int
    bar_fault: str = ""
    task: str = "unknown"
    incumbent_effort: str = ""  # as most calls ask; "" = the model's default
    zero_data_retention: bool = False
    transport: Transport | None = None  # as asked for; None = the cheapest that is allowed
    earlier: Earlier | None = None
    attempt: int = 1
    wealths: tuple[float, ...] = ()  # of the attempts before it that count, at their stops
    compared: int = 0  # calls of those: their sessions are not drawn again
    attempt_fault: str = ""  # why nobody knows how an earlier one went


def grading_of(spec: GraderTable, resolve: Callable[[str], str]) -> Grading:
    """How a bar's `[bar.grader]` grades; `resolve` turns a model's name into its id, "" = unknown."""
    judge = spec.model if isinstance(spec, JudgeTable) else ""
    return Grading(
        tier=tier_of(spec),
        judge=resolve(judge) or judge,
        noise_floor=getattr(spec, "truth", "") == INCUMBENT,
        usd_per_label=Decimal(spec.usd_per_label) if isinstance(spec, HumanTable) else Decimal(0),
    )
