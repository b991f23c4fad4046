"""What routing asks of a ledger: prompt lengths, settings, busiest minutes, sessions. Answered by hand first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from ledger_calls import DAY, NOON, call, ledger_of
from sqlglot import exp

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.peaks import Peak, peak_hours_sql, peak_minutes_sql, peaks_by_workload, signature_workload
from baseload.ledger.prompt_sizes import EDGES, prompt_sizes_sql, sizes_by_signature
from baseload.ledger.request_settings import Settings, settings_by_signature, settings_sql
from baseload.ledger.session_models import (
    SessionMix,
    Switching,
    mix_by_workload,
    session_mix_sql,
    session_models_sql,
    switching_by_signature,
)
from baseload.prices.load import load_book
from baseload.values import DAY_US, Call, Table, Tokens

MINUTE_US = 60_000_000
QUERIES = (prompt_sizes_sql, settings_sql, peak_minutes_sql, peak_hours_sql, session_mix_sql, session_models_sql)
HAIKU = {"model": "claude-haiku-5-5", "model_raw": "claude-haiku-5-5"}


@pytest.mark.parametrize("sql", QUERIES)
def test_queries_use_only_what_every_engine_reads_alike(sql: Callable[[], str]) -> None:
    # the whole guard is tests/engine/test_portable_sql.py; this is the part of it these queries could break
    tree = sqlglot.parse_one(sql(), read="duckdb")
    used = {type(node) for node in tree.walk() if isinstance(node, exp.Func)}
    allowed = {
        exp.Count,
        exp.Sum,
        exp.Min,
        exp.Max,
        exp.Lag,
        exp.RowNumber,
        exp.Case,
        exp.If,
        exp.Cast,
        exp.And,
        exp.Or,
    }
    assert used <= allowed
    assert not list(tree.find_all(exp.Div, exp.IntDiv, exp.Distinct))
    assert all(column.table for column in tree.find_all(exp.Column))
    assert all(isinstance(one.parent, exp.Cast) for one in tree.find_all(exp.Sum))
    assert all(len(one.args["order"].expressions) >= 2 for one in tree.find_all(exp.Window))
    for dialect in ("spark", "snowflake", "bigquery", "postgres"):
        sqlglot.parse_one(sql(), read=dialect)


def ask(root: Path, calls: list[Call], *queries: str) -> tuple[list[Table], dict[str, str]]:
    """The tables of some queries over calls, and the api key (here: the workload) of each signature."""
    with ledger_of(root, calls) as ledger, DuckDBEngine(threads=1) as engine:
        ledger.attach(engine)
        table = ledger.signatures()
        names = dict(zip(table["signature"].tolist(), table["api_key"].tolist(), strict=True))
        engine.register("signature_workload", signature_workload(names))
        return [engine.query(sql) for sql in queries], names


def by_key(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[signature]: value for signature, value in found.items()}


# prompt lengths


def test_a_prompt_falls_in_the_bin_whose_edge_it_does_not_exceed(tmp_path: Path) -> None:
    lengths = (0, 512, 513, 100_000, 100_001, 1_000_001)
    calls = [call(str(n), uncached_input_tokens=length) for n, length in enumerate(lengths)]
    (table,), _ = ask(tmp_path, calls, prompt_sizes_sql())
    (bins,) = sizes_by_signature(table).values()
    assert {one.up_to: one.calls for one in bins} == {512: 2, 1_024: 1, 100_000: 1, 130_000: 1, 0: 1}
    assert list(EDGES) == sorted(EDGES)


def test_bins_hold_every_token_class_scaled_by_the_sample_and_no_refused_call(tmp_path: Path) -> None:
    calls = [
        call("a", uncached_input_tokens=1, cache_read_tokens=20, cache_write_5m_tokens=300, output_tokens=7),
        call("b", cache_write_1h_tokens=400, sampling_rate=10),
        call("refused", uncached_input_tokens=400, requests=0),
        call("bucket", grain="day", uncached_input_tokens=400),
    ]
    (table,), _ = ask(tmp_path, calls, prompt_sizes_sql())
    bins = [one for found in sizes_by_signature(table).values() for one in found]
    assert sorted((one.calls, one.tokens.prompt_tokens, one.tokens.output_tokens) for one in bins) == [
        (1, 321, 7),
        (10, 4_000, 0),
    ]
    assert bins[0].price_key.startswith("claude-opus-4-8|")
    assert sum((one.tokens for one in bins), Tokens()).cache_write_1h_tokens == 4_000


# settings


def test_settings_count_efforts_and_keep_the_largest_max_tokens(tmp_path: Path) -> None:
    calls = [
        call("a", effort="low", max_tokens=500),
        call("b", max_tokens=64_000),
        call("c", sampling_rate=5),
        call("d", effort="low", **HAIKU),
    ]
    (table,), names = ask(tmp_path, calls, settings_sql())
    found = sum(settings_by_signature(table).values(), Settings())
    assert found == Settings(
        efforts=(("claude-haiku-5-5", "low", 1), ("claude-opus-4-8", "", 6), ("claude-opus-4-8", "low", 1)),
        max_tokens=64_000,
    )
    assert set(names.values()) == {""}


# busiest minutes


def peaks(root: Path, calls: list[Call]) -> dict[str, Peak]:
    (minutes, hours), _ = ask(root, calls, peak_minutes_sql(), peak_hours_sql())
    return peaks_by_workload(minutes, hours)


def test_a_minute_adds_its_calls_and_leaves_reads_batches_and_clouds_out(tmp_path: Path) -> None:
    key = {"api_key": "k"}
    calls = [
        call("a", uncached_input_tokens=100, cache_read_tokens=9_000, output_tokens=5, **key),
        call("b", start_us=NOON + MINUTE_US - 1, cache_write_5m_tokens=20, cache_write_1h_tokens=3, **key),
        call("next", start_us=NOON + MINUTE_US, uncached_input_tokens=110, output_tokens=50, **key),
        call("batch", uncached_input_tokens=10**6, tier="batch", **key),
        call("cloud", uncached_input_tokens=10**6, platform="bedrock", **key),
    ]
    assert peaks(tmp_path, calls) == {
        "k": Peak(
            minutes=2, requests=2, input_tokens=123, output_tokens=50,
            p99_requests=2, p99_input_tokens=123, p99_output_tokens=50,
        )
    }  # fmt: skip


def test_signatures_of_one_workload_share_a_minute(tmp_path: Path) -> None:
    calls = [call("a", api_key="k", template_id="t1"), call("b", api_key="k", template_id="t2")]
    assert peaks(tmp_path, calls)["k"].requests == 2


def test_99_per_cent_of_the_minutes_stay_at_or_below_p99(tmp_path: Path) -> None:
    calls = [call(str(n), api_key="k", start_us=NOON + n * MINUTE_US, output_tokens=n) for n in range(1, 101)]
    found = peaks(tmp_path, calls)["k"]
    assert (found.minutes, found.output_tokens, found.p99_output_tokens) == (100, 100, 99)


def test_a_sample_shows_the_mean_minute_of_its_busiest_hour(tmp_path: Path) -> None:
    # three 1-in-100 calls at noon and one at one, over two days: 300 requests in 120 minutes of noon, rounded up
    starts = (NOON, NOON + 1, NOON + DAY_US, NOON + 60 * MINUTE_US)
    calls = [
        call(str(n), api_key="k", start_us=start, sampling_rate=100, uncached_input_tokens=12)
        for n, start in enumerate(starts)
    ]
    found = peaks(tmp_path, calls)["k"]
    assert (found.requests, found.input_tokens, found.p99_requests, found.is_sampled) == (3, 30, 3, True)
    mixed = peaks(tmp_path / "both", [*calls, call("whole", api_key="k")])["k"]
    assert (mixed.requests, mixed.is_sampled) == (4, True)


# sessions


def test_a_session_of_two_workloads_or_models_is_mixed(tmp_path: Path) -> None:
    calls = [
        call("1", session_id="both", api_key="a"),
        call("2", session_id="both", api_key="b", **HAIKU),
        call("3", session_id="one", api_key="a"),
        call("4", session_id="one", api_key="a", account="elsewhere"),  # another account's session of that name
        call("5", session_id="models", api_key="a"),
        call("6", session_id="models", api_key="a", **HAIKU),
        call("7", api_key="a", **HAIKU),
    ]
    (table,), _ = ask(tmp_path, calls, session_mix_sql())
    found = mix_by_workload(table)
    assert found == {
        "a": SessionMix(sessions=4, mixed_workloads=1, mixed_models=2),
        "b": SessionMix(sessions=1, mixed_workloads=1, mixed_models=1),
    }
    assert (found["a"].workload_share, found["a"].model_share, SessionMix().model_share) == (0.25, 0.5, 0.0)


def test_a_change_of_model_costs_what_the_cold_cache_bills_again(tmp_path: Path) -> None:
    # Opus 4.8 caches 1,000 tokens; Haiku 5.5 writes them again among 1,200: 1,000 x (0.125 - 0.01) = 115,000 nano.
    # Back on Opus they come as plain input: 1,200 tokens x (5 - 0.50) = 5,400,000 nano.
    day = DAY + 29  # 2026-11-22: DAY is 2026-10-24
    talk = {"session_id": "s", "api_key": "k"}
    calls = [
        call("1", cache_write_5m_tokens=1_000, **talk),
        call("2", start_us=NOON + MINUTE_US, cache_write_5m_tokens=1_200, **talk, **HAIKU),
        call("3", start_us=NOON + 2 * MINUTE_US, uncached_input_tokens=1_500, **talk),
        call("4", start_us=NOON + 3 * MINUTE_US, cache_read_tokens=1_500, **talk),
        call("same", start_us=NOON + 4 * MINUTE_US, uncached_input_tokens=1_600, **talk),  # a miss, but no switch
        call(
            "late", start_us=NOON + DAY_US, uncached_input_tokens=1_500, **talk, **HAIKU
        ),  # every cache is cold by then
    ]
    (table,), names = ask(tmp_path, calls, session_models_sql())
    found, problems = switching_by_signature(table, load_book(), day)
    assert problems == []
    assert by_key(found, names) == {"k": Switching(calls=5, switches=3, high_nano=115_000 + 5_400_000)}


def test_another_agent_of_the_session_is_another_conversation(tmp_path: Path) -> None:
    calls = [
        call("1", session_id="s", agent="main", cache_write_5m_tokens=9),
        call("2", session_id="s", agent="helper", start_us=NOON + 1, uncached_input_tokens=9, **HAIKU),
    ]
    (table,), _ = ask(tmp_path, calls, session_models_sql())
    found, _ = switching_by_signature(table, load_book(), DAY + 29)
    assert sum(found.values(), Switching()) == Switching()


def test_a_switch_to_a_model_without_a_price_is_a_problem(tmp_path: Path) -> None:
    calls = [
        call("1", session_id="s", cache_write_5m_tokens=9),
        call("2", session_id="s", start_us=NOON + 1, uncached_input_tokens=9, model="", model_raw="glm-5"),
    ]
    (table,), _ = ask(tmp_path, calls, session_models_sql())
    found, problems = switching_by_signature(table, load_book(), DAY + 29)
    assert [problem.code for problem in problems] == ["switch-unpriced"]
    assert sum(found.values(), Switching()) == Switching(calls=1, switches=1)
