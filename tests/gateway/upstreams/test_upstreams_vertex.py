"""The official SDK through the gateway to Vertex's own paths, with a token that google-auth fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import pytest
from clouds import PROJECT, TOKEN, CloudServer, VertexCloud, google_error
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pooled import attempts, client, closing_clients, with_key
from served import BOOK, Served, serving, settings

from baseload.demo.upstream.server import Upstream, running
from baseload.errors import UsageError
from baseload.gateway.config import UpstreamSettings
from baseload.gateway.exchange import Answer
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.upstreams.vertex import Vertex, url_of, vertex_of
from baseload.gateway.wire.bare import BareTrip

__all__ = ["closing_clients"]
HAIKU = "claude-haiku-4-5-20251001"
ASK: Any = {"model": HAIKU, "max_tokens": 60, "messages": [{"role": "user", "content": "Where is my parcel?"}]}
TOOL: Any = {"name": "look_up", "description": "Looks up", "input_schema": {"type": "object", "properties": {}}}
TOOLS: Any = {**ASK, "tools": [TOOL], "tool_choice": {"type": "tool", "name": "look_up"}}


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text.decode()


@pytest.fixture
def cloud() -> VertexCloud:
    return VertexCloud("europe-west1", "claude-haiku-4-5@20251001", HAIKU)


@pytest.fixture
def server(cloud: VertexCloud) -> Iterator[Upstream]:
    with running(CloudServer(cloud)) as found:
        yield found


@pytest.fixture
def served(server: Upstream, private_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "1",
                "private_key": private_key,
                "client_email": "gateway@a-project.example",
                "token_uri": f"{server.base_url}/token",
            }
        )
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    text = (
        f'name = "gcp"\nkind = "vertex"\nregion = "europe-west1"\nproject = "{PROJECT}"\n'
        'betas = ["known-2026-01-01"]\n[retry]\nmost_wait_s = 1\n'
    )
    with serving(settings(f"{server.base_url}/v1", text, folder=tmp_path)) as found:
        yield found


@pytest.mark.parametrize("asked", [ASK, TOOLS], ids=["text", "tools"])
def test_messages_and_streams_are_those_of_the_api(asked: Any, cloud: VertexCloud, served: Served) -> None:
    caller = client(served, with_key(served))
    expected = msgspec.json.decode(cloud.ask(asked, 0.0).body)
    message = caller.messages.create(**asked)
    assert [block.model_dump(exclude_none=True) for block in message.content] == expected["content"]
    with caller.messages.stream(**asked) as stream:
        final = stream.get_final_message()
    assert [block.model_dump(exclude_none=True) for block in final.content] == expected["content"]
    assert cloud.tokens == 1  # one token for both


def test_what_goes_out_is_spelt_as_vertex_wants_it_and_nothing_of_the_callers_head_goes(
    cloud: VertexCloud, server: Upstream, served: Served
) -> None:
    heads = {"anthropic-beta": "known-2026-01-01,unknown-2030-01-01", "x-odd": "private"}
    client(served, with_key(served)).messages.create(**ASK, extra_headers=heads)
    assert cloud.seen[-1] == {
        "max_tokens": 60,
        "messages": ASK["messages"],
        "anthropic_version": "vertex-2023-10-16",
    }
    assert cloud.betas == ["known-2026-01-01"]
    request = server.requests[-1]
    names = {name.lower() for name, _ in request.headers}
    assert names == {"host", "content-type", "content-length", "anthropic-beta", "authorization"}
    assert request.header("authorization") == f"Bearer {TOKEN}"


def test_tokens_are_counted_by_vertex_itself(cloud: VertexCloud, served: Served) -> None:
    counted = client(served, with_key(served)).messages.count_tokens(model=HAIKU, messages=ASK["messages"])
    assert counted.input_tokens > 0
    assert cloud.seen[-1]["model"] == "claude-haiku-4-5@20251001"


def test_the_record_says_vertex_and_is_priced_at_the_locations_geography(served: Served, tmp_path: Path) -> None:
    """Haiku 4.5 at 1 and 5 dollars a million, 10 % more in one region: 1,100 and 5,500 nano a token."""
    message = client(served, with_key(served)).messages.create(**ASK)
    ((start, end),) = attempts(tmp_path)
    assert (start.upstream, start.platform, start.geo) == ("gcp", "vertex", "regional")
    assert end.cost_nano == message.usage.input_tokens * 1_100 + message.usage.output_tokens * 5_500


def test_errors_are_said_in_the_apis_words_and_exhausted_resources_tried_again(
    cloud: VertexCloud, served: Served, tmp_path: Path
) -> None:
    caller = client(served, with_key(served))
    cloud.errors.append(google_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded."))
    assert caller.messages.create(**ASK).content
    cloud.errors.append(google_error(403, "PERMISSION_DENIED", "Not enabled in this project."))
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        caller.messages.create(**ASK)
    assert caught.value.body == {
        "type": "error",
        "error": {"type": "permission_error", "message": "Not enabled in this project."},
        "request_id": None,
    }
    assert [end.status for _, end in attempts(tmp_path)] == [429, 200, 403]


# without a socket


def vertex(token: bytes = b"t", **more: Any) -> Vertex:
    given = UpstreamSettings(name="gcp", kind="vertex", project="p/q", **{"region": "global", **more})
    return Vertex(given, BOOK, lambda: token)


def asked(model: str, body: bytes = b"{}") -> Asked:
    return Asked(b"POST", b"/v1/messages", (), body, model, False, True)


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (HAIKU, b"claude-haiku-4-5@20251001"),
        ("claude-haiku-4-5", b"claude-haiku-4-5@20251001"),
        ("claude-opus-5-5", b"claude-opus-5-5"),
        ("claude-sonnet-5-5", b"ours"),
    ],
)
def test_models_are_spelt_as_vertex_spells_them(model: str, path: bytes) -> None:
    found = vertex(models={"claude-sonnet-5-5": "ours"}).forward(asked(model), BareTrip(), b"")
    assert not isinstance(found, Answer)
    place = b"/projects/p%2Fq/locations/global/publishers/anthropic/models/"
    assert found.target == place + path + b":rawPredict"
    assert found.origin.host == "aiplatform.googleapis.com"
    assert found.origin.base_path == b"/v1"


def test_a_model_nobody_knows_is_not_taken() -> None:
    assert not vertex().takes(asked("gpt-9"), "messages")
    assert not vertex().takes(asked(""), "messages")
    assert not vertex().takes(asked(HAIKU), "other")


def test_locations_listen_where_googles_do() -> None:
    assert url_of("global") == "https://aiplatform.googleapis.com/v1"
    assert url_of("eu") == "https://aiplatform.eu.rep.googleapis.com/v1"
    assert url_of("us-east5") == "https://us-east5-aiplatform.googleapis.com/v1"
    assert vertex().geo(asked(HAIKU)) == "global"
    assert vertex(region="eu").geo(asked(HAIKU)) == "regional"


def test_without_a_token_it_says_so() -> None:
    found = vertex(token=b"").forward(asked(HAIKU), BareTrip(), b"")
    assert isinstance(found, Answer)
    assert found.status == 503


def test_without_credentials_it_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(UsageError, match="no Google credentials"):
        vertex_of(UpstreamSettings(name="gcp", kind="vertex", region="global", project="p"), BOOK)
