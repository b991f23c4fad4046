"""The alarm's promises, simulated: quality.md section 5 at 2 points of margin and 5 % discordance.

`make test` runs a hundredth of it; `make prove` all, and writes the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from watch_terms import on, started

from baseload.errors import UsageError
from baseload.quality.watch.detector import STAKES, Evidence, Floats, levels, moved
from baseload.quality.watch.events import Graded
from baseload.quality.watch.shadow import drawn, pairs_to_alarm, shadow_plan

MARGIN, DISCORDANCE = 0.02, 0.05
# mean of D -> median pairs to the alarm at A = 1,000 and 10,000
PUBLISHED = {-0.03: (5126, 7843), -0.04: (1275, 1836), -0.06: (404, 515), -0.10: (192, 244), -0.20: (80, 105)}


def run_lengths(mean: float, alarm: float, routes: int, most: int, seed: int, careless: bool = False) -> Floats:
    """Pairs until the alarm of each route; `most` where none came. `careless`: the planted fault, a stake that
    has seen its D and is withdrawn where it would lose."""
    rng = np.random.default_rng(seed)
    lengths, going = np.full(routes, float(most)), np.arange(routes)
    values = np.zeros((routes, len(STAKES)))
    for pair in range(1, most + 1):
        grown = moved(values, drawn(rng, len(going), mean, DISCORDANCE), MARGIN)
        values = np.maximum(values, grown) if careless else grown
        over = levels(values) >= alarm
        if over.any():
            lengths[going[over]] = pair
            going, values = going[~over], values[~over]
            if not len(going):
                break
    return lengths


def check_medians(mean: float, routes: int, within: float) -> dict[int, int]:
    found = {}
    for alarm, published in zip((1_000, 10_000), PUBLISHED[mean], strict=True):
        median = pairs_to_alarm(mean, margin=MARGIN, discordance=DISCORDANCE, alarm=alarm, routes=routes, seed=3)
        assert median == pytest.approx(published, rel=within)
        found[alarm] = median or 0
    return found


@pytest.mark.parametrize("mean", PUBLISHED)
def test_a_loss_is_noticed_after_the_published_number_of_pairs(mean: float) -> None:
    check_medians(mean, 200, 0.15)


@pytest.mark.prove
@pytest.mark.parametrize("mean", PUBLISHED, ids=lambda mean: f"mean {mean * 100:g} pt")
def test_pairs_to_the_alarm_are_the_published_ones(mean: float, record_property: Callable[[str, object], None]) -> None:
    found = check_medians(mean, 4000, 0.12)
    for alarm, published in zip((1_000, 10_000), PUBLISHED[mean], strict=True):
        record_property(f"median pairs, A = {alarm:,}", found[alarm])
        record_property(f"published, A = {alarm:,}", published)


@pytest.mark.parametrize("mean", [0.0, -0.01])
def test_a_candidate_within_its_margin_is_left_alone(mean: float) -> None:
    assert (run_lengths(mean, 1_000, 40, 5_000, seed=4) < 5_000).sum() == 0


@pytest.mark.prove
@pytest.mark.parametrize("mean", [0.0, -0.01], ids=lambda mean: f"mean {mean * 100:g} pt")
def test_no_alarm_in_twenty_thousand_pairs_within_the_margin(
    mean: float, record_property: Callable[[str, object], None]
) -> None:
    lengths = run_lengths(mean, 1_000, 1_000, 20_000, seed=4)
    share = float((lengths < 20_000).mean())
    record_property("routes with an alarm in 20,000 pairs, A = 1,000", f"{share:.2%} of 1,000")
    assert share <= 0.01
    assert np.median(lengths) == 20_000


@pytest.mark.parametrize("alarm", [100, 1_000])
def test_on_the_margin_false_alarms_are_at_least_a_pairs_apart(alarm: int) -> None:
    assert run_lengths(-MARGIN, alarm, 200, 4 * alarm, seed=5).mean() >= alarm  # cut off at 4 A: a lower bound


@pytest.mark.prove
@pytest.mark.parametrize("alarm", [100, 1_000, 10_000], ids=lambda alarm: f"A = {alarm:,}")
def test_the_mean_run_on_the_margin_is_at_least_a(alarm: int, record_property: Callable[[str, object], None]) -> None:
    lengths = run_lengths(-MARGIN, alarm, 1_000, 8 * alarm, seed=5)
    error = float(lengths.std()) / len(lengths) ** 0.5
    record_property("mean run, cut off at 8 A", f"{lengths.mean():.0f} ± {error:.0f}")
    assert lengths.mean() - 3 * error >= alarm


def test_a_stake_that_sees_the_difference_is_caught() -> None:
    assert run_lengths(-MARGIN, 1_000, 200, 4_000, seed=5, careless=True).mean() < 1_000


def test_a_route_alarms_at_the_very_pair_of_the_simulation() -> None:
    # one route told pair by pair, and the same differences through the simulation's arrays
    differences = drawn(np.random.default_rng(8), 400, -0.3, 0.3)
    values = np.zeros((1, len(STAKES)))
    pairs = 0
    while levels(values)[0] < 1_000:
        values = moved(values, differences[pairs : pairs + 1], MARGIN)
        pairs += 1
    route = started()
    for difference in differences:
        route = on(route, Graded(at_us=0, d=float(difference)))
    assert route.rolled_back is not None
    assert (route.evidence.pairs, route.evidence.values) == (pairs, tuple(values[0].tolist()))


def test_evidence_by_hand() -> None:
    # margin 0.25: the largest stake is 0.9 / 1.25 = 0.72, so 1 + 0.72 x 0.75 = 1.54, then x (1 - 0.72 x 1.25) = 0.1
    # of that, and from below 1 it starts at 1 again
    evidence = Evidence().seen(-1.0, 0.25)
    assert evidence.values[-1] == pytest.approx(1.54)
    evidence = evidence.seen(1.0, 0.25)
    assert evidence.values[-1] == pytest.approx(0.154)
    assert evidence.seen(-1.0, 0.25).values[-1] == pytest.approx(1.54)
    assert evidence.pairs == 2


def test_evidence_stays_a_finite_number() -> None:
    evidence = Evidence()
    for _ in range(500):
        evidence = evidence.seen(-1.0, 0.02)
    assert evidence.is_sound
    assert evidence.level <= 1e15


def test_the_shadow_share_is_pairs_to_the_alarm_over_calls_in_time() -> None:
    plan = shadow_plan(margin=0.02, discordance=0.05, calls_per_day=5_000, usd_per_call=Decimal("0.02"), days=7)
    assert plan.pairs == pytest.approx(404, rel=0.15)  # three margins: 6 points
    assert plan.share == pytest.approx((plan.pairs or 0) / 35_000, abs=1e-4)
    assert plan.share * 35_000 >= (plan.pairs or 0)
    assert plan.in_time
    assert plan.days is not None
    assert plan.days <= 7
    # batch is half price: 5,000 calls x share x $0.01
    assert plan.usd_per_day == 5_000 * Decimal(str(plan.share)) * Decimal("0.01")


def test_two_percent_of_calls_cost_one_percent_of_the_old_bill() -> None:
    # 404 pairs or so of 2,886 calls a day for 7 days: 2 %; the old bill is 2,886 x $0.02 a day
    plan = shadow_plan(margin=0.02, discordance=0.05, calls_per_day=2886, usd_per_call=Decimal("0.02"))
    assert plan.share == pytest.approx(0.02, rel=0.15)
    assert plan.usd_per_day / (2886 * Decimal("0.02")) == Decimal(str(plan.share)) / 2


def test_too_few_calls_are_all_paired_and_said_to_be_too_few() -> None:
    plan = shadow_plan(margin=0.02, discordance=0.05, calls_per_day=10, usd_per_call=Decimal("0.02"),
                       usd_per_grade=Decimal("0.01"), transport="synchronous")  # fmt: skip
    assert (plan.share, plan.in_time) == (1.0, False)
    assert plan.days == pytest.approx(40, rel=0.15)
    assert plan.usd_per_day == Decimal("0.30")


def test_a_loss_within_the_margin_is_no_loss_to_plan_for() -> None:
    assert pairs_to_alarm(-0.01, margin=0.02, discordance=0.05, routes=20, most=2_000) is None
    with pytest.raises(UsageError, match=r"mean -2"):
        pairs_to_alarm(-2, margin=0.02, discordance=0.05)
    with pytest.raises(UsageError, match=r"calls_per_day 0"):
        shadow_plan(margin=0.02, discordance=0.05, calls_per_day=0, usd_per_call=Decimal(1))
    with pytest.raises(UsageError, match=r"usd_per_call -1"):
        shadow_plan(margin=0.02, discordance=0.05, calls_per_day=1, usd_per_call=Decimal(-1))
