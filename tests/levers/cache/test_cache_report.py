"""`baseload cache` on a ledger: sums, the plan's diff, misses; nothing of a prompt but sizes and kinds."""

from __future__ import annotations

import numpy as np
import pytest
from cache_calls import DAY, MODEL, Sent, rows_of

from baseload.cli.cache_logs import print_report
from baseload.engine.duckdb import DuckDBEngine
from baseload.levers.cache.report import CacheReport, cache_report
from baseload.levers.cache.rows import rows_by_workload
from baseload.prices.load import load_book
from baseload.values import Table, Workload


class Answers(DuckDBEngine):
    """An engine that answers both questions from rows."""

    def __init__(self, rows: Table) -> None:
        super().__init__(threads=1)
        self.rows = rows

    def query(self, sql: str) -> Table:
        if "COUNT" in sql:
            days, calls = np.unique(self.rows["start_us"] // 86_400_000_000, return_counts=True)
            return {"day": days, "calls": calls}
        return self.rows


def stamped(signature: str = "s", count: int = 80) -> Table:
    calls = [
        Sent(60 * n, f"{n:04x}:40:s:#aaaaaat{n:06x} 5a:2000:s5 {n:05x}:460:u", (460, 0, 2040, 0)) for n in range(count)
    ]
    return rows_of(*calls) | {"signature": np.array([signature] * count, dtype=object)}


def report_of(*tables: Table) -> CacheReport:
    rows = {name: np.ma.concatenate([table[name] for table in tables]) for name in tables[0]}
    rows = {name: np.asarray(column) if column.dtype == object else column for name, column in rows.items()}
    workloads = {name: Workload(id=f"w-{name}", name=f"Work {name}", stage="rule", why="") for name in ("s", "t")}
    with Answers(rows) as engine:
        return cache_report(engine, workloads, load_book(), DAY)


def test_a_report_has_every_policy_the_plan_and_its_diff() -> None:
    report = report_of(stamped())
    (part,) = report.workloads
    assert [policy.name for policy in report.policies] == ["none", "as_billed", "all_5m", "all_1h", "plan"]
    assert report.requests == part.judged_calls == 40
    assert report.uncached_usd == part.uncached_usd == "0.50"  # 100,000 tokens at 5 USD
    assert part.request.diff == (
        "- system block 1: about 40 tokens, time stamp change",
        "  system block 2: about 2,000 tokens, the same in every call  [cache mark 5m]",
        "  messages: about 460 tokens, all of the conversation",
        "+ system block 1: about 40 tokens, time stamp change",
    )
    assert part.marks[0].after == "system:0"
    assert (part.misses[0].reason, part.misses[0].calls) == ("system_changed", 79)
    # 79 x 2,000 tokens at 6.25 - 0.50 USD a million
    assert part.missed_usd == part.misses[0].usd == "0.9085"


def test_workloads_come_by_what_they_missed_and_the_sums_leave_out_what_is_not_told() -> None:
    few = stamped("t", count=4)
    report = report_of(few, stamped())
    assert [part.name for part in report.workloads] == ["Work s", "Work t"]
    assert report.left_out == 1
    assert report.workloads[1].policies == ()
    assert "fewer than 20" in report.workloads[1].note
    assert report.requests == 40


def test_rows_are_split_by_workload_whatever_their_order() -> None:
    one, two = stamped("s", 3), stamped("t", 2)
    mixed = {name: np.ma.concatenate([one[name], two[name]])[[0, 3, 1, 4, 2]] for name in one}
    with Answers({name: np.asarray(column) for name, column in mixed.items()}) as engine:
        split = dict(rows_by_workload(engine, {"s": "b", "t": "a"}.__getitem__))
    assert list(split) == ["a", "b"]
    assert [len(rows["start_us"]) for rows in split.values()] == [2, 3]


def test_the_report_reads_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(report_of(stamped()))
    said = capsys.readouterr().out
    assert "system changed (time stamp in system block 1)" in said
    assert "Move behind all that is marked: time stamp in system block 1 (about 40 tokens)." in said
    assert f"Plan on {MODEL}: marks at system:0 5m." in said
