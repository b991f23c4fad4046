"""What a close was computed from, as hashes: so that a change of one can be told from a change of another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from baseload.ledger.frame import ints
from baseload.plan.close.bills import Overage
from baseload.plan.close.cells import NANO_CLASSES
from baseload.plan.close.freeze import digest
from baseload.plan.close.months import inside
from baseload.prices.book import PriceBook
from baseload.project import Invoice
from baseload.values import TOKEN_CLASSES, Table, Window

_TEXTS = ("price_key", "account", "part")
_NUMBERS = (*TOKEN_CLASSES, *NANO_CLASSES, "list_nano", "requests", "billed_nano_usd")


def data_sha256(rows: Table, windows: Iterable[Window]) -> str:
    """Of the settled rows of some days, summed by day, price and account: neither files nor grouping are in it."""
    return digest([_sums(inside(rows, window)) for window in windows])


def book_sha256(book: PriceBook) -> str:
    """Of the price list with the user's additions, and of the contract's prices."""
    return digest([book.record, list(book.overlay.discounts)])


def invoices_sha256(invoices: Sequence[Invoice], overages: Sequence[Overage], months: Iterable[str]) -> str:
    """Of the invoices of some months, in any order."""
    wanted = set(months)
    found = [digest(one) for one in invoices if one.month in wanted]
    extra = [digest(one) for one in overages if one.month in wanted]
    return digest([sorted(found), sorted(extra)])


def _sums(rows: Table) -> list[list[Any]]:
    keys = list(zip(rows["day"].tolist(), *(_column(rows, name) for name in _TEXTS), strict=True))
    places = {key: place for place, key in enumerate(sorted(set(keys)))}
    codes = np.fromiter((places[key] for key in keys), dtype=np.int64, count=len(keys))
    totals = []
    for name in _NUMBERS:
        total = np.zeros(len(places), dtype=np.int64)
        np.add.at(total, codes, ints(rows, name))
        totals.append(total.tolist())
    return [[*key, *values] for key, *values in zip(places, *totals, strict=True)]


def _column(rows: Table, name: str) -> list[str]:
    return [str(value or "") for value in rows[name].tolist()] if name in rows else [""] * len(rows["day"])
