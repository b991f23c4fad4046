"""Independent calls: every one is drawn, so that the billed totals and the sampled rows are the same events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from baseload.demo.calendar import clock_us
from baseload.demo.company import Service, Single, Spread
from baseload.demo.sampling import Sampler
from baseload.demo.truth import BAND_EDGE, COUNTS, SAMPLE_COLUMNS, DayPlan, Ledger, ModelFacts, Run, Totals
from baseload.values import DAY_US, Table

Ints = NDArray[np.int64]

REPEAT_AFTER_US = 31_000_000  # the queue's redelivery time
MAX_PROMPT = 190_000
OWN_COLUMNS = ("copy", "variable", "searches")


def simulate_calls(
    service: Service, shape: Single, plan: Sequence[DayPlan], rng: np.random.Generator, models: ModelFacts
) -> Run:
    """All calls of a `Single` service, day by day, in order of arrival; one in N, with its repeats, is kept."""
    ledger = Ledger(service)
    sampler = Sampler(service.sampling_rate if service.logs else 0, rng)
    rows: list[Table] = []
    seen = 0
    for index, day in enumerate(plan):
        ratio = models.ratio[day.era.model]
        drawn = _draw(shape, day, rng, ratio, thinks=day.era.model in models.thinks)
        _book(ledger, shape, day, drawn, ratio)
        keep = np.flatnonzero(np.isin(drawn["unit"], sampler.draw(day.units)))
        rows.append(_kept(drawn, keep, service, day, rng) | _counted(shape, drawn, keep, ratio, index, seen))
        seen += day.units
    sample = {name: np.concatenate([row[name] for row in rows]) for name in SAMPLE_COLUMNS + OWN_COLUMNS}
    eras = tuple(day.era for day in plan)
    return Run(cells=ledger.cells, notes=ledger.notes, sample=sample, eras=eras, units=seen)


def spread(rng: np.random.Generator, size: int, law: Spread, ratio: float = 1.0) -> Ints:
    """Whole numbers, at least 1, log-normal about a median; 32-bit draws, because a day can have 100,000 of them."""
    median, sigma = law
    values = np.exp(rng.standard_normal(size, dtype=np.float32) * np.float32(sigma)) * np.float32(median * ratio)
    whole: Ints = np.maximum(np.rint(values), 1).astype(np.int64)
    return whole


def static_tokens(shape: Single, ratio: float) -> int:
    return round(shape.static * ratio)


def header_tokens(shape: Single, ratio: float) -> int:
    return round(shape.header * ratio)


def _draw(shape: Single, day: DayPlan, rng: np.random.Generator, ratio: float, *, thinks: bool) -> dict[str, Ints]:
    """One day's calls; `unit` counts originals from 0, `copy` is 0 for an original."""
    variable = spread(rng, day.units, shape.variable, ratio)
    if shape.long_share:
        long = np.flatnonzero(rng.random(day.units, dtype=np.float32) < shape.long_share)
        variable[long] = spread(rng, len(long), shape.long, ratio)
    variable = np.minimum(variable, MAX_PROMPT - shape.static)
    unit, copy = _with_repeats(shape, day, rng)
    variable = variable[unit]
    size = len(unit)
    thinking = spread(rng, size, shape.thinking) if thinks and shape.thinking else np.zeros(size, np.int64)
    output = spread(rng, size, shape.output, ratio) + thinking
    searches = (rng.random(size) < shape.search_share).astype(np.int64) if shape.search_share else np.zeros_like(unit)
    return {
        "unit": unit,
        "copy": copy,
        "variable": variable,
        "output": output,
        "thinking": thinking,
        "searches": searches,
    }


def _with_repeats(shape: Single, day: DayPlan, rng: np.random.Generator) -> tuple[Ints, Ints]:
    units = np.arange(day.units, dtype=np.int64)
    if not shape.repeat_mean:
        return units, np.zeros_like(units)
    copies = rng.geometric(1 / (1 + shape.repeat_mean), day.units)
    unit = np.repeat(units, copies)
    first = np.repeat(np.cumsum(copies) - copies, copies)
    return unit, np.arange(len(unit), dtype=np.int64) - first


def _book(ledger: Ledger, shape: Single, day: DayPlan, drawn: dict[str, Ints], ratio: float) -> None:
    fixed = header_tokens(shape, ratio) + static_tokens(shape, ratio)
    above = drawn["variable"] > BAND_EDGE - fixed
    for band, mask in (("0-100k", ~above), ("100k-200k", above)):
        ledger.add(day.day, day.era, band, _totals(shape, drawn, mask, fixed))
    if shape.repeat_mean:
        ledger.note("repeats", day.day, _totals(shape, drawn, drawn["copy"] > 0, fixed))


def _totals(shape: Single, drawn: dict[str, Ints], mask: NDArray[np.bool_], fixed: int) -> Totals:
    requests = int(mask.sum())
    variable = int(drawn["variable"][mask].sum())
    total = np.zeros(len(COUNTS), np.int64)
    total[0] = requests
    if shape.cached:
        total[COUNTS.index("cache_write_5m_tokens")] = requests * fixed
        total[1] = variable
    else:
        total[1] = requests * fixed + variable
    total[5] = drawn["output"][mask].sum()
    total[6] = drawn["searches"][mask].sum()
    return total


def _kept(
    drawn: dict[str, Ints], keep: Ints, service: Service, day: DayPlan, rng: np.random.Generator
) -> dict[str, Ints]:
    """The sampled rows of one day, with the moment each call started."""
    originals, place = np.unique(drawn["unit"][keep], return_inverse=True)
    moments = clock_us(service.volume.hours, (originals + rng.random(len(originals))) / max(day.units, 1))
    since_midnight = np.minimum(moments[place] + drawn["copy"][keep] * REPEAT_AFTER_US, DAY_US - 1)
    kept = {name: drawn[name][keep] for name in ("output", "thinking", *OWN_COLUMNS)}
    return {**kept, "start_us": day.day * DAY_US + since_midnight}


def _counted(shape: Single, drawn: dict[str, Ints], keep: Ints, ratio: float, era: int, seen: int) -> dict[str, Ints]:
    """The same rows' prompt by class, and where they belong."""
    fixed = np.full(len(keep), header_tokens(shape, ratio) + static_tokens(shape, ratio))
    written = fixed if shape.cached else np.zeros_like(fixed)
    return {
        "unit": drawn["unit"][keep] + seen,
        "era": np.full(len(keep), era),
        "uncached": drawn["variable"][keep] + fixed - written,
        "read": np.zeros_like(fixed),
        "write": written,
    }
