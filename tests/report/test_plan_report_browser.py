"""The plan's page in a real browser: what a reader sees, prints and can reach."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from plan_fixture import PLANS, company_plan
from test_report_browser import CONTRASTS, TEXTS

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"


@pytest.mark.parametrize("name", sorted(PLANS))
def test_no_page_complains_or_asks_for_anything_but_itself(visit: Open, name: str) -> None:
    opened = visit(f"plan/{name}")
    opened.page.wait_for_timeout(200)

    assert opened.complaints == []
    assert [url for url in opened.requests if url.startswith("file:")] == [opened.page.url]
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


def test_both_charts_are_drawn_as_svg_with_words_for_those_who_cannot_see_them(visit: Open) -> None:
    drawn = visit("plan/company").page.eval_on_selector_all(
        "[data-chart]",
        "all => all.map(e => [e.dataset.chart, e.querySelectorAll('svg path, svg line, svg rect').length,"
        " e.getAttribute('role'), e.getAttribute('aria-label')])",
    )

    assert [name for name, *_ in drawn] == ["waterfall", "weeks"]
    for _, marks, role, label in drawn:
        assert marks >= 12
        assert role == "img"
        assert len(label) > 60


def test_the_waterfall_has_a_bar_a_line_and_ranges_that_lie_on_its_scale(visit: Open) -> None:
    """Bars: the length of each is its dollars. The bill 2,332,686.90 is as long as both levels of the picture say."""
    page = visit("plan/company").page
    widths = page.eval_on_selector_all(
        "[data-chart=waterfall] svg path[fill^='var(--t-']",
        "all => all.map(e => [e.getAttribute('fill'), e.getBoundingClientRect().width])",
    )
    levels = [width for fill, width in widths if fill == "var(--t-level)"]

    totals = company_plan().totals
    assert len(widths) == 7
    expected = float(totals.optimized.likely_usd) / float(totals.as_billed_usd)
    assert levels[1] / levels[0] == pytest.approx(expected, abs=0.005)
    steps = sum(width for fill, width in widths if fill != "var(--t-level)")
    assert steps / levels[0] == pytest.approx(1 - expected, abs=0.03)  # the thinnest bar is drawn three pixels wide


def test_the_tip_of_a_step_says_its_saving_and_its_grade(visit: Open) -> None:
    page = visit("plan/company").page
    bar = page.locator("[data-chart=waterfall] svg path[fill='var(--t-test)']").last
    bar.scroll_into_view_if_needed()
    bar.hover(force=True)
    tip = page.locator(".tip:visible")
    tip.wait_for(timeout=5_000)

    assert "A cheaper model: −$294,235" in tip.inner_text()
    assert "assumed: $294,235" in tip.inner_text()


def test_the_tip_of_a_week_says_its_run_rate_and_what_ships(visit: Open) -> None:
    page = visit("plan/company").page
    plot = page.locator("[data-chart=weeks]")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    plot.hover(position={"x": 64 + (box["width"] - 80) * 3 / 16, "y": 100})
    tip = page.locator(".tip:visible")
    tip.wait_for(timeout=5_000)

    assert "Week 3" in tip.inner_text()
    assert "1 change ships" in tip.inner_text()


def test_a_link_to_a_workload_opens_its_section(visit: Open, reports: Callable[[str], Any]) -> None:
    page = visit("plan/company").page
    page.goto(reports("plan/company").as_uri() + "#w-wl-5")

    assert page.locator("#w-wl-5 .facts").is_visible()
    page.locator("#ranked a", has_text="Support assistant").click()
    assert page.locator("#w-wl-2 .facts").is_visible()


def test_without_a_script_every_section_opens_and_no_chart_is_missing_its_table(visit: Open) -> None:
    page = visit("plan/company", script=False).page
    page.locator("#w-wl-1 > summary").click()

    assert page.locator("#w-wl-1 .request").first.is_visible()
    assert page.locator(".plot:visible").count() == 0
    assert page.locator("table.waterfall").is_visible()
    assert page.locator("#ranked tbody tr:visible").count() == 9


def test_a_request_is_as_wide_as_its_tokens(visit: Open) -> None:
    page = visit("plan/company").page
    page.evaluate(OPEN_ALL)
    widths = page.eval_on_selector_all(
        "#w-wl-1 .request >> nth=0 >> li", "all => all.map(e => e.getBoundingClientRect().width)"
    )

    tools, _, steady, *_ = widths
    assert steady / tools == pytest.approx(7_840 / 4_120, rel=0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_of_aa(visit: Open, scheme: str) -> None:
    page = visit("plan/company", scheme=scheme).page
    page.evaluate(OPEN_ALL)
    contrasts = page.evaluate(CONTRASTS, f"{TEXTS}, .request span, .flag, .gap-share, .gap-title, .clock span, b")

    assert len(contrasts) > 300
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_colour_of_a_block_carries_its_text(visit: Open, scheme: str) -> None:
    page = visit("plan/company", scheme=scheme).page
    page.evaluate(
        """(tones) => tones.forEach((tone) => { const e = document.createElement("p"); e.textContent = tone;
             e.className = `probe rep-${tone}`; document.body.append(e); })""",
        ["0", "1", "2", "3", "4", "unknown", "volatile"],
    )
    contrasts = page.evaluate(CONTRASTS, ".probe")

    assert len(contrasts) == 7
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("width", [1280, 820, 390])
@pytest.mark.parametrize("name", ["company", "hostile", "window"])
def test_the_page_never_scrolls_sideways_even_with_everything_open(visit: Open, name: str, width: int) -> None:
    page = visit(f"plan/{name}", width=width).page
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(150)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_has_a_name_of_its_own_and_headings_never_skip_a_level(visit: Open) -> None:
    page = visit("plan/company").page
    nameless = page.eval_on_selector_all(
        "a, button, input, summary, [role=region], [role=img], nav, section, ol.request, ol.gaps",
        """all => all.filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')
             || e.textContent.trim())).map(e => e.outerHTML.slice(0, 90))""",
    )
    regions = page.eval_on_selector_all("[role=region]", "all => all.map(e => e.getAttribute('aria-label'))")
    levels = page.eval_on_selector_all("h1, h2, h3, h4, h5", "all => all.map(e => Number(e.tagName[1]))")

    assert nameless == []
    assert len(regions) == len(set(regions))
    assert page.locator("table:not(:has(> caption))").count() == 0
    assert page.locator("thead th:not([scope])").count() == 0
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_paper_has_every_section_the_workloads_that_are_open_and_charts_that_fit(visit: Open) -> None:
    """A company of twenty workloads would be eighty pages: of each that nobody opened its one line is printed."""
    page = visit("plan/company").page
    page.locator("details.each").first.evaluate("one => { one.open = true; }")
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 688, "height": 900})

    assert page.locator("details:not([open]):not(.each):not(.each:not([open]) *)").count() == 0
    assert page.locator("details.each summary:visible").count() >= 9
    assert page.locator("details.each h4:visible", has_text="Today and the plan").count() == 1
    widths = page.eval_on_selector_all("[data-chart] svg", "all => all.map(e => e.getBoundingClientRect().width)")
    assert len(widths) == 2
    assert max(widths) <= 688
    assert page.evaluate("document.documentElement.scrollWidth") <= 688


def test_the_map_keeps_its_own_tips_and_bars(visit: Open) -> None:
    """Both pages share one script: the daily chart of the map still adds up its models."""
    page = visit("company").page
    plot = page.locator("[data-chart=daily]")
    plot.scroll_into_view_if_needed()
    plot.hover(position={"x": 500, "y": 200})
    page.locator(".tip:visible").wait_for(timeout=5_000)

    assert page.locator(".tip:visible table tr").count() >= 2
