"""The same contract as a mixed-integer program, for HiGHS: the least mean cost without any search of ours.

List basis, all-units bands by year, unused dollars lost, refunded in part or rolled for a year, overage at list or at
the committed rate. A binary says which band each year signs; every amount of a band is zero where it does not, so that
no large constant is needed: usage splits into drawn, rolled and overage dollars in the signed band alone.
"""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from baseload.commit.bands import ladder
from baseload.commit.contract import Contract

Floats = NDArray[np.float64]


def least_mean(contract: Contract, usage: Floats) -> float:
    """`usage` is list dollars, (paths, years)."""
    model = _Model(contract, usage)
    for year in range(contract.years):
        model.sign(year)
        for path in range(len(usage)):
            model.serve(path, year)
    return model.solve()


class _Model:
    def __init__(self, contract: Contract, usage: Floats) -> None:
        self._contract, self._usage = contract, usage
        self._bands = [(float(band.from_usd), float(band.discount)) for band in ladder(contract)]
        self._most = max(float(usage.sum(axis=1).max()), self._bands[-1][0]) * 1.1
        self._highs = highspy.Highs()
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        self._highs.setOptionValue("mip_rel_gap", 1e-5)
        self._signed: dict[tuple[int, int], tuple[highspy.highs_var, highspy.highs_var]] = {}
        self._rolled: dict[tuple[int, int], highspy.highs_var] = {}

    def sign(self, year: int) -> None:
        """One band a year, and an amount inside it."""
        highs = self._highs
        for band, (floor, discount) in enumerate(self._bands):
            top = self._bands[band + 1][0] if band + 1 < len(self._bands) else self._most
            chosen, amount = highs.addBinary(), highs.addVariable(lb=0, ub=top, obj=1 - discount)
            highs.addConstr(amount >= floor * chosen)
            highs.addConstr(amount <= top * chosen)
            self._signed[year, band] = chosen, amount
        highs.addConstr(sum(self._signed[year, band][0] for band in range(len(self._bands))) == 1)

    def serve(self, path: int, year: int) -> None:
        """One path's year: its usage in the signed band, and what it rolls on."""
        highs, contract, share = self._highs, self._contract, float(self._contract.unused.share)
        used, count = float(self._usage[path, year]), len(self._usage)
        refund = share if contract.unused.rule == "refund" else 0.0
        old, unused = [], []
        for band, (_, discount) in enumerate(self._bands):
            chosen, amount = self._signed[year, band]
            beyond = 1.0 if contract.overage.rule == "list" else 1 - discount
            over = highs.addVariable(lb=0, obj=beyond / count)
            left = highs.addVariable(lb=0, obj=-refund * (1 - discount) / count)
            carried = highs.addVariable(lb=0)
            highs.addConstr(left <= amount)  # else rolled dollars would roll again
            highs.addConstr(amount - left + carried + over == used * chosen)
            old.append(carried)
            unused.append(left)
        before = self._rolled.get((path, year - 1))
        highs.addConstr(sum(old) <= (before if before is not None else 0.0))
        if contract.unused.rule == "roll" and year + 1 < contract.years:
            self._rolled[path, year] = rolled = highs.addVariable(lb=0)
            highs.addConstr(rolled <= share * sum(unused))
            if contract.unused.cap is not None:
                committed = sum(self._signed[year, band][1] for band in range(len(self._bands)))
                highs.addConstr(rolled <= float(contract.unused.cap) * committed)

    def solve(self) -> float:
        self._highs.run()
        status = self._highs.getModelStatus()
        assert status == highspy.HighsModelStatus.kOptimal, status
        return float(self._highs.getObjectiveValue())
