"""Every cache policy on the judged part of a trace: what `baseload cache` shows.

The first share of the sessions, in order of their names (of the requests, in order of time, where a trace has no
sessions), is what the plan learns from. The rest is judged, and starts with cold caches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import NothingToRead, UsageError
from baseload.levers.cache.beside import beside
from baseload.levers.cache.blanket import cache_all, cache_nothing
from baseload.levers.cache.clairvoyant import clairvoyant
from baseload.levers.cache.paths import Paths, fold
from baseload.levers.cache.planner import LearntPlan
from baseload.levers.cache.price import InputPrices, PolicyResult
from baseload.levers.cache.replay import learn, replay, replay_online
from baseload.levers.cache.touches import touches
from baseload.levers.cache.trace import Trace, without_blocks
from baseload.levers.cache.traces import select
from baseload.values import Problem, iso_day, usd_text

SCHEMA: Final = "baseload.cache/1"
MOST_CAREFUL: Final = 30_000
"""`plan_careful` is worked out for so many judged requests at most."""
LEAST_BESIDE: Final = 20_000
"""Judged requests from which the two planners run side by side: starting a process takes as long as judging 5,000."""
RULES: Final = ("none", "all_5m", "all_1h")
"""The blanket rules a plan must never lose to."""

PolicyName = Literal[
    "none", "as_billed", "all_5m", "all_1h", "plan", "plan_careful", "online", "clairvoyant", "clairvoyant_keep_alive"
]
"""`plan_careful`: the same plan if an hour's mark keeps only what it wrote (docs/decisions/cache-planner)."""


class PolicyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One policy on the judged part. `ratio` is over `uncached_usd`; `hit_rate` is the share of prompt tokens read.

    `usd` has the keep-alive reads in it; `read_tokens` has not.
    """

    name: str
    usd: str
    ratio: float
    write_tokens: int
    read_tokens: int
    hit_rate: float
    write_5m_tokens: int
    write_1h_tokens: int
    uncached_tokens: int
    keep_alive_tokens: int


class CacheDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `baseload cache --json` prints. All figures are of the judged part unless they are named for another.

    `gap_closed` is the share of the way from the cheapest blanket rule (or no cache) to `clairvoyant` that `plan`
    goes: 1 reaches it, 0 is the rule itself; None where there is no such way. `copies` are recorded twice and left
    out before anything else.
    """

    schema: str = SCHEMA
    requests: int
    uncached_usd: str
    policies: tuple[PolicyFigures, ...]
    prompt_tokens: int
    gap_closed: float | None
    train_share: float
    train_requests: int
    lanes: int
    sessions: int | None  # None where the trace has none
    models: tuple[str, ...]
    price_day: str
    minimum: bool
    read_multiplier: str | None
    copies: int
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The policies' results on the judged part, `none` first."""

    train_requests: int
    judged: Trace
    results: tuple[PolicyResult, ...]


def judge(trace: Trace, prices: InputPrices, train_share: Decimal) -> Judgement:
    """Every policy on the judged part. Raises UsageError for a share that leaves nothing to judge."""
    if not 0 <= train_share < 1:
        raise UsageError(f"--train-share {train_share}: expected a share from 0 to below 1, such as 0.5")
    part = judged_part(trace, train_share)
    if not part.any():
        raise NothingToRead("no request is left to judge. Give more requests or a smaller --train-share.")
    judged = select(trace, part)
    paths = fold(judged)
    online = _online(judged, prices, paths)
    touched = touches(judged, paths, prices)
    plan = learn(select(trace, ~part), prices)
    results = (
        cache_nothing(judged, prices),
        cache_all("all_5m", judged, prices, touched),
        cache_all("all_1h", judged, prices, touched),
        replay(plan, judged, prices, paths),
        *_careful(plan, judged, prices, paths),
        online(),
        clairvoyant("clairvoyant", judged, prices, touched),
        clairvoyant("clairvoyant_keep_alive", judged, prices, touched),
    )
    return Judgement(train_requests=int((~part).sum()), judged=judged, results=results)


