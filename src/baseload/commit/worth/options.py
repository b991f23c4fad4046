"""How a buyer uses rights well: by what is known at each window, never by what comes after it.

Least-squares Monte Carlo: from the last window back, the saving of acting is regressed on usage so far, the run rate
and the price level known when notice must be given, and the buyer acts where the regression says that it saves. A rule
that saves nothing on average is not followed, so that a right never costs. Each path acts at most once over all its
rights: where a contract allows more, what is found is a lower bound.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.simulate import simulate

Measure = Literal["cost", "npv"]
DOWN_STEPS: Final = (0.5, 1.0)
"""Shares of the largest step down that are tried."""
UP_STEPS: Final = (0.15, 0.4)
"""Steps up that are tried, as shares of the mean yearly commitment."""
_RUN_RATE_MONTHS: Final = 3
_FEW: Final = 20
"""Paths per regressor below which nothing is regressed: act everywhere or nowhere."""


class Used(NamedTuple):
    """Cost on every path with rights used well, and the use that makes it."""

    usd: Array
    exercise: Exercise


class _Action(NamedTuple):
    known: int  # months of usage that are known when it must be announced
    exercise: Exercise


def has_rights(contract: Contract) -> bool:
    """Is there anything for somebody to exercise?"""
    return bool(
        (contract.step_down and contract.step_down.windows and contract.step_down.share)
        or (contract.step_up and contract.step_up.windows)
        or contract.termination
    )


def measured(outcome: Outcome, measure: Measure) -> Array:
    """Cash over all months, or its present value."""
    return outcome.cost_usd if measure == "cost" else outcome.npv_usd


def use_well(contract: Contract, paths: Paths, measure: Measure = "cost") -> Used:
    """A sized contract with its rights used on what is known in time."""
    wait = measured(simulate(contract, paths), measure)
    actions = _actions(contract)
    chosen = np.full(paths.count, -1, dtype=np.int64)
    for known in sorted({action.known for action in actions}, reverse=True):
        open_now = [place for place, action in enumerate(actions) if action.known == known]
        costs = [measured(simulate(contract, paths, actions[place].exercise), measure) for place in open_now]
        wait, chosen = _decide(wait, chosen, open_now, costs, _known(paths, known))
    return Used(wait, _exercise(actions, chosen))


def best_exercise(contract: Contract, paths: Paths) -> Exercise:
    """How the rights of a sized contract are used; cash decides."""
    return use_well(contract, paths).exercise


def _actions(contract: Contract) -> list[_Action]:
    found = []
    down, up, leave = contract.step_down, contract.step_up, contract.termination
    if down and down.share:
        for place, month in enumerate(down.windows):
            rows = np.zeros((1, len(down.windows)))
            for step in DOWN_STEPS:
                row = rows.copy()
                row[0, place] = float(down.share) * step
                found.append(_Action(month - down.notice_months, Exercise(step_down=row)))
    if up:
        mean = float(sum(contract.commit_usd_by_year)) / contract.years
        for place, month in enumerate(up.windows):
            for step in UP_STEPS:
                row = np.zeros((1, len(up.windows)))
                row[0, place] = mean * step
                found.append(_Action(month, Exercise(step_up=row)))
    if leave:
        found.append(_Action(leave.month, Exercise(leave=np.array([True]))))
    return found if any(contract.commit_usd_by_year) else []


def _known(paths: Paths, months: int) -> Array:
    """Regressors (paths, k) of what `months` months have shown: scaled, with squares and a product."""
    one = np.ones((paths.count, 1))
    if months == 0 or paths.count < 6 * _FEW:
        return one
    seen = paths.list_usd[:, :months]
    basis = [_scaled(seen.mean(axis=1)), _scaled(seen[:, -_RUN_RATE_MONTHS:].mean(axis=1))]
    if paths.price_index is not None:
        basis.append(_scaled(np.broadcast_to(paths.price_index[:, months - 1], (paths.count,))))
    columns = [*basis, *(part**2 for part in basis), basis[0] * basis[1]]
    return np.concatenate([one, np.stack(columns, axis=1)], axis=1)


def _scaled(values: Array) -> Array:
    """Mean 0 and deviation 1; in logs, since dollars are skewed. All 0 where all are the same."""
    logs = np.log(np.maximum(values, 1e-9))
    spread = float(logs.std())
    found: Array = (logs - logs.mean()) / (spread if spread > 1e-12 else 1.0)
    return np.clip(found, -4, 4)


def _decide(
    wait: Array, chosen: NDArray[np.int64], places: list[int], costs: list[Array], known: Array
) -> tuple[Array, NDArray[np.int64]]:
    """Act where the regression says that an action saves most; keep waiting where it would not save on average."""
    saved = np.stack([cost - wait for cost in costs], axis=1)
    weights, *_ = np.linalg.lstsq(known, saved, rcond=None)
    said = known @ weights
    best = said.argmin(axis=1)
    rows = np.arange(len(wait))
    acts = said[rows, best] < 0
    acted = np.where(acts, wait + saved[rows, best], wait)
    if float(acted.mean()) >= float(wait.mean()):
        return wait, chosen
    return acted, np.where(acts, np.array(places)[best], chosen)


def _exercise(actions: list[_Action], chosen: NDArray[np.int64]) -> Exercise:
    """The chosen actions as one array per right; None where a right is not used."""
    down = up = None
    leave = None
    for place, action in enumerate(actions):
        acts = chosen == place
        if not acts.any():
            continue
        part = action.exercise
        if part.step_down is not None:
            down = (0.0 if down is None else down) + acts[:, None] * part.step_down
        if part.step_up is not None:
            up = (0.0 if up is None else up) + acts[:, None] * part.step_up
        if part.leave is not None:
            leave = acts
    return Exercise(step_down=down, step_up=up, leave=leave)
