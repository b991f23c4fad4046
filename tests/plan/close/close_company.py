"""Companies written by hand: what each workload does a month, as settled rows priced by the real price book."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import replace

from baseload.plan.close.bills import Invoices, Overage
from baseload.plan.close.bridge import Bridge, Months, bridge
from baseload.plan.close.months import month_window
from baseload.plan.close.run import CloseRequest
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.prices.tables import price_table
from baseload.project import Invoice
from baseload.values import TOKEN_CLASSES, Table, Workload, day_of_date

OLD, NEWER, BIG = "claude-sonnet-4-6", "claude-sonnet-5", "claude-opus-4-6"
"""The older tokenizer at 3/15, the newer at 2/10, the older at 5/25 USD per million tokens (input/output)."""

BEFORE, AFTER = "2026-07", "2026-08"  # 31 days each, and no list price moves between them


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One workload in one month. Text is in tokens of the older tokenizer; shares are of text or of prompt tokens."""

    per_day: int = 100  # calls
    prompt: int = 6_000
    output: int = 400
    models: Mapping[str, int] = msgspec.field(default_factory=lambda: {OLD: 100})  # model -> percent of the calls
    read: int = 0  # percent of the prompt
    write_5m: int = 0
    batch: int = 0  # percent of the calls
    searches: int = 0  # per call
    geo: str = "global"
    counted: bool = True  # whether the source counts calls
    days: int = 0  # of data; 0 = every day of the month


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """Workloads of two months, what of list price was billed (percent, 0 = no cost report), and invoices."""

    before: Mapping[str, Use]
    after: Mapping[str, Use]
    paid: tuple[int, int] = (0, 0)
    months: tuple[str, str] = (BEFORE, AFTER)
    invoices: tuple[Invoice, ...] = ()
    overages: tuple[Overage, ...] = ()


def workload(name: str) -> Workload:
    return Workload(id=name, name=name, stage="tag", why="test")


def book_with(**more: Any) -> PriceBook:
    return load_book(**more)


def bridged(company: Company, book: PriceBook | None = None) -> Bridge:
    """The bridge of a company."""
    return bridge(months_of(company, book), *company.months)


def months_of(company: Company, book: PriceBook | None = None) -> Months:
    found = book or load_book()
    rows = rows_of(company, found)
    names = {*company.before, *company.after} - {"unattributed"}
    invoices = Invoices(company.invoices, company.overages)
    return Months.of(rows, {name: workload(name) for name in names}, found, invoices)


def rows_of(company: Company, book: PriceBook) -> Table:
    """Settled rows, one per day and price key, with a cost report's row a day where dollars were billed."""
    rows: list[dict[str, Any]] = []
    for month, uses, paid in zip(company.months, (company.before, company.after), company.paid, strict=True):
        window = month_window(month)
        for name, use in uses.items():
            for day in range(window.start_day, window.start_day + (use.days or window.days)):
                rows += _calls(name, use, day)
        most = max((use.days or window.days for use in uses.values()), default=0)
        rows += [_money(day, paid) for day in range(window.start_day, window.start_day + most) if paid]
    return settled(rows, book)


