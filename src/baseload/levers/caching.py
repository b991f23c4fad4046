"""A first cache figure: what caching did as billed, what it missed, and what repeated prefixes would allow.

Three separate rows, never summed: they overlap. The exact planner (breakpoints, TTLs, look-back) is not this module.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import msgspec
import numpy as np

from baseload.levers.position import Position, by_workload, cost_nano
from baseload.prices.book import PriceBook, PriceKey
from baseload.usage.prefix_text import ends_of
from baseload.usage.source_note import SAMPLED_WHOLE
from baseload.values import Opportunity, Table, Tokens, Window

TTL_US = 300_000_000
"""The 5-minute entry, counted from request start and refreshed by reads (anthropic-facts section 3)."""


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """What caching did for one workload at list price: reads save, write premiums cost."""

    workload: str
    read_saving_nano: int
    write_premium_nano: int
    sampling_rate: int

    @property
    def net_nano(self) -> int:
        """Negative where the premiums outweigh the reads: caching costs more than it saves."""
        return self.read_saving_nano - self.write_premium_nano


def realised_savings(positions: Iterable[Position], book: PriceBook, day: int) -> list[Realised]:
    """Per workload, what its cached tokens saved and cost against plain input, at the rates of `day`."""
    found = []
    for workload, members in by_workload(positions).items():
        saved = premium = 0
        for position in members:
            rates = book.rates(position.key, day)
            if rates is None:
                continue
            tokens = position.tokens
            read = Tokens(cache_read_tokens=tokens.cache_read_tokens)
            written = Tokens(
                cache_write_5m_tokens=tokens.cache_write_5m_tokens, cache_write_1h_tokens=tokens.cache_write_1h_tokens
            )
            saved += cost_nano(_plain(read), rates.low) - cost_nano(read, rates.low)
            premium += cost_nano(written, rates.low) - cost_nano(_plain(written), rates.low)
        if saved or premium:
            rate = max(position.sampling_rate for position in members)
            found.append(
                Realised(workload=workload, read_saving_nano=saved, write_premium_nano=premium, sampling_rate=rate)
            )
    return found


def losing_cache_opportunities(realised: Iterable[Realised]) -> list[Opportunity]:
    """Workloads whose write premiums outweigh their reads: turning caching off saves the difference exactly."""
    return [
        Opportunity(
            workload=row.workload,
            lever="cache",
            candidate="turn caching off",
            low_nano=-row.net_nano,
            high_nano=-row.net_nano,
            grade="sampled" if row.sampling_rate > 1 else "measured",
            assumption="as billed: write premiums paid minus what reads saved; a better breakpoint may save more",
        )
        for row in realised
        if row.net_nano < 0
    ]


def missed_read_opportunities(
    misses: Iterable[tuple[str, PriceKey, Tokens]], book: PriceBook, day: int
) -> list[Opportunity]:
    """Tokens a session re-sent although the entry was still alive: (workload, key, tokens as they were billed) rows.

    They were billed as plain input or as a new write; all could have been reads. Some of them changed for a reason
    (edited tools, a compaction), so the range starts at nothing.
    """
    totals: dict[str, int] = defaultdict(int)
    for workload, key, paid in misses:
        rates = book.rates(key, day)
        if rates is not None:
            read = Tokens(cache_read_tokens=paid.prompt_tokens)
            totals[workload] += cost_nano(paid, rates.low) - cost_nano(read, rates.low)
    return [
        Opportunity(
            workload=workload,
            lever="cache",
            candidate="reads missed inside sessions",
            low_nano=0,
            high_nano=nano,
            grade="simulated",
            assumption="prompt tokens of the previous call of the same session, sent again while its entry was alive",
        )
        for workload, nano in sorted(totals.items())
        if nano > 0
    ]


def shared_prefix_opportunities(
    prefixes: Iterable[tuple[str, PriceKey, int, int]],
    realised: Iterable[Realised],
    book: PriceBook,
    day: int,
    *,
    seen: Window | None = None,
) -> list[Opportunity]:
    """What repeated prefixes would save with 5-minute entries in hindsight, beyond what caching already saves.

    Rows are (workload, key, readable tokens, written tokens) from `prefix_reads`. An upper bound: breakpoints placed
    knowing the future, no limit of four, so the range starts at nothing. `seen` are the days the rows come from where
    they were scaled to the window.
    """
    scaled = f"; followed on {seen.days} days and scaled by spend" if seen else ""
    already = {row.workload: row.net_nano for row in realised}
    totals: dict[str, int] = defaultdict(int)
    for workload, key, readable, written in prefixes:
        rates = book.rates(key, day)
        model = book.models.get(key.model)
        if rates is None or model is None:
            continue
        read, write = Tokens(cache_read_tokens=readable), Tokens(cache_write_5m_tokens=written)
        plain = Tokens(uncached_input_tokens=readable + written)
        totals[workload] += cost_nano(plain, rates.low) - cost_nano(read + write, rates.low)
    found = []
    for workload, nano in sorted(totals.items()):
        more = nano - already.get(workload, 0)
        if more > 0:
            found.append(
                Opportunity(
                    workload=workload,
                    lever="cache",
                    candidate="5m cache on the shared prefix",
                    low_nano=0,
                    high_nano=more,
                    grade="simulated",
                    assumption=f"best breakpoints in hindsight on the prefixes seen; local token estimates{scaled}",
                )
            )
    return found


def prefix_reads(minimum_tokens: Mapping[str, int]) -> Callable[[Table], Table]:
    """A `map_sorted` function: rows of one prefix scope in time order -> readable and written tokens.

    Rows have `scope`, `signature`, `price_key`, `model`, `start_us`, `sampling_rate`, `flags`, `prefix_blocks`
    (`usage.prefix_text`); `minimum_tokens` is the minimum cacheable prefix per model. Each distinct prefix is a node;
    its arrivals at most five minutes apart form a chain: the first writes the node's tokens, the others read them; a
    node nobody comes back to is not written. Counts of a 1-in-N sample are scaled by N. Where single calls were sampled
    the gaps between them are about N times too long: a gap g then stands for arrivals at the rate N / g, of which the
    share 1 - exp(-N TTL / g) finds the entry alive (Poisson arrivals, anthropic-facts section 3).
    """

    def read(rows: Table) -> Table:
        totals: dict[tuple[str, str], list[float]] = {}
        for node in _nodes(rows, minimum_tokens):
            total = totals.setdefault(node.owner, [0.0, 0.0])
            total[0] += node.tokens * node.reads
            total[1] += node.tokens * node.writes
        owners = sorted(owner for owner, total in totals.items() if total[0] > 0)
        return {
            "signature": np.array([owner[0] for owner in owners], dtype=object),
            "price_key": np.array([owner[1] for owner in owners], dtype=object),
            "readable_tokens": np.array([round(totals[owner][0]) for owner in owners], dtype=np.int64),
            "written_tokens": np.array([round(totals[owner][1]) for owner in owners], dtype=np.int64),
        }

    return read


class _Node:
    """One distinct prefix: who sent it first, its last block's tokens, and what its arrivals came to so far."""

    __slots__ = ("followed", "last_us", "owner", "rate", "reads", "thinned", "tokens", "writes")

    def __init__(self, owner: tuple[str, str], tokens: int, rate: int, at: int, *, thinned: bool) -> None:
        self.owner = owner
        self.tokens = tokens
        self.rate = rate
        self.thinned = thinned
        self.last_us = at
        self.followed = False
        self.reads = 0.0
        self.writes = 0.0

    def arrive(self, at: int) -> None:
        gap, self.last_us = at - self.last_us, at
        if self.thinned:
            alive = 1.0 if gap == 0 else -math.expm1(-self.rate * TTL_US / gap)
            self.reads += self.rate * alive
            self.writes += self.rate * (1 - alive) * alive  # a chain's first call, when somebody follows it
        elif gap <= TTL_US:
            self.reads += self.rate
            self.writes += 0 if self.followed else self.rate
            self.followed = True
        else:
            self.followed = False


def _nodes(rows: Table, minimum_tokens: Mapping[str, int]) -> Iterable[_Node]:
    nodes: dict[int, _Node] = {}
    columns = (rows[name].tolist() for name in _PREFIX_COLUMNS)
    for scope, signature, price_key, model, start_us, rate, flags, blocks in zip(*columns, strict=True):
        minimum = minimum_tokens.get(model, 1024)
        thinned = rate > 1 and SAMPLED_WHOLE not in flags.split(",")
        own, counted = hash((scope, model)), 0
        for prefix, total in ends_of(blocks):
            if total < minimum or total == counted:
                continue
            key = own ^ prefix
            node = nodes.get(key)
            if node is None:
                nodes[key] = _Node((signature, price_key), total - counted, rate, start_us, thinned=thinned)
            else:
                node.arrive(start_us)
            counted = total
    return nodes.values()


_PREFIX_COLUMNS = ("scope", "signature", "price_key", "model", "start_us", "sampling_rate", "flags", "prefix_blocks")


def _plain(tokens: Tokens) -> Tokens:
    return Tokens(uncached_input_tokens=tokens.prompt_tokens)
