"""One pooled commitment against one for each part, on the same paths."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.scoping.pooling import pooled_paths, pooling


def offer(*steps: tuple[int, str], **terms: Any) -> Contract:
    given: dict[str, Any] = {
        "term_months": 12,
        "commit_basis": "list",
        "bands": tuple(Band(from_usd=Decimal(floor), discount=Decimal(cut)) for floor, cut in steps),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def years(*totals: float) -> Paths:
    """One path for each total of a year."""
    return paths_of(np.repeat(np.array(totals)[:, None] / 12, 12, axis=1))


def test_parts_that_fill_each_others_gaps_are_certain_together() -> None:
    """600 and 1,200 in turn: together 1,800 always. At 20 % off the pool commits 1,800: 1,440.

    Alone each commits its 20 % quantile, 600: 480, and 600 over on every other path: 780 each, 1,560 in all.
    """
    found = pooling(offer((0, "0.20")), {"a": years(600, 1_200), "b": years(1_200, 600)})
    assert found.pooled_commit_usd_by_year == ("1800.00",)
    assert (found.pooled_cost_usd, found.separate_cost_usd, found.diversification_usd) == (
        "1440.00", "1560.00", "120.00"
    )  # fmt: skip
    assert found.separate_commit_usd_by_year == ("1200.00",)
    assert found.pooled_p_shortfall == 0
    assert [part.share_usd for part in found.parts] == ["720.00", "720.00"]


def test_the_sum_reaches_a_deeper_band() -> None:
    """500 and 500, known: 10 % each is 900; together 1,000 at 30 % is 700."""
    found = pooling(offer((0, "0.10"), (1_000, "0.30")), {"a": years(500), "b": years(500)})
    assert (found.separate_cost_usd, found.pooled_cost_usd, found.diversification_usd) == ("900.00", "700.00", "200.00")


def test_fees_and_credits_take_no_part() -> None:
    plain = pooling(offer((0, "0.20")), {"a": years(500, 700), "b": years(300, 100)})
    fees = offer((0, "0.20"), seats_usd_per_month=Decimal(9), support_usd_per_year=Decimal(99), credits_usd=Decimal(50))
    assert pooling(fees, {"a": years(500, 700), "b": years(300, 100)}) == plain


totals = st.lists(st.integers(0, 3_000).map(float), min_size=4, max_size=4)


@settings(max_examples=40, deadline=None)
@given(parts=st.lists(totals, min_size=2, max_size=4), rule=st.sampled_from(["list", "committed"]))
def test_pooling_never_costs_more_than_the_sum_of_the_parts(parts: list[list[float]], rule: Any) -> None:
    one = offer((0, "0"), (1_000, "0.10"), (2_500, "0.25"), overage=Overage(rule=rule))
    found = pooling(one, {f"part {place}": years(*part) for place, part in enumerate(parts)})
    assert float(found.diversification_usd) >= -0.01


def test_carved_out_usage_is_pooled_too() -> None:
    outside = paths_of(np.full((1, 2), 10.0), outside_usd=np.full((1, 2), 4.0))
    found = pooled_paths([outside, paths_of(np.full((1, 2), 5.0))])
    assert found.outside_usd is not None
    assert (found.list_usd[0].tolist(), found.outside_usd[0].tolist()) == ([15, 15], [4, 4])


def test_one_part_or_parts_of_different_draws_are_refused() -> None:
    with pytest.raises(CommitError, match="workload: 1 part; expected 2 to 50"):
        pooling(offer((0, "0.2")), {"a": years(1)})
    with pytest.raises(CommitError, match="the same draws"):
        pooling(offer((0, "0.2")), {"a": years(1), "b": years(1, 2)})
