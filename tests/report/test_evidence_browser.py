"""A trial's evidence page in a real browser: what a reader sees, prints and can reach."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from test_report_browser import CONTRASTS, TEXTS
from trial_fixture import TRIALS

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"


@pytest.mark.parametrize("name", sorted(TRIALS))
def test_no_evidence_page_complains_or_asks_for_anything_but_itself(visit: Open, name: str) -> None:
    opened = visit(f"trial/{name}")
    opened.page.wait_for_timeout(200)

    assert opened.complaints == []
    assert [url for url in opened.requests if url.startswith("file:")] == [opened.page.url]
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


def test_both_pictures_are_drawn_with_words_for_those_who_cannot_see_them(visit: Open) -> None:
    drawn = visit("trial/holding").page.eval_on_selector_all(
        "[data-chart]",
        "all => all.map(e => [e.dataset.chart, e.querySelectorAll('svg path').length, e.getAttribute('aria-label')])",
    )

    assert [name for name, *_ in drawn] == ["wealth", "sequence"]
    for _, marks, label in drawn:
        assert marks >= 4
        assert len(label) > 60


def test_the_wealth_ends_above_the_line_it_had_to_reach(visit: Open) -> None:
    """A holding trial: the last point of its path lies no lower on the page than the dashed line at 1/alpha."""
    page = visit("trial/holding").page
    ends = page.eval_on_selector_all(
        "[data-chart=wealth] svg path[stroke='var(--t-same)']",
        "all => all.map(e => { const p = e.getPointAtLength(e.getTotalLength()); return p.y; })",
    )
    line = page.eval_on_selector_all(
        "[data-chart=wealth] svg path[stroke-dasharray]",
        "all => all.filter(e => e.getAttribute('stroke') === 'var(--ink-2)').map(e => e.getPointAtLength(0).y)",
    )

    assert len(line) == 1
    assert min(ends) <= line[0] + 0.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["holding", "breaking", "simulated"])
def test_every_text_of_the_evidence_has_the_contrast_of_aa(visit: Open, name: str, scheme: str) -> None:
    page = visit(f"trial/{name}", scheme=scheme).page
    page.evaluate(OPEN_ALL)
    contrasts = page.evaluate(CONTRASTS, f"{TEXTS}, .status, .d, pre, blockquote p, code")

    assert len(contrasts) > 100
    assert [(round(ratio, 2), text) for ratio, text in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("width", [1280, 820, 390])
@pytest.mark.parametrize("name", ["holding", "hostile", "simulated", "empty"])
def test_the_evidence_never_scrolls_sideways_even_with_everything_open(visit: Open, name: str, width: int) -> None:
    page = visit(f"trial/{name}", width=width).page
    page.evaluate(OPEN_ALL)
    page.wait_for_timeout(150)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_everything_on_the_evidence_has_a_name_and_headings_never_skip_a_level(visit: Open) -> None:
    page = visit("trial/simulated").page
    nameless = page.eval_on_selector_all(
        "a, button, summary, [role=region], [role=img], nav, section",
        """all => all.filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby')
             || e.textContent.trim())).map(e => e.outerHTML.slice(0, 90))""",
    )
    levels = page.eval_on_selector_all("h1, h2, h3, h4, h5", "all => all.map(e => Number(e.tagName[1]))")

    assert nameless == []
    assert page.locator("table:not(:has(> caption))").count() == 0
    assert page.locator("thead th:not([scope])").count() == 0
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_without_a_script_every_figure_of_the_evidence_is_there(visit: Open) -> None:
    page = visit("trial/holding", script=False).page

    assert page.locator(".plot:visible").count() == 0
    page.locator("#path summary").click()
    assert page.locator("table.points tbody tr:visible").count() > 100


def test_the_answers_of_both_arms_stand_side_by_side_and_on_a_phone_below_each_other(visit: Open) -> None:
    def tops(width: int) -> list[float]:
        found: list[float] = visit("trial/simulated", width=width).page.eval_on_selector_all(
            ".difference:first-of-type .sides > div", "all => all.slice(0, 2).map(e => e.getBoundingClientRect().top)"
        )
        return found

    wide, narrow = tops(1280), tops(390)
    assert wide[0] == wide[1]
    assert narrow[0] < narrow[1]


def test_evidence_on_paper_fits_and_is_open(visit: Open) -> None:
    page = visit("trial/simulated").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.set_viewport_size({"width": 688, "height": 900})

    assert page.locator("details:not([open])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
