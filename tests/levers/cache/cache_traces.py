"""Hands for the cache tests: traces written as literals, prices in whole units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from baseload.levers.cache.price import InputPrices, ModelPrices, TokenRates
from baseload.levers.cache.trace import Trace

BLOCK = 64
READ, WRITE_5M, WRITE_1H, PLAIN = 10, 125, 200, 100
"""Rates of the tests, in hundredths of plain input."""


class Asked(NamedTuple):
    """One request: `blocks` as text, a letter a block ("abc"); `more` tokens after the last whole block."""

    second: float
    blocks: str
    lane: int = 0
    model: int = 0
    more: int = 0
    group: int | None = None


def trace_of(*asked: Asked, block_tokens: int = BLOCK, timed: bool = False) -> Trace:
    """A trace of these requests, sorted as a trace is."""
    rows = sorted(asked, key=lambda row: (row.lane, row.second))
    lengths = [len(row.blocks) for row in rows]
    group = [-1 if timed else row.lane if row.group is None else row.group for row in rows]
    start_us = np.array([round(row.second * 1_000_000) for row in rows], dtype=np.int64)
    return Trace(
        lane=np.array([row.lane for row in rows], dtype=np.int32),
        group=np.array(group, dtype=np.int32),
        start_us=start_us,
        begins_us=start_us,
        model=np.array([row.model for row in rows], dtype=np.int16),
        models=tuple(f"model-{number}" for number in range(1 + max((row.model for row in rows), default=0))),
        prompt_tokens=np.array([len(row.blocks) * block_tokens + row.more for row in rows], dtype=np.int64),
        output_tokens=np.zeros(len(rows), dtype=np.int64),
        ends_with=np.zeros(len(rows), dtype=np.int8),
        stop=np.zeros(len(rows), dtype=np.int8),
        blocks=np.array([ord(block) for row in rows for block in row.blocks], dtype=np.int64),
        offset=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        block_tokens=block_tokens,
    )


def unit_prices(trace: Trace, *, minimum: int = 0, read: int = READ) -> InputPrices:
    """Every model at 100 a plain token, 10 read, 125 and 200 written (femto-dollars)."""
    rates = TokenRates(uncached=PLAIN, read=read, write_5m=WRITE_5M, write_1h=WRITE_1H)
    models = tuple(ModelPrices(model=name, minimum_tokens=minimum, edges=(), bands=(rates,)) for name in trace.models)
    return InputPrices(models=models, day=0)


def banded_prices(edge: int, cheap: TokenRates, dear: TokenRates, names: Sequence[str] = ("model-0",)) -> InputPrices:
    """A model whose every token costs more in prompts longer than `edge`."""
    models = tuple(ModelPrices(model=name, minimum_tokens=0, edges=(edge,), bands=(cheap, dear)) for name in names)
    return InputPrices(models=models, day=0)


def asked_rows(*, letters: str = "ab", lanes: int = 1, models: int = 1) -> st.SearchStrategy[Asked]:
    """Requests at times that make every kind of gap: none, under and over five minutes, under and over an hour."""
    return st.builds(
        Asked,
        second=st.sampled_from([0, 1, 200, 290, 400, 700, 3000, 4000, 4001, 8000]),
        blocks=st.text(letters, max_size=6),
        lane=st.integers(0, lanes - 1),
        model=st.integers(0, models - 1),
        more=st.integers(0, 63),
        group=st.none(),
    )
