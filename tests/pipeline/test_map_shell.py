"""What surrounds a map on a real machine: the clock, the folders, other runs, other people's files, small terminals."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from baseload.cli import private, rank
from baseload.cli.main import main
from baseload.cli.places import load_org_key, map_ledger_folder
from baseload.errors import ProjectError
from baseload.ledger.lock import WriterLock
from baseload.project import parse_project
from baseload.report import document as doc

MTOK = 1_000_000


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("BASELOAD_ORG_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two calls of 4 dollars each (a million tokens into Opus 5.5), in October and in November."""
    folder = tmp_path / "logs"
    folder.mkdir()
    rows = [call(1, "2026-10-07T00:00:00Z"), call(2, "2026-11-07T00:00:00Z")]
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def call(number: int, start: str, model: str = "claude-opus-5-5") -> dict[str, Any]:
    return {
        "timestamp": start,
        "request": {"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": f"Ticket {number}"}]},
        "response": {
            "id": f"msg_{number:020d}", "type": "message", "role": "assistant", "model": model,
            "content": [{"type": "text", "text": "billing"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": MTOK, "output_tokens": 0},
        },
    }  # fmt: skip


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


def total(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    code, out, err = run(capfd, "map", *arguments, "--json")
    assert code == 0, err
    return str(json.loads(out)["totals"]["list_usd"])


def test_a_day_in_the_past_changes_nothing_of_what_is_read(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert total(capfd, logs, "--as-of", "2026-10-08") == "8.00"
    assert total(capfd, logs) == "8.00"


@pytest.mark.parametrize("day", ["1999-01-01", "2022-12-31", "2150-01-01"])
@pytest.mark.parametrize("command", ["map", "rank", "next"])
def test_a_day_no_model_was_sold_on_is_a_usage_error(
    command: str, day: str, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capfd, command, logs, "--as-of", day)
    assert (code, "expected a day from 2023-01-01 to" in err) == (2, True)


@pytest.mark.parametrize(("command", "option"), [("rank", "--top"), ("next", "--limit")])
def test_fewer_than_none_is_a_usage_error(
    command: str, option: str, logs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capfd, command, logs, f"{option}=-3")
    assert (code, f"{option} -3: expected" in err) == (2, True)


@pytest.mark.parametrize(
    "amount", ["1e400", "1" + "0" * 12 + ".01", "9" * 32 + ".99", "NaN", "-Infinity", "1e9999999999"]
)
def test_an_amount_no_invoice_has_is_named_with_what_was_expected(amount: str) -> None:
    with pytest.raises(ProjectError, match=r'amount is .*expected a decimal string such as "1234\.56", at most 1e12'):
        parse_project(f'[[invoice]]\nmonth = "2026-10"\namount = "{amount}"\n')


def test_the_largest_amount_is_exact() -> None:
    project = parse_project('[[invoice]]\nmonth = "2026-10"\namount = "999999999999.999999999"\n')
    assert project.invoice[0].amount_nano == 999_999_999_999_999_999_999


def test_settings_that_are_not_utf_8_are_a_plain_sentence(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "baseload.toml").write_bytes(b'name = "caf\xe9"\n')
    code, _, err = run(capfd, "map", logs)
    assert (code, "baseload.toml: byte 11 is not UTF-8" in err) == (2, True)


@pytest.mark.parametrize("cache", ["/proc/nope", "/dev/null"])
def test_a_cache_that_cannot_be_used_costs_one_line_and_not_the_answer(
    cache: str, logs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    code, out, err = run(capfd, "map", logs, "--json")
    assert (code, json.loads(out)["totals"]["list_usd"]) == (0, "8.00")
    assert err.startswith("baseload: the cache cannot be used")
    assert err.count("\n") == 1


def test_a_key_that_cannot_be_kept_names_the_variable_and_the_variable_helps(
    logs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    code, _, err = run(capfd, "map", logs, "--json")
    assert (code, "Set BASELOAD_ORG_KEY" in err) == (2, True)
    monkeypatch.setenv("BASELOAD_ORG_KEY", "0123456789abcdef")
    assert total(capfd, logs) == "8.00"


def test_a_damaged_key_is_said_and_never_shown(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "XDG_CONFIG_HOME" / "baseload" / "org.key"
    path.parent.mkdir(parents=True)
    path.write_text("not-hex-secret")
    code, _, err = run(capfd, "map", logs)
    assert (code, "expected 64 hex digits" in err, "not-hex" in err) == (2, True, False)


def test_relative_base_folders_count_as_unset(
    logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    total(capfd, logs)
    assert not (tmp_path / "here").exists()
    assert (tmp_path / "HOME" / ".config" / "baseload" / "org.key").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("option", ["--json", "--output=out"])
def test_a_full_disk_behind_standard_output_is_one_line(option: str, logs: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from baseload.cli.main import main; main()", "map", str(logs), option],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (3, "baseload: No space left on device\n")


def test_a_cache_another_run_holds_is_waited_for_and_then_done_without(
    logs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private, "WAIT_SECONDS", 0.3)
    monkeypatch.setattr(private, "POLL_SECONDS", 0.05)
    folder = map_ledger_folder([logs], load_org_key())
    folder.mkdir(parents=True)
    lock = WriterLock(folder)
    try:
        code, out, err = run(capfd, "map", logs, "--json")
    finally:
        lock.release()
    assert (code, json.loads(out)["totals"]["list_usd"]) == (0, "8.00")
    assert [line[:38] for line in err.splitlines()] == [
        "baseload: another run uses the cache o",
        "baseload: another run still uses the c",
    ]


def test_a_cache_that_is_let_go_while_waiting_is_used(
    logs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = map_ledger_folder([logs], load_org_key())
    folder.mkdir(parents=True)
    lock = WriterLock(folder)
    monkeypatch.setattr(private.time, "sleep", lambda _: lock.release())
    code, _, err = run(capfd, "map", logs, "--json")
    assert (code, err.count("\n")) == (0, 1)
    assert (folder / "ledger" / "manifest.json").is_file()


def _map_alone(logs: str) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        main(["map", logs, "--json"])


def test_runs_at_once_over_the_same_paths_all_succeed(logs: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_map_alone, args=(str(logs),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]


@pytest.mark.parametrize("name", ["index.html", "map.json"])
def test_a_report_never_replaces_files_of_others(
    name: str, logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / name).write_text('{"schema": "other/1"}')
    code, _, err = run(capfd, "map", logs, "-o", "site")
    assert (code, f"site/{name} was not written by Baseload" in err) == (2, True)
    assert [path.read_text() for path in (tmp_path / "site").iterdir()] == ['{"schema": "other/1"}']


def test_a_report_replaces_an_earlier_report(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "map", logs, "-o", "out")[0] == 0
    assert run(capfd, "map", logs, "-o", "out")[0] == 0


def test_a_table_of_another_hand_is_kept_too(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "problems.csv").write_text("mine")
    assert run(capfd, "map", logs, "-o", "out")[0] == 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["problems.csv"]


@pytest.mark.parametrize(("given", "code"), [(".baseload", 2), (".", 3)])
def test_a_folder_around_a_ledger_points_to_the_ledger(
    given: str,
    code: int,
    logs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "finops").mkdir()
    monkeypatch.chdir(tmp_path / "finops")
    assert run(capfd, "import", logs)[0] == 0
    found, _, err = run(capfd, "map", given)
    assert (found, ".baseload/ledger" in err) == (code, True)
    assert total(capfd, ".baseload/ledger") == "8.00"


def test_a_missing_owners_file_is_called_one(logs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "baseload.toml").write_text('owner_csv = "teams.csv"\n')
    code, _, err = run(capfd, "map", logs)
    assert (code, "teams.csv" in err, "owners CSV" in err, "price file" in err) == (2, True, True, False)


def test_one_of_a_thing_is_said_in_the_singular(logs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capfd, "import", logs)
    assert "Read 1 of 1 file (0 unchanged): messages (1)" in out
    assert "2 new rows, 0 copies of known calls" in out


def test_a_positional_argument_is_asked_for_by_its_name(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capfd, "prices", "impact")
    assert (code, "PATH" in out + err, "--path" in out + err) == (2, True, False)


def test_the_example_of_impact_names_days_between_which_a_price_changed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Sonnet 5.5: a cache read cost 0.20 a million until 2026-10-06, and 0.10 from the day after
    row = {"price_key": "claude-sonnet-5-5|anthropic|global|standard|standard|any", "cache_read_tokens": MTOK}
    (tmp_path / "usage.json").write_text(json.dumps({"window": {"days": 28}, "by_price_key": [row]}))
    with pytest.raises(SystemExit):
        main(["prices", "impact", "--help"])
    example = next(line for line in capfd.readouterr().out.splitlines() if "--from" in line and "--to 2" in line)
    days = [word for word in example.split() if word.startswith("2026-")]
    _, out, _ = run(capfd, "prices", "impact", "usage.json", "--from", days[0], "--to", days[1], "--json")
    assert "0.20" in out
    assert [dt.date.fromisoformat(day) for day in days] == [dt.date(2026, 10, 6), dt.date(2026, 10, 7)]


@pytest.mark.parametrize("width", ["60", "80", "200"])
def test_a_ranked_table_wraps_names_and_never_cuts_a_number(
    width: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = doc.RankRow(
        rank=123, id="w-1", name="a-workload-with-a-name-of-more-than-forty-characters", why="", stage="owner",
        requests=123_456_789, list_usd="12345678.90", list_high_usd="12345678.90", share=1.0, cumulative_share=1.0,
        usd_per_request="0.1234567", models=(), task="classification", owner="Department of Trade", cost_center="",
        grade="measured",
    )  # fmt: skip
    document = doc.RankDocument(
        title="t", as_of="2026-11-22", price_book=doc.PriceBookPart(checked="2026-11-20", age_days=2),
        window=doc.WindowPart(start="2026-10-01", end_exclusive="2026-11-01", days=31), list_usd="12345678.90",
        requests=123_456_789, workloads_for_80_percent=1, workloads=(row,), workloads_in_all=1,
        problem_counts=(doc.ProblemCount(code="bad-json", count=1),),
    )  # fmt: skip
    monkeypatch.setenv("COLUMNS", width)
    rank._print_table(document)
    out = capfd.readouterr().out
    assert "…" not in out
    for shown in (
        "123 ",
        "$12,345,679",
        *(["100.0\u00a0%"] if width == "200" else []),
        "123,456,789",
        "$0.1235",
        "measured",
        "1 of 1 workloads hold",
        "1 problem;",
    ):
        assert shown in out
    assert max(len(line.rstrip()) for line in out.splitlines()[1:8]) <= int(width)


def test_prices_check_without_its_list_says_what_to_type(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "baseload.prices.peer", raising=False)
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    code, _, err = run(capfd, "prices", "check")
    assert (code, "make test" in err, ".venv/bin/python -m pip install genai-prices" in err) == (2, True, True)
