"""How honest the demand paths are, and how fast: 12-month totals of real series, forecast at past origins.

    python benchmarks/bench_demand.py [--panel FILE] [--paths 400] [--quick]

The settings of the paths were chosen on the early origins (2022-04 to 2023-04) and are judged on the late ones
(2023-05 to 2024-05), which chose nothing. RW-drift, Theta and ETS of statsforecast run in the same run where it is
installed (the extra `forecast`); stand-ins of our own stand beside them. All series: 3 to 4 minutes, nearly all of it
for ETS; --quick takes every tenth.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

from baseload.demand.calibration import calibrate, calibrated
from baseload.demand.history import History
from baseload.demand.paths import sample_paths
from demand_panel import (
    BROKEN_LAST,
    FORECASTERS,
    Panel,
    Summary,
    has_statsforecast,
    load_panel,
    origins,
    ours,
    pooled,
    score,
    statsforecast_peers,
    summary,
)

SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "commit" / "pypi_monthly_downloads.csv"
PERIODS = {
    "early origins (chosen on)": ("2022-04", "2023-04"),
    "late origins (judged on)": ("2023-05", "2024-05"),
}
COLUMNS = "forecaster                          CRPS  median   cover 80 %  least  most   PIT    bias    s"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panel", type=Path, default=SAMPLE)
    parser.add_argument("--paths", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="every tenth series, every sixth origin")
    given = parser.parse_args()
    if not given.panel.is_file():
        print(f"{given.panel.name} is not there: nothing to test on", file=sys.stderr)
        return 2
    panel, broken = (load_panel(given.panel, last=last) for last in ("2025-05", BROKEN_LAST))
    if given.quick:
        panel, broken = (Panel(one.first_month, one.names[::10], one.logs[::10]) for one in (panel, broken))
    step = 6 if given.quick else 2
    print(f"{len(panel.names)} series, {panel.logs.shape[1]} months, {given.paths} paths; one series a row's unit")
    if not has_statsforecast():
        print("statsforecast is not installed: RW-drift, Theta and ETS below are our own stand-ins, not its models")
    calibration_tables(panel, step, given.paths)
    history_lengths(panel, step, given.paths)
    meter_break(broken, given.paths)
    companies(panel, 5 if given.quick else 30)
    speeds()
    return 0


def calibration_tables(panel: Panel, step: int, paths: int) -> None:
    for title, (first, last) in PERIODS.items():
        ends = origins(panel, first=first, last=last, step=step)
        print(f"\n{title}: {len(ends)}, all with 12 months ahead\n{COLUMNS}")
        for name, forecaster in {**FORECASTERS, **statsforecast_peers()}.items():
            if name.startswith("seasonal") and ends[0] < 18:
                continue  # no year-on-year growth yet
            begun = time.perf_counter()
            print(line(name, summary(score(panel, forecaster, ends, paths=paths)), time.perf_counter() - begun))


def line(name: str, found: Summary, seconds: float) -> str:
    return (
        f"{name:32} {found.crps:7.4f} {found.crps_median:7.4f} {found.coverage:10.1%} {found.least:7.0%} "
        f"{found.most:5.0%} {found.pit:6.3f} {found.bias:+7.3f} {seconds:5.1f}"
    )


def history_lengths(panel: Panel, step: int, paths: int) -> None:
    ends = origins(panel, first="2023-05", last="2024-05", step=step)
    print(f"\nours, shown the last months only, late origins\n{COLUMNS}")
    for months in (6, 9, 12, 18, 24, 36):
        begun = time.perf_counter()
        found = summary(score(panel, ours(), ends, paths=paths, months=months))
        print(line(f"{months} months", found, time.perf_counter() - begun))


def meter_break(panel: Panel, paths: int) -> None:
    """Stress: the meter was redefined in 2025-06 (+30 to 40 %); volume paths cannot know."""
    ends = origins(panel, first="2024-09", last="2025-03", step=3)
    print(f"\nours across a redefined meter (stress: no forecast of volume can hold it)\n{COLUMNS}")
    begun = time.perf_counter()
    print(line("volume alone", summary(score(panel, ours(), ends, paths=paths)), time.perf_counter() - begun))


def companies(panel: Panel, count: int) -> None:
    ends = origins(panel, first="2022-06", last="2024-05", step=4)
    print(f"\n{count * len(ends)} made-up companies of 20 series, the total of 12 months")
    for name, (coverage, loss) in pooled(panel, ends, size=20, companies=count).items():
        print(f"{name:32} CRPS {loss:.4f}   cover 80 % {coverage:.1%}")


def speeds() -> None:
    rng = np.random.default_rng(0)
    usd = np.exp(np.cumsum(rng.normal(0.02, 0.1, (50, 36)), axis=1))
    history = History(24_000, tuple(f"w{place}" for place in range(50)), usd)
    sample_paths(history, paths=10)
    begun = time.perf_counter()
    paths = sample_paths(history, paths=2_000, months=36)
    drawn = time.perf_counter() - begun
    begun = time.perf_counter()
    found = calibrate(history)
    tested = time.perf_counter() - begun
    begun = time.perf_counter()
    calibrated(paths, history, found)
    moved = time.perf_counter() - begun
    print(
        f"\n2,000 paths x 36 months x 50 workloads: {drawn:.2f} s (limit 2); back-test of {len(found.origins)} "
        f"origins: {tested:.2f} s; calibrating the paths: {moved:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
