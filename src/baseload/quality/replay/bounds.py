"""What an item can cost at most, before it is sent, and what it did cost, from the usage the API returned.

The bound is never passed: a token is at least a byte of the request, the answer is at most max_tokens, and prices are
the dearest that could apply. What has no such bound has no place in a replay.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.prices.book import PriceBook, PriceKey
from baseload.prices.pricing import MTOK, price
from baseload.quality.blocks import history_blocks
from baseload.quality.replay.plan import Item, ReplayPlan
from baseload.usage.capabilities import request_features
from baseload.usage.normal import BadRecord, call_id, tokens_from_usage
from baseload.values import BANDS, DAY_US, Call, band_of_prompt

FRAME_TOKENS: Final = 2000
"""What the API adds around a request: tool instructions, roles (hundreds of tokens; a margin)."""
TOKENS_PER_IMAGE: Final = 6000
_CALL_BANDS: Final = BANDS[:3]


def tier_of(plan: ReplayPlan) -> str:
    return "batch" if plan.transport == "batch" else "standard"


def most_usd(item: Item, plan: ReplayPlan, book: PriceBook, day: int) -> Decimal | None:
    """The most the item can cost in list dollars on a day; None where nothing bounds it or it has no price."""
    model, most = book.models.get(item.model), item.params.get("max_tokens")
    if model is None or not isinstance(most, int) or most < 0:
        return None
    prompt = item.prompt_tokens_most or _prompt_most(item.params, model.context_tokens)
    bands = _CALL_BANDS[: _CALL_BANDS.index(band_of_prompt(prompt)) + 1]
    found = [_at_band(item, plan, book, day, band, prompt, most) for band in bands]
    return max((one for one in found if one is not None), default=None)


def _at_band(
    item: Item, plan: ReplayPlan, book: PriceBook, day: int, band: str, prompt: int, most: int
) -> Decimal | None:
    geo = "us" if item.params.get("inference_geo") == "us" else plan.geo
    speed = "fast" if item.params.get("speed") == "fast" else "standard"
    found = book.rates(PriceKey(item.model, plan.platform, geo, tier_of(plan), speed, band), day)
    if found is None:
        return None
    rates, marked = found.high, "cache_control" in request_features(item.params).split(",")
    dearest = max(rates.uncached_input, rates.cache_write_5m, rates.cache_write_1h) if marked else rates.uncached_input
    return (prompt * dearest + most * rates.output) / MTOK


def _prompt_most(params: Mapping[str, Any], context: int) -> int:
    kinds = [block.get("type") for block in history_blocks(params)]
    if "document" in kinds:  # pages cannot be counted from bytes
        return context
    return len(msgspec.json.encode(params)) + FRAME_TOKENS + kinds.count("image") * TOKENS_PER_IMAGE


def spent_usd(message: Mapping[str, Any], plan: ReplayPlan, book: PriceBook, day: int) -> Decimal | None:
    """List dollars of one answer on a day, unrounded; None where its usage cannot be read or has no price."""
    usage, name = message.get("usage"), str(message.get("model", ""))
    if not isinstance(usage, Mapping):
        return None
    try:
        found = tokens_from_usage(usage, model=name)
    except BadRecord:
        return None
    call = Call(
        call_id=call_id(message_id=str(message.get("id") or "none")),
        source="replay",
        start_us=day * DAY_US,
        model_raw=name,
        model=book.resolve(name),
        platform=plan.platform,
        geo=found.geo if found.geo != "global" else plan.geo,
        tier=tier_of(plan),
        speed=found.speed,
        web_search_requests=found.web_search_requests,
        flags=",".join(sorted(found.flags)),
        **msgspec.structs.asdict(found.tokens),
    )
    priced, _ = price(call, book)
    return None if priced is None or found.extra else priced.total
