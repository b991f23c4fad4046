"""Searches take long: the same case is searched once, an input that stays at its base not at all."""

from __future__ import annotations

import numpy as np
import pytest
from size_making import document, drawn, offer, own_paths, steady, yearly

from baseload.commit.paths import paths_of
from baseload.commit.search.optimum import optimum
from baseload.commit.size import found as searches
from baseload.commit.size.found import THINNED, Remembered
from baseload.demand.savings import Saving

ROLLS = {"rule": "roll", "months": "12", "share": "0.8"}


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def counted(contract, paths, **more):
        calls.append(paths.count)
        return optimum(contract, paths, **more)

    monkeypatch.setattr(searches, "optimum", counted)
    return calls


def test_the_same_case_is_searched_once_and_another_one_anew(asked):
    search, terms = Remembered("free", 10), offer("0.20").contract
    first = search(terms, yearly(100_000, 200_000))
    assert search(terms, yearly(100_000, 200_000)) == first
    assert len(asked) == 1
    search(terms, yearly(100_000, 210_000))
    search(offer("0.30").contract, yearly(100_000, 200_000))
    assert len(asked) == 3


def test_a_document_searches_each_end_of_an_input_once(asked):
    """Least and cautious; three band sets; scenarios none (as proven) and all; three inputs at both ends and the price
    cut at one; everything assumed at once."""
    bands = [{"from_usd": "100000", "discount": "0.05"}, {"from_usd": "250000", "discount": "0.10"}]
    document(offer(bands=bands), drawn(steady(), savings=[Saving(name="r", low=0.1, likely=0.2, high=0.3)]))
    assert len(asked) == 2 + 3 + 2 + 7 + 1


def test_where_dollars_pass_between_years_sensitivities_use_fewer_paths_and_it_is_said(asked):
    rng = np.random.default_rng(0)
    paths = paths_of(100_000 * np.exp(rng.normal(0, 0.2, (THINNED + 50, 1))) * np.ones((1, 24)))
    demand = own_paths(1.0)
    demand = demand._replace(scenarios=dict.fromkeys(demand.scenarios, paths))
    found = document(offer("0.20", term_months="24", unused=ROLLS), demand)
    assert asked[0] == THINNED + 50
    assert set(asked[2:]) == {THINNED}
    assert any("found on all 450 paths" in one and "sensitivities on 400" in one for one in found.warnings)
