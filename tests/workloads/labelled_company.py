"""A labelled set: workloads whose task is known, with shapes and cues as real programs have them, and noise.

The ranges were set down from public prompts and logs (cookbook classifiers, extraction and summarisation runs, RAG
answers, agent trajectories), not from the thresholds under test. Every workload draws its own size; cues of the true
task go missing, and cues of other tasks turn up, because prompts talk about many things.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from baseload.workloads.shape import Shape


class Kind(NamedTuple):
    """One kind of program: log-uniform ranges of tokens a call, and what its prompts and parameters show."""

    task: str
    prompt: tuple[int, int]
    output: tuple[int, int]
    cues: tuple[str, ...]  # those its instructions may have
    messages: tuple[float, float] = (1, 1.2)
    loops: tuple[float, float] = (0.0, 0.0)  # share of calls that carry a tool result
    thinking: tuple[float, float] = (0.0, 0.1)
    features: tuple[str, ...] = ()
    json_answers: bool = False
    spread: float = 0.6  # sigma of one call's output around the workload's mean


KINDS = (
    Kind("classification", (200, 4000), (3, 15), ("classify",)),
    Kind("classification", (400, 6000), (20, 90), ("classify", "reason"), json_answers=True),
    Kind("extraction", (800, 30_000), (80, 1200), ("extract", "format"), features=("forced_tool",)),
    Kind("extraction", (800, 30_000), (80, 1500), ("extract", "summarise"), json_answers=True),
    Kind("summarisation", (2000, 60_000), (150, 900), ("summarise",)),
    Kind("summarisation", (1500, 20_000), (200, 700), ("summarise", "format", "answer")),
    Kind("routing", (300, 2500), (3, 12), ("route",)),
    Kind("routing", (300, 2500), (4, 15), ("route", "classify", "answer")),
    Kind("formatting", (300, 4000), (300, 4000), ("translate",)),
    Kind("formatting", (300, 3000), (300, 3000), ("format",)),
    Kind("codegen", (500, 8000), (200, 2500), ("code", "code_output")),
    Kind("codegen", (300, 14_000), (40, 400), ("code", "answer", "code_output")),
    Kind("agentic", (8000, 120_000), (80, 900), ("code", "reason", "answer"), (8, 60), (0.5, 0.95)),
    Kind("agentic", (3000, 30_000), (50, 400), ("answer", "chat"), (4, 20), (0.3, 0.7)),
    Kind("reasoning", (200, 3000), (1500, 9000), ("reason",), thinking=(0.65, 0.95)),
    Kind("reasoning", (2000, 20_000), (1000, 5000), ("reason", "answer"), thinking=(0.6, 0.9)),
    Kind("qa", (2000, 15_000), (80, 500), ("answer",)),
    Kind("qa", (1500, 30_000), (100, 600), ("answer", "summarise")),
    Kind("chat", (600, 12_000), (60, 500), ("chat", "answer"), (4, 20)),
    Kind("chat", (300, 6000), (40, 350), ("chat",), (3, 12)),
)
CUE_WORDS = ("answer", "chat", "classify", "code", "extract", "format", "reason", "route", "summarise", "translate")


class Labelled(NamedTuple):
    """One workload with its true task."""

    task: str
    shape: Shape
    cues: Counter[str]
    features: tuple[str, ...]


def labelled(
    count: int, seed: int, *, missing: float = 0.25, stray: float = 0.25, blind: float = 0.15
) -> list[Labelled]:
    """`count` workloads, kinds in turn. Each true cue is missing with probability `missing`, a stray one turns up
    with `stray`, and a `blind` share comes from sources that show no prompt at all."""
    rng = random.Random(seed)
    return [_draw(KINDS[number % len(KINDS)], rng, missing, stray, blind) for number in range(count)]


def _draw(kind: Kind, rng: random.Random, missing: float, stray: float, blind: float) -> Labelled:
    sees = rng.random() >= blind
    calls = rng.randint(50, 5000)
    output = _log_uniform(rng, kind.output)
    loops = rng.uniform(*kind.loops)
    prompt = _log_uniform(rng, kind.prompt)
    if kind.task == "formatting":
        output = prompt * rng.uniform(0.6, 1.2)  # what comes in goes out, told differently
    bins, total = _outputs(rng, calls, output, kind.spread)
    words = [cue for cue in kind.cues if rng.random() >= missing]
    words += [rng.choice(CUE_WORDS)] if rng.random() < stray else []
    words += ["json_output"] if kind.json_answers else []
    looping = round(calls * loops)
    cues = Counter({",".join(sorted({*words, "system"})): calls - looping})
    if looping:
        cues[",".join(sorted({*words, "system", "tools", "tool_result"}))] += looping
    forced = "forced_tool" in kind.features
    shape = Shape(
        calls=calls,
        uncached_input_tokens=round(calls * prompt),
        output_tokens=total,
        thinking_sum=round(total * rng.uniform(*kind.thinking)),
        messages_sum=round(calls * rng.uniform(*kind.messages)),
        tool_result_calls=calls if forced else min(calls, looping + looping // 4),
        **bins,
    )
    return Labelled(kind.task, shape, cues if sees else Counter({"": calls}), kind.features if sees else ())


def _outputs(rng: random.Random, calls: int, mean: float, spread: float) -> tuple[dict[str, int], int]:
    """Histogram and sum of the outputs of `calls` calls, from 200 draws."""
    draws = [rng.lognormvariate(0, spread) * mean for _ in range(200)]
    edges = {"out_le_20": 20, "out_le_100": 100, "out_le_500": 500, "out_le_2000": 2000, "out_gt_2000": 10**9}
    bins = dict.fromkeys(edges, 0)
    for draw in draws:
        bins[next(name for name, edge in edges.items() if draw <= edge)] += calls
    return {name: value // 200 for name, value in bins.items()}, round(sum(draws) / 200 * calls)


def _log_uniform(rng: random.Random, bounds: tuple[int, int]) -> float:
    low, high = bounds
    return float(low * (high / low) ** rng.random())
