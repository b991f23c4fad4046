"""Our list price of a report's tokens against the provider's own: the gate that keeps the price book honest.

The recipe is anthropic-facts section 9: the same days on both sides, Priority-tier rows dropped (they cost 0 there),
half a per cent per model. On a model priced by prompt length the difference is the mix of bands, which no report shows;
`band_share` solves for it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from baseload.ledger.attribution import Groups, codes_of
from baseload.ledger.frame import Frame, ints, known
from baseload.ledger.narrowing import NANO_CLASSES
from baseload.ledger.statements import Flags, Roles
from baseload.values import NANO_PER_CENT, Table, date_of_day

GATE: Final = Decimal("0.005")
_ROUNDED: Final = "console_csv"


class PriceCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One model of one account and month, over the days that both a token and a money report cover."""

    platform: str
    account: str
    month: str  # YYYY-MM
    model: str
    list_nano: int  # ours; the low end where the band is unknown
    list_high_nano: int
    reported_list_nano: int
    billed_nano: int
    verdict: str  # agrees | differs | band-mix | unpriced
    band_share: Decimal | None = None  # of the model's list value at the low band that is really in the dear one

    @property
    def difference_share(self) -> Decimal | None:
        """Ours over the provider's, less one; None where the provider says 0."""
        if not self.reported_list_nano:
            return None
        return Decimal(self.list_nano - self.reported_list_nano) / self.reported_list_nano

    @property
    def discount(self) -> Decimal | None:
        """The realised discount: 1 - billed / list, both the provider's (anthropic-facts section 0.8)."""
        if not self.reported_list_nano:
            return None
        return 1 - Decimal(self.billed_nano) / self.reported_list_nano


def band_share(low_nano: int, high_nano: int, reported_nano: int) -> Decimal | None:
    """The share s of tokens, weighted by their low price, that was billed in the dear band: (R - L) / (H - L).

    A request is in one band as a whole, so R = (1 - s) L + s H. None where there is no such band, or where no s in
    0..1 explains the report within the gate: then the difference is something else.

    >>> band_share(100, 500, 140)
    Decimal('0.1')
    """
    if high_nano <= low_nano:
        return None
    share = Decimal(reported_nano - low_nano) / (high_nano - low_nano)
    slack = GATE * reported_nano / (high_nano - low_nano)
    if not -slack <= share <= 1 + slack:
        return None
    return min(max(share, Decimal(0)), Decimal(1))


def price_checks(spend: Table, frame: Frame, roles: Roles) -> tuple[PriceCheck, ...]:
    """Every (account, month, model) whose days have tokens and the provider's list price both, by daily reports."""
    listed = roles.money & known(spend, "reported_list_nano_usd") & frame.cost_type.where({"tokens", "other"})
    listed &= ~frame.model.where({""})
    tokens = roles.control & ~frame.tier.where({"priority"})
    common = _days(frame, listed) & _days(frame, tokens)
    rows = np.flatnonzero((listed | tokens) & common)
    if not len(rows):
        return ()
    months = {day: month_of(day) for day in np.unique(frame.day[rows]).tolist()}
    month = np.array([months[day] for day in frame.day[rows].tolist()], dtype=np.int64)
    codes, count = codes_of([frame.series[rows], month])
    groups = Groups(codes, count)
    money, ours = listed[rows], tokens[rows]
    combined = groups.sums((money & frame.cost_type.where({"other"})[rows]).astype(np.int64)) > 0
    classes = sum((ints(spend, name)[rows] for name in NANO_CLASSES), np.zeros(len(rows), dtype=np.int64))
    own = np.where(combined[codes], classes + ints(spend, "server_tool_nano")[rows], classes)
    extra = np.maximum(ints(spend, "list_high_nano") - ints(spend, "list_nano"), 0)[rows]
    low = groups.sums(np.where(ours, own, 0))
    high = low + groups.sums(np.where(ours, extra, 0))
    reported = groups.sums(np.where(money, ints(spend, "reported_list_nano_usd")[rows], 0))
    billed = groups.sums(np.where(money, ints(spend, "billed_nano_usd")[rows], 0))
    rounded = groups.sums(np.where(money & frame.source.where({_ROUNDED})[rows], ints(spend, "rows")[rows], 0))
    member = np.zeros(count, dtype=np.int64)
    member[codes] = np.arange(len(rows))
    checks = [
        _check(frame, int(rows[member[place]]), int(month[member[place]]), *found)
        for place, found in enumerate(
            zip(*(column.tolist() for column in (low, high, reported, billed, rounded)), strict=True)
        )
    ]
    return tuple(sorted(checks, key=lambda check: (check.platform, check.account, check.month, check.model)))


def _check(
    frame: Frame, row: int, month: int, low: int, high: int, reported: int, billed: int, rounded_rows: int
) -> PriceCheck:
    platform, account = frame.owners[int(frame.owner[row])]
    verdict, share = _verdict(low, high, reported, rounded_rows)
    return PriceCheck(
        platform=platform,
        account=account,
        month=f"{month // 12:04d}-{month % 12 + 1:02d}",
        model=frame.model.values[int(frame.model.codes[row])],
        list_nano=low,
        list_high_nano=high,
        reported_list_nano=reported,
        billed_nano=billed,
        verdict=verdict,
        band_share=share,
    )


def _verdict(low: int, high: int, reported: int, rounded_rows: int) -> tuple[str, Decimal | None]:
    """Rows rounded to the cent are each half a cent uncertain; all others are exact."""
    tolerance = max(GATE * reported, Decimal(NANO_PER_CENT), Decimal(NANO_PER_CENT) / 2 * rounded_rows)
    if abs(low - reported) <= tolerance:
        return "agrees", Decimal(0) if high > low else None
    share = band_share(low, high, reported)
    if share is not None:
        return "band-mix", share
    return ("unpriced" if not low else "differs"), None


def _days(frame: Frame, rows: Flags) -> Flags:
    present = np.zeros(frame.account_days, dtype=bool)
    present[frame.account_day[rows]] = True
    found: Flags = present[frame.account_day]
    return found


def month_of(day: int) -> int:
    """Months since year 0."""
    date = date_of_day(day)
    return date.year * 12 + date.month - 1
