"""CSV for a spreadsheet: exact figures, and no cell that would be executed."""

from __future__ import annotations

import csv
import doctest
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from map_fixture import company_map, first_day_map, hostile_map

from baseload.report import csv_tables
from baseload.report.csv_tables import figure_cell, tables, text_cell


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(csv_tables).failed == 0


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", " =", "\ufeff@"])
def test_a_text_that_a_spreadsheet_would_execute_gets_an_apostrophe(start: str) -> None:
    assert text_cell(f"{start}cmd|' /C calc'!A0").startswith("'")


@pytest.mark.parametrize("text", ["plain", "a=b", "3-2", "", "été", "'already"])
def test_any_other_text_is_left_alone(text: str) -> None:
    assert text_cell(text) == text


@pytest.mark.parametrize("figure", ["-12.50", "0", "1234.000000001", 3, 0.25, 4.6e-05, -0.018])
def test_a_figure_is_written_as_it_is_negative_or_not(figure: object) -> None:
    assert figure_cell(figure) == str(figure)


@pytest.mark.parametrize("figure", ["-1+1", "=1", "1,000.00", "$5", "nan", "", "1 "])
def test_what_is_no_figure_is_refused_in_a_column_of_figures(figure: str) -> None:
    with pytest.raises(ValueError, match="plain decimal"):
        figure_cell(figure)


@given(st.text(max_size=40))
def test_no_text_cell_begins_a_formula(text: str) -> None:
    assert text_cell(text).lstrip(" \u00a0\u200b\ufeff")[:1] not in set("=+-@\t\r\n|%＝＋－＠")


def test_every_workload_is_there_with_its_exact_dollars() -> None:
    document = company_map()
    found = rows(tables(document)["workloads.csv"])

    assert [(row["id"], row["list_usd"]) for row in found] == [(part.id, part.list_usd) for part in document.workloads]
    assert found[0]["models"] == "claude-opus-5, claude-opus-5-5, claude-opus-4-8"
    assert (found[0]["start"], found[0]["end_exclusive"]) == ("2026-05-26", "2026-11-22")


def test_a_negative_low_end_stays_a_number() -> None:
    found = rows(tables(company_map())["opportunities.csv"])
    lows = [row["low_usd"] for row in found if row["low_usd"].startswith("-")]

    assert len(lows) == 2  # email triage's cache, fraud notes' route
    assert all(float(low) < 0 for low in lows)


def test_a_hostile_candidate_is_disarmed() -> None:
    candidates = {row["candidate"] for row in rows(tables(hostile_map())["opportunities.csv"])}

    assert candidates == {"'=cmd|' /C calc'!A0"}


def test_missing_figures_are_empty_and_not_zero() -> None:
    (row,) = rows(tables(first_day_map())["workloads.csv"])

    assert (row["requests"], row["usd_per_request"]) == ("", "")


def test_days_have_one_row_per_model_and_add_up_to_the_day() -> None:
    document = company_map()
    found = [row for row in rows(tables(document)["days.csv"]) if row["day"] == document.by_day[0].day]

    assert {row["model"]: row["list_usd"] for row in found} == document.by_day[0].models


def test_lines_end_as_the_standard_says_and_names_read_right_in_a_spreadsheet() -> None:
    content = tables(company_map())["reconciliation.csv"]

    assert content.startswith(b"\xef\xbb\xbfaccount,day,")
    assert content.count(b"\r\n") == 61  # a header and sixty cells
    assert content.count(b"\n") == 61
