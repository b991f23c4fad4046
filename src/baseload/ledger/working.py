"""The columns of a spend table while `ledger.scope` settles them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from baseload.ledger.attribution import LEVELS, Columns, Demand, Ints, Side, enclose
from baseload.ledger.frame import Frame, ints, known, texts
from baseload.ledger.narrowing import NANO_CLASSES, narrow
from baseload.ledger.statements import Flags, Roles, Span
from baseload.values import TOKEN_CLASSES, Table

SETTLED: Final = (*TOKEN_CLASSES, "web_search_requests", "requests", *NANO_CLASSES, "server_tool_nano", "high_extra")
"""Columns settled one by one; `high_extra` is list_high_nano - list_nano."""
LISTED: Final = (*NANO_CLASSES, "server_tool_nano", "other_nano")
"""Columns whose sum is list_nano."""
APART: Final = ("code_execution", "session_usage")
"""Cost types that no token report holds: their dollars always count."""


class Claim(NamedTuple):
    """What calls and a report say of the same cells, before one is fitted into the other. Arrays run over all rows."""

    cell: Ints
    calls: Flags
    report: Flags
    calls_nano: Ints
    report_nano: Ints
    tokens: Ints
    rows: Ints  # calls or buckets each row stands for, unscaled
    sampled: Flags
    level: Ints  # finest of `attribution.LEVELS` a call matched at; len(LEVELS) = none
    period: bool


class Work:
    """Values by column, and one method for each kind of enclosing step."""

    def __init__(self, spend: Table, frame: Frame, roles: Roles) -> None:
        self.spend, self.frame, self.roles = spend, frame, roles
        self.calls = frame.grain.where({"call"})
        self.values: Columns = {name: ints(spend, name) for name in SETTLED}
        self.values["other_nano"] = np.zeros(frame.size, dtype=np.int64)
        self.values["high_extra"] = np.maximum(ints(spend, "list_high_nano") - ints(spend, "list_nano"), 0)
        self.unknown_requests = ~known(spend, "requests")
        self.sampled = self.calls & (ints(spend, "sampling_rate") > 1)
        self.enclosing = np.zeros(frame.size, dtype=bool)
        self.level = np.full(frame.size, len(LEVELS), dtype=np.int64)
        self._floating = self.sampled.copy()
        self._place_money()
        self.claimed = self.sum_of(LISTED)
        self._all_tokens = self.sum_of(TOKEN_CLASSES)
        self.original = {name: column.copy() for name, column in self.values.items()}

    def tokens(self, inside: Flags, report: Flags, cell: Ints, *, cut: bool = True, period: bool = False) -> Claim:
        """Settle every column. Without `cut` rows inside keep what they say, even beyond the report's total."""
        inner, statement = _shared(inside, report, cell)
        narrow(self.values, cell, inner, statement, ints(self.spend, "ttl_unknown"))
        claim = self._claim(report, cell, period)
        self._fill(inner, statement, cell, self.values, SETTLED, cut=cut)
        return claim

    def money(self, inside: Flags, report: Flags, cell: Ints, *, period: bool = False) -> Claim:
        """Settle list dollars alone: the report says no tokens, so calls keep theirs.

        Searches are settled apart on days on which the report bills them apart, because it then names no model.
        """
        cost_type = self.frame.cost_type
        searches = report & cost_type.where({"web_search"})
        apart = np.isin(self.frame.account_day, np.unique(self.frame.account_day[searches]))
        claim = self._claim(report, cell, period)
        rest = report & ~searches & ~cost_type.where(APART) & (self.sum_of(LISTED) >= 0)
        for days, columns in ((apart, (*NANO_CLASSES, "other_nano")), (~apart, LISTED)):
            self._pool(inside & days, rest & days, cell, columns)
        self._pool(inside & apart, searches, self.frame.account_day, ("server_tool_nano",))
        return claim

    def sum_of(self, columns: Sequence[str]) -> Ints:
        return sum((self.values[name] for name in columns), np.zeros(self.frame.size, dtype=np.int64))

    def span_cell(self, spans: Sequence[Span]) -> Ints:
        """A code of (span, model) for rows inside a span, -1 elsewhere."""
        cell = np.full(self.frame.size, -1, dtype=np.int64)
        models = len(self.frame.model.values)
        for place, span in enumerate(spans):
            within = (self.frame.day >= span.start_day) & (self.frame.day < span.end_day_exclusive)
            within &= self.frame.owner == span.owner
            cell[within] = place * models + self.frame.model.codes[within]
        return cell

    def money_cell(self, report: Flags) -> Ints:
        """The daily cell; the account's whole day where the report's dollars are not broken out by model."""
        bare = report & self.frame.model.where({""}) & self.frame.cost_type.where({"tokens", "other"})
        whole = np.isin(self.frame.account_day, np.unique(self.frame.account_day[bare]))
        return np.where(whole, self.frame.size + self.frame.account_day, self.frame.cell)

    def _claim(self, report: Flags, cell: Ints, period: bool) -> Claim:
        report_nano = np.where(report, self.sum_of(LISTED), 0)
        return Claim(
            cell=cell,
            calls=self.calls,
            report=report,
            calls_nano=self.claimed,
            report_nano=report_nano,
            tokens=self._all_tokens,
            rows=ints(self.spend, "rows"),
            sampled=self.sampled,
            level=self.level,
            period=period,
        )

    def _fill(
        self, inner: Ints, statement: Ints, cell: Ints, values: Columns, columns: Sequence[str], *, cut: bool
    ) -> None:
        if not len(inner):
            return
        unknown = {"requests": self.unknown_requests[statement]} if "requests" in columns else {}
        demand = Demand(values, columns, inner, statement, unknown)
        series = self.frame.series if cell is self.frame.cell else cell
        side = Side(statement, cell, series, self.frame.rate, self.frame.names)
        self.level[inner] = np.minimum(self.level[inner], enclose(inner, side, demand, self._floating))
        self.enclosing[statement] = True
        for name in columns:
            values[name][statement] = demand.left[name]
            if cut:
                values[name][inner] = demand.got[name]

    def _pool(self, inside: Flags, report: Flags, cell: Ints, columns: Sequence[str]) -> None:
        """Settle the sum of some dollar columns as one, then divide it among them row by row."""
        inner, statement = _shared(inside, report, cell)
        pool = {"pool": self.sum_of(columns)}
        before = pool["pool"].copy()
        self._fill(inner, statement, cell, pool, ("pool",), cut=True)
        for rows in (inner, statement):
            if len(rows):
                self._divide(rows, columns, before[rows], pool["pool"][rows])

    def _divide(self, rows: Ints, columns: Sequence[str], before: Ints, after: Ints) -> None:
        ratio = np.divide(after, before, out=np.zeros(len(rows)), where=before > 0)
        values = np.array([self.values[name][rows] for name in columns])
        parts = np.floor(values * ratio).astype(np.int64)
        parts[np.argmax(values, axis=0), np.arange(len(rows))] += after - parts.sum(axis=0)
        for name, part in zip(columns, parts, strict=True):
            self.values[name][rows] = part
        extra = self.values["high_extra"][rows]
        self.values["high_extra"][rows] = np.minimum(extra, np.floor(extra * ratio).astype(np.int64))

    def _place_money(self) -> None:
        """Give rows that speak for money alone their list dollars where these count, and no tokens.

        The provider's list price where it is said, else the bill. A negative amount is a correction: it counts, and
        encloses nothing.
        """
        roles, frame, spend = self.roles, self.frame, self.spend
        listed = known(spend, "reported_list_nano_usd")
        basis = np.where(listed, ints(spend, "reported_list_nano_usd"), ints(spend, "billed_nano_usd"))
        alone = roles.money & ~(roles.control | roles.owners | roles.period | roles.partial)
        counts = alone & (roles.money_is_control | frame.cost_type.where(APART))
        for name in SETTLED:
            self.values[name][alone & (name != "requests")] = 0
        token_class = texts(spend, "token_class")
        column = np.full(frame.size, LISTED.index("other_nano"))
        column[frame.cost_type.where({"web_search"})] = LISTED.index("server_tool_nano")
        for place, name in enumerate(TOKEN_CLASSES):
            column[token_class.where({name})] = place
        for place, name in enumerate(LISTED):
            rows = counts & (column == place)
            self.values[name][rows] = basis[rows]


def _shared(inside: Flags, report: Flags, cell: Ints) -> tuple[Ints, Ints]:
    """Rows of both sides in cells that both have."""
    cells = int(cell.max(initial=0)) + 1
    both = np.ones(cells, dtype=bool)
    for side in (inside, report):
        present = np.zeros(cells, dtype=bool)
        present[cell[side]] = True
        both &= present
    return np.flatnonzero(inside & both[cell]), np.flatnonzero(report & both[cell])
