"""What it costs to change the model of a session that runs: caches belong to one model, the new one's is cold."""

from __future__ import annotations

from baseload.prices.book import PriceBook
from baseload.prices.rates import PriceKey, Rates
from baseload.values import band_of_prompt, day_of


def pays(book: PriceBook, before: str, after: str, cached_tokens: int, now_us: int) -> bool:
    """Whether writing `cached_tokens` on `after` costs no more than reading them once more on `before`.

    So the switch pays within this very call, whatever the session does next; that is strict on purpose, since how long
    a session lasts is not known. `cached_tokens` as `before` counts them, 0 = nothing is cached: the switch is free.
    The new model's tokens are taken at the most the tokenizers may differ. False where a price is not known.
    """
    if cached_tokens <= 0:
        return True
    if before not in book.models or after not in book.models:
        return False
    grown = int(cached_tokens * book.tokenizer_ratio(before, after).high) + 1
    day = day_of(now_us)
    warm, cold = _rates(book, before, cached_tokens, day), _rates(book, after, grown, day)
    if warm is None or cold is None:
        return False
    return grown * cold.cache_write_5m <= cached_tokens * warm.cache_read


def _rates(book: PriceBook, model: str, tokens: int, day: int) -> Rates | None:
    found = book.rates(PriceKey(model, "anthropic", "global", "standard", "standard", band_of_prompt(tokens)), day)
    return found.high if found else None
