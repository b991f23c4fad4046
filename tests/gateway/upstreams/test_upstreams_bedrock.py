"""The official SDK through the gateway to Bedrock's own paths: signed, framed, and answered as the API answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import pytest
from clouds import (
    ACCESS,
    SECRET,
    SESSION,
    BedrockCloud,
    CloudServer,
    amazon_error,
    chunk_frame,
    exception_frame,
    frame,
)
from pooled import attempts, client, closing_clients, with_key
from served import BOOK, Served, serving, settings

from baseload.demo.upstream.faults import Fault
from baseload.demo.upstream.server import Upstream, running
from baseload.errors import UsageError
from baseload.gateway.config import UpstreamSettings
from baseload.gateway.exchange import Answer
from baseload.gateway.upstreams.bedrock import Bedrock, Events, bedrock_of
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.wire.bare import BareTrip

__all__ = ["closing_clients"]
HAIKU = "claude-haiku-4-5-20251001"
PROFILE = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
ASK: Any = {"model": HAIKU, "max_tokens": 60, "messages": [{"role": "user", "content": "Where is my parcel?"}]}
TOOL: Any = {"name": "look_up", "description": "Looks up", "input_schema": {"type": "object", "properties": {}}}
TOOLS: Any = {**ASK, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "look_up"}}


@pytest.fixture
def cloud() -> BedrockCloud:
    return BedrockCloud(PROFILE, HAIKU)


@pytest.fixture
def server(cloud: BedrockCloud) -> Iterator[Upstream]:
    with running(CloudServer(cloud)) as found:
        yield found


@pytest.fixture
def served(server: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    signed_in(monkeypatch)
    text = (
        f'name = "aws"\nkind = "bedrock"\nregion = "us-east-1"\nbetas = ["interleaved-thinking-2025-05-14"]\n'
        f'models = {{"{HAIKU}" = "{PROFILE}"}}\n[retry]\nmost_wait_s = 1\n'
    )
    with serving(settings(server.base_url, text, folder=tmp_path)) as found:
        yield found


def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION)


def direct(cloud: BedrockCloud, asked: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(cloud.ask(asked, 0.0).body)
    return found


@pytest.mark.parametrize("asked", [ASK, TOOLS], ids=["text", "tools"])
def test_messages_and_streams_are_those_of_the_api(asked: Any, cloud: BedrockCloud, served: Served) -> None:
    caller = client(served, with_key(served))
    expected = direct(cloud, asked)
    message = caller.messages.create(**asked)
    assert [block.model_dump(exclude_none=True) for block in message.content] == expected["content"]
    assert (message.stop_reason, message.model) == (expected["stop_reason"], HAIKU)
    assert message._request_id == "0f0f-amzn"
    with caller.messages.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert [block.model_dump(exclude_none=True) for block in final.content] == expected["content"]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"


def test_frames_that_come_a_byte_at_a_time_are_the_same_stream(
    cloud: BedrockCloud, server: Upstream, served: Served
) -> None:
    server.faults.add(Fault(kind="dribble", match="POST /model/"))
    with client(served, with_key(served)).messages.stream(**{**ASK, "max_tokens": 8}) as stream:
        assert stream.get_final_message().content[0].type == "text"


def test_what_goes_out_is_spelt_as_bedrock_wants_it_and_nothing_of_the_callers_head_goes(
    cloud: BedrockCloud, server: Upstream, served: Served
) -> None:
    betas = {"anthropic-beta": "interleaved-thinking-2025-05-14,unknown-2030-01-01", "x-odd": "private"}
    client(served, with_key(served)).messages.create(**ASK, extra_headers=betas)
    (request,) = server.requests
    assert request.target == f"/model/{PROFILE}/invoke"
    assert cloud.seen[-1] == {
        "max_tokens": 60,
        "messages": ASK["messages"],
        "anthropic_version": "bedrock-2023-05-31",
        "anthropic_beta": ["interleaved-thinking-2025-05-14"],
    }
    names = {name.lower() for name, _ in request.headers}
    assert names == {"host", "content-type", "content-length", "x-amz-date", "x-amz-security-token", "authorization"}
    assert "blk_" not in str(request.headers)


def test_the_record_says_bedrock_and_is_priced_at_the_profiles_geography(served: Served, tmp_path: Path) -> None:
    """Haiku 4.5 at 1 and 5 dollars a million, 10 % more by a profile of one geography: 1,100 and 5,500 nano a token."""
    message = client(served, with_key(served)).messages.create(**ASK)
    ((start, end),) = attempts(tmp_path)
    assert (start.upstream, start.platform, start.geo) == ("aws", "bedrock", "regional")
    assert end.request_id == "0f0f-amzn"
    assert end.cost_nano == message.usage.input_tokens * 1_100 + message.usage.output_tokens * 5_500


@pytest.mark.parametrize(
    ("status", "name", "raised", "kind"),
    [
        (400, "ValidationException", anthropic.BadRequestError, "invalid_request_error"),
        (403, "AccessDeniedException", anthropic.PermissionDeniedError, "permission_error"),
        (404, "ResourceNotFoundException", anthropic.NotFoundError, "not_found_error"),
    ],
)
def test_errors_are_said_in_the_apis_words(
    status: int, name: str, raised: type[anthropic.APIStatusError], kind: str, cloud: BedrockCloud, served: Served
) -> None:
    cloud.errors.append(amazon_error(status, name, "What Bedrock says."))
    with pytest.raises(raised) as caught:
        client(served, with_key(served)).messages.create(**ASK)
    assert caught.value.body == {
        "type": "error",
        "error": {"type": kind, "message": "What Bedrock says."},
        "request_id": "0f0f-amzn",
    }


def test_throttling_is_tried_again_signed_anew_and_passed_on_at_the_end(
    cloud: BedrockCloud, served: Served, tmp_path: Path
) -> None:
    throttled = amazon_error(429, "ThrottlingException", "Too many tokens, please wait.")
    cloud.errors += [throttled]
    caller = client(served, with_key(served))
    assert caller.messages.create(**ASK).content
    cloud.errors += [throttled] * 3
    with pytest.raises(anthropic.RateLimitError) as caught:
        caller.messages.create(**ASK)
    assert "Too many tokens" in str(caught.value)
    assert [(end.status, end.error) for _, end in attempts(tmp_path)] == [
        (429, "rate_limit_error"), (200, ""), *[(429, "rate_limit_error")] * 3
    ]  # fmt: skip


def test_an_exception_in_the_stream_is_an_error_event(cloud: BedrockCloud, served: Served, tmp_path: Path) -> None:
    cloud.last_frames = (exception_frame("serviceUnavailableException", "Busy."),)
    body = raw_stream(served)
    assert body.endswith(
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Busy."}}\n\n'
    )


def test_a_stream_that_is_none_any_more_breaks_off_with_an_error_event(cloud: BedrockCloud, served: Served) -> None:
    cloud.last_frames = (b"\x00" * 40,)
    body = raw_stream(served)
    assert body.count(b"event: message_stop") == 1
    assert body.rpartition(b"event: ")[2].startswith(b'error\ndata: {"type":"error"')


def test_a_stream_that_ends_inside_a_frame_breaks_off_with_an_error_event(cloud: BedrockCloud, served: Served) -> None:
    cloud.last_frames = (chunk_frame(b'{"type":"ping"}')[:-3],)
    assert raw_stream(served).rpartition(b"event: ")[2].startswith(b"error\n")


def raw_stream(served: Served) -> bytes:
    with client(served, with_key(served)).messages.with_streaming_response.create(**ASK, stream=True) as answer:
        return b"".join(answer.iter_bytes())


def test_tokens_are_counted_by_the_api_where_one_is_there_and_else_said_not_to_be(
    upstream: Upstream, server: Upstream, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: Any = {"model": HAIKU, "messages": ASK["messages"]}
    with pytest.raises(anthropic.NotFoundError, match="counts tokens"):
        client(served, with_key(served)).messages.count_tokens(**counted)
    text = (
        f'name = "aws"\nkind = "bedrock"\nregion = "us-east-1"\nmodels = {{"{HAIKU}" = "{PROFILE}"}}\n'
        f'[[upstream]]\nname = "api"\nbase_url = "{upstream.base_url}"\n'
    )
    env = {"ANTHROPIC_API_KEY": "sk-ant-ours"}
    with serving(settings(server.base_url, text, folder=tmp_path / "b"), env=env) as both:
        caller = client(both, with_key(both))
        assert caller.messages.count_tokens(**counted).input_tokens > 0
        assert caller.messages.create(**ASK)._request_id == "0f0f-amzn"  # messages still go to the first
    assert upstream.count["POST /v1/messages/count_tokens"] == 1


def test_when_the_api_is_overloaded_bedrock_answers_the_same_request(
    upstream: Upstream, server: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed_in(monkeypatch)
    upstream.faults.add(Fault(kind="status", status=529, times=0))
    text = (
        f'[[upstream]]\nname = "aws"\nkind = "bedrock"\nregion = "us-east-1"\nbase_url = "{server.base_url}"\n'
        f'models = {{"{HAIKU}" = "{PROFILE}"}}\n[retry]\ntries = 2\n'
    )
    env = {"ANTHROPIC_API_KEY": "sk-ant-ours"}
    with serving(settings(upstream.base_url, text, folder=tmp_path), env=env) as both:
        with client(both, with_key(both)).messages.stream(**ASK) as stream:
            assert stream.get_final_message().content
        with pytest.raises(anthropic.APIStatusError) as caught:  # Bedrock does not have it: not asked for it
            client(both, with_key(both)).messages.create(**{**ASK, "model": "claude-opus-5-5"})
        assert caught.value.status_code == 529
    assert [(start.platform, end.status) for start, end in attempts(tmp_path)][:2] == [
        ("anthropic", 529),
        ("bedrock", 200),
    ]
    assert all("sk-ant-ours" not in str(request.headers) for request in server.requests)


# without a socket


def bedrock(**more: Any) -> Bedrock:
    given = UpstreamSettings(name="aws", kind="bedrock", region="eu-west-1", **more)
    return Bedrock(given, BOOK, lambda: None)


def asked(model: str, body: bytes = b"{}") -> Asked:
    return Asked(b"POST", b"/v1/messages", (), body, model, False, True)


@pytest.mark.parametrize(
    ("model", "taken", "geo"),
    [
        (HAIKU, True, "global"),
        ("claude-haiku-4-5", True, "global"),  # another name of the same model
        ("eu.anthropic.claude-sonnet-4-6", True, "regional"),
        ("global.anthropic.claude-sonnet-4-6", True, "global"),
        ("anthropic.claude-sonnet-4-6", True, "regional"),
        ("claude-opus-5-5", False, ""),
        ("", False, ""),
        ("..", False, ""),
    ],
)
def test_it_takes_what_it_is_told_to_have_and_names_of_its_own(model: str, taken: bool, geo: str) -> None:
    one = bedrock(models={HAIKU: "global.anthropic.claude-haiku-4-5-20251001-v1:0"})
    assert one.takes(asked(model), "messages") is taken
    assert not one.takes(asked(model), "count")
    assert not one.takes(asked(model), "other")
    if taken:
        assert one.geo(asked(model)) == geo


def test_a_body_that_is_no_object_and_missing_credentials_are_errors_of_ours() -> None:
    for body, status in ((b"[1]", 400), (b"{", 400), (b"{}", 503)):
        found = bedrock().forward(asked("anthropic.claude-sonnet-4-6", body), BareTrip(), b"")
        assert isinstance(found, Answer)
        assert found.status == status


def test_frames_of_no_known_kind_are_passed_over_and_errors_without_a_name_are_errors() -> None:
    events = Events()
    assert events.feed(frame({":event-type": "metadata", ":message-type": "event"}, b"{}"), False) == b""
    said = events.feed(frame({":message-type": "error", ":error-code": "500", ":error-message": "Oh."}, b""), False)
    assert said == b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"Oh."}}\n\n'
    lines = chunk_frame(b'{\n  "type": "ping"\n}')
    assert events.feed(lines, True) == b'event: ping\ndata: {"type":"ping"}\n\n'


def test_without_credentials_it_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no AWS credentials"):
        bedrock_of(UpstreamSettings(name="aws", kind="bedrock", region="us-east-1"), BOOK)


def test_the_clouds_libraries_are_imported_only_where_a_cloud_is_configured() -> None:
    code = (
        "import sys, baseload.gateway.runtime, baseload.gateway.upstreams.made\n"
        "print([m for m in ('botocore', 'google.auth', 'requests') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
