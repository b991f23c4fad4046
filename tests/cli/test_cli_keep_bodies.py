"""`baseload import --keep-bodies`: what is kept, what is not and why, and that `forget` takes it off again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.bodies import open_bodies, stored_calls
from baseload.cli.forget import forget
from baseload.cli.ledger import import_paths
from baseload.cli.places import load_project
from baseload.cli.trial_inputs import every_input
from baseload.ledger.store import Ledger
from baseload.values import Problem
from baseload.vault.body import Body
from baseload.vault.faults import VaultKeyError

SECRET = "the secret plan"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a log of six answered calls and one that failed, run from its folder."""
    monkeypatch.setenv("BASELOAD_ORG_KEY", "sixteen characters and more")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("BASELOAD_VAULT_KEY", raising=False)
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "baseload.toml").write_text("schema = 1\n")
    (home / "logs" / "app.jsonl").write_text("".join(map(exchange, range(6))) + failed())
    monkeypatch.chdir(home)
    return home


def exchange(number: int, text: str = SECRET) -> str:
    request = {
        "model": "claude-opus-5-5", "max_tokens": 9, "metadata": {"user_id": "ada" if number else "bob"},
        "messages": [{"role": "user", "content": f"{text} {number}"}],
    }  # fmt: skip
    response = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": "claude-opus-5-5",
        "content": [{"type": "text", "text": "yes"}], "usage": {"input_tokens": 50, "output_tokens": 2},
        "stop_reason": "end_turn",
    }  # fmt: skip
    return (
        json.dumps({"timestamp": f"2026-11-0{1 + number}T10:00:00Z", "request": request, "response": response}) + "\n"
    )


