"""Metrics, spans, admin endpoints and samples of a real gateway before a real upstream."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from baseload.demo.upstream.server import Upstream
from baseload.gateway.config import TelemetrySettings
from baseload.gateway.telemetry.spans import Spans
from baseload.values import day_of
from baseload.vault.key import VaultKey
from baseload.vault.store import Vault

sys.path.insert(0, str(Path(__file__).parents[1] / "watching"))

from watching_world import HAIKU, OPUS, SECRET, Running, ask, entry, made_policy

TOKEN = "admin-token-0001"
VAULT = "ab" * 32
SETTINGS = """
admin_port = 0
[policy]
file = "policy.yaml"
settings = "baseload.toml"
start = "at_once"
holdback = 0.0
[sample]
folder = "vault"
one_in = 1
"""
PROMPT = "A prompt nobody may read."


@pytest.fixture
def gateway(tmp_path: Path, upstream: Upstream) -> Iterator[Running]:
    env = {"BASELOAD_ADMIN_TOKEN": TOKEN, "BASELOAD_VAULT_KEY": VAULT}
    running = Running(tmp_path, upstream.base_url, SETTINGS, env=env)
    yield running
    running.stop()


class Reply(NamedTuple):
    status_code: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class AdminClient:
    """Asks the endpoints with the token; `token` "" sends none."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str, token: str = TOKEN) -> Reply:
        return self._ask("GET", path, None, token)

    def post(self, path: str, json: Any = None, token: str = TOKEN) -> Reply:
        return self._ask("POST", path, json, token)

    def _ask(self, method: str, path: str, body: Any, token: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        with contextlib.closing(connection):
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode())


@pytest.fixture
def admin(gateway: Running) -> AdminClient:
    return AdminClient(gateway.watching.parts[-1].port)  # type: ignore[attr-defined]


