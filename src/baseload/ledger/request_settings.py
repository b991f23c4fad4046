"""Which effort and which `max_tokens` the calls of each signature ask for."""

from __future__ import annotations

from collections import Counter

import msgspec

from baseload.ledger.sql_parts import canonical_calls, total
from baseload.values import Table


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over the calls of a workload; nothing seen leaves all of it empty.

    `efforts` are calls by (resolved model, effort as asked, "" = none asked); `max_tokens` is the largest asked for, 0
    where no source says.
    """

    efforts: tuple[tuple[str, str, int], ...] = ()
    max_tokens: int = 0

    def __add__(self, other: Settings) -> Settings:
        counts: Counter[tuple[str, str]] = Counter()
        for model, effort, calls in (*self.efforts, *other.efforts):
            counts[model, effort] += calls
        efforts = tuple((model, effort, calls) for (model, effort), calls in sorted(counts.items()))
        return Settings(efforts=efforts, max_tokens=max(self.max_tokens, other.max_tokens))


def settings_sql() -> str:
    """Calls (scaled by the sampling rate) and the largest `max_tokens` by signature, model and effort."""
    return f"""
WITH calls AS ({canonical_calls("cell", "effort", "max_tokens")})
SELECT cells.signature, cells.model, calls.effort, {total("cells.sampling_rate")} AS calls,
  MAX(calls.max_tokens) AS max_tokens
FROM calls INNER JOIN cells ON cells.cell = calls.cell
GROUP BY cells.signature, cells.model, calls.effort"""


def settings_by_signature(table: Table) -> dict[str, Settings]:
    """Signature -> its settings, from the rows of `settings_sql`."""
    found: dict[str, Settings] = {}
    columns = (table[name].tolist() for name in ("signature", "model", "effort", "calls", "max_tokens"))
    for signature, model, effort, calls, largest in zip(*columns, strict=True):
        one = Settings(efforts=((str(model), str(effort), int(calls)),), max_tokens=int(largest or 0))
        found[signature] = found[signature] + one if signature in found else one
    return found
