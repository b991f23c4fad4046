"""`baseload gateway check`: what a start would trip over is said before it, and nothing is written."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from baseload.cli import gateway_run
from baseload.cli.main import main
from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore

POLICY = """schema_version: 1
entries:
  - workload: {id: triage}
    match: {tag: {team: a}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
"""
USES = '[[workload]]\nname = "triage"\ndata_use = "yes"\n'
GRADED = """[[bar]]
workload = "triage"
margin = 0.5
budget_usd = "5"
grader = { kind = "label", truth = "truths.jsonl" }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASELOAD_ORG_KEY", "the organisation's key of the tests")
    for name in ("ANTHROPIC_API_KEY", "BASELOAD_ADMIN_TOKEN", "BASELOAD_VAULT_KEY", "BASELOAD_STATE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def checked(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, dict[str, list[str]]]:
    """(exit code, what is said by "state what")."""
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "check", "--json", *(() if "--port" in given else ("--port", "0")), *given])
    found: dict[str, list[str]] = {}
    for one in json.loads(capsys.readouterr().out)["findings"]:
        found.setdefault(f"{one['state']} {one['what']}", []).append(one["says"])
    return int(str(stopped.value.code or 0)), found


def faults(capsys: pytest.CaptureFixture[str], *given: str) -> str:
    code, found = checked(capsys, *given)
    assert code == 2
    return "\n".join(line for name, says in found.items() if name.startswith("fault") for line in says)


def test_without_any_file_it_can_start_and_nothing_was_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = checked(capsys)
    assert code == 0
    assert found["ok policy"] == ["none: nothing is changed"]
    assert found["ok keys"] == ["none: callers' own credentials are passed on"]
    assert list(folder.iterdir()) == []


