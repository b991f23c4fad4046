"""Several attempts at one candidate: together they are wrong no more often than one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trial_world import DAY, World, bar, lines_of

from baseload.errors import UsageError
from baseload.quality.betting import Outcome, Rule, Walks
from baseload.quality.record import Tampered, chained, line_bytes, read_record, verify
from baseload.quality.trial.attempts import Entry, counting, left_by, note, read_log
from baseload.quality.trial.earlier import LEAST_ALPHA, Attempt, alpha_left, mark
from baseload.quality.trial.evidence import Evidence
from baseload.quality.trial.setup import COMPARED_BEFORE, checked
from baseload.quality.trial.tested import Terms, check

LEVEL, MARGIN, TRIES = 0.05, 0.10, 5
LOSES, WINS = 0.15, 0.05  # the mean difference is -0.10: just worse by the margin
STANDARD_ERRORS = 3


def passes_of(seed: int, walks: int, *, spends: bool) -> float:
    """The share of candidates on the boundary that pass in one of five attempts, each stopped when it says so."""
    chance = np.random.default_rng(seed)
    return sum(_passes(chance, spends=spends) for _ in range(walks)) / walks


def most(walks: int) -> float:
    return LEVEL + STANDARD_ERRORS * (LEVEL * (1 - LEVEL) / walks) ** 0.5  # 0.088 of 300, 0.110 of 120


def _passes(chance: np.random.Generator, *, spends: bool) -> bool:
    wealths: list[float] = []
    for _ in range(TRIES):
        alpha = LEVEL * alpha_left(LEVEL, wealths) if spends else LEVEL
        if alpha < LEAST_ALPHA:
            return False  # `check` refuses it
        walk = Walks(Rule(margin=MARGIN, alpha=alpha))
        outcome = Outcome.OPEN
        while outcome == Outcome.OPEN:
            d = chance.choice([-1.0, 0.0, 1.0], p=[LOSES, 1 - LOSES - WINS, WINS])
            outcome = Outcome(int(walk.step(np.array([d]))[0]))
        if outcome == Outcome.HOLDS:
            return True
        wealths.append(float(walk.wealth[0]))
    return False


def test_five_attempts_on_the_boundary_pass_no_more_often_than_alpha() -> None:
    assert passes_of(7, 300, spends=True) <= most(300)


def test_five_attempts_at_the_whole_alpha_would_pass_far_more_often() -> None:
    # the same check must fail for what is not valid: 1 - 0.95^5 = 0.23 at most
    assert passes_of(7, 120, spends=False) > most(120)


def test_what_earlier_attempts_left_is_their_wealth_and_never_more_than_there_was() -> None:
    # 0.05 x 0.4 = 0.02; a wealth of 8 gives nothing back; 0.02 x 0.5 = 0.01
    terms = Terms(bar=bar(), attempt=4, earlier=(0.4, 8.0, 0.5))
    assert terms.alpha == pytest.approx(0.01)
    assert terms.alpha_left == pytest.approx(0.2)
    assert Terms(bar=bar()).alpha == 0.05


def test_a_judges_controls_take_their_part_in_every_attempt() -> None:
    # (0.05 - 0.01) x 0.5 = 0.02 is left, of which this attempt's controls take 0.01
    assert Terms(bar=bar(), judged=True, attempt=2, earlier=(0.5,)).alpha == pytest.approx(0.01)


def test_where_nothing_is_left_it_is_refused() -> None:
    with pytest.raises(UsageError, match="attempt 2: the earlier ones left nothing"):
        check(Terms(bar=bar(), attempt=2, earlier=(1e-12,)))


def attempt(number: int = 1, **given: Any) -> Attempt:
    return Attempt(**({"number": number, "wealth": 0.4, "verdict_id": "a" * 64} | given))


def test_a_second_attempt_says_so_in_record_document_and_sentence_and_draws_other_sessions(tmp_path: Path) -> None:
    world = World(300)
    before = attempt(simulated=True, calls=tuple(mark(one.call_id) for one in world.calls[:100]))
    found = world.run(tmp_path / "t", attempt=2, earlier=(before,))
    assert found.attempts is not None
    assert (found.attempts.number, found.attempts.counted, found.decision.alpha) == (2, 1, pytest.approx(0.02))
    assert found.sample.left_out == {COMPARED_BEFORE: 100}
    assert found.sample.drawn == 200
    assert "at most 5.0% of passing one that is worse by it in all of its 2 attempts together" in found.sentence
    lines = lines_of(tmp_path / "t")
    summary = next(line["body"] for line in lines if line["kind"] == "sample")
    assert (summary["attempt"], summary["earlier"]) == (2, [[1, "a" * 64, 0.4]])
    verdict = lines[-1]["body"]
    assert (verdict["attempt"], verdict["alpha"], verdict["alpha_left"]) == (2, 0.05 * 0.4, 0.4)
    checked_again = verify((tmp_path / "t" / "record.jsonl").read_bytes(), found.verdict_id)
    assert (checked_again.agrees, checked_again.attempt, checked_again.alpha) == (True, 2, 0.05 * 0.4)


def test_a_record_that_leaves_its_earlier_attempts_out_no_longer_agrees(tmp_path: Path) -> None:
    World(300).run(tmp_path / "t", attempt=2, earlier=(attempt(simulated=True),))
    forged: list[Any] = []
    for line in read_record((tmp_path / "t" / "record.jsonl").read_bytes()):
        body = {name: value for name, value in line.body.items() if name != "earlier"}
        forged.append(chained(line.kind, body, forged[-1] if forged else None))
    assert not verify(b"".join(map(line_bytes, forged))).agrees


def test_attempts_against_a_stand_in_do_not_count_against_the_model() -> None:
    earlier = (attempt(1, simulated=True, wealth=0.1), attempt(2, wealth=0.5))
    assert World(3).setup(attempt=3, earlier=earlier, simulated=False).alpha_left == pytest.approx(0.5)
    assert World(3).setup(attempt=3, earlier=earlier, simulated=True).alpha_left == pytest.approx(0.05)
    with pytest.raises(UsageError, match="left nothing"):
        checked(World(3).setup(attempt=2, earlier=(attempt(wealth=0.0),), simulated=False))


def test_all_calls_of_a_compared_session_and_its_request_elsewhere_are_left_out(tmp_path: Path) -> None:
    world = World(300)
    calls = list(world.calls)
    calls[1] = type(calls[1])(
        **({name: getattr(calls[1], name) for name in calls[1].__struct_fields__} | {"session_id": "s0"})
    )
    calls[0], calls[2] = (
        type(one)(**({name: getattr(one, name) for name in one.__struct_fields__} | {"request_hash": "same"}))
        for one in (calls[0], calls[2])
    )
    earlier = (attempt(simulated=True, calls=(mark(calls[0].call_id),)),)
    found = world.run(tmp_path / "t", calls=tuple(calls), attempt=2, earlier=earlier)
    assert found.sample.left_out == {COMPARED_BEFORE: 3}  # itself, its session's other call, its request's other call


def entry(number: int = 1, **given: Any) -> Entry:
    return Entry(**({"attempt": number, "on": DAY, "counts_until": DAY + 90, "simulated": False} | given))


def test_an_attempt_whose_folder_is_gone_is_known_from_the_log() -> None:
    log = (entry(), entry(wealth=0.3, calls=("c",), verdict_id="b"))
    [found] = counting(2, {}, log, DAY + 5)
    assert (found.wealth, found.calls, found.verdict_id) == (0.3, ("c",), "b")


def test_an_attempt_nobody_knows_the_end_of_lets_none_hold_until_its_time_is_over() -> None:
    with pytest.raises(UsageError, match=r"attempt 1, begun on 2026-11-23, is gone.*before 2027-02-21"):
        counting(2, {}, (entry(),), DAY + 89)
    assert counting(2, {}, (entry(),), DAY + 90) == ()


def test_a_folder_that_says_better_than_the_log_is_not_believed() -> None:
    folders = {1: attempt(wealth=1.0)}
    assert counting(2, folders, (entry(wealth=0.2),), DAY)[0].wealth == 0.2
    assert counting(2, folders, (), DAY)[0].wealth == 1.0  # an older one, which no log knows


def test_an_attempt_whose_verdict_has_expired_counts_no_more() -> None:
    folders = {1: attempt(counts_until=DAY)}
    assert counting(2, folders, (), DAY) == ()
    assert len(counting(2, folders, (), DAY - 1)) == 1


def test_the_log_is_a_chain_and_an_edit_shows(tmp_path: Path) -> None:
    log = tmp_path / "verdicts" / "t.attempts.jsonl"
    note(log, entry())
    note(log, entry(wealth=0.3))
    note(log, entry(wealth=0.3))  # once
    assert [one.wealth for one in read_log(log)] == [None, 0.3]
    log.write_bytes(log.read_bytes().replace(b"0.3", b"1.0"))
    with pytest.raises(Tampered):
        read_log(log)


def test_an_attempt_that_was_stopped_leaves_the_wealth_of_the_calls_it_graded(tmp_path: Path) -> None:
    World(200).run(tmp_path / "t")
    lines = (tmp_path / "t" / "record.jsonl").read_bytes().splitlines(keepends=True)
    pairs = [place for place, line in enumerate(lines) if json.loads(line)["kind"] == "pair"]
    none = left_by(b"".join(lines[: pairs[0]]))
    one = left_by(b"".join(lines[: pairs[0] + 1]))
    assert (none.number, none.wealth, none.calls) == (1, 1.0, ())
    # D = 0, margin 0.05: 1 + bet x 0.05 with bet = sqrt(2 ln 20 / ((0.08 + 0.0025) x 389.3)) = 0.4319
    assert one.wealth == pytest.approx(1 + 0.4319 * 0.05, abs=2e-5)
    assert len(one.calls) == 1
    assert left_by((tmp_path / "t" / "record.jsonl").read_bytes()).wealth >= 20


def test_a_record_that_goes_on_says_the_same_again_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with Evidence(path) as evidence:
        evidence.put(("event", {"said": 1}))
    with Evidence(path) as evidence, pytest.raises(UsageError, match="line 1: a event that is not this trial's"):
        evidence.put(("event", {"said": 2}))
    with Evidence(path) as evidence:
        evidence.put(("event", {"said": 1}), ("event", {"said": 2}))
    assert [line.body["said"] for line in read_record(path.read_bytes())] == [1, 2]
