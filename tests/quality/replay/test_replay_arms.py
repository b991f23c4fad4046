"""The arms as data."""

from __future__ import annotations

from collections import Counter

from baseload.quality.replay.arms import DEFECTS, planned_arms

CALLS = [f"c{place}" for place in range(300)]


def test_a_judged_trial_has_placebo_and_seeded_pairs_apart_from_each_other() -> None:
    arms = planned_arms(CALLS, seed=1, judged=True)
    assert (len(arms.candidate), len(arms.incumbent_again), len(arms.placebo)) == (300, 100, 100)
    assert not set(arms.placebo) & {one.call for one in arms.seeded_bad}
    assert Counter(one.defect for one in arms.seeded_bad) == dict.fromkeys(DEFECTS, 12)
    assert Counter(one.side for one in arms.seeded_bad) == {"candidate": 30, "incumbent": 30}
    assert {(one.defect, one.side) for one in arms.seeded_bad} == {
        (defect, side) for defect in DEFECTS for side in ("candidate", "incumbent")
    }


def test_arms_keep_the_sample_s_order_and_depend_on_the_seed_alone() -> None:
    arms = planned_arms(CALLS, seed=1, judged=True)
    assert list(arms.placebo) == [call for call in CALLS if call in set(arms.placebo)]
    assert arms == planned_arms(CALLS, seed=1, judged=True)
    assert arms.placebo != planned_arms(CALLS, seed=2, judged=True).placebo


def test_gold_labels_need_no_control_and_a_noise_floor_needs_every_call() -> None:
    gold = planned_arms(CALLS, seed=1, judged=False)
    assert (gold.incumbent_again, gold.placebo, gold.seeded_bad) == ((), (), ())
    assert planned_arms(CALLS, seed=1, judged=False, noise_floor=True).incumbent_again == tuple(CALLS)


def test_a_small_sample_uses_what_it_has() -> None:
    arms = planned_arms(CALLS[:5], seed=1, judged=True)
    assert (len(arms.placebo), len(arms.seeded_bad)) == (5, 5)
