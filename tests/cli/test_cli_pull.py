"""`baseload pull anthropic`: exit codes, JSON, and a key that is never shown. The server imitates the real API."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from baseload.cli import pull as command
from baseload.cli.main import main

sys.path.insert(
    0, str(Path(__file__).resolve().parents[1] / "usage")
)  # the imitation lives beside the pull's own tests
from report_api import KEY, ReportApi

DAYS = ("--since", "2026-11-18", "--until", "2026-11-21")


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ReportApi]:
    monkeypatch.setattr(command, "PACE_SECONDS", 0.0)
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    with ReportApi() as server:
        yield server


def run(*tokens: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(["pull", "anthropic", *tokens])
    return int(stopped.value.code or 0)


def test_it_fills_the_project_s_pull_folder_and_names_the_next_step(
    api: ReportApi, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*DAYS, "--base-url", api.url) == 0
    shown = capsys.readouterr()
    assert "baseload import .baseload/pull/anthropic" in shown.out
    assert "usage-rates" in shown.out
    assert KEY not in shown.out + shown.err
    assert len(list(Path(".baseload/pull/anthropic").glob("usage-rates-*.json"))) == 1


def test_json_says_what_was_pulled(api: ReportApi, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*DAYS, "--base-url", api.url, "-o", "pages", "--no-owners", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "baseload.pull/1"
    assert (document["folder"], document["organization_id"], document["until"]) == ("pages", "org-1", "2026-11-21")
    assert [(report["report"], report["rows"]) for report in document["reports"]] == [
        ("usage-rates", 6),
        ("cost-rates", 6),
    ]
    assert document["notes"] == []


def test_a_report_left_out_is_exit_code_1_and_said(api: ReportApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.refused = {"/v1/organizations/analytics/cost", "/v1/organizations/cost_report"}
    assert run(*DAYS, "--base-url", api.url) == 1
    assert "left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("--since", "2026-11-20", "--until", "2026-11-20"), "not before"),
        (("--since", "2026-11-20", "--until", "2999-01-01"), "future"),
        ((*DAYS, "--base-url", "http://example.com"), "expected https"),
        ((*DAYS, "--key-file", "missing.key"), "cannot be read"),
    ],
)
def test_a_wrong_command_is_exit_code_2(
    api: ReportApi, capsys: pytest.CaptureFixture[str], tokens: tuple[str, ...], said: str
) -> None:
    assert run(*tokens) == 2
    assert said in capsys.readouterr().err


def test_a_refused_key_is_exit_code_3_without_the_key(
    api: ReportApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", "sk-ant-admin01-wrong")
    assert run(*DAYS, "--base-url", api.url) == 3
    shown = capsys.readouterr()
    assert "the key was refused" in shown.err
    assert "sk-ant-admin01-wrong" not in shown.out + shown.err
