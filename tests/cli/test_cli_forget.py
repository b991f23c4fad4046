"""`baseload forget`: what is chosen goes, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseload.cli.forget import VAULT_FOLDER, forget
from baseload.cli.main import main
from baseload.cli.places import load_org_key
from baseload.errors import UsageError
from baseload.usage.normal import call_id
from baseload.values import day_of_date
from baseload.vault.body import Body
from baseload.vault.faults import VaultError
from baseload.vault.frame import Entry
from baseload.vault.key import VaultKey
from baseload.vault.store import Vault

KEY = VaultKey(b"k" * 32)
FIRST = call_id(message_id="msg_1")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three records: two of Ada's, one of nobody's, stored today."""
    import datetime as dt

    monkeypatch.setenv("BASELOAD_ORG_KEY", "sixteen characters and more")
    vault = Vault.open(tmp_path / VAULT_FOLDER, KEY, create=True)
    ada = load_org_key().fingerprint("user", "ada@example.com")
    entries = [
        Entry(call_id=FIRST, day=0, workload="w-1", user_id=ada),
        Entry(call_id="c2", day=0, workload="w-2", user_id=ada),
        Entry(call_id="c3", day=0, workload="w-2"),
    ]
    today = day_of_date(dt.datetime.now(dt.UTC).date())
    vault.store([(entry, Body(request={"text": "secret"})) for entry in entries], today)
    return tmp_path


def left(project: Path) -> set[str]:
    return {entry.call_id for entry in Vault.open(project / VAULT_FOLDER, None).entries}


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"workload": "w-2"}, {FIRST}),
        ({"user": "ada@example.com"}, {"c3"}),
        ({"call": "msg_1"}, {"c2", "c3"}),
        ({"call": "c2"}, {FIRST, "c3"}),
        ({"all_records": True}, set()),
        ({"expired": True}, {FIRST, "c2", "c3"}),
        ({"all_records": True, "dry_run": True}, {FIRST, "c2", "c3"}),
    ],
)
def test_what_is_chosen_goes(project: Path, options: dict[str, object], kept: set[str]) -> None:
    assert forget(project=project, **options) == 0  # type: ignore[arg-type]  # options by name
    assert left(project) == kept


def test_the_document_says_what_went_and_what_nobody_can_assign(
    project: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert forget(user="ada@example.com", project=project, json=True) == 0
    found = json.loads(capsysbinary.readouterr().out)
    assert found["schema"] == "baseload.forget/1"
    assert (found["records"], found["left"], found["without_user"], found["unreadable_bytes"]) == (2, 1, 1, 0)
    assert found["bytes"] > 100
    assert forget(user="ada@example.com", project=project) == 0
    assert b"name no user" in capsysbinary.readouterr().out


def test_a_damaged_part_goes_too_and_is_a_problem(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [path] = (project / VAULT_FOLDER).glob("*.vault")
    path.write_bytes(path.read_bytes() + b"BLV1\0\0")
    assert forget(call="c2", project=project) == 1
    said = capsys.readouterr()
    assert "6 bytes could not be read" in said.out
    assert "vault-torn" in said.err
    assert left(project) == {FIRST, "c3"}


@pytest.mark.parametrize(
    "options",
    [{}, {"workload": "w", "user": "u"}, {"all_records": True, "expired": True}, {"workload": ""},
     {"user": "", "call": "c"},
     {"expired": True, "days": 0}],
)  # fmt: skip
def test_anything_but_one_choice_is_refused_and_removes_nothing(project: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        forget(project=project, **options)  # type: ignore[arg-type]  # options by name
    assert len(left(project)) == 3


def test_a_project_without_a_vault_says_so(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="no vault"):
        forget(all_records=True, project=tmp_path)


def test_a_workload_is_known_by_the_name_the_project_gives_it(project: Path) -> None:
    (project / "baseload.toml").write_text(
        'schema = 1\n[[workload]]\nname = "Ticket triage"\nid = "w-3bb241a81b35"\ndeadline = "4h"\n'
    )
    vault = Vault.open(project / VAULT_FOLDER, KEY)
    today = max(entry.day for entry in vault.entries)
    vault.store([(Entry(call_id="c4", day=0, workload="w-3bb241a81b35"), Body(request={"text": "secret"}))], today)
    assert forget(workload="Ticket triage", project=project) == 0
    assert left(project) == {FIRST, "c2", "c3"}


def test_a_name_nobody_knows_is_refused_and_never_nothing_removed(project: Path) -> None:
    with pytest.raises(UsageError, match=r"'Ticket triage' is no workload of the vault.*Nothing was removed"):
        forget(workload="Ticket triage", project=project)
    assert left(project) == {FIRST, "c2", "c3"}
    assert forget(workload="w-3bb241a81b35", project=project) == 0  # an id may have no records, and no more of them


def test_a_workload_that_a_tag_names_is_known_by_that_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    """As `trial run One` does: the rule has no id, the ledger knows which it is."""
    import datetime as dt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BASELOAD_ORG_KEY", "sixteen characters and more")
    row = {
        "timestamp": "2026-10-22T09:00:00Z", "api_key_id": "triage",
        "request": {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
        "response": {
            "id": "msg_00000000000000000001", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
            "content": [{"type": "text", "text": "ho"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 30, "output_tokens": 4},
        },
    }  # fmt: skip
    (tmp_path / "calls.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "baseload.toml").write_text('schema = 1\n[[workload]]\nname = "One"\napi_key = "triage"\n')
    for arguments in (["import", "calls.jsonl"], ["rank", "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
    said = capsysbinary.readouterr().out
    [one] = json.loads(said[said.index(b'{\n  "schema": "baseload.rank') :])["workloads"]
    assert one["name"] == "One"
    vault = Vault.open(tmp_path / VAULT_FOLDER, KEY, create=True)
    today = day_of_date(dt.datetime.now(dt.UTC).date())
    entries = [Entry(call_id="c1", day=0, workload=one["id"]), Entry(call_id="c2", day=0, workload="w-2")]
    vault.store([(entry, Body(request={"text": "secret"})) for entry in entries], today)
    assert forget(workload="One", project=tmp_path) == 0
    assert left(tmp_path) == {"c2"}
    with pytest.raises(UsageError, match=r"'Two' is no workload of the vault"):
        forget(workload="Two", project=tmp_path)
