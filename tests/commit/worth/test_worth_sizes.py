"""The sizes every variant is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worth_making import flat, offer, worked

from baseload.commit.basis import in_net_basis
from baseload.commit.worth.sizes import COARSE, FINE, in_basis, in_list, list_floors, list_sizes, sizes_for


def test_nothing_every_floor_and_the_stated_size_are_among_them() -> None:
    sizes = sizes_for(offer().sized(123_457), worked(), COARSE)[:, 0]
    assert {0.0, 100_000.0, 250_000.0, 500_000.0, 1_000_000.0, 123_457.0} <= set(sizes.tolist())


def test_a_short_last_year_has_flat_sizes_in_proportion() -> None:
    sizes = list_sizes(worked(18), 18, (), FINE)
    assert sizes.shape[1] == 2
    assert any(first > 0 and second == pytest.approx(first / 2, abs=1) for first, second in sizes.tolist())


def test_list_amounts_in_a_dead_zone_become_the_floor() -> None:
    """14 % to 18 % at a million: 0.82 / 0.86 x 1M = 953,488 costs as much as a million."""
    found = in_basis(offer(), np.array([[950_000.0], [960_000.0], [1_000_000.0]]))
    assert found[:, 0].tolist() == [950_000.0, 1_000_000.0, 1_000_000.0]


def test_net_amounts_are_the_list_ones_less_their_discount() -> None:
    """Net floors as in list: 600,000 at 14 % is 516,000 net; 960,000 would be 825,600, the 14 % band's still."""
    net = offer(commit_basis="net")
    assert in_basis(net, np.array([[600_000.0], [960_000.0]]))[:, 0].tolist() == [516_000.0, 825_600.0]


@given(st.floats(1, 6e6))
@settings(max_examples=60)
def test_twins_are_looked_at_alike(size: float) -> None:
    """A list offer and its net twin: what is looked at in the one costs as much cash as in the other."""
    listed = offer().sized(1_000_000)
    net = in_net_basis(listed)
    own = float(in_basis(listed, np.array([[size]]))[0, 0])
    twin = in_basis(net, np.array([[size]]))[0]
    assert in_list(net, twin.tolist())[0] == pytest.approx(own, rel=1e-9)


def test_marginal_amounts_come_back() -> None:
    net = in_net_basis(offer(band_mode="marginal").sized(3_000_000))
    sizes = np.array([[50_000.0], [700_000.0], [3_000_000.0]])
    back = [in_list(net, row.tolist())[0] for row in in_basis(net, sizes)]
    assert back == pytest.approx(sizes[:, 0].tolist())


def test_keys_over_several_years_take_the_band_they_reach() -> None:
    """Two years of 300,000: 600,000 together, 14 % in all, 516,000 net reaches the same band."""
    contract = offer(24, commit_basis="net", band_key="tcv")
    assert in_basis(contract, np.array([[300_000.0, 300_000.0]])).tolist() == [[258_000.0, 258_000.0]]
    assert in_list(contract, [258_000.0, 258_000.0]).tolist() == pytest.approx([300_000.0, 300_000.0])


def test_floors_of_a_net_offer_are_in_list_dollars() -> None:
    assert list_floors(offer(commit_basis="net"))[0] == pytest.approx(100_000 / 0.95)
    assert list_floors(flat("0.2")) == ()
