"""The product in one function: a ledger and a price book in, the map out.

    ledger -> spend -> scope -> workloads -> opportunities -> run rate -> bridge -> document
                ^ price book

Every stage is a function; what was wrong with the input comes back beside the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from baseload.engine.port import Engine
from baseload.errors import NothingToRead
from baseload.ledger.bridge import bridge_months
from baseload.ledger.overlaps import overlap_problems
from baseload.ledger.queries import hours_sql, restatements_sql, shape_sql
from baseload.ledger.run_rate import complete_window, run_rate
from baseload.ledger.scope import Settled, settle
from baseload.ledger.spend import spend_by_signature, spend_table
from baseload.ledger.store import Ledger
from baseload.ledger.totals import (
    by_day,
    by_model,
    daily_nano,
    daily_tokens,
    sampled_outside_totals,
    sources_of,
    whole_days,
    window_of,
)
from baseload.levers.evidence import call_evidence
from baseload.levers.first_look import FirstLook
from baseload.levers.route.verdicts import VerdictKey
from baseload.prices.book import PriceBook
from baseload.prices.tables import Intervals
from baseload.project import Project
from baseload.report.assemble import document
from baseload.report.document import MapDocument
from baseload.report.facts import BookNote, MapFacts
from baseload.values import Problem, Table, Verdict, Window, Workload
from baseload.workloads.grouping import group
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.latency import arrivals_sql, pauses_sql
from baseload.workloads.neighbours import template_prefixes_sql
from baseload.workloads.ranking import Ranking, rank, top_model
from baseload.workloads.readiness import readiness
from baseload.workloads.rules import bar_problems


class MapRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the shell knows and no stage may ask for: the clock, names for people, the company's settings."""

    title: str
    as_of: str
    as_of_day: int
    recompute: str
    book_note: BookNote
    project: Project
    verdicts: Mapping[VerdictKey, Verdict] = msgspec.field(default_factory=dict)
    problems: tuple[Problem, ...] = ()  # of reading the verdicts


class Ranked(NamedTuple):
    """What a ledger's calls come to, settled and ranked: the first half of the pipeline."""

    spend: Table  # before control totals replaced the calls they cover
    intervals: Intervals
    settled: Settled
    window: Window
    workload_of: Mapping[str, Workload]  # by signature
    ranking: Ranking
    problems: list[Problem]


def rank_ledger(ledger: Ledger, engine: Engine, book: PriceBook, project: Project, *, latency: bool = False) -> Ranked:
    """Workloads by total cost. `latency` also looks for who waits, which reads the calls three times more.

    Raises NothingToRead when no row of the ledger has a token or a dollar.
    """
    spend, intervals, unpriced = spend_table(ledger, engine, book)
    settled = settle(spend)
    window = window_of(settled.rows)
    if window is None:
        raise NothingToRead("the ledger holds no row with a token or a dollar. Import usage first.")
    workload_of, rule_problems = group(
        ledger.signatures(),
        spend_by_signature(settled.rows),
        engine.query(shape_sql()),
        project.workload,
        project.owner,
        hours=engine.query(hours_sql()) if latency else None,
        arrivals=engine.query(arrivals_sql()) if latency else None,
        pauses=engine.query(pauses_sql()) if latency else None,
        prefixes=_template_prefixes(engine),
        key_names=project.key_name,
    )
    bars = bar_problems(project.bar, {one.id: one for one in workload_of.values()}.values())
    problems = [*ledger.problems, *overlap_problems(spend), *unpriced, *settled.problems, *rule_problems, *bars]
    return Ranked(spend, intervals, settled, window, workload_of, rank(settled.rows, workload_of, window), problems)


def _template_prefixes(engine: Engine) -> dict[str, str]:
    """Template id -> the leading blocks of one of its prompts."""
    rows = engine.query(template_prefixes_sql())
    return dict(zip(rows["template_id"].tolist(), rows["prefix_blocks"].tolist(), strict=True))


def map_ledger(
    ledger: Ledger, engine: Engine, book: PriceBook, request: MapRequest
) -> tuple[MapDocument, list[Problem]]:
    """The map of everything a ledger holds. Raises NothingToRead when no row of it has a token or a dollar."""
    ranked = rank_ledger(ledger, engine, book, request.project, latency=True)
    spend, intervals, settled, window, workload_of, ranking, problems = ranked
    complete = complete_window(*whole_days(spend), request.as_of_day)
    rate = run_rate(
        daily_nano(settled.rows),
        complete,
        tokens=daily_tokens(settled.rows),
        unpriced=daily_tokens(settled.rows, unpriced=True),
    )
    look = FirstLook(settled.rows, workload_of, intervals.keys, book, request.as_of_day, request.verdicts)
    seen = call_evidence(engine, intervals, book, lambda name: workload_of.get(name, UNATTRIBUTED).id)
    evidence = look.extrapolated(seen, window)
    opportunities, levers = look.over(window, evidence)
    models = by_model(settled.rows)
    rated = look.over(rate.window, look.part(evidence, window, rate.window)) if rate.window else None
    bridge = bridge_months(settled, request.project.invoice, engine.query(restatements_sql()))
    problems = [*problems, *request.problems, *bridge.problems]
    facts = MapFacts(
        title=request.title,
        as_of=request.as_of,
        as_of_day=request.as_of_day,
        book=request.book_note,
        window=window,
        ranking=ranking,
        by_model=models,
        by_day=by_day(settled.rows, window, complete),
        run_rate=rate,
        opportunities=opportunities,
        levers=levers,
        rate_opportunities=rated[0] if rated else None,
        rate_levers=rated[1] if rated else None,
        finding_out=look.finding_out(
            rate.window or window,
            rated[0] if rated else opportunities,
            request.project.bar,
            zero_data_retention=request.project.zero_data_retention,
        ),
        readiness=readiness(ranking, spend, ledger.signatures(), workload_of),
        bridge=bridge,
        reconciliation=settled.reconciliation,
        top_model=top_model({total.model: total.list_nano for total in models}, look.dearness()),
        model_names={model.id: model.display_name for model in book.models.values()},
        sources=sources_of(spend),
        recompute=request.recompute,
        problems=problems,
        sampled_nano=sampled_outside_totals(settled.rows, settled.reconciliation),
    )
    return document(facts), problems
