"""What a price file must keep beyond its shape: real dates, exact money, known models and sources, no contradictions.

Each check yields sentences that name the path, the value and what was expected; the caller raises them together.
"""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import pairwise

from baseload.prices.overlay import Discount
from baseload.prices.rates import RATE_STEP
from baseload.prices.records import BookRecord, FeeRecord, ModelRecord, ModifierRecord, OfferRecord, PriceRecord
from baseload.values import TOKEN_CLASSES

PLATFORMS = ("anthropic", "anthropic_aws", "bedrock", "vertex", "google_anthropic", "foundry", "openrouter")
TIERS = ("standard", "batch", "priority", "flex")
GEOS = ("global", "us", "regional", "us_gov")
SPEEDS = ("standard", "fast")
LINES = ("opus", "sonnet", "haiku", "fable", "mythos", "claude")
USAGE_TIERS = ("start", "build", "scale")
TOKENIZERS = ("old", "new", "")
_VALUES = {"tier": TIERS, "geo": GEOS}
_DEAREST = Decimal(10_000)

Dated = PriceRecord | OfferRecord | ModifierRecord | FeeRecord | Discount


def check_rows(rows: BookRecord, known: BookRecord) -> Iterator[str]:
    """Mistakes in `rows`, judged against `known` (the same book, or the book an addition is laid on)."""
    models = {row.id: row for row in (*known.models, *rows.models)}
    sources = {**known.sources, **rows.sources}
    yield from _check_models(rows)
    for index, price in enumerate(rows.prices):
        yield from _check_price(price, f"prices[{index}]", models)
    for section in ("offers", "modifiers", "fees"):
        for index, row in enumerate(getattr(rows, section)):
            yield from _check_scope(row, f"{section}[{index}]", models)
    for index, modifier in enumerate(rows.modifiers):
        yield from _check_modifier(modifier, f"modifiers[{index}]")
    for index, alias in enumerate(rows.aliases):
        yield from _one_of(alias.model, models, f"aliases[{index}].model", "a model id of the book")
        if alias.dates and not alias.names:
            yield f"aliases[{index}].names: none; expected a name the dates {', '.join(alias.dates)[:40]} follow"
    yield from _check_limits(rows, {row.pool for row in models.values()} - {""})
    yield from _check_sources(rows, sources)


def check_overlaps(prices: Iterable[PriceRecord]) -> Iterator[str]:
    """Rows of one model, speed and band that hold on the same day: the packaged book must have none."""
    groups: dict[tuple[str, str, int], list[PriceRecord]] = {}
    for row in prices:
        groups.setdefault((row.model, row.speed, row.over), []).append(row)
    for (model, speed, over), rows in groups.items():
        for first, second in pairwise(sorted(rows, key=lambda row: row.valid_from)):
            if not first.valid_to or second.valid_from < first.valid_to:
                yield (
                    f"prices of {model} ({speed}, over {over}): the row from {first.valid_from} still holds when "
                    f"the row from {second.valid_from} starts; expected its valid_to to be that day or earlier"
                )


def check_discounts(discounts: Iterable[Discount], models: Iterable[str]) -> Iterator[str]:
    """Mistakes in a customer's overlay."""
    known = list(models)
    for index, row in enumerate(discounts):
        path = f"discounts[{index}]"
        yield from _check_period(row, path)
        yield from _each_of(row.platforms, PLATFORMS, f"{path}.platforms")
        yield from _one_of(row.speed, SPEEDS, f"{path}.speed")
        for pattern in row.models:
            if not fnmatch.filter(known, pattern):
                yield f"{path}.models: {pattern[:60]!r} matches no model; expected an id, or claude-opus-*"
        if (row.percent is None) == (row.rates is None):
            yield f"{path}: expected either percent or rates, and not both"
        if row.percent is not None and not 0 < row.percent < 100:
            yield f"{path}.percent: {row.percent}; expected more than 0 and less than 100"
        if row.rates is not None:
            for name in row.rates.__struct_fields__:
                yield from _check_money(getattr(row.rates, name), f"{path}.rates.{name}")


def _check_models(rows: BookRecord) -> Iterator[str]:
    seen: set[str] = set()
    for index, row in enumerate(rows.models):
        path = f"models[{index}]"
        if row.id in seen or not row.id or row.id != row.id.strip().lower() or set(row.id) & set("|?/ "):
            yield f"{path}.id: {row.id[:60]!r}; expected one lower-case id of its own, without blanks, '|', '/' or '?'"
        seen.add(row.id)
        yield from _one_of(row.line, LINES, f"{path}.line")
        yield from _one_of(row.tokenizer, TOKENIZERS, f"{path}.tokenizer")
        for name in ("released", "deprecated", "retires", "retires_not_before", "checked"):
            yield from _check_day(getattr(row, name), f"{path}.{name}")
        if not row.released and not row.unpriced:
            yield f"{path}.released: empty; expected the day it came out (YYYY-MM-DD), because no price holds before it"


