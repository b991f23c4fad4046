"""From the map's first half to the plan: menus of what each workload could do, the cheapest plan, the baseline.

ranked spend -> positions -> menus (fixes, routes, caches, batch) -> portfolio -> baseline, adoption, cash -> plan
                              ^ verdicts                             ^ rule sets                       |-> policy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np

from baseload.engine.port import Engine
from baseload.ledger.effective import billed_and_list
from baseload.ledger.peaks import peak_hours_sql, peak_minutes_sql, peaks_by_workload, signature_workload
from baseload.ledger.prompt_sizes import prompt_sizes_sql, sizes_by_signature
from baseload.ledger.queries import shape_sql
from baseload.ledger.request_settings import settings_by_signature, settings_sql
from baseload.ledger.run_rate import RunRate, complete_window, run_rate
from baseload.ledger.session_models import mix_by_workload, session_mix_sql
from baseload.ledger.store import Ledger
from baseload.ledger.totals import daily_nano, daily_tokens, inside, whole_days
from baseload.levers.batch.clock import BatchClock
from baseload.levers.batch.flow import LOWEST_TIER, TIERS
from baseload.levers.batch.workloads import (
    BatchFacts,
    BatchSettings,
    batch_facts,
    batch_outcomes,
    clock_of,
    request_of,
)
from baseload.levers.cache.opportunity import planned_opportunities
from baseload.levers.cache.report import WorkloadCache, workload_caches
from baseload.levers.cache.rows import rows_by_workload
from baseload.levers.cache.workload import cache_outcomes
from baseload.levers.evidence import repeats_by_workload
from baseload.levers.fixes import fixes
from baseload.levers.options import CacheOutcome, Menu, RouteOption
from baseload.levers.position import Position, by_workload
from baseload.levers.positions import positions_of
from baseload.levers.route.alone import routing_alone
from baseload.levers.route.candidates import route_options
from baseload.levers.route.finding_out import bars_by_workload
from baseload.levers.route.headroom import Limits, PoolLimit, unknown_pools
from baseload.levers.route.shape import RouteShape, route_shapes
from baseload.levers.route.verdicts import VerdictKey, unused_verdicts
from baseload.pipeline import MapRequest, Ranked, rank_ledger
from baseload.plan.adoption import Adoption, Pace, adopt
from baseload.plan.assemble import build
from baseload.plan.baseline import baseline
from baseload.plan.cash import CashYear, Commitment, cash_year, effective_rate
from baseload.plan.changes import PERSON_DAYS, changes_of
from baseload.plan.claude_code import coding_agents
from baseload.plan.document import BookPart, PlanDocument
from baseload.plan.facts import PlanFacts
from baseload.plan.finding_out import open_moves
from baseload.plan.planned import Planned
from baseload.plan.policy import Policy
from baseload.plan.policy_places import places
from baseload.plan.policy_plan import policy_of
from baseload.plan.portfolio import SCENARIOS, Portfolio, plan_portfolio, planned_under
from baseload.plan.price_ends import price_ends
from baseload.prices.book import PriceBook
from baseload.project import CommitmentLeft, Project
from baseload.quality.trial.together import Together, sentence_of
from baseload.values import Opportunity, Problem, Table, Verdict, Window, Workload, day_of_date
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.shape import shapes_by_signature


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the shell knows: the map's request, what trials found, and the company's own batch times (None: ours).

    `together` says which of its trials stand together, `trial_names` what each is called. `problems` are those of
    reading the verdicts.
    """

    map: MapRequest
    verdicts: Mapping[VerdictKey, Verdict] = msgspec.field(default_factory=dict)
    completion: bytes | None = None
    together: tuple[Together, ...] = ()
    trial_names: Mapping[str, str] = msgspec.field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class Plan(NamedTuple):
    """The document, and what the policy file and the change sheets are written from.

    `cache_opportunities` are what the cache plan alone would save in `window`, on the models of today.
    """

    document: PlanDocument
    window: Window
    cache_opportunities: Sequence[Opportunity]
    policy: Policy
    comments: Mapping[str, Sequence[str]]
    expected: Sequence[Planned]
    adoption: Adoption


