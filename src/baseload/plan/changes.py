"""What somebody has to do: each step of the plan as a change with an owner, an effort and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, get_args

import msgspec

from baseload.levers.summary import weakest
from baseload.plan.choice import Lever
from baseload.plan.planned import Planned, PlannedStep
from baseload.plan.span import Span
from baseload.values import Grade, VerdictGrade, VerdictState

Kind = Literal["config", "gateway_policy", "code", "prompt", "trial"]
KINDS: tuple[Kind, ...] = get_args(Kind)

PERSON_DAYS: Final[Mapping[Kind, Decimal]] = {
    "config": Decimal("0.5"),
    "gateway_policy": Decimal("0.5"),
    "code": Decimal(2),
    "prompt": Decimal(4),
    "trial": Decimal(3),
}
"""Person-days of one change by what has to be done, review and roll-out included. An assumption, to be replaced by
the company's own ([plan.person_days] of baseload.toml); docs/decisions/baseline-interval.md says what each covers."""

PERSON_DAYS_PER_WEEK: Final = 5


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one workload as work: who, what kinds of work, how long, for how much a year."""

    workload: str
    name: str
    owner: str
    lever: Lever
    saving: Span
    grade: Grade
    kinds: tuple[Kind, ...]
    person_days: Decimal
    verdict: VerdictState | None = None  # of another model or effort; None of anything else
    verdict_id: str = ""
    verdict_grade: VerdictGrade = "replayed"

    @property
    def needs_trial(self) -> bool:
        return "trial" in self.kinds

    @property
    def nano_per_week_of_work(self) -> int:
        """Likely annual nano-dollars for each week of one person's work."""
        return round(self.saving.likely * PERSON_DAYS_PER_WEEK / self.person_days)


def changes_of(
    planned: Planned, *, gateway: bool = True, person_days: Mapping[Kind, Decimal] = PERSON_DAYS
) -> tuple[Change, ...]:
    """The changes of one workload, in the order of the waterfall. Without a gateway, what it would do is code.

    A new model with a new effort is one change: nobody ships one without the other.
    """
    found = []
    for step in _merged(planned.steps):
        kinds = _kinds(planned, step.lever, gateway)
        found.append(
            Change(
                workload=planned.workload.id,
                name=planned.workload.name,
                owner=planned.workload.owner,
                lever=step.lever,
                saving=step.saving,
                grade=step.grade,
                kinds=kinds,
                person_days=sum((person_days[kind] for kind in kinds), Decimal(0)),
                verdict=planned.route.verdict if step.lever in ("effort", "route") else None,
                verdict_id=planned.route.verdict_id if step.lever in ("effort", "route") else "",
                verdict_grade=planned.route.verdict_grade,
            )
        )
    return tuple(found)


def _merged(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """The steps with effort counted into the route, where there are both."""
    levers = {step.lever: step for step in steps}
    if "effort" not in levers or "route" not in levers:
        return list(steps)
    effort, route = levers["effort"], levers["route"]
    both = PlannedStep(lever="route", saving=effort.saving + route.saving, grade=weakest((effort.grade, route.grade)))
    return [both if step is route else step for step in steps if step is not effort]


def _kinds(planned: Planned, lever: Lever, gateway: bool) -> tuple[Kind, ...]:
    """What a step takes. Another model or effort needs a trial unless one holds."""
    here: Kind = "gateway_policy" if gateway else "code"
    if lever == "fix":
        kinds = {planned.menu.fixes[index].kind for index in planned.choice.fixes}
        return ("code",) if "repeat" in kinds else ("config",)
    if lever in ("effort", "route"):
        where: Kind = "config" if planned.coding_agent else here
        return (where,) if _tried(planned) else (where, "trial")
    if lever == "batch":
        return ("code",) if not gateway else ("gateway_policy",)
    cache = planned.cache
    if cache is not None and not cache.marks:
        return ("code",)  # marks that are there today go: no gateway takes them out
    return (here, "prompt") if cache is not None and cache.move_after_prefix else (here,)


def _tried(planned: Planned) -> bool:
    return planned.route.proven
