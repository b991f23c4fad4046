"""Calls that wait, through the real stack: the official SDK, the gateway, and a local Messages and Batches server."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import pytest
from batch_world import HAIKU, NIGHTLY, OUR_KEY, asked, batched, eventually, fetched, notes, pairs, posted, slow_batches

from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream
from baseload.errors import UsageError
from baseload.gateway.batch.opening import open_desk
from baseload.gateway.batch.queue import Items
from baseload.gateway.batch.unbatched import among
from baseload.gateway.state.sqlite import SqliteDatabase

SERVED = (HAIKU, "leave")
TOOL: dict[str, Any] = {
    "name": "look_up",
    "description": "Looks an order up",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]},
}


def billed(upstream: Upstream, tier: str) -> int:
    return sum(one.tier == tier for one in upstream.service.billed)


def direct(upstream: Upstream) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-ant-direct")


def said(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """What an answer says of who served it, and why."""
    return headers.get("x-baseload-model"), headers.get("x-baseload-reason")


def test_a_stream_says_in_a_comment_what_its_answer_came_by(upstream: Upstream, tmp_path: Path) -> None:
    """Its head goes out before that is known; a client of the API reads no comment."""
    slow_batches(upstream, 2.0)
    with batched(upstream, tmp_path) as gateway:
        posted(gateway, asked("Beside it, so that its batch is not cancelled"), prefer="respond-async")
        spilled = posted(gateway, {**asked("Now"), "stream": True}, **{"x-baseload-timeout": "2"})
        assert spilled.headers["x-baseload-synthesized"] == "held"
        assert b"\n: x-baseload-synthesized: spill\n\nevent: message_start\n" in spilled.content
    slow_batches(upstream, 0.0)
    with batched(upstream, tmp_path / "b") as gateway:
        assert (
            b"\n: x-baseload-synthesized: batch\n\nevent: message_start\n"
            in posted(gateway, {**asked("Now"), "stream": True}).content
        )


def test_a_held_stream_ends_in_the_same_message_as_a_stream_of_the_api(upstream: Upstream, tmp_path: Path) -> None:
    for given in (asked("Where is it?"), asked("Look!", tools=[TOOL], tool_choice={"type": "tool", "name": "look_up"})):
        with direct(upstream) as client, client.messages.stream(**given) as stream:
            expected = stream.get_final_message()
        with batched(upstream, tmp_path) as gateway, gateway.client().messages.stream(**given) as held:
            found = held.get_final_message()
            assert held.response.headers["x-baseload-synthesized"] == "held"  # what by is not known yet
            assert said(held.response.headers) == SERVED
        assert found.content == expected.content
        assert (found.stop_reason, found.stop_sequence, found.model) == (
            expected.stop_reason, expected.stop_sequence, expected.model,
        )  # fmt: skip
        assert (found.usage.input_tokens, found.usage.output_tokens) == (
            expected.usage.input_tokens, expected.usage.output_tokens,
        )  # fmt: skip
        assert found.usage.service_tier == "batch"
    assert billed(upstream, "batch") == 2


def test_a_silent_caller_has_the_answer_of_its_batch(upstream: Upstream, tmp_path: Path) -> None:
    with batched(upstream, tmp_path) as gateway:
        raw = gateway.client().messages.with_raw_response.create(**asked("Sum it up."))
        assert raw.headers["x-baseload-synthesized"] == "batch"
        assert said(raw.headers) == SERVED
        assert raw.parse().usage.service_tier == "batch"
    ((start, end),) = pairs(tmp_path)
    assert (start.tier, start.purpose, start.workload, start.upstream) == ("batch", "serve", "nightly", "anthropic")
    assert end is not None
    assert (end.outcome, end.status, end.settled) == ("ok", 200, True)
    assert end.usage is not None
    # Haiku 4.5: 1 and 5 dollars a million tokens, half of it in a batch: 500 and 2,500 nano-dollars a token
    assert end.cost_nano == end.usage["input_tokens"] * 500 + end.usage["output_tokens"] * 2_500


def test_calls_of_one_window_share_a_batch_and_each_has_its_own_answer(upstream: Upstream, tmp_path: Path) -> None:
    slow_batches(upstream, 0.2)
    with batched(upstream, tmp_path) as gateway:
        tickets = [posted(gateway, asked(f"Question {n}"), prefer="respond-async").json() for n in range(3)]
        answers = [fetched(gateway, ticket["id"]) for ticket in tickets]
    assert upstream.count["POST /v1/messages/batches"] == 1
    with direct(upstream) as client:
        expected = [client.messages.create(**asked(f"Question {n}")).to_dict()["content"] for n in range(3)]
    assert [one.json()["content"] for one in answers] == expected


def test_a_ticket_is_idempotent_its_own_keys_and_can_be_called_off(upstream: Upstream, tmp_path: Path) -> None:
    slow_batches(upstream, 0.5)
    with batched(upstream, tmp_path) as gateway:
        wait = {"x-baseload-batch": "ticket", "idempotency-key": "run-7"}
        first = posted(gateway, asked("Once"), **wait)
        again = posted(gateway, asked("Once"), **wait)
        other = posted(gateway, asked("Twice"), **wait)
        assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
        ticket = first.json()["id"]
        assert again.json()["id"] == ticket
        assert first.headers["location"] == f"/v1/baseload/tickets/{ticket}"
        url = f"{gateway.served.base_url}/v1/baseload/tickets/{ticket}"
        assert httpx2.get(url, headers={"x-api-key": "blk_of_nobody"}).status_code == 401
        assert httpx2.get(url[:-1] + "x", headers={"x-api-key": gateway.key}).status_code == 404
        done = fetched(gateway, ticket)
        assert (done.status_code, done.headers["x-baseload-synthesized"]) == (200, "batch")
        assert said(first.headers) == said(done.headers) == SERVED
        assert done.json()["type"] == "message"
        assert fetched(gateway, ticket).json() == done.json()
        assert httpx2.delete(url, headers={"x-api-key": gateway.key}).json()["status"] == "cancelled"
        assert httpx2.get(url, headers={"x-api-key": gateway.key}).status_code == 410
    assert billed(upstream, "batch") == 1


def test_at_the_deadline_a_call_is_sent_synchronously_and_both_costs_are_booked(
    upstream: Upstream, tmp_path: Path
) -> None:
    slow_batches(upstream, 2.0)
    with batched(upstream, tmp_path) as gateway:
        beside = posted(gateway, asked("Beside it, so that its batch is not cancelled"), prefer="respond-async")
        spilled = posted(gateway, asked("Now"), **{"x-baseload-timeout": "2"})
        assert "x-baseload-synthesized" not in spilled.headers
        assert spilled.json()["usage"]["service_tier"] == "standard"
        assert fetched(gateway, beside.json()["id"]).json()["usage"]["service_tier"] == "batch"
        assert gateway.counts() == {"spilled": 1}
        assert gateway.desk.declined == {"spilled": 1}
    found = pairs(tmp_path)
    flags = {(start.tier, start.purpose): end.flags for start, end in found if end is not None and end.cost_nano}
    assert len(found) == 3
    assert ("standard", "spill") in flags
    of_batch = [end.flags for start, end in found if end is not None and end.cost_nano and start.tier == "batch"]
    assert sorted(of_batch) == [(), ("abandoned",)]
    assert len({start.trip for start, _ in found}) == 2
    assert (billed(upstream, "batch"), billed(upstream, "standard")) == (2, 1)


def test_a_batch_that_nobody_waits_for_any_more_is_cancelled(upstream: Upstream, tmp_path: Path) -> None:
    slow_batches(upstream, 30.0)
    with batched(upstream, tmp_path, deadline="2s") as gateway:
        with gateway.client().messages.stream(**asked("And now")) as stream:
            assert stream.get_final_message().usage.service_tier == "standard"
        eventually(lambda: gateway.counts().get("batches_cancelled") == 1)
        eventually(lambda: len(pairs(tmp_path)) == 2)
    ends = {start.tier: (end.outcome, end.error) for start, end in pairs(tmp_path) if end is not None}
    assert ends == {"batch": ("error", "canceled"), "standard": ("ok", "")}
    assert billed(upstream, "batch") == 0


def test_a_callers_timeout_ends_its_waiting_before_its_deadline(upstream: Upstream, tmp_path: Path) -> None:
    slow_batches(upstream, 30.0)
    with batched(upstream, tmp_path, deadline="1h") as gateway:
        began = time.monotonic()
        message = gateway.client(timeout=2.0).messages.create(**asked("Quick"))
        assert message.usage.service_tier == "standard"
        assert 0.8 < time.monotonic() - began < 2.0


def test_a_call_with_its_own_credential_or_with_server_tools_goes_at_once(upstream: Upstream, tmp_path: Path) -> None:
    search = [{"type": "web_search_20250305", "name": "web_search"}]
    with batched(upstream, tmp_path) as gateway:
        gateway.client().messages.create(**asked("Find it", tools=search))
        gateway.client(default_headers={**NIGHTLY, "x-baseload-batch": "off"}).messages.create(**asked("Now"))
        assert gateway.desk.declined == {"server_tools": 1, "caller": 1}
    with batched(upstream, tmp_path / "own", key="none") as gateway:
        gateway.client(api_key="sk-ant-own").messages.create(**asked("Mine"))
        assert gateway.desk.declined == {"own-credential": 1}
    assert upstream.count["POST /v1/messages/batches"] == 0
    told = [(note.workload, note.values) for note in notes(tmp_path) if note.kind == "not-batched"]
    assert told == [("nightly", {"caller": 1, "server_tools": 1})]
    kept = Items(SqliteDatabase(tmp_path / ".baseload/gateway/state.db"))
    assert among(kept.counts()) == {("nightly", "caller"): 1, ("nightly", "server_tools"): 1}
    kept.close()


def test_an_item_that_fails_of_itself_is_told_with_its_status(upstream: Upstream, tmp_path: Path) -> None:
    with batched(upstream, tmp_path) as gateway:
        with pytest.raises(anthropic.BadRequestError):
            gateway.client().messages.create(**asked("x", thinking={"type": "adaptive"}))
        with (
            pytest.raises(anthropic.APIStatusError) as caught,
            gateway.client().messages.stream(**asked("y", thinking={"type": "adaptive"})) as stream,
        ):
            stream.get_final_message()
        assert "invalid_request_error" in str(caught.value.body)
    assert upstream.count["POST /v1/messages"] == 0


def test_an_expired_item_is_sent_synchronously_while_there_is_time(upstream: Upstream, tmp_path: Path) -> None:
    with batched(upstream, tmp_path) as gateway:
        slow_batches(upstream, 0.3)
        upstream.service.batches._result = lambda batch, params: {"type": "expired"}  # type: ignore[method-assign]  # a fault at the seam
        assert gateway.client().messages.create(**asked("Late")).usage.service_tier == "standard"
        assert gateway.counts()["expired"] == 1
    outcomes = sorted((start.purpose, end.error) for start, end in pairs(tmp_path) if end is not None)
    assert outcomes == [("serve", "expired"), ("spill", "")]


def test_a_batch_nobody_waits_for_costs_nothing_when_it_never_left_the_queue(
    upstream: Upstream, tmp_path: Path
) -> None:
    with batched(upstream, tmp_path, window="15s", deadline="60s") as gateway:
        with gateway.client().messages.stream(**asked("Never mind")):
            pass
        eventually(lambda: wants(tmp_path) == [("orphan", "queued")])
        time.sleep(0.3)
    assert upstream.count["POST /v1/messages/batches"] == 0


def test_the_same_request_after_a_lost_connection_takes_the_old_ones_place(upstream: Upstream, tmp_path: Path) -> None:
    slow_batches(upstream, 1.2)
    with batched(upstream, tmp_path) as gateway:
        with gateway.client().messages.stream(**asked("Again")):
            eventually(lambda: upstream.count["POST /v1/messages/batches"] == 1)
        eventually(lambda: wants(tmp_path) == [("orphan", "out")])
        with gateway.client().messages.stream(**asked("Again")) as stream:
            assert stream.get_final_message().usage.service_tier == "batch"
        assert gateway.counts()["attached"] == 1
    assert (billed(upstream, "batch"), billed(upstream, "standard")) == (1, 0)


def wants(folder: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(folder / ".baseload/gateway/state.db") as connection:
        return connection.execute("SELECT wants, sent FROM batch_items ORDER BY created_us").fetchall()


def test_prompts_answers_and_keys_lie_sealed_on_disk(upstream: Upstream, tmp_path: Path) -> None:
    with batched(upstream, tmp_path) as gateway:
        posted(gateway, asked("a secret of the customer"), **{"x-baseload-batch": "ticket"})
        eventually(lambda: wants(tmp_path) == [("ready", "settled")])
        key = gateway.key
    data = b"".join(path.read_bytes() for path in (tmp_path / ".baseload").rglob("*") if path.is_file())
    for secret in ("a secret of the customer", "customer", OUR_KEY, key):
        assert secret.encode() not in data


def test_results_are_deleted_upstream_when_they_are_here(upstream: Upstream, tmp_path: Path) -> None:
    with batched(upstream, tmp_path, batch="keep_results_s = 0") as gateway:
        gateway.client().messages.create(**asked("Tidy"))
        eventually(lambda: not upstream.service.batches.list("wrkspc_upstream", time.time()))


def test_money_is_held_while_a_call_waits_and_settled_at_its_batch_price(upstream: Upstream, tmp_path: Path) -> None:
    slow_batches(upstream, 0.4)
    ticket = {"x-baseload-batch": "ticket"}
    with batched(upstream, tmp_path, text='[[budget]]\nusd = "0.02"') as gateway:
        # 3,000 tokens at 2,500 nano-dollars hold 7,500,000 of 20,000,000; at once they could cost 15,000,000
        held = posted(gateway, asked("Dear", max_tokens=3_000), **ticket)
        refused = posted(gateway, asked("Dear too", max_tokens=3_000), **ticket)
        assert (held.status_code, refused.status_code) == (202, 429)
        assert fetched(gateway, held.json()["id"]).status_code == 200
        ((_, by_name),) = gateway.served.gateway.budgets.spent.items()
        ((start, end),) = pairs(tmp_path)
        assert end is not None
        assert list(by_name.values()) == [end.cost_nano]
        assert (start.budgets, start.held_nano > 7_500_000) == (("workload=;key=",), True)
        later = posted(gateway, asked("Dear too", max_tokens=3_000), **ticket)
        assert later.status_code == 202


def test_without_the_vaults_key_or_one_of_its_own_the_desk_does_not_start(upstream: Upstream, tmp_path: Path) -> None:
    with batched(upstream, tmp_path) as gateway:
        core = gateway.served.gateway.core

        def opened(env: dict[str, str], keys: tuple[bytes, ...]) -> str:
            given: Any = {"database": SqliteDatabase(tmp_path / "other.db"), "client": None}
            with pytest.raises(UsageError) as caught:
                open_desk(core, keys=lambda: keys, env=env, folder=tmp_path, **given)
            return str(caught.value)

        assert "there is none" in opened({}, (b"k",))
        assert "has no key of the gateway's own" in opened({"BASELOAD_VAULT_KEY": "ab" * 32}, ())


def test_an_upstream_that_refuses_batches_costs_the_caller_only_its_waiting(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="status", match="POST /v1/messages/batches", status=400))
    with batched(upstream, tmp_path) as gateway:
        assert gateway.client().messages.create(**asked("Refused")).usage.service_tier == "standard"
    assert [note.kind for note in notes(tmp_path)] == ["batch-refused", "not-batched"]


def test_a_create_whose_answer_was_lost_is_found_not_repeated(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="answer_lost", match="POST /v1/messages/batches"))
    with batched(upstream, tmp_path) as gateway:
        assert gateway.client().messages.create(**asked("Lost")).usage.service_tier == "batch"
        assert gateway.counts() == {"adopted": 1}
    assert upstream.count["POST /v1/messages/batches"] == 1


def test_a_busy_upstream_is_asked_again_when_it_said(upstream: Upstream, tmp_path: Path) -> None:
    upstream.faults.add(Fault(kind="status", match="POST /v1/messages/batches", status=529, retry_after_s=0.3))
    with batched(upstream, tmp_path) as gateway:
        assert gateway.client().messages.create(**asked("Busy")).usage.service_tier == "batch"
    assert upstream.count["POST /v1/messages/batches"] == 2
