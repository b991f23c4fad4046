"""Verdict documents: read strictly, because a verdict moves money."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from route_hands import TODAY

from baseload.levers.route.verdicts import of_own_traffic, read_verdicts, unused_verdicts
from baseload.prices.book import PriceBook

GOOD: dict[str, Any] = {
    "schema": "baseload.verdict/1",
    "workload": "w-1",
    "model": "claude-haiku-4-5",
    "state": "holds",
    "verdict_id": "ab" * 32,
    "output_ratio_low": "0.9",
    "output_ratio_high": "1.1",
    "expires_day": TODAY + 1,
}
KEY = ("w-1", "claude-haiku-4-5-20251001", "")


def document(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (GOOD | changes).items() if value != "absent"}).encode()


def read(book: PriceBook, *documents: bytes) -> tuple[dict[Any, Any], list[str]]:
    found, problems = read_verdicts({f"some/where/{n}.json": data for n, data in enumerate(documents)}, book, TODAY)
    assert all(one.file.endswith(".json") and "/" not in one.file and one.next_step for one in problems)
    return found, [one.code for one in problems]


def test_a_verdict_is_kept_under_the_model_its_alias_means(book: PriceBook) -> None:
    found, problems = read(book, document())
    assert problems == []
    assert found[KEY].output_ratio_low == Decimal("0.9")
    assert (found[KEY].state, found[KEY].model) == ("holds", KEY[1])


def test_the_last_day_counts_and_the_day_of_expiry_does_not(book: PriceBook) -> None:
    assert read(book, document(expires_day=TODAY + 1))[1] == []
    assert read(book, document(expires_day=TODAY)) == ({}, ["verdict-expired"])
    assert KEY in read(book, document(expires_day=None))[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "baseload.verdict/2"},
        {"state": "probably"},
        {"effort": "huge"},
        {"verdict_id": "absent"},
        {"verdict_id": ""},
        {"verdict_id": "x"},
        {"verdict_id": "AB" * 32},
        {"workload": ""},
        {"expire_day": 1},  # a misspelt field would make a verdict that never expires
        {"expires_day": -1},
        {"expires_day": 10**12},
        {"output_ratio_low": "NaN"},
        {"output_ratio_low": "Infinity", "output_ratio_high": "Infinity"},
        {"output_ratio_low": "0"},
        {"output_ratio_low": "0.0499", "output_ratio_high": "1"},
        {"output_ratio_low": "1", "output_ratio_high": "20.01"},
        {"output_ratio_low": "-1"},
        {"output_ratio_high": "1E+999999"},
        {"output_ratio_high": None},
        {"output_ratio_low": "1.2", "output_ratio_high": "1.1"},
    ],
)
def test_anything_odd_is_a_problem_and_no_verdict(book: PriceBook, changes: dict[str, Any]) -> None:
    assert read(book, document(**changes)) == ({}, ["verdict-unreadable"])


def test_a_ratio_that_cannot_be_is_named_with_its_bounds(book: PriceBook) -> None:
    absurd = document(output_ratio_low="0.0001", output_ratio_high="0.0002")
    _, [problem] = read_verdicts({"v.json": absurd}, book, TODAY)
    assert problem.value == "output_ratio 0.0001 to 0.0002"
    assert problem.expected == "output ratios from 0.05 to 20"
    for low, high in (("0.05", "0.05"), ("20", "20")):
        assert read(book, document(output_ratio_low=low, output_ratio_high=high))[1] == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b" " * (1 << 21), b"null"])
def test_hostile_bytes_are_a_problem_and_no_crash(book: PriceBook, data: bytes) -> None:
    assert read(book, data) == ({}, ["verdict-unreadable"])


def test_a_verdict_that_holds_with_answers_of_another_length_says_what_is_wrong_and_what_to_do(book: PriceBook) -> None:
    _, [problem] = read_verdicts({"v.json": document(output_ratio_low="21", output_ratio_high="30")}, book, TODAY)
    assert problem.code == "verdict-unreadable"
    assert problem.message == "A trial held with answers of another length: another answer, so it counts as not tested."
    assert "the trial gives the same again" in problem.next_step
    assert "baseload trial show" in problem.next_step


def test_clearly_below_is_of_a_trial_that_ended_without_an_answer_alone(book: PriceBook) -> None:
    assert read(book, document(state="not_shown", clearly_below=True))[0][KEY].clearly_below
    assert not read(book, document(state="not_shown"))[0][KEY].clearly_below  # an older document
    assert read(book, document(state="holds", clearly_below=True)) == ({}, ["verdict-unreadable"])


def test_what_a_stand_in_said_rules_nothing_out_on_own_traffic(book: PriceBook) -> None:
    found, _ = read(book, document(state="breaks", grade="simulated"))
    own = of_own_traffic(found)[KEY]
    assert (own.state, own.grade, own.verdict_id, own.output_ratio_low) == ("assumed", "simulated", "ab" * 32, None)
    for real in (document(state="breaks"), document(grade="simulated"), document(state="invalid", grade="simulated")):
        found, _ = read(book, real)
        assert of_own_traffic(found) == found


def test_an_unknown_model_is_named_in_short(book: PriceBook) -> None:
    found, problems = read_verdicts({"v.json": document(model="x" * 500)}, book, TODAY)
    assert found == {}
    assert (problems[0].code, len(problems[0].value)) == ("verdict-model", 60)


@pytest.mark.parametrize("states", [("holds", "breaks"), ("breaks", "holds")])
def test_of_two_that_disagree_the_stricter_counts(book: PriceBook, states: tuple[str, str]) -> None:
    ids = {"holds": "a" * 64, "breaks": "b" * 64}
    found, problems = read(book, *(document(state=state, verdict_id=ids[state]) for state in states))
    assert (found[KEY].verdict_id, problems) == (ids["breaks"], ["verdict-conflict"])


def test_two_that_agree_are_no_problem(book: PriceBook) -> None:
    assert read(book, document(), document(verdict_id="cd" * 32))[1] == []


def test_a_verdict_about_a_workload_that_is_not_here_is_said(book: PriceBook) -> None:
    found, _ = read(book, document())
    assert unused_verdicts(found, ["w-1"]) == []
    assert [one.code for one in unused_verdicts(found, ["w-2"])] == ["verdict-unused"]


@pytest.mark.parametrize("state", ["breaks", "not_shown", "invalid"])
@pytest.mark.parametrize(("low", "high"), [("0.0386", "0.0509"), ("20", "36.5")])
def test_an_answer_far_shorter_or_longer_does_not_unsay_that_a_trial_failed(
    book: PriceBook, state: str, low: str, high: str
) -> None:
    found, problems = read(book, document(state=state, output_ratio_low=low, output_ratio_high=high))
    assert problems == []
    assert found[KEY].state == state  # "not tested" would put a broken move back into the plan


@pytest.mark.parametrize(("low", "high"), [("0", "1"), ("-1", "1"), ("NaN", "1"), ("1.2", "1.1"), ("1", "1E+999999")])
def test_of_a_failed_trial_too_a_ratio_must_be_one(book: PriceBook, low: str, high: str) -> None:
    broken = document(state="breaks", output_ratio_low=low, output_ratio_high=high)
    assert read(book, broken) == ({}, ["verdict-unreadable"])
