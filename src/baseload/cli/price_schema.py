"""The shapes of the JSON documents of `baseload prices` (docs/reference/prices.md lists them).

Money is decimal text, rates are USD per million tokens, days `YYYY-MM-DD`; null means there is none, never 0.
"""

from __future__ import annotations

import msgspec

from baseload.commit.impact.document import ContractImpact
from baseload.prices.changes import Change


class BookPart(msgspec.Struct, frozen=True, kw_only=True):
    checked: str
    age_days: int
    line: str
    warning: str  # "" up to 14 days


class RatesPart(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens; null where the class is not sold."""

    uncached_input: str | None
    cache_read: str | None
    cache_write_5m: str | None
    cache_write_1h: str | None
    output: str | None


class ModelLine(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    name: str
    status: str  # active | deprecated | retired | unreleased
    low: RatesPart | None
    high: RatesPart | None  # differs from low only where the price depends on the prompt's length
    why_unpriced: str
    notes: tuple[str, ...]
    context_tokens: int
    min_cacheable_tokens: int


class HistoryRow(msgspec.Struct, frozen=True, kw_only=True):
    speed: str
    over_tokens: int
    valid_from: str
    valid_to: str | None  # exclusive
    rates: RatesPart
    source: str
    checked: str


class ModelDetail(msgspec.Struct, frozen=True, kw_only=True):
    line: str
    tokenizer: str
    released: str
    deprecated: str
    retires: str
    retires_not_before: str
    max_output_tokens: int
    pool: str
    access: str
    history: tuple[HistoryRow, ...]
    capabilities: dict[str, str]
    sources: dict[str, str]


class ShowDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = "baseload.prices.show/1"
    book: BookPart
    day: str
    service: dict[str, str]
    models: tuple[ModelLine, ...]
    detail: ModelDetail | None = None


class DisagreementPart(msgspec.Struct, frozen=True, kw_only=True):
    price_key: str
    day: str
    charge: str
    counts: dict[str, int]
    ours_usd: str
    theirs_usd: str | None  # null: the other list knows no such price
    faults: tuple[str, ...]


class FaultPart(msgspec.Struct, frozen=True, kw_only=True):
    code: str
    explanation: str
    requests: int


class CheckDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = "baseload.prices.check/1"
    book: BookPart
    peer: str
    last_day: str
    compared: int
    agreeing: int
    known_faults: tuple[FaultPart, ...]
    gone_faults: tuple[str, ...]
    traps: dict[str, str]
    unknown_names: tuple[str, ...]
    unexpected: tuple[DisagreementPart, ...]
    disagreements: tuple[DisagreementPart, ...]


class DiffDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = "baseload.prices.diff/1"
    book: BookPart
    first: str = msgspec.field(name="from")
    last: str = msgspec.field(name="to")
    changes: tuple[Change, ...]


class RangePart(msgspec.Struct, frozen=True, kw_only=True):
    low_usd: str
    high_usd: str


class ImpactLine(msgspec.Struct, frozen=True, kw_only=True):
    """One price key, or one model's sum; null where a side has no price."""

    key: str
    tokens: int
    before: RangePart | None
    after: RangePart | None
    delta: RangePart | None
    annual_delta: RangePart | None


class SidePart(msgspec.Struct, frozen=True, kw_only=True):
    day: str
    contract: bool  # negotiated prices are laid over the list


class ImpactDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = "baseload.prices.impact/1"
    book: BookPart
    source: str
    window: dict[str, str | int]
    before: SidePart
    after: SidePart
    total: ImpactLine
    by_model: tuple[ImpactLine, ...]
    rows: tuple[ImpactLine, ...]
    without_price: tuple[str, ...]
    contract: ContractImpact | None = None  # what the move does to the contract already signed


class AddDocument(msgspec.Struct, frozen=True, kw_only=True):
    schema: str = "baseload.prices.add/1"
    book: BookPart
    file: str
    stored: str | None  # null for a dry run
    models: tuple[str, ...]
    prices: tuple[HistoryRow, ...]
    rows: dict[str, int]
    sources: tuple[str, ...]
