"""Offers on equal terms."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from msgspec.structs import replace
from worth_making import falling, flat, offer, worked

from baseload.commit.basis import in_net_basis
from baseload.commit.clauses import Overage, PriceRule, StepDown, Unused
from baseload.commit.contract import Contract
from baseload.commit.offer import Offer
from baseload.commit.paths import paths_of
from baseload.commit.refusal import CommitError
from baseload.commit.worth.document import CompareDocument, compare_document
from baseload.commit.worth.offers import Comparison, compare
from baseload.commit.worth.parts import parts_between
from baseload.commit.worth.suited import thinned
from baseload.commit.worth.text import compare_text

COMMITTED = Overage(rule="committed")


def document(found: Comparison) -> CompareDocument:
    return compare_document(found, {one.name: Offer(contract=one.contract) for one in found.offers}, seed=0)


def test_identical_offers_in_list_and_net_basis_cost_the_same() -> None:
    listed = offer(24).sized(650_000)
    found = compare([("list", listed), ("net", in_net_basis(listed))], worked(24))
    first, second = found.offers
    assert np.abs(first.best.cost_usd - second.best.cost_usd).max() < 0.01
    assert first.stated is not None
    assert second.stated is not None
    assert np.abs(first.stated.cost_usd - second.stated.cost_usd).max() < 0.01
    assert second.more_usd.value == pytest.approx(0, abs=0.01)
    assert document(found).why == "list and net cost the same on every path over 24 months."


def test_marginal_bands_in_either_basis_cost_the_same() -> None:
    listed = offer(24, band_mode="marginal").sized(650_000)
    found = compare([("list", listed), ("net", in_net_basis(listed))], worked(24))
    assert np.abs(found.offers[0].best.cost_usd - found.offers[1].best.cost_usd).max() < 0.01


def test_two_offers_by_hand() -> None:
    """12,000 used. At 20 % all of it committed costs 9,600; at 30 % 8,400: 1,200 less, ten points."""
    paths = paths_of(np.full((1, 36), 1_000.0))  # months after the longest term do not count
    found = compare([("dear", flat("0.20")), ("cheap", flat("0.30"))], paths)
    cheap, dear = found.offers
    assert (cheap.name, cheap.best.mean_usd) == ("cheap", pytest.approx(8_400))
    assert (dear.name, dear.best.mean_usd) == ("dear", pytest.approx(9_600))
    assert dear.more_usd.value == pytest.approx(1_200)
    assert dear.points.points == pytest.approx(10, abs=1e-3)
    assert [part.name for part in dear.parts] == ["discounts"]


def test_months_after_a_shorter_term_are_on_demand() -> None:
    """24,000 over two years: one year at 20 % is 9,600 + 12,000, two years 19,200."""
    paths = paths_of(np.full((1, 24), 1_000.0))
    found = compare([("one", flat("0.20")), ("two", flat("0.20", 24))], paths)
    assert [(one.name, round(one.best.mean_usd)) for one in found.offers] == [("two", 19_200), ("one", 21_600)]
    assert document(found).notes[0] == "On demand at list after the shorter term of one, up to month 24."


def test_stated_sizes_stand_beside_the_ones_that_suit() -> None:
    """20,000 committed at 20 % costs 16,000 where 12,000 are used; 9,600 suits."""
    paths = paths_of(np.full((1, 12), 1_000.0))
    found = compare([("a", flat("0.20").sized(20_000)), ("b", flat("0.10").sized(12_000))], paths, at="stated")
    first, second = found.offers
    assert (first.name, first.priced.mean_usd) == ("b", pytest.approx(10_800))
    assert (second.name, second.priced.mean_usd) == ("a", pytest.approx(16_000))
    assert second.best.mean_usd == pytest.approx(9_600)
    assert sum(part.usd for part in second.parts) == pytest.approx(5_200)


def test_a_stated_size_in_a_dead_zone_is_priced_as_it_stands() -> None:
    """990,000 at 14 % costs 851,400, a million at 18 % 820,000."""
    paths = paths_of(np.full((1, 12), 1_000_000 / 12))
    found = compare([("just below", offer().sized(990_000))], paths)
    assert found.offers[0].stated is not None
    assert found.offers[0].stated.mean_usd == pytest.approx(990_000 * 0.86 + 10_000)
    assert found.offers[0].best.mean_usd == pytest.approx(820_000)


def test_parts_sum_to_the_difference_and_the_sentence_names_the_largest() -> None:
    generous = replace(offer(24), overage=COMMITTED, unused=Unused(rule="refund", share=Decimal("0.2")))
    bands = tuple(replace(band, discount=band.discount + Decimal("0.01")) for band in offer().bands)
    found = compare([("ours", generous), ("theirs", replace(offer(24), bands=bands))], worked(24))
    ours, theirs = found.offers
    assert ours.name == "ours"
    assert sum(part.usd for part in theirs.parts) == pytest.approx(theirs.more_usd.value, abs=1e-6)
    parts = {part.name: part.usd for part in theirs.parts}
    assert theirs.parts[0].name == "overage"
    assert parts["discounts"] < 0 < parts["overage"]
    assert "chiefly for overage worth" in document(found).why
    cents = [Decimal(row.more_usd) for row in document(found).offers[1].parts]
    assert abs(sum(cents) - Decimal(document(found).offers[1].more_usd)) <= Decimal("0.01")


def test_the_interval_is_of_paired_paths() -> None:
    found = compare([("a", offer(overage=COMMITTED)), ("b", offer())], worked())
    more = found.offers[1].more_usd
    spread = float(found.offers[1].best.cost_usd.std()) / np.sqrt(len(found.list_usd))
    assert more.low < more.value < more.high
    assert more.high - more.low < spread  # apart, each mean alone would be less certain than that


def test_present_value_may_rank_otherwise_and_says_so() -> None:
    late = offer(wacc=Decimal("0.10"), payment="monthly")
    early = offer(payment="upfront", prepay_discount=Decimal("0.002"))
    found = compare([("late", late), ("early", early)], worked())
    assert [one.name for one in found.offers] == ["early", "late"]
    assert "By present value the order is late, early." in document(found).notes
    assert found.wacc == Decimal("0.10")


def test_an_offer_with_rights_is_priced_with_them_used() -> None:
    right = StepDown(windows=(6,), share=Decimal("0.3"))
    found = compare([("plain", offer()), ("right", offer(step_down=right))], thinned(worked(), 200))
    assert found.offers[0].name == "right"
    assert {part.name for part in found.offers[1].parts} == {"rights"}


def test_price_moves_reach_offers_that_hold_prices() -> None:
    found = compare([("fixed", offer(price_rule=PriceRule(rule="fixed_price"))), ("free", offer())], falling())
    assert [one.name for one in found.offers] == ["free", "fixed"]
    assert [part.name for part in found.offers[1].parts] == ["prices and metering"]


def test_without_reasons_only_the_figures_are_made() -> None:
    found = compare([("a", offer()), ("b", offer(overage=COMMITTED))], worked(), explain=False)
    assert found.offers[1].parts == ()
    assert found.offers[1].more_usd.value > 0


def test_terms_that_cannot_stand_apart_are_one() -> None:
    """A right in month 18 needs a term of two years."""
    long = offer(24, step_down=StepDown(windows=(18,), share=Decimal("0.2")), overage=COMMITTED)
    prices: dict[Contract, float] = {}
    parts = parts_between(offer(), long, lambda one: prices.setdefault(one, float(one.term_months)))
    assert sorted(part.name for part in parts) == ["overage", "term and rights"]
    assert sum(part.usd for part in parts) == 12


def test_many_terms_are_swapped_both_ways_and_still_sum() -> None:
    other = replace(offer(12, overage=COMMITTED, period="quarter"), unused=Unused(rule="refund"))
    parts = parts_between(offer(), other, lambda one: 1.0 if one.overage == COMMITTED else 2.0, exact=1)
    assert {part.name: part.usd for part in parts} == {"overage": -1.0, "unused": 0.0, "test period": 0.0}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(CommitError, match="a name for each offer"):
        compare([("a", offer()), ("a", offer())], worked())
    with pytest.raises(CommitError, match="b: commit_usd_by_year: missing"):
        compare([("a", offer().sized(1)), ("b", offer())], worked(), at="stated")
    with pytest.raises(CommitError, match="24 months"):
        compare([("a", offer()), ("b", offer(24))], worked())
    with pytest.raises(CommitError, match="1 to 12"):
        compare([], worked())


def test_one_offer_alone_is_compared_with_on_demand() -> None:
    found = compare([("only", offer())], worked())
    assert document(found).why.startswith("only costs 80,000 less than on demand over 12 months")
    text = "\n".join(compare_text(document(found), found))
    assert "On demand that is" in text


def test_the_text_has_a_line_for_each_offer_and_each_term() -> None:
    found = compare([("a", offer().sized(600_000)), ("b", offer(overage=COMMITTED))], worked())
    lines = list(compare_text(document(found), found))
    assert lines[0].startswith("b costs ")
    assert any(line.startswith("1  b ") for line in lines)
    assert any("overage list; b: overage committed" in line for line in lines)
    assert any("as stated" in line for line in lines)
