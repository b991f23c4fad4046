"""What the ledger holds of a month, by who invoices it: the far end of the invoice bridge."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from baseload.ledger.attribution import Groups, codes_of
from baseload.ledger.frame import ints, key_parts, known, texts
from baseload.ledger.price_checks import month_of
from baseload.ledger.statements import LONG_GRAINS, Flags, month_end
from baseload.usage.buckets import rank_moment
from baseload.values import DAY_US, Table

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


class MonthUsage(msgspec.Struct, kw_only=True):
    """What the ledger holds of one month, channel and account, in nano-dollars."""

    billed: int = 0
    list_only: int = 0  # list price of what no bill states
    priority: int = 0  # list price
    unnamed: int = 0  # list price of rows that name nobody
    listed: int = 0
    restated: int = 0  # current minus first statement, made after the month was over

    @property
    def ledger(self) -> int:
        return self.billed + self.list_only

    def __add__(self, other: MonthUsage) -> MonthUsage:
        return MonthUsage(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


Key = tuple[str, str, str]
"""(month YYYY-MM, channel, account)"""


def month_usage(rows: Table) -> dict[Key, MonthUsage]:
    """Ledger dollars by month, channel and account: billed on days that a cost report covers, else bill or list."""
    found: dict[Key, MonthUsage] = {}
    days = _Days(rows)
    listed, billed = ints(rows, "list_nano"), ints(rows, "billed_nano_usd")
    is_billed = known(rows, "billed_nano_usd")
    told = days.told(rows, is_billed & (rows["part"] != "call"))
    columns = {
        "billed": np.where(is_billed, billed, 0),
        "list_only": np.where(is_billed | told | days.priority, 0, listed),
        "priority": np.where(days.priority, listed, 0),
        "unnamed": np.where(rows["attributed"] == 0, listed, 0),
        "listed": listed,
    }
    totals = {name: days.groups.sums(column).tolist() for name, column in columns.items()}
    for place, (channel, account, day) in enumerate(days.names):
        key = month_text(day), channel, account
        part = MonthUsage(**{name: column[place] for name, column in totals.items()})
        found[key] = found.get(key, MonthUsage()) + part
    return found


class _Days:
    """Settled rows by channel, account and day."""

    def __init__(self, rows: Table) -> None:
        keys, accounts = texts(rows, "price_key"), texts(rows, "account")
        parts = [key_parts(key) for key in keys.values]
        named = [CHANNELS.get(part[1], part[1]) for part in parts]
        channels = sorted(set(named))
        self.day = ints(rows, "day")
        self.priority = keys.map([part[3] == "priority" for part in parts]).astype(bool)
        channel = keys.map([channels.index(name) for name in named])
        self.owner, _ = codes_of([channel, accounts.codes])
        codes, count = codes_of([self.owner, self.day])
        self.groups = Groups(codes, count)
        member = np.zeros(count, dtype=np.int64)
        member[codes] = np.arange(len(codes))
        self.names = [
            (channels[int(channel[row])], accounts.values[int(accounts.codes[row])], int(self.day[row]))
            for row in member
        ]

    def told(self, rows: Table, stated: Flags) -> Flags:
        """Rows on days that a report of money covers, by its day or by the month or range it is for."""
        present = np.zeros(self.groups.count, dtype=bool)
        present[self.groups.codes[stated]] = True
        found: Flags = present[self.groups.codes]
        grain = texts(rows, "grain")
        ends = ints(rows, "end_day_exclusive")
        for row in np.flatnonzero(stated & grain.where(LONG_GRAINS)).tolist():
            start = int(self.day[row])
            end = max(int(ends[row]), month_end(start) if grain.where({"month"})[row] else start + 1)
            found |= (self.owner == self.owner[row]) & (self.day >= start) & (self.day < end)
        return found


def add_restatements(usage: dict[Key, MonthUsage], rows: Table, restatements: Table | None) -> None:
    """Revisions of closed months, of the reports whose money counts."""
    if restatements is None or not len(restatements["day"]):
        return
    counted = set(rows["source"][known(rows, "billed_nano_usd")].tolist())
    accounts = sorted({account for _, _, account in usage})
    ranks = restatements["first_rank"].tolist() if "first_rank" in restatements else None
    columns = (restatements[name].tolist() for name in ("day", "source", "account", "first_nano", "current_nano"))
    for place, (day, source, account, first, current) in enumerate(zip(*columns, strict=True)):
        if source not in counted or (ranks is not None and not _after_month(ranks[place], day)):
            continue
        named = account if account or len(accounts) != 1 else accounts[0]
        if (found := usage.get((month_text(day), "anthropic", named))) is not None:
            found.restated += current - first


def _after_month(rank: int, day: int) -> bool:
    """True when a statement of this rank was made after the day's month was over; an undated one tells nothing."""
    moment = rank_moment(rank)
    return moment is not None and moment >= month_end(day) * DAY_US


def month_text(day: int) -> str:
    month = month_of(day)
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
