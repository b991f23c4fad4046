"""What every page shares: templates with readable values, shipped files, and a policy that allows nothing but them.

This is the only module that imports Jinja2, so that commands which write no report do not pay for it.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache, partial
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from baseload.report import names, numbers, palette
from baseload.report.chart_kit import Chart, embedded
from baseload.report.grades import GRADES

_NOT_SLUG = re.compile(r"[^a-z0-9-]+")


def rendered(
    template: str, values: Mapping[str, Any], drawn: Mapping[str, Chart], *, places: int, styles: str
) -> bytes:
    """A page, UTF-8; the same values always give the same bytes.

    `places` are the decimals of its amounts; `styles` names style sheets, separated by spaces. The template gets
    `values`, the charts, and the scripts and style its policy allows.
    """
    script = {"library": _shipped("vendor", "echarts.min.js"), "script": _shipped("static", "report.js")}
    style = "".join(_shipped("static", name) for name in styles.split())
    page = environment(places).get_template(template)
    text = page.render(
        **values,
        drawn=drawn,
        chart_json=Markup(embedded(dict(drawn))),  # noqa: S704 - `embedded` escapes what could end the element
        style=Markup(style),  # noqa: S704 - our own file
        policy=escape(_policy(style, tuple(script.values()))),
        **{name: Markup(code) for name, code in script.items()},  # noqa: S704 - shipped files, held to their hashes
    )
    return text.encode("utf-8", "replace")


def environment(places: int) -> Environment:
    """The templates, every value of theirs escaped and made readable."""
    found = Environment(
        loader=PackageLoader("baseload.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_readable,
    )
    found.globals["grades"] = GRADES
    found.filters.update(
        {
            "usd": partial(_usd, places=places),
            "usd_cents": partial(_usd, places=2),
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
        }
    )
    return found


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


def _readable(value: Any) -> Any:
    """Every text that reaches the page, freed of hidden characters and bounded; our own markup passes as it is."""
    return names.legible(value, names.PROSE) if type(value) is str else value


def _usd(amount: str | None, places: int) -> str:
    return numbers.usd(amount, places)


def _usd_range(low: str | None, high: str | None, places: int) -> str:
    return numbers.usd_range(low, high, places)


def _slug(text: str) -> str:
    return _NOT_SLUG.sub("-", text.lower())[:48]
