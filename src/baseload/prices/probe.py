"""The requests a cross-check asks about: models x token classes x days x modifiers, each one request of one class."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.pricing import amounts
from baseload.prices.rules import day_number
from baseload.values import TOKEN_CLASSES, band_of_prompt

PROMPTS = (50_000, 150_000, 250_000)
"""One prompt length inside each band."""

OUTPUT_TOKENS = 1_000
SEARCHES = 5


class Probe(NamedTuple):
    """One request: its key, its day, and tokens of one class (an output probe also has a plain prompt of that band)."""

    key: PriceKey
    day: int
    charge: str  # one of TOKEN_CLASSES, or "web_search_requests"
    counts: dict[str, int]


class Service(NamedTuple):
    """One way to buy a model; `history` asks about every day a price changed, otherwise only about the last day."""

    platform: str
    geo: str
    tier: str
    speed: str
    history: bool = False


SERVICES = (
    Service("anthropic", "global", "standard", "standard", history=True),
    Service("anthropic", "global", "batch", "standard", history=True),
    Service("anthropic", "global", "standard", "fast", history=True),
    Service("anthropic", "us", "standard", "standard"),
    Service("bedrock", "global", "standard", "standard"),
    Service("bedrock", "regional", "standard", "standard"),
    Service("bedrock", "regional", "batch", "standard"),
    Service("bedrock", "us_gov", "standard", "standard"),
    Service("vertex", "global", "standard", "standard", history=True),
    Service("vertex", "regional", "standard", "standard"),
    Service("vertex", "global", "batch", "standard"),
)


def probes(book: PriceBook, last_day: int) -> Iterator[Probe]:
    """Every request to compare: days up to `last_day` or the model's retirement, combinations our book prices."""
    for model, row in book.models.items():
        last = min(last_day, day_number(row.retires) - 1)
        for service in SERVICES:
            for prompt in PROMPTS:
                key = PriceKey(
                    model, service.platform, service.geo, service.tier, service.speed, band_of_prompt(prompt)
                )
                for day in sorted(_days(book, key, last) if service.history else {last}):
                    yield from _probes_of(book, key, day, prompt)


def our_price(book: PriceBook, probe: Probe) -> Decimal | None:
    """Our list price of a probe in USD."""
    found = book.rates(probe.key, probe.day)
    if found is None:
        return None
    counts = dict.fromkeys((*TOKEN_CLASSES, "web_search_requests"), 0) | probe.counts
    return sum(amounts(counts, found.low).values(), counts["web_search_requests"] * found.web_search)


def _days(book: PriceBook, key: PriceKey, last_day: int) -> set[int]:
    """The first day of every price, the day before it, and the last day."""
    starts = {span.from_day for span in book.spans(key)}
    return {day for start in starts for day in (start - 1, start) if 0 <= day <= last_day} | {last_day}


def _probes_of(book: PriceBook, key: PriceKey, day: int, prompt: int) -> Iterator[Probe]:
    found = book.rates(key, day)
    if found is None:
        return
    for name in TOKEN_CLASSES:
        if name not in found.unsold:
            output = {"uncached_input_tokens": prompt, "output_tokens": OUTPUT_TOKENS}
            yield Probe(key, day, name, output if name == "output_tokens" else {name: prompt})
    if "web_search_requests" not in found.unsold and prompt == PROMPTS[0]:
        yield Probe(key, day, "web_search_requests", {"uncached_input_tokens": prompt, "web_search_requests": SEARCHES})
