"""A call as a row: derived columns by hand, and the labels calls are grouped by."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_calls import DAY, call, hex_of

from baseload.ledger.columns import CALL_TABLE_COLUMNS, CallColumns, calls_table, id_keys
from baseload.ledger.dimension import DROPPED_FIRST, cell_columns, report_cells, signature_table
from baseload.ledger.labels import SIGNATURE_FIELDS, CellKey, cell_of, masked_tags, signature_of
from baseload.values import CALL_FIELDS, DAY_US, HOUR_US, Call


def row(**changes: Any) -> dict[str, Any]:
    table = calls_table([call(**changes)])
    return {name: column.tolist()[0] for name, column in table.items()}


def test_every_field_and_every_derived_column_is_there_once() -> None:
    assert tuple(calls_table([call()])) == CALL_TABLE_COLUMNS
    assert len(set(CALL_TABLE_COLUMNS)) == len(CALL_TABLE_COLUMNS)


def test_day_and_hour_are_utc() -> None:
    found = row(start_us=DAY * DAY_US + 23 * HOUR_US + HOUR_US - 1)
    assert (found["day"], found["hour"]) == (DAY, 23)
    assert row(start_us=(DAY + 1) * DAY_US)["hour"] == 0


def test_the_prompt_is_the_four_classes_together() -> None:
    found = row(uncached_input_tokens=1, cache_read_tokens=20, cache_write_5m_tokens=300, cache_write_1h_tokens=4_000)
    assert found["prompt_tokens"] == 4_321


@pytest.mark.parametrize(
    ("prompt", "band"),
    [(0, "0-100k"), (100_000, "0-100k"), (100_001, "100k-200k"), (200_000, "100k-200k"), (200_001, "200k+")],
)
def test_the_band_edges_belong_to_the_lower_band(prompt: int, band: str) -> None:
    found = row(cache_read_tokens=prompt)
    assert found["band"] == band
    assert found["price_key"] == f"claude-opus-4-8|anthropic|global|standard|standard|{band}"


@pytest.mark.parametrize(("context", "band"), [("0-200k", "0-200k"), ("200k-1M", "200k+"), ("", "any")])
def test_a_bucket_takes_its_band_from_its_context_and_never_from_its_sum(context: str, band: str) -> None:
    assert row(grain="day", context=context, uncached_input_tokens=5_000_000)["band"] == band


def test_an_unknown_model_keeps_its_raw_name_in_the_price_key() -> None:
    found = row(model="", model_raw="glm|5", platform="bedrock", geo="us", tier="batch", speed="fast")
    assert found["price_key"] == "?glm/5|bedrock|us|batch|fast|0-100k"


@pytest.mark.parametrize(("flags", "expected"), [("", 0), ("naive_time,ttl_unknown", 1), ("not_ttl_unknown", 0)])
def test_ttl_unknown_is_the_flag_of_that_name(flags: str, expected: int) -> None:
    assert row(flags=flags)["ttl_unknown"] == expected


def test_what_a_source_does_not_say_stays_missing() -> None:
    table = calls_table([call(thinking_tokens=None, stream=True), call(thinking_tokens=5, stream=None)])
    assert table["thinking_tokens"].tolist() == [None, 5]
    assert table["stream"].tolist() == [1, None]
    assert table["billed_nano_usd"].tolist() == [None, None]


def test_no_calls_make_an_empty_table() -> None:
    assert {len(column) for column in calls_table([]).values()} == {0}


def test_the_id_key_is_the_first_half_of_the_call_id() -> None:
    assert id_keys(["00000000000000ff" + "0" * 16, "f" * 32]).tolist() == [255, -1]


def test_an_id_that_is_not_32_hex_digits_still_has_a_key() -> None:
    odd, plain = id_keys(["msg_abc", "00000000000000ff" + "0" * 16]).tolist()
    assert plain == 255
    assert odd == id_keys(["msg_abc"])[0]
    assert id_keys(["0" * 31 + " "])[0] != 0


def test_a_call_without_a_request_hash_has_request_key_zero() -> None:
    table = calls_table([call("a", request_hash="0" * 14 + "ff" + "0" * 16), call("b")])
    assert table["request_key"].tolist() == [255, 0]
    assert calls_table([call("a"), call("b")])["request_key"].tolist() == [0, 0]


# labels


def key(**parts: Any) -> CellKey:
    given = dict.fromkeys(CellKey._fields, "") | {"grain": "call", "sampling_rate": 1, "source": "messages_jsonl"}
    return CellKey(**(given | parts))


def test_labels_do_not_depend_on_the_batch_or_its_order() -> None:
    calls = [call(str(n), tags=f'{{"app":"a{n % 3}"}}', flags="ttl_unknown" * (n % 2)) for n in range(12)]
    together = calls_table(calls)["signature"].tolist()
    maker = CallColumns()
    alone = [maker.table([one])["signature"][0] for one in reversed(calls)]
    assert together == alone[::-1]
    assert len(set(together)) == 3


def test_forgetting_remembered_labels_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [call(str(n), agent=f"agent-{n}", session_id=hex_of(str(n))) for n in range(9)]
    expected = {name: column.tolist() for name, column in calls_table(calls).items()}
    monkeypatch.setattr("baseload.ledger.columns._MOST_REMEMBERED", 2)
    maker = CallColumns()
    parts = [maker.table([one]) for one in calls]
    assert {name: [part[name].tolist()[0] for part in parts] for name in expected} == expected


def test_a_user_is_a_label_only_where_nobody_else_is_named() -> None:
    assert cell_of(key(user_id="u"), "0-100k").labels[-1] == "u"
    for name in ("workspace", "api_key", "agent"):
        assert cell_of(key(user_id="u", **{name: "x"}), "0-100k").labels[-1] == ""
    assert cell_of(key(user_id="u", tags='{"a":"b"}'), "0-100k").labels[-1] == ""


def test_the_signature_of_known_labels_is_pinned() -> None:
    """It names workloads across machines and releases: a change of this value is a migration."""
    assert signature_of(("messages_jsonl", *[""] * 10, "call", "")) == "c0e08018da36613a"


@pytest.mark.parametrize(
    ("tags", "masked"),
    [
        ("", ""),
        ('{"app":"search","env":"prod2"}', '{"app":"search","env":"prod2"}'),
        ('{"run":"7f1b8a52-3c1d-4e7a-9b61-0a2f6f0c9d11"}', '{"run":"*"}'),
        ('{"run":"nightly-20261122-0931"}', '{"run":"nightly-*-0931"}'),
        ('{"run":"2026-11-22T09:31:05.123Z"}', '{"run":"*"}'),
        ('{"sha":"9fceb02d0ae598e9"}', '{"sha":"*"}'),
        ('{"trace":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}', '{"trace":"*"}'),
        ('{"order":123456,"small":42}', '{"order":"*","small":42}'),
        ('{"ids":["12345678","eu"]}', '{"ids":["*","eu"]}'),
        ('{"word":"deadbeefcafe"}', '{"word":"deadbeefcafe"}'),
        ("job 20261122", "job *"),
    ],
)
def test_tags_that_number_every_run_do_not_make_it_a_workload_of_its_own(tags: str, masked: str) -> None:
    assert masked_tags(tags) == masked


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=4))
def test_masking_twice_is_masking_once(tags: dict[str, str]) -> None:
    once = masked_tags(json.dumps(tags, sort_keys=True))
    assert masked_tags(once) == once


def test_different_parts_of_a_price_are_different_cells() -> None:
    changed = {
        "model": "m", "platform": "bedrock", "geo": "us", "tier": "batch", "speed": "fast", "flags": "ttl_unknown",
        "sampling_rate": 10, "cost_type": "tokens", "token_class": "output_tokens", "source": "x", "grain": "day",
    }  # fmt: skip
    cells = {cell_of(key(**{name: value}), "0-100k").cell for name, value in changed.items()}
    cells |= {cell_of(key(), band).cell for band in ("0-100k", "200k+")}
    assert len(cells) == len(changed) + 2


# an exploding label


def exploded(count: int) -> Any:
    """`count` templates under two tags."""
    cells = [cell_of(key(template_id=f"t{n}", tags=f'{{"app":"a{n % 2}"}}', model="m"), "0-100k") for n in range(count)]
    return cell_columns(cells)


def test_few_signatures_are_left_as_they_are() -> None:
    cells = report_cells(exploded(5), most=5)
    assert cells["spend_cell"].tolist() == cells["cell"].tolist()
    assert len(signature_table(cells)["signature"]) == 5


def test_a_cell_stored_twice_counts_once() -> None:
    once = exploded(3)
    twice = {name: np.concatenate([column, column]) for name, column in once.items()}
    assert sorted(report_cells(twice, most=5)["cell"].tolist()) == sorted(once["cell"].tolist())


def test_too_many_signatures_lose_the_template_first() -> None:
    cells = report_cells(exploded(6), most=5)
    table = signature_table(cells)
    assert sorted(table["tags"].tolist()) == ['{"app":"a0"}', '{"app":"a1"}']
    assert set(table["template_id"].tolist()) == {""}
    assert len(cells["cell"]) == 6 + 2  # two coarse cells came in
    assert set(cells["spend_cell"].tolist()) <= set(cells["cell"].tolist())


def test_then_the_tags() -> None:
    table = signature_table(report_cells(exploded(6), most=1))
    assert table["tags"].tolist() == [""]


def test_the_choice_depends_on_the_set_and_not_on_the_order() -> None:
    forward = exploded(6)
    backward = {name: column[::-1] for name, column in forward.items()}
    one, other = report_cells(forward, most=5), report_cells(backward, most=5)
    pairs = [dict(zip(t["cell"].tolist(), t["spend_cell"].tolist(), strict=True)) for t in (one, other)]
    assert pairs[0] == pairs[1]


def test_what_may_be_dropped_are_labels() -> None:
    assert set(DROPPED_FIRST) < set(SIGNATURE_FIELDS)


@given(st.lists(st.integers(min_value=0, max_value=2**62), min_size=1, max_size=5))
def test_integers_of_any_size_survive(values: list[int]) -> None:
    table = calls_table([call(str(n), rank=value, billed_nano_usd=-value) for n, value in enumerate(values)])
    assert table["rank"].tolist() == values
    assert np.asarray(table["billed_nano_usd"]).tolist() == [-value for value in values]


def test_the_table_follows_the_record() -> None:
    """A new field of Call is a new column: raise SCHEMA_VERSION and add an upgrade (docs/reference/ledger.md)."""
    assert len(CALL_FIELDS) == 57
    assert Call.__struct_fields__ == CALL_FIELDS
