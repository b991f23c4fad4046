"""What the vendor may do: cut or raise list prices, or count more tokens for the same work. Said apart from volume."""

from __future__ import annotations

import msgspec
import numpy as np

from baseload.demand.draws import stream
from baseload.demand.events import triangular
from baseload.demand.history import DemandError, Floats


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """So many times a year a factor changes by a triangular share; -0.3 is a cut by 30 %. 0 a year = never.

    Raises DemandError where the shares do not rise or a cut reaches 100 %.
    """

    per_year: float = 0.0
    low: float = 0.0
    likely: float = 0.0
    high: float = 0.0

    def __post_init__(self) -> None:
        if self.per_year < 0 or not -1 < self.low <= self.likely <= self.high:
            raise DemandError(
                f"hazard: {self.per_year} a year of {self.low}, {self.likely}, {self.high}; "
                "expected not negative, and shares rising from above -1"
            )


class Hazards(msgspec.Struct, frozen=True, kw_only=True):
    """Default: none. Price moves are of the whole list bill; metering moves are of tokens per unit of work."""

    price: Hazard = Hazard()
    metering: Hazard = Hazard()


def factor_paths(hazard: Hazard, kind: str, paths: int, months: int, seed: int) -> Floats:
    """The factor's path, 1 until it first changes, (paths, months). At most one change a month."""
    rng = stream(seed, "hazard", kind)
    uniform = rng.random((paths, months))
    changes = uniform < 1 - np.exp(-hazard.per_year / 12)
    shares = triangular(rng, hazard.low, hazard.likely, hazard.high, paths * months).reshape(paths, months)
    found: Floats = np.cumprod(1 + np.where(changes, shares, 0.0), axis=1)
    return found
