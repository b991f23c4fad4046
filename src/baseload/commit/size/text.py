"""The document for people: the verdict first, then tables. Figures are rounded at one unit, so that they add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from baseload.commit.size.amounts import alone, between, highest, lowest, percent, rounded, step_of
from baseload.commit.size.document import BacktestPart, Figures, SizeDocument
from baseload.commit.size.shown import cost_ends, document_unit, saving, saving_share
from baseload.commit.size.worths import capital_note

Table = Sequence[Sequence[str]]
"""The first row is the header."""
SHOWN_POINTS: Final = 9
SHOWN_CLAUSES: Final = 8
_NAMES: Final = {
    "no_commitment": "none",
    "offered": "as offered",
    "trend": "6-month trend",
    "last_two_months": "last 2 months",
    "floor": "70 % floor",
    "demand_p50": "middle of demand",
    "careful": "careful",
    "cvar_of_regret": "CVaR of regret",
    "past_supports": "what the past carries",
    "refused_by_guard": "refused by the guard",
    "least_cost": "least expected cost",
}


def text_of(document: SizeDocument) -> list[str]:
    """Lines, never wrapped: a verdict, why, what to know, and the tables."""
    lines = [*_verdict(document), ""]
    lines += [f"! {warning}" for warning in document.warnings]
    if document.assumed_terms:
        lines.append(f"? Not stated in the offer, so assumed: {', '.join(document.assumed_terms)}.")
    if lines[-1]:
        lines.append("")
    for title, table, note in _tables(document):
        lines += [title, *_aligned(table), *([note] if note else []), ""]
    return lines[:-1]


def _verdict(document: SizeDocument) -> Iterator[str]:
    found, inputs = document.recommended, document.inputs
    when = f", {inputs.term_months} month{'s' if inputs.term_months > 1 else ''}"
    when += f" from {inputs.first_month}" if inputs.first_month else ""
    if found.decision == "do_not_commit":
        yield f"Do not commit{when}."
        yield found.reason
        if document.on_demand_usd is not None:
            yield f"On demand costs about {_cost(document, document.on_demand_usd)} over the term{_between(document)}."
        return
    off = " and ".join(
        dict.fromkeys(percent(row.discount, 1 if row.discount * 1000 % 10 else 0) for row in found.by_year)
    )
    yield f"Commit {_commits(found.commit_usd_by_year)} {inputs.commit_basis} dollars{when}: {off} off list."
    yield (
        f"It costs about {_cost(document, found.expected_cost_usd)} over the term{_costs_between(document)} against "
        f"{_cost(document, document.on_demand_usd)} on demand{_between(document)}: {_saved(document)}."
    )
    if _number(found.npv_usd) != _number(found.expected_cost_usd):
        yield f"Present value {_cost(document, found.npv_usd)}."
    short, over, dearer = (
        percent(one or 0) for one in (found.p_shortfall, found.p_overage, found.p_dearer_than_on_demand)
    )
    used, level = percent(found.utilization or 0), found.break_even_utilization
    needed = "no use of it breaks even" if level is None else f"{percent(level)} must be to break even"
    yield (
        f"Some of it stays unused{_in_some(document)} with a chance of {short}; usage exceeds it with {over}. "
        f"{used} of it is expected to be used, {needed}; it comes out dearer than on demand with "
        f"{dearer}."
    )
    yield (
        f"Cash at risk {_fine(document, found.cash_at_risk_usd)} (committed cash less what the 10th percentile of "
        f"usage needs). Regret {_fine(document, found.regret_mean_usd)} on average, "
        f"{_fine(document, found.regret_p95_usd)} in one case of twenty."
    )
    yield found.reason
    if found.buffer is not None:
        yield found.buffer.says
    yield document.guard.says
    if document.assumed is not None:
        yield document.assumed.says


def _in_some(document: SizeDocument) -> str:
    return " in some year" if len(document.recommended.by_year) > 1 else ""


def _saved(document: SizeDocument) -> str:
    """The difference of the two costs as they are shown."""
    less, share = saving(document, document.recommended), percent(saving_share(document), 1)
    if less or not _number(document.recommended.saving_usd):
        return f"{abs(less):,.0f} {'less' if less >= 0 else 'more'}, {share}"
    return f"less than {document_unit(document):,.0f} apart, {share}"


def _costs_between(document: SizeDocument) -> str:
    low, high = cost_ends(document)
    return f" ({low:,.0f} to {high:,.0f} in eight cases of ten)" if low < high else ""


def _between(document: SizeDocument) -> str:
    low, high = _number(document.on_demand_p10_usd), _number(document.on_demand_p90_usd)
    if high - low < 1:
        return ""
    said = between(low, high, document_unit(document))
    return f" ({said}{' in eight cases of ten' if document.recommended.decision == 'do_not_commit' else ''})"


def _tables(document: SizeDocument) -> Iterator[tuple[str, Table, str]]:
    if len(document.recommended.by_year) > 1:
        yield "Year by year, in the offer's basis", _years(document), ""
    if document.stated_ranges:
        yield "Under three assumed growths, none with a probability", _ranges(document), ""
    if document.alternatives:
        yield "The same paths, other sizes", _alternatives(document), ""
        yield "Cost against commitment (the same in every year)", _curve(document), ""
    if document.bands is not None:
        held = "The offer's own bands are one of these." if document.bands.bands_are_assumed else ""
        yield "Under the band sets that ship as assumptions", _bands(document), f"{held} {document.bands.says}".strip()
    if document.scenarios and document.inputs.savings:
        yield "By what becomes of the savings", _scenarios(document), ""
    if document.scope is not None:
        yield "Scope", _scope(document), document.scope.says
    if document.tornado:
        yield "What moves it", _tornado(document), ""
    if document.clauses:
        more = len(document.clauses) - SHOWN_CLAUSES
        notes = [capital_note(document.clauses), f"{more} more with --json." if more > 0 else ""]
        yield "What clauses are worth", _clauses(document), " ".join(filter(None, notes))
    if document.timing:
        yield "When to sign", _timing(document), _timing_note(document)
    if document.backtest is not None:
        yield "On your own past, before savings", _backtest(document.backtest), document.backtest.reading
    if document.odd_months:
        yield "Months to look at", _odd(document), ""


def _years(document: SizeDocument) -> Table:
    rows = [["year", "months", "commit", "discount", "usage p10", "mean", "p90", "P(short)", "P(over)"]]
    for row in document.recommended.by_year:
        usage = _interval(document, row.usage_p10_usd, row.usage_mean_usd, row.usage_p90_usd)
        chances = ["" if one is None else percent(one) for one in (row.p_shortfall, row.p_overage)]
        rows.append(
            [str(row.year), str(row.months), _whole(row.commit_usd), percent(row.discount, 1), *usage, *chances]
        )
    return rows


def _alternatives(document: SizeDocument) -> Table:
    rows = [["size", "commit a year", "cost", "saves", "P(short)", "P(over)", "regret", "p95"]]
    chosen = document.recommended
    if chosen.decision == "commit":
        rows.append(_sized(document, "recommended", chosen))
    return [*rows, *(_sized(document, _NAMES.get(one.name, one.name), one) for one in document.alternatives)]


def _sized(document: SizeDocument, name: str, one: Figures) -> list[str]:
    chances = ["" if value is None else percent(value) for value in (one.p_shortfall, one.p_overage)]
    saved = f"{saving(document, one):,.0f}"
    regret = [_fine(document, value) for value in (one.regret_mean_usd, one.regret_p95_usd)]
    return [name, _about(one.commit_usd_by_year), _cost(document, one.expected_cost_usd), saved, *chances, *regret]


def _curve(document: SizeDocument) -> Table:
    points = document.curve
    useful = [
        one for one in points if _number(one.expected_cost_usd) <= 1.15 * _number(document.on_demand_usd)
    ] or points
    step = max(1, -(-len(useful) // SHOWN_POINTS))
    rows = [
        [_whole(one.commit_usd), _cost(document, one.expected_cost_usd), _cost(document, one.cvar_regret_usd)]
        for one in useful[::step]
    ]
    return [["commit", "cost", "CVaR of regret"], *rows]


def _backtest(found: BacktestPart) -> Table:
    if not found.rows:
        return []
    rows = [["committed by", "saved", "regret", "p95", "dearer than on demand"]]
    rows += [
        [
            _NAMES.get(row.rule, row.rule.replace("_", " ")),
            *(percent(value, 1) for value in (row.saving_share, row.regret_mean_share, row.regret_p95_share)),
            percent(row.worse_share),
        ]
        for row in found.rows
    ]
    return [*rows, ["knowing the year", percent(found.best_saving_share, 1), "", "", ""]]


def _bands(document: SizeDocument) -> Table:
    rows = [["bands", "commit a year", "cost", "discounts from", "by"]]
    for one in document.bands.sets if document.bands else ():
        cost = _cost(document, one.expected_cost_usd)
        begins = _whole(one.from_usd) if one.from_usd else ""
        rows.append([one.name, _about(one.commit_usd_by_year), cost, begins, one.reliability])
    return rows


def _scenarios(document: SizeDocument) -> Table:
    rows = [["savings that land", "commit a year", "cost", "on demand", "cost of the recommended", ""]]
    for one in document.scenarios:
        costs = [
            _cost(document, value) for value in (one.expected_cost_usd, one.on_demand_usd, one.recommended_cost_usd)
        ]
        rows.append([one.scenario, _about(one.commit_usd_by_year), *costs, one.says])
    return rows


def _scope(document: SizeDocument) -> Table:
    scope = document.scope
    if scope is None:
        return []
    return [
        ["list dollars", "", "commit a year"],
        ["in scope", _whole(scope.in_scope_usd), _about(scope.commit_least_usd_by_year)],
        ["unknown", _whole(scope.unknown_usd), f"{_about(scope.commit_most_usd_by_year)} with all of it"],
        ["out of scope", _whole(scope.out_of_scope_usd), ""],
    ]


def _tornado(document: SizeDocument) -> Table:
    rows = [["input", "known", "from", "to", "commit a year", "cost", "flips"]]
    for one in document.tornado:
        commits = " … ".join(_about([amount]) for amount in (one.commit_low_usd, one.commit_high_usd))
        costs = f"{_cost(document, one.cost_low_usd)} … {_cost(document, one.cost_high_usd)}"
        name = one.input.replace("_", " ")
        rows.append([name, one.grade, one.low_says, one.high_says, commits, costs, one.flips_says])
    return rows


def _clauses(document: SizeDocument) -> Table:
    rows = [["clause", "worth", "from", "to", "points", ""]]
    for one in document.clauses[:SHOWN_CLAUSES]:
        unit = max(1.0, step_of(_number(one.low_usd), _number(one.high_usd)))
        ends = lowest(_number(one.low_usd), unit), highest(_number(one.high_usd), unit)
        worth = [rounded(_number(one.value_usd), unit), *(f"{end:,.0f}" for end in ends)]
        points = (
            "" if one.discount_points is None else f"{one.discount_points:.1f}" + ("+" if one.points_beyond else "")
        )
        held = "held: " if one.kind == "has" else ""
        rows.append([one.clause.replace("_", " "), *worth, points, held + one.says])
    return rows


def _timing(document: SizeDocument) -> Table:
    rows = [["plan", "cost", "p10", "p90", ""]]
    for one in document.timing:
        low, mean, high = _interval(document, one.p10_usd, one.expected_cost_usd, one.p90_usd)
        costs = [mean, low, high]
        rows.append([one.plan.replace("_", " "), *costs, one.says])
    return rows


def _timing_note(document: SizeDocument) -> str:
    if document.guard.holds is not False:
        return ""
    return (
        "Priced on the forecast, which the guard does not trust alone: a plan that signs is cheaper only if it comes."
    )


def _ranges(document: SizeDocument) -> Table:
    rows = [["demand", "a month", "list dollars", "commit a year", "cost"]]
    for one in document.stated_ranges:
        growth = f"{100 * one.growth_per_month:+.0f} %"
        rows.append([one.name, growth, _cost(document, one.list_usd), _about(one.commit_usd_by_year),
                     _cost(document, one.cost_usd)])  # fmt: skip
    return rows


def _odd(document: SizeDocument) -> Table:
    rows = [
        [one.month, one.workload, one.kind, _whole(one.usd), _whole(one.usual_usd), one.advice]
        for one in document.odd_months
    ]
    return [["month", "workload", "", "dollars", "usual", ""], *rows]


def _number(text: str | None) -> float:
    return 0.0 if text is None else float(text)


def _cost(document: SizeDocument, text: str | None) -> str:
    """A cost of the term, at the unit of the document."""
    return rounded(_number(text), document_unit(document))


def _interval(document: SizeDocument, low: str | None, middle: str | None, high: str | None) -> list[str]:
    """Low, middle and high at the unit of the document, the ends outward."""
    unit = document_unit(document)
    ends = lowest(_number(low), unit), highest(_number(high), unit)
    return [f"{ends[0]:,.0f}", rounded(_number(middle), unit), f"{ends[1]:,.0f}"]


def _fine(document: SizeDocument, text: str | None) -> str:
    """A figure that is part of no sum."""
    return alone(_number(text), document_unit(document))


def _whole(text: str) -> str:
    return f"{float(text):,.0f}"


def _commits(amounts: Iterable[str]) -> str:
    """One amount where all years are the same.

    >>> _commits(("1000.00", "1000.00")), _commits(("1000.00", "2000.00", "0.00"))
    ('1,000', '1,000, 2,000, 0')
    """
    listed = [_whole(one) for one in amounts]
    return listed[0] if len(set(listed)) == 1 else ", ".join(listed)


def _about(amounts: Iterable[str]) -> str:
    """The same to four digits.

    >>> _about(("1587361.00",)), _about(("250000.00", "0.00"))
    ('1,587,000', '250,000, 0')
    """
    return _commits(str(round(float(one), 4 - len(str(int(float(one)))))) for one in amounts)


def _aligned(table: Table) -> Iterator[str]:
    """Columns to their widest; figures to the right, words to the left."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = [_is_figures(column[1:]) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            one.rjust(width) if to_right else one.ljust(width)
            for one, width, to_right in zip(row, widths, right, strict=True)
        ]
        yield ("  " + "  ".join(cells)).rstrip()


def _is_figures(cells: Sequence[str]) -> bool:
    return all(not one or one.lstrip("-+")[:1].isdigit() for one in cells) and any(cells)
