"""The golden corpus of usage shapes: what gateways miscounted (facts: gateways.md 5.1), with the right answer by hand.

Each case is the usage of `message_start`, the usages of the `message_delta`s, and (uncached, read, written for 5
minutes, written for 1 hour, output).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from baseload.gateway.calllog.usage_merge import fell, merged
from baseload.usage.normal import tokens_from_usage
from baseload.values import TOKEN_CLASSES


class Shape(NamedTuple):
    name: str
    start: dict[str, Any]
    deltas: list[dict[str, Any]]
    classes: tuple[int, int, int, int, int]
    also: Mapping[str, Any] = MappingProxyType({})  # further fields of UsageTokens


def split(five: int, hour: int) -> dict[str, int]:
    return {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}


CORPUS = [
    Shape("ordinary", {"input_tokens": 10, "output_tokens": 1}, [{"output_tokens": 25}], (10, 0, 0, 0, 25)),
    Shape(
        "deltas are cumulative, not added",
        {"input_tokens": 10, "output_tokens": 1},
        [{"output_tokens": 10}, {"output_tokens": 25}],
        (10, 0, 0, 0, 25),
    ),
    Shape(
        "cache only in message_delta, null in message_start",
        {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": None, "cache_creation_input_tokens": None},
        [{"cache_read_input_tokens": 1_000, "cache_creation_input_tokens": 200, "output_tokens": 50}],
        (3, 1_000, 200, 0, 50),
        {"flags": ("ttl_unknown",)},
    ),
    Shape(
        "cache 0 in message_start, told in message_delta (BerriAI/litellm 31069)",
        {"input_tokens": 12, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0, "output_tokens": 1},
        [{"input_tokens": 12, "cache_read_input_tokens": 9_000, "output_tokens": 7}],
        (12, 9_000, 0, 0, 7),
    ),
    Shape(
        "cache only in message_start (envoyproxy/ai-gateway 2290 the other way round)",
        {"input_tokens": 4, "cache_read_input_tokens": 500, "output_tokens": 2},
        [{"output_tokens": 30}],
        (4, 500, 0, 0, 30),
    ),
    Shape(
        "null in message_delta takes nothing back",
        {"input_tokens": 9, "cache_read_input_tokens": 50, "output_tokens": 1},
        [{"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 4}],
        (9, 50, 0, 0, 4),
    ),
    Shape(
        "both lifetimes, told once",
        {"input_tokens": 5, "cache_creation_input_tokens": 700, "cache_creation": split(200, 500), "output_tokens": 1},
        [{"output_tokens": 40}],
        (5, 0, 200, 500, 40),
        {"flags": ()},
    ),
    Shape(
        "the breakdown's other half in message_delta",
        {"input_tokens": 5, "cache_creation_input_tokens": 500, "cache_creation": split(0, 500), "output_tokens": 1},
        [
            {
                "cache_creation_input_tokens": 800,
                "cache_creation": {"ephemeral_5m_input_tokens": 300},
                "output_tokens": 9,
            }
        ],
        (5, 0, 300, 500, 9),
        {"flags": ()},
    ),
    Shape(
        "server tools: the total grew past message_start's breakdown (litellm 42663): the rest is priced too",
        {
            "input_tokens": 100,
            "cache_creation_input_tokens": 1_000,
            "cache_read_input_tokens": 0,
            "cache_creation": split(0, 1_000),
            "output_tokens": 1,
        },
        [
            {
                "input_tokens": 150,
                "cache_creation_input_tokens": 4_000,
                "cache_read_input_tokens": 6_000,
                "output_tokens": 900,
                "server_tool_use": {"web_search_requests": 2},
            }
        ],
        (150, 6_000, 3_000, 1_000, 900),  # 4,000 written, 1,000 of them for an hour, the lifetime of 3,000 not said
        {"flags": ("ttl_unknown",), "web_search_requests": 2},
    ),
    Shape(
        "writes without any breakdown",
        {"input_tokens": 1, "cache_creation_input_tokens": 300, "output_tokens": 1},
        [{"output_tokens": 2}],
        (1, 0, 300, 0, 2),
        {"flags": ("ttl_unknown",)},
    ),
    Shape(
        "fast mode is said once",
        {"input_tokens": 8, "cache_read_input_tokens": 80, "speed": "fast", "output_tokens": 1},
        [{"output_tokens": 5}],
        (8, 80, 0, 0, 5),
        {"speed": "fast"},
    ),
    Shape(
        "batch, and a region",
        {"input_tokens": 8, "service_tier": "batch", "inference_geo": "us", "output_tokens": 1},
        [{"output_tokens": 5}],
        (8, 0, 0, 0, 5),
        {"tier": "batch", "geo": "us"},
    ),
    Shape(
        "thinking is inside the output",
        {"input_tokens": 8, "output_tokens": 1},
        [{"output_tokens": 60, "output_tokens_details": {"thinking_tokens": 48}}],
        (8, 0, 0, 0, 60),
        {"thinking_tokens": 48},
    ),
    Shape(
        "compaction is in the iterations alone",
        {"input_tokens": 10, "output_tokens": 1},
        [
            {
                "output_tokens": 30,
                "iterations": [
                    {"type": "compaction", "input_tokens": 2_000, "output_tokens": 100},
                    {"type": "message", "input_tokens": 10, "output_tokens": 30},
                ],
            }
        ],
        (2_010, 0, 0, 0, 130),
        {"flags": ("iterations",)},
    ),
    Shape(
        "later iterations replace earlier ones whole",
        {"input_tokens": 10, "output_tokens": 1, "iterations": [{"type": "message", "input_tokens": 10}]},
        [{"output_tokens": 3, "iterations": [{"type": "message", "input_tokens": 10, "output_tokens": 3}]}],
        (10, 0, 0, 0, 3),
    ),
    Shape("nothing in message_start", {}, [{"input_tokens": 7, "output_tokens": 2}], (7, 0, 0, 0, 2)),
    Shape("no message_delta came", {"input_tokens": 7, "output_tokens": 1}, [], (7, 0, 0, 0, 1)),
]


def whole(shape: Shape) -> dict[str, Any]:
    usage = shape.start
    for delta in shape.deltas:
        usage = merged(usage, delta)
    return usage


@pytest.mark.parametrize("shape", CORPUS, ids=lambda shape: shape.name)
def test_every_shape_of_usage_comes_out_in_the_right_classes(shape: Shape) -> None:
    found = tokens_from_usage(whole(shape))
    assert tuple(getattr(found.tokens, name) for name in TOKEN_CLASSES) == shape.classes
    assert {name: getattr(found, name) for name in shape.also} == dict(shape.also)


def test_merging_changes_neither_of_the_two() -> None:
    first, later = {"cache_creation": split(1, 2)}, {"cache_creation": split(3, 4)}
    merged(first, later)
    assert (first, later) == ({"cache_creation": split(1, 2)}, {"cache_creation": split(3, 4)})


def test_fields_nobody_knows_yet_are_kept() -> None:
    usage = merged({"new_tokens": 4, "kind": {"a": 1}}, {"kind": {"b": None, "c": 2}, "output_tokens": 1})
    assert usage == {"new_tokens": 4, "kind": {"a": 1, "b": None, "c": 2}, "output_tokens": 1}


@pytest.mark.parametrize(
    ("first", "later", "falls"),
    [
        ({"input_tokens": 1_500}, {"input_tokens": 0}, True),
        ({"cache_creation": split(5, 0)}, {"cache_creation": split(4, 0)}, True),
        ({"input_tokens": 5}, {"input_tokens": 5}, False),
        ({"input_tokens": 5}, {"input_tokens": None}, False),
        ({"input_tokens": None}, {"input_tokens": 0}, False),
        ({}, {"input_tokens": 3}, False),
    ],
)
def test_a_count_that_falls_is_noticed(first: dict[str, Any], later: dict[str, Any], falls: bool) -> None:
    assert fell(first, later) is falls
