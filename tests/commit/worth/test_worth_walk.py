"""Where to walk away, by hand."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from worth_making import flat, offer, worked

from baseload.commit.clauses import Overage
from baseload.commit.paths import paths_of
from baseload.commit.worth.walk import walk_away

EVEN = paths_of(np.full((1, 12), 1_000.0))


def test_the_least_discount_makes_signing_as_dear_as_not_signing() -> None:
    """Committed 15,000 of which 12,000 are used: 15,000 x (1 - d) = 12,000 at d = 20 %, 10 points below 30 %."""
    found = walk_away(flat("0.30").sized(15_000), EVEN)
    assert found.cost_usd == pytest.approx(10_500)
    assert found.alternative_usd == pytest.approx(12_000)
    assert found.shift_points == pytest.approx(-10.0, abs=1e-3)


def test_a_bad_size_needs_more_discount() -> None:
    """20,000 x (1 - d) = 12,000 at d = 40 %: 10 points more than 30 %."""
    assert walk_away(flat("0.30").sized(20_000), EVEN).shift_points == pytest.approx(10.0, abs=1e-3)


def test_the_largest_commitment_is_usage_over_the_rate() -> None:
    """C x 0.7 = 12,000 at C = 17,142.86; whole dollars."""
    found = walk_away(flat("0.30").sized(10_000), EVEN)
    assert found.largest_usd_by_year == (Decimal("17142.0"),)


def test_against_a_better_alternative_less_may_be_signed() -> None:
    """Another way costs 9,100: C x 0.7 = 9,100 at C = 13,000."""
    found = walk_away(flat("0.30").sized(12_000), EVEN, alternative_usd=9_100)
    assert found.shift_points == pytest.approx(-100 * (9_100 - 8_400) / 12_000, abs=1e-3)
    assert found.largest_usd_by_year == (Decimal("13000.0"),)


def test_nothing_to_sign_where_the_alternative_is_cheaper_than_any_size() -> None:
    found = walk_away(flat("0.30").sized(12_000), EVEN, alternative_usd=1_000)
    assert found.largest_usd_by_year == ()
    assert found.shift_beyond


def test_staying_on_demand_gets_nothing_that_a_contract_gives_without_a_size() -> None:
    """Overage at the committed rate needs no commitment under a flat discount; on demand does not have it."""
    found = walk_away(flat("0.30", overage=Overage(rule="committed")), EVEN)
    assert found.alternative_usd == pytest.approx(12_000)
    assert found.cost_usd == pytest.approx(8_400)


def test_the_best_size_of_bands_leaves_room_both_ways() -> None:
    found = walk_away(offer(), worked())
    assert found.shift_points < 0
    assert found.largest_usd_by_year[0] > found.commit_usd_by_year[0] > 0
    assert found.cost_usd < found.alternative_usd
