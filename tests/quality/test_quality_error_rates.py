"""The test keeps its promises: simulated at the boundary and at equality, all twelve cells of quality.md 3.8.

`make test` runs 2,000 walks a cell, `make prove` 4,000 and writes the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from baseload.quality.betting import Floats, Outcome, Rule, Walks

# discordance, margin in points -> power, mean calls when equal (quality.md 3.8, SEQ)
CELLS = {
    (0.02, 1): (0.94, 1662), (0.02, 2): (0.94, 542), (0.02, 3): (0.97, 295), (0.02, 5): (0.99, 143),
    (0.05, 1): (0.94, 3432), (0.05, 2): (0.93, 926), (0.05, 3): (0.94, 447), (0.05, 5): (0.94, 188),
    (0.10, 1): (0.93, 6598), (0.10, 2): (0.92, 1666), (0.10, 3): (0.92, 754), (0.10, 5): (0.91, 278),
}  # fmt: skip
ALPHA = 0.05


class Simulated(NamedTuple):
    passed: float
    calls: float


class CheatingWalks(Walks):
    """The planted fault: the bet has seen the difference it is placed on."""

    def step(self, difference: Floats) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        self._seen = difference
        return super().step(difference)

    def bets(self) -> tuple[Floats, Floats]:
        up, down = super().bets()
        return np.where(self._seen + self.rule.margin > 0, up, 0.0), down


def simulated(
    discordance: float, margin: float, mean: float, walks: int, seed: int, kind: Callable[..., Walks] = Walks
) -> Simulated:
    """Walks whose D is 1 or -1 on a share `discordance` of calls (raised to |mean|), with this mean."""
    rng = np.random.default_rng(seed)
    share = max(discordance, abs(mean))
    losses, wins = (share - mean) / 2, (share + mean) / 2
    going = kind(Rule(margin=margin, alpha=ALPHA), walks)
    passed, calls, still = 0, 0, walks
    while still:
        drawn = rng.random(still)
        outcome = going.step(np.where(drawn < losses, -1.0, np.where(drawn < losses + wins, 1.0, 0.0)))
        ended = outcome != Outcome.OPEN
        if ended.any():
            passed += int((outcome == Outcome.HOLDS).sum())
            calls += int(ended.sum()) * going.calls
            going.keep(~ended)
            still -= int(ended.sum())
    return Simulated(passed / walks, calls / walks)


def most_wrong(walks: int) -> float:
    return ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / walks)


def check_cell(cell: tuple[float, int], walks: int) -> dict[str, float]:
    discordance, margin = cell[0], cell[1] / 100
    wrong = simulated(discordance, margin, -margin, walks, seed=1)
    equal = simulated(discordance, margin, 0.0, walks, seed=2)
    far = simulated(discordance, margin, -2 * margin, walks // 2, seed=3)
    assert wrong.passed <= most_wrong(walks)
    assert equal.passed >= 0.90
    assert equal.calls == pytest.approx(CELLS[cell][1], rel=0.10)
    assert far.passed <= 0.005
    return {"wrongly passes": wrong.passed, "power": equal.passed, "mean calls, equal": equal.calls,
            "mean calls, 2x too bad": far.calls}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_it_wrongly_passes_at_most_alpha_and_finds_equals(cell: tuple[float, int]) -> None:
    check_cell(cell, 2000)


@pytest.mark.prove
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"discordance {cell[0]:.0%}, {cell[1]} pt")
def test_error_rate_power_and_length_are_the_published_ones(
    cell: tuple[float, int], record_property: Callable[[str, object], None]
) -> None:
    found = check_cell(cell, 4000)
    for name, value in found.items():
        record_property(name, f"{value:.3f}" if value <= 1 else f"{value:.0f}")
    record_property("published power, calls", " ".join(map(str, CELLS[cell])))


def test_a_bet_that_sees_the_difference_is_caught() -> None:
    found = simulated(0.05, 0.05, -0.05, 400, seed=1, kind=CheatingWalks)
    assert found.passed > most_wrong(400)


def test_graded_scores_keep_the_error_rate() -> None:
    rng = np.random.default_rng(5)
    going, passed, still = Walks(Rule(margin=0.05), 600), 0, 600
    while still:  # uniform differences around the boundary, half of them zero
        drawn = np.where(rng.random(still) < 0.5, 0.0, rng.uniform(-0.6, 0.4, still))
        outcome = going.step(drawn)
        passed += int((outcome == Outcome.HOLDS).sum())
        ended = outcome != Outcome.OPEN
        going.keep(~ended)
        still -= int(ended.sum())
    assert passed / 600 <= most_wrong(600)
