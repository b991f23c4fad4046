"""What a size shows adds up: costs, what is saved and the ends of intervals at one unit."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from size_making import document, offer, own_paths

from baseload.commit.size.amounts import at_unit, highest, lowest, summing, unit_of
from baseload.commit.size.shown import cost_ends, document_unit, saving
from baseload.commit.size.text import text_of

dollars = st.floats(min_value=0, max_value=1e10).map(lambda value: round(value, 2))


def whole(text: str) -> int:
    return int(text.replace(",", ""))


def test_what_the_verdict_saves_is_what_its_two_costs_differ_by():
    """1,154,216 against 1,315,330: 1,154,000 and 1,315,000 at the unit, 161,000 between them as a reader counts."""
    unit = unit_of(1_154_216, 1_315_330)
    assert (at_unit(1_315_330, unit), at_unit(1_154_216, unit)) == (1_315_000, 1_154_000)
    found = document(offer("0.20"), own_paths(123_457, 234_567))
    (line,) = [one for one in text_of(found) if one.startswith("It costs")]
    cost, listed, less = (
        whole(one) for one in re.findall(r"about ([\d,]+) .*against ([\d,]+) on demand.*: ([\d,]+) less", line)[0]
    )
    assert listed - cost == less == saving(found, found.recommended)


@given(dollars, dollars)
def test_a_difference_is_that_of_the_shown_figures_and_off_by_a_unit_at_most(more: float, less: float):
    unit = unit_of(more, less)
    assert abs((at_unit(more, unit) - at_unit(less, unit)) - (more - less)) <= unit * (1 + 1e-6)


@given(dollars, dollars)
def test_bounds_only_ever_widen(one: float, other: float):
    low, high = sorted((one, other))
    unit = unit_of(low, high)
    assert lowest(low, unit) <= low * (1 + 1e-6)
    assert highest(high, unit) >= high * (1 - 1e-6)


def test_no_cost_is_shown_below_what_is_committed_to_be_paid():
    """Paths that use nothing of 100,000 dollars at 20 % off cost 80,000: not 79,900, and not 0."""
    found = document(offer("0.20"), own_paths(123_457, 234_567))
    low, _ = cost_ends(found)
    paid = sum(float(row.commit_usd) * (1 - row.discount) for row in found.recommended.by_year)
    assert low >= paid > 0
    assert document_unit(found) >= 1


@given(st.lists(st.floats(min_value=-1e7, max_value=1e7), max_size=8))
def test_parts_add_up_to_their_rounded_sum(parts: list[float]):
    shown = summing(parts, 1_000.0)
    assert sum(shown) == at_unit(sum(parts), 1_000.0)
    assert all(abs(one - part) <= 1_000.001 for one, part in zip(shown, parts, strict=True))
