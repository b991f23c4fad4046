"""Deciding: a prompt in, a model and the reason out, in microseconds; no clock, file or state beside a word cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.quality.router.certify import chosen, critical, margins
from baseload.quality.router.document import PolicyFile, RouterFile
from baseload.quality.router.features import LENGTH
from baseload.quality.router.space import Reader

Floats = NDArray[np.float64]

_NOTHING: Final[Mapping[str, float]] = {}
_NO_LEVELS: Final[Mapping[str, str]] = {}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session goes: `strange` is why the router abstained ("" where it did not).

    `price` is the least predicted loss of score a mean strong cost saved; None where nothing was predicted.
    """

    model: str
    strange: str = ""
    price: float | None = None


class Router:
    """A router file made ready. Ask once a session, with its first prompt, and keep the answer: a change of model in
    the middle of a session pays for its whole context again.
    """

    def __init__(self, router: RouterFile) -> None:
        self.file = router
        self._reader = Reader(router.space) if router.space is not None else None
        self._bounds = np.array(router.savings)
        self._stay = frozenset(router.stay_strong)
        self.policy = Decider(router, router.policy, self._bounds)
        self.controls = {name: Decider(router, one, self._bounds) for name, one in router.controls.items()}

    def decide(
        self, prompt: str, category: str = "", numbers: Mapping[str, float] = _NOTHING,
        levels: Mapping[str, str] = _NO_LEVELS,
    ) -> Choice:  # fmt: skip
        """The model of a session that begins with this prompt.

        `category`, `numbers` and `levels` are what the fitted table had under these names; what is missing counts as 0
        and "".
        """
        if self.policy.settled is not None:
            return self.policy.settled
        return self.policy.choice(self._read(prompt, category, numbers, levels), category in self._stay)

    def compare(
        self, prompt: str, category: str, numbers: Mapping[str, float], levels: Mapping[str, str]
    ) -> dict[str, Choice]:
        """The choice of the router ("policy") and of every control for one prompt."""
        rows = self._read(prompt, category, numbers, levels)
        found = {"policy": self.policy} | self.controls
        stays = category in self._stay
        return {name: one.settled or one.choice(rows, stays) for name, one in found.items()}

    def _read(self, prompt: str, category: str, numbers: Mapping[str, float], levels: Mapping[str, str]) -> Rows | None:
        space = self.file.space
        if self._reader is None or space is None:
            return None
        counted: Sequence[float] = [numbers.get(name, 0.0) for name in space.number_names]
        return self._reader.read(prompt, category, counted, [levels.get(name, "") for name in space.level_names])


Rows = tuple[Floats, Floats, list[int], str]


class Decider:
    """One policy made ready; `settled` is its answer where no prompt changes it."""

    def __init__(self, router: RouterFile, policy: PolicyFile, bounds: Floats) -> None:
        self._models, self._policy, self._bounds = router.models, policy, bounds
        self._strong = Choice(model=router.strong)
        self.settled: Choice | None = None
        if policy.decision != "route":
            self.settled = Choice(model=policy.model or router.strong)
            return
        self._threshold = policy.threshold if policy.threshold is not None else float("inf")
        self._intercept = np.array(policy.intercept)
        self._text, self._surface, self._levels = (
            np.array(part) if part and part[0] else None for part in (policy.text, policy.surface, policy.levels)
        )
        self._seen = LENGTH if self._surface is not None and self._surface.shape[1] == LENGTH else None

    def choice(self, rows: Rows | None, stays: bool) -> Choice:
        """The choice for a prompt that was read; `stays`: its category belongs to the strong model."""
        if rows is None:
            return self._strong
        text, surface, places, strange = rows
        if stays:
            return msgspec.structs.replace(
                self._strong, strange="a category that was not learnt: a run looked broken, or a model was not asked"
            )
        if self._policy.always:
            return Choice(model=self._models[-1])
        if strange:
            return msgspec.structs.replace(self._strong, strange=strange)
        target = self._intercept
        if self._text is not None:
            target = target + self._text @ text
        if self._surface is not None:
            target = target + self._surface @ surface[: self._seen]
        if self._levels is not None and places:
            target = target + self._levels[:, places].sum(axis=1)
        losses, savings = margins(target, self._bounds)
        picked = int(chosen(losses, savings, self._threshold))
        return Choice(model=self._models[picked], price=float(critical(losses, savings)))
