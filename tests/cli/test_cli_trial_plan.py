"""`baseload trial plan`: figures before any spend, every reason with its next step, and the portfolio."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from baseload.cli import trial_plan_text
from baseload.cli.main import main
from baseload.cli.trial_plan_text import UPPER_BOUND

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"
TODAY = ("--as-of", "2026-11-22")
SECRET = "the secret recipe is sugar"
ALLOWED = """schema = 1
[[workload]]
name = "triage"
id = "{id}"
data_use = "batch_allowed"
"""
BAR = """[[bar]]
workload = "{id}"
budget_usd = "{budget}"
[bar.grader]
kind = "label"
truth = "{truth}"
"""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("BASELOAD_ORG_KEY", "BASELOAD_VAULT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.chdir(tmp_path)


def call(number: int) -> dict[str, Any]:
    """3,000 tokens in and 400 out on Opus 5.5: 0.02 USD, 0.0005 on Haiku 5.5."""
    return {
        "timestamp": f"{dt.date(2026, 10, 22) + dt.timedelta(days=number % 30)}T09:00:00Z",
        "api_key_id": "triage",
        "request": {
            "model": OPUS,
            "max_tokens": 900,
            "system": SECRET,
            "messages": [{"role": "user", "content": f"Ticket {number}: {SECRET}"}],
        },
        "response": {
            "id": f"msg_{number:020d}", "type": "message", "role": "assistant", "model": OPUS,
            "content": [{"type": "text", "text": "billing"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 3_000, "output_tokens": 400},
        },
    }  # fmt: skip


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.fixture
def project(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Path:
    """A ledger of 300 calls of one workload, and a project file that says nothing."""
    rows = "".join(json.dumps(call(number)) + "\n" for number in range(300))
    (tmp_path / "calls.jsonl").write_text(rows, encoding="utf-8")
    (tmp_path / "baseload.toml").write_text("schema = 1\n", encoding="utf-8")
    code, _, err = run(capfd, "import", "calls.jsonl")
    assert code == 0, err
    return tmp_path


def planned(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code, out, err = run(capfd, "trial", "plan", *arguments, "--json", *TODAY)
    assert SECRET not in out + err
    return code, json.loads(out)


def say(project: Path, capfd: pytest.CaptureFixture[str], budget: str = "25.00", truth: str = "incumbent") -> str:
    """Allow the workload's replay and give it a bar; returns its id."""
    _, document = planned(capfd, "triage")
    name = document["workload"]
    text = ALLOWED.format(id=name) + BAR.format(id=name, budget=budget, truth=truth)
    (project / "baseload.toml").write_text(text, encoding="utf-8")
    return str(name)


def test_a_workload_nobody_decided_about_gets_the_lines_to_write(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capfd, "trial", "plan", "triage", *TODAY)
    assert code == 1, err
    assert 'data_use = "batch_allowed"' in out
    assert "[[bar]]" in out
    assert "[bar.grader]" in out
    assert SECRET not in out + err


