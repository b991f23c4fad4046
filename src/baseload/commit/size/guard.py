"""The guard beside the optimizer: a commitment that only the forecast supports is not recommended.

After the online rule of Zhao et al. (PFSUM, arXiv 2410.15257): buy only if what was spent over the past term and what
is predicted both pass the break-even. The past is never annualized: six months of spend are six months.
"""

from __future__ import annotations

import numpy as np

from baseload.commit.contract import MONTHS_PER_YEAR, year_months
from baseload.commit.size.amounts import rounded, usd
from baseload.commit.size.demand import Demand, last_year_usd
from baseload.commit.size.document import Guard
from baseload.commit.size.figures import Sized
from baseload.commit.size.terms import break_even_utilization, list_value


def break_even_usd(one: Sized) -> float | None:
    """List dollars a year at which the first contract year's commitment costs what on demand does; null without one."""
    value = list_value(one.contract, 0)
    used = break_even_utilization(one.contract)
    if not value or used is None:
        return None
    return used * value * MONTHS_PER_YEAR / year_months(one.contract, 0)


def guard(one: Sized, demand: Demand) -> Guard:
    """Whether the last twelve months and the forecast of the first year both carry the commitment found."""
    months = year_months(one.contract, 0)
    forecast = float(demand.expected.list_usd[:, :months].sum(axis=1).mean()) * MONTHS_PER_YEAR / months
    level = break_even_usd(one)
    past, known = last_year_usd(demand.history) if demand.history else (None, 0)
    holds = None if past is None else level is None or (past >= level and forecast >= level)
    return Guard(
        holds=holds,
        break_even_usd=None if level is None else usd(level),
        last_12_months_usd=None if past is None else usd(past),
        known_months=known,
        forecast_usd=usd(forecast),
        says=_says(level, past, known, forecast),
    )


def _says(level: float | None, past: float | None, known: int, forecast: float) -> str:
    if level is None:
        return "There is no commitment to guard."
    need = f"the commitment of the first year pays from {rounded(level, _unit(level))} list dollars a year on"
    if past is None:
        return f"No history was given, so that only the forecast could be asked: {need}."
    spent = f"{rounded(past, _unit(past))} were spent in the last {known} months"
    ahead = f"{rounded(forecast, _unit(forecast))} are forecast"
    if past < level:
        return f"Only the forecast supports it: {need}, {spent}, {ahead}."
    if forecast < level:
        return f"Only the past supports it: {need}, {spent}, {ahead}."
    return f"Past and forecast both support it: {need}, {spent}, {ahead}."


def later_years(one: Sized, demand: Demand) -> str:
    """A warning where the first year stands on the past and a later one on the forecast alone; "" where none does."""
    if demand.history is None or one.contract.years == 1:
        return ""
    used, (past, _) = break_even_utilization(one.contract), last_year_usd(demand.history)
    alone = [
        year + 1
        for year in range(1, one.contract.years)
        if used is not None
        and used * list_value(one.contract, year) * MONTHS_PER_YEAR / year_months(one.contract, year) > past
    ]
    if not alone:
        return ""
    years = "Year " + ", ".join(map(str, alone))
    return f"{years}: only the forecast supports the commitment; the last twelve months would not carry it."


def _unit(value: float) -> float:
    """Three digits."""
    return float(10.0 ** max(0, int(np.floor(np.log10(max(value, 1.0)))) - 2))
