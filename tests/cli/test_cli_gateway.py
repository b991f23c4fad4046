"""`baseload gateway` as people start it: the real process, the official SDK, a local upstream."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from gateway_process import ASK, HAIKU, SONNET, asked, children, gateway, rss_mb, until

from baseload.cli.main import main
from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.ledger.store import Ledger
from baseload.prices.load import load_book

POLICY = """schema_version: 1
entries:
  - workload: {{id: triage}}
    match: {{tag: {{team: a}}}}
    decision: pin
    model: {model}
    verdict_id: v1
"""
AT_ONCE = '[policy]\nfile = "policy.yaml"\nstart = "at_once"\nholdback = 0.0\n'
TEAM = {"x-baseload-tag-team": "a"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as server:
        yield server


def message(client: anthropic.Anthropic, model: str = SONNET, **more: Any) -> anthropic.types.Message:
    return client.messages.create(model=model, max_tokens=50, messages=ASK, **more)


def served(client: anthropic.Anthropic) -> tuple[str, str | None]:
    """(the model that answered, what the gateway says of it) for a call of team a that asks for Sonnet."""
    raw = client.messages.with_raw_response.create(model=SONNET, max_tokens=50, messages=ASK, extra_headers=TEAM)
    return raw.parse().model, raw.headers.get("x-baseload-model")


def posted(url: str) -> tuple[Any, list[str]]:
    """(the answer, the names of its headers) of a request without an SDK."""
    body = json.dumps({"model": SONNET, "max_tokens": 50, "messages": ASK}).encode()
    heads = {
        "x-api-key": "sk-ant-caller",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        **TEAM,
    }
    with urllib.request.urlopen(urllib.request.Request(f"{url}/v1/messages", body, heads)) as answer:
        return json.loads(answer.read()), list(answer.headers)


def rows(folder: Path) -> int:
    with Ledger.open(folder / ".baseload" / "ledger") as ledger:
        return ledger.rows


def test_it_says_where_it_listens_serves_and_leaves_a_ledger_behind(upstream: Upstream, tmp_path: Path) -> None:
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        assert running_one.hello | {"port": 0, "pid": 0} == {
            "schema": "baseload.gateway/1", "address": running_one.address, "port": 0, "mode": "observe",
            "policy_id": "", "workers": 1, "pid": 0,
        }  # fmt: skip
        assert running_one.hello["pid"] == running_one.process.pid
        assert message(running_one.client()).model == SONNET
        assert running_one.stop() == 0
        assert running_one.said == ""
    assert rows(tmp_path) == 1


def test_the_admin_endpoint_reads_the_files_again_and_refuses_bad_ones(upstream: Upstream, tmp_path: Path) -> None:
    def reload() -> tuple[int, str]:
        ask = urllib.request.Request(f"http://127.0.0.1:{port}/reload", b"", {"authorization": "Bearer t-0001"})
        try:
            with urllib.request.urlopen(ask) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "gateway.toml").write_text(f"[listen]\nadmin_port = {port}\n{AT_ONCE}")
    (tmp_path / "policy.yaml").write_text(POLICY.format(model=HAIKU))
    with gateway(tmp_path, "--upstream", upstream.base_url, env={"BASELOAD_ADMIN_TOKEN": "t-0001"}) as running_one:
        status, text = reload()
        assert (status, json.loads(text)) == (200, {"policy_id": running_one.hello["policy_id"]})
        (tmp_path / "policy.yaml").write_text("entries: [")
        assert reload()[0] == 409
        assert message(running_one.client()).model == SONNET


def test_a_port_that_is_taken_is_named_with_the_way_out(upstream: Upstream, tmp_path: Path) -> None:
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        taken = running_one.hello["port"]
        done = asked(tmp_path, "run", "--port", str(taken))
        assert (done.returncode, done.stdout) == (2, "")
        assert f"127.0.0.1:{taken} cannot be listened on" in done.stderr
        assert "another --port" in done.stderr


def test_without_json_one_line_holds_the_address_and_the_export(
    upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from baseload.cli.gateway_run import _announce
    from baseload.cli.gateway_settings import read_setup
    from baseload.gateway.reload import Overrides

    os.chdir(tmp_path)
    _announce(read_setup(None, Overrides(host="::1")), False, 8788)
    assert capsys.readouterr().out == (
        "Listening on http://[::1]:8788, only measures; stop with Ctrl-C. "
        "Clients: export ANTHROPIC_BASE_URL=http://[::1]:8788\n"
    )


def test_the_address_of_all_addresses_is_not_for_pasting(capsys: pytest.CaptureFixture[str]) -> None:
    from baseload.cli.gateway_run import _announce
    from baseload.cli.gateway_settings import read_setup
    from baseload.gateway.reload import Overrides

    for host in ("0.0.0.0", "::"):
        _announce(read_setup(None, Overrides(host=host)), False, 18_858)
        said = capsys.readouterr().out
        assert said.endswith("ANTHROPIC_BASE_URL=http://NAME:18858, with the NAME they reach this machine by\n")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--port", "99999"), "--port 99999; expected at most 65535"),
        (("--port", "-1"), "--port -1; expected at least 0"),
        (("--workers", "0"), "--workers 0; expected at least 1"),
        (("--admin-port", "70000"), "--admin-port 70000; expected at most 65535"),
    ],
)
def test_an_option_out_of_range_is_named_with_its_value(
    given: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", *given])
    assert stopped.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_observing_changes_nothing_whatever_the_policy_says(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(AT_ONCE)
    (tmp_path / "policy.yaml").write_text(POLICY.format(model="claude-haiku-4-5"))
    with gateway(tmp_path, "--observe", "--upstream", upstream.base_url) as running_one:
        assert running_one.hello["mode"] == "observe"
        answers = [posted(url) for url in (upstream.base_url, running_one.address)]
        direct, through = upstream.requests
        assert direct.body == through.body
        assert answers[0][0]["content"] == answers[1][0]["content"]
        assert not [name for name in answers[1][1] if name.lower().startswith("x-baseload")]


def test_a_bypass_is_one_variable_and_one_header_is_an_opt_out(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(AT_ONCE)
    (tmp_path / "policy.yaml").write_text(POLICY.format(model="claude-haiku-4-5"))
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        assert served(running_one.client()) == (HAIKU, HAIKU)
        pinned = running_one.client(default_headers={"x-baseload-pin": "original"})
        assert served(pinned) == (SONNET, SONNET)
    with anthropic.Anthropic(base_url=upstream.base_url, api_key="sk-ant-caller") as direct:  # the variable taken back
        assert served(direct) == (SONNET, None)


def test_a_changed_policy_is_taken_and_a_torn_one_is_not(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(AT_ONCE)
    policy = tmp_path / "policy.yaml"
    policy.write_text("schema_version: 1\nentries: []\n")
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        client = running_one.client()
        assert served(client)[0] == SONNET
        policy.write_text(POLICY.format(model="claude-haiku-4-5"))
        until(lambda: served(client)[0] == HAIKU)
        policy.write_text(POLICY.format(model="claude-haiku-4-5")[:90])
        until(lambda: "last good ones keep serving" in running_one.said)
        assert served(client)[0] == HAIKU
        policy.write_text("schema_version: 1\nentries: []\n")
        running_one.process.send_signal(signal.SIGHUP)
        until(lambda: served(client)[0] == SONNET)
        events = [json.loads(line) for line in running_one.said.splitlines()]
        assert [event["level"] for event in events] == ["info", "warning", "info"]
        assert running_one.stop() == 0


def test_settings_may_name_another_policy_file_which_is_watched_from_then_on(
    upstream: Upstream, tmp_path: Path
) -> None:
    (tmp_path / "gateway.toml").write_text(AT_ONCE)
    (tmp_path / "policy.yaml").write_text("schema_version: 1\nentries: []\n")
    (tmp_path / "other.yaml").write_text("schema_version: 1\nentries: []\n")
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        client = running_one.client()
        (tmp_path / "gateway.toml").write_text(AT_ONCE.replace("policy.yaml", "other.yaml"))
        until(lambda: "settings loaded" in running_one.said)
        (tmp_path / "other.yaml").write_text(POLICY.format(model="claude-haiku-4-5"))
        until(lambda: served(client)[0] == HAIKU)


def test_a_stop_finishes_the_stream_that_is_under_way(upstream: Upstream, tmp_path: Path) -> None:
    upstream.service.behaviour = Behaviour(event_gap_s=0.1)
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        client = running_one.client()
        with client.messages.stream(model=HAIKU, max_tokens=200, messages=ASK) as stream:
            first = next(iter(stream))
            running_one.process.send_signal(signal.SIGTERM)
            assert first.type == "message_start"
            said = stream.get_final_message()
        assert said.stop_reason == "end_turn"
        assert running_one.process.wait(20) == 0
    assert rows(tmp_path) == 1
    assert said.usage.output_tokens > 0


def test_a_second_interrupt_does_not_wait_for_streams(upstream: Upstream, tmp_path: Path) -> None:
    upstream.service.behaviour = Behaviour(event_gap_s=1)
    with (
        gateway(tmp_path, "--upstream", upstream.base_url) as running_one,
        running_one.client().messages.stream(model=HAIKU, max_tokens=200, messages=ASK) as stream,
    ):
        next(iter(stream))
        running_one.process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert running_one.process.poll() is None
        running_one.process.send_signal(signal.SIGINT)
        assert running_one.process.wait(10) == 0


def test_two_processes_share_the_port_and_one_that_is_killed_comes_back(upstream: Upstream, tmp_path: Path) -> None:
    with gateway(tmp_path, "--workers", "2", "--upstream", upstream.base_url) as running_one:
        assert (running_one.hello["workers"], running_one.hello["pid"]) == (2, running_one.process.pid)
        pair = children(running_one.process.pid)
        assert len(pair) == 2
        answered = 0
        for number in range(20):
            if number == 5:
                os.kill(pair[0], signal.SIGKILL)
                until(lambda: pair[0] not in children(running_one.process.pid))
            answered += bool(message(running_one.client(), HAIKU).content)  # each on a connection of its own
        until(lambda: len(children(running_one.process.pid)) == 2)
        assert answered == 20
        assert "process 0 ended with -9" in running_one.said or "process 1 ended with -9" in running_one.said
        assert running_one.stop() == 0
    assert rows(tmp_path) == 20


def test_ctrl_c_on_a_terminal_reaches_every_process_and_still_drains(upstream: Upstream, tmp_path: Path) -> None:
    upstream.service.behaviour = Behaviour(event_gap_s=0.1)
    with gateway(tmp_path, "--workers", "2", "--upstream", upstream.base_url) as running_one:
        with running_one.client().messages.stream(model=HAIKU, max_tokens=200, messages=ASK) as stream:
            next(iter(stream))
            os.killpg(running_one.process.pid, signal.SIGINT)
            assert stream.get_final_message().stop_reason == "end_turn"
        assert running_one.process.wait(20) == 0


def test_what_would_stop_every_process_is_said_once(upstream: Upstream, tmp_path: Path) -> None:
    for given in ((), ("--workers", "2")):
        done = asked(tmp_path, "--host", "0.0.0.0", "--port", "0", *given)
        assert done.returncode == 2
        assert done.stderr.count("beyond loopback and no virtual key is defined") == 1


def refused(folder: Path, *given: str) -> str:
    done = asked(folder, *given)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_a_bad_option_or_file_is_named(tmp_path: Path) -> None:
    assert "expected https://host" in refused(tmp_path, "--upstream", "api.anthropic.com")
    assert "--port 70000; expected at most 65535" in refused(tmp_path, "--port", "70000")
    assert "--workers 0; expected at least 1" in refused(tmp_path, "--workers", "0")
    assert "gone.toml" in refused(tmp_path, "--config", "gone.toml")
    (tmp_path / "gateway.toml").write_text("[listen]\nprot = 1\n")
    assert "`prot`" in refused(tmp_path)


def test_without_the_extra_it_says_which(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import importlib.util

    def found(name: str, package: str | None = None) -> object:
        return None if name == "httptools" else object()

    monkeypatch.setattr(importlib.util, "find_spec", found)
    with pytest.raises(SystemExit) as stopped:
        main(["gateway"])
    assert stopped.value.code == 2
    assert "pip install 'baseload[gateway]'" in capsys.readouterr().err


def test_it_starts_in_a_second_and_is_small(
    upstream: Upstream, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """The bounds are the issue's for a machine of its own; a busy one gets three times the seconds."""
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        at_rest = rss_mb(running_one.process.pid)
        record_property("start_s", round(running_one.seconds, 3))
        record_property("rss_mb", round(at_rest, 1))
        print(f"started in {running_one.seconds:.2f} s, {at_rest:.1f} MB at rest", file=sys.stderr)
        assert running_one.seconds < 3
        assert at_rest < 60


