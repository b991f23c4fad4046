"""The guard beside the optimizer: a commitment that only the forecast supports is not recommended.

After the online rule of Zhao et al. (PFSUM, arXiv 2410.15257): buy only if what was spent over the past term and what
is predicted both pass the break-even. The past is never annualized: six months of spend are six months. It counts net
of the savings that are pending, as the forecast does: what routing will take away carries no commitment.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from baseload.commit.contract import MONTHS_PER_YEAR, Contract, year_months
from baseload.commit.size.amounts import percent, rounded, unit_of, usd
from baseload.commit.size.demand import Demand, covered_share, kept_share, last_year_usd
from baseload.commit.size.document import Guard
from baseload.commit.size.terms import break_even_utilization, list_value


def break_even_usd(contract: Contract, year: int = 0) -> float | None:
    """List dollars a year, carved-out ones among them, at which a year's commitment costs what on demand does.

    None without a commitment in that year; infinite where no use makes it pay.
    """
    value = list_value(contract, year)
    if not value:
        return None
    used, inside = break_even_utilization(contract), float(contract.eligible_share)
    if used is None or inside <= 0:
        return float("inf")
    return used * value / inside * MONTHS_PER_YEAR / year_months(contract, year)


class Past(NamedTuple):
    """List dollars of the last twelve months: all, what remains of them under a contract, and how many are known."""

    all_usd: float
    net_usd: float
    known: int


def past_of(demand: Demand, contract: Contract, year: int = 0) -> Past | None:
    """The past as a contract year would meet it: what is covered, less the pending savings as that year has them."""
    if demand.history is None:
        return None
    spent, known = last_year_usd(demand.history)
    kept = kept_share(demand, year * MONTHS_PER_YEAR, year_months(contract, year))
    return Past(spent, spent * covered_share(demand) * kept, known)


def past_carries(contract: Contract, demand: Demand) -> bool:
    """Would the last twelve months alone carry the first year that commits anything? A history is needed."""
    year = first_committed(contract)
    past = past_of(demand, contract, year or 0)
    level = None if year is None else break_even_usd(contract, year)
    return level is None or (past is not None and past.net_usd >= level)


def first_committed(contract: Contract) -> int | None:
    """The first contract year (0-based) that commits anything."""
    return next((place for place, commit in enumerate(contract.commit_usd_by_year) if commit), None)


def guard(contract: Contract, demand: Demand) -> Guard:
    """Whether the last twelve months and the forecast both carry the first year that commits anything."""
    year = first_committed(contract)
    place = year or 0
    months, start = year_months(contract, place), place * MONTHS_PER_YEAR
    ahead = demand.expected.list_usd[:, start : start + months].sum(axis=1)
    forecast = float(ahead.mean()) * MONTHS_PER_YEAR / months
    level = None if year is None else break_even_usd(contract, year)
    past = past_of(demand, contract, place)
    holds = None if level is None or past is None else past.net_usd >= level and forecast >= level
    return Guard(
        holds=holds,
        break_even_usd=None if level is None or not np.isfinite(level) else usd(level),
        last_12_months_usd=None if past is None else usd(past.all_usd),
        last_12_months_net_usd=None if past is None else usd(past.net_usd),
        known_months=0 if past is None else past.known,
        forecast_usd=usd(forecast),
        says=_says(contract, demand, place, level, past, forecast),
    )


def _says(contract: Contract, demand: Demand, year: int, level: float | None, past: Past | None, ahead: float) -> str:
    if level is None:
        return "There is no commitment to guard."
    if not np.isfinite(level):
        return "No use of it makes the commitment cost less than on demand."
    unit = unit_of(ahead, level)
    need = f"the commitment of {_ordinal(year)} pays from {rounded(level, unit)} list dollars a year on"
    if contract.eligible_share < 1:
        need += f" (with the {percent(1 - float(contract.eligible_share))} that are carved out)"
    if past is None:
        return f"No history was given, so that only the forecast could be asked: {need}."
    facts = f"{need}, {_spent(demand, past, unit)}, {rounded(ahead, unit)} are forecast."
    if past.net_usd < level:
        return f"{'Only the forecast supports' if ahead >= level else 'Neither past nor forecast supports'} it: {facts}"
    return f"{'Past and forecast both support' if ahead >= level else 'Only the past supports'} it: {facts}"


def _spent(demand: Demand, past: Past, unit: float) -> str:
    """What was spent is known, to the dollar; what the savings would have left of it is not."""
    said = f"{past.all_usd:,.0f} were spent in the last {past.known} months"
    less = [
        *(["out-of-scope usage"] if covered_share(demand) < 1 else []),
        *(["the pending savings as expected"] if demand.savings else []),
    ]
    return f"{said} ({rounded(past.net_usd, unit)} without {' and '.join(less)})" if less else said


def _ordinal(year: int) -> str:
    return "the first year" if year == 0 else f"year {year + 1}"


def later_years(contract: Contract, demand: Demand) -> str:
    """A warning where the first year stands on the past and a later one on the forecast alone; "" where none does."""
    first = first_committed(contract)
    if demand.history is None or first is None:
        return ""
    alone = []
    for year in range(first + 1, contract.years):
        level, past = break_even_usd(contract, year), past_of(demand, contract, year)
        if level is not None and past is not None and level > past.net_usd:
            alone.append(year + 1)
    if not alone:
        return ""
    years = "Year " + ", ".join(map(str, alone))
    return f"{years}: only the forecast supports the commitment; the last twelve months would not carry it."
