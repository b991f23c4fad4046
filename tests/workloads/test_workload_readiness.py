"""What each workload's sources allow today, and the cheapest next source with its steps and days."""

from __future__ import annotations

import numpy as np
import pytest
from workload_tables import USD, shapes, signatures, text

from baseload.values import TOKEN_CLASSES, Table, Window
from baseload.workloads.grouping import group
from baseload.workloads.ranking import rank
from baseload.workloads.readiness import ReadinessRow, readiness
from baseload.workloads.sources import (
    BEDROCK_LOG,
    CLAUDE_CODE_BODIES,
    CLAUDE_CODE_OTEL,
    KEY_PER_WORKLOAD,
    LITELLM_PROMPTS,
    NOTHING,
    REQUEST_LOG,
)

DAYS = 10


def ready(
    label: dict[str, str], *, rows: int = 100, requests: int | None = None, platform: str = "anthropic"
) -> ReadinessRow:
    """Readiness of one signature: `rows` ledger rows that stand for `requests` calls over ten days, a dollar a day."""
    table = signatures({"signature": "s"} | label)
    count = rows if requests is None else requests
    spend: Table = {
        "signature": text(["s"] * DAYS),
        "source": text([label.get("source", "messages")] * DAYS),
        "model": text(["m"] * DAYS),
        "price_key": text([f"m|{platform}|global|standard|standard|any"] * DAYS),
        "day": np.arange(DAYS),
        "list_nano": np.full(DAYS, USD),
        "rows": np.full(DAYS, rows // DAYS),
        "requests": np.ma.array(np.full(DAYS, count // DAYS), mask=requests is None and label.get("grain") == "day"),
        **{name: np.ones(DAYS, dtype=np.int64) for name in TOKEN_CLASSES},
    }
    found, _ = group(table, {"s": DAYS * USD}, shapes(s=rows), (), ())
    ranking = rank(spend, found, Window(start_day=0, end_day_exclusive=DAYS))
    return readiness(ranking, spend, table, found)[0]


PROMPTS = {"template_id": "t", "system_fp": "s", "api_key": "k"}
BUCKETS = {"grain": "day", "source": "admin_api"}


def allowed(row: ReadinessRow) -> tuple[bool, bool, bool, bool]:
    return row.rank, row.cache, row.batch, row.trial


def test_an_admin_key_allows_the_ranking_and_nothing_else() -> None:
    row = ready(BUCKETS | {"api_key": "apikey_01"})
    assert allowed(row) == (True, False, False, False)
    assert row.next_source == REQUEST_LOG.name
    assert row.capture_days == 7  # volume unknown: one week


def test_prompts_of_enough_calls_allow_everything() -> None:
    row = ready(PROMPTS, rows=400)
    assert allowed(row) == (True, True, True, True)
    assert (row.next_source, row.steps, row.capture_days) == (NOTHING.name, (), 0)


def test_too_few_prompts_ask_for_more_days_of_the_same() -> None:
    # 100 calls in ten days are 10 a day; 300 more take 30 days
    row = ready(PROMPTS, rows=100)
    assert allowed(row) == (True, True, True, False)
    assert (row.next_source, row.captured_calls, row.capture_days) == ("more of the same", 100, 30)


def test_a_sample_counts_what_was_captured_and_not_what_it_stands_for() -> None:
    # 10 prompts seen of 20,000 calls: 390 more at 2,000 a day are one day
    row = ready(PROMPTS, rows=10, requests=20_000)
    assert (row.captured_calls, row.trial, row.capture_days) == (10, False, 1)


def test_calls_without_prompts_allow_batch_but_not_cache() -> None:
    row = ready({"source": "litellm", "api_key": "k"}, rows=5000)
    assert allowed(row) == (True, False, True, False)
    assert row.next_source == LITELLM_PROMPTS.name
    assert row.capture_days == 7  # 400 calls take a day, but a pattern needs a week


def test_transcripts_show_sessions_but_cannot_be_replayed() -> None:
    row = ready({"source": "claude_code", "template_id": "t"}, rows=5000)
    assert allowed(row) == (True, True, True, False)
    assert row.next_source == CLAUDE_CODE_BODIES.name


@pytest.mark.parametrize(
    ("label", "platform", "name"),
    [
        (BUCKETS | {"source": "admin_api/claude_code", "agent": "claude_code"}, "anthropic", CLAUDE_CODE_OTEL.name),
        (BUCKETS | {"source": "cur", "user_id": "role/x"}, "bedrock", BEDROCK_LOG.name),
        (BUCKETS | {"workspace": "w"}, "anthropic", KEY_PER_WORKLOAD.name),
        (BUCKETS, "anthropic", KEY_PER_WORKLOAD.name),
    ],
)
def test_the_cheapest_next_source_depends_on_where_the_calls_run(
    label: dict[str, str], platform: str, name: str
) -> None:
    row = ready(label, platform=platform)
    assert row.next_source == name
    assert row.steps


@pytest.mark.parametrize(("calls_usd", "trial"), [(5, True), (4, False)])
def test_control_totals_beside_calls_hide_nothing_and_calls_of_a_few_days_allow_nothing(
    calls_usd: int, trial: bool
) -> None:
    # the bill says 10 dollars; logged calls stand for 5 of them, half, or for 4, less than half
    table = signatures({"signature": "c"} | PROMPTS, {"signature": "b", "api_key": "k"} | BUCKETS)
    spend: Table = {
        "signature": text(["c", "b"]),
        "source": text(["messages", "admin_api"]),
        "price_key": text(["m|anthropic|global|standard|standard|any"] * 2),
        "list_nano": np.array([calls_usd * USD, 10 * USD]),
        "rows": np.array([400, 1]),
    }
    settled: Table = {
        "signature": text(["b"]), "source": text(["admin_api"]), "model": text(["m"]),
        "day": np.zeros(1, dtype=np.int64),
        "list_nano": np.array([10 * USD]), "requests": np.ma.array([0], mask=[True]),
        **{name: np.ones(1, dtype=np.int64) for name in TOKEN_CLASSES},
    }  # fmt: skip
    found, _ = group(table, {"b": 10 * USD}, shapes(c=400), (), ())
    row = readiness(rank(settled, found, Window(start_day=0, end_day_exclusive=1)), spend, table, found)[0]
    assert (row.trial, row.cache, row.batch) == (trial, trial, trial)


def test_unattributed_spend_cannot_even_be_ranked() -> None:
    assert not ready(BUCKETS).rank


def test_a_rare_workload_is_not_asked_to_wait_for_years() -> None:
    assert ready(PROMPTS, rows=10).capture_days == 90  # 390 more at one a day are 390 days
