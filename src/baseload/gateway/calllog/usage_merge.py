"""One usage object for one answer: the events of a stream merged field by field, later non-null wins.

`message_start` gives the input and a placeholder of the output; each `message_delta` is cumulative for the fields it
names. Some upstreams say the cache only in the delta, some say 0 in the start, some name the split by lifetime once
and the grown total later: merged field by field, inside nested objects too, every one of them comes out right. What a
total has beyond its parts is priced by `usage.normal` as a write of unknown lifetime.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FELL = "usage_fell"
"""Flag of an answer whose stream took a cumulative count back: the later one is used."""


def merged(first: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """Both usage objects as one. Lists (`iterations`) are taken whole from the later one."""
    result = dict(first)
    for name, value in later.items():
        if value is None:
            result.setdefault(name, None)
            continue
        before = result.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            value = merged(before, value)
        result[name] = value
    return result


def fell(first: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    """Whether a count that can only grow is smaller in the later object."""
    for name, value in later.items():
        before = first.get(name)
        if isinstance(value, dict) and isinstance(before, dict):
            if fell(before, value):
                return True
        elif type(value) is int and type(before) is int and value < before:
            return True
    return False
