"""`baseload gateway routes` and a person's orders, on the rows every replica reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baseload.cli.main import main
from baseload.gateway.batch.queue import Items
from baseload.gateway.batch.unbatched import name_of
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
  - workload: {id: notes}
    match: {tag: {team: c}}
    decision: leave
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
    expected = {"triage": "shadow", "drafts": "not served yet", "notes": "left alone"}
    assert {name: row["stage"] for name, row in rows.items()} == expected
    assert rows["notes"]["candidate"] is None
    assert (rows["triage"]["share"], rows["triage"]["name"]) == (0.0, "Triage")
    assert rows["triage"]["candidate"] == "claude-haiku-4-5-20251001"


def test_a_rollback_holds_for_a_route_and_for_an_entry_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    for workload in ("triage", "drafts"):
        order = said(capsys, "rollback", workload, *WHO)["order"]
        assert (order["changed"], order["candidate"]) == (True, "claude-haiku-4-5-20251001")
    assert stages(capsys) == {"triage": "rolled back", "drafts": "rolled back", "notes": "left alone"}
    rows = said(capsys, "routes")["routes"]
    assert {row["rolled_back"] for row in rows if row["workload"] != "notes"} == {"A. Lindqvist: customers complain"}
    assert said(capsys, "rollback", "triage", *WHO)["order"]["changed"] is False
    assert said(capsys, "lift", "triage", *WHO)["order"]["changed"] is True
    assert stages(capsys) == {"triage": "shadow", "drafts": "rolled back", "notes": "left alone"}


def test_a_hold_is_shown_until_it_is_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "hold", "triage", *WHO)["order"]["changed"] is True
    assert said(capsys, "routes")["routes"][2]["held"] == "A. Lindqvist: customers complain"
    assert said(capsys, "resume", "triage", *WHO)["order"]["changed"] is True
    assert said(capsys, "routes")["routes"][2]["held"] is None


def test_a_route_that_is_applied_at_once_is_not_said_to_wait_in_its_stage(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "gateway.toml").write_text('[policy]\nfile = "policy.yaml"\nstart = "at_once"\n')
    row = said(capsys, "routes")["routes"][2]
    assert (row["workload"], row["stage"], row["share"]) == ("triage", "applied", 1.0)
    said(capsys, "rollback", "triage", *WHO)
    assert stages(capsys)["triage"] == "rolled back"
    with pytest.raises(SystemExit):
        main(["gateway", "lift", "triage", *WHO])
    assert capsys.readouterr().out.endswith("now applied\n")


@pytest.mark.parametrize(
    ("enabled", "expected"),
    [
        (True, {"deadline": "4h", "enabled": True, "not_batched": {"caller": 2, "holdback": 1}}),
        (False, {"deadline": "4h", "enabled": False, "not_batched": {}}),
    ],
)
def test_why_calls_that_may_wait_went_at_once_is_listed_with_its_workload(
    enabled: bool, expected: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "policy.yaml").write_text(POLICY + "    batch: {deadline: 4h, window: 5m}\n")
    (folder / "gateway.toml").write_text(f'[policy]\nfile = "policy.yaml"\n[batch]\nenabled = {str(enabled).lower()}\n')
    queue = Items(SqliteDatabase(folder / ".baseload/gateway/state.db"))
    counts = {("notes", "caller"): 2, ("notes", "holdback"): 1, ("another", "caller"): 9}
    queue.count_all({name_of(key): count for key, count in counts.items()})
    queue.close()
    rows = {row["workload"]: row["batch"] for row in said(capsys, "routes")["routes"]}
    assert rows["notes"] == expected
    assert rows["drafts"] is None
    with pytest.raises(SystemExit):
        main(["gateway", "routes"])
    told = " ".join(capsys.readouterr().out.split())
    assert ("not batched: 2 caller, 1 holdback" if enabled else "[batch] is not enabled") in told


@pytest.mark.parametrize("workload", ["triage", "drafts"])
@pytest.mark.parametrize("order", ["resume", "hold"])
def test_of_a_workload_that_was_rolled_back_nothing_is_resumed_and_the_way_on_is_said(
    order: str, workload: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its roll-back is a row of its own: the route's state may know nothing of it, or not exist."""
    said(capsys, "rollback", workload, *WHO)
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", order, workload, *WHO])
    assert stopped.value.code == 2
    found = capsys.readouterr()
    assert found.out == ""
    told = " ".join(found.err.split())
    assert "was rolled back (A. Lindqvist: customers complain): there is nothing to " + order in told
    assert "`baseload gateway lift`" in told
    said(capsys, "lift", workload, *WHO)
    if workload == "triage":
        assert said(capsys, order, workload, *WHO)["order"]["stage"] == "shadow"


def test_another_candidates_rollback_stops_nobody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "rollback", "triage", *WHO, "--candidate", "claude-opus-4-8")
    assert said(capsys, "hold", "triage", *WHO)["order"]["changed"] is True


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


def test_an_id_is_never_cut_and_a_name_will_do(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "w-3bb241a81b35ffee0123456789"
    (folder / "policy.yaml").write_text(POLICY.replace("{id: drafts}", f"{{id: {long}, name: Drafts of letters}}"))
    with pytest.raises(SystemExit):
        main(["gateway", "routes"])
    assert long in capsys.readouterr().out
    order = said(capsys, "rollback", "Drafts of letters", *WHO)["order"]
    assert (order["workload"], order["changed"]) == (long, True)


def test_a_name_that_two_workloads_have_is_refused_with_their_ids(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "policy.yaml").write_text(POLICY.replace("{id: drafts}", "{id: drafts, name: Triage}"))
    with pytest.raises(SystemExit) as stopped:
        main(["gateway", "rollback", "Triage", *WHO])
    assert stopped.value.code == 2
    assert "drafts, triage; give an id" in capsys.readouterr().err


def test_a_router_that_never_served_can_be_barred(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    router = "decision: route\n    router: {path: t.router, sha256: " + "ab" * 32 + "}"
    head, _, tail = POLICY.partition("{id: drafts}")
    (folder / "policy.yaml").write_text(head + "{id: drafts}" + tail.replace("decision: pin", router, 1))
    order = said(capsys, "rollback", "drafts", *WHO)["order"]
    assert (order["candidate"], order["changed"]) == ("router:" + "ab" * 8, True)


def test_a_route_says_why_it_stays_in_shadow_and_by_what_it_is_graded(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = {row["workload"]: row for row in said(capsys, "routes")["routes"]}
    assert rows["triage"]["no_shadow"] == "no shadow calls: [shadow] usd_per_day is 0"
    assert rows["notes"]["no_shadow"] is rows["notes"]["graded_by"] is None
    (folder / "gateway.toml").write_text('[policy]\nfile = "policy.yaml"\n[shadow]\nusd_per_day = "5"\n')
    (folder / "baseload.toml").write_text('[[workload]]\nname = "Triage"\ndata_use = "yes"\n')
    rows = {row["workload"]: row for row in said(capsys, "routes")["routes"]}
    assert rows["triage"]["no_shadow"] is None
    assert rows["triage"]["graded_by"] == "signals, for want of a bar: answered, not refused, not cut off"
    assert "no data_use" in rows["drafts"]["no_shadow"]
    with pytest.raises(SystemExit):
        main(["gateway", "routes"])
    assert "triage: shadow calls graded by signals" in capsys.readouterr().out
