"""Rights used on what is known in time."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from worth_making import flat, offer, worked

from baseload.commit.clauses import StepDown, StepUp, Termination
from baseload.commit.paths import Paths, paths_of
from baseload.commit.simulate import simulate
from baseload.commit.worth.options import _decide, best_exercise, has_rights, use_well


def two_kinds(paths: int = 200) -> Paths:
    """Half of the paths use 100 a month for good, half 50; nothing else differs."""
    level = np.where(np.arange(paths) % 2 == 0, 100.0, 50.0)[:, None]
    return paths_of(level * np.ones((1, 12)))


def test_who_uses_less_steps_down_by_hand() -> None:
    """1,200 at 20 % is 960. Who uses 50 a month needs 600: half of the last six months' 600 may go, 300 x 0.8 back."""
    contract = flat("0.20", step_down=StepDown(windows=(6,), share=Decimal("0.5"))).sized(1_200)
    used = use_well(contract, two_kinds())
    assert used.usd[:2].tolist() == pytest.approx([960.0, 720.0])
    assert used.exercise.step_down is not None
    assert used.exercise.step_down[:2, 0].tolist() == [0.0, 0.5]


def test_the_exercise_costs_what_was_found() -> None:
    contract = offer(step_down=StepDown(windows=(4, 8), share=Decimal("0.4"))).sized(1_000_000)
    paths = worked()
    used = use_well(contract, paths)
    again = simulate(contract, paths, best_exercise(contract, paths)).cost_usd
    assert np.abs(used.usd - again).max() < 0.01
    assert used.usd.mean() < simulate(contract, paths).cost_usd.mean()


def test_notice_before_anything_is_known_decides_for_all_or_none() -> None:
    contract = offer(step_down=StepDown(windows=(6,), share=Decimal("0.4"), notice_months=6)).sized(1_000_000)
    used = use_well(contract, worked()).exercise.step_down
    assert used is None or len(np.unique(used)) == 1


def test_a_right_is_never_used_to_ones_cost() -> None:
    """Leaving a contract that every path fills costs; so nobody leaves."""
    contract = flat("0.20", 24, termination=Termination(month=12, share=Decimal(1))).sized(100)
    paths = paths_of(np.full((200, 24), 1_000.0))
    used = use_well(contract, paths)
    assert used.exercise.leave is None
    assert used.usd.tolist() == simulate(contract, paths).cost_usd.tolist()


def test_a_rule_that_saves_nothing_on_average_is_not_followed() -> None:
    """Saved -9, 0, 1, -2 at x = -1, 0, 1, 2: the line says that acting saves at x = 2 alone, where it costs 2."""
    wait, x = np.zeros(4), np.array([-1.0, 0.0, 1.0, 2.0])
    cost, known = np.array([9.0, 0.0, -1.0, 2.0]), np.stack([np.ones(4), x], axis=1)
    assert (known @ np.linalg.lstsq(known, cost, rcond=None)[0] < 0).tolist() == [False, False, False, True]
    found, chosen = _decide(wait, np.full(4, -1), [0], [cost], known)
    assert found.tolist() == [0.0] * 4
    assert chosen.tolist() == [-1] * 4


def test_who_grows_steps_up_for_the_discount() -> None:
    """Six months at 100 are committed, six more are seen to come: more commitment turns list into 20 % off."""
    contract = flat("0.20", step_up=StepUp(windows=(6,))).sized(600)
    paths = two_kinds()
    used = use_well(contract, paths)
    assert used.usd[0] < simulate(contract, paths).cost_usd[0]


def test_the_less_a_path_has_used_the_more_often_it_steps_down() -> None:
    contract = offer(step_down=StepDown(windows=(6,), share=Decimal("0.4"))).sized(1_000_000)
    paths = worked()
    down = best_exercise(contract, paths).step_down
    assert down is not None
    rate = paths.list_usd[:, 3:6].mean(axis=1)
    low, high = rate < np.quantile(rate, 0.15), rate > np.quantile(rate, 0.85)
    assert down[low].mean() > 0.3
    assert down[high].mean() < 0.05


def test_the_rule_sees_nothing_after_its_month() -> None:
    """Two paths with the same first six months do the same, whatever follows."""
    contract = offer(step_down=StepDown(windows=(6,), share=Decimal("0.4"))).sized(1_000_000)
    usage = worked().list_usd
    usage = np.concatenate([usage, usage])
    usage[600:, 6:] = usage[600:, 6:][::-1]
    down = best_exercise(contract, paths_of(usage)).step_down
    assert down is not None
    assert np.array_equal(down[:600], down[600:])


def test_contracts_without_rights_have_none() -> None:
    assert not has_rights(offer())
    assert not has_rights(offer(step_down=StepDown(windows=(6,), share=Decimal(0))))
    assert has_rights(offer(step_up=StepUp(windows=(6,))))
