"""What the input of a request costs under a cache policy: exact rates per model and band, exact sums.

Rates are integers of femto-dollars (1e-15 USD) a token, the unit in which every rate of the price book is whole, so no
figure here is ever rounded before it is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.levers.cache.trace import Trace
from baseload.prices.book import PriceBook
from baseload.prices.rates import PriceKey, RateRange, Rates
from baseload.values import decimal_usd

FEMTO_PER_NANO = 1_000_000
TTL_5M_US = 300_000_000
TTL_1H_US = 3_600_000_000
"""How long an entry lives after the start of the request that wrote or last read it (anthropic-facts section 3)."""
NEVER_CACHED = 1 << 62
"""The minimum of a model that has no prompt caching: no prompt is that long."""

_FEMTO_PER_TOKEN_OF_USD_PER_MTOK = 10**9
_BANDS = ("0-100k", "100k-200k", "200k+")
_EDGES = (100_000, 200_000)

Counts = NDArray[np.int64]


class TokenRates(msgspec.Struct, frozen=True, kw_only=True):
    """Femto-dollars one token costs in each input class."""

    uncached: int
    read: int
    write_5m: int
    write_1h: int


class ModelPrices(msgspec.Struct, frozen=True, kw_only=True):
    """One model's input rates on the stated day.

    `bands[k]` holds for prompts longer than `edges[k - 1]` and at most `edges[k]` tokens, cached tokens included
    (anthropic-facts 0.2). A prefix shorter than `minimum_tokens` is never cached; 0 = any length is.
    """

    model: str
    minimum_tokens: int
    edges: tuple[int, ...]
    bands: tuple[TokenRates, ...]

    def rates(self, prompt_tokens: int) -> TokenRates:
        """What each token of a request of this length costs."""
        return self.bands[sum(prompt_tokens > edge for edge in self.edges)]

    def multipliers(self) -> tuple[float, float, float]:
        """Read, 5m write and 1h write over plain input, in the first band; for decisions, never for bills."""
        first = self.bands[0]
        plain = first.uncached or 1
        return first.read / plain, first.write_5m / plain, first.write_1h / plain


class RateColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The rates of every request of a trace, one array entry each, in femto-dollars a token."""

    uncached: Counts
    read: Counts
    write_5m: Counts
    write_1h: Counts


