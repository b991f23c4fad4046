"""The page in a real browser: what a reader sees, hears, prints and can reach."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from map_fixture import MAPS, company_map

pytestmark = pytest.mark.browser
Open = Callable[..., Any]

TEXTS = "h1, h2, h3, p, th, td, li, dt, dd, a, summary, caption, figcaption, .chip, .verdict, .sub, .legend li"
CONTRASTS = """(selector) => {
  const canvas = document.createElement("canvas"); canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  const rgb = (colour, under) => { pen.fillStyle = `rgb(${under})`; pen.fillRect(0, 0, 1, 1); pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const ground = (e) => { const chain = []; for (let at = e; at; at = at.parentElement) chain.push(at);
    return chain.reverse().reduce((under, at) => rgb(getComputedStyle(at).backgroundColor, under), [255, 255, 255]); };
  const found = [];
  for (const e of document.querySelectorAll(selector)) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || !e.checkVisibility({ checkVisibilityCSS: true }) || e.closest(".unseen")) continue;
    const behind = ground(e), style = getComputedStyle(e);
    const [a, b] = [light(rgb(style.color, behind)), light(behind)].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), e.className + " " + e.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


@pytest.mark.parametrize("name", sorted(MAPS))
def test_no_page_complains_or_asks_for_anything_but_itself(visit: Open, name: str) -> None:
    opened = visit(name)
    opened.page.wait_for_timeout(200)

    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    assert [url for url in opened.requests if url.startswith("file:")] == [opened.page.url]


def test_the_policy_refuses_what_a_slipped_in_script_would_do(visit: Open) -> None:
    page = visit("company").page
    page.evaluate(
        """() => { const s = document.createElement("script"); s.textContent = "window.slipped = 1";
                   document.body.append(s); const i = new Image(); i.src = "https://example.invalid/x.png";
                   document.body.append(i); }"""
    )

    assert page.evaluate("window.slipped") is None
    assert page.evaluate("fetch('https://example.invalid/').then(() => 'sent', () => 'refused')") == "refused"


def test_every_chart_is_drawn_as_svg_with_words_for_those_who_cannot_see_it(visit: Open) -> None:
    page = visit("company").page
    drawn = page.eval_on_selector_all(
        "[data-chart]",
        "all => all.map(e => [e.dataset.chart, e.querySelectorAll('svg path').length, e.getAttribute('role'),"
        " e.getAttribute('aria-label')])",
    )

    assert {name for name, *_ in drawn} == {"treemap", "daily", "concentration", "ranges"}
    for _, paths, role, label in drawn:
        assert paths >= 12
        assert role == "img"
        assert len(label) > 60


def test_a_chart_tip_shows_a_hostile_name_as_text(visit: Open) -> None:
    page = visit("hostile").page
    page.locator("[data-chart=treemap]").scroll_into_view_if_needed()
    page.locator("[data-chart=treemap]").hover(position={"x": 120, "y": 120})
    tip = page.locator(".tip:visible")
    tip.wait_for(timeout=5_000)

    assert "<script>" in tip.inner_text()
    assert page.locator(".tip script").count() == 0


def test_clicking_a_box_of_the_treemap_opens_that_workload(visit: Open) -> None:
    page = visit("company").page
    page.locator("[data-chart=treemap]").scroll_into_view_if_needed()
    page.locator("[data-chart=treemap]").click(position={"x": 120, "y": 200})
    page.wait_for_timeout(100)

    first = company_map().workloads[0]
    assert page.url.endswith(f"#w-{first.id}")
    assert page.locator(f"#w-{first.id} .drill").is_visible()


