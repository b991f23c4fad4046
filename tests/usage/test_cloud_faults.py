"""One wrong value anywhere in a record, of any type: never an exception, at most one problem, neighbours untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cloud_reading import context, read_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_same_call import WITH_TTL, WITHOUT_TTL

RECORDS = {**WITH_TTL, **{f"{name}, unsplit": record for name, record in WITHOUT_TTL.items()}}
CLOUD = {name: record for name, record in RECORDS.items() if record[0].name != "messages"}
WRONG = [
    None,
    True,
    -1,
    1.5,
    10**19,
    float("nan"),
    "",
    "x",
    "NaN",
    "{",
    [],
    [1],
    [[]],
    {},
    {"a": 1},
    "2026-13-45",
    "\ud800",
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, but the whole."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def with_wrong(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    copy = json.loads(json.dumps(value))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = wrong
    return copy


@pytest.mark.parametrize("source", CLOUD)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_wrong_value_costs_at_most_one_problem(source: str, tmp_path: Path, data: st.DataObject) -> None:
    reader, good = CLOUD[source]
    path = data.draw(st.sampled_from(list(places(good))))
    wrong = data.draw(st.sampled_from(WRONG))
    bad = json.dumps(with_wrong(good, path, wrong)).encode()
    calls, problems = read_rows(reader, [bad], tmp_path, run=context())
    assert len(problems) <= 1
    assert len(calls) <= 1
    assert all(len(p.value) <= 60 for p in problems)
    assert all(call.prompt_tokens >= 0 and call.output_tokens >= 0 for call in calls)


@pytest.mark.parametrize("source", CLOUD)
def test_a_torn_line_between_two_good_ones_loses_neither(source: str, tmp_path: Path) -> None:
    reader, good = CLOUD[source]
    torn = json.dumps(good).encode()[:-3]
    whole, _ = read_rows(reader, [good], tmp_path)
    calls, problems = read_rows(reader, [good, torn, good], tmp_path)
    assert {call.call_id for call in calls} == {call.call_id for call in whole}
    assert [(p.code, p.row) for p in problems] == [("bad-json", 2)]
