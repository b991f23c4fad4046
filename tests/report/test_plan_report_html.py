"""The plan's page as text: every figure of the document is on it, nothing from outside can act in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest
from plan_fixture import LEVERS, PLANS, company_plan, many_plan, money

from baseload.report.plan_html import render_plan_html


class Parsed(HTMLParser):
    """Tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.blocks: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(page.decode())

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

    @property
    def exact(self) -> set[str]:
        """Every exact figure a reader can get at: the value of a <data>, the ends a title gives."""
        values = {attrs["value"] or "" for tag, attrs in self.tags if tag == "data"}
        titles = [attrs.get("title") or "" for _, attrs in self.tags]
        return values | {number for title in titles for number in re.findall(r"-?\d+\.\d+|-?\d+", title)}


@cache
def page_of(name: str) -> bytes:
    return render_plan_html(PLANS[name]())


@cache
def parsed(name: str) -> Parsed:
    return Parsed(page_of(name))


def amounts(value: Any, name: str = "") -> Iterator[str]:
    """Every amount of a document, wherever it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from amounts(inner, key)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from amounts(inner, name)
    elif isinstance(value, str) and (name == "usd" or name.endswith("_usd")):
        yield value


def hash_of(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@pytest.mark.parametrize("name", ["company", "window", "empty"])
def test_every_amount_of_the_document_can_be_read_exactly(name: str) -> None:
    found = set(amounts(msgspec.to_builtins(PLANS[name]())))

    assert len(found) > (9 if name == "empty" else 160)
    assert sorted(found - parsed(name).exact) == []


def test_the_rows_of_the_page_add_up_to_its_totals() -> None:
    page = page_of("company").decode()

    def cells(table: str, column: int) -> list[Decimal]:
        body = re.search(rf'<table class="[^"]*{table}[^"]*".*?<tbody>(.*?)</tbody>', page, re.DOTALL)
        assert body
        rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body.group(1), re.DOTALL)
        found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)[column] for row in rows]
        return [Decimal(value.group(1)) for cell in found if (value := re.search(r'<data value="([^"]+)"', cell))]

    totals = company_plan().totals
    assert sum(cells("plan-ranked", 2)) + Decimal(totals.unplanned_usd) == Decimal(totals.as_billed_usd)
    assert sum(cells("plan-ranked", 5)) == Decimal(totals.saving.likely_usd)
    assert sum(cells("waterfall", 1)) == Decimal(totals.saving.likely_usd)
    assert sum(cells("waterfall", 5)) == Decimal(totals.saving.likely_usd)  # Shapley values


def test_the_fixture_keeps_the_promises_of_the_document() -> None:
    found = company_plan()
    assert money(found.totals.unplanned_usd, *(one.as_billed_usd for one in found.workloads)) == Decimal(
        found.totals.as_billed_usd
    )
    for one in found.workloads:
        steps = money(*(step.saving.likely_usd for step in one.steps))
        assert steps == money(*(part.saving_usd for part in one.shapley)) == Decimal(one.saving.likely_usd)
        assert Decimal(one.as_billed_usd) - steps == Decimal(one.optimized.likely_usd)
    assert [part.name for part in found.totals.waterfall] == ["as_billed", *LEVERS, "optimized"]


def test_a_trial_that_no_row_speaks_of_is_still_linked_to() -> None:
    page = render_plan_html(company_plan(), evidence={"e" * 64: "evidence/w--model.html"}).decode()
    assert '<a href="evidence/w--model.html">evidence</a>, verdict <code>eeeeeeeeeeee</code>' in page
    assert "has no use for" not in page_of("company").decode()


def test_the_same_document_gives_the_same_page() -> None:
    assert render_plan_html(company_plan()) == page_of("company")


@pytest.mark.parametrize("name", sorted(PLANS))
def test_the_policy_allows_exactly_the_scripts_and_the_style_of_the_page(name: str) -> None:
    page = parsed(name)
    policy = next(attrs["content"] or "" for _, attrs in page.tags if attrs.get("http-equiv"))
    _, library, script = page.blocks["script"]

    assert "default-src 'none'" in policy
    assert f"script-src {hash_of(library)} {hash_of(script)};" in policy
    assert f"style-src-elem {hash_of(''.join(page.blocks['style']))};" in policy


@pytest.mark.parametrize("name", sorted(PLANS))
def test_the_page_refers_to_nothing_outside(name: str) -> None:
    for tag, attrs in parsed(name).tags:
        for attribute in ("src", "href", "action", "data", "srcset", "poster"):
            target = attrs.get(attribute) or ""
            assert "//" not in target, (tag, target)
            assert not target.startswith("javascript:")
        assert not [attribute for attribute in attrs if attribute.startswith("on")], tag
        assert tag not in {"iframe", "object", "embed", "base", "form", "img"}


def test_a_hostile_name_is_text_everywhere() -> None:
    page = parsed("hostile")

    assert sum(tag == "script" for tag, _ in page.tags) == 3
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not set(page.text) & set("\u202e\x1b")
    assert max(len(word) for word in page.words) <= 700


def test_sections_come_in_the_order_a_reader_asks() -> None:
    sections = [attrs.get("id") for tag, attrs in parsed("company").tags if tag == "section"]

    assert sections == [
        "headline", "waterfall", "rules", "moves", "changes", "weeks", "cash", "workloads", "each", "evidence",
        "problems",
    ]  # fmt: skip


@pytest.mark.parametrize("name", sorted(PLANS))
def test_every_link_inside_the_page_has_a_target(name: str) -> None:
    page = parsed(name)
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    links = {(attrs.get("href") or "")[1:] for tag, attrs in page.tags if (attrs.get("href") or "").startswith("#")}

    assert len(ids) == len(set(ids))
    assert links - set(ids) == set()


def test_routing_alone_stands_against_the_claim() -> None:
    text = parsed("company").text.replace("\u00a0", " ")

    assert "Routing alone: 11 to 16% against the claim of 40 to 70%, none of it proven by trials." in text
    assert "40 % to 70 %" in text
    assert "11.2 % to 16.1 %" in text


def test_changes_are_ranked_by_what_a_week_of_work_is_worth() -> None:
    page = parsed("company").text

    assert (
        "Ship first Batch processing for Claims intake: read and extract (Claims): gateway policy, 0.5 person-days"
        in page
    )
    assert "Try first A cheaper model for Claims intake" in page
    # 91,860.08 x 5 days / half a day
    assert "918600.80" in parsed("company").exact


def test_a_request_is_drawn_before_and_after_with_what_breaks_it_and_its_marks() -> None:
    page = page_of("company").decode()
    before, after = re.findall(r'<ol class="request".*?</ol>', page, re.DOTALL)

    assert [re.search(r"rep-(\w+)", block).group(1) for block in before.split("<li")[1:]] == [  # type: ignore[union-attr]  # the pattern is in every block
        "4", "volatile", "4", "2", "0",
    ]  # fmt: skip
    assert before.count('class="flag"') == 0
    assert after.count('class="flag"') == 2
    assert after.rindex("rep-volatile") > after.index("messages")


def test_what_is_missing_is_said_and_not_drawn() -> None:
    page = parsed("window")

    assert "9 complete days; 14 are needed. Every figure is of the window alone." in page.text
    assert "The price book is 52 days old" in page.text
    assert {attrs["data-chart"] for _, attrs in page.tags if "data-chart" in attrs} == {"waterfall"}
    assert not [attrs for tag, attrs in page.tags if tag == "section" and attrs.get("id") in {"weeks", "cash"}]
    assert "a year" not in re.sub(r"Not a year|for a year|USD a year", "", page.text.partition("What to do first")[0])


def test_an_empty_plan_is_a_page_that_says_so() -> None:
    text = parsed("empty").text

    assert "There is no workload to plan for." in text
    assert "The plan changes nothing." in text
    assert "Every record was used. There is no problem to report." in text


def test_many_workloads_are_all_listed_and_the_dearest_have_sections() -> None:
    page = render_plan_html(many_plan(600)).decode()

    assert page.count('<details class="block each"') == 100
    assert "The 100 dearest have a section of their own" in page
    assert all(f'id="w-wl-{rank}"' in page for rank in (1, 100, 101, 600))
    assert len(page) < 6_000_000


def test_files_beside_the_page_are_named_on_it() -> None:
    assert '<a href="policy.yaml">policy.yaml</a>' in render_plan_html(company_plan(), beside=["policy.yaml"]).decode()


def test_each_table_names_its_currency_or_is_no_table_of_money() -> None:
    captions = re.findall(r"<caption[^>]*>(.*?)</caption>", page_of("company").decode(), re.DOTALL)
    of_money = [caption for caption in captions if not re.search("Problems|Today and the plan", caption)]

    assert len(of_money) > 20
    assert [caption for caption in of_money if "USD" not in caption] == []


def test_every_move_says_what_a_trial_found_and_what_finding_out_costs() -> None:
    page = parsed("company")

    assert "not tested yes Finding out: about 1,761 calls, $1.05 in batches, paid back in a day" in page.text
    assert "proven yes Verdict 5f2c5f2c" in page.text
    assert "not shown no A trial could not show that it holds" in page.text


def test_a_verdict_links_to_its_evidence_where_there_is_a_page() -> None:
    page = render_plan_html(PLANS["company"](), evidence={"5f2c" * 16: "evidence/triage--haiku.html"}).decode()

    assert page.count('href="evidence/triage--haiku.html"') == 2
    assert 'href="evidence/' not in page_of("company").decode()
