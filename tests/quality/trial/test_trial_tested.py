"""The verdict from pairs: weights, guards, judges, faults. The numbers are `decide`'s own, which has its own tests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from baseload.errors import UsageError
from baseload.quality.bar import Bar
from baseload.quality.betting import Rule
from baseload.quality.decide import decide
from baseload.quality.graders.controls import Controls, Placebo
from baseload.quality.trial.tested import Graded, Terms, decided


def bar(**given: Any) -> Bar:
    fields: dict[str, Any] = {"workload": "w", "grader": "label", "margin": 0.05, "budget_usd": Decimal(1)}
    return Bar(**(fields | given))


def pairs(differences: list[float], **given: Any) -> list[Graded]:
    fields: dict[str, Any] = {"how": "graded", "tier": "truth", "stratum": "1k|chat|no tools|end_turn"} | given
    return [Graded(call=f"c{place}", d=d, **fields) for place, d in enumerate(differences)]


def seeing(sensitivity: float, fault: str = "") -> Controls:
    placebo = Placebo(pairs=100, mean=0.0, low=-0.02, high=0.02)
    return Controls(seeded=60, hits=60, hits_candidate=30, seeded_candidate=30, sensitivity=sensitivity,
                    placebo=placebo, fault=fault)  # fmt: skip


def test_without_weights_it_is_decide() -> None:
    differences = [0.0, 1.0, -1.0, 0.5] * 100
    found = decided(Terms(bar=bar()), pairs(differences))
    assert found.decision == decide(differences, Rule(margin=0.05))


def test_weights_shrink_the_bets_and_not_the_margin() -> None:
    """D x weight within 2 is tested as D x weight / 2 at margin 0.025; what is stated is doubled again."""
    differences = [0.0, 2.0, -1.0, 0.5] * 200
    plain = decide([d / 2 for d in differences], Rule(margin=0.025))
    found = decided(Terms(bar=bar(), bound=2.0), pairs(differences)).decision
    assert (found.verdict, found.n_used, found.e_value) == (plain.verdict, plain.n_used, plain.e_value)
    assert plain.estimate is not None
    assert found.estimate == pytest.approx(2 * plain.estimate)
    assert found.margin == 0.05


def test_a_weighted_difference_beyond_the_bound_is_no_verdict() -> None:
    found = decided(Terms(bar=bar(), bound=2.0), pairs([0.0, 2.5]))
    assert found.state == "INVALID"
    assert "row 2" in str(found.decision.fault)


def test_a_judge_is_tested_at_margin_times_what_it_sees_and_at_alpha_less_a_hundredth() -> None:
    terms = Terms(bar=bar(), judged=True, controls=seeing(0.8))
    found = decided(terms, pairs([0.0] * 400, how="judged", tier="adjudicated"))
    expected = decide([0.0] * 400, Rule(margin=0.05 * 0.8, alpha=0.04))
    assert (found.margin, found.alpha) == (0.05 * 0.8, 0.04)
    assert (found.state, found.decision.n_used) == ("HOLDS", expected.n_used)
    assert expected.n_used > decide([0.0] * 400, Rule(margin=0.05)).n_used


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        (Terms(bar=bar(), judged=True), "no controls"),
        (Terms(bar=bar(), judged=True, controls=seeing(0.0, "the grader cannot see")), "cannot see"),
        (Terms(bar=bar(), drawn=100, not_replayable=6), "6.0%"),
    ],
)
def test_terms_that_bear_no_verdict_make_it_invalid_before_a_pair(terms: Terms, says: str) -> None:
    found = decided(terms, pairs([0.0] * 400))
    assert found.state == "INVALID"
    assert says in found.reason
    assert found.decision.n_used == 0


def test_judged_pairs_without_controls_are_invalid_even_where_nobody_said_so() -> None:
    assert decided(Terms(bar=bar()), pairs([0.0] * 400, how="judged")).state == "INVALID"


def test_an_alpha_that_the_controls_would_take_is_refused() -> None:
    with pytest.raises(UsageError, match="alpha"):
        decided(Terms(bar=bar(alpha=0.01), judged=True, controls=seeing(0.9)), [])


def test_a_guard_that_breaks_vetoes_a_whole_that_does_not() -> None:
    """Calls with tools are all lost, the others are all won: the mean of all is 0."""
    mixed = [
        Graded(call=f"c{n}", d=-1.0 if n % 2 else 1.0, how="graded", tier="truth",
               stratum="1k|chat|tools|end_turn" if n % 2 else "1k|chat|no tools|end_turn")
        for n in range(1000)
    ]  # fmt: skip
    assert decided(Terms(bar=bar()), mixed).state == "NOT_SHOWN"
    found = decided(Terms(bar=bar(guards=("tools",))), mixed)
    assert found.state == "BREAKS"
    assert "tools" in found.reason
    [guard] = found.guards
    assert (guard.state, guard.estimate) == ("breaks", -1.0)
    assert found.decision.n_used == 2 * guard.n  # the guard's break ends the test


def test_a_guard_without_calls_shows_nothing_and_vetoes_nothing() -> None:
    found = decided(Terms(bar=bar(guards=("64k",))), pairs([0.0] * 400))
    assert found.state == "HOLDS"
    assert [(guard.state, guard.n, guard.low, guard.high) for guard in found.guards] == [("not_shown", 0, -1.0, 1.0)]


def test_pairs_nobody_could_grade_cost_the_verdict_beyond_one_in_twenty() -> None:
    good, bad = pairs([0.0] * 380), pairs([-1.0] * 20, fault=True)
    mixed = [pair for place in range(20) for pair in (*good[place * 9 : place * 9 + 9], bad[place])]
    found = decided(Terms(bar=bar()), mixed)
    assert found.state == "INVALID"
    assert "could not be graded" in found.reason


def test_a_grader_that_fails_on_few_never_breaks_a_candidate_by_itself() -> None:
    """Three losses in the first 60 calls are the grader's: five points are broken by them alone, or not shown."""
    mixed = pairs([0.0] * 400)
    for place in range(0, 400, 25):
        mixed[place] = Graded(call=f"f{place}", d=-1.0, how="graded", tier="truth", stratum="", fault=True)
    assert decided(Terms(bar=bar(margin=0.004)), mixed).state in ("NOT_SHOWN", "INVALID")


def test_a_score_of_a_lower_tier_than_required_is_invalid() -> None:
    found = decided(Terms(bar=bar(tier_required="truth")), pairs([0.0] * 400, tier="same_as_incumbent"))
    assert found.state == "INVALID"
    assert "requires truth" in found.reason


def test_the_path_ends_where_the_test_does_and_is_short() -> None:
    found = decided(Terms(bar=bar(margin=0.004)), pairs([0.0] * 2000))
    assert len(found.path) <= 200
    assert (found.path[-1].n, found.path[-1].wealth) == (found.decision.n_used, found.decision.e_value)
    assert (found.path[-1].low, found.path[-1].high) == (found.decision.low, found.decision.high)