def test_sorting_by_requests_reorders_whole_workloads_and_says_so(visit: Open) -> None:
    page = visit("company").page
    header = page.locator("#ranked > thead th", has_text="Requests")
    header.locator("button").click()

    assert header.get_attribute("aria-sort") == "descending"
    names = page.locator("#ranked tr.main th > bdi").all_inner_texts()
    counted = sorted(
        (part for part in company_map().workloads if part.requests is not None), key=lambda part: -(part.requests or 0)
    )
    assert names[0] == counted[0].name
    assert page.locator("#ranked tbody.workload").last.locator("th bdi").first.inner_text() == "Unattributed"

    header.locator("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert page.locator("#ranked tbody.workload").first.locator("th bdi").first.inner_text() == counted[-1].name
    assert page.locator("#ranked tbody.workload").last.locator("th bdi").first.inner_text() == "Unattributed"


def test_filtering_keeps_matching_workloads_and_counts_them(visit: Open) -> None:
    page = visit("company").page
    page.get_by_label("Filter workloads").fill("platform")

    shown = page.locator("#ranked tr.main:visible th > bdi").all_inner_texts()
    assert shown == ["Claude Code: platform team", "Code review bot"]  # by its name, by its owner
    assert page.locator(".tools output").inner_text() == "2 of 12"


def test_a_workload_opens_from_the_keyboard_and_tells_its_state(visit: Open) -> None:
    page = visit("company").page
    toggle = page.get_by_role("button", name="Details of Claims intake: read and extract")
    toggle.focus()

    assert toggle.get_attribute("aria-expanded") == "false"
    page.keyboard.press("Enter")
    assert toggle.get_attribute("aria-expanded") == "true"
    drill = page.locator(f"#{toggle.get_attribute('aria-controls')}")
    assert drill.is_visible()
    assert "Why these calls are one workload" in drill.inner_text()


def test_the_keyboard_reaches_the_evidence_of_every_headline_figure_with_a_visible_focus(visit: Open) -> None:
    page = visit("company").page
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "[document.activeElement.textContent.trim(), getComputedStyle(document.activeElement).outlineStyle]"
            )
        )

    assert {outline for _, outline in reached} <= {"solid", "auto"}
    said = " | ".join(text for text, _ in reached)
    for figure in ("annual run rate", "spend in the period", "share at the top price", "concentration"):
        assert f"How this is known: {figure}" in said.replace("\n", " ")


def test_one_click_shows_the_sentence_the_sources_and_the_command(visit: Open) -> None:
    page = visit("company").page
    page.locator("#known-run-rate summary").click()
    evidence = page.locator("#known-run-rate .evidence").inner_text()

    assert "365/28" in evidence
    assert "usage-2026-H2.json" in evidence
    assert "baseload map usage/ --json | jq .run_rate" in evidence


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["company", "unpriced"])
def test_every_text_has_the_contrast_of_aa(visit: Open, name: str, scheme: str) -> None:
    page = visit(name, scheme=scheme).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("document.querySelector('.toggle')?.click()")
    contrasts = page.evaluate(CONTRASTS, TEXTS)

    assert len(contrasts) > 60
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_model_colour_carries_its_text(visit: Open, scheme: str) -> None:
    page = visit("company", scheme=scheme).page
    slots = [f"{line}-{shade}" for line in ("opus", "fable", "sonnet", "haiku", "other") for shade in range(6)]
    page.evaluate(
        """(slots) => slots.forEach((slot) => { const e = document.createElement("p"); e.className = "probe";
             e.textContent = slot; e.style.background = `var(--m-${slot})`; e.style.color = `var(--on-${slot})`;
             document.body.append(e); })""",
        slots,
    )
    contrasts = page.evaluate(CONTRASTS, ".probe")

    assert len(contrasts) == 30
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []


def test_charts_change_with_the_theme_without_being_drawn_again(visit: Open) -> None:
    page = visit("company").page
    colour = "getComputedStyle(document.querySelector('[data-chart=daily] svg path[fill^=\"var(--m-\"]')).fill"
    light = page.evaluate(colour)
    page.emulate_media(color_scheme="dark")

    assert page.evaluate(colour) != light
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(colour) == light  # paper is light whatever the screen is


