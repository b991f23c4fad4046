"""The report folder: whole files or none, the page last, other people's files left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from map_fixture import company_map

from baseload.errors import UsageError
from baseload.report import write
from baseload.report.document import MapDocument
from baseload.report.write import write_report


def test_the_folder_holds_the_page_the_json_and_a_csv_per_table(tmp_path: Path) -> None:
    written = write_report(company_map(), tmp_path / "deep" / "report")

    assert written[0].name == "index.html"
    csv_files = {"workloads.csv", "opportunities.csv", "days.csv", "reconciliation.csv", "problems.csv"}
    assert {path.name for path in written} == {"index.html", "map.json", *csv_files}
    assert {path.name for path in (tmp_path / "deep" / "report").iterdir()} == {path.name for path in written}


def test_the_json_reads_back_as_the_very_document(tmp_path: Path) -> None:
    write_report(company_map(), tmp_path)

    assert msgspec.json.decode((tmp_path / "map.json").read_bytes(), type=MapDocument) == company_map()
    assert json.loads((tmp_path / "map.json").read_text("utf-8"))["schema"] == "baseload.map/1"


def test_writing_again_replaces_the_report_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_report(company_map(), tmp_path)
    before = (tmp_path / "index.html").read_bytes()
    write_report(company_map(), tmp_path)

    assert (tmp_path / "index.html").read_bytes() == before
    assert (tmp_path / "notes.txt").read_text("utf-8") == "mine"


def test_a_failure_half_way_leaves_the_old_page_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(company_map(), tmp_path)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    changed = msgspec.structs.replace(company_map(), title="New")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(UsageError, match=r"No space left on device\. Give another folder with -o"):
        write_report(changed, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_a_file_in_the_way_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file", encoding="utf-8")

    with pytest.raises(UsageError, match="cannot write the report in"):
        write_report(company_map(), tmp_path / "report")


def test_no_module_but_the_page_loads_jinja() -> None:
    code = (
        "import sys; import baseload.report.document, baseload.report.text, baseload.report.view, "
        "baseload.report.charts, baseload.report.csv_tables, baseload.report.schema; "
        "print('jinja2' in sys.modules); import baseload.report.html; print('jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]
