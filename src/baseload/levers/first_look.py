"""All first opportunities of one window, in acting order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

import msgspec
import numpy as np

from baseload.ledger.totals import inside
from baseload.levers.batching import batch_opportunities
from baseload.levers.caching import (
    losing_cache_opportunities,
    missed_read_opportunities,
    realised_savings,
    shared_prefix_opportunities,
)
from baseload.levers.position import Position, by_workload
from baseload.levers.positions import positions_of
from baseload.levers.route.finding_out import FindingOut, bars_by_workload, finding_out
from baseload.levers.route.status import WORTH_FINDING_OUT, status_of
from baseload.levers.route.tried import with_verdicts
from baseload.levers.route.verdicts import VerdictKey
from baseload.levers.routing import route_opportunities, successor, tier_of
from baseload.levers.summary import LEVERS, LeverSummary, summarise
from baseload.levers.waste import repeat_opportunities, retirement_opportunities, surcharge_opportunities
from baseload.prices.book import PriceBook, PriceKey
from baseload.project_bars import BarTable
from baseload.values import NANO_PER_USD, TOKEN_CLASSES, Opportunity, Table, Tokens, Verdict, Window, Workload
from baseload.workloads.key import UNATTRIBUTED

DAYS_A_MONTH = Decimal(365) / 12
CHECKABLE_TASKS = ("classification", "extraction", "routing", "formatting", "summarisation")


class CallEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What only single calls show, already summed by workload and price key; empty for aggregate sources.

    `repeats`: workload -> (excess calls, their list nano-dollars). `missed_reads`: tokens sent again, as billed.
    `prefixes`: tokens that could have been read, and those that had to be written for it.
    """

    repeats: Mapping[str, tuple[int, int]] = msgspec.field(default_factory=dict)
    missed_reads: tuple[tuple[str, PriceKey, Tokens], ...] = ()
    prefixes: tuple[tuple[str, PriceKey, int, int], ...] = ()
    prefix_days: Window | None = None  # the days `prefixes` were seen in; None = the whole window

    def part(self, share: Mapping[str, Decimal]) -> CallEvidence:
        """The evidence of a part of the window, by each workload's share of spend in it (missing = none)."""
        nothing = Decimal(0)
        return CallEvidence(
            repeats={
                workload: (round(calls * share.get(workload, nothing)), round(nano * share.get(workload, nothing)))
                for workload, (calls, nano) in self.repeats.items()
            },
            missed_reads=tuple(
                (workload, key, _times(tokens, share.get(workload, nothing)))
                for workload, key, tokens in self.missed_reads
            ),
            prefixes=_scaled(self.prefixes, share),
            prefix_days=self.prefix_days,
        )

    def with_prefixes_scaled(self, factor: Mapping[str, Decimal]) -> CallEvidence:
        """The evidence with each workload's prefix tokens multiplied (missing = none)."""
        return msgspec.structs.replace(self, prefixes=_scaled(self.prefixes, factor))


def _scaled(
    prefixes: Iterable[tuple[str, PriceKey, int, int]], factor: Mapping[str, Decimal]
) -> tuple[tuple[str, PriceKey, int, int], ...]:
    nothing = Decimal(0)
    return tuple(
        (workload, key, round(read * factor.get(workload, nothing)), round(written * factor.get(workload, nothing)))
        for workload, key, read, written in prefixes
    )


def _times(tokens: Tokens, factor: Decimal) -> Tokens:
    return Tokens(**{name: round(getattr(tokens, name) * factor) for name in TOKEN_CLASSES})


def first_opportunities(
    positions: Sequence[Position],
    workloads: Mapping[str, Workload],
    evidence: CallEvidence,
    book: PriceBook,
    day: int,
) -> list[Opportunity]:
    """Every lever's rows, those that cost no quality first, dearest first inside a lever."""
    realised = realised_savings(positions, book, day)
    found = [
        *surcharge_opportunities(positions, book, day),
        *repeat_opportunities(evidence.repeats, positions),
        *retirement_opportunities(positions, workloads, book, day),
        *route_opportunities(positions, workloads, book, day),
        *losing_cache_opportunities(realised),
        *missed_read_opportunities(evidence.missed_reads, book, day),
        *shared_prefix_opportunities(evidence.prefixes, realised, book, day, seen=evidence.prefix_days),
        *batch_opportunities(positions, workloads, book, day),
    ]
    return sorted(found, key=lambda row: (LEVERS.index(row.lever), -row.high_nano, row.workload, row.candidate))


def refreshes(positions: Iterable[Position], book: PriceBook, day: int) -> dict[str, frozenset[str]]:
    """Per workload, the models that only refresh the line it is on: the newest callable one of each of its lines."""
    found: dict[str, set[str]] = {}
    for position in positions:
        model = book.models.get(position.key.model)
        newer = successor(model, book, day) if model else None
        if newer is not None:
            found.setdefault(position.workload, set()).add(newer.id)
    return {workload: frozenset(models) for workload, models in found.items()}


