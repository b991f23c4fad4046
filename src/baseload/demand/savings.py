"""Savings somebody expects, each with its size, its ship date and the chance that it lands.

From the command line (`low,likely,high,ship_date`) or from a plan document (`baseload.plan/1`), change by change.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from baseload.demand.history import ALL, DemandError, History
from baseload.demand.months import days_in_month, parse_month
from baseload.values import Problem

PLAN_SCHEMA: Final = "baseload.plan/1"
PROVEN_GRADES: Final = frozenset({"billed", "measured", "replayed"})
PROBABILITY: Final[Mapping[str, float]] = {
    "billed": 0.98,
    "measured": 0.95,
    "replayed": 0.9,
    "simulated": 0.8,
    "sampled": 0.75,
    "assumed": 0.5,
}
"""Chance that a saving of this grade lands at all; assumptions, until `baseload close` has measured some."""
SLIP: Final = (1.0, 1.25, 2.0)
"""A ship week is met at best, missed by a quarter as a rule, doubled at worst. An assumption."""
LATE_MONTHS: Final = 3.0
"""A ship date given by hand is met at best and missed by three months at worst. An assumption."""
WEEKS_PER_MONTH: Final = 365 / 12 / 7
_UNKNOWN_WEEKS: Final = 13.0
"""A plan that does not say when (no run rate): a quarter. An assumption."""
_SHOWN: Final = 40
_PERCENT: Final = re.compile(r"\d{1,3}(\.\d{1,6})?%", re.ASCII)
_SHARE: Final = re.compile(r"[01]?(\.\d{1,9})?|[01]", re.ASCII)


class Saving(msgspec.Struct, frozen=True, kw_only=True):
    """A triangular share of a workload's list dollars as billed, from a triangular ship date on.

    Dates count in months from the first month of the paths (0.0 is its first moment; negative has shipped). Raises
    DemandError on values that contradict each other.
    """

    name: str
    workload: str = ALL  # "all" = every workload
    low: float
    likely: float
    high: float
    ship_first: float = 0.0
    ship_likely: float = 0.0
    ship_last: float = 0.0
    ramp_months: float = 1.0  # from the first caller to all of them
    probability: float = 1.0
    proven: bool = False

    def __post_init__(self) -> None:
        rules = (
            ("low, likely, high", (self.low, self.likely, self.high), -1 <= self.low <= self.likely <= self.high <= 1),
            ("ship", self.ship_likely, self.ship_first <= self.ship_likely <= self.ship_last),
            ("ramp_months", self.ramp_months, self.ramp_months >= 0),
            ("probability", self.probability, 0 <= self.probability <= 1),
        )
        for field, value, holds in rules:
            if not holds:
                raise DemandError(f"saving {self.name[:_SHOWN]!r}: {field} {value}; see docs/reference/demand.md")


def parse_savings(text: str, first_month: int) -> Saving:
    """`low,likely,high,ship_date` as one saving on everything.

    Shares are fractions (0.45) or percents (45%); the date is YYYY-MM-DD or YYYY-MM. Raises DemandError.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4:
        raise DemandError(
            f"--savings: {len(parts)} values; expected four: low,likely,high,ship_date (0.3,0.45,0.6,2027-03-01)"
        )
    low, likely, high = (_share(part, name) for part, name in zip(parts, ("low", "likely", "high"), strict=False))
    if not low <= likely <= high:
        raise DemandError(f"--savings: {low:g}, {likely:g}, {high:g} do not rise; expected low, likely, high in order")
    ship = _ship(parts[3], first_month)
    return Saving(
        name="savings",
        low=low,
        likely=likely,
        high=high,
        ship_first=ship,
        ship_likely=ship,
        ship_last=ship + LATE_MONTHS,
        probability=PROBABILITY["assumed"],
    )


def _share(text: str, name: str) -> float:
    if _PERCENT.fullmatch(text):
        value = float(text[:-1]) / 100
    elif text and _SHARE.fullmatch(text):
        value = float(text)
    else:
        value = -1.0
    if not 0 <= value <= 1:
        raise DemandError(f"--savings: {name} {text[:_SHOWN]!r}; expected a share of 0 to 1 (0.45) or a percent (45%)")
    return value


def _ship(text: str, first_month: int) -> float:
    try:
        if len(text) == 7:
            return float(parse_month(text) - first_month)
        return month_place(dt.date.fromisoformat(text), first_month)
    except ValueError as error:
        raise DemandError(f"--savings: ship_date {text[:_SHOWN]!r}; expected YYYY-MM-DD or YYYY-MM") from error


