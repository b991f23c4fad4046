"""The days of a contract that must not be missed: notice, windows, tests, ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import msgspec

from baseload.commit.contract import MONTHS_PER_YEAR
from baseload.commit.current import CurrentContract
from baseload.commit.track.calendar import add_months


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """One day. `days_left` is negative once it has passed; on the day itself it is 0."""

    day: str
    term: str  # the key of offer.yaml it comes from
    says: str
    days_left: int


def deadlines(current: CurrentContract, as_of: dt.date) -> tuple[Deadline, ...]:
    """All of them, earliest first."""
    found = sorted(_days(current), key=lambda one: (one[0], one[1]))
    return tuple(
        Deadline(day=day.isoformat(), term=term, says=says, days_left=(day - as_of).days) for day, term, says in found
    )


def _days(current: CurrentContract) -> Iterator[tuple[dt.date, str, str]]:
    terms, start = current.terms, current.start
    if current.notice_by is not None:
        yield current.notice_by, "renewal", "last day to stop the automatic renewal"
    yield current.end, "term_months", "the contract ends"
    if terms.period == "year":
        for year in range(1, terms.years):
            yield add_months(start, year * MONTHS_PER_YEAR), "period", f"the balance of contract year {year} is tested"
    if terms.step_down:
        for month in terms.step_down.windows:
            notice = add_months(start, month - terms.step_down.notice_months)
            share = f"{float(terms.step_down.share) * 100:.4g} %"
            yield notice, "step_down", f"last day to say that month {month} steps down, by up to {share}"
    if terms.step_up:
        for month in terms.step_up.windows:
            yield add_months(start, month), "step_up", f"commitment may be added from month {month}"
    if terms.termination:
        yield add_months(start, terms.termination.month), "termination", "the contract may be left"
    if terms.price_rule.rule != "disc_off_current_list" and terms.held_months < terms.term_months:
        yield add_months(start, terms.held_months), "hold_months", "the price rule stops holding"
    if terms.credits_usd and terms.credits_months:
        yield add_months(start, terms.credits_months), "credits_months", "promotional credits lapse"
