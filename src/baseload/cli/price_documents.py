"""The documents of `baseload prices` built from plain results; JSON and tables are drawn from the same records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from baseload.cli.price_schema import (
    AddDocument,
    BookPart,
    CheckDocument,
    DiffDocument,
    DisagreementPart,
    FaultPart,
    HistoryRow,
    ImpactDocument,
    ImpactLine,
    ModelDetail,
    ModelLine,
    RangePart,
    RatesPart,
    ShowDocument,
    SidePart,
)
from baseload.prices.age import age_line, age_warning
from baseload.prices.book import Model, PriceBook, PriceKey, RateRange
from baseload.prices.changes import Change
from baseload.prices.crosscheck import CheckResult, Disagreement
from baseload.prices.faults import KNOWN, TRAPS
from baseload.prices.impact import ImpactRow, Priced, Side, annual, totals
from baseload.prices.rates import RATE_FIELDS
from baseload.prices.records import BookRecord, PriceRecord
from baseload.values import day_of_date, iso_day, nano_from_usd, usd_text


def book_part(book: PriceBook, today: dt.date) -> BookPart:
    return BookPart(
        checked=book.checked.isoformat(),
        age_days=book.age_days(today),
        line=age_line(book, today),
        warning=age_warning(book, today),
    )


def show_list(book: PriceBook, service: PriceKey, day: dt.date, today: dt.date) -> ShowDocument:
    """Every model sold that day in that way, and not retired, dearest first."""
    lines = [_line(book, model, service, day) for model in book.models.values()]
    sold = [line for line in lines if line.low and line.status != "retired"]
    sold.sort(key=lambda line: (-_decimal(line.high, "output"), -_decimal(line.high, "uncached_input"), line.model))
    return _show(book, service, day, today, sold)


def show_model(book: PriceBook, model: Model, service: PriceKey, day: dt.date, today: dt.date) -> ShowDocument:
    """One model: its price that day, its history, life and capabilities."""
    rows = [row for row in book.record.prices if row.model == model.id]
    used = {row.source for row in rows}
    detail = ModelDetail(
        line=model.line,
        tokenizer=model.tokenizer,
        released=model.released,
        deprecated=model.deprecated,
        retires=model.retires,
        retires_not_before=model.retires_not_before,
        max_output_tokens=model.max_output_tokens,
        pool=model.pool,
        access=model.access,
        history=tuple(_history(row) for row in rows),
        capabilities=model.capabilities,
        sources={code: text for code, text in book.sources.items() if code in used and code != text},
    )
    shown = _show(book, service, day, today, [_line(book, model, service, day)])
    return msgspec.structs.replace(shown, detail=detail)


def check_document(book: PriceBook, result: CheckResult, peer: str, last: dt.date, today: dt.date) -> CheckDocument:
    parts = tuple(_disagreement(found) for found in result.disagreements)
    return CheckDocument(
        book=book_part(book, today),
        peer=peer,
        last_day=last.isoformat(),
        compared=result.compared,
        agreeing=result.compared - len(parts),
        known_faults=tuple(
            FaultPart(code=fault.code, explanation=fault.explanation, requests=result.by_fault[fault.code])
            for fault in KNOWN
        ),
        gone_faults=result.gone,
        traps=TRAPS,
        unknown_names=result.unknown_names,
        unexpected=tuple(part for part in parts if not part.faults),
        disagreements=parts,
    )


def diff_document(
    book: PriceBook, changes: Sequence[Change], first: dt.date, last: dt.date, today: dt.date
) -> DiffDocument:
    return DiffDocument(
        book=book_part(book, today), first=first.isoformat(), last=last.isoformat(), changes=tuple(changes)
    )


def impact_document(
    rows: Sequence[ImpactRow],
    sides: tuple[Side, Side],
    window: dict[str, str | int],
    source: str,
    today: dt.date,
) -> ImpactDocument:
    """`window` holds start, end_exclusive ("" where not known) and days."""
    days = int(window["days"])
    models: dict[str, list[ImpactRow]] = {}
    for row in rows:
        models.setdefault(PriceKey.parse(row.price_key).model, []).append(row)
    by_model = [_sum_line(model, members, days) for model, members in models.items()]
    before, after = sides
    return ImpactDocument(
        book=book_part(after.book, today),
        source=source,
        window=window,
        before=SidePart(day=iso_day(before.day), contract=bool(before.book.overlay.discounts)),
        after=SidePart(day=iso_day(after.day), contract=bool(after.book.overlay.discounts)),
        total=_sum_line("total", rows, days),
        by_model=tuple(by_model),
        rows=tuple(_impact_line(row.price_key, row.tokens, row.before, row.after, row.delta, days) for row in rows),
        without_price=tuple(row.price_key for row in rows if row.delta is None),
    )


def add_document(addition: BookRecord, file: str, stored: str | None, book: PriceBook, today: dt.date) -> AddDocument:
    sections = ("models", "prices", "offers", "modifiers", "fees", "aliases")
    return AddDocument(
        book=book_part(book, today),
        file=file,
        stored=stored,
        models=tuple(row.id for row in addition.models),
        prices=tuple(_history(row) for row in addition.prices),
        rows={name: len(getattr(addition, name)) for name in sections},
        sources=tuple(sorted(addition.sources)),
    )


def status_on(model: Model, day: str) -> str:
    """The model's life on a day: unreleased, active, deprecated or retired (on the Claude API)."""
    if not model.released or day < model.released:
        return "unreleased" if model.released or not model.retires else "retired"
    if model.retires and day >= model.retires:
        return "retired"
    return "deprecated" if model.deprecated and day >= model.deprecated else "active"


