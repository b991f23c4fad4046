"""The log of a negotiation: it only grows, and every change in it is seen."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from baseload.commit.clauses import Band, Overage, Unused
from baseload.commit.contract import Contract
from baseload.commit.paths import paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.rounds.document import log_document
from baseload.commit.rounds.log import FIRST, Round, appended, line_of, read_rounds
from baseload.commit.rounds.move import changes, move

DAY = dt.date(2026, 11, 2)


def offer(commit: int = 1_200, overage: str = "list", discount: str = "0.20") -> Contract:
    return Contract(
        name="offer",
        term_months=12,
        commit_usd_by_year=(Decimal(commit),),
        commit_basis="list",
        bands=(Band(from_usd=Decimal(0), discount=Decimal(discount)),),
        overage=msgspec.convert({"rule": overage}, Overage),
        unused=Unused(rule="forfeit"),
    )


def three() -> list[Round]:
    found: list[Round] = []
    for side, one in (("vendor", offer()), ("buyer", offer(overage="committed")), ("vendor", offer(discount="0.22"))):
        found.append(appended(found, one, date=DAY, side=side, by="someone"))
    return found


def test_rounds_come_back_as_they_were_written() -> None:
    rounds = three()

    assert read_rounds(b"".join(map(line_of, rounds))) == tuple(rounds)
    assert rounds[0].previous == FIRST
    assert rounds[1].previous == rounds[0].hash


@pytest.mark.parametrize("broken", ["changed", "left out", "put in", "swapped"])
def test_a_log_that_was_changed_is_refused(broken: str) -> None:
    lines = [line_of(one) for one in three()]
    if broken == "changed":
        lines[0] = lines[0].replace(b"1200", b"1300")
    elif broken == "left out":
        del lines[1]
    elif broken == "put in":
        lines.insert(1, lines[1])
    else:
        lines[0], lines[1] = lines[1], lines[0]
    with pytest.raises(CommitError, match="expected the log as it was written"):
        read_rounds(b"".join(lines))


def test_a_round_of_another_log_does_not_fit_into_the_chain() -> None:
    other = [appended([], offer(commit=9_000), date=DAY, side="vendor", by="someone")]
    stranger = appended(other, offer(), date=DAY, side="buyer", by="someone")
    lines = [line_of(one) for one in three()]
    with pytest.raises(CommitError, match="line 2"):
        read_rounds(lines[0] + line_of(stranger))


def test_a_line_that_is_no_round_is_named() -> None:
    with pytest.raises(CommitError, match=r"rounds\.jsonl: line 1"):
        read_rounds(b"{}\n")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("side", {"side": "us"}),
        ("by", {"by": " "}),
        ("note", {"note": "x" * 501}),
        ("date", {"date": dt.date(2026, 11, 1)}),
    ],
)
def test_a_round_that_cannot_be_is_refused_by_field(field: str, given: dict[str, object]) -> None:
    words = {"date": DAY, "side": "vendor", "by": "someone"} | given
    with pytest.raises(CommitError) as refused:
        appended(three(), offer(), **words)  # type: ignore[arg-type]  # one wrong word each

    assert refused.value.field == field


def test_a_concession_is_worth_the_dollars_it_saves() -> None:
    # 1,500 of usage on 1,200 committed at 20 %: 960 + 300 at list; at the committed rate the 300 cost 240
    found = move(offer(), offer(overage="committed"), paths_of(np.full((1, 12), 125.0)))

    assert (found.earned_usd, found.at) == ("60.00", "stated")
    assert [(part.term, part.earned_usd) for part in found.parts] == [("overage", "60.00")]


def test_what_the_buyer_gives_is_negative() -> None:
    found = move(offer(), offer(commit=2_000), paths_of(np.full((1, 12), 125.0)))

    # 2,000 x 0.8 = 1,600 against 1,260
    assert found.earned_usd == "-340.00"
    assert [(part.term, part.earned_usd) for part in found.parts] == [("size", "-340.00")]


def test_parts_of_a_move_add_up_to_it() -> None:
    found = move(offer(), offer(commit=1_000, overage="committed", discount="0.25"), paths_of(np.full((1, 12), 125.0)))

    # 1,260 before; after: 1,000 x 0.75 + 500 x 0.75 = 1,125
    assert found.earned_usd == "135.00"
    assert sum(Decimal(part.earned_usd or "0") for part in found.parts) == pytest.approx(
        Decimal("135.00"), abs=Decimal("0.02")
    )


def test_terms_that_differ_are_written_as_the_offer_writes_them() -> None:
    found = changes(offer(), offer(overage="committed"))

    assert [(one.term, one.before, one.after) for one in found] == [("overage", "overage list", "overage committed")]


def test_the_document_says_who_gave_what() -> None:
    rounds = three()
    document = log_document(rounds, paths_of(np.full((1, 12), 125.0)))

    assert [row.says for row in document.rounds] == [
        "the first offer",
        "the buyer asks for 60 dollars: overage",
        # overage back at list costs 60, two points on 1,200 earn 24
        "the vendor took back 36 dollars: discounts, overage",
    ]
    assert document.since_first is not None
    assert document.since_first.earned_usd == "24.00"


def test_without_demand_the_figures_kept_then_are_shown() -> None:
    first = appended([], offer(), date=DAY, side="vendor", by="someone")
    kept = move(offer(), offer(overage="committed"), paths_of(np.full((1, 12), 125.0)))
    second = appended([first], offer(overage="committed"), date=DAY, side="buyer", by="us", move=kept)
    document = log_document(read_rounds(line_of(first) + line_of(second)))

    assert document.rounds[1].move == kept
    assert document.since_first is None
