"""What changed between two days: prices, what exists and where, rules and fees, and the life of models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import msgspec

from baseload.prices.book import PriceBook
from baseload.prices.records import FeeRecord, ModifierRecord, OfferRecord, PriceRecord
from baseload.prices.rules import day_number, holds

_PRICED = {
    "uncached input": "input",
    "cache write 5m": "write_5m",
    "cache write 1h": "write_1h",
    "cache read": "read",
    "output": "output",
}
_LIFE = {"released": "released", "deprecated": "deprecated", "retires": "retired"}
_OVER = {0: "", 100_000: " over 100K", 200_000: " over 200K"}


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between the book on two days.

    `day` is when it took effect; `kind` is price, model, platform, rule or fee. `before` and `after` are "" where there
    was nothing; prices are USD per million tokens as decimal text.
    """

    day: str
    kind: str
    subject: str
    what: str
    before: str
    after: str
    source: str


def changes_between(book: PriceBook, first_day: int, last_day: int) -> list[Change]:
    """Every difference between the book on `first_day` and on `last_day`, in order of day; empty when they are equal.

    Two states are compared, not the history between them: a price that moved and moved back shows no change.
    """
    found = [
        *_life(book, first_day, last_day),
        *_prices(book.record.prices, first_day, last_day),
        *_scopes(book.record.offers, first_day, last_day),
        *_scopes(book.record.modifiers, first_day, last_day),
        *_scopes(book.record.fees, first_day, last_day),
    ]
    return sorted(found, key=lambda change: (change.day, change.kind, change.subject))


def _life(book: PriceBook, first_day: int, last_day: int) -> Iterator[Change]:
    for model in book.record.models:
        for field, word in _LIFE.items():
            day = getattr(model, field)
            if day and first_day < day_number(day) <= last_day:
                yield Change(
                    day=day, kind="model", subject=model.id, what=word, before="", after=word, source=model.source
                )


def _prices(rows: Sequence[PriceRecord], first_day: int, last_day: int) -> Iterator[Change]:
    series: dict[tuple[str, str, int], list[PriceRecord]] = {}
    for row in rows:
        series.setdefault((row.model, row.speed, row.over), []).append(row)
    for (model, speed, over), members in series.items():
        before, after = _in_force(members, first_day), _in_force(members, last_day)
        subject = f"{model}{'' if speed == 'standard' else f' {speed}'}{_OVER.get(over, f' over {over}')}"
        for what, field in _PRICED.items():
            old, new = _amount(before, field), _amount(after, field)
            if old != new:
                yield Change(
                    day=_effective(before, after),
                    kind="price",
                    subject=subject,
                    what=what,
                    before=old,
                    after=new,
                    source=(after or members[-1]).source,
                )


def _scopes(
    rows: Iterable[OfferRecord | ModifierRecord | FeeRecord], first_day: int, last_day: int
) -> Iterator[Change]:
    """Rows that began or ended: shown whole, because their meaning is the combination they name."""
    for row in rows:
        was, is_now = holds(row, first_day), holds(row, last_day)
        if was == is_now:
            continue
        kind, what, value = _described(row)
        yield Change(
            day=row.valid_from if is_now else row.valid_to,
            kind=kind,
            subject=", ".join(row.platforms),
            what=what,
            before=value if was else "",
            after=value if is_now else "",
            source=row.source,
        )


def _described(row: OfferRecord | ModifierRecord | FeeRecord) -> tuple[str, str, str]:
    if isinstance(row, FeeRecord):
        return "fee", row.fee, f"{row.usd} USD per {row.unit}"
    scope = [f"at speed {', '.join(row.speeds)}"]
    if row.models:
        scope.append(f"for {', '.join(row.models)}")
    if row.released_from:
        scope.append(f"for models released from {row.released_from}")
    if row.released_before:
        scope.append(f"for models released before {row.released_before}")
    if isinstance(row, ModifierRecord):
        return "rule", f"{row.kind} {row.value} {' '.join(scope)}", f"x {row.factor}"
    return "platform", f"sold {' '.join(scope)}", "yes"


def _in_force(rows: Sequence[PriceRecord], day: int) -> PriceRecord | None:
    return next((row for row in reversed(rows) if holds(row, day)), None)


def _amount(row: PriceRecord | None, field: str) -> str:
    value: Decimal | None = getattr(row, field) if row else None
    return "" if value is None else f"{value:f}"


def _effective(before: PriceRecord | None, after: PriceRecord | None) -> str:
    if after is not None:
        return after.valid_from
    return before.valid_to if before else ""
