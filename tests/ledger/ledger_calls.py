"""Calls and ledgers for tests, in one line each."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.store import Ledger
from baseload.values import CALL_FIELDS, DAY_US, Call, Table

DAY = 20_750
NOON = DAY * DAY_US + DAY_US // 2


def hex_of(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def call(name: str = "one", **changes: Any) -> Call:
    """A call at noon of DAY; `name` decides its id."""
    given: dict[str, Any] = {
        "source": "messages_jsonl",
        "start_us": NOON,
        "model_raw": "claude-opus-4-8",
        "model": "claude-opus-4-8",
    }
    return Call(call_id=hex_of(name), **(given | changes))


def bucket(name: str, **changes: Any) -> Call:
    """A day's control total."""
    return call(name, **({"source": "admin_api", "grain": "day", "requests": None, "start_us": DAY * DAY_US} | changes))


def ledger_of(root: Path, *commits: list[Call]) -> Ledger:
    """An open ledger made of one commit per list."""
    ledger = Ledger.open(root, create=True)
    for calls in commits:
        with ledger.writer() as writer:
            writer.append(calls)
    return ledger


def query(ledger: Ledger, sql: str, prices: Table | None = None) -> list[dict[str, Any]]:
    """The rows of a query over an attached ledger, sorted by their text."""
    with DuckDBEngine(threads=1) as engine:
        ledger.attach(engine)
        if prices is not None:
            engine.register("price_interval", prices)
        table = engine.query(sql)
    rows = zip(*(column.tolist() for column in table.values()), strict=True)
    return sorted((dict(zip(table, row, strict=True)) for row in rows), key=str)


def stored(ledger: Ledger) -> list[Call]:
    """Every call that counts, as it was given, sorted by id."""
    columns = ", ".join(f"stored_calls.{name}" for name in CALL_FIELDS)
    rows = query(
        ledger,
        f"SELECT {columns} FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id "
        "WHERE superseded.row_id IS NULL",
    )
    for row in rows:
        row["stream"] = None if row["stream"] is None else bool(row["stream"])
    return sorted((Call(**row) for row in rows), key=lambda found: found.call_id)


def digest(ledger: Ledger) -> str:
    """One hash of everything that counts."""
    return hashlib.sha256(msgspec.msgpack.encode(stored(ledger))).hexdigest()
