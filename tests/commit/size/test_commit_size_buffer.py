"""The chance at which one more committed dollar pays, worked out from the clauses that price it."""

from __future__ import annotations

import pytest
from size_making import contract, document, offer, own_paths

from baseload.commit.size.buffer import _needed

BANDS = [
    {"from_usd": "100000", "discount": "0.05"},
    {"from_usd": "500000", "discount": "0.14"},
    {"from_usd": "1000000", "discount": "0.18"},
]


def test_the_band_is_that_of_what_the_offer_looks_up():
    # 600 + 600 thousand: each year alone is in the band of 14 %, their sum in that of 18 %
    alone = contract(600_000, bands=BANDS, term_months="24")
    together = contract(600_000, bands=BANDS, term_months="24", band_key="tcv")
    assert _needed(alone, 0) == pytest.approx(0.86)
    assert _needed(together, 0) == pytest.approx(0.82)


def test_half_a_year_is_looked_up_as_a_year():
    half = contract(300_000, bands=BANDS, term_months="6", band_key="average_annual")
    assert _needed(half, 0) == pytest.approx(0.86)  # 600 thousand a year


def test_unused_dollars_invoiced_back_at_list_ask_for_more_than_they_cost():
    """Used it saves 0.2, unused it costs 1: p x 0.2 = (1 - p) x 1."""
    arrears = contract(100_000, payment="arrears", shortfall_rate="list")
    assert _needed(arrears, 0) == pytest.approx(1 / 1.2)
    half = contract(100_000, payment="arrears", shortfall_rate="list", unused={"rule": "refund", "share": "0.5"})
    assert _needed(half, 0) == pytest.approx(0.5 / 0.7)


def test_a_sum_on_a_floor_is_said_to_stand_on_it():
    terms = offer(bands=BANDS, term_months="24", band_key="tcv")
    found = document(terms, own_paths(505_000, months=24)).recommended.buffer
    assert not found.at_band_floor
    assert found.needed_chance == 0.82
    on_it = document(terms, own_paths(490_000, months=24)).recommended
    assert on_it.commit_usd_by_year[0] != "0.00"
    assert on_it.buffer.at_band_floor
    assert "at 1,000,000 over the term" in on_it.buffer.says
