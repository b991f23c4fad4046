"""`baseload status`: what the gateway's calls cost, what its routes really saved, and how that compares with the plan.

Three figures that must not be mixed. Actual: list price of what was used. Repriced: the same tokens at the model that
was asked for, an assumption, since it would have written other lengths. Realised: sessions served against sessions held
back at random, whatever became of them (`gateway.savings`); without a holdback it is not identified.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from baseload.gateway.savings import Saved, SessionCost, realised
from baseload.gateway.state.records import Rollback, RouteRow
from baseload.gateway.status_rows import Attempt, Read, each_first
from baseload.gateway.watching.terms import entry_says
from baseload.gateway.watching.views import Standing, as_served, standing_of
from baseload.plan.policy import Policy
from baseload.values import Problem

SCHEMA: Final = "baseload.status/1"
_SERVED: Final = ("serve", "spill")
NO_STAGES: Final = "not identified: a ledger does not say in which stage a session began; give the call log's folder"


class SpendPart(msgspec.Struct, frozen=True, kw_only=True):
    """List dollars, decimal strings. `retries`, `escalations` and `spills` are inside `actual`, and so inside what was
    realised; `shadow` and `trial` are beside it. `repriced` and `repriced_saved` are of the calls with both prices."""

    actual_usd: str
    repriced_usd: str
    repriced_saved_usd: str
    retries_usd: str
    escalations_usd: str
    spills_usd: str
    shadow_usd: str
    trial_usd: str
    unknown_calls: int  # ended, and their cost is not known: beside the actual cost
    in_flight: int
    in_flight_reserved_usd: str
    not_settled: int = 0  # of unknown_calls: their answer ended before its final usage
    not_settled_share: float = 0.0  # of the attempts that ended
    unknown_least_usd: str = "0"  # what was seen of them: unknown_calls cost this at least
    unknown_reserved_usd: str = "0"  # what budgets keep for them


class PlannedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the plan expects of a workload: `saving_share` of its cost, and dollars `per` (a year | in the window)."""

    saving_usd: str
    low_usd: str
    high_usd: str
    per: str
    saving_share: float | None


class RealisedPart(msgspec.Struct, frozen=True, kw_only=True):
    """`gateway.savings.Saved`, money as decimal strings; `net_usd` less what shadow calls and trials cost."""

    saved_usd: str | None
    low_usd: str | None
    high_usd: str | None
    net_usd: str | None
    share: float | None
    sessions: int
    reference: int
    left_out: int
    candidate_per_session_usd: str | None
    reference_per_session_usd: str | None
    candidate_per_completed_usd: str | None
    reference_per_completed_usd: str | None
    reason: str


class RoutePart(msgspec.Struct, frozen=True, kw_only=True):
    """Where a route stands. `rolled_back` and `held` say who and why, "" = neither."""

    policy_id: str
    candidate: str
    stage: str
    share: float
    holdback: float
    pairs: int
    alarms: tuple[str, ...]
    drift: tuple[str, ...]
    rolled_back: str
    held: str


class WorkloadStatus(msgspec.Struct, frozen=True, kw_only=True):
    workload: str  # "" = no entry of the policy claims these calls
    name: str
    calls: int
    attempts: int
    sessions: int
    spend: SpendPart
    realised: RealisedPart
    planned: PlannedPart | None = None
    route: RoutePart | None = None
    entry: str = ""  # what the policy wants of it, where no route stands: `left alone`, `pinned`, `not served yet`
    not_batched: dict[str, int] = msgspec.field(default_factory=dict)  # why calls that may wait went at once
    no_shadow: str = ""  # why its route never leaves the shadow stage; "" = nothing keeps it there


class StatusDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`baseload.status/1`. Times are UTC microseconds; None without a call. `dropped` records are missing here."""

    schema: str = SCHEMA
    source: str  # call log | ledger
    first_us: int | None
    last_us: int | None
    calls: int
    attempts: int
    dropped: int
    spend: SpendPart
    saved_usd: str | None  # realised, of the workloads where it is identified
    net_usd: str | None
    workloads: tuple[WorkloadStatus, ...]
    rollbacks: tuple[Rollback, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Span(msgspec.Struct):
    low_usd: str
    likely_usd: str
    high_usd: str


class _Planned(msgspec.Struct):
    id: str
    saving: _Span
    name: str = ""
    saving_share: float | None = None


class _Basis(msgspec.Struct):
    unit: str


class PlanFigures(msgspec.Struct):
    """What is read of a plan document."""

    basis: _Basis
    workloads: tuple[_Planned, ...]


def status(
    read: Read,
    *,
    source: str,
    plan: PlanFigures | None = None,
    policy: Policy | None = None,
    at_once: bool = False,
    routes: Sequence[RouteRow] = (),
    rollbacks: Sequence[Rollback] = (),
    no_shadow: Mapping[str, str] = MappingProxyType({}),
    seed: int = 0,
) -> StatusDocument:
    """The document. Workloads by actual cost, dearest first; those of routes that were never called come last.

    `policy` is the one in force: it says what is wanted of a workload that has no route. `at_once`: its entries are
    applied whatever stage their route is in. `no_shadow`: why no call of a workload is sent to its candidate as well.
    """
    by_workload: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in read.attempts:
        by_workload[attempt.workload].append(attempt)
    planned = {one.id: one for one in plan.workloads} if plan is not None else {}
    standing = _standings(routes, rollbacks, policy.policy_id if policy is not None and at_once else "")
    per = plan.basis.unit if plan is not None else ""
    parts = [
        _workload(name, by_workload.get(name, []), read, planned.get(name), per, standing.get(name), seed)
        for name in sorted({*by_workload, *standing, *(workload for workload, _ in read.not_batched)})
    ]
    entries = {entry.workload.id: entry for entry in policy.entries} if policy is not None else {}
    parts = [
        msgspec.structs.replace(
            one,
            entry=entry_says(entries[one.workload]) if one.route is None and one.workload in entries else "",
            not_batched={why: n for (workload, why), n in sorted(read.not_batched.items()) if workload == one.workload},
            no_shadow=no_shadow.get(one.workload, "") if one.route is None or one.route.stage == "shadow" else "",
        )
        for one in parts
    ]
    parts.sort(key=lambda one: (-Decimal(one.spend.actual_usd), one.workload))
    identified = [one.realised for one in parts if one.realised.saved_usd is not None]
    times = [attempt.start_us for attempt in read.attempts]
    return StatusDocument(
        source=source,
        first_us=min(times, default=None),
        last_us=max(times, default=None),
        calls=sum(one.calls for one in parts),
        attempts=len(read.attempts),
        dropped=read.dropped,
        spend=_spend(read.attempts),
        saved_usd=_text(sum((Decimal(one.saved_usd or 0) for one in identified), Decimal(0))) if identified else None,
        net_usd=_text(sum((Decimal(one.net_usd or 0) for one in identified), Decimal(0))) if identified else None,
        workloads=tuple(parts),
        rollbacks=tuple(rollbacks),
        problems=tuple(read.problems),
    )


def session_costs(attempts: Sequence[Attempt]) -> list[SessionCost]:
    """Sessions of one workload, each on the side and in the stage it began with, and all it cost from then on.

    Sessions that began on the incumbent outside the holdback are on neither side, nor are those of which no
    call's cost is known: they were not free. Of the others, calls of unknown cost add what was seen of them.
    """
    served = [attempt for attempt in attempts if attempt.purpose in _SERVED and attempt.session]
    usd: defaultdict[str, Decimal] = defaultdict(Decimal)
    known = {attempt.session for attempt in served if attempt.usd is not None}
    done: defaultdict[str, int] = defaultdict(int)
    for attempt in served:
        usd[attempt.session] += attempt.usd or attempt.seen_usd or 0
        done[attempt.session] += attempt.done
    found = []
    for first in each_first(served):
        if first.arm in ("candidate", "holdback") and first.session in known:
            side = "candidate" if first.arm == "candidate" else "reference"
            period = f"{first.policy_id} {first.stage}"
            cost = float(usd[first.session])
            found.append(SessionCost(period, side, cost, done[first.session]))  # type: ignore[arg-type]
    return found


def _workload(
    name: str,
    attempts: Sequence[Attempt],
    read: Read,
    planned: _Planned | None,
    per: str,
    route: RoutePart | None,
    seed: int,
) -> WorkloadStatus:
    served = [attempt for attempt in attempts if attempt.purpose in _SERVED]
    spend = _spend(attempts)
    saved = realised(session_costs(attempts), seed=seed) if read.has_stages else Saved(reason=NO_STAGES)
    return WorkloadStatus(
        workload=name,
        name=planned.name if planned is not None else "",
        calls=len({attempt.trip or n for n, attempt in enumerate(served)}),
        attempts=len(attempts),
        sessions=len({attempt.session for attempt in served if attempt.session}),
        spend=spend,
        realised=_realised(saved, spend),
        planned=PlannedPart(
            saving_usd=planned.saving.likely_usd,
            low_usd=planned.saving.low_usd,
            high_usd=planned.saving.high_usd,
            per=per,
            saving_share=planned.saving_share,
        )
        if planned is not None
        else None,
        route=route,
    )


def _realised(saved: Saved, spend: SpendPart) -> RealisedPart:
    beside = Decimal(spend.shadow_usd) + Decimal(spend.trial_usd)
    money = ("saved_usd", "low_usd", "high_usd", "candidate_per_session_usd", "reference_per_session_usd",
             "candidate_per_completed_usd", "reference_per_completed_usd")  # fmt: skip
    texts = {name: _of_float(getattr(saved, name)) for name in money}
    net = None if saved.saved_usd is None else _text(Decimal(repr(float(saved.saved_usd))) - beside)
    return RealisedPart(
        **texts,
        net_usd=net,
        share=saved.share,
        sessions=saved.sessions,
        reference=saved.reference,
        left_out=saved.left_out,
        reason=saved.reason,
    )


def _spend(attempts: Iterable[Attempt]) -> SpendPart:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    unknown = in_flight = not_settled = 0
    last: dict[str, int] = {}
    rows = list(attempts)
    for one in rows:
        if one.trip and one.purpose in _SERVED:
            last[one.trip] = max(last.get(one.trip, 0), one.attempt)
    for one in rows:
        if one.in_flight:
            in_flight += 1
            sums["reserved"] += one.reserved_usd
            continue
        if one.usd is None:
            unknown += 1
            not_settled += one.seen_usd is not None
            sums["least"] += one.seen_usd or 0
            sums["kept"] += one.reserved_usd
            continue
        for name in _names(one, last):
            sums[name] += one.usd
        if one.purpose in _SERVED and one.original_usd is not None:
            sums["repriced"] += one.original_usd
            sums["repriced_saved"] += one.original_usd - one.usd
    return SpendPart(
        actual_usd=_text(sums["actual"]),
        repriced_usd=_text(sums["repriced"]),
        repriced_saved_usd=_text(sums["repriced_saved"]),
        retries_usd=_text(sums["retries"]),
        escalations_usd=_text(sums["escalations"]),
        spills_usd=_text(sums["spill"]),
        shadow_usd=_text(sums["shadow"]),
        trial_usd=_text(sums["trial"]),
        unknown_calls=unknown,
        in_flight=in_flight,
        in_flight_reserved_usd=_text(sums["reserved"]),
        not_settled=not_settled,
        not_settled_share=not_settled / max(1, len(rows) - in_flight),
        unknown_least_usd=_text(sums["least"]),
        unknown_reserved_usd=_text(sums["kept"]),
    )


def _names(one: Attempt, last: Mapping[str, int]) -> tuple[str, ...]:
    """The sums a priced attempt counts in."""
    if one.purpose not in _SERVED:
        return (one.purpose,)
    retried = one.attempt < last.get(one.trip, 0)
    return (
        "actual",
        *(("retries",) if retried else ()),
        *(("escalations",) if one.fell_back else ()),
        *(("spill",) if one.purpose == "spill" else ()),
    )


def _standings(routes: Sequence[RouteRow], rollbacks: Sequence[Rollback], applied: str) -> dict[str, RoutePart]:
    """The latest route of each workload. `applied`: the policy whose entries are applied at once, "" = none."""
    backs = {(back.workload, back.candidate): back for back in rollbacks}
    found: dict[str, RoutePart] = {}
    for row in sorted(routes, key=lambda one: one.changed_us):
        standing = standing_of(row.state, row.policy_id)
        back = backs.get((row.workload, standing.view.candidate))
        view = as_served(standing.view, at_once=bool(applied) and row.policy_id == applied)
        found[row.workload] = _route(row, msgspec.structs.replace(standing, view=view), back)
    return found


def _route(row: RouteRow, standing: Standing, back: Rollback | None) -> RoutePart:
    view = standing.view
    barred = back is not None or view.rolled_back
    return RoutePart(
        policy_id=row.policy_id,
        candidate=view.candidate,
        stage="rolled back" if barred else view.stage,
        share=0.0 if barred else view.share,
        holdback=view.holdback,
        pairs=standing.pairs,
        alarms=standing.alarms,
        drift=tuple(alarm for alarm in standing.alarms if alarm.startswith("drift of ")),
        rolled_back=back.says if back is not None else standing.why_back,
        held=standing.held,
    )


def _of_float(value: float | None) -> str | None:
    return None if value is None else _text(Decimal(repr(float(value))))


def _text(amount: Decimal) -> str:
    """To a billionth of a dollar, without an exponent."""
    return f"{amount:.9f}".rstrip("0").rstrip(".") if amount else "0"
