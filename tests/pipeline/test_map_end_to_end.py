"""`baseload map` from files to the document: figures worked out by hand, and what must hold of any map."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main

MTOK = 1_000_000


@pytest.fixture(autouse=True)
def private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test has its own home: no ledger, key or price addition of the user is read or written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return


def run(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    out, err = capfd.readouterr()
    code = ended.value.code
    return (code if isinstance(code, int) else 0), out, err


def mapped(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capfd, "map", *arguments, "--json", "--as-of", "2026-11-22")
    return code, json.loads(out)


def message(number: int, *, model: str, start: str, key: str = "", **usage: int) -> dict[str, Any]:
    """One line of a Messages log."""
    return {
        "timestamp": start,
        "api_key_id": key,
        "request": {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": f"Ticket {number}"}]},
        "response": {
            "id": f"msg_{number:020d}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": "billing"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 0, "output_tokens": 0, **usage},
        },
    }


def written(folder: Path, name: str, *rows: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_each_call_is_priced_at_the_price_of_its_day(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # Sonnet 5.5 cache reads cost 0.20 before 2026-10-07 and 0.10 from then on: 1M read on either side of the day
    logs = written(
        tmp_path / "logs",
        "calls.jsonl",
        message(1, model="claude-sonnet-5-5", start="2026-10-06T23:59:59Z", cache_read_input_tokens=MTOK),
        message(2, model="claude-sonnet-5-5", start="2026-10-07T00:00:00Z", cache_read_input_tokens=MTOK),
    )
    code, document = mapped(capfd, str(logs))
    assert code == 0
    assert document["totals"]["list_usd"] == "0.30"
    assert [(day["day"], day["list_usd"]) for day in document["by_day"]] == [
        ("2026-10-06", "0.20"),
        ("2026-10-07", "0.10"),
    ]
    assert document["totals"]["annual_run_rate_usd"] is None
    assert "complete days" in document["run_rate"]["why_null"]


def test_an_unknown_model_is_an_unpriced_row_and_a_problem_never_a_zero(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    logs = written(
        tmp_path / "logs",
        "calls.jsonl",
        message(1, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=MTOK),
        message(2, model="claude-opus-9", start="2026-10-07T00:00:00Z", input_tokens=MTOK),
    )
    code, document = mapped(capfd, str(logs))
    assert code == 1
    assert document["totals"]["list_usd"] == "4.00"
    assert document["totals"]["unpriced_rows"] == 1
    assert document["totals"]["uncached_input_tokens"] == 2 * MTOK
    assert [problem["code"] for problem in document["problems"]] == ["unknown-model"]
    assert {model["model"] for model in document["by_model"]} == {"claude-opus-5-5", "?claude-opus-9"}


def test_the_same_call_in_two_files_is_one_call(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    row = message(1, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=MTOK)
    written(tmp_path / "logs", "a.jsonl", row)
    written(tmp_path / "logs", "b.jsonl", row)
    _, document = mapped(capfd, str(tmp_path / "logs"))
    assert document["totals"]["requests"] == 1
    assert document["totals"]["list_usd"] == "4.00"


def test_a_file_that_went_away_is_out_of_the_next_map(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        row = message(number, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=MTOK)
        written(tmp_path / "logs", f"{number}.jsonl", row)
    assert mapped(capfd, str(tmp_path / "logs"))[1]["totals"]["list_usd"] == "8.00"
    (tmp_path / "logs" / "2.jsonl").unlink()
    assert mapped(capfd, str(tmp_path / "logs"))[1]["totals"]["list_usd"] == "4.00"


def test_a_file_that_was_rewritten_counts_as_it_is_now(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = message(1, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=MTOK)
    other = message(2, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=3 * MTOK)
    written(tmp_path / "logs", "calls.jsonl", first)
    assert mapped(capfd, str(tmp_path / "logs"))[1]["totals"]["list_usd"] == "4.00"
    written(tmp_path / "logs", "calls.jsonl", other)
    assert mapped(capfd, str(tmp_path / "logs"))[1]["totals"]["list_usd"] == "12.00"


def test_the_overlay_and_aliases_of_the_project_hold(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "baseload.toml").write_text('schema = 1\n[model_alias]\n"our-model" = "claude-opus-5-5"\n')
    row = message(1, model="our-model", start="2026-10-07T00:00:00Z", input_tokens=MTOK)
    logs = written(tmp_path / "logs", "calls.jsonl", row)
    _, document = mapped(capfd, str(logs))
    assert document["totals"]["list_usd"] == "4.00"


def test_every_view_of_the_same_dollars_adds_up_to_the_same_total(
    shared_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, document = mapped(capfd, str(shared_data / "usage"))
    total = Decimal(document["totals"]["list_usd"])
    assert total > 0
    for part in ("by_model", "by_day", "workloads"):
        assert sum(Decimal(row["list_usd"]) for row in document[part]) == total
    assert sum(Decimal(usd) for day in document["by_day"] for usd in day["models"].values()) == total
    assert document["workloads"][-1]["cumulative_share"] == pytest.approx(1)
    ranked = [Decimal(row["list_usd"]) for row in document["workloads"]]
    assert ranked == sorted(ranked, reverse=True)


def test_a_second_run_over_unchanged_files_prints_the_same_map(
    shared_data: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first = mapped(capfd, str(shared_data / "usage"))
    assert mapped(capfd, str(shared_data / "usage")) == first


def test_the_order_of_paths_does_not_change_the_map(shared_data: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folders = [str(shared_data / "usage" / name) for name in ("anthropic-messages", "bedrock", "claude-code")]
    one, other = mapped(capfd, *folders)[1], mapped(capfd, *reversed(folders))[1]
    for document in (one, other):
        document.pop("figures")  # quotes the command, which names the paths in order
        document.pop("title")
    assert one == other


def test_a_folder_without_usage_computes_nothing_and_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run(capfd, "map", "empty", "--json")
    assert (code, out) == (3, "")
    assert "no usage record in empty" in err


def test_a_path_that_does_not_exist_is_a_usage_error(capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "map", "nowhere")
    assert code == 2
    assert "nowhere does not exist" in err


def test_the_report_is_written_and_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    row = message(1, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=MTOK)
    logs = written(tmp_path / "logs", "calls.jsonl", row)
    code, out, _ = run(capfd, "map", str(logs), "-o", "out", "--as-of", "2026-11-22")
    assert code == 0
    assert "out/index.html" in out
    assert json.loads((tmp_path / "out" / "map.json").read_text())["totals"]["list_usd"] == "4.00"


def test_prompts_and_keys_reach_no_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    row = message(1, model="claude-opus-5-5", start="2026-10-07T00:00:00Z", input_tokens=MTOK)
    row["request"]["system"] = "The secret recipe is sugar."
    row["request"]["messages"][0]["content"] = "My password is hunter2"
    row["headers"] = {"x-api-key": "sk-ant-api03-verysecret"}
    broken = message(2, model="claude-opus-5-5", start="2026-10-07T00:00:00Z")
    broken["response"]["usage"]["input_tokens"] = "sk-ant-api03-verysecret hunter2 sugar"
    logs = written(tmp_path / "logs", "calls.jsonl", row, broken)
    code, out, err = run(capfd, "map", str(logs), "-o", "out", "--as-of", "2026-11-22")
    assert code == 1
    everything = [out, err, *(path.read_text("utf-8", "replace") for path in (tmp_path / "out").iterdir())]
    everything += [path.read_bytes().decode("latin-1") for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    for text in everything:
        for secret in ("hunter2", "verysecret", "recipe is sugar"):
            assert secret not in text


def test_help_loads_no_heavy_library(capfd: pytest.CaptureFixture[str]) -> None:
    import subprocess
    import sys

    script = "import sys; from baseload.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass\n"
    script += "print([name for name in ('numpy', 'duckdb', 'yaml', 'jinja2', 'aiohttp') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
