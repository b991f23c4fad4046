"""`baseload usage`: the quick look as people and scripts see it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main

LINE = {
    "parentUuid": "p", "isSidechain": False, "cwd": "/home/ada/shop", "sessionId": "s1", "type": "assistant",
    "timestamp": "2026-09-03T00:52:35.576Z", "requestId": "req_1",
    "message": {
        "id": "msg_1", "role": "assistant", "model": "claude-sonnet-4-5-20250929", "content": [],
        "usage": {"input_tokens": 1_000, "cache_read_input_tokens": 2_000, "output_tokens": 100},
    },
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with one transcript."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "CLAUDE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    transcript(folder / ".claude" / "projects" / "-home-ada-shop" / "s1.jsonl", LINE)
    monkeypatch.chdir(tmp_path)
    return folder


def transcript(path: Path, *lines: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["usage", *tokens])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *tokens: str) -> dict[str, Any]:
    code, out, _ = run(capsys, *tokens, "--json")
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "baseload.usage/1"
    assert code == (1 if found["problems"] else 0)
    return found


def test_without_a_path_it_reads_claude_codes_own_transcripts(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    totals = document(capsys)["totals"]
    # 1,000 x 3 + 2,000 x 0.30 + 100 x 15 = 5,100 millionths of a dollar
    assert (totals["requests"], totals["list_usd"], totals["unpriced_tokens"]) == (1, "0.0051", 0)


def test_the_configuration_folder_of_claude_code_can_be_elsewhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    other = home / "elsewhere"
    second = LINE | {"message": LINE["message"] | {"id": "msg_2"}}  # type: ignore[operator]  # a literal
    transcript(other / "projects" / "p" / "s2.jsonl", LINE, second)
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", f"{other}, {home / 'none'}")
    assert document(capsys)["totals"]["requests"] == 2


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        ("day", {"day": "2026-09-03"}),
        ("model", {"model": "claude-sonnet-4-5-20250929"}),
        ("key", {"key": "shop"}),
        ("session", {"session": "s1"}),
        ("day,key", {"day": "2026-09-03", "key": "shop"}),
    ],
)
def test_groups_carry_their_labels(
    home: Path, capsys: pytest.CaptureFixture[str], by: str, labels: dict[str, str]
) -> None:
    [group] = document(capsys, "--by", by)["groups"]
    assert {name: group[name] for name in labels} == labels
    assert group["output_tokens"] == 100


def test_the_table_shows_totals_sources_and_the_age_of_the_prices(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys)
    assert (code, err) == (0, "")
    for text in ("2026-09-03", "1,000", "2,000", "0.01", "Files read: claude_code 1.", "Prices checked"):
        assert text in out


def test_bad_records_are_listed_and_the_rest_is_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = transcript(home / "logs" / "s.jsonl", LINE, '{"torn')
    found = document(capsys, str(path))
    assert [(p["code"], p["row"], p["file"]) for p in found["problems"]] == [("bad-json", 2, str(path))]
    assert found["totals"]["requests"] == 1
    code, out, err = run(capsys, str(path))
    assert (code, "0.01" in out, "bad-json" in err) == (1, True, True)


def test_an_unknown_group_path_or_source_is_a_plain_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--by", "planet")[::2] == (
        2,
        "baseload: --by 'planet': expected any of day, model, key, session, joined by commas\n",
    )
    code, _, err = run(capsys, str(home / "nowhere"))
    assert (code, "does not exist" in err) == (2, True)
    code, _, err = run(capsys, "--source", "planet")
    assert (code, "expected one of" in err) == (2, True)


def test_nothing_to_read_ends_with_3(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "empty").mkdir()
    code, out, err = run(capsys, str(home / "empty"), "--json")
    assert (code, out) == (3, "")
    assert "no usage record" in err


def test_a_home_without_transcripts_asks_for_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
    code, _, err = run(capsys)
    assert (code, "no PATH given" in err) == (2, True)


def test_the_quick_look_of_transcripts_loads_nothing_heavy_and_writes_nothing(home: Path) -> None:
    before = sorted(home.rglob("*"))
    script = (
        "import sys\nfrom baseload.cli.main import main\n"
        "try:\n    main(['usage', '--json'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'numpy', 'duckdb', 'yaml', 'rich', 'baseload.usage.detect'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert sorted(home.rglob("*")) == before


def test_other_sources_are_read_by_their_own_readers(
    home: Path, capsys: pytest.CaptureFixture[str], shared_data: Path
) -> None:
    found = document(capsys, str(shared_data / "usage" / "anthropic-messages"), "--by", "model")
    assert found["files"] == {"message_stream": 10, "messages": 1}
    assert found["totals"]["requests"] == 51
    alone = document(capsys, str(shared_data / "usage" / "anthropic-console-csv"), "--by", "day")
    assert (alone["basis"], alone["totals"]["requests"]) == ("console_csv", None)


@pytest.mark.parametrize("columns", ["20", "80"])
def test_names_from_outside_are_shown_as_text_and_figures_are_never_cut(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    odd = "claude-[/nope]:x:\x1b[31mX\n"
    counts = {"input_tokens": 98_765_432, "output_tokens": 12_345_678}
    message = {"id": "msg_9", "role": "assistant", "model": odd, "content": [], "usage": counts}
    transcript(home / "a.jsonl", LINE | {"message": message})
    _, out, _ = run(capsys, str(home / "a.jsonl"), "--by", "model")
    assert "\x1b" not in out
    [row] = [line for line in out.splitlines() if line.startswith("claude-[/nope]:x:�[31mX ")]
    assert row.split()[1:] == ["1", "98,765,432", "0", "0", "12,345,678", "unpriced"]


def test_a_problem_of_an_odd_file_name_sends_nothing_to_the_terminal(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "\x1b[31m[red].jsonl").write_text("nothing\n")
    transcript(home / "a.jsonl", LINE)
    code, _, err = run(capsys, str(home))
    assert (code, "\x1b" in err, "�[31m[red].jsonl" in err) == (1, False, True)


def test_a_model_without_a_price_ends_with_1_and_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = LINE["message"] | {"model": "claude-opus-9"}  # type: ignore[operator]  # a literal
    transcript(home / "a.jsonl", LINE | {"message": message})
    code, out, err = run(capsys, str(home / "a.jsonl"))
    assert (code, err) == (1, "")
    assert "Not priced: claude-opus-9: " in out


def test_a_total_of_ranges_is_a_range_rounded_outwards(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Sonnet 4.5 writes at 3.75 USD a million for five minutes, 6 for an hour. 2,000 of unknown lifetime: 0.0075 to
    # 0.012. 14,000 plain tokens at 3 are 0.042. Together 0.0495 to 0.054, which both round to 0.05.
    def line(number: int, day: int, usage: dict[str, int]) -> dict[str, Any]:
        message = LINE["message"] | {"id": f"msg_{number}", "usage": usage}  # type: ignore[operator]  # a literal
        return LINE | {"requestId": f"r{number}", "timestamp": f"2026-09-0{day}T00:00:00Z", "message": message}

    transcript(
        home / "a.jsonl",
        line(1, 1, {"input_tokens": 0, "cache_creation_input_tokens": 2_000, "output_tokens": 0}),
        line(2, 2, {"input_tokens": 14_000, "output_tokens": 0}),
    )
    _, out, _ = run(capsys, str(home / "a.jsonl"))
    ends = {row.split()[0]: " ".join(row.split()[6:]) for row in out.splitlines() if row[:5] in ("2026-", "total")}
    assert ends == {"2026-09-01": "<0.01 to 0.02", "2026-09-02": "0.04", "total": "0.04 to 0.06"}
