"""`baseload export`: files in a folder, one document, and an exit code that says whether all of the policy is in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseload.cli.main import main

PIN = """schema_version: 1
entries:
  - workload: {id: triage, name: Triage}
    match: {tag: {app: triage}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
"""
HASHED = """  - workload: {id: hashed, name: Hashed}
    match: {system_fp: [abc]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v2
"""
KEYED = """schema_version: 1
entries:
  - workload: {id: night}
    match: {api_key: [night]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v3
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("BASELOAD_ORG_KEY", "an organisation's key of this test")


def run(*tokens: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(list(tokens))
    return int(done.value.code or 0)


def test_the_whole_policy_is_exit_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(PIN)
    assert run("export", "litellm", "policy.yaml", "-o", "out") == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "baseload_litellm.py", "litellm-config.yaml", "policy.yaml"
    ]  # fmt: skip
    assert Path("out/policy.yaml").read_text() == PIN
    assert run("export", "envoy", "policy.yaml", "-o", "out") == 0
    assert "x-baseload-tag-" in Path("out/envoy.yaml").read_text()
    assert "1 workload of policy p-" in capsys.readouterr().out


def test_what_cannot_be_exported_is_named_with_its_reason_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(PIN + HASHED)
    assert run("export", "litellm", "policy.yaml") == 0
    assert "KEY_CHECK = ''" not in Path("litellm/baseload_litellm.py").read_text()
    assert run("export", "envoy", "policy.yaml") == 1
    # requests of the hashed entry may carry the tag too, but the tag claims more firmly
    said = capsys.readouterr().err
    assert "'Hashed': it is met by system_fp: hashes of prompts, which Envoy cannot make" in said
    assert Path("envoy/envoy.yaml").is_file()


def test_nothing_at_all_is_exit_3_and_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(KEYED)
    assert run("export", "envoy", "policy.yaml") == 3
    assert not Path("envoy").exists()
    assert "--key NAME=VARIABLE" in capsys.readouterr().err
    assert run("export", "envoy", "policy.yaml", "--key", "night=NIGHT_KEY") == 0


def test_the_document_holds_files_and_losses(capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(PIN + HASHED)
    assert run("export", "envoy", "policy.yaml", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["target"], found["workloads"]) == ("baseload.export/1", "envoy", ["triage"])
    assert [(one["workload"], one["extent"]) for one in found["lost"]] == [("hashed", "entry")]
    assert list(found["files"]) == ["envoy.yaml"]
    assert not Path("envoy").exists()


@pytest.mark.parametrize(
    "tokens",
    [
        ("--key", "night"),
        ("--key", "night=sk-ant-a-key-and-no-name"),
        ("--upstream", "ftp://somewhere"),
    ],
)
def test_a_wrong_setting_is_exit_2(tokens: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    Path("policy.yaml").write_text(PIN)
    assert run("export", "envoy", "policy.yaml", *tokens) == 2
    said = capsys.readouterr().err
    assert tokens[0] in said
    assert "sk-ant" not in said
