"""What an answer cost at list, the moment it ends: what its budgets are settled with. Never a bill."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from baseload.gateway.calllog.records import End, Head, Start
from baseload.prices.book import PriceBook
from baseload.prices.pricing import dearest_writes, price
from baseload.prices.rates import DEAREST_ROW_USD, RATE_FIELDS, PriceKey, Rates
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair
from baseload.usage.gateway_rows import calls_of, served_and_requested, usage_of
from baseload.usage.normal import UsageTokens
from baseload.usage.reader import ReadContext
from baseload.values import NANO_PER_USD, Call, OrgKey, band_of_prompt

_NOBODY: Final = OrgKey(b"not a key: nothing is fingerprinted here")
_ATTO_PER_USD: Final = 10**18
_ATTO_PER_NANO: Final = 10**9
_TOKENS_PER_RATE: Final = 1_000_000
_DAY_US: Final = 86_400_000_000
_MOST_KEPT: Final = 4_096


class _Prices(NamedTuple):
    """Of one token, and one web search, in attodollars (1e-18 USD): whole numbers, since rates end at 1e-9 USD."""

    classes: tuple[int, int, int, int, int]  # in the order of TOKEN_CLASSES
    unsplit_write: int  # written for a time nobody said: the dearer of the two
    web_search: int


class Pricing:
    """Prices ends by one price book. Exact, and the dearer end where a price is a range: a budget is never let down."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._context = ReadContext(org_key=_NOBODY, resolve_model=book.resolve, want_features=False)
        self._prices: dict[tuple[str, str, str, str, str, str, int], _Prices | None] = {}

    def cost_nano(self, start: Start, end: End) -> int | None:
        """Nano-dollars of an attempt, other models' parts included; None where tokens or price are not known.

        0 for an attempt that was not answered.
        """
        if end.usage is None:
            return 0 if end.outcome in ("error", "failed") or end.status >= 400 else None
        try:
            found = usage_of(start, end)
        except BadRecord:
            return None
        if found is None or found.extra:
            return self._row_by_row(start, end)
        prices = self._prices_of(start, end, found)
        return self._row_by_row(start, end) if prices is None else _nano(found, prices)

    def _prices_of(self, start: Start, end: End, found: UsageTokens) -> _Prices | None:
        """Prices of an ordinary answer; None where the rows have to say what is wrong, or what it is."""
        usage = end.usage or {}
        served, _ = served_and_requested(start, end)
        key = (
            served,
            start.platform,
            found.geo if usage.get("inference_geo") else start.geo,
            found.tier if found.tier != "standard" else start.tier,
            found.speed if usage.get("speed") else start.speed,
            band_of_prompt(found.tokens.prompt_tokens),
            start.us // _DAY_US,
        )
        if key not in self._prices:
            if len(self._prices) >= _MOST_KEPT:
                self._prices.clear()
            self._prices[key] = self._looked_up(PriceKey(self._book.resolve(served) or f"?{served}", *key[1:6]), key[6])
        return self._prices[key]

    def _looked_up(self, key: PriceKey, day: int) -> _Prices | None:
        found = self._book.rates(key, day)
        if found is None or found.unsold:
            return None
        return _Prices(
            _per_token(found.high), _per_token(dearest_writes(found.high))[2], int(found.web_search * _ATTO_PER_USD)
        )

    def _row_by_row(self, start: Start, end: End) -> int | None:
        """As the ledger's rows are priced: slower, and knows every case."""
        calls = list(calls_of(Pair(Head(replica_id="", began_us=start.us), start, end, 0), self._context))
        amounts = [self._usd(call) for call in calls]
        known = [amount for amount in amounts if amount is not None]
        return nano(sum(known, Decimal(0))) if len(known) == len(amounts) else None

    def _usd(self, call: Call) -> Decimal | None:
        found, _ = price(call, self._book)
        return None if found is None else found.high


def nano(amount_usd: Decimal) -> int:
    """Rounded half-even, once."""
    return int((amount_usd * NANO_PER_USD).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def _per_token(rates: Rates) -> tuple[int, int, int, int, int]:
    per = [int(getattr(rates, field) * _ATTO_PER_USD) // _TOKENS_PER_RATE for field in RATE_FIELDS]
    return per[0], per[1], per[2], per[3], per[4]


def _nano(found: UsageTokens, prices: _Prices) -> int | None:
    tokens, per = found.tokens, prices.classes
    write = prices.unsplit_write if "ttl_unknown" in found.flags else per[2]
    atto = (
        tokens.uncached_input_tokens * per[0]
        + tokens.cache_read_tokens * per[1]
        + tokens.cache_write_5m_tokens * write
        + tokens.cache_write_1h_tokens * per[3]
        + tokens.output_tokens * per[4]
        + found.web_search_requests * prices.web_search
    )
    if atto > DEAREST_ROW_USD * _ATTO_PER_USD:
        return None
    whole, rest = divmod(atto, _ATTO_PER_NANO)
    half = _ATTO_PER_NANO // 2
    return whole + (rest > half or (rest == half and whole % 2 == 1))
