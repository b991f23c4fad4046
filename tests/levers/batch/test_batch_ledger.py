"""What the ledger answers for batching: inside the portable subset, and right on a small ledger counted by hand."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import sqlglot
from sqlglot import exp

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.store import Ledger
from baseload.levers.batch.completion import completion_table
from baseload.levers.batch.flow import TIERS
from baseload.levers.batch.ledger import (
    arrivals_sql,
    batch_times_sql,
    durations,
    durations_sql,
    flows,
    requests_sql,
    sent_by_workload,
    signatures_table,
)
from baseload.levers.batch.workloads import BatchSettings, batch_facts, batch_outcomes, clock_of, request_of
from baseload.levers.position import Position
from baseload.prices.book import PriceKey
from baseload.prices.load import load_book
from baseload.project import WorkloadRule
from baseload.values import DAY_US, HOUR_US, Call, Table, Tokens, Workload, day_of_date

SECOND = 1_000_000
MINUTE = 60 * SECOND
NIGHT = 20_000 * DAY_US + 3 * HOUR_US
QUERIES = (arrivals_sql, requests_sql, durations_sql, batch_times_sql)


@pytest.mark.parametrize("sql", QUERIES)
def test_queries_use_only_what_every_engine_reads_alike(sql: Callable[[], str]) -> None:
    # the whole guard is tests/engine/test_portable_sql.py; this is the part of it these queries could break
    tree = sqlglot.parse_one(sql(), read="duckdb")
    used = {type(node) for node in tree.walk() if isinstance(node, exp.Func)}
    assert used <= {exp.Count, exp.Sum, exp.Case, exp.If, exp.Cast, exp.And, exp.Or}
    assert not any(isinstance(node, exp.Not | exp.In | exp.Div | exp.IntDiv) for node in tree.walk())
    assert all(column.table for column in tree.find_all(exp.Column))
    assert all(isinstance(total.parent, exp.Cast) for total in tree.find_all(exp.Sum))
    for dialect in ("spark", "snowflake", "bigquery"):
        sqlglot.parse_one(sql(), read=dialect)


def call(name: str, start_us: int, **more: object) -> Call:
    plain: dict[str, object] = {
        "call_id": hashlib.blake2b(name.encode(), digest_size=16).hexdigest(),
        "source": "messages",
        "start_us": start_us,
        "api_key": "nightly",
        "model": "claude-opus-4-8",
        "uncached_input_tokens": 100,
        "output_tokens": 10,
    }
    return Call(**(plain | more))  # type: ignore[arg-type]


CALLS = [
    call("a", NIGHT, end_us=NIGHT + 3 * SECOND, stream=True, stop_reason="end_turn"),
    call("b", NIGHT + 59 * SECOND, end_us=NIGHT + 60 * SECOND, stop_reason="tool_use"),  # the same minute, one second
    call("c", NIGHT + MINUTE, max_tokens=0),  # the next minute, length unknown
    call("d", NIGHT + MINUTE, http_status=529),  # refused: asked again, not counted
    call("e", NIGHT, api_key="sampled", sampling_rate=10, end_us=NIGHT + 5_000 * SECOND),
    call("f", NIGHT, api_key="nightly", tier="batch", end_us=NIGHT + HOUR_US),  # in a batch already
    call("g", NIGHT, api_key="other", tier="batch", end_us=NIGHT + HOUR_US),  # of the same batch
    call("h", NIGHT, api_key="waits"),
    call("i", NIGHT, grain="day", api_key="nightly"),  # a bucket has no arrival
]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(tmp_path_factory.mktemp("ledger"), create=True) as opened:
        with opened.writer() as writer:
            writer.append(CALLS)
        yield opened


def by_key(ledger: Ledger) -> dict[str, Workload]:
    """Signature -> a workload for each key; "waits" is interactive, the others tolerant."""
    table = ledger.signatures()
    return {
        signature: Workload(
            id=key, name=key, stage="key", why="", latency="interactive" if key == "waits" else "tolerant"
        )
        for signature, key in zip(table["signature"].tolist(), table["api_key"].tolist(), strict=True)
    }


def asked(ledger: Ledger, sql: Callable[[], str]) -> Table:
    with DuckDBEngine(threads=1) as engine:
        ledger.attach(engine)
        engine.register("batch_signatures", signatures_table({s: w.id for s, w in by_key(ledger).items()}))
        return engine.query(sql())


def test_arrivals_are_counted_by_minute_outside_batches_and_scaled(ledger: Ledger) -> None:
    found = flows(asked(ledger, arrivals_sql), TIERS["start"])
    assert set(found) == {"nightly", "sampled", "waits"}
    assert found["nightly"].start_us.tolist() == [NIGHT, NIGHT + MINUTE]
    assert found["nightly"].requests.tolist() == [2, 1]
    assert found["nightly"].bytes.tolist() == [2 * (1_000 + 500), 1_000 + 500]  # 5 bytes a token beside 1,000 a request
    assert found["sampled"].requests.tolist() == [10]


def test_requests_say_what_a_batch_would_refuse(ledger: Ledger) -> None:
    found = sent_by_workload(asked(ledger, requests_sql), ledger.signatures())
    (nightly,) = found["nightly"]
    assert (nightly.calls, nightly.streamed, nightly.prewarms, nightly.tool_stops) == (3, 1, 1, 1)
    assert found["sampled"][0].calls == 10


def test_durations_are_the_upper_edges_of_powers_of_two(ledger: Ledger) -> None:
    found = durations(asked(ledger, durations_sql))
    assert (found["nightly"] // SECOND).tolist() == [1, 4]  # 1 s and 3 s
    assert (found["sampled"] // SECOND).tolist() == [512]


def test_a_batch_is_one_pair_of_creation_and_end(ledger: Ledger) -> None:
    times = asked(ledger, batch_times_sql)
    assert (times["start_us"].tolist(), times["end_us"].tolist()) == ([NIGHT], [NIGHT + HOUR_US])
    assert times["calls"].tolist() == [2]


def positions() -> list[Position]:
    key = PriceKey("claude-opus-4-8", "anthropic", "global", "standard", "standard", "0-100k")
    tokens = Tokens(uncached_input_tokens=300, output_tokens=30)
    return [
        Position(workload=name, key=key, requests=3, tokens=tokens, list_nano=1, list_high_nano=1)
        for name in ("nightly", "sampled", "waits", "billed-only")
    ]


def test_every_workload_of_a_ledger_gets_an_outcome(ledger: Ledger) -> None:
    settings = BatchSettings(rules=(WorkloadRule(name="n", id="nightly", deadline="24h"),))
    workload_of = by_key(ledger)
    workloads = {one.id: one for one in workload_of.values()}
    workloads["billed-only"] = Workload(id="billed-only", name="b", stage="key", why="", latency="tolerant")
    book, day = load_book(), day_of_date(dt.date(2026, 11, 22))
    with DuckDBEngine(threads=1) as engine:
        ledger.attach(engine)
        facts = batch_facts(engine, ledger.signatures(), workload_of, settings)
    found, problems = batch_outcomes(positions(), workloads, facts, settings, book, day)
    assert "waits" not in facts.flows  # nobody asks the ledger about those who wait
    assert found["waits"].blocked_by == ("interactive",)
    assert (found["nightly"].deadline_us, found["nightly"].deadline_source) == (24 * HOUR_US, "declared")
    assert found["nightly"].share_likely == pytest.approx(0.33, abs=0.02)  # one of three warms a cache, one loops
    assert (found["billed-only"].grade, found["billed-only"].calls) == ("assumed", 0)
    assert problems == []
    assert facts.table == completion_table()  # one recorded batch is no distribution
    asked_of = request_of(workloads["nightly"], positions()[:1], facts, settings, book, day)
    clock = clock_of(asked_of)
    assert clock is not None
    assert sum(clock.arrivals) == 3
    assert clock_of(request_of(workloads["waits"], positions()[2:3], facts, settings, book, day)) is None


def test_recorded_batches_are_used_once_there_are_thirty(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Ledger.open(tmp_path_factory.mktemp("ledger"), create=True) as ledger:
        with ledger.writer() as writer:
            writer.append(
                [call(str(n), NIGHT + n, tier="batch", end_us=NIGHT + n + (n + 1) * MINUTE) for n in range(30)]
            )
        with DuckDBEngine(threads=1) as engine:
            ledger.attach(engine)
            facts = batch_facts(engine, ledger.signatures(), by_key(ledger), BatchSettings())
    assert facts.table.provenance == "measured"
    # 1 to 30 minutes: the median is 15.5
    assert facts.table.likely.quantile_us(0.5) == pytest.approx(15.5 * MINUTE)
    assert np.all([facts.table.likely.quantile_us(1.0) <= 30 * MINUTE + 1])


def test_one_queue_for_all_workloads_is_checked_at_their_peaks_together(ledger: Ledger) -> None:
    settings = BatchSettings(limits=TIERS["start"]._replace(queued_requests=10))
    workload_of = by_key(ledger)
    workloads = {one.id: one for one in workload_of.values()}
    with DuckDBEngine(threads=1) as engine:
        ledger.attach(engine)
        facts = batch_facts(engine, ledger.signatures(), workload_of, settings)
    book, day = load_book(), day_of_date(dt.date(2026, 11, 22))
    # 3 calls of one and 10 of the other arrive in the same minutes: each fits alone, together they are 13
    _, problems = batch_outcomes(positions()[:3], workloads, facts, settings, book, day)
    assert [problem.code for problem in problems] == ["batch-queue-crowded"]
    assert problems[0].value == "up to 13 at once"
