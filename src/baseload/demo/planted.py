"""What is wrong with the demo company on purpose, in dollars a year, and whether a map found it.

Every amount is computed from the simulator's own totals of the last 28 days, at list price, times 365 / 28: the
definition of the run rate, so that planted and found can stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec
import numpy as np

from baseload.demo.billing import list_nano
from baseload.demo.company import Company, Dialogue, Service
from baseload.demo.truth import COUNTS, Cell, Totals, Truth
from baseload.errors import PriceBookError
from baseload.prices.book import PriceBook
from baseload.report.document import MapDocument, OpportunityPart, PlantedPart, WorkloadPart
from baseload.values import usd_text

RECENT_DAYS = 28
YEAR_DAYS = 365
TOLERANCE = Decimal("0.2")
"""How far outside a found range the planted figure may lie, as a share of itself: what a 1-in-N sample explains."""

_UNCACHED, _READ, _WRITE = (
    COUNTS.index(f"{name}_tokens") for name in ("uncached_input", "cache_read", "cache_write_5m")
)


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One inefficiency: `hints` are words by which a map may know the workload (cost centre, name, key)."""

    name: str
    workload: str
    lever: str
    annual_nano: int
    hints: tuple[str, ...]


Cells = Sequence[tuple[Cell, Totals]]
Saving = Callable[[Service, Cells, PriceBook], int]
"""Nano-dollars a lever is worth on some cells of a service."""


def planted(truth: Truth, company: Company, book: PriceBook) -> tuple[Planted, ...]:
    """Everything planted, dearest first; what is worth nothing in the last 28 days was not planted yet."""
    services = {service.name: service for service in company.services}
    found = []
    for name, workload, lever, saving in _plan(truth):
        service = services[workload]
        recent = [(cell, total) for cell, total in truth.runs[workload].cells.items() if _is_recent(truth, cell.day)]
        annual = saving(service, recent, book) * YEAR_DAYS // RECENT_DAYS
        hints = tuple(hint for hint in (service.cost_center, workload, service.api_key_name) if hint)
        if annual > 0:
            found.append(Planted(name=name, workload=workload, lever=lever, annual_nano=annual, hints=hints))
    return tuple(sorted(found, key=lambda item: -item.annual_nano))


def _plan(truth: Truth) -> list[tuple[str, str, str, Saving]]:
    standard = _without(lambda cell: cell._replace(speed="standard"))
    anywhere = _without(lambda cell: cell._replace(geo="global"))
    short = _without(lambda cell: cell._replace(band="0-100k"))
    successor = _on("claude-sonnet-5-5", truth.end_day - 1)
    return [
        ("classification on the flagship model", "support-triage", "route", _on("claude-haiku-5-5", truth.end_day - 1)),
        ("long instructions sent in full on every call", "support-triage", "cache", _prefix_cached),
        ("nightly extraction at the interactive price", "contract-extraction", "batch", _half),
        ("nightly reports at the interactive price", "nightly-account-reports", "batch", _half),
        ("cache writes that nobody can read", "help-center-answers", "cache", _writes_plain),
        ("a time stamp before the static part of the prompt", "help-center-answers", "cache", _prefix_beside_plain),
        ("five-minute cache on quarter-hourly prefixes", "sql-assistant", "cache", _noted(truth, "ttl_1h")),
        ("copy rewriting on the flagship model", "product-copy", "route", successor),
        ("identical repeats from a redelivering queue", "address-enrichment", "repeat", _repeats(truth)),
        ("fast mode left on", "meeting-notes", "surcharge", standard),
        ("US inference nobody asked for", "supplier-onboarding", "surcharge", anywhere),
        ("threads over 100,000 tokens", "thread-moderation", "surcharge", short),
        ("regional profile where a global one would do", "claims-summary", "surcharge", anywhere),
        ("a model about to retire, dearer than its successor", "invoice-matching", "retirement", successor),
    ]


def _is_recent(truth: Truth, day: int) -> bool:
    return truth.end_day - RECENT_DAYS <= day < truth.end_day


def _cost(service: Service, cell: Cell, total: Totals, book: PriceBook) -> int:
    return sum(list_nano(service, cell, total, book))


def _all(service: Service, cells: Cells, book: PriceBook) -> int:
    return sum(_cost(service, cell, total, book) for cell, total in cells)


def _half(service: Service, cells: Cells, book: PriceBook) -> int:
    batched = msgspec.structs.replace(service, tier="batch")
    return _all(service, cells, book) - _all(batched, cells, book)


def _on(model: str, last_day: int) -> Saving:
    """The same token counts on another model at its price of the last day; 0 if it is not sold then."""

    def saving(service: Service, cells: Cells, book: PriceBook) -> int:
        moved = [(cell._replace(model=model, day=last_day), total) for cell, total in cells]
        try:
            return _all(service, cells, book) - _all(service, moved, book)
        except PriceBookError:
            return 0

    return saving


def _without(plain_of: Callable[[Cell], Cell]) -> Saving:
    """The same calls without a surcharge."""

    def saving(service: Service, cells: Cells, book: PriceBook) -> int:
        plain = [(plain_of(cell), total) for cell, total in cells]
        return _all(service, cells, book) - _all(service, plain, book)

    return saving


