"""The questions this package asks of a ledger: inside the portable subset, and right on a small ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
import sqlglot
from sqlglot import exp

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.queries import hours_sql, shape_sql
from baseload.ledger.store import Ledger
from baseload.values import Call
from baseload.workloads.grouping import group
from baseload.workloads.latency import Arrivals, arrivals_by_signature, arrivals_sql, pauses_sql
from baseload.workloads.neighbours import template_prefixes_sql
from baseload.workloads.shape import hours_by_signature, shapes_by_signature

SECOND = 1_000_000
QUERIES = (arrivals_sql, pauses_sql, template_prefixes_sql)


@pytest.mark.parametrize("sql", QUERIES)
def test_queries_use_only_what_every_engine_reads_alike(sql: Callable[[], str]) -> None:
    # the whole guard is tests/engine/test_portable_sql.py; this is the part of it these queries could break
    tree = sqlglot.parse_one(sql(), read="duckdb")
    used = {type(node) for node in tree.walk() if isinstance(node, exp.Func)}
    assert used <= {exp.Count, exp.Sum, exp.Min, exp.Lag, exp.Case, exp.If, exp.Cast, exp.And}
    assert all(column.table for column in tree.find_all(exp.Column))
    for dialect in ("spark", "snowflake", "bigquery"):
        sqlglot.parse_one(sql(), read=dialect)


def call(number: int, start_s: float, **more: object) -> Call:
    plain: dict[str, object] = {
        "call_id": hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest(),
        "source": "messages",
        "start_us": int(start_s * SECOND),
        "api_key": "k",
        "output_tokens": 10,
    }
    return Call(**(plain | more))  # type: ignore[arg-type]


CALLS = [
    # one session: 2 s after the answer (a program), 60 s (a person), 2 hours (somebody gone)
    call(1, 0, end_us=5 * SECOND, session_id="s", first_token_us=SECOND, template_id="t", prefix_blocks="b:9"),
    call(2, 7, end_us=10 * SECOND, session_id="s", template_id="t", prefix_blocks="a:9"),
    call(3, 70, session_id="s"),
    call(4, 7270, session_id="s"),
    # no session: never a pause
    call(5, 0, api_key="other", tier="batch"),
    call(6, 60, api_key="other", tier="batch", output_tokens=3000),
]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    with Ledger.open(tmp_path_factory.mktemp("ledger"), create=True) as ledger:
        with ledger.writer() as writer:
            writer.append(CALLS)
        with DuckDBEngine(threads=1) as engine:
            ledger.attach(engine)
            found: dict[str, object] = {sql.__name__: engine.query(sql()) for sql in (*QUERIES, shape_sql, hours_sql)}
        return found | {"signatures": ledger.signatures()}


def key_of(tables: dict[str, object], signature: str) -> str:
    table = tables["signatures"]
    names = dict(zip(table["signature"], table["api_key"], strict=True))  # type: ignore[index]
    return str(names[signature]) or "-"


def test_pauses_are_measured_inside_sessions_from_end_to_start(tables: dict[str, object]) -> None:
    found: dict[str, Arrivals] = {}
    merged = arrivals_by_signature(tables["arrivals_sql"], tables["pauses_sql"])  # type: ignore[arg-type]
    for signature, arrivals in merged.items():
        key = key_of(tables, signature)
        found[key] = found.get(key, Arrivals()) + arrivals
    assert found == {
        "k": Arrivals(calls=4, first_token_calls=1, gaps=3, human_gaps=1),
        "other": Arrivals(calls=2, batch_calls=2),
    }


def test_one_prompt_stands_for_a_template(tables: dict[str, object]) -> None:
    table = tables["template_prefixes_sql"]
    assert list(zip(table["template_id"], table["prefix_blocks"], strict=True)) == [("t", "a:9")]  # type: ignore[index]


def test_the_ledgers_own_rows_are_read_as_shapes_and_hours(tables: dict[str, object]) -> None:
    shapes = shapes_by_signature(tables["shape_sql"])  # type: ignore[arg-type]
    other = next(shape for signature, shape in shapes.items() if key_of(tables, signature) == "other")
    assert (other.calls, other.output_tokens, other.out_le_20, other.out_gt_2000) == (2, 3010, 1, 1)
    assert other.stream_share is None
    hours = hours_by_signature(tables["hours_sql"])  # type: ignore[arg-type]
    assert sum(sum(counts.values()) for counts in hours.values()) == 6


def test_a_ledger_is_grouped_from_its_own_tables(tables: dict[str, object]) -> None:
    prefixes = tables["template_prefixes_sql"]
    found, problems = group(
        tables["signatures"], {}, tables["shape_sql"], (), (), hours=tables["hours_sql"],
        arrivals=tables["arrivals_sql"], pauses=tables["pauses_sql"],
        prefixes=dict(zip(prefixes["template_id"], prefixes["prefix_blocks"], strict=True)),
    )  # type: ignore[arg-type,index]  # fmt: skip
    assert problems == []
    assert {(one.name, one.latency) for one in found.values()} == {("k", "unknown"), ("other", "tolerant")}
