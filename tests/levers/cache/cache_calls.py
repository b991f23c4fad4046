"""Hands for tests of what the ledger's calls say about a cache: rows of `cache_calls_sql` from literals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from baseload.values import Table

NOON_US = 20_750 * 86_400_000_000 + 43_200_000_000
MODEL = "claude-opus-4-8"  # minimum 1,024; per MTok 5 plain, 6.25 and 10 written, 0.50 read
DAY = 20_750


class Sent(NamedTuple):
    """One call. `billed` is (uncached, read, written for 5m, written for 1h)."""

    second: float
    prefix: str = ""
    billed: tuple[int, int, int, int] = (3000, 0, 0, 0)
    session: str = ""
    rate: int = 1
    flags: str = ""
    model: str = MODEL
    tier: str = "standard"
    begins: float = 0.0  # seconds after the start
    scope: int = 1
    speed: str = "standard"


def rows_of(*calls: Sent) -> Table:
    starts = [NOON_US + round(call.second * 1e6) for call in calls]

    def text(values: list[str]) -> np.ndarray:
        return np.array(values, dtype=object)

    def whole(values: list[int]) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    keys = [f"{call.model}|anthropic|global|{call.tier}|{call.speed}|0-100k" for call in calls]
    return {
        "scope": whole([call.scope for call in calls]),
        "signature": text(["s"] * len(calls)),
        "price_key": text(keys),
        "model": text([call.model for call in calls]),
        "sampling_rate": whole([call.rate for call in calls]),
        "ttl_unknown": whole([0] * len(calls)),
        "start_us": whole(starts),
        "first_token_us": whole([at + round(call.begins * 1e6) for at, call in zip(starts, calls, strict=True)]),
        "end_us": np.ma.masked_all(len(calls), dtype=np.int64),
        "id_key": np.arange(len(calls)),
        "prompt_tokens": whole([sum(call.billed) for call in calls]),
        "uncached_input_tokens": whole([call.billed[0] for call in calls]),
        "cache_read_tokens": whole([call.billed[1] for call in calls]),
        "cache_write_5m_tokens": whole([call.billed[2] for call in calls]),
        "cache_write_1h_tokens": whole([call.billed[3] for call in calls]),
        "output_tokens": whole([10] * len(calls)),
        "messages": whole([1] * len(calls)),
        "session_id": text([call.session for call in calls]),
        "agent": text([""] * len(calls)),
        "stop_reason": text(["end_turn"] * len(calls)),
        "flags": text([call.flags for call in calls]),
        "effort": text([""] * len(calls)),
        "task_cues": text([""] * len(calls)),
        "prefix_blocks": text([call.prefix for call in calls]),
    }
