"""Shipped band sets begin at different commitments: where one has no band it says so, and the flip is a discount."""

from __future__ import annotations

import pytest
from size_making import document, offer, own_paths

from baseload.commit.band_sets import BAND_SETS, CENTRAL
from baseload.commit.size.text import text_of

BANDS = [{"from_usd": str(one.from_usd), "discount": str(one.discount)} for one in CENTRAL.bands]


def test_where_a_set_has_a_discount_first():
    assert [(one.name, one.from_usd) for one in BAND_SETS] == [
        ("conservative", 250_000), ("central", 100_000), ("optimistic", 250_000),
    ]  # fmt: skip
    assert all("250,000" in one.note for one in BAND_SETS if one is not CENTRAL)


def test_a_size_below_a_sets_first_band_is_said_and_the_flip_is_a_lower_discount():
    """110,000 committed at 5 %; 105,600 and 114,400 are used: 104,500 + 2,200 against 110,000, 3,300 saved on average.

    A discount of d costs 110,000 (1 - d) + 2,200 on average: 110,000 at d = 2 %, three points lower.
    """
    found = document(offer(bands=BANDS), own_paths(105_600, 114_400))
    size = float(found.recommended.commit_usd_by_year[0])
    bar = next(one for one in found.tornado if one.input == "bands")
    held = 0.05 - (size - sum(min(size, one) for one in (105_600, 114_400)) / 2) / size
    assert 100_000 <= size < 250_000
    assert bar.flips_at == pytest.approx(-held, abs=2e-4)
    assert bar.flips_at < 0
    assert f"{100 * bar.flips_at:+.1f} points of discount" in bar.flips_says
    assert bar.low_says == "the conservative set, from 250,000 on"
    assert bar.high_says == "the optimistic set, from 250,000 on"
    rows = {one.name: (one.reaches, one.from_usd) for one in found.bands.sets}
    assert rows == {
        "conservative": (False, "250000.00"), "central": (True, "100000.00"), "optimistic": (False, "250000.00"),
    }  # fmt: skip
    assert found.bands.says.startswith("No band at the size found: conservative (from 250,000) and optimistic")
    assert any(found.bands.says in line for line in text_of(found))


def test_a_size_inside_every_set_says_nothing():
    found = document(offer(bands=BANDS), own_paths(1_200_000))
    assert found.bands.says == ""
    assert all(one.reaches for one in found.bands.sets)


def test_stated_bands_flip_at_their_own_height_and_are_named_in_points():
    bar = next(one for one in document(offer("0.20"), own_paths(1_200_000)).tornado if one.input == "bands")
    assert bar.flips_at == pytest.approx(-0.2, abs=1e-4)
    assert (bar.low_says, bar.high_says) == ("-2.0 points of discount", "+2.0 points of discount")
