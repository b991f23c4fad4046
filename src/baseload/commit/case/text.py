"""The case for people: the answer in lines, what is not known, then tables. Figures rounded as they are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baseload.commit.case.document import CaseDocument, EffortPart, LeveragePart, SchedulePart
from baseload.commit.case.records import SizedRow
from baseload.commit.size.amounts import percent, rounded, step_of
from baseload.commit.timing.words import about

Table = Sequence[Sequence[str]]
"""The first row is the header."""


def case_text(document: CaseDocument) -> list[str]:
    """Lines, never wrapped."""
    inputs = document.inputs
    since = f" from {inputs.first_month}" if inputs.first_month else ""
    name = f" {inputs.offer}:" if inputs.offer else ""
    lines = [f"Beside the size,{name} {inputs.term_months} months{since}, {_paths(inputs.paths_timing)}. USD.", ""]
    lines += [one.says for one in document.verdict]
    lines.append("")
    lines += [f"! {warning}" for warning in document.warnings]
    lines += [f"? {one.part.replace('_', ' ')}: {one.says} Needs {one.needs}." for one in document.missing]
    lines += [f"? Assumed: {one}" for one in document.assumed]
    if document.assumed_terms:
        lines.append(f"? Not stated in the offer, so assumed: {', '.join(document.assumed_terms)}.")
    lines.append("")
    for title, table, note in _tables(document):
        lines += [title, *_aligned(table), *([f"  {note}"] if note else []), ""]
    return lines[:-1]


def _paths(count: int) -> str:
    return f"{count:,} path{'' if count == 1 else 's'}"


def _tables(document: CaseDocument) -> Iterator[tuple[str, Table, str]]:
    yield "When to sign", _timing(document), ""
    yield "Which order, the plan landing in all alike", _orders(document), "Route first commits what is known then."
    yield "What the work is worth", _effort(document.effort), _paid(document.effort)
    if document.schedule is not None:
        yield f"Backwards from {document.schedule.signing}", _schedule(document.schedule), ""
    yield "What can be done instead of signing now", _moves(document.leverage), ""
    if document.leverage.removable:
        yield "What can be scaled down", _removable(document.leverage), ""
    yield "An inflated commitment and a lean one", _inflated(document.leverage), ""
    yield "What is said of a lean commitment", _claims(document.leverage), ""
    yield "Where to walk away", _walks(document), ""
    if document.bundle is not None:
        yield "Asks together", _bundle(document), "Parts are averaged over all orders (Shapley) and sum to the bundle."
    if document.rights:
        yield "What rights are worth", _rights(document), "Between used by what is known then, and by foresight."


def _timing(document: CaseDocument) -> Table:
    rows = [["plan", "signs", "commit by year", "cost", "p10", "p90", "present value", ""]]
    for one in document.timing:
        step = _step(one.p10_usd, one.p90_usd)
        signs = "never" if one.signs_in_month is None else "now" if not one.signs_in_month else f"+{one.signs_in_month}"
        figures = [_to(value, step / 10) for value in (one.expected_cost_usd, one.p10_usd, one.p90_usd, one.npv_usd)]
        mark = "cheapest" if one.cheapest else "too close to call" if one.too_close else ""
        rows.append([one.plan.replace("_", " "), signs, _yearly(one.commit_usd_by_year), *figures, mark])
    return rows


def _orders(document: CaseDocument) -> Table:
    rows = [["months", "order", "commit by year", "cost", "p10", "p90", "a list dollar", "unused"]]
    for one in document.orders:
        step = _step(one.p10_usd, one.p90_usd) / 10
        figures = [_to(value, step) for value in (one.expected_cost_usd, one.p10_usd, one.p90_usd)]
        rate = "" if one.effective_rate is None else f"{one.effective_rate:.3f}"
        name = one.order.replace("_", " ")
        rows.append([str(one.months), name, _yearly(one.commit_usd_by_year), *figures, rate, _fine(one.unused_usd)])
    return rows


def _effort(effort: EffortPart) -> Table:
    rows = [
        ["", "saves", "before effort", "p10", "p90", "effort", "net value", "p10", "p90", "pays back", "up to weeks"]
    ]
    for one in effort.rows:
        step = _step(one.gross_p10_usd, one.gross_p90_usd) / 10
        gross = [_to(value, step) for value in (one.gross_npv_usd, one.gross_p10_usd, one.gross_p90_usd)]
        net = [_or(value, step) for value in (one.npv_usd, one.npv_p10_usd, one.npv_p90_usd)]
        back = (
            f"month {one.payback_month}" if one.payback_month else "?" if one.effort_usd is None else "not in the term"
        )
        weeks = "" if one.break_even_person_weeks is None else f"{one.break_even_person_weeks:,.1f}"
        effort_usd = "?" if one.effort_usd is None else _fine(one.effort_usd)
        rows.append([one.way, _fine(one.saves_usd), *gross, effort_usd, *net, back, weeks])
    return rows


def _paid(effort: EffortPart) -> str:
    return "? = effort is not known." if any(one.effort_usd is None for one in effort.rows) else ""


def _schedule(schedule: SchedulePart) -> Table:
    rows = [["change", "likely saves", "ships", "ship by", "slack", "start by", "P(shipped)", "P(proven)", ""]]
    for one in schedule.rows:
        chances = [percent(one.p_shipped), percent(one.p_proven)]
        slack = f"{one.slack_weeks} weeks"
        rows.append(
            [
                one.name,
                percent(one.saves_share),
                one.ships,
                one.ship_by,
                slack,
                one.start_by or "",
                *chances,
                one.verdict,
            ]
        )
    return rows


def _moves(leverage: LeveragePart) -> Table:
    rows = [["move", "plan", "cost", "over signing now", "lead"]]
    for one in leverage.moves:
        lead = f"{one.lead_months} months" if one.lead_months else "none"
        rows.append([one.move.replace("_", " "), one.phase, _fine(one.cost_usd), _fine(one.extra_usd), lead])
    return rows


def _removable(leverage: LeveragePart) -> Table:
    rows = [["within", "list dollars a month", "by proven changes"]]
    for one in leverage.removable:
        proven = "" if one.proven_usd_per_month is None else _fine(one.proven_usd_per_month)
        rows.append([f"{one.days} days", _fine(one.list_usd_per_month), proven])
    return rows


def _inflated(leverage: LeveragePart) -> Table:
    rows = [["", "commit by year", "P(over)", "overage", "P(unused)", "unused", "cost"]]
    if leverage.inflated is not None:
        rows.append(_sized("the trend of what was billed", leverage.inflated))
    return [*rows, _sized("the best on what the plan leaves", leverage.lean)]


def _sized(name: str, one: SizedRow) -> list[str]:
    over = [percent(one.p_overage), _fine(one.overage_usd)]
    under = [percent(one.p_unused), _fine(one.unused_usd)]
    return [name, _yearly(one.commit_usd_by_year), *over, *under, _fine(one.cost_usd)]


def _claims(leverage: LeveragePart) -> Table:
    rows = [["", "", ""]]
    return [*rows, *([("holds" if one.holds else "fails"), one.claim, one.says] for one in leverage.claims)]


def _walks(document: CaseDocument) -> Table:
    rows = [["against", "size", "commit by year", "cost", "it costs", "points", "largest by year"]]
    for one in document.walk_away:
        points = f"{'beyond ' if one.shift_beyond else ''}{one.shift_points:+.1f}"
        largest = _yearly(one.largest_usd_by_year) if one.largest_usd_by_year else "none"
        costs = [_fine(one.cost_usd), _fine(one.alternative_usd)]
        name = one.against.replace("_", " ")
        rows.append([name, one.size, _yearly(one.commit_usd_by_year), *costs, points, largest])
    return rows


def _bundle(document: CaseDocument) -> Table:
    rows = [["ask", "part", "alone", "from", "to", ""]]
    bundle = document.bundle
    for one in bundle.parts if bundle else ():
        step = _step(one.alone_low_usd, one.alone_high_usd)
        alone = [_to(value, step) for value in (one.alone_usd, one.alone_low_usd, one.alone_high_usd)]
        rows.append([one.ask.replace("_", " "), _to(one.part_usd, step), *alone, one.says])
    if bundle is not None:
        rows.append(["together", _fine(bundle.value_usd), _fine(bundle.alone_sum_usd), "", "", ""])
    return rows


def _rights(document: CaseDocument) -> Table:
    rows = [["right", "", "worth", "foresight", "at that size", "used", "size without", "size with", "terms"]]
    for one in document.rights:
        worth = [_fine(value) for value in (one.value_usd, one.foresight_usd, one.fixed_size_usd)]
        sizes = [_yearly(one.one_stage_commit_usd_by_year), _yearly(one.two_stage_commit_usd_by_year)]
        name = one.right.replace("_", " ") + (f", {one.band}" if one.band else "")
        held = "held" if one.held else "ask"
        rows.append([name, held, *worth, percent(one.used_share), *sizes, one.says])
    return rows


def _step(low: str, high: str) -> float:
    return step_of(float(low), float(high))


def _to(text: str, step: float) -> str:
    return rounded(float(text), max(1.0, step))


def _or(text: str | None, step: float) -> str:
    return "?" if text is None else _to(text, step)


def _fine(text: str) -> str:
    """Three digits, as a sample of paths knows no more.

    >>> _fine("166815.95"), _fine("-26229.79"), _fine("0.00")
    ('167,000', '-26,200', '0')
    """
    return about(float(text)).replace("$", "")


def _yearly(amounts: Sequence[str]) -> str:
    """A commitment by year: one amount where all are alike, to three digits.

    >>> _yearly(("1000.00", "1000.00")), _yearly(("1000.00", "0.00")), _yearly(())
    ('1,000', '1,000, 0', '')
    """
    shown = [_fine(one) for one in amounts]
    return shown[0] if len(set(shown)) == 1 else ", ".join(shown)


def _aligned(table: Table) -> Iterator[str]:
    """Columns to their widest; figures to the right, words to the left. A header without words is left out."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = [_is_figures(column[1:]) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            one.rjust(width) if to_right else one.ljust(width)
            for one, width, to_right in zip(row, widths, right, strict=True)
        ]
        line = ("  " + "  ".join(cells)).rstrip()
        if line:
            yield line


def _is_figures(cells: Sequence[str]) -> bool:
    return all(not one or one == "?" or one.lstrip("-+")[:1].isdigit() for one in cells) and any(cells)
