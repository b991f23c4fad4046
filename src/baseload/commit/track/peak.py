"""The true-forward watch: does this year's peak raise next year's commitment, by how much, and when is it too late."""

from __future__ import annotations

import datetime as dt

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.contract import MONTHS_PER_YEAR, year_months
from baseload.commit.current import months_between
from baseload.commit.track.calendar import Span, add_months, contract_months
from baseload.commit.track.outlook import Amounts, Dates, Future, amounts_of
from baseload.commit.track.standing import Standing, units
from baseload.commit.track.usage import Daily


class PeakWatch(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars of the contract's basis; next year's commitment is for its own months.

    `window_limit_usd`: usage of the clause's window of months from which on next year's commitment rises.
    `ratchets_on`: the end of the month that raised it, null while none has.
    """

    share: float
    window_months: int
    peak_usd: str  # of whole months so far, annualized
    floor_usd: str  # what that makes of next year
    next_commit_usd: str  # as signed
    added_usd: str  # floor beyond it, so far
    window_limit_usd: str
    ratchets_on: str | None
    p_ratchet: float | None
    projected_on: Dates
    projected_added: Amounts


def peak_watch(standing: Standing, daily: Daily, future: Future) -> PeakWatch | None:
    """None without the clause, and in the last contract year."""
    current = standing.current
    terms, start = current.terms, current.start
    clause = terms.true_forward
    last = min(standing.through, current.end) - dt.timedelta(days=1)
    year = months_between(start, last) // MONTHS_PER_YEAR
    if clause is None or not clause.share or year + 1 >= terms.years:
        return None
    whole = Span(add_months(start, year * MONTHS_PER_YEAR), add_months(start, (year + 1) * MONTHS_PER_YEAR))
    months = contract_months(start, whole)
    usage = _by_month(standing, daily, future, whole, months)
    window, part = clause.window_months, year_months(terms, year + 1) / MONTHS_PER_YEAR
    scale = float(clause.share) * MONTHS_PER_YEAR / window * part
    running = np.cumsum(np.concatenate([np.zeros((len(usage), 1)), usage], axis=1), axis=1)
    sums = running[:, window:] - running[:, :-window]
    done = sum(span.end <= standing.through for span in months) - window + 1
    commit = float(terms.commit_usd_by_year[year + 1])
    peak = float(sums[0, :done].max()) if done > 0 else 0.0
    over = sums * scale > commit
    known = np.flatnonzero(over[0, :done]) if done > 0 else np.array([], dtype=np.int64)
    first = np.where(over.any(axis=1), over.argmax(axis=1), len(months))
    paths = future.method == "paths"
    return PeakWatch(
        share=float(clause.share),
        window_months=window,
        peak_usd=f"{peak * MONTHS_PER_YEAR / window:.2f}",
        floor_usd=f"{peak * scale:.2f}",
        next_commit_usd=f"{commit:.2f}",
        added_usd=f"{max(0.0, peak * scale - commit):.2f}",
        window_limit_usd=f"{commit / scale:.2f}",
        ratchets_on=months[int(known[0]) + window - 1].end.isoformat() if len(known) else None,
        p_ratchet=round(float(over.any(axis=1).mean()), 4) if paths else None,
        projected_on=_dates(first, months, window),
        projected_added=amounts_of(np.maximum(0.0, sums.max(axis=1) * scale - commit)),
    )


def _by_month(standing: Standing, daily: Daily, future: Future, whole: Span, months: tuple[Span, ...]) -> Array:
    """(paths, months) of the contract year: as used until today, as drawn from then on."""
    current = standing.current
    known = np.zeros(whole.days)
    used = daily.between(whole.start, standing.through)
    known[: len(used)] = used
    days = np.repeat(known[None, :], len(future.usd), axis=0)
    left = (whole.end - standing.through).days
    days[:, whole.days - left :] = future.usd[:, :left]
    drawn = units(current.terms, current.start, whole, days)
    edges = [(span.start - whole.start).days for span in months]
    found: Array = np.add.reduceat(drawn, edges, axis=1)
    return found


def _dates(first: Array, months: tuple[Span, ...], window: int) -> Dates:
    places = [int(value) + window - 1 for value in np.quantile(first, (0.1, 0.5, 0.9), method="inverted_cdf")]
    texts = [months[place].end.isoformat() if place < len(months) else None for place in places]
    return Dates(p10=texts[0], p50=texts[1], p90=texts[2])
