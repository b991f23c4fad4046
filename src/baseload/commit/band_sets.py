"""Three sets of bands to size against where no offer is on the table: assumptions, to be edited, never facts.

Nobody publishes a rate card of Claude commitments. These come from buyers' advisers, who sell advice and whose numbers
nobody audits (facts, commit.md sections 1a and 1d, 2026-11-22). A recommendation states its range over all three. They
begin at different commitments: below 250,000 the central set alone has a discount, so that there is no range there.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal

import msgspec

from baseload.commit.clauses import Band

Reliability = Literal["vendor", "adviser", "press", "paper", "measured"]


class BandSet(msgspec.Struct, frozen=True, kw_only=True):
    """Bands with how far to trust them. Below the first that has a discount nobody said anything: none is assumed."""

    name: str
    bands: tuple[Band, ...]
    reliability: Reliability
    note: str

    @property
    def from_usd(self) -> Decimal:
        """The least commitment that has a discount."""
        return next(band.from_usd for band in self.bands if band.discount)


def _bands(*steps: tuple[int, str]) -> tuple[Band, ...]:
    return tuple(Band(from_usd=Decimal(floor), discount=Decimal(discount)) for floor, discount in steps)


CONSERVATIVE: Final = BandSet(
    name="conservative",
    bands=_bands((0, "0"), (250_000, "0.08"), (500_000, "0.10"), (1_000_000, "0.14"), (2_500_000, "0.17"),
                 (5_000_000, "0.20")),
    reliability="adviser",
    note="Where a first draft may stand. Below every adviser's reported settlement. Nothing below 250,000.",
)  # fmt: skip
CENTRAL: Final = BandSet(
    name="central",
    bands=_bands((100_000, "0.05"), (250_000, "0.10"), (500_000, "0.14"), (1_000_000, "0.18"), (2_500_000, "0.22"),
                 (5_000_000, "0.25")),
    reliability="adviser",
    note="Thresholds and discounts that several advisers' pages agree on; 20 % at 2M lies between its bands.",
)  # fmt: skip
OPTIMISTIC: Final = BandSet(
    name="optimistic",
    bands=_bands((250_000, "0.15"), (500_000, "0.20"), (1_000_000, "0.25"), (5_000_000, "0.30")),
    reliability="adviser",
    note="The best that advisers claim; at 5M some claim up to 35 %. They name no discount below 250,000: so small a "
    "commitment is worse off here than under the other sets.",
)
BAND_SETS: Final = (CONSERVATIVE, CENTRAL, OPTIMISTIC)
