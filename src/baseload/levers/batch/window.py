"""How long a batch should stay open: learnt on the first part of the arrivals, judged on the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from baseload.levers.batch.completion import MINUTE_US, Completion, CompletionTable
from baseload.levers.batch.figures import Figures, figures
from baseload.levers.batch.flow import Flow, Ints, Limits, between
from baseload.levers.batch.queue import Policy, Run, simulate

WINDOWS_US = tuple(minutes * MINUTE_US for minutes in (1, 5, 15, 30, 60, 120, 240, 480, 720))
"""Formation windows tried."""
DEFAULT_WINDOW_US = 15 * MINUTE_US
"""Where there is nothing to learn from."""
MIN_ARRIVALS = 50
"""Fewer rows of arrivals than this have no pattern to learn a window from."""
MET_TARGET = 0.999
TRAIN_SHARE = 0.5
GIVE_UP = 0.005
"""Of the calls' cost: a longer window that gives up no more than this is preferred, because fewer, larger batches share
prefixes better and cost fewer requests."""
LEAST_MARGIN_US = 2 * MINUTE_US
ENOUGH_BATCHES = 5_000
"""Runs are repeated until about this many batches were drawn: the share in time is then known to under 1 %."""
MOST_RUNS = 200
LEARNING_RUNS = 40
"""Windows are only compared, all on the same draws: fewer runs than a figure needs."""


class Setting(NamedTuple):
    """What a simulation needs besides arrivals and a window."""

    deadline_us: int
    table: CompletionTable
    limits: Limits
    sync_us: Ints  # durations of synchronous calls, at least one
    seed: int

    @property
    def margin_us(self) -> int:
        """Time kept for a synchronous answer: twice what 99 in 100 take, at least two minutes."""
        return max(LEAST_MARGIN_US, 2 * int(np.quantile(self.sync_us, 0.99)))

    def policy(self, window_us: int) -> Policy:
        """Half of all batches must fit in the reserve: with less time left, a batch loses money on average."""
        reserve = self.table.likely.quantile_us(0.5)
        return Policy(self.deadline_us, window_us, self.margin_us, reserve)


def halves(flow: Flow, train_share: float = TRAIN_SHARE) -> tuple[Flow, Flow]:
    """The arrivals of the first part of the time they span, and the rest."""
    first, last = int(flow.start_us[0]), int(flow.start_us[-1])
    cut = first + round((last - first) * train_share)
    return between(flow, first, cut), between(flow, cut, last + 1)


def best_window(train: Flow, setting: Setting) -> int:
    """The longest window that nearly saves the most on these arrivals and still meets the target.

    Where none meets it, the one that meets most. `DEFAULT_WINDOW_US` without arrivals.
    """
    if not train.calls:
        return DEFAULT_WINDOW_US
    useful = [window for window in WINDOWS_US if window <= setting.policy(0).late_us] or [WINDOWS_US[0]]
    likely = setting.table.likely
    tried = [
        (window, mean_of(runs_of(train, window, setting, likely, salt=1, most=LEARNING_RUNS))) for window in useful
    ]
    meeting = [one for one in tried if one[1].met_share >= MET_TARGET]
    if not meeting:
        return max(tried, key=lambda one: (one[1].met_share, one[1].saving_share))[0]
    most = max(one[1].saving_share for one in meeting)
    return max(window for window, found in meeting if found.saving_share >= most - GIVE_UP)


def chosen(flow: Flow, setting: Setting) -> tuple[int, Flow]:
    """The window, and the arrivals to judge it on: it is learnt on the first half of the time and judged on the second.

    Where either half has too few arrivals for a pattern, the default window is judged on all of them.
    """
    train, rest = halves(flow)
    if min(len(train.start_us), len(rest.start_us)) < MIN_ARRIVALS:
        return DEFAULT_WINDOW_US, flow
    return best_window(train, setting), rest


def runs_of(
    flow: Flow, window_us: int, setting: Setting, completion: Completion, *, salt: int, most: int = MOST_RUNS
) -> list[Figures]:
    """Figures of as many runs as it takes to draw `ENOUGH_BATCHES`, at most `most`.

    `salt` keeps the draws a window was learnt on apart from those it is judged on.
    """
    typical = int(np.quantile(setting.sync_us, 0.5))

    def once(turn: int) -> Figures:
        run = run_once(flow, window_us, setting, completion, salt=salt, turn=turn)
        return figures(flow, run, setting.deadline_us, typical)

    first = once(0)
    runs = max(1, min(most, ENOUGH_BATCHES // max(1, first.batches)))
    return [first, *(once(turn) for turn in range(1, runs))]


def run_once(flow: Flow, window_us: int, setting: Setting, completion: Completion, *, salt: int, turn: int = 0) -> Run:
    rng = np.random.default_rng([setting.seed, salt, turn])
    policy = setting.policy(window_us)
    return simulate(flow, policy, completion, setting.limits, sync_us=setting.sync_us, rng=rng)


def mean_of(found: Sequence[Figures]) -> Figures:
    """Shares and latencies averaged over runs of the same arrivals."""

    def mean(name: str) -> float:
        return float(np.mean([getattr(one, name) for one in found]))

    first = found[0]
    return Figures(
        calls=first.calls,
        met_share=mean("met_share"),
        batch_share=mean("batch_share"),
        spilled_share=mean("spilled_share"),
        double_paid_share=mean("double_paid_share"),
        expired_share=mean("expired_share"),
        saving_share=mean("saving_share"),
        added_p50_us=round(mean("added_p50_us")),
        added_p95_us=round(mean("added_p95_us")),
        batches=first.batches,
        biggest_batch=first.biggest_batch,
        peak_queued=first.peak_queued,
    )
