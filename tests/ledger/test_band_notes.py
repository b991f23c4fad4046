"""A price band scaled from a sample is said beside the vendor's own figure of the same days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baseload.ledger.band_notes import band_notes
from baseload.ledger.price_checks import PriceCheck
from baseload.values import Table


def text(*values: str) -> NDArray[np.object_]:
    return np.array(values, dtype=object)


def rows(ours_nano: int) -> Table:
    """One call of the model, and a row of dollars alone that states the vendor's list price of that day."""
    return {
        "day": np.ma.array([20_000, 20_000], dtype=np.int64),
        "price_key": text("haiku|api|global|standard|standard|?", "haiku|api||||"),
        "account": text("a", "a"),
        "model": text("haiku", "haiku"),
        "uncached_input_nano": np.ma.array([ours_nano, 0], dtype=np.int64),
        "reported_list_nano_usd": np.ma.array([0, 5_490_110_000_000], mask=[True, False], dtype=np.int64),
    }


def check(verdict: str) -> PriceCheck:
    return PriceCheck(
        platform="api", account="a", month="2024-10", model="haiku", list_nano=1, list_high_nano=2,
        reported_list_nano=5_490_110_000_000, billed_nano=0, verdict=verdict,
    )  # fmt: skip


def test_a_model_off_by_more_than_the_gate_is_named_with_both_figures() -> None:
    """Day 20,000 is 2024-10-04; 5,616.50 of 5,490.11 is 2.3 % more."""
    (note,) = band_notes(rows(5_616_500_000_000), [check("band-mix")])
    assert note.says.startswith("haiku comes to 5,616.50 USD where the vendor's own list amount of the same days is ")
    assert "5,490.11 (+2.3%)" in note.says


def test_within_the_gate_and_without_a_band_mix_nothing_is_said() -> None:
    assert band_notes(rows(5_500_000_000_000), [check("band-mix")]) == ()
    assert band_notes(rows(5_616_500_000_000), [check("agrees")]) == ()
