"""Prompt-length bands: how long a request's whole prompt is, because some models price every token by it.

A call falls in one of the first three; an aggregate row says only `0-200k`, `200k+` or nothing (`any`). Sources:
anthropic-facts 0.2 (100,000-token band of Haiku 5.5) and 1.3 (200,000-token premium, history).
"""

from __future__ import annotations

BANDS = ("0-100k", "100k-200k", "200k+", "0-200k", "any")
BAND_EDGES = (100_000, 200_000)
"""Inclusive upper edges, in prompt tokens, of the first two bands."""

_CONTEXT_BANDS = {"0-200k": "0-200k", "200k-1m": "200k+", "": "any"}


def band_of_prompt(prompt_tokens: int) -> str:
    """The band of one call's prompt (all four input classes together)."""
    if prompt_tokens <= BAND_EDGES[0]:
        return "0-100k"
    return "100k-200k" if prompt_tokens <= BAND_EDGES[1] else "200k+"


def band_of_context(context: str) -> str:
    """The band of an aggregate row's context window; anything unknown is `any`.

    >>> band_of_context("0-200k"), band_of_context("200k-1M"), band_of_context("")
    ('0-200k', '200k+', 'any')
    """
    return _CONTEXT_BANDS.get(context.lower(), "any")
