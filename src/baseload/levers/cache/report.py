"""`baseload cache` on request logs or a ledger: every policy, the plan with its diff, and the misses, by workload."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np

from baseload.engine.port import Engine
from baseload.levers.cache.anatomy import Anatomy, anatomy_of
from baseload.levers.cache.evaluate import PolicyFigures
from baseload.levers.cache.gaps import Gaps, gaps_of
from baseload.levers.cache.judge import Sums
from baseload.levers.cache.misses import MissRow, explain_misses
from baseload.levers.cache.rows import rows_by_workload
from baseload.levers.cache.study import Study, study_of
from baseload.levers.options import CacheMark
from baseload.prices.book import PriceBook
from baseload.values import Problem, Table, Workload, iso_day, usd_text

SCHEMA: Final = "baseload.cache-workloads/1"
UNATTRIBUTED: Final = "unattributed"


class MissFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for misses: `usd` is what was paid for the tokens less what reading them would have cost."""

    reason: str
    detail: str
    calls: int
    tokens: int
    usd: str
    logged: int


class WorkloadCache(msgspec.Struct, frozen=True, kw_only=True):
    """One workload. `policies` are priced on `model` over the judged calls, scaled where calls were sampled.

    `policies` is empty where the calls do not tell; `note` says why. `misses` are of all calls, at the list prices of
    their days. `gaps` are of the judged calls.
    """

    workload: str
    name: str
    model: str
    calls: int
    judged_calls: int
    uncached_usd: str | None
    policies: tuple[PolicyFigures, ...]
    marks: tuple[CacheMark, ...]
    move_after_prefix: tuple[str, ...]
    request: Anatomy
    misses: tuple[MissFigures, ...]
    missed_usd: str
    note: str
    gaps: tuple[Gaps, ...] = ()


class CacheReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `baseload cache --json` prints for logs and ledgers. Workloads come in order of what their misses cost.

    The figures at the top are sums over the workloads that have every policy; `left_out` are the others.
    """

    schema: str = SCHEMA
    requests: int
    uncached_usd: str
    policies: tuple[PolicyFigures, ...]
    workloads: tuple[WorkloadCache, ...]
    left_out: int
    price_day: str
    train_share: float
    problems: tuple[Problem, ...] = ()


def cache_report(
    engine: Engine,
    workload_of: Mapping[str, Workload],
    book: PriceBook,
    day: int,
    *,
    model: str = "",
    train_share: float = 0.5,
) -> CacheReport:
    """The report on the attached ledger, priced on `day`; `model` "" is each workload's latest.

    `workload_of` is by signature, as `pipeline.rank_ledger` finds it.
    """
    names = {workload.id: workload.name for workload in workload_of.values()}

    def id_of(signature: str) -> str:
        found = workload_of.get(signature)
        return found.id if found else UNATTRIBUTED

    workloads, totals, problems = [], [], []
    for workload, rows in rows_by_workload(engine, id_of):
        study = study_of(rows, book, day, model=model, train_share=train_share)
        misses, faults = explain_misses(rows, book, day)
        problems += [*study.problems, *faults]
        workloads.append(_workload(workload, names.get(workload, workload), rows, study, misses))
        if {"all_5m", "all_1h"} <= set(study.policies):
            totals.append(study)
    summed = _summed(totals)
    return CacheReport(
        requests=sum(study.judged_calls for study in totals),
        uncached_usd=summed[0].usd if summed else "0.00",
        policies=tuple(summed),
        workloads=tuple(sorted(workloads, key=lambda part: (-Decimal(part.missed_usd), part.name))),
        left_out=len(workloads) - len(totals),
        price_day=iso_day(day),
        train_share=train_share,
        problems=tuple(dict.fromkeys(problems)),
    )


def workload_caches(
    engine: Engine,
    id_of: Callable[[str], str],
    models: Mapping[str, str],
    book: PriceBook,
    day: int,
    *,
    names: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, WorkloadCache]:
    """The report's part for the workloads in `models` alone: id -> the model its calls are to be priced on.

    For a plan's pages, once the plan has chosen a model. `id_of` takes a signature.
    """
    found = {}
    for workload, rows in rows_by_workload(engine, id_of):
        if workload in models:
            study = study_of(rows, book, day, model=models[workload])
            misses, _ = explain_misses(rows, book, day)
            found[workload] = _workload(workload, names.get(workload, workload), rows, study, misses)
    return found


def _workload(workload: str, name: str, rows: Table, study: Study, misses: Sequence[MissRow]) -> WorkloadCache:
    policies = _summed([study])
    return WorkloadCache(
        workload=workload,
        name=name,
        model=study.model,
        calls=len(rows["start_us"]),
        judged_calls=study.judged_calls,
        uncached_usd=policies[0].usd if policies else None,
        policies=tuple(policies),
        marks=study.marks,
        move_after_prefix=study.moved,
        request=_anatomy(study),
        misses=tuple(
            MissFigures(
                reason=row.reason,
                detail=row.detail,
                calls=row.calls,
                tokens=row.tokens,
                usd=usd_text(row.nano_usd),
                logged=row.logged,
            )
            for row in misses
        ),
        missed_usd=usd_text(sum(row.nano_usd for row in misses)),
        note=study.note,
        gaps=_gaps(study),
    )


def _gaps(study: Study) -> tuple[Gaps, ...]:
    if study.structure is None:
        return gaps_of(study.judged, ())
    return gaps_of(study.judged, study.structure.slots, study.structure.moved_units if study.plan.moves else ())


def _anatomy(study: Study) -> Anatomy:
    if study.structure is None:
        return Anatomy(before=(), after=(), diff=())
    return anatomy_of(study.judged.prefixes, study.structure, study.plan.marks, moves=study.plan.moves)


def _summed(studies: Iterable[Study]) -> list[PolicyFigures]:
    """The policies of several workloads together, `none` first: those that each of them has."""
    found = list(studies)
    if not found or not found[0].policies:
        return []
    common = [name for name in found[0].policies if all(name in study.policies for study in found)]
    sums = {name: Sums(*np.sum([study.policies[name] for study in found], axis=0).tolist()) for name in common}
    return [_figures(name, total, sums["none"].cost) for name, total in sums.items()]


def _figures(name: str, sums: Sums, uncached_nano: float) -> PolicyFigures:
    """A policy as a document shows it."""
    uncached, read, write_5m, write_1h, cost, keep_alive = sums
    return PolicyFigures(
        name=name,
        usd=usd_text(round(cost)),
        ratio=cost / uncached_nano if uncached_nano else 1.0,
        write_tokens=round(write_5m + write_1h),
        read_tokens=round(read),
        hit_rate=read / total if (total := uncached + read + write_5m + write_1h) else 0.0,
        write_5m_tokens=round(write_5m),
        write_1h_tokens=round(write_1h),
        uncached_tokens=round(uncached),
        keep_alive_tokens=round(keep_alive),
    )
