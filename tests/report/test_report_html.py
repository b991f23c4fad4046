"""The page as text: everything is in it, nothing from outside can act in it, every figure is the document's."""

from __future__ import annotations

import base64
import hashlib
import html as entities
import re
from functools import cache
from html.parser import HTMLParser

import msgspec
import pytest
from map_fixture import MAPS, company_map, many_map

from baseload.report.html import render_html


class Parsed(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.blocks: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag if tag in self.blocks else ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        (self.blocks[self._open] if self._open else self.words).append(data)

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", " ".join(self.words))


def parsed(page: bytes) -> Parsed:
    return Parsed(page.decode())


@cache
def page_of(name: str) -> bytes:
    return render_html(MAPS[name]())


COMPANY = parsed(page_of("company"))


def hash_of(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_the_same_document_gives_the_same_page() -> None:
    assert render_html(company_map()) == page_of("company")


@pytest.mark.parametrize("name", sorted(MAPS))
def test_the_policy_allows_exactly_the_scripts_and_the_style_of_the_page(name: str) -> None:
    page = parsed(page_of(name))
    policy = next(attrs["content"] or "" for tag, attrs in page.tags if attrs.get("http-equiv"))
    options, library, script = page.blocks["script"]

    assert "default-src 'none'" in policy
    assert f"script-src {hash_of(library)} {hash_of(script)};" in policy
    assert f"style-src-elem {hash_of(''.join(page.blocks['style']))};" in policy
    assert "unsafe-eval" not in policy
    assert policy.count("'unsafe-inline'") == 1  # style attributes of chart texts
    assert options.startswith("{")


@pytest.mark.parametrize("name", sorted(MAPS))
def test_the_page_refers_to_nothing_outside(name: str) -> None:
    for tag, attrs in parsed(page_of(name)).tags:
        for attribute in ("src", "href", "action", "data", "srcset", "poster"):
            target = attrs.get(attribute) or ""
            assert "//" not in target, (tag, target)
        assert not [name for name in attrs if name.startswith("on")], tag
        assert tag not in {"iframe", "object", "embed", "base", "form", "img"}


def test_a_hostile_name_is_text_everywhere() -> None:
    page = parsed(page_of("hostile"))

    assert sum(tag == "script" for tag, _ in page.tags) == 3
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text
    assert "\x1b" not in page.text


def test_a_name_of_ten_thousand_characters_costs_the_page_little() -> None:
    assert len(page_of("hostile")) - len(page_of("company")) < 600_000
    assert max(len(word) for word in parsed(page_of("hostile")).words) <= 600


def test_every_figure_can_be_read_exactly() -> None:
    values = {attrs["value"] for tag, attrs in COMPANY.tags if tag == "data"}
    document = company_map()

    assert document.run_rate.annual_usd in values
    assert {part.list_usd for part in document.workloads} <= values
    assert {part.list_usd for part in document.by_day} <= values
    assert {line.usd for line in document.bridge[0].lines} <= values


def test_every_workload_states_cost_per_inference_and_volume() -> None:
    first = company_map().workloads[0]

    assert f"{first.requests:,}" in COMPANY.text
    assert "$0.081" in COMPANY.text


def test_unknown_cost_per_inference_says_so() -> None:
    assert "unknown" in parsed(page_of("first-day")).text


def test_the_headline_says_partial_before_any_figure() -> None:
    assert COMPANY.text.index("Partial") < COMPANY.text.index("$2,302,779")
    assert "7.6 % sits in a second organisation" in COMPANY.text


def test_opportunities_without_a_quality_question_come_before_the_others() -> None:
    where = [
        COMPANY.text.index(title)
        for title in ("Nothing to do with quality", "Same model, same answers", "Needs a quality test first")
    ]

    assert where == sorted(where)
    assert "they are not added up" in COMPANY.text


def test_sections_come_in_the_order_a_reader_asks() -> None:
    sections = [attrs.get("id") for tag, attrs in COMPANY.tags if tag == "section"]

    assert sections == [
        "headline", "opportunities", "spend", "workloads", "run-rate", "reconciliation", "readiness", "planted",
        "evidence", "problems",
    ]  # fmt: skip


def test_each_table_names_its_currency_or_is_no_table_of_money() -> None:
    page = page_of("company").decode()
    captions = [
        re.sub(r"<[^>]+>", "", caption) for caption in re.findall(r"<caption[^>]*>(.*?)</caption>", page, re.DOTALL)
    ]
    of_money = [
        caption for caption in captions if not re.search("Tokens|Problems|Evidence|Readiness|sceptic|ranked", caption)
    ]

    assert len(of_money) > 20
    assert [caption for caption in of_money if "USD" not in caption] == []


def test_a_planted_table_is_shown_for_the_demo_only() -> None:
    assert "4 of 5 found" in COMPANY.text
    assert "Planted and found" not in parsed(page_of("first-day")).text


def test_the_first_day_is_honest_about_what_it_lacks() -> None:
    text = parsed(page_of("first-day")).text

    for sentence in (
        "Not stated",
        "3 complete days; 14 are needed",
        "No opportunity was found in these sources.",
        "No invoice was given, so nothing here has been checked against what was paid.",
        "Every record was used. There is no problem to report.",
    ):
        assert sentence in text


def test_nothing_priced_is_a_warning_and_no_chart() -> None:
    page = parsed(page_of("unpriced"))

    assert "12,345 unpriced rows" in page.text
    assert page_of("unpriced").count(b'<span class="missing">unknown</span></td>') == len(MAPS["unpriced"]().levers)
    assert "There is no priced spend in the period" in page.text
    assert "The price book is 52 days old" in page.text
    assert not [attrs for _, attrs in page.tags if "data-chart" in attrs]


def test_thousands_of_workloads_are_listed_and_only_the_dearest_detailed() -> None:
    page = render_html(many_map(3_000)).decode()

    assert page.count('class="workload') == 3_000
    assert page.count('<tr class="drill">') == 100
    assert "Details are given for the 100 dearest" in page
    assert len(page) < 8_000_000


def test_what_is_left_out_is_said() -> None:
    document = company_map()
    many = msgspec.structs.replace(document, opportunities=document.opportunities * 60)

    text = parsed(render_html(many)).text
    assert "smaller ones are in opportunities.csv" in text
    assert "First 47 problems" in text
    assert "of 49" in text  # the counts are complete, the list is not


def test_how_each_headline_figure_is_known_is_one_click_away() -> None:
    known = [attrs["id"] for tag, attrs in COMPANY.tags if tag == "details" and (attrs.get("class") or "") == "known"]

    assert known[:4] == ["known-run-rate", "known-observed", "known-top-model-share", "known-concentration"]
    assert set(known[4:]) == {
        f"known-opportunity-{lever}" for lever in ("surcharge", "repeat", "retirement", "cache", "batch", "route")
    }


def test_grades_are_words_and_not_only_colours() -> None:
    page = page_of("company").decode()

    for grade, text in re.findall(r'<span class="chip chip-([a-z]+)"[^>]*>([^<]*)</span>', page):
        assert entities.unescape(text) == grade


def test_an_unknown_grade_is_shown_as_it_is() -> None:
    document = company_map()
    odd = msgspec.structs.replace(document.workloads[0], grade="guessed")
    page = render_html(msgspec.structs.replace(document, workloads=(odd, *document.workloads[1:]))).decode()

    assert '<span class="chip chip-other" title="">guessed</span>' in page


def test_one_invoice_is_an_equation_in_the_headline_and_its_lines_below() -> None:
    assert re.search(
        r"Invoice \$214,145 = tax \$13,400 \+ credits −\$5,000 \+ seats \$9,600", COMPANY.text.replace(" ,", ",")
    )
    assert "Invoice of 2026-10, anthropic: from the invoice to the ledger" in COMPANY.text


def test_many_invoices_are_one_table_with_their_lines_to_open() -> None:
    page = parsed(page_of("many"))

    assert "10 invoices $2,141,4" in page.text  # ten times 214,145.…
    assert sum(attrs.get("class") == "bridge" for tag, attrs in page.tags if tag == "table") == 10
    assert sum("invoices" in (attrs.get("class") or "") for tag, attrs in page.tags if tag == "table") == 1


def test_a_reader_is_named_once_and_without_its_grouping() -> None:
    document = company_map()
    first = msgspec.structs.replace(document.workloads[0], sources=("analytics_api/key+model", "analytics_api/model"))
    page = parsed(render_html(msgspec.structs.replace(document, workloads=(first, *document.workloads[1:]))))

    assert "analytics_api" in page.text
    assert "key+model" not in page.text


def test_a_book_newer_than_the_last_day_has_no_negative_age() -> None:
    document = company_map()
    book = msgspec.structs.replace(document.price_book, age_days=-2)

    assert (
        "(after the last day reported)" in parsed(render_html(msgspec.structs.replace(document, price_book=book))).text
    )
