"""The case as people read it: the answer first, then what is open, then tables."""

from __future__ import annotations

import datetime as dt

from case_making import made

from baseload.commit.case.text import case_text

GOLDEN = """\
Beside the size, 12 months from 2027-01, 1 path. USD.

Sign now, sized on what the plan leaves, each change with its chance ($720 in the first year): the cheapest of five \
plans, about $576 over the term; a bridge comes next, $36 dearer in present value.
5 months on demand, then signing, does not beat signing now on what the plan leaves, nor does any delay searched up \
to 11 months.
Signing later would pay only with discounts 6.7 points better than today's.
The offer's discount is off each month's list, so a price rise meets who signed as well: no rise searched changes the \
answer.
Route first, then commit saves $324 over 12 months against committing to the trend of the last six months first (which \
leaves $480 unused).
Both: $444 after effort, pays back in month 8; worth it up to 11 person-weeks.
The engineering alone: $300 after effort, pays back in month 4; worth it up to 8 person-weeks.
The signature alone: $240 after effort, pays back in month 10.
By 2027-07-01, of 1 change: 1 proven by a bill, 0 shipped without that proof, 0 left to the bridge.
Walking away to on demand costs $144 more after the plan ($240 more before it) than signing now.
At $720 a year against on demand ($720): walk away once every discount is 20.0 points lower, or above $900 a year.
one_point: worth $7.
"""
WORK = """\
What the work is worth
               saves  before effort  p10  p90  effort  net value  p10  p90  pays back  up to weeks
  signature      240            240  240  240       0        240  240  240  month 10
  engineering    480            480  480  480     180        300  300  300  month 4            8.0
  both           624            624  624  624     180        444  444  444  month 8           10.9
"""


def lines() -> list[str]:
    return case_text(
        made(
            person_weeks=2.0,
            week_usd=50.0,
            trial_usd=20.0,
            running_usd_per_month=5.0,
            signature_weeks=0.0,
            signing=dt.date(2027, 7, 1),
            delay_months=5,
        )
    )


def test_the_answer_comes_first_in_lines() -> None:
    """Every figure of it is worked out in test_case_build.py."""
    assert "\n".join(lines()).startswith(GOLDEN)


def test_tables_follow_what_is_open() -> None:
    text = "\n".join(lines())
    assert WORK in text
    assert text.index("? Assumed:") < text.index("When to sign\n") < text.index("What the work is worth\n")
    assert "? leverage: No other cloud is priced. Needs --cloud with its discount or shadow value." in text


def test_effort_that_is_not_known_is_a_question_mark_and_no_zero() -> None:
    row = next(line for line in case_text(made()) if line.startswith("  both"))
    assert row.split() == ["both", "624", "624", "624", "624", *["?"] * 5]
