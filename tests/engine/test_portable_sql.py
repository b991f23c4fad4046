"""The portable subset of SQL (docs/reference/ledger.md): what every engine reads alike, enforced on every query."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
import sqlglot
from sqlglot import exp

from baseload.ledger import peaks, prompt_sizes, queries, request_settings, session_models
from baseload.levers.batch import ledger as batch
from baseload.quality.trial import planning_population
from baseload.workloads import latency, neighbours

MODULES = (
    queries,
    peaks,
    prompt_sizes,
    request_settings,
    session_models,
    latency,
    neighbours,
    batch,
    planning_population,
)
QUERIES: dict[str, Callable[[], str]] = {
    f"{module.__name__.removeprefix('baseload.')}.{name}": found
    for module in MODULES
    for name, found in vars(module).items()
    if name.endswith("_sql") and not name.startswith("_") and found.__module__ == module.__name__
}
SAME_TREE = ("snowflake", "trino", "redshift", "clickhouse", "postgres", "spark", "databricks", "bigquery")

STRUCTURE = (exp.Select, exp.From, exp.Where, exp.Group, exp.Join, exp.With, exp.CTE, exp.TableAlias, exp.Subquery)
NAMES = (exp.Identifier, exp.Table, exp.Column, exp.Alias, exp.Star, exp.Literal, exp.Null, exp.Paren)
LOGIC = (exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Case, exp.If)
NUMBERS = (exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Neg, exp.Sum, exp.Count, exp.Min, exp.Max, exp.Cast, exp.DataType)
WINDOWS = (exp.Window, exp.Lag, exp.Lead, exp.RowNumber, exp.Order, exp.Ordered)
ALLOWED = (*STRUCTURE, *NAMES, *LOGIC, *NUMBERS, *WINDOWS)

OF_A_MINUTE = {"minute_us", "requests", "input_tokens", "output_tokens"}
NOT_NULL_ORDER = {"start_us", "id_key", "rank", "stated_nano", *OF_A_MINUTE}
"""Columns a window may be ordered by: never null, because engines disagree on where nulls go."""


def faults(sql: str) -> Iterator[str]:
    """What in a query is outside the subset."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for node in tree.walk():
        if not isinstance(node, ALLOWED):
            yield f"{type(node).__name__} is not in the subset: {node.sql()[:60]}"
        yield from _faults_of(node)


def _faults_of(node: exp.Expression) -> Iterator[str]:
    if isinstance(node, exp.Literal) and not node.is_string and not node.is_int:
        yield f"{node.sql()} is not an integer"
    if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
        yield "a star outside COUNT(*)"
    if isinstance(node, exp.Column) and not node.table and not isinstance(node.this, exp.Star):
        yield f"{node.sql()} does not say its table, so it could mean an alias"
    if isinstance(node, exp.Cast) and (node.to.this != exp.DataType.Type.BIGINT or type(node) is not exp.Cast):
        yield f"{node.sql()} casts to something else than BIGINT"
    if isinstance(node, exp.Sum) and not isinstance(node.parent, exp.Cast):
        yield f"{node.sql()} is not cast back to BIGINT"
    if isinstance(node, exp.Join) and (node.side not in ("", "LEFT") or not node.args.get("on") or node.method):
        yield f"{node.sql()[:60]} is neither an inner nor a left join with ON"
    if isinstance(node, exp.Group) and not _names_columns(node):
        yield "GROUP BY something that is not a named column"
    if isinstance(node, exp.Select) and (node.args.get("distinct") or node.args.get("qualify")):
        yield "DISTINCT or QUALIFY"
    if isinstance(node, exp.Window):
        order = node.args.get("order")
        columns = [item.this.name for item in order.expressions] if order else []
        if not columns or not set(columns) <= NOT_NULL_ORDER or len(columns) < 2:
            yield f"a window ordered by {columns}, not by two or more of {sorted(NOT_NULL_ORDER)}"


def _names_columns(group: exp.Group) -> bool:
    return bool(group.expressions) and all(isinstance(item, exp.Column) for item in group.expressions)


def test_the_guard_looks_at_the_queries_the_engines_are_compared_on(digests: ModuleType) -> None:
    assert set(QUERIES) == set(digests.QUERIES)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_stays_in_the_subset(name: str) -> None:
    assert list(faults(QUERIES[name]())) == []


