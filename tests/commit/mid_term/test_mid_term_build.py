"""`commit current`: where the contract stands, a saving in cash, every option on the same paths. Worked by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from baseload.commit.clauses import Band, Overage, StepDown, Unused
from baseload.commit.contract import Contract
from baseload.commit.current import CurrentContract
from baseload.commit.mid_term.build import current_document, step_down_ahead
from baseload.commit.mid_term.document import CurrentDocument
from baseload.commit.mid_term.outlook import outlook
from baseload.commit.mid_term.rest import from_now, month_start, months_left, rest_of_month
from baseload.commit.paths import Paths, paths_of


def terms(commit: int, months: int = 12, **more: Any) -> Contract:
    given: dict[str, Any] = {
        "name": "signed",
        "term_months": months,
        "commit_usd_by_year": (Decimal(commit),),
        "commit_basis": "list",
        "bands": (Band(from_usd=Decimal(0), discount=Decimal("0.20")),),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **more})


def signed(remaining: int, as_of: str = "2026-09-01", **more: Any) -> CurrentContract:
    """1,200 a year from 2026-03-01 at 20 %: 960 paid. Six months are left on 2026-09-01."""
    return CurrentContract(
        terms=terms(1_200, **more),
        start=dt.date(2026, 3, 1),
        end=dt.date(2027, 3, 1),
        as_of=dt.date.fromisoformat(as_of),
        paid_usd=Decimal(960),
        remaining_usd=Decimal(remaining),
    )


def flat(usd: float, months: int = 6) -> Paths:
    return paths_of(np.full((1, months), usd))


def document(remaining: int, as_is: float = 100, shipped: float | None = 60, **more: Any) -> CurrentDocument:
    months = more.pop("months", 6)
    after = None if shipped is None else flat(shipped, months)
    return current_document(signed(remaining), flat(as_is, months), after, seed=7, **more)


def test_a_saving_is_shown_as_the_cash_it_is_with_the_balance_that_is_left() -> None:
    """600 left: 100 a month would use it up, 60 leave 240 of it. 240 saved at list, nothing in cash."""
    saving = document(600).saving
    assert saving is not None
    assert (saving.list_saved_usd, saving.cash_saved_usd, saving.swallowed_usd) == ("240.00", "0.00", "240.00")
    assert saving.cash_share == 0


def test_beyond_the_balance_a_saving_is_cash() -> None:
    """450 left: as it is 150 run over; at 60 a month 360 are used. 150 of 240 are cash."""
    found = document(450)
    assert found.saving is not None
    assert (found.saving.cash_saved_usd, found.saving.swallowed_usd, found.saving.cash_share) == (
        "150.00", "90.00", 0.625
    )  # fmt: skip
    as_is, shipped = found.balance
    assert (as_is.runs_out, as_is.p_runs_out, as_is.over_usd, as_is.lost_usd) == ("2027-01", 1, "150.00", "0.00")
    assert (shipped.runs_out, shipped.p_runs_out, shipped.over_usd, shipped.lost_usd) == (None, 0, "0.00", "90.00")


def test_asking_for_a_reforecast_is_priced_at_all_that_would_be_lost() -> None:
    """240 of 600 would be lost: 40 % back at 0.80 is 192 of cash."""
    found = document(600)
    asked = next(one for one in found.options if one.option == "ship now, reforecast")
    assert (asked.cost_usd, asked.saved_usd, asked.by_right) == ("-192.00", "192.00", False)
    assert "40 %" in asked.says
    assert found.best == "ship now, reforecast"
    assert any("a request" in note for note in found.notes)


def test_a_step_down_that_is_still_ahead_is_a_right() -> None:
    clause = StepDown(windows=(6, 8), share=Decimal("0.25"), notice_months=1, count=1)
    current = signed(600, step_down=clause)
    assert step_down_ahead(current) == Decimal("0.25")  # notice for month 8 can still be given in month 6
    found = current_document(current, flat(100), flat(60), seed=7)
    assert next(one for one in found.options if one.option == "ship now, reforecast").by_right
    late = signed(600, as_of="2026-12-01", step_down=clause)
    assert step_down_ahead(late) == 0


def test_what_would_follow_is_renewed_early_or_not_priced() -> None:
    """600 of 20 % in a new year from now: 600 of the old balance cover 600 of usage first, 120 of the new are used."""
    renewal = terms(600)
    found = document(600, shipped=60, months=12, renewal=renewal)
    early = next(one for one in found.options if one.option == "ship now, renew early")
    assert (early.cost_usd, early.by_right) == ("480.00", False)
    assert not any("renew early" in one.option for one in document(600).options)
    assert any("--renewal" in note for note in document(600).notes)


def test_without_savings_there_is_no_saving_and_one_outlook() -> None:
    found = document(600, shipped=None)
    assert found.saving is None
    assert [one.usage for one in found.balance] == ["as it is"]


def test_where_the_contract_stands() -> None:
    standing = document(600).standing
    assert (standing.months_left, standing.discount, standing.due_usd) == (6, 0.2, "0.00")
    assert (standing.end, standing.notice_by, standing.remaining_usd) == ("2027-03-01", None, "600.00")


def test_of_the_month_under_way_only_the_rest_counts() -> None:
    """On 2026-09-16, 15 of September's 30 days are to come."""
    current = signed(600, as_of="2026-09-16")
    assert rest_of_month(current) == 0.5
    assert from_now(current, flat(100)).list_usd[0].tolist() == [50, 100, 100, 100, 100, 100]
    assert months_left(current) == 6
    outside = paths_of(np.full((1, 6), 100.0), outside_usd=np.full((1, 6), 40.0))
    found = from_now(current, outside).outside_usd
    assert found is not None
    assert found[0].tolist() == [20, 40, 40, 40, 40, 40]


@pytest.mark.parametrize(
    ("months", "day"), [(0, "2026-01-31"), (1, "2026-02-28"), (3, "2026-04-30"), (11, "2026-12-31"), (25, "2028-02-29")]
)
def test_a_contract_month_begins_on_the_day_it_was_signed_or_the_last_there_is(months: int, day: str) -> None:
    assert month_start(dt.date(2026, 1, 31), months).isoformat() == day


def test_half_of_the_paths_say_when_the_balance_runs_out() -> None:
    """300 left: at 100 a month it is exceeded in the 4th month, at 40 never."""
    two = paths_of(np.array([[100.0] * 6, [40.0] * 6]))
    found = outlook(signed(300), "x", two)
    assert (found.p_runs_out, found.runs_out) == (0.5, "2026-12")
