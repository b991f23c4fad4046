"""What sizing rules would have saved on real series: a year's commitment by each rule, then the year that came.

    python benchmarks/bench_commit_backtest.py [--panel FILE] [--quick]

Every series is scaled so that its last three months are worth 1M a year at list; `central` bands, list basis, one year,
unused forfeited. What was chosen was chosen on 2022-06 to 2023-03 and is judged on 2023-06 to 2024-03. Series of one
origin share one strong factor, so errors are between origins. Two minutes; --quick takes every tenth series.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from baseload.commit.backtest.decide import choose, decide
from baseload.commit.backtest.outcomes import Figures, figures
from baseload.commit.backtest.rules import NAIVE, TOLERANCE
from baseload.commit.backtest.totals import sampled_totals
from baseload.commit.backtest.year import YearOffer, first_year, in_basis, least_cost_usd, year_paths
from baseload.commit.band_sets import CENTRAL
from baseload.commit.clauses import Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.search.curve import curve
from baseload.commit.search.regret import path_optima
from baseload.demand.history import History
from demand_panel import HORIZON, Floats, Panel, load_panel, origins

SAMPLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "commit" / "pypi_monthly_downloads.csv"
EARLY, LATE = ("2022-06", "2023-03"), ("2023-06", "2024-03")
RUN_RATE_USD = 1e6
TOLERANCES = (0.005, 0.01, 0.015, 0.02, 0.03)
CAREFUL = f"ours, within {TOLERANCE:.1%}"
OveragePaid = Literal["list", "committed"]
OVERAGES: tuple[OveragePaid, ...] = ("list", "committed")
COLUMNS = "rule                        saving   regret      p95  worse   regret $   p95 $   commit $"

Sizes = Mapping[str, Floats]
"""By rule, one commitment per series, in dollars at list."""


class Case(NamedTuple):
    """One origin: what was known of each series, and what its next year came to; scaled dollars."""

    known: Floats  # (series, months)
    usage: Floats  # (series,)
    totals: Floats  # (series, paths): samples of that year, drawn from what was known


class Gap(NamedTuple):
    """A rule's figure less that of the best rule of thumb: mean over origins, and its standard error."""

    mean: float
    error: float

    @property
    def no_worse(self) -> bool:
        """Within one standard error."""
        return self.mean <= self.error


def offer_with(overage: OveragePaid) -> YearOffer:
    return first_year(
        Contract(
            term_months=HORIZON,
            commit_basis="list",
            bands=CENTRAL.bands,
            overage=Overage(rule=overage),
            unused=Unused(rule="forfeit"),
        )
    )


def case_at(panel: Panel, end: int, *, seed: int = 0) -> Case:
    """The panel as it was after `end` months."""
    known = np.exp(panel.logs[:, :end])
    scale = RUN_RATE_USD / (known[:, -3:].mean(axis=1) * HORIZON)
    known = known * scale[:, None]
    usage = np.exp(panel.logs[:, end : end + HORIZON]).sum(axis=1) * scale
    totals = [sampled_totals(History(panel.first_month, ("all",), row[None]), HORIZON, seed=seed) for row in known]
    return Case(known, usage, np.array(totals))


def cases_of(panel: Panel, period: tuple[str, str], step: int = 3) -> list[Case]:
    return [case_at(panel, end) for end in origins(panel, first=period[0], last=period[1], step=step)]


def sizes_of(offer: YearOffer, case: Case) -> Sizes:
    """Every rule's commitment: the naive ones, the least expected cost, and the careful ones."""
    found = {
        name: in_basis(offer, np.array([rule(row, HORIZON) for row in case.known])) for name, rule in NAIVE.items()
    }
    ours = {"ours": np.array([decide(offer, row) for row in case.totals])}
    return {**found, **ours, **_careful(offer, case.totals)}


