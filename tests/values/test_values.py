"""Money, time, bands and fingerprints: the vocabulary everything rests on."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.values import (
    OrgKey,
    Tokens,
    band_of_context,
    band_of_prompt,
    date_of_day,
    day_of,
    day_of_date,
    decimal_usd,
    nano_from_cents,
    nano_from_usd,
    parse_timestamp,
    usd_text,
)


def test_cents_and_dollars_meet_in_nano_dollars() -> None:
    # the cost report's own example: "123.78912" cents is $1.2378912
    assert nano_from_cents("123.78912") == 1_237_891_200
    assert nano_from_usd("1.2378912") == 1_237_891_200


def test_rounding_to_nano_dollars_is_half_even() -> None:
    assert nano_from_usd("0.0000000005") == 0
    assert nano_from_usd("0.0000000015") == 2


@given(st.integers(-(10**18), 10**18))
def test_usd_text_is_exact_and_reads_back(nano: int) -> None:
    assert Decimal(usd_text(nano)) == decimal_usd(nano)
    assert "E" not in usd_text(nano)


@pytest.mark.parametrize(
    ("text", "microseconds", "naive"),
    [
        ("1970-01-02", 86_400_000_000, True),
        ("1970-01-02T00:00:00Z", 86_400_000_000, False),
        ("1970-01-02 01:00:00+01:00", 86_400_000_000, False),
        ("1970-01-01T00:00:00.5", 500_000, True),
    ],
)
def test_timestamps_are_utc_microseconds_and_naive_ones_say_so(text: str, microseconds: int, naive: bool) -> None:
    assert parse_timestamp(text) == (microseconds, naive)


def test_a_day_starts_at_utc_midnight() -> None:
    assert day_of(86_400_000_000 - 1) == 0
    assert day_of(86_400_000_000) == 1
    assert day_of_date(date_of_day(20_000)) == 20_000


def test_a_prompt_of_exactly_100_000_tokens_is_in_the_lower_band() -> None:
    assert [band_of_prompt(tokens) for tokens in (0, 100_000, 100_001, 200_000, 200_001)] == [
        "0-100k",
        "0-100k",
        "100k-200k",
        "100k-200k",
        "200k+",
    ]
    assert band_of_context("200k-1M") == "200k+"
    assert band_of_context("whatever") == "any"


def test_the_prompt_is_the_sum_of_four_disjoint_classes_and_output_is_not_in_it() -> None:
    tokens = Tokens(
        uncached_input_tokens=1,
        cache_read_tokens=10,
        cache_write_5m_tokens=100,
        cache_write_1h_tokens=1_000,
        output_tokens=10_000,
    )
    assert tokens.prompt_tokens == 1_111
    assert tokens.total_tokens == 11_111
    assert (tokens + tokens).total_tokens == 22_222


def test_fingerprints_need_the_organisations_key_and_keep_kinds_apart() -> None:
    ours, theirs = OrgKey(b"a" * 32), OrgKey(b"b" * 32)
    assert ours.fingerprint("user", "ann") == ours.fingerprint("user", "ann")
    assert ours.fingerprint("user", "ann") != theirs.fingerprint("user", "ann")
    assert ours.fingerprint("user", "ann") != ours.fingerprint("session", "ann")
    assert "aaaa" not in repr(ours)
