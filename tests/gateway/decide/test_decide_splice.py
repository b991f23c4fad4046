"""Only what is meant to change changes: every other byte of a body stays where its caller put it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from decide_made import bodies
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from baseload.gateway.decide.splice import Cut, element, elements, last_element, locate, member_cuts, spliced


def members_of(body: bytes) -> dict[str, Raw]:
    return msgspec.json.decode(body, type=dict[str, Raw])


def edited(body: bytes, values: dict[str, bytes | None]) -> bytes:
    located = locate(body, members_of(body))
    assert located is not None
    return spliced(body, member_cuts(located, values))


@pytest.mark.parametrize(
    ("body", "values", "expected"),
    [
        (b'{"model": "a", "x": 1.50}', {"model": b'"b"'}, b'{"model": "b", "x": 1.50}'),
        (b'{"x":1,"model":"a"}', {"model": b'"b"'}, b'{"x":1,"model":"b"}'),
        (b' {\n "model" : "a" ,"x":1 } ', {"model": b'"b"'}, b' {\n "model" : "b" ,"x":1 } '),
        (b'{"model": "model", "x": "model"}', {"x": b"2"}, b'{"model": "model", "x": 2}'),
        (b'{"model": "a"}', {"effort": b'"low"'}, b'{"effort":"low","model": "a"}'),
        (b'{"a": 1, "model": "m", "b": 2}', {"a": None}, b'{"model": "m", "b": 2}'),
        (b'{"a": 1, "model": "m", "b": 2, "c": 3}', {"b": None, "c": None}, b'{"a": 1, "model": "m"}'),
        (b'{"a": 1, "b": 2, "m": 3, "c": 4}', {"a": None, "b": None, "c": None}, b'{"m": 3}'),
        (b'{"a": 1, "m": 3}', {"a": None, "z": b"0"}, b'{"z":0,"m": 3}'),
        (b'{"m": 3}', {"gone": None}, b'{"m": 3}'),
    ],
)
def test_edits_by_hand(body: bytes, values: dict[str, bytes | None], expected: bytes) -> None:
    assert edited(body, values) == expected


@settings(max_examples=200, deadline=None)
@given(bodies, st.data())
def test_what_is_edited_reads_as_meant_and_the_rest_is_the_same_bytes(body: bytes, data: st.DataObject) -> None:
    before = json.loads(body)
    names = st.sampled_from([*before, "new", "newer"])
    values: dict[str, Any] = data.draw(st.dictionaries(names, st.sampled_from([None, 7, "t", {"k": [1]}]), max_size=4))
    values.pop("model", None)
    after = edited(
        body, {name: None if value is None else json.dumps(value).encode() for name, value in values.items()}
    )
    expected = {**before, **{name: value for name, value in values.items() if value is not None}}
    for name in (name for name, value in values.items() if value is None):
        expected.pop(name, None)
    assert json.loads(after) == expected
    kept, found = members_of(body), members_of(after)
    assert all(bytes(found[name]) == bytes(kept[name]) for name in kept if name not in values)


@pytest.mark.parametrize(
    "body",
    [b'{"model": "a", "model": "b"}', b'{"mod\\u0065l": "a"}', b'{"model": "a", "x": 1, "model": "a"}', b"{}"],
)
def test_a_name_given_twice_or_in_escapes_is_never_edited(body: bytes) -> None:
    assert locate(body, members_of(body)) is None


def test_a_value_that_looks_like_the_next_member_is_not_taken_for_it() -> None:
    body = b'{"a": "\\", \\"model\\": \\"x", "model": "y"}'
    assert edited(body, {"model": b'"z"'}) == b'{"a": "\\", \\"model\\": \\"x", "model": "z"}'


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([1, "a", [1, [2]], {"b": "]"}, None]), min_size=1), st.sampled_from([None, 1]))
def test_items_of_an_array_are_found_from_both_ends(values: list[Any], indent: int | None) -> None:
    array = json.dumps(values, indent=indent).encode()
    body = b'{"x": ' + array + b"}"
    items = msgspec.json.decode(array, type=list[Raw])
    spans = list(elements(body, items, 6))
    assert [json.loads(body[start:end]) for start, end in spans] == values
    assert last_element(body, items[-1], len(body) - 1) == spans[-1] == element(body, items, 6, len(values) - 1)
    assert element(body, items, 6, len(values)) is None


def test_items_that_are_not_those_of_the_body_are_not_found() -> None:
    assert list(elements(b"[1, 2]", [Raw(b"1"), Raw(b"3")], 0)) == [(1, 2)]
    assert last_element(b"[1, 2]", Raw(b"3"), 6) is None


def test_cuts_are_made_in_order_of_place_and_insertions_keep_theirs() -> None:
    assert spliced(b"abcdef", [Cut(4, 5, b"E"), Cut(0, 0, b"1"), Cut(0, 0, b"2"), Cut(1, 3, b"")]) == b"12adEf"
    body = b"same"
    assert spliced(body, []) is body
