"""When to use a right, by least-squares Monte Carlo: a choice is worth what regression says from what is known then.

Backwards over the windows of a right, as in Longstaff and Schwartz: what using it now saves against waiting is
regressed on usage so far and run rate, on one half of the paths; the other half uses it by that rule, and the reverse.
So no path is decided by its own future, and the value is no look-ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from baseload.commit.arrays import Array, Flags
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.options.choices import RIGHTS, Right, Window, empty, windows_of, with_used
from baseload.commit.options.known import terms
from baseload.commit.paths import Paths
from baseload.commit.search.pricing import Objective, Rights
from baseload.commit.simulate import NO_RIGHT_USED, simulate
from baseload.demand.draws import stream

Rows: TypeAlias = "NDArray[np.int64]"
LEAST_PATHS: Final = 40
"""Under so many paths there are no halves to learn on, and no right is used."""


class Priced(NamedTuple):
    """A window with what each of its choices comes to on every path, later windows unused, (choices, paths)."""

    window: Window
    costs: Array
    known: Array  # (paths, terms)


def least_squares(*, seed: int = 0, objective: Objective = "cost") -> Rights:
    """A rule for `optimum`: uses whatever rights the sized contract gives, and none where that saves nothing.

    Rights are fitted one after the other (step down, leave, step up), each given the ones before. A step-down of
    several uses is used at most once, so that its value is a lower bound.
    """

    def use(contract: Contract, paths: Paths) -> Exercise:
        return exercise_of(contract, paths, seed=seed, objective=objective)

    return use


def exercise_of(contract: Contract, paths: Paths, *, seed: int = 0, objective: Objective = "cost") -> Exercise:
    """How the rights of a sized contract are used on these paths."""
    found = NO_RIGHT_USED
    if paths.count < LEAST_PATHS:
        return found
    for right in RIGHTS:
        if windows_of(contract, paths, right):
            found = _with_right(contract, paths, found, right, seed, objective)
    return found


def foresight(contract: Contract, paths: Paths, right: Right, *, objective: Objective = "cost") -> Array:
    """What each path costs when its right is used knowing the whole path: no rule can beat its mean, (paths,)."""
    costs = [cost_of(contract, paths, NO_RIGHT_USED, objective)]
    for one in _priced(contract, paths, NO_RIGHT_USED, right, objective):
        costs.extend(one.costs)
    least: Array = np.min(costs, axis=0)
    return least


def cost_of(contract: Contract, paths: Paths, exercise: Exercise, objective: Objective) -> Array:
    """Cost or present value of every path."""
    outcome = simulate(contract, paths, exercise)
    return outcome.npv_usd if objective == "npv" else outcome.cost_usd


def _with_right(
    contract: Contract, paths: Paths, base: Exercise, right: Right, seed: int, objective: Objective
) -> Exercise:
    unused = cost_of(contract, paths, base, objective)
    priced = _priced(contract, paths, base, right, objective)
    used, cost = empty(contract, paths, right), unused.copy()
    for learn, apply in _halves(paths.count, seed):
        rules = _learn(priced, unused, learn)
        _apply(priced, rules, apply, used, cost)
    return with_used(base, right, used) if float(cost.mean()) < float(unused.mean()) else base


def _priced(contract: Contract, paths: Paths, base: Exercise, right: Right, objective: Objective) -> list[Priced]:
    found = []
    for window in windows_of(contract, paths, right):
        costs = []
        for choice in window.choices:
            used = empty(contract, paths, right)
            used[:, window.place] = choice
            costs.append(cost_of(contract, paths, with_used(base, right, used), objective))
        found.append(Priced(window, np.array(costs), terms(contract, paths, window.decided)))
    return found


def _halves(paths: int, seed: int) -> list[tuple[Rows, Rows]]:
    order = stream(seed, "rights").permutation(paths)
    first, second = order[: paths // 2], order[paths // 2 :]
    return [(first, second), (second, first)]


def _learn(priced: Sequence[Priced], unused: Array, rows: Rows) -> list[Array]:
    """Of each window the coefficients (terms, choices) of what each choice saves against waiting."""
    wait = unused[rows].copy()
    rules: list[Array] = []
    for one in reversed(priced):
        known, costs = one.known[rows], one.costs[:, rows]
        rule = np.asarray(np.linalg.lstsq(known, (wait - costs).T, rcond=None)[0], dtype=np.float64)
        best, uses = _choose(known, rule)
        wait = np.where(uses, costs[best, np.arange(len(rows))], wait)
        rules.append(rule)
    return rules[::-1]


def _apply(priced: Sequence[Priced], rules: Sequence[Array], rows: Rows, used: Array, cost: Array) -> None:
    """Use the right on these paths at the first window whose rule says so; writes `used` and `cost`."""
    open_rows = rows
    for one, rule in zip(priced, rules, strict=True):
        best, uses = _choose(one.known[open_rows], rule)
        taken, choice = open_rows[uses], best[uses]
        amounts = np.array(one.window.choices)[choice, taken]
        used[taken, one.window.place] = amounts
        cost[taken] = one.costs[choice, taken]
        open_rows = open_rows[~uses]


def _choose(known: Array, rule: Array) -> tuple[Rows, Flags]:
    """The choice that is thought to save most, and whether it saves anything beyond rounding."""
    saves = known @ rule
    best: Rows = saves.argmax(axis=1)
    uses: Flags = saves.max(axis=1) > 1e-6
    return best, uses