class Batching(NamedTuple):
    """What was asked about batches, for the pictures."""

    facts: BatchFacts
    settings: BatchSettings


LEAST_PAID, MOST_PAID = Decimal("0.4"), Decimal("1.1")
"""A bill outside these shares of its list price is not the bill of the usage beside it (as in `baseload close`)."""
MOST_PICTURES = 100
"""Of so many workloads, dearest first, the page shows what their requests are made of and when batches close."""


class _Ground(NamedTuple):
    """What a plan stands on: spend by workload in its window, before any lever is asked."""

    ranked: Ranked
    rate: RunRate
    window: Window
    positions: Mapping[str, Sequence[Position]]
    workloads: Mapping[str, Workload]

    @property
    def bill_nano(self) -> int:
        """Of a year where there is a run rate, else of what was observed."""
        return self.rate.annual_nano if self.rate.annual_nano is not None else self.rate.observed_nano


class _Chosen(NamedTuple):
    """What the levers could do, and what each scenario's plan takes of it."""

    menus: Mapping[str, Menu]
    batching: Batching
    portfolio: Portfolio
    planned: Mapping[str, Sequence[Planned]]
    problems: Sequence[Problem]


class _Outlook(NamedTuple):
    """How fast the expected plan is taken up, and what it does to cash."""

    adoption: Adoption
    cash: CashYear | None
    rate_of_list: Decimal | None


def plan_ledger(ledger: Ledger, engine: Engine, book: PriceBook, request: PlanRequest) -> tuple[Plan, list[Problem]]:
    """The plan of everything a ledger holds. Raises NothingToRead when no row of it has a token or a dollar."""
    project, day = request.map.project, request.map.as_of_day
    ground = _ground(rank_ledger(ledger, engine, book, project, latency=True), day)
    chosen = _chosen(ledger, engine, book, request, ground)
    expected = chosen.planned["expected"]
    outlook, odd = _outlook(ground, expected, project, day)
    conditions, unmatched = places(ledger.signatures(), ground.ranked.workload_of, project.workload)
    every = [one for members in ground.positions.values() for one in members]
    problems = [
        *ground.ranked.problems,
        *request.problems,
        *unused_verdicts(request.verdicts, ground.workloads),
        *chosen.problems,
        *unmatched,
        *odd,
        *price_ends(every, book, day),
    ]
    document = build(_facts(engine, book, request, ground, chosen, outlook, problems))
    policy, comments = policy_of(
        chosen.planned["deployable"],
        conditions,
        created=request.map.as_of,
        prices_checked=book.checked.isoformat(),
        hoped=expected,
        edited=chosen.planned["edited"],
        batch_window=project.plan.batch_window,
    )
    alone = planned_opportunities({name: menu.caches for name, menu in chosen.menus.items()}, every, book, day)
    return Plan(document, ground.window, alone, policy, comments, expected, outlook.adoption), problems


def _ground(ranked: Ranked, as_of_day: int) -> _Ground:
    rate = _run_rate(ranked, as_of_day)
    window = rate.window or ranked.window
    workloads = {workload.id: workload for workload in (UNATTRIBUTED, *ranked.workload_of.values())}
    return _Ground(ranked, rate, window, _positions(ranked, window), workloads)


def _chosen(ledger: Ledger, engine: Engine, book: PriceBook, request: PlanRequest, ground: _Ground) -> _Chosen:
    ranked, positions, workloads = ground.ranked, ground.positions, ground.workloads
    menus, batching, said = _menus(ledger, engine, book, request, ranked, positions, workloads)
    portfolio, faults = plan_portfolio(workloads, positions, menus, book, request.map.as_of_day)
    agents = coding_agents(ledger.signatures(), ranked.workload_of)
    days = ground.window.days if ground.rate.window else 365
    planned = {
        rules.name: planned_under(portfolio, rules, window_days=days, coding_agents=agents) for rules in SCENARIOS
    }
    return _Chosen(menus, batching, portfolio, planned, [*said, *faults])


