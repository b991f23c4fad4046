"""How long the prompts of each workload are, in bins whose edges decide a price, a cache or a refusal.

A model charges more above some prompt length (Haiku 5.5: 100,000 tokens), refuses above another (200,000 for the 4.5
generation) and caches nothing below a third. The same text is 1.0 to 1.35 times as many tokens on the newer
tokenizer, so each of these lengths is asked about at three growths (anthropic-facts 0.2, 0.3, 3 and 5.4). No report
shows it: calls do.
"""

from __future__ import annotations

from typing import Final

import msgspec

from baseload.ledger.sql_parts import canonical_calls, total
from baseload.values import TOKEN_CLASSES, Table, Tokens

EDGES: Final = (
    512, 1_024, 2_048, 4_096,  # shortest prefix a model caches
    74_074, 76_923, 100_000,  # 100,000 tokens after a growth of 1.35, 1.3, 1
    130_000, 135_000,  # 100,000 after the opposite move
    148_148, 153_846, 200_000,  # 200,000 after a growth of 1.35, 1.3, 1
    260_000, 270_000,  # 200,000 after the opposite move
    740_740, 769_230, 1_000_000,  # the long context window
)  # fmt: skip
"""Inclusive upper edges of the bins, in prompt tokens as billed; the last bin has no edge and is written 0."""


class SizeBin(msgspec.Struct, frozen=True, kw_only=True):
    """Calls at one price whose prompt is longer than the edge before `up_to` and at most `up_to` tokens (0 = no edge).

    Counts are scaled by the sampling rate: they are weights, not exact sums.
    """

    price_key: str
    up_to: int
    calls: int
    tokens: Tokens


def prompt_sizes_sql() -> str:
    """Calls and tokens by signature, price key, sampling rate and bin (`up_to`). Calls the API refused are left out."""
    chain = " ".join(f"WHEN calls.prompt_tokens <= {edge} THEN {edge}" for edge in EDGES)
    answered = "(stored_calls.requests IS NULL OR stored_calls.requests > 0)"
    sums = ", ".join(f"{total(f'binned.{name}')} AS {name}" for name in TOKEN_CLASSES)
    return f"""
WITH calls AS ({canonical_calls("cell", "prompt_tokens", *TOKEN_CLASSES, where=answered)}),
binned AS (
  SELECT calls.cell, CASE {chain} ELSE 0 END AS up_to, {", ".join(f"calls.{name}" for name in TOKEN_CLASSES)}
  FROM calls
)
SELECT cells.signature, cells.price_key, cells.sampling_rate, CAST(binned.up_to AS BIGINT) AS up_to,
  COUNT(*) AS calls, {sums}
FROM binned INNER JOIN cells ON cells.cell = binned.cell
GROUP BY cells.signature, cells.price_key, cells.sampling_rate, binned.up_to"""


def sizes_by_signature(table: Table) -> dict[str, tuple[SizeBin, ...]]:
    """Signature -> its bins, from the rows of `prompt_sizes_sql`."""
    found: dict[str, list[SizeBin]] = {}
    columns = ("signature", "price_key", "sampling_rate", "up_to", "calls", *TOKEN_CLASSES)
    for signature, key, rate, up_to, calls, *tokens in zip(*(table[name].tolist() for name in columns), strict=True):
        counts = dict(zip(TOKEN_CLASSES, (int(count) * int(rate) for count in tokens), strict=True))
        one = SizeBin(price_key=str(key), up_to=int(up_to), calls=int(calls) * int(rate), tokens=Tokens(**counts))
        found.setdefault(str(signature), []).append(one)
    return {signature: tuple(bins) for signature, bins in found.items()}
