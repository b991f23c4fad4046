"""The prompt-length band that no report shows, from what the provider says it charged (anthropic-facts section 9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from baseload.ledger.attribution import Groups, Ints
from baseload.ledger.narrowing import NANO_CLASSES
from baseload.ledger.price_checks import PriceCheck, month_of
from baseload.ledger.working import Work

_BAND_MIX: Final = "band-mix"


def close_bands(work: Work, checks: Sequence[PriceCheck]) -> None:
    """Raise what a month's buckets leave open so far that the month costs what the provider's list price says.

    The check's share s is of all tokens of the model, calls included; what calls are known to cost is taken off
    first. The open range of the rows is closed. A month whose check agrees with the low price is closed at it.
    """
    solved = {
        (check.platform, check.account, check.month, check.model): check.band_share
        for check in checks
        if check.band_share is not None
    }
    frame, reports = work.frame, work.roles.control | work.roles.owners
    open_rows = np.flatnonzero(reports & (work.values["high_extra"] > 0))
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    months = {day: _month_text(day) for day in np.unique(frame.day[open_rows]).tolist()}
    for row in open_rows.tolist():
        platform, account = frame.owners[int(frame.owner[row])]
        model = frame.model.values[int(frame.model.codes[row])]
        groups.setdefault((platform, account, months[int(frame.day[row])], model), []).append(row)
    for key, rows in groups.items():
        if key in solved:
            _close(work, np.array(rows, dtype=np.int64), float(solved[key] or 0))


def _close(work: Work, rows: Ints, share: float) -> None:
    frame, values = work.frame, work.values
    days = np.unique(frame.day[rows])
    month = (frame.series == frame.series[rows[0]]) & np.isin(frame.day, days)
    control = month & work.roles.control
    inside = month & (work.calls | work.roles.control | work.roles.owners | work.roles.partial)
    low = sum(int(work.original[name][control].sum()) for name in NANO_CLASSES)
    now = sum(int(values[name][inside].sum()) for name in NANO_CLASSES)
    wanted = low + round(share * int(work.original["high_extra"][control].sum())) - now
    extra = values["high_extra"][rows]
    add = np.clip(wanted, 0, int(extra.sum()))
    one = Groups(np.zeros(len(rows), dtype=np.int64), 1)
    _raise(work, rows, one.share(extra, np.array([add])))
    values["high_extra"][rows] = 0


def _raise(work: Work, rows: Ints, added: Ints) -> None:
    """Add to each row's dollars, class by class in proportion (a request is in one band as a whole)."""
    before = np.array([work.values[name][rows] for name in NANO_CLASSES])
    total = before.sum(axis=0)
    ratio = np.divide(added, total, out=np.zeros(len(rows)), where=total > 0)
    parts = np.floor(before * ratio).astype(np.int64)
    parts[np.argmax(before, axis=0), np.arange(len(rows))] += added - parts.sum(axis=0)
    for name, part in zip(NANO_CLASSES, parts, strict=True):
        work.values[name][rows] += part


def _month_text(day: int) -> str:
    month = month_of(day)
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
