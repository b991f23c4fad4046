"""What replaying one call costs, by arm and transport: the workload's own tokens at the price book's rates.

A replay finds no warm cache to rely on, so every prompt token is expected at the plain input rate. Low is the cache as
billed; high writes everything again that was cached, at the candidate's largest growth. Server tools are not replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal, NamedTuple

import msgspec

from baseload.prices.book import PriceBook, PriceKey, Rates
from baseload.prices.pricing import amounts
from baseload.values import TOKEN_CLASSES, Tokens

Transport = Literal["batch", "synchronous"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("batch", "synchronous")
_TIER: Final[Mapping[Transport, str]] = {"batch": "batch", "synchronous": "standard"}
MICRO: Final = Decimal("0.000001")
ORDERS: Final = 2
"""A judge sees every pair in both orders."""
JUDGE_FRAME_TOKENS: Final = 500
JUDGE_ANSWER_TOKENS: Final = 300
"""Assumed of one question to a judge: its rubric, and what it writes before its line of JSON."""
JUDGE_CONTEXT_TOKENS: Final = 10_000
"""Most of a request that a judge is shown: 40,000 characters, at four a token."""


class Usd(msgspec.Struct, frozen=True, rename={"low": "low_usd", "likely": "likely_usd", "high": "high_usd"}):
    """Dollars at list: bounds of what is known, low <= likely <= high. In JSON `low_usd`, `likely_usd`, `high_usd`."""

    low: Decimal
    likely: Decimal
    high: Decimal

    def times(self, factor: Decimal | int) -> Usd:
        return Usd(self.low * factor, self.likely * factor, self.high * factor)

    def plus(self, other: Usd) -> Usd:
        return Usd(self.low + other.low, self.likely + other.likely, self.high + other.high)

    @property
    def rounded(self) -> Usd:
        """To a millionth of a dollar, half-even: one short call to the cheapest model is a quarter of a thousandth."""
        parts = (self.low, self.likely, self.high)
        return Usd(*(part.quantize(MICRO, rounding=ROUND_HALF_EVEN) for part in parts))


NOTHING: Final = Usd(Decimal(0), Decimal(0), Decimal(0))


class Factors(NamedTuple):
    """Low, likely and high of a multiplier of tokens."""

    low: Decimal = Decimal(1)
    likely: Decimal = Decimal(1)
    high: Decimal = Decimal(1)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of a workload at one price key, and the sum of their tokens as billed."""

    key: PriceKey
    calls: int
    tokens: Tokens


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A model calls are replayed on. `output` is how much longer it answers, beside the tokenizer; 1 = as recorded."""

    model: str
    output: Factors = Factors()


def replay_usd(shapes: Sequence[Shape], target: Target, transport: Transport, book: PriceBook, day: int) -> Usd | None:
    """List dollars of one mean call of the workload on a model; None where it has no price there on that day.

    Each part of the workload stays on its platform and geography; tokens grow by the tokenizers' measured ratio.
    """
    calls = sum(shape.calls for shape in shapes)
    parts = [_part_usd(shape, target, transport, book, day) for shape in shapes if shape.calls]
    total = NOTHING
    for part in parts:
        if part is None:
            return None
        total = total.plus(part)
    return Usd(total.low / calls, total.likely / calls, total.high / calls) if calls else None


def _part_usd(shape: Shape, target: Target, transport: Transport, book: PriceBook, day: int) -> Usd | None:
    key = shape.key._replace(model=target.model, tier=_TIER[transport], speed="standard")
    found = book.rates(key, day)
    if found is None:
        return None
    growth = growth_of(shape.key.model, target.model, book)
    low = _amount(shape.tokens, growth.low, target.output.low, found.low)
    likely = _amount(_uncached(shape.tokens), growth.likely, target.output.likely, found.low)
    high = _amount(_rewritten(shape.tokens, found.high), growth.high, target.output.high, found.high)
    return Usd(min(low, likely), likely, max(likely, high))


def growth_of(current: str, candidate: str, book: PriceBook) -> Factors:
    """Tokens of the same text on another model; 1 where the book does not know one of the two."""
    if current not in book.models or candidate not in book.models:
        return Factors()
    ratio = book.tokenizer_ratio(current, candidate)
    return Factors(ratio.low, ratio.typical, ratio.high)


def _amount(tokens: Tokens, growth: Decimal, output: Decimal, rates: Rates) -> Decimal:
    counts = {name: int(getattr(tokens, name)) for name in TOKEN_CLASSES}
    parts = amounts(counts, rates)
    return growth * (sum(parts.values(), Decimal(0)) + (output - 1) * parts["output"])


def _uncached(tokens: Tokens) -> Tokens:
    return Tokens(uncached_input_tokens=tokens.prompt_tokens, output_tokens=tokens.output_tokens)


def _rewritten(tokens: Tokens, rates: Rates) -> Tokens:
    """What was cached is written again, at the dearer lifetime of those in use."""
    cached = tokens.prompt_tokens - tokens.uncached_input_tokens
    hour = tokens.cache_write_1h_tokens > 0 or (cached > 0 and not tokens.cache_write_5m_tokens)
    if max(rates.cache_write_5m, rates.cache_write_1h) < rates.uncached_input:
        return _uncached(tokens)
    return Tokens(
        uncached_input_tokens=tokens.uncached_input_tokens,
        cache_write_5m_tokens=0 if hour else cached,
        cache_write_1h_tokens=cached if hour else 0,
        output_tokens=tokens.output_tokens,
    )


def judge_usd(shapes: Sequence[Shape], judge: str, transport: Transport, book: PriceBook, day: int) -> Usd | None:
    """List dollars of judging one pair, both orders: request and two answers in, a few lines out. None = no price.

    A long request is shown in part. Answers are taken as long as the recorded ones.
    """
    calls = sum(shape.calls for shape in shapes)
    if not calls:
        return None
    asked = [
        msgspec.structs.replace(
            shape,
            tokens=Tokens(
                uncached_input_tokens=min(shape.tokens.prompt_tokens, shape.calls * JUDGE_CONTEXT_TOKENS)
                + 2 * shape.tokens.output_tokens
                + shape.calls * JUDGE_FRAME_TOKENS,
                output_tokens=shape.calls * JUDGE_ANSWER_TOKENS,
            ),
        )
        for shape in shapes
    ]
    once = replay_usd(asked, Target(model=judge), transport, book, day)
    return None if once is None else once.times(ORDERS)
