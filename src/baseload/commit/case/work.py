"""What it takes: effort against what it saves, and the schedule backwards from the signing."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from baseload.commit.case.document import EffortPart, Missing, SchedulePart
from baseload.commit.case.priced import Priced
from baseload.commit.case.records import DueRow, EffortRow
from baseload.commit.case.terms import CaseRequest, near
from baseload.commit.size.amounts import share, usd
from baseload.commit.timing.effort import Effort, WayWorth, effort_table
from baseload.commit.timing.schedule import CAPACITY_DAYS_PER_WEEK, IN_TIME, PROOF_MONTHS, Due, backward_schedule
from baseload.commit.timing.words import about


def person_weeks(request: CaseRequest) -> float | None:
    """Of engineering: as given, else the plan's."""
    if request.given.person_weeks is not None:
        return request.given.person_weeks
    return None if request.plan is None else request.plan.weeks


def effort_part(request: CaseRequest, case: Priced) -> EffortPart:
    """Three ways; the signature alone where nothing is planned. Net figures need the work and its rate."""
    given, weeks = request.given, person_weeks(request)
    known = Effort(
        person_weeks=weeks or 0.0,
        rate_usd_per_week=given.week_usd or 0.0,
        trials_usd=given.trial_usd or 0.0,
        gateway_usd_per_month=given.running_usd_per_month or 0.0,
        signature_weeks=given.signature_weeks or 0.0,
    )
    gross = effort_table(case.contract, case.scenarios, Effort(rate_usd_per_week=0.0), wacc=case.wacc)
    net = effort_table(case.contract, case.scenarios, known, wacc=case.wacc)
    if not request.demand.savings:
        gross, net = gross[:1], net[:1]
    whole = weeks is not None and given.week_usd is not None
    return EffortPart(
        months=known.months,
        rows=tuple(_row(one, other, whole, given.week_usd) for one, other in zip(gross, net, strict=True)),
    )


def _row(gross: WayWorth, net: WayWorth, whole: bool, week_usd: float | None) -> EffortRow:
    even = share(net.break_even_person_weeks) if week_usd else None
    row = EffortRow(
        way=gross.way,
        saves_usd=usd(gross.saves_usd),
        gross_npv_usd=usd(gross.npv_usd),
        gross_p10_usd=usd(gross.npv_p10_usd),
        gross_p90_usd=usd(gross.npv_p90_usd),
        effort_usd=None,
        npv_usd=None,
        npv_p10_usd=None,
        npv_p90_usd=None,
        payback_month=None,
        break_even_person_weeks=even,
        says=_before(gross, even),
    )
    if not whole:
        return row
    return replace(
        row,
        effort_usd=usd(net.effort_usd),
        npv_usd=usd(net.npv_usd),
        npv_p10_usd=usd(net.npv_p10_usd),
        npv_p90_usd=usd(net.npv_p90_usd),
        payback_month=net.payback_month,
        says=net.says,
    )


def _before(one: WayWorth, even: float | None) -> str:
    what = {"signature": "The signature alone", "engineering": "The engineering alone", "both": "Both"}[one.way]
    work = "" if even is None else f"; worth it up to {even:,.0f} person-weeks"
    return f"{what}: {about(one.npv_usd)} before effort, which is not known{work}."


def effort_missing(request: CaseRequest) -> Iterator[Missing]:
    """What of effort is not known, and so null or not counted."""
    given = request.given
    if not request.demand.savings:
        says = "Nothing is planned: engineering, what can be scaled down and what the plan changes are left out."
        yield Missing(part="effort", needs="--plan or --savings", says=says)
    if person_weeks(request) is None:
        why = f": {request.no_plan_work}" if request.no_plan_work else ""
        says = f"Person-weeks are not known{why}; nothing is net of effort."
        yield Missing(part="effort", needs="--effort-weeks, or a --plan with a run rate", says=says)
    if given.week_usd is None:
        says = "What a person-week costs is not known; nothing is net of effort."
        yield Missing(part="effort", needs="--week-usd", says=says)
    for flag, value, what in (
        ("--trial-usd", given.trial_usd, "Trials"),
        ("--running-usd-month", given.running_usd_per_month, "Shadow traffic, judges and the gateway"),
        ("--signature-weeks", given.signature_weeks, "Weeks of negotiating and signing"),
    ):
        if value is None:
            yield Missing(part="effort", needs=flag, says=f"{what} are not counted: no amount is given.")


def schedule_part(request: CaseRequest) -> SchedulePart | None:
    """Backwards from the signing; None where there is no date or nothing to schedule. Raises CommitError."""
    signing, demand = request.given.signing, request.demand
    if signing is None or demand.first_month is None:
        return None
    day = near(signing, demand.first_month)  # a slip of the pen is refused whether or not anything is scheduled from it
    if not demand.savings:
        return None
    pace = None if request.plan is None else request.plan.pace
    found = backward_schedule(
        demand.savings,
        day,
        demand.first_month,
        work=() if request.plan is None else request.plan.work,
        capacity_days_per_week=CAPACITY_DAYS_PER_WEEK if pace is None else pace,
    )
    return SchedulePart(
        signing=signing.isoformat(),
        proof_months=PROOF_MONTHS,
        in_time=IN_TIME,
        capacity_days_per_week=pace,
        rows=tuple(_due(one) for one in found),
        bridge=tuple(one.name for one in found if one.verdict == "bridge"),
    )


def _due(one: Due) -> DueRow:
    return DueRow(
        name=one.name,
        workload=one.workload,
        saves_share=round(one.saves_share, 6) + 0.0,
        ships=one.ships.isoformat(),
        proven=one.proven.isoformat(),
        ship_by=one.ship_by.isoformat(),
        start_by=None if one.start_by is None else one.start_by.isoformat(),
        slack_weeks=one.slack_weeks,
        p_shipped=round(one.p_shipped, 6) + 0.0,
        p_proven=round(one.p_proven, 6) + 0.0,
        verdict=one.verdict,
        says=one.says,
    )


def schedule_missing(request: CaseRequest) -> Iterator[Missing]:
    if request.given.signing is None:
        yield Missing(part="schedule", needs="--signing", says="Without the day of signing there is no schedule.")
    if not request.demand.savings:
        yield Missing(part="schedule", needs="--plan or --savings", says="Nothing is planned: no schedule.")
    elif request.plan is None:
        why = request.no_plan_work or "one saving by hand says no work"
        says = f"The last day to start is not known: {why}."
        yield Missing(part="schedule", needs="--plan with a run rate", says=says)