def _outlook(
    ground: _Ground, expected: Sequence[Planned], project: Project, as_of_day: int
) -> tuple[_Outlook, list[Problem]]:
    rows = ground.ranked.settled.rows
    adoption = _adoption(expected, ground.bill_nano, project)
    rate_of_list, odd = effective_rate_of(rows, project)
    cash = _cash(ground.rate, adoption, project, rate_of_list, as_of_day, daily_nano(rows))
    return _Outlook(adoption, cash, rate_of_list), odd


def _facts(
    engine: Engine,
    book: PriceBook,
    request: PlanRequest,
    ground: _Ground,
    chosen: _Chosen,
    outlook: _Outlook,
    problems: Sequence[Problem],
) -> PlanFacts:
    """Everything the document is built from, figures only."""
    asked, day = request.map, request.map.as_of_day
    rate, planned = ground.rate, chosen.planned
    expected = planned["expected"]
    routes = {name: menu.routes for name, menu in chosen.menus.items()}
    return PlanFacts(
        title=asked.title,
        as_of=asked.as_of,
        price_book=BookPart(**{name: getattr(asked.book_note, name) for name in BookPart.__struct_fields__}),
        prices_of=asked.as_of,
        window=ground.window,
        is_year=rate.window is not None,
        why_not_a_year=rate.why_null,
        bill_nano=ground.bill_nano,
        portfolio=chosen.portfolio,
        planned=planned,
        baseline=baseline(rate, expected, planned["conservative"], planned["deployable"]),
        adoption=outlook.adoption if rate.window else None,
        cash=outlook.cash,
        effective_rate=outlook.rate_of_list,
        routing_alone=routing_alone(routes, ground.positions, ground.workloads, book, day),
        model_names={model.id: model.display_name for model in book.models.values()},
        problems=problems,
        anatomies=_anatomies(engine, book, ground.ranked, expected[:MOST_PICTURES], day),
        clocks=_clocks(book, ground.positions, expected[:MOST_PICTURES], chosen.batching, day),
        together=[(one, sentence_of(one, request.trial_names)) for one in request.together],
        finding_out=open_moves(
            chosen.portfolio,
            bars_by_workload(asked.project.bar, {one.id: one.name for one in ground.workloads.values()}),
            book,
            day,
            window_days=ground.window.days,
            zero_data_retention=asked.project.zero_data_retention,
        ),
    )


class Candidates(NamedTuple):
    """What each workload could run on instead, in a window, before any plan chooses: by workload id."""

    ranked: Ranked
    window: Window
    workloads: Mapping[str, Workload]
    positions: Mapping[str, Sequence[Position]]
    routes: Mapping[str, Sequence[RouteOption]]


def candidates(ledger: Ledger, engine: Engine, book: PriceBook, request: PlanRequest) -> Candidates:
    """The routing options of everything a ledger holds, over the window that `plan_ledger` plans for.

    Raises NothingToRead when no row of it has a token or a dollar.
    """
    ground = _ground(rank_ledger(ledger, engine, book, request.map.project), request.map.as_of_day)
    routes, _ = _routes(engine, book, request, ground.ranked, ground.positions, ground.workloads)
    return Candidates(ground.ranked, ground.window, ground.workloads, ground.positions, routes)


def _anatomies(
    engine: Engine, book: PriceBook, ranked: Ranked, shown: Sequence[Planned], day: int
) -> Mapping[str, WorkloadCache]:
    return workload_caches(
        engine,
        lambda name: ranked.workload_of.get(name, UNATTRIBUTED).id,
        {one.workload.id: one.route.model for one in shown},
        book,
        day,
        names={one.workload.id: one.workload.name for one in shown},
    )


def _clocks(
    book: PriceBook,
    positions: Mapping[str, Sequence[Position]],
    shown: Sequence[Planned],
    batching: Batching,
    day: int,
) -> Mapping[str, BatchClock]:
    found = {}
    for one in shown:
        if one.menu.batch is not None:
            request = request_of(one.workload, positions[one.workload.id], *batching, book, day)
            clock = clock_of(request, one.menu.batch)
            if clock is not None:
                found[one.workload.id] = clock
    return found


