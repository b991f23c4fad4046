"""The one module that knows the SDK: its errors become ours, without keys or words of a request in them."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from replay_world import BOOK, echo, item

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.errors import UsageError
from baseload.quality.replay.sdk import SdkTransport, connect
from baseload.quality.replay.transport import Refused, Unsure

KEY = "sk-ant-api03-secret"
PROMPT = "the patient is Ada"


@pytest.fixture
def server() -> Iterator[Upstream]:
    with running(Upstream(Service(Answers(fallback=echo), BOOK), keep=20)) as found:
        yield found


def ask(server: Upstream, what: Callable[[SdkTransport], Awaitable[Any]], **given: Any) -> Any:
    async def asked() -> Any:
        async with connect(server.base_url, KEY, **given) as api:
            return await what(api)

    return asyncio.run(asked())


def test_fields_the_sdk_does_not_know_reach_the_api_as_they_are(server: Upstream) -> None:
    params = {**item("x", model="claude-haiku-4-5-20251001").params, "temperature": 0, "brand_new": {"a": 1}}
    message = ask(server, lambda api: api.message(params))
    assert message["content"][0]["text"] == "re: x"
    assert json.loads(server.requests[-1].body) == params
    assert server.requests[-1].header("anthropic-version") == "2023-06-01"


def test_usage_comes_back_whole(server: Upstream) -> None:
    usage = ask(server, lambda api: api.message(item("x").params))["usage"]
    assert usage["cache_creation"] == {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}
    assert (usage["input_tokens"], usage["output_tokens"], usage["service_tier"]) == (1000, 100, "standard")


def test_a_large_max_tokens_does_not_make_the_sdk_refuse(server: Upstream) -> None:
    assert ask(server, lambda api: api.message(item("x", max_tokens=128_000).params))["role"] == "assistant"


def test_batches_are_listed_over_pages_down_to_a_time(server: Upstream) -> None:
    async def many(api: SdkTransport) -> Any:
        made = [await api.create_batch([("a", item("x").params), ("b", item("y").params)]) for _ in range(3)]
        return made, await api.batches_since(made[1].created), await api.workspace()

    made, since, workspace = ask(server, many)
    assert [one.id for one in since] == [made[2].id, made[1].id]
    assert {one.items for one in since} == {2}
    assert workspace == "wrkspc_upstream"


@pytest.mark.parametrize(
    ("fault", "busy", "halts", "retry_after"),
    [
        (Fault(kind="status", status=429, retry_after_s=7), True, False, 7.0),
        (Fault(kind="status", status=529), True, False, None),
        (Fault(kind="status", status=429, error_code="enforced_spend_limit_reached"), False, True, None),
        (Fault(kind="status", status=401), False, True, None),
        (Fault(kind="status", status=500), False, False, None),
        (Fault(kind="status", status=400), False, False, None),
    ],
)
def test_errors_of_the_api_say_what_they_are(
    server: Upstream, fault: Fault, busy: bool, halts: bool, retry_after: float | None
) -> None:
    server.faults.add(fault)
    with pytest.raises(Refused) as raised:
        ask(server, lambda api: api.message(item("x").params))
    found = raised.value
    assert (found.status, found.is_busy, found.halts, found.retry_after_s) == (fault.status, busy, halts, retry_after)


@pytest.mark.parametrize("kind", ["reset_before", "answer_lost", "reset_after", "truncate", "hang"])
def test_no_answer_is_unsure_and_asked_once_only(server: Upstream, kind: Any) -> None:
    server.faults.add(Fault(kind=kind, after=9, times=2))
    with pytest.raises(Unsure):
        ask(server, lambda api: api.message(item("x").params), timeout_s=0.3)
    assert server.count["POST /v1/messages"] == 1


def test_neither_key_nor_prompt_is_in_any_error_or_log(server: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for fault in (Fault(kind="status", status=400), Fault(kind="reset_before"), Fault(kind="truncate", after=3)):
        server.faults.add(fault)
        with pytest.raises((Refused, Unsure)) as raised:
            ask(server, lambda api: api.message(item(PROMPT).params))
        chain = [raised.value, raised.value.__cause__]
        assert KEY not in repr(chain)
        assert PROMPT not in repr(chain)
    assert KEY not in caplog.text
    assert PROMPT not in caplog.text


@pytest.mark.parametrize("url", ["http://api.example.com", "ftp://127.0.0.1", "", "https://"])
def test_a_key_never_travels_in_the_clear(url: str) -> None:
    async def asked() -> None:
        async with connect(url, KEY):
            pass

    with pytest.raises(UsageError) as raised:
        asyncio.run(asked())
    assert KEY not in str(raised.value)


def test_the_sdk_is_loaded_only_when_something_is_sent() -> None:
    code = (
        "import sys, baseload.quality.replay.sdk, baseload.quality.replay.run;"
        "assert 'anthropic' not in sys.modules and 'httpx2' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anthropic", None)

    async def asked() -> None:
        async with connect("https://api.anthropic.com", KEY):
            pass

    with pytest.raises(UsageError, match=r"baseload\[trials\]"):
        asyncio.run(asked())
