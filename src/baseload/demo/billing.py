"""What the company was billed: the true totals priced by the price book, less its discount.

Every billing file, invoice and planted figure is made from these lines, so that they agree by construction and differ
only by the rounding of their own formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
import numpy as np

from baseload.demo.company import Company, Service
from baseload.demo.truth import COUNTS, Cell, Totals, Truth
from baseload.errors import PriceBookError
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.rates import RATE_FIELDS
from baseload.values import NANO_PER_USD, iso_day

PARTS = (*COUNTS[1:6], "web_search_requests")
"""What money is charged for, in the order of `BillLine` amounts: the five token classes and web searches."""

_MILLION = 1_000_000


class BillLine(msgspec.Struct, frozen=True, kw_only=True):
    """One service's use of one model on one day, as the provider's reports group it: bands of one prompt length merged.

    `counts` follow `truth.COUNTS`; `list_nano` and `billed_nano` follow `PARTS`.
    """

    service: str
    day: int
    model: str
    speed: str
    geo: str
    counts: tuple[int, ...]
    list_nano: tuple[int, ...]
    billed_nano: tuple[int, ...]


def bill(truth: Truth, company: Company, book: PriceBook) -> tuple[BillLine, ...]:
    """Every line of the window, by service and day. Raises PriceBookError on a combination the book cannot price."""
    lines = []
    for service in company.services:
        discount = company.account(service.account).discount
        for key, cells in _merged(truth.runs[service.name].cells).items():
            listed = [
                sum(part)
                for part in zip(*(list_nano(service, cell, total, book) for cell, total in cells), strict=True)
            ]
            counts = sum((total for _, total in cells), np.zeros(len(COUNTS), np.int64))
            lines.append(
                BillLine(
                    service=service.name,
                    day=key[0],
                    model=key[1],
                    speed=key[2],
                    geo=key[3],
                    counts=tuple(counts.tolist()),
                    list_nano=tuple(listed),
                    billed_nano=tuple(_rounded(amount * discount) for amount in listed),
                )
            )
    return tuple(lines)


def list_nano(service: Service, cell: Cell, total: Totals, book: PriceBook) -> tuple[int, ...]:
    """List price of one cell by part, in nano-dollars, each part rounded half-even once."""
    key = PriceKey(cell.model, service.platform, cell.geo, service.tier, cell.speed, cell.band)
    rates = book.rates(key, cell.day)
    if rates is None:
        raise PriceBookError(f"The demo calls {key.text} on {iso_day(cell.day)}, which the price book does not price.")
    numbers = total.tolist()
    tokens = [
        _rounded(count * getattr(rates.low, name) * NANO_PER_USD / _MILLION)
        for count, name in zip(numbers[1:6], RATE_FIELDS, strict=True)
    ]
    return (*tokens, _rounded(numbers[6] * rates.web_search * NANO_PER_USD))


def of_account(lines: Iterable[BillLine], company: Company, account: str) -> list[BillLine]:
    """The lines of one account, by day, then service, model, speed."""
    names = {service.name for service in company.services if service.account == account}
    chosen = (line for line in lines if line.service in names)
    return sorted(chosen, key=lambda line: (line.day, line.service, line.model, line.speed))


def total_nano(lines: Iterable[BillLine]) -> tuple[int, int]:
    """(list, billed) nano-dollars of lines."""
    listed = billed = 0
    for line in lines:
        listed += sum(line.list_nano)
        billed += sum(line.billed_nano)
    return listed, billed


def _merged(cells: Mapping[Cell, Totals]) -> dict[tuple[int, str, str, str], list[tuple[Cell, Totals]]]:
    groups: dict[tuple[int, str, str, str], list[tuple[Cell, Totals]]] = {}
    for cell, total in sorted(cells.items()):
        groups.setdefault((cell.day, cell.model, cell.speed, cell.geo), []).append((cell, total))
    return groups


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
