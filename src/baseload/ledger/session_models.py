"""Sessions that cross a border: of workloads, or of models. Every change of model starts on a cold cache.

Caches belong to one model, and thinking blocks of another model are dropped (anthropic-facts sections 3 and 5.4):
that is why whole sessions move and never half of one. Both questions read calls whose session a source names, and
nothing else.
"""

from __future__ import annotations

import msgspec

from baseload.ledger.queries import ONE_HOUR_US
from baseload.ledger.sql_parts import canonical_calls, count_if, overlap, total
from baseload.prices.book import PriceBook, PriceKey
from baseload.values import Problem, Table

_REPEATED = ("resent_uncached_tokens", "rewritten_1h_tokens", "rewritten_5m_tokens")


class SessionMix(msgspec.Struct, frozen=True, kw_only=True):
    """Sessions with a call of a workload, and how many of them also hold another workload's calls, or two models."""

    sessions: int = 0
    mixed_workloads: int = 0
    mixed_models: int = 0

    @property
    def workload_share(self) -> float:
        """Share of its sessions that other workloads have calls in; 0 without sessions."""
        return self.mixed_workloads / self.sessions if self.sessions else 0.0

    @property
    def model_share(self) -> float:
        return self.mixed_models / self.sessions if self.sessions else 0.0


def session_mix_sql() -> str:
    """Per workload: sessions, mixed_workloads, mixed_models. Joins `signature_workload` (`ledger.peaks`)."""
    return f"""
WITH calls AS ({canonical_calls("cell", "account", "session_id", where="stored_calls.session_id <> ''")}),
seen AS (
  SELECT calls.account, calls.session_id, signature_workload.workload, MIN(cells.model) AS first_model,
    MAX(cells.model) AS last_model
  FROM calls INNER JOIN cells ON cells.cell = calls.cell
  INNER JOIN signature_workload ON signature_workload.signature = cells.signature
  GROUP BY calls.account, calls.session_id, signature_workload.workload
),
spans AS (
  SELECT seen.account, seen.session_id, MIN(seen.workload) AS first_workload, MAX(seen.workload) AS last_workload,
    MIN(seen.first_model) AS first_model, MAX(seen.last_model) AS last_model
  FROM seen
  GROUP BY seen.account, seen.session_id
)
SELECT seen.workload, COUNT(*) AS sessions,
  {count_if("spans.first_workload <> spans.last_workload")} AS mixed_workloads,
  {count_if("spans.first_model <> spans.last_model")} AS mixed_models
FROM seen INNER JOIN spans ON spans.account = seen.account AND spans.session_id = seen.session_id
GROUP BY seen.workload"""


def session_models_sql() -> str:
    """Per signature and price key: `calls` that follow another of their conversation, `switches` of model among them.

    A conversation is one session of one account, agent, system and tools, whatever the model. Of what was cached
    before a switch at most an hour ago, `resent_uncached_tokens` came again as plain input and `rewritten_*` were
    written again: what staying on one model could have read. An upper bound: the prompt may have changed as well.
    """
    names = ("account", "session_id", "agent", "system_fp", "tools_fp")
    tokens = ("prompt_tokens", "cache_read_tokens", "cache_write_1h_tokens")
    window = f"OVER (PARTITION BY {', '.join(f'calls.{name}' for name in names)} ORDER BY calls.start_us, calls.id_key)"
    columns = ("cell", *names, "model", "start_us", "id_key", *tokens, "cache_write_5m_tokens")
    hour_end = "calls.cache_read_tokens + calls.cache_write_1h_tokens"
    soon = f"linked.model <> linked.previous_model AND linked.start_us - linked.previous_us <= {ONE_HOUR_US}"
    parts = {
        "resent_uncached_tokens": overlap("linked.previous_cached", "linked.cached_end", "linked.prompt_tokens"),
        "rewritten_1h_tokens": overlap("linked.previous_cached", "linked.read_end", "linked.hour_end"),
        "rewritten_5m_tokens": overlap("linked.previous_cached", "linked.hour_end", "linked.cached_end"),
    }
    sums = ", ".join(f"{total(f'CASE WHEN {soon} THEN {part} ELSE 0 END')} AS {name}" for name, part in parts.items())
    return f"""
WITH calls AS ({canonical_calls(*columns, where="stored_calls.session_id <> ''")}),
linked AS (
  SELECT calls.cell, calls.model, calls.start_us, calls.prompt_tokens, calls.cache_read_tokens AS read_end,
    {hour_end} AS hour_end, {hour_end} + calls.cache_write_5m_tokens AS cached_end,
    LAG(calls.model) {window} AS previous_model, LAG(calls.start_us) {window} AS previous_us,
    LAG({hour_end} + calls.cache_write_5m_tokens) {window} AS previous_cached
  FROM calls
)
SELECT cells.signature, cells.price_key, cells.sampling_rate, COUNT(linked.previous_us) AS calls,
  {count_if("linked.model <> linked.previous_model")} AS switches, {sums}
FROM linked INNER JOIN cells ON cells.cell = linked.cell
GROUP BY cells.signature, cells.price_key, cells.sampling_rate"""


