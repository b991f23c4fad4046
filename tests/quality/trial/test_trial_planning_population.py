"""What there is to replay: counted by the ledger, answered by hand first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.store import Ledger
from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.load import load_book
from baseload.quality.trial.planning_cost import Shape
from baseload.quality.trial.planning_population import Recordings, recordings
from baseload.values import DAY_US, Call, Tokens

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"
BODY = "0123456789abcdef0123456789abcdef:0:10"
DAY = 20_750


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return load_book()


def call(number: int, **changes: Any) -> Call:
    """A call of 100 tokens in and 10 out with its body in the source file, in a session of its own."""
    given: dict[str, Any] = {
        "source": "messages", "api_key": "triage", "start_us": DAY * DAY_US, "model": OPUS, "model_raw": OPUS,
        "uncached_input_tokens": 100, "output_tokens": 10, "body_ref": BODY, "request_hash": f"{number:032x}",
    }  # fmt: skip
    return Call(call_id=f"{number:032x}", **(given | changes))


def found(root: Path, *calls: Call, in_vault: frozenset[str] = frozenset()) -> Recordings:
    """All calls of one key are one workload, named after it."""
    with Ledger.open(root, create=True) as ledger:
        with ledger.writer() as writer:
            writer.append(list(calls))
        with DuckDBEngine(threads=1) as engine:
            ledger.attach(engine)
            labels = ledger.signatures()
            names = dict(zip(labels["signature"].tolist(), labels["api_key"].tolist(), strict=True))
            return recordings(engine, names, in_vault)


def test_calls_of_one_session_are_one_independent_call(tmp_path: Path, book: PriceBook) -> None:
    calls = [call(number, session_id="s" if number < 3 else "") for number in range(5)]
    recorded = found(tmp_path, *calls).recorded("triage", OPUS, None, book)
    assert (recorded.calls, recorded.with_body, recorded.independent) == (5, 5, 3)  # s, and two of their own


def test_identical_requests_count_once(tmp_path: Path, book: PriceBook) -> None:
    calls = [call(number, request_hash="a" * 32 if number else "b" * 32) for number in range(6)]
    assert found(tmp_path, *calls).recorded("triage", OPUS, None, book).independent == 2


def test_without_a_body_there_is_nothing_unless_the_vault_has_it(tmp_path: Path, book: PriceBook) -> None:
    calls = [call(number, body_ref="", source="claude_code_otel") for number in range(4)]
    bare = found(tmp_path / "one", *calls).recorded("triage", OPUS, None, book)
    assert (bare.calls, bare.with_body, bare.independent, bare.keeps_bodies) == (4, 0, 0, False)
    kept = frozenset({calls[1].call_id, calls[2].call_id})
    vaulted = found(tmp_path / "two", *calls, in_vault=kept).recorded("triage", OPUS, None, book)
    assert (vaulted.with_body, vaulted.independent) == (2, 2)


def test_failures_buckets_and_other_models_are_no_calls_of_it(tmp_path: Path, book: PriceBook) -> None:
    calls = [
        call(1),
        call(2, http_status=529),
        call(3, requests=0),
        call(4, grain="day", requests=9, body_ref=""),
        call(5, model=HAIKU, model_raw=HAIKU),
    ]
    recordings_ = found(tmp_path, *calls)
    assert recordings_.recorded("triage", OPUS, None, book).calls == 1
    assert recordings_.recorded("triage", HAIKU, None, book).calls == 1
    assert recordings_.recorded("nobody", OPUS, None, book).calls == 0


def test_a_session_that_reaches_into_the_days_held_back_is_out_as_a_whole(tmp_path: Path, book: PriceBook) -> None:
    calls = [
        call(1, session_id="old", start_us=DAY * DAY_US),
        call(2, session_id="both", start_us=DAY * DAY_US),
        call(3, session_id="both", start_us=(DAY + 2) * DAY_US),
        call(4, session_id="new", start_us=(DAY + 2) * DAY_US),
    ]
    recordings_ = found(tmp_path, *calls)
    assert recordings_.recorded("triage", OPUS, None, book).independent == 3
    assert recordings_.recorded("triage", OPUS, None, book, held_back_days=1).independent == 1


def test_calls_the_candidate_refuses_whatever_is_rewritten_are_counted(tmp_path: Path, book: PriceBook) -> None:
    calls = [
        call(1),
        call(2, request_features="server_tools"),  # nothing that runs at the provider is replayed
        call(3, request_features="prefill"),  # Haiku 5.5 refuses it, and no rewrite says the same
        call(4, request_features="sampling"),  # dropped
    ]
    recorded = found(tmp_path, *calls).recorded("triage", OPUS, book.models[HAIKU], book)
    assert recorded.refused == 2
    assert recorded.not_replayable_share == 0.5


def test_the_shape_of_a_call_is_that_of_the_calls_that_can_be_replayed(tmp_path: Path) -> None:
    calls = [call(1), call(2, uncached_input_tokens=300), call(3, body_ref="", agent="other", output_tokens=999)]
    key = PriceKey(OPUS, "anthropic", "global", "standard", "standard", "0-100k")
    tokens = Tokens(uncached_input_tokens=400, output_tokens=20)
    assert found(tmp_path, *calls).shapes("triage", OPUS) == (Shape(key=key, calls=2, tokens=tokens),)


def test_the_sources_and_whether_they_record_requests_are_named(tmp_path: Path, book: PriceBook) -> None:
    recorded = found(tmp_path, call(1), call(2, source="litellm")).recorded("triage", OPUS, None, book)
    assert (recorded.sources, recorded.keeps_bodies) == (("litellm", "messages"), True)


def test_calls_on_another_platform_are_counted_apart_and_have_no_part_in_the_shape(
    tmp_path: Path, book: PriceBook
) -> None:
    recordings_ = found(tmp_path, call(1), call(2, platform="bedrock", uncached_input_tokens=9_000))
    assert recordings_.recorded("triage", OPUS, None, book).elsewhere == 1
    assert [(one.key.platform, one.calls) for one in recordings_.shapes("triage", OPUS)] == [("anthropic", 1)]
