"""Many plans of trials: in which order to try, and what several verdicts promise together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from baseload.quality.trial.planning import State, TrialPlan
from baseload.quality.trial.together import RATE

SEVERAL: Final = (
    "Each verdict is wrong with its own alpha: of 40 candidates on the very bar two pass. A promise about all of them "
    f"takes e-BH: of the k largest e-values those pass whose k-th reaches K / (k x {RATE:g})."
)


def ranked(plans: Iterable[TrialPlan]) -> tuple[TrialPlan, ...]:
    """By the value of finding out: dollars at stake for a dollar of trial; then what cannot be priced, by its saving.

    Within the same, by workload, candidate and effort, so that the order never changes by itself.
    """
    nothing = Decimal(-1)

    def place(plan: TrialPlan) -> tuple[Decimal, Decimal, str, str, str]:
        value = plan.value_per_trial_dollar if plan.value_per_trial_dollar is not None else nothing
        saving = plan.saving_a_month.likely if plan.saving_a_month is not None else nothing
        return (-value, -saving, plan.workload, plan.candidate, plan.effort)

    return tuple(sorted(plans, key=place))


_BEST_FIRST: Final[tuple[State, ...]] = ("recommended", "not_recommended", "refused")


def first_to_try(plans: Iterable[TrialPlan]) -> tuple[TrialPlan, ...]:
    """Candidates of one workload: those that can be tried first, each kind by the dollars they could save."""
    nothing = Decimal(-(10**12))

    def place(plan: TrialPlan) -> tuple[int, Decimal, str, str]:
        saving = plan.saving_a_month.likely if plan.saving_a_month is not None else nothing
        return (_BEST_FIRST.index(plan.state), -saving, plan.candidate, plan.effort)

    return tuple(sorted(plans, key=place))


def together(plans: Sequence[TrialPlan]) -> str:
    """What several verdicts promise together; "" where fewer than two trials are to be run."""
    return SEVERAL if sum(plan.state == "recommended" for plan in plans) > 1 else ""
