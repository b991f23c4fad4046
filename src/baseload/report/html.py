"""The report as one self-contained page: no network, a strict content policy, every figure readable without a script.

This is the only module that imports Jinja2, so that commands which write no report do not pay for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from functools import cache, partial
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from baseload.report import names, numbers, palette
from baseload.report.chart_kit import embedded
from baseload.report.charts import charts
from baseload.report.document import MapDocument
from baseload.report.view import GRADES, View, view

_NOT_SLUG = re.compile(r"[^a-z0-9-]+")

FIGURE_NAMES = {
    "run_rate": "Annual run rate",
    "observed": "Spend in the period",
    "billed_usd": "Billed in the period",
    "top_model_share": "Share at the top price",
    "concentration": "Concentration",
    "status": "Reconciliation status",
}


def render_html(document: MapDocument) -> bytes:
    """The page, UTF-8. The same document always gives the same bytes."""
    seen = view(document)
    drawn = charts(document)
    script = {"library": _shipped("vendor", "echarts.min.js"), "script": _shipped("static", "report.js")}
    style = _shipped("static", "report.css")
    page = _environment(numbers.places_for(document.totals.list_usd)).get_template("page.html.j2")
    text = page.render(
        document=document,
        view=seen,
        period=_period(document),
        contents=_contents(seen),
        slots=palette.model_slots([part.model for part in document.by_model]),
        drawn=drawn,
        priced=Decimal(document.totals.list_usd) > 0,
        chart_json=Markup(embedded(drawn)),  # noqa: S704 - `embedded` escapes what could end the element
        style=Markup(style),  # noqa: S704 - our own file
        policy=escape(_policy(style, tuple(script.values()))),
        **{name: Markup(code) for name, code in script.items()},  # noqa: S704 - shipped files, held to their hashes
    )
    return text.encode("utf-8", "replace")


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """Nothing but what the page carries. `style-src-attr` is open because the charts place text by style attributes."""
    allowed = " ".join(_source_hash(code) for code in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src-elem {_source_hash(style)}; "
        "style-src-attr 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _shipped(folder: str, name: str) -> str:
    return resources.files("baseload.report").joinpath(folder, name).read_text("utf-8")


def _environment(places: int) -> Environment:
    environment = Environment(
        loader=PackageLoader("baseload.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_readable,
    )
    environment.globals["grades"] = GRADES
    environment.filters.update(
        {
            "usd": partial(_usd, places=places),
            "usd_range": partial(_usd_range, places=places),
            "usd_each": numbers.usd_each,
            "count": numbers.count,
            "compact": numbers.compact,
            "share": numbers.share,
            "days": numbers.days,
            "day_runs": numbers.day_runs,
            "path": names.path,
            "sentence": names.sentence,
            "readers": names.readers,
            "book_age": numbers.book_age,
            "last_day": numbers.last_day,
            "shorten": names.shorten,
            "clean": names.clean,
            "slug": _slug,
            "tone": palette.tone,
            "figure_name": _figure_name,
        }
    )
    return environment


def _readable(value: Any) -> Any:
    """Every text that reaches the page, freed of hidden characters and bounded; our own markup passes as it is."""
    return names.legible(value, names.PROSE) if type(value) is str else value


def _usd(amount: str | None, places: int) -> str:
    return numbers.usd(amount, places)


def _usd_range(low: str | None, high: str | None, places: int) -> str:
    return numbers.usd_range(low, high, places)


def _slug(text: str) -> str:
    return _NOT_SLUG.sub("-", text.lower())[:48]


def _figure_name(figure: str) -> str:
    if figure.startswith("opportunity."):
        return f"Opportunity: {figure.removeprefix('opportunity.')}"
    return FIGURE_NAMES.get(figure, figure.replace("_", " "))


def _period(document: MapDocument) -> str:
    window = document.window
    return f"{window.start} to {numbers.last_day(window.end_exclusive)} ({numbers.days(window.days)}, UTC)"


def _contents(seen: View) -> list[tuple[str, str]]:
    sections = [
        ("headline", "Headline"),
        ("opportunities", "What it could be"),
        ("spend", "Where the money goes"),
        ("workloads", "Workloads"),
        ("run-rate", "Run rate"),
        ("reconciliation", "Reconciliation"),
        ("readiness", "Sources"),
        ("evidence", "How each number is known"),
        ("problems", "Problems"),
    ]
    if seen.planted:
        sections.insert(7, ("planted", "Planted and found"))
    return sections
