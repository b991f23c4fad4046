"""Token factors of a candidate: their values, their order, and what a model takes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from route_hands import HAIKU, OPUS, SONNET

from baseload.levers.route.factors import (
    SAME,
    Factor,
    blended,
    effort_factor,
    measured_output,
    output_factor,
    thinks_today,
)
from baseload.prices.book import PriceBook
from baseload.prices.capabilities import LEVELS, legal_efforts
from baseload.values import Verdict


@pytest.mark.parametrize(
    ("model", "features", "efforts"),
    [
        (HAIKU, (), ()),
        ("claude-opus-4-5-20251101", (), ("low", "medium", "high")),
        ("claude-opus-4-6", (), ("low", "medium", "high", "max")),
        (OPUS, (), LEVELS),
        ("claude-sonnet-5-5", (), LEVELS),
        # thinking turned off is a 400 above high (section 5.4, note 5)
        ("claude-haiku-5-5", ("thinking_disabled",), ("low", "medium", "high")),
        ("claude-opus-5", ("thinking_disabled",), ("low", "medium", "high")),
        ("claude-sonnet-5", ("thinking_disabled",), LEVELS),
        ("claude-sonnet-5-5", ("thinking_between_tools",), ("low", "medium", "high")),
    ],
)
def test_the_efforts_a_model_takes(
    book: PriceBook, model: str, features: tuple[str, ...], efforts: tuple[str, ...]
) -> None:
    assert legal_efforts(book.models[model], features) == efforts


@pytest.mark.parametrize("task", ["classification", "agentic"])
@pytest.mark.parametrize("before", LEVELS)
@pytest.mark.parametrize("after", LEVELS)
def test_less_effort_never_costs_more_and_more_never_less(task: str, before: str, after: str) -> None:
    factor = effort_factor(before, after, task)
    assert list(factor) == sorted(factor)
    if before == after:
        assert factor == SAME
    elif LEVELS.index(after) < LEVELS.index(before):
        assert (factor.high, factor.low < 1) == (1, True)
    else:
        assert (factor.low, factor.high > 1) == (1, True)


def test_an_effort_nobody_knows_changes_nothing() -> None:
    assert effort_factor("", "low", "chat") == SAME


def test_a_model_changed_to_itself_changes_nothing(book: PriceBook) -> None:
    model = book.models[OPUS]
    assert output_factor(model, model, (), 0.5) == SAME


def test_thinking_asked_for_by_name_does_not_end(book: PriceBook) -> None:
    current, candidate = book.models["claude-opus-5"], book.models[SONNET]
    assert thinks_today(current, ())
    assert thinks_today(book.models[OPUS], ("thinking_adaptive",))
    assert not thinks_today(current, ("thinking_disabled",))
    assert output_factor(current, candidate, ("thinking_adaptive",), 0.9).low == 1
    assert output_factor(current, candidate, (), 1.0).low == Decimal("0.01")  # an answer is never nothing


@given(
    low=st.decimals("0.2", "3", places=2),
    wide=st.decimals("0", "2", places=2),
    tokens=st.sampled_from([SAME, Factor(Decimal(1), Decimal("1.3"), Decimal("1.35"))]),
)
def test_growth_times_the_measured_factor_is_the_measured_ratio(low: Decimal, wide: Decimal, tokens: Factor) -> None:
    verdict = Verdict(
        workload="w",
        model="m",
        state="holds",
        verdict_id="v",
        output_ratio_low=low,
        output_ratio_high=low + wide,
    )
    found = measured_output(verdict, tokens)
    assert found is not None
    product = [float(growth * output) for growth, output in zip(tokens, found, strict=True)]
    assert product == pytest.approx([float(low), float(low + wide / 2), float(low + wide)], abs=1e-6)


@pytest.mark.parametrize(("low", "high"), [("0.0386", "0.0509"), ("19", "20.1")])
def test_answers_far_shorter_or_longer_are_none_to_plan_with(low: str, high: str) -> None:
    failed = Verdict(workload="w-1", model=HAIKU, state="not_shown", verdict_id="v", output_ratio_low=Decimal(low),
                     output_ratio_high=Decimal(high))  # fmt: skip
    assert measured_output(failed, SAME) is None


def test_a_mean_is_weighted_and_one_factor_alone_stays_exact() -> None:
    third = Factor(Decimal(1) / 3, Decimal(1), Decimal(2))
    assert blended([(third, 1), (third, 5)]) == third
    # (1 x 1 + 2 x 3) / 4
    two = Factor(Decimal(2), Decimal(2), Decimal(2))
    assert blended([(SAME, 1), (two, 3)]) == (Decimal("1.75"),) * 3
    assert blended([(SAME, 0), (two, 0)]) == (Decimal("1.5"),) * 3
    assert blended([]) == SAME
