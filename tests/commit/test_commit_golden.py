"""Contracts worked out by hand, one clause each. The arithmetic stands beside the expectation."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from commit_making import LADDER, bands, contract, even, monthly
from msgspec.structs import replace

from baseload.commit.audit import UsageMonth
from baseload.commit.clauses import (
    Band,
    CarryForward,
    CarveOut,
    Channel,
    Overage,
    PriceRule,
    RollCondition,
    StepDown,
    StepUp,
    Termination,
    TrueForward,
    Unused,
)
from baseload.commit.contract import Contract
from baseload.commit.exercise import Exercise
from baseload.commit.outcome import Outcome
from baseload.commit.paths import Paths
from baseload.commit.simulate import simulate
from baseload.commit.single_path import audit


def cost(one: Contract, paths: Paths, exercise: Exercise | None = None) -> float:
    """Cash of the only path; the exact ledger must say the same where nobody exercises a right."""
    found: Outcome = simulate(one, paths, exercise) if exercise else simulate(one, paths)
    if exercise is None and not one.channel.shadow_value and paths.months == one.term_months:
        rows = audit(one, _usage(paths))
        assert float(sum(row.cash_usd for row in rows)) == pytest.approx(found.cost_usd[0], abs=0.005)
    return float(found.cost_usd[0])


def _usage(paths: Paths) -> list[UsageMonth]:
    def at(array: Any, month: int, otherwise: float) -> Decimal:
        return Decimal(repr(float(otherwise if array is None else array[0, month])))

    return [
        UsageMonth(
            list_usd=at(paths.list_usd, month, 0),
            price_index=at(paths.price_index, month, 1),
            metering=at(paths.metering, month, 1),
            new_model_share=at(paths.new_model_share, month, 0),
        )
        for month in range(paths.months)
    ]


TERMS: dict[str, tuple[dict[str, Any], float, float]] = {
    # 1,000 committed at 20 %: (terms, cost of 400 used, cost of 1,500 used)
    "overage at list": ({}, 800, 800 + 500),
    "overage committed": ({"overage": Overage(rule="committed")}, 800, 800 + 500 * 0.8),
    "overage at 1.2 x the committed rate": (
        {"overage": Overage(rule="multiple", multiple=Decimal("1.2"))},
        800,
        800 + 500 * 0.96,
    ),
    "overage at the next band": ({"overage": Overage(rule="next_band"), "bands": LADDER}, 800, 800 + 500 * 0.7),
    "half of unused refunded": ({"unused": Unused(rule="refund", share=Decimal("0.5"))}, 800 - 0.5 * 0.8 * 600, 1_300),
    "points for paying upfront, not taken": ({"prepay_discount": Decimal("0.03")}, 800, 1_300),
    "prepaid for 3 points": ({"payment": "upfront", "prepay_discount": Decimal("0.03")}, 770, 770 + 500),
    "arrears": ({"payment": "arrears"}, 320 + 480, 800 + 500),
    "arrears, shortfall at list": ({"payment": "arrears", "shortfall_rate": "list"}, 320 + 600, 800 + 500),
    # 50 credits are drawn first: 450 of 1,500 exceed
    "credits": ({"credits_usd": Decimal(50)}, 800, 800 + 450),
    "seats and support": ({"seats_usd_per_month": Decimal(2), "support_usd_per_year": Decimal(30)}, 854, 1_354),
    # a tenth of usage is outside at list: 360 and 1,350 draw
    "carved out": ({"carve_outs": (CarveOut(name="x", usage_share=Decimal("0.1")),)}, 40 + 800, 150 + 800 + 350),
    # thousands at 20 %, the first 900 at 10 %, the first 100 at none: 100 + 810 = 910; beyond 1,000 at 20 %
    "marginal bands": (
        {"band_mode": "marginal", "bands": LADDER, "overage": Overage(rule="committed")},
        100 + 810,
        910 + 400,
    ),
}


@pytest.mark.parametrize("name", TERMS)
def test_a_year_of_a_thousand_committed(name: str) -> None:
    terms, little, much = TERMS[name]
    one = contract(1_000, **terms)
    assert cost(one, even(400)) == pytest.approx(little)
    assert cost(one, even(1_500)) == pytest.approx(much)


def test_net_basis_draws_dollars_after_the_discount() -> None:
    """800 net at 20 % cover 1,000 list. 1,500 used: 1,200 net, 400 beyond; at list 500, at the committed rate 400."""
    one = contract(800, commit_basis="net")
    assert cost(one, even(400)) == pytest.approx(800)
    assert cost(one, even(1_500)) == pytest.approx(800 + 500)
    assert cost(replace(one, overage=Overage(rule="committed")), even(1_500)) == pytest.approx(800 + 400)


def test_retroactive_overage_rates_the_whole_year_at_the_band_it_reached() -> None:
    """500 committed at 10 %: 450. 1,500 used reach the 20 % band at 1,000: the year costs 1,500 x 0.8 = 1,200."""
    one = contract(500, bands=LADDER, overage_retro=True)
    assert cost(one, even(999)) == pytest.approx(450 + 499)
    assert cost(one, even(1_500)) == pytest.approx(1_200)
    whole = monthly(*[83.25] * 11, 84.25)  # 1,000: the jump, one dollar more costs 149 less
    assert cost(one, whole) == pytest.approx(800)


def test_unused_rolls_into_the_next_year_and_no_further() -> None:
    """Year 1: 600 of 1,000 unused; half of it rolls, 300. Year 2: 1,200 used = 300 rolled + 900 new. Never more due."""
    one = contract(1_000, 1_000, unused=Unused(rule="roll", months=12, share=Decimal("0.5")))
    assert cost(one, even(400, 1_200)) == pytest.approx(1_600)
    assert cost(one, even(400, 1_400)) == pytest.approx(1_600 + 100)
    found = simulate(one, even(400, 1_200))
    assert (found.drawn[0], found.lost[0]) == (pytest.approx(1_600), pytest.approx(350))
    assert found.left[0] == pytest.approx(50)  # half of the 100 that year 2 leaves, for a renewal alone


def test_a_roll_has_a_cap_a_window_and_a_condition() -> None:
    """Of 600 unused 10 % of 1,000 roll; or 600 for 3 months, in which 350 are used; or nothing into a smaller year."""
    usage = even(400, 1_400)
    capped = Unused(rule="roll", months=12, cap=Decimal("0.1"))
    assert cost(contract(1_000, 1_000, unused=capped), usage) == pytest.approx(1_600 + 300)
    short = Unused(rule="roll", months=3)
    assert cost(contract(1_000, 1_000, unused=short), usage) == pytest.approx(1_600 + 1_400 - 350 - 1_000)
    condition = RollCondition(renew_at_least=Decimal(1))
    rolled = {"unused": Unused(rule="roll", months=12), "roll_condition": condition}
    assert cost(contract(1_000, 1_000, **rolled), usage) == pytest.approx(1_600)
    assert cost(contract(1_000, 900, **rolled), usage) == pytest.approx(1_520 + 500)


def test_new_dollars_first_lets_rolled_ones_expire() -> None:
    """Year 1 leaves 600, rolled for 12 months. Year 2 uses 1,000, year 3 1,600.

    Rolled first: year 2 draws 600 rolled + 400 new and leaves 600 new, year 3 draws 600 rolled + 1,000 new: no overage.
    New first: year 2 draws 1,000 new, the 600 expire; year 3 draws 1,000 new and pays 600 at list.
    """
    one = contract(1_000, 1_000, 1_000, unused=Unused(rule="roll", months=12))
    usage = even(400, 1_000, 1_600)
    assert cost(one, usage) == pytest.approx(2_400)
    assert cost(replace(one, roll_order="new_first"), usage) == pytest.approx(2_400 + 600)


def test_unused_as_a_credit_pays_excess_at_list() -> None:
    """600 unused cost 480: that pays 480 of the 500 list dollars that year 2 exceeds by, at 0.8 or 1 each."""
    one = contract(1_000, 1_000, unused=Unused(rule="credit", months=12))
    usage = even(400, 1_500)
    assert cost(one, usage) == pytest.approx(1_600 + 20)
    assert cost(replace(one, overage=Overage(rule="committed")), usage) == pytest.approx(1_600 + 20 * 0.8)
    short = replace(one, unused=Unused(rule="credit", months=9))  # 125 a month: 9 months draw 1,000 and exceed by 125
    assert cost(short, usage) == pytest.approx(1_600 + 500 - 125)


def test_an_extension_draws_beyond_the_term() -> None:
    """600 unused last 6 months more; 75 a month are used after the term: 450 drawn, 150 lost, month 19 at list."""
    one = contract(1_000, unused=Unused(rule="extend", months=6))
    usage = monthly(*[400 / 12] * 12, *[75.0] * 7)
    found = simulate(one, usage)
    assert found.cost_usd[0] == pytest.approx(800 + 75)
    assert (found.drawn[0], found.lost[0]) == (pytest.approx(850), pytest.approx(150))


def test_excess_carried_forward_lowers_next_years_commitment() -> None:
    """500 exceed in year 1; half, 250, off year 2's 1,000 - or 100, where the cap is 20 % of 1,000 shared by half."""
    one = contract(1_000, 1_000, carry_forward=CarryForward(share=Decimal("0.5")))
    assert cost(one, even(1_500, 600)) == pytest.approx(800 + 500 + 0.8 * 750)
    capped = replace(one, carry_forward=CarryForward(share=Decimal("0.5"), cap=Decimal("0.2")))
    assert cost(capped, even(1_500, 600)) == pytest.approx(800 + 500 + 0.8 * 900)
    upfront = replace(one, payment="upfront")  # paid 1,600 at signature; 200 come back at the start of year 2
    found = simulate(upfront, even(1_500, 600))
    assert found.lines["resettled"][0, 12] == pytest.approx(-200)


