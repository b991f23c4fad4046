"""A stated cost of capital of 0 is an answer; a missing one is assumed, and both the text and the rows say so."""

from __future__ import annotations

import pytest
from size_making import document, offer, own_paths

from baseload.commit.size.text import text_of

DEMAND = own_paths(80_000, 100_000, 120_000)


@pytest.fixture(scope="module")
def found():
    return {name: document(offer("0.20", **terms), DEMAND, quick=False) for name, terms in CASES.items()}


CASES = {"free": {"wacc": "0"}, "open": {}, "stated": {"wacc": "0.08"}}


def test_free_capital_makes_dates_of_payment_worth_nothing(found):
    free = found["free"]
    rows = [one for one in free.clauses if one.measure == "npv"]
    assert rows
    assert all((one.value_usd, one.low_usd, one.high_usd) == ("0.00", "0.00", "0.00") for one in rows)
    assert {(one.wacc, one.wacc_assumed) for one in rows} == {(0.0, False)}
    assert not any("cost of capital" in one for one in free.warnings)
    assert free.recommended.npv_usd == free.recommended.expected_cost_usd


def test_a_missing_cost_of_capital_is_assumed_and_said(found):
    rows = [one for one in found["open"].clauses if one.measure == "npv"]
    assert {(one.wacc, one.wacc_assumed) for one in rows} == {(0.1, True)}
    assert any(float(one.value_usd) > 0 for one in rows)
    assert any("assumed 10 % a year" in one for one in found["open"].warnings)
    assert any("priced at 10 % a year, assumed" in line for line in text_of(found["open"]))


def test_a_stated_cost_of_capital_is_used(found):
    rows = [one for one in found["stated"].clauses if one.measure == "npv"]
    assert {(one.wacc, one.wacc_assumed) for one in rows} == {(0.08, False)}
    assert any("priced at 8 % a year, as the offer states" in line for line in text_of(found["stated"]))
    assert all(one.wacc is None for one in found["stated"].clauses if one.measure == "cost")
