"""The summary in a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from map_fixture import MAPS, company_map, first_day_map, hostile_map, unpriced_map
from rich.console import Console

from baseload.report.document import MapDocument
from baseload.report.text import render_text


def text_of(document: MapDocument, width: int = 140) -> str:
    out = io.StringIO()
    render_text(document, Console(file=out, width=width, force_terminal=False), written=[Path("out/index.html")])
    return out.getvalue()


def test_the_summary_says_what_it_costs_what_it_could_be_and_what_is_not_known() -> None:
    text = text_of(company_map())

    assert "PARTIAL: 92.4 % of the October invoice" in text
    assert "Run rate  $2,302,779 a year ($2,164,612 to $2,463,973, 95 % interval" in text
    assert "Workloads: 7 of 12 hold 80 %" in text
    assert "Nothing to do with quality" in text
    assert "Planted and found: 4 of 5" in text
    assert "bad-json × 41, unknown-model × 6" in text
    assert text.rstrip().endswith("Report: out/index.html")


def test_only_the_ten_dearest_are_listed_and_the_rest_is_added_up() -> None:
    text = text_of(company_map())

    assert "Search re-ranking" in text  # rank 10
    assert "HR questions" not in text
    assert "2 more" in text
    assert "$30,107" in text  # 22,014.… + 8,093.…


def test_no_run_rate_says_why() -> None:
    text = text_of(first_day_map())

    assert "Run rate  not stated: 3 complete days; 14 are needed" in text
    assert "not reconciled: No invoice was given." in text
    assert "No opportunity found in these sources." in text
    assert "No problems: every record was used." in text


def test_unpriced_rows_and_an_old_price_book_are_said_before_any_figure() -> None:
    text = text_of(unpriced_map())

    assert text.index("The price book is 52 days old") < text.index("Run rate")
    assert "12,345 rows, in no total here" in text


@pytest.mark.parametrize("name", sorted(MAPS))
@pytest.mark.parametrize("width", [60, 140])
def test_nothing_from_outside_reaches_the_terminal_as_a_command(name: str, width: int) -> None:
    text = text_of(MAPS[name](), width)

    assert not set(text) & set("\x1b\x07\x08\u202e\u2066")


def test_markup_in_a_name_is_printed_and_not_obeyed() -> None:
    document = company_map()
    first = msgspec.structs.replace(document.workloads[0], name="[bold red]x[/] [link=file:///]y")
    text = text_of(msgspec.structs.replace(document, workloads=(first, *document.workloads[1:])))

    assert "[bold red]x[/] [link=file:///]y" in text


def test_a_name_of_ten_thousand_characters_is_shortened() -> None:
    assert max(len(line) for line in text_of(hostile_map()).splitlines()) <= 140


def test_a_narrow_terminal_keeps_the_names_and_both_factors() -> None:
    text = text_of(company_map(), width=80)

    assert "Claude Code: platform team" in text
    assert "USD each" in text
    assert "Requests" in text
    assert "agentic" not in text


def test_a_total_that_is_not_known_exactly_is_shown_as_its_range() -> None:
    document = unpriced_map()
    totals = msgspec.structs.replace(document.totals, list_usd="2.38", list_high_usd="2.84", billed_usd=None)

    assert "Observed  $2.38 to $2.84 in the period [" in text_of(msgspec.structs.replace(document, totals=totals))


def test_days_without_data_are_said_beside_the_run_rate() -> None:
    document = company_map()
    rate = msgspec.structs.replace(document.run_rate, gaps=("2026-11-01", "2026-11-02", "2026-11-07"))
    text = text_of(msgspec.structs.replace(document, run_rate=rate)).replace("\u00a0", " ")

    assert "Gaps      3 days without data in its window: 2026-11-01 to 2026-11-02, 2026-11-07" in text
    assert "Gaps" not in text_of(msgspec.structs.replace(document, run_rate=msgspec.structs.replace(rate, gaps=())))


def test_a_problem_is_wrapped_and_not_cut() -> None:
    document = company_map()
    problem = msgspec.structs.replace(document.problems[0], message="word " * 60 + "the key fact")
    text = text_of(msgspec.structs.replace(document, problems=(problem,)), width=80)

    assert "the key fact" in " ".join(text.split())


def test_prices_of_the_customer_are_named_as_such() -> None:
    document = company_map()
    book = msgspec.structs.replace(document.price_book, overlay="terms/acme.json")

    text = text_of(msgspec.structs.replace(document, price_book=book))
    assert "USD at your prices (" in text
    assert "acme.json), not at list; prices checked" in text
    listed = text_of(msgspec.structs.replace(document, price_book=msgspec.structs.replace(book, overlay="")))
    assert "USD at list price; prices checked" in listed


def test_dollars_of_usage_without_any_price_are_unknown_and_not_nothing() -> None:
    text = text_of(unpriced_map())

    assert "$0.00" not in text
    assert "Observed  unknown in the period\n" in text
    rows = [line for line in text.splitlines() if line.split()[-2:] == ["unknown", "unknown"]]
    assert len(rows) == len(unpriced_map().levers)
