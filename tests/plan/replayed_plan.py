"""A replayed company through the real pipeline: its ledger, positions and menus; and a chosen plan run for real.

The menus come from the levers' own functions, given the calls of the ledger. What a chosen plan then costs is worked
out call by call from what it says: marks by name, models, batches; nothing is taken from how the lever counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from replayed_bill import Arranged, Batching, Running, bill, calls_of
from replayed_company import PLAN_DAY, Turn, Workload

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.prompt_sizes import prompt_sizes_sql, sizes_by_signature
from baseload.ledger.queries import cache_calls_sql, repeats_sql
from baseload.ledger.spend import spend_table
from baseload.ledger.store import Ledger
from baseload.levers.batch.completion import CompletionTable
from baseload.levers.batch.outcome import setting_of
from baseload.levers.batch.window import Setting, chosen
from baseload.levers.batch.workloads import BatchSettings, batch_facts, batch_outcomes, request_of
from baseload.levers.cache.rules import Mark
from baseload.levers.cache.workload import cache_outcomes
from baseload.levers.options import CacheOutcome, Fix, Menu, RouteOption, Ttl
from baseload.levers.position import Position, by_workload
from baseload.levers.positions import positions_of
from baseload.levers.route.candidates import route_options
from baseload.levers.route.shape import RouteShape
from baseload.plan.choice import Choice, route_of
from baseload.plan.cost import Part, Pricer
from baseload.prices.book import PriceBook
from baseload.project import WorkloadRule
from baseload.usage.prefix_text import Entry
from baseload.values import Call, Table
from baseload.values import Workload as Grouped


class World(NamedTuple):
    """Everything a plan is made from, by workload."""

    book: PriceBook
    positions: Mapping[str, tuple[Position, ...]]
    menus: Mapping[str, Menu]
    queues: Mapping[str, tuple[Setting, int]]  # of what may be batched: setting and formation window
    table: CompletionTable
    list_nano: int  # of the whole ledger

    def pricer(self, name: str) -> Pricer:
        return Pricer(self.positions[name], self.menus[name], self.book, PLAN_DAY)


def world_of(workloads: Sequence[Workload], calls: Sequence[Call], book: PriceBook, root: Path) -> World:
    """The company's ledger, and what every lever offers each of its workloads."""
    grouped = {
        one.name: Grouped(id=one.name, name=one.name, stage="key", why="", latency=one.latency, task="extraction")
        for one in workloads
    }
    rules = tuple(WorkloadRule(name=one.name, id=one.name, deadline=one.deadline) for one in workloads if one.deadline)
    settings = BatchSettings(rules=rules)
    with Ledger.open(root, create=True) as ledger, DuckDBEngine(threads=1) as engine:
        with ledger.writer() as writer:
            writer.append(list(calls))
        spend, intervals, _ = spend_table(ledger, engine, book)
        names = dict(zip(*(ledger.signatures()[name].tolist() for name in ("signature", "api_key")), strict=True))
        named = {**spend, "workload": np.array([names[one] for one in spend["signature"].tolist()], dtype=object)}
        positions = by_workload(positions_of(named, intervals.keys))
        sizes = sizes_by_signature(engine.query(prompt_sizes_sql()))
        cached = engine.query(cache_calls_sql())
        repeated = _repeated(engine.query(repeats_sql()), names)
        facts = batch_facts(engine, ledger.signatures(), {one: grouped[name] for one, name in names.items()}, settings)
    batches, _ = batch_outcomes(
        [one for members in positions.values() for one in members], grouped, facts, settings, book, PLAN_DAY
    )
    shapes = {
        one.name: RouteShape(
            sizes=tuple(bin_ for key, name in names.items() if name == one.name for bin_ in sizes[key])
        )
        for one in workloads
    }
    menus = {}
    for one in workloads:
        routes, _ = route_options(grouped[one.name], positions[one.name], shapes[one.name], book, PLAN_DAY, {})
        menus[one.name] = Menu(
            workload=one.name,
            fixes=_fixes(one, repeated),
            routes=routes,
            caches=_caches(_rows_of(cached, names, one.name), routes, book),
            batch=batches[one.name],
        )
    queues = {}
    for name, menu in menus.items():
        if menu.batch is not None and not menu.batch.blocked_by:
            setting = setting_of(request_of(grouped[name], positions[name], facts, settings, book, PLAN_DAY))
            queues[name] = setting, chosen(facts.flows[name], setting)[0]
    return World(book, positions, menus, queues, facts.table, int(spend["list_nano"].sum()))


def run_as_planned(one: Workload, world: World, choice: Choice, *, place: float, reading: str, seed: int) -> Decimal:
    """The bill of a workload that runs as the choice says, call by call.

    `place` says where inside every stated range the truth lies (0 low, 1 high): token growth, output, hits in batches.
    """
    pricer, menu = world.pricer(one.name), world.menus[one.name]
    (part,) = _distinct(pricer.parts(choice))
    growth, output = _truth(route_of(choice, menu), menu, place, moved=part.placed.moved)
    how = Running(
        model=part.placed.key.model,
        speed=part.placed.key.speed,
        growth=growth,
        output=output,
        arrange=None if part.cache is None or part.cache.policy == "as_billed" else arranged(one, part.cache),
        drops_repeats=any(menu.fixes[index].kind == "repeat" for index in choice.fixes),
        batching=_batching(one.name, world, place, reading, seed) if part.batch is not None else None,
    )
    return bill(calls_of(one.turns, how, world.book), world.book)


