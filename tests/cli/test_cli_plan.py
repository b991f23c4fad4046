"""`baseload plan` and `plan changes`: what is written, what is printed, what is refused, and the four exit codes."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main
from baseload.cli.output import print_problems
from baseload.plan.document import SCHEMA
from baseload.plan.policy_read import read_policy
from baseload.values import Problem

TODAY = ("--as-of", "2026-11-22")
FILES = ["plan-changes.csv", "plan-waterfall.csv", "plan-workloads.csv", "plan.html", "plan.json", "policy.yaml"]
SECRET = "the secret recipe is sugar"


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("BASELOAD_ORG_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Thirty days of one call a day: 50,000 in and 5,000 out on Opus 5.5, 0.30 USD each."""
    folder = tmp_path / "logs"
    folder.mkdir()
    first = dt.date(2026, 10, 22)
    rows = [call(place, first + dt.timedelta(days=place)) for place in range(30)]
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def call(number: int, day: dt.date) -> dict[str, Any]:
    model = "claude-opus-5-5"
    return {
        "timestamp": f"{day}T09:00:00Z",
        "api_key_id": "triage",
        "request": {
            "model": model,
            "max_tokens": 9_000,
            "system": SECRET,
            "messages": [{"role": "user", "content": f"Ticket {number}: {SECRET}"}],
        },
        "response": {
            "id": f"msg_{number:020d}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": "billing"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 50_000, "output_tokens": 5_000},
        },
    }


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_folder_holds_the_page_the_document_its_tables_and_the_policy(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, "plan", logs, "-o", "plan", *TODAY)
    assert code == 0, err
    assert names(tmp_path / "plan") == FILES
    assert "At list price" in out
    assert "$109.50 a year" in out
    assert "plan/plan.html" in out
    document = json.loads((tmp_path / "plan" / "plan.json").read_bytes())
    assert (document["schema"], document["totals"]["as_billed_usd"]) == (SCHEMA, "109.50")
    policy = read_policy((tmp_path / "plan" / "policy.yaml").read_bytes())
    assert [entry.decision for entry in policy.entries] == ["leave"]
    page = (tmp_path / "plan" / "plan.html").read_text(encoding="utf-8")
    assert "policy.yaml" in page
    everything = [out, *(path.read_text(encoding="utf-8") for path in (tmp_path / "plan").iterdir())]
    assert not any(SECRET in text for text in everything)


def test_json_prints_only_the_document_and_writes_nothing(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, "plan", logs, "--json", *TODAY)
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert document["schema"] == SCHEMA
    assert not (tmp_path / "baseload-plan").exists()


