"""Routing alone against the claim, by grade, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from route_hands import HAIKU, OPUS, TODAY, USD, options, plain, workload

from baseload.levers.options import RouteOption
from baseload.levers.position import Position
from baseload.levers.route.alone import Alone, Saving, routing_alone
from baseload.prices.book import PriceBook
from baseload.values import Verdict

Key = tuple[str, str, str]


def alone(book: PriceBook, positions: Sequence[Position], verdicts: Mapping[Key, Verdict], **changes: Any) -> Alone:
    found = options(book, *positions, verdicts=verdicts, **changes)
    menus: dict[str, list[RouteOption]] = {"w": list(found.values())}
    return routing_alone(menus, {"w": positions}, {"w": workload(**changes)}, book, TODAY)


def holds(model: str, effort: str = "") -> dict[Key, Verdict]:
    return {("w", model, effort): Verdict(workload="w", model=model, effort=effort, state="holds", verdict_id="v")}


def test_checkable_work_may_be_assumed_to_go_to_any_line(book: PriceBook) -> None:
    # Opus 4.8 at 7.50 -> Haiku 5.5: 0.10 + 0.05 low, 0.10 + 0.055 likely, 0.10 + 0.0625 high
    found = alone(book, [plain(book, OPUS)], {}, task="classification")
    assert found.spend_nano == 7_500_000_000
    assert found.all_assumed == Saving(low=7_337_500_000, likely=7_345_000_000, high=7_350_000_000)
    assert found.by_grade == (("assumed", found.all_assumed),)
    assert found.proven == Saving()
    assert found.moved == (("w", "claude-haiku-5-5"),)
    assert found.sentence() == (
        "Routing alone: 98 to 98% against the claim of 40 to 70%, none of it proven by a trial."
    )


def test_other_work_goes_one_line_down_at_most(book: PriceBook) -> None:
    # Sonnet 5: 2 + 1 low, 2 + 1.1 likely, 2 + 1.25 high
    found = alone(book, [plain(book, OPUS)], {}, task="chat")
    assert found.moved == (("w", "claude-sonnet-5"),)
    assert found.all_assumed == Saving(low=4_250_000_000, likely=4_400_000_000, high=4_500_000_000)


def test_what_a_trial_has_shown_comes_before_what_is_assumed(book: PriceBook) -> None:
    found = alone(book, [plain(book, OPUS)], holds("claude-sonnet-5"), task="classification")
    assert found.moved == (("w", "claude-sonnet-5"),)
    assert found.proven == found.all_assumed
    assert found.proven.likely == 4_400_000_000


def by_hand(book: PriceBook, position: Position, *others: RouteOption) -> Alone:
    menu = [RouteOption(model=OPUS, today=True, grade="measured"), *others]
    return routing_alone({"w": menu}, {"w": [position]}, {"w": workload(task="chat")}, book, TODAY)


HELD = RouteOption(model="claude-sonnet-5-5", verdict="holds", verdict_grade="simulated", grade="simulated")


def test_what_held_against_a_stand_in_gives_way_only_to_materially_more(book: PriceBook) -> None:
    # of 7.50 the one that held leaves 2 + 1; a twentieth is 0.375
    for output, moved in (("0.9", "claude-sonnet-5-5"), ("0.5", "claude-sonnet-5")):  # leave 2 + 0.9 and 2 + 0.5
        other = RouteOption(model="claude-sonnet-5", output_low=Decimal(output), output_likely=Decimal(output))
        found = by_hand(book, plain(book, OPUS), HELD, other)
        assert (found.moved, found.proven) == ((("w", moved),), Saving())


def test_moves_of_sampled_calls_are_known_no_better_than_the_sample(book: PriceBook) -> None:
    """The grade of the plan's waterfall: the weaker of the trial and of the calls."""
    position = plain(book, OPUS)
    for rate, grade in ((1, "simulated"), (10, "sampled")):
        found = by_hand(book, msgspec.structs.replace(position, sampling_rate=rate), HELD)
        assert found.by_grade == ((grade, found.all_assumed),)


def test_less_effort_on_todays_model_is_another_lever(book: PriceBook) -> None:
    found = alone(book, [plain(book, OPUS)], holds(OPUS, "low"), task="chat")
    assert found.proven == Saving()
    assert found.moved == (("w", "claude-sonnet-5"),)


def test_a_workload_with_nowhere_to_go_stays_and_counts_its_spend(book: PriceBook) -> None:
    # Haiku 4.5 has nowhere cheaper in its line but Haiku 5.5, which the trial broke
    broken = {("w", "claude-haiku-5-5", ""): Verdict(
        workload="w", model="claude-haiku-5-5", state="breaks", verdict_id="v")}  # fmt: skip
    found = alone(book, [plain(book, HAIKU)], broken)
    assert found.moved == ()
    assert found.all_assumed == Saving()
    assert found.spend_nano == 1_500_000_000


def test_a_move_that_is_likely_dearer_is_not_made(book: PriceBook) -> None:
    # Opus 4.6 -> 5.5: 4 x 1.3 + 20 x 0.1 x 1.3 x 1.5 = 9.10 likely against 7.50
    found = alone(book, [plain(book, "claude-opus-4-6")], holds("claude-opus-5-5"))
    assert found.proven == Saving()


def test_shares_of_nothing_are_nothing() -> None:
    assert Saving(low=1, likely=2, high=3).shares(0) == (0.0, 0.0, 0.0)
    assert Saving(low=-USD, likely=USD, high=3 * USD).shares(10 * USD) == pytest.approx((-0.1, 0.1, 0.3))
