"""`baseload gateway keys`: shown once, known at once, held to its scope and budget, gone when revoked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from gateway_process import ASK, HAIKU, asked, gateway, until

from baseload.cli.gateway_keys import _expiry
from baseload.cli.main import main
from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.errors import UsageError
from baseload.prices.load import load_book

NOW_US = 1_795_392_000_000_000  # 2026-11-23
DAY_US = 86_400_000_000
OWN = {"ANTHROPIC_API_KEY": "sk-ant-the-gateways-own"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as server:
        yield server


def made(folder: Path, *given: str) -> dict[str, Any]:
    done = asked(folder, "keys", "new", *given, "--json")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def status_of(client: anthropic.Anthropic, model: str = HAIKU) -> int:
    try:
        client.messages.create(model=model, max_tokens=20, messages=ASK)
    except anthropic.APIStatusError as error:
        return error.status_code
    return 200


def test_a_key_is_printed_alone_so_that_a_shell_can_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "keys", "new", "team-a"])
    said = capsys.readouterr()
    secret = said.out.strip()
    assert (stopped.value.code, secret[:4], len(secret)) == (0, "blk_", 47)
    assert "shown this once" in said.err
    assert secret not in said.err
    store = tmp_path / ".baseload" / "gateway"
    assert all(secret.encode() not in path.read_bytes() for path in store.iterdir())


def test_ids_in_the_list_are_whole_however_narrow_it_is(tmp_path: Path) -> None:
    """They are what `revoke` is given."""
    given = (
        "nightly-batches",
        "--model",
        "claude-haiku*",
        "--model",
        "claude-sonnet*",
        "--budget",
        "200",
        "--expires",
        "90d",
    )
    one = made(tmp_path, *given, "--workload", "w-3bb241a81b35")
    assert one["key"]["id"] in asked(tmp_path, "keys", "list").stdout


def test_the_list_shows_the_scope_and_never_the_key(tmp_path: Path) -> None:
    one = made(
        tmp_path, "nightly", "--workload", "w1", "--model", "claude-haiku*", "--budget", "200", "--expires", "90d"
    )
    made(tmp_path, "everything")
    assert asked(tmp_path, "keys", "revoke", one["key"]["id"]).returncode == 0
    done = asked(tmp_path, "keys", "list", "--json")
    found = {key["name"]: key for key in json.loads(done.stdout)["keys"]}
    assert {name: key["state"] for name, key in found.items()} == {"nightly": "revoked", "everything": "in force"}
    shown = found["nightly"]
    assert (shown["workloads"], shown["models"], shown["budget_usd"]) == (["w1"], ["claude-haiku*"], "200")
    assert found["everything"]["expires"] is None
    assert one["secret"] not in done.stdout + asked(tmp_path, "keys", "list").stdout


def test_a_key_works_until_it_is_revoked_and_never_goes_upstream(upstream: Upstream, tmp_path: Path) -> None:
    key = made(tmp_path, "team-a")
    with gateway(tmp_path, "--upstream", upstream.base_url, env=OWN) as running_one:
        assert status_of(running_one.client("sk-ant-caller")) == 401
        client = running_one.client(key["secret"])
        assert status_of(client) == 200
        late = made(tmp_path, "team-b")
        until(lambda: status_of(running_one.client(late["secret"])) == 200, 3)
        assert asked(tmp_path, "keys", "revoke", key["key"]["id"]).returncode == 0
        until(lambda: status_of(client) == 401, 3)
        assert status_of(running_one.client(late["secret"])) == 200
    sent = {dict(request.headers)["x-api-key"] for request in upstream.requests}
    assert sent == {"sk-ant-the-gateways-own"}


def test_a_key_is_held_to_its_models_and_to_its_budget(upstream: Upstream, tmp_path: Path) -> None:
    narrow = made(tmp_path, "narrow", "--model", "claude-haiku*")
    poor = made(tmp_path, "poor", "--budget", "0.000001")
    rich = made(tmp_path, "rich", "--budget", "1000")
    with gateway(tmp_path, "--upstream", upstream.base_url, env=OWN) as running_one:
        assert status_of(running_one.client(narrow["secret"]), "claude-sonnet-5") == 403
        assert status_of(running_one.client(narrow["secret"])) == 200
        assert status_of(running_one.client(poor["secret"])) == 429
        assert status_of(running_one.client(rich["secret"])) == 200


@pytest.mark.parametrize(("text", "days"), [("90d", 90), ("2w", 14), ("24h", 1), ("2026-11-25", 2)])
def test_an_expiry_is_a_day_or_a_while(text: str, days: int) -> None:
    assert _expiry(text, NOW_US) == NOW_US + days * DAY_US


@pytest.mark.parametrize("text", ["2026-11-23", "2020-01-01", "soon", "0d", "3m", "2026-13-01"])
def test_an_expiry_that_is_over_or_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--expires"):
        _expiry(text, NOW_US)


def test_no_expiry_is_none() -> None:
    assert _expiry(None, NOW_US) is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["new", "  "], "NAME"),
        (["new", "a", "--budget", "-3"], "--budget"),
        (["new", "a", "--budget", "0.00"], "--budget"),
        (["revoke", "key_none"], "is not known"),
    ],
)
def test_a_mistake_is_named(
    given: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "keys", *given])
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err
