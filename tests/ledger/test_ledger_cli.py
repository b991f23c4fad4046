"""`baseload import` and `baseload ledger`: what a script and a person see."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def run(*tokens: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(tokens)
    return int(stopped.value.code or 0)


def document(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    capsys.readouterr()
    run(*tokens, "--json")
    return dict(json.loads(capsys.readouterr().out))


def transcript(*replies: int) -> str:
    """Claude Code lines: one call a reply, of 10 tokens in and that many out."""
    return "".join(
        json.dumps(
            {
                "type": "assistant",
                "timestamp": f"2026-11-20T10:00:{number:02}.000Z",
                "sessionId": "session",
                "requestId": f"req_{number}",
                "version": "2.0.0",
                "message": {
                    "id": f"msg_{number}",
                    "role": "assistant",
                    "type": "message",
                    "model": "claude-opus-4-8",
                    "stop_reason": "end_turn",
                    "content": [{"type": "text", "text": "…"}],
                    "usage": {"input_tokens": 10, "output_tokens": output},
                },
            }
        )
        + "\n"
        for number, output in enumerate(replies)
    )


def test_import_skips_what_it_knows_and_reads_on_what_grew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "logs" / "session.jsonl"
    log.parent.mkdir()
    log.write_text(transcript(5, 6))
    first = document(capsys, "import", "logs")
    assert first == {
        "schema": "baseload.import/1", "ledger": ".baseload/ledger", "files": 1, "unchanged_files": 0, "records": 2,
        "new_rows": 2, "copies": 0, "rows": 2, "readers": {"claude_code": 1}, "problems": [],
    }  # fmt: skip
    again = document(capsys, "import", "logs")
    assert (again["unchanged_files"], again["records"], again["rows"]) == (1, 0, 2)
    log.write_text(transcript(5, 6, 7))
    grown = document(capsys, "import", "logs")
    assert (grown["unchanged_files"], grown["records"], grown["new_rows"], grown["rows"]) == (0, 1, 1, 3)


def test_a_bad_line_costs_one_problem_and_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "session.jsonl").write_text(transcript(5) + "{torn\n" + transcript(5, 6))
    assert run("import", "session.jsonl") == 1
    shown = capsys.readouterr()
    assert "2 new rows, 0 copies of known calls" in shown.out
    assert "session.jsonl:2" in shown.err


def test_show_says_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "session.jsonl").write_text(transcript(5, 6))
    assert run("import", "session.jsonl") == 0
    found = document(capsys, "ledger", "show")
    assert found["sources"] == [
        {
            "source": "claude_code", "account": "", "grain": "call", "rows": 2, "requests": 2,
            "first_day": "2026-11-20", "last_day": "2026-11-20",
        }
    ]  # fmt: skip
    assert (found["rows"], found["replaced_rows"], found["source_files"], found["problem_counts"]) == (2, 0, 1, {})
    assert run("ledger", "status", ".baseload/ledger") == 0
    assert "2 rows (and 0 replaced) in 1 file, " in capsys.readouterr().out


def test_compact_and_migrate_say_what_they_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "session.jsonl"
    for count in (1, 2):
        log.write_text(transcript(*range(count)))
        run("import", "session.jsonl")
    assert document(capsys, "ledger", "compact") == {
        "schema": "baseload.ledger-rewrite/1", "ledger": ".baseload/ledger", "done": "compacted",
        "files_before": 2, "files": 1, "rows_before": 2, "rows": 2,
    }  # fmt: skip
    assert run("ledger", "migrate") == 0
    assert "migrated: 1 file before, 1 now; 0 replaced rows dropped" in capsys.readouterr().out


def test_the_nearest_project_s_ledger_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_text("")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "down")
    Path("session.jsonl").write_text(transcript(5))
    assert document(capsys, "import", "session.jsonl")["ledger"] == str(tmp_path / ".baseload" / "ledger")


@pytest.mark.parametrize(
    ("tokens", "code", "message"),
    [
        (("import",), 2, "no PATH given"),
        (("import", "nowhere"), 2, "nowhere does not exist"),
        (("ledger", "show"), 3, "is not a ledger. Make one with `baseload import PATH`"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tokens: tuple[str, ...], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*tokens) == code
    assert message in capsys.readouterr().err
