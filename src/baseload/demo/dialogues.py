"""Sessions of many turns over one growing prompt, each turn cached under the published rules.

The breakpoint stands at the last message, so a turn reads what the turn before had written if that started less
than five minutes earlier, and writes the rest (anthropic-facts section 3: the TTL runs from the start of a request
and a read refreshes it; a miss writes the whole prompt again, except the prefix other sessions keep warm).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from baseload.demo.calendar import clock_us
from baseload.demo.calls import Ints, spread
from baseload.demo.company import Dialogue, Service
from baseload.demo.sampling import Sampler
from baseload.demo.truth import BAND_EDGE, COUNTS, SAMPLE_COLUMNS, DayPlan, Ledger, ModelFacts, Run
from baseload.values import DAY_US, Table

TTL_US = 300_000_000
SUMMARY_TOKENS = 9000  # what is left of the history after a compaction
CHUNK_DAYS = 28
TOKENS_PER_US = 62 / 1_000_000
_STATE = ("unit", "kept", "start", "turns", "era", "ratio", "thinks", "warm", "prompt", "output", "gap", "tool")
OWN_COLUMNS = ("turn", "end_us", "added", "tool")


def simulate_dialogues(
    service: Service, shape: Dialogue, plan: Sequence[DayPlan], rng: np.random.Generator, models: ModelFacts
) -> Run:
    """Every session of a `Dialogue` service; one session in `sampling_rate` is kept whole."""
    ledger = Ledger(service)
    sampler = Sampler(service.sampling_rate, rng)
    rows: list[Table] = [{name: np.zeros(0, np.int64) for name in SAMPLE_COLUMNS + OWN_COLUMNS}]
    seen = 0
    end_us = (plan[-1].day + 1) * DAY_US if plan else 0
    for first in range(0, len(plan), CHUNK_DAYS):
        chunk = plan[first : first + CHUNK_DAYS]
        sessions = _Sessions(service, shape, plan, first, len(chunk), seen, rng, models)
        sessions.kept = _kept(chunk, sampler)
        while sessions.alive:
            turn = sessions.step(rng)
            turn = {name: column[turn["start_us"] < end_us] for name, column in turn.items()}
            _book(ledger, plan, turn)
            keep = turn["kept"] > 0
            rows.append({name: turn[name][keep] for name in SAMPLE_COLUMNS + OWN_COLUMNS})
        seen += sum(day.units for day in chunk)
    eras = tuple(day.era for day in plan)
    return Run(cells=ledger.cells, notes={}, sample=_sorted(rows), eras=eras, units=seen)


class _Sessions:
    """The state of the sessions that start in one chunk of days, advanced one turn at a time."""

    def __init__(
        self,
        service: Service,
        shape: Dialogue,
        plan: Sequence[DayPlan],
        first: int,
        days: int,
        seen: int,
        rng: np.random.Generator,
        models: ModelFacts,
    ) -> None:
        self.shape = shape
        units = np.array([day.units for day in plan[first : first + days]], np.int64)
        size = int(units.sum())
        self.era = np.repeat(np.arange(first, first + days), units)
        place = np.arange(size) - np.repeat(np.cumsum(units) - units, units)
        moments = clock_us(service.volume.hours, (place + rng.random(size)) / np.maximum(units, 1)[self.era - first])
        days_us = np.array([day.day for day in plan], np.int64) * DAY_US
        self.unit = np.arange(size) + seen
        self.start = days_us[self.era] + moments
        self.turns = np.minimum(spread(rng, size, shape.turns), shape.max_turns)
        self.ratio = np.array([models.ratio[day.era.model] for day in plan])[self.era]
        self.thinks = np.array([day.era.model in models.thinks for day in plan], np.int64)[self.era]
        self.warm = _warmth(shape, plan, first, days)[self.era - first]
        self.kept = np.zeros(size, np.int64)
        self.prompt = np.zeros(size, np.int64)  # of the turn before
        self.output = np.zeros(size, np.int64)
        self.gap = np.zeros(size, np.int64)
        self.tool = np.zeros(size, np.int64)
        self.turn = 0

    @property
    def alive(self) -> bool:
        return len(self.unit) > 0

    def step(self, rng: np.random.Generator) -> dict[str, Ints]:
        """One turn of every living session, as columns; sessions that have ended are dropped afterwards."""
        shape, size = self.shape, len(self.unit)
        added = np.rint(spread(rng, size, shape.turn_input) * self.ratio).astype(np.int64)
        base = np.rint((shape.shared + shape.own) * self.ratio).astype(np.int64)
        prompt = base + added if self.turn == 0 else self.prompt + self.output + added
        compacted = prompt > shape.compact_at
        prompt = np.where(compacted, base + SUMMARY_TOKENS, prompt)
        shared = np.where(rng.random(size) < self.warm, np.rint(shape.shared * self.ratio).astype(np.int64), 0)
        hit = (self.turn > 0) & (self.gap < TTL_US) & ~compacted
        uncached = rng.integers(2, 9, size)
        read = np.where(hit, self.prompt, shared)
        output = np.rint(spread(rng, size, shape.output) * self.ratio).astype(np.int64) + 2
        duration = 900_000 + (output / TOKENS_PER_US).astype(np.int64)
        row = {
            "unit": self.unit,
            "kept": self.kept,
            "turn": np.full(size, self.turn),
            "start_us": self.start,
            "end_us": self.start + duration,
            "era": self.era,
            "uncached": uncached,
            "read": read,
            "write": prompt - read,
            "output": output,
            "added": added,
            "tool": self.tool,
            "thinking": self.thinks * (output * shape.thinking_share * rng.random(size) * 2).astype(np.int64),
        }
        self._advance(rng, prompt, output, duration)
        return row

    def _advance(self, rng: np.random.Generator, prompt: Ints, output: Ints, duration: Ints) -> None:
        shape, size = self.shape, len(self.unit)
        pause = spread(rng, size, (shape.think_time[0] * 1e6, shape.think_time[1]))
        pause = np.where(rng.random(size) < shape.break_share, rng.integers(600_000_000, 5_400_000_000, size), pause)
        self.tool = (rng.random(size) < shape.tool_share).astype(np.int64)
        pause = np.where(self.tool > 0, spread(rng, size, (2_500_000, 1.0)), pause)
        self.prompt, self.output, self.gap = prompt, output, duration + pause
        self.start = self.start + self.gap
        self.turn += 1
        keep = self.turns > self.turn
        for name in _STATE:
            setattr(self, name, getattr(self, name)[keep])


def _kept(days: Sequence[DayPlan], sampler: Sampler) -> Ints:
    """1 for the sessions of these days that are kept, 0 for the others."""
    flags = []
    for day in days:
        flag = np.zeros(day.units, np.int64)
        flag[sampler.draw(day.units)] = 1
        flags.append(flag)
    return np.concatenate(flags)


def _warmth(shape: Dialogue, plan: Sequence[DayPlan], first: int, days: int) -> NDArray[np.float64]:
    """Probability, by day, that the shared prefix was used within the last five minutes by anybody.

    Calls of all sessions together arrive like a Poisson process, so it is 1 - exp(-rate x TTL); the day's mean rate
    stands for each hour's, which matters only on thin weekends.
    """
    median, sigma = shape.turns
    calls = np.array([day.units for day in plan[first : first + days]]) * median * np.exp(sigma**2 / 2)
    return np.asarray(1 - np.exp(-calls / DAY_US * TTL_US))


def _book(ledger: Ledger, plan: Sequence[DayPlan], turn: dict[str, Ints]) -> None:
    """Add one turn of many sessions to the cells of its own UTC day, which may be the session's second."""
    day = turn["start_us"] // DAY_US
    above = (turn["uncached"] + turn["read"] + turn["write"] > BAND_EDGE).astype(np.int64)
    group = (day * len(plan) + turn["era"]) * 2 + above
    keys, place = np.unique(group, return_inverse=True)
    sums = {name: np.bincount(place, turn[name], len(keys)) for name in ("uncached", "read", "write", "output")}
    counts = np.bincount(place, minlength=len(keys))
    for index, key in enumerate(keys.tolist()):
        rest, is_above = divmod(key, 2)
        day_number, era_index = divmod(rest, len(plan))
        era = plan[era_index].era
        total = np.zeros(len(COUNTS), np.int64)
        total[:4] = counts[index], sums["uncached"][index], sums["read"][index], sums["write"][index]
        total[5] = sums["output"][index]
        ledger.add(day_number, era, "100k-200k" if is_above else "0-100k", total)


def _sorted(rows: list[Table]) -> Table:
    """Turns of one session together, in order."""
    sample = {name: np.concatenate([row[name] for row in rows]) for name in SAMPLE_COLUMNS + OWN_COLUMNS}
    order = np.lexsort((sample["turn"], sample["unit"]))
    return {name: column[order] for name, column in sample.items()}
