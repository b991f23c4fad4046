"""Fields of foreign records: the value, or exactly one fault that names it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.usage.fields import (
    MAX_CALL_TOKENS,
    BadRecord,
    decode_json,
    epoch_field,
    int_field,
    short_value,
    time_field,
)

SECRET = "sk-ant-" + "x" * 200


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-1, "negative-tokens"),
        (MAX_CALL_TOKENS + 1, "huge-tokens"),
        (10**400, "huge-tokens"),
        (1.5, "fractional-tokens"),
        (math.nan, "not-a-number"),
        (math.inf, "not-a-number"),
        (True, "not-a-number"),
        ("12", "not-a-number"),
        ([], "not-a-number"),
        ({}, "not-a-number"),
    ],
)
def test_a_count_that_is_no_count_is_one_fault_with_its_code(value: object, code: str) -> None:
    with pytest.raises(BadRecord) as caught:
        int_field({"input_tokens": value}, "input_tokens")
    assert caught.value.code == code
    assert "input_tokens" in caught.value.message


def test_whole_floats_absent_and_null_counts_are_read() -> None:
    assert int_field({"n": 12.0}, "n") == 12
    assert int_field({}, "n") == 0
    assert int_field({"n": None}, "n", default=None) is None


def test_digits_in_text_count_only_where_the_format_writes_them_so() -> None:
    assert int_field({"n": "172"}, "n", text=True) == 172
    assert int_field({"n": "1.72e2"}, "n", text=True) == 172
    assert int_field({"n": ""}, "n", text=True, default=None) is None
    with pytest.raises(BadRecord):
        int_field({"n": "1_7"}, "n", text=True)


def test_a_problem_never_shows_long_text_or_containers() -> None:
    assert short_value(SECRET) == "sk-…"
    assert len(short_value("n" * 61)) == 60
    assert short_value({"prompt": SECRET}) == "object"
    assert short_value([SECRET]) == "array"
    with pytest.raises(BadRecord) as caught:
        int_field({"n": SECRET}, "n")
    assert SECRET[:10] not in caught.value.value


@pytest.mark.parametrize("torn", [b"", b"{", b'{"a":', b"nonsense", b'{"a":1}{"b":2}', b"\xff\xfe"])
def test_torn_json_is_one_fault(torn: bytes) -> None:
    with pytest.raises(BadRecord) as caught:
        decode_json(torn)
    assert caught.value.code == "bad-json"


def test_deep_nesting_is_one_fault_and_never_a_crash() -> None:
    with pytest.raises(BadRecord) as caught:
        decode_json(b'{"a":' * 100_000)
    assert caught.value.code == "too-deep"


def test_what_javascript_writes_and_json_forbids_is_still_read() -> None:
    assert decode_json(b'{"text":"\\ud83d","n":1}')["n"] == 1
    assert math.isnan(decode_json(b'{"n":NaN}')["n"])
    assert decode_json(b'{"text":"caf\xe9","n":2}')["n"] == 2


def test_times_say_whether_they_were_naive() -> None:
    hour_us = 3_600_000_000
    assert time_field("1970-01-01T01:00:00Z", "t") == (hour_us, False)
    assert time_field("1970-01-01 01:00:00", "t") == (hour_us, True)
    assert time_field("1970-01-01T02:00:00+01:00", "t") == (hour_us, False)


@pytest.mark.parametrize(
    ("value", "code"),
    [(None, "no-time"), ("", "no-time"), ("yesterday", "bad-time"), (5, "bad-time"), ("2026-13-01", "bad-time")],
)
def test_a_time_that_is_none_is_one_fault(value: object, code: str) -> None:
    with pytest.raises(BadRecord) as caught:
        time_field(value, "timestamp")
    assert caught.value.code == code


def test_epochs_are_converted_without_floats() -> None:
    assert epoch_field("1757000000123456789", "t", per_second=1_000_000_000) == 1_757_000_000_123_456
    assert epoch_field(1_757_000_000, "t", per_second=1) == 1_757_000_000_000_000


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.lists(st.integers())))
def test_any_value_is_either_a_count_in_range_or_a_bad_record(value: object) -> None:
    try:
        count = int_field({"n": value}, "n", text=True)
    except BadRecord:
        return
    assert count is not None
    assert 0 <= count <= MAX_CALL_TOKENS


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2026-13-01T00:00:00Z", "2026-13-01T00:00:00Z"),
        ("9" * 40, "9" * 30),
        ("please summarise the patient", "text of 28 characters"),
    ],
)
def test_a_bad_time_is_shown_only_where_it_looks_like_one(written: str, shown: str) -> None:
    with pytest.raises(BadRecord) as caught:
        time_field(written, "timestamp")
    assert (caught.value.code, caught.value.value) == ("bad-time", shown)


def test_text_where_a_number_belongs_is_not_shown() -> None:
    with pytest.raises(BadRecord) as caught:
        int_field({"n": "a secret of a patient"}, "n", text=True)
    assert (caught.value.code, caught.value.value) == ("not-a-number", "text of 21 characters")
