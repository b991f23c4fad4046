"""Each clause's value, by sign, order and hand."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from worth_making import falling, flat, offer, usage, worked

from baseload.commit.clauses import Overage, PriceRule, StepDown, TrueForward, Unused
from baseload.commit.paths import Paths, paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.search.optimum import optimum
from baseload.commit.worth.asks import ASKS, why_not
from baseload.commit.worth.sizes import FINE, sizes_for
from baseload.commit.worth.suited import thinned
from baseload.commit.worth.table import cost_table
from baseload.commit.worth.values import ClauseWorth, clause_values

BUYER_RIGHTS = (
    "overage_committed", "overage_half_way", "refund_50", "step_down_20_keep", "step_down_30_keep",
    "step_down_20_retier", "step_up_6", "next_band", "one_point",
)  # fmt: skip


@pytest.fixture(scope="module")
def one_year() -> dict[str, ClauseWorth]:
    return {one.clause: one for one in clause_values(offer(), worked())}


def by_name(paths: Paths, *names: str, months: int = 12) -> dict[str, ClauseWorth]:
    return {one.clause: one for one in clause_values(offer(months), paths, clauses=names)}


def test_overage_at_the_committed_rate_is_the_dearest_clause(one_year: dict[str, ClauseWorth]) -> None:
    dearest = max(one_year.values(), key=lambda one: one.value_usd)
    assert dearest.clause == "overage_committed"
    assert 40_000 < dearest.value_usd < 70_000  # the worked case of the field's practice: 54,000


def test_overage_at_the_committed_rate_is_best_at_a_band_floor(one_year: dict[str, ClauseWorth]) -> None:
    floors = {band.from_usd for band in offer().bands}
    assert one_year["overage_committed"].commit_usd_by_year[0] in floors


def test_buyer_rights_never_cost(one_year: dict[str, ClauseWorth]) -> None:
    assert {name: one_year[name].value_usd for name in BUYER_RIGHTS if one_year[name].value_usd < 0} == {}


def test_more_generous_is_worth_more(one_year: dict[str, ClauseWorth]) -> None:
    value = {name: one.value_usd for name, one in one_year.items()}
    assert 0.3 * value["overage_committed"] < value["overage_half_way"] <= 0.5 * value["overage_committed"] + 1e-6
    assert value["step_down_20_keep"] <= value["step_down_30_keep"]
    assert 0 <= value["step_down_20_retier"] <= value["step_down_20_keep"] + 1e-6


def test_rolling_more_is_worth_more_over_years() -> None:
    found = by_name(worked(24), "roll_50", "roll_100", "carry_forward_50", months=24)
    assert 0 <= found["roll_50"].value_usd <= found["roll_100"].value_usd


def test_values_lie_in_their_intervals_dearest_first(one_year: dict[str, ClauseWorth]) -> None:
    found = list(one_year.values())
    assert all(one.low_usd <= one.value_usd <= one.high_usd for one in found)
    assert [round(one.value_usd, 2) for one in found] == sorted((round(o.value_usd, 2) for o in found), reverse=True)


def test_intervals_are_of_paired_paths(one_year: dict[str, ClauseWorth]) -> None:
    """A point is worth nearly the same on every path; each minimum alone is uncertain by tens of thousands."""
    assert one_year["one_point"].high_usd - one_year["one_point"].low_usd < 1_000


def test_one_point_of_discount_is_worth_one_point(one_year: dict[str, ClauseWorth]) -> None:
    assert one_year["one_point"].discount_points == pytest.approx(1.0, abs=0.01)


def test_points_are_the_shift_that_costs_the_same() -> None:
    base, paths = offer(), worked()
    worth = by_name(paths, "refund_50")["refund_50"]
    sizes = sizes_for(base, paths, FINE)
    shift = Decimal(repr(worth.discount_points / 100))
    moved = [type(band)(from_usd=band.from_usd, discount=band.discount + shift) for band in base.bands]
    least = cost_table(base, sizes, paths).least_usd
    shifted = cost_table(offer(bands=tuple(moved)), sizes, paths).least_usd
    assert least - shifted == pytest.approx(worth.value_usd, rel=0.02)


def test_overage_on_one_path_by_hand() -> None:
    """Usage of 1,000 a month, 20 % from 6,000 on, none below: stated 6,000 leaves 6,000 beyond.

    At list 6,000 x 0.8 + 6,000 = 10,800; at the committed rate 12,000 x 0.8 = 9,600. Re-optimised, 12,000 x 0.8 is had
    without the clause too, by committing all of it: worth nothing.
    """
    paths = paths_of(np.full((1, 12), 1_000.0))
    found = clause_values(flat("0.20").sized(6_000), paths, clauses=["overage_committed", "overage_half_way"])
    worth = {one.clause: one for one in found}
    assert worth["overage_committed"].at_fixed_usd == pytest.approx(1_200)
    assert worth["overage_half_way"].at_fixed_usd == pytest.approx(600)
    assert worth["overage_committed"].value_usd == pytest.approx(0, abs=1e-6)


def test_half_of_what_is_unused_comes_back_by_hand() -> None:
    """Committed 20,000 at 20 %, used 12,000: 8,000 unused cost 6,400, of which 3,200 come back."""
    paths = paths_of(np.full((1, 12), 1_000.0))
    (worth,) = clause_values(flat("0.20").sized(20_000), paths, clauses=["refund_50"])
    assert worth.at_fixed_usd == pytest.approx(3_200)


def test_metering_freeze_is_worth_what_the_meter_adds() -> None:
    """Tokens of the same work double after six months: 6 x 1,000 + 6 x 2,000, frozen 12 x 1,000; both at 20 % off."""
    meter = np.where(np.arange(12) >= 6, 2.0, 1.0)[None, :]
    paths = paths_of(1_000.0 * meter, metering=meter)
    (worth,) = clause_values(flat("0.20"), paths, clauses=["metering_freeze"])
    assert worth.value_usd == pytest.approx(6_000 * 0.8)


def test_upfront_payment_costs_and_late_payment_earns() -> None:
    upfront = offer(24, payment="upfront", wacc=Decimal("0.10"))
    found = {one.clause: one for one in clause_values(upfront, worked(24), clauses=["payment", "pay_quarterly"])}
    assert found["payment"].kind == "has"
    assert found["payment"].measure == "npv"
    assert found["payment"].value_usd < 0  # against the first draft, paid by the year
    assert found["pay_quarterly"].value_usd > -found["payment"].value_usd * 0.5 > 0


def test_upfront_payment_by_hand() -> None:
    """24,000 at 20 % off: 9,600 in each of two years. Paying the second a year early costs 9,600 x (1 - 1 / 1.1)."""
    contract = flat("0.20", 24, payment="upfront", wacc=Decimal("0.10")).sized(12_000)
    (worth,) = clause_values(contract, paths_of(np.full((1, 24), 1_000.0)), clauses=["payment"])
    assert worth.at_fixed_usd == pytest.approx(-9_600 * (1 - 1 / 1.1))


def test_without_a_cost_of_capital_ten_percent_is_assumed() -> None:
    """9,600 at the start, or 2,400 at the start of each quarter."""
    (worth,) = clause_values(flat("0.20").sized(12_000), paths_of(np.full((1, 12), 1_000.0)), clauses=["pay_quarterly"])
    assert worth.at_fixed_usd == pytest.approx(9_600 - 2_400 * sum(1.1**-part for part in (0, 0.25, 0.5, 0.75)))


def test_a_fixed_price_costs_where_list_may_fall_and_lower_of_does_not() -> None:
    found = by_name(falling(), "fixed_price", "lower_of")
    assert found["fixed_price"].value_usd < -10_000
    assert found["lower_of"].value_usd == pytest.approx(0, abs=1e-6)


def test_a_sure_cut_of_list_costs_a_fixed_price_the_cut() -> None:
    """From month 0 prices are as signed; then all fall by 30 %: what is committed at the fixed price costs 1 / 0.7."""
    index = np.where(np.arange(12) >= 1, 0.7, 1.0)[None, :]
    paths = paths_of(1_000.0 * index, price_index=index)
    contract = flat("0.20", overage=Overage(rule="committed")).sized(0)
    (worth,) = clause_values(contract, paths, clauses=["fixed_price"])
    assert worth.at_fixed_usd == pytest.approx(-0.8 * 11 * 300)


def test_price_protection_is_worth_something_where_list_may_rise() -> None:
    found = by_name(falling(cut=-0.25), "lower_of", "fixed_price", "price_hold_12")
    assert found["lower_of"].value_usd == pytest.approx(found["fixed_price"].value_usd)
    assert found["lower_of"].value_usd > 5_000


def test_values_are_not_additive() -> None:
    paths = worked()
    both = offer(overage=Overage(rule="committed"))
    alone = by_name(paths, "overage_committed", "refund_50")
    (after,) = clause_values(both, paths, clauses=["refund_50"])
    assert after.value_usd < 0.5 * alone["refund_50"].value_usd


def test_a_held_clause_is_priced_against_the_first_draft() -> None:
    paths = worked()
    (held,) = clause_values(offer(overage=Overage(rule="committed")), paths, clauses=["overage"])
    (asked,) = clause_values(offer(), paths, clauses=["overage_committed"])
    assert held.kind == "has"
    assert held.says == "overage committed; first draft: overage list"
    assert held.value_usd == pytest.approx(asked.value_usd)


def test_a_duty_of_the_buyer_costs_by_hand() -> None:
    """12,000 in the first year, 6,000 in the second: true-forward at 100 % commits 12,000 again, 6,000 x 0.8 unused."""
    paths = paths_of(np.repeat([1_000.0, 500.0], 12)[None, :])
    contract = flat("0.20", 24, true_forward=TrueForward(share=Decimal(1), window_months=12)).sized(12_000, 6_000)
    (worth,) = clause_values(contract, paths, clauses=["true_forward"])
    assert worth.at_fixed_usd == pytest.approx(-4_800)
    assert worth.value_usd < 0


def test_every_held_clause_is_asked_for_by_default() -> None:
    contract = offer(
        unused=Unused(rule="refund", share=Decimal("0.3")),
        price_rule=PriceRule(rule="lower_of"),
        credits_usd=Decimal(5_000),
        step_down=StepDown(windows=(6,), share=Decimal("0.3")),
    )
    found = clause_values(contract, thinned(worked(), 40))
    assert {one.clause for one in found if one.kind == "has"} == {"unused", "price_rule", "credits", "step_down"}
    credit = next(one for one in found if one.clause == "credits")
    assert 0 < credit.value_usd <= 5_000


def test_seeded_and_the_same_twice() -> None:
    paths = worked()
    assert clause_values(offer(), paths, seed=3, clauses=["refund_50"]) == clause_values(
        offer(), paths, seed=3, clauses=["refund_50"]
    )


def test_the_search_finds_no_better_size_than_this_one() -> None:
    for months in (12, 24):
        contract, paths = offer(months), worked(months)
        here = cost_table(contract, sizes_for(contract, paths, FINE), paths).least_usd
        assert here <= optimum(contract, paths).mean_usd * 1.002


def test_a_net_offer_has_the_same_values_as_its_list_twin() -> None:
    """Flat 20 %: a net dollar is 0.8 list dollars whatever the size; the best size is rounded in each basis."""
    paths = worked()
    twins = [
        clause_values(flat("0.20", commit_basis=basis), paths, clauses=["refund_50"])[0] for basis in ("list", "net")
    ]
    assert twins[0].value_usd == pytest.approx(twins[1].value_usd, rel=1e-4)
    size, net = (float(twin.commit_usd_by_year[0]) for twin in twins)
    assert net == pytest.approx(0.8 * size, rel=2e-3)


def test_unknown_clauses_and_short_paths_are_refused() -> None:
    with pytest.raises(CommitError, match="clauses: discount_please"):
        clause_values(offer(), worked(), clauses=["discount_please"])
    with pytest.raises(CommitError, match="usage: 12 months"):
        clause_values(offer(24), worked())


def test_asks_that_nothing_here_can_pay_for_say_what_they_need() -> None:
    reasons = {ask.name: why_not(ask, offer(), worked()) for ask in ASKS}
    assert reasons["roll_50"] == "needs two years"
    assert reasons["lower_of"] == "needs list prices that move"
    assert reasons["metering_freeze"] == "needs metering that moves"
    assert reasons["extend_3"] == "needs months after the term"
    assert reasons["all_units"] == "needs marginal bands"
    assert reasons["overage_committed"] == ""


def test_every_ask_has_wording_and_changes_the_offer_it_is_for() -> None:
    wide = offer(24, band_mode="marginal")
    paths = paths_of(usage(30, paths=5), price_index=np.ones((1, 30)), metering=np.ones((1, 30)))
    for ask in ASKS:
        assert ask.wording.endswith(".")
        base = offer(24) if ask.name == "overage_retro" else wide
        assert why_not(ask, base, paths) == "", ask.name
