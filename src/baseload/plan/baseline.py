"""The baseline: what a year costs as billed, what it costs once the plan has landed, and what of that is proven.

Three numbers, each with its interval and its grade mix (docs/decisions/baseline-interval.md):

- as billed: the run rate;
- optimized: the run rate less the plan's savings;
- conservative: the run rate less the low end of what a plan of proven options saves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final, get_args

import msgspec

from baseload.ledger.run_rate import RunRate
from baseload.levers.summary import weakest
from baseload.plan.planned import Planned
from baseload.plan.rounding import half_even, largest_remainder
from baseload.plan.span import Span, total
from baseload.values import Grade

GRADES: tuple[Grade, ...] = get_args(Grade)
"""Strongest first; a figure made of parts carries the weakest."""
REST: Final[Grade] = "measured"
"""Of the run rate's dollars that no workload of the plan holds: they are complete records all the same."""


class GradePart(msgspec.Struct, frozen=True, kw_only=True):
    """So much of a figure is known this way. `percent` are whole and add to 100 over a figure."""

    grade: Grade
    nano: int
    percent: int


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One annual number in list nano-dollars, its bounds, and how its dollars are known.

    `low` and `high` are the worst cases that `note` names, not a probability; None where nothing bounds it.
    """

    nano: int
    low_nano: int | None
    high_nano: int | None
    mix: tuple[GradePart, ...]
    grade: Grade
    note: str

    @property
    def mix_text(self) -> str:
        """ "61 % measured, 28 % replayed, 11 % assumed": strongest first, without what rounds to nothing."""
        return mix_text(self.mix)


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The three numbers, and the savings between the first two (annual, joint bounds)."""

    as_billed: Figure
    optimized: Figure
    conservative: Figure
    savings: Span
    savings_mix: tuple[GradePart, ...]


_WEEKS: Final = "the last 28 days x 365/28; bounds: how much its weeks differ (95 %)"
_NO_WEEKS: Final = "under four whole weeks of data: its weeks give no bounds"
_OPTIMIZED: Final = (
    "low: lowest weeks, every saving at its high end; high: highest weeks, every trial failed, no prompt edited"
)
_SAVINGS_ONLY: Final = f"bounds: savings at their ends alone; {_NO_WEEKS}"
_CONSERVATIVE: Final = "only proven savings, each at its low end; bounds: how much the weeks differ (95 %)"


def baseline(
    rate: RunRate, planned: Sequence[Planned], proven: Sequence[Planned], deployable: Sequence[Planned]
) -> Baseline | None:
    """The baseline of a run rate; None where there is none (`rate.why_null` says why).

    `planned` is the full plan, `proven` the plan composed again from proven options alone (`rules.PROVEN`): that is no
    part of the full plan, because a cache saves more on the dear model that stays. `deployable` is composed of what
    needs no trial and nobody's word (`rules.DEPLOYABLE`): what is left of the full plan if every trial fails.
    """
    if rate.annual_nano is None:
        return None
    savings = total(one.saving for one in planned)
    least = min(savings.low, total(one.saving for one in deployable).low)
    optimized = rate.annual_nano - savings.likely
    conservative = rate.annual_nano - sum(one.saving.low for one in proven)
    has_weeks = rate.low_nano is not None and rate.high_nano is not None
    return Baseline(
        as_billed=_figure(
            rate.annual_nano,
            (rate.low_nano, rate.high_nano),
            _added(one.billed_by_grade for one in planned),
            _WEEKS if has_weeks else _NO_WEEKS,
        ),
        optimized=_figure(
            optimized,
            (
                _scaled(rate.annual_nano - savings.high, rate.low_nano, rate.annual_nano),
                _scaled(rate.annual_nano - least, rate.high_nano, rate.annual_nano),
            ),
            _added(one.cost_by_grade for one in planned),
            _OPTIMIZED if has_weeks else _SAVINGS_ONLY,
        ),
        conservative=_figure(
            conservative,
            (
                _scaled(conservative, rate.low_nano, rate.annual_nano) if has_weeks else None,
                _scaled(conservative, rate.high_nano, rate.annual_nano) if has_weeks else None,
            ),
            _added(map(_careful, proven)),
            _CONSERVATIVE if has_weeks else _NO_WEEKS,
        ),
        savings=savings,
        savings_mix=grade_parts(_added({step.grade: step.saving.likely} for one in planned for step in one.steps)),
    )


def grade_parts(by_grade: Mapping[Grade, int]) -> tuple[GradePart, ...]:
    """The parts of a figure that are not 0, strongest grade first. A negative part has 0 %."""
    shares = percents([by_grade.get(grade, 0) for grade in GRADES])
    return tuple(
        GradePart(grade=grade, nano=by_grade[grade], percent=share)
        for grade, share in zip(GRADES, shares, strict=True)
        if by_grade.get(grade)
    )


def mix_text(parts: Iterable[GradePart]) -> str:
    """The mix in words: "61 % measured, 39 % assumed"; "" of nothing."""
    return ", ".join(f"{part.percent} % {part.grade}" for part in parts if part.percent)


def percents(parts: Sequence[int]) -> list[int]:
    """Whole percents that add to 100, by largest remainder; 0 for what is negative, and everywhere if nothing is not.

    >>> percents([1, 1, 1]), percents([0, -5])
    ([34, 33, 33], [0, 0])
    """
    positive = [max(0, part) for part in parts]
    whole = sum(positive)
    return largest_remainder([Fraction(100 * part, whole) for part in positive], 100) if whole else [0] * len(parts)


def _figure(nano: int, ends: tuple[int | None, int | None], by_grade: Mapping[Grade, int], note: str) -> Figure:
    """A figure whose parts add to it: what the workloads do not hold is `REST`."""
    mix = grade_parts(_added([by_grade, {REST: nano - sum(by_grade.values())}]))
    return Figure(
        nano=nano,
        low_nano=ends[0],
        high_nano=ends[1],
        mix=mix,
        grade=weakest(part.grade for part in mix if part.nano > 0),
        note=note,
    )


def _scaled(nano: int, end_nano: int | None, annual_nano: int) -> int:
    """A figure at another volume: it moves as the run rate moves from its middle to one of its ends.

    Without an end it stays: then the savings alone make the bounds.
    """
    return nano if end_nano is None or not annual_nano else half_even(Fraction(nano * end_nano, annual_nano))


def _careful(one: Planned) -> Mapping[Grade, int]:
    """The cost of a proven choice at the low end of its saving, by grade; the margin stands with the weakest part."""
    margin = one.saving.likely - one.saving.low
    return _added([one.cost_by_grade, {weakest(one.cost_by_grade): margin}]) if margin else one.cost_by_grade


def _added(parts: Iterable[Mapping[Grade, int]]) -> dict[Grade, int]:
    found: dict[Grade, int] = {}
    for part in parts:
        for grade, nano in part.items():
            found[grade] = found.get(grade, 0) + nano
    return found
