"""The search against HiGHS, which knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from milp_referee import least_mean
from search_making import bands, contract, yearly

from baseload.commit.clauses import Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.search.family import yearly_usage
from baseload.commit.search.optimum import optimum

WITHIN = 0.002


def case(seed: int) -> tuple[Contract, Paths]:
    """One to three years, up to four bands, 15 paths."""
    rng = np.random.default_rng(50_000 + seed)
    years = int(rng.integers(1, 4))
    floors = np.sort(rng.choice(np.arange(100, 2_600, 50), int(rng.integers(1, 5)), replace=False)) * 1_000
    discounts = np.sort(rng.integers(3, 30, len(floors)))
    unused = [
        Unused(rule="forfeit"),
        Unused(rule="refund", share=Decimal(int(rng.integers(10, 95))) / 100),
        Unused(rule="roll", months=12, share=Decimal(int(rng.integers(30, 101))) / 100),
        Unused(rule="roll", months=12, cap=Decimal(int(rng.integers(10, 60))) / 100),
    ][seed % 4]
    one = contract(
        years,
        bands=bands(*((int(floor), f"{percent / 100:.2f}") for floor, percent in zip(floors, discounts, strict=True))),
        unused=unused,
        overage=Overage(rule="committed" if seed % 8 in (0, 5) else "list"),
    )
    luck = rng.normal(0, 0.35, (15, 1)) + np.cumsum(rng.normal(0.05, 0.25, (15, years)), axis=1)
    return one, yearly(*(900_000 * np.exp(luck)).T)


def gap(seed: int) -> float:
    one, paths = case(seed)
    return optimum(one, paths).mean_usd / least_mean(one, yearly_usage(one, paths)) - 1


@pytest.mark.parametrize("seed", range(12))
def test_a_dozen_random_contracts_cost_what_highs_finds(seed: int) -> None:
    assert -1e-5 <= gap(seed) <= WITHIN


@pytest.mark.prove
def test_fifty_random_contracts_cost_what_highs_finds(record_property: Callable[[str, object], None]) -> None:
    gaps = np.array([gap(seed) for seed in range(50)])
    record_property("commit search against HiGHS, 50 contracts: worst gap, %", round(100 * float(gaps.max()), 4))
    record_property("commit search against HiGHS, 50 contracts: mean gap, %", round(100 * float(gaps.mean()), 4))
    assert gaps.min() >= -1e-5
    assert gaps.max() <= WITHIN