def _run_rate(ranked: Ranked, as_of_day: int) -> RunRate:
    rows = ranked.settled.rows
    return run_rate(
        daily_nano(rows),
        complete_window(*whole_days(ranked.spend), as_of_day),
        tokens=daily_tokens(rows),
        unpriced=daily_tokens(rows, unpriced=True),
    )


def _positions(ranked: Ranked, window: Window) -> dict[str, tuple[Position, ...]]:
    rows = ranked.settled.rows
    names = [ranked.workload_of.get(name, UNATTRIBUTED).id for name in rows["signature"].tolist()]
    named: Table = {**rows, "workload": np.array(names, dtype=object)}
    return dict(by_workload(positions_of(inside(named, window), ranked.intervals.keys)))


def _menus(
    ledger: Ledger,
    engine: Engine,
    book: PriceBook,
    request: PlanRequest,
    ranked: Ranked,
    positions: Mapping[str, Sequence[Position]],
    workloads: Mapping[str, Workload],
) -> tuple[dict[str, Menu], Batching, list[Problem]]:
    """What each workload could do, every lever asked once."""
    day, project = request.map.as_of_day, request.map.project
    every = [position for members in positions.values() for position in members]
    routes, problems = _routes(engine, book, request, ranked, positions, workloads)
    caches, cache_problems = _caches(engine, book, ranked, positions, routes, day)
    settings = BatchSettings(
        rules=project.workload,
        limits=TIERS[project.limits.tier or LOWEST_TIER],
        completion=request.completion,
        zero_data_retention=project.zero_data_retention,
    )
    facts = batch_facts(engine, ledger.signatures(), ranked.workload_of, settings)
    batches, batch_problems = batch_outcomes(every, workloads, facts, settings, book, day)
    whole = _positions(ranked, ranked.window)
    spent = {name: sum(one.list_nano for one in members) for name, members in whole.items()}
    repeats = repeats_by_workload(engine, ranked.intervals, lambda name: ranked.workload_of.get(name, UNATTRIBUTED).id)
    waste = fixes(every, repeats, spent, book, day)
    menus = {
        name: Menu(
            workload=name,
            fixes=waste.get(name, ()),
            routes=routes[name],
            caches=caches.get(name, ()),
            batch=batches.get(name),
        )
        for name in positions
    }
    return menus, Batching(facts, settings), [*problems, *cache_problems, *batch_problems]


def _routes(
    engine: Engine,
    book: PriceBook,
    request: PlanRequest,
    ranked: Ranked,
    positions: Mapping[str, Sequence[Position]],
    workloads: Mapping[str, Workload],
) -> tuple[dict[str, tuple[RouteOption, ...]], list[Problem]]:
    project = request.map.project
    shapes = _route_shapes(engine, {name: workload.id for name, workload in ranked.workload_of.items()})
    limits = _limits(project)
    found: dict[str, tuple[RouteOption, ...]] = {}
    problems = unknown_pools(limits, book)
    for name, members in positions.items():
        found[name], said = route_options(
            workloads[name],
            members,
            shapes.get(name, RouteShape()),
            book,
            request.map.as_of_day,
            request.verdicts,
            limits,
            zdr=project.zero_data_retention,
        )
        problems += said
    return found, problems


def _route_shapes(engine: Engine, workload_of: Mapping[str, str]) -> dict[str, RouteShape]:
    engine.register("signature_workload", signature_workload(workload_of))
    return route_shapes(
        workload_of,
        sizes=sizes_by_signature(engine.query(prompt_sizes_sql())),
        settings=settings_by_signature(engine.query(settings_sql())),
        shapes=shapes_by_signature(engine.query(shape_sql())),
        peaks=peaks_by_workload(engine.query(peak_minutes_sql()), engine.query(peak_hours_sql())),
        mixes=mix_by_workload(engine.query(session_mix_sql())),
    )


