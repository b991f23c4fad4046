"""The commitment search at size: seconds, contracts a second and memory, against 5 s and 2 GB, beside the plain loop.

    python benchmarks/bench_commit_search.py [--paths 2000] [--loop 400] [--coarse 6]

Three-year offers on the central bands and random walks of about a million dollars a year. First what yearly totals
price: years that do not touch, bands over their average, unused dollars rolled, excess carried forward; every answer
stands for at least 100,000 contracts on every path. The peer is the obvious loop, one contract after the other over all
paths, timed on `--loop` contracts of the same grid: its rate, and what the grid of 47 x 47 x 47 would take it. Then
clause sets that only the months price, at most 500 simulations each, beside a grid of `--coarse` amounts a year of the
same simulations: its seconds and how much cheaper or dearer its best is. Each search runs in a process of its own, so
that its memory is its own; interpreter and imports are in the memory, not in the seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baseload.commit.band_sets import CENTRAL
from baseload.commit.clauses import CarryForward, Overage, TrueForward, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths, paths_of
from baseload.commit.search.family import Family, family_of
from baseload.commit.search.grid import axis_of, points_per_year
from baseload.commit.search.optimum import optimum
from baseload.commit.search.pricing import Pricer, pricer_of
from baseload.commit.search.regret import path_optima

LIMIT_S = 5.0
LIMIT_MB = 2_000
MOST_SIMULATIONS = 500
YEARLY: dict[str, dict[str, Any]] = {
    "forfeit": {},
    "net marginal": {"commit_basis": "net", "band_mode": "marginal"},
    "average key": {"band_key": "average_annual"},
    "roll": {"unused": Unused(rule="roll", months=12)},
    "roll, average key": {"unused": Unused(rule="roll", months=12), "band_key": "average_annual"},
    "carry forward": {"carry_forward": CarryForward(share=Decimal("0.5"))},
}
MONTHLY: dict[str, dict[str, Any]] = {
    "quarterly test": {"period": "quarter"},
    "roll 6 months": {"unused": Unused(rule="roll", months=6)},
    "credit": {"unused": Unused(rule="credit", months=12)},
    "true-forward": {"true_forward": TrueForward(share=Decimal("0.7"), window_months=3)},
    "test of the term": {"period": "term"},
}


def offer(**terms: Any) -> Contract:
    given: dict[str, Any] = {
        "term_months": 36,
        "commit_basis": "list",
        "bands": CENTRAL.bands,
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def demand(paths: int) -> Paths:
    rng = np.random.default_rng(1)
    drift = rng.normal(0.01, 0.02, (paths, 1))
    return paths_of(75_000 * np.exp(np.cumsum(drift + rng.normal(0, 0.1, (paths, 36)), axis=1)))


def search(name: str, paths: int) -> dict[str, Any]:
    """One search; the figures of this process."""
    one, used = offer(**(YEARLY | MONTHLY)[name]), demand(paths)
    found, wall_s, cpu_s = timed(lambda: optimum(one, used))
    _, _, known_cpu_s = timed(lambda: path_optima(one, used))
    return {
        "commit": [float(amount) for amount in found.commit_usd_by_year],
        "mean": found.mean_usd,
        "evaluated": found.evaluated,
        "method": found.method,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "known_cpu_s": known_cpu_s,
    }


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    begun, spent = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - begun, time.process_time() - spent


def alone(name: str, paths: int) -> dict[str, Any]:
    """`search` in a process of its own, with its peak memory."""
    command = [sys.executable, __file__, "--paths", str(paths), "--alone", name]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = status
        output.seek(0)
        return {**json.loads(output.read()), "rss_mb": used.ru_maxrss / 1024}


def verdict(run: dict[str, Any]) -> str:
    good = run["cpu_s"] <= LIMIT_S and run["rss_mb"] <= LIMIT_MB
    enough = run["evaluated"] >= 100_000 if run["method"] == "yearly" else run["evaluated"] <= MOST_SIMULATIONS
    return "met" if good and enough else "MISSED"


def line(name: str, run: dict[str, Any]) -> str:
    spent = f"{run['wall_s']:7.2f} {run['cpu_s']:7.2f} {run['rss_mb']:6.0f}"
    priced = f"{run['evaluated']:12.4g} {run['evaluated'] / run['cpu_s']:12.4g}"
    return f"{name:18} {spent} {priced} {run['known_cpu_s']:7.2f}  {verdict(run):6}"


def grid_of(family: Family, points: int) -> NDArray[np.float64]:
    return np.array(list(product(*(axis_of(family, place, points) for place in range(family.width)))))


def loop(pricer: Pricer, sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The plain way: one contract after the other."""
    return np.array([float(pricer.costs(size[None]).mean()) for size in sizes])


def yearly(paths: int, looped: int) -> None:
    print(f"{'priced by the year':18}    wall CPU-s     MB    contracts  contracts/s  known*  5 s, 2 GB  plain loop")
    used, rng = demand(paths), np.random.default_rng(2)
    for name, terms in YEARLY.items():
        run, one = alone(name, paths), offer(**terms)
        family, pricer = family_of(one, used, "free"), pricer_of(one, used)
        sizes = grid_of(family, points_per_year(3))
        some = sizes[rng.choice(len(sizes), looped, replace=False)]
        means, _, cpu_s = timed(lambda pricer=pricer, some=some: loop(pricer, some))
        if run["mean"] > means.min() * (1 + 2e-6):
            sys.exit(f"NOT THE LEAST: {name} {run['mean']} against {means.min()}")
        whole_s = cpu_s / looped * len(sizes)
        print(f"{line(name, run)}     {looped / cpu_s:6,.0f}/s, {whole_s:4.0f} s for {len(sizes):,}")


def monthly(paths: int, points: int) -> None:
    print(f"{'priced by the month':18}   wall CPU-s     MB  simulations      a second  known*  5 s, 2 GB  plain grid")
    used = demand(paths)
    for name, terms in MONTHLY.items():
        run, one = alone(name, paths), offer(**terms)
        family, pricer = family_of(one, used, "free"), pricer_of(one, used)
        sizes = np.array(list(product(*(np.linspace(0, top, points) for top in family.tops))))
        means, _, cpu_s = timed(lambda pricer=pricer, sizes=sizes: loop(pricer, sizes))
        gap = run["mean"] / means.min() - 1
        print(f"{line(name, run)}     {cpu_s:4.1f} s for {len(sizes):,}, the search {gap:+.3%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paths", type=int, default=2_000)
    parser.add_argument("--loop", type=int, default=400)
    parser.add_argument("--coarse", type=int, default=6)
    parser.add_argument("--alone", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        print(json.dumps(search(chosen.alone, chosen.paths)))
        return
    python = sys.version.split()[0]
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {python}, {chosen.paths:,} paths")
    yearly(chosen.paths, chosen.loop)
    monthly(chosen.paths, chosen.coarse)
    print("* known: CPU-seconds of every path's own optimum, which regret is measured from")
    print(
        "years that do not touch are priced one by one: contracts are the combinations that the answer is the least of"
    )


if __name__ == "__main__":
    main()