def failed() -> str:
    request = {"model": "claude-opus-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "refused"}]}
    response = {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}
    return json.dumps({"timestamp": "2026-11-09T10:00:00Z", "request": request, "response": response}) + "\n"


def imported(capsysbinary: pytest.CaptureFixture[bytes], *paths: str, expect: int = 0) -> dict[str, Any]:
    assert import_paths(*map(Path, paths), keep_bodies=True, as_json=True) == expect
    found: dict[str, Any] = json.loads(capsysbinary.readouterr().out)["bodies"]
    return found


def settings(home: Path, text: str) -> None:
    (home / "baseload.toml").write_text(f"schema = 1\n{text}")


def bodies(home: Path) -> list[Body]:
    project = load_project(home)
    [inputs] = every_input(home)
    found = open_bodies(home, project, inputs.calls, as_of_day=inputs.as_of_day)
    return [body for _, body in found if isinstance(body, Body)]


def test_bodies_outlive_their_files_and_are_sealed(place: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    kept = imported(capsysbinary, "logs")
    assert (kept["stored"], kept["known"], kept["problems"]) == (6, 0, [])
    assert kept["skipped"] == {"the call was not answered": 1}
    (place / "logs" / "app.jsonl").unlink()
    assert sorted(body.request["messages"][0]["content"] for body in bodies(place)) == [
        f"{SECRET} {number}" for number in range(6)
    ]
    written = b"".join(path.read_bytes() for path in (place / ".baseload").rglob("*") if path.is_file())
    assert SECRET.encode() not in written


def test_nothing_is_kept_unless_asked(place: Path) -> None:
    assert import_paths(Path("logs"), as_json=True) == 0
    assert not (place / ".baseload" / "vault").exists()


def test_what_is_there_is_not_stored_again_and_what_came_later_is(
    place: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert imported(capsysbinary, "logs")["stored"] == 6
    with (place / "logs" / "app.jsonl").open("a") as log:
        log.write(exchange(7))
    again = imported(capsysbinary, "logs")
    assert (again["stored"], again["known"]) == (1, 6)


def test_an_earlier_import_without_bodies_is_made_good(
    place: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert import_paths(Path("logs"), as_json=True) == 0
    capsysbinary.readouterr()
    monkeypatch.chdir(place / "logs")  # the ledger names the file from the project's folder
    assert imported(capsysbinary, "app.jsonl")["stored"] == 6


def test_only_files_of_the_named_paths_are_kept(place: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    (place / "other.jsonl").write_text(exchange(7) + exchange(8))
    assert import_paths(Path("logs"), as_json=True) == 0
    capsysbinary.readouterr()
    assert imported(capsysbinary, "other.jsonl")["stored"] == 2


@pytest.mark.parametrize("said", ["none", "no", "maybe"])
def test_a_workload_whose_prompts_nobody_may_use_is_not_kept(
    place: Path, capsysbinary: pytest.CaptureFixture[bytes], said: str
) -> None:
    settings(place, f'[[workload]]\nname = "App"\nsource = "messages"\ndata_use = "{said}"\n')
    kept = imported(capsysbinary, "logs")
    assert (kept["stored"], kept["skipped"]["data_use is none"]) == (0, 6)
    assert not (place / ".baseload" / "vault").exists()


def test_a_record_that_was_changed_is_a_problem_without_text(
    place: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert import_paths(Path("logs"), as_json=True) == 0
    capsysbinary.readouterr()
    log = place / "logs" / "app.jsonl"
    before = log.stat()
    log.write_text(log.read_text().replace(f"{SECRET} 3", f"{SECRET} X"))
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if nobody had touched it
    assert import_paths(Path("logs"), keep_bodies=True, as_json=True) == 1
    written = capsysbinary.readouterr()
    kept = json.loads(written.out)["bodies"]
    assert (kept["stored"], kept["skipped"]) == (
        5,
        {"the call was not answered": 1, "the record was changed": 1},
    )
    assert [problem["code"] for problem in kept["problems"]] == ["body-changed"]
    assert SECRET.encode() not in written.out + written.err


def test_the_caps_of_the_project_hold_and_the_newest_are_kept(
    place: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    settings(place, "[vault]\nmax_mb = 1\n")
    long = "x" * 300_000  # three of six such records fit into a MiB
    (place / "logs" / "app.jsonl").write_text("".join(exchange(number, long) for number in range(6)))
    kept = imported(capsysbinary, "logs")
    assert kept["stored"] - kept["pushed_out"] == 3
    assert kept["skipped"] == {"older than what fits in max_mb": 3}
    (place / "logs" / "app.jsonl").unlink()
    assert sorted(body.request["messages"][0]["content"][-1] for body in bodies(place)) == ["3", "4", "5"]


def test_bodies_expire_by_the_projects_days(place: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    settings(place, "[vault]\nmax_days = 7\n")
    imported(capsysbinary, "logs")
    [inputs] = every_input(place)
    today, project = inputs.as_of_day, load_project(place)
    assert len(stored_calls(place, project, as_of_day=today + 6)) == 6
    assert stored_calls(place, project, as_of_day=today + 7) == frozenset()


def test_forget_takes_off_what_import_kept(place: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    settings(place, '[vault]\npath = "elsewhere"\n')
    imported(capsysbinary, "logs")
    [inputs] = every_input(place)
    (place / "logs" / "app.jsonl").unlink()
    assert forget(call="msg_2", project=place) == 0
    assert len(bodies(place)) == 5
    assert forget(user="bob", project=place) == 0
    assert len(bodies(place)) == 4
    assert forget(workload=inputs.workload.id, project=place) == 0
    assert bodies(place) == []
    sizes = [path.stat().st_size for path in (place / "elsewhere").glob("*.vault")]
    assert sum(sizes) == 0


def test_the_key_is_made_once_and_a_vault_is_never_opened_under_another(
    place: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "config" / "baseload" / "vault.key"
    assert imported(capsysbinary, "logs")["key_file"] == str(key)
    assert key.stat().st_mode & 0o777 == 0o600
    assert imported(capsysbinary, "logs")["key_file"] is None
    key.unlink()
    with pytest.raises(VaultKeyError, match="its key is gone"):
        import_paths(Path("logs"), keep_bodies=True)
    assert not key.exists()
    monkeypatch.setenv("BASELOAD_VAULT_KEY", "ab" * 32)
    with pytest.raises(VaultKeyError, match="another key"):
        import_paths(Path("logs"), keep_bodies=True)


def test_the_table_says_how_many_and_why(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert import_paths(Path("logs"), keep_bodies=True) == 0
    said = capsys.readouterr().out.replace("\n", " ")
    assert "Kept 6 bodies in " in said
    assert "Made a key: " in said


def test_a_file_named_from_another_folder_is_found_by_the_ledger(
    place: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place / "logs")
    assert import_paths(Path("app.jsonl"), as_json=True) == 0  # the ledger knows the file as app.jsonl
    monkeypatch.chdir(place)
    project = load_project(place)
    [inputs] = every_input(place)
    calls, day = inputs.calls[:1], inputs.as_of_day
    with Ledger.open(place / ".baseload" / "ledger") as ledger:
        [(_, found)] = open_bodies(place, project, calls, ledger=ledger, as_of_day=day)
    [(_, lost)] = open_bodies(place, project, calls, as_of_day=day)
    assert isinstance(found, Body)
    assert isinstance(lost, Problem)
    assert lost.code == "body-file-gone"
