"""What genai-prices 0.2.3 is known to get wrong: each fault with its reason and the request it silently prices instead.

A fault is proven, not waved through: a disagreement counts as known only where our own price of the misread request is
exactly their figure. What no fault explains is unexpected and fails `prices check`. Source: installed and run on
2026-11-22 (anthropic-facts section 8).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import NamedTuple

from baseload.prices.probe import Probe
from baseload.values import day_of_date

_BATCH_SINCE = day_of_date(dt.date(2026, 10, 14))
_SONNET_READ_CUT = day_of_date(dt.date(2026, 10, 7))
_HAIKU_3_5_CUT = day_of_date(dt.date(2024, 12, 3))
_OPUS_4_6_SECOND_ROW = day_of_date(dt.date(2026, 3, 13))
_BEFORE_4_5 = ("claude-3-", "claude-opus-4-1-", "claude-opus-4-2025", "claude-sonnet-4-2025")
_CHARGED_SEARCH = ("claude-fable-5-2", "claude-mythos-5-2", "claude-sonnet-5")
_NOT_IN_GOVCLOUD = (
    "claude-fable-5",
    "claude-fable-5-1",
    "claude-fable-5-2",
    "claude-mythos-5-2",
    "claude-opus-4-8",
    "claude-opus-5",
    "claude-opus-5-5",
)


class Fault(NamedTuple):
    """One known fault: where it `applies`, and the request their figure is right for (None: they know no price)."""

    code: str
    explanation: str
    applies: Callable[[Probe], bool]
    misread: Callable[[Probe], Probe | None]


def _keyed(**changes: str) -> Callable[[Probe], Probe]:
    return lambda probe: probe._replace(key=probe.key._replace(**changes))


def _on(day: int) -> Callable[[Probe], Probe]:
    return lambda probe: probe._replace(day=day)


def _unknown(probe: Probe) -> None:
    del probe


def _without_search(probe: Probe) -> Probe:
    return probe._replace(counts={**probe.counts, "web_search_requests": 0})


def _short_writes(probe: Probe) -> Probe:
    return probe._replace(counts={"cache_write_5m_tokens": probe.counts["cache_write_1h_tokens"]})


def _lacks_hour_writes(probe: Probe) -> bool:
    """Vertex models without a 1-hour rate: all before 4.5, and the first price row of Opus 4.6."""
    model = probe.key.model
    old = model.startswith(_BEFORE_4_5) or (model == "claude-opus-4-6" and probe.day < _OPUS_4_6_SECOND_ROW)
    return probe.key.platform == "vertex" and probe.charge == "cache_write_1h_tokens" and old


TRAPS = {
    "aggregates": "More than 100,000 tokens of Haiku 5.5 in one aggregate are priced wholly at the five-fold rate.",
    "misspelt-context": "A misspelt or unknown price context is priced as standard, without a word.",
    "batch-and-fast": "Batch and fast together, which do not exist, are priced as batch.",
    "bare-bedrock-id": "A Bedrock id without a profile prefix is priced as a regional one.",
    "untimed-writes": "Cache writes without a TTL split are priced as 5-minute writes.",
    "total-input": "Its input_tokens is the whole prompt; Anthropic's uncached field in it is refused or mispriced.",
}
"""Ways to ask it that give a wrong price silently; Baseload's adapter asks in none of them."""

KNOWN = (
    Fault(
        "unlisted-model",
        "It knows neither Mythos 5 and 5.1, nor Claude 2 on Bedrock.",
        lambda probe: (
            probe.key.model in ("claude-mythos-5", "claude-mythos-5-1")
            or (probe.key.platform == "bedrock" and probe.key.model in ("claude-2.0", "claude-2.1"))
        ),
        _unknown,
    ),
    Fault(
        "unlisted-profile",
        "It lists Bedrock profiles one by one: no global profile of Opus 4 and 4.1, few GovCloud ones.",
        lambda probe: (
            probe.key.platform == "bedrock"
            and (
                (
                    probe.key.geo == "global"
                    and probe.key.model in ("claude-opus-4-20250514", "claude-opus-4-1-20250805")
                )
                or (probe.key.geo == "us_gov" and probe.key.model in _NOT_IN_GOVCLOUD)
            )
        ),
        _unknown,
    ),
    Fault(
        "no-inference-geo",
        "It has no inference_geo: US-only requests are priced as global ones, 10 % too low.",
        lambda probe: probe.key.platform == "anthropic" and probe.key.geo == "us",
        _keyed(geo="global"),
    ),
    Fault(
        "vertex-global-only",
        "It prices every Vertex endpoint as the global one, without the 10 % regional premium.",
        lambda probe: probe.key.platform == "vertex" and probe.key.geo == "regional",
        _keyed(geo="global"),
    ),
    Fault(
        "govcloud-as-regional",
        "It prices GovCloud profiles as commercial regional ones (10 % instead of 20 % over global).",
        lambda probe: probe.key.geo == "us_gov",
        _keyed(geo="regional"),
    ),
    Fault(
        "no-batch-before-2026-10-14",
        "Its batch prices start on 2026-10-14: older batches are priced at twice what they cost.",
        lambda probe: probe.key.platform == "anthropic" and probe.key.tier == "batch" and probe.day < _BATCH_SINCE,
        _keyed(tier="standard"),
    ),
    Fault(
        "no-cloud-batch",
        "It has no batch prices for Bedrock and Vertex.",
        lambda probe: probe.key.platform in ("bedrock", "vertex") and probe.key.tier == "batch",
        _keyed(tier="standard"),
    ),
    Fault(
        "no-fast-history",
        "It lacks the fast mode of Opus 4.6 and 4.7: their fast requests are priced as standard ones.",
        lambda probe: probe.key.speed == "fast" and probe.key.model in ("claude-opus-4-6", "claude-opus-4-7"),
        _keyed(speed="standard"),
    ),
    Fault(
        "no-long-context-history",
        "It lacks the premium over 200,000 tokens of Sonnet 4, and of Sonnet 4.6 on Vertex.",
        lambda probe: (
            probe.key.band == "200k+"
            and (
                probe.key.model == "claude-sonnet-4-20250514"
                or (probe.key.platform == "vertex" and probe.key.model == "claude-sonnet-4-6")
            )
        ),
        _keyed(band="0-100k"),
    ),
    Fault(
        "sonnet-5-5-reads",
        "It prices Sonnet 5.5 cache reads at 0.10 on every day; they cost 0.20 before 2026-10-07.",
        lambda probe: probe.key.model == "claude-sonnet-5-5" and probe.day < _SONNET_READ_CUT,
        _on(_SONNET_READ_CUT),
    ),
    Fault(
        "haiku-3-5-launch",
        "It lacks the launch price of Haiku 3.5 (1/5 until December 2024).",
        lambda probe: probe.key.model == "claude-3-5-haiku-20241022" and probe.day < _HAIKU_3_5_CUT,
        _on(_HAIKU_3_5_CUT),
    ),
    Fault(
        "vertex-search-free",
        "It charges no web searches on Vertex, except for Fable and Mythos 5.2 and Sonnet 5.",
        lambda probe: (
            probe.key.platform == "vertex"
            and probe.charge == "web_search_requests"
            and probe.key.model not in _CHARGED_SEARCH
        ),
        _without_search,
    ),
    Fault(
        "vertex-hour-writes",
        "It has no 1-hour cache write rate for older Vertex models and prices such writes as 5-minute ones.",
        _lacks_hour_writes,
        _short_writes,
    ),
)
"""In the order they are applied to one request, because several may hold at once."""
