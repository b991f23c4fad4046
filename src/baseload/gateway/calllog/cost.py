"""What an answer cost at list, the moment it ends: what its budgets are settled with. Never a bill."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from baseload.gateway.calllog.records import End, Head, Start
from baseload.prices.book import PriceBook
from baseload.prices.pricing import dearest_writes, price
from baseload.prices.rates import DEAREST_ROW_USD, RATE_FIELDS, PriceKey, Rates
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair
from baseload.usage.gateway_rows import calls_of, served_and_requested, usage_of
from baseload.usage.normal import MAX_CALL_TOKENS, UsageTokens, geo_of, speed_of, tier_of
from baseload.usage.reader import ReadContext
from baseload.values import NANO_PER_USD, Call, OrgKey, band_of_prompt

_NOBODY: Final = OrgKey(b"not a key: nothing is fingerprinted here")
_ATTO_PER_USD: Final = 10**18
_ATTO_PER_NANO: Final = 10**9
_TOKENS_PER_RATE: Final = 1_000_000
_DAY_US: Final = 86_400_000_000
_MOST_KEPT: Final = 4_096
DEAREST_ROW_ATTO: Final = int(DEAREST_ROW_USD * _ATTO_PER_USD)


Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_CALL_TOKENS)]


class _Split(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Count | None = 0
    ephemeral_1h_input_tokens: Count | None = 0


class _Tools(msgspec.Struct, gc=False):
    web_search_requests: Count | None = 0
    web_fetch_requests: Count | None = 0
    code_execution_requests: Count | None = 0


class _Details(msgspec.Struct, gc=False):
    thinking_tokens: Count | None = 0


class _Usual(msgspec.Struct, gc=False):
    """A usage object of the usual form, read in one go; whatever is not of it is read by `usage.normal`."""

    input_tokens: Count | None = 0
    cache_read_input_tokens: Count | None = 0
    cache_creation_input_tokens: Count | None = 0
    output_tokens: Count | None = 0
    cache_creation: _Split | None = None
    server_tool_use: _Tools | None = None
    output_tokens_details: _Details | None = None
    iterations: tuple[()] | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None


class _Billed(NamedTuple):
    """What an attempt is priced by: tokens in the order of TOKEN_CLASSES, and what its answer said of the price."""

    tokens: tuple[int, int, int, int, int]
    unsplit: bool
    web_searches: int
    tier: str
    speed: str
    geo: str


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
        billed = _usual(end.usage)
        if billed is None:
            try:
                found = usage_of(start, end)
            except BadRecord:
                return None
            if found is None or found.extra:
                return self._row_by_row(start, end)
            billed = _billed(found)
        prices = self._prices_of(start, end, billed)
        return self._row_by_row(start, end) if prices is None else _nano(billed, prices)

    def _prices_of(self, start: Start, end: End, found: _Billed) -> _Prices | None:
        """Prices of an ordinary answer; None where the rows have to say what is wrong, or what it is."""
        usage = end.usage or {}
        served, _ = served_and_requested(start, end)
        key = (
            served,
            start.platform,
            found.geo if usage.get("inference_geo") else start.geo,
            found.tier if found.tier != "standard" else start.tier,
            found.speed if usage.get("speed") else start.speed,
            band_of_prompt(sum(found.tokens[:4])),
            start.us // _DAY_US,
        )
        try:
            return self._prices[key]
        except KeyError:
            if len(self._prices) >= _MOST_KEPT:
                self._prices.clear()
            known = PriceKey(self._book.resolve(served) or f"?{served}", *key[1:6])
            prices = self._prices[key] = self._looked_up(known, key[6])
            return prices

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


def _usual(usage: dict[str, Any]) -> _Billed | None:
    """What a usage object of the usual form says, as `usage.normal` reads it; None for any other form."""
    try:
        found = msgspec.convert(usage, _Usual)
    except msgspec.ValidationError:
        return None
    split, tools = found.cache_creation, found.server_tool_use
    write_5m = (split.ephemeral_5m_input_tokens or 0) if split is not None else 0
    write_1h = (split.ephemeral_1h_input_tokens or 0) if split is not None else 0
    unsplit = max((found.cache_creation_input_tokens or 0) - write_5m - write_1h, 0)
    return _Billed(
        (
            found.input_tokens or 0,
            found.cache_read_input_tokens or 0,
            write_5m + unsplit,
            write_1h,
            found.output_tokens or 0,
        ),
        unsplit > 0,
        (tools.web_search_requests or 0) if tools is not None else 0,
        tier_of(found.service_tier),
        speed_of(found.speed),
        geo_of(found.inference_geo),
    )


def _billed(found: UsageTokens) -> _Billed:
    tokens = found.tokens
    return _Billed(
        (
            tokens.uncached_input_tokens,
            tokens.cache_read_tokens,
            tokens.cache_write_5m_tokens,
            tokens.cache_write_1h_tokens,
            tokens.output_tokens,
        ),
        "ttl_unknown" in found.flags,
        found.web_search_requests,
        found.tier,
        found.speed,
        found.geo,
    )


def _nano(found: _Billed, prices: _Prices) -> int | None:
    tokens, per = found.tokens, prices.classes
    write = prices.unsplit_write if found.unsplit else per[2]
    atto = (
        tokens[0] * per[0]
        + tokens[1] * per[1]
        + tokens[2] * write
        + tokens[3] * per[3]
        + tokens[4] * per[4]
        + found.web_searches * prices.web_search
    )
    if atto > DEAREST_ROW_ATTO:
        return None
    whole, rest = divmod(atto, _ATTO_PER_NANO)
    half = _ATTO_PER_NANO // 2
    return whole + (rest > half or (rest == half and whole % 2 == 1))
