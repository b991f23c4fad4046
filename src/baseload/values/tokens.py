"""Tokens of one call or one total, in classes that never overlap."""

from __future__ import annotations

import msgspec

TOKEN_CLASSES = (
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
)
"""The five priced classes, in bill order. The first four are *disjoint* parts of the prompt."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts by class: the four input classes are disjoint, so the prompt is their sum.

    A write whose TTL the source does not say is counted as 5m and flagged `ttl_unknown` on the call.
    `output_tokens` includes thinking. Zero means the source said none; a class a source cannot see is a flag.
    """

    uncached_input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All input: what a price band is judged on (facts: anthropic-facts section 3, "total input")."""
        return (
            self.uncached_input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.output_tokens

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(**{name: getattr(self, name) + getattr(other, name) for name in TOKEN_CLASSES})
