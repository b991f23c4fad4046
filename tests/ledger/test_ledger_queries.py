"""Every question asked of a ledger, answered by hand first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ledger_calls import DAY, NOON, bucket, call, hex_of, ledger_of, query

from baseload.ledger.queries import (
    cache_calls_sql,
    cache_days_sql,
    cache_misses_sql,
    hours_sql,
    prefix_days_sql,
    prefixes_sql,
    repeats_sql,
    restatements_sql,
    shape_sql,
    sources_sql,
    spend_sql,
)
from baseload.ledger.store import Ledger
from baseload.values import DAY_US, HOUR_US, Call, Table

MINUTE_US = 60_000_000
SHORT = "claude-opus-4-8|anthropic|global|standard|standard|0-100k"
LONG = "claude-opus-4-8|anthropic|global|standard|standard|100k-200k"


def prices(*keys: str, change: int = DAY) -> Table:
    """Price ids 0, 1, … before the day `change`, and 100, 101, … from it on."""
    numbers = np.arange(len(keys))
    return {
        "price_key": np.array(keys * 2, dtype=object),
        "from_day": np.repeat(np.array([0, change]), len(keys)),
        "to_day_exclusive": np.repeat(np.array([change, 1 << 40]), len(keys)),
        "price_id": np.concatenate([numbers, numbers + 100]),
    }


def only(rows: list[dict[str, Any]], **expected: Any) -> None:
    assert len(rows) == 1, rows
    assert {name: rows[0][name] for name in expected} == expected


# spend


def test_spend_sums_calls_of_one_day_and_price(tmp_path: Path) -> None:
    calls = [
        call("a", uncached_input_tokens=1, cache_read_tokens=20, output_tokens=5, thinking_tokens=2),
        call("b", uncached_input_tokens=2, cache_write_5m_tokens=300, cache_write_1h_tokens=4_000, output_tokens=6),
        call("c", uncached_input_tokens=150_000),
        call("d", start_us=NOON + DAY_US, web_search_requests=3),
    ]
    with ledger_of(tmp_path, calls) as ledger:
        rows = query(ledger, spend_sql(), prices(SHORT, LONG, change=DAY + 1))
    second, first, third = sorted(rows, key=lambda row: (row["day"], row["price_key"]))
    assert (first["price_key"], first["day"], first["price_id"]) == (LONG, DAY, 1)
    assert (second["price_key"], second["day"], second["price_id"]) == (SHORT, DAY, 0)
    assert (third["price_key"], third["day"], third["price_id"]) == (SHORT, DAY + 1, 100)
    assert {name: second[name] for name in ("requests", "requests_known", "row_count")} == {
        "requests": 2,
        "requests_known": 2,
        "row_count": 2,
    }
    assert [
        second[name]
        for name in (
            "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
            "output_tokens", "thinking_tokens",
        )
    ] == [3, 20, 300, 4_000, 11, 2]  # fmt: skip
    assert (second["billed_nano_usd"], second["billed_rows"]) == (None, 0)
    assert third["web_search_requests"] == 3


def test_the_price_of_a_day_holds_from_its_first_day_to_before_its_last(tmp_path: Path) -> None:
    calls = [call(str(day), start_us=day * DAY_US) for day in (DAY - 1, DAY, DAY + 1)]
    with ledger_of(tmp_path, calls) as ledger:
        rows = query(ledger, spend_sql(), prices(SHORT, change=DAY))
    assert {row["day"]: row["price_id"] for row in rows} == {DAY - 1: 0, DAY: 100, DAY + 1: 100}


def test_what_the_book_does_not_price_is_there_with_minus_one(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call(model="", model_raw="glm-5", output_tokens=7)]) as ledger:
        only(query(ledger, spend_sql(), prices(SHORT)), price_id=-1, output_tokens=7, model="")


def test_bills_are_summed_where_a_row_states_one(tmp_path: Path) -> None:
    calls = [
        bucket("a", billed_nano_usd=5, cost_type="tokens", token_class="output_tokens"),
        bucket("b", billed_nano_usd=7, cost_type="tokens", token_class="output_tokens"),
        bucket("c", cost_type="tokens", token_class="output_tokens", reported_list_nano_usd=9),
    ]
    with ledger_of(tmp_path, calls) as ledger:
        only(
            query(ledger, spend_sql(), prices(SHORT)),
            billed_nano_usd=12, billed_rows=2, row_count=3, reported_list_nano_usd=9, requests=None, requests_known=0,
            grain="day", source="admin_api", cost_type="tokens", token_class="output_tokens",
        )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"account": "other"},
        {"grain": "hour"},
        {"sampling_rate": 10},
        {"flags": "ttl_unknown"},
        {"cost_type": "tokens"},
        {"token_class": "output_tokens"},
        {"source": "other"},
        {"tier": "batch"},
        {"start_us": NOON + DAY_US},
    ],
)
def test_what_must_not_be_mixed_is_never_one_row(tmp_path: Path, changes: dict[str, Any]) -> None:
    with ledger_of(tmp_path, [call("a"), call("b", **changes)]) as ledger:
        assert len(query(ledger, spend_sql(), prices(SHORT))) == 2


def test_sums_larger_than_a_float_can_say_are_exact(tmp_path: Path) -> None:
    calls = [call("a", billed_nano_usd=2**53), call("b", billed_nano_usd=1)]
    with ledger_of(tmp_path, calls) as ledger:
        only(query(ledger, spend_sql(), prices(SHORT)), billed_nano_usd=2**53 + 1)


# shape and hours


def test_the_shape_of_a_signature(tmp_path: Path) -> None:
    calls = [
        call("a", output_tokens=20, stream=True, messages=3, stop_reason="tool_use", thinking_tokens=4),
        call("b", output_tokens=21, stream=False, messages=5, stop_reason="max_tokens", start_us=NOON + 5),
        call("c", output_tokens=2_001, http_status=529, uncached_input_tokens=100_001, start_us=NOON - 5),
        call("d", output_tokens=0, requests=0),
        bucket("e", source="messages_jsonl", output_tokens=9),
    ]
    with ledger_of(tmp_path, calls) as ledger:
        only(
            query(ledger, shape_sql()),
            calls=4, stream_calls=1, stream_known=2, failures=2, tool_result_calls=1, output_tokens=2_042,
            thinking_sum=4, out_le_20=2, out_le_100=1, out_le_500=0, out_le_2000=0, out_gt_2000=1,
            prompt_gt_100k_calls=1, max_prompt_tokens=100_001, messages_sum=8, max_tokens_stops=1,
            first_start_us=NOON - 5, last_start_us=NOON + 5,
        )  # fmt: skip


def test_a_call_that_carries_a_tool_result_counts_as_one_without_stopping_for_a_tool(tmp_path: Path) -> None:
    with ledger_of(
        tmp_path, [call("a", task_cues="code,tool_result"), call("b", task_cues="code,tool_result")]
    ) as ledger:
        only(query(ledger, shape_sql()), tool_result_calls=2, calls=2)


def test_hours_are_counted_by_utc_hour_of_day(tmp_path: Path) -> None:
    calls = [call(str(n), start_us=DAY * DAY_US + n * HOUR_US) for n in (0, 24, 25)]
    with ledger_of(tmp_path, [*calls, bucket("total", source="messages_jsonl")]) as ledger:
        rows = query(ledger, hours_sql())
    assert {row["hour"]: row["calls"] for row in rows} == {0: 2, 1: 1}


# repeats


def repeated(*minutes: int, **changes: Any) -> list[Call]:
    return [
        call(f"{minute}", start_us=NOON + minute * MINUTE_US, request_hash=hex_of("same"), output_tokens=10, **changes)
        for minute in minutes
    ]


def test_every_copy_of_a_request_after_the_first_is_excess(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [*repeated(0, 1, 2), call("other", request_hash=hex_of("other"))]) as ledger:
        only(query(ledger, repeats_sql(), prices(SHORT)), calls=2, output_tokens=20, price_id=100, price_key=SHORT)


def test_a_daily_request_is_no_repeat(tmp_path: Path) -> None:
    day = 24 * 60
    with ledger_of(tmp_path, repeated(0, day + 1, 2 * day + 2)) as ledger:
        assert query(ledger, repeats_sql(), prices(SHORT)) == []
        only(query(ledger, repeats_sql(within_us=2 * DAY_US), prices(SHORT)), calls=2)


def test_a_retry_after_a_failure_is_paid_once(tmp_path: Path) -> None:
    failed = [call("failed", request_hash=hex_of("same"), start_us=NOON - 1, http_status=529)]
    with ledger_of(tmp_path, [*failed, *repeated(0)]) as ledger:
        assert query(ledger, repeats_sql(), prices(SHORT)) == []


def test_requests_without_a_hash_are_never_repeats(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a"), call("b")]) as ledger:
        assert query(ledger, repeats_sql(), prices(SHORT)) == []


# misses


def turn(minute: float, read: int = 0, hour: int = 0, five: int = 0, plain: int = 0, session: str = "s") -> Call:
    return call(
        f"{session} {minute}",
        start_us=NOON + int(minute * MINUTE_US),
        session_id=hex_of(session),
        cache_read_tokens=read,
        cache_write_1h_tokens=hour,
        cache_write_5m_tokens=five,
        uncached_input_tokens=plain,
    )


def misses(tmp_path: Path, *turns: Call) -> tuple[int, int, int, int]:
    """(calls with a live predecessor, re-sent uncached, rewritten 5m, rewritten 1h)"""
    with ledger_of(tmp_path, list(turns)) as ledger:
        rows = query(ledger, cache_misses_sql(), prices(SHORT))
    names = ("calls", "resent_uncached_tokens", "rewritten_5m_tokens", "rewritten_1h_tokens")
    first, second, third, fourth = (sum(row[name] for row in rows) for name in names)
    return first, second, third, fourth


def test_a_well_cached_conversation_misses_nothing(tmp_path: Path) -> None:
    turns = (turn(0, five=1_000), turn(1, read=1_000, five=200), turn(2, read=1_200, five=100, plain=5))
    assert misses(tmp_path, *turns) == (2, 0, 0, 0)


def test_a_conversation_without_cache_sends_its_past_again(tmp_path: Path) -> None:
    """1,000 tokens come again in the second turn, 1,500 in the third."""
    assert misses(tmp_path, turn(0, plain=1_000), turn(1, plain=1_500), turn(2, plain=1_900)) == (2, 2_500, 0, 0)


def test_a_cached_prefix_written_again_is_rewritten(tmp_path: Path) -> None:
    """Of the 1,000 cached tokens only 300 are read: 700 of the 900 written now were there already."""
    assert misses(tmp_path, turn(0, five=1_000), turn(1, read=300, five=900)) == (1, 0, 700, 0)


def test_one_hour_writes_stand_before_five_minute_writes(tmp_path: Path) -> None:
    """1,000 cached: [0,100) read, [100,500) written for an hour, [500,1000) of [500,1400) for five minutes."""
    assert misses(tmp_path, turn(0, five=1_000), turn(1, read=100, hour=400, five=900)) == (1, 0, 500, 400)


def test_after_five_minutes_nothing_could_be_read(tmp_path: Path) -> None:
    assert misses(tmp_path, turn(0, five=1_000), turn(5, five=1_000), turn(10.1, five=1_000)) == (1, 0, 1_000, 0)


def test_one_hour_entries_live_an_hour(tmp_path: Path) -> None:
    assert misses(tmp_path, turn(0, hour=1_000), turn(59, hour=1_000), turn(120, hour=1_000)) == (1, 0, 0, 1_000)


def test_other_sessions_agents_and_calls_without_one_are_apart(tmp_path: Path) -> None:
    turns = (turn(0, plain=9), turn(1, plain=9, session="t"), call("x", uncached_input_tokens=9), call("y", agent="z"))
    assert misses(tmp_path, *turns) == (0, 0, 0, 0)


def test_a_shorter_prompt_resends_no_more_than_it_holds(tmp_path: Path) -> None:
    assert misses(tmp_path, turn(0, plain=1_000), turn(1, plain=400)) == (1, 400, 0, 0)


# prefixes


def test_every_answered_call_is_one_a_cache_saw(tmp_path: Path) -> None:
    calls = [
        call("a", prefix_blocks="aa:100:u", session_id="s", uncached_input_tokens=100, effort="low"),
        call("b", uncached_input_tokens=7, start_us=NOON + DAY_US, workspace="v"),
        call("failed", requests=0, uncached_input_tokens=7),
        call("empty"),
        bucket("total", uncached_input_tokens=9),
    ]
    with ledger_of(tmp_path, calls) as ledger:
        rows = query(ledger, cache_calls_sql())
        assert [(row["prompt_tokens"], row["prefix_blocks"], row["session_id"]) for row in rows] in (
            [(100, "aa:100:u", "s"), (7, "", "")],
            [(7, "", ""), (100, "aa:100:u", "s")],
        )
        assert len({row["scope"] for row in rows}) == 2
        assert {(row["price_key"], row["model"]) for row in rows} == {(SHORT, "claude-opus-4-8")}
        assert [row["prompt_tokens"] for row in query(ledger, cache_calls_sql(from_day=DAY + 1))] == [7]
        assert query(ledger, cache_days_sql()) == [{"day": DAY, "calls": 1}, {"day": DAY + 1, "calls": 1}]


def test_prefixes_come_with_the_scope_of_their_cache(tmp_path: Path) -> None:
    calls = [
        call("a", prefix_blocks="aa:100", workspace="w"),
        call("b", prefix_blocks="aa:100", workspace="w", tools_fp="t"),
        call("c", prefix_blocks="aa:100", workspace="v"),
        call("d"),
    ]
    with ledger_of(tmp_path, calls) as ledger:
        rows = query(ledger, prefixes_sql())
    assert len(rows) == 3
    assert len({row["scope"] for row in rows}) == 2
    assert {row["prefix_blocks"] for row in rows} == {"aa:100"}


def test_prefixes_of_a_stretch_of_days(tmp_path: Path) -> None:
    calls = [call(str(day), prefix_blocks="aa:100", start_us=NOON + day * DAY_US) for day in (0, 1, 1, 2)]
    calls.append(call("without", start_us=NOON))
    with ledger_of(tmp_path, [*calls, call("again", prefix_blocks="aa:100", start_us=NOON + 2 * DAY_US)]) as ledger:
        assert len(query(ledger, prefixes_sql(from_day=DAY + 1))) == 3
        assert [tuple(row.values()) for row in query(ledger, prefix_days_sql())] == [
            (DAY, 1),
            (DAY + 1, 1),
            (DAY + 2, 2),
        ]


# sources


def test_sources_say_what_the_ledger_was_filled_with(tmp_path: Path) -> None:
    later = call("b", start_us=NOON + DAY_US, agent="x")
    with ledger_of(tmp_path, [call("a"), later, call("c", requests=None), bucket("d", account="o")]) as ledger:
        rows = query(ledger, sources_sql())
    assert [tuple(row.values()) for row in rows] == [
        ("admin_api", "o", "day", 1, None, DAY, DAY),
        ("messages_jsonl", "", "call", 3, 2, DAY, DAY + 1),
    ]


# replaced copies


@pytest.fixture
def replaced(tmp_path: Path) -> Ledger:
    """One call whose first copy said 1 token, in two commits, so that the old row is still stored."""
    shared = {"request_hash": hex_of("r"), "session_id": hex_of("s"), "prefix_blocks": "aa:1"}
    return ledger_of(tmp_path, [call("a", output_tokens=1, **shared)], [call("a", rank=1, output_tokens=8, **shared)])


def test_no_query_counts_a_replaced_copy(replaced: Ledger) -> None:
    assert sum(file.rows for file in replaced.manifest.calls) == 2
    only(query(replaced, spend_sql(), prices(SHORT)), row_count=1, output_tokens=8)
    only(query(replaced, shape_sql()), calls=1, output_tokens=8)
    only(query(replaced, hours_sql()), calls=1)
    assert query(replaced, repeats_sql(), prices(SHORT)) == []
    assert query(replaced, cache_misses_sql(), prices(SHORT)) == []
    assert len(query(replaced, prefixes_sql())) == 1
    assert query(replaced, restatements_sql()) == []


def test_signatures_that_were_merged_are_summed_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit, two templates are one row of every report."""
    monkeypatch.setattr("baseload.ledger.store.MOST_SIGNATURES", 1)
    with ledger_of(tmp_path, [call("a", template_id="x", output_tokens=1), call("b", template_id="y")]) as ledger:
        only(query(ledger, spend_sql(), prices(SHORT)), row_count=2, output_tokens=1)
        only(query(ledger, shape_sql()), calls=2)
        only(query(ledger, hours_sql()), calls=2)
        assert ledger.signatures()["template_id"].tolist() == [""]


def test_restatements_are_by_day_account_and_model(tmp_path: Path) -> None:
    first = [bucket("a", account="o", billed_nano_usd=10), bucket("b", account="o", billed_nano_usd=1)]
    later = [bucket("a", account="o", billed_nano_usd=15, rank=1), bucket("b", account="o", billed_nano_usd=4, rank=1)]
    latest = [bucket("a", account="o", billed_nano_usd=12, rank=2)]
    with ledger_of(tmp_path, first, later, latest) as ledger:
        only(
            query(ledger, restatements_sql()),
            day=DAY, source="admin_api", account="o", model="claude-opus-4-8", row_count=2,
            first_nano=11, current_nano=16,
        )  # fmt: skip


def test_a_list_price_stands_in_where_there_is_no_bill(tmp_path: Path) -> None:
    versions = [[bucket("a", reported_list_nano_usd=3)], [bucket("a", reported_list_nano_usd=5, rank=1)]]
    with ledger_of(tmp_path, *versions) as ledger:
        only(query(ledger, restatements_sql()), first_nano=3, current_nano=5)
