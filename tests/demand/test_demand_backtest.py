"""The back-test on real series: how often the 80 % interval held, and against whom. Full size with `make prove`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from demand_panel import (  # noqa: E402 - found through the path above
    BEFORE,
    FORECASTERS,
    Panel,
    has_statsforecast,
    load_panel,
    origins,
    ours,
    score,
    statsforecast_peers,
    summary,
)

EARLY, LATE = ("2022-04", "2023-04"), ("2023-05", "2024-05")
PEERS = [name for name in FORECASTERS if not name.startswith(("ours", "seasonal"))]


@pytest.fixture(scope="module")
def panel(shared_data: Path) -> Panel:
    path = shared_data / "commit" / "pypi_monthly_downloads.csv"
    if not path.is_file():
        pytest.skip("commit/pypi_monthly_downloads.csv is not beside the checkout")
    return load_panel(path)


def half(panel: Panel) -> Panel:
    return Panel(panel.first_month, panel.names[::2], panel.logs[::2])


def test_the_panel_begins_and_ends_where_its_months_compare(panel: Panel):
    # 2021-05 to 2025-05 with 2024-07 and 2024-12 interpolated: 49 months
    assert panel.logs.shape[1] == 49
    assert len(panel.names) > 390
    assert not np.isnan(panel.logs).any()
    np.testing.assert_allclose(panel.logs[:, 38], (panel.logs[:, 37] + panel.logs[:, 39]) / 2)


def test_the_80_percent_interval_holds_72_to_88_percent_of_late_totals(panel: Panel):
    small = half(panel)
    found = summary(score(small, ours(), origins(small, first=LATE[0], last=LATE[1], step=3), paths=200))
    assert 0.72 <= found.coverage <= 0.88
    assert abs(found.bias) < 0.15
    assert found.crps > 0


def test_ours_beats_its_peers_on_crps_at_half_the_size(panel: Panel):
    small = half(panel)
    ends = origins(small, first=LATE[0], last=LATE[1], step=6)
    losses = {name: summary(score(small, FORECASTERS[name], ends, paths=200)).crps for name in ("ours", *PEERS)}
    assert min(losses, key=losses.__getitem__) == "ours"


@pytest.mark.prove
@pytest.mark.parametrize("period", [EARLY, LATE], ids=["early origins chosen on", "late origins judged on"])
def test_coverage_and_crps_of_twelve_month_totals(panel: Panel, period: tuple[str, str], record_property: Callable):
    ends = origins(panel, first=period[0], last=period[1], step=2)
    scores = {name: score(panel, FORECASTERS[name], ends) for name in ("ours", "ours, before", *PEERS)}
    scores |= {name: score(panel, peer, ends) for name, peer in statsforecast_peers().items()}
    found = {name: summary(one) for name, one in scores.items()}
    own, before = found.pop("ours"), found.pop("ours, before")
    record_property("origins", len(ends))
    record_property("80 % held", f"{own.coverage:.1%} ({own.least:.0%} to {own.most:.0%} by origin)")
    record_property("bias", f"{own.bias:+.3f}, before {before.bias:+.3f}")
    record_property("CRPS", f"{own.crps:.4f} (median series {own.crps_median:.4f}), before {before.crps:.4f}")
    for name, peer in found.items():
        record_property(f"CRPS of {name}", f"{peer.crps:.4f} ({peer.crps_median:.4f}), {peer.coverage:.1%} held")
    record_property("statsforecast", "in the same run" if has_statsforecast() else "not installed: stand-ins")
    assert 0.72 <= own.coverage <= 0.88
    assert own.crps < min(peer.crps for peer in found.values())
    assert own.crps_median < min(peer.crps_median for peer in found.values())
    assert own.crps < before.crps


@pytest.mark.prove
@pytest.mark.parametrize("months", [6, 12, 24])
def test_coverage_with_a_short_history(panel: Panel, months: int, record_property: Callable):
    ends = origins(panel, first=LATE[0], last=LATE[1], step=2)
    found = summary(score(panel, ours(), ends, months=months))
    before = summary(score(panel, ours(BEFORE), ends, months=months)).coverage
    held = f"{found.coverage:.1%} ({found.least:.0%} to {found.most:.0%} by origin)"
    record_property("80 % held", f"{held}, before {before:.1%}")
    assert 0.72 <= found.coverage <= 0.88