def test_true_forward_raises_next_year_to_the_peak_annualized() -> None:
    """A peak month of 200 is 2,400 a year; 70 % of it, 1,680, is the least of year 2. The quarter's peak is 1,200."""
    usage = monthly(200.0, *[50.0] * 23)
    one = contract(1_000, 1_000, true_forward=TrueForward(share=Decimal("0.7")))
    assert cost(one, usage) == pytest.approx(800 + 0.8 * 1_680)
    quarter = replace(one, true_forward=TrueForward(share=Decimal(1), window_months=3))
    assert cost(quarter, usage) == pytest.approx(800 + 0.8 * 1_200)


def test_testing_the_balance_by_quarter_loses_what_a_year_would_have_used() -> None:
    """250 a quarter. 100, 400, 250, 250 used: 150 lost, then 150 beyond at list; by the year nothing of either."""
    usage = monthly(0, 0, 100, 0, 0, 400, 0, 0, 250, 0, 0, 250)
    assert cost(contract(1_000, period="quarter"), usage) == pytest.approx(800 + 150)
    assert cost(contract(1_000), usage) == pytest.approx(800)
    assert cost(contract(1_000, 1_000, period="term"), even(400, 1_600)) == pytest.approx(1_600)


def test_the_last_year_of_a_term_may_be_short() -> None:
    """18 months: 1,000 and then 600 for half a year; 700 used in that half: 100 beyond."""
    one = contract(1_000, 600, term_months=18)
    usage = monthly(*[1_000 / 12] * 12, *[700 / 6] * 6)
    assert cost(one, usage) == pytest.approx(800 + 480 + 100)


