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
    loss, coverage, *_, bias = summary(
        score(small, ours(), origins(small, first=LATE[0], last=LATE[1], step=3), paths=200)
    )
    assert 0.72 <= coverage <= 0.88
    assert abs(bias) < 0.15
    assert loss > 0


def test_ours_beats_its_peers_on_crps_at_half_the_size(panel: Panel):
    small = half(panel)
    ends = origins(small, first=LATE[0], last=LATE[1], step=6)
    losses = {name: summary(score(small, FORECASTERS[name], ends, paths=200))[0] for name in ("ours", *PEERS)}
    assert min(losses, key=losses.__getitem__) == "ours"


@pytest.mark.prove
@pytest.mark.parametrize("period", [EARLY, LATE], ids=["early origins chosen on", "late origins judged on"])
def test_coverage_and_crps_of_twelve_month_totals(panel: Panel, period: tuple[str, str], record_property: Callable):
    ends = origins(panel, first=period[0], last=period[1], step=2)
    scores = {name: score(panel, FORECASTERS[name], ends) for name in ("ours", "ours, before", *PEERS)}
    scores |= {name: score(panel, peer, ends) for name, peer in statsforecast_peers().items()}
    found = {name: summary(one) for name, one in scores.items()}
    loss, coverage, least, most, _, bias = found["ours"]
    peers = {name: one[0] for name, one in found.items() if not name.startswith("ours")}
    record_property("origins", len(ends))
    record_property("80 % held", f"{coverage:.1%} ({least:.0%} to {most:.0%} by origin)")
    record_property("bias", f"{bias:+.3f}, before {found['ours, before'][5]:+.3f}")
    record_property("CRPS", f"{loss:.4f}, before {found['ours, before'][0]:.4f}")
    record_property("best peer", "{}: {:.4f}".format(*min(peers.items(), key=lambda pair: pair[1])))
    record_property("statsforecast", "in the same run" if has_statsforecast() else "not installed: stand-ins")
    assert 0.72 <= coverage <= 0.88
    assert loss < min(peers.values())
    assert loss < found["ours, before"][0]


@pytest.mark.prove
@pytest.mark.parametrize("months", [6, 12, 24])
def test_coverage_with_a_short_history(panel: Panel, months: int, record_property: Callable):
    ends = origins(panel, first=LATE[0], last=LATE[1], step=2)
    _, coverage, least, most, *_ = summary(score(panel, ours(), ends, months=months))
    before = summary(score(panel, ours(BEFORE), ends, months=months))[1]
    record_property("80 % held", f"{coverage:.1%} ({least:.0%} to {most:.0%} by origin), before {before:.1%}")
    assert 0.72 <= coverage <= 0.88
