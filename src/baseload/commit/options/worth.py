"""What a right is worth: the best expected cost without it less the best with it, sizes found anew, on the same paths.

One stage: a size, and nothing after it. Two stages: a size that counts on the right, and the right used by what is
known then. Perfect foresight stands beside it: no rule can be worth more at that size.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.options.choices import Right
from baseload.commit.options.least_squares import cost_of, exercise_of, foresight, least_squares
from baseload.commit.options.picking import pick
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import Objective

SEARCHED_PATHS: Final = 400
"""The size that counts on the right is searched on so many paths, then priced on all."""


class RightWorth(msgspec.Struct, frozen=True, kw_only=True):
    """Mean dollars over the paths; `value_usd` is one stage less two stages and never negative.

    `fixed_size_usd`: the right's worth if the size stays what it is without the right. `foresight_usd`: the same as
    `value_usd` if every path were known when the right is used, an upper bound at the two-stage size. `used_share`: of
    the paths that use it.
    """

    right: Right
    one_stage_commit_usd: tuple[Decimal, ...]
    two_stage_commit_usd: tuple[Decimal, ...]
    one_stage_usd: float
    two_stage_usd: float
    value_usd: float
    fixed_size_usd: float
    foresight_usd: float
    used_share: float


class Stage(NamedTuple):
    """A size and how the right is used after it."""

    commits: tuple[Decimal, ...]
    exercise: Exercise
    cost: float


def right_worth(
    contract: Contract, paths: Paths, right: Right, *, seed: int = 0, objective: Objective = "cost"
) -> RightWorth:
    """The worth of one right of the offer, its other rights unused. Raises CommitError where it has none such."""
    return _worth(_only(contract, right), paths, right, seed, objective)[0]


def step_down_worth(
    contract: Contract, paths: Paths, *, seed: int = 0, objective: Objective = "cost"
) -> tuple[RightWorth, RightWorth]:
    """The step-down with the band kept, and with the band looked up again: (keep, retier).

    What is best with a new look-up is also possible with the band kept, so keep is worth at least as much.
    """
    offer = _only(contract, "step_down")
    retier, stage = _worth(replace(offer, step_down_band="retier"), paths, "step_down", seed, objective)
    keep, _ = _worth(replace(offer, step_down_band="keep"), paths, "step_down", seed, objective, also=[stage])
    return keep, retier


def without(contract: Contract, right: Right) -> Contract:
    """The offer without this right."""
    if right == "step_down":
        return replace(contract, step_down=None, step_down_band="keep")
    return replace(contract, step_up=None) if right == "step_up" else replace(contract, termination=None)


def _only(contract: Contract, right: Right) -> Contract:
    if getattr(contract, right) is None:
        raise CommitError(right, "missing", f"a {right} clause in the offer")
    others: tuple[Right, ...] = ("step_down", "step_up", "termination")
    for other in others:
        contract = contract if other == right else without(contract, other)
    return contract


def _worth(
    contract: Contract,
    paths: Paths,
    right: Right,
    seed: int,
    objective: Objective,
    also: Sequence[Stage] = (),
) -> tuple[RightWorth, Stage]:
    plain = optimum(without(contract, right), paths, objective=objective)
    one = float((plain.npv_usd if objective == "npv" else plain.cost_usd).mean())
    sample = pick(paths, np.arange(min(SEARCHED_PATHS, paths.count)))
    rule = least_squares(seed=seed, objective=objective)
    counted = optimum(contract, sample, objective=objective, rights=rule).commit_usd_by_year
    fixed = _stage(contract, paths, plain.commit_usd_by_year, seed, objective)
    stages = [fixed, _stage(contract, paths, counted, seed, objective)]
    stages += [_again(contract, paths, stage, objective) for stage in also]
    best = min(stages, key=lambda stage: stage.cost)
    known = float(foresight(contract.sized(*best.commits), paths, right, objective=objective).mean())
    worth = RightWorth(
        right=right,
        one_stage_commit_usd=plain.commit_usd_by_year,
        two_stage_commit_usd=best.commits,
        one_stage_usd=one,
        two_stage_usd=best.cost,
        value_usd=max(0.0, one - best.cost),
        fixed_size_usd=max(0.0, one - fixed.cost),
        foresight_usd=one - known,
        used_share=_used(best.exercise, right),
    )
    return worth, best


def _stage(contract: Contract, paths: Paths, commits: tuple[Decimal, ...], seed: int, objective: Objective) -> Stage:
    sized = contract.sized(*commits)
    exercise = exercise_of(sized, paths, seed=seed, objective=objective)
    return Stage(commits, exercise, float(cost_of(sized, paths, exercise, objective).mean()))


def _again(contract: Contract, paths: Paths, stage: Stage, objective: Objective) -> Stage:
    """The same size and the same use of the right, under this contract's terms."""
    cost = cost_of(contract.sized(*stage.commits), paths, stage.exercise, objective)
    return stage._replace(cost=float(cost.mean()))


def _used(exercise: Exercise, right: Right) -> float:
    if right == "termination":
        return 0.0 if exercise.leave is None else float(exercise.leave.mean())
    amounts = exercise.step_down if right == "step_down" else exercise.step_up
    return 0.0 if amounts is None else float((amounts > 0).any(axis=1).mean())
