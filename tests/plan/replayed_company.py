"""A small company, call by call: when each call came, what its prompt was made of, what it marked, what it answered.

Seeded and closed: nothing here knows a price or a plan. Eight workloads, each with something a lever is for. All of it
on models whose price does not move between the first call and the day of the plan.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from baseload.usage.prefix_text import Entry
from baseload.values import DAY_US, HOUR_US, day_of_date

FIRST_DAY = day_of_date(dt.date(2026, 11, 9))  # a Monday
DAYS = 12
PLAN_DAY = day_of_date(dt.date(2026, 11, 22))
SECOND = 1_000_000
MINUTE = 60 * SECOND


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One API call. `request` is equal for identical requests; `repeat` marks those after the first."""

    workload: str
    number: int
    session: str = ""
    start_us: int
    begins_us: int
    end_us: int
    model: str
    speed: str = "standard"
    entries: tuple[Entry, ...]
    output_tokens: int
    request: str = ""
    repeat: bool = False


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What a workload is beside its calls: how long its answers may take, whether its header can be moved."""

    name: str
    latency: str  # interactive | tolerant
    deadline: str = ""
    turns: tuple[Turn, ...]


class Prompts:
    """Entries of one workload: named parts get one digest, unnamed ones a new digest each."""

    def __init__(self, workload: str) -> None:
        self._workload = workload
        self._fresh = 0

    def part(self, name: str, tokens: int, kind: str = "s", mark: str = "") -> Entry:
        digest = hashlib.blake2b(f"{self._workload}/{name}".encode(), digest_size=6).hexdigest()
        return Entry(digest, tokens, kind, mark=mark)

    def fresh(self, tokens: int, kind: str = "u", mark: str = "") -> Entry:
        self._fresh += 1
        return self.part(f"fresh-{self._fresh}", tokens, kind, mark)


def company(seed: int) -> list[Workload]:
    """Every workload, each drawn by its own generator."""
    makers: list[Callable[[np.random.Generator], Workload]] = [
        contracts, answers, chat, coder, enrich, catalogue, moderation, summaries
    ]  # fmt: skip
    return [make(np.random.default_rng([seed, place])) for place, make in enumerate(makers)]


def contracts(rng: np.random.Generator) -> Workload:
    """Long contracts every night, uncached, at the full price of a top model; four hours to answer."""
    prompts = Prompts("contracts")
    turns = [
        _single("contracts", "claude-opus-4-8", start, rng,
                (prompts.part("static", 1_900), prompts.fresh(_draw(rng, 12_000, 0.5))), _draw(rng, 600, 0.3))
        for start in _nightly(rng, hour=1, calls=40, spread_us=2 * HOUR_US)
    ]  # fmt: skip
    return _workload("contracts", "tolerant", turns, deadline="4h")


def answers(rng: np.random.Generator) -> Workload:
    """A time stamp before a long static part: every call writes a cache that nobody can read."""
    prompts = Prompts("answers")
    turns = [
        _single(
            "answers", "claude-opus-4-8", start, rng,
            (prompts.fresh(60, "s"), prompts.part("static", 6_400, "s", "5m"), prompts.fresh(_draw(rng, 2_500, 0.3))),
            _draw(rng, 290, 0.4),
        )
        for start in _daytime(rng, calls=90)
    ]  # fmt: skip
    return _workload("answers", "interactive", turns)


def chat(rng: np.random.Generator) -> Workload:
    """Sessions of a person who reads: pauses of a minute, now and then of a quarter of an hour."""
    return _workload("chat", "interactive", list(_sessions(rng, "chat", "claude-opus-4-8", pause_s=(60, 1.2))))


def coder(rng: np.random.Generator) -> Workload:
    """Tool loops in fast mode, seconds apart."""
    turns = list(_sessions(rng, "coder", "claude-opus-5-5", pause_s=(6, 0.5), speed="fast", shared=9_000, kind="r"))
    return _workload("coder", "interactive", turns)


def enrich(rng: np.random.Generator) -> Workload:
    """A queue that hands a quarter of its records out again half a minute later. Records are of one size."""
    prompts, turns = Prompts("enrich"), []
    for start in _daytime(rng, calls=80):
        entries = (prompts.part("static", 1_250), prompts.fresh(240))
        first = _single("enrich", "claude-opus-4-8", start, rng, entries, 130)
        turns.append(msgspec.structs.replace(first, request=entries[1].digest))
        if rng.random() < 0.25:
            later = _shifted(turns[-1], 31 * SECOND)
            turns.append(msgspec.structs.replace(later, repeat=True))
    return _workload("enrich", "interactive", turns)


def catalogue(rng: np.random.Generator) -> Workload:
    """Items that share one long cached prefix, a few a minute through the night; a day to answer."""
    prompts = Prompts("catalogue")
    turns = [
        _single("catalogue", "claude-sonnet-5", start, rng,
                (prompts.part("static", 4_000, "s", "5m"), prompts.fresh(_draw(rng, 500, 0.4))), _draw(rng, 60, 0.3))
        for start in _nightly(rng, hour=2, calls=150, spread_us=2 * HOUR_US)
    ]  # fmt: skip
    return _workload("catalogue", "tolerant", turns, deadline="24h")


def moderation(rng: np.random.Generator) -> Workload:
    """Threads of up to 95,000 tokens on the older small model: some pass 100,000 on the newer tokenizer."""
    prompts = Prompts("moderation")
    turns = [
        _single("moderation", "claude-haiku-4-5-20251001", start, rng,
                (prompts.part("static", 1_100), prompts.fresh(min(95_000, _draw(rng, 30_000, 1.0)))),
                _draw(rng, 24, 0.2))
        for start in _daytime(rng, calls=40)
    ]  # fmt: skip
    return _workload("moderation", "interactive", turns)


def summaries(rng: np.random.Generator) -> Workload:
    """Nightly, and nobody has said how long it may take."""
    prompts = Prompts("summaries")
    turns = [
        _single("summaries", "claude-sonnet-4-6", start, rng,
                (prompts.part("static", 800), prompts.fresh(_draw(rng, 7_000, 0.4))), _draw(rng, 500, 0.3))
        for start in _nightly(rng, hour=3, calls=30, spread_us=HOUR_US)
    ]  # fmt: skip
    return _workload("summaries", "tolerant", turns)


def _sessions(
    rng: np.random.Generator,
    name: str,
    model: str,
    *,
    pause_s: tuple[float, float],
    speed: str = "standard",
    shared: int = 3_800,
    kind: str = "u",
) -> Iterator[Turn]:
    prompts = Prompts(name)
    for session, opened in enumerate(_daytime(rng, calls=9)):
        history: list[Entry] = [prompts.part("shared", shared), prompts.fresh(_draw(rng, 900, 0.5))]
        at = opened
        for turn in range(int(rng.integers(2, 12))):
            if turn:
                history.append(prompts.fresh(_draw(rng, 350, 0.8), kind))
            output = _draw(rng, 260, 0.6)
            marked = (*history[:-1], history[-1]._replace(mark="5m"))
            made = _single(name, model, at, rng, marked, output, speed=speed)
            yield msgspec.structs.replace(made, session=f"{name}-{session}")
            history.append(prompts.fresh(output, "a"))
            at = made.end_us + int(SECOND * pause_s[0] * np.exp(rng.normal(0, pause_s[1])))


def _single(
    workload: str,
    model: str,
    start_us: int,
    rng: np.random.Generator,
    entries: tuple[Entry, ...],
    output: int,
    *,
    speed: str = "standard",
) -> Turn:
    begins = start_us + int(SECOND * rng.uniform(0.6, 2.0))
    return Turn(
        workload=workload,
        number=0,
        start_us=start_us,
        begins_us=begins,
        end_us=begins + output * 15_000,
        model=model,
        speed=speed,
        entries=entries,
        output_tokens=output,
    )


def _workload(name: str, latency: str, turns: list[Turn], deadline: str = "") -> Workload:
    ordered = sorted(turns, key=lambda turn: turn.start_us)
    numbered = tuple(msgspec.structs.replace(turn, number=number) for number, turn in enumerate(ordered))
    return Workload(name=name, latency=latency, deadline=deadline, turns=numbered)


def _shifted(turn: Turn, by_us: int) -> Turn:
    return msgspec.structs.replace(
        turn, start_us=turn.start_us + by_us, begins_us=turn.begins_us + by_us, end_us=turn.end_us + by_us
    )


def _draw(rng: np.random.Generator, median: float, sigma: float) -> int:
    return max(1, round(median * float(np.exp(rng.normal(0, sigma)))))


def _nightly(rng: np.random.Generator, *, hour: int, calls: int, spread_us: int) -> list[int]:
    starts = []
    for day in range(FIRST_DAY, FIRST_DAY + DAYS):
        opened = day * DAY_US + hour * HOUR_US
        starts += [opened + int(at) for at in rng.uniform(0, spread_us, calls)]
    return sorted(starts)


def _daytime(rng: np.random.Generator, *, calls: int) -> list[int]:
    """Between 08:00 and 20:00 UTC, fewer at the weekend."""
    starts = []
    for place in range(DAYS):
        today = calls if place % 7 < 5 else calls // 3
        opened = (FIRST_DAY + place) * DAY_US + 8 * HOUR_US
        starts += [opened + int(at) for at in rng.uniform(0, 12 * HOUR_US, today)]
    return sorted(starts)