def month_place(day: dt.date, first_month: int) -> float:
    """Where the start of a day lies, in months from the start of `first_month`."""
    month = day.year * 12 + day.month - 1
    return month - first_month + (day.day - 1) / days_in_month(month)


def plan_savings(document: Mapping[str, Any], history: History) -> tuple[list[Saving], list[Problem]]:
    """Every saving of a plan document, as shares of what its workload costs.

    A workload is matched by id, then by name; a history of one series takes all. What matches nothing is spread over
    everything, and is a problem. Raises DemandError when the document is no `baseload.plan/1` or holds no amount.
    """
    if document.get("schema") != PLAN_SCHEMA:
        raise DemandError(f"--plan: schema {str(document.get('schema'))[:_SHOWN]!r}; expected {PLAN_SCHEMA}")
    try:
        workloads = {one["id"]: one for one in document["workloads"]}
        place = month_place(dt.date.fromisoformat(document["as_of"]), history.next_month)
        billed = float(_usd(document["totals"]["as_billed_usd"]))
        changes = _changes(document)
        found = [_saving(change, workloads[change["workload"]], billed, place, history) for change in changes]
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise DemandError(f"--plan: {type(error).__name__} at {str(error)[:_SHOWN]}; expected {PLAN_SCHEMA}") from error
    spread = {change["workload"] for change, one in zip(changes, found, strict=True) if one.workload == ALL}
    strangers = sorted(spread) if len(history.names) > 1 else []
    past = [one for one in found if one.ship_likely <= 0]
    return found, [*(_unmatched(name) for name in strangers), *(_overdue(one) for one in past)]


def _changes(document: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The changes with their ship weeks; where the plan has no run rate, its steps, without a week."""
    if document.get("adoption") is not None:
        found: Sequence[Mapping[str, Any]] = document["adoption"]["changes"]
        return found
    return [
        {**step, "workload": workload["id"]}
        for workload in document["workloads"]
        for step in workload["steps"]
        if step["grade"]
    ]


def _saving(
    change: Mapping[str, Any], workload: Mapping[str, Any], billed: float, place: float, history: History
) -> Saving:
    match = next((name for name in (workload["id"], workload["name"]) if name in history.names), ALL)
    whole = float(_usd(workload["as_billed_usd"])) if match != ALL else billed
    low, likely, high = (float(_usd(change["saving"][f"{end}_usd"])) / whole for end in ("low", "likely", "high"))
    week = change.get("ships_in_week")
    first, middle, last = (place + (week or _UNKNOWN_WEEKS) * slip / WEEKS_PER_MONTH for slip in SLIP)
    grade = str(change["grade"])
    return Saving(
        name=f"{change['workload']}/{change['lever']}",
        workload=match,
        low=min(max(low, -1.0), 1.0),
        likely=min(max(likely, -1.0), 1.0),
        high=min(max(high, -1.0), 1.0),
        ship_first=first,
        ship_likely=middle,
        ship_last=last,
        probability=PROBABILITY[grade],
        proven=grade in PROVEN_GRADES,
    )


def _usd(text: Any) -> Decimal:
    """A dollar field; ValueError on what is no finite amount."""
    value = Decimal(text) if isinstance(text, str) else Decimal("nan")
    if not value.is_finite():
        raise ValueError("a dollar field that is no amount")
    return value


def overdue(savings: Sequence[Saving], until: float = 0.0) -> list[Problem]:
    """One problem for each saving that was due before the demand ended, `until` months from the paths' first."""
    return [_overdue(one) for one in savings if one.ship_likely < until]


def _overdue(saving: Saving) -> Problem:
    return Problem(
        source="demand",
        file="",
        row=0,
        code="saving-due-before-demand-ends",
        message="A saving was due before the demand ends: if it has shipped, it would be counted twice",
        value=saving.name[:60],
        expected="a ship date after the last month of the demand",
        next_step="Leave it out, or make the plan again from the same ledger",
    )


def _unmatched(workload: str) -> Problem:
    return Problem(
        source="demand",
        file="",
        row=0,
        code="saving-without-workload",
        message="A saving of the plan is about a workload the demand does not name: it is spread over everything",
        value=workload[:60],
        expected="the workloads of one ledger in both",
        next_step="Make the plan and the demand from the same ledger, or use a demand file of one series",
    )
