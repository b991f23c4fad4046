"""Fitting a router: learn out of fold, test thresholds on paired losses, keep the controls that need training."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import UsageError
from baseload.quality.router.anomalies import Anomaly, anomalies, said
from baseload.quality.router.certify import Certified, Promise, certify, least_prompts, leave
from baseload.quality.router.clusters import digest, fitted_hashes, fitted_key
from baseload.quality.router.document import PolicyFile, RouterFile, policy_file
from baseload.quality.router.ridge import LENGTH_ONLY, RACE, TABLE, Candidate, Fitted, cross_fitted, folds_of
from baseload.quality.router.space import Space, learned_space
from baseload.quality.router.table import SOURCE, Answers
from baseload.quality.router.units import Units, named, units_of
from baseload.values import Problem

Floats = NDArray[np.float64]

LEAST_CLUSTERS: Final = 20
"""Fewer prompts are not split into folds: nothing could be shown with them anyway."""
_SHUFFLED_NEAR: Final = 0.02


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a fit that does not depend on the promise; `space` None where there were too few prompts."""

    units: Units
    space: Space | None
    strange: NDArray[np.bool_]
    bounds: Floats
    blocked: NDArray[np.bool_]
    stay_strong: tuple[str, ...]
    fits: dict[str, Fitted]
    shuffled: NDArray[np.int64]


def learn(answers: Answers, strong: str, weak: Sequence[str]) -> tuple[Learned, list[Problem]]:
    """Fit quality and cost of every model of the ladder. Raises UsageError and NothingToRead as `units_of` does."""
    units, problems = units_of(answers, strong, weak)
    units, dear = _cheaper(answers, units, strong, problems)
    broken = anomalies(answers)
    problems += [*dear, *(said(one, answers.file) for one in broken)]
    stay = _stay_strong(broken, units)
    blocked = np.array([category in stay for category in units.categories])
    costs = units.cost / units.cost[:, 0].mean()
    bounds = costs[:, :1].mean() - costs[:, 1:].mean(axis=0)
    shuffled = _shuffled(units)
    if int(units.cluster.max()) + 1 < LEAST_CLUSTERS or blocked.all():
        return Learned(
            units=units, space=None, strange=blocked, bounds=bounds, blocked=blocked, stay_strong=stay, fits={},
            shuffled=shuffled,
        ), problems  # fmt: skip
    space, design = learned_space(units)
    targets = np.hstack([units.quality, costs])
    fold = folds_of(units.cluster)
    losses = _loss_of(len(units.models))

    def fitted(race: Sequence[Candidate], *wanted: Floats) -> list[Fitted]:
        return cross_fitted(design, wanted, fold, race, ~blocked, losses)

    policy, by_chance = fitted(RACE, targets, targets[shuffled])
    fits = {
        "policy": policy,
        "category_table": fitted([TABLE], targets)[0],
        "length_only": fitted([LENGTH_ONLY], targets)[0],
        "shuffled_labels": by_chance,
    }
    return Learned(
        units=units, space=space, strange=design.strange, bounds=bounds, blocked=blocked, stay_strong=stay, fits=fits,
        shuffled=shuffled,
    ), problems  # fmt: skip


def promised(learned: Learned, promise: Promise) -> tuple[RouterFile, list[Problem]]:
    """The router that keeps a promise, and what its reader must know."""
    units = learned.units
    if learned.space is None:
        few = leave(units, promise, [])
        more = max(max(least_prompts(units, promise), LEAST_CLUSTERS) - (int(units.cluster.max()) + 1), 1)
        few = msgspec.structs.replace(few, more=None if learned.blocked.all() else more)
        return _written(learned, promise, few, {}), []
    certificates = {name: _certificate(learned, name, promise) for name in learned.fits}
    found = certificates["policy"]
    shuffled = certificates["shuffled_labels"]
    constant = found.threshold in (None, float("inf"))  # one model wherever it was asked: no claim to know prompts
    if constant or shuffled.saving < found.saving - _SHUFFLED_NEAR:
        return _written(learned, promise, found, certificates), []
    if shuffled.saving >= found.saving and not learned.fits["policy"].informed:
        found = msgspec.structs.replace(leave(units, promise, []), more=None)
    problem = Problem(
        source=SOURCE, file="", row=0, code="not-routable",
        message="a router of shuffled labels saves as much: the saving is the slack under the floor, and not knowledge "
        "of which prompts are easy",
        value=f"{certificates['policy'].saving:.3f} and {shuffled.saving:.3f}",
        next_step="replay more prompts, or give the table a category that tells them apart",
    )  # fmt: skip
    return _written(learned, promise, found, certificates), [problem]


def fit(answers: Answers, strong: str, weak: Sequence[str], promise: Promise) -> tuple[RouterFile, list[Problem]]:
    """A router from a table of answers. Raises UsageError for a promise that is none."""
    checked(promise)
    learned, problems = learn(answers, strong, weak)
    router, more = promised(learned, promise)
    return router, [*problems, *more]


def checked(promise: Promise) -> Promise:
    """The promise itself. Raises UsageError where it cannot be kept or shown."""
    for name, value in (("floor", promise.floor), ("confidence", promise.confidence)):
        if not 0 < value < 1:
            raise UsageError(f"{name}: {value:g}; expected a share above 0 and below 1, such as 0.95")
    return promise