@pytest.mark.parametrize(("key", "discounts"), [("annual_commit", (0.1, 0.2)), ("average_annual", (0.1, 0.1)),
                                                ("tcv", (0.2, 0.2))])  # fmt: skip
def test_what_is_looked_up_in_the_bands(key: str, discounts: tuple[float, float]) -> None:
    """600 and 1,200: each in its own band, their average 900 in the first, their sum 1,800 in the second."""
    one = contract(600, 1_200, bands=LADDER, band_key=key)
    first, second = discounts
    assert cost(one, even(600, 1_200)) == pytest.approx(600 * (1 - first) + 1_200 * (1 - second))


def price_rules(rule: str, index: float, **terms: Any) -> float:
    """1,000 of work a month at signature's prices, the list moved by `index` from month 6 on; 8,000 committed."""
    moved = np.array([[1.0] * 6 + [index] * 6])
    given = {"price_rule": PriceRule(rule=rule), **terms} if "price_rule" not in terms else terms
    one = contract(8_000, overage=Overage(rule="committed"), **given)
    return cost(one, monthly(*(1_000 * moved[0]), price_index=moved))


def test_price_rules_when_list_rises_by_half() -> None:
    """Off current list 6,000 + 9,000 draw: 7,000 beyond at 0.8. Held: 12,000 draw, 4,000 beyond."""
    assert price_rules("disc_off_current_list", 1.5) == pytest.approx(6_400 + 5_600)
    assert price_rules("fixed_price", 1.5) == pytest.approx(6_400 + 3_200)
    assert price_rules("lower_of", 1.5) == pytest.approx(6_400 + 3_200)
    capped = PriceRule(rule="capped", cap_per_year=Decimal("0.05"))  # year 1: at signature's price
    assert price_rules("", 1.5, price_rule=capped) == pytest.approx(6_400 + 3_200)
    assert price_rules("fixed_price", 1.5, hold_months=9) == pytest.approx(6_400 + 0.8 * (9_000 + 4_500 - 8_000))


