"""Judging a router on prompts it never saw, beside the controls that any claim needs (routing.md section 2)."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.quality.router.anomalies import anomalies, said
from baseload.quality.router.cells import RELATIVE
from baseload.quality.router.certify import Kind
from baseload.quality.router.clusters import fitted_hashes
from baseload.quality.router.decide import Choice, Router
from baseload.quality.router.document import RouterFile
from baseload.quality.router.table import SOURCE, Answers
from baseload.quality.router.units import Units, units_of
from baseload.values import Problem

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCHEMA: Final = "baseload.route.eval/1"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one way of choosing comes to: mean score, its ratio to strong's, cost over always-strong's, 1 - that."""

    quality: float
    quality_ratio: float
    cost_ratio: float
    saving: float


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A router on a table. `quality_ratio_se` is clustered by session or prompt; None with fewer than two clusters.

    `used` of the `asked` rows of the strong model are judged on.
    `relative`: costs are estimates from text, so that only their ratio means something. `fitted_rows` are rows the
    router was fitted on: left out, or, where there are no others, judged on with a problem.
    """

    schema: str = SCHEMA
    decision: Kind
    reason: str
    floor: float
    confidence: float
    prompts: int
    used: int
    asked: int
    fitted_rows: int
    abstained: float
    cost_basis: str
    relative: bool
    quality: float
    quality_ratio: float
    quality_ratio_se: float | None
    cost_ratio: float
    saving: float
    share_by_model: dict[str, float]
    controls: dict[str, Figures]


def evaluate(router: RouterFile, answers: Answers) -> tuple[Evaluation, list[Problem]]:
    """What the router does on these answers. Raises UsageError and NothingToRead as `units_of` does."""
    weak = router.models[1:]
    units, problems = units_of(answers, router.strong, weak, router.text_from, router.category_from)
    problems += [said(one, answers.file) for one in anomalies(answers)]
    units, fitted_rows = _unseen(router, units, answers.file, problems)
    problems += _basis(router, units, answers.file)
    place = {name: at for at, name in enumerate(units.models)}
    choices = _choices(Router(router), units)
    picks = {
        name: np.array([place[one[name].model] for one in choices])[units.lead] for name in choices[0]
    }  # fmt: skip
    found = _figures(picks["policy"], units)
    controls = _constants(router, units, place) | {
        name: _figures(pick, units) for name, pick in picks.items() if name != "policy"
    }
    controls["cost_matched_mix"] = _mixed(units, found.cost_ratio)
    controls["oracle"] = _figures(_oracle(units), units)
    for name in ("category_table", "length_only", "shuffled_labels"):
        controls.setdefault(name, controls["always_strong"])
    return Evaluation(
        decision=router.decision,
        reason=router.reason,
        floor=router.floor,
        confidence=router.confidence,
        prompts=int(units.cluster.max()) + 1,
        used=len(units),
        asked=units.asked,
        fitted_rows=fitted_rows,
        abstained=float(np.mean([bool(one["policy"].strange) for one in choices])),
        cost_basis=units.cost_basis,
        relative=units.cost_basis in (RELATIVE, "mixed"),
        quality=found.quality,
        quality_ratio=found.quality_ratio,
        quality_ratio_se=_ratio_error(picks["policy"], units),
        cost_ratio=found.cost_ratio,
        saving=found.saving,
        share_by_model={name: float((picks["policy"] == place[name]).mean()) for name in router.models},
        controls={name: controls[name] for name in CONTROLS},
    ), problems


CONTROLS: Final = (
    "always_weak", "always_strong", "cost_matched_mix", "category_table", "best_constant", "oracle", "length_only",
    "shuffled_labels",
)  # fmt: skip


def _choices(router: Router, units: Units) -> list[Mapping[str, Choice]]:
    found: list[Mapping[str, Choice]] = []
    for at in range(len(units)):
        numbers = dict(zip(units.number_names, units.numbers[at].tolist(), strict=True))
        levels = dict(zip(units.level_names, units.levels[at], strict=True))
        found.append(router.compare(units.texts[at], units.categories[at], numbers, levels))
    return found


def _unseen(router: RouterFile, units: Units, file: str, problems: list[Problem]) -> tuple[Units, int]:
    """The units that were not fitted on; all of them where there are no others."""
    fitted = np.frombuffer(base64.b64decode(router.fitted), dtype="<u4")
    seen = np.isin(fitted_hashes(units.identities, router.fitted_key), fitted)
    many = int(seen.sum())
    if not many:
        return units, 0
    every = many == len(units)
    problems.append(
        Problem(
            source=SOURCE,
            file=file,
            row=0,
            code="fitted-rows",
            value=str(many),
            message="every row is one the router was fitted on: these figures are no evidence"
            if every
            else "rows the router was fitted on are left out",
            expected="prompts the router never saw",
            next_step="split the table before fitting",
        )
    )
    return (units if every else subset(units, ~seen)), many


def subset(units: Units, kept: NDArray[np.bool_]) -> Units:
    """Some of the units; a session whose first unit is not kept is led by its next."""
    rows = np.flatnonzero(kept)
    first: dict[int, int] = {}
    lead = [first.setdefault(int(units.lead[row]), at) for at, row in enumerate(rows)]
    return msgspec.structs.replace(
        units,
        keys=tuple(units.keys[row] for row in rows),
        identities=tuple(units.identities[row] for row in rows),
        texts=tuple(units.texts[row] for row in rows),
        categories=tuple(units.categories[row] for row in rows),
        levels=tuple(units.levels[row] for row in rows),
        numbers=units.numbers[rows],
        quality=units.quality[rows],
        cost=units.cost[rows],
        lead=np.array(lead, dtype=np.int64),
        cluster=np.unique(units.cluster[rows], return_inverse=True)[1].astype(np.int64),
    )


def _basis(router: RouterFile, units: Units, file: str) -> list[Problem]:
    if units.cost_basis == router.cost_basis and units.cost_basis != "mixed":
        return []
    return [
        Problem(
            source=SOURCE,
            file=file,
            row=0,
            code="cost-basis",
            value=f"{router.cost_basis}, {units.cost_basis}"[:60],
            message="costs were not counted alike: the saving is relative",
            expected="one cost_basis at fitting and at judging",
        )
    ]


def _figures(pick: Ints, units: Units) -> Figures:
    rows = np.arange(len(units))
    return _of_means(float(units.quality[rows, pick].mean()), float(units.cost[rows, pick].sum()), units)


def _of_means(quality: float, cost: float, units: Units) -> Figures:
    strong, dollars = float(units.quality[:, 0].mean()), float(units.cost[:, 0].sum())
    ratio = quality / strong if strong else 1.0
    share = cost / dollars if dollars else 1.0
    return Figures(quality=quality, quality_ratio=ratio, cost_ratio=share, saving=1 - share)


def _constants(router: RouterFile, units: Units, place: Mapping[str, int]) -> dict[str, Figures]:
    def always(name: str) -> Figures:
        return _figures(np.full(len(units), place[name]), units)

    return {"always_weak": always(router.models[-1]), "always_strong": always(router.strong)}


def _oracle(units: Units) -> Ints:
    """The cheapest of the models with the best score, prompt by prompt: what nobody can know beforehand."""
    best = units.quality >= units.quality.max(axis=1, keepdims=True)
    found: Ints = np.where(best, units.cost, np.inf).argmin(axis=1)
    return found


def _mixed(units: Units, cost_ratio: float) -> Figures:
    """The best random mix of constants that costs as much as the router: the upper hull of (cost, quality)."""
    total = float(units.cost[:, 0].sum())
    dollars = units.cost.sum(axis=0) / total if total else np.ones(len(units.models))
    means = units.quality.mean(axis=0)
    at = min(max(cost_ratio, float(dollars.min())), float(dollars.max()))
    ends = range(len(means))
    best = max(
        _between(low, high, at, dollars, means) for low in ends for high in ends if dollars[low] <= dollars[high]
    )
    return _of_means(best, at * total, units)


def _between(low: int, high: int, at: float, dollars: Floats, means: Floats) -> float:
    """Mean quality of the mix of two constants that costs `at`; -inf where none does."""
    if not dollars[low] <= at <= dollars[high]:
        return -math.inf
    span = float(dollars[high] - dollars[low])
    part = (at - float(dollars[low])) / span if span else 0.0
    return float(means[low] + part * (means[high] - means[low]))


def _ratio_error(pick: Ints, units: Units) -> float | None:
    """Standard error of the ratio of mean scores, by its linear part, summed over clusters."""
    picked, strong = units.quality[np.arange(len(units)), pick], units.quality[:, 0]
    clusters, total = int(units.cluster.max()) + 1, float(strong.sum())
    if clusters < 2 or not total:
        return None
    rest = np.bincount(units.cluster, weights=picked - picked.sum() / total * strong)
    return float(np.sqrt(np.square(rest).sum() * clusters / (clusters - 1)) / total)