def _cheaper(answers: Answers, units: Units, strong: str, problems: list[Problem]) -> tuple[Units, list[Problem]]:
    """The ladder without models that cost as much as strong: price and tier are measured, never assumed."""
    means = units.cost.mean(axis=0)
    if means[0] <= 0:
        raise UsageError(f"{answers.file}: {strong} costs nothing on these prompts; a saving has no base")
    dear = [name for name, cost in zip(units.models[1:], means[1:], strict=True) if cost >= means[0]]
    said_dear = [
        Problem(
            source=SOURCE, file=answers.file, row=0, code="not-cheaper", value=name[:60],
            message="a weak model costs as much as the strong one on these prompts: it is not in the ladder",
            expected="a cheaper model", next_step="see whether it is better too: then make it the strong model",
        )
        for name in dear
    ]  # fmt: skip
    kept = [name for name in units.models[1:] if name not in dear]
    if not dear:
        return units, []
    if not kept:
        raise UsageError(f"{answers.file}: none of {', '.join(dear)} is cheaper than {strong} on these prompts")
    again, more = units_of(answers, strong, kept)
    problems[:] = more
    return again, said_dear


def _stay_strong(broken: Sequence[Anomaly], units: Units) -> tuple[str, ...]:
    """Categories in which a model of the ladder looks broken or has no answer, as the units name them."""
    looks = {named(one.dataset, one.category, units.category_from) for one in broken if one.model in units.models}
    return tuple(sorted(looks | set(units.not_asked)))


def _loss_of(models: int) -> Floats:
    """The map from targets to losses against strong."""
    found = np.zeros((2 * models, models - 1))
    found[0] = 1
    found[np.arange(1, models), np.arange(models - 1)] = -1
    return found


def _shuffled(units: Units) -> NDArray[np.int64]:
    """Whose labels each unit gets in the control: a permutation that the rows' own hashes give."""
    order = sorted(range(len(units)), key=lambda at: digest(units.keys[at], "shuffle"))
    found = np.zeros(len(units), dtype=np.int64)
    found[np.arange(len(units))] = order
    return found


def _certificate(learned: Learned, name: str, promise: Promise) -> Certified:
    units = learned.units
    if name == "shuffled_labels":
        units = msgspec.structs.replace(
            units, quality=units.quality[learned.shuffled], cost=units.cost[learned.shuffled]
        )
    fitted = learned.fits[name]
    informed = fitted.informed or name != "policy"
    pins = not learned.stay_strong  # one model everywhere is no answer where a category stays with strong
    return certify(fitted.predicted, units, learned.bounds, learned.strange, learned.blocked, promise, informed, pins)


def _written(learned: Learned, promise: Promise, found: Certified, controls: dict[str, Certified]) -> RouterFile:
    units = learned.units

    def policy(name: str, certified: Certified) -> PolicyFile:
        fitted = learned.fits.get(name)
        return policy_file(
            fitted.candidate.name if fitted else "none", certified, units.models, fitted.weights if fitted else None
        )

    quality = units.quality.mean(axis=0)
    enough = np.flatnonzero(quality >= promise.floor * quality[0])
    best = min(enough, key=lambda at: float(units.cost[:, at].mean()))
    cost = units.cost.mean(axis=0)
    constant = Certified(
        kind="pin", model=int(best), threshold=None, saving=1 - float(cost[best] / cost[0]),
        quality_ratio=float(quality[best] / quality[0]) if quality[0] else 1.0, share_routed=float(best > 0), more=0,
    )  # fmt: skip
    key = fitted_key(units.identities)
    hashes = np.unique(fitted_hashes(units.identities, key)).astype("<u4")
    return RouterFile(
        strong=units.models[0],
        models=list(units.models),
        floor=promise.floor,
        confidence=promise.confidence,
        decision=found.kind,
        reason=_reason(found, learned, promise, controls),
        more_prompts=found.more,
        prompts=int(units.cluster.max()) + 1,
        used=len(units),
        asked=units.asked,
        cost_basis=units.cost_basis,
        text_from=units.text_from,
        category_from=units.category_from,
        savings=[round(float(one), 6) for one in learned.bounds],
        quality=[round(float(one), 6) for one in quality],
        stay_strong=list(learned.stay_strong),
        space=learned.space,
        policy=policy("policy", found),
        controls={name: policy(name, one) for name, one in controls.items() if name != "policy"}
        | {"best_constant": policy_file("constant", constant, units.models, None)},
        fitted_key=key,
        fitted=base64.b64encode(hashes.tobytes()).decode(),
    )


def _reason(found: Certified, learned: Learned, promise: Promise, controls: Mapping[str, Certified]) -> str:
    units, have = learned.units, int(learned.units.cluster.max()) + 1
    bar = f"{promise.floor:.0%} of {units.models[0]}'s score with {promise.confidence:.0%} confidence"
    if found.kind == "pin":
        return f"{units.models[found.model]} alone keeps {bar}, shown on {have} prompts"
    if found.kind == "route":
        return (
            f"sending {found.share_routed:.0%} of the prompts to a cheaper model keeps {bar}, shown on {have} prompts"
        )
    if found.more is None and "policy" in controls and controls["policy"].kind == "route":
        return f"a router of shuffled labels saves as much under {bar}: the prompts do not tell which are easy"
    if found.more is None:
        return f"no policy that saves anything looks as if it kept {bar}: nothing is safe on {have} prompts"
    needed = "1 more prompt" if found.more == 1 else f"{found.more:,} more prompts"
    return f"{needed} needed to show a saving that keeps {bar}; the table has {have}"
