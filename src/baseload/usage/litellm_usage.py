"""Token counts of a LiteLLM record: the provider's own usage where it was kept, else LiteLLM's normalised one.

The normalised object names reads and writes in several ways, by version and provider (usage-sources 2.8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from baseload.usage.conventions import Counts
from baseload.usage.normal import UsageTokens, int_field, optional_object, tokens_field, tokens_from_usage

_WRITE_NAMES: Final = ("cache_creation_tokens", "cache_write_tokens", "cache_creation_input_tokens")


def usage_of(record: Mapping[str, Any], metadata: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    """The provider's own usage where it was kept, else LiteLLM's normalised one, else nothing (columns only)."""
    kept = [response.get("usage"), metadata.get("usage_object"), record.get("usage")]
    found = [usage for usage in kept if isinstance(usage, Mapping) and usage]
    raw = next((usage for usage in found if "input_tokens" in usage and "prompt_tokens" not in usage), None)
    normalised = next((usage for usage in found if "prompt_tokens" in usage), {})
    return normalised if raw is None else raw


def counted(
    record: Mapping[str, Any], usage: Mapping[str, Any], metadata: Mapping[str, Any]
) -> tuple[Counts | None, UsageTokens]:
    """Counts whose convention is open, and everything else the usage says; no Counts for a provider's own usage."""
    if "input_tokens" in usage and "prompt_tokens" not in usage:
        return None, tokens_from_usage(usage)
    details = optional_object(usage, "prompt_tokens_details")
    more = metadata.get("additional_usage_values")
    extra: Mapping[str, Any] = more if isinstance(more, Mapping) else {}
    total = usage if usage.get("total_tokens") is not None else record
    counts = Counts(
        input=_either(usage, record, "prompt_tokens"),
        read=max(
            *(tokens_field(part, "cache_read_input_tokens") for part in (usage, extra)),
            tokens_field(details, "cached_tokens"),
        ),
        write=max(
            *(tokens_field(part, "cache_creation_input_tokens") for part in (usage, extra)),
            *(tokens_field(details, name) for name in _WRITE_NAMES),
        ),
        output=_either(usage, record, "completion_tokens"),
        total=int_field(total, "total_tokens", default=None, text=True),
        text=int_field(details, "text_tokens", default=None),
    )
    found = tokens_from_usage(
        {
            "output_tokens": counts.output,
            "cache_read_input_tokens": counts.read,
            "cache_creation_input_tokens": counts.write,
            "cache_creation": details.get("cache_creation_token_details"),
            "output_tokens_details": {"thinking_tokens": _thinking(usage)},
            "server_tool_use": usage.get("server_tool_use") or _searches(details),
            **{name: usage.get(name) for name in ("service_tier", "speed", "inference_geo")},
        }
    )
    return counts, found


def _either(usage: Mapping[str, Any], record: Mapping[str, Any], name: str) -> int:
    """A count of the usage object; of the column where the object has none."""
    return tokens_field(usage if usage.get(name) is not None else record, name, text=True)


def _thinking(usage: Mapping[str, Any]) -> int | None:
    return int_field(optional_object(usage, "completion_tokens_details"), "reasoning_tokens", default=None)


def _searches(details: Mapping[str, Any]) -> dict[str, Any]:
    return {"web_search_requests": details.get("web_search_requests")}
