"""The product in one function: a ledger and a price book in, the map out.

    ledger -> spend -> scope -> workloads -> opportunities -> run rate -> document
                ^ price book

Every stage is a function; what was wrong with the input comes back beside the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from baseload.engine.port import Engine
from baseload.ledger.bridge import bridge_months
from baseload.ledger.queries import hours_sql, shape_sql
from baseload.ledger.run_rate import RunRate, complete_window, run_rate
from baseload.ledger.scope import settle
from baseload.ledger.spend import spend_by_signature, spend_table
from baseload.ledger.store import Ledger
from baseload.levers.evidence import call_evidence
from baseload.levers.first_look import CallEvidence, first_opportunities, refreshes
from baseload.levers.positions import positions_of
from baseload.levers.summary import LeverSummary, summarise
from baseload.prices.book import PriceBook
from baseload.project import Project
from baseload.report.assemble import document
from baseload.report.document import MapDocument
from baseload.report.facts import BookNote, MapFacts
from baseload.report.totals import (
    by_day,
    by_model,
    days_of,
    inside,
    top_model_of,
    window_of,
    with_workload,
)
from baseload.values import Opportunity, Problem, Table, Window, Workload
from baseload.workloads.grouping import group
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.ranking import Ranking, rank
from baseload.workloads.readiness import readiness


class MapRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the shell knows and the stages must not ask for: the clock, names for people, the company's settings."""

    title: str
    as_of: str
    as_of_day: int
    recompute: str
    book_note: BookNote
    project: Project


def map_ledger(
    ledger: Ledger, engine: Engine, book: PriceBook, request: MapRequest
) -> tuple[MapDocument, list[Problem]]:
    """The map of everything a ledger holds. Raises NothingToRead when it holds no row with tokens or dollars."""
    spend, intervals, unpriced = spend_table(ledger, engine, book)
    settled, reconciliation, scope_problems = settle(spend)
    signatures = ledger.signatures()
    workload_of, rule_problems = group(
        signatures,
        spend_by_signature(spend),
        engine.query(shape_sql()),
        request.project.workload,
        request.project.owner,
        hours=engine.query(hours_sql()),
    )
    window = window_of(settled)
    ranking = rank(settled, workload_of, window)
    workloads = {workload.id: workload for workload in (UNATTRIBUTED, *workload_of.values())}
    rate = run_rate(days_of(settled, "list_nano"), complete_window(*whole_days(spend), request.as_of_day))
    evidence = call_evidence(engine, intervals, book, lambda signature: workload_of.get(signature, UNATTRIBUTED).id)
    levers = _Levers(with_workload(settled, workload_of), workloads, book, intervals.keys, request.as_of_day)
    opportunities, summaries = levers.over(window, evidence)
    rated = levers.over(rate.window, evidence.part(levers.shares(rate.window))) if rate.window else None
    bridge, status = bridge_months(settled, request.project.invoice)
    problems = [*ledger.problems, *unpriced, *scope_problems, *rule_problems]
    ...
