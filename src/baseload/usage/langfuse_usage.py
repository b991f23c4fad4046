"""Langfuse usage maps: many SDKs, many key names, one reading.

Langfuse subtracts cached tokens from `input` where its own integrations write it; a map sent by the caller may not
(usage-sources 1.2 and 2.9). Only known keys are counted: others are modalities and details of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from baseload.usage.conventions import Counts
from baseload.usage.normal import UsageTokens, int_field, tokens_field, tokens_from_usage

_INPUT: Final = ("input", "input_tokens", "prompt_tokens", "promptTokens")
_OUTPUT: Final = ("output", "output_tokens", "completion_tokens", "completionTokens")
_READ: Final = (
    "cache_read_input_tokens",
    "input_cache_read",
    "input_cached_tokens",
    "input_cache_read_input_tokens",
    "prompt_details.cache_read",
    "prompt_details.cached_tokens",
)
_WRITE: Final = (
    "cache_creation_input_tokens",
    "input_cache_creation",
    "input_cache_write",
    "prompt_details.cache_creation",
    "prompt_details.cache_write",
)
_WRITE_5M: Final = ("input_cache_creation_5m", "cache_creation.ephemeral_5m_input_tokens", "ephemeral_5m_input_tokens")
_WRITE_1H: Final = ("input_cache_creation_1h", "cache_creation.ephemeral_1h_input_tokens", "ephemeral_1h_input_tokens")
_THINKING: Final = ("output_reasoning", "output_reasoning_tokens", "completion_details.reasoning")


def counts_of(usage: Mapping[str, Any]) -> tuple[Counts, UsageTokens]:
    """Counts whose convention the numbers decide, and the classes besides uncached input. Raises BadRecord.

    A total that is input plus output while tokens were cached proves that `input` includes them. Reasoning that the
    total counts beside `output` was taken out of it, and is put back.
    """
    read, split = _one(usage, _READ), (_one(usage, _WRITE_5M), _one(usage, _WRITE_1H))
    write = max(_one(usage, _WRITE), sum(split))
    input_, output, thinking = _one(usage, _INPUT), _one(usage, _OUTPUT), _maybe(usage, _THINKING)
    total = int_field(usage, "total", default=None, text=True)
    if thinking and total in (input_ + output + thinking, input_ + read + write + output + thinking):
        output += thinking
    includes = total is not None and total == input_ + output and 0 < read + write <= input_
    counts = Counts(input_, read, write, output, total, text=input_ - read - write if includes else None)
    found = tokens_from_usage(
        {
            "output_tokens": output,
            "cache_read_input_tokens": read,
            "cache_creation_input_tokens": write,
            "cache_creation": {"ephemeral_5m_input_tokens": split[0], "ephemeral_1h_input_tokens": split[1]},
            "output_tokens_details": {"thinking_tokens": thinking},
        }
    )
    return counts, found


def _maybe(usage: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        if usage.get(name) not in (None, ""):
            return int_field(usage, name, text=True)
    return None


def _one(usage: Mapping[str, Any], names: tuple[str, ...]) -> int:
    """The largest of a count's spellings: some SDKs write one of them as 0."""
    return max(tokens_field(usage, name, text=True) for name in names)