class InputPrices(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of a trace: `models[i]` is what requests of `Trace.model == i` pay. `day` is days since 1970."""

    models: tuple[ModelPrices, ...]
    day: int

    def minimums(self, trace: Trace) -> Counts:
        """The shortest cacheable prefix of each request, in tokens."""
        return np.array([model.minimum_tokens for model in self.models], dtype=np.int64)[trace.model]

    def positions(self, trace: Trace) -> NDArray[np.int64]:
        """A number per request that names its (model, band): requests of one number pay the same rates."""
        position = np.zeros(len(trace), dtype=np.int64)
        for index, model in enumerate(self.models):
            mine = trace.model == index
            band = np.searchsorted(np.array(model.edges, dtype=np.int64), trace.prompt_tokens[mine], side="left")
            position[mine] = self._first(index) + band
        return position

    def _first(self, index: int) -> int:
        return sum(len(model.bands) for model in self.models[:index])

    def all_rates(self) -> list[TokenRates]:
        """Rates by the numbers of `positions`."""
        return [rates for model in self.models for rates in model.bands]

    def columns(self, trace: Trace) -> RateColumns:
        """The rates each request pays."""
        position, rates = self.positions(trace), self.all_rates()

        def column(name: str) -> Counts:
            values: Counts = np.array([getattr(row, name) for row in rates], dtype=np.int64)[position]
            return values

        return RateColumns(
            uncached=column("uncached"),
            read=column("read"),
            write_5m=column("write_5m"),
            write_1h=column("write_1h"),
        )

    def cheapest_reads(self, trace: Trace) -> Counts:
        """The lowest read rate of each request's model over its bands: what a read of a short prefix costs."""
        lowest = [min(rates.read for rates in model.bands) for model in self.models]
        return np.array(lowest, dtype=np.int64)[trace.model]


class PolicyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the input of some requests costs under one policy.

    `keep_alive_tokens` are reads nobody asked for, made to keep entries alive: in the money, not in the prompt. The
    four other counts add to the prompt tokens.
    """

    name: str
    requests: int
    femto_usd: int
    uncached_tokens: int
    read_tokens: int
    write_5m_tokens: int
    write_1h_tokens: int
    keep_alive_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        return self.uncached_tokens + self.read_tokens + self.write_5m_tokens + self.write_1h_tokens

    @property
    def write_tokens(self) -> int:
        return self.write_5m_tokens + self.write_1h_tokens

    @property
    def nano_usd(self) -> int:
        """Rounded half-even, once."""
        whole, rest = divmod(self.femto_usd, FEMTO_PER_NANO)
        half = FEMTO_PER_NANO // 2
        return whole + (rest > half or (rest == half and whole % 2 == 1))

    @property
    def usd(self) -> Decimal:
        return decimal_usd(self.nano_usd)

    @property
    def hit_rate(self) -> float:
        """Share of prompt tokens that were cache reads; 0 without any."""
        return self.read_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


def policy_result(
    name: str,
    trace: Trace,
    prices: InputPrices,
    *,
    read: Counts | None = None,
    write_5m: Counts | None = None,
    write_1h: Counts | None = None,
    keep_alive: Counts | None = None,
) -> PolicyResult:
    """The bill of a trace from the tokens each request read and wrote (one array entry a request; None = none).

    What a request neither read nor wrote is uncached. `keep_alive` are extra read tokens paid at the request's rates.
    """
    nothing: Counts = np.zeros(len(trace), dtype=np.int64)
    classes = [nothing if each is None else each for each in (read, write_5m, write_1h, keep_alive)]
    uncached = trace.prompt_tokens - classes[0] - classes[1] - classes[2]
    position, rates = prices.positions(trace), prices.all_rates()
    sums = [_sums(counts, position, len(rates)) for counts in (uncached, *classes)]
    femto = sum(
        plain * rate.uncached + (hit + kept) * rate.read + short * rate.write_5m + long * rate.write_1h
        for rate, plain, hit, short, long, kept in zip(rates, *sums, strict=True)
    )
    plain, hit, short, long, kept = (sum(counts) for counts in sums)
    return PolicyResult(
        name=name,
        requests=len(trace),
        femto_usd=femto,
        uncached_tokens=plain,
        read_tokens=hit,
        write_5m_tokens=short,
        write_1h_tokens=long,
        keep_alive_tokens=kept,
    )


def _sums(counts: Counts, position: NDArray[np.int64], size: int) -> list[int]:
    """Exact integer sums by position (`np.bincount` would go through floats)."""
    total: Counts = np.zeros(size, dtype=np.int64)
    np.add.at(total, position, counts)
    return [int(value) for value in total.tolist()]


def is_priced(book: PriceBook, model: str) -> bool:
    """Whether the book has ever had a price for this model id."""
    return model in book.models and _answer(book, model, _BANDS[0], 0) is not None


def prices_of(
    book: PriceBook,
    models: Sequence[str],
    day: int,
    *,
    read_multiplier: Decimal | None = None,
    minimum: bool = True,
) -> InputPrices:
    """The prices of these models on a day, on the Claude API at standard speed.

    A model that is retired by then is priced at its last price, one not yet sold at its first. `read_multiplier` makes
    every read that share of plain input; `minimum` False lets every prefix be cached. Raises KeyError for a model the
    book does not know or never had a price for.
    """
    return InputPrices(
        models=tuple(_model_prices(book, model, day, read_multiplier, minimum) for model in models), day=day
    )


def _model_prices(book: PriceBook, model: str, day: int, read_multiplier: Decimal | None, minimum: bool) -> ModelPrices:
    answers = [_answer(book, model, band, day) for band in _BANDS]
    first = answers[0]
    if first is None:
        raise KeyError(model)
    uncached = "cache_read_tokens" in first.unsold or not book.models[model].min_cacheable_tokens
    bands, edges = [_token_rates(first.low, read_multiplier)], []
    for edge, answer in zip(_EDGES, answers[1:], strict=True):
        if answer is None:  # a band the model takes no prompts of costs what the band below costs
            continue
        rates = _token_rates(answer.low, read_multiplier)
        if rates != bands[-1]:
            bands.append(rates)
            edges.append(edge)
    least = NEVER_CACHED if uncached else book.models[model].min_cacheable_tokens if minimum else 0
    return ModelPrices(model=model, minimum_tokens=least, edges=tuple(edges), bands=tuple(bands))


def _answer(book: PriceBook, model: str, band: str, day: int) -> RateRange | None:
    """The price on the day, else the last one before it, else the first after it."""
    spans = [
        span
        for span in book.spans(PriceKey(model, "anthropic", "global", "standard", "standard", band))
        if isinstance(span.answer, RateRange)
    ]
    begun = [span for span in spans if span.from_day <= day]
    chosen = begun[-1] if begun else spans[0] if spans else None
    return chosen.answer if chosen is not None and isinstance(chosen.answer, RateRange) else None


def _token_rates(rates: Rates, read_multiplier: Decimal | None) -> TokenRates:
    read = rates.cache_read if read_multiplier is None else rates.uncached_input * read_multiplier
    return TokenRates(
        uncached=_femto(rates.uncached_input),
        read=_femto(read),
        write_5m=_femto(rates.cache_write_5m),
        write_1h=_femto(rates.cache_write_1h),
    )


def _femto(usd_per_mtok: Decimal) -> int:
    return int(usd_per_mtok * _FEMTO_PER_TOKEN_OF_USD_PER_MTOK)
