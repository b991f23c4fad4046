"""The bill of a replayed company, call by call: the exact cache rules, the batch queue, one price per call.

A `Running` says how a workload runs: today's way, or a plan's. Nothing is computed on totals: a call is served by the
cache as it stands at that moment, sent into a batch or not, and priced on its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
import numpy as np
from replayed_company import PLAN_DAY, Turn

from baseload.levers.batch.completion import CompletionTable
from baseload.levers.batch.flow import TIERS, flow_of
from baseload.levers.batch.queue import Run, simulate
from baseload.levers.batch.window import Setting
from baseload.levers.cache.rules import Cache, Mark, Prompt, scope_of
from baseload.levers.options import Ttl
from baseload.prices.book import PriceBook
from baseload.prices.pricing import price
from baseload.usage.prefix_text import Entry, chained, written
from baseload.values import DAY_US, Call, Tokens

Arranged = tuple[Sequence[Entry], Sequence[Mark]]
Arrange = Callable[[Turn], Arranged]
"""The entries of a call in the order they are sent, and where the marks stand."""

NOW_US = PLAN_DAY * DAY_US


class Batching(NamedTuple):
    """How a workload goes through batches: queue, formation window, and the share of reads that are found there."""

    setting: Setting
    window_us: int
    table: CompletionTable
    reading: str  # slow | likely | fast
    hits: float
    seed: int


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """How one workload runs. The default is today's way, whatever that is."""

    model: str = ""
    growth: Decimal = Decimal(1)
    output: Decimal = Decimal(1)
    arrange: Arrange | None = None
    drops_repeats: bool = False
    speed: str = ""
    batching: Batching | None = None


def as_marked(turn: Turn) -> Arranged:
    """Today's order and marks."""
    marks = [Mark(place, _ttl(entry.mark)) for place, entry in enumerate(turn.entries) if entry.mark]
    return turn.entries, marks


def calls_of(turns: Sequence[Turn], how: Running, book: PriceBook) -> list[Call]:
    """Every call the workload is billed for, in order of time; what is paid twice is there twice."""
    kept = [turn for turn in turns if not (how.drops_repeats and turn.repeat)]
    served = list(_served(kept, how, book))
    if how.batching is None:
        return served
    run = _queued(kept, how.batching)
    rng = np.random.default_rng([how.batching.seed, 99])
    billed: list[Call] = []
    for call, in_batch, in_sync in zip(served, run.batch_paid.tolist(), run.sync_paid.tolist(), strict=True):
        if in_batch:
            billed.append(_batched(call, found=bool(rng.random() < how.batching.hits)))
        if in_sync:
            billed.append(call)
    return billed


def bill(calls: Iterable[Call], book: PriceBook) -> Decimal:
    """Exact dollars at the prices of the plan's day: the sum of every call's own price."""
    total = Decimal(0)
    for call in calls:
        found, problems = price(msgspec.structs.replace(call, start_us=NOW_US), book)
        if found is None:
            raise AssertionError(f"a call of the replayed company has no price: {problems}")
        total += found.total
    return total


def input_tokens(calls: Iterable[Call]) -> Tokens:
    """The four input classes of some calls together."""
    total = Tokens()
    for call in calls:
        total += Tokens(
            uncached_input_tokens=call.uncached_input_tokens,
            cache_read_tokens=call.cache_read_tokens,
            cache_write_5m_tokens=call.cache_write_5m_tokens,
            cache_write_1h_tokens=call.cache_write_1h_tokens,
        )
    return total


def _served(turns: Sequence[Turn], how: Running, book: PriceBook) -> Iterable[Call]:
    cache = Cache()
    arrange = how.arrange or as_marked
    for turn in turns:
        model = how.model or turn.model
        speed = how.speed or turn.speed
        entries, marks = arrange(turn)
        prompt = _prompt(entries, turn.workload, model, speed, how.growth)
        least = book.models[model].min_cacheable_tokens
        read, five, hour, plain = cache.serve(prompt, marks, turn.start_us, turn.begins_us, least)
        yield _call(turn, model, speed, entries, how, (plain, read, five, hour))


def _prompt(entries: Sequence[Entry], workload: str, model: str, speed: str, growth: Decimal) -> Prompt:
    ids: list[int] = []
    ends: list[int] = []
    prefix = end = 0
    for entry in entries:
        prefix = chained(prefix, entry.digest)
        end += round(entry.tokens * growth)
        ids.append(prefix)
        ends.append(end)
    scope = scope_of(platform="anthropic", model=model, workspace=workload, fork=speed)
    return Prompt(scope=scope, prefix_ids=ids, ends=ends, prompt_tokens=end)


def _call(
    turn: Turn, model: str, speed: str, entries: Sequence[Entry], how: Running, classes: tuple[int, int, int, int]
) -> Call:
    name = f"{turn.workload}/{turn.number}"
    grown = [entry._replace(tokens=round(entry.tokens * how.growth)) for entry in entries]
    return Call(
        call_id=hashlib.blake2b(name.encode(), digest_size=16).hexdigest(),
        source="messages",
        account="replayed",
        workspace=turn.workload,
        api_key=turn.workload,
        start_us=turn.start_us,
        first_token_us=turn.begins_us,
        end_us=turn.end_us,
        model_raw=model,
        model=model,
        speed=speed,
        session_id=turn.session,
        request_hash=hashlib.blake2b(turn.request.encode(), digest_size=16).hexdigest() if turn.request else "",
        features_version=2,
        prefix_blocks=written(grown),
        http_status=200,
        stream=False,
        uncached_input_tokens=classes[0],
        cache_read_tokens=classes[1],
        cache_write_5m_tokens=classes[2],
        cache_write_1h_tokens=classes[3],
        output_tokens=round(turn.output_tokens * how.growth * how.output),
    )


def _queued(turns: Sequence[Turn], how: Batching) -> Run:
    starts = np.array([turn.start_us for turn in turns], dtype=np.int64)
    tokens = np.array([sum(entry.tokens for entry in turn.entries) for turn in turns], dtype=np.int64)
    flow = flow_of(starts, prompt_tokens=tokens)
    completion = getattr(how.table, how.reading)
    rng = np.random.default_rng([how.seed, 7])
    policy = how.setting.policy(how.window_us)
    return simulate(flow, policy, completion, TIERS["start"], sync_us=how.setting.sync_us, rng=rng)


def _batched(call: Call, *, found: bool) -> Call:
    """The same call in a batch: every mark lives an hour, and a read that finds nothing writes."""
    lost = 0 if found else call.cache_read_tokens
    return msgspec.structs.replace(
        call,
        tier="batch",
        cache_read_tokens=call.cache_read_tokens - lost,
        cache_write_5m_tokens=0,
        cache_write_1h_tokens=call.cache_write_1h_tokens + call.cache_write_5m_tokens + lost,
    )


def _ttl(mark: str) -> Ttl:
    return "1h" if mark == "1h" else "5m"
