"""Every spelling a source uses means one model, and nothing unlisted is taken for its neighbour."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.prices.book import PriceBook
from baseload.prices.load import load_book
from baseload.prices.names import NameHints, spell

SPELLINGS = {
    # ids and aliases (anthropic-facts 1.1)
    "claude-opus-5-5": "claude-opus-5-5",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5-20251001": "claude-haiku-4-5-20251001",
    "claude-opus-4": "claude-opus-4-20250514",
    "claude-opus-4-0": "claude-opus-4-20250514",
    "claude-opus-4-1": "claude-opus-4-1-20250805",
    "claude-3-7-sonnet-latest": "claude-3-7-sonnet-20250219",
    "claude-3-5-sonnet-latest": "claude-3-5-sonnet-20241022",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
    "claude-2.1": "claude-2.1",
    "claude-2": "claude-2.0",
    "claude-instant-1.2": "claude-instant-1.2",
    "claude-opus-4-6[1m]": "claude-opus-4-6",
    "  Claude-Opus-5-5 ": "claude-opus-5-5",
    # Bedrock (usage-sources 2.6; anthropic-facts 2)
    "anthropic.claude-opus-5-5": "claude-opus-5-5",
    "us.anthropic.claude-opus-4-6-v1": "claude-opus-4-6",
    "anthropic.claude-sonnet-4-6": "claude-sonnet-4-6",
    "global.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5-20250929",
    "apac.anthropic.claude-3-haiku-20240307-v1:0": "claude-3-haiku-20240307",
    "anthropic.claude-3-5-sonnet-20241022-v2:0": "claude-3-5-sonnet-20241022",
    "anthropic.claude-3-5-sonnet-20240620-v1:0": "claude-3-5-sonnet-20240620",
    "anthropic.claude-3-sonnet-20240229-v1:0:28k": "claude-3-sonnet-20240229",
    "anthropic.claude-v2": "claude-2.0",
    "anthropic.claude-v2:1": "claude-2.1",
    "anthropic.claude-v2:1:200k": "claude-2.1",
    "anthropic.claude-instant-v1": "claude-instant-1.2",
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0": "claude-3-haiku-20240307",
    "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-opus-4-6-v1": "claude-opus-4-6",
    "arn:aws-us-gov:bedrock:us-gov-west-1:1:inference-profile/us-gov.anthropic.claude-sonnet-4-6": "claude-sonnet-4-6",
    "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abcd1234": "",
    # Vertex
    "claude-haiku-4-5@20251001": "claude-haiku-4-5-20251001",
    "claude-3-5-sonnet-v2@20241022": "claude-3-5-sonnet-20241022",
    "claude-3-5-sonnet@20240620": "claude-3-5-sonnet-20240620",
    "projects/1/locations/us-east5/publishers/anthropic/models/claude-opus-4-5@20251101": "claude-opus-4-5-20251101",
    "claude-opus-4-6@default": "claude-opus-4-6",
    # Console and bills
    "Claude Opus 4.6": "claude-opus-4-6",
    "Claude Haiku 5.5": "claude-haiku-5-5",
    "Claude Sonnet 4": "claude-sonnet-4-20250514",
    "Claude Sonnet 3.7": "claude-3-7-sonnet-20250219",
    "Claude 3.5 Sonnet 2024-10-22": "claude-3-5-sonnet-20241022",
    "Claude 3.5 Sonnet 2024-06-20": "claude-3-5-sonnet-20240620",
    "Claude Sonnet 4.6 (Amazon Bedrock Edition)": "claude-sonnet-4-6",
    "Claude Opus 3": "claude-3-opus-20240229",
    # OpenRouter
    "anthropic/claude-sonnet-4.5": "claude-sonnet-4-5-20250929",
    "anthropic/claude-4.5-sonnet-20250929": "claude-sonnet-4-5-20250929",
    "anthropic/claude-4.6-sonnet-20260217": "claude-sonnet-4-6",
    "anthropic/claude-4.5-opus-20251124": "claude-opus-4-5-20251101",
    "anthropic/claude-opus-4.7": "claude-opus-4-7",
    "anthropic/claude-3.7-sonnet:thinking": "claude-3-7-sonnet-20250219",
    "anthropic/claude-opus-5.5:batch": "claude-opus-5-5",
    "anthropic/claude-opus-4.6-fast": "claude-opus-4-6",
    "openrouter/anthropic/claude-haiku-5.5": "claude-haiku-5-5",
    # LiteLLM and other gateways
    "anthropic/claude-opus-4-8": "claude-opus-4-8",
    "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0": "claude-sonnet-4-5-20250929",
    "bedrock/converse/anthropic.claude-opus-4-6-v1": "claude-opus-4-6",
    "bedrock/us-gov-west-1/anthropic.claude-3-haiku-20240307-v1:0": "claude-3-haiku-20240307",
    "vertex_ai/claude-haiku-4-5@20251001": "claude-haiku-4-5-20251001",
    "azure_ai/claude-sonnet-5-5": "claude-sonnet-5-5",
    "anthropic:claude-opus-4-8": "claude-opus-4-8",
    # unknown, and meant to stay so
    "": "",
    "sonnet": "",
    "claude": "",
    "gpt-4o": "",
    "<synthetic>": "",
    "claude-opus-9": "",
    "claude-opus-5-6": "",
    "claude-opus-5-5-20270101": "",
    "claude-sonnet-4-5-20250930": "",
    "~anthropic/claude-opus-latest": "",
    "mycorp/claude-opus-5-5": "",
    "not-claude-opus-5-5": "",
}


@pytest.mark.parametrize("raw", SPELLINGS)
def test_a_spelling_means_the_model_it_names(book: PriceBook, raw: str) -> None:
    assert book.resolve(raw) == SPELLINGS[raw]


def test_every_id_of_the_book_resolves_to_itself(book: PriceBook) -> None:
    assert [model for model in book.models if book.resolve(model) != model] == []


def test_every_display_name_resolves_to_its_model(book: PriceBook) -> None:
    assert {row.id: book.resolve(row.display_name) for row in book.models.values()} == {row: row for row in book.models}


def test_the_users_mapping_names_opaque_arns_and_wins() -> None:
    arn = "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abcd1234"
    book = load_book(aliases={arn: "claude-opus-4-6", "Support-Bot": "Claude Haiku 5.5", "claude-2": "claude-2.1"})
    assert book.resolve(arn) == "claude-opus-4-6"
    assert book.resolve("support-bot") == "claude-haiku-5-5"
    assert book.resolve("claude-2") == "claude-2.1"


HINTS = {
    "global.anthropic.claude-opus-5-5": NameHints("bedrock", "global"),
    "us.anthropic.claude-opus-5-5": NameHints("bedrock", "regional"),
    "us-gov.anthropic.claude-sonnet-5-5": NameHints("bedrock", "us_gov"),
    "anthropic.claude-opus-5-5": NameHints("bedrock", ""),
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0": NameHints(
        "bedrock", "regional"
    ),
    "arn:aws:bedrock:us-west-2:1:inference-profile/global.anthropic.claude-opus-4-6-v1": NameHints("bedrock", "global"),
    "arn:aws:bedrock:us-west-2:1:application-inference-profile/x": NameHints("bedrock", ""),
    "projects/1/locations/global/publishers/anthropic/models/claude-opus-5-5": NameHints("vertex", "global"),
    "projects/1/locations/europe-west1/publishers/anthropic/models/claude-opus-5-5": NameHints("vertex", "regional"),
    "anthropic/claude-opus-4.6-fast": NameHints("", "", "", "fast"),
    "anthropic/claude-opus-5.5:batch": NameHints("", "", "batch", ""),
    "claude-opus-5-5": NameHints(),
}


@pytest.mark.parametrize("raw", HINTS)
def test_a_spelling_says_where_and_how_the_model_was_bought(raw: str) -> None:
    assert spell(raw).hints == HINTS[raw]


def test_a_text_too_long_for_a_name_is_not_searched(book: PriceBook) -> None:
    assert book.resolve("claude-opus-5-5" + " " * 300) == ""
    assert spell("(" * 2_000_000) == spell("")


@given(st.text(max_size=120))
def test_any_text_is_taken_apart_without_an_error(raw: str) -> None:
    spell(raw)


def test_every_claude_model_in_the_sample_records_is_known(book: PriceBook, shared_data: Path) -> None:
    """Real records (usage samples): a name that starts like a model id is one we know."""
    pattern = re.compile(
        r'"(?:model|modelId|model_name|request_model)":\s*"((?:[\w.]*anthropic[./])?claude-[\w.@:/-]+)"'
    )
    names = {
        found
        for path in (shared_data / "usage").rglob("*.json*")
        for found in pattern.findall(path.read_text(encoding="utf-8", errors="replace"))
    }
    assert len(names) > 10
    unknown = {name for name in names if not book.resolve(name)}
    assert unknown <= {"claude-code"}, json.dumps(sorted(unknown))