def series(text: str, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def test_metrics_count_attempts_with_labels_from_a_closed_list(gateway: Running, admin: AdminClient) -> None:
    client = gateway.client()
    for number in range(2):
        ask(client, f"s-{number}", PROMPT)
    client.messages.create(model="no-such-model-" + "x" * 50, max_tokens=5, messages=[{"role": "user", "content": "x"}])
    text = admin.get("/metrics").text
    calls = series(text, "baseload_calls_total")
    assert calls["candidate", HAIKU, "ok", "candidate", "w-1"] == 2  # arm, model, outcome, reason, workload
    assert sum(count for labels, count in calls.items() if "other" in labels) == 1
    assert "no-such-model" not in text
    tokens = series(text, "baseload_tokens_total")
    assert tokens[HAIKU, "output_tokens", "w-1"] > 0
    assert series(text, "baseload_list_usd_total")[HAIKU, "w-1"] > 0
    assert PROMPT not in text
    assert SECRET not in text


def test_an_entry_that_leaves_the_model_alone_has_no_candidate_in_metrics_or_spans(
    tmp_path: Path, upstream: Upstream
) -> None:
    leaves = made_policy(entry(decision="leave", model="", verdict_id=""))
    running = Running(tmp_path, upstream.base_url, SETTINGS.partition("[sample]")[0], served=leaves)
    exporter = InMemorySpanExporter()
    spans = Spans(TelemetrySettings(service_name="g"), exporter)
    running.gateway.core.watchers = (*running.gateway.core.watchers, spans)
    ask(running.client(), "s-1")
    text = running.watching.metrics().decode()
    running.stop()
    asyncio.run(spans.stop())
    assert series(text, "baseload_calls_total") == {("leave", OPUS, "ok", "leave", "w-1"): 1}
    assert [dict(span.attributes or {})["baseload.arm"] for span in exporter.get_finished_spans()] == ["leave"]


def test_health_asks_for_nothing_and_everything_else_for_the_token(gateway: Running, admin: AdminClient) -> None:
    assert admin.get("/livez", token="").status_code == 200
    assert admin.get("/readyz", token="").text == "ok\n"
    for path in ("/metrics", "/routes"):
        assert admin.get(path, token="").status_code == 401
        assert admin.get(path, token="admin-token-0002").status_code == 401
    assert admin.post("/routes/rollback", token="", json={}).status_code == 401
    assert admin.post("/reload", token="").status_code == 401


def test_a_rollback_by_the_endpoint_holds_at_once_and_names_who_and_why(gateway: Running, admin: AdminClient) -> None:
    client = gateway.client()
    assert ask(client, "s-1").headers["x-baseload-model"] == HAIKU
    gateway.tick()
    order = {"workload": "w-1", "who": "ann", "why": "wrong queue"}
    done = admin.post("/routes/rollback", json=order)
    assert (done.status_code, done.json()["changed"]) == (200, True)
    assert ask(client, "s-1").headers["x-baseload-model"] == OPUS
    found = admin.get("/routes").json()
    assert found["rollbacks"][0]["says"] == "ann: wrong queue"
    assert found["routes"][0]["stage"] == "rolled back"
    assert admin.post("/routes/rollback", json={**order, "why": " "}).status_code == 409
    assert admin.post("/routes/hold", json={"workload": "w-1"}).status_code == 400
    assert admin.post("/routes/hold", json={**order, "workload": "gone"}).status_code == 409
    assert admin.post("/routes/lift", json=order).json()["changed"] is True
    assert ask(client, "s-2").headers["x-baseload-model"] == HAIKU


def test_a_sampled_body_is_in_the_vault_under_the_ledgers_own_id(gateway: Running, tmp_path: Path) -> None:
    client = gateway.client()
    plain = ask(client, "s-1", PROMPT).parse()
    with client.messages.stream(
        model=OPUS, max_tokens=256, messages=[{"role": "user", "content": PROMPT}],
        extra_headers={"X-Claude-Code-Session-Id": "s-2"},
    ) as stream:  # fmt: skip
        streamed = stream.get_final_message()
    gateway.loop.run(gateway.watching.sampler.tick(gateway.gateway.clock_us()))  # type: ignore[union-attr]
    from baseload.usage.normal import call_id

    vault = Vault.open(tmp_path / "vault", VaultKey(bytes.fromhex(VAULT)))
    day = day_of(gateway.gateway.clock_us())
    for message in (plain, streamed):
        body = vault.read(call_id(message_id=message.id), day)
        assert body is not None
        assert body.request["messages"][0]["content"] == PROMPT
        assert body.request["model"] == HAIKU
        assert body.response["content"][0]["text"] == message.content[0].text
        assert body.response_verified
    assert {entry.workload for entry in vault.entries} == {"w-1"}
    assert PROMPT.encode() not in b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_nothing_is_sampled_of_a_workload_whose_data_may_not_be_used(gateway: Running) -> None:
    sampler = gateway.watching.sampler
    assert sampler is not None
    sampler.data_use = {"w-1": "none"}
    ask(gateway.client(), "s-1", PROMPT)
    gateway.loop.run(sampler.tick(gateway.gateway.clock_us()))
    assert dict(sampler.outcomes) == {}


def test_spans_follow_the_conventions_and_hold_no_content(gateway: Running) -> None:
    exporter = InMemorySpanExporter()
    spans = Spans(TelemetrySettings(service_name="g"), exporter)
    gateway.gateway.core.watchers = (*gateway.gateway.core.watchers, spans)
    ask(gateway.client(), "s-1", PROMPT)
    asyncio.run(spans.stop())
    (span,) = exporter.get_finished_spans()
    found: dict[str, Any] = dict(span.attributes or {})
    assert span.name == f"chat {HAIKU}"
    assert found["gen_ai.operation.name"] == "chat"
    assert found["gen_ai.provider.name"] == "anthropic"
    assert found["gen_ai.request.model"] == HAIKU
    assert found["baseload.asked.model"] == OPUS
    assert found["gen_ai.usage.output_tokens"] > 0
    assert found["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert span.end_time >= span.start_time > 0
    said = json.dumps({**found, **dict(span.resource.attributes)}, default=str)
    assert PROMPT not in said
    assert SECRET not in said
