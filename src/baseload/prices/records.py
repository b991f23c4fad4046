"""The rows of the compiled price book, as `data/book.json` holds them: facts with dates and sources, no behaviour.

What each field means is written at the top of the YAML file it comes from (`data/*.yaml`). Days are ISO text;
`valid_to` is exclusive and "" when open; `source` is a code of `BookRecord.sources`.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

DAY = r"^\d{4}-\d{2}-\d{2}$"


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    display_name: str
    line: str
    tokenizer: str = ""
    released: str = ""
    deprecated: str = ""
    retires: str = ""
    retires_not_before: str = ""
    min_cache: int = 0
    context: int = 0
    max_output: int = 0
    pool: str = ""
    access: str = "general"
    unpriced: str = ""
    source: str
    checked: str


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which combinations a row is about: empty tuples and texts do not restrict."""

    platforms: tuple[str, ...] = ()
    speeds: tuple[str, ...] = ("standard",)
    models: tuple[str, ...] = ()
    except_models: tuple[str, ...] = ()
    released_from: str = ""
    released_before: str = ""
    valid_from: str
    valid_to: str = ""
    note: str = ""
    source: str
    checked: str


class OfferRecord(Scope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A platform sells some models, without the token classes in `unsold`."""

    unsold: tuple[str, ...] = ()


class ModifierRecord(Scope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tier or geography exists and multiplies."""

    kind: str
    value: str
    factor: Decimal


class FeeRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    fee: str
    unit: str
    usd: Decimal
    free_per_month: int = 0
    per_call: bool
    platforms: tuple[str, ...]
    released_from: str = ""
    valid_from: str
    valid_to: str = ""
    source: str
    checked: str


class PriceRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """USD per million tokens; a cache rate is null where the model has no prompt caching."""

    model: str
    speed: str = "standard"
    over: int = 0
    context: int = 0
    valid_from: str
    valid_to: str = ""
    input: Decimal
    write_5m: Decimal | None
    write_1h: Decimal | None
    read: Decimal | None
    output: Decimal
    note: str = ""
    source: str
    checked: str


class FeatureRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request feature: what it is, and how a swap may rewrite it away ("" = it cannot)."""

    name: str
    meaning: str
    rewrite: str = ""
    models: dict[str, str]
    source: str
    checked: str


class RateLimitRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one rate-limit pool takes a minute at one usage tier. Tokens read from a cache are no input here."""

    pool: str
    tier: str
    requests: int
    input_tokens: int
    output_tokens: int
    source: str
    checked: str


class AliasRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    model: str
    names: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


class TokenizerRatio(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens of the same text on the new tokenizer per token on the old one."""

    low: Decimal
    typical: Decimal
    high: Decimal


class BookRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole book. An addition (`prices add`) is the same record with only the rows it adds."""

    checked: str = ""
    tokenizer_ratio: TokenizerRatio | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    models: tuple[ModelRecord, ...] = ()
    prices: tuple[PriceRecord, ...] = ()
    offers: tuple[OfferRecord, ...] = ()
    modifiers: tuple[ModifierRecord, ...] = ()
    fees: tuple[FeeRecord, ...] = ()
    features: tuple[FeatureRecord, ...] = ()
    aliases: tuple[AliasRecord, ...] = ()
    rate_limits: tuple[RateLimitRecord, ...] = ()