def settled(rows: Sequence[dict[str, Any]], book: PriceBook) -> Table:
    """Rows priced; a money row's bill is its percentage of the day's list price."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    texts = ("signature", "price_key", "source", "account", "grain", "part", "model")
    table: dict[str, Any] = {
        name: np.array(column, dtype=object if name in texts else np.int64) for name, column in columns.items()
    }
    intervals = book.intervals(columns["price_key"])
    table["price_id"] = np.array([_price_id(intervals.table, row) for row in rows], dtype=np.int64)
    table["ttl_unknown"] = np.zeros(len(rows), dtype=np.int64)
    table |= price_table(table, intervals)
    by_day: dict[int, int] = {}
    for row, nano in zip(rows, table["list_nano"].tolist(), strict=True):
        by_day[row["day"]] = by_day.get(row["day"], 0) + nano
    billed = [by_day[row["day"]] * row["paid"] // 100 for row in rows]
    table["billed_nano_usd"] = np.ma.array(billed, mask=[not row["paid"] for row in rows], dtype=np.int64)
    table["requests"] = np.ma.array(columns["requests"], mask=[row["requests"] < 0 for row in rows], dtype=np.int64)
    return table


def _price_id(intervals: Table, row: Mapping[str, Any]) -> int:
    place = np.flatnonzero(
        (intervals["price_key"] == row["price_key"])
        & (intervals["from_day"] <= row["day"])
        & (row["day"] < intervals["to_day_exclusive"])
    )
    return int(intervals["price_id"][place[0]]) if len(place) else -1


def _calls(name: str, use: Use, day: int) -> list[dict[str, Any]]:
    found = []
    for model, percent in use.models.items():
        growth = Decimal("1.3") if model == NEWER else Decimal(1)
        for tier, part in (("standard", 100 - use.batch), ("batch", use.batch)):
            share = Decimal(percent * part) / 10_000
            if share:
                found.append(_row(name, use, day, f"{model}|anthropic|{use.geo}|{tier}|standard|0-100k", share, growth))
    return found


def _row(name: str, use: Use, day: int, key: str, share: Decimal, growth: Decimal) -> dict[str, Any]:
    calls = use.per_day * share
    prompt, output = calls * use.prompt * growth, calls * use.output * growth
    shares = (100 - use.read - use.write_5m, use.read, use.write_5m, 0)
    tokens = [*(prompt * part / 100 for part in shares), output]
    return {
        **_plain(day, name, key),
        "requests": int(calls) if use.counted else -1,
        "web_search_requests": int(calls * use.searches),
        **{column: int(count) for column, count in zip(TOKEN_CLASSES, tokens, strict=True)},
    }


def _money(day: int, paid: int) -> dict[str, Any]:
    row = _plain(day, "bill", f"{OLD}|anthropic|global|standard|standard|any")
    return row | {"part": "money", "source": "analytics_api", "grain": "day", "paid": paid, "attributed": 0}


def _plain(day: int, name: str, key: str) -> dict[str, Any]:
    numbers = dict.fromkeys((*TOKEN_CLASSES, "web_search_requests", "requests", "paid", "other_nano"), 0)
    return {
        "day": day, "signature": name, "price_key": key, "source": "messages", "account": "acme", "grain": "call",
        "part": "call", "model": key.split("|", maxsplit=1)[0], "attributed": int(name != "unattributed"), "rows": 1,
        "requests_known": 1, "sampling_rate": 1, "end_day_exclusive": day + 1, **numbers,
    }  # fmt: skip


def usd(bridge_: Bridge) -> dict[str, Decimal]:
    """The lines that moved, in dollars to the cent."""
    amounts = {name: round(Decimal(nano) / 10**9, 2) for name, nano in bridge_.lines.items()}
    return {name: amount for name, amount in amounts.items() if amount}


def changed(rows: Table, change: Callable[[dict[str, int]], dict[str, int]], *, from_day: int) -> Table:
    """Rows of calls with some integer columns changed from a day on."""
    found = {name: column.copy() for name, column in rows.items()}
    for place in np.flatnonzero((found["day"] >= from_day) & (found["part"] == "call")).tolist():
        for name, value in change({name: column[place] for name, column in rows.items()}).items():
            found[name][place] = value
    return found


def alike(use: Use, **change: Any) -> tuple[Use, Use]:
    """A month and the same with one thing changed."""
    return use, replace(use, **change)


def addition(model: str, valid_from: dt.date, usd: tuple[str, str, str, str, str]) -> bytes:
    """A price addition: input, 5m write, 1h write, read, output from a day on."""
    names = ("input", "write_5m", "write_1h", "read", "output")
    row = {"model": model, "valid_from": valid_from.isoformat(), "source": "S1", "checked": "2026-11-22"}
    prices = [row | dict(zip(names, map(float, usd), strict=True))]
    return msgspec.json.encode({"checked": "2026-11-22", "prices": prices})


def request(company: Company, book: PriceBook | None = None, **more: Any) -> CloseRequest:
    """A close of the later month, asked for on 22 November 2026."""
    found = book or load_book()
    rows = rows_of(company, found)
    days = sorted({*rows["day"].tolist()})
    names = {*company.before, *company.after} - {"unattributed"}
    return CloseRequest(
        **{
            "title": "Acme", "as_of_day": day_of_date(dt.date(2026, 11, 22)), "month": company.months[1], "rows": rows,
            "workload_of": {name: workload(name) for name in names}, "whole_days": ([], days), "book": found,
            "invoices": company.invoices, "overages": company.overages, "program": "test", **more,
        }
    )  # fmt: skip
