"""`baseload route`, as people and scripts see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from baseload.cli.main import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def table(path: Path, first: int, last: int, *, basis: str = "'measured'", weak: str = "1.0") -> Path:
    """Prompts p<first> … with the models big (dollar 1, always right) and small (10 cents)."""
    query = (
        f"SELECT 'd' AS dataset, 'p' || i AS prompt_id, 'question number ' || i AS prompt, '' AS category, model, "
        f"0 AS trial, 'answer' AS output, CASE model WHEN 'big' THEN 1.0 ELSE {weak} END AS score, "
        f"CASE model WHEN 'big' THEN 1.0 ELSE 0.1 END AS cost_usd, {basis} AS cost_basis "
        f"FROM range({first}, {last}) AS r(i), (VALUES ('big'), ('small')) AS m(model)"
    )
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def run(capsys: pytest.CaptureFixture[str], *tokens: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["route", *map(str, tokens)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def fitted(capsys: pytest.CaptureFixture[str], path: Path, *more: object) -> tuple[int, str, str]:
    return run(capsys, "fit", path, "--strong", "big", "--weak", "small", "-o", "router.json", *more)


def test_fit_then_eval(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = fitted(capsys, table(tmp_path / "fit.parquet", 0, 100), "--json")
    assert (code, err) == (0, "")
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "baseload.route.fit/1"
    assert (found["decision"], found["model"], found["more_prompts"]) == ("pin", "small", 0)
    assert found["out_of_fold"]["saving"] == 0.9
    assert found["router"]["bytes"] == Path("router.json").stat().st_size
    code, out, err = run(capsys, "eval", "router.json", table(tmp_path / "held.parquet", 100, 150), "--json")
    assert (code, err) == (0, "")
    judged: dict[str, Any] = json.loads(out)
    assert (judged["quality"], judged["quality_ratio"], judged["quality_ratio_se"]) == (1.0, 1.0, 0.0)
    assert judged["cost_ratio"] == pytest.approx(0.1)
    assert judged["saving"] == pytest.approx(0.9)
    assert judged["share_by_model"] == {"big": 0.0, "small": 1.0}
    assert list(judged["controls"]) == [
        "always_weak", "always_strong", "cost_matched_mix", "category_table", "best_constant", "oracle", "length_only",
        "shuffled_labels",
    ]  # fmt: skip


def test_the_folder_of_the_router_is_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = table(tmp_path / "fit.parquet", 0, 100)
    code, _, err = run(capsys, "fit", path, "--strong", "big", "--weak", "small", "-o", "routers/chat/r.json")
    assert (code, err) == (0, "")
    assert Path("routers/chat/r.json").stat().st_size > 0


def test_the_terminal_says_the_decision_and_that_estimates_are_relative(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = fitted(capsys, table(tmp_path / "fit.parquet", 0, 100, basis="'est_tokens'"))
    assert code == 0
    assert out.startswith("PIN: small alone keeps 95% of big's score with 90% confidence, shown on 100 prompts.")
    assert "Saving 90.0% (relative: costs are estimates from text)" in out
    code, out, err = run(capsys, "eval", "router.json", tmp_path / "fit.parquet")
    assert code == 1
    assert "every row is one the router was fitted on" in err
    assert "cost matched mix" in out


def test_notes_are_no_problems(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A second trial that the weak model was not asked in."""
    one, two = table(tmp_path / "one.parquet", 0, 100), table(tmp_path / "two.parquet", 100, 120)
    both = tmp_path / "both.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM '{one}' UNION ALL SELECT * REPLACE (9 AS trial) FROM '{two}' WHERE model = 'big') "
            f"TO '{both}' (FORMAT parquet)"
        )
    code, out, err = fitted(capsys, both)
    assert (code, err) == (0, "")
    assert "100 of 120 prompts of big used." in out
    assert "Note: 20 prompts are of trials a weak model is not in [small]." in out
    found = json.loads(fitted(capsys, both, "--json")[1])
    assert ([one["code"] for one in found["notes"]], found["problems"]) == (["other-trials"], [])
    assert (found["used"], found["asked"]) == (100, 120)


def test_failed_answers_are_counted_and_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    whole, less = table(tmp_path / "whole.parquet", 0, 100), tmp_path / "less.parquet"
    with duckdb.connect() as connection:
        query = f"SELECT * FROM '{whole}' WHERE model = 'big' OR hash(prompt_id) % 3 > 0"
        connection.execute(f"COPY ({query}) TO '{less}' (FORMAT parquet)")
    code, out, err = fitted(capsys, less)
    assert code == 1
    assert "PIN" not in out
    assert "100 of 100 prompts of big used." in out
    assert "prompts have no answer of a weak model that was asked: misses, at $1 each" in " ".join(err.split())
    code, _, err = run(capsys, "eval", "router.json", less)
    assert "misses" in err


def test_one_prompt_is_counted_in_words_that_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = fitted(capsys, table(tmp_path / "fit.parquet", 0, 1), "--floor", "0.1")
    assert code == 0
    assert "19 more prompts needed to show a saving that keeps 10% of big's score" in out
    assert "the table has 1." in out


def test_too_few_prompts_leave_and_say_how_many_more(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = fitted(capsys, table(tmp_path / "fit.parquet", 0, 12))
    assert code == 0
    assert out.startswith("LEAVE: 36 more prompts needed to show a saving")


def test_a_loss_is_left_with_strong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, _ = fitted(capsys, table(tmp_path / "fit.parquet", 0, 100, weak="0.0"), "--json")
    assert code == 0
    assert (json.loads(out)["decision"], json.loads(out)["more_prompts"]) == ("leave", None)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--strong", "opus", "--weak", "small"], 2, "no model opus; there are big, small"),
        (["--strong", "big", "--weak", "big"], 2, "big is named twice"),
        (["--strong", "big", "--weak", "small", "--floor", "95"], 2, "floor: 95; expected a share"),
        (["--strong", "big", "--weak", "small", "--confidence", "1"], 2, "confidence: 1; expected a share"),
    ],
)
def test_a_wrong_setting_is_one_sentence(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ended, _, err = run(capsys, "fit", table(tmp_path / "fit.parquet", 0, 30), *arguments, "-o", "router.json")
    assert (ended, said in err, err.count("\n")) == (code, True, 1)
    assert not Path("router.json").exists()


def test_no_cost_basis_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = fitted(capsys, table(tmp_path / "fit.parquet", 0, 30, basis="NULL"))
    assert code == 2
    assert "a saving without costs is no figure" in err


def test_a_file_that_is_no_router_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    Path("router.json").write_text('{"model": "big"}')
    code, _, err = run(capsys, "eval", "router.json", table(tmp_path / "held.parquet", 0, 10))
    assert code == 2
    assert "expected a router written by baseload route fit" in err
    assert run(capsys, "eval", "nothing.json", tmp_path / "held.parquet")[0] == 2
