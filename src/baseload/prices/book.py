"""The price book: look-up only. Which model a name means, and what a combination costs on a day.

A look-up follows one order (data/book.yaml states it): base row of (model, speed, band, day) x tier factor x geography
factor, provided the platform sells that model at that speed on that day. What the data does not say is None, and
`why_unpriced` names the reason.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from baseload.prices.names import NameHints, spell
from baseload.prices.overlay import Overlay
from baseload.prices.rates import PriceKey, RateRange, Rates
from baseload.prices.records import BookRecord, FeatureRecord, ModelRecord, RateLimitRecord, TokenizerRatio
from baseload.prices.rules import BAND_EDGES, Span, Unpriced, day_number, rules_of
from baseload.values import BANDS

if TYPE_CHECKING:  # numpy costs 0.1 s at start; look-ups never need it
    from baseload.prices.tables import Intervals

__all__ = ["Model", "PriceBook", "PriceKey", "RateRange", "Rates", "Span", "Unpriced"]

_MOST_NAMES = 100_000  # raw names kept resolved: an endless stream of different names must not fill the memory


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One pinned model. Days are ISO text, "" where not known or not announced.

    `min_cacheable_tokens` is 0 where the model has no prompt caching; `context_tokens` and `max_output_tokens` are 0
    where not known. `capabilities` maps a name of `PriceBook.features` to what the model does with that feature; models
    older than the table have none. `access` is general, verified (named organisations) or invited; `unpriced` says why
    there is no price, "" where there is one.
    """

    id: str
    display_name: str
    line: str
    tokenizer: str
    released: str
    deprecated: str
    retires: str
    retires_not_before: str
    min_cacheable_tokens: int
    context_tokens: int
    max_output_tokens: int
    pool: str
    access: str
    unpriced: str
    capabilities: dict[str, str]


