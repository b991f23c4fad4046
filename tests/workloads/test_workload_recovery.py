"""How many true programs the cascade finds again in a labelled company with labels of every quality."""

from __future__ import annotations

import random
from collections import Counter
from math import comb

import pytest
from workload_tables import shapes, signatures

from baseload.workloads.grouping import group

KINDS = ("classify", "summarise", "extract", "answer", "code", "translate")


def adjusted_rand(true: dict[str, str], found: dict[str, str], calls: dict[str, int]) -> float:
    """Agreement of two groupings of calls beyond chance: 1 = the same groups, 0 = chance (Hubert and Arabie 1985)."""
    both: Counter[tuple[str, str]] = Counter()
    for signature, weight in calls.items():
        both[true[signature], found[signature]] += weight
    left, right = Counter[str](), Counter[str]()
    for (one, other), weight in both.items():
        left[one] += weight
        right[other] += weight
    pairs = [sum(comb(weight, 2) for weight in part.values()) for part in (both, left, right)]
    chance = pairs[1] * pairs[2] / comb(sum(calls.values()), 2)
    return (pairs[0] - chance) / ((pairs[1] + pairs[2]) / 2 - chance)


class Company:
    """Programs of a company as signature rows, each with the labels its team happened to give."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.rows: list[dict[str, str]] = []
        self.shape: dict[str, dict[str, int]] = {}
        self.true: dict[str, str] = {}
        self.programs = 0

    def add(self, labels: dict[str, str], *, templates: int = 1, system: str = "fixed", parts: int = 3) -> None:
        """One program: `parts` signatures per template (cues vary); `system` is fixed | dated | none."""
        name, rng = f"p{self.programs}", self.rng
        self.programs += 1
        cue = KINDS[self.programs % len(KINDS)]
        prompt, output = rng.randint(300, 20_000), rng.randint(10, 900)
        weights = [rng.paretovariate(1.2) for _ in range(templates)] if templates > 20 else [1.0] * templates
        for template in range(templates):
            for part in range(parts):
                signature = f"{name}-{template}-{part}"
                stray = rng.choice(KINDS) if rng.random() < 0.1 else cue
                fixed = {"fixed": f"s-{name}", "dated": f"s-{name}-{template}-{part}", "none": ""}[system]
                row = {"signature": signature, "template_id": f"t-{name}-{template}", "system_fp": fixed,
                       "task_cues": ",".join(sorted({cue, stray, "system"}))}  # fmt: skip
                calls = max(int(600 * weights[template] / sum(weights) / parts), 1)
                self.rows.append(row | labels)
                self.true[signature] = name
                self.shape[signature] = {
                    "calls": calls,
                    "uncached_input_tokens": round(calls * prompt * rng.uniform(0.8, 1.25)),
                    "output_tokens": round(calls * output * rng.uniform(0.8, 1.25)),
                }

    def score(self) -> float:
        calls = {signature: row["calls"] for signature, row in self.shape.items()}
        spend = {
            signature: row["uncached_input_tokens"] + 5 * row["output_tokens"] for signature, row in self.shape.items()
        }
        found, _ = group(signatures(*self.rows), spend, shapes(**self.shape), (), ())
        return adjusted_rand(self.true, {signature: one.id for signature, one in found.items()}, calls)


def company(seed: int) -> Company:
    """36 programs: 6 tagged, 4 that name themselves, 6 with a key of their own, 20 that share five keys."""
    made = Company(seed)
    for number in range(6):
        made.add({"tags": f'{{"app":"app-{number}"}}', "api_key": "platform"}, templates=3)
    for number in range(4):
        made.add({"agent": f"worker-{number}", "api_key": "platform"}, templates=2)
    for number in range(6):
        made.add({"api_key": f"own-{number}"}, templates=made.rng.choice([1, 8, 60]))
    for number in range(5):
        key = {"api_key": f"shared-{number}"}
        made.add(key)  # a job with a fixed prompt
        made.add(key, system="dated", parts=12)  # a job whose prompt begins with date and user
        made.add(key, templates=80)  # a chat: a fixed system prompt, everybody says something else
        made.add(key, system="none")  # a bare prompt
    return made


@pytest.mark.parametrize("seed", range(5))
def test_programs_are_found_again_behind_labels_of_every_quality(seed: int) -> None:
    # docs/concepts-workloads.md quotes this: change both
    assert company(seed).score() >= 0.9


def test_the_score_is_1_for_the_truth_and_near_0_for_chance() -> None:
    true = {str(n): str(n % 4) for n in range(40)}
    calls = dict.fromkeys(true, 10)
    assert adjusted_rand(true, true, calls) == 1
    rng = random.Random(1)
    assert abs(adjusted_rand(true, {name: str(rng.randrange(4)) for name in true}, calls)) < 0.15


def test_the_key_alone_would_find_far_fewer() -> None:
    made = company(0)
    calls = {signature: row["calls"] for signature, row in made.shape.items()}
    by_key = {row["signature"]: row.get("api_key", "") for row in made.rows}
    assert adjusted_rand(made.true, by_key, calls) < 0.5
