"""Walk, scale down, wait; inflated against lean: by hand, and said where the claim fails."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from timing_making import bands, both, offer, two_fates

from baseload.commit.clauses import Channel
from baseload.commit.founding import founding_contract, ramping_paths
from baseload.commit.paths import paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.timing.leverage import leverage, trend_commit

FLAT = paths_of(np.full((1, 12), 2e6 / 12))
FOUNDING = {"none": FLAT, "expected": ramping_paths(1)}
AWS = Channel(
    name="aws",
    marketplace_cap=Decimal("0.25"),
    cloud_commit_usd_per_year=Decimal(4_000_000),
    shadow_value=Decimal("0.3"),
)


def test_moves_before_and_after_the_plan_on_the_founding_example() -> None:
    """Before, on 2M: sign 1.6M, walk 2M, wait a quarter 0.5M + 0.8 x 1.5M = 1.7M; through the cloud 2M less 0.3 of the
    1M that may burn down = 1.7M. After, on 1.0M: 0.8M, 1.0M, 400,000 + 480,000 = 880,000; two months direct are
    300,000, the other 700,000 burn down at 0.7: 790,000, less than signing.
    """
    found = leverage(founding_contract(Decimal(0), 12), FOUNDING, [2e6 / 12] * 6, cloud=AWS)
    costs = {(one.move, one.phase): one.cost_usd for one in found.alternatives}
    assert costs == pytest.approx(
        {
            ("sign", "before"): 1.6e6, ("walk", "before"): 2e6, ("wait", "before"): 1.7e6,
            ("other_cloud", "before"): 1.7e6,
            ("sign", "after"): 0.8e6, ("walk", "after"): 1e6, ("wait", "after"): 880_000,
            ("other_cloud", "after"): 790_000,
        }
    )  # fmt: skip
    lead = {one.move: one.lead_months for one in found.alternatives}
    assert lead == {"sign": 0, "walk": 0, "wait": 3, "other_cloud": 2}
    extra = {(one.move, one.phase): one.extra_usd for one in found.alternatives}
    assert extra["other_cloud", "after"] == pytest.approx(-10_000)


def test_dollars_that_can_be_removed_in_30_60_and_90_days() -> None:
    # the ramp takes nothing off the first month, a third and two thirds of 100,000 off the next two
    found = leverage(founding_contract(Decimal(0), 12), {**FOUNDING, "proven": FLAT}, [2e6 / 12] * 6)
    assert [one.usd_per_month for one in found.removable] == pytest.approx([0, 1e5 / 3, 2e5 / 3])
    assert [one.proven_usd for one in found.removable] == pytest.approx([0, 0, 0])


def test_inflated_leaves_unused_what_lean_does_not() -> None:
    found = leverage(founding_contract(Decimal(0), 12), FOUNDING, [2e6 / 12] * 6)
    assert (found.inflated.p_unused, found.inflated.unused_usd) == (1.0, pytest.approx(1e6))
    assert (found.lean.p_unused, found.lean.p_overage) == (0.0, 0.0)
    assert all(one.holds for one in found.claims)


def test_a_claim_that_fails_is_printed_as_failed() -> None:
    """600 or 1,800 a year. Lean commits 600 and pays 1,200 of overage on one half; 1,800 never does."""
    found = leverage(offer(), both(two_fates(50, 150)), [150.0] * 6)
    assert found.inflated.commit_usd_by_year == (Decimal(1_800),)
    assert (found.inflated.overage_usd, found.inflated.p_unused) == (0.0, 0.5)
    assert (found.lean.p_overage, found.lean.overage_usd) == (0.5, pytest.approx(600))
    held = {one.claim: one.holds for one in found.claims}
    assert held == {
        "A lean commitment leaves less unused": True,
        "A lean commitment pays less overage": False,
        "A lean commitment costs less in all": True,
        "After the plan, walking away costs less": True,  # nothing planned: the same
    }


def test_the_trend_is_a_line_through_six_months_drawn_on() -> None:
    # 100, 110 ... 150 goes on 160 ... 270: 12 x 215 = 2,580; the year after 12 x 335
    rising = [9_999.0, *(100.0 + 10 * month for month in range(6))]
    assert trend_commit(offer(), rising) == (Decimal(2_580),)
    assert trend_commit(offer(term_months=24), rising) == (Decimal(2_580), Decimal(4_020))
    # net dollars: 20 % less; a falling line stops at nothing: 30 + 20 + 10
    assert trend_commit(offer(commit_basis="net", bands=bands((0, "0.20"))), rising) == (Decimal(2_064),)
    assert trend_commit(offer(), [90.0, 80, 70, 60, 50, 40]) == (Decimal(60),)
    with pytest.raises(CommitError, match="1 months"):
        trend_commit(offer(), [1.0])
