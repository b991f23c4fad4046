"""What an answer cost at list, the moment it ends: what its budgets are settled with. Never a bill."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Final, NamedTuple

import msgspec

from baseload.gateway.calllog.records import End, Head, Start
from baseload.prices.book import PriceBook
from baseload.prices.pricing import dearest_writes, price
from baseload.prices.rates import DEAREST_ROW_USD, RATE_FIELDS, PriceKey, Rates
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_pairs import Pair
from baseload.usage.gateway_rows import calls_of, served_and_requested, usage_of, was_not_billed
from baseload.usage.normal import MAX_CALL_TOKENS, geo_of, speed_of, tier_of
from baseload.usage.reader import ReadContext
from baseload.values import NANO_PER_USD, Call, OrgKey, band_of_prompt

_NOBODY: Final = OrgKey(b"not a key: nothing is fingerprinted here")
_ATTO_PER_USD: Final = 10**18
_ATTO_PER_NANO: Final = 10**9
_TOKENS_PER_RATE: Final = 1_000_000
_DAY_US: Final = 86_400_000_000
_MOST_KEPT: Final = 4_096
_PROMPT: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
DEAREST_ROW_ATTO: Final = int(DEAREST_ROW_USD * _ATTO_PER_USD)


_Tokens = tuple[int, int, int, int, int]
"""In the order of TOKEN_CLASSES. Those written for a time nobody said count as written for five minutes."""
_Said = tuple[str | None, str | None, str | None]
"""Tier, speed and geography as an answer's usage names them, in any spelling; None or "" where it does not."""
_Sold = tuple[str, str, str, str, str, _Said, str, int]
"""What a price hangs on: model served, platform, tier, speed and geography as sent, what the answer said, band, day."""
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


class _Prices(NamedTuple):
    """Of one token, and one web search, in attodollars (1e-18 USD): whole numbers, since rates end at 1e-9 USD."""

    classes: _Tokens
    unsplit_write: int  # written for a time nobody said: the dearer of the two
    web_search: int


class Pricing:
    """Prices ends by one price book. Exact, and the dearer end where a price is a range: a budget is never let down."""

    def __init__(self, book: PriceBook) -> None:
        self._book = book
        self._context = ReadContext(org_key=_NOBODY, resolve_model=book.resolve, want_features=False)
        self._prices: dict[_Sold, _Prices | None] = {}

    def cost_nano(self, start: Start, end: End) -> int | None:
        """Nano-dollars of an attempt, other models' parts included; None where tokens or price are not known.

        0 for an attempt that was answered with an error, or never sent. One whose answer never came, or broke off
        before its final usage, may have been billed for all it could write.
        """
        if end.usage is None:
            return 0 if was_not_billed(end) else None
        return self.seen_nano(start, end) if end.settled else None

    def seen_nano(self, start: Start, end: End) -> int | None:
        """Nano-dollars of the tokens that were seen; of an answer that broke off, the least that it cost."""
        try:
            found = msgspec.convert(end.usage, _Usual)
        except msgspec.ValidationError:
            return self._unusual(start, end)
        uncached, read, output = found.input_tokens or 0, found.cache_read_input_tokens or 0, found.output_tokens or 0
        split, tools = found.cache_creation, found.server_tool_use
        write_5m = (split.ephemeral_5m_input_tokens or 0) if split is not None else 0
        write_1h = (split.ephemeral_1h_input_tokens or 0) if split is not None else 0
        unsplit = max((found.cache_creation_input_tokens or 0) - write_5m - write_1h, 0)
        tokens = (uncached, read, write_5m + unsplit, write_1h, output)
        searches = (tools.web_search_requests or 0) if tools is not None else 0
        said = (found.service_tier, found.speed, found.inference_geo)
        prices = self._prices_of(start, end.model, said, uncached + read + write_5m + unsplit + write_1h)
        return self._row_by_row(start, end) if prices is None else _nano(tokens, unsplit > 0, searches, prices)

    def most_nano(self, start: Start, end: End) -> int | None:
        """Nano-dollars of an answer that broke off, had it written all it was allowed to; None where that is not known.

        Its prompt is billed as its beginning said, which a hold can only guess from above by its bytes.
        """
        usage = end.usage
        if usage is None or start.max_tokens is None or not any(isinstance(usage.get(name), int) for name in _PROMPT):
            return None
        seen = usage.get("output_tokens")
        written = max(start.max_tokens, seen if isinstance(seen, int) else 0)
        return self.seen_nano(start, msgspec.structs.replace(end, usage={**usage, "output_tokens": written}))

    def _unusual(self, start: Start, end: End) -> int | None:
        """A usage object of another form: `usage.normal` says what it means."""
        try:
            found = usage_of(start, end)
        except BadRecord:
            return None
        if found is None or found.extra:
            return self._row_by_row(start, end)
        usage = end.usage or {}
        by_class = found.tokens
        tokens = (
            by_class.uncached_input_tokens,
            by_class.cache_read_tokens,
            by_class.cache_write_5m_tokens,
            by_class.cache_write_1h_tokens,
            by_class.output_tokens,
        )
        served, _ = served_and_requested(start, end)
        speed = found.speed if usage.get("speed") else None
        said = (found.tier, speed, found.geo if usage.get("inference_geo") else None)
        prices = self._prices_of(start, served, said, sum(tokens[:4]))
        if prices is None:
            return self._row_by_row(start, end)
        return _nano(tokens, "ttl_unknown" in found.flags, found.web_search_requests, prices)

    def _prices_of(self, start: Start, model: str, said: _Said, prompt_tokens: int) -> _Prices | None:
        """Prices of an ordinary answer; None where the rows have to say what is wrong, or what it is."""
        sold = (
            model or start.sent_model or start.model, start.platform, start.tier, start.speed, start.geo, said,
            band_of_prompt(prompt_tokens), start.us // _DAY_US,
        )  # fmt: skip
        try:
            return self._prices[sold]
        except KeyError:
            if len(self._prices) >= _MOST_KEPT:
                self._prices.clear()
            prices = self._prices[sold] = self._looked_up(sold)
            return prices

    def _looked_up(self, sold: _Sold) -> _Prices | None:
        """What the answer does not say is as the call was sent."""
        served, platform, asked_tier, asked_speed, asked_geo, (tier, speed, geo), band, day = sold
        billed_tier = tier_of(tier)
        key = PriceKey(
            model=self._book.resolve(served) or f"?{served}",
            platform=platform,
            geo=geo_of(geo) if geo else asked_geo,
            tier=billed_tier if billed_tier != "standard" else asked_tier,
            speed=speed_of(speed) if speed else asked_speed,
            band=band,
        )
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


def _nano(tokens: _Tokens, unsplit: bool, web_searches: int, prices: _Prices) -> int | None:
    uncached, read, write_5m, write_1h, output = tokens
    per = prices.classes
    atto = (
        uncached * per[0]
        + read * per[1]
        + write_5m * (prices.unsplit_write if unsplit else per[2])
        + write_1h * per[3]
        + output * per[4]
        + web_searches * prices.web_search
    )
    if atto > DEAREST_ROW_ATTO:
        return None
    whole, rest = divmod(atto, _ATTO_PER_NANO)
    half = _ATTO_PER_NANO // 2
    return whole + (rest > half or (rest == half and whole % 2 == 1))
