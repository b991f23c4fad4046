"""Which part of a workload would lie above a prompt length once it is counted by another tokenizer.

Prompt lengths come from calls, as bins (`ledger.prompt_sizes`), else from the price bands of the workload's positions,
which are wide bins. A bin that holds the length asked about counts nothing in the low share and all in the high one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from baseload.ledger.prompt_sizes import EDGES, SizeBin
from baseload.levers.position import Position, cost_nano
from baseload.levers.route.factors import Factor
from baseload.prices.book import PriceBook, PriceKey, Rates
from baseload.values import BANDS, Tokens
from baseload.values.bands import BAND_EDGES

CHEAP_BAND: Final = "0-100k"
_ENDLESS: Final = 1 << 40
_SPAN_OF_BAND: Final = {
    "0-100k": (0, BAND_EDGES[0]),
    "100k-200k": BAND_EDGES,
    "200k+": (BAND_EDGES[1], _ENDLESS),
    "0-200k": (0, BAND_EDGES[1]),
}
_LOWER: Final = dict(zip((*EDGES, 0), (0, *EDGES), strict=True))


class Stretch(NamedTuple):
    """Tokens of calls on one model whose prompts are longer than `above` and at most `up_to` tokens.

    `mean` is the mean prompt, 0 where not known: what a stretch is judged by that holds the length asked about.
    """

    model: str
    above: int
    up_to: int
    mean: int
    tokens: Tokens


class Shares(NamedTuple):
    """Low, likely and high of a share, 0 to 1."""

    low: float
    likely: float
    high: float


def stretches(positions: Iterable[Position], sizes: Iterable[SizeBin]) -> tuple[Stretch, ...]:
    """The bins of a workload's calls; where none was seen, its positions by price band."""
    seen = [_of_bin(one) for one in sizes]
    return tuple(seen or [_of_position(one) for one in positions])


def _of_bin(one: SizeBin) -> Stretch:
    mean = one.tokens.prompt_tokens // one.calls if one.calls else 0
    model = PriceKey.parse(one.price_key).model
    return Stretch(model, _LOWER[one.up_to], one.up_to or _ENDLESS, mean, one.tokens)


def _of_position(position: Position) -> Stretch:
    """A call's own band is narrow enough for the mean prompt to stand for all of it; a report's band is not."""
    above, up_to = _SPAN_OF_BAND.get(position.key.band, (0, _ENDLESS))
    requests = position.requests or 0
    mean = position.tokens.prompt_tokens // requests if requests else 0
    if mean and position.key.band in BANDS[:3]:
        above, up_to = max(mean - 1, 0), mean
    return Stretch(position.key.model, above, up_to, mean, position.tokens)


def share_above(
    parts: Sequence[Stretch],
    length: int,
    growth_of: Callable[[str], Factor],
    weight_of: Callable[[Tokens], int],
) -> Shares:
    """Share (by weight) of the calls whose prompt is longer than `length` tokens after growing; 0 without weight.

    `growth_of` gives the growth of the tokens of a model. Half of a stretch that holds the length and whose mean
    nobody knows is the likely share.
    """
    weights = [weight_of(part.tokens) for part in parts]
    whole = sum(weights)
    if not whole:
        return Shares(0.0, 0.0, 0.0)
    sums = [0.0, 0.0, 0.0]
    lengths = {
        model: [_before(length, bound) for bound in growth_of(model)] for model in {part.model for part in parts}
    }
    for part, weight in zip(parts, weights, strict=True):
        for bound, before in enumerate(lengths[part.model]):
            sums[bound] += weight * _part_above(part, before, bound)
    low, likely, high = (found / whole for found in sums)
    return Shares(low, min(max(likely, low), high), high)


def _before(length: int, growth: Decimal) -> int:
    """The longest prompt that is at most `length` after growing; the rounding undoes that of 1/1.35."""
    return int((length / growth).quantize(Decimal("0.001")))


def _part_above(part: Stretch, length: int, bound: int) -> float:
    if part.above >= length:
        return 1.0
    if part.up_to <= length:
        return 0.0
    if bound != 1:
        return float(bound == 2)
    return float(part.mean > length) if part.mean else 0.5


class DearBand(NamedTuple):
    """Above `length` prompt tokens a request costs the dear rates, whole; up to it the cheap ones."""

    length: int
    cheap: Rates
    dear: Rates


def dear_band(book: PriceBook, key: PriceKey, day: int) -> DearBand | None:
    """The price step of a key's model, whatever band the key says; None where one price holds at every length."""
    cheap = book.rates(key._replace(band=CHEAP_BAND), day)
    for length, band in zip(BAND_EDGES, ("100k-200k", "200k+"), strict=True):
        dear = book.rates(key._replace(band=band), day)
        if cheap and dear and dear.high != cheap.high:
            return DearBand(length, cheap.low, dear.high)
    return None


def dollars(rates: Rates) -> Callable[[Tokens], int]:
    """Weight of tokens: what they cost at some rates, in nano-dollars."""
    return lambda tokens: cost_nano(tokens, rates)


def prompt_weight(tokens: Tokens) -> int:
    return tokens.prompt_tokens


def cached_weight(tokens: Tokens) -> int:
    return tokens.prompt_tokens - tokens.uncached_input_tokens