def test_price_rules_when_list_halves() -> None:
    """Fixed keeps drawing 12,000; the others draw 6,000 + 3,000. Overage at list is at that month's list."""
    assert price_rules("fixed_price", 0.5) == pytest.approx(6_400 + 3_200)
    assert price_rules("fixed_price", 0.5, list_decrease_passthrough=True) == pytest.approx(6_400 + 800)
    assert price_rules("lower_of", 0.5) == pytest.approx(6_400 + 800)
    assert price_rules("disc_off_current_list", 0.5) == pytest.approx(6_400 + 800)
    halved = np.array([[1.0] * 6 + [0.5] * 6])
    fixed = contract(8_000, price_rule=PriceRule(rule="fixed_price"))  # 4,000 beyond at half their price
    assert cost(fixed, monthly(*(1_000 * halved[0]), price_index=halved)) == pytest.approx(6_400 + 2_000)


def test_a_metering_freeze_takes_the_new_tokenizer_out() -> None:
    """The same work counts 30 % more tokens: 1,300 at list. Frozen, 1,000 draw the 1,000 committed."""
    usage = even(1_300, metering=np.full((1, 12), 1.3))
    assert cost(contract(1_000), usage) == pytest.approx(800 + 300)
    assert cost(contract(1_000, metering_freeze=True), usage) == pytest.approx(800)


def test_what_models_cost_that_came_after_the_signature() -> None:
    """1,200 used, half on new models, prices doubled in between; fixed price, all beyond 1,000 at the committed rate.

    Same discount: 300 held + 600 current draw. Substitution: all held, 600. At list: 300 held, and 600 undiscounted
    list dollars that draw 600 / 0.8 = 750 of the 1,000 at 0.8 each, so 1,050 draw and 50 exceed.
    """
    usage = even(1_200, price_index=np.full((1, 12), 2.0), new_model_share=np.full((1, 12), 0.5))
    base = contract(1_000, price_rule=PriceRule(rule="fixed_price"), overage=Overage(rule="committed"))
    found = {
        rule: simulate(replace(base, new_model_rule=rule), usage)
        for rule in ("same_discount", "family_substitution", "list")
    }
    assert found["same_discount"].drawn[0] == pytest.approx(900)
    assert found["family_substitution"].drawn[0] == pytest.approx(600)
    assert found["list"].excess[0] == pytest.approx(50)
    assert cost(replace(base, new_model_rule="list"), usage) == pytest.approx(800 + 50 * 0.8)


