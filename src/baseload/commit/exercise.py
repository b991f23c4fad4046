"""What the buyer does with the rights a contract gives: a choice per path and window, handed in from outside.

The simulator takes the choice as it is; whether it was wise, and known in time (`notice_months`), is the caller's.
"""

from __future__ import annotations

import msgspec
import numpy as np

from baseload.commit.arrays import Array, Flags
from baseload.commit.contract import Contract
from baseload.commit.refusal import MOST_USD, CommitError

_SLACK = 1e-9


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """None = the right is not used. Arrays of one row stand for every path.

    `step_down` (paths, windows): share by which the months that remain are lowered. `step_up` (paths, windows): dollars
    a year added for the months that remain, in the contract's basis. `leave` (paths,): use the termination right.
    """

    step_down: Array | None = None
    step_up: Array | None = None
    leave: Flags | None = None


def check_exercise(contract: Contract, exercise: Exercise, paths: int) -> None:
    """Refuse a choice the contract does not allow. Raises CommitError."""
    if exercise.step_down is not None:
        right = contract.step_down
        if right is None:
            raise CommitError("step_down", "used", "a step_down clause in the contract")
        _check_shape("step_down", exercise.step_down, (paths, len(right.windows)))
        share = float(exercise.step_down.max(initial=0))
        if not 0 <= float(exercise.step_down.min(initial=0)) <= share <= float(right.share) + _SLACK:
            raise CommitError("step_down", f"{share:g}", f"0 to {right.share} in each window")
        used = int((exercise.step_down > 0).sum(axis=1).max(initial=0))
        if right.count and used > right.count:
            raise CommitError("step_down", f"{used} uses", f"at most {right.count}")
    if exercise.step_up is not None:
        if contract.step_up is None:
            raise CommitError("step_up", "used", "a step_up clause in the contract")
        _check_shape("step_up", exercise.step_up, (paths, len(contract.step_up.windows)))
        if not 0 <= float(exercise.step_up.min(initial=0)) <= float(exercise.step_up.max(initial=0)) <= float(MOST_USD):
            raise CommitError("step_up", f"{exercise.step_up.min(initial=0):g}", f"0 to {MOST_USD:,} dollars a year")
    if exercise.leave is not None:
        if contract.termination is None:
            raise CommitError("termination", "used", "a termination clause in the contract")
        if exercise.leave.shape not in ((paths,), (1,)) or exercise.leave.dtype != np.bool_:
            raise CommitError("termination", f"shape {exercise.leave.shape}", f"({paths},) flags")


def _check_shape(field: str, array: Array, shape: tuple[int, int]) -> None:
    if array.ndim != 2 or array.shape[1] != shape[1] or array.shape[0] not in (1, shape[0]):
        raise CommitError(field, f"shape {array.shape}", f"{shape}: a row per path, a column per window")
