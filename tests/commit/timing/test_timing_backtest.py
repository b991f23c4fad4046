"""Commit first, route first or commit on what the plan leaves: on real demand. Full size with `make prove`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from timing_backtest import POLICIES, Case, Panel, beats, median, run, table

from demand_panel import load_panel  # isort: skip - its folder is put on the path by timing_backtest

NEVER, TREND, TREND_THEN, TODAY, ON_DEMAND, ROUTE, ROUTE_LATE, DAY_0, CLAIRVOYANT = POLICIES


@pytest.fixture(scope="module")
def panel(shared_data: Path) -> Panel:
    path = shared_data / "commit" / "pypi_monthly_downloads.csv"
    if not path.is_file():
        pytest.skip("commit/pypi_monthly_downloads.csv is not beside the checkout")
    return load_panel(path)


def holds_the_thesis(cases: list[Case]) -> None:
    """The baseline is the big variable, the commitment the small one; which order is cheaper is left open."""
    for overage in ("list", "committed"):
        found = {policy: mean for policy, (mean, _) in table(cases, overage).items()}
        assert found[NEVER] == pytest.approx(1)
        assert found[CLAIRVOYANT] <= min(found.values()) + 1e-9
        assert found[ON_DEMAND] < found[TREND_THEN] < found[TREND]
        assert found[DAY_0] < found[ON_DEMAND]
        assert found[ROUTE] < found[ON_DEMAND]
        assert found[TREND_THEN] - found[ON_DEMAND] > 2 * (found[ON_DEMAND] - min(found[DAY_0], found[ROUTE]))


def test_the_baseline_moves_the_bill_more_than_the_commitment(panel: Panel) -> None:
    holds_the_thesis(run(panel, series=16, every=3, paths=150))


def test_with_nothing_saved_signing_now_and_day_0_are_one(panel: Panel) -> None:
    for case in run(panel, series=6, every=6, paths=150, most=0.0):
        for shares in case.shares.values():
            assert shares[TODAY] == shares[DAY_0]
            assert shares[TREND] == shares[TREND_THEN]
            assert shares[NEVER] == shares[ON_DEMAND] == pytest.approx(1)


@pytest.mark.prove
def test_when_to_sign_on_1400_real_cases_per_overage_rule(
    panel: Panel, record_property: Callable[[str, object], None]
) -> None:
    cases = run(panel, series=200)
    assert len(cases) == 1_400
    unsure = run(panel, series=200, lands=0.7)
    for overage in ("list", "committed"):
        for policy, (mean, error) in table(cases, overage).items():
            middle = median(cases, overage, policy)
            said = f"{mean:.1%} of list (± {error:.1%} by origin), median {middle:.1%}"
            record_property(f"{policy}, overage {overage}", said)
        for policy in (ON_DEMAND, ROUTE, DAY_0):
            mean, error = table(unsure, overage)[policy]
            record_property(
                f"3 of 10 plans never land: {policy}, overage {overage}", f"{mean:.1%} (± {error:.1%} by origin)"
            )
        record_property(f"route first beats the trend commit, {overage}", f"{beats(cases, overage, ROUTE, TREND):.0%}")
        record_property(f"route first beats day 0, {overage}", f"{beats(cases, overage, ROUTE, DAY_0):.0%}")
    holds_the_thesis(cases)
