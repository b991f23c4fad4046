"""Backwards from the day of signing: which changes can be shipped and proven in time, and which go to the bridge."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final, Literal

import msgspec

from baseload.commit.refusal import CommitError
from baseload.demand.months import days_in_month
from baseload.demand.savings import Saving, month_place

Verdict = Literal["proven", "shipped", "bridge"]
IN_TIME: Final = 0.8
"""Chance of being in time from which a change counts as such."""
PROOF_MONTHS: Final = 1.0
"""After everybody has moved, one month's bill shows it. An assumption."""
CAPACITY_DAYS_PER_WEEK: Final = 5.0
_WEEK: Final = dt.timedelta(weeks=1)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one change takes; `name` is that of its saving, workload/lever."""

    name: str
    person_days: float
    trial_weeks: float = 0.0


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One change against the day of signing.

    `ships` and `proven` are its likely days; `ship_by` the last day that still leaves room for moving everybody and
    for the proof; `start_by` the last day to start its work, those after it in the same team done too (None = work not
    stated, or left to the bridge). `slack_weeks` from `ships` to `ship_by`, negative where late. `p_shipped`: chance
    that everybody has moved by the signing; `p_proven`: that a bill has shown it as well. Neither says it succeeds.
    """

    name: str
    workload: str
    saves_share: float  # likely, of its workload's list dollars
    ships: dt.date
    proven: dt.date
    ship_by: dt.date
    start_by: dt.date | None
    slack_weeks: int
    p_shipped: float
    p_proven: float
    verdict: Verdict
    says: str


def backward_schedule(
    savings: Sequence[Saving],
    signing: dt.date,
    first_month: int,
    *,
    work: Sequence[Work] = (),
    capacity_days_per_week: float = CAPACITY_DAYS_PER_WEEK,
    proof_months: float = PROOF_MONTHS,
) -> tuple[Due, ...]:
    """Every change, the earliest to ship first.

    `first_month` (year x 12 + month - 1) is the month that the savings' dates count from. Work is packed backwards at
    the team's pace. Raises CommitError on a pace of 0 or a negative proof.
    """
    if capacity_days_per_week <= 0 or proof_months < 0:
        raise CommitError("schedule", f"{capacity_days_per_week} days a week, {proof_months} months", "more than 0")
    sign = month_place(signing, first_month)
    ordered = sorted(savings, key=lambda one: (one.ship_likely, one.name))
    verdicts = [_verdict(one, sign, proof_months) for one in ordered]
    needed = {one.name: one for one in work}
    starts = _starts(ordered, verdicts, needed, sign, first_month, capacity_days_per_week, proof_months)
    return tuple(
        _due(saving, verdict, start, sign, first_month, proof_months)
        for saving, verdict, start in zip(ordered, verdicts, starts, strict=True)
    )


def plan_work(document: Mapping[str, Any]) -> tuple[tuple[Work, ...], float]:
    """Work of a plan document's changes, and its pace in person-days a week. Raises CommitError where it has none."""
    try:
        adoption = document["adoption"]
        weeks = float(adoption["trial_weeks"])
        work = tuple(
            Work(
                name=f"{change['workload']}/{change['lever']}",
                person_days=float(change["person_days"]),
                trial_weeks=weeks if change["needs_trial"] else 0.0,
            )
            for change in adoption["changes"]
        )
        return work, float(adoption["capacity_days_per_week"])
    except (KeyError, TypeError, ValueError) as error:
        raise CommitError("plan", "no adoption", "baseload.plan/1 with a run rate, so that it has changes") from error


def chance_by(saving: Saving, place: float) -> float:
    """Chance that a change has shipped by this moment: its ship date is triangular."""
    low, likely, high = saving.ship_first, saving.ship_likely, saving.ship_last
    if place >= high:
        return 1.0
    if place <= low:
        return 0.0
    if place < likely:
        return (place - low) ** 2 / ((high - low) * (likely - low))
    return 1 - (high - place) ** 2 / ((high - low) * (high - likely))


def _verdict(saving: Saving, sign: float, proof: float) -> Verdict:
    if chance_by(saving, sign - saving.ramp_months - proof) >= IN_TIME:
        return "proven"
    return "shipped" if chance_by(saving, sign - saving.ramp_months) >= IN_TIME else "bridge"


def _starts(
    savings: Sequence[Saving],
    verdicts: Sequence[Verdict],
    work: Mapping[str, Work],
    sign: float,
    first_month: int,
    capacity: float,
    proof: float,
) -> list[dt.date | None]:
    """The last day to start each change: from the last one backwards, one after the other."""
    found: list[dt.date | None] = []
    next_start = dt.date.max
    for saving, verdict in reversed(list(zip(savings, verdicts, strict=True))):
        needed = work.get(saving.name)
        if needed is None or verdict == "bridge" or saving.ship_likely <= 0:
            found.append(None)
            continue
        room = proof if verdict == "proven" else 0.0
        ship_by = day_of(sign - saving.ramp_months - room, first_month)
        done_by = min(ship_by - needed.trial_weeks * _WEEK, next_start)
        next_start = done_by - dt.timedelta(days=ceil(7 * needed.person_days / capacity))
        found.append(next_start)
    return found[::-1]


def _due(saving: Saving, verdict: Verdict, start: dt.date | None, sign: float, first_month: int, proof: float) -> Due:
    last = sign - saving.ramp_months - proof
    ships, ship_by = day_of(saving.ship_likely, first_month), day_of(last, first_month)
    return Due(
        name=saving.name,
        workload=saving.workload,
        saves_share=saving.likely,
        ships=ships,
        proven=day_of(saving.ship_likely + saving.ramp_months + proof, first_month),
        ship_by=ship_by,
        start_by=start,
        slack_weeks=(ship_by - ships).days // 7,
        p_shipped=chance_by(saving, sign - saving.ramp_months),
        p_proven=chance_by(saving, last),
        verdict=verdict,
        says=_says(verdict, ship_by, start),
    )


def _says(verdict: Verdict, ship_by: dt.date, start: dt.date | None) -> str:
    begin = f"start by {start}, " if start else ""
    if verdict == "proven":
        return f"{begin}ship by {ship_by}: a bill proves it before you sign."
    if verdict == "shipped":
        return f"{begin}it ships before you sign, but no bill proves it: sign for it with its chance, or bridge."
    return "Not in time: leave it to the bridge, and size what you sign with its chance."


def day_of(place: float, first_month: int) -> dt.date:
    """The day that lies `place` months after the start of `first_month`."""
    whole = int(place // 1)
    month = first_month + whole
    day = 1 + int((place - whole) * days_in_month(month) + 1e-9)
    return dt.date(month // 12, month % 12 + 1, day)
