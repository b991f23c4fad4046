"""Workloads by total cost = cost per inference x volume, exact, and how concentrated the spend is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.values import NANO_PER_USD, TOKEN_CLASSES, Table, Tokens, Window, Workload
from baseload.workloads.key import UNATTRIBUTED

CONCENTRATION = Decimal("0.8")
TOP_MODEL_MIN_SHARE = Decimal("0.05")
"""A dear model under this share of the spend is a stray call and not the model the bill is about."""

_Ints = NDArray[np.int64]


class ModelSpend(msgspec.Struct, frozen=True, kw_only=True):
    """One model's part of a workload; `requests` is None where a source does not count calls."""

    model: str  # "" for models the price book does not know
    requests: int | None
    list_nano: int


class RankedWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """One workload of the ranking: list nano-dollars inside the window, and the two factors of its cost.

    `list_high_nano` differs where a TTL or a price band is unknown. `requests` counts every call of it, or is None
    when any of its priced tokens come from a source that does not count calls; then the cost per inference is unknown
    too. `billed_nano` is None unless some source states the bill. Shares are of the whole, unattributed included.
    """

    workload: Workload
    rank: int
    requests: int | None
    tokens: Tokens
    list_nano: int
    list_high_nano: int
    billed_nano: int | None
    priced_requests: int | None  # calls that the dollars are of; None as for `requests`
    unpriced_rows: int  # calls and buckets with tokens and without a price
    share: float
    cumulative_share: float
    models: tuple[ModelSpend, ...]  # dearest first
    daily_nano: tuple[int, ...]  # one per day of the window
    sources: tuple[str, ...]
    sampling_rate: int  # largest 1-in-N among its rows; 1 = every call was seen

    @property
    def usd_per_request(self) -> Decimal | None:
        """Cost per priced call to the nano-dollar, half-even; None where no call is priced or calls are not counted."""
        if not self.priced_requests:
            return None
        return Decimal(round(Decimal(self.list_nano) / self.priced_requests)) / NANO_PER_USD


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """All workloads, dearest first, and the totals they add up to."""

    workloads: tuple[RankedWorkload, ...]
    list_nano: int
    requests: int | None
    workloads_for_80_percent: int | None  # None where named workloads together hold less than 80 %


def rank(spend: Table, workload_of: Mapping[str, Workload], window: Window) -> Ranking:
    """The ranking of priced spend rows.

    `spend` has the columns of the ledger's spend query joined with `price_table`: signature, day, model, source,
    requests (nullable), the five token classes, list_nano; list_high_nano, billed_nano_usd, priced, sampling_rate and
    cost_type are optional. Figures are taken as they stand: scaling a sample is the caller's. Rows outside the window
    do not count; signatures without a workload are UNATTRIBUTED. Rows of a cost report (`cost_type`) repeat spend that
    token rows hold and count as billed dollars only. Ties rank by workload id.
    """
    inside = (spend["day"] >= window.start_day) & (spend["day"] < window.end_day_exclusive)
    rows = {name: column[inside] for name, column in spend.items()}
    workloads, index = _workload_index(rows["signature"].tolist(), workload_of)
    total = int(_whole(rows["list_nano"]).sum())
    parts = _parts(rows, index, len(workloads))
    unranked = [_measure(workload, part, window) for workload, part in zip(workloads, parts, strict=True)]
    ordered = sorted(unranked, key=lambda found: (-found.list_nano, found.workload.id))
    ranked, running = [], 0
    for place, found in enumerate(ordered, start=1):
        running += found.list_nano
        ranked.append(
            msgspec.structs.replace(
                found, rank=place, share=_share(found.list_nano, total), cumulative_share=_share(running, total)
            )
        )
    return Ranking(
        workloads=tuple(ranked),
        list_nano=total,
        requests=_requests(rows),
        workloads_for_80_percent=how_few([found for found in ranked if found.workload.id != UNATTRIBUTED.id], total),
    )


def how_few(ranked: Sequence[RankedWorkload], total_nano: int) -> int | None:
    """How few workloads, dearest first, hold 80 % of a total; None when all of them hold less. 0 of nothing."""
    running = 0
    for count, found in enumerate(ranked):
        if running >= CONCENTRATION * total_nano:
            return count
        running += found.list_nano
    return len(ranked) if running >= CONCENTRATION * total_nano else None


def top_model(spend_nano: Mapping[str, int], dearness: Mapping[str, Decimal]) -> tuple[str, float] | None:
    """(model, share of the spend on it and on every model at least as dear); None without priced spend.

    `dearness` is a price that orders models (output USD per MTok today). The top price is that of the dearest model
    that alone holds TOP_MODEL_MIN_SHARE, so that one old call is not the headline; of the models at that price the one
    with the largest spend gives its name.
    """
    total = sum(spend_nano.values())
    known = {model: nano for model, nano in spend_nano.items() if model in dearness and nano > 0}
    if not known or total <= 0:
        return None
    material = {model: nano for model, nano in known.items() if nano >= TOP_MODEL_MIN_SHARE * total} or known
    named = max(material, key=lambda model: (dearness[model], material[model], model))
    at_the_top = sum(nano for model, nano in known.items() if dearness[model] >= dearness[named])
    return named, _share(at_the_top, total)