def test_every_interactive_thing_has_a_name_and_every_table_a_caption(visit: Open) -> None:
    page = visit("company").page
    nameless = page.eval_on_selector_all(
        "a, button, input, summary, [role=region], [role=img], nav, section",
        """all => all.filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')
             || e.textContent.trim())).map(e => e.outerHTML.slice(0, 90))""",
    )

    assert nameless == []
    assert page.locator("table:not(:has(> caption))").count() == 0
    assert page.locator("thead th:not([scope])").count() == 0
    assert page.locator("main").count() == page.locator("header").count() == page.locator("footer").count() == 1
    assert page.locator("html[lang=en]").count() == 1


def test_headings_never_skip_a_level(visit: Open) -> None:
    levels = visit("company").page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(e => Number(e.tagName[1]))")

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_no_two_elements_share_an_id(visit: Open) -> None:
    ids = visit("company").page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")

    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", ["company", "many"])
def test_every_scrolling_region_has_a_name_of_its_own(visit: Open, name: str) -> None:
    names = visit(name).page.eval_on_selector_all("[role=region]", "all => all.map(e => e.getAttribute('aria-label'))")

    assert len(names) == len(set(names))


@pytest.mark.parametrize("width", [1280, 820, 390])
@pytest.mark.parametrize("name", ["company", "hostile"])
def test_the_page_never_scrolls_sideways(visit: Open, name: str, width: int) -> None:
    page = visit(name, width=width).page
    page.wait_for_timeout(150)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_a_script_every_workload_and_its_details_are_there(visit: Open) -> None:
    page = visit("company", script=False).page

    for part in company_map().workloads:
        assert page.locator(f"#w-{part.id} tr.main").is_visible()
    page.locator("#ranked details > summary").first.click()
    assert page.get_by_text("Why these calls are one workload").first.is_visible()
    assert page.locator(".plot:visible").count() == 0


def test_a_long_table_shows_fifty_rows_and_all_of_them_on_request(visit: Open) -> None:
    page = visit("many").page
    assert page.locator("#ranked tbody.workload:visible").count() == 50

    page.get_by_role("button", name="Show all 600").click()
    assert page.locator("#ranked tbody.workload:visible").count() == 600


def test_paper_has_every_row_every_detail_and_charts_that_fit(visit: Open) -> None:
    page = visit("company").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 688, "height": 900})  # A4 less its margins, at 96 dots an inch

    assert page.locator("#ranked tbody.workload tr.main:visible").count() == 12
    assert page.locator("#ranked tr.drill:visible").count() == 12
    assert page.locator("table.days tbody tr:visible").count() == len(company_map().by_day)
    assert page.locator("details:not([open])").count() == 0
    widths = page.eval_on_selector_all("[data-chart] svg", "all => all.map(e => e.getBoundingClientRect().width)")
    assert len(widths) == 4
    assert max(widths) <= 688
    drawn = page.eval_on_selector_all("[data-chart] svg", "all => all.map(e => e.getAttribute('width'))")
    assert set(drawn) == {"680"}  # drawn for the paper, not shrunk to it
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == page.locator("details.block[open]").count()


def test_paper_shows_all_rows_of_a_table_the_screen_cuts(visit: Open) -> None:
    page = visit("many").page
    page.emulate_media(media="print")

    assert page.locator("#ranked tbody.workload tr.main:visible").count() == 600
    shown = page.eval_on_selector_all("#ranked tbody.workload", "all => all.map(e => getComputedStyle(e).display)")
    assert set(shown) == {"table-row-group"}
    assert page.locator("#ranked tr.drill:visible").count() == 25


def test_printing_to_pdf_works_and_keeps_the_page_as_it_was(visit: Open) -> None:
    opened = visit("company", scheme="dark")
    before = opened.page.locator("details[open]").count()

    assert opened.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    assert opened.page.locator("details[open]").count() == before
    assert opened.complaints == []


def test_a_link_to_a_workload_opens_it(visit: Open, reports: Callable[[str], Any]) -> None:
    page = visit("many").page
    page.goto(reports("many").as_uri() + "#w-many-70")  # beyond the first fifty rows

    assert page.locator("#w-many-70 .drill").is_visible()
