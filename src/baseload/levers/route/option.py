"""One option of one workload: its factors, what it needs rewritten, what forbids it, and what to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import msgspec

from baseload.levers.options import Rewrite, RouteOption
from baseload.levers.position import cost_nano
from baseload.levers.route.bands import Shares, cached_weight, share_above
from baseload.levers.route.cost import model_of
from baseload.levers.route.factors import SAME, Factor, blended, effort_factor, growth, measured_output, output_factor
from baseload.levers.route.headroom import headroom, limit_of
from baseload.levers.route.rewrites import conditions, forbidden, in_words, rewrites
from baseload.levers.route.scene import Scene, Target, effective
from baseload.levers.route.verdicts import ruled_out
from baseload.levers.routing import successor
from baseload.prices.book import Model
from baseload.prices.capabilities import LEVELS
from baseload.values import Verdict

MOST_UNROUTABLE: Final = 0.01
"""A candidate is excluded when more than this share of prompt tokens lies in calls longer than its context window."""


def option_of(target: Target, effort: str) -> RouteOption:
    """The option of running everything that may move there on one model at `effort`."""
    scene, model = target.scene, target.model
    tokens, output = growth(scene.today.id, model.id, scene.book), _output(target, effort)
    verdict = scene.verdict(model.id, effort)
    measured = measured_output(verdict, tokens) if verdict else None
    output = measured or output
    bands = target.bands
    option = RouteOption(
        model=model.id,
        effort=effort,
        growth_low=tokens.low,
        growth_likely=tokens.likely,
        growth_high=tokens.high,
        output_low=output.low,
        output_likely=output.likely,
        output_high=output.high,
        band_share_low=bands.low if bands else None,
        band_share_likely=bands.likely if bands else None,
        band_share_high=bands.high if bands else None,
        verdict=verdict.state if verdict else "assumed",
        verdict_id=verdict.verdict_id if verdict else "",
        verdict_grade=verdict.grade if verdict else "replayed",
        rewrites=_rewrites(target, effort),
        excluded_by=_excluded_by(target, verdict),
        pool=model.pool,
        same_line=_only_refreshes(target, effort),
        grade=verdict.grade if verdict and measured and verdict.grade != "unverified" else "assumed",
        note=_note(target, effort, is_measured=measured is not None),
    )
    return with_headroom(scene, option)


def with_headroom(scene: Scene, option: RouteOption) -> RouteOption:
    room = headroom(scene.shape.peak, option, scene.limits, scene.book)
    return msgspec.structs.replace(option, headroom=room)


def _only_refreshes(target: Target, effort: str) -> bool:
    """The newest of a line that calls run on already, at today's effort: neither a cheaper tier nor less effort."""
    newest = (successor(current, target.scene.book, target.scene.day) for current in target.currents)
    return effort == target.base and any(one is not None and one.id == target.model.id for one in newest)


def _output(target: Target, effort: str) -> Factor:
    """The output factor of all that moves, weighted by what it costs there as it is."""
    scene, parts = target.scene, []
    for position in target.moving:
        current = model_of(position.key, scene.book)
        rates = scene.book.rates(position.key._replace(model=target.model.id), scene.day)
        if current is not None and rates is not None:
            factor = output_factor(current, target.model, target.features, scene.shape.thinking_share)
            change = _effort_change(target, current, effort)
            parts.append((factor.times(change), cost_nano(position.tokens, rates.low)))
    return blended(parts)


def _effort_change(target: Target, current: Model, effort: str) -> Factor:
    """What the option's effort changes against the effort the calls would have there anyway.

    Levels of two models are not comparable, so on another model that is its level at today's setting. On its own model
    the calls that ask for as little already, or less, change nothing when the rest is lowered.
    """
    scene, model = target.scene, target.model
    after, task = effective(effort, model), scene.workload.task
    if current.id != model.id:
        return effort_factor(effective(target.base, model), after, task)
    today = effective(scene.effort, model)
    asked = [
        (effective(level, model), calls) for name, level, calls in scene.shape.settings.efforts if name == model.id
    ]
    parts = [
        (SAME if _low_enough(level, after, today) else effort_factor(level, after, task), calls)
        for level, calls in asked or [(today, 1)]
    ]
    return SAME if effort == scene.effort else blended(parts)


def _low_enough(level: str, after: str, today: str) -> bool:
    """A call at `level` that stays where it is when the workload is lowered from `today` to `after`."""
    if not {level, after, today} <= set(LEVELS):
        return True
    return LEVELS.index(after) < LEVELS.index(today) and LEVELS.index(level) <= LEVELS.index(after)


