"""Rewriting changes files, never answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from ledger_calls import DAY, bucket, call, digest, ledger_of, query, stored

from baseload.engine.duckdb import DuckDBEngine
from baseload.errors import LedgerVersion
from baseload.ledger import upgrades
from baseload.ledger.columns import CALL_TABLE_COLUMNS
from baseload.ledger.compact import compact, migrate
from baseload.ledger.queries import restatements_sql
from baseload.ledger.store import Ledger
from baseload.ledger.upgrades import Upgrade
from baseload.values import DAY_US, Call


def day_call(day: int, name: str, **changes: Any) -> Call:
    return call(f"{day} {name}", start_us=(DAY + day) * DAY_US, **changes)


def days_of(ledger: Ledger) -> list[tuple[int, int, int]]:
    return [(file.min_day - DAY, file.max_day - DAY, file.rows) for file in ledger.manifest.calls]


def test_days_are_gathered_in_order_up_to_the_target(tmp_path: Path) -> None:
    """Days 0-3 have 2 calls each, day 4 has 5: with a target of 4, two files of two days, and day 4 unsplit."""
    commits = [[day_call(day, name) for day in range(4)] for name in "ab"]
    commits.append([day_call(4, name) for name in "abcde"])
    with ledger_of(tmp_path, *commits) as ledger:
        assert days_of(ledger) == [(0, 3, 4), (0, 3, 4), (4, 4, 5)]
        before = digest(ledger)
        done = compact(ledger, target_rows=4)
        assert days_of(ledger) == [(0, 1, 4), (2, 3, 4), (4, 4, 5)]
        assert (done.files_before, done.files, done.rows_before, done.rows) == (3, 3, 13, 13)
        assert digest(ledger) == before


def test_replaced_copies_of_calls_go(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a"), call("b")], [call("a", rank=1)]) as ledger:
        before = digest(ledger)
        done = compact(ledger)
        assert (done.rows_before, done.rows) == (3, 2)
        assert (ledger.manifest.superseded, ledger.manifest.superseded_rows, ledger.rows) == ("", 0, 2)
        assert digest(ledger) == before


def test_replaced_totals_stay_so_that_a_restatement_stays_visible(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [bucket("a", billed_nano_usd=1)], [bucket("a", billed_nano_usd=2, rank=1)]) as ledger:
        before = query(ledger, restatements_sql())
        compact(ledger, target_rows=1)
        assert query(ledger, restatements_sql()) == before != []
        assert (ledger.rows, ledger.manifest.superseded_rows) == (1, 1)


def test_labels_nothing_uses_any_more_go(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a", agent="before")], [call("a", agent="after", rank=1)]) as ledger:
        assert sorted(ledger.signatures()["agent"].tolist()) == ["after", "before"]
        compact(ledger)
        assert ledger.signatures()["agent"].tolist() == ["after"]
        assert len(ledger.manifest.cells) == 1


def test_compacting_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a")], [call("b")], [bucket("c")], [bucket("c", rank=1, output_tokens=1)]) as ledger:
        compact(ledger)
        files = sorted(tmp_path.iterdir())
        compact(ledger)
        assert sorted(tmp_path.iterdir()) == files


def test_an_empty_ledger_has_nothing_to_compact(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, create=True) as ledger:
        assert compact(ledger).rows == 0


def test_imports_go_on_after_compacting(tmp_path: Path) -> None:
    with ledger_of(tmp_path, [call("a"), call("b")], [call("c")]) as ledger:
        compact(ledger)
        with ledger.writer() as writer:
            writer.append([call("a"), call("b", rank=2), call("d")])
        assert [found.rank for found in stored(ledger)].count(2) == 1
        assert ledger.rows == 4


# older schemas


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger of an invented version 0: no `effort` column, `geo` called `region`, no superseded count."""
    ledger = ledger_of(tmp_path, [call("a", geo="us", output_tokens=5), call("b")], [call("a", rank=1, geo="us")])
    manifest = ledger.manifest
    with DuckDBEngine() as engine:
        for file in manifest.calls:
            path = tmp_path / file.name
            engine.register_parquet("newer", [path])
            kept = [name for name in (*CALL_TABLE_COLUMNS, "row_id") if name not in ("geo", "effort")]
            listed = ", ".join(f'"{name}"' for name in kept)
            engine.copy_parquet(f"SELECT {listed}, geo AS region FROM newer", tmp_path / "older")
            (tmp_path / "older").replace(path)
    ledger.close()
    raw = msgspec.json.decode((tmp_path / "manifest.json").read_bytes())
    raw["schema_version"] = 0
    raw["replaced"] = raw.pop("superseded_rows")
    for entry in raw["calls"]:
        entry["schema_version"] = 0
    (tmp_path / "manifest.json").write_bytes(msgspec.json.encode(raw))

    def newer(manifest: dict[str, Any]) -> dict[str, Any]:
        return {**manifest, "superseded_rows": manifest["replaced"]}

    step = Upgrade(version=0, manifest=newer, columns={"geo": "region", "effort": "''"})
    monkeypatch.setattr(upgrades, "UPGRADES", (step,))
    return tmp_path


def test_an_older_ledger_is_read_without_touching_it(older: Path) -> None:
    before = {path.name: path.read_bytes() for path in older.glob("*.*")}
    with Ledger.open(older) as ledger:
        assert sorted((found.rank, found.geo, found.effort) for found in stored(ledger)) == [
            (0, "global", ""),
            (1, "us", ""),
        ]
    assert {path.name: path.read_bytes() for path in older.glob("*.*")} == before


def test_an_older_ledger_can_be_written_and_its_copies_are_found(older: Path) -> None:
    with Ledger.open(older) as ledger:
        with ledger.writer() as writer:
            writer.append([call("b", rank=7), call("c")])
        assert sorted(found.rank for found in stored(ledger)) == [0, 1, 7]


def test_migrate_rewrites_older_files_once(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(older) as ledger:
        before = digest(ledger)
        migrate(ledger)
        names = [file.name for file in ledger.manifest.calls]
        assert {file.schema_version for file in ledger.manifest.calls} == {1}
        migrate(ledger)
        assert [file.name for file in ledger.manifest.calls] == names
    monkeypatch.setattr(upgrades, "UPGRADES", ())
    with Ledger.open(older) as ledger:
        assert digest(ledger) == before


def test_a_version_no_step_leaves_is_refused(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrades, "UPGRADES", ())
    with pytest.raises(LedgerVersion, match="schema version is 0 and nothing leads from it to 1; import afresh"):
        Ledger.open(older)


def test_every_version_has_one_step_to_the_next() -> None:
    assert [step.version for step in upgrades.UPGRADES] == list(range(1, upgrades.SCHEMA_VERSION))