PAYMENTS = {
    # 1,200 committed at 20 %: 960. At 21 % a year; a month is 1.21 ** (1 / 12)
    "upfront": 1_920,
    "annual": 960 + 960 / 1.21,
}


@pytest.mark.parametrize("payment", PAYMENTS)
def test_present_value_of_what_is_paid_at_the_start(payment: Any) -> None:
    one = contract(1_200, 1_200, payment=payment, wacc=Decimal("0.21"))
    assert simulate(one, even(1_200, 1_200)).npv_usd[0] == pytest.approx(PAYMENTS[payment])


def test_present_value_by_quarter_by_month_and_in_arrears() -> None:
    """240 each quarter, 80 each month at its start, 80 at its end with 100 used. 73 days later is a fifth of a year."""
    month = 1.21 ** (-1 / 12)
    one = contract(1_200, wacc=Decimal("0.21"))
    npv = {
        how: simulate(replace(one, payment=how), even(1_200)).npv_usd[0] for how in ("quarterly", "monthly", "arrears")
    }
    assert npv["quarterly"] == pytest.approx(sum(240 * month**t for t in (0, 3, 6, 9)))
    assert npv["monthly"] == pytest.approx(sum(80 * month**t for t in range(12)))
    assert npv["arrears"] == pytest.approx(sum(80 * month ** (t + 1) for t in range(12)))
    late = simulate(replace(one, payment_lag_days=73), even(1_200)).npv_usd[0]
    assert late == pytest.approx(960 * 1.21**-0.2)


def test_stepping_down_at_mid_year_lowers_the_months_that_remain() -> None:
    """1,200 by year, month 6, 30 %: 600 + 420. 500 used: the 960 paid give 0.8 x 180 = 144 back; 10 for the use."""
    right = StepDown(windows=(6,), share=Decimal("0.3"), fee_usd=Decimal(10))
    one, used = contract(1_200, step_down=right), Exercise(step_down=np.array([[0.3]]))
    found = simulate(one, even(500), used)
    assert found.committed[0] == pytest.approx(1_020)
    assert found.lines["resettled"][0, 6] == pytest.approx(-144)
    assert found.cost_usd[0] == pytest.approx(960 - 144 + 10)
    gone = simulate(one, monthly(*[200.0] * 5, *[150.0], *[0.0] * 6), used)  # 1,150 drawn by month 6: 50 left of 1,200
    assert gone.committed[0] == pytest.approx(1_150)


def test_stepping_down_below_a_band_keeps_it_or_looks_it_up_again() -> None:
    """1,000 + 1,000 at 20 %, down by half at month 12: 500 is in the 10 % band."""
    one = contract(1_000, 1_000, bands=LADDER, step_down=StepDown(windows=(12,), share=Decimal("0.5")))
    used = Exercise(step_down=np.array([[0.5]]))
    assert cost(one, even(1_000, 500), used) == pytest.approx(800 + 400)
    assert cost(replace(one, step_down_band="retier"), even(1_000, 500), used) == pytest.approx(800 + 450)


def test_stepping_up_reaches_a_band_from_then_on_or_for_the_year_so_far() -> None:
    """600 at 10 %, month 6: 800 a year more, so the 1,400 key is in the 20 % band; 400 more can be drawn.

    Six months at 50 x 0.9 = 270, six at (50 + 66.67) x 0.8 = 560. Retroactive: 10 points of the 300 drawn so far.
    """
    one = contract(600, bands=LADDER, payment="monthly", step_up=StepUp(windows=(6,)))
    used, usage = Exercise(step_up=np.array([[800.0]])), monthly(*[50.0] * 6, *[700 / 6] * 6)
    assert cost(one, usage, used) == pytest.approx(270 + 560)
    back = replace(one, step_up=StepUp(windows=(6,), band="retroactive"))
    assert cost(back, usage, used) == pytest.approx(270 + 560 - 30)