class PriceBook:
    """One compiled book, with the user's additions and overlay in it. Made by `load.load_book`."""

    def __init__(
        self, record: BookRecord, *, overlay: Overlay | None = None, aliases: Mapping[str, str] | None = None
    ) -> None:
        self.record = record
        self.checked = dt.date.fromisoformat(record.checked)
        self.sources: Mapping[str, str] = record.sources
        self.features: Mapping[str, FeatureRecord] = {row.name: row for row in record.features}
        self.models: Mapping[str, Model] = {row.id: _model(row, record.features) for row in record.models}
        self.rate_limits: Mapping[tuple[str, str], RateLimitRecord] = {
            (row.pool, row.tier): row for row in record.rate_limits
        }
        self.overlay = overlay or Overlay()
        self._rows = {row.id: row for row in record.models}
        self._names = _name_index(record)
        self._user_names = {_folded(name): target for name, target in (aliases or {}).items()}
        self._resolved: dict[str, str] = {}
        self._spans: dict[PriceKey, tuple[Span, ...]] = {}

    def resolve(self, raw: str) -> str:
        """The id of the model a name means, "" when unknown. The user's mapping comes first; cached."""
        found = self._resolved.get(raw)
        if found is None:
            found = self._look_up(raw)
            if len(self._resolved) < _MOST_NAMES:
                self._resolved[raw] = found
        return found

    def _look_up(self, raw: str) -> str:
        mapped = self._user_names.get(_folded(raw))
        forms = spell(raw if mapped is None else mapped).forms
        return next((self._names[form] for form in forms if form in self._names), "")

    def hints(self, raw: str) -> NameHints:
        """What a spelling says besides the model (platform, geography, tier, speed); "" where it is silent."""
        return spell(raw).hints

    def rates(self, key: PriceKey, day: int) -> RateRange | None:
        """Rates in USD per million tokens on a UTC day, every modifier applied; None where there is no such price."""
        answer = self.span(key, day).answer
        return answer if isinstance(answer, RateRange) else None

    def why_unpriced(self, key: PriceKey, day: int) -> Unpriced | None:
        """Why a key has no price on a day; None when it has one."""
        answer = self.span(key, day).answer
        return answer if isinstance(answer, Unpriced) else None

    def span(self, key: PriceKey, day: int) -> Span:
        """The stretch of days around `day` on which a key has one answer."""
        spans = self.spans(key)
        return spans[max(0, bisect_right(spans, day, key=lambda span: span.from_day) - 1)]

    def spans(self, key: PriceKey) -> tuple[Span, ...]:
        """All answers for a key over time, without gaps. A key of a raw name ("?name") is resolved again."""
        found = self._spans.get(key)
        if found is None:
            found = self._spans[key] = self._find_spans(key)
        return found

    def _find_spans(self, key: PriceKey) -> tuple[Span, ...]:
        named = self.resolve(key.model[1:]) if key.model.startswith("?") else key.model
        model = self._rows.get(named)
        if model is None:
            why = Unpriced(
                "unknown-model", "No model of that name is in the price book.", "a model id or a known alias"
            )
            return (Span(0, day_number(""), why),)
        if key.band not in BAND_EDGES:
            why = Unpriced("unknown-band", f"{key.band[:20]!r} is no prompt band.", ", ".join(BANDS))
            return (Span(0, day_number(""), why),)
        return rules_of(self.record, self.overlay, key._replace(model=named), model).spans()

    def intervals(self, price_keys: Iterable[str]) -> Intervals:
        """The dated prices of many keys as a table to join with."""
        from baseload.prices.tables import build_intervals  # noqa: PLC0415 - numpy only where tables are used

        return build_intervals(price_keys, self.spans)

    def age_days(self, as_of: dt.date) -> int:
        """Days since the book was last compared with its sources; negative when `as_of` is earlier."""
        return (as_of - self.checked).days

    def candidates(self, day: int) -> list[Model]:
        """Models anybody can call on a day, cheapest first by output, then input rate; newest first of equals.

        Released, not retired, priced, and not restricted to named organisations. Deprecated ones are included: their
        `retires` day says so.
        """
        priced: list[tuple[Decimal, Decimal, int, str, Model]] = []
        for model in self.models.values():
            if model.access != "general" or not day_number(model.released) <= day < day_number(model.retires):
                continue
            found = self.rates(PriceKey(model.id, "anthropic", "global", "standard", "standard", "0-100k"), day)
            if found:
                newest_first = -day_number(model.released)
                priced.append((found.low.output, found.low.uncached_input, newest_first, model.id, model))
        return [row[-1] for row in sorted(priced, key=lambda row: row[:-1])]

    def tokenizer_ratio(self, current: str, candidate: str) -> TokenizerRatio:
        """Tokens `candidate` makes of text that was one token on `current`: low, typical, high.

        All 1 within a family; the widest range where a family is not known (anthropic-facts 0.3).
        """
        return _ratio(self.record.tokenizer_ratio, self.models[current].tokenizer, self.models[candidate].tokenizer)


def _ratio(ratio: TokenizerRatio | None, current: str, candidate: str) -> TokenizerRatio:
    one = Decimal(1)
    if ratio is None or (current == candidate and current):
        return TokenizerRatio(low=one, typical=one, high=one)
    down = TokenizerRatio(low=one / ratio.high, typical=one / ratio.typical, high=one / ratio.low)
    if not current or not candidate:
        return TokenizerRatio(low=down.low, typical=one, high=ratio.high)
    return ratio if candidate == "new" else down


def _model(row: ModelRecord, features: Sequence[FeatureRecord]) -> Model:
    return Model(
        id=row.id,
        display_name=row.display_name,
        line=row.line,
        tokenizer=row.tokenizer,
        released=row.released,
        deprecated=row.deprecated,
        retires=row.retires,
        retires_not_before=row.retires_not_before,
        min_cacheable_tokens=row.min_cache,
        context_tokens=row.context,
        max_output_tokens=row.max_output,
        pool=row.pool,
        access=row.access,
        unpriced=row.unpriced,
        capabilities={feature.name: feature.models[row.id] for feature in features if row.id in feature.models},
    )


def _name_index(record: BookRecord) -> dict[str, str]:
    """Normal form -> model id."""
    names = {form: row.id for row in record.models for form in spell(row.id).forms[:1]}
    for alias in record.aliases:
        for name in alias.names:
            names[spell(name).forms[0]] = alias.model
        for date in alias.dates:
            names[f"{spell(alias.names[0]).forms[0]}-{date}"] = alias.model
    return names


def _folded(name: str) -> str:
    return name.strip().lower()
