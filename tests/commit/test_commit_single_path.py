"""The exact ledger of one path and the vectorised simulator are written apart and must agree."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from commit_making import contract, contracts, even, usages
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.commit.audit import UsageMonth, in_cents
from baseload.commit.contract import Contract
from baseload.commit.paths import paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.simulate import simulate
from baseload.commit.single_path import audit

HALF_A_CENT = 0.005


@settings(max_examples=150, deadline=None)
@given(data=st.data(), one=contracts(), moves=st.booleans())
def test_the_exact_ledger_agrees_with_the_simulator_to_half_a_cent(
    data: st.DataObject, one: Contract, moves: bool
) -> None:
    months = one.term_months
    usage = data.draw(usages(months))
    ones = np.ones((1, months))
    index, metering, new = ones, ones, 0 * ones
    if moves:
        percent = st.lists(st.integers(50, 150), min_size=months, max_size=months)
        index = np.array([data.draw(percent)]) / 100
        metering = np.array([data.draw(percent)]) / 100
        new = np.array([data.draw(percent)]) / 200
    paths = paths_of(usage, price_index=index, metering=metering, new_model_share=new) if moves else paths_of(usage)
    found = simulate(one, paths)
    rows = audit(
        one,
        [
            UsageMonth(
                list_usd=_cents(usage[0, month]),
                price_index=_cents(index[0, month]),
                metering=_cents(metering[0, month]),
                new_model_share=Decimal(str(new[0, month])),
            )
            for month in range(months)
        ],
    )
    for row in rows:
        assert float(row.cash_usd) == pytest.approx(found.cash_usd[0, row.month], abs=HALF_A_CENT)
        assert float(row.excess) == pytest.approx(found.monthly_excess[0, row.month], abs=HALF_A_CENT)
        assert float(row.rolled_drawn + row.commit_drawn) == pytest.approx(
            found.monthly_drawn[0, row.month], abs=HALF_A_CENT
        )
        assert row.usage == pytest.approx(row.credits_drawn + row.rolled_drawn + row.commit_drawn + row.excess)


def _cents(value: float) -> Decimal:
    return Decimal(str(round(value, 2)))


def test_a_printed_column_adds_up_to_the_rounded_total_in_every_row() -> None:
    thirds = [Decimal(100) / 3] * 3
    assert in_cents(thirds) == [Decimal("33.33"), Decimal("33.34"), Decimal("33.33")]


def test_the_founding_contract_month_by_month() -> None:
    """2M list at 20 %, 0.8M used: 1.6M is paid at the start, 66,666.67 is drawn each month, 1.2M is lost."""
    rows = audit(contract(2_000_000), [UsageMonth(list_usd=Decimal(800_000) / 12)] * 12)
    assert round(rows[0].commitment_usd, 2) == Decimal(1_600_000)
    assert sum(in_cents([row.cash_usd for row in rows])) == Decimal(1_600_000)
    assert round(rows[0].balance, 2) == Decimal("1933333.33")
    assert [round(row.expired, 2) for row in rows] == [0] * 11 + [Decimal(1_200_000)]


def test_an_offer_without_a_size_is_refused() -> None:
    with pytest.raises(CommitError, match="commit_usd_by_year: missing; expected 1 amounts"):
        audit(contract(1, commit_usd_by_year=()), [UsageMonth(list_usd=Decimal(1))] * 12)


def test_a_path_shorter_than_the_term_is_refused() -> None:
    with pytest.raises(CommitError, match="usage: 11 months; expected at least the term, 12 months"):
        audit(contract(1), [UsageMonth(list_usd=Decimal(1))] * 11)
    with pytest.raises(CommitError, match="usage: 12 months; expected at least the term, 24 months"):
        simulate(contract(1, 1), even(1))
