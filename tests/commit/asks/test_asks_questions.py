"""Ten questions, open answers as ranges, and what hangs on each."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from baseload.commit.asks.files import offer_text, open_terms, ranges_text, read_draft
from baseload.commit.asks.questions import longest_term, questions, stressed
from baseload.commit.asks.ranges import RANGES, draft_of
from baseload.commit.asks.wording import DEFINITIONS, FOR_COUNSEL, QUESTIONS, TEN
from baseload.commit.offer import read_offer
from baseload.commit.paths import Paths, paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.worth.asks import BY_NAME

KNOWN = {
    "term_months": "12",
    "commit_basis": "list",
    "bands": [{"from_usd": "0", "discount": "0.20"}],
    "overage": "list",
    "unused": "forfeit",
    "price_rule": "disc_off_current_list",
    "metering_freeze": "false",
    "step_down": "none",
    "true_forward": "none",
    "payment": "annual",
}


def even(*yearly: float) -> Paths:
    return paths_of(np.repeat(np.array(yearly)[:, None] / 12, 12, axis=1))


def test_there_are_ten_questions_and_each_has_a_range_and_wording() -> None:
    assert len(TEN) == 10
    assert set(QUESTIONS) == set(RANGES)
    assert all(clause.wording for one in QUESTIONS.values() for clause in one.clauses)


def test_wording_of_a_priced_ask_is_the_one_it_is_priced_with() -> None:
    first = QUESTIONS["overage"].clauses[0]

    assert first.wording == BY_NAME["overage_committed"].wording
    assert f'"Committed Rate" means {DEFINITIONS["Committed Rate"]}.' in first.definitions


def test_empty_and_unknown_and_absent_are_the_same_open_answer() -> None:
    for answers in ({}, {"overage": ""}, {"overage": "unknown"}, {"overage": "Unknown"}, {"overage": None}):
        assert (
            "overage"
            in draft_of({**{key: value for key, value in KNOWN.items() if key != "overage"}, **answers}).unknown
        )


def test_an_open_term_is_a_range_and_never_a_default() -> None:
    draft = draft_of({**KNOWN, "overage": "unknown"})

    assert [draft.at({"overage": place}).contract.overage.rule for place in range(3)] == [
        "committed",
        "multiple",
        "list",
    ]
    with pytest.raises(
        CommitError, match=r"overage\.rule: unknown; expected one of list, committed, multiple, next_band"
    ):
        read_offer(offer_text(draft).encode())


@pytest.mark.parametrize("key", sorted(RANGES))
def test_a_command_that_needs_a_term_refuses_it_where_it_is_open(key: str) -> None:
    draft = draft_of({**KNOWN, key: "unknown"})
    with pytest.raises(CommitError, match=key):
        read_offer(offer_text(draft).encode())


def test_an_open_commitment_is_sized_not_swung() -> None:
    draft = draft_of({**KNOWN, "commit_usd_by_year": "unknown"})

    assert draft.unknown == {}
    assert draft.at().contract.commit_usd_by_year == ()


def test_any_term_with_a_range_may_be_open_and_others_say_so() -> None:
    assert "period" in draft_of({**KNOWN, "period": "unknown"}).unknown
    with pytest.raises(CommitError, match="wacc: unknown; expected a value; a range is known for term_months"):
        draft_of({**KNOWN, "wacc": "unknown"})


def test_both_files_come_back_as_the_draft_they_were_written_from() -> None:
    draft = draft_of({"overage": "list", "metering_freeze": "false", "term_months": "12"})
    text, ranges = offer_text(draft).encode(), ranges_text(draft).encode()

    found = read_draft(text, ranges=ranges)
    assert found.unknown == draft.unknown
    assert found.at().contract == draft.at().contract
    assert "metering_freeze: false" in text.decode()  # stated, though it is what would be assumed


def test_a_range_that_was_edited_is_the_one_used() -> None:
    draft = draft_of({**KNOWN, "overage": "unknown"})
    found = read_draft(offer_text(draft).encode(), ranges=b"overage: [committed, list]\n")

    assert found.unknown["overage"].values == ("committed", "list")


def test_a_range_for_a_known_term_is_refused() -> None:
    with pytest.raises(CommitError, match="overage: a range; expected a range only for a term that is unknown"):
        draft_of(KNOWN, ranges={"overage": ["list"]})


def test_values_that_contradict_what_is_known_are_left_out_and_said() -> None:
    draft = draft_of({**KNOWN, "term_months": "6", "step_down": "unknown"})

    assert draft.unknown["step_down"].values == ("none",)
    assert draft.dropped == ("step_down: {windows: [6], share: 0.3}", "step_down: {windows: [6], share: 0.2}")


def test_an_answer_that_cannot_be_is_named() -> None:
    with pytest.raises(CommitError, match=r"answers: overage\.rule: free; expected one of list, committed"):
        draft_of({**KNOWN, "overage": "free"})


def test_the_swing_is_the_dearest_answer_less_the_cheapest() -> None:
    flat = [[{"from_usd": "0", "discount": discount}] for discount in ("0.30", "0.20", "0.10")]
    draft = draft_of({**KNOWN, "bands": "unknown"}, ranges={"bands": flat})
    found = questions(draft, even(1_000_000, 1_000_000))

    # known usage is committed whole: 700,000, 800,000, 900,000
    (row,) = found.questions
    assert [answer.expected_cost_usd for answer in row.answers] == ["700000.00", "800000.00", "900000.00"]
    assert row.swing_usd == "200000.00"


def test_questions_are_ranked_by_their_dollars() -> None:
    draft = draft_of({**KNOWN, "commit_basis": "unknown", "overage": "unknown"})  # asked in this order
    found = questions(draft, even(500_000, 1_000_000, 1_500_000))

    swings = [Decimal(row.swing_usd or "0") for row in found.questions]
    assert found.ranked
    assert swings == sorted(swings, reverse=True)
    assert found.questions[0].key == "overage"
    assert found.sizes is not None
    assert Decimal(found.sizes.low_usd) <= Decimal(found.sizes.middle_usd) <= Decimal(found.sizes.high_usd)


def test_without_demand_questions_stand_unranked_and_say_so() -> None:
    found = questions(draft_of({}))

    assert not found.ranked
    assert [row.key for row in found.questions] == list(TEN)
    assert "without --demand nobody knows which costs most" in found.says
    assert {row.swing_usd for row in found.questions} == {None}
    assert found.sizes is None


def test_every_wording_is_marked_for_counsel() -> None:
    assert questions(draft_of({})).for_counsel == FOR_COUNSEL


def test_price_and_metering_terms_are_looked_at_with_moves_that_are_stated() -> None:
    paths = paths_of(np.full((10, 12), 1.0))
    moved = stressed(paths, "price_rule", 0)

    assert moved.price_index is not None
    assert sorted(moved.price_index[:, -1].tolist()) == [0.7] * 3 + [1.0] * 5 + [1.2] * 2
    assert bool((moved.price_index[:, :6] == 1.0).all())
    assert stressed(paths, "overage", 0) is paths


def test_the_longest_term_of_any_answer_says_how_long_paths_must_be() -> None:
    assert longest_term(draft_of({})) == 36
    assert longest_term(draft_of(KNOWN)) == 12


def test_the_same_draft_and_seed_give_the_same_bytes() -> None:
    draft = draft_of({**KNOWN, "overage": "unknown"})
    one, two = (msgspec.json.encode(questions(draft, even(500_000, 900_000), seed=2)) for _ in "ab")

    assert one == two


def test_open_terms_of_the_ten_come_first() -> None:
    assert open_terms(draft_of({**KNOWN, "period": "unknown", "payment": "unknown"})) == ("payment", "period")
