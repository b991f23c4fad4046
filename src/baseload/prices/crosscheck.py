"""Our book against an independent price list, request by request: every disagreement with both values, none settled.

Requests, not aggregates, are compared, because a list that prices by prompt length can only be asked about one request
at a time (anthropic-facts section 8). The other list comes in as a function.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from baseload.prices.book import PriceBook
from baseload.prices.faults import KNOWN, Fault
from baseload.prices.probe import Probe, our_price, probes

Peer = Callable[[Probe], Decimal | None]
"""The other list's price of one request in USD; None where it knows none."""


class Disagreement(NamedTuple):
    """One request the two lists price differently. `faults` explain it; none = unexpected."""

    probe: Probe
    ours: Decimal
    theirs: Decimal | None
    faults: tuple[str, ...]


class CheckResult(NamedTuple):
    """What a cross-check found.

    `gone` names known faults that explain nothing any more: the other list mended them. `unknown_names` are models the
    other list has and this book does not resolve.
    """

    compared: int
    disagreements: tuple[Disagreement, ...]
    gone: tuple[str, ...]
    unknown_names: tuple[str, ...] = ()

    @property
    def unexpected(self) -> tuple[Disagreement, ...]:
        return tuple(found for found in self.disagreements if not found.faults)

    @property
    def by_fault(self) -> Counter[str]:
        """Known fault -> number of requests it explains."""
        return Counter(code for found in self.disagreements for code in found.faults)


def cross_check(
    book: PriceBook, peer: Peer, last_day: int, *, names: Iterable[str] = (), known: Sequence[Fault] = KNOWN
) -> CheckResult:
    """Compare every probe of the grid; equal means equal to the last digit, both sides being exact decimals.

    `names` are the model names of the other list: each must be one this book knows.
    """
    disagreements: list[Disagreement] = []
    compared = 0
    for probe in probes(book, last_day):
        ours = our_price(book, probe)
        if ours is None:
            continue
        compared += 1
        theirs = peer(probe)
        if ours != theirs:
            disagreements.append(Disagreement(probe, ours, theirs, _explained(book, probe, theirs, known)))
    explaining = {code for found in disagreements for code in found.faults}
    gone = tuple(fault.code for fault in known if fault.code not in explaining)
    unknown = tuple(name for name in names if not book.resolve(name))
    return CheckResult(compared, tuple(disagreements), gone, unknown)


def _explained(book: PriceBook, probe: Probe, theirs: Decimal | None, known: Iterable[Fault]) -> tuple[str, ...]:
    """Codes of the faults that together account for their figure; () when they do not."""
    codes: list[str] = []
    for fault in known:
        if not fault.applies(probe):
            continue
        misread = fault.misread(probe)
        if misread is None:
            return (fault.code,) if theirs is None else ()
        if our_price(book, misread) != our_price(book, probe):
            codes.append(fault.code)
        probe = misread
    return tuple(codes) if our_price(book, probe) == theirs else ()
