"""Shares above a prompt length: exact where a bin's edge is asked about, bounds everywhere else."""

from __future__ import annotations

import pytest
from route_hands import HAIKU, MTOK, OPUS, TODAY, at, sized, spent

from baseload.ledger.prompt_sizes import EDGES
from baseload.levers.route.bands import Shares, dear_band, prompt_weight, share_above, stretches
from baseload.levers.route.factors import SAME, Factor, growth
from baseload.prices.book import PriceBook

OLD_TO_NEW = (HAIKU, "claude-haiku-5-5")
NEW_TO_OLD = (OPUS, "claude-opus-4-6")


def above(parts: object, length: int, factor: Factor = SAME) -> Shares:
    return share_above(parts, length, lambda _: factor, prompt_weight)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [100_000, 200_000])
@pytest.mark.parametrize("models", [OLD_TO_NEW, NEW_TO_OLD])
def test_every_length_that_matters_is_an_edge_at_every_growth(
    book: PriceBook, length: int, models: tuple[str, str]
) -> None:
    # a bin of one edge never holds the length asked about, so low, likely and high agree with each growth
    factor = growth(*models, book)
    for bound in factor:
        one = Factor(bound, bound, bound)
        for edge in EDGES:
            shares = above(stretches([], [sized(at(HAIKU), edge, 1)]), length, one)
            assert shares in (Shares(0, 0, 0), Shares(1, 1, 1)), (edge, bound)


def test_a_prompt_of_exactly_the_edge_is_not_above_it() -> None:
    assert above(stretches([], [sized(at(HAIKU), 100_000, 1)]), 100_000) == (0, 0, 0)
    assert above(stretches([], [sized(at(HAIKU), 130_000, 1)]), 100_000) == (1, 1, 1)
    assert above(stretches([], [sized(at(HAIKU), 0, 1)]), 1_000_000) == (1, 1, 1)


def test_a_bin_that_holds_the_length_is_judged_by_its_mean() -> None:
    # 100,000 to 130,000 tokens, asked about 120,000: the mean prompt is 125,000
    parts = stretches([], [sized(at(HAIKU), 130_000, 125, calls=1_000)])
    assert above(parts, 120_000) == (0, 1, 1)
    assert above(stretches([], [sized(at(HAIKU), 130_000, 110)]), 120_000) == (0, 0, 1)


def test_without_calls_a_report_leaves_everything_open(book: PriceBook) -> None:
    unsaid = spent(book, at(HAIKU, band="any"), None, uncached_input_tokens=MTOK)
    assert above(stretches([unsaid], []), 100_000) == (0, 0.5, 1)
    known = spent(book, at(HAIKU, band="any"), 1_000, uncached_input_tokens=MTOK)
    assert above(stretches([known], []), 100_000) == (0, 0, 1)
    assert above(stretches([spent(book, at(OPUS, band="200k+"), None, output_tokens=1)], []), 100_000) == (0, 0, 0)


def test_a_calls_own_band_is_judged_by_its_mean_prompt(book: PriceBook) -> None:
    short = spent(book, at(HAIKU), 1_000, uncached_input_tokens=MTOK)
    long = spent(book, at(HAIKU), 10, uncached_input_tokens=MTOK)  # 100,000 tokens a call
    grown = growth(*OLD_TO_NEW, book)
    assert above(stretches([short], []), 100_000, grown) == (0, 0, 0)
    assert above(stretches([long], []), 100_000, grown) == (0, 1, 1)


def test_bins_of_calls_win_over_the_bands_of_positions(book: PriceBook) -> None:
    position = spent(book, at(HAIKU, band="any"), None, uncached_input_tokens=MTOK)
    assert above(stretches([position], [sized(at(HAIKU), 4_096, 1)]), 100_000) == (0, 0, 0)


def test_only_haiku_5_5_has_a_dear_band_today(book: PriceBook) -> None:
    found = {model.id: dear_band(book, at(model.id), TODAY) for model in book.candidates(TODAY)}
    dear = {model: band.length for model, band in found.items() if band}
    assert dear == {"claude-haiku-5-5": 100_000}
