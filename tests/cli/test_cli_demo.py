"""`baseload demo` on a sliver of the company: the plan stands beside the map, and both are of the same bill."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from baseload.cli import demo, demo_trials
from baseload.cli.main import main
from baseload.plan.policy_read import read_policy


def test_a_folder_with_a_project_of_ones_own_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "mine" / ".baseload" / "ledger"
    ledger.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--keep", "mine", "--scale", "0.002"])
    assert ended.value.code == 2
    assert "mine holds a project of yours" in capfd.readouterr().err
    assert ledger.is_dir()
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [".baseload"]


def test_an_earlier_demo_makes_room(tmp_path: Path) -> None:
    (tmp_path / ".baseload" / "trials").mkdir(parents=True)
    (tmp_path / "planted.json").touch()
    demo._make_room(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["planted.json"]


def test_without_the_extra_one_line_says_what_trials_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_trials, "find_spec", lambda name: None)
    assert demo._trials(tmp_path, 7) == demo_trials.NEEDS_EXTRA
    assert "pip install 'baseload[trials]'" in demo_trials.NEEDS_EXTRA
    assert not list(tmp_path.iterdir())


def test_the_plan_is_written_beside_the_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--scale", "0.002", "-o", "report"])
    out = capfd.readouterr().out
    folder = tmp_path / "report"
    mapped = json.loads((folder / "map.json").read_bytes())
    planned = json.loads((folder / "plan.json").read_bytes())
    assert ended.value.code in (None, 0)
    assert {"index.html", "map.json", "plan.html", "plan.json", "policy.yaml"} <= {
        path.name for path in folder.iterdir()
    }
    # the plan's dollars are whole cents, the map's are exact
    mapped_usd = Decimal(mapped["totals"]["annual_run_rate_usd"])
    assert Decimal(planned["totals"]["as_billed_usd"]) == mapped_usd.quantize(Decimal("0.01"))
    assert planned["headline"] in out
    assert "Plan: report/plan.html" in out
    # a handful of calls: tried, and nothing shown
    assert "Trials, their answers simulated by a stand-in for the models:\n" in out
    assert "\ncontract-extraction-nightly: claude-sonnet-5-5 not shown (bar of 5 points" in out
    pages = {path.name.partition("--")[2] for path in (folder / "evidence").glob("*.html")}
    assert "claude-haiku-5-5.html" in pages
    assert len(mapped["planted"]) == 14
    policy = read_policy((folder / "policy.yaml").read_bytes())
    assert {entry.workload.id for entry in policy.entries} <= {one["id"] for one in planned["workloads"]}
    assert (
        list((tmp_path / "XDG_CACHE_HOME" / "baseload").glob("ledgers-*/*")) == []
    )  # nobody can map these files again