def _rewrites(target: Target, effort: str) -> tuple[Rewrite, ...]:
    found: set[Rewrite] = set()
    if not target.is_today:
        most = target.scene.shape.settings.max_tokens
        found.update(rewrites(target.features, target.currents, target.model, target.scene.book, max_tokens=most))
    if effort != target.scene.effort:
        found = {one for one in found if one.feature != "effort"}
        found.add(Rewrite(feature="effort", action=f"set effort {effort}" if effort else "drop the effort parameter"))
    return tuple(sorted(found, key=lambda one: (one.feature, one.action)))


def _excluded_by(target: Target, verdict: Verdict | None) -> tuple[str, ...]:
    """In plain words: refused features, prompts longer than its window, not sold there, a trial that failed."""
    reasons = [] if target.is_today else [*_refused(target)]
    if not target.moving:
        reasons.append("it is not sold where this workload runs")
    if verdict is not None and ruled_out(verdict):
        reasons.append(ruled_out(verdict))
    return tuple(reasons)


def _refused(target: Target) -> Sequence[str]:
    """Features no rewrite removes. Where prompt lengths are known, their share decides and not a single long prompt."""
    scene, too_long = target.scene, target.too_long.likely
    names = forbidden(target.features, target.model, scene.book, zdr=scene.zdr)
    if scene.shape.sizes:
        names = tuple(name for name in names if name != "prompt_over_200k")
    words = in_words(names)
    if too_long <= MOST_UNROUTABLE or "prompt_over_200k" in names:
        return words
    return (*words, f"{too_long:.0%} of prompt tokens lie in calls over {target.model.context_tokens:,} tokens")


def _note(target: Target, effort: str, *, is_measured: bool) -> str:
    """What the range rests on and what to look at, in short sentences."""
    model, mixed = target.model, target.scene.shape.mix.workload_share
    others = [] if target.is_today else target.currents
    notes = {
        "output length as a trial measured it" if is_measured else "output length not measured": True,
        "tokens of the same text differ between tokenizers": any(one.tokenizer != model.tokenizer for one in others),
        f"{_percent(target.bands)} of its cost in prompts over its dear length": bool(
            target.bands and target.bands.high
        ),
        f"calls over {model.context_tokens:,} tokens stay where they are": 0
        < target.too_long.likely
        <= MOST_UNROUTABLE,
        _cache_note(target): True,
        _effort_note(target, effort): bool(others),
        "; ".join(conditions(target.features, others, model)): True,
        "calls on other models of today's mix stay where they are": len(target.eligible) < len(target.scene.positions),
        _unsold_note(target): True,
        "head-room from a sample: the mean minute of its busiest hour": _is_estimate(target),
        f"{mixed:.0%} of its sessions hold calls of other workloads: whole sessions move together": mixed > 0,
    }
    return joined(note for note, holds in notes.items() if holds)


def _is_estimate(target: Target) -> bool:
    """Whether a head-room can be given and rests on sampled calls."""
    peak, book = target.scene.shape.peak, target.scene.book
    return peak is not None and peak.is_sampled and limit_of(target.model.pool, target.scene.limits, book) is not None


def _unsold_note(target: Target) -> str:
    """Spend that may move and finds no price there: fast mode, another platform, a prompt beyond the window."""
    whole = sum(one.list_nano for one in target.eligible)
    staying = whole - sum(one.list_nano for one in target.moving)
    if not target.moving or staying <= 0:
        return ""
    return f"{staying / whole:.0%} of the spend stays: not sold there at its platform, tier, speed or length"


def _percent(shares: Shares | None) -> str:
    if shares is None:
        return ""
    low, high = f"{shares.low:.0%}", f"{shares.high:.0%}"
    return low if low == high else f"{low} to {high}"


def _cache_note(target: Target) -> str:
    """Cached tokens in prompts shorter than the candidate's minimum, which it cannot cache at all."""
    model, scene = target.model, target.scene
    lower = any(one.min_cacheable_tokens < model.min_cacheable_tokens for one in target.currents)
    if not lower or not any(cached_weight(part.tokens) for part in target.parts):
        return ""
    note = f"caches prefixes from {model.min_cacheable_tokens:,} tokens only"
    if not scene.shape.sizes:
        return note
    longer = share_above(target.parts, model.min_cacheable_tokens - 1, partial(scene.growth, model), cached_weight)
    lost = f", and {1 - longer.likely:.0%} of its cached tokens lie in shorter prompts" if longer.likely < 0.995 else ""
    return note + lost


def _effort_note(target: Target, effort: str) -> str:
    before, after = effective(target.scene.effort, target.scene.today), effective(effort, target.model)
    if effort or before == after or not before or not after:
        return ""
    return f"its default effort is {after}, today's {before}"


def joined(notes: Iterable[str]) -> str:
    return "; ".join(note for note in notes if note)
