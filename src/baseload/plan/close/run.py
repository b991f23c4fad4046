"""The close of one month in one function: settled rows, prices, invoices and a plan in, the document out.

rows -> accounts -> bridge -> savings -> forecast -> document -> check against the frozen month
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from baseload.errors import NothingToRead
from baseload.ledger.frame import ints
from baseload.plan.close.bills import Invoices, Overage
from baseload.plan.close.bridge import Bridge, Months, bridge
from baseload.plan.close.digests import book_sha256, data_sha256, invoices_sha256
from baseload.plan.close.document import (
    CloseDocument,
    CloseProblem,
    Figures,
    ForecastPart,
    Inputs,
    LinePart,
    MovePart,
    RestatementPart,
)
from baseload.plan.close.figures import account_parts, cover_part, forecast_part, move_part, savings_part
from baseload.plan.close.forecast import forecast
from baseload.plan.close.freeze import Frozen, checked, restatement
from baseload.plan.close.lines import line_parts
from baseload.plan.close.months import check_order, covered, inside, month_window, months_with_data, previous_month
from baseload.plan.close.notes import cover_problems, damaged, late, notes
from baseload.plan.close.promises import Promises
from baseload.plan.close.savings import Saving, savings
from baseload.prices.book import PriceBook
from baseload.project import Invoice
from baseload.values import Problem, Table, Workload, iso_day, nano_from_usd, usd_text

RULES = "close-effects/1"
"""Changing the definition of an effect changes figures of closed months: then this moves to 2."""


class CloseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a close is computed from. `rows` are settled rows of every day the ledger has.

    `against` and `fiscal_year_start` are "" and 0 where nobody said: the previous month with data, and January, or what
    the month was frozen with. `whole_days` are those of `ledger.totals`. `frozen` holds frozen months.
    """

    title: str
    as_of_day: int
    month: str
    against: str = ""
    rows: Table
    workload_of: Mapping[str, Workload]
    whole_days: tuple[Sequence[int], Sequence[int]]
    book: PriceBook
    invoices: tuple[Invoice, ...] = ()
    overages: tuple[Overage, ...] = ()
    promises: Promises | None = None
    fiscal_year_start: int = 0
    ledger_sha256: str = ""
    program: str = ""
    frozen: Mapping[str, Frozen] = {}
    problems: tuple[Problem, ...] = ()


def close_month(request: CloseRequest) -> tuple[CloseDocument, list[Problem]]:
    """The close of a month; of a frozen one the frozen figures, and beside them what today's data say.

    Raises NothingToRead where the month, or the one it is to be compared with, has no row; UsageError where that one is
    not an earlier one.
    """
    held = request.frozen.get(request.month)
    request = _as_frozen(request, held.document if held and held.intact else None)
    check_order(request.month, request.against)
    months = Months.of(request.rows, request.workload_of, request.book, Invoices(request.invoices, request.overages))
    against = request.against or previous_month(request.month, months_with_data(request.rows))
    _require(request.rows, request.month, request.against)
    now, restated = _computed(request, months, against)
    if held and held.intact and request.promises is None:
        now = _with_plan_of(now, held.document)
    document, problems = _beside(held, now) if held else (now, [])
    spans = [covered(request.rows, name) for name in filter(None, (against, request.month))]
    said = cover_problems(request.rows, spans, request.as_of_day)
    problems = [*request.problems, *said, *problems, *map(late, restated)]
    parts = tuple(CloseProblem(**msgspec.structs.asdict(problem)) for problem in problems)
    return msgspec.structs.replace(document, restatements=(*document.restatements, *restated), problems=parts), problems


def _as_frozen(request: CloseRequest, frozen: CloseDocument | None) -> CloseRequest:
    """What nobody said is as the month was frozen with."""
    if frozen is None:
        return request
    year = frozen.figures.forecast.fiscal_year_start if frozen.figures.forecast else ""
    return msgspec.structs.replace(
        request,
        against=request.against or frozen.figures.against or "",
        fiscal_year_start=request.fiscal_year_start or (int(year[5:7]) if year else 0),
    )


def _require(rows: Table, month: str, against: str) -> None:
    """Raises NothingToRead naming what the ledger holds instead."""
    have = months_with_data(rows)
    for name in filter(None, (month, against)):
        month_window(name)
        if name not in have:
            raise NothingToRead(
                f"{name} has no usage here; the data hold {have[0]} to {have[-1]}. Import the usage of {name} first."
                if have
                else f"{name} has no usage here, and nothing else has. Import usage first."
            )


def _computed(request: CloseRequest, months: Months, against: str) -> tuple[CloseDocument, list[RestatementPart]]:
    """The close as today's data have it, and the restatement of the month it starts from, where that was frozen."""
    month = request.month
    found = bridge(months, against or month, month)
    earlier = request.frozen.get(against)
    restated, parts = _restated(request, months, found, earlier)
    saved = savings(months, month, request.promises) if request.promises else ()
    document = CloseDocument(
        title=request.title,
        as_of=iso_day(request.as_of_day),
        state="open" if month_window(month).end_day_exclusive <= request.as_of_day else "running",
        figures=_figures(request, months, found, against, restated, saved),
        inputs=_inputs(request, [name for name in (against, month) if name]),
    )
    return document, parts