def test_candidates_are_the_levers_options_at_the_effort_of_today(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    _, document = planned(capfd, "triage")
    tried = [(one["candidate"], one["effort"]) for one in document["plans"]]
    assert (HAIKU, "") in tried
    assert (HAIKU, "low") not in tried  # a new model at less effort are two changes at once
    assert (OPUS, "low") in tried
    left = {(one["candidate"], one["effort"]): one["why"] for one in document["left_out"]}
    assert "two changes at once" in left[HAIKU, "low"]
    assert not set(left) & set(tried)
    assert "Not listed: " in run(capfd, "trial", "plan", "triage", *TODAY)[1]


def test_the_figures_of_one_candidate_are_the_workloads_own(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    say(project, capfd)
    code, document = planned(capfd, "triage", "--model", HAIKU)
    plan = document["plans"][0]
    assert code == 1  # 300 calls are too few for two points at 8 %
    assert [one["kind"] for one in plan["refusals"]] == ["too-few-calls"]
    assert (plan["there"], plan["calls"]["discordance"]) == (300, 0.08)
    # low: as recorded, 3,000 x 0.05 + 400 x 0.25 a million; high: answers a quarter longer
    assert plan["money"]["batch"]["per_call"]["low_usd"] == "0.000250"
    assert plan["money"]["batch"]["per_call"]["high_usd"] == "0.000275"
    # ten calls a day, 0.0195 saved on each: 365 / 12 days are 5.93 dollars a month, less what longer answers cost
    assert plan["saving_a_month"]["high_usd"] == "5.931250"


def test_agreement_with_the_incumbent_replays_it_too(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    say(project, capfd)
    _, document = planned(capfd, "triage", "--model", HAIKU)
    money = document["plans"][0]["money"]["batch"]
    assert money["incumbent_again_usd"] == f"{money['calls'] * 0.01:.6f}"  # 3,000 x 2 + 400 x 10 a million


def test_a_budget_under_the_first_look_says_what_it_takes(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    say(project, capfd, budget="0.10")
    code, out, _ = run(capfd, "trial", "plan", "triage", "--model", HAIKU, *TODAY)
    assert code == 1
    assert "the first look is likely to cost $0.51; the bar's budget is $0.10" in out


def test_a_trial_that_saw_how_many_calls_differ_is_used(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = say(project, capfd)
    verdicts = project / ".baseload" / "verdicts"
    verdicts.mkdir(parents=True)
    verdict = {
        "schema": "baseload.verdict/1", "workload": name, "model": HAIKU, "state": "breaks", "verdict_id": "ab" * 32,
        "expires_day": 20_800,
    }  # fmt: skip
    (verdicts / "one.json").write_text(json.dumps(verdict), encoding="utf-8")
    _, document = planned(capfd, "triage", "--model", HAIKU)
    broke = next(one for one in document["plans"][0]["refusals"] if one["kind"] == "candidate-broke")
    assert "until 2026-12-13" in broke["reason"]  # day 20,800


def test_a_bar_whose_file_is_missing_is_named_and_stops_nothing_else(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    say(project, capfd, truth="truths.jsonl")
    code, out, _ = run(capfd, "trial", "plan", "triage", "--model", HAIKU, *TODAY)
    assert code == 1
    assert "its bar cannot be used" in out
    assert "truths.jsonl" in out
    (project / "truths.jsonl").write_text('{"call": "msg_00000000000000000001", "truth": "billing"}\n')
    _, document = planned(capfd, "triage", "--model", HAIKU)
    assert (document["plans"][0]["there"], document["plans"][0]["recorded"]["with_truth"]) == (1, 1)


def test_the_incumbent_itself_is_no_candidate(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, document = planned(capfd, "triage", "--model", OPUS)
    assert "candidate-is-incumbent" in [one["kind"] for one in document["plans"][0]["refusals"]]


def test_the_portfolio_lists_every_workload_with_its_best_question(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, document = planned(capfd)
    assert code == 0
    assert [(one["workload_name"], one["candidate"]) for one in document["plans"]] == [("triage", HAIKU)]
    assert document["workload"] is None
    code, out, _ = run(capfd, "trial", "plan", *TODAY)
    assert code == 0
    assert "triage" in out
    assert 'baseload trial plan "triage"' in out


def test_calls_without_bodies_name_the_command_that_starts_capture(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Totals alone: no call and no body, so that only the gateway can record some."""
    report = (
        "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
        "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
        "usage_output_tokens,web_search_count,inference_geo,speed\n"
    )
    rows = "".join(
        f"{dt.date(2026, 10, 22) + dt.timedelta(days=day)},{OPUS},bulk,w,standard,0-200k,300000,0,0,0,40000,0,global,\n"
        for day in range(30)
    )
    (tmp_path / "usage.csv").write_text(report + rows, encoding="utf-8")
    (tmp_path / "baseload.toml").write_text("schema = 1\n", encoding="utf-8")
    code, _, err = run(capfd, "import", "usage.csv")
    assert code == 0, err
    code, out, _ = run(capfd, "trial", "plan", *TODAY)
    assert "Nothing to replay: " in out
    assert "baseload gateway --observe" in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsuch",), "no workload of this ledger, which has 1 workload"),
        (("triage", "--model", "gpt-9"), "the price book does not know it"),
        (("--model", HAIKU), "name it, as `baseload rank` lists it"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    project: Path, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(capfd, "trial", "plan", *arguments)
    assert (code, out) == (2, "")
    assert said in err


def test_a_project_without_a_ledger_says_how_to_fill_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capfd, "trial", "plan")
    assert code == 2
    assert "baseload import PATH" in err


def test_the_portfolio_says_what_its_columns_mean(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capfd, "trial", "plan", *TODAY)
    assert "per $: list dollars saved while the verdict counts, for each dollar of the trial" in out
    assert "not yet = something is missing first" in out


def test_a_terminal_of_80_columns_breaks_no_word_and_no_command() -> None:
    terminal = Console(force_terminal=True, width=80)
    command = '     baseload trial plan "' + "long " * 20 + '"'
    lines = trial_plan_text._in_lines(f"  Note: {UPPER_BOUND}\n{command}", terminal).split("\n")
    assert max(map(len, lines[:-1])) <= 80
    assert all(line.startswith("  ") for line in lines)
    assert " ".join(" ".join(lines[:-1]).split()) == f"Note: {UPPER_BOUND}"
    assert lines[-1] == command
    assert trial_plan_text._in_lines(UPPER_BOUND, Console(force_terminal=False, width=80)) == UPPER_BOUND
    assert trial_plan_text._folded("contract-extraction of Europe", 15) == "contract-\nextraction\nof Europe"
