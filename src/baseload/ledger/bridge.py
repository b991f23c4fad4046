"""From the invoice to the ledger: what explains each dollar that was charged, and what nothing explains.

    invoice = tax + seats - credits + priority + cloud channels + restatement + unattributed + ledger

The ledger's dollars of a month are what the provider's cost report bills (after discount, before credits and tax); on
days without a cost report they are list price, and the line says so. Priority-tier usage is in no cost report
(anthropic-facts section 0.8): it is a line of its own, at list price and graded "assumed". `explained_share` is of the
usage on the invoice (amount - tax - seats + credits), so that seats and tax cannot hide missing usage. Under 95 %, or
with a model over half a per cent off the provider's list price, a month is PARTIAL. Currencies are never added.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from baseload.ledger.frame import ints, known
from baseload.ledger.price_checks import PriceCheck, month_of
from baseload.ledger.scope import Settled
from baseload.project import Invoice
from baseload.usage.buckets import rank_moment
from baseload.values import DAY_US, Grade, Problem, Table, day_of_date, nano_from_usd, usd_text
import datetime as dt

EXPLAINED: Final = Decimal("0.95")
RECONCILED, PARTIAL, NOT_RECONCILED = "reconciled", "PARTIAL", "not reconciled"

CHANNELS: Final = {
    "anthropic": "anthropic",
    "anthropic_aws": "aws",
    "bedrock": "aws",
    "vertex": "gcp",
    "google_anthropic": "gcp",
    "foundry": "azure",
    "openrouter": "openrouter",
}
"""Platform -> who sends the invoice."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an invoice, in nano-units of its currency; negative where it reduces the amount."""

    label: str
    nano: int
    grade: Grade
    note: str = ""


class MonthBridge(msgspec.Struct, frozen=True, kw_only=True):
    """One invoice taken apart: the lines add up to `invoice_nano` exactly."""

    month: str
    channel: str
    account: str
    currency: str
    invoice_nano: int
    lines: tuple[Line, ...]
    explained_share: float
    status: str  # reconciled | PARTIAL
    why: str


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """Every invoice's bridge, and the headline's verdict over all of them."""

    months: tuple[MonthBridge, ...]
    status: str  # reconciled | PARTIAL | not reconciled
    status_why: str
    problems: tuple[Problem, ...] = ()


class _Usage(msgspec.Struct, kw_only=True):
    """What the ledger holds of one month, channel and account, in nano-dollars."""

    billed: int = 0
    list_only: int = 0  # list price of days without a cost report
    priority: int = 0  # list price
    unnamed: int = 0  # list price of rows that name nobody
    listed: int = 0
    restated: int = 0  # current minus first statement, after the month was over

    @property
    def ledger(self) -> int:
        return self.billed + self.list_only


Key = tuple[str, str, str]
"""(month YYYY-MM, channel, account)"""


def bridge_months(settled: Settled, invoices: Sequence[Invoice], restatements: Table | None = None) -> Bridge:
    """Bridge each (month, channel, account, currency) that has an invoice; several of one kind are one.

    `restatements` has day, source, account, first_nano and current_nano of buckets that were stated again, and
    `first_rank` where the query gives it: then only statements made after the month was over count as revisions.
    """
    usage = _usage(settled.rows)
    _add_restatements(usage, restatements, settled.rows)
    joined = _joined(invoices)
    months = tuple(_bridge(key, currency, parts, usage, settled.checks, joined) for (key, currency), parts in joined)
    status, why = _status(months, usage, settled.checks)
    return Bridge(months=months, status=status, status_why=why, problems=tuple(_problems(joined)))


# what the ledger holds


def _usage(rows: Table) -> dict[Key, _Usage]:
    """Ledger dollars by month, channel and account: billed where the day has a bill, else list price."""
    found: dict[Key, _Usage] = defaultdict(_Usage)
    if not len(rows["day"]):
        return found
    parts = [key.split("|") for key in rows["price_key"].tolist()]
    channels = [CHANNELS.get(part[1], part[1]) for part in parts]
    places: dict[tuple[str, str, int], int] = {}
    groups = np.array(
        [
            places.setdefault(key, len(places))
            for key in zip(channels, rows["account"].tolist(), rows["day"].tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    priority = np.array([part[3] == "priority" for part in parts])
    listed = ints(rows, "list_nano")
    has_bill = np.zeros(len(places), dtype=bool)
    has_bill[groups[known(rows, "billed_nano_usd") & (rows["part"] != "call")]] = True
    sums = {
        "billed": _sums(groups, ints(rows, "billed_nano_usd"), len(places)),
        "list": _sums(groups, np.where(priority, 0, listed), len(places)),
        "priority": _sums(groups, np.where(priority, listed, 0), len(places)),
        "unnamed": _sums(groups, np.where(rows["attributed"] == 0, listed, 0), len(places)),
    }
    for (channel, account, day), place in places.items():
        usage = found[_month_text(day), channel, account]
        if has_bill[place]:
            usage.billed += int(sums["billed"][place])
        else:
            usage.list_only += int(sums["list"][place])
        usage.priority += int(sums["priority"][place])
        usage.unnamed += int(sums["unnamed"][place])
        usage.listed += int(sums["list"][place]) + int(sums["priority"][place])
    return found