def _restated(
    request: CloseRequest, months: Months, found: Bridge, held: Frozen | None
) -> tuple[int, list[RestatementPart]]:
    """By how much the first bill moved since it was frozen: in the bridge where both are bridged alike."""
    if held is None or not held.intact:
        return 0, []
    earlier = held.document
    before = earlier.figures.against or earlier.figures.month
    first = before if before in months_with_data(months.rows) else earlier.figures.month
    again = bridge(months, first, earlier.figures.month)
    figures = msgspec.structs.replace(
        earlier.figures, to_usd=usd_text(again.to_nano), workloads=tuple(map(move_part, again.moves))
    )
    names = [name for name in (earlier.figures.against, earlier.figures.month) if name]
    now = msgspec.structs.replace(earlier, inputs=_inputs(request, names))
    now = _with_plan_of(now, earlier)
    moved = again.to_nano - nano_from_usd(earlier.figures.to_usd)
    parts = [restatement(earlier, figures, now)] if moved else []
    return (moved if again.to_nano == found.from_nano else 0), parts


def _figures(
    request: CloseRequest, months: Months, found: Bridge, against: str, restated: int, saved: Sequence[Saving]
) -> Figures:
    start = found.from_nano - restated
    return Figures(
        month=request.month,
        against=against or None,
        rules=RULES,
        cover=cover_part(found.after),
        cover_against=cover_part(found.before) if against else None,
        from_usd=usd_text(start) if against else None,
        to_usd=usd_text(found.to_nano),
        difference_usd=usd_text(found.to_nano - start) if against else None,
        lines=_lines(request, found, restated) if against else (),
        accounts=(
            *(account_parts(against, found.accounts_before.values()) if against else ()),
            *account_parts(request.month, found.accounts_after.values()),
        ),
        workloads=tuple(move_part(move) if against else _first(move_part(move)) for move in found.moves),
        savings=savings_part(saved, request.promises, found) if request.promises else None,
        forecast=_forecast(request, months, found, saved),
        notes=tuple(notes(found, months.invoices, request.as_of_day, alone=not against)),
    )


def _lines(request: CloseRequest, found: Bridge, restated: int) -> tuple[LinePart, ...]:
    both = (found.before.window, found.after.window)
    sampled = any(bool((ints(inside(request.rows, window), "sampling_rate") > 1).any()) for window in both)
    return line_parts(found, restated, sampled=sampled)


def _first(part: MovePart) -> MovePart:
    """A workload of the first month there is: nothing to compare it with."""
    return msgspec.structs.replace(
        part, state="first", from_usd="0.00", difference_usd=part.to_usd, calls_from=None, usd_per_call_from=None
    )


def _forecast(request: CloseRequest, months: Months, found: Bridge, saved: Sequence[Saving]) -> ForecastPart:
    listed = sum(account.list_nano for account in found.accounts_after.values())
    made = forecast(months, request.month, request.as_of_day, request.whole_days, request.fiscal_year_start or 1)
    return forecast_part(made, saved, listed)


def _inputs(request: CloseRequest, names: Sequence[str]) -> Inputs:
    return Inputs(
        program=request.program,
        ledger_sha256=request.ledger_sha256,
        data_sha256=data_sha256(request.rows, [month_window(name) for name in names]),
        prices_checked=request.book.checked.isoformat(),
        prices_sha256=book_sha256(request.book),
        invoices_sha256=invoices_sha256(request.invoices, request.overages, names),
        plan_sha256=request.promises.sha256 if request.promises else "",
    )


def _with_plan_of(now: CloseDocument, frozen: CloseDocument) -> CloseDocument:
    """Without the plan at hand what was frozen of it stands: it is not called changed for want of a file."""
    forecast, was = now.figures.forecast, frozen.figures.forecast
    if forecast and was:
        forecast = msgspec.structs.replace(forecast, if_plan_lands_usd=was.if_plan_lands_usd)
    figures = msgspec.structs.replace(now.figures, savings=frozen.figures.savings, forecast=forecast)
    inputs = msgspec.structs.replace(now.inputs, plan_sha256=frozen.inputs.plan_sha256)
    return msgspec.structs.replace(now, figures=figures, inputs=inputs)


def _beside(held: Frozen, now: CloseDocument) -> tuple[CloseDocument, list[Problem]]:
    """The frozen figures with the check of today beside them; of a damaged file today's figures."""
    check, part = checked(held, now)
    shown = now if check.status == "damaged" else held.document
    document = msgspec.structs.replace(
        shown, title=now.title, as_of=now.as_of, state="frozen", check=check, restatements=(part,) if part else ()
    )
    if check.status == "damaged":
        return document, [damaged(now.figures.month, check)]
    return document, [late(part)] if part else []
