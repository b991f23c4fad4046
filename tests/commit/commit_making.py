"""Contracts and usage for tests: the shortest way to write one down, and random ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import strategies as st

from baseload.commit.clauses import (
    Band,
    CarryForward,
    Overage,
    PriceRule,
    RollCondition,
    TrueForward,
    Unused,
)
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of


def usd(text: str | int) -> Decimal:
    return Decimal(str(text))


def bands(*steps: tuple[int, str]) -> tuple[Band, ...]:
    return tuple(Band(from_usd=Decimal(floor), discount=Decimal(discount)) for floor, discount in steps)


FLAT_20 = bands((0, "0.20"))
LADDER = bands((100, "0.10"), (1_000, "0.20"), (10_000, "0.30"))


def contract(*commits: int | str, **terms: Any) -> Contract:
    """A contract of as many years as commitments: flat 20 %, list basis, overage at list, unused forfeited."""
    given: dict[str, Any] = {
        "term_months": 12 * len(commits),
        "commit_usd_by_year": tuple(Decimal(commit) for commit in commits),
        "commit_basis": "list",
        "bands": FLAT_20,
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def even(*yearly: float, **more: Any) -> Paths:
    """One path whose years are spread evenly over their months."""
    return paths_of(np.repeat(np.array(yearly, dtype=float) / 12, 12)[None, :], **more)


def monthly(*usage: float, **more: Any) -> Paths:
    """One path, month by month."""
    return paths_of(np.array([usage], dtype=float), **more)


shares = st.integers(0, 100).map(lambda percent: Decimal(percent) / 100)


@st.composite
def ladders(draw: st.DrawFn) -> tuple[Band, ...]:
    floors = sorted(draw(st.sets(st.integers(0, 3_000), min_size=1, max_size=4)))
    discounts = sorted(draw(st.lists(st.integers(0, 40), min_size=len(floors), max_size=len(floors))))
    return bands(*((floor, f"{percent / 100:.2f}") for floor, percent in zip(floors, discounts, strict=True)))


@st.composite
def unused_clauses(draw: st.DrawFn) -> Unused:
    rule = draw(st.sampled_from(["forfeit", "roll", "credit", "extend", "refund"]))
    months = draw(st.sampled_from([0, 1, 3, 6, 12, 18])) if rule in ("roll", "credit", "extend") else 0
    if rule == "roll":
        return Unused(
            rule="roll",
            months=months,
            share=draw(shares),
            cap=draw(st.none() | shares),
        )
    return Unused(rule=rule, months=months, share=draw(shares) if rule == "refund" else Decimal(1))


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    """Any contract whose clauses need nobody to exercise them."""
    term = draw(st.sampled_from([3, 6, 12, 15, 24, 30, 36]))
    years = -(-term // 12)
    payment = draw(st.sampled_from(["upfront", "annual", "quarterly", "monthly", "arrears"]))
    overage = draw(st.sampled_from(["list", "committed", "multiple", "next_band"]))
    mode = draw(st.sampled_from(["all_units", "marginal"]))
    key = draw(st.sampled_from(["annual_commit", "average_annual", "tcv"]))
    commits = draw(st.lists(st.integers(0, 3_000), min_size=years, max_size=years))
    unused = draw(unused_clauses())
    condition = st.none() | st.just(RollCondition(renew_at_least=Decimal(1)))
    price = draw(st.sampled_from(["fixed_price", "disc_off_current_list", "lower_of", "capped"]))
    return Contract(
        term_months=term,
        commit_usd_by_year=tuple(Decimal(commit) for commit in commits),
        commit_basis=draw(st.sampled_from(["list", "net"])),
        period=draw(st.sampled_from(["month", "quarter", "year", "term"])),
        bands=draw(ladders()),
        band_key=key,
        band_mode=mode,
        overage=Overage(rule=overage, multiple=Decimal("1.2") if overage == "multiple" else Decimal(1)),
        overage_retro=mode == "all_units" and key != "tcv" and draw(st.booleans()),
        unused=unused,
        roll_condition=draw(condition) if unused.rule == "roll" else None,
        roll_order=draw(st.sampled_from(["rolled_first", "new_first"])),
        carry_forward=CarryForward(share=draw(shares), cap=draw(shares)),
        shortfall_rate=draw(st.sampled_from(["net", "list"])) if payment == "arrears" else "net",
        price_rule=PriceRule(rule=price, cap_per_year=Decimal("0.05") if price == "capped" else Decimal(0)),
        hold_months=draw(st.none() | st.integers(0, term)) if price != "disc_off_current_list" else None,
        new_model_rule=draw(st.sampled_from(["same_discount", "family_substitution", "list"])),
        metering_freeze=draw(st.booleans()),
        payment=payment,
        prepay_discount=draw(st.sampled_from([Decimal(0), Decimal("0.03")])),
        payment_lag_days=draw(st.sampled_from([0, 30])),
        wacc=draw(st.sampled_from([Decimal(0), Decimal("0.1")])),
        true_forward=draw(st.none() | st.builds(TrueForward, share=shares, window_months=st.integers(1, 12))),
        seats_usd_per_month=Decimal(draw(st.integers(0, 10))),
        support_usd_per_year=Decimal(draw(st.integers(0, 10))),
        credits_usd=Decimal(draw(st.sampled_from([0, 0, 50, 500]))),
        credits_months=draw(st.sampled_from([0, 2, 12])),
    )


@st.composite
def usages(draw: st.DrawFn, months: int, paths: int = 1) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Whole cents; months of no usage among them."""
    cents = st.lists(st.integers(0, 40_000) | st.just(0), min_size=months * paths, max_size=months * paths)
    return np.array(draw(cents), dtype=np.float64).reshape(paths, months) / 100
