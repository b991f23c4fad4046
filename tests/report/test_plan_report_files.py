"""The plan's folder, its CSVs and its summary in a terminal."""

from __future__ import annotations

import csv
import doctest
import io
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from map_fixture import company_map
from plan_fixture import PLANS, company_plan, hostile_plan, window_plan
from rich.console import Console

from baseload.errors import UsageError
from baseload.plan.document import PlanDocument
from baseload.report import plan_words, write
from baseload.report.plan_csv import plan_tables
from baseload.report.plan_text import render_plan_text
from baseload.report.plan_write import refuse_plan, write_plan
from baseload.report.write import write_report

FILES = {"plan.html", "plan.json", "plan-workloads.csv", "plan-changes.csv", "plan-waterfall.csv"}


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def text_of(document: PlanDocument, width: int = 140) -> str:
    out = io.StringIO()
    render_plan_text(document, Console(file=out, width=width, force_terminal=False), written=[Path("out/plan.html")])
    return out.getvalue()


def test_the_folder_holds_the_page_the_json_and_a_csv_per_table(tmp_path: Path) -> None:
    written = write_plan(company_plan(), tmp_path / "deep" / "plan")

    assert written[0].name == "plan.html"
    assert {path.name for path in written} == FILES == {path.name for path in (tmp_path / "deep" / "plan").iterdir()}
    assert msgspec.json.decode((tmp_path / "deep/plan/plan.json").read_bytes(), type=PlanDocument) == company_plan()


def test_a_policy_is_written_beside_it_and_named_on_the_page(tmp_path: Path) -> None:
    written = write_plan(company_plan(), tmp_path, {"policy.yaml": b"version: 1\n"})

    assert (tmp_path / "policy.yaml").read_bytes() == b"version: 1\n"
    assert written[0].name == "plan.html"
    assert b'href="policy.yaml"' in (tmp_path / "plan.html").read_bytes()


def test_a_map_and_its_plan_share_a_folder(tmp_path: Path) -> None:
    write_report(company_map(), tmp_path)
    before = (tmp_path / "index.html").read_bytes()
    write_plan(company_plan(), tmp_path)
    write_plan(window_plan(), tmp_path)
    write_report(company_map(), tmp_path)

    assert (tmp_path / "index.html").read_bytes() == before
    assert json.loads((tmp_path / "plan.json").read_bytes())["basis"]["unit"] == "in the window"


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_of_somebody_else_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")

    with pytest.raises(UsageError, match="was not written by `plan`"):
        write_plan(company_plan(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text("utf-8") == "mine"


def test_the_folder_can_be_asked_before_the_work_is_done(tmp_path: Path) -> None:
    refuse_plan(tmp_path)
    (tmp_path / "plan.json").write_text('{"schema": "other/1"}', encoding="utf-8")

    with pytest.raises(UsageError, match="was not written by `plan`"):
        refuse_plan(tmp_path)


def test_a_failure_half_way_leaves_the_old_plan_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plan(company_plan(), tmp_path)
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write_plan(window_plan(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


def test_the_csvs_hold_the_documents_own_figures_and_add_up() -> None:
    document = company_plan()
    tables = plan_tables(document)
    workloads, waterfall = rows(tables["plan-workloads.csv"]), rows(tables["plan-waterfall.csv"])

    assert [row["saving_likely_usd"] for row in workloads] == [one.saving.likely_usd for one in document.workloads]
    for row, one in zip(workloads, document.workloads, strict=True):
        steps = sum(Decimal(row[f"{lever}_saving_usd"]) for lever in ("fix", "effort", "route", "cache", "batch"))
        assert steps == Decimal(row["saving_likely_usd"]) == Decimal(one.saving.likely_usd)
        assert Decimal(row["as_billed_usd"]) - steps == Decimal(row["optimized_likely_usd"])
    assert waterfall[0]["saving_likely_usd"] == ""  # a level, not a saving of nothing
    assert [row["after_usd"] for row in waterfall] == [part.after_usd for part in document.totals.waterfall]
    assert {row["unit"] for row in [*workloads, *waterfall]} == {"a year"}


def test_changes_come_ranked_with_their_work() -> None:
    document = company_plan()
    found = rows(plan_tables(document)["plan-changes.csv"])

    assert document.adoption
    assert [row["saving_per_week_of_work_usd"] for row in found] == [
        part.saving_per_week_of_work_usd for part in document.adoption.changes
    ]
    assert (found[0]["needs_trial"], found[5]["needs_trial"], found[5]["kinds"]) == (
        "no",
        "yes",
        "gateway_policy, trial",
    )
    assert rows(plan_tables(window_plan())["plan-changes.csv"]) == []


def test_a_negative_saving_stays_a_number_and_a_formula_becomes_text() -> None:
    company = rows(plan_tables(company_plan())["plan-workloads.csv"])
    hostile = rows(plan_tables(hostile_plan())["plan-workloads.csv"])

    assert company[4]["cache_saving_usd"] == "-1105.15"
    assert hostile[3]["name"] == "'=cmd|' /C calc'!A0"


def test_the_summary_says_what_it_comes_to_what_to_do_and_what_is_proven() -> None:
    text = text_of(company_plan()).replace("\u00a0", " ")

    assert "Today        $2,332,687 a year ($2,192,726 to $2,495,975), 100 % measured" in text
    assert "Optimized    $1,371,494 a year" in text
    assert "61 % measured, 39 % assumed" in text
    assert "against the claim of 40 to 70%" in text
    assert text.index("Waste removed") < text.index("A cheaper model") < text.index("Prompt caching")
    assert "$918,601" in text  # the best change, for a week of work
    assert "4 more" in text  # fourteen changes, ten shown
    assert "Ship first: batch processing for Claims intake" in text
    assert "Try first: a cheaper model for Claims intake" in text
    assert "held back by opus-5 input" in text
    assert "batch-queue-crowded × 1, unknown-model × 41" in text
    assert text.rstrip().endswith("Report: out/plan.html")


def test_without_a_run_rate_the_summary_says_so_and_lists_what_would_save() -> None:
    text = text_of(window_plan())

    assert "Not a year   9 complete days; 14 are needed" in text
    assert "The price book is 52 days old" in text
    assert "Workloads that change, USD in the window" in text
    assert "a year" not in text.replace("Not a year", "").partition("Workloads that change")[2]


@pytest.mark.parametrize("width", [60, 140])
@pytest.mark.parametrize("name", sorted(PLANS))
def test_nothing_from_outside_reaches_the_terminal_as_a_command(name: str, width: int) -> None:
    text = text_of(PLANS[name](), width)

    assert not set(text) & set("\x1b\x07\x08\u202e\u2066")
    assert max(map(len, text.splitlines())) <= width


def test_the_examples_in_the_words_hold() -> None:
    assert doctest.testmod(plan_words).failed == 0
