"""Week by week from today's run rate to the plan's: savings land when their change ships, and not all of them land.

Order: most dollars per person-day first, kept exact where a workload has several changes. Those ship in the order of
the waterfall, so that every week's figure is a state the plan has priced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

import msgspec

from baseload.ledger.run_rate import YEAR_DAYS
from baseload.plan.cash import Level
from baseload.plan.changes import Change
from baseload.plan.span import Span

WEEKS: Final = 26
REALIZATION: Final = Decimal("0.8")
"""Share of a planned saving that lands. An assumption nobody has measured: some callers opt out, some changes are
rolled back. Replace it by what `baseload close` measures (docs/decisions/baseline-interval.md)."""
CAPACITY: Final = Decimal(5)
"""Person-days a week for all changes together: one person. An assumption."""
TRIAL_WEEKS: Final = 2
"""Calendar weeks a trial runs beside the work, before its change may ship. An assumption."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """What the company says about how fast it changes things; every default is an assumption and is said to be one."""

    capacity_days_per_week: Decimal = CAPACITY
    realization: Decimal = REALIZATION
    trial_weeks: int = TRIAL_WEEKS

    def __post_init__(self) -> None:
        if not (self.capacity_days_per_week > 0 and 0 <= self.realization <= 1 and self.trial_weeks >= 0):
            raise ValueError("capacity must be above 0, realization within 0 to 1, trial weeks not negative")


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """One change and when it ships: at the end of `week` (1 = the first week). `rank` 1 is what to do first."""

    rank: int
    change: Change
    week: int


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """One week's end: the annual list run rate with what has shipped, and what that has saved since today.

    Week 0 is today. `run_rate`'s low is with the highest savings. `remaining` is what is planned and not yet shipped,
    at the same realization; all in nano-dollars, `saved` summed over the weeks before.
    """

    week: int
    run_rate: Span
    saved: Span
    remaining: Span
    shipped: int  # changes in all


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """The weeks from today on, and the changes in the order they ship."""

    pace: Pace
    changes: tuple[Shipped, ...]
    weeks: tuple[Week, ...]

    def levels(self, as_of_day: int) -> tuple[Level, ...]:
        """Likely annual savings in force, from the day after each week that ships something: what `cash` walks on."""
        found: list[Level] = []
        for week in self.weeks:
            saved = self.weeks[0].run_rate.likely - week.run_rate.likely
            if saved != (found[-1].saved_annual_nano if found else 0):
                found.append(Level(as_of_day + 7 * week.week, saved))
        return tuple(found)


def adopt(run_rate_nano: int, changes: Iterable[Change], pace: Pace | None = None, *, weeks: int = WEEKS) -> Adoption:
    """Ship the changes one after another at the declared pace, and say what each week costs.

    `run_rate_nano` is annual as billed. Changes of one workload keep their order. Those that need more weeks than
    asked for are listed with their week, beyond the series.
    """
    pace = pace or Pace()
    shipped = _schedule(changes, pace)
    return Adoption(
        pace=pace,
        changes=tuple(shipped),
        weeks=tuple(_weeks(run_rate_nano, shipped, pace.realization, weeks)),
    )


def ranked(changes: Iterable[Change]) -> list[Change]:
    """Changes in the order that loses the least while they wait: most dollars per person-day first.

    Where a workload's later change is worth more per day than its earlier, both move up together: of every workload
    the head of its changes with the highest joint ratio goes first. One worker after another, this order is exact
    (scheduling of weighted chains: Sidney 1975); a test compares it with every order.
    """
    chains: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        chains[change.workload].append(change)
    blocks = [block for chain in chains.values() for block in _blocks(chain)]
    blocks.sort(key=lambda block: (-_ratio(block), block[0].name, block[0].workload))
    return [change for block in blocks for change in block]


def _blocks(chain: Sequence[Change]) -> list[Sequence[Change]]:
    """A workload's changes cut into heads of highest joint ratio; the ratios fall from block to block."""
    found: list[Sequence[Change]] = []
    while chain:
        cut = max(range(1, len(chain) + 1), key=lambda size: (_ratio(chain[:size]), size))
        found.append(chain[:cut])
        chain = chain[cut:]
    return found


def _ratio(changes: Sequence[Change]) -> Fraction:
    days = sum((Fraction(change.person_days) for change in changes), Fraction(0))
    worth = sum(change.saving.likely for change in changes)
    return Fraction(worth) / days if days else Fraction(worth * 10**9)


def _schedule(changes: Iterable[Change], pace: Pace) -> list[Shipped]:
    """Each change at the end of the week in which its work is done, its trial over and its forerunner shipped."""
    done = Fraction(0)
    last: dict[str, int] = {}
    found = []
    for rank, change in enumerate(ranked(changes), start=1):
        done += Fraction(change.person_days)
        week = max(1, -(-done // Fraction(pace.capacity_days_per_week)))
        week = max(week + (pace.trial_weeks if change.needs_trial else 0), last.get(change.workload, 0))
        last[change.workload] = week
        found.append(Shipped(rank=rank, change=change, week=week))
    return found


def _weeks(run_rate_nano: int, shipped: Sequence[Shipped], realization: Decimal, weeks: int) -> Iterable[Week]:
    by_week: Mapping[int, list[Span]] = _by_week(shipped)
    share = Fraction(realization)
    planned = Span()
    for spans in by_week.values():
        planned = sum(spans, planned)
    landed, summed = Span(), Span()  # whole savings in force; the same summed over the weeks before
    count = 0
    for week in range(weeks + 1):
        summed += landed if week else Span()
        landed = sum(by_week.get(week, []), landed)
        count += len(by_week.get(week, []))
        yield Week(
            week=week,
            run_rate=_below(run_rate_nano, landed, share),
            saved=summed.each(lambda nano: round(nano * share * 7 / YEAR_DAYS)),
            remaining=_less(planned, landed).each(lambda nano: round(nano * share)),
            shipped=count,
        )


def _by_week(shipped: Sequence[Shipped]) -> dict[int, list[Span]]:
    found: defaultdict[int, list[Span]] = defaultdict(list)
    for one in shipped:
        found[one.week].append(one.change.saving)
    return dict(found)


def _below(run_rate_nano: int, landed: Span, share: Fraction) -> Span:
    """What is left of the run rate; the highest savings leave the lowest."""
    return Span(
        low=run_rate_nano - round(landed.high * share),
        likely=run_rate_nano - round(landed.likely * share),
        high=run_rate_nano - round(landed.low * share),
    )


def _less(whole: Span, part: Span) -> Span:
    """Bound by bound: both are sums of the same spans."""
    return Span(low=whole.low - part.low, likely=whole.likely - part.likely, high=whole.high - part.high)
