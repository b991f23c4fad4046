"""Random contracts of every clause family, and random paths of usage to size them on."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baseload.commit.clauses import (
    Band,
    CarryForward,
    CarveOut,
    Channel,
    Overage,
    RollCondition,
    TrueForward,
    Unused,
)
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.family import Family, fills
from baseload.commit.search.pricing import Pricer

Floats = NDArray[np.float64]


def bands(*steps: tuple[int, str]) -> tuple[Band, ...]:
    return tuple(Band(from_usd=Decimal(floor), discount=Decimal(discount)) for floor, discount in steps)


CENTRAL = bands((100_000, "0.05"), (250_000, "0.10"), (500_000, "0.14"), (1_000_000, "0.18"), (2_500_000, "0.22"))


def contract(years: int = 1, **terms: Any) -> Contract:
    """Unsized: flat 20 % from the first dollar, list basis, overage at list, unused forfeited."""
    given: dict[str, Any] = {
        "term_months": 12 * years,
        "commit_basis": "list",
        "bands": bands((0, "0.20")),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def yearly(*totals: Floats) -> Paths:
    """Paths whose years are spread evenly: one array (paths,) of totals per year."""
    return paths_of(np.repeat(np.stack(totals, axis=1) / 12, 12, axis=1))


def lognormal(paths: int, years: int = 1, *, mean: float = 900_000.0, sd: float = 0.3, seed: int = 0) -> Paths:
    """Yearly totals that share most of their luck."""
    rng = np.random.default_rng(seed)
    luck = rng.normal(0, sd, (paths, 1)) + rng.normal(0, sd / 3, (paths, years))
    totals = mean * np.exp(luck - sd * sd / 2)
    return yearly(*totals.T)


def usage(rng: np.random.Generator, paths: int, months: int) -> Paths:
    """Random walks of some drift at one of three sizes."""
    level = float(rng.choice([3e4, 8e4, 2e5])) * np.exp(rng.normal(0, 0.2, (paths, 1)))
    return paths_of(level * np.exp(np.cumsum(rng.normal(rng.normal(0, 0.03), 0.12, (paths, months)), axis=1)))


def any_contract(rng: np.random.Generator, *, by_month: bool) -> Contract:
    """Any clause set; without `by_month` one that yearly totals price."""
    term = int(rng.choice([8, 12, 24, 30, 36]))
    mode = _one_of(rng, "all_units", "all_units", "marginal")
    key = _one_of(rng, "annual_commit", "annual_commit", "average_annual", "tcv")
    payment = _one_of(rng, "annual", "arrears", "upfront")
    overage = _one_of(rng, "list", "committed", "multiple", "next_band")
    unused = _unused(rng, by_month=by_month)
    return Contract(
        term_months=term,
        commit_basis=_one_of(rng, "list", "net"),
        bands=_bands(rng),
        band_key=key,
        band_mode=mode,
        overage=Overage(rule=overage, multiple=Decimal("1.2") if overage == "multiple" else Decimal(1)),
        overage_retro=mode == "all_units" and key != "tcv" and rng.random() < 0.3,
        unused=unused,
        roll_order=_one_of(rng, "rolled_first", "new_first"),
        carry_forward=CarryForward(share=_share(rng), cap=_share(rng)) if rng.random() < 0.25 else CarryForward(),
        shortfall_rate=_one_of(rng, "net", "list") if payment == "arrears" else "net",
        payment=payment,
        prepay_discount=Decimal("0.02"),
        carve_outs=(CarveOut(name="x", usage_share=Decimal("0.1")),) if rng.random() < 0.3 else (),
        **(_of_months(rng, unused) if by_month else {}),
    )


def _one_of(rng: np.random.Generator, *values: str) -> Any:
    return values[int(rng.integers(len(values)))]


def _share(rng: np.random.Generator) -> Decimal:
    return Decimal(int(rng.integers(0, 100))) / 100


def _bands(rng: np.random.Generator) -> tuple[Band, ...]:
    count = int(rng.integers(1, 5))
    floors = np.sort(rng.choice(np.arange(3_000), count, replace=False)) * 1_000
    discounts = np.sort(rng.integers(0, 40, count))
    return bands(*((int(floor), f"{percent / 100:.2f}") for floor, percent in zip(floors, discounts, strict=True)))


def _unused(rng: np.random.Generator, *, by_month: bool) -> Unused:
    rule = _one_of(rng, "forfeit", "roll", "refund", *(("credit", "extend") if by_month else ()))
    if rule == "roll":
        months = int(rng.choice([0, 3, 6, 12])) if by_month else 12
        return Unused(rule="roll", months=months, share=_share(rng), cap=_share(rng) if rng.random() < 0.5 else None)
    if rule == "refund":
        return Unused(rule="refund", share=_share(rng))
    return Unused(rule=rule, months=int(rng.choice([0, 3, 6, 12])) if rule != "forfeit" else 0)


def _of_months(rng: np.random.Generator, unused: Unused) -> dict[str, Any]:
    """Clauses that look inside the year."""
    conditional = unused.rule == "roll" and rng.random() < 0.5
    follows = rng.random() < 0.4
    through = rng.random() < 0.3
    return {
        "period": _one_of(rng, "month", "quarter", "year", "term"),
        "true_forward": TrueForward(share=_share(rng), window_months=int(rng.integers(1, 12))) if follows else None,
        "credits_usd": Decimal(int(rng.choice([0, 0, 200_000]))),
        "roll_condition": RollCondition(renew_at_least=Decimal("0.9")) if conditional else None,
        "channel": Channel(
            name="aws", shadow_value=Decimal("0.1"), cloud_commit_usd_per_year=Decimal(500_000)
        ) if through else Channel(),
    }  # fmt: skip


def exhaustive(family: Family, pricer: Pricer, combinations: int, *, kinks: bool) -> float:
    """The least mean cost of a grid: 0, band floors and even steps, and every kink there is room for."""
    points = int(combinations ** (1 / family.width))
    axes = [_axis(family, place, points, kinks=kinks) for place in range(family.width)]
    every = np.array(list(product(*axes)))
    parts = [every[start : start + 4_000] for start in range(0, len(every), 4_000)]
    return min(float(pricer.means(family.by_year(part)).min()) for part in parts)


def _axis(family: Family, place: int, points: int, *, kinks: bool) -> Floats:
    fixed = family.fixed_points(place)
    room = max(4, points - len(fixed))
    even = np.linspace(0, family.tops[place], room if not kinks else room // 3)
    filled = np.sort(fills(family.contract, family.filled_by(place), family.key_of_one).ravel())
    some = filled[:: max(1, -(-len(filled) // (room - room // 3)))] if kinks else filled[:0]
    return np.unique(np.concatenate([fixed, even, some]))