def test_a_sound_setup_says_what_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "gateway.toml").write_text('[policy]\nfile = "policy.yaml"\n')
    StateStore(SqliteDatabase(folder / ".baseload/gateway/state.db")).close()
    code, found = checked(capsys)
    assert code == 0
    assert "1 entries" in found["ok policy"][0]
    assert found["ok state store"] == [".baseload/gateway/state.db"]
    assert found["ok settings"] == [str(folder / "gateway.toml")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[listen]\nprot = 1", "`prot`"),
        ('[listen]\nhost = "0.0.0.0"', "beyond loopback"),
        ("virtual_keys = true", "ANTHROPIC_API_KEY is not in the environment"),
        ("[listen]\nadmin_port = 8799", "BASELOAD_ADMIN_TOKEN is not in the environment"),
        ('[log]\nfolder = "file"', "file is no folder"),
        ('[log]\nledger = "file"', "file is no folder"),
        ('[telemetry]\notlp_endpoint = "not a url"', "address 'not a url'; expected https://"),
        (
            '[[upstream]]\nname = "b"\nkind = "bedrock"\nregion = "us-east-1"\n[batch]\nenabled = true\nupstream = "b"',
            "expected anthropic",
        ),
        ("[listen]\nadmin_port = 0", "BASELOAD_ADMIN_TOKEN is not in the environment"),
        ('[listen]\ntls_cert = "c.pem"\ntls_key = "k.pem"', "c.pem"),
        ('[policy]\nfile = "gone.yaml"', "gone.yaml"),
        ('[state]\nurl_env = "BASELOAD_STATE_URL"', "BASELOAD_STATE_URL is not in the environment"),
        ('[log]\nship_to = "postgresql"', "without state.url_env"),
        ('[log]\nfolder = "file/log"', "is no folder"),
        ("[batch]\nenabled = true", "BASELOAD_VAULT_KEY is not in the environment"),
        ('[policy]\nsettings = "other/baseload.toml"', "no baseload.toml"),
    ],
)
def test_what_a_start_would_trip_over_is_a_fault(
    text: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text("")
    (folder / "gateway.toml").write_text(text)
    assert says in faults(capsys)


def test_a_vault_key_that_is_none_is_a_fault_and_is_not_shown(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "gateway.toml").write_text("[batch]\nenabled = true\n")
    monkeypatch.setenv("BASELOAD_VAULT_KEY", "no-hex-at-all")
    said = faults(capsys)
    assert "64 hex digits" in said
    assert "no-hex-at-all" not in said
    monkeypatch.setenv("BASELOAD_VAULT_KEY", "ab" * 32)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    assert checked(capsys)[0] == 0


def test_batches_need_a_key_of_the_gateways_own(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "gateway.toml").write_text("[batch]\nenabled = true\n")
    monkeypatch.setenv("BASELOAD_VAULT_KEY", "ab" * 32)
    assert "ANTHROPIC_API_KEY is not in the environment" in faults(capsys)


def test_a_port_that_is_taken_is_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"127.0.0.1:{port} cannot be listened on" in faults(capsys, "--port", str(port))


def test_the_admin_port_is_not_the_callers(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    monkeypatch.setenv("BASELOAD_ADMIN_TOKEN", "t")
    (folder / "gateway.toml").write_text(f"[listen]\nadmin_port = {port}\n")
    assert "is the port that callers use" in faults(capsys, "--port", str(port))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('[listen]\nhost = "0.0.0.0"', 2),
        ("virtual_keys = true", 2),
        ("[listen]\nadmin_port = 8799", 2),
        ('[log]\nledger = "file"', 2),
        ('[log]\nfolder = "file"', 3),
        ('[state]\nfile = "file/state.db"', 3),
        ("[batch]\nenabled = true", 2),
    ],
)
def test_a_start_says_what_the_check_says(
    text: str, code: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same function looks: no fault of the check that a start goes past."""
    monkeypatch.setattr(gateway_run, "log_to", lambda **_: None)  # it is for the whole process
    (folder / "file").write_text("")
    (folder / "gateway.toml").write_text(text)
    said = faults(capsys).splitlines()[0]
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "--port", "0"])
    assert stopped.value.code == code
    assert said.rstrip(".") in " ".join(capsys.readouterr().err.split())


def test_keys_that_are_asked_for_and_not_there_yet_are_a_note(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts, so that a key can be made beside it; until then every call gets a 401."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    (folder / "gateway.toml").write_text("virtual_keys = true\n")
    code, found = checked(capsys)
    assert code == 0
    assert "every call gets a 401" in found["note keys"][0]


def test_a_budget_in_which_nothing_can_count_is_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policy.yaml").write_text(POLICY)
    named = ('workload = "triage"', 'workload = "traige"', 'key = "team-a"', 'workload = "triage"')
    budgets = "".join(f'[[budget]]\nusd = "5"\n{line}\n' for line in named)
    (folder / "gateway.toml").write_text(f'[policy]\nfile = "policy.yaml"\n{budgets}')
    code, found = checked(capsys)
    assert code == 0
    assert found["note budget"] == [
        "no entry of the policy has these workloads, so nothing counts in them: traige",
        "no virtual key has these names, so nothing counts in them: team-a",
        "2 budgets for workload triage: the smallest counts",
    ]


def test_a_policy_that_lets_calls_wait_without_batches_is_a_note(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "policy.yaml").write_text(POLICY + "    batch: {deadline: 2h}\n")
    code, found = checked(capsys, "--policy", "policy.yaml")
    assert code == 0
    assert "[batch] is not enabled: triage" in found["note batch"][0]


@pytest.mark.parametrize(
    ("settings", "project", "says"),
    [
        ("", "", "usd_per_day is 0"),
        ('[shadow]\nusd_per_day = "5"\n', "", "no data_use"),
        ('[shadow]\nusd_per_day = "5"\n', USES + GRADED, "truths.jsonl is not beside"),
        ('[shadow]\nusd_per_day = "5"\n', USES, ""),
        ('[policy]\nfile = "policy.yaml"\nstart = "at_once"\n', "", ""),
    ],
)
def test_why_a_route_stays_in_shadow_is_a_note(
    settings: str, project: str, says: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "gateway.toml").write_text(settings)
    if project:
        (folder / "baseload.toml").write_text(project)
    _, found = checked(capsys, "--policy", "policy.yaml")
    assert [says in one and "triage" in one for one in found.get("note shadow", [])] == [True] * bool(says)


def test_with_a_virtual_key_the_gateway_needs_one_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = StateStore(SqliteDatabase(folder / ".baseload/gateway/state.db"))
    store.add_key(new_key("a", KeyScope(), 1).row)
    store.close()
    assert "ANTHROPIC_API_KEY is not in the environment" in faults(capsys)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret")
    code, found = checked(capsys)
    assert code == 0
    assert (found["ok keys"], found["ok upstream anthropic"][0]) == (["1 in force"], "its key is in ANTHROPIC_API_KEY")
    assert "sk-ant-secret" not in str(found)


def test_a_key_file_that_others_may_read_is_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "key").write_text("sk-ant-secret")
    (folder / "key").chmod(0o644)
    (folder / "gateway.toml").write_text('virtual_keys = true\n[[upstream]]\nkey_file = "key"\n')
    said = faults(capsys)
    assert "mode 0600" in said
    assert "sk-ant-secret" not in said


def test_a_router_that_is_not_the_policys_is_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router = f"    router: {{path: triage.router, sha256: {'0' * 64}}}\n"
    (folder / "policy.yaml").write_text(POLICY.replace("decision: pin", "decision: route") + router)
    assert "triage.router" in faults(capsys, "--policy", "policy.yaml")
    (folder / "triage.router").write_bytes(b"{}")
    assert "as the policy says" in faults(capsys, "--policy", "policy.yaml")


def test_a_state_file_that_is_none_is_a_fault(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".baseload/gateway").mkdir(parents=True)
    (folder / ".baseload/gateway/state.db").write_bytes(b"no database, " * 100)
    assert "state store" in faults(capsys)


def test_what_somebody_should_know_is_a_note(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gateway.toml").write_text('[[upstream]]\nbase_url = "http://claude.example"\n')
    text = POLICY.replace("claude-haiku-4-5", "claude-nobody-1").replace("match: {tag: {team: a}}", "match: {}")
    (folder / "policy.yaml").write_text(text)
    code, found = checked(capsys, "--policy", "policy.yaml")
    assert code == 0
    assert "in the clear" in found["note upstream anthropic"][0]
    assert [line.rpartition(": ")[2] for line in found["note policy"]] == ["claude-nobody-1", "triage"]


def test_people_get_a_table_and_a_last_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gateway.toml").write_text('[listen]\nhost = "0.0.0.0"\n')
    with pytest.raises(SystemExit):
        main(["gateway", "check", "--port", "0"])
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "1 fault: it would not start."