def _check_price(row: PriceRecord, path: str, models: dict[str, ModelRecord]) -> Iterator[str]:
    yield from _one_of(row.model, models, f"{path}.model", "a model id of the book or of this file")
    yield from _one_of(row.speed, SPEEDS, f"{path}.speed")
    yield from _check_period(row, path)
    yield from _check_day(row.checked, f"{path}.checked")
    for name in ("input", "write_5m", "write_1h", "read", "output"):
        yield from _check_money(getattr(row, name), f"{path}.{name}")
    released = models[row.model].released if row.model in models else ""
    if released and row.valid_from < released:
        yield f"{path}.valid_from: {row.valid_from}; expected {released} (its release) or later"
    if row.over not in (0, 100_000, 200_000):
        yield f"{path}.over: {row.over}; expected 0, 100000 or 200000, the edges usage reports can tell apart"


def _check_scope(
    row: OfferRecord | ModifierRecord | FeeRecord, path: str, models: dict[str, ModelRecord]
) -> Iterator[str]:
    yield from _each_of(row.platforms, PLATFORMS, f"{path}.platforms")
    yield from _check_period(row, path)
    yield from _check_day(row.checked, f"{path}.checked")
    if isinstance(row, FeeRecord):
        yield from _check_money(row.usd, f"{path}.usd")
        yield from _check_day(row.released_from, f"{path}.released_from")
        return
    if isinstance(row, OfferRecord):
        yield from _each_of(row.unsold, TOKEN_CLASSES, f"{path}.unsold")
    yield from _each_of(row.speeds, SPEEDS, f"{path}.speeds")
    for name in ("models", "except_models"):
        yield from _each_of(getattr(row, name), models, f"{path}.{name}", "model ids of the book")
    for name in ("released_from", "released_before"):
        yield from _check_day(getattr(row, name), f"{path}.{name}")


def _check_modifier(row: ModifierRecord, path: str) -> Iterator[str]:
    yield from _one_of(row.kind, _VALUES, f"{path}.kind")
    yield from _one_of(row.value, _VALUES.get(row.kind, ()), f"{path}.value")
    if not (row.factor.is_finite() and 0 < row.factor <= 100):
        yield f"{path}.factor: {row.factor}; expected a number above 0, 1 = list price"


def _check_limits(rows: BookRecord, pools: Iterable[str]) -> Iterator[str]:
    for index, row in enumerate(rows.rate_limits):
        path = f"rate_limits[{index}]"
        yield from _one_of(row.pool, pools, f"{path}.pool", "the pool of a model")
        yield from _one_of(row.tier, USAGE_TIERS, f"{path}.tier")
        yield from _check_day(row.checked, f"{path}.checked")
        for name in ("requests", "input_tokens", "output_tokens"):
            if getattr(row, name) <= 0:
                yield f"{path}.{name}: {getattr(row, name)}; expected a whole number above 0, a minute"


def _check_sources(rows: BookRecord, sources: Iterable[str]) -> Iterator[str]:
    for section in ("models", "prices", "offers", "modifiers", "fees", "features", "rate_limits"):
        for index, row in enumerate(getattr(rows, section)):
            yield from _one_of(row.source, sources, f"{section}[{index}].source", "a code listed under sources")


def _check_period(row: Dated, path: str) -> Iterator[str]:
    wrong = [
        *_check_day(row.valid_from, f"{path}.valid_from", needed=True),
        *_check_day(row.valid_to, f"{path}.valid_to"),
    ]
    yield from wrong
    if not wrong and row.valid_to and row.valid_to <= row.valid_from:
        yield f"{path}.valid_to: {row.valid_to}; expected a day after {row.valid_from} (it is exclusive), or open"


def _check_day(text: str, path: str, *, needed: bool = False) -> Iterator[str]:
    try:
        fine = not needed if not text else dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        fine = False
    if not fine:
        yield f"{path}: {text[:60]!r}; expected a day written YYYY-MM-DD"


def _check_money(amount: Decimal | None, path: str) -> Iterator[str]:
    if amount is None:
        return
    if not amount.is_finite() or not 0 <= amount <= _DEAREST or amount != amount.quantize(RATE_STEP):
        yield f"{path}: {str(amount)[:60]}; expected USD between 0 and {_DEAREST:,} with at most nine decimals"


def _each_of(values: Iterable[str], allowed: Iterable[str], path: str, expected: str = "") -> Iterator[str]:
    for value in values:
        yield from _one_of(value, allowed, path, expected)


def _one_of(value: str, allowed: Iterable[str], path: str, expected: str = "") -> Iterator[str]:
    choices = list(allowed)
    if value not in choices:
        yield f"{path}: {value[:60]!r}; expected {expected or ' | '.join(choices)}"
