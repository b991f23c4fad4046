"""The options of one workload: what it runs on today, less effort on that, and every model worth trying instead.

    today | efforts below today's | candidates x (today's effort, lower efforts) | excluded ones, named

A workload may run on several models. Its first option stands for the whole mix and is named after the model with
most list dollars; it costs what the positions cost. Every other option takes all calls that may move to it and leaves
the rest of the mix where it is (`cost.option_cost`); an effort on today's model changes the calls on that model.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from baseload.levers.options import RouteOption
from baseload.levers.position import Position
from baseload.levers.route.bands import CHEAP_BAND, stretches
from baseload.levers.route.cost import model_of, option_cost
from baseload.levers.route.factors import growth
from baseload.levers.route.headroom import Limits
from baseload.levers.route.option import joined, option_of, with_headroom
from baseload.levers.route.scene import Scene, Target, effective, effort_today, target_of
from baseload.levers.route.shape import RouteShape
from baseload.levers.route.verdicts import VerdictKey
from baseload.levers.routing import RETIREMENT_HORIZON_DAYS, retires_by
from baseload.prices.book import Model, PriceBook
from baseload.prices.capabilities import LEVELS, can_stop_thinking, thinks_by_default
from baseload.values import Problem, Verdict, Workload, day_of_date, iso_day


def route_options(
    workload: Workload,
    positions: Sequence[Position],
    shape: RouteShape,
    book: PriceBook,
    day: int,
    verdicts: Mapping[VerdictKey, Verdict],
    limits: Limits | None = None,
    *,
    zdr: bool = False,
) -> tuple[tuple[RouteOption, ...], list[Problem]]:
    """What the workload could run on: today first, then lower efforts, then candidates by likely cost, excluded last.

    `positions` are those of this workload alone; `zdr` says that the organisation has zero data retention. Without a
    position on a model of the book there is only today's option, without a name.
    """
    spend: Counter[str] = Counter()
    for position in positions:
        current = model_of(position.key, book)
        if current is not None:
            spend[current.id] += max(position.list_nano, 0)
    if not spend:
        return (RouteOption(model="", today=True, verdict="holds", grade="measured", note="no known model"),), []
    today = book.models[max(spend, key=lambda name: (spend[name], book.models[name].released, name))]
    effort, parts = effort_today(shape, today.id), stretches(positions, shape.sizes)
    scene = Scene(workload, tuple(positions), shape, book, day, verdicts, limits, zdr, today, effort, parts)
    first = _today(scene, spend)
    targets = [target_of(scene, model) for model in _models(scene)]
    others = [(target, option_of(target, level)) for target in targets for level in _efforts(target)]
    return (first, *_worth_showing(scene, first, others)), _problems(scene, [option for _, option in others])


def _today(scene: Scene, spend: Mapping[str, int]) -> RouteOption:
    model, whole = scene.today, sum(spend.values())
    shares = sorted(spend, key=lambda name: (-spend[name], name))
    mix = [f"{scene.book.models[name].display_name} {spend[name] / whole:.0%}" for name in shares if whole]
    notes = [f"runs on {', '.join(mix)}" if len(mix) > 1 else ""]
    if retires_by(model, scene.day + RETIREMENT_HORIZON_DAYS):
        notes.append(f"retires on {model.retires}: staying is no choice")
    option = RouteOption(
        model=model.id,
        effort=scene.effort,
        verdict="holds",
        pool=model.pool,
        today=True,
        grade="measured",
        note=joined(notes),
    )
    return with_headroom(scene, option)


def _models(scene: Scene) -> list[Model]:
    """Callable models that last beyond the horizon; dearer lines find nothing that may move to them.

    A model with an announced retirement inside the horizon is no place to go; nor, untested, is one that may get its
    notice inside it ("not before" a day that is near or past), or one of today's own line that is older than today's
    model: that is no refresh. A verdict brings these two back.
    """
    book, day = scene.book, scene.day
    tried = {model for workload, model, _ in scene.verdicts if workload == scene.workload.id}
    return [
        model
        for model in book.candidates(day)
        if not retires_by(model, day + RETIREMENT_HORIZON_DAYS)
        and (model.id in tried or model.id == scene.today.id or _lasts(model, scene))
    ]


def _lasts(model: Model, scene: Scene) -> bool:
    if model.line == scene.today.line and model.released < scene.today.released:
        return False
    earliest = model.retires_not_before
    return not earliest or day_of_date(dt.date.fromisoformat(earliest)) > scene.day + RETIREMENT_HORIZON_DAYS


def _efforts(target: Target) -> tuple[str, ...]:
    """Today's effort as the model takes it, lower ones, and those a verdict names; none where nothing may move.

    Today's model at today's effort is today's option and not another one.
    """
    scene, level = target.scene, effective(target.base, target.model)
    lower = [other for other in reversed(target.efforts) if level and LEVELS.index(other) < LEVELS.index(level)]
    tried = [other for other in ("", *target.efforts) if scene.verdict(target.model.id, other)]
    offered = [target.base, *lower, *tried] if target.eligible else []
    return tuple(dict.fromkeys(effort for effort in offered if not target.is_today or effort != scene.effort))


def _worth_showing(scene: Scene, first: RouteOption, others: Sequence[tuple[Target, RouteOption]]) -> list[RouteOption]:
    """Options that could cost less than today, refreshes and tested ones, cheapest first; excluded ones last.

    A model is left out beside a newer one of its line that is allowed and no dearer at any rate.
    """
    today = option_cost(scene.positions, first, first.model, scene.book, scene.day)
    allowed = {option.model for _, option in others if not option.excluded_by} | {first.model}
    outdone = {target.model.id for target, _ in others if not target.is_today and _outdone(target, allowed)}
    shown = []
    for place, (target, option) in enumerate(others):
        cost = option_cost(scene.positions, option, first.model, scene.book, scene.day)
        is_wanted = cost.low < today.high and option.model not in outdone
        if is_wanted or option.verdict_id or option.same_line:
            rank = (not target.is_today, bool(option.excluded_by), cost.likely, place)
            shown.append((rank, option))
    return [option for _, option in sorted(shown, key=lambda pair: pair[0])]


def _outdone(target: Target, allowed: Iterable[str]) -> bool:
    """Whether a newer, allowed model of the same line is no dearer at any rate, tokenizer included."""
    model, book, day = target.model, target.scene.book, target.scene.day
    keys = [one.key._replace(model=model.id, band=CHEAP_BAND) for one in target.moving]
    mine = book.rates(keys[0], day) if keys else None
    if mine is None:
        return False
    for name in allowed:
        other = book.models[name]
        if other.line != model.line or other.released <= model.released or _must_think(other) > _must_think(model):
            continue
        theirs = book.rates(keys[0]._replace(model=name), day)
        more = growth(model.id, name, book).high
        rates = (
            zip(msgspec.structs.astuple(theirs.low), msgspec.structs.astuple(mine.low), strict=True) if theirs else ()
        )
        if theirs and all(other_rate * more <= rate for other_rate, rate in rates):
            return True
    return False


def _must_think(model: Model) -> bool:
    """A model that must think may answer dearer than one that need not."""
    return thinks_by_default(model) and not can_stop_thinking(model)


def _problems(scene: Scene, options: Iterable[RouteOption]) -> list[Problem]:
    """Verdicts about a model or effort this workload cannot run on: they count nothing, and that is said."""
    offered = {(one.model, one.effort) for one in options} | {(scene.today.id, scene.effort)}
    return [
        Problem(
            source="verdicts",
            file="",
            row=0,
            code="verdict-no-option",
            message="A verdict is about a model and effort that are no option for its workload.",
            value=f"{verdict.verdict_id} {model} {effort}".strip()[:60],
            expected=f"a model callable on {iso_day(scene.day)} that is not dearer and does not retire soon",
            next_step="Nothing, if the model has gone; else check model and effort in the verdict.",
        )
        for (workload, model, effort), verdict in scene.verdicts.items()
        if workload == scene.workload.id and (model, effort) not in offered
    ]