def _careful(offer: YearOffer, totals: Floats) -> Sizes:
    chosen = np.empty((len(TOLERANCES), len(totals)))
    for place, row in enumerate(totals):
        paths = year_paths(row, offer.months)
        amounts, costs = curve(offer.contract, paths, points=81)
        optima = path_optima(offer.contract, paths)
        chosen[:, place] = [amounts[choose(costs, optima, tolerance)] for tolerance in TOLERANCES]
    return {f"ours, within {tolerance:.1%}": row for tolerance, row in zip(TOLERANCES, chosen, strict=True)}


def by_origin(offer: YearOffer, cases: Sequence[Case], sizes: Sequence[Sizes]) -> dict[str, list[Figures]]:
    """The figures of every rule at every origin."""
    return {name: [figures(offer, case.usage, one[name]) for case, one in zip(cases, sizes, strict=True)]
            for name in sizes[0]}  # fmt: skip


def gap(found: Mapping[str, Sequence[Figures]], name: str, field: str) -> Gap:
    """Against the rule of thumb that is best by this very figure, origin by origin."""
    values = {rule: np.array([getattr(one, field) for one in rows]) for rule, rows in found.items()}
    best = min(NAIVE, key=lambda rule: float(values[rule].mean()))
    away = values[name] - values[best]
    return Gap(float(away.mean()), float(away.std(ddof=1) / np.sqrt(len(away))))


def chosen_tolerance(found: Mapping[OveragePaid, Mapping[str, Sequence[Figures]]]) -> str:
    """The least tolerance whose mean and p95 regret are no worse than the best rule of thumb's, on both overages."""
    for name in [name for name in found["list"] if name.startswith("ours")]:
        if all(
            gap(rows, name, f"regret_{field}_share").no_worse for rows in found.values() for field in ("mean", "p95")
        ):
            return name
    return ""


def table(offer: YearOffer, cases: Sequence[Case], sizes: Sequence[Sizes]) -> None:
    usage = np.concatenate([case.usage for case in cases])
    found = by_origin(offer, cases, sizes)
    print(COLUMNS)
    for name in sizes[0]:
        commits = np.concatenate([one[name] for one in sizes])
        print(_line(name, figures(offer, usage, commits), float(commits.mean())), end="")
        if name not in NAIVE:
            gaps = [gap(found, name, f"regret_{field}_share") for field in ("mean", "p95")]
            print(
                "   against the best naive: " + ", ".join(f"{one.mean:+.1%} ± {one.error:.1%}" for one in gaps), end=""
            )
        print()
    best = 1 - least_cost_usd(offer, usage).sum() / usage.sum()
    print(f"{'knowing the year':26} {best:7.1%}")


def _line(name: str, one: Figures, commit_usd: float) -> str:
    return (
        f"{name:26} {one.saving_share:7.1%} {one.regret_mean_share:8.1%} {one.regret_p95_share:8.1%} "
        f"{one.worse_share:6.1%} {one.regret_mean_usd:10,.0f} {one.regret_p95_usd:7,.0f} {commit_usd:10,.0f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panel", type=Path, default=SAMPLE)
    parser.add_argument("--quick", action="store_true", help="every tenth series")
    given = parser.parse_args()
    if not given.panel.is_file():
        print(f"{given.panel.name} is not there: nothing to test on", file=sys.stderr)
        return 2
    panel = load_panel(given.panel)
    if given.quick:
        panel = Panel(panel.first_month, panel.names[::10], panel.logs[::10])
    for title, period, step in (
        ("early origins (chosen on)", EARLY, 3),
        ("late origins (judged on)", LATE, 3),
        ("late origins, every month: they overlap, so errors read too small", LATE, 1),
    ):
        begun = time.perf_counter()
        cases = cases_of(panel, period, step)
        print(f"\n{title}: {len(cases)} x {len(panel.names)} series, {period[0]} to {period[1]}")
        found = {}
        for overage in OVERAGES:
            offer = offer_with(overage)
            sizes = [sizes_of(offer, case) for case in cases]
            print(f"\noverage at {overage} rate: regret in % of the least cost, dollars of a run rate of 1M")
            table(offer, cases, sizes)
            found[overage] = by_origin(offer, cases, sizes)
        print(f"no worse on all four, least tolerance: {chosen_tolerance(found) or 'none'}")
        print(f"{time.perf_counter() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
