"""Small tables for workload tests, written as rows of what differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from baseload.values import Table

USD = 1_000_000_000
SIGNATURE_TEXT = (
    "source", "account", "workspace", "api_key", "agent", "tags", "tools_fp", "system_fp", "template_id",
    "request_features", "task_cues", "grain", "user_id",
)  # fmt: skip
BINS = ("out_le_20", "out_le_100", "out_le_500", "out_le_2000", "out_gt_2000")
SHAPE_INTS = (
    "calls", "stream_calls", "stream_known", "failures", "tool_result_calls", "uncached_input_tokens",
    "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "thinking_sum", *BINS,
    "messages_sum", "first_start_us", "last_start_us",
)  # fmt: skip


def signatures(*rows: Mapping[str, str]) -> Table:
    """A signature table; every row names its `signature`, the rest is "" (source "messages", grain "call")."""
    plain = dict.fromkeys(SIGNATURE_TEXT, "") | {"source": "messages", "grain": "call"}
    full = [plain | row for row in rows]
    return {name: text([row[name] for row in full]) for name in ("signature", *SIGNATURE_TEXT)}


def shapes(**calls: int | Mapping[str, int]) -> Table:
    """A shape table: signature=calls, or signature={column: value} with 100 calls unless it says otherwise."""
    full = [{"calls": 100} | (value if isinstance(value, Mapping) else {"calls": value}) for value in calls.values()]
    columns = {name: np.array([row.get(name, 0) for row in full], dtype=np.int64) for name in SHAPE_INTS}
    return {"signature": text(list(calls)), **columns}


def hours(signature: str, calls_by_hour: Mapping[int, int]) -> Table:
    return {
        "signature": text([signature] * len(calls_by_hour)),
        "hour": np.array(list(calls_by_hour), dtype=np.int64),
        "calls": np.array(list(calls_by_hour.values()), dtype=np.int64),
    }


def text(values: Sequence[Any]) -> Any:
    return np.array([*values, None], dtype=object)[:-1]  # the None keeps numpy from guessing a text width
