"""The pairs a judge is tried on before it counts: sound answers spoilt, and the incumbent against itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from baseload.quality.graders.controls import SEEDED
from baseload.quality.graders.grader import difference
from baseload.quality.graders.seeded import SeededPair, seeded_pairs
from baseload.quality.replay.run import Replayed
from baseload.quality.trial.pairs import Seen, repeated
from baseload.quality.trial.prepare import Prepared
from baseload.quality.trial.setup import TrialSetup


class ControlPairs:
    """Of one trial; `again` are the incumbent's answers to the calls of the placebo. One that failed is no pair."""

    def __init__(self, setup: TrialSetup, ready: Prepared, again: Iterable[Replayed]) -> None:
        by_call = {one.call: one for one in again if not one.failed}
        self._setup = setup
        self._seeded = _sound_and_spoilt(setup, ready)
        self._placebo = [
            Seen(case=case, candidate=by_call[case.call.call_id], again=by_call[case.call.call_id])
            for case in ready.placebo
            if case.call.call_id in by_call
        ]

    @property
    def comparisons(self) -> list[Callable[[], object]]:
        """All that the judge will be asked."""
        placebo: list[Callable[[], object]] = [partial(repeated, self._setup.grader, one) for one in self._placebo]
        return placebo + [partial(self._word, pair) for pair in self._seeded]

    def seeded(self) -> list[tuple[SeededPair, float]]:
        return [(pair, self._word(pair)) for pair in self._seeded]

    def placebo(self) -> list[float]:
        return [pair.d for one in self._placebo if (pair := repeated(self._setup.grader, one)) is not None]

    def _word(self, pair: SeededPair) -> float:
        """The grader's word on one seeded pair; what it cannot say is a miss."""
        found = difference(self._setup.grader, pair.call, *pair.arms)
        return 0.0 if found.fault else found.d


def _sound_and_spoilt(setup: TrialSetup, ready: Prepared) -> list[SeededPair]:
    """From recorded answers that did not fail; from calls of the placebo only where there are not enough others."""
    placebo = {case.call.call_id for case in ready.placebo}
    sound = [
        (case.asked, case.recorded) for case in ready.cases if case.recorded is not None and not case.recorded.failure
    ]
    apart = [one for one in sound if one[0].call_id not in placebo]
    return seeded_pairs(apart if len(apart) >= SEEDED else sound, SEEDED, seed=setup.seed, labels=setup.labels)
