"""When to sign: five plans on the same paths, worked out by hand, and what would change the answer."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from timing_making import bands, both, offer, two_fates

from baseload.commit.clauses import Bridge, PriceRule, StepDown, Termination
from baseload.commit.founding import founding_contract, ramping_paths
from baseload.commit.paths import paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.timing.breakeven import break_evens
from baseload.commit.timing.informed import signed_then
from baseload.commit.timing.plans import PLANS, price_plans, timings
from baseload.commit.timing.shorten import shortened


def costs(*args: object, **terms: object) -> dict[str, float]:
    return {one.plan: one.expected_cost_usd for one in timings(*args, **terms)}  # type: ignore[arg-type]


def test_without_savings_the_plans_are_one_but_for_the_discount_that_comes_late() -> None:
    """1,200 at 20 % off is 960. Three months at list first: 300 + 0.8 x 900 = 1,020; nine: 900 + 240 = 1,140."""
    found = costs(offer(), both([100.0] * 12))
    assert found == pytest.approx(
        {"sign_now": 960, "bridge": 1_020, "route_first": 1_140, "day_0": 960, "on_demand": 1_200}
    )


def test_a_band_is_reached_by_what_a_part_of_a_year_is_a_part_of() -> None:
    # 900 in nine months is 1,200 a year: over the band's 1,000, so 20 % off as before
    found = costs(offer(bands=bands((1_000, "0.20"))), both([100.0] * 12))
    assert found["bridge"] == pytest.approx(1_020)
    # a total of 900 is nine twelfths of a total of 1,200, and so is its band
    total = offer(bands=bands((1_000, "0.20")), band_key="tcv")
    assert costs(total, both([100.0] * 12))["bridge"] == pytest.approx(1_020)


def test_the_founding_example_by_all_five_plans() -> None:
    """2M as billed; routed, 400,000 in three months and 66,667 a month after them: 1.0M.

    Sign now on 2M: 1.6M. Bridge or route first for three months: 400,000 + 0.8 x 600,000. Nine months: 800,000 + 0.8 x
    200,000. On what the plan leaves: 0.8M. On demand: 1.0M.
    """
    contract = founding_contract(Decimal(0), 12)
    scenarios = {"none": paths_of(np.full((1, 12), 2e6 / 12)), "expected": ramping_paths(1)}
    found = timings(contract, scenarios)
    assert [one.plan for one in found] == list(PLANS)
    assert [one.expected_cost_usd for one in found] == pytest.approx([1.6e6, 880_000, 960_000, 800_000, 1e6])
    assert [one.commit_usd_by_year for one in found] == [
        (Decimal(2_000_000),), (Decimal(600_000),), (Decimal(200_000),), (Decimal(1_000_000),), (),
    ]  # fmt: skip
    assert [one.cheapest for one in found] == [False, False, False, True, False]
    assert costs(contract, scenarios, delay_months=3)["route_first"] == pytest.approx(880_000)


def test_a_bridge_costs_what_its_own_terms_say() -> None:
    # 240 committed at 10 % off: 216, 60 of overage at list; then 0.8 x 900
    bridged = offer(bridge=Bridge(term_months=3, discount=Decimal("0.10"), commit_usd=Decimal(240)))
    assert costs(bridged, both([100.0] * 12))["bridge"] == pytest.approx(216 + 60 + 720)
    # over six months its commitment is twice that: 432 + 120 + 0.8 x 600
    assert costs(bridged, both([100.0] * 12), bridge_months=6)["bridge"] == pytest.approx(432 + 120 + 480)


def test_waiting_wins_where_what_comes_is_known_soon_and_uncertain_now() -> None:
    """600 or 1,800 a year, half each. Now: the fifth in a hundred is 600: 480, and 1,200 of overage on one half: 1,080.

    After three months each half signs what it is: 150 + 0.8 x 450 and 450 + 0.8 x 1,350, on average 1,020.
    """
    found = {one.plan: one for one in timings(offer(), both(two_fates(50, 150)), delay_months=3)}
    assert found["day_0"].expected_cost_usd == pytest.approx(1_080)
    assert found["route_first"].expected_cost_usd == pytest.approx(1_020)
    assert found["route_first"].cheapest
    assert found["route_first"].signs_in_month == 3
    assert (found["route_first"].commit_low_usd, found["route_first"].commit_high_usd) == (450, 1_350)
    assert found["route_first"].p10_usd == pytest.approx(510)
    assert found["route_first"].p90_usd == pytest.approx(1_530)


def test_break_evens_of_the_two_fates() -> None:
    """Waiting N months costs 960 + 20 N against 1,080: less for up to five months, no longer at six.

    At a discount d after three months, 300 + 900 (1 - d) = 1,080 at d = 13.3 %: 6.7 points worse. With the price held
    and a rise g from month 3 on: signed now 1,080 + 600 g, later 1,020 + 720 g, equal at 50 %.
    """
    held = offer(price_rule=PriceRule(rule="fixed_price"))
    delay, points, rise = break_evens(held, both(two_fates(50, 150)), delay_months=3)
    assert (delay.kind, delay.pays, delay.value) == ("delay_months", True, 6.0)
    assert points.value == pytest.approx(0.2 / 3, abs=0.002)
    assert rise.value == pytest.approx(0.5, abs=0.005)
    assert "6.7 points" in points.says or "6.6 points" in points.says


def test_a_price_rise_changes_nothing_where_the_discount_is_off_each_months_list() -> None:
    *_, rise = break_evens(offer(), both(two_fates(50, 150)), delay_months=3)
    assert rise.value is None
    assert "meets who signed as well" in rise.says


def test_where_signing_now_wins_the_break_even_is_how_much_better_later_terms_must_be() -> None:
    """960 now against 300 + 900 (1 - d) after three months: equal at d = 26.7 %, 6.7 points better."""
    delay, points, _ = break_evens(offer(), both([100.0] * 12), delay_months=3)
    assert (delay.pays, delay.value) == (False, None)
    assert not points.pays
    assert points.value == pytest.approx(-0.2 / 3, abs=0.002)


def test_what_is_known_at_signing_is_the_run_rate() -> None:
    fates = two_fates(50, 150)
    signed = signed_then(offer(), paths_of(fates), 3)
    assert sorted(np.concatenate([one.rows for one in signed]).tolist()) == list(range(400))
    for one in signed:
        # 400 paths are four groups of a hundred, each in two halves
        assert len(one.rows) == 50
        assert one.contract.commit_usd_by_year[0] == int(9 * fates[one.rows[0], 0])


def test_no_path_is_sized_on_its_own_future() -> None:
    """The same three months, then 100 a month on every other path and 200 on the rest: each half signs the other's."""
    usage = np.full((60, 12), 150.0)
    usage[::2, 3:], usage[1::2, 3:] = 100, 200
    for one in signed_then(offer(), paths_of(usage), 3):
        assert one.contract.commit_usd_by_year[0] == 9 * (200 if one.rows[0] % 2 == 0 else 100)


