"""Calls on many long shared prefixes, each cached for five minutes, with every arrival simulated.

A call reads its prefix when the call before on the same prefix started less than the TTL earlier; else it writes it
again. A prefix is readable only once the first answer streams, so that a second call within that time writes too
(anthropic-facts section 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from baseload.demo.calendar import clock_us
from baseload.demo.calls import Ints, spread
from baseload.demo.company import Service, Streams
from baseload.demo.truth import COUNTS, SAMPLE_COLUMNS, DayPlan, Ledger, ModelFacts, Run, Totals
from baseload.values import DAY_US, HOUR_US, Table

TTL_5M_US = HOUR_US // 12
FIRST_TOKEN_US = 1_400_000
OWN_COLUMNS = ("prefix", "variable")


def simulate_streams(
    service: Service, shape: Streams, plan: Sequence[DayPlan], rng: np.random.Generator, models: ModelFacts
) -> Run:
    """Every call of a `Streams` service; a unit is one prefix on one day, one in `sampling_rate` is kept whole."""
    ledger = Ledger(service)
    weights = rng.lognormal(0, 0.4, shape.prefixes)
    place = rng.permutation(len(plan) * shape.prefixes)  # systematic sampling over shuffled units
    places = place.reshape(len(plan), shape.prefixes)
    offset = int(rng.integers(service.sampling_rate))
    rows: list[Table] = []
    for index, day in enumerate(plan):
        calls = _draw(service, shape, day, weights, rng, models)
        _book(ledger, shape, day, calls, models.ratio[day.era.model])
        unit = index * shape.prefixes + calls["prefix"]
        keep = places[index][calls["prefix"]] % service.sampling_rate == offset
        rows.append(_kept(calls, unit, index, keep))
    sample = {name: np.concatenate([row[name] for row in rows]) for name in SAMPLE_COLUMNS + OWN_COLUMNS}
    eras = tuple(day.era for day in plan)
    return Run(cells=ledger.cells, notes=ledger.notes, sample=sample, eras=eras, units=len(plan) * shape.prefixes)


def _draw(
    service: Service,
    shape: Streams,
    day: DayPlan,
    weights: NDArray[np.float64],
    rng: np.random.Generator,
    models: ModelFacts,
) -> dict[str, Ints]:
    """One day's calls, sorted by prefix and time, with what each read and wrote."""
    ratio = models.ratio[day.era.model]
    prefix = np.repeat(np.arange(shape.prefixes), rng.poisson(day.units * weights / weights.sum()))
    size = len(prefix)
    start = day.day * DAY_US + clock_us(service.volume.hours, rng.random(size))
    order = np.lexsort((start, prefix))
    prefix, start = prefix[order], start[order]
    thinking = np.zeros(size, np.int64)
    if shape.thinking and day.era.model in models.thinks:
        thinking = spread(rng, size, shape.thinking)
    static = round(shape.static * ratio)
    read = np.where(_hits(prefix, start, TTL_5M_US), static, 0)
    return {
        "prefix": prefix,
        "start_us": start,
        "read": read,
        "write": static - read,
        "variable": spread(rng, size, shape.variable, ratio),
        "output": spread(rng, size, shape.output, ratio) + thinking,
        "thinking": thinking,
        "read_1h": np.where(_hits(prefix, start, HOUR_US), static, 0),
    }


def _hits(prefix: Ints, start: Ints, ttl_us: int) -> NDArray[np.bool_]:
    """Whether each call finds its prefix: the first of a day never does, nights are longer than any TTL."""
    gap = np.diff(start, prepend=-DAY_US)
    same = np.diff(prefix, prepend=-1) == 0
    late = ~same | (gap >= ttl_us)
    too_soon = (gap < FIRST_TOKEN_US) & np.concatenate(([False], late[:-1])) if len(late) else late
    return np.asarray(~late & ~too_soon)


def _book(ledger: Ledger, shape: Streams, day: DayPlan, calls: dict[str, Ints], ratio: float) -> None:
    total = _totals(calls, "cache_write_5m_tokens", int(calls["read"].sum()), int(calls["write"].sum()))
    ledger.add(day.day, day.era, "0-100k", total)
    read = int(calls["read_1h"].sum())
    writes = len(calls["prefix"]) * round(shape.static * ratio) - read
    ledger.note("ttl_1h", day.day, _totals(calls, "cache_write_1h_tokens", read, writes))


def _totals(calls: dict[str, Ints], written_as: str, read: int, write: int) -> Totals:
    total = np.zeros(len(COUNTS), np.int64)
    total[:3] = len(calls["prefix"]), calls["variable"].sum(), read
    total[COUNTS.index(written_as)] = write
    total[5] = calls["output"].sum()
    return total


def _kept(calls: dict[str, Ints], unit: Ints, era: int, keep: NDArray[np.bool_]) -> Table:
    rows = {name: calls[name][keep] for name in ("start_us", "read", "write", "output", "thinking", *OWN_COLUMNS)}
    return {
        **rows,
        "unit": unit[keep],
        "era": np.full(int(keep.sum()), era, np.int64),
        "uncached": calls["variable"][keep],
    }
