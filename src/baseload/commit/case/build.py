"""From an offer, a demand and what was given to the document: every part priced on the same paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from typing import Final

import numpy as np

from baseload.commit.case.clauses import bundle_part, right_rows, rights_missing
from baseload.commit.case.dates import break_even_rows, order_rows, timing_rows
from baseload.commit.case.document import CaseDocument, CaseInputs
from baseload.commit.case.moves import billed_usd, leverage_part, moves_missing, walk_rows
from baseload.commit.case.priced import Priced, priced
from baseload.commit.case.records import CloudTerms
from baseload.commit.case.terms import CaseRequest
from baseload.commit.case.verdict import (
    bundle_said,
    effort_said,
    leverage_said,
    orders_said,
    rights_said,
    schedule_said,
    timing_said,
    walk_said,
)
from baseload.commit.case.work import effort_missing, effort_part, person_weeks, schedule_missing, schedule_part
from baseload.commit.refusal import CommitError
from baseload.commit.size.amounts import usd
from baseload.commit.timing.effort import Effort
from baseload.commit.timing.leverage import CLOUD_LEAD_MONTHS
from baseload.commit.timing.plans import BRIDGE_MONTHS, DELAY_MONTHS
from baseload.commit.timing.schedule import IN_TIME
from baseload.commit.worth.values import ASSUMED_WACC
from baseload.demand.months import month_text

Say = Callable[[str], None]
STAGES: Final = 5
_FEW_TO_GROUP: Final = 200
"""Under two groups of a hundred paths a later signing has one size for all run rates."""


def case(request: CaseRequest, say: Say | None = None) -> CaseDocument:
    """The document; `say` hears of each of `STAGES` stages. Raises CommitError; nothing half-computed."""
    tell = say or _quiet
    base = priced(request.offer.contract, request.demand)
    delay = _delay(request, base)
    schedule = schedule_part(request)
    tell("Timing")
    timing = timing_rows(base, delay, request.demand.seed)
    orders = order_rows(base, billed_usd(request.demand), delay)
    tell("Break-evens")
    breaks = break_even_rows(base, delay)
    tell("Effort, leverage and where to walk away")
    effort, leverage, walks = effort_part(request, base), leverage_part(request, base), walk_rows(request, base)
    tell("Asks and their bundle")
    bundled = bundle_part(request, base)
    tell("Rights")
    rights = right_rows(request, base)
    verdict = (
        *timing_said(timing, breaks),
        *orders_said(orders),
        *effort_said(effort),
        *schedule_said(schedule),
        *leverage_said(leverage),
        *walk_said(walks),
        *bundle_said(bundled.pricing),
        *rights_said(rights),
    )
    return CaseDocument(
        inputs=_inputs(request, base, delay),
        verdict=verdict,
        timing=timing,
        break_evens=breaks,
        orders=orders,
        effort=effort,
        schedule=schedule,
        leverage=leverage,
        walk_away=walks,
        bundle=bundled.pricing,
        rights=rights,
        missing=(
            *effort_missing(request),
            *schedule_missing(request),
            *moves_missing(request),
            *bundled.missing,
            *rights_missing(base),
        ),
        assumed=tuple(_assumed(request, base, delay, bundled.pricing is not None and bundled.pricing.measure == "npv")),
        assumed_terms=tuple(name for name in request.offer.assumed if name != "commit_usd_by_year"),
        warnings=(*request.warnings, *_thin(base)),
        problems=request.demand.problems,
    )


def _quiet(_: str) -> None:
    """Nobody listens."""


def _delay(request: CaseRequest, base: Priced) -> int:
    """Months on demand before a later signing: as given, else until all that is planned has likely shipped and moved
    everybody; without a plan as `commit size` has it. Raises CommitError.
    """
    most = base.contract.term_months - 1
    asked = request.given.delay_months
    if asked is None:
        ready = [one.ship_likely + one.ramp_months for one in request.demand.savings]
        return min(max(1, ceil(max(ready)) if ready else DELAY_MONTHS), most)
    if not 1 <= asked <= most:
        raise CommitError("--delay-months", asked, f"1 to {most}: a later contract ends with the term")
    return asked


def _assumed(request: CaseRequest, base: Priced, delay: int, npv: bool) -> Iterator[str]:
    """What nobody stated and the figures rest on."""
    given = request.given
    if given.delay_months is None:
        why = "by then all that is planned has likely shipped" if request.demand.savings else "nothing is planned"
        yield f"Who routes first signs after {delay} month{'' if delay == 1 else 's'}: {why} (--delay-months)."
    if base.contract.bridge is None:
        yield f"The offer names no bridge: {BRIDGE_MONTHS} months at list."
    if not base.contract.wacc:
        yield "The offer states no cost of capital (wacc): present value is cash."
    if npv and not base.contract.wacc:
        yield f"Asks about payment are priced at {ASSUMED_WACC:.0%} a year."
    if request.demand.savings and (person_weeks(request) is not None or given.trial_usd):
        yield f"Work and trials are paid evenly over the first {Effort().months} months."
    if given.signing is not None and request.demand.savings:
        yield (
            f"A change counts as in time from a chance of {IN_TIME:.0%}; a month's bill proves it; its ship date may "
            "slip as savings' dates do."
        )
    if given.cloud is not None:
        cap = (
            "" if float(given.cloud.channel.marketplace_cap) < 1 else " No cap on what burns down there (--cloud-cap)."
        )
        yield f"Another cloud takes {CLOUD_LEAD_MONTHS} months to be ready.{cap}"


def _thin(base: Priced) -> Iterator[str]:
    used = base.expected.count
    if used < base.drawn:
        yield (
            f"This offer is priced month by month: {used} of {base.drawn:,} paths stand for all in dates, effort and "
            f"leverage, {base.clauses.count} for asks, {base.rights.count} for rights."
        )
    elif base.rights.count < base.drawn:
        yield f"Rights are priced month by month on {base.rights.count} of {base.drawn:,} paths."
    if used < _FEW_TO_GROUP:
        paths = f"{used} path{'' if used == 1 else 's'}"
        yield (
            f"With {paths} a later signing has one size whatever the run rate is by then, so waiting looks a little "
            "worse than it is."
        )


def _inputs(request: CaseRequest, base: Priced, delay: int) -> CaseInputs:
    given, demand = request.given, request.demand
    weeks = person_weeks(request)
    return CaseInputs(
        offer=base.contract.name,
        offer_sha256=request.offer_sha256,
        demand_source=demand.source,
        demand_sha256=request.demand_sha256,
        savings=request.savings_text,
        savings_sha256=request.savings_sha256,
        first_month=None if demand.first_month is None else month_text(demand.first_month),
        term_months=base.contract.term_months,
        commit_basis=base.contract.commit_basis,
        history_months=None if demand.history is None else int((~np.isnan(demand.history.total)).sum()),
        paths=base.drawn,
        paths_timing=base.expected.count,
        paths_clauses=base.clauses.count,
        paths_rights=base.rights.count,
        seed=demand.seed,
        wacc=f"{base.contract.wacc:f}",
        delay_months=delay,
        signing=None if given.signing is None else given.signing.isoformat(),
        person_weeks=None if weeks is None else round(weeks, 6) + 0.0,
        person_weeks_from=None if weeks is None else "plan" if given.person_weeks is None else "flag",
        signature_weeks=given.signature_weeks,
        week_usd=_usd(given.week_usd),
        trial_usd=_usd(given.trial_usd),
        running_usd_per_month=_usd(given.running_usd_per_month),
        cloud=_cloud(request),
    )


def _usd(value: float | None) -> str | None:
    return None if value is None else usd(value)


def _cloud(request: CaseRequest) -> CloudTerms | None:
    cloud = request.given.cloud
    if cloud is None:
        return None
    return CloudTerms(
        name=cloud.channel.name,
        discount=float(cloud.discount),
        shadow_value=float(cloud.channel.shadow_value),
        commit_usd_per_year=usd(cloud.channel.cloud_commit_usd_per_year),
        marketplace_cap=float(cloud.channel.marketplace_cap),
    )
