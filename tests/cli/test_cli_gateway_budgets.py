"""`baseload gateway budgets`: every figure of a month, and lost calls' money let go by somebody with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main
from baseload.gateway.state.leases import Place, Used
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore

ALL = Place("workload=;key=", "2026-10")
USD = 10**9
WHO = ("--who", "A. Lindqvist", "--why", "usage report of 12 October")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """100 dollars: a dead gateway spent 10 and its lost calls hold 4; a running one has 20, of which 5 are spent."""
    monkeypatch.chdir(tmp_path)
    store = StateStore(SqliteDatabase(tmp_path / ".baseload/gateway/state.db"))
    store.take("dead", ALL, need_nano=30 * USD, cap_nano=100 * USD, at_us=1)
    store.reclaim("dead", {ALL: Used(10 * USD, 4 * USD)}, {ALL.budget: 100 * USD}, 2)
    store.take("live", ALL, need_nano=20 * USD, cap_nano=100 * USD, at_us=3)
    store.report("live", ALL, spent_nano=5 * USD, cap_nano=None, at_us=4)
    store.close()
    return tmp_path


def ran(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "budgets", *given])
    said = capsys.readouterr()
    return int(stopped.value.code or 0), said.out, said.err


def listed(capsys: pytest.CaptureFixture[str]) -> Any:
    code, out, _ = ran(capsys, "--month", ALL.period, "--json")
    assert code == 0
    return json.loads(out)


@pytest.mark.usefixtures("folder")
def test_a_budget_is_its_cap_and_what_became_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    document = listed(capsys)
    assert document["budgets"] == [
        {"budget": ALL.budget, "cap_usd": "100", "spent_usd": "15", "leased_usd": "15", "held_usd": "4",
         "lost_usd": "4", "free_usd": "66"}
    ]  # fmt: skip
    assert document["releases"] == []
    code, out, _ = ran(capsys, "--month", ALL.period)
    assert (code, "release" in out) == (0, True)


@pytest.mark.usefixtures("folder")
def test_what_lost_calls_hold_is_let_go_once_and_who_did_it_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("release", ALL.budget, "--month", ALL.period, "--spent", "1.25", *WHO)
    code, out, _ = ran(capsys, *given)
    assert (code, "$4 held, $1.25 of it spent" in out) == (0, True)
    document = listed(capsys)
    (row,) = document["budgets"]
    assert (row["spent_usd"], row["held_usd"], row["lost_usd"], row["free_usd"]) == ("16.25", "0", "0", "68.75")
    (kept,) = document["releases"]
    assert (kept["held_usd"], kept["spent_usd"], kept["who"], kept["why"]) == (
        "4", "1.25", "A. Lindqvist", "usage report of 12 October",
    )  # fmt: skip
    code, _, err = ran(capsys, *given)
    assert (code, "nothing is held" in err) == (2, True)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--spent", "4.01"), "only 4 dollars are held"),
        (("--spent", "-1"), "expected dollars"),
        (("--month", "2026-13"), "expected a month"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(
    given: tuple[str, str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    month = () if given[0] == "--month" else ("--month", ALL.period)
    code, _, err = ran(capsys, "release", ALL.budget, *month, *given, *WHO)
    assert (code, says in " ".join(err.split())) == (2, True)
    assert listed(capsys)["budgets"][0]["lost_usd"] == "4"


@pytest.mark.usefixtures("folder")
def test_a_month_without_calls_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ran(capsys, "--month", "2026-09")
    assert (code, out.strip()) == (0, "No budget was used in 2026-09.")
