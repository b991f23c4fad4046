"""A contract from day to day: balances, outlook, peak and days, worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from baseload.commit.clauses import Band, Overage, Renewal, StepDown, StepUp, Termination, TrueForward, Unused
from baseload.commit.contract import Contract
from baseload.commit.current import CurrentContract
from baseload.commit.current_file import read_current
from baseload.commit.refusal import CommitError
from baseload.commit.track.alert import Plan, weekly
from baseload.commit.track.calendar import Span, add_months, period_under_way
from baseload.commit.track.document import track
from baseload.commit.track.outlook import Future, outlook_of
from baseload.commit.track.peak import peak_watch
from baseload.commit.track.standing import from_usage, standing_of
from baseload.commit.track.usage import Daily, read_daily

START = dt.date(2026, 1, 1)
JULY = dt.date(2026, 7, 1)


def contract(*commits: int, **terms: Any) -> Contract:
    given: dict[str, Any] = {
        "term_months": 12 * len(commits),
        "commit_usd_by_year": tuple(Decimal(commit) for commit in commits),
        "commit_basis": "list",
        "bands": (Band(from_usd=Decimal(0), discount=Decimal("0.20")),),
        "overage": Overage(rule="list"),
        "unused": Unused(rule="forfeit"),
    }
    return Contract(**{**given, **terms})


def flat(usd_per_day: float, days: int, first: dt.date = START) -> Daily:
    return Daily(first, np.full(days, usd_per_day), "day")


def signed(terms: Contract, remaining: int, as_of: dt.date = JULY) -> CurrentContract:
    return CurrentContract(
        terms=terms,
        start=START,
        end=add_months(START, terms.term_months),
        as_of=as_of,
        paid_usd=Decimal(0),
        remaining_usd=Decimal(remaining),
    )


def test_an_offer_as_signed_has_left_what_usage_did_not_draw() -> None:
    usage = flat(1_000, 181)  # until 2026-07-01
    current = from_usage(contract(365_000), START, usage)
    standing, problems = standing_of(current, usage)

    assert current.remaining_usd == 365_000 - 181_000
    assert (standing.drawn_usd, standing.remaining_usd, standing.excess_usd) == (181_000, 184_000, 0)
    assert standing.straight_usd == 181_000
    assert problems == []


def test_net_basis_draws_what_is_left_after_the_discount() -> None:
    usage = flat(1_000, 100)
    standing, _ = standing_of(from_usage(contract(365_000, commit_basis="net"), START, usage), usage)

    assert standing.drawn_usd == pytest.approx(80_000)


def test_usage_beyond_the_balance_is_excess() -> None:
    usage = flat(3_000, 181)
    standing, _ = standing_of(from_usage(contract(365_000), START, usage), usage)

    assert (standing.drawn_usd, standing.remaining_usd) == (365_000, 0)
    assert standing.excess_usd == 543_000 - 365_000


def test_the_file_s_balance_wins_and_a_difference_is_said() -> None:
    usage = flat(1_000, 191)
    standing, problems = standing_of(signed(contract(365_000), 200_000), usage)

    # stated on 1 July: 200,000 left of 365,000; ten days later 10,000 less
    assert (standing.drawn_usd, standing.remaining_usd) == (175_000, 190_000)
    assert [(one.code, one.value) for one in problems] == [
        ("balance-differs", "200,000.00 stated, 184,000.00 by usage")
    ]


def test_the_balance_of_the_second_year_is_its_own() -> None:
    usage = flat(1_000, 365 + 31)
    standing, _ = standing_of(from_usage(contract(365_000, 730_000), START, usage), usage)

    assert standing.period == Span(dt.date(2027, 1, 1), dt.date(2028, 1, 1))
    assert (standing.drawn_usd, standing.balance_usd) == (31_000, 730_000)


def test_a_second_year_that_may_have_brought_dollars_needs_a_stated_balance() -> None:
    terms = contract(365_000, 365_000, unused=Unused(rule="roll", months=12))
    with pytest.raises(CommitError, match="--contract, a file that says remaining_usd"):
        from_usage(terms, START, flat(1_000, 400))


def test_usage_that_begins_after_the_period_is_refused() -> None:
    late = flat(1_000, 181, dt.date(2026, 2, 1))
    with pytest.raises(CommitError, match="begins on 2026-02-01; expected every day since 2026-01-01"):
        from_usage(contract(365_000), START, late)


def future(*daily: float, start: dt.date = JULY, end: dt.date = dt.date(2027, 1, 1)) -> Future:
    """Paths that are flat at so many dollars a day."""
    span = Span(start, end)
    return Future(span, np.array(daily)[:, None] * np.ones(span.days), "paths", "")


def test_the_balance_runs_out_on_the_day_that_usage_passes_it() -> None:
    usage = flat(1_000, 181)
    standing, _ = standing_of(from_usage(contract(281_000), START, usage), usage)
    found = outlook_of(standing, future(500.0, 1_000.0, 2_000.0))

    # 100,000 left. At 2,000 a day fifty days use it up, the 51st (20 August) passes it; at 1,000 the 101st (9 October);
    # at 500 the 184 days left use 92,000 and leave 8,000
    assert (found.overage_on.p10, found.overage_on.p50, found.overage_on.p90) == ("2026-08-20", "2026-10-09", None)
    assert (found.p_overage, found.p_shortfall) == (0.6667, 0.3333)
    # quantiles of (0, 84,000, 268,000): the tenth percentile is 0.2 of the way to the middle
    assert (found.excess.p10_usd, found.excess.p50_usd) == ("16800.00", "84000.00")
    assert found.shortfall.p50_usd == "0.00"


def test_true_forward_rises_from_the_peak_of_a_month_on() -> None:
    clause = TrueForward(share=Decimal("0.8"))
    days = np.full(181, 3_000.0)
    days[31:59] = 130_000 / 28  # February: 130,000
    usage = Daily(START, days, "day")
    standing, _ = standing_of(from_usage(contract(1_200_000, 1_200_000, true_forward=clause), START, usage), usage)
    found = peak_watch(standing, usage, future(3_000.0))

    # 130,000 x 12 x 0.8 = 1,248,000; the limit is 1,200,000 / 12 / 0.8 a month
    assert found is not None
    assert (found.peak_usd, found.floor_usd, found.added_usd) == ("1560000.00", "1248000.00", "48000.00")
    assert found.window_limit_usd == "125000.00"
    assert found.ratchets_on == "2026-03-01"


def test_true_forward_that_has_not_risen_yet_is_projected() -> None:
    clause = TrueForward(share=Decimal(1), window_months=3)
    usage = flat(1_000, 181)
    standing, _ = standing_of(from_usage(contract(400_000, 400_000, true_forward=clause), START, usage), usage)
    found = peak_watch(standing, usage, future(1_000.0, 2_000.0, 2_000.0))

    # the limit is 100,000 in three months; at 2,000 a day May to July hold 31 + 30 + 62 = 123,000, at the end of July
    assert found is not None
    assert (found.ratchets_on, found.p_ratchet) == (None, 0.6667)
    assert found.projected_on.p50 == "2026-08-01"


def test_no_true_forward_in_the_last_year() -> None:
    usage = flat(1_000, 181)
    standing, _ = standing_of(
        from_usage(contract(365_000, true_forward=TrueForward(share=Decimal(1))), START, usage), usage
    )

    assert peak_watch(standing, usage, future(1_000.0)) is None


def test_days_not_to_miss_are_counted_from_the_contract_s_own() -> None:
    terms = contract(
        365_000,
        365_000,
        renewal=Renewal(auto=True, notice_days=90),
        step_down=StepDown(windows=(9,), share=Decimal("0.2"), notice_months=1),
        step_up=StepUp(windows=(3,)),
        termination=Termination(month=12, share=Decimal("0.5")),
    )
    found = track(
        from_usage(terms, START, flat(1_000, 181)), flat(1_000, 181), before=flat(1_000, 365, dt.date(2025, 1, 1))
    )

    assert [(one.day, one.term) for one in found.dates] == [
        ("2026-04-01", "step_up"),
        ("2026-09-01", "step_down"),
        ("2027-01-01", "period"),
        ("2027-01-01", "termination"),
        ("2027-10-03", "renewal"),
        ("2028-01-01", "term_months"),
    ]
    assert found.dates[0].days_left == -91
    assert "by up to 20 %" in found.dates[1].says


def test_the_document_is_the_same_bytes_for_the_same_seed() -> None:
    usage, before = flat(1_000, 181), flat(900, 365, dt.date(2025, 1, 1))
    one, two = (
        msgspec.json.encode(track(from_usage(contract(365_000), START, usage), usage, before=before, seed=3))
        for _ in "ab"
    )

    assert one == two


def test_too_short_a_history_gives_growths_without_probabilities() -> None:
    usage = flat(1_000, 90)
    found = track(from_usage(contract(365_000), START, usage), usage)

    assert found.outlook.method == "scenarios"
    assert found.outlook.p_overage is None
    assert (found.alert.state, found.alert.plan) == ("off", "none")


def test_months_hold_usage_line_and_plan() -> None:
    usage = flat(1_000, 181)
    plan = Plan("given", {2026 * 12 + month: 30_000.0 for month in range(12)})
    found = track(from_usage(contract(365_000), START, usage), usage, planned=plan)

    january, december = found.months[0], found.months[11]
    assert (january.drawn_usd, january.total_usd, january.straight_usd) == ("31000.00", "31000.00", "31000.00")
    assert january.planned_usd == "30000.00"
    assert (december.total_usd, december.straight_usd, december.planned_usd) == (None, "365000.00", "360000.00")
    assert december.low_usd is not None


def test_a_step_against_the_plan_alarms_and_months_cannot() -> None:
    days = np.concatenate([np.full(120, 1_000.0), np.full(100, 500.0)])
    usage, before = Daily(START, days, "day"), flat(1_000, 365, dt.date(2025, 1, 1))
    plan = Plan(
        "given",
        {
            month: 1_000.0 * span
            for month, span in zip(
                range(2026 * 12, 2026 * 12 + 12), (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), strict=True
            )
        },
    )
    found = track(from_usage(contract(365_000), START, usage), usage, before=before, planned=plan).alert

    # day 120 is 1 May; weeks begin on Thursdays, the 18th (30 April) has one whole day
    assert (found.state, found.departs_since) == ("alarm", "2026-04-30")
    assert found.ratio == pytest.approx((1_000 + 500 * 97) / (1_000 * 98), abs=1e-4)
    monthly = usage._replace(grain="month")
    assert track(from_usage(contract(365_000), START, usage), monthly, before=before).alert.state == "off"


def test_a_weekly_file_keeps_its_own_weeks() -> None:
    usage = Daily(dt.date(2025, 12, 29), np.repeat([70.0, 140.0, 210.0], 7) / 7, "week")
    first, found = weekly(usage, Span(START, dt.date(2027, 1, 1)))

    # the week of Monday 29 December began before the contract: the first whole one is 5 January
    assert first == dt.date(2026, 1, 5)
    assert found.tolist() == pytest.approx([140.0, 210.0])


def test_days_after_today_are_left_out_and_said() -> None:
    usage = flat(1_000, 181)
    today = dt.date(2026, 6, 1)
    found = track(from_usage(contract(365_000), START, usage, today), usage, as_of=today)

    assert found.known_until == "2026-06-01"
    assert [problem.code for problem in found.problems] == ["usage-after-as-of"]


@pytest.mark.parametrize(
    ("day", "months", "expected"), [((2027, 1, 31), 1, (2027, 2, 28)), ((2026, 12, 15), 2, (2027, 2, 15))]
)
def test_months_are_added_within_the_calendar(day: Any, months: int, expected: Any) -> None:
    assert add_months(dt.date(*day), months) == dt.date(*expected)


def test_the_last_part_of_a_year_is_a_period_of_its_own() -> None:
    terms = contract(365_000, 100_000, term_months=18)

    assert period_under_way(terms, START, dt.date(2027, 3, 1)) == Span(dt.date(2027, 1, 1), dt.date(2027, 7, 1))


def test_what_the_file_says_beyond_usage_is_a_row_of_its_own() -> None:
    """181,000 used until July, 200,000 of 365,000 stated as left: 16,000 less was drawn than used. Totals add up."""
    usage = flat(1_000, 212)
    found = track(signed(contract(365_000), 200_000), usage)
    kinds = [row.kind for row in found.months]
    assert kinds == ["month"] * 6 + ["stated"] + ["month"] * 6
    stated = found.months[6]
    assert (stated.month, stated.drawn_usd, stated.total_usd) == ("2026-07-01", "-16000.00", "165000.00")
    total = 0.0
    for row in found.months:
        total += float(row.drawn_usd)
        assert row.total_usd is None or float(row.total_usd) == pytest.approx(total)
    assert found.months[0].total_usd == "31000.00"
    assert [row.kind for row in track(signed(contract(365_000), 184_000), usage).months] == ["month"] * 12
    assert total == pytest.approx(float(found.drawn_usd) + float(found.excess_usd))


def test_the_example_of_the_handbook_runs(root: Path) -> None:
    """Week by week since a year before the contract; what was used since its start is what its file says is gone."""
    folder = root / "examples" / "offers"
    usage, said = read_daily((folder / "signed-usage.csv").read_bytes())
    current, _ = read_current((folder / "signed.yaml").read_bytes())
    found = track(current, usage)
    assert (said, found.problems) == ([], ())
    assert (found.drawn_usd, found.remaining_usd) == ("1100000.00", "900000.00")
    assert found.alert.weeks > 0
