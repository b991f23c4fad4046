"""Upstreams that fail, behind a running gateway: the official SDK sees one answer, the log every attempt."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest
from pooled import attempts, client, closing_clients, with_key
from served import BOOK, Served, serving, settings

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.gateway.status_rows import read_log
from baseload.prices.load import load_book
from baseload.usage.reader import ReadContext
from baseload.values import OrgKey, decimal_usd

HAIKU = "claude-haiku-4-5-20251001"
ASK: Any = {"model": HAIKU, "max_tokens": 50, "messages": [{"role": "user", "content": "Where is my parcel?"}]}
QUICK = "[retry]\nmost_wait_s = 2\n"


__all__ = ["closing_clients"]  # pytest runs it around every test


def eventually(found: Callable[[], bool]) -> None:
    ends = time.monotonic() + 30
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.01)


@contextmanager
def gateway_of(url: str, folder: Path, text: str = QUICK, **env: str) -> Iterator[Served]:
    with serving(settings(url, text, folder=folder), env=env) as served:
        yield served


@pytest.fixture
def second() -> Iterator[Upstream]:
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as server:
        yield server


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("fault", "outcome", "status", "error"),
    [
        (Fault(kind="status", status=500), "error", 500, "api_error"),
        (Fault(kind="status", status=529, retry_after_s=0), "error", 529, "overloaded_error"),
        (Fault(kind="status", status=429, retry_after_s=1), "error", 429, "rate_limit_error"),
    ],
)
def test_a_failure_before_the_first_byte_costs_the_caller_a_pause_and_leaves_its_own_record(
    fault: Fault, outcome: str, status: int, error: str, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.faults.add(fault)
    with gateway_of(upstream.base_url, tmp_path) as served:
        before = time.monotonic()
        message = client(served).messages.create(**ASK)
        took = time.monotonic() - before
    assert message.content
    assert took >= (fault.retry_after_s or 0)
    (first, failed), (second, done) = attempts(tmp_path)
    assert (failed.outcome, failed.status, failed.error) == (outcome, status, error)
    assert (done.outcome, done.status, done.message_id) == ("ok", 200, message.id)
    assert (first.attempt, second.attempt, first.trip) == (1, 2, second.trip)
    assert upstream.count["POST /v1/messages"] == 2


@pytest.mark.parametrize("kind", ["reset_before", "answer_lost"])
def test_a_call_whose_answer_is_lost_goes_out_once_and_its_cost_is_not_known(
    kind: Any, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.faults.add(Fault(kind=kind, times=9))
    with gateway_of(upstream.base_url, tmp_path) as served:
        with pytest.raises(anthropic.InternalServerError) as raised:
            client(served).messages.create(**ASK)
        assert raised.value.status_code == 502
        assert "x-should-retry" not in raised.value.response.headers  # asking again is its caller's choice
    ((_, end),) = attempts(tmp_path)
    assert (end.outcome, end.error, end.cost_nano) == ("failed", "reset", None)
    assert upstream.count["POST /v1/messages"] == 1


BOUND = '[[budget]]\nusd = "100"\n'


def spent_nano(served: Served) -> int:
    """What the only budget has settled."""
    (by_budget,) = served.gateway.budgets.spent.values()
    (nano,) = by_budget.values()
    return int(nano)


def test_a_stream_that_is_cut_before_its_final_usage_costs_its_budget_the_most_it_can_have_cost(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.faults.add(Fault(kind="reset_after", after=700))
    with gateway_of(upstream.base_url, tmp_path, BOUND) as served:
        with pytest.raises(anthropic.APIStatusError), client(served).messages.stream(**ASK) as stream:
            stream.get_final_message()
        spent = spent_nano(served)
    ((start, end),) = attempts(tmp_path)
    assert (end.outcome, end.settled, end.cost_nano) == ("upstream", False, None)
    assert end.usage
    assert end.seen_nano is not None
    assert end.most_nano is not None
    assert 0 < end.seen_nano < end.most_nano == spent < start.held_nano  # the prompt is known, what was written is not


def test_a_caller_who_leaves_before_the_final_usage_costs_its_budget_the_most_it_can_have_cost(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.faults.add(Fault(kind="stall", after=700))
    with gateway_of(upstream.base_url, tmp_path, BOUND) as served:
        with client(served).messages.stream(**ASK) as stream:
            next(iter(stream))  # the beginning of the message, and its caller is gone
        eventually(lambda: served.call(lambda: served.gateway.core.log.open_starts) == 0)
        spent = spent_nano(served)
    ((start, end),) = attempts(tmp_path)
    assert (end.outcome, end.settled, end.cost_nano) == ("client", False, None)
    assert end.seen_nano is not None
    assert end.most_nano is not None
    assert 0 < end.seen_nano < end.most_nano == spent < start.held_nano
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=BOOK.resolve)
    (found,) = read_log(tmp_path / ".baseload/gateway/log", context, BOOK).attempts
    assert (found.usd, found.seen_usd) == (None, decimal_usd(end.seen_nano))
    assert found.reserved_usd == decimal_usd(end.most_nano)


def test_a_call_whose_answer_is_lost_costs_its_budget_what_was_held(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="answer_lost"))
    with gateway_of(upstream.base_url, tmp_path, BOUND) as served:
        with pytest.raises(anthropic.InternalServerError):
            client(served).messages.create(**ASK)
        spent = spent_nano(served)
    ((start, _),) = attempts(tmp_path)
    assert 0 < start.held_nano == spent


def test_a_stream_is_tried_again_before_its_first_byte_and_never_after(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="status", status=529, retry_after_s=0), Fault(kind="reset_after", after=200, skip=2))
    with gateway_of(upstream.base_url, tmp_path) as served:
        with client(served).messages.stream(**ASK) as stream:
            assert stream.get_final_message().content
        assert upstream.count["POST /v1/messages"] == 2
        with pytest.raises(anthropic.APIStatusError), client(served).messages.stream(**ASK) as broken:
            broken.get_final_message()
        assert upstream.count["POST /v1/messages"] == 3
    assert [end.outcome for _, end in attempts(tmp_path)] == ["error", "ok", "upstream"]


def test_a_storm_is_passed_on_as_the_api_said_it_after_the_last_try(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="status", status=529, times=0))
    with gateway_of(upstream.base_url, tmp_path, "[retry]\nmost_wait_s = 0.1\n") as served:
        with pytest.raises(anthropic.APIStatusError) as raised:
            client(served).messages.create(**ASK)
        assert raised.value.status_code == 529
        assert raised.value.response.headers["request-id"].startswith("req_")
        assert upstream.count["POST /v1/messages"] == 3
        for _ in range(10):
            with pytest.raises(anthropic.APIStatusError):
                client(served).messages.create(**ASK)
        assert upstream.count["POST /v1/messages"] <= 10 + 11  # the circuit is open after ten: one try each
    assert all(end.status == 529 for _, end in attempts(tmp_path))


def test_a_limit_that_asks_for_longer_than_we_wait_reaches_the_caller_as_it_came(
    upstream: Upstream, tmp_path: Path
) -> None:
    upstream.faults.add(Fault(kind="status", status=429, retry_after_s=60))
    with gateway_of(upstream.base_url, tmp_path) as served, pytest.raises(anthropic.RateLimitError) as raised:
        client(served).messages.create(**ASK)
    assert raised.value.response.headers["retry-after"] == "60"
    assert upstream.count["POST /v1/messages"] == 1


def test_a_refused_connection_is_answered_by_the_next_upstream_with_its_own_key(
    second: Upstream, tmp_path: Path
) -> None:
    """The caller has a virtual key; the first upstream is not there, so nothing was sent and nothing is recorded."""
    text = f'key_env = "FIRST"\n[[upstream]]\nname = "second"\nbase_url = "{second.base_url}"\nkey_env = "SECOND"\n'
    url = f"http://127.0.0.1:{closed_port()}"
    with gateway_of(url, tmp_path, text, FIRST="sk-ant-first", SECOND="sk-ant-second") as served:
        assert client(served, with_key(served)).messages.create(**ASK).content
    (request,) = second.requests
    assert request.header("x-api-key") == "sk-ant-second"
    assert request.header("authorization") == ""
    ((start, end),) = attempts(tmp_path)
    assert (start.upstream, end.status) == ("second", 200)


def test_at_a_limit_the_next_key_answers_without_a_pause(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="status", status=429, retry_after_s=60))
    with gateway_of(upstream.base_url, tmp_path, "", ANTHROPIC_API_KEY="sk-ant-1, sk-ant-2") as served:
        caller = client(served, with_key(served))
        before = time.monotonic()
        assert caller.messages.create(**ASK).content
        assert caller.messages.create(**ASK).content
        assert time.monotonic() - before < 5
    assert [request.header("x-api-key") for request in upstream.requests] == ["sk-ant-1", "sk-ant-2", "sk-ant-2"]


def test_a_callers_own_key_never_reaches_the_second_upstream(
    upstream: Upstream, second: Upstream, tmp_path: Path
) -> None:
    upstream.faults.add(Fault(kind="status", status=529, times=0))
    text = f'[[upstream]]\nname = "second"\nbase_url = "{second.base_url}"\n[retry]\nmost_wait_s = 0\n'
    with gateway_of(upstream.base_url, tmp_path, text) as served, pytest.raises(anthropic.APIStatusError):
        client(served).messages.create(**ASK)
    assert not second.requests
