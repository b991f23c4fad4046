"""What every option of one workload is judged against, and what one candidate means for it, worked out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from baseload.levers.position import Position
from baseload.levers.route.bands import Shares, Stretch, dear_band, dollars, prompt_weight, share_above
from baseload.levers.route.cost import may_move, model_of, sold
from baseload.levers.route.factors import SAME, Factor, growth
from baseload.levers.route.headroom import Limits
from baseload.levers.route.shape import RouteShape
from baseload.levers.route.verdicts import VerdictKey
from baseload.prices.book import Model, PriceBook
from baseload.prices.capabilities import LEVELS, default_effort, legal_efforts
from baseload.values import Verdict, Workload


class Scene(NamedTuple):
    """One workload on one day: its positions and shape, the book, verdicts and limits, and what it runs on today."""

    workload: Workload
    positions: tuple[Position, ...]
    shape: RouteShape
    book: PriceBook
    day: int
    verdicts: Mapping[VerdictKey, Verdict]
    limits: Limits | None
    zdr: bool
    today: Model  # the one with most list dollars
    effort: str  # as most calls ask today, "" = none
    parts: tuple[Stretch, ...]

    def verdict(self, model: str, effort: str) -> Verdict | None:
        return self.verdicts.get((self.workload.id, model, effort))

    def growth(self, model: Model, current: str) -> Factor:
        """Growth of the tokens of `current` on `model`; none for a model the book does not know."""
        return growth(current, model.id, self.book) if current in self.book.models else SAME


class Target(NamedTuple):
    """One model as a place to go to. Of today's model: the calls that run on it, which stay and may ask less of it.

    `eligible` positions may move there, sold or not; `moving` ones do; `currents` are the models they run on. `efforts`
    are legal there and `base` is today's effort as it would take it. `bands` is None where one price holds at every
    prompt length; `too_long` is the share of prompt tokens in calls beyond its context window.
    """

    scene: Scene
    model: Model
    eligible: tuple[Position, ...]
    moving: tuple[Position, ...]
    currents: tuple[Model, ...]
    parts: tuple[Stretch, ...]
    efforts: tuple[str, ...]
    base: str
    bands: Shares | None
    too_long: Shares

    @property
    def is_today(self) -> bool:
        return self.model.id == self.scene.today.id

    @property
    def features(self) -> tuple[str, ...]:
        return self.scene.workload.request_features


def target_of(scene: Scene, model: Model) -> Target:
    """What moving to `model` means for a workload."""
    eligible = tuple(one for one in scene.positions if _is_eligible(scene, one, model))
    moving = tuple(one for one in eligible if sold(one, model, scene.book, scene.day))
    found = {one.id: one for one in (model_of(each.key, scene.book) for each in eligible) if one}
    names = {one.key.model for one in eligible}
    parts = tuple(part for part in scene.parts if part.model in names)
    efforts = legal_efforts(model, scene.workload.request_features)
    return Target(
        scene=scene,
        model=model,
        eligible=eligible,
        moving=moving,
        currents=tuple(found[name] for name in sorted(found)),
        parts=parts,
        efforts=efforts,
        base=scene.effort if scene.effort in efforts or not scene.effort else _nearest(scene.effort, efforts),
        bands=_bands(scene, model, moving, parts),
        too_long=_too_long(scene, model, parts),
    )


def _is_eligible(scene: Scene, position: Position, model: Model) -> bool:
    if model.id == scene.today.id:
        return model_of(position.key, scene.book) == model
    return may_move(position, model, scene.book)


def _bands(scene: Scene, model: Model, moving: Sequence[Position], parts: Sequence[Stretch]) -> Shares | None:
    """Share of the candidate's cost that its dear band would charge."""
    bands = dear_band(scene.book, moving[0].key._replace(model=model.id), scene.day) if moving else None
    if bands is None:
        return None
    return share_above(parts, bands.length, partial(scene.growth, model), dollars(bands.cheap))


def _too_long(scene: Scene, model: Model, parts: Sequence[Stretch]) -> Shares:
    known = [part for part in parts if part.mean or part.above]
    if not model.context_tokens or model.id == scene.today.id:
        return Shares(0.0, 0.0, 0.0)
    return share_above(known, model.context_tokens, partial(scene.growth, model), prompt_weight)


def effort_today(shape: RouteShape, model: str) -> str:
    """The effort most of a model's calls ask for; "" where most ask for none or nobody knows."""
    asked: Counter[str] = Counter()
    for name, effort, calls in shape.settings.efforts:
        if name == model:
            asked[effort] += calls
    return max(sorted(asked), key=lambda effort: asked[effort], default="")


def effective(effort: str, model: Model) -> str:
    """The level a request runs at: as asked, else the model's default; "" where the model knows no effort."""
    return effort if effort in LEVELS else default_effort(model)


def _nearest(effort: str, legal: Sequence[str]) -> str:
    """The highest legal level no higher than `effort`; "" where there is none."""
    below = [level for level in legal if LEVELS.index(level) <= LEVELS.index(effort)] if effort in LEVELS else []
    return below[-1] if below else ""
