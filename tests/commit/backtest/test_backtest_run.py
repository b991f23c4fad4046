"""The back-test on a customer's own months."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from baseload.commit.backtest.run import Backtest, RuleRow, backtest
from baseload.commit.backtest.text import backtest_lines
from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.demand.history import History, history_of

FLAT = Contract(
    term_months=12,
    commit_basis="list",
    bands=(Band(from_usd=Decimal(0), discount=Decimal("0.2")),),
    overage=Overage(rule="list"),
    unused=Unused(rule="forfeit"),
)


def calm(months: int) -> History:
    return history_of(np.full(months, 1_000.0), "2023-01")


def row(found: Backtest, rule: str) -> RuleRow:
    return next(one for one in found.rows if one.rule == rule)


def test_a_calm_past_gives_every_rule_its_hand_made_figures():
    found = backtest(calm(20), FLAT, seed=1)
    # origins after 6, 7 and 8 months; a year is 12,000 at list and 9,600 committed whole
    assert found.origins == ("2023-06", "2023-07", "2023-08")
    assert found.list_mean_usd == pytest.approx(12_000)
    assert found.best_saving_share == pytest.approx(0.2)
    for rule in ("trend", "last_two_months"):
        assert row(found, rule).saving_share == pytest.approx(0.2)
        assert row(found, rule).regret_mean_usd == pytest.approx(0, abs=1e-6)
    # 70 %: 8,400 at 20 % off and 3,600 at list = 10,320
    assert row(found, "floor").saving_share == pytest.approx(0.14)
    assert row(found, "floor").regret_p95_usd == pytest.approx(720)
    assert row(found, "on_demand").regret_mean_share == pytest.approx(0.25)


def test_a_rule_of_thumb_that_wins_is_said_to_have_won():
    found = backtest(calm(20), FLAT, seed=1)
    assert row(found, "ours").saving_share < 0.2
    assert "a rule of thumb won" in found.reading
    assert "1.2 independent years; too few" in found.reading


def test_growth_that_goes_on_is_worth_more_than_the_past_shows():
    grown = history_of(1_000 * 1.02 ** np.arange(30), "2022-01")
    found = backtest(grown, FLAT, seed=1)
    assert row(found, "ours").saving_share > row(found, "floor").saving_share
    assert len(found.origins) == 13


@pytest.mark.parametrize(("months", "missing"), [(17, 1), (6, 12), (3, 15)])
def test_a_short_history_is_refused_with_the_months_that_are_missing(months: int, missing: int):
    found = backtest(calm(months), FLAT, seed=1)
    assert (found.rows, found.origins, found.missing_months) == ((), (), missing)
    assert f"at least {missing} more" in found.reading


def test_a_gap_makes_the_months_before_it_count_for_nothing():
    usd = np.full(20, 1_000.0)
    usd[9] = np.nan
    assert backtest(history_of(usd, "2023-01"), FLAT, seed=1).missing_months == 18 - 10


def test_the_same_seed_gives_the_same_bytes():
    grown = history_of(1_000 * 1.03 ** np.arange(22), "2022-01")
    one, other = (msgspec.json.encode(backtest(grown, FLAT, seed=5)) for _ in range(2))
    assert one == other


def test_months_that_came_later_change_no_decision():
    """A commitment at an origin sees its past alone."""
    usd = 1_000 * 1.03 ** np.arange(18)
    later = usd.copy()
    later[6:] *= 3
    sizes = {row(backtest(history_of(one, "2022-01"), FLAT, seed=5), "ours").commit_mean_usd for one in (usd, later)}
    assert len(sizes) == 1


def test_the_table_has_every_rule_and_the_reading_last():
    found = backtest(calm(20), FLAT, seed=1)
    lines = backtest_lines(found)
    assert len(lines) == 1 + 6 + 1 + 1
    assert lines[4].split()[-4:] == ["20.0%", "0.0%", "0.0%", "0%"]  # the last two months
    assert lines[-1] == found.reading
    assert backtest_lines(backtest(calm(5), FLAT, seed=1)) == [backtest(calm(5), FLAT, seed=1).reading]


def test_an_origin_needs_six_whole_months_behind_it():
    usd = np.full(20, 1_000.0)
    usd[1] = np.nan
    found = backtest(history_of(usd, "2023-01"), FLAT, seed=1)
    assert found.origins == ("2023-08",)  # the six months from 2023-03 on, and twelve after them
    assert not np.isnan([row.regret_mean_usd for row in found.rows]).any()
