"""A comparison as a person reads it: figures rounded to their interval, one line for each offer and each term."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.size.amounts import rounded, step_of
from baseload.commit.worth.document import CompareDocument
from baseload.commit.worth.offers import Compared, Comparison, Priced

_FEW: Final = 8
_SAME: Final = 0.005
_KNOWN: Final = (
    "All dollars: simulated, each offer's terms on sample paths of the demand; means over the paths, nothing is billed."
)
_NINETY: Final = 1.645
"""Standard deviations of a 90 % interval."""


def compare_text(document: CompareDocument, found: Comparison) -> Iterator[str]:
    """`found` is the comparison that the document was made of."""
    first = found.offers[0]
    size = "its stated size" if first.ranked == "stated" else "the size that suits it"
    listed = rounded(float(found.on_demand_usd.mean()), _step(found.on_demand_usd))
    yield document.why
    yield ""
    yield (
        f"Each offer at {size}, over {document.months} months on {document.paths:,} paths. "
        f"On demand that is {listed}. USD."
    )
    yield _KNOWN
    yield ""
    yield from _aligned(_table(found))
    if first.ranked == "best" and any(one.stated for one in found.offers):
        yield ""
        yield from _aligned(_stated(found))
    for one, row in zip(found.offers[1:], document.offers[1:], strict=True):
        if row.parts and abs(one.more_usd.value) >= _SAME:
            yield ""
            yield f"Why {one.name} costs what it does over {first.name}, by term; the terms sum to the difference:"
            step = step_of(one.more_usd.low, one.more_usd.high)
            worded = [[_signed(part.more_usd, step), part.term, f"{part.here}; {first.name}: {part.first}"]
                      for part in row.parts]  # fmt: skip
            yield from _aligned(worded, left=(1, 2))
    if document.notes:
        yield ""
        yield from document.notes
    for row in document.offers:
        if len(row.assumed) > _FEW:
            yield f"{row.name} leaves {len(row.assumed)} terms open, which are assumed; --json names them."
        elif row.assumed:
            yield f"{row.name} does not state, so it is assumed: {', '.join(row.assumed)}."


def _table(found: Comparison) -> list[list[str]]:
    head = ["", "offer", "commitment by year", "expected", "10 % below", "10 % above", "present value", "rate",
            "over the first", "90 %", "points"]  # fmt: skip
    rows = [head]
    for place, one in enumerate(found.offers):
        rows.append([str(place + 1), one.name, *_figures(one.priced, found), *_more(one, found)])
    return rows


def _figures(priced: Priced, found: Comparison) -> list[str]:
    step = _step(priced.cost_usd)
    p10, p90 = (float(end) for end in np.quantile(priced.cost_usd, (0.1, 0.9)))
    listed = float(found.list_usd.mean())
    return [
        _commits(priced.commit_usd_by_year),
        rounded(priced.mean_usd, step),
        rounded(p10, step),
        rounded(p90, step),
        rounded(float(priced.npv_usd.mean()), step),
        f"{priced.mean_usd / listed:.3f}" if listed else "",
    ]


def _more(one: Compared, found: Comparison) -> list[str]:
    if one is found.offers[0]:
        return ["", "", ""]
    more = one.more_usd
    step = step_of(more.low, more.high)
    points = f"{'over ' if one.points.beyond else ''}{one.points.points:.1f}"
    return [rounded(more.value, step), f"{rounded(more.low, step)} to {rounded(more.high, step)}", points]


def _stated(found: Comparison) -> list[list[str]]:
    """Stated sizes beside the ones ranked by."""
    rows = [["", "as stated", "commitment by year", "expected", "10 % below", "10 % above", "present value", "rate"]]
    rows += [["", one.name, *_figures(one.stated, found)] for one in found.offers if one.stated is not None]
    return rows


def _commits(amounts: Sequence[Decimal]) -> str:
    shown = [f"{amount:,.0f}" for amount in amounts]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)


def _step(values: Array) -> float:
    """The unit of a mean over paths: a tenth of its 90 % interval or so."""
    error = _NINETY * float(values.std()) / math.sqrt(len(values))
    return step_of(-error, error)


def _signed(amount: str, step: float) -> str:
    text = rounded(float(amount), step)
    return text if text.startswith("-") or text == "0" else f"+{text}"


def _aligned(rows: Sequence[Sequence[str]], left: Sequence[int] = (1, 2)) -> Iterator[str]:
    """Columns of equal width; those of `left` begin where the others end."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if place in left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
