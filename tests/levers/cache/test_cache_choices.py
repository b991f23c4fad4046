"""Whether to write, for how long, how often to anchor, how long to keep alive: hand-worked."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.levers.cache.choices import Rates, choice_for, is_anchor, is_kept_for_hour
from baseload.levers.cache.keep_alive import CAUTION, touches_worth
from baseload.levers.cache.lane import Lane
from baseload.levers.cache.learning import Learner
from baseload.levers.cache.pauses import PRIOR, PauseCounts, wait_of
from baseload.levers.cache.reuse import KINDS, MEMORY, Again, ReuseCounts, Step, kind_of
from baseload.levers.cache.shadow import Asked, Bills, LaneShadow
from baseload.levers.cache.trace import EndsWith, Stop

RATES = Rates(plain=100.0, read=10.0, write_5m=125.0, write_1h=200.0)


def test_writing_pays_from_the_chance_at_which_reads_return_the_premium() -> None:
    """0.25 of premium against 1.15 saved at each return: even at 0.25 / 1.15 = 0.2174."""
    assert choice_for(Again(0.2175, 0, 0, 0), RATES).new_5m > 0
    assert choice_for(Again(0.2173, 0, 0, 0), RATES).new_5m < 0


def test_an_hour_pays_where_what_is_wanted_later_saves_its_dearer_write() -> None:
    """Five minutes gain 0.1 * 1.15 - 0.25; an hour (0.1 + 0.8) * 1.15 - 1 = 0.035."""
    choice = choice_for(Again(0.1, 0.8, 0.1, 0.8), RATES)
    assert choice.new_5m == pytest.approx(-0.135)
    assert choice.new_1h == pytest.approx(0.035)


def test_the_anchor_follows_the_economic_order_quantity() -> None:
    """theta = sqrt(0.04 * 0.75 * 1.15 / 2) = 0.1313: of 100 new tokens behind 471 exposed 75 <= 0.1313 * 571."""
    choice = choice_for(Again(0.9, 0, 0.9, 0.04), RATES)
    assert choice.anchor == pytest.approx(0.13134, abs=1e-5)
    assert is_anchor(choice, RATES, 100, 472)
    assert not is_anchor(choice, RATES, 100, 470)


def test_without_pauses_nothing_is_anchored() -> None:
    assert not is_anchor(choice_for(Again(0.9, 0, 0.9, 0.0), RATES), RATES, 1, 1_000_000)


def test_what_expired_is_written_for_an_hour_when_it_will_likely_expire_again() -> None:
    """1.9 saved against 0.75 more: even at 0.3947."""
    assert is_kept_for_hour(0.395, RATES)
    assert not is_kept_for_hour(0.394, RATES)


def test_keep_alive_goes_on_as_long_as_what_is_ahead_pays() -> None:
    """At caution 0.8: the second read is worth 0.24 * 1.15 - 0.1 = 0.176, the third 0.04 * 1.15 - 0.1 < 0; the first
    0.08 * 1.15 - 0.1 + 0.92 * 0.176 = 0.154 although it alone would not pay.
    """
    assert touches_worth([0.1, 0.3, 0.05], 0.1, 1.15) == 2
    assert touches_worth([0.1, 0.05, 0.05], 0.1, 1.15) == 0
    assert touches_worth([], 0.1, 1.15) == 0


def test_cheap_reads_are_kept_up_longer() -> None:
    """0.06 * 0.8 * 1.225 = 0.059 is more than a read at 0.025, less than one at 0.1."""
    assert touches_worth([0.06] * 5, 0.1, 1.15) == 0
    assert touches_worth([0.06] * 5, 0.025, 1.225) == 5


@given(st.lists(st.floats(0, 1), max_size=6), st.floats(0.01, 0.5), st.floats(0, 2))
def test_no_other_number_of_reads_is_worth_more(chances: list[float], read: float, saved: float) -> None:
    def worth(count: int) -> float:
        total, still = 0.0, 1.0
        for chance in chances[:count]:
            total += still * (CAUTION * chance * saved - read)
            still *= 1 - CAUTION * chance
        return total

    best = max(worth(count) for count in range(len(chances) + 1))
    assert worth(touches_worth(chances, read, saved)) == pytest.approx(best, abs=1e-9)


def test_every_kind_of_request_has_its_own_number() -> None:
    kinds = [kind_of(*facts) for facts in product(EndsWith, (7_999, 8_000, 140_000), Step)]
    assert sorted(kinds) == list(range(KINDS))


def test_chances_lean_on_the_prior_until_enough_is_counted() -> None:
    """Four requests of 100 tokens, all wanted at once: (400 + 400 * 0.7) / 800 = 0.85; a hundred: 0.988."""
    counts, kind = ReuseCounts(), kind_of(EndsWith.UNKNOWN, 100, Step.FIRST)
    assert counts.again(kind).new_soon == pytest.approx(0.7)
    for _ in range(4):
        counts.sent(kind, 100, 100)
        counts.returned(kind, 100, 100, 300_000_000)
    assert counts.again(kind).new_soon == pytest.approx(0.85)
    for _ in range(96):
        counts.sent(kind, 100, 100)
        counts.returned(kind, 100, 100, 0)
    assert counts.again(kind).new_soon == pytest.approx((10_000 + 400 * 0.7) / 10_400)


def test_a_return_counts_as_soon_to_five_minutes_as_later_to_an_hour_then_not_at_all() -> None:
    counts = ReuseCounts()
    for gap_us in (300_000_000, 300_000_001, 3_600_000_000, 3_600_000_001):
        counts.sent(0, 10, 20)
        counts.returned(0, 10, 20, gap_us)
    kept = counts.frozen()
    assert (kept.new[0], kept.new_soon[0], kept.new_later[0]) == (40, 10, 20)
    assert (kept.whole[0], kept.whole_soon[0], kept.whole_later[0]) == (80, 20, 40)


def test_what_was_counted_long_ago_fades() -> None:
    counts = ReuseCounts()
    for _ in range(MEMORY):
        counts.sent(0, 10, 10)
    assert counts.frozen().requests[0] == MEMORY
    counts.sent(0, 10, 10)
    assert counts.frozen().requests[0] == MEMORY // 2 + 1


def test_counts_start_where_a_plan_left_them() -> None:
    counts, pauses = ReuseCounts(), PauseCounts()
    counts.sent(3, 5, 7)
    pauses.heard(0, 1_000, 900, 600_000_000)
    pauses.paused(900, 0)
    assert ReuseCounts(counts.frozen()).frozen() == counts.frozen()
    assert PauseCounts(pauses.frozen()).frozen() == pauses.frozen()


def test_a_silence_is_counted_in_every_step_it_outlasts() -> None:
    """Heard after 600 s: silent at 290 s and 580 s, back in the second step. 900 of 1,000 tokens were read again."""
    counts = PauseCounts()
    counts.heard(0, 1_000, 900, 600_000_000)
    kept = counts.frozen()
    assert kept.silent_5m[0][:4] == (1_000, 1_000, 0, 0)
    assert kept.back_5m[0][:4] == (0, 900, 0, 0)
    assert kept.silent_1h[0] == (0, 0, 0)


def test_a_lane_that_never_comes_back_is_silent_in_all_steps() -> None:
    counts = PauseCounts()
    counts.lost(1, 1_000)
    assert set(counts.frozen().silent_5m[1]) == {1_000}
    assert set(counts.frozen().back_5m[1]) == {0}
    assert set(counts.frozen().silent_1h[1]) == {1_000}


def test_chances_of_coming_back_lean_on_the_prior_too() -> None:
    """One silence that never ended, weighing 1,000 tokens, beside 12 of the prior: 12 / 13 of its chance."""
    counts = PauseCounts()
    assert counts.chances("5m", 0) == PRIOR["5m"].tool
    counts.lost(0, 1_000)
    assert counts.chances("5m", 0) == pytest.approx([chance * 12 / 13 for chance in PRIOR["5m"].tool])


def test_only_an_answer_that_asks_for_a_tool_waits_for_one() -> None:
    assert [wait_of(stop) for stop in (Stop.TOOL_USE, Stop.END_TURN, Stop.UNKNOWN, Stop.OTHER)] == [0, 1, 1, 1]


def test_a_rule_is_followed_while_it_is_ahead_and_not_for_ever() -> None:
    """Every request of 100,000 tokens is written for nothing: 25,000 too many each. Behind by more than 100,000 and
    0.3 % after the fifth; after 500 requests of doing nothing the planner may try again.
    """
    bills, shadow, followed = Bills(), LaneShadow(), []
    for number in range(520):
        rule = bills.follows(0.0, RATES)
        followed.append(rule)
        asked = Asked([number], [100_000], 100_000, number * 400_000_000, RATES)
        bills.add(shadow, asked, 0, 100_000 * (125.0 if rule is None else 100.0))
    assert followed[:7] == [None, None, None, None, None, "none", "none"]
    assert followed.index(None, 5) == 506


def test_what_was_read_beyond_belief_is_put_right() -> None:
    bills = Bills()
    asked = Asked([1], [10_000_000], 10_000_000, 0, RATES)
    bills.add(LaneShadow(), asked, 0, 10_000_000 * 125.0)
    bills.corrected(-10_000_000, RATES)  # all of it was read after all
    assert bills.follows(0.0, RATES) is None
    bills.corrected(10_000_000, RATES)
    assert bills.follows(0.0, RATES) == "none"


def test_a_request_that_parts_before_an_end_counts_what_it_shares_beyond_the_old() -> None:
    """The first had 100 tokens, all new; the second shares 60 of them: 60 of 100 are wanted again."""
    learner, lane = Learner(None, None), Lane()
    lane.note([1], [100], -1, 0)
    learner.wait_for(lane, 1, 0, 100)
    learner.met(lane, 1, 60, 10_000_000)
    kept = learner.reuse.frozen()
    assert (kept.requests[0], kept.new[0], kept.new_soon[0], kept.whole_soon[0]) == (1, 100, 60, 60)