def _show(book: PriceBook, service: PriceKey, day: dt.date, today: dt.date, lines: Iterable[ModelLine]) -> ShowDocument:
    names = ("platform", "geo", "tier", "speed")
    return ShowDocument(
        book=book_part(book, today),
        day=day.isoformat(),
        service={name: getattr(service, name) for name in names},
        models=tuple(lines),
    )


def _line(book: PriceBook, model: Model, service: PriceKey, day: dt.date) -> ModelLine:
    key = service._replace(model=model.id)
    found = book.rates(key, day_of_date(day))
    why = book.why_unpriced(key, day_of_date(day))
    return ModelLine(
        model=model.id,
        name=model.display_name,
        status=status_on(model, day.isoformat()),
        low=_rates(found, high=False),
        high=_rates(found, high=True),
        why_unpriced=why.message if why else "",
        notes=found.notes if found else (),
        context_tokens=model.context_tokens,
        min_cacheable_tokens=model.min_cacheable_tokens,
    )


def _rates(found: RateRange | None, *, high: bool) -> RatesPart | None:
    if found is None:
        return None
    rates = found.high if high else found.low
    return RatesPart(
        **{name: None if f"{name}_tokens" in found.unsold else f"{getattr(rates, name):f}" for name in RATE_FIELDS}
    )


def _decimal(rates: RatesPart | None, name: str) -> Decimal:
    return Decimal(getattr(rates, name) or 0) if rates else Decimal(0)


def _history(row: PriceRecord) -> HistoryRow:
    amounts = (row.input, row.read, row.write_5m, row.write_1h, row.output)
    texts = {name: None if amount is None else f"{amount:f}" for name, amount in zip(RATE_FIELDS, amounts, strict=True)}
    return HistoryRow(
        speed=row.speed,
        over_tokens=row.over,
        valid_from=row.valid_from,
        valid_to=row.valid_to or None,
        rates=RatesPart(**texts),
        source=row.source,
        checked=row.checked,
    )


def _disagreement(found: Disagreement) -> DisagreementPart:
    return DisagreementPart(
        price_key=found.probe.key.text,
        day=iso_day(found.probe.day),
        charge=found.probe.charge,
        counts=found.probe.counts,
        ours_usd=_usd(found.ours),
        theirs_usd=None if found.theirs is None else _usd(found.theirs),
        faults=found.faults,
    )


def _sum_line(key: str, rows: Sequence[ImpactRow], days: int) -> ImpactLine:
    """The sum of the rows that have both prices; null where none has."""
    tokens = sum(row.tokens for row in rows)
    deltas = [row.delta for row in rows if row.delta is not None]
    if not deltas:
        return _impact_line(key, tokens, None, None, None, days)
    before, after = totals(rows)
    zero = Decimal(0)
    delta = Priced(sum((one.low for one in deltas), zero), sum((one.high for one in deltas), zero))
    return _impact_line(key, tokens, before, after, delta, days)


def _impact_line(
    key: str, tokens: int, before: Priced | None, after: Priced | None, delta: Priced | None, days: int
) -> ImpactLine:
    yearly = None if delta is None else Priced(annual(delta.low, days), annual(delta.high, days))
    return ImpactLine(
        key=key,
        tokens=tokens,
        before=_range(before),
        after=_range(after),
        delta=_range(delta),
        annual_delta=_range(yearly),
    )


def _range(amount: Priced | None) -> RangePart | None:
    return None if amount is None else RangePart(low_usd=_usd(amount.low), high_usd=_usd(amount.high))


def _usd(amount: Decimal) -> str:
    return usd_text(nano_from_usd(amount))