def test_an_earlier_plan_is_replaced_and_other_files_are_left_alone(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run(capfd, "plan", logs, "-o", "plan", *TODAY)
    (tmp_path / "plan" / "notes.txt").write_text("mine")
    before = (tmp_path / "plan" / "plan.json").read_bytes()
    assert run(capfd, "plan", logs, "-o", "plan", *TODAY)[0] == 0
    assert names(tmp_path / "plan") == sorted([*FILES, "notes.txt"])
    assert (tmp_path / "plan" / "plan.json").read_bytes() == before


@pytest.mark.parametrize("name", ["plan.html", "plan.json"])
def test_a_foreign_folder_is_refused_before_anything_is_read(
    name: str, logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / name).write_text("mine")
    code, out, err = run(capfd, "plan", logs, "-o", "plan", *TODAY)
    assert (code, out) == (2, "")
    assert f"{name} was not written by `plan` and is not overwritten" in err
    assert names(tmp_path / "plan") == [name]
    assert not (tmp_path / "XDG_CACHE_HOME").exists()  # where the logs would have been read into


def test_somebody_elses_policy_is_not_overwritten(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "policy.yaml").write_text("mine")
    code, _, err = run(capfd, "plan", logs, "-o", "plan", *TODAY)
    assert (code, "policy.yaml was not written by `plan`" in err) == (2, True)
    assert names(tmp_path / "plan") == ["policy.yaml"]
    assert (tmp_path / "plan" / "policy.yaml").read_text() == "mine"


def test_an_owners_opt_out_survives_the_next_plan(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "plan" / "policy.yaml"
    run(capfd, "plan", logs, "-o", "plan", *TODAY)
    policy.write_text(policy.read_text().replace("pin_original: false", "pin_original: true"))
    assert run(capfd, "plan", logs, "-o", "plan", *TODAY)[0] == 0
    assert [entry.pin_original for entry in read_policy(policy.read_bytes()).entries] == [True]


def test_a_policy_edited_by_hand_is_not_overwritten(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "plan" / "policy.yaml"
    run(capfd, "plan", logs, "-o", "plan", *TODAY)
    edited = policy.read_text().replace("decision: leave", "decision: pin\n    model: claude-haiku-5-5")
    policy.write_text(edited)
    code, _, err = run(capfd, "plan", logs, "-o", "plan", *TODAY)
    assert (code, "not overwritten" in err) == (2, True)
    assert policy.read_text() == edited


def test_a_record_that_cannot_be_used_is_code_1_and_the_plan_is_written(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (logs / "calls.jsonl").open("a") as file:
        file.write(
            '{"timestamp": "2026-11-01T00:00:00Z", "request": {}, "response": {"usage": {"input_tokens": "x"}}}\n'
        )
    code, out, _ = run(capfd, "plan", logs, "-o", "plan", *TODAY)
    assert code == 1
    assert "calls.jsonl:31: The record holds no Messages API response" in out
    document = json.loads((tmp_path / "plan" / "plan.json").read_bytes())
    assert sum(one["count"] for one in document["problem_counts"]) == 1
    assert run(capfd, "plan", logs, "--json", *TODAY)[0] == 1
    assert run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)[0] == 1


@pytest.mark.parametrize("command", [["plan"], ["plan", "changes"]])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere does not exist"),
        ([], "no PATH given and no ledger in this project"),
        (["logs", "--as-of", "2022-12-31"], "expected a day from 2023-01-01"),
    ],
)
def test_a_wrong_argument_is_code_2(
    command: list[str], arguments: list[str], said: str, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, *command, *arguments)
    assert (code, out, said in err) == (2, "", True)


@pytest.mark.parametrize("command", [["plan"], ["plan", "changes"]])
def test_a_folder_without_usage_is_code_3(
    command: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run(capfd, *command, "empty", "--json")
    assert (code, out, "no usage record in empty" in err) == (3, "", True)


def test_batch_times_that_are_not_there_are_named(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_text('[plan]\nbatch_completion = "times.toml"\n')
    code, _, err = run(capfd, "plan", logs, *TODAY)
    assert (code, "times.toml" in err, "batch completion times" in err) == (2, True, True)


def test_a_problem_of_no_file_is_listed_under_what_found_it(capfd: pytest.CaptureFixture[str]) -> None:
    said = Problem(source="plan", file="", row=0, code="policy-no-match", message="No condition", value="w-1")
    print_problems([said])
    assert "\n  plan: No condition [w-1]\n" in capfd.readouterr().err


def test_changes_are_a_sheet_a_workload_and_a_ranked_list(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)
    assert code == 0, err
    found = names(tmp_path / "changes")
    assert len([name for name in found if name.startswith("triage-") and name.endswith(".md")]) == 1
    assert {"README.md", "changes.csv", "changes.json"} <= set(found)
    assert f"{len(found)} files in changes. Begin with changes/README.md" in out
    rows = list(csv.DictReader((tmp_path / "changes" / "changes.csv").read_text("utf-8-sig").splitlines()))
    listed = json.loads((tmp_path / "changes" / "changes.json").read_bytes())
    assert (listed["schema"], listed["as_of"]) == ("baseload.changes/1", "2026-11-22")
    assert [row["workload_name"] for row in rows] == [row["workload_name"] for row in listed["changes"]] == ["triage"]
    assert listed["changes"][0]["lever"] == "route"
    assert not any(SECRET in path.read_text(encoding="utf-8") for path in (tmp_path / "changes").iterdir())


def test_changes_in_json_are_the_rows_of_the_file(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, "plan", "changes", logs, "--json", *TODAY)
    assert (code, err) == (0, "")
    assert not (tmp_path / "baseload-changes").exists()
    run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)
    assert json.loads(out) == json.loads((tmp_path / "changes" / "changes.json").read_bytes())


def test_the_folder_holds_exactly_this_runs_sheets(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "changes"
    run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)
    first = names(folder)
    assert json.loads((folder / "changes.json").read_bytes())["files"] == first
    (folder / "notes.md").write_text("mine")
    (tmp_path / "baseload.toml").write_text('[[workload]]\nname = "renamed"\napi_key = "triage"\n')
    assert run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)[0] == 0
    assert json.loads((folder / "changes.json").read_bytes())["files"] == sorted(set(names(folder)) - {"notes.md"})
    assert not any(name.startswith("triage-") for name in names(folder))
    assert any(name.startswith("renamed-") for name in names(folder))
    assert (folder / "notes.md").read_text() == "mine"


def test_an_index_that_lists_other_peoples_files_deletes_none(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "changes" / "deep").mkdir(parents=True)
    mine = [tmp_path / "mine.txt", tmp_path / "changes" / "deep" / "mine.txt", tmp_path / "changes" / ".mine"]
    for path in mine:
        path.write_text("mine")
    listed = {"schema": "baseload.changes/1", "files": ["../mine.txt", "deep/mine.txt", str(mine[0]), ".mine", ".."]}
    (tmp_path / "changes" / "changes.json").write_text(json.dumps(listed))
    assert run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)[0] == 0
    assert [path.read_text() for path in mine] == ["mine"] * 3