def arranged(one: Workload, outcome: CacheOutcome) -> partial[Arranged]:
    """How a cache outcome sends a workload's calls: its marks, by the names it gives their places.

    What it moves are the parts of the system prompt that no two calls share; they come after everything else.
    """
    moved = _unshared(one) if outcome.move_after_prefix else frozenset()
    if outcome.policy in ("all_5m", "all_1h"):
        ttl: Ttl = "5m" if outcome.policy == "all_5m" else "1h"
        places = (("system:last", ttl), ("tail", ttl))
    else:
        places = tuple((mark.after, mark.ttl) for mark in outcome.marks)
    return partial(_marked, moved=moved, places=places)


def _marked(turn: Turn, *, moved: frozenset[str], places: tuple[tuple[str, Ttl], ...]) -> Arranged:
    first = [entry for entry in turn.entries if entry.digest not in moved]
    marks: dict[int, Mark] = {}
    for after, ttl in places:
        position = _position(first, after)
        if position is not None and position not in marks:
            marks[position] = Mark(position, ttl)
    return [*first, *(entry for entry in turn.entries if entry.digest in moved)], list(marks.values())


def _position(entries: Sequence[Entry], after: str) -> int | None:
    """The place of a mark's name among the entries; None where this call has no such place."""
    if after == "tail":
        return len(entries) - 1
    section, _, which = after.partition(":")
    mine = [place for place, entry in enumerate(entries) if (entry.kind == "s") == (section == "system")]
    if section == "message":
        mine = _message_ends(entries, mine)
    place = len(mine) - 1 if which == "last" else int(which)
    return mine[place] if 0 <= place < len(mine) else None


def _message_ends(entries: Sequence[Entry], places: Sequence[int]) -> list[int]:
    """The last entry of each message: a message ends where the other side speaks."""
    sides = [entries[place].kind == "a" for place in places]
    return [place for index, place in enumerate(places) if index == len(places) - 1 or sides[index] != sides[index + 1]]


def _unshared(one: Workload) -> frozenset[str]:
    """System parts that only one call sends."""
    seen = Counter(entry.digest for turn in one.turns for entry in turn.entries if entry.kind == "s")
    return frozenset(digest for digest, calls in seen.items() if calls == 1)


def _caches(rows: Table, routes: Sequence[RouteOption], book: PriceBook) -> tuple[CacheOutcome, ...]:
    """What the cache lever offers on every model the routes name."""
    models = dict.fromkeys(route.model for route in routes if not route.excluded_by)
    found, _ = cache_outcomes(rows, [book.models[model] for model in models], book, PLAN_DAY)
    return tuple(found)


def _rows_of(rows: Table, names: Mapping[str, str], workload: str) -> Table:
    mine = np.array([names[signature] == workload for signature in rows["signature"].tolist()])
    return {name: column[mine] for name, column in rows.items()}


def _fixes(one: Workload, repeated: Mapping[str, int]) -> tuple[Fix, ...]:
    fixes = []
    if repeated.get(one.name):
        fixes.append(Fix(kind="repeat", share=repeated[one.name] / len(one.turns)))
    if any(turn.speed == "fast" for turn in one.turns):
        fixes.append(Fix(kind="speed"))
    return tuple(fixes)


def _repeated(rows: Mapping[str, np.ndarray], names: Mapping[str, str]) -> dict[str, int]:  # type: ignore[type-arg]
    found: dict[str, int] = {}
    for signature, calls in zip(rows["signature"].tolist(), rows["calls"].tolist(), strict=True):
        found[names[signature]] = found.get(names[signature], 0) + calls
    return found


def _batching(name: str, world: World, place: float, reading: str, seed: int) -> Batching:
    setting, window = world.queues[name]
    outcome = world.menus[name].batch
    if outcome is None:
        raise AssertionError("a choice that batches stands beside a menu that has a batch")
    hits = outcome.hits_high - place * (outcome.hits_high - outcome.hits_low)
    return Batching(setting, window, world.table, reading, hits, seed)


def _distinct(parts: Sequence[Part]) -> list[Part]:
    """Parts that run differently; the prompt band of a position is no difference, its calls decide it."""
    found: dict[object, Part] = {}
    for part in parts:
        key = part.placed.key
        found[key.model, key.speed, part.cache, part.batch is not None] = part
    return list(found.values())


def _truth(option: RouteOption, menu: Menu, place: float, *, moved: bool) -> tuple[Decimal, Decimal]:
    """(token growth, output factor) at a place of the ranges an option states; (1, 1) for what stays as it is."""
    effort_only = not option.today and option.model == menu.routes[0].model
    one = Decimal(1)
    growth = _between(option.growth_low, option.growth_high, place) if moved else one
    return growth, _between(option.output_low, option.output_high, place) if moved or effort_only else one


def _between(low: Decimal, high: Decimal, place: float) -> Decimal:
    return low + (high - low) * Decimal(str(place))
