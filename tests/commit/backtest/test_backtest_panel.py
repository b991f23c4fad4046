"""Sizing on real series, against rules of thumb: a tenth of the panel here, all of it with `make prove`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from baseload.commit.backtest.outcomes import Figures, figures  # noqa: E402 - after the benchmark's own path
from bench_commit_backtest import (  # noqa: E402 - found through the path above
    CAREFUL,
    EARLY,
    LATE,
    OVERAGES,
    OveragePaid,
    Sizes,
    by_origin,
    cases_of,
    chosen_tolerance,
    gap,
    offer_with,
    sizes_of,
)
from demand_panel import Panel, load_panel  # noqa: E402 - found through the path above

TABLE_3E = {
    # commit.md 3e: saving, mean regret, p95 regret, worse than on demand; overage at list, then at the committed rate
    "trend": ((0.049, 0.204, 0.695, 0.170), (0.092, 0.167, 0.696, 0.170)),
    "last_two_months": ((0.090, 0.118, 0.297, 0.086), (0.147, 0.067, 0.296, 0.086)),
    "floor": ((0.063, 0.133, 0.238, 0.020), (0.137, 0.057, 0.103, 0.020)),
}


@pytest.fixture(scope="module")
def panel(shared_data: Path) -> Panel:
    path = shared_data / "commit" / "pypi_monthly_downloads.csv"
    if not path.is_file():
        pytest.skip("commit/pypi_monthly_downloads.csv is not beside the checkout")
    return load_panel(path)


Found = dict[OveragePaid, dict[str, list[Figures]]]
Looked = tuple[Found, dict[OveragePaid, dict[str, Figures]]]


def looked_up(panel: Panel, period: tuple[str, str], step: int) -> Looked:
    """By origin, and all origins together."""
    cases = cases_of(panel, period, step)
    usage = np.concatenate([case.usage for case in cases])
    found: Found = {}
    pooled: dict[OveragePaid, dict[str, Figures]] = {}
    for overage in OVERAGES:
        offer = offer_with(overage)
        sizes: list[Sizes] = [sizes_of(offer, case) for case in cases]
        found[overage] = by_origin(offer, cases, sizes)
        pooled[overage] = {
            name: figures(offer, usage, np.concatenate([one[name] for one in sizes])) for name in sizes[0]
        }
    return found, pooled


@pytest.fixture(scope="module")
def late(panel: Panel) -> Looked:
    return looked_up(panel, LATE, 3)


def test_sizing_on_paths_beats_every_rule_of_thumb_on_a_twentieth_of_the_panel(panel: Panel):
    few = Panel(panel.first_month, panel.names[::20], panel.logs[::20])
    found, pooled = looked_up(few, LATE, 9)
    for overage in OVERAGES:
        assert gap(found[overage], "ours", "regret_mean_share").mean < 0
        saved = {name: one.saving_share for name, one in pooled[overage].items()}
        assert saved["ours"] > max(saved[name] for name in TABLE_3E)


@pytest.mark.prove
def test_the_naive_rows_of_the_prototype_are_found_again(late: Looked, record_property: Callable):
    _, pooled = late
    for name, both in TABLE_3E.items():
        for overage, (saving, mean, p95, worse) in zip(OVERAGES, both, strict=True):
            one = pooled[overage][name]
            record_property(f"{name}, overage {overage}", f"{one.saving_share:.1%}, {one.regret_mean_share:.1%}, "
                            f"{one.regret_p95_share:.1%}, {one.worse_share:.1%}")  # fmt: skip
            assert one.saving_share == pytest.approx(saving, abs=0.004)
            assert one.regret_mean_share == pytest.approx(mean, abs=0.006)
            assert one.regret_p95_share == pytest.approx(p95, abs=0.015)
            assert one.worse_share == pytest.approx(worse, abs=0.004)


@pytest.mark.prove
@pytest.mark.parametrize("name", ["ours", CAREFUL])
def test_regret_is_no_worse_than_the_best_rule_of_thumb_on_late_origins(
    late: Looked, name: str, record_property: Callable
):
    found, pooled = late
    for overage in OVERAGES:
        one = pooled[overage][name]
        gaps = [gap(found[overage], name, f"regret_{field}_share") for field in ("mean", "p95")]
        record_property(
            f"overage {overage}",
            f"saving {one.saving_share:.1%}, regret {one.regret_mean_share:.1%}, p95 {one.regret_p95_share:.1%}, "
            f"worse than on demand {one.worse_share:.1%}; against the best naive rule "
            + ", ".join(f"{away.mean:+.1%} ± {away.error:.1%}" for away in gaps),
        )
        assert all(away.no_worse for away in gaps)


@pytest.mark.prove
def test_the_tolerance_was_chosen_on_early_origins_alone(panel: Panel, record_property: Callable):
    found, _ = looked_up(panel, EARLY, 3)
    chosen = chosen_tolerance(found)
    record_property("least tolerance that holds on early origins", chosen)
    for overage in OVERAGES:
        for name in ("ours", CAREFUL):
            away = gap(found[overage], name, "regret_p95_share")
            record_property(f"p95 of {name}, overage {overage}", f"{away.mean:+.1%} ± {away.error:.1%}")
    assert chosen == CAREFUL
