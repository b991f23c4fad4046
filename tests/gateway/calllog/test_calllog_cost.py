"""What an answer cost at list, by hand; and the same tokens at the model that was asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_writing import NOON_US, ended, started
from msgspec import structs

from baseload.gateway.calllog.cost import Pricing
from baseload.gateway.calllog.records import Head, booked_nano
from baseload.gateway.calllog.to_calls import Repriced, asked_model, call_rows, repriced
from baseload.prices.load import load_book
from baseload.usage.gateway_pairs import Pair
from baseload.usage.reader import ReadContext
from baseload.values import Call, OrgKey, Problem

BOOK = load_book()
CONTEXT = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=BOOK.resolve)
SPLIT = {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100}
USAGE = {
    "input_tokens": 1_000,
    "cache_read_input_tokens": 10_000,
    "cache_creation_input_tokens": 300,
    "cache_creation": SPLIT,
    "output_tokens": 500,
}


def cost(usage: dict[str, Any] | None, model: str = "claude-sonnet-4-5", **changes: Any) -> int | None:
    return Pricing(BOOK).cost_nano(started(1, model=model), ended(1, usage=usage, **changes))


@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        # Sonnet 4.5, USD per million: input 3, read 0.30, written 3.75 and 6, output 15
        # 1,000 x 3 + 10,000 x 0.30 + 200 x 3.75 + 100 x 6 + 500 x 15 = 14,850 millionths
        (USAGE, 14_850_000),
        # the lifetime of all 300 written is not said: at its dearest, 300 x 6 instead of 200 x 3.75 + 100 x 6
        (USAGE | {"cache_creation": None}, 15_300_000),
        (USAGE | {"service_tier": "batch"}, 7_425_000),
        # two searches at 10 USD a thousand
        (USAGE | {"server_tool_use": {"web_search_requests": 2}}, 34_850_000),
        ({"input_tokens": 1}, 3_000),
    ],
)
def test_an_answer_is_priced_by_its_classes(usage: dict[str, Any], nano: int) -> None:
    assert cost(usage) == nano


def test_parts_of_other_models_are_priced_at_theirs() -> None:
    advised = {"input_tokens": 10, "output_tokens": 10, "iterations": [
        {"type": "message", "input_tokens": 10, "output_tokens": 10},
        {"type": "advisor_message", "model": "claude-opus-5", "input_tokens": 100, "output_tokens": 20},
    ]}  # fmt: skip
    # Sonnet 4.5: 10 x 3 + 10 x 15 = 180 millionths; Opus 5 (5 and 25): 100 x 5 + 20 x 25 = 1,000
    assert cost(advised) == 1_180_000


def test_what_is_not_known_has_no_cost_and_what_was_not_answered_costs_nothing() -> None:
    assert cost(USAGE, model="no-such-model") is None
    assert cost(None) is None
    assert cost({"input_tokens": -1}) is None
    assert cost(None, outcome="error", status=529) == 0
    assert cost(None, outcome="failed", status=0, error="connect") == 0


@pytest.mark.parametrize("error", ["reset", "timeout", "malformed"])
def test_a_call_that_was_sent_and_never_answered_may_have_been_billed(error: str) -> None:
    assert cost(None, outcome="failed", status=0, error=error) is None


@pytest.mark.parametrize("outcome", ["client", "upstream", "gateway", "ok"])
def test_tokens_before_the_final_usage_are_the_least_a_call_cost_and_never_its_cost(outcome: str) -> None:
    """1,000 tokens in and one out of Sonnet 4.5: 1,000 x 3 + 1 x 15 = 3,015 millionths."""
    start = started(1, model="claude-sonnet-4-5")
    end = ended(1, usage={"input_tokens": 1_000, "output_tokens": 1}, outcome=outcome, settled=False)
    assert Pricing(BOOK).cost_nano(start, end) is None
    assert Pricing(BOOK).seen_nano(start, end) == 3_015_000


def test_an_answer_that_broke_off_costs_at_most_its_known_prompt_and_all_it_was_allowed_to_write() -> None:
    """1,000 tokens in and 200 out of Sonnet 4.5: 1,000 x 3 + 200 x 15 = 6,000 millionths."""
    start = started(1, model="claude-sonnet-4-5", max_tokens=200, held_nano=99_000_000)
    end = ended(1, usage={"input_tokens": 1_000, "output_tokens": 1}, outcome="client", settled=False)
    most = Pricing(BOOK).most_nano(start, end)
    assert most == 6_000_000
    assert booked_nano(start, structs.replace(end, most_nano=most)) == 6_000_000
    assert booked_nano(start, end) == 99_000_000  # a record that does not say it: what was held


def test_without_a_limit_or_a_prompt_the_most_is_not_known() -> None:
    end = ended(1, usage={"input_tokens": 1_000, "output_tokens": 1}, outcome="client", settled=False)
    assert Pricing(BOOK).most_nano(started(1, model="claude-sonnet-4-5"), end) is None
    bare = ended(1, usage={"output_tokens": 1}, outcome="client", settled=False)
    assert Pricing(BOOK).most_nano(started(1, model="claude-sonnet-4-5", max_tokens=200), bare) is None


def rows(**changes: Any) -> list[Call | Problem]:
    pair = Pair(Head(replica_id="one.0", began_us=NOON_US), started(1, **changes), ended(1, usage=USAGE), 1)
    return list(call_rows([pair], CONTEXT))


def test_the_same_tokens_are_repriced_at_the_model_that_was_asked_for() -> None:
    (call,) = rows(model="claude-opus-5", sent_model="claude-sonnet-4-5")
    assert isinstance(call, Call)
    assert asked_model(call) == "claude-opus-5"
    # Opus 5: 5, 0.50, 6.25, 10 and 25: 5,000 + 5,000 + 1,250 + 1,000 + 12,500 = 24,750 millionths
    found = repriced(call, BOOK)
    assert found == Repriced(Decimal("0.01485"), Decimal("0.02475"))
    assert found.saved_usd == Decimal("0.0099")


def test_a_call_that_went_as_asked_saved_nothing() -> None:
    (call,) = rows()
    assert isinstance(call, Call)
    assert repriced(call, BOOK).saved_usd == 0


def test_a_diverted_call_is_repriced_at_the_callers_tier() -> None:
    (call,) = rows(tier="batch")
    assert isinstance(call, Call)
    assert repriced(call, BOOK, asked_tier="standard") == Repriced(Decimal("0.007425"), Decimal("0.01485"))


def test_without_a_price_no_saving_is_claimed() -> None:
    (call,) = rows(model="no-such-model", sent_model="claude-sonnet-4-5")
    assert isinstance(call, Call)
    assert repriced(call, BOOK).saved_usd is None


def test_a_record_with_bad_counts_is_one_problem() -> None:
    pair = Pair(Head(replica_id="one.0", began_us=NOON_US), started(1), ended(1, usage={"input_tokens": "x"}), 4)
    (problem,) = call_rows([pair], CONTEXT, "calls.log")
    assert isinstance(problem, Problem)
    assert (problem.code, problem.row) == ("not-a-number", 4)


COUNTS = st.integers(0, 3_000_000)


@settings(deadline=None)
@given(
    usage=st.fixed_dictionaries(
        {"input_tokens": COUNTS, "cache_creation_input_tokens": COUNTS, "output_tokens": COUNTS},
        optional={
            "cache_read_input_tokens": COUNTS,
            "cache_creation": st.fixed_dictionaries(dict.fromkeys(SPLIT, st.integers(0, 1_000))),
            "service_tier": st.sampled_from(["standard", "batch", "priority"]),
            "speed": st.sampled_from(["standard", "fast"]),
            "inference_geo": st.sampled_from(["us", "global"]),
            "server_tool_use": st.just({"web_search_requests": 3}),
        },
    ),
    model=st.sampled_from(["claude-sonnet-4-5", "claude-opus-5", "claude-haiku-5-5", "claude-opus-5-5", "nobody"]),
    start=st.fixed_dictionaries({}, optional={"tier": st.just("batch"), "platform": st.just("bedrock")}),
)
def test_the_quick_price_is_the_exact_one(usage: dict[str, Any], model: str, start: dict[str, str]) -> None:
    first, last = started(1, model=model, **start), ended(1, usage=usage)
    pricing = Pricing(BOOK)
    assert pricing.cost_nano(first, last) == pricing._row_by_row(first, last)
