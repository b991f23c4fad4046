"""What one call cost at list, exactly, by token class.

The vectorised counterpart is `tables.price_table`; both read the same rates and agree on every row.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from baseload.prices.book import PriceBook, PriceKey, RateRange, Rates, Unpriced
from baseload.prices.rates import DEAREST_ROW_USD, RATE_FIELDS
from baseload.prices.reasons import problem_of
from baseload.values import TOKEN_CLASSES, Call, Problem, band_of_context, band_of_prompt, day_of

MTOK = Decimal(1_000_000)


class CallPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars of one call (or aggregate row), unrounded, by token class; `server_tools` is web search.

    `high` is the same row at its dearest: a cache write of unknown TTL as a 1-hour write, an ambiguous prompt band at
    its dearest band. `notes` are codes of `reasons.NOTES`.
    """

    uncached_input: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal
    output: Decimal
    server_tools: Decimal
    high: Decimal
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """The sum of the six parts; the low end where the price is a range."""
        return (
            self.uncached_input
            + self.cache_read
            + self.cache_write_5m
            + self.cache_write_1h
            + self.output
            + self.server_tools
        )


def price_key(call: Call, book: PriceBook) -> PriceKey:
    """What decides a call's price besides the day; an unknown model is "?" + its raw name."""
    model = call.model or book.resolve(call.model_raw) or f"?{call.model_raw}"
    band = band_of_prompt(call.prompt_tokens) if call.grain == "call" else band_of_context(call.context)
    return PriceKey(model, call.platform, call.geo, call.tier, call.speed, band)


def price(call: Call, book: PriceBook) -> tuple[CallPrice | None, list[Problem]]:
    """The list price of one row on the day it started, or None with the one problem that says why not."""
    key = price_key(call, book)
    answer = book.span(key, day_of(call.start_us)).answer
    if isinstance(answer, Unpriced):
        return _unpriced(call, answer)
    counts = {name: int(getattr(call, name)) for name in (*TOKEN_CLASSES, "web_search_requests")}
    wrong = _wrong_count(counts, answer)
    if wrong:
        return _unpriced(call, wrong)
    priced = _priced(call, counts, answer)
    if priced.high > DEAREST_ROW_USD:
        return _unpriced(call, Unpriced("implausible-amount", "The row would cost billions of dollars."))
    return priced, []


def amounts(counts: Mapping[str, int], rates: Rates) -> dict[str, Decimal]:
    """Dollars by rate field of token counts by class, unrounded."""
    pairs = zip(TOKEN_CLASSES, RATE_FIELDS, strict=True)
    return {field: counts[name] * getattr(rates, field) / MTOK for name, field in pairs}


def dearest_writes(rates: Rates) -> Rates:
    """The same rates with 5-minute writes at the dearer of the two TTLs: the upper bound of an unknown TTL."""
    return msgspec.structs.replace(rates, cache_write_5m=max(rates.cache_write_5m, rates.cache_write_1h))


def _priced(call: Call, counts: dict[str, int], found: RateRange) -> CallPrice:
    server_tools = counts["web_search_requests"] * found.web_search
    dearest = dearest_writes(found.high) if "ttl_unknown" in call.flags.split(",") else found.high
    return CallPrice(
        **amounts(counts, found.low),
        server_tools=server_tools,
        high=sum(amounts(counts, dearest).values(), server_tools),
        notes=(*found.notes, *(("code-execution",) if call.code_execution_requests else ())),
    )


def _wrong_count(counts: Mapping[str, int], found: RateRange) -> Unpriced | None:
    for name, count in counts.items():
        if count < 0:
            return Unpriced("negative-tokens", f"{name} is {count}.", "0 or more")
        if count and name in found.unsold:
            return Unpriced("class-not-sold", f"{name} is {count}, but nothing of that kind is sold there.", "0")
    return None


def _unpriced(call: Call, why: Unpriced) -> tuple[None, list[Problem]]:
    value = call.model_raw or call.model
    return None, [problem_of(why, source=call.source, file=call.source_file, row=call.source_row, value=value)]