def within_reach(
    positions: Iterable[Position], workloads: Mapping[str, Workload], book: PriceBook, day: int
) -> dict[str, frozenset[str]]:
    """Per workload, the models whose line its task may reasonably be tried on: the high end of routing.

    Work whose answers are easy to check may go to any line; everything else one line down from its dearest, because
    the smallest models are not for long agent loops (Anthropic's tier advice, anthropic-facts section 1.1).
    """
    lowest: dict[str, int] = {}
    for position in positions:
        model = book.models.get(position.key.model)
        if model is not None:
            floor = 0 if workloads[position.workload].task in CHECKABLE_TASKS else max(tier_of(model) - 1, 0)
            lowest[position.workload] = max(lowest.get(position.workload, 0), floor)
    models = book.candidates(day)
    return {
        workload: frozenset(model.id for model in models if tier_of(model) >= floor)
        for workload, floor in lowest.items()
    }


class FirstLook:
    """The levers over any part of a settled spend table, at the prices of one day.

    `spend` rows carry `signature`; `keys` are the price keys its `price_id` column counts through.
    """

    def __init__(
        self,
        spend: Table,
        workload_of: Mapping[str, Workload],
        keys: Sequence[PriceKey],
        book: PriceBook,
        day: int,
        verdicts: Mapping[VerdictKey, Verdict] = MappingProxyType({}),
    ) -> None:
        names = [workload_of.get(signature, UNATTRIBUTED).id for signature in spend["signature"].tolist()]
        self._spend: Table = {**spend, "workload": np.array(names, dtype=object)}
        self._workloads = {workload.id: workload for workload in (UNATTRIBUTED, *workload_of.values())}
        self._keys = keys
        self._book = book
        self._day = day
        self._verdicts = verdicts

    def over(self, window: Window, evidence: CallEvidence) -> tuple[list[Opportunity], list[LeverSummary]]:
        """Opportunities and lever ranges of the rows inside a window; `evidence` must be of the same window."""
        positions = self._positions(window)
        rows = first_opportunities(positions, self._workloads, evidence, self._book, self._day)
        found = with_verdicts(rows, self._verdicts)
        same_line = refreshes(positions, self._book, self._day)
        return found, summarise(found, same_line, within_reach(positions, self._workloads, self._book, self._day))

    def finding_out(
        self,
        window: Window,
        found: Iterable[Opportunity],
        bars: Sequence[BarTable] = (),
        *,
        zero_data_retention: bool = False,
    ) -> dict[tuple[str, str], FindingOut]:
        """(workload, candidate) -> its trial, for every move whose answer is open; `found` must be of that window.

        The saving that pays it back is the middle of the move's range.
        """
        positions = dict(by_workload(self._positions(window)))
        bar_of = bars_by_workload(bars, {name: workload.name for name, workload in self._workloads.items()})
        trials = {}
        for row in found:
            if row.verdict is None or row.excluded_by:
                continue
            if status_of(row.verdict, row.verdict_grade) not in WORTH_FINDING_OUT:
                continue
            middle = Decimal(row.low_nano + row.high_nano) / 2 / NANO_PER_USD
            trial = finding_out(
                positions.get(row.workload, ()),
                row.candidate,
                bar_of.get(row.workload),
                self._book,
                self._day,
                saving_a_month_usd=middle * DAYS_A_MONTH / window.days,
                zero_data_retention=zero_data_retention,
            )
            if trial is not None:
                trials[row.workload, row.candidate] = trial
        return trials

    def part(self, evidence: CallEvidence, whole: Window, part: Window) -> CallEvidence:
        """The evidence of the whole window, cut to a part of it by each workload's share of list dollars there."""
        total, inside_part = self._spend_of(whole), self._spend_of(part)
        return evidence.part({name: Decimal(inside_part.get(name, 0)) / nano for name, nano in total.items() if nano})

    def extrapolated(self, evidence: CallEvidence, whole: Window) -> CallEvidence:
        """The evidence with prefixes that were followed for some days only scaled to the window by list dollars."""
        if evidence.prefix_days is None:
            return evidence
        total, seen = self._spend_of(whole), self._spend_of(evidence.prefix_days)
        return evidence.with_prefixes_scaled({name: Decimal(total[name]) / nano for name, nano in seen.items() if nano})

    def dearness(self) -> dict[str, Decimal]:
        """Output price on the Claude API per model, today or when it was last sold: what "top model" means."""
        found = {}
        for model in {key.model for key in self._keys}:
            rates = self._book.rates(
                PriceKey(model, "anthropic", "global", "standard", "standard", "0-100k"), self._day
            )
            if rates is not None:
                found[model] = rates.low.output
        return found

    def _positions(self, window: Window) -> list[Position]:
        return positions_of(inside(self._spend, window), self._keys)

    def _spend_of(self, window: Window) -> dict[str, int]:
        totals: dict[str, int] = {}
        for position in self._positions(window):
            totals[position.workload] = totals.get(position.workload, 0) + position.list_nano
        return totals