@pytest.mark.parametrize(
    ("first", "second", "who"),
    [(("plan",), ("plan", "changes"), "`plan`"), (("plan", "changes"), ("plan",), "`plan changes`")],
)
def test_a_plan_and_its_sheets_keep_to_folders_of_their_own(
    first: tuple[str, ...],
    second: tuple[str, ...],
    who: str,
    logs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    run(capfd, *first, logs, "-o", "out", *TODAY)
    before = names(tmp_path / "out")
    code, _, err = run(capfd, *second, logs, "-o", "out", *TODAY)
    assert (code, f"out holds what {who} wrote. Give another folder with -o." in err) == (2, True)
    assert names(tmp_path / "out") == before


def test_nobodys_sheets_are_overwritten(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "README.md").write_text("mine")
    code, _, err = run(capfd, "plan", "changes", logs, "-o", "changes", *TODAY)
    assert (code, "README.md was not written by `plan changes`" in err) == (2, True)
    assert names(tmp_path / "changes") == ["README.md"]


def test_the_projects_own_ledger_is_planned_for_without_a_path(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_text('name = "Acme"\n')
    assert run(capfd, "import", logs)[0] == 0
    code, out, _ = run(capfd, "plan", "--json", *TODAY)
    document = json.loads(out)
    assert (code, document["title"], document["totals"]["as_billed_usd"]) == (0, "Acme", "109.50")


POLICY = """schema_version: 1
created: "2026-11-22"
entries:
- workload: {id: w-1}
  decision: pin
  model: MODEL
  verdict_id: v-1
"""


def test_a_policy_can_be_checked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY.replace("MODEL", "claude-haiku-5-5"))
    code, out, err = run(capfd, "plan", "check", path)
    assert (code, err) == (0, "")
    assert ": valid, 1 entry, p-" in out
    code, out, _ = run(capfd, "plan", "check", path, "--json")
    found = json.loads(out)
    assert (code, found["schema"], found["valid"], found["entries"]) == (0, "baseload.policy-check/1", True, 1)
    assert found["policy_id"] == read_policy(path.read_bytes()).policy_id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POLICY, "entries[0]: workload 'w-1': model 'MODEL' is not in the price book"),
        (POLICY.replace("2026-11-22", "2026-11-31"), "created '2026-11-31' is no day"),
        (POLICY.replace("  verdict_id: v-1\n", ""), "verdict_id is empty at decision pin"),
        ("mine", "text; expected a mapping"),
    ],
)
def test_a_policy_with_a_fault_is_code_1(
    text: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    code, out, err = run(capfd, "plan", "check", path)
    assert (code, out, said in " ".join(err.split())) == (1, "", True), err
    code, out, err = run(capfd, "plan", "check", path, "--json")
    [problem] = json.loads(out)["problems"]
    assert (code, err, json.loads(out)["valid"], problem["code"]) == (1, "", False, "policy-fault")


def test_a_policy_that_is_not_there_is_code_2(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capfd, "plan", "check", tmp_path / "none.yaml")
    assert (code, out, "expected a readable policy" in err) == (2, "", True)
