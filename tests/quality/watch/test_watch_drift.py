"""Distances of inputs from the trial's, by hand, and how often chance alone is called drift."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baseload.errors import UsageError
from baseload.quality.watch.drift import Reference, ks, psi, shift

LENGTH = Reference(edges=(100.0, 200.0, 400.0), counts=(250, 250, 250, 250))
LANGUAGE = Reference(names=("de", "en"), counts=(400, 600, 0))


def test_the_index_is_the_sum_over_bins() -> None:
    # half a call added: shares (300.5/501, 200.5/501) and (200.5/501, 300.5/501); difference 100/501 each way
    assert psi((300, 200), (200, 300)) == pytest.approx(2 * (100 / 501) * math.log(300.5 / 200.5))
    assert psi((10, 20, 30), (10, 20, 30)) == 0


def test_the_distance_is_the_largest_gap_of_the_sums() -> None:
    # sums up to a bin: .25 .50 .75 1 and .10 .20 .60 1; gaps .15 .30 .15
    assert ks((25, 25, 25, 25), (10, 10, 40, 40)) == pytest.approx(0.30)
    assert ks((1, 0), (0, 5)) == 1


def test_values_find_their_bins() -> None:
    assert [LENGTH.bin_of(value) for value in (0, 99.9, 100, 399, 400, 1e9, "many")] == [0, 0, 1, 2, 3, 3, 3]
    assert [LANGUAGE.bin_of(value) for value in ("de", "en", "fr", 7)] == [0, 1, 2, 2]


def test_a_shift_must_matter_and_be_more_than_chance() -> None:
    assert shift(LENGTH, (250, 250, 250, 250)).level == "calm"
    assert shift(LENGTH, (125, 250, 250, 375)).level == "moved"  # PSI .137, KS .125
    assert shift(LENGTH, (100, 150, 250, 500)).level == "other"  # KS .25
    assert shift(LENGTH, (1, 2, 2, 3)).level == "calm"  # the same shares as above, of eight calls
    assert shift(LENGTH, (0, 0, 0, 1)).level == "calm"
    large = Reference(edges=(1.0,), counts=(500_000, 500_000))
    assert shift(large, (480_000, 520_000)).level == "calm"  # beyond chance by far, and of no consequence


def test_calls_the_trial_never_saw_end_its_verdict() -> None:
    found = shift(LANGUAGE, (300, 450, 250))  # a quarter in a third language
    assert (found.level, found.ks) == ("other", None)
    assert found.says("language").startswith("language: PSI ")


@pytest.mark.parametrize(
    "given",
    [
        {"counts": (1, 2)},
        {"counts": (1, 2), "edges": (1.0,), "names": ("a",)},
        {"counts": (1, 2, 3), "edges": (1.0,)},
        {"counts": (1, 2, 3), "edges": (2.0, 1.0)},
        {"counts": (1, 2), "edges": (float("nan"),)},
        {"counts": (1, 2, 3), "names": ("a", "a")},
        {"counts": (0, 0), "names": ("a",)},
        {"counts": (-1, 2), "names": ("a",)},
        {"counts": (1,) * 202, "names": tuple(map(str, range(201)))},
    ],
)
def test_references_that_cannot_be_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"reference: "):
        Reference(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize("trial", [200, 1000])
@pytest.mark.parametrize("bins", [2, 10, 40])
def test_chance_is_rarely_called_drift(trial: int, bins: int) -> None:
    rng, called = np.random.default_rng(7), 0
    for _ in range(500):
        before, now = rng.multinomial(trial, [1 / bins] * bins), rng.multinomial(1000, [1 / bins] * bins)
        reference = Reference(edges=tuple(map(float, range(bins - 1))), counts=tuple(before.tolist()))
        called += shift(reference, tuple(now.tolist())).level != "calm"
    assert called <= 5
