"""What each cache policy would make of a workload's prompts, on every model considered.

The plan is learnt on the sessions that start in the first part of the time seen and judged on the rest, which begins
with a cold cache. It is the cheapest of every legal way to mark the places of `structure`; one of the ways is no mark
at all, so on the calls it was learnt on it never costs more than no cache. Where moving the parts that change too early
is worth somebody's work, that is a policy of its own, `edited`: as requests are sent today it would save nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from baseload.levers.cache.judge import Judge, Sums
from baseload.levers.cache.marking import Plan, as_sent, blanket, edited
from baseload.levers.cache.price import ModelPrices, prices_of
from baseload.levers.cache.prompts import TAIL, Flags, Requests, has_positions, part_of, requests_of
from baseload.levers.cache.sessions import PerRequest, per_request
from baseload.levers.cache.structure import Structure, after_moving, named, structure_of
from baseload.levers.options import CacheMark, CacheOutcome, CachePolicy
from baseload.prices.book import Model, PriceBook
from baseload.values import DAY_US, Problem, Table

MOST_CALLS = 60_000
"""Of a workload with more calls, the latest whole days that hold about as many stand for the rest."""
LEAST_CALLS = 20
"""A plan is learnt on, and judged on, at least so many calls."""
WORTH_DECIDING = 0.02
"""Deciding request by request takes a gateway: it must save at least this share of what fixed marks cost."""
_GOES_ON = re.compile(r":[ac][^ ]* \S+:\d+:[ury]").search
"""A turn of the assistant with another after it: a conversation. One at the end of a prompt is a prefill."""


class Withheld(NamedTuple):
    """Why a workload has no simulated outcomes, or none that need to know what its tails read."""

    everything: str = ""
    tails: str = ""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A workload's calls in two parts and what the first is made of; None where nothing is simulated."""

    calls: Requests
    train: Requests
    judged: Requests
    withheld: Withheld
    structure: Structure | None
    learner: Judge | None
    judge: Judge | None
    problems: tuple[Problem, ...]


def cache_outcomes(
    rows: Table, models: Sequence[Model], book: PriceBook, day: int, *, seed: int = 0
) -> tuple[list[CacheOutcome], list[Problem]]:
    """Outcomes of `as_billed` on each model used today, of the other policies on each model considered.

    `rows` are one workload's of `ledger.queries.cache_calls_sql`; prices are those of `day`. Outcomes that the rows
    cannot tell are left out; the note of `as_billed` says why. `seed` only moves the intervals.
    """
    ready = prepared(rows, book)
    outcomes = _as_billed(ready.calls, ready.withheld)
    if ready.learner and ready.judge and ready.structure:
        deciding = per_request(ready.learner, ready.judge)
        for model in models:
            prices = input_prices(book, model.id, day)
            if prices is not None:
                plan = as_sent(ready.learner, prices)
                decided = decided_instead(ready.learner, deciding, prices, plan)
                least = ready.learner.sums(prices, plan).cost
                if decided is not None and deciding is not None:
                    least = deciding.learnt_on(prices).cost
                moved = edited(ready.learner, prices, least)
                outcomes += _outcomes(ready, ready.judge, prices, plan, decided, moved, seed)
    return outcomes, list(ready.problems)


def prepared(rows: Table, book: PriceBook, train_share: float = 0.5) -> Prepared:
    """The calls of `cache_calls_sql` rows, ready to be planned for."""
    everything = requests_of(rows)
    synchronous = np.array([key.split("|")[3:4] != ["batch"] for key in _in_order(rows, "price_key")], dtype=bool)
    requests = latest(part_of(everything, synchronous), MOST_CALLS)
    train, judged = parts_of(requests, train_share)
    withheld = _withheld(everything, requests, train, judged)
    structure = learner = judge = None
    if not withheld.everything:
        structure = structure_of(train.prefixes, train.lane.tolist())
        slots = tuple(slot for slot in structure.slots if not (withheld.tails and slot == TAIL))
        learner = Judge(train, slots, structure.moved_units, book)
        judge = Judge(judged, slots, structure.moved_units, book)
    return Prepared(
        calls=everything,
        train=train,
        judged=judged,
        withheld=withheld,
        structure=structure,
        learner=learner,
        judge=judge,
        problems=tuple(_problems(everything)),
    )


