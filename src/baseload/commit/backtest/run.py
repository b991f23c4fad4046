"""The back-test of sizing on the customer's own history: at past months, commit by each rule, then look.

Origins overlap, so a few years of history hold only a few independent years; the result says how many.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.backtest.decide import decide, decide_carefully
from baseload.commit.backtest.outcomes import figures
from baseload.commit.backtest.rules import NAIVE, SAYS, RuleName
from baseload.commit.backtest.totals import sampled_totals
from baseload.commit.backtest.year import YearOffer, first_year, in_basis, least_cost_usd
from baseload.commit.contract import Contract
from baseload.demand.fit import PathSettings
from baseload.demand.history import LEAST_MONTHS, History
from baseload.demand.months import month_text

_FEW_YEARS: Final = 3.0


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule would have cost over all origins. Shares are fractions; dollars are of one test year.

    Regret is cost beyond that of a buyer who knew the year; its shares are of that buyer's cost.
    """

    rule: RuleName
    says: str
    commit_mean_usd: float  # in the offer's basis
    saving_share: float  # of list, all origins together; negative = dearer than on demand
    regret_mean_usd: float
    regret_p95_usd: float
    regret_mean_share: float
    regret_p95_share: float
    worse_share: float  # of origins that cost more than no commitment


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` is empty where the history is too short; `reading` then says how many months are missing."""

    months: int  # of one test: the offer's first contract year
    origins: tuple[str, ...]  # the last month known at each, YYYY-MM
    independent_years: float
    list_mean_usd: float  # what a test year cost at list
    best_saving_share: float  # of a buyer who knew the year
    rows: tuple[RuleRow, ...]  # "ours" first
    left_out: tuple[str, ...]  # clauses that yearly totals cannot show
    missing_months: int  # whole months that must still come; 0 where it was tested
    reading: str


def backtest(history: History, contract: Contract, *, seed: int, settings: PathSettings | None = None) -> Backtest:
    """Each rule's commitment at every month with six months behind it and the test year ahead.

    Our rule sees what the naive ones see: no event, no price, no plan that came later.
    """
    offer, settings = first_year(contract), settings or PathSettings()
    ends = _ends(history, offer.months, settings)
    if not ends:
        return _refused(history, offer)
    total = history.total
    usage = np.array([total[end : end + offer.months].sum() for end in ends])
    least = least_cost_usd(offer, usage)
    rows = tuple(
        RuleRow(
            rule=name,
            says=SAYS[name],
            commit_mean_usd=float(sizes.mean()),
            **figures(offer, usage, sizes)._asdict(),
        )
        for name, sizes in _sizes(history, offer, ends, settings, seed).items()
    )
    years = 1 + (len(ends) - 1) / offer.months
    return Backtest(
        months=offer.months,
        origins=tuple(month_text(history.first_month + end - 1) for end in ends),
        independent_years=years,
        list_mean_usd=float(usage.mean()),
        best_saving_share=float(1 - least.sum() / usage.sum()),
        rows=rows,
        left_out=offer.left_out,
        missing_months=0,
        reading=_reading(rows, len(ends), years),
    )


def _ends(history: History, months: int, settings: PathSettings) -> list[int]:
    """Months of history at each origin: whole months around it, and no workload silent for the whole window."""
    unknown = np.isnan(history.total)
    found = []
    for end in range(LEAST_MONTHS, history.months - months + 1):
        recent = history.until(end).usd[:, -settings.window_months - 1 :]
        if not unknown[end - LEAST_MONTHS : end + months].any() and not np.isnan(recent).all(axis=1).any():
            found.append(end)
    return found


def _sizes(
    history: History, offer: YearOffer, ends: list[int], settings: PathSettings, seed: int
) -> dict[RuleName, Array]:
    totals = [sampled_totals(history.until(end), offer.months, seed=seed, settings=settings) for end in ends]
    found: dict[RuleName, Array] = {
        "ours": np.array([decide(offer, one) for one in totals]),
        "careful": np.array([decide_carefully(offer, one) for one in totals]),
    }
    for name, rule in NAIVE.items():
        wanted = np.array([rule(history.total[:end], offer.months) for end in ends])
        found[name] = np.round(in_basis(offer, wanted))
    return {**found, "on_demand": np.zeros(len(ends))}


def _refused(history: History, offer: YearOffer) -> Backtest:
    needed = LEAST_MONTHS + offer.months
    unknown = np.flatnonzero(np.isnan(history.total))
    whole = history.months - (int(unknown[-1]) + 1 if len(unknown) else 0)
    missing = max(needed - whole, 1)
    return Backtest(
        months=offer.months,
        origins=(),
        independent_years=0.0,
        list_mean_usd=0.0,
        best_saving_share=0.0,
        rows=(),
        left_out=offer.left_out,
        missing_months=missing,
        reading=(
            f"Not back-tested: the history ends with {whole} whole months in a row and {needed} are needed "
            f"({LEAST_MONTHS} to size from, {offer.months} to look up); at least {missing} more."
        ),
    )


def _reading(rows: tuple[RuleRow, ...], origins: int, years: float) -> str:
    ours = rows[0]
    best = min((row for row in rows if row.rule in NAIVE), key=lambda row: row.regret_mean_usd)
    none = next(row for row in rows if row.rule == "on_demand")
    saved = f"sizing on paths would have saved {ours.saving_share:.1%} of list"
    against = f"the best rule of thumb ({best.says}) {best.saving_share:.1%}"
    if min(best.regret_mean_usd, none.regret_mean_usd) >= ours.regret_mean_usd:
        verdict = f"{saved}, {against}"
    elif none.regret_mean_usd <= best.regret_mean_usd:
        verdict = f"no commitment at all would have been cheapest; {saved}, {against}"
    else:
        verdict = f"a rule of thumb won: {saved}, {against}"
    few = "; too few to prefer a rule by" if years < _FEW_YEARS else ""
    return (
        f"On your own past, {verdict}. {origins} overlapping origins are worth about {years:.1f} independent "
        f"{'year' if years < 1.05 else 'years'}{few}."
    )
