"""What the aggregate sources share: grains, names of statements, ranks and amounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_reading import micros

from baseload.usage.buckets import (
    COST_PARTS,
    RATES,
    amount_field,
    bucket_id,
    grain_of,
    pages_of,
    rank_moment,
    statement_rank,
    statement_source,
)
from baseload.usage.normal import BadRecord

DAY = micros("2026-03-01T00:00+00:00")
HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("start", "end", "grain"),
    [
        ("2026-03-01T10:00+00:00", "2026-03-01T10:01+00:00", "minute"),
        ("2026-03-01T10:00+00:00", "2026-03-01T11:00+00:00", "hour"),
        ("2026-03-01T00:00+00:00", "2026-03-02T00:00+00:00", "day"),
        ("2026-02-01T00:00+00:00", "2026-03-01T00:00+00:00", "month"),
        ("2026-12-01T00:00+00:00", "2027-01-01T00:00+00:00", "month"),
        ("2026-03-01T00:00+00:00", "2026-05-01T00:00+00:00", "range"),
        ("2026-03-02T00:00+00:00", "2026-04-02T00:00+00:00", "range"),
        ("2026-03-01T00:00+00:00", "2026-03-01T07:00+00:00", "range"),
    ],
)
def test_a_bucket_s_grain_is_its_length(start: str, end: str, grain: str) -> None:
    assert grain_of(micros(start), micros(end)) == grain


@pytest.mark.parametrize("length", [0, -HOUR_US])
def test_a_bucket_that_ends_before_it_starts_is_refused(length: int) -> None:
    with pytest.raises(BadRecord, match="ends before"):
        grain_of(DAY, DAY + length)


def test_only_the_grouping_that_prices_exactly_has_the_plain_name() -> None:
    assert statement_source("x", RATES) == "x"
    assert statement_source("x", RATES | COST_PARTS) == "x"
    assert statement_source("x", RATES - {"inference_geo"}) == "x"  # null on every row of models without one
    assert statement_source("x", RATES - {"speed"}) == "x/context+model+tier"
    assert statement_source("x", RATES | {"cost_type"}) == "x/context+cost_type+model+speed+tier"
    assert statement_source("x", frozenset()) == "x/total"


def test_a_dated_statement_beats_any_size_and_a_later_one_beats_it() -> None:
    early, late = micros("2026-03-01T00:00+00:00"), micros("2026-03-01T00:00:01+00:00")
    assert statement_rank(None, 10**18) < statement_rank(early, 0) < statement_rank(late, 0)
    assert statement_rank(None, 5) < statement_rank(None, 6)
    assert statement_rank(None, -7) == 7
    assert (rank_moment(statement_rank(late, 0)), rank_moment(statement_rank(None, 10**18))) == (late, None)


def test_an_identity_is_its_values_and_nothing_else() -> None:
    bounds = (DAY, DAY + HOUR_US)
    one = bucket_id("s", "a", bounds, {"model": "m", "key": None, "tier": ""})
    assert one == bucket_id("s", "a", bounds, {"tier": None, "model": "m"})
    others = [
        bucket_id("t", "a", bounds, {"model": "m"}),
        bucket_id("s", "b", bounds, {"model": "m"}),
        bucket_id("s", "a", (DAY, DAY + 2 * HOUR_US), {"model": "m"}),
        bucket_id("s", "a", bounds, {"key": "m"}),
        bucket_id("s", "a", bounds, {"model": "m"}, occurrence=1),
    ]
    assert len({one, *others}) == 6


@given(st.decimals(min_value=-(10**6), max_value=10**6, places=6))
def test_amounts_are_exact_in_cents_and_dollars(amount: Decimal) -> None:
    record = {"amount": str(amount)}
    assert amount_field(record, "amount", cents=True) == amount * 10**7
    assert amount_field(record, "amount", cents=False) == amount * 10**9


@pytest.mark.parametrize(
    ("value", "nano"),
    [
        (186, 186 * 10**9),
        (0.1, 10**8),
        ("1,234.5", 1_234_500_000_000),
        ("$2", 2 * 10**9),
        ("1e2", 10**11),
        (None, None),
        ("", None),
    ],
)
def test_amounts_as_people_and_programs_write_them(value: object, nano: int | None) -> None:
    assert amount_field({"amount": value}, "amount", cents=False) == nano


@pytest.mark.parametrize("value", ["0,13", "1,23,456", "NaN", "Infinity", "1e12", True, [], {}, "much"])
def test_amounts_that_cannot_be_meant_are_refused(value: object) -> None:
    with pytest.raises(BadRecord):
        amount_field({"amount": value}, "amount", cents=False)


@pytest.mark.parametrize(
    "text",
    [
        b"{}",
        b'{"data": 3}',
        b"[1]",
        b'"x"',
        b"",
        b"{",
        b'{"data":[]}\n{',
        b'{"data":[],"baseload_pull":{"group_by":3}}',
    ],
)
def test_what_is_no_page_is_one_bad_record(text: bytes) -> None:
    with pytest.raises(BadRecord):
        list(pages_of(text))
