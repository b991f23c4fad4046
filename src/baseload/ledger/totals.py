"""Totals of a settled spend table: by model, by day, and the span of days it covers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.ledger.reconciliation import Reconciliation
from baseload.values import AGGREGATE_GRAINS, TOKEN_CLASSES, Table, Tokens, Window


class ModelTotal(msgspec.Struct, frozen=True, kw_only=True):
    """One model's totals; `requests` is None where a source does not count calls, `billed_nano` where none bills."""

    model: str
    requests: int | None
    tokens: Tokens
    list_nano: int
    list_high_nano: int
    billed_nano: int | None


class DayTotal(msgspec.Struct, frozen=True, kw_only=True):
    """One day's totals; `models` maps a model to list nano-dollars."""

    day: int
    requests: int | None
    list_nano: int
    billed_nano: int | None
    models: Mapping[str, int]
    complete: bool


def window_of(spend: Table) -> Window | None:
    """First to last day with a row, or None of an empty table."""
    days = spend["day"]
    if not len(days):
        return None
    return Window(start_day=int(days.min()), end_day_exclusive=int(days.max()) + 1)


def inside(spend: Table, window: Window) -> Table:
    """The rows whose day lies in the window."""
    chosen = (spend["day"] >= window.start_day) & (spend["day"] < window.end_day_exclusive)
    return {name: column[chosen] for name, column in spend.items()}


def whole_days(spend: Table) -> tuple[list[int], list[int]]:
    """(days with calls, days with buckets): what `run_rate.complete_window` judges completeness by."""
    grain = spend["grain"].astype(str)
    bucket = np.isin(grain, AGGREGATE_GRAINS)
    return np.unique(spend["day"][~bucket]).tolist(), np.unique(spend["day"][np.isin(grain, ("hour", "day"))]).tolist()


def daily_nano(spend: Table, column: str = "list_nano") -> dict[int, int]:
    """Day -> sum of a money column."""
    days, inverse = np.unique(spend["day"], return_inverse=True)
    sums = _sums(spend[column], inverse, len(days))
    return dict(zip(days.tolist(), sums.tolist(), strict=True))


def daily_tokens(spend: Table, *, unpriced: bool = False) -> dict[int, int]:
    """Day -> tokens, all of them or only those without a price."""
    counted = sum((_whole(spend[name]) for name in TOKEN_CLASSES), np.zeros(len(spend["day"]), dtype=np.int64))
    if unpriced:
        counted = np.where(_whole(spend["priced"]) == 0, counted, 0)
    return daily_nano({"day": spend["day"], "tokens": counted}, "tokens")


def by_model(spend: Table) -> list[ModelTotal]:
    """Totals of each model, dearest first; "" holds what the price book does not know."""
    models = np.array([model or "" for model in spend["model"].tolist()], dtype=object)
    found = []
    for model in sorted(set(models.tolist())):
        rows = {name: column[models == model] for name, column in spend.items()}
        tokens = Tokens(**{name: int(_whole(rows[name]).sum()) for name in TOKEN_CLASSES})
        billed = billed_of(rows)
        if tokens.total_tokens or billed:
            found.append(
                ModelTotal(
                    model=model,
                    requests=requests_of(rows),
                    tokens=tokens,
                    list_nano=int(_whole(rows["list_nano"]).sum()),
                    list_high_nano=int(_whole(rows["list_high_nano"]).sum()),
                    billed_nano=billed,
                )
            )
    return sorted(found, key=lambda total: (-total.list_nano, total.model))


def by_day(spend: Table, window: Window, complete: Window | None) -> list[DayTotal]:
    """Every day of the window, also those without a row."""
    order = np.argsort(spend["day"], kind="stable")
    ordered = {name: column[order] for name, column in spend.items()}
    edges = np.searchsorted(ordered["day"], np.arange(window.start_day, window.end_day_exclusive + 1))
    found = []
    for day, (first, last) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True), window.start_day):
        rows = {name: column[first:last] for name, column in ordered.items()}
        found.append(
            DayTotal(
                day=day,
                requests=requests_of(rows),
                list_nano=int(_whole(rows["list_nano"]).sum()),
                billed_nano=billed_of(rows),
                models=_models(rows),
                complete=complete is not None and day in complete,
            )
        )
    return found


def sampled_outside_totals(rows: Table, reconciliation: Iterable[Reconciliation]) -> int:
    """List nano-dollars of scaled-up calls that no daily control total holds: the part of a sum that sampling blurs.

    Inside a control total a sample only divides the total among workloads; the total itself was counted.
    """
    held = {(cell.platform, cell.account, cell.day, cell.model) for cell in reconciliation if cell.control_tokens > 0}
    scaled = np.flatnonzero(_whole(rows["sampling_rate"]) > 1)
    columns = (rows[name][scaled].tolist() for name in ("price_key", "account", "day", "model", "list_nano"))
    return sum(
        nano
        for key, account, day, model, nano in zip(*columns, strict=True)
        if (key.split("|")[1], account, day, model) not in held
    )


def requests_of(rows: Table) -> int | None:
    """Calls of some rows; None as soon as a row with tokens does not say. Rows of a cost report count none."""
    tokens = sum((_whole(rows[name]) for name in TOKEN_CLASSES), np.zeros(len(rows["day"]), dtype=np.int64))
    unknown = (tokens > 0) & (_whole(rows["requests_known"]) < _whole(rows["rows"]))
    return None if bool(unknown.any()) else int(_whole(rows["requests"]).sum())


def billed_of(rows: Table) -> int | None:
    """Billed nano-dollars of some rows, or None where no row states a bill."""
    column = rows["billed_nano_usd"]
    if bool(np.ma.getmaskarray(column).all()):
        return None
    return int(_whole(column).sum())


def _models(rows: Table) -> dict[str, int]:
    totals: dict[str, int] = {}
    for model, nano in zip(rows["model"].tolist(), _whole(rows["list_nano"]).tolist(), strict=True):
        if nano:
            totals[model or ""] = totals.get(model or "", 0) + nano
    return dict(sorted(totals.items()))


def _sums(values: NDArray[Any], group: NDArray[np.intp], groups: int) -> NDArray[np.int64]:
    totals = np.zeros(groups, dtype=np.int64)
    np.add.at(totals, group, _whole(values))
    return totals


def _whole(column: NDArray[Any]) -> NDArray[np.int64]:
    """Plain int64, masked values as 0."""
    return np.ma.filled(np.ma.asarray(column), 0).astype(np.int64)


def sources_of(spend: Table) -> Sequence[str]:
    """The names of the sources in a spend table, sorted."""
    return sorted({str(source) for source in spend["source"].tolist()})
