"""What the Batches API takes (anthropic-facts section 4), counted by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from baseload.levers.batch.eligible import Eligibility, Sent, eligibility, refusal_of
from baseload.levers.position import Position
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.values import Tokens, day_of_date

TODAY = day_of_date(dt.date(2026, 11, 22))


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def at(requests: int | None = 100, **changes: str) -> Position:
    key = PriceKey("claude-opus-4-8", "anthropic", "global", "standard", "standard", "0-100k")._replace(**changes)
    tokens = Tokens(uncached_input_tokens=1_000)
    return Position(workload="w", key=key, requests=requests, tokens=tokens, list_nano=1, list_high_nano=1)


def found_in(book: PriceBook, *sent: Sent, places: tuple[Position, ...] = (at(),), **more: bool) -> Eligibility:
    return eligibility(sent, places, book, TODAY, **more)


@pytest.mark.parametrize(
    ("features", "cues", "name"),
    [
        ("", "system", ""),
        ("images_pdf,server_tools,structured_outputs", "document", ""),
        ("fallbacks", "", "fallbacks"),
        ("thread", "", "thread"),
        ("cache_hint", "", "cache_hint"),
        ("research_preview", "", "research_preview"),
        ("", "tool_result,tools", "tool_loop"),
        ("", "tool_use,tools", "tool_loop"),
        ("forced_tool", "tool_use,tools", ""),  # an answer in the shape of a tool call: nothing follows
        ("forced_tool", "tool_result,tools", "tool_loop"),
        ("", "tools", ""),  # tools offered and none called
    ],
)
def test_what_a_batch_refuses_is_named(features: str, cues: str, name: str) -> None:
    assert refusal_of(Sent(calls=1, request_features=features, task_cues=cues)) == name


def test_the_share_is_of_calls_and_every_refusal_says_how_many(book: PriceBook) -> None:
    # 60 plain, 30 in a tool loop, 10 with fallbacks; of the plain ones 5 stopped for a tool and 1 only warmed a cache
    found = found_in(
        book,
        Sent(calls=60, tool_stops=5, prewarms=1),
        Sent(calls=30, task_cues="tool_result"),
        Sent(calls=10, request_features="fallbacks"),
    )
    assert found.share == pytest.approx(0.54)
    assert found.refused == pytest.approx({"tool_loop": 0.35, "fallbacks": 0.10, "prewarm": 0.01})
    assert found.blocked_by == ()


def test_streaming_is_rewritten_not_refused(book: PriceBook) -> None:
    found = found_in(book, Sent(calls=10, streamed=10))
    assert (found.share, found.rewrites) == (1.0, ("stream off",))


def test_nothing_left_names_what_blocks(book: PriceBook) -> None:
    found = found_in(book, Sent(calls=7, task_cues="tool_result"))
    assert (found.share, found.blocked_by) == (0.0, ("tool_loop",))
    assert "answers tool calls" in found.note


@pytest.mark.parametrize(
    ("place", "blocked"),
    [
        ({"platform": "anthropic_aws"}, ()),
        ({"platform": "google_anthropic"}, ()),
        ({"platform": "foundry"}, ("not_sold",)),
        ({"platform": "bedrock"}, ("not_sold",)),  # Opus 4.8 runs on the endpoint without batches
        ({"platform": "bedrock", "model": "claude-haiku-4-5-20251001"}, ()),  # AWS batch inference has a price
        ({"platform": "vertex"}, ("not_sold",)),
        ({"platform": "vertex", "model": "claude-opus-5-5"}, ()),
        ({"platform": "openrouter"}, ("not_sold",)),
        ({"tier": "priority"}, ("priority",)),
        ({"tier": "flex"}, ("flex",)),
        ({"tier": "batch"}, ("already_batched",)),
        ({"geo": "us"}, ()),
        ({"model": "?some-gateway-name"}, ("not_sold",)),
    ],
)
def test_where_the_book_has_no_batch_price_nothing_is_batched(
    book: PriceBook, place: dict[str, str], blocked: tuple[str, ...]
) -> None:
    assert found_in(book, Sent(calls=10), places=(at(**place),)).blocked_by == blocked


def test_calls_in_batches_already_do_not_count_against_the_rest(book: PriceBook) -> None:
    found = found_in(book, Sent(calls=10), places=(at(), at(tier="batch")))
    assert (found.share, found.refused_places) == (1.0, {})


def test_a_place_that_refuses_part_of_the_calls_leaves_the_rest_alone(book: PriceBook) -> None:
    # the plan batches position by position: the share is of those where it is sold
    found = found_in(book, Sent(calls=10), places=(at(requests=75), at(requests=25, platform="foundry")))
    assert (found.share, found.refused_places) == (1.0, {"not_sold": 0.25})
    assert found.blocked_by == ()


def test_fast_mode_is_no_refusal_because_it_can_be_taken_off(book: PriceBook) -> None:
    found = found_in(book, Sent(calls=10), places=(at(model="claude-opus-5-5", speed="fast"),))
    assert (found.share, found.blocked_by) == (1.0, ())
    assert found.note == "fast mode must be taken off first"


def test_zero_data_retention_forbids_all_of_it(book: PriceBook) -> None:
    found = found_in(book, Sent(calls=10), zero_data_retention=True)
    assert (found.share, found.blocked_by) == (0.0, ("zero_data_retention",))


def test_billing_rows_alone_refuse_nothing(book: PriceBook) -> None:
    assert found_in(book, places=(at(requests=None),)).share == 1.0
    assert found_in(book, places=()).blocked_by == ("no_calls",)
