"""Spend tables written by hand: one keyword per column that matters, dollars in whole numbers.

A token of plain input costs 10 nano-dollars here, of output 50, of cache read 1, of a 5-minute write 12 and of an
hour's write 20; so the dollars of a row can be read off its tokens.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from baseload.values import Table

CLASSES = ("uncached_input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
PRICES = {"uncached_input": 10, "cache_read": 1, "cache_write_5m": 12, "cache_write_1h": 20, "output": 50}
SHORT = {
    "plain": "uncached_input",
    "read": "cache_read",
    "w5m": "cache_write_5m",
    "w1h": "cache_write_1h",
    "out": "output",
}
TEXTS = (
    "source",
    "account",
    "workspace",
    "api_key",
    "agent",
    "signature",
    "price_key",
    "grain",
    "cost_type",
    "token_class",
    "model",
)
NULLABLE = ("requests", "billed_nano_usd", "reported_list_nano_usd", "reported_cost_nano_usd")


def key(
    model: str = "opus", *, platform: str = "anthropic", tier: str = "standard", speed: str = "standard", band: str = ""
) -> str:
    return "|".join((model, platform, "global", tier, speed, band or "0-200k"))


def call(day: int = 0, model: str = "opus", **values: Any) -> dict[str, Any]:
    """Calls of a log: `n` requests; tokens by short class name; `times` overrides the price factor (fast = 2)."""
    return _row("messages", "call", day, key(model, band="0-100k"), values)


def report(day: int = 0, model: str = "opus", source: str = "analytics_api", **values: Any) -> dict[str, Any]:
    """A day's bucket of tokens."""
    return _row(source, "day", day, key(model), values)


def cost(day: int = 0, model: str = "opus", source: str = "analytics_api", **values: Any) -> dict[str, Any]:
    """A day's bucket of money: `billed` and `listed` in nano-dollars."""
    return _row(source, "day", day, key(model), {"cost_type": "tokens", **values})


def table(*rows: dict[str, Any]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {name: _column(name, [row[name] for row in rows]) for name in names}


def total(rows: Table, name: str, **where: Any) -> int:
    """The sum of a column over rows whose columns have these values; nulls count 0."""
    chosen = np.ones(len(rows["day"]), dtype=bool)
    for column, value in where.items():
        chosen &= np.ma.filled(rows[column], "") == value
    return int(np.ma.filled(rows[name], 0)[chosen].sum())


def _column(name: str, values: list[Any]) -> Any:
    if name in TEXTS:
        return np.array(values, dtype=object)
    if name in NULLABLE:
        return np.ma.array([value or 0 for value in values], mask=[value is None for value in values], dtype=np.int64)
    return np.array(values, dtype=np.int64)


def _row(source: str, grain: str, day: int, price_key: str, values: dict[str, Any]) -> dict[str, Any]:
    values = dict(values)
    times, high = values.pop("times", 1), values.pop("high", 1)
    row: dict[str, Any] = {name: values.pop(name, "") for name in TEXTS}
    row |= {
        "source": values.pop("from_", source),
        "grain": row["grain"] or grain,
        "price_key": row["price_key"] or price_key,
    }
    row["day"] = day
    for short, name in SHORT.items():
        row[f"{name}_tokens"] = values.pop(short, 0)
        row[f"{name}_nano"] = row[f"{name}_tokens"] * PRICES[name] * times
    row["web_search_requests"] = values.pop("searches", 0)
    row["server_tool_nano"] = row["web_search_requests"] * 10_000_000
    row["list_nano"] = sum(row[f"{name}_nano"] for name in CLASSES) + row["server_tool_nano"]
    row["list_high_nano"] = sum(row[f"{name}_nano"] for name in CLASSES) * high + row["server_tool_nano"]
    row["requests"] = values.pop("n", None)
    row["billed_nano_usd"], row["reported_list_nano_usd"] = values.pop("billed", None), values.pop("listed", None)
    row["reported_cost_nano_usd"] = values.pop("estimate", None)
    row["sampling_rate"], row["rows"] = values.pop("rate", 1), values.pop("rows", 1)
    row["billed_rows"] = int(row["billed_nano_usd"] is not None)
    row["ttl_unknown"], row["priced"] = values.pop("ttl_unknown", 0), 1
    row["end_day_exclusive"] = values.pop("end", day + 1)
    assert not values, values
    return row