def test_leaving_early_pays_a_share_of_what_remains_and_then_list() -> None:
    """1,200 + 1,200 at 20 %, leaving at month 18 for a quarter: year 2 keeps 600; 0.25 x 0.8 x 600 = 120 to leave.

    100 a month used: 960 + 480 + 120 until then, 600 at list after.
    """
    one = contract(1_200, 1_200, termination=Termination(month=18, share=Decimal("0.25")))
    assert cost(one, even(1_200, 1_200), Exercise(leave=np.array([True]))) == pytest.approx(960 + 480 + 120 + 600)


def test_a_marketplace_burns_a_cloud_commitment_down_to_its_cap() -> None:
    """800 cash; a cap of 25 % of 2,000 lets 500 burn down, worth 0.3 each: 150. Worth nothing, it costs as direct."""
    cloud = Channel(
        name="aws",
        marketplace_cap=Decimal("0.25"),
        cloud_commit_usd_per_year=Decimal(2_000),
        shadow_value=Decimal("0.3"),
    )
    found = simulate(contract(1_000, channel=cloud), even(400))
    assert (found.burned_usd[0], found.cost_usd[0]) == (pytest.approx(500), pytest.approx(650))
    assert found.cash_usd.sum() == pytest.approx(800)
    free = contract(1_000, channel=replace(cloud, shadow_value=Decimal(0)))
    assert simulate(free, even(400)).cost_usd[0] == pytest.approx(800)


def test_the_share_of_unused_that_pays_for_itself() -> None:
    """Break-even against on demand (2d): at 20 % a commitment of 1,000 costs what 800 of usage does."""
    assert cost(contract(1_000), even(800)) == pytest.approx(800)


def test_the_closed_form_optimum_is_the_discount_quantile_of_usage() -> None:
    """2d: overage at list, nothing recovered: commit to the 20th percentile; with 50 % recovered, to the third.

    F = (1 - 0.8) / (1 - 0.5 x 0.8) = 1/3. 999 paths of 1 to 999: the best of all whole sizes.
    """
    paths = Paths(list_usd=np.repeat(np.arange(1, 1_000.0)[:, None] / 12, 12, axis=1))
    refund = Unused(rule="refund", share=Decimal("0.5"))
    for terms, best in (({}, 200), ({"unused": refund}, 333)):
        sizes = range(best - 30, best + 31, 10)
        mean = {size: simulate(contract(size, **terms), paths).cost_usd.mean() for size in sizes}
        assert min(mean, key=lambda size: mean[size]) == best


def test_over_reaching_to_a_band_pays_from_the_known_threshold_on() -> None:
    """2d: from 14 % to 18 % at 1M it pays from 1M x 0.82 / 0.86 = 953,488 on."""
    steps = bands((500_000, "0.14"), (1_000_000, "0.18"))
    for usage, reaches in ((953_400, False), (953_600, True)):
        at = cost(contract(usage, bands=steps), even(usage))
        over = cost(contract(1_000_000, bands=steps), even(usage))
        assert (over < at) is reaches


def test_below_the_first_band_there_is_no_discount() -> None:
    assert cost(contract(99, bands=(Band(from_usd=Decimal(100), discount=Decimal("0.1")),)), even(99)) == pytest.approx(
        99
    )


def test_nothing_committed_has_the_discount_that_nothing_earns() -> None:
    """The ladder begins at 100; an offer that begins at 0 gives its discount for nothing, as it says."""
    committed = {"overage": Overage(rule="committed")}
    assert cost(contract(0, bands=LADDER, **committed), even(500)) == pytest.approx(500)
    assert cost(contract(0, bands=bands((0, "0.05"), (100, "0.10")), **committed), even(500)) == pytest.approx(475)
