"""genai-prices, asked about one request at a time. Needs the extra `prices-check`.

Its `input_tokens` is the whole prompt, cached parts included. It takes no platform, tier or speed, but a provider, a
spelling and a context; a context it does not know prices as standard, without a word.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from genai_prices import Usage, __version__, calc_price
from genai_prices.data import providers

from baseload.prices.probe import Probe
from baseload.values import date_of_day

PEER = f"genai-prices {__version__}"
_PROVIDERS = {"anthropic": "anthropic", "bedrock": "aws", "vertex": "google"}
_PROFILES = {"global": "global.anthropic.", "regional": "us.anthropic.", "us_gov": "us-gov.anthropic."}
_BEDROCK_NAMES = {"claude-2.0": "claude-v2", "claude-2.1": "claude-v2:1"}


def peer_price(probe: Probe) -> Decimal | None:
    """What genai-prices says the request costs in USD; None where it knows no such model."""
    counts, key = probe.counts, probe.key
    day = date_of_day(probe.day)
    usage = Usage(
        input_tokens=sum(
            count for name, count in counts.items() if name not in ("output_tokens", "web_search_requests")
        ),
        cache_read_tokens=counts.get("cache_read_tokens", 0),
        cache_write_tokens=counts.get("cache_write_5m_tokens", 0) + counts.get("cache_write_1h_tokens", 0),
        cache_write_1h_tokens=counts.get("cache_write_1h_tokens", 0),
        output_tokens=counts.get("output_tokens", 0),
        web_searches=counts.get("web_search_requests", 0),
    )
    try:
        found = calc_price(
            usage,
            _spelling(probe),
            provider_id=_PROVIDERS[key.platform],
            genai_request_timestamp=dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC),
            price_context=_context(probe),
        )
    except LookupError:
        return None
    return Decimal(found.total_price)


def peer_names() -> list[str]:
    """The Claude models it lists under Anthropic, by its own ids."""
    return sorted(model.id for provider in providers if provider.id == "anthropic" for model in provider.models)


def _spelling(probe: Probe) -> str:
    model, platform, geo = probe.key.model, probe.key.platform, probe.key.geo
    if platform == "bedrock":
        return _PROFILES[geo] + _BEDROCK_NAMES.get(model, model)
    if platform == "vertex":
        name, _, date = model.rpartition("-")
        return f"{name}@{date}" if len(date) == 8 else model
    return model


def _context(probe: Probe) -> dict[str, str] | None:
    if probe.key.tier == "batch":
        return {"processing": "batch"}
    return {"speed": "fast"} if probe.key.speed == "fast" else None