def _online(judged: Trace, prices: InputPrices, paths: Paths) -> Callable[[], PolicyResult]:
    """The planner that starts with nothing, begun at once where that is worth a process."""
    if len(judged) < LEAST_BESIDE:
        return partial(replay_online, judged, prices, paths)
    return beside(replay_online, without_blocks(judged), prices, paths)


def _careful(plan: LearntPlan, judged: Trace, prices: InputPrices, paths: Paths) -> Iterator[PolicyResult]:
    """The plan where an hour's mark keeps only what it wrote; left out of long traces, where it costs seconds."""
    if len(judged) <= MOST_CAREFUL:
        yield msgspec.structs.replace(replay(plan, judged, prices, paths, hour_covers=False), name="plan_careful")


def judged_part(trace: Trace, train_share: Decimal) -> NDArray[np.bool_]:
    """Which requests are judged: those behind the first share of sessions by name, or of requests by time."""
    if len(trace) and int(trace.group.min()) < 0:
        rank = np.empty(len(trace), dtype=np.int64)
        rank[np.argsort(trace.start_us, kind="stable")] = np.arange(len(trace))
        return rank >= int(train_share * len(trace))
    names, session = np.unique(trace.group, return_inverse=True)
    return session >= int(train_share * len(names))


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, for the document: nothing here changes a figure."""

    train_share: Decimal
    minimum: bool
    read_multiplier: Decimal | None
    copies: int
    files: tuple[str, ...]
    notes: tuple[str, ...] = ()


def cache_document(
    trace: Trace, prices: InputPrices, question: Question, problems: Sequence[Problem] = ()
) -> CacheDocument:
    """Judge every policy and say it in the document's words."""
    found = judge(trace, prices, question.train_share)
    uncached = found.results[0]
    timed = int(found.judged.group.min()) < 0
    return CacheDocument(
        requests=uncached.requests,
        uncached_usd=usd_text(uncached.nano_usd),
        policies=tuple(figures(result, uncached) for result in found.results),
        prompt_tokens=uncached.prompt_tokens,
        gap_closed=gap_closed(found.results),
        train_share=float(question.train_share),
        train_requests=found.train_requests,
        lanes=len(np.unique(found.judged.lane)),
        sessions=None if timed else len(np.unique(found.judged.group)),
        models=trace.models,
        price_day=iso_day(prices.day),
        minimum=question.minimum,
        read_multiplier=None if question.read_multiplier is None else str(question.read_multiplier),
        copies=question.copies,
        files=question.files,
        notes=question.notes,
        problems=tuple(problems),
    )


def figures(result: PolicyResult, uncached: PolicyResult) -> PolicyFigures:
    """A result as the document shows it, beside the bill without a cache."""
    return PolicyFigures(
        name=result.name,
        usd=usd_text(result.nano_usd),
        ratio=result.femto_usd / uncached.femto_usd if uncached.femto_usd else 1.0,
        write_tokens=result.write_tokens,
        read_tokens=result.read_tokens,
        hit_rate=result.hit_rate,
        write_5m_tokens=result.write_5m_tokens,
        write_1h_tokens=result.write_1h_tokens,
        uncached_tokens=result.uncached_tokens,
        keep_alive_tokens=result.keep_alive_tokens,
    )


def gap_closed(results: tuple[PolicyResult, ...]) -> float | None:
    """How far `plan` goes from the cheapest blanket rule to the clairvoyant bound; below 0 where it loses to it."""
    by_name = {result.name: result.femto_usd for result in results}
    if "plan" not in by_name or "clairvoyant" not in by_name:
        return None
    rule = min(by_name[name] for name in RULES)
    way = rule - by_name["clairvoyant"]
    return (rule - by_name["plan"]) / way if way else None
