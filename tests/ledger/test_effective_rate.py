"""Billed over list by hand: a day of an account counts where some row of it states a bill, and then whole."""

from __future__ import annotations

import numpy as np

from baseload.ledger.effective import billed_and_list
from baseload.values import Table


def settled(*rows: tuple[str, int, int | None, int | None]) -> Table:
    """Rows of (account, day, billed nano-dollars, list nano-dollars)."""

    def amounts(place: int) -> np.ma.MaskedArray[tuple[int], np.dtype[np.int64]]:
        values = [row[place] for row in rows]
        return np.ma.masked_array(
            np.array([value or 0 for value in values], dtype=np.int64), mask=[value is None for value in values]
        )

    return {
        "account": np.array([row[0] for row in rows], dtype=object),
        "day": np.array([row[1] for row in rows], dtype=np.int64),
        "billed_nano_usd": amounts(2),
        "list_nano": amounts(3),
    }


def test_without_a_bill_nothing_is_known() -> None:
    assert billed_and_list(settled(("a", 1, None, 100), ("a", 2, None, 50))) == (0, 0)


def test_a_ledger_without_rows_says_nothing() -> None:
    assert billed_and_list(settled()) == (0, 0)


def test_calls_beside_a_bill_of_the_same_day_count_in_full() -> None:
    # the cost report's row has the bill and no tokens, the usage report's row the list price: 85 of 100
    assert billed_and_list(settled(("a", 1, 85, 0), ("a", 1, None, 60), ("a", 1, None, 40))) == (85, 100)


def test_days_and_accounts_without_a_bill_stay_out() -> None:
    rows = settled(("a", 1, 90, 100), ("a", 2, None, 1_000), ("b", 1, None, 5_000))
    assert billed_and_list(rows) == (90, 100)


def test_two_accounts_of_one_day_are_two_days() -> None:
    assert billed_and_list(settled(("a", 12, 90, 100), ("a1", 2, None, 7))) == (90, 100)


def test_a_bill_of_nothing_is_a_bill() -> None:
    assert billed_and_list(settled(("a", 1, 0, 100))) == (0, 100)


def test_usage_without_a_price_adds_no_list_dollar() -> None:
    assert billed_and_list(settled(("a", 1, 90, 100), ("a", 1, None, None))) == (90, 100)