def test_nothing_heavy_is_loaded_by_a_pipe(upstream: Upstream, tmp_path: Path) -> None:
    """What a process maps from disk: no library of the engine or of numbers."""
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        message(running_one.client())
        maps = Path(f"/proc/{running_one.process.pid}/maps").read_text()
        assert "uvloop" in maps
        assert not [name for name in ("numpy", "duckdb", "psycopg", "cryptography") if f"/{name}" in maps]


def test_secrets_are_in_no_line_and_no_file_it_leaves(upstream: Upstream, tmp_path: Path) -> None:
    secret, text = "sk-ant-very-secret", "the parcel of Mrs. Hemmelig"
    with gateway(tmp_path, "--upstream", upstream.base_url) as running_one:
        client: Any = running_one.client(secret)
        client.messages.create(model=HAIKU, max_tokens=20, messages=[{"role": "user", "content": text}])
        with socket.create_connection(("127.0.0.1", running_one.hello["port"])) as plain:
            plain.sendall(f"POST /{secret} HTTP/1.1\r\nbroken\r\n\r\n".encode())
            plain.recv(1_000)
        assert running_one.stop() == 0
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) > 3
    for path in left:
        data = path.read_bytes()
        assert secret.encode() not in data, path
        assert text.encode() not in data, path


def test_helpers_see_a_start_that_failed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="it did not start"), gateway(tmp_path, "--workers", "0"):
        raise AssertionError("never reached")
