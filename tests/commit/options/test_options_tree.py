"""Least-squares Monte Carlo against trees small enough to solve exactly, and what a right may never do."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pytest

from baseload.commit.clauses import Band, Overage, StepDown, StepUp, Termination, Unused
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.options.choices import SHARES
from baseload.commit.options.least_squares import exercise_of, foresight, least_squares
from baseload.commit.options.worth import Stage, _worth, right_worth, step_down_worth
from baseload.commit.paths import Paths, paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.simulate import simulate

COPIES = 60
HALF = StepDown(windows=(6,), share=Decimal("0.5"))


def bands(*steps: tuple[int, str]) -> tuple[Band, ...]:
    return tuple(Band(from_usd=Decimal(floor), discount=Decimal(discount)) for floor, discount in steps)


def offer(**terms: Any) -> Contract:
    """One year at 20 % off, list basis, overage at list, unused forfeited."""
    given: dict[str, Any] = {
        "term_months": 12,
        "commit_basis": "list",
        "bands": bands((0, "0.20")),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def tree(*halves: tuple[float, float]) -> Paths:
    """Equally likely paths of two monthly levels, six months each, so often that both halves of a sample know all."""
    one = np.array([[first] * 6 + [second] * 6 for first, second in halves])
    return paths_of(np.tile(one, (COPIES, 1)))


# 600 in the first half is followed by 720 or 480, 300 by 780 or 120: years of 1,320, 1,080, 1,080 and 420
TREE = tree((100, 120), (100, 80), (50, 130), (50, 20))


def test_a_step_down_at_a_fixed_size_is_worth_what_the_tree_says() -> None:
    """1,000 committed: 800 and overage, so 1,120, 880, 880 and 800; mean 920.

    Stepping down by half at month 6 takes 250 off: 600 and overage beyond 750. After 600 that is 1,170 or 930 on
    average 1,050 against 1,000: never. After 300 it is 930 or 600, 765 against 840: use it. (1,000 + 765) / 2 = 882.5.
    """
    sized = offer(step_down=HALF).sized(1_000)
    used = exercise_of(sized, TREE)
    assert simulate(sized, TREE).cost_usd.mean() == pytest.approx(920)
    assert simulate(sized, TREE, used).cost_usd.mean() == pytest.approx(882.5)
    assert used.step_down is not None
    np.testing.assert_allclose(used.step_down[:4, 0], [0, 0, 0.5, 0.5])


def test_foresight_keeps_the_commitment_on_the_path_that_recovers() -> None:
    # (1,120 + 880 + 880 + 600) / 4: no rule knows the third path from the fourth at month 6
    assert foresight(offer(step_down=HALF).sized(1_000), TREE, "step_down").mean() == pytest.approx(870)


def test_looking_the_band_up_again_takes_part_of_it() -> None:
    """Below 800 the discount is 10 %. After 300 in half a year, down to a key of 500: the six months that were
    committed at 20 % stay, 400; the 250 that remain cost 225; overage 330 or 0: 790 against 840 unused, 765 kept.
    """
    terms = {"bands": bands((0, "0.10"), (800, "0.20")), "step_down": HALF}
    for rule, cost in (("keep", 882.5), ("retier", 895.0)):
        sized = offer(**terms, step_down_band=rule).sized(1_000)
        assert simulate(sized, TREE, exercise_of(sized, TREE)).cost_usd.mean() == pytest.approx(cost)


def exact_two_stage(contract: Contract, paths: Paths, sizes: range) -> float:
    """The least expected cost over sizes, each node of the first half choosing for itself: the tree, solved."""
    least = np.inf
    for size in sizes:
        sized = contract.sized(size)
        costs = np.array([simulate(sized, paths).cost_usd] + [_stepped(sized, paths, part) for part in SHARES])
        nodes = costs.reshape(len(costs), COPIES, 2, 2).mean(axis=(1, 3))
        least = min(least, float(nodes.min(axis=0).mean()))
    return least


def _stepped(sized: Contract, paths: Paths, part: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    assert sized.step_down is not None
    share = np.full((paths.count, len(sized.step_down.windows)), 0.0)
    share[:, 0] = float(sized.step_down.share) * part
    return simulate(sized, paths, Exercise(step_down=share)).cost_usd


@pytest.mark.parametrize("share", ["0.2", "0.5"])
def test_size_and_right_together_come_to_the_solved_tree(share: str) -> None:
    contract = offer(step_down=StepDown(windows=(6,), share=Decimal(share)))
    found = right_worth(contract, TREE, "step_down")
    exact = exact_two_stage(contract, TREE, range(300, 1_400, 10))
    assert found.two_stage_usd == pytest.approx(exact, rel=0.005)
    # one stage: the fifth in a hundred of 420, 1,080, 1,080, 1,320 is 420: 336 + (900 + 660 + 660) / 4
    assert found.one_stage_usd == pytest.approx(891)
    assert found.value_usd == pytest.approx(891 - exact, abs=0.005 * 891)
    assert found.foresight_usd >= found.value_usd >= found.fixed_size_usd >= 0


def test_two_windows_wait_where_waiting_is_better() -> None:
    """Three levels of four months; at month 4 two nodes, at month 8 four. The tree is solved from its end."""
    levels = [(100, 110, 130), (100, 110, 90), (100, 60, 60), (100, 60, 20), (60, 90, 120), (60, 90, 60), (60, 30, 40),
              (60, 30, 10)]  # fmt: skip
    once = np.array([[month for level in path for month in [level] * 4] for path in levels], dtype=float)
    paths = paths_of(np.tile(once, (COPIES, 1)))
    sized = offer(step_down=StepDown(windows=(4, 8), share=Decimal("0.5"))).sized(1_000)
    unused = simulate(sized, paths_of(once)).cost_usd

    def used(window: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        costs = []
        for part in SHARES:
            share = np.zeros((8, 2))
            share[:, window] = 0.5 * part
            costs.append(simulate(sized, paths_of(once), Exercise(step_down=share)).cost_usd)
        return np.array(costs)

    late = np.minimum(unused.reshape(4, 2).mean(axis=1), used(1).reshape(4, 4, 2).mean(axis=2).min(axis=0))
    early = used(0).reshape(4, 2, 4).mean(axis=2).min(axis=0)
    exact = float(np.minimum(early, late.reshape(2, 2).mean(axis=1)).mean())
    found = exercise_of(sized, paths)
    assert simulate(sized, paths, found).cost_usd.mean() == pytest.approx(exact)
    assert exact < unused.mean()
    assert found.step_down is not None
    assert (found.step_down > 0).sum(axis=1).max() <= 1


def random_paths(count: int, seed: int = 0) -> Paths:
    rng = np.random.default_rng(seed)
    drift = rng.normal(0.02, 0.03, count)[:, None] * np.arange(12)
    return paths_of(80_000 * np.exp(np.cumsum(rng.normal(0, 0.12, (count, 12)), axis=1) + drift))


LADDER = bands((250_000, "0.10"), (500_000, "0.14"), (1_000_000, "0.18"))


@pytest.mark.parametrize("share", ["0.1", "0.3", "0.5"])
def test_keep_is_worth_at_least_retier_which_is_worth_at_least_nothing(share: str) -> None:
    contract = offer(bands=LADDER, step_down=StepDown(windows=(6,), share=Decimal(share)))
    keep, retier = step_down_worth(contract, random_paths(300))
    assert keep.value_usd >= retier.value_usd >= 0
    for one in (keep, retier):
        assert one.two_stage_usd <= one.one_stage_usd
        assert one.foresight_usd >= one.value_usd


def test_a_larger_share_is_worth_more() -> None:
    worths = [
        step_down_worth(offer(bands=LADDER, step_down=StepDown(windows=(6,), share=Decimal(share))), random_paths(300))
        for share in ("0.1", "0.5")
    ]
    assert worths[1][0].value_usd > worths[0][0].value_usd > 0


def test_a_right_that_no_knowledge_helps_is_worth_next_to_nothing() -> None:
    """The second half is drawn without regard to the first: about 720 for 15 paths of 100, 1,500 for the others.

    A dollar stepped down saves 0.80 and costs 1.00 of overage on 85 of 100 paths: keep it. Foresight steps down on the
    15, 0.15 x 0.8 x 250 = 30; regression must not pretend to.
    """
    rng = np.random.default_rng(4)
    second = rng.choice([20.0, 150.0], (1_000, 1), p=[0.15, 0.85]).repeat(6, axis=1)
    usage = np.concatenate([rng.uniform(95, 105, (1_000, 6)), second], axis=1)
    sized = offer(step_down=HALF).sized(1_000)
    paths = paths_of(usage)
    unused = simulate(sized, paths).cost_usd.mean()
    gained = unused - simulate(sized, paths, exercise_of(sized, paths)).cost_usd.mean()
    known = unused - foresight(sized, paths, "step_down").mean()
    assert known == pytest.approx(30, abs=3)
    assert 0 <= gained < 0.1 * known


def test_few_paths_of_noise_are_not_learned_by_heart() -> None:
    """Sixty paths and five figures to fit: judged on what it was learned on, a rule would gain a third of foresight.

    Judged on the other half, what is left is that a rule of no gain is not used, where one of a lucky gain is.
    """
    gained, known = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        sized = offer(step_down=HALF).sized(1_000)
        second = rng.choice([20.0, 150.0], (60, 1), p=[0.2, 0.8]).repeat(6, axis=1)
        paths = paths_of(np.concatenate([rng.uniform(60, 140, (60, 6)), second], axis=1))
        unused = simulate(sized, paths).cost_usd.mean()
        gained.append(unused - simulate(sized, paths, exercise_of(sized, paths)).cost_usd.mean())
        known.append(unused - foresight(sized, paths, "step_down").mean())
    assert np.mean(gained) < 0.15 * np.mean(known)


def test_a_right_with_notice_is_used_by_what_is_known_at_the_notice() -> None:
    """The first tree, its halves alike for four months: 75 a month, then 0 or 150 for two.

    At month 6 the nodes are known: 882.5 as before. At month 3 they are not, and 250 less on every path costs 600 and
    overage of 570, 330, 330 or 0: 907.5.
    """
    once = np.array([[75] * 4 + [start] * 2 + [end] * 6 for start, end in ((150, 120), (150, 80), (0, 130), (0, 20))])
    paths = paths_of(np.tile(once.astype(float), (COPIES, 1)))
    for notice, cost in ((0, 882.5), (3, 907.5)):
        right = StepDown(windows=(6,), share=Decimal("0.5"), notice_months=notice)
        sized = offer(step_down=right).sized(1_000)
        assert simulate(sized, paths, exercise_of(sized, paths)).cost_usd.mean() == pytest.approx(cost)


def test_what_was_found_for_retier_is_open_to_keep() -> None:
    contract = offer(step_down=HALF)
    share = np.tile(np.array([[0.0], [0.0], [0.0], [0.5]]), (COPIES, 1))  # foresight, handed in: 870 at 1,000
    stage = Stage((Decimal(1_000),), Exercise(step_down=share), 0.0)
    found, best = _worth(contract, TREE, "step_down", 0, "cost", also=[stage])
    assert found.two_stage_usd == min(best.cost, 870.0)
    assert best.cost == pytest.approx(min(870.0, right_worth(contract, TREE, "step_down").two_stage_usd))


def test_leaving_and_stepping_up_are_used_where_they_pay() -> None:
    """Every other path uses 40 a month, the others 100; both are known at month 6."""
    flat = paths_of(np.tile(np.array([[100.0] * 12, [40.0] * 12]), (COPIES, 1)))
    leaving = offer(termination=Termination(month=6, share=Decimal(0))).sized(1_200)
    # 40 a month: 960 unused; leaving pays 0.8 x 600 for the half signed, then 240 at list: 720
    used = exercise_of(leaving, flat)
    assert simulate(leaving, flat, used).cost_usd[:2] == pytest.approx([960, 720])
    # 480 committed: 384 and 720 of overage, 1,104. Up at month 6 to 1,200 a year: 840 for the year at 20 %, 360 over
    rising = offer(step_up=StepUp(windows=(6,))).sized(480)
    used = exercise_of(rising, flat)
    assert simulate(rising, flat, used).cost_usd[:2] == pytest.approx([0.8 * 840 + 360, 384])


def test_the_rule_plugs_into_the_search_and_never_costs() -> None:
    contract = offer(bands=LADDER, step_down=HALF)
    paths = random_paths(120)
    rule = least_squares(seed=3)
    alone, counted = optimum(contract, paths), optimum(contract, paths, rights=rule)
    assert counted.mean_usd <= alone.mean_usd * 1.002


def test_the_same_seed_gives_the_same_use_and_few_paths_use_nothing() -> None:
    sized = offer(bands=LADDER, step_down=HALF).sized(1_000_000)
    paths = random_paths(100)
    first, again = (exercise_of(sized, paths, seed=7).step_down for _ in range(2))
    assert first is not None
    assert again is not None
    assert first.tobytes() == again.tobytes()
    assert exercise_of(sized, random_paths(20)) == Exercise()


def test_a_right_the_offer_lacks_is_refused() -> None:
    with pytest.raises(CommitError, match="step_up"):
        right_worth(offer(step_down=HALF), TREE, "step_up")


def test_every_use_is_one_the_contract_allows() -> None:
    sized = offer(bands=LADDER, step_down=StepDown(windows=(3, 6, 9), share=Decimal("0.3"), notice_months=2, count=2))
    paths = random_paths(200)
    for seed, commit in product(range(2), (500_000, 1_500_000)):
        one = sized.sized(commit)
        used = exercise_of(one, paths, seed=seed)
        assert simulate(one, paths, used).cost_usd.mean() <= simulate(one, paths).cost_usd.mean()
