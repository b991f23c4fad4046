"""From predictions to a policy that keeps the promise: a family of thresholds, tested the most careful first."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.quality.router.bound import by_cluster, clusters_needed, in_sequence, least_clusters, shown, weight
from baseload.quality.router.units import Units

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Kind = Literal["pin", "route", "leave"]

SHARES: Final = tuple(at / 50 for at in range(1, 51))
"""Shares of the prompts that the thresholds of the family send to a weak model; the last is all of them."""
LEAST_SAVING: Final = 0.02
"""Below this part of the bill a router is not worth its keep."""
_PIN_WORTH: Final = 0.01
"""A constant is preferred to a router that saves so much more."""
_PIN_ALPHA: Final = 0.25
"""Part of alpha for the constants between strong and cheapest, which are not members of the family."""
_NARROW, _WIDE = 0.1, 4.0
_DISCORDANT: Final = 0.10
_STRONG_RIGHT: Final = 0.6


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """The strong model's score is kept to `floor` of it, with `confidence`; both above 0 and below 1."""

    floor: float
    confidence: float


class Certified(msgspec.Struct, frozen=True, kw_only=True):
    """What was shown. `threshold` None: every prompt goes to `model`. Estimates are out of fold.

    `more` is the number of further prompts (clusters) at which a saving is expected to be shown, 0 where one was, None
    where no policy looks good enough.
    """

    kind: Kind
    model: int
    threshold: float | None
    saving: float
    quality_ratio: float
    share_routed: float
    more: int | None


def margins(predicted: Floats, bounds: Floats) -> tuple[Floats, Floats]:
    """Predicted loss and saving of every weak model against strong; savings kept near what was measured.

    `bounds` are the measured mean savings, in mean costs of strong.
    """
    models = predicted.shape[-1] // 2
    quality, cost = predicted[..., :models], predicted[..., models:]
    losses = quality[..., :1] - quality[..., 1:]
    savings = np.clip(cost[..., :1] - cost[..., 1:], _NARROW * bounds, _WIDE * bounds)
    return losses, savings


def critical(losses: Floats, savings: Floats) -> Floats:
    """The price of quality at which a prompt leaves the strong model: its least loss a dollar saved.

    Below 0, where a weak model is expected to be better, dollars say nothing about which prompt is surer: loss alone.
    """
    found: Floats = np.where(losses > 0, losses / savings, losses).min(axis=-1)
    return found


def chosen(losses: Floats, savings: Floats, threshold: float) -> Ints:
    """The model of every prompt at a price of quality: argmin of loss - price x saving, strong at 0."""
    best = (losses - max(threshold, 0.0) * savings).argmin(axis=-1)
    found: Ints = np.where(critical(losses, savings) > threshold, 0, best + 1)
    return found


def certify(
    predicted: Floats, units: Units, bounds: Floats, strange: NDArray[np.bool_], blocked: NDArray[np.bool_],
    promise: Promise, informed: bool = True, pins: bool = True,
) -> Certified:  # fmt: skip
    """The policy that saves most among those shown to keep the promise.

    Without an `informed` prediction, where a constant looks good enough, the same tests are made and only constants
    are taken: such a workload wants one model, or more prompts to show it. `pins` False: some category stays with
    strong, here or where nothing was asked, so that no one model is the answer.
    """
    losses, savings = margins(predicted[units.lead], bounds)
    stays = (strange | blocked)[units.lead]
    price = np.where(stays, np.inf, critical(losses, savings))
    open_prices = price[np.isfinite(price)]
    thresholds = np.quantile(open_prices, SHARES[:-1]) if len(open_prices) else np.full(len(SHARES) - 1, -np.inf)
    last = len(units.models) - 1
    picks = [np.where(stays, 0, chosen(losses, savings, float(one))) for one in thresholds]
    picks.append(np.where(blocked[units.lead], 0, last))
    alpha = 1 - promise.confidence
    quality = units.quality.mean(axis=0)
    constants_only = not informed and bool((quality[1:] >= promise.floor * quality[0]).any())
    between = list(range(1, last))
    family_alpha = alpha * (1 - _PIN_ALPHA) if between else alpha
    family = in_sequence(_passed(picks, units, promise.floor, family_alpha))
    options = []
    if family:
        whole = family == len(picks) and pins and not blocked.any()
        edge = None if whole else float("inf") if family == len(picks) else float(thresholds[family - 1])
        if edge in (None, float("inf")) or not constants_only:
            options.append(_certified("pin" if whole else "route", last, edge, picks[family - 1], units))
    if between and pins and not blocked.any():
        constants = [np.full(len(units), model) for model in between]
        passed = _passed(constants, units, promise.floor, alpha * _PIN_ALPHA / len(between))
        options += [
            _certified("pin", m, None, pin, units) for m, pin, ok in zip(between, constants, passed, strict=True) if ok
        ]
    best = _best(options)
    if best is not None:
        return best
    picks = picks[-1:] if constants_only else picks
    return leave(units, promise, [*picks, *(np.full(len(units), model) for model in between)])


def _best(options: list[Certified]) -> Certified | None:
    worth = [one for one in options if one.saving >= LEAST_SAVING]
    if not worth:
        return None
    most = max(one.saving for one in worth)
    near = [one for one in worth if one.saving >= most - _PIN_WORTH]
    return max(near, key=lambda one: (one.kind == "pin", one.saving))


def leave(units: Units, promise: Promise, picks: list[Ints]) -> Certified:
    """Everything stays with strong; `more` is what the most promising of these policies would take."""
    alpha = 1 - promise.confidence
    needed = [
        clusters_needed(by_cluster(_differences([pick], units, promise.floor), units.cluster), promise.floor, alpha)
        for pick in picks
        if _saving(pick, units) >= LEAST_SAVING
    ]
    found = [one for one in needed if one is not None]
    have = int(units.cluster.max()) + 1
    return Certified(
        kind="leave", model=0, threshold=None, saving=0.0, quality_ratio=1.0, share_routed=0.0,
        more=max(min(found) - have, 1) if found else None,
    )  # fmt: skip


def least_prompts(units: Units, promise: Promise) -> int:
    """Prompts without which nothing can be shown, even where the cheaper model never loses."""
    mean = (1 - promise.floor) * float(units.quality[:, 0].mean())
    return least_clusters(mean, promise.floor, 1 - promise.confidence) if mean > 0 else 0


def _differences(picks: list[Ints], units: Units, floor: float) -> Floats:
    rows = np.arange(len(units))
    scores = np.stack([units.quality[rows, pick] for pick in picks], axis=1)
    found: Floats = scores - floor * units.quality[:, :1]
    return found


def _passed(picks: list[Ints], units: Units, floor: float, alpha: float) -> NDArray[np.bool_]:
    differences = by_cluster(_differences(picks, units, floor), units.cluster)
    routed = np.array([float((pick > 0).mean()) for pick in picks])
    believed = _STRONG_RIGHT * (1 - floor) ** 2 + _DISCORDANT * routed
    return shown(differences, floor, alpha, believed * weight(units.cluster))


def _saving(pick: Ints, units: Units) -> float:
    return 1 - float(units.cost[np.arange(len(units)), pick].sum() / units.cost[:, 0].sum())


def _certified(kind: Kind, model: int, threshold: float | None, pick: Ints, units: Units) -> Certified:
    scored = units.quality[np.arange(len(units)), pick].sum()
    return Certified(
        kind=kind, model=model, threshold=threshold, saving=_saving(pick, units),
        quality_ratio=float(scored / units.quality[:, 0].sum()), share_routed=float((pick > 0).mean()), more=0,
    )  # fmt: skip
