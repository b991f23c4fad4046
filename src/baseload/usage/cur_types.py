"""What an AWS usage type of Claude says: token class, geography, tier and context, from any of its grammars.

Marketplace, up to Claude 4.6:  USE2-MP:USE2_CacheReadInputTokenCount_Global-Units, …_InputTokenCount_LCtx_Global_Batch
Marketplace, newer:             USW2-MP:USW2_cache_write_tokens_1h_global_standard-Units, …_input_tokens_batch-Units
AmazonBedrock, oldest:          USE1-Claude3Haiku-input-tokens, …-input-tokens-cross-region-global
A name without "global" is the regional price; a cache write without a TTL is the 5-minute one, each with its own rate
(usage-sources 2.6 and AWS price lists).
"""

from __future__ import annotations

import re
from typing import NamedTuple

_NOT_ALNUM = re.compile(r"[^a-z0-9]")
_CAMEL = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[A-Z])")
_OLD_MODEL = re.compile(r"-(Claude[A-Za-z0-9.]*)-")
_NOT_TOKENS = ("reserved", "tpm", "provisioned", "hours", "customization")


class UsageType(NamedTuple):
    """What a usage type says; `token_class` is "" for capacity, storage and whatever else is not tokens."""

    token_class: str
    geo: str
    tier: str
    context: str  # "200k-1M" where a long-context rate is named, else "0-200k"
    flags: tuple[str, ...] = ()


def usage_type_of(text: str) -> UsageType:
    """Take a usage type apart.

    >>> usage_type_of("USW2-MP:USW2_cache_write_tokens_1h_global_standard-Units")[:3]
    ('cache_write_1h_tokens', 'global', 'standard')
    >>> usage_type_of("USE1-MP:USE1_InputTokenCount_Batch-Units")[:3]
    ('uncached_input_tokens', 'regional', 'batch')
    """
    region = text.partition("-")[0].upper()
    flat = _NOT_ALNUM.sub("", text.partition("-")[2].lower())
    long_context = any(word in flat for word in ("lctx", "longctx", "longcontext"))
    return UsageType(
        token_class=_token_class(flat),
        geo="us_gov" if region.startswith("UG") else "global" if "global" in flat else "regional",
        tier=next((tier for tier in ("batch", "priority", "flex") if tier in flat), "standard"),
        context="200k-1M" if long_context else "0-200k",
        flags=("latency_optimized",) if "latencyoptimized" in flat else (),
    )


def old_model_name(text: str) -> str:
    """The model inside an AmazonBedrock usage type, as words; "" where the usage type names none.

    >>> old_model_name("USE1-Claude3Haiku-input-tokens")
    'Claude 3 Haiku'
    """
    found = _OLD_MODEL.search(text)
    return _CAMEL.sub(" ", found[1]) if found else ""


def _token_class(flat: str) -> str:
    if "token" not in flat or any(word in flat for word in _NOT_TOKENS):
        return ""
    if "cacheread" in flat or "cachedinput" in flat:
        return "cache_read_tokens"
    if "cachewrite" in flat:
        return "cache_write_1h_tokens" if "1h" in flat.partition("cachewrite")[2] else "cache_write_5m_tokens"
    if "output" in flat:
        return "output_tokens"
    return "uncached_input_tokens" if "input" in flat else ""