def test_the_future_does_not_reach_the_signing() -> None:
    rng = np.random.default_rng(2)
    seen = rng.uniform(50, 150, (200, 1)).repeat(6, axis=1)
    later = np.tile(rng.uniform(50, 150, (200, 1)), 6)
    usage = np.concatenate([seen, later], axis=1)
    # what is seen says nothing of what comes: waiting six months cannot beat signing now by more than luck
    found = costs(offer(), both(usage), delay_months=6)
    assert found["route_first"] > found["day_0"]


def test_day_0_is_never_dearer_than_signing_on_todays_demand() -> None:
    rng = np.random.default_rng(5)
    none = 1e5 * np.exp(np.cumsum(rng.normal(0, 0.1, (300, 12)), axis=1))
    expected = none * (1 - rng.uniform(0.3, 0.7, (300, 1)) * np.minimum(np.arange(12) / 3, 1))
    ladder = offer(bands=bands((250_000, "0.10"), (500_000, "0.14"), (1_000_000, "0.18")))
    found = costs(ladder, both(none, expected))
    assert found["day_0"] <= found["sign_now"] * (1 + 1e-9)
    assert found["day_0"] <= found["on_demand"] * (1 + 1e-9)
    assert found["day_0"] == pytest.approx(optimum(ladder, both(expected)["none"]).mean_usd)


def test_present_value_counts_when_money_leaves() -> None:
    """On demand 100 at each month's end; at 10 % a year that is sum of 100 x 1.1 ^ (-k / 12), k = 1 to 12: 1,139.4."""
    found = {one.plan: one for one in timings(offer(), both([100.0] * 12), wacc=0.1)}
    assert found["on_demand"].npv_usd == pytest.approx(sum(100 * 1.1 ** (-k / 12) for k in range(1, 13)))
    assert found["sign_now"].npv_usd == pytest.approx(960)  # paid on the first day
    assert found["on_demand"].expected_cost_usd == 1_200


def test_delays_are_cut_to_the_term_and_missing_scenarios_are_refused() -> None:
    short = offer(term_months=6)
    (waits,) = price_plans(short, both([100.0] * 6), delay_months=9, plans=("route_first",))
    assert waits.signs_in_month == 5
    with pytest.raises(CommitError, match="no expected"):
        timings(offer(), {"none": paths_of(np.ones((1, 12)))})
    with pytest.raises(CommitError, match="usage: 6 months"):
        timings(offer(), both([1.0] * 6))
    with pytest.raises(CommitError, match="delay: 0 months"):
        timings(offer(), both([1.0] * 12), delay_months=0)


def test_a_shorter_contract_keeps_the_rights_whose_day_still_comes() -> None:
    whole = offer(
        term_months=24,
        step_down=StepDown(windows=(6, 18), share=Decimal("0.2"), count=2),
        termination=Termination(month=20),
        price_rule=PriceRule(rule="fixed_price"),
        hold_months=20,
    )
    cut = shortened(whole, 15)
    assert cut.step_down is not None
    assert (cut.step_down.windows, cut.step_down.count) == ((6,), 1)
    assert cut.termination is None
    assert cut.hold_months == 15
    assert cut.band_key == "average_annual"
    assert shortened(whole, 12).band_key == "annual_commit"


def test_the_same_input_gives_the_same_figures() -> None:
    usage = np.random.default_rng(1).uniform(50, 150, (200, 12))
    assert timings(offer(), both(usage)) == timings(offer(), both(usage))