def _prefix_cached(service: Service, cells: Cells, book: PriceBook) -> int:
    """The static part read from a cache on every call; at thousands of calls an hour it is never cold."""
    each = 0 if isinstance(service.shape, Dialogue) else service.shape.static
    better = []
    for cell, total in cells:
        changed = total.copy()
        static = int(total[0]) * each
        prompt = int(total[_UNCACHED] + total[_READ] + total[_WRITE])
        changed[_UNCACHED], changed[_READ], changed[_WRITE] = prompt - static, static, 0
        better.append((cell, changed))
    return _all(service, cells, book) - _all(service, better, book)


def _writes_plain(service: Service, cells: Cells, book: PriceBook) -> int:
    """The same prompts without cache marks: what was written is sent as plain input."""
    plain = []
    for cell, total in cells:
        changed = total.copy()
        changed[_UNCACHED], changed[_WRITE] = total[_UNCACHED] + total[_WRITE], 0
        plain.append((cell, changed))
    return _all(service, cells, book) - _all(service, plain, book)


def _prefix_beside_plain(service: Service, cells: Cells, book: PriceBook) -> int:
    """What reading the static part would save beyond leaving the marks out."""
    return _prefix_cached(service, cells, book) - _writes_plain(service, cells, book)


def _noted(truth: Truth, note: str) -> Saving:
    """Against what the simulator counted under a better set-up on the same days."""

    def saving(service: Service, cells: Cells, book: PriceBook) -> int:
        notes = truth.runs[service.name].notes
        better = [(cell, notes[note, cell.day]) for cell, _ in cells]
        return _all(service, cells, book) - _all(service, better, book)

    return saving


def _repeats(truth: Truth) -> Saving:
    def saving(service: Service, cells: Cells, book: PriceBook) -> int:
        notes = truth.runs[service.name].notes
        return sum(
            _cost(service, cell, notes.get(("repeats", cell.day), np.zeros_like(total)), book) for cell, total in cells
        )

    return saving


# planted against found


def match_planted(items: Iterable[Planted], document: MapDocument) -> tuple[PlantedPart, ...]:
    """Each planted inefficiency beside the map's own opportunities for the same workload and lever.

    It counts as found when the annual range of one candidate holds the planted figure, give or take `TOLERANCE` of it.
    Where the map split a workload, the parts of one candidate add up; where no candidate's range holds the figure, the
    one of the largest upper bound is shown.
    """
    by_workload: dict[str, list[OpportunityPart]] = {}
    for part in document.opportunities:
        by_workload.setdefault(part.workload, []).append(part)
    return tuple(_matched(item, document.workloads, by_workload) for item in items)


class _Range(msgspec.Struct, frozen=True, kw_only=True):
    """Annual dollars one candidate could save on the parts of a workload."""

    candidate: str
    low: Decimal
    high: Decimal

    def holds(self, amount: Decimal) -> bool:
        return self.low <= amount * (1 + TOLERANCE) and amount * (1 - TOLERANCE) <= self.high


def _matched(
    item: Planted, workloads: Sequence[WorkloadPart], by_workload: Mapping[str, Sequence[OpportunityPart]]
) -> PlantedPart:
    own = [workload for workload in workloads if is_meant(item, workload)]
    ranges = _ranges(part for workload in own for part in by_workload.get(workload.id, ()) if part.lever == item.lever)
    amount = Decimal(usd_text(item.annual_nano))
    holding = [found for found in ranges if found.holds(amount)]
    best = max(holding or ranges, key=lambda found: found.high, default=None)
    return PlantedPart(
        name=item.name,
        workload=item.workload,
        lever=item.lever,
        planted_annual_usd=usd_text(item.annual_nano),
        found_low_annual_usd=f"{best.low:f}" if best else None,
        found_high_annual_usd=f"{best.high:f}" if best else None,
        found=bool(holding),
        note=_note(item, own, best, found=bool(holding)),
    )


def _ranges(parts: Iterable[OpportunityPart]) -> list[_Range]:
    """The allowed parts by candidate, added up."""
    totals: dict[str, tuple[Decimal, Decimal]] = {}
    for part in parts:
        if part.high_annual_usd is not None and part.low_annual_usd is not None and not part.excluded_by:
            low, high = totals.get(part.candidate, (Decimal(0), Decimal(0)))
            totals[part.candidate] = low + Decimal(part.low_annual_usd), high + Decimal(part.high_annual_usd)
    return [_Range(candidate=name, low=low, high=high) for name, (low, high) in totals.items()]


def is_meant(item: Planted, workload: WorkloadPart) -> bool:
    """Whether a workload of the map is the planted one: by its cost centre, else by a word of its name or reason."""
    if workload.cost_center:
        return workload.cost_center in item.hints
    said = f"{workload.name} {workload.why}".lower()
    return any(hint.lower() in said for hint in item.hints)


def _note(item: Planted, own: Sequence[WorkloadPart], best: _Range | None, *, found: bool) -> str:
    if not own:
        return "the map shows no such workload"
    if best is None:
        return f"the map lists no {item.lever} opportunity for it"
    return best.candidate if found else f"{best.candidate}: the range does not hold the planted figure"
