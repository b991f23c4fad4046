"""Models priced by prompt length whose settled dollars still differ from the provider's own list amount.

A usage report does not say which band a request fell in. Calls do; where they are a sample, scaled, their share in the
dear band is the sample's, and the provider's list price of the same days says what it really was.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np

from baseload.ledger.frame import ints, key_parts, known, texts
from baseload.ledger.narrowing import NANO_CLASSES
from baseload.ledger.price_checks import GATE, PriceCheck, month_of
from baseload.values import Table, usd_text


class BandNote(msgspec.Struct, frozen=True, kw_only=True):
    """One model over the days that the provider's list amount covers, all accounts together, in nano-dollars."""

    model: str
    ours_nano: int
    vendor_nano: int

    @property
    def share(self) -> Decimal:
        """Ours over the provider's, less one."""
        return Decimal(self.ours_nano - self.vendor_nano) / self.vendor_nano

    @property
    def says(self) -> str:
        ours, vendor = (Decimal(usd_text(nano)) for nano in (self.ours_nano, self.vendor_nano))
        return (
            f"{self.model} comes to {ours:,.2f} USD where the vendor's own list amount of the same days is "
            f"{vendor:,.2f} ({self.share:+.1%}): its price depends on the prompt's length, and which calls were long "
            "is scaled from the sample"
        )


def band_notes(rows: Table, checks: Sequence[PriceCheck]) -> tuple[BandNote, ...]:
    """Of settled rows: each model with a band mix whose dollars are off by more than the gate, dearest first."""
    mixed = {
        (one.platform, one.account, one.month, one.model): one.reported_list_nano
        for one in checks
        if one.verdict == "band-mix"
    }
    if not mixed:
        return ()
    dollars = sum((ints(rows, name) for name in NANO_CLASSES), np.zeros(len(rows["day"]), dtype=np.int64))
    keys, accounts, models = (texts(rows, name) for name in ("price_key", "account", "model"))
    platforms = [key_parts(key)[1] for key in keys.values]
    listed = known(rows, "reported_list_nano_usd")
    owner = [
        (platforms[key], accounts.values[account]) for key, account in zip(keys.codes, accounts.codes, strict=True)
    ]
    days = rows["day"].tolist()
    told = {(owner[place], days[place]) for place in np.flatnonzero(listed).tolist()}
    found: dict[str, list[int]] = {}
    for (_, _, _, model), vendor in mixed.items():
        found.setdefault(model, [0, 0])[1] += vendor
    for place in np.flatnonzero(dollars > 0).tolist():
        model = models.values[int(models.codes[place])]
        if model not in found or (owner[place], days[place]) not in told:
            continue
        month = month_of(days[place])
        if (*owner[place], f"{month // 12:04d}-{month % 12 + 1:02d}", model) in mixed:
            found[model][0] += int(dollars[place])
    notes = [BandNote(model=model, ours_nano=ours, vendor_nano=vendor) for model, (ours, vendor) in found.items()]
    off = [one for one in notes if one.vendor_nano > 0 and one.ours_nano > 0 and abs(one.share) > GATE]
    return tuple(sorted(off, key=lambda one: (-one.vendor_nano, one.model)))