def _workload_index(
    signatures: Sequence[str], workload_of: Mapping[str, Workload]
) -> tuple[list[Workload], NDArray[np.int64]]:
    places: dict[str, int] = {}
    workloads: list[Workload] = []
    index = np.empty(len(signatures), dtype=np.int64)
    for row, signature in enumerate(signatures):
        workload = workload_of.get(signature, UNATTRIBUTED)
        if workload.id not in places:
            places[workload.id] = len(workloads)
            workloads.append(workload)
        index[row] = places[workload.id]
    return workloads, index


def _measure(workload: Workload, rows: Table, window: Window) -> RankedWorkload:
    nano = _whole(rows["list_nano"])
    priced = _whole(rows["priced"]) if "priced" in rows else np.ones_like(nano)
    counts = _whole(rows["rows"]) if "rows" in rows else np.ones_like(nano)
    return RankedWorkload(
        workload=workload,
        rank=0,
        requests=_requests(rows),
        tokens=Tokens(**{name: int(_whole(rows[name]).sum()) for name in TOKEN_CLASSES}),
        list_nano=int(nano.sum()),
        list_high_nano=int(_whole(rows.get("list_high_nano", rows["list_nano"])).sum()),
        billed_nano=_nullable_sum(rows.get("billed_nano_usd")),
        priced_requests=_requests({name: column[priced > 0] for name, column in rows.items()}),
        unpriced_rows=int(counts[(priced == 0) & _has_tokens(rows)].sum()),
        share=0.0,
        cumulative_share=0.0,
        models=_by_model(rows),
        daily_nano=_by_day(rows["day"], nano, window),
        sources=tuple(sorted(set(rows["source"].tolist()))),
        sampling_rate=int(_whole(rows["sampling_rate"]).max(initial=1)) if "sampling_rate" in rows else 1,
    )


def _by_model(rows: Table) -> tuple[ModelSpend, ...]:
    models = [model or "" for model in rows["model"].tolist()]
    names = sorted(set(models))
    place = {name: number for number, name in enumerate(names)}
    index = np.array([place[model] for model in models], dtype=np.int64)
    found = [
        ModelSpend(model=name, requests=_requests(part), list_nano=int(_whole(part["list_nano"]).sum()))
        for name, part in zip(names, _parts(rows, index, len(names)), strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-one.list_nano, one.model)))


def _by_day(days: NDArray[Any], nano: _Ints, window: Window) -> tuple[int, ...]:
    total = np.zeros(window.days, dtype=np.int64)
    np.add.at(total, _whole(days) - window.start_day, nano)  # bincount would sum in floats
    return tuple(total.tolist())


def _requests(rows: Table) -> int | None:
    """Calls of some rows; None as soon as a row with tokens does not say, and for dollars without any tokens."""
    counted = _has_tokens(rows)
    requests = rows["requests"]
    unknown = np.ma.getmaskarray(requests)
    if "requests_known" in rows and "rows" in rows:
        unknown = unknown | (_whole(rows["requests_known"]) < _whole(rows["rows"]))
    dollars_alone = not counted.any() and _whole(rows["list_nano"]).any()
    if dollars_alone or (unknown & counted).any():
        return None
    return int(np.where(unknown, 0, _whole(requests)).sum())


def _has_tokens(rows: Table) -> NDArray[np.bool_]:
    """Rows that stand for inference: anything but a cost report's rows and empty buckets."""
    tokens = sum((_whole(rows[name]) for name in TOKEN_CLASSES), np.zeros(len(rows["day"]), dtype=np.int64))
    has: NDArray[np.bool_] = tokens > 0
    if "cost_type" in rows:
        has &= np.array([not kind for kind in rows["cost_type"].tolist()], dtype=bool)
    return has


def _nullable_sum(column: NDArray[Any] | None) -> int | None:
    if column is None or bool(np.ma.getmaskarray(column).all()):
        return None
    return int(_whole(column).sum())


def _parts(rows: Table, index: NDArray[np.int64], count: int) -> list[Table]:
    """The rows of each place 0..count-1, by one sort instead of a scan each."""
    order = np.argsort(index, kind="stable")
    cuts = np.searchsorted(index[order], np.arange(count + 1))
    return [
        {name: column[order[start:end]] for name, column in rows.items()}
        for start, end in itertools.pairwise(cuts.tolist())
    ]


def _whole(column: NDArray[Any]) -> _Ints:
    """The column as plain int64, masked values as 0."""
    return np.ma.filled(column, 0).astype(np.int64)


def _share(part: int, total: int) -> float:
    return part / total if total else 0.0
