"""The compatibility matrix (anthropic-facts 5.4), row by row, and what it means for a swap."""

from __future__ import annotations

import datetime as dt

import pytest
from route_hands import HAIKU, OPUS, SONNET

from baseload.levers.options import Rewrite
from baseload.levers.route.rewrites import conditions, forbidden, in_words, rewrites
from baseload.levers.routing import IN_WORDS
from baseload.prices.book import PriceBook
from baseload.prices.capabilities import refuses
from baseload.usage.capabilities import API_FEATURES, REQUEST_FEATURES
from baseload.values import day_of_date

TODAY = day_of_date(dt.date(2026, 11, 22))

# every row of the matrix, in its order: (feature of the book, who sees it). "request": a reader names it among
# request_features; "call": a field of the call says it; "organisation": the company says it; "model": a default that no
# request shows; "unseen": no log shows it.
ROWS = [
    ("sampling", "request"),
    ("sampling_2026_10_21", "unseen"),
    ("thinking_budget", "request"),
    ("thinking_adaptive", "request"),
    ("thinking_disabled", "request"),
    ("thinking_between_tools", "request"),
    ("thinking_omitted", "model"),
    ("thinking_display", "model"),
    ("effort", "request"),
    ("default_effort", "model"),
    ("prefill", "request"),
    ("forced_tool", "request"),
    ("prompt_over_200k", "request"),
    ("max_tokens_ceiling", "call"),
    ("images_pdf", "request"),
    ("inference_geo", "request"),
    ("fast", "request"),
    ("system_in_messages", "request"),
    ("task_budget", "request"),
    ("compaction", "request"),
    ("structured_outputs", "request"),
    ("priority_tier", "call"),
    ("computer_tool", "request"),
    ("programmatic_tools", "request"),
    ("fallbacks", "request"),
    ("zdr", "organisation"),
    ("edited_history", "unseen"),
]


def actions(book: PriceBook, current: str, candidate: str, *features: str, max_tokens: int = 0) -> list[str]:
    models = [book.models[current]]
    found = rewrites(features, models, book.models[candidate], book, max_tokens=max_tokens)
    return [one.action for one in found]


def test_every_row_of_the_matrix_is_in_the_book() -> None:
    assert len(ROWS) == len(set(ROWS)) == 27


@pytest.mark.parametrize(("feature", "seen"), ROWS)
def test_a_row_is_in_the_book_and_where_a_reader_sees_it_the_reader_says_so(
    book: PriceBook, feature: str, seen: str
) -> None:
    assert feature in book.features
    assert (feature in REQUEST_FEATURES) == (seen == "request")


def test_the_book_has_no_row_the_matrix_lacks_but_two_of_its_own(book: PriceBook) -> None:
    assert set(book.features) - {feature for feature, _ in ROWS} == {"server_tools", "cache_control"}
    assert set(REQUEST_FEATURES) - set(API_FEATURES) <= set(book.features)


@pytest.mark.parametrize("feature", API_FEATURES)
def test_a_feature_that_says_nothing_about_models_forbids_none(book: PriceBook, feature: str) -> None:
    for model in book.candidates(TODAY):
        assert forbidden([feature], model, book, zdr=False) == ()
        assert rewrites([feature], [model], model, book) == ()


@pytest.mark.parametrize("feature", sorted(set(REQUEST_FEATURES) - set(API_FEATURES)))
def test_what_a_model_refuses_is_rewritten_or_forbids_it_and_never_passes_in_silence(
    book: PriceBook, feature: str
) -> None:
    for model in book.candidates(TODAY):
        if refuses(model.capabilities[feature]):
            needed = {one.feature for one in rewrites([feature], [book.models[OPUS]], model, book)}
            names = forbidden([feature], model, book, zdr=False)
            assert (feature in needed) != (names == (feature,)), model.id


