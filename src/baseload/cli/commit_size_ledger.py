"""The demand of `commit size --ledger`: volume at today's prices, what the contract covers, and the savings on it."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from baseload.cli.run import build_ranked
from baseload.commit.scoping.rules import rules_of
from baseload.commit.scoping.scoped import Scoped, paths_at, scoped
from baseload.commit.search.demand import contract_paths
from baseload.commit.size.demand import Demand, Ends, demand_of, first_month_of, sampled
from baseload.commit.size.refused import too_short
from baseload.demand.adoption import scenario_paths
from baseload.demand.history import History
from baseload.demand.paths import Paths
from baseload.demand.ranges import refuse_quantiles
from baseload.demand.savings import Saving
from baseload.demand.volume import ledger_volume, today_nano
from baseload.errors import NothingToRead
from baseload.ledger.run_rate import complete_window
from baseload.ledger.totals import whole_days
from baseload.values import NANO_PER_USD, Problem, day_of_date
from baseload.workloads.key import UNATTRIBUTED

Savings = Callable[[History, int], tuple[list[Saving], list[Problem]]]
"""What is saved, from the history and the contract's first month."""


class LedgerAsk(NamedTuple):
    """Which usage, and how it is to be drawn."""

    usage: Sequence[Path]
    project: Path | None
    source: str | None
    as_of: dt.date | None
    term_months: int
    start: int | None
    seed: int
    paths: int


def ledger_demand(ask: LedgerAsk, savings_of: Savings) -> tuple[Demand, str]:
    """Sample paths of what the ledger's workloads did, at what doing it costs today, cut to what is covered; its hash.

    Raises NothingToRead where no day of the ledger is complete.
    """
    run = build_ranked(ask.usage, ask.project, source=ask.source, as_of=ask.as_of)
    ranked, day = run.found, day_of_date(run.today)
    rows = ranked.settled.rows
    complete = complete_window(*whole_days(ranked.spend), day)
    if complete is None:
        raise NothingToRead("the ledger holds no complete day. Import more usage first.")
    workloads = [ranked.workload_of.get(name, UNATTRIBUTED).id for name in rows["signature"].tolist()]
    cost, problems = today_nano(rows, run.book, day)
    volume = ledger_volume(rows, workloads, cost, complete)
    history = volume.history
    savings, said = savings_of(history, first_month_of(history, ask.start))
    every = [*problems, *volume.problems, *said]
    rules = rules_of(run.settings.commit.scope)
    split = scoped(rows, workloads, rules, complete, cost_nano=cost) if rules else None
    sha256 = _sha256(history, split)
    if refuse_quantiles(history, ask.term_months) is not None:
        short = too_short(history, seed=ask.seed, start=ask.start, savings=savings, problems=every)
        return short._replace(source="ledger"), sha256
    drawn = sampled(history, term_months=ask.term_months, paths=ask.paths, seed=ask.seed, start=ask.start)
    if split is None:
        return demand_of(history, drawn, source="ledger", savings=savings, problems=every), sha256
    return _covered(split, history, drawn, savings, every), sha256


def _sha256(history: History, split: Scoped | None) -> str:
    """Of the usage that is carried on, workload by month, and of what the contract covers of it.

    Workloads in the order of their names: the order in which calls were read does not matter.
    """
    digest = hashlib.sha256(f"{history.first_month} {history.months}".encode())
    for name, months in sorted(zip(history.names, history.usd.tolist(), strict=True)):
        digest.update(msgspec.json.encode([name, [repr(usd) for usd in months]]))
    if split is not None:
        digest.update(msgspec.json.encode([split.scope.in_nano, split.scope.out_nano, split.scope.unknown_nano]))
        digest.update(msgspec.json.encode(split.months))
    return digest.hexdigest()


def _covered(
    split: Scoped, history: History, drawn: Paths, savings: Sequence[Saving], problems: Sequence[Problem]
) -> Demand:
    """Sized on what is surely covered; on all of the unknown too where nothing is."""
    least, most = (paths_at(split, drawn, end) for end in ("least", "most"))
    sure = float(least.usage.sum()) > 0
    found = demand_of(history, least if sure else most, source="ledger", savings=savings, problems=problems)
    other = contract_paths(scenario_paths(most if sure else least, savings)["expected"])
    scope = split.scope
    return found._replace(
        ends=Ends(
            in_usd=scope.in_nano / NANO_PER_USD,
            out_usd=scope.out_nano / NANO_PER_USD,
            unknown_usd=scope.unknown_nano / NANO_PER_USD,
            least=found.expected if sure else other,
            most=other if sure else found.expected,
        )
    )