def mix_by_workload(table: Table) -> dict[str, SessionMix]:
    """Workload -> its session mix, from the rows of `session_mix_sql`."""
    columns = (table[name].tolist() for name in ("workload", *SessionMix.__struct_fields__))
    return {
        str(workload): SessionMix(sessions=sessions, mixed_workloads=workloads, mixed_models=models)
        for workload, sessions, workloads, models in zip(*columns, strict=True)
    }


class Switching(msgspec.Struct, frozen=True, kw_only=True):
    """What changes of model inside conversations cost at most, in list nano-dollars at the prices of one day."""

    calls: int = 0
    switches: int = 0
    high_nano: int = 0

    def __add__(self, other: Switching) -> Switching:
        return Switching(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


def switching_by_signature(table: Table, book: PriceBook, day: int) -> tuple[dict[str, Switching], list[Problem]]:
    """Signature -> its switches, from the rows of `session_models_sql`, scaled by sampling.

    Tokens sent or written again are priced at their own rate less a read's. A price key the book has no rates for
    counts its switches and no dollars, and is a problem.
    """
    found: dict[str, Switching] = {}
    unpriced: dict[str, int] = {}
    columns = ("signature", "price_key", "sampling_rate", "calls", "switches", *_REPEATED)
    for signature, text, rate, calls, switches, *tokens in zip(
        *(table[name].tolist() for name in columns), strict=True
    ):
        extra = _extra_nano(PriceKey.parse(text), tokens, book, day)
        if extra is None and any(tokens):
            unpriced[text] = unpriced.get(text, 0) + int(switches) * int(rate)
        one = Switching(calls=calls * rate, switches=switches * rate, high_nano=(extra or 0) * rate)
        found[signature] = found.get(signature, Switching()) + one
    return found, [_unpriced(text, switches) for text, switches in sorted(unpriced.items())]


def _extra_nano(key: PriceKey, tokens: list[int], book: PriceBook, day: int) -> int | None:
    rates = book.rates(key, day)
    if rates is None:
        return None
    paid = (rates.high.uncached_input, rates.high.cache_write_1h, rates.high.cache_write_5m)
    above = sum(count * (rate - rates.low.cache_read) for count, rate in zip(tokens, paid, strict=True))
    return round(above * 1000)


def _unpriced(text: str, switches: int) -> Problem:
    return Problem(
        source="ledger",
        file="",
        row=0,
        code="switch-unpriced",
        message=f"{switches} changes of model inside conversations led to a model without a price: they count nothing.",
        value=text[:60],
        expected="a model the price book knows",
        next_step="Add its price with `baseload prices add`, or map its name in baseload.toml (model_alias).",
    )
