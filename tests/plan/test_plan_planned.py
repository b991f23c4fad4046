"""The plan of one workload as a year: parts add up, and the policy it becomes."""

from __future__ import annotations

import pytest
from plan_menus import AS_TODAY, HAIKU, OPUS, TODAY_DAY, at, menu_of, outcome, spent, wordy

from baseload.plan.choice import Choice
from baseload.plan.cost import Pricer
from baseload.plan.planned import Planned, planned_of
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.values import Workload

TRIAGE = Workload(id="w-1", name="triage", stage="tag", why="")


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def planned(book: PriceBook, choice: Choice, *, days: int = 28) -> Planned:
    """Opus and a little Haiku; Haiku for all of it, and a cache plan for both."""
    menu = menu_of(wordy(HAIKU), caches=(outcome(OPUS), outcome(HAIKU)))
    positions = [spent(book, at(OPUS)), spent(book, at(HAIKU))]
    return planned_of(TRIAGE, Pricer(positions, menu, book, TODAY_DAY), choice, window_days=days)


def test_a_window_is_scaled_to_365_days(book: PriceBook) -> None:
    """13 USD on Opus (plan_menus) and on Haiku .1 + .1 + .125 + .05 = .375, in 73 days: five times that a year."""
    found = planned(book, Choice(), days=73)
    assert found.billed_nano == 66_875_000_000
    assert (found.saving.low, found.saving.likely, found.saving.high, found.steps) == (0, 0, 0, ())


@pytest.mark.parametrize("choice", [Choice(route=1), Choice(cache="plan"), Choice(route=1, cache="plan")])
@pytest.mark.parametrize("days", [28, 27, 91])
def test_every_part_of_a_year_adds_up_to_the_nano_dollar(book: PriceBook, choice: Choice, days: int) -> None:
    found = planned(book, choice, days=days)
    assert sum(step.saving.likely for step in found.steps) == found.saving.likely
    assert sum(found.billed_by_grade.values()) == found.billed_nano
    assert sum(found.cost_by_grade.values()) == found.billed_nano - found.saving.likely
    assert found.saving.low <= found.saving.likely <= found.saving.high
    assert all(step.saving.low <= step.saving.likely <= step.saving.high for step in found.steps)


def test_only_the_dear_model_moves(book: PriceBook) -> None:
    assert planned(book, Choice(route=1)).moves_from == (OPUS,)
    assert planned(book, Choice()).moves_from == ()


def test_the_cache_outcome_is_that_of_the_chosen_model(book: PriceBook) -> None:
    assert planned(book, Choice(cache="plan")).cache == outcome(OPUS)
    assert planned(book, Choice(route=1, cache="plan")).cache == outcome(HAIKU)
    assert planned(book, Choice(route=1)).cache is None
    assert planned(book, Choice()).today == AS_TODAY
