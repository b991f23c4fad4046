"""Identity, completeness and token classes: the rules every source shares."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from usage_reading import usage

from baseload.usage.normal import (
    BadRecord,
    call_id,
    completeness_rank,
    derived_call_id,
    geo_of,
    join_flags,
    speed_of,
    tags_text,
    tier_of,
    tokens_from_usage,
    totals_of,
)
from baseload.values import TOKEN_CLASSES


def counted(value: dict[str, Any], **options: Any) -> tuple[int, ...]:
    tokens = tokens_from_usage(value, **options).tokens
    return tuple(getattr(tokens, name) for name in TOKEN_CLASSES)


# identity


def test_the_message_id_names_a_call_whatever_else_is_known() -> None:
    assert call_id(message_id="msg_1", request_id="req_1", source="a") == call_id(message_id="msg_1", source="b")
    assert call_id(message_id="msg_1") != call_id(request_id="msg_1")


def test_native_ids_and_content_are_only_unique_inside_their_source() -> None:
    assert call_id(source="a", native_id="7") != call_id(source="b", native_id="7")
    assert call_id(source="a", content=b"7") != call_id(source="a", native_id="7")


def test_a_call_without_anything_to_name_it_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a message id"):
        call_id(source="a")


def test_call_ids_are_32_hex_digits_and_parts_have_their_own() -> None:
    whole = call_id(message_id="msg_1")
    part = derived_call_id(whole, "advisor_message:claude-opus-4-8")
    assert len(whole) == len(part) == 32
    assert int(part, 16) != int(whole, 16)


# completeness


def test_an_original_beats_a_replay_then_more_tokens_win_then_detail() -> None:
    replay = completeness_rank(900, original=False, detail=15)
    partial, whole = completeness_rank(10), completeness_rank(20)
    assert replay < partial < whole < completeness_rank(20, detail=1)
    assert completeness_rank(900, settled=False) < partial


@given(st.integers(min_value=0, max_value=2**70), st.booleans(), st.booleans(), st.integers(0, 15))
def test_a_rank_fits_a_signed_64_bit_column(total: int, original: bool, settled: bool, detail: int) -> None:
    assert 0 <= completeness_rank(total, original=original, settled=settled, detail=detail) < 2**63


# token classes


def test_input_is_without_cached_tokens_and_writes_are_split_by_lifetime() -> None:
    value = usage(
        input_tokens=3,
        cache_read_input_tokens=14_874,
        cache_creation_input_tokens=1_331,
        cache_creation={"ephemeral_5m_input_tokens": 1_000, "ephemeral_1h_input_tokens": 331},
        output_tokens=172,
    )
    assert counted(value) == (3, 14_874, 1_000, 331, 172)
    assert tokens_from_usage(value).flags == ()


def test_a_write_without_a_split_is_a_5m_write_of_unknown_lifetime() -> None:
    found = tokens_from_usage(usage(cache_creation_input_tokens=500))
    assert (found.tokens.cache_write_5m_tokens, found.flags) == (500, ("ttl_unknown",))


def test_only_the_part_of_a_write_that_the_split_leaves_out_is_unknown() -> None:
    found = tokens_from_usage(usage(cache_creation_input_tokens=500, cache_creation={"ephemeral_1h_input_tokens": 400}))
    # 400 are known to be 1h; the other 100 are counted as 5m
    assert (found.tokens.cache_write_5m_tokens, found.tokens.cache_write_1h_tokens) == (100, 400)
    assert found.flags == ("ttl_unknown",)


def test_compaction_is_billed_though_the_top_level_leaves_it_out() -> None:
    value = usage(
        input_tokens=100,
        output_tokens=10,
        iterations=[
            {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
            {"type": "message", "input_tokens": 100, "output_tokens": 10},
        ],
    )
    assert counted(value) == (180_100, 0, 0, 0, 3_510)
    assert tokens_from_usage(value).flags == ("iterations",)


def test_compaction_alone_is_added_to_the_top_level() -> None:
    value = usage(iterations=[{"type": "compaction", "input_tokens": 5, "output_tokens": 7}])
    assert counted(value) == (15, 0, 0, 0, 27)


def test_an_advisor_is_billed_at_its_own_model_in_its_own_row() -> None:
    value = usage(
        iterations=[
            {"type": "message", "input_tokens": 10, "output_tokens": 20},
            {"type": "advisor_message", "model": "claude-opus-4-8", "input_tokens": 900, "output_tokens": 40},
        ]
    )
    found = tokens_from_usage(value, model="claude-sonnet-5")
    assert counted(value, model="claude-sonnet-5") == (10, 0, 0, 0, 20)
    [part] = found.extra
    assert (part.kind, part.model) == ("advisor_message", "claude-opus-4-8")
    assert (part.tokens.uncached_input_tokens, part.tokens.output_tokens) == (900, 40)
    assert totals_of(found) == 10 + 20 + 900 + 40


def test_a_declined_hop_before_a_fallback_is_billed_at_the_requested_model() -> None:
    value = usage(
        iterations=[
            {"type": "message", "input_tokens": 25, "output_tokens": 0},
            {"type": "fallback_message", "model": "claude-sonnet-4-5", "input_tokens": 25, "output_tokens": 8},
        ]
    )
    found = tokens_from_usage(value, model="claude-sonnet-4-5", requested="claude-opus-4-7")
    assert (found.tokens.uncached_input_tokens, found.tokens.output_tokens) == (25, 8)
    assert [(part.model, part.tokens.uncached_input_tokens) for part in found.extra] == [("claude-opus-4-7", 25)]


def test_thinking_is_inside_the_output_and_never_added() -> None:
    found = tokens_from_usage(usage(output_tokens=106, output_tokens_details={"thinking_tokens": 67}))
    assert (found.tokens.output_tokens, found.thinking_tokens) == (106, 67)


@pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "cache_read_input_tokens"])
def test_a_bad_count_anywhere_refuses_the_record_and_names_the_field(field: str) -> None:
    with pytest.raises(BadRecord, match=field):
        tokens_from_usage(usage(**{field: -5}))


def test_tiers_speeds_and_geographies_map_to_the_price_books_words() -> None:
    assert [tier_of(t) for t in ("batch", "priority", "flex_discount", "priority_on_demand", "standard", None, 3)] == [
        "batch", "priority", "flex", "standard", "standard", "standard", "standard",
    ]  # fmt: skip
    assert (speed_of("fast"), speed_of(None)) == ("fast", "standard")
    assert (geo_of("us"), geo_of("not_available"), geo_of(None)) == ("us", "global", "global")


def test_labels_have_one_canonical_form() -> None:
    assert join_flags("b", "", "a", "b") == "a,b"
    assert tags_text({"team": "x", "app": "y", "n": 3, "none": None}) == '{"app":"y","n":"3","team":"x"}'
    assert tags_text({}) == ""
