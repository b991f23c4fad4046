"""What it takes to get there: people, trials, judges, shadow traffic and the gateway, set against what it saves.

Three ways from doing nothing (today's demand, on demand at list): the signature alone, the engineering alone, both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import Contract
from baseload.commit.legs import Leg, simulate_legs
from baseload.commit.paths import Paths
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.timing.plans import two_scenarios
from baseload.commit.timing.words import about
from baseload.demand.adoption import Scenario

Way = Literal["signature", "engineering", "both"]
WAYS: Final[tuple[Way, ...]] = ("signature", "engineering", "both")
DAYS_PER_WEEK: Final = 5
RATE_USD_PER_WEEK: Final = 5_000.0
"""A person-week with everything on it. An assumption: replace it by your own."""


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What shipping the plan takes, in dollars of today. Raises CommitError on negative values.

    Work, trials, judges and shadow traffic are paid evenly over the first `months` (at their start), the gateway at the
    end of every month from `gateway_from_month` on. `signature_weeks` is the work of negotiating and signing, paid in
    the first month.
    """

    person_weeks: float = 0.0
    rate_usd_per_week: float = RATE_USD_PER_WEEK
    trials_usd: float = 0.0
    judges_usd: float = 0.0
    shadow_usd: float = 0.0
    gateway_usd_per_month: float = 0.0
    gateway_from_month: int = 0
    months: int = 3
    signature_weeks: float = 0.0

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if not (np.isfinite(value) and value >= 0):
                raise CommitError(f"effort.{field}", value, "0 or more")
        if self.months < 1:
            raise CommitError("effort.months", self.months, "at least 1")

    @property
    def once_usd(self) -> float:
        """Everything that is paid once for the engineering."""
        return self.person_weeks * self.rate_usd_per_week + self.trials_usd + self.judges_usd + self.shadow_usd


class WayWorth(msgspec.Struct, frozen=True, kw_only=True):
    """One way against doing nothing, means over the paths. Savings and effort are cash over the horizon.

    `npv_usd` is savings less effort at the cost of capital, `npv_p10_usd` to `npv_p90_usd` over the paths.
    `payback_month`: the first month (1 = the first) from which cash saved so far covers cash spent so far, for good;
    None = not within the horizon. `break_even_person_weeks`: the work at which the present value is 0, all else as
    stated; None for a way without engineering.
    """

    way: Way
    saves_usd: float
    effort_usd: float
    npv_usd: float
    npv_p10_usd: float
    npv_p90_usd: float
    payback_month: int | None
    break_even_person_weeks: float | None
    says: str


def effort_table(
    contract: Contract, scenarios: Mapping[Scenario, Paths], effort: Effort, *, wacc: float = 0.0
) -> tuple[WayWorth, ...]:
    """Signature, engineering, both, over the contract's term; the contract sized for each at least expected cost."""
    none, expected = two_scenarios(contract, scenarios)
    nothing = simulate_legs([], none, wacc)
    found = []
    for way in WAYS:
        usage = none if way == "signature" else expected
        legs = [] if way == "engineering" else [_signed(contract, usage)]
        journey = simulate_legs(legs, usage, wacc)
        start, end = _spent(effort, way, usage.months)
        gross = nothing.npv_usd - journey.npv_usd
        flow = (nothing.cash_usd - journey.cash_usd).mean(axis=0) - start - end
        found.append(
            _worth(way, effort, wacc, gross, flow, start, end, float((nothing.cost_usd - journey.cost_usd).mean()))
        )
    return tuple(found)


def plan_effort(document: Mapping[str, Any]) -> float:
    """Person-weeks of every change of a plan document (`baseload.plan/1`). Raises CommitError where it has none."""
    try:
        changes = document["adoption"]["changes"]
        return sum(float(change["person_days"]) for change in changes) / DAYS_PER_WEEK
    except (KeyError, TypeError, ValueError) as error:
        raise CommitError(
            "plan", "no person_days", "baseload.plan/1 with a run rate, so that it has changes"
        ) from error


def _signed(contract: Contract, usage: Paths) -> Leg:
    return Leg(contract=contract.sized(*optimum(contract, usage).commit_usd_by_year), start=0)


def _spent(effort: Effort, way: Way, months: int) -> tuple[Array, Array]:
    """Dollars due at the start and at the end of each month."""
    start, end = np.zeros(months), np.zeros(months)
    if way != "engineering":
        start[0] += effort.signature_weeks * effort.rate_usd_per_week
    if way != "signature":
        spread = min(effort.months, months)
        start[:spread] += effort.once_usd / spread
        end[effort.gateway_from_month :] = effort.gateway_usd_per_month
    return start, end


def _worth(
    way: Way, effort: Effort, wacc: float, gross: Array, flow: Array, start: Array, end: Array, saves: float
) -> WayWorth:
    months = np.arange(len(start))
    early, late = (1 + wacc) ** (-months / 12), (1 + wacc) ** (-(months + 1) / 12)
    net = gross - float(start @ early + end @ late)
    spread = min(effort.months, len(start))
    week = effort.rate_usd_per_week * float(early[:spread].mean())
    mean = float(net.mean())
    even = None if way == "signature" or not week else max(0.0, effort.person_weeks + mean / week)
    payback = _payback(flow)
    p10, p90 = np.quantile(net, [0.1, 0.9])
    return WayWorth(
        way=way,
        saves_usd=saves,
        effort_usd=float(start.sum() + end.sum()),
        npv_usd=mean,
        npv_p10_usd=float(p10),
        npv_p90_usd=float(p90),
        payback_month=payback,
        break_even_person_weeks=even,
        says=_says(way, mean, payback, even),
    )


def _payback(flow: Array) -> int | None:
    """The month after which the running sum never falls below 0 again."""
    short = np.flatnonzero(np.cumsum(flow) < -1e-6)
    if not len(short):
        return 1
    last = int(short[-1]) + 1
    return None if last >= len(flow) else last + 1


def _says(way: Way, npv: float, payback: int | None, even: float | None) -> str:
    what = {"signature": "The signature alone", "engineering": "The engineering alone", "both": "Both"}[way]
    back = f"pays back in month {payback}" if payback else "does not pay back within the term"
    work = "" if even is None else f"; worth it up to {even:,.0f} person-weeks"
    return f"{what}: {about(npv)} after effort, {back}{work}."
