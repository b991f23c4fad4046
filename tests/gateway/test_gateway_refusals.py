"""Whoever is refused has an id to ask about, and whoever runs the gateway finds it in the log."""

from __future__ import annotations

import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from served import Served, serving, settings

from baseload.demo.upstream.server import Upstream
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore

BODY = {"model": "claude-haiku-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "a prompt"}]}


@contextmanager
def keyed(upstream: Upstream, folder: Path, text: str = "", env: dict[str, str] | None = None) -> Iterator[Served]:
    with serving(settings(upstream.base_url, text, folder=folder), env=env or {"ANTHROPIC_API_KEY": "ours"}) as served:
        yield served


def a_key(folder: Path, scope: KeyScope) -> str:
    store = StateStore(SqliteDatabase(folder / ".baseload/gateway/state.db"))
    made = new_key("team", scope, time.time_ns() // 1_000)
    store.add_key(made.row)
    store.close()
    return made.secret


def refusal(served: Served, secret: str, path: str = "/v1/messages") -> tuple[int, str, str]:
    """(status, the id in its header, the id in its body)."""
    heads = {"x-api-key": secret, "content-type": "application/json", "anthropic-version": "2023-06-01"}
    request = urllib.request.Request(served.base_url + path, json.dumps(BODY).encode(), heads)
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request, timeout=10):
        pass
    with caught.value as error:
        return error.code, error.headers["request-id"], json.loads(error.read())["request_id"]


@pytest.mark.parametrize(
    "path",
    ["/v1/messages/", "//v1/messages", "/v1/%6dessages", "/v1/./messages", "/v1/messages;x", "/v1/complete",
     "/v1/messages/batches", "/anything"],
)  # fmt: skip
def test_where_a_budget_holds_every_call_no_other_path_or_spelling_passes_it(
    path: str, upstream: Upstream, tmp_path: Path
) -> None:
    with keyed(upstream, tmp_path, '[[budget]]\nusd = "100"\n') as served:
        assert refusal(served, "sk-ant-callers-own", path)[0] == 403
        count = urllib.request.Request(
            served.base_url + "/v1/messages/count_tokens",
            json.dumps({"model": BODY["model"], "messages": BODY["messages"]}).encode(),
            {"x-api-key": "sk-ant-a", "content-type": "application/json", "anthropic-version": "2023-06-01"},
        )
        with urllib.request.urlopen(count, timeout=10) as answer:
            assert answer.status == 200
    assert not any(name.startswith("POST") and "count_tokens" not in name for name in upstream.count)


@pytest.mark.parametrize("text", ["", '[[budget]]\nusd = "100"\nworkload = "w"\n'])
def test_without_a_budget_for_every_call_other_paths_pass_and_are_counted(
    text: str, upstream: Upstream, tmp_path: Path
) -> None:
    with keyed(upstream, tmp_path, text) as served:
        assert refusal(served, "sk-ant-callers-own", "/v1/complete")[0] == 404  # the upstream's own
        assert served.gateway.core.unmetered == 1


SMALL = '[[budget]]\nusd = "0.000001"\n'


@pytest.mark.parametrize(
    ("status", "scope", "secret", "text", "path", "env"),
    [
        (401, KeyScope(), "blk_nobody-knows-this", "", "/v1/messages", {"ANTHROPIC_API_KEY": "ours"}),
        (403, KeyScope(models=("claude-opus*",)), "", "", "/v1/messages", {"ANTHROPIC_API_KEY": "ours"}),
        (403, KeyScope(), "", "", "/v1/messages/batches", {"ANTHROPIC_API_KEY": "ours"}),
        (429, KeyScope(), "", SMALL, "/v1/messages", {"ANTHROPIC_API_KEY": "ours"}),
        (503, KeyScope(), "", "", "/v1/messages", {}),
    ],
    ids=["no key", "another model", "the account's", "no budget left", "no key upstream"],
)
def test_a_refusal_says_one_id_in_header_body_and_log(
    status: int,
    scope: KeyScope,
    secret: str,
    text: str,
    path: str,
    env: dict[str, str],
    upstream: Upstream,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own = a_key(tmp_path, scope)
    caplog.set_level(logging.INFO, logger="baseload.gateway")
    with keyed(upstream, tmp_path, text, env or {"NOTHING": ""}) as served:
        ids = [refusal(served, secret or own, path) for _ in range(2)]
    assert [found[0] for found in ids] == [status, status]
    for _, in_header, in_body in ids:
        assert in_header == in_body
        assert in_header.startswith("req_baseload_")
    assert ids[0][1] != ids[1][1]
    lines = {getattr(record, "request_id", ""): record for record in caplog.records}
    for _, told, _ in ids:
        assert lines[told].getMessage().startswith(f"refused with {status}: ")
        assert "a prompt" not in lines[told].getMessage()
