"""`baseload gateway routes` and a person's orders, on the rows every replica reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main
from baseload.gateway.state.records import RouteRow
from baseload.gateway.state.sqlite import SqliteDatabase
from baseload.gateway.state.store import StateStore
from baseload.plan.policy_read import read_policy
from baseload.quality.watch.route import begin, state_bytes
from baseload.quality.watch.terms import Terms
from baseload.quality.watch.terms import Tested as Pair

POLICY = """schema_version: 1
entries:
  - workload: {id: triage, name: Triage}
    match: {tag: {team: a}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
  - workload: {id: drafts}
    match: {tag: {team: b}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v2
"""
WHO = ("--who", "A. Lindqvist", "--why", "customers complain")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy of two entries; the first was served and has a route in its shadow stage."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "gateway.toml").write_text('[policy]\nfile = "policy.yaml"\n')
    policy_id = read_policy(POLICY.encode()).policy_id
    tested = Pair(candidate="claude-haiku-4-5-20251001", incumbent="claude-sonnet-5")
    terms = Terms(workload="triage", policy_id=policy_id, verdict_id="v1", decided_us=0, margin=0.02, tested=tested)
    route = begin(terms, 1_000)
    store = StateStore(SqliteDatabase(tmp_path / ".baseload/gateway/state.db"))
    row = RouteRow(
        workload="triage", policy_id=policy_id, events=0, state=state_bytes(route).decode(), changed_us=1_000
    )
    assert store.swap_route(row, None)
    store.close()
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *given: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", *given, "--json"])
    assert stopped.value.code == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def stages(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    return {row["workload"]: row["stage"] for row in said(capsys, "routes")["routes"]}


def test_every_entry_is_listed_served_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["workload"]: row for row in said(capsys, "routes")["routes"]}
    assert {name: row["stage"] for name, row in rows.items()} == {"triage": "shadow", "drafts": "not served yet"}
    assert (rows["triage"]["share"], rows["triage"]["name"]) == (0.0, "Triage")
    assert rows["triage"]["candidate"] == "claude-haiku-4-5-20251001"


def test_a_rollback_holds_for_a_route_and_for_an_entry_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    for workload in ("triage", "drafts"):
        order = said(capsys, "rollback", workload, *WHO)["order"]
        assert (order["changed"], order["candidate"]) == (True, "claude-haiku-4-5-20251001")
    assert stages(capsys) == {"triage": "rolled back", "drafts": "rolled back"}
    rows = said(capsys, "routes")["routes"]
    assert {row["rolled_back"] for row in rows} == {"A. Lindqvist: customers complain"}
    assert said(capsys, "rollback", "triage", *WHO)["order"]["changed"] is False
    assert said(capsys, "lift", "triage", *WHO)["order"]["changed"] is True
    assert stages(capsys) == {"triage": "shadow", "drafts": "rolled back"}


def test_a_hold_is_shown_until_it_is_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "hold", "triage", *WHO)["order"]["changed"] is True
    assert said(capsys, "routes")["routes"][1]["held"] == "A. Lindqvist: customers complain"
    assert said(capsys, "resume", "triage", *WHO)["order"]["changed"] is True
    assert said(capsys, "routes")["routes"][1]["held"] is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("hold", "nobody", *WHO), "has no route yet"),
        (("rollback", "nobody", *WHO), "has no route yet"),
        (("rollback", "triage", "--who", " ", "--why", "x"), "who orders it, and why"),
    ],
)
def test_an_order_without_a_route_or_a_name_is_refused(
    given: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", *given])
    assert stopped.value.code == 2
    assert says in capsys.readouterr().err


def test_people_get_a_table_and_one_line_of_an_order(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["gateway", "rollback", "triage", *WHO])
    assert capsys.readouterr().out == "Rolled back: triage, candidate claude-haiku-4-5-20251001, now rolled back\n"
    with pytest.raises(SystemExit):
        main(["gateway", "routes"])
    assert "customers complain" in " ".join(capsys.readouterr().out.split())