def decided_instead(learner: Judge, deciding: PerRequest | None, prices: ModelPrices, plan: Plan) -> Sums | None:
    """The judged calls under the per-request plan; None where it does not beat fixed marks on what both learnt from."""
    if deciding is None or deciding.learnt_on(prices).cost > (1 - WORTH_DECIDING) * learner.sums(prices, plan).cost:
        return None
    return deciding.judged_on(prices)


def policies_of(ready: Prepared, judge: Judge, plan: Plan, moved: Plan | None = None) -> dict[CachePolicy, Plan]:
    """Every policy that these calls can tell, `none` first; `moved` is the plan of edited prompts."""
    policies: dict[CachePolicy, Plan] = {"none": Plan()}
    if not ready.withheld.tails:
        policies |= {"all_5m": blanket(judge.slots, "5m"), "all_1h": blanket(judge.slots, "1h")}
    policies["plan"] = plan
    return policies if moved is None else {**policies, "edited": moved}


def marks_of(plan: Plan, structure: Structure) -> tuple[CacheMark, ...]:
    """The marks by the names their places have once the moved parts are gone."""
    found = []
    for slot, ttl in plan.marks:
        place = after_moving(slot, structure) if plan.moves else slot
        found.append(CacheMark(section=place.section, after=place.after, ttl=ttl))
    return tuple(found)


def moved_of(plan: Plan, structure: Structure) -> tuple[str, ...]:
    """The parts a plan moves behind everything that is marked, named."""
    return tuple(named(part) for part in structure.moved) if plan.moves else ()


def note_of(ready: Prepared) -> str:
    """What a reader of the plan's figures must know."""
    judged, withheld = ready.judged, ready.withheld
    parts = [f"learnt on {len(ready.train)} calls, judged on {len(judged)} later ones"]
    without = sum(1 for text in judged.prefixes if not has_positions(text))
    if without:
        parts.append(f"{without} without a request body: their prompts are a model made of token counts")
    if judged.thinned.any():
        parts.append("one call in many was kept: gaps are corrected for that")
    elif (judged.rate > 1).any():
        parts.append("one session in many was kept: what others left is estimated")
    if withheld.tails:
        parts.append(withheld.tails)
    return "; ".join(parts)


def input_prices(book: PriceBook, model: str, day: int) -> ModelPrices | None:
    """A model's input rates; None where the book has none."""
    try:
        return prices_of(book, [model], day).models[0]
    except KeyError:
        return None


def parts_of(requests: Requests, train_share: float = 0.5) -> tuple[Requests, Requests]:
    """(to learn on, to judge on): sessions by when they start, in the first share of the time seen or after it."""
    if not len(requests):
        return requests, requests
    first, last = int(requests.start_us[0]), int(requests.start_us[-1])
    until = first + int((last - first) * train_share)
    lanes, begun = np.unique(requests.lane, return_index=True)
    starts = requests.start_us[begun][np.searchsorted(lanes, requests.lane)]
    early: Flags = starts <= until
    return part_of(requests, early), part_of(requests, ~early)


def latest(requests: Requests, most: int) -> Requests:
    """The latest whole days that together hold at most `most` calls, one day at least."""
    if len(requests) <= most:
        return requests
    days = requests.start_us // DAY_US
    first = int(days[-most - 1])
    chosen: Flags = days > first if (days > first).any() else days >= first
    return part_of(requests, chosen)


def _in_order(rows: Table, name: str) -> list[str]:
    order = np.lexsort((rows["id_key"], rows["start_us"]))
    found: list[str] = rows[name][order].tolist()
    return found


