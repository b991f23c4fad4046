"""The official SDK talks to the upstream as to the API: sync, async, stream, tools, batches, counts, models, faults."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from baseload.demo.upstream.answers import Answer, Answers, Refusal, asked_hash, text_answer
from baseload.demo.upstream.faults import Behaviour, Fault
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book

HAIKU = "claude-haiku-5-5"
ASK: list[Any] = [{"role": "user", "content": "Which queue? My parcel is late."}]
TOOL: Any = {
    "name": "look_up",
    "description": "An order by number",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}, "days": {"type": "integer"}}},
}


@pytest.fixture
def server() -> Iterator[Upstream]:
    recorded = [
        (HAIKU, asked_hash({"messages": ASK}), text_answer("delivery", prompt_tokens=40, output_tokens=3)),
        (HAIKU, asked_hash({"messages": ASK}), text_answer("refund", prompt_tokens=40, output_tokens=2)),
    ]
    service = Service(Answers(recorded, seeded_answers(3)), load_book())
    with running(Upstream(service, keep=100)) as found:
        yield found


@pytest.fixture
def client(server: Upstream) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.base_url, api_key="sk-test", max_retries=0) as found:
        yield found


def test_recorded_answers_come_in_turn_with_their_own_token_counts(client: anthropic.Anthropic) -> None:
    said = [client.messages.create(model=HAIKU, max_tokens=20, messages=ASK) for _ in range(3)]
    assert [one.content[0].text for one in said] == ["delivery", "refund", "delivery"]  # type: ignore[union-attr]
    assert (said[0].usage.input_tokens, said[0].usage.output_tokens) == (40, 3)
    assert said[0].stop_reason == "end_turn"
    assert said[0].model == HAIKU


def test_cache_marks_and_spelling_do_not_make_another_question(client: anthropic.Anthropic) -> None:
    block: Any = {"type": "text", "text": ASK[0]["content"], "cache_control": {"type": "ephemeral"}}
    said = client.messages.create(model=HAIKU, max_tokens=20, messages=[{"role": "user", "content": [block]}])
    assert said.content[0].text == "delivery"  # type: ignore[union-attr]


def test_answers_carry_the_headers_the_api_sends(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_raw_response.create(model=HAIKU, max_tokens=20, messages=ASK)
    assert raw.headers["request-id"] == "req_000000000000000000000001"
    assert raw.headers["anthropic-ratelimit-requests-remaining"] == "3999"
    assert raw.headers["anthropic-workspace-id"].startswith("wrkspc_")


def test_a_stream_joined_again_is_the_message(client: anthropic.Anthropic) -> None:
    words: list[Any] = [{"role": "user", "content": "Write me a note"}]
    whole = client.messages.create(model=HAIKU, max_tokens=500, messages=words)
    with client.messages.stream(model=HAIKU, max_tokens=500, messages=words) as stream:
        text = "".join(stream.text_stream)
        joined = stream.get_final_message()
    assert text == whole.content[0].text  # type: ignore[union-attr]
    assert joined.usage.output_tokens == whole.usage.output_tokens
    assert joined.usage.input_tokens == whole.usage.input_tokens
    assert (joined.stop_reason, [one.type for one in joined.content]) == (whole.stop_reason, ["text"])


def test_a_forced_tool_is_used_and_streams_to_the_same_input(client: anthropic.Anthropic) -> None:
    given: dict[str, Any] = {
        "model": HAIKU,
        "max_tokens": 500,
        "messages": ASK,
        "tools": [TOOL],
        "tool_choice": {"type": "tool", "name": "look_up"},
    }
    whole = client.messages.create(**given)
    assert whole.stop_reason == "tool_use"
    assert whole.content[0].input == {"order": "text", "days": 1}  # type: ignore[union-attr]
    with client.messages.stream(**given) as stream:
        assert stream.get_final_message().content == whole.content


def test_thinking_blocks_stream_with_their_signature(server: Upstream, client: anthropic.Anthropic) -> None:
    thought = {"type": "thinking", "thinking": "a parcel that is late is a delivery", "signature": "c2lnbmVk"}
    asked: list[Any] = [{"role": "user", "content": "think"}]
    said = Answer(content=(thought, {"type": "text", "text": "delivery"}), thinking_tokens=9)
    server.service.answers.record(HAIKU, asked_hash({"messages": asked}), said)
    with client.messages.stream(model=HAIKU, max_tokens=500, messages=asked) as stream:
        message = stream.get_final_message()
    assert message.content[0].to_dict() == thought
    assert message.usage.output_tokens_details is not None
    assert message.usage.output_tokens_details.thinking_tokens == 9


def test_max_tokens_cuts_the_answer(client: anthropic.Anthropic) -> None:
    said = client.messages.create(model=HAIKU, max_tokens=2, messages=[{"role": "user", "content": "a long note"}])
    assert (said.stop_reason, said.usage.output_tokens) == ("max_tokens", 2)


def test_async_calls_run_side_by_side(server: Upstream) -> None:
    server.service.behaviour = Behaviour(latency_s=0.2)

    async def ask() -> list[anthropic.types.Message]:
        async with anthropic.AsyncAnthropic(base_url=server.base_url, api_key="sk-test") as client:
            asks = [client.messages.create(model=HAIKU, max_tokens=20, messages=ASK) for _ in range(8)]
            async with client.messages.stream(model=HAIKU, max_tokens=20, messages=ASK) as stream:
                await stream.get_final_message()
            return list(await asyncio.wait_for(asyncio.gather(*asks), 1.2))  # 8 x 0.2 s would be 1.6

    assert len(asyncio.run(ask())) == 8


def test_count_tokens_is_free_and_of_the_model(client: anthropic.Anthropic) -> None:
    words: list[Any] = [{"role": "user", "content": "x" * 3200}]
    new = client.messages.count_tokens(model=HAIKU, messages=words).input_tokens
    old = client.messages.count_tokens(model="claude-haiku-4-5-20251001", messages=words).input_tokens
    assert (new, old) == (12 + 1000, 12 + 800)  # 3.2 and 4 characters a token, 12 for the frame


def test_models_are_those_of_the_book_with_capabilities(client: anthropic.Anthropic) -> None:
    listed = list(client.models.list(limit=7))  # the SDK pages on by after_id
    assert [one.id for one in listed][:1] == ["claude-mythos-5-2"]
    assert len({one.id for one in listed}) == len(listed) == len(load_book().models)
    sonnet = client.models.retrieve("claude-sonnet-5-5")
    assert sonnet.capabilities is not None
    assert sonnet.capabilities.thinking.types.between_tools.supported
    assert not sonnet.capabilities.thinking.types.disabled.supported
    assert client.models.retrieve("claude-3-haiku-20240307").lifecycle == "retired"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("claude-nobody")


def test_a_batch_is_created_ends_and_is_deleted(server: Upstream, client: anthropic.Anthropic) -> None:
    server.service.behaviour = Behaviour(batch_s=0.3)
    refused = asked_hash({"messages": [{"role": "user", "content": "boom"}]})
    server.service.answers.record(HAIKU, refused, Refusal(status=529))
    params: Any = [
        {"custom_id": f"c{place}", "params": {"model": HAIKU, "max_tokens": 9, "messages": words}}
        for place, words in enumerate([ASK, [{"role": "user", "content": "boom"}], ASK])
    ]
    batch = client.messages.batches.create(requests=params)
    assert (batch.processing_status, batch.request_counts.processing) == ("in_progress", 3)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.batches.delete(batch.id)
    while client.messages.batches.retrieve(batch.id).processing_status != "ended":
        pass
    rows = {row.custom_id: row.result for row in client.messages.batches.results(batch.id)}
    assert {key: row.type for key, row in rows.items()} == {"c0": "succeeded", "c1": "errored", "c2": "succeeded"}
    assert rows["c0"].message.usage.service_tier == "batch"  # type: ignore[union-attr]
    assert rows["c1"].error.error.type == "overloaded_error"  # type: ignore[union-attr]
    assert client.messages.batches.retrieve(batch.id).request_counts.succeeded == 2
    client.messages.batches.delete(batch.id)
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(batch.id)


def test_a_cancelled_batch_ends_with_its_items_cancelled(server: Upstream, client: anthropic.Anthropic) -> None:
    server.service.behaviour = Behaviour(batch_s=60)
    batch = client.messages.batches.create(
        requests=[{"custom_id": "c", "params": {"model": HAIKU, "max_tokens": 9, "messages": ASK}}]  # type: ignore[typeddict-item]
    )
    assert client.messages.batches.cancel(batch.id).cancel_initiated_at is not None
    assert [row.result.type for row in client.messages.batches.results(batch.id)] == ["canceled"]
    assert not server.service.billed


def test_batches_list_newest_first_and_page_both_ways(client: anthropic.Anthropic) -> None:
    request: Any = [{"custom_id": "c", "params": {"model": HAIKU, "max_tokens": 9, "messages": ASK}}]
    made = [client.messages.batches.create(requests=request).id for _ in range(5)]
    assert [one.id for one in client.messages.batches.list(limit=2)] == made[::-1]
    page = client.messages.batches.list(limit=2, after_id=made[3])
    assert ([one.id for one in page.data], page.has_more) == ([made[2], made[1]], True)
    page = client.messages.batches.list(limit=2, before_id=made[1])
    assert ([one.id for one in page.data], page.has_more) == ([made[3], made[2]], True)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.OverloadedError),
    ],
)
def test_status_faults_arrive_as_the_sdk_s_own_errors(
    server: Upstream, client: anthropic.Anthropic, status: int, error: type[anthropic.APIStatusError]
) -> None:
    server.faults.add(Fault(kind="status", status=status, retry_after_s=7))
    with pytest.raises(error) as raised:
        client.messages.create(model=HAIKU, max_tokens=9, messages=ASK)
    assert raised.value.response.headers["retry-after"] == "7"
    assert client.messages.create(model=HAIKU, max_tokens=9, messages=ASK).id


def test_the_sdk_s_own_retry_gets_over_a_529(server: Upstream) -> None:
    server.faults.add(Fault(kind="status", retry_after_s=0.05, times=2))
    with anthropic.Anthropic(base_url=server.base_url, api_key="sk-test", max_retries=2) as client:
        assert client.messages.create(model=HAIKU, max_tokens=9, messages=ASK).id
    assert server.count["POST /v1/messages"] == 3


@pytest.mark.parametrize("kind", ["reset_before", "answer_lost", "truncate", "reset_after"])
def test_a_broken_connection_is_a_connection_error(server: Upstream, client: anthropic.Anthropic, kind: Any) -> None:
    server.faults.add(Fault(kind=kind, after=5))
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(model=HAIKU, max_tokens=9, messages=ASK)
    assert len(server.service.billed) == (0 if kind == "reset_before" else 1)


@pytest.mark.parametrize("kind", ["hang", "stall"])
def test_silence_is_a_timeout(server: Upstream, client: anthropic.Anthropic, kind: Any) -> None:
    server.faults.add(Fault(kind=kind, after=5))
    with pytest.raises(anthropic.APITimeoutError):
        client.messages.create(model=HAIKU, max_tokens=9, messages=ASK, timeout=0.2)


def test_an_error_event_in_mid_stream_is_raised_as_it_is(server: Upstream, client: anthropic.Anthropic) -> None:
    server.faults.add(Fault(kind="error_event", after=4))
    with pytest.raises(anthropic.APIError, match="Overloaded"):  # noqa: SIM117 - the stream ends inside
        with client.messages.stream(model=HAIKU, max_tokens=90, messages=ASK) as stream:
            stream.get_final_message()


def test_a_stream_that_breaks_off_is_no_message(server: Upstream, client: anthropic.Anthropic) -> None:
    server.faults.add(Fault(kind="truncate", after=700))
    with pytest.raises(httpx2.RemoteProtocolError):  # noqa: SIM117 - the SDK lets it through as it is
        with client.messages.stream(model=HAIKU, max_tokens=90, messages=ASK) as stream:
            stream.get_final_message()


def test_a_dribbled_stream_is_the_same_stream(server: Upstream, client: anthropic.Anthropic) -> None:
    server.faults.add(Fault(kind="dribble"))
    with client.messages.stream(model=HAIKU, max_tokens=90, messages=ASK) as stream:
        assert stream.get_final_message().content[0].text == "delivery"  # type: ignore[union-attr]


def test_what_the_capability_table_refuses_is_a_400(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="forced_tool"):
        client.messages.create(
            model="claude-sonnet-5-5", max_tokens=9, messages=ASK, tools=[TOOL], tool_choice={"type": "any"}
        )
    with pytest.raises(anthropic.BadRequestError, match="sampling"):
        client.messages.create(model=HAIKU, max_tokens=9, messages=ASK, extra_body={"temperature": 0})


def test_no_answer_is_a_404_and_no_key_a_401(server: Upstream) -> None:
    server.service.answers = Answers()
    with anthropic.Anthropic(base_url=server.base_url, api_key="sk-test", max_retries=0) as client:
        with pytest.raises(anthropic.NotFoundError):
            client.messages.create(model=HAIKU, max_tokens=9, messages=ASK)
        with pytest.raises(anthropic.AuthenticationError):
            client.messages.create(
                model=HAIKU, max_tokens=9, messages=ASK, extra_headers={"Authorization": anthropic.Omit()}
            )


def test_keys_belong_to_workspaces_that_do_not_see_each_other(server: Upstream) -> None:
    server.service._keys = {"sk-a": "wrkspc_a", "sk-b": "wrkspc_b"}
    request: Any = [{"custom_id": "c", "params": {"model": HAIKU, "max_tokens": 9, "messages": ASK}}]
    with (
        anthropic.Anthropic(base_url=server.base_url, api_key="sk-a", max_retries=0) as a,
        anthropic.Anthropic(base_url=server.base_url, auth_token="sk-b", max_retries=0) as b,
        anthropic.Anthropic(base_url=server.base_url, api_key="sk-c", max_retries=0) as c,
    ):
        made = a.messages.batches.create(requests=request)
        assert not list(b.messages.batches.list())
        with pytest.raises(anthropic.NotFoundError):
            b.messages.batches.retrieve(made.id)
        with pytest.raises(anthropic.AuthenticationError):
            c.messages.batches.list()