def _limits(project: Project) -> Limits | None:
    declared = project.limits
    if not declared.tier and not declared.pool:
        return None
    pools = {
        name: PoolLimit(requests=one.requests, input_tokens=one.input_tokens, output_tokens=one.output_tokens)
        for name, one in declared.pool.items()
    }
    return Limits(tier=declared.tier, pools=pools)


def _caches(
    engine: Engine,
    book: PriceBook,
    ranked: Ranked,
    positions: Mapping[str, Sequence[Position]],
    routes: Mapping[str, Sequence[RouteOption]],
    day: int,
) -> tuple[dict[str, tuple[CacheOutcome, ...]], list[Problem]]:
    """Cache outcomes of every workload with calls, on the models it runs on and those it could move to."""
    found: dict[str, tuple[CacheOutcome, ...]] = {}
    problems: list[Problem] = []

    def id_of(signature: str) -> str:
        return ranked.workload_of.get(signature, UNATTRIBUTED).id

    for name, rows in rows_by_workload(engine, id_of):
        if name in positions and name != UNATTRIBUTED.id:
            ids = [one.key.model for one in positions[name]]
            ids += [option.model for option in routes[name] if not option.excluded_by]
            models = [book.models[one] for one in dict.fromkeys(ids) if one in book.models]
            outcomes, said = cache_outcomes(rows, models, book, day)
            found[name] = tuple(outcomes)
            problems += said
    return found, problems


def _adoption(expected: Sequence[Planned], bill_nano: int, project: Project) -> Adoption:
    own = project.plan
    person_days = {**PERSON_DAYS, **{kind: Decimal(days) for kind, days in own.person_days.items()}}
    changes = [one for planned in expected for one in changes_of(planned, gateway=own.gateway, person_days=person_days)]
    pace = Pace(
        capacity_days_per_week=Decimal(own.capacity_days_per_week),
        realization=Decimal(own.realization),
        trial_weeks=own.trial_weeks,
    )
    return adopt(bill_nano, changes, pace)


def effective_rate_of(settled: Table, project: Project) -> tuple[Decimal | None, list[Problem]]:
    """As declared, else as billed; None where neither says, or where the bill is not this usage's, which is said."""
    if project.plan.effective_rate:
        return Decimal(project.plan.effective_rate), []
    billed, listed = billed_and_list(settled)
    found = effective_rate(billed, listed) if billed else None
    if found is None or LEAST_PAID <= found <= MOST_PAID:
        return found, []
    return None, [
        Problem(
            source="plan",
            file="",
            row=0,
            code="effective-rate-odd",
            message="What was billed is so far from list price that it is not the bill of this usage; "
            "the plan says nothing at an effective rate and counts cash at list price.",
            value=f"{found:.4f}",
            expected=f"billed over list from {LEAST_PAID} to {MOST_PAID}",
            next_step="Import the bill and the usage of the same days, or declare [plan] effective_rate.",
        )
    ]


def _cash(
    rate: RunRate,
    adoption: Adoption,
    project: Project,
    rate_of_list: Decimal | None,
    as_of_day: int,
    daily: Mapping[int, int],
) -> CashYear | None:
    """None without a run rate; at list price where nobody says what a list dollar costs."""
    if rate.annual_nano is None:
        return None
    paid = Decimal(1) if rate_of_list is None else rate_of_list
    return cash_year(
        rate.annual_nano,
        adoption.levels(as_of_day),
        as_of_day=as_of_day,
        fiscal_start_month=project.plan.fiscal_year_start,
        rate=paid,
        commitment=_commitment(project.commitment, paid, as_of_day, daily),
    )


def _commitment(
    left: CommitmentLeft | None, paid: Decimal, as_of_day: int, daily: Mapping[int, int]
) -> Commitment | None:
    """The declared balance less what the ledger's days from then to now have drawn; `daily` is list nano-dollars."""
    if left is None:
        return None
    since = sum(nano for day, nano in daily.items() if day_of_date(left.as_of) <= day < as_of_day)
    return Commitment(
        balance_nano=max(0, left.balance_nano - int(since * paid)),
        ends_day=day_of_date(left.ends),
        overage_rate=Decimal(left.overage_rate) if left.overage_rate else None,
    )
