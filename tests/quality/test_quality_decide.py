"""From differences to a verdict, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baseload.errors import UsageError
from baseload.quality.betting import Outcome, Rule, Walks
from baseload.quality.decide import decide
from baseload.quality.scores import decide_lines


def test_the_first_bet_is_the_published_one() -> None:
    # s2 = 3.2 / 40 + 0.02^2 = 0.0804; horizon = 1.25 x 1756.97 (q = .08); bet = sqrt(2 ln 20 / (s2 H))
    rule = Rule(margin=0.02)
    walks = Walks(rule)
    horizon = float(walks.horizon[0])
    up, down = walks.bets()
    assert up[0] == pytest.approx(math.sqrt(2 * math.log(20) / (0.0804 * horizon)))
    assert down[0] == up[0]
    walks.step(np.array([1.0]))
    assert walks.wealth[0] == pytest.approx(1 + up[0] * 1.02)
    assert walks.mirror[0] == pytest.approx(1 - up[0] * 1.02)


def test_a_bet_never_stakes_more_than_nineteen_twentieths() -> None:
    walks = Walks(Rule(margin=0.02))
    walks.horizon[:] = 1
    up, down = walks.bets()
    assert up[0] == pytest.approx(0.95 / 0.98)
    assert down[0] == pytest.approx(0.95 / 1.02)


def test_clean_calls_hold_after_about_ln20_over_the_margin_and_more() -> None:
    found = decide([0.0] * 1000, Rule(margin=0.02))
    assert found.verdict == "HOLDS"
    assert 148 < found.n_used < 500  # never below the clean floor of 148.3
    assert found.e_value is not None
    assert found.e_value >= 20
    assert (found.estimate, found.wins, found.losses) == (0.0, 0, 0)


def test_only_losses_are_hopeless_at_the_first_look_and_broken_soon_after_where_none_is_taken() -> None:
    # at 50 calls: -50 + 2.6 sqrt(51) = -31.4, below -0.02 x 50
    hopeless = decide([-1.0] * 100, Rule(margin=0.02))
    assert (hopeless.verdict, hopeless.n_used) == ("NOT_SHOWN", 50)
    assert "hardly" in hopeless.reason
    found = decide([-1.0] * 200, Rule(margin=0.02, futility=False))
    assert found.verdict == "BREAKS"
    assert found.n_used == 123  # bets shrink as the spread of what was seen grows
    assert found.estimate == -1.0
    assert found.high is not None
    assert found.high < 0


def test_rows_after_the_stop_are_not_looked_at() -> None:
    first = decide([0.0] * 400, Rule(margin=0.02))
    again = decide([*[0.0] * first.n_used, 7.0, float("nan")], Rule(margin=0.02))
    assert again == first


@pytest.mark.parametrize(
    ("lines", "row", "said"),
    [
        ([b'{"d": 0}', b'{"d": 1.5}'], 2, "1.5"),
        ([b'{"d": NaN}'], 1, "malformed"),
        ([b'{"d": null}'], 1, "Expected `float`"),
        ([b'{"score": 1}'], 1, "missing required field `d`"),
        ([b'{"d": "0"}'], 1, "Expected `float`"),
        ([b'{"d": true}'], 1, "Expected `float`"),
        ([b'{"d": 1e400}'], 1, "row 1"),
        ([b"\xff"], 1, "not UTF-8"),
        ([b'{"d": 0}', b'{"d": 0, "id": "\xff"}'], 2, "not UTF-8"),
        ([b'{"d": 5, "d": 0}'], 1, "d is there twice"),
        ([b'{"d": 0, "\\u0064": 1}'], 1, "d is there twice"),
        ([b'{"d": 0, "x": ' + b"[" * 100_000], 1, "row 1"),
        ([b'{"d": 0}', b'\xef\xbb\xbf{"d": 0}'], 2, "row 2"),
        ([b"", b'{"d": 0}', b"\n", b"{}"], 2, "missing required field"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_no_verdict_given(lines: list[bytes], row: int, said: str) -> None:
    found = decide_lines(lines, Rule(margin=0.02))
    assert found.verdict == "INVALID"
    assert found.fault is not None
    assert f"row {row}" in found.fault
    assert said in found.fault
    assert (found.n_used, found.estimate, found.e_value) == (row - 1, None, None)


def test_a_mark_at_the_start_of_the_file_is_no_part_of_its_first_row() -> None:
    assert decide_lines([b'\xef\xbb\xbf{"d": 0.5}', b'{"d": 0.5}'], Rule(margin=0.02)).n_used == 2


def test_other_fields_may_hold_what_they_like() -> None:
    found = decide_lines([b'{"d": 0.5, "of": {"d": 1, "list": [{"d": 2}]}, "id": 1, "id": 2}'], Rule(margin=0.02))
    assert (found.verdict, found.estimate) == ("NOT_SHOWN", 0.5)


def test_the_horizon_is_planned_again_before_it_is_looked_at() -> None:
    """14 losses and a win of 50 at 12 points: S = -13, Q = 15, and futility means S + z sqrt(16) < -6.

    By the plan of before any call (85.8 calls) z = 1.645: -6.42, hopeless. By what was seen (q = .202, 163.4 calls)
    z = 2.6 - 0.955 x 50 / 57.2 = 1.765: -5.94, and the test goes on until it breaks."""
    rule = Rule(margin=0.12)
    seen = [1.0, *[-1.0] * 14, *[0.0] * 35]
    walks = Walks(rule)
    assert {int(walks.step(np.array([one]))[0]) for one in seen} == {Outcome.OPEN}
    assert walks.horizon[0] == pytest.approx(163.4, abs=0.1)
    found = decide([*seen, *[-1.0] * 40], rule)
    assert found.verdict == "BREAKS"


@pytest.mark.parametrize("margin", [0.167, 0.168, 0.3])
def test_no_test_ends_by_a_plan_that_saw_nothing(margin: float) -> None:
    """The plans before any call are 49.9, 49.4 and fewer calls; the first that is one is made at 50: 75 at least."""
    differences = [1.0, -1.0, -1.0, 0.0, 0.0] * 40  # a mean of -0.2, near the bar
    walks = Walks(Rule(margin=margin, futility=False))
    assert walks.horizon[0] < 50
    for at, one in enumerate(differences[:60], start=1):
        outcome = Outcome(int(walks.step(np.array([one]))[0]))
        assert outcome not in (Outcome.ENDED, Outcome.FUTILE), at


def test_a_budget_below_the_first_plan_ends_the_test() -> None:
    assert decide([0.0] * 60, Rule(margin=0.02, most_calls=30)).n_used == 30


@pytest.mark.parametrize("fields", [{"margin": 0.02, "alpha": 1e-300}, {"margin": 1e-300},
                                    {"margin": 0.02, "alpha_break": 1e-16}])  # fmt: skip
def test_what_no_number_of_calls_shows_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="expected at least 1e-15"):
        Rule(**fields)  # type: ignore[arg-type]  # what a caller may get wrong


def test_scores_that_end_show_nothing() -> None:
    found = decide_lines([b'{"d": 0, "id": "a"}'] * 10, Rule(margin=0.02))
    assert (found.verdict, found.n_used) == ("NOT_SHOWN", 10)
    empty = decide([], Rule(margin=0.02))
    assert (empty.verdict, empty.n_used, empty.estimate, empty.low, empty.high) == ("NOT_SHOWN", 0, None, -1.0, 1.0)


def test_graded_scores_have_no_tango_check() -> None:
    assert decide([0.25, -0.5], Rule(margin=0.02)).tango_p is None
    assert decide([1.0, -1.0], Rule(margin=0.02)).tango_p is not None


@pytest.mark.parametrize("fields", [{"margin": 0.0}, {"margin": 1.0}, {"margin": 0.02, "alpha": 0.0},
                                    {"margin": 0.02, "alpha_break": 1.0}, {"margin": 0.02, "most_calls": 0},
                                    {"margin": float("nan")}])  # fmt: skip
def test_a_rule_out_of_its_range_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="expected"):
        Rule(**fields)  # type: ignore[arg-type]  # what a caller may get wrong


def test_a_budget_of_calls_is_never_overrun() -> None:
    rng = np.random.default_rng(3)
    differences = rng.choice([-1.0, 0.0, 1.0], p=[0.1, 0.8, 0.1], size=5000)
    found = decide(differences.tolist(), Rule(margin=0.01, most_calls=300, futility=False))
    assert found.verdict == "NOT_SHOWN"
    assert found.n_used == 300
