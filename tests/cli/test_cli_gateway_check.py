"""`baseload gateway check`: what a start would trip over is said before it, and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
        main(["gateway", "check", "--json", *given])
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
        ("virtual_keys = true", "none is in force"),
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
    assert checked(capsys)[0] == 0


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
        main(["gateway", "check"])
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == "1 fault: it would not start."