def test_whatever_forbids_is_said_in_words(book: PriceBook) -> None:
    cannot = {name for name, row in book.features.items() if not row.rewrite and name in REQUEST_FEATURES}
    assert cannot - {"cache_control"} <= set(IN_WORDS)
    assert in_words(("zdr", "prefill")) == (
        "the organisation keeps no data (zero data retention)",
        "answers are prefilled",
    )


def test_the_most_common_breaker_is_dropped(book: PriceBook) -> None:
    # temperature=0 on a classifier (section 5.4, note 1); thinking is on there unless turned off
    assert actions(book, HAIKU, "claude-haiku-5-5", "sampling") == ["drop the parameters", "set thinking disabled"]
    assert actions(book, "claude-sonnet-5", "claude-sonnet-4-6", "sampling") == []


def test_thinking_that_is_on_by_default_is_turned_off_where_it_can_be(book: PriceBook) -> None:
    assert actions(book, SONNET, "claude-sonnet-5") == ["set thinking disabled"]
    assert actions(book, SONNET, "claude-sonnet-5", "thinking_disabled") == []  # the request says so already
    assert actions(book, SONNET, "claude-sonnet-5", "thinking_adaptive") == []  # it thinks today
    assert actions(book, "claude-opus-5", "claude-sonnet-5-5") == []


def test_thinking_that_cannot_be_turned_off_needs_room(book: PriceBook) -> None:
    room = "raise max_tokens: thinking cannot be turned off and counts toward it"
    assert actions(book, SONNET, "claude-sonnet-5-5") == [room]
    off = actions(book, SONNET, "claude-sonnet-5-5", "thinking_disabled")
    assert off == [room, "set effort low and raise max_tokens"]


def test_a_budget_of_thinking_becomes_an_effort(book: PriceBook) -> None:
    assert actions(book, SONNET, "claude-sonnet-5-5", "thinking_budget") == [
        "use adaptive thinking and an effort level"
    ]
    assert actions(book, OPUS, HAIKU, "thinking_adaptive") == ["set a thinking budget, or turn thinking off"]


def test_max_tokens_above_the_ceiling_is_lowered(book: PriceBook) -> None:
    assert actions(book, OPUS, HAIKU, max_tokens=64_001) == ["lower max_tokens to 64000"]
    assert actions(book, OPUS, HAIKU, max_tokens=64_000) == []


def test_another_version_of_the_computer_tool_breaks_without_being_refused(book: PriceBook) -> None:
    tool = "computer_toolset_20260801"
    said = f"replace the computer tool by {tool}; its handler changes with it"
    assert actions(book, OPUS, "claude-opus-5-5", "computer_tool")[0] == said
    assert actions(book, "claude-opus-5-5", "claude-fable-5-2", "computer_tool") == []


def test_fewer_images_a_request(book: PriceBook) -> None:
    assert actions(book, OPUS, HAIKU, "images_pdf") == ["split requests of more than 100 images or PDF pages"]
    assert actions(book, HAIKU, "claude-sonnet-5", "images_pdf") == ["set thinking disabled"]


def test_conditions_are_said_where_todays_model_makes_none(book: PriceBook) -> None:
    current, haiku = book.models[OPUS], book.models[HAIKU]
    assert conditions(("server_tools",), [current], haiku) == (
        "server_tools: tools of 2026-02-09 and later need allowed_callers direct",
    )
    assert conditions(("server_tools",), [haiku], haiku) == ()


def test_rewrites_are_sorted_and_said_once(book: PriceBook) -> None:
    found = rewrites(
        ("sampling", "fallbacks"),
        [book.models[OPUS], book.models["claude-opus-4-7"]],
        book.models["claude-sonnet-5"],
        book,
    )
    assert found == (
        Rewrite(feature="fallbacks", action="drop the parameter"),
        Rewrite(feature="sampling", action="drop the parameters"),
        Rewrite(feature="thinking_omitted", action="set thinking disabled"),
    )
