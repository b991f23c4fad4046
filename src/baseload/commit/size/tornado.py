"""Which inputs move the size and its cost most, where the recommendation flips, and how much of it is assumed."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import at_unit, rounded, unit_of, usd
from baseload.commit.size.document import Assumed, TornadoRow
from baseload.commit.size.figures import Commits, Search, best_of, cost_of, on_demand_usd
from baseload.commit.size.inputs import Knob, turned

_HALVINGS: Final = 14
_EVEN: Final = 0.005
"""Less than half a cent saved is none."""


class Held(NamedTuple):
    """A base case and the size found on it, which is held while an input turns. `search` remembers what it found."""

    contract: Contract
    paths: Paths
    commits: Commits
    search: Search


def tornado(base: Held, inputs: Sequence[Knob]) -> tuple[TornadoRow, ...]:
    """Every input at both ends, widest move of the commitment first."""
    rows = [_row(base, knob) for knob in inputs]
    return tuple(
        sorted(rows, key=lambda row: (-Decimal(row.commit_swing_usd), -Decimal(row.cost_swing_usd), row.input))
    )


def _row(base: Held, knob: Knob) -> TornadoRow:
    ends = [_end(base, [(knob, value)]) for value in (knob.low, knob.high)]
    years = base.contract.years
    commits = [float(sum(end.commits)) / years for end in ends]
    found = float(sum(base.commits)) / years
    flip = _flip(base, knob)
    return TornadoRow(
        input=knob.name,
        grade=knob.grade,
        unit=knob.unit,
        low=round(knob.low, 6),
        base=round(knob.base, 6),
        high=round(knob.high, 6),
        low_says=knob.named(knob.low),
        high_says=knob.named(knob.high),
        commit_low_usd=usd(commits[0]),
        commit_high_usd=usd(commits[1]),
        cost_low_usd=usd(ends[0].cost),
        cost_high_usd=usd(ends[1].cost),
        held_cost_low_usd=usd(ends[0].held),
        held_cost_high_usd=usd(ends[1].held),
        commit_swing_usd=usd(max(*commits, found) - min(*commits, found)),
        cost_swing_usd=usd(abs(ends[1].cost - ends[0].cost)),
        flips_at=None if flip is None else round(flip, 4),
        flips_says=_flip_says(base, knob, flip),
    )


class _End(NamedTuple):
    commits: Commits
    cost: float
    held: float
    saving_held: float


def _end(base: Held, turns: Sequence[tuple[Knob, float]]) -> _End:
    contract, paths = turned(base.contract, base.paths, [(knob, value) for knob, value in turns if value != knob.base])
    commits, cost = best_of(contract, paths, base.search)
    held = float(cost_of(contract, base.commits, paths).mean())
    return _End(commits, float(cost.mean()), held, float(on_demand_usd(contract, paths).mean()) - held)


def _saving(base: Held, knob: Knob, value: float) -> float:
    """Expected dollars that the size held saves against on demand."""
    contract, paths = (knob.probe or knob.turn)(base.contract, base.paths, value)
    return float((on_demand_usd(contract, paths) - cost_of(contract, base.commits, paths)).mean())


def _flip(base: Held, knob: Knob) -> float | None:
    """The value nearest to the base at which the size held costs as much as on demand; null where none does."""
    if not any(base.commits) or _saving(base, knob, knob.base) <= _EVEN:
        return None
    found = [
        _crossing(base, knob, edge)
        for edge in (knob.floor, knob.ceiling)
        if edge != knob.base and _saving(base, knob, edge) <= _EVEN
    ]
    return min(found, key=lambda value: abs(value - knob.base), default=None)


def _crossing(base: Held, knob: Knob, edge: float) -> float:
    pays, loses = knob.base, edge
    for _ in range(_HALVINGS):
        middle = (pays + loses) / 2
        pays, loses = (middle, loses) if _saving(base, knob, middle) > _EVEN else (pays, middle)
    return (pays + loses) / 2


def _flip_says(base: Held, knob: Knob, flip: float | None) -> str:
    if not any(base.commits):
        return "nothing is committed"
    if flip is None:
        return "no value looked at makes it dearer than on demand"
    return f"at {knob.named(flip)} it costs as much as on demand"


def resting(base: Held, inputs: Sequence[Knob]) -> Assumed:
    """The size, and the saving, if every assumed input stood at the end that asks for the smaller commitment."""
    assumed = [knob for knob in inputs if knob.grade == "assumed"]
    turns = [(knob, _worse(base, knob)) for knob in assumed]
    end = _end(base, turns)
    before, after = float(sum(base.commits)), float(sum(end.commits))
    paths = base.paths
    on_demand = float(on_demand_usd(base.contract, paths).mean())
    cost = float(cost_of(base.contract, base.commits, paths).mean())
    saving, unit = on_demand - cost, unit_of(on_demand, cost)
    lost, gone = max(0.0, before - after), min(max(0.0, saving), max(0.0, saving - end.saving_held))
    return Assumed(
        inputs=tuple(knob.name for knob in assumed),
        commit_usd_by_year=tuple(map(usd, end.commits)),
        commit_resting_usd=usd(lost),
        saving_resting_usd=usd(gone),
        says=_resting_says(before, lost, (at_unit(on_demand, unit) - at_unit(cost, unit), gone, unit), assumed),
    )


def _worse(base: Held, knob: Knob) -> float:
    """The end with the smaller commitment; of equal ones that where the size held saves less."""
    ends = {value: _end(base, [(knob, value)]) for value in (knob.low, knob.high)}
    return min(ends, key=lambda value: (sum(ends[value].commits), ends[value].saving_held))


def _resting_says(before: float, lost: float, saved: tuple[float, float, float], assumed: Sequence[Knob]) -> str:
    """Commitments to the dollar, as they are signed; `saved`: the saving as shown, what of it rests, and their unit."""
    if not assumed:
        return "No input is assumed."
    names = ", ".join(knob.name.replace("_", " ") for knob in assumed)
    saving, gone, unit = saved
    part = min(at_unit(gone, unit), max(0.0, saving))
    return (
        f"Of {before:,.0f} committed over the term, {lost:,.0f} rest on assumed inputs ({names}); "
        f"so do {rounded(part, unit)} of the {rounded(saving, unit)} saved."
    )