def test_options_stay_in_the_subset() -> None:
    assert list(faults(queries.prefixes_sql(from_day=20_000))) == []
    assert list(faults(queries.cache_calls_sql(from_day=20_000))) == []
    assert list(faults(queries.repeats_sql(within_us=1))) == []


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("dialect", SAME_TREE)
def test_every_dialect_reads_the_same_tree(name: str, dialect: str) -> None:
    """But for NULL order, because every order key is NOT NULL (checked above), and for Spark's CAST, which sqlglot
    reads as a trying one: `engine.spark` sets ANSI mode, where it is not."""
    assert _tree(QUERIES[name](), dialect) == _tree(QUERIES[name](), "duckdb")


def _tree(sql: str, dialect: str) -> exp.Expression:
    tree = sqlglot.parse_one(sql, read=dialect)
    for node in tree.find_all(exp.Ordered):
        node.set("nulls_first", None)
    for node in list(tree.find_all(exp.TryCast)):
        node.replace(exp.Cast(this=node.this, to=node.to))
    return tree


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT calls.day * 0.1 AS x FROM calls", "not an integer"),
        ("SELECT * FROM calls", "a star outside"),
        ("SELECT day FROM calls", "does not say its table"),
        ("SELECT calls.a // 2 AS x FROM calls", "IntDiv"),
        ("SELECT calls.a / 2 AS x FROM calls", "Div"),
        ("SELECT SUM(calls.a) AS x FROM calls", "not cast back"),
        ("SELECT CAST(calls.a AS DOUBLE) AS x FROM calls", "casts to something else"),
        ("SELECT TRY_CAST(calls.a AS BIGINT) AS x FROM calls", "casts to something else"),
        ("SELECT AVG(calls.a) AS x FROM calls", "Avg"),
        ("SELECT COUNT(*) FILTER (WHERE calls.a > 1) AS n FROM calls", "Filter"),
        ("SELECT DISTINCT calls.a FROM calls", "DISTINCT"),
        ("SELECT COUNT(*) AS n FROM calls GROUP BY ALL", "GROUP BY"),
        ("SELECT COUNT(*) AS n FROM calls GROUP BY calls.a + 1", "GROUP BY"),
        ("SELECT calls.a FROM calls ASOF JOIN p ON calls.a >= p.a", "neither an inner nor a left join"),
        ("SELECT calls.a FROM calls FULL JOIN p ON calls.a = p.a", "neither an inner nor a left join"),
        ("SELECT calls.a FROM calls CROSS JOIN p", "neither an inner nor a left join"),
        ("SELECT calls.a FROM calls INNER JOIN p USING (a)", "neither an inner nor a left join"),
        ("SELECT LAG(calls.a) OVER (PARTITION BY calls.b ORDER BY calls.t, calls.id_key) AS p FROM c", "ordered by"),
        ("SELECT LAG(calls.a) OVER (PARTITION BY calls.b ORDER BY calls.start_us) AS p FROM calls", "ordered by"),
        ("SELECT calls.a FROM calls QUALIFY ROW_NUMBER() OVER (ORDER BY calls.start_us, calls.id_key) = 1", "QUALIFY"),
        ("SELECT epoch_us(calls.t) AS x FROM calls", "not in the subset"),
        ("SELECT strftime(calls.t, '%Y') AS x FROM calls", "not in the subset"),
        ("SELECT calls.a FROM calls WHERE calls.b IS NOT NULL", "Not is not"),
        ("SELECT calls.a || calls.b AS x FROM calls", "DPipe"),
        ("SELECT calls.t + INTERVAL 1 DAY AS x FROM calls", "Interval"),
        ("SELECT [calls.a] AS x FROM calls", "Array"),
        ("SELECT upper(calls.a) AS x FROM calls", "Upper"),
        ("SELECT calls.a FROM calls WHERE calls.b IN ('x', 'y')", "In is not"),
        ("SELECT calls.a FROM calls LIMIT 5", "Limit"),
        ("SELECT COALESCE(calls.a, 0) AS x FROM calls", "Coalesce"),
    ],
)  # fmt: skip
def test_the_guard_sees_what_is_outside(sql: str, why: str) -> None:
    assert why in "; ".join(faults(sql))