def _problems(requests: Requests) -> Iterator[Problem]:
    old = sum(1 for text in requests.prefixes if text and not has_positions(text))
    if old:
        yield Problem(
            source="",
            file="",
            row=0,
            code="prefix-without-positions",
            message="These calls were read by an older version, which did not tell the blocks of a prompt apart.",
            value=f"{old} calls",
            expected="prefix blocks of features version 2",
            next_step="Delete the ledger and import the files again.",
        )


def _withheld(everything: Requests, requests: Requests, train: Requests, judged: Requests) -> Withheld:
    if 2 * len(requests) < len(everything):
        return Withheld("most calls went through the Batches API, where reads are best effort")
    known = [has_positions(text) for text in requests.prefixes]
    followed = np.array(known, dtype=bool) | (requests.has_session & ~requests.thinned)
    if 2 * int(followed.sum()) < len(requests):
        return Withheld("the source has neither request bodies nor whole sessions")
    if min(len(train), len(judged)) < LEAST_CALLS:
        return Withheld(f"fewer than {LEAST_CALLS} calls to learn on or to judge on")
    thinned = int(requests.thinned.sum())
    turns = sum(
        _GOES_ON(text) is not None
        for text, is_thinned in zip(requests.prefixes, requests.thinned.tolist(), strict=True)
        if is_thinned
    )
    if thinned and 5 * turns > thinned:
        return Withheld(tails="single calls of conversations were sampled: what the turn before left is not known")
    return Withheld()


def _as_billed(requests: Requests, withheld: Withheld) -> list[CacheOutcome]:
    outcomes = []
    for index, model in enumerate(requests.models):
        mine = requests.model == index
        tokens = (requests.billed[mine] * requests.rate[mine, None]).sum(axis=0).tolist()
        total = sum(tokens)
        if not total or not model:
            continue
        uncached, read, write_5m, write_1h = (count / total for count in tokens)
        outcomes.append(
            CacheOutcome(
                policy="as_billed",
                model=model,
                uncached_share=uncached,
                read_share=read,
                write_5m_share=write_5m,
                write_1h_share=write_1h,
                calls=int(mine.sum()),
                grade="sampled" if (requests.rate[mine] > 1).any() else "measured",
                note="; ".join(filter(None, (withheld.everything, withheld.tails))),
            )
        )
    return outcomes


def _outcomes(
    ready: Prepared,
    judge: Judge,
    prices: ModelPrices,
    plan: Plan,
    decided: Sums | None,
    moved: Plan | None,
    seed: int,
) -> Iterator[CacheOutcome]:
    for policy, chosen in policies_of(ready, judge, plan, moved).items():
        sums = judge.sums(prices, chosen)
        note = note_of(ready)
        if policy == "plan" and decided is not None:
            dearer = sums.cost / max(decided.cost, 1e-9) - 1
            note = f"decided request by request by the gateway; the marks alone cost {dearer:.1%} more; {note}"
            sums = decided
        outcome = _outcome(policy, prices.model, sums, judge.spread(prices, chosen, seed), len(ready.judged))
        if policy in ("plan", "edited") and ready.structure:
            outcome = msgspec.structs.replace(
                outcome,
                marks=marks_of(chosen, ready.structure),
                move_after_prefix=moved_of(chosen, ready.structure),
                note=note,
            )
        yield outcome


def _outcome(policy: CachePolicy, model: str, sums: Sums, spread: float, calls: int) -> CacheOutcome:
    total = sums.uncached + sums.read + sums.write_5m + sums.write_1h or 1.0
    return CacheOutcome(
        policy=policy,
        model=model,
        uncached_share=sums.uncached / total,
        read_share=sums.read / total,
        write_5m_share=sums.write_5m / total,
        write_1h_share=sums.write_1h / total,
        keep_alive_share=sums.keep_alive / total,
        spread=spread,
        calls=calls,
    )
