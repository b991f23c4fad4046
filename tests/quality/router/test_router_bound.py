"""The bound: exact by hand where it can be, and an error rate that is kept where it cannot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baseload.quality.router.bound import by_cluster, clusters_needed, in_sequence, least_clusters, shown, weight

ALPHA, FLOOR = 0.10, 0.95


def walks(losses: float, wins: float, right: float, rows: int, columns: int, seed: int) -> np.ndarray:
    """Differences of prompts: lost (strong right alone), won (weak right alone), both right, both wrong."""
    drawn = np.random.default_rng(seed).random((rows, columns))
    edges = np.cumsum([losses, wins, right])
    return np.select([drawn < edges[0], drawn < edges[1], drawn < edges[2]], [-FLOOR, 1.0, 1 - FLOOR], 0.0)


def test_prompts_without_which_nothing_is_shown() -> None:
    """Never a loss, always right: at most 1 + 0.95/0.95 x 0.05 = 1.05 a prompt; ln 10 / ln 1.05 = 47.2."""
    assert least_clusters(0.05, FLOOR, ALPHA) == 48
    never = np.full((48, 1), 0.05)
    assert shown(never, FLOOR, ALPHA, np.array([0.0025]))[0]
    assert not shown(never[:47], FLOOR, ALPHA, np.array([0.0025]))[0]


def test_what_is_believed_shrinks_with_the_clusters() -> None:
    """Sizes 2, 1 and 1 over 2: (1 + 1/4 + 1/4) / 3; all alike: 1."""
    assert weight(np.array([0, 0, 1, 2])) == 0.5
    assert weight(np.array([0, 1, 2, 0, 1, 2])) == 1


@pytest.mark.parametrize(("rows", "losses"), [(100, 0.05), (300, 0.05), (300, 0.12), (1000, 0.2)])
def test_a_policy_on_the_floor_is_passed_at_most_alpha_of_the_time(rows: int, losses: float) -> None:
    """Mean 0: losses x 0.95 = wins + right x 0.05, with right = 0.6."""
    wins = losses * FLOOR - 0.6 * 0.05
    found = walks(losses, wins, 0.6, rows, 2000, seed=rows)
    passed = shown(found, FLOOR, ALPHA, np.full(2000, 0.1)).mean()
    assert passed <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 2000)
    if rows >= 300:
        assert (found.mean(axis=0) >= 0).mean() > 0.3  # what a point estimate would have passed


def test_a_policy_above_the_floor_is_found_at_the_number_that_was_planned() -> None:
    """One loss and one win in ten, right 0.6: mean 0.035."""
    sample = walks(0.1, 0.1, 0.6, 20_000, 1, seed=3)
    needed = clusters_needed(sample, FLOOR, ALPHA)
    assert needed is not None
    found = walks(0.1, 0.1, 0.6, needed, 1000, seed=4)
    assert 0.70 <= shown(found, FLOOR, ALPHA, np.full(1000, 0.1)).mean() <= 0.95


def test_no_number_shows_what_is_not_so() -> None:
    assert clusters_needed(np.array([[-0.95], [0.05]]), FLOOR, ALPHA) is None


def test_the_first_failure_ends_the_sequence() -> None:
    assert in_sequence(np.array([True, True, False, True])) == 2
    assert in_sequence(np.array([False, True])) == 0
    assert in_sequence(np.array([True, True])) == 2


def test_clusters_count_once_and_weigh_as_calls() -> None:
    """A session of two that loses both, one call that wins: -1.9/2 and 1/2."""
    found = by_cluster(np.array([[-0.95], [-0.95], [1.0]]), np.array([0, 0, 1]))
    assert found[:, 0].tolist() == pytest.approx([-0.95, 0.5])


def test_sessions_that_lose_together_keep_the_error_rate() -> None:
    """The same boundary, in sessions of five equal calls."""
    single = walks(0.1, 0.065, 0.6, 100, 1000, seed=9)
    clustered = np.repeat(single, 5, axis=0)
    cluster = np.repeat(np.arange(100), 5)
    spread = np.full(1000, 0.1)
    assert shown(by_cluster(clustered, cluster), FLOOR, ALPHA, spread).mean() <= ALPHA + 0.03
    assert shown(clustered, FLOOR, ALPHA, spread).mean() > 0.15  # calls taken as independent would not
