"""The contract already signed, and what can be done in the middle of it: cash still to come."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commit_making import LADDER, contract, monthly
from msgspec.structs import replace

from baseload.commit.clauses import CarveOut, Renewal, RollCondition, Unused
from baseload.commit.current import CurrentContract, legs_of, midterm_options, months_between
from baseload.commit.current_file import read_current
from baseload.commit.legs import simulate_legs
from baseload.commit.refusal import CommitError


def current(*commits: int, remaining: int, paid: int = 0, as_of: str = "2026-09-15", **terms: Any) -> CurrentContract:
    """Signed on 2026-03-01: on 2026-09-15 six whole months are gone."""
    return CurrentContract(
        terms=contract(*commits, **terms),
        start=dt.date(2026, 3, 1),
        end=dt.date(2026 + len(commits), 3, 1),
        as_of=dt.date.fromisoformat(as_of),
        paid_usd=Decimal(paid),
        remaining_usd=Decimal(remaining),
    )


def costs(signed: CurrentContract, as_is: list[float], shipped: list[float], **more: Any) -> dict[str, float]:
    return {one.name: one.cost_usd for one in midterm_options(signed, monthly(*as_is), monthly(*shipped), **more)}


def test_while_the_balance_lasts_a_saving_is_no_cash() -> None:
    """600 left for 6 months; 100 a month falls to 60: 360 of the 600 used, 240 lost, and not a dollar saved."""
    found = midterm_options(current(1_200, remaining=600, paid=960), monthly(*[100.0] * 6), monthly(*[60.0] * 6))
    ship = next(one for one in found if one.name == "ship now")
    assert (ship.cost_usd, ship.saved_usd, ship.list_saved_usd, ship.lost_usd) == (0, 0, 240, 240)


def test_a_saving_is_cash_where_the_balance_would_have_run_out() -> None:
    """300 left, 100 a month: 300 beyond at list; at 60 a month 60 beyond. 240 saved at list, all of it cash."""
    found = costs(current(1_200, remaining=300, paid=960), [100.0] * 6, [60.0] * 6)
    assert (found["wait until the end"], found["ship now"]) == (300, 60)


def test_a_reforecast_gives_part_of_the_balance_back() -> None:
    """A third of 600 back at 0.8: 160. 360 of the other 400 are used."""
    found = costs(current(1_200, remaining=600, paid=960), [100.0] * 6, [60.0] * 6, reforecast_share=Decimal("0.25"))
    assert found["ship now, reforecast"] == pytest.approx(-0.25 * 600 * 0.8)


def test_work_pulled_forward_uses_what_would_be_lost() -> None:
    """240 would be lost; 180 of work lies in the three months after the end, which are 60 each at list."""
    found = costs(current(1_200, remaining=600, paid=960), [100.0] * 12, [60.0] * 12)
    assert found["wait until the end"] == pytest.approx(360)
    assert found["ship now"] == pytest.approx(360)
    assert found["ship now, pull work forward"] == pytest.approx(180)
    little = costs(current(1_200, remaining=400, paid=960), [100.0] * 12, [60.0] * 12)  # 40 would be lost
    assert little["ship now, pull work forward"] == pytest.approx(360 - 40)


def test_renewing_early_takes_the_balance_along() -> None:
    """600 left and 720 at 20 % for a year from now: 720 of usage is drawn from the 600 first, 600 of the new are lost.

    576. Renewed at the end instead: 6 months on the balance, then the renewal does not fit the 12 months: 360 at list.
    """
    found = costs(current(1_200, remaining=600, paid=960), [60.0] * 12, [60.0] * 12, renewal=contract(720))
    assert found["ship now, renew early"] == pytest.approx(576)
    assert found["ship now"] == pytest.approx(360)


def test_what_is_owed_is_owed_whatever_is_done() -> None:
    """960 committed and 480 paid: 480 in every option."""
    found = costs(current(1_200, remaining=600, paid=480), [100.0] * 6, [60.0] * 6)
    assert set(found.values()) == {480}


def test_later_years_of_a_ramp_follow_with_their_own_terms() -> None:
    """500 left of year 1 (of 600 used 100 beyond), then 2,400 in the 20 % band: 1,920 and 100 of overage."""
    signed = current(900, 2_400, remaining=500, paid=810, bands=LADDER)
    legs = legs_of(signed)
    assert [(leg.start, leg.contract.term_months) for leg in legs] == [(0, 6), (6, 12)]
    found = simulate_legs(legs, monthly(*[100.0] * 6, *[2_500 / 12] * 12))
    assert found.cost_usd[0] == pytest.approx(100 + 1_920 + 100)


def test_what_is_left_of_the_year_rolls_as_the_contract_says() -> None:
    """200 of 500 left roll into a year of 900 but not where the condition asks for as much as before."""
    rolls = {"unused": Unused(rule="roll", months=12)}
    usage = monthly(*[50.0] * 6, *[100.0] * 12)
    free = current(1_000, 900, remaining=500, paid=800, **rolls)
    assert simulate_legs(legs_of(free), usage).cost_usd[0] == pytest.approx(720 + 100)
    bound = current(
        1_000, 900, remaining=500, paid=800, **rolls, roll_condition=RollCondition(renew_at_least=Decimal(1))
    )
    assert simulate_legs(legs_of(bound), usage).cost_usd[0] == pytest.approx(720 + 300)


def test_a_balance_of_the_whole_term_is_one_leg() -> None:
    signed = current(1_200, 1_200, remaining=1_500, paid=1_920, period="term", payment="upfront")
    legs = legs_of(signed)
    assert [(leg.start, leg.contract.term_months) for leg in legs] == [(0, 18)]
    assert simulate_legs(legs, monthly(*[100.0] * 18)).cost_usd[0] == pytest.approx(300)


def test_dates_of_the_contract() -> None:
    signed = current(1_200, remaining=600, paid=960, renewal=Renewal(auto=True, notice_days=90))
    assert (signed.months_gone, signed.year) == (6, 0)
    assert signed.notice_by == dt.date(2026, 12, 1)
    assert replace(signed, terms=contract(1_200)).notice_by is None
    assert months_between(dt.date(2026, 3, 15), dt.date(2026, 4, 14)) == 0
    assert months_between(dt.date(2026, 3, 15), dt.date(2027, 3, 15)) == 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end": dt.date(2027, 4, 1)}, "end: 2027-04-01; expected 12 months after start"),
        ({"as_of": dt.date(2027, 3, 1)}, "as_of: 2027-03-01; expected a day from 2026-03-01"),
        ({"remaining_usd": Decimal(1_201)}, "remaining_usd: 1201; expected at most what was committed so far, 1200"),
        ({"paid_usd": Decimal(961)}, "paid_usd: 961; expected at most the term's commitment, 960.00"),
        ({"paid_usd": Decimal(-1)}, "paid_usd: -1; expected US dollars, 0 or more"),
        ({"terms": contract(1, commit_usd_by_year=())}, "commit_usd_by_year: missing"),
        ({"terms": contract(1_200, period="month")}, "period: month; expected year or term"),
    ],
)
def test_a_standing_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    good = current(1_200, remaining=600, paid=960)
    with pytest.raises(CommitError, match=message):
        replace(good, **changes)


def test_paths_that_end_before_the_contract_are_refused() -> None:
    with pytest.raises(CommitError, match="usage: 5 and 5 months; expected the same, at least 6"):
        costs(current(1_200, remaining=600), [1.0] * 5, [1.0] * 5)


def test_the_signed_example_reads(root: Path) -> None:
    data = (root / "examples" / "offers" / "signed.yaml").read_bytes()
    signed, offer = read_current(data, "signed.yaml")
    assert (signed.remaining_usd, signed.months_gone, signed.notice_by) == (900_000, 8, dt.date(2026, 12, 1))
    assert "price_rule" in offer.assumed
    for old, new, message in (
        (b"start: 2026-03-01", b"start: soon", "signed.yaml: start: soon; expected a day, YYYY-MM-DD"),
        (b"as_of", b"asof", "signed.yaml: as_of: missing"),
        (b"900000", b"lots", "remaining_usd: lots; expected a plain number"),
        (b"900000", b"9000000", "signed.yaml: remaining_usd: 9000000; expected at most"),
    ):
        with pytest.raises(CommitError, match=message):
            read_current(data.replace(old, new), "signed.yaml")


def test_carved_out_usage_is_cash_all_along() -> None:
    signed = current(1_200, remaining=600, paid=960, carve_outs=(CarveOut(name="x", usage_share=Decimal("0.5")),))
    assert costs(signed, [100.0] * 6, [60.0] * 6)["ship now"] == pytest.approx(180)


def test_many_paths_have_an_interval() -> None:
    usage = np.array([[100.0] * 6, [200.0] * 6])
    paths = replace(monthly(1.0), list_usd=usage)
    first = midterm_options(current(1_200, remaining=600, paid=960), paths, paths)[0]
    assert (first.cost_usd, first.p10_usd, first.p90_usd) == (300, 60, 540)
