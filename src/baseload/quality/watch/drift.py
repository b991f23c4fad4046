"""Do the calls still look like those the verdict was earned on? PSI and Kolmogorov-Smirnov over fixed bins.

Drift says that the trial spoke of other calls; it does not say that the candidate fails on these. So it buys more
paired calls, or ends the verdict, and never rolls back.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from baseload.errors import UsageError

Level = Literal["calm", "moved", "other"]
"""`moved`: pair more calls. `other`: not the calls of the trial; the verdict ends."""

PSI_MOVED: Final = 0.10
PSI_OTHER: Final = 0.25
"""The usual reading of a population stability index: under 0.1 none, over 0.25 a major shift."""
KS_MOVED: Final = 0.10
KS_OTHER: Final = 0.20
_NORMAL_999: Final = 3.0902
_KOLMOGOROV_999: Final = 1.9495
"""Quantiles: a shift also has to be one that chance shows in one comparison of a thousand at most."""
_SMOOTHING: Final = 0.5
MOST_BINS: Final = 200


class Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one feature of the trial's calls was distributed. Raises UsageError.

    Either numbers in order, with `edges` (a value on an edge belongs above it), one bin more than edges; or `names`
    (languages, labels, prompt hashes), one bin each and a last one for everything else.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        bins = len(self.edges or self.names) + 1
        if bool(self.edges) == bool(self.names) or not 2 <= bins <= MOST_BINS or len(self.counts) != bins:
            raise UsageError(
                f"reference: {len(self.edges)} edges, {len(self.names)} names, {len(self.counts)} counts; expected "
                f"edges or names, at most {MOST_BINS - 1}, and one count more"
            )
        ascending = all(a < b for a, b in itertools.pairwise(self.edges)) and all(map(math.isfinite, self.edges))
        if not ascending or len(set(self.names)) != len(self.names):
            raise UsageError("reference: edges out of order or a name twice; expected ascending edges, each name once")
        if min(self.counts) < 0 or not sum(self.counts):
            raise UsageError("reference: no calls or a negative count; expected the counts of the trial's calls")

    def bin_of(self, value: float | str) -> int:
        """Where a value is counted. A name that is not known, and a value of the wrong kind, go to the last bin."""
        if self.names:
            return self.names.index(value) if value in self.names else len(self.names)
        return bisect.bisect_right(self.edges, value) if isinstance(value, (int, float)) else len(self.edges)


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """How far recent calls lie from the reference. `ks` is None for names, which have no order."""

    calls: int
    psi: float
    ks: float | None
    level: Level

    def says(self, feature: str) -> str:
        ks = "" if self.ks is None else f", KS {self.ks:.2f}"
        return f"{feature[:60]}: PSI {self.psi:.2f}{ks} over {self.calls} calls against the trial's"


def shift(reference: Reference, recent: Sequence[int]) -> Shift:
    """Compare at least one recent call, counted in the reference's bins."""
    before, now = sum(reference.counts), sum(recent)
    size = before * now / (before + now)
    found = psi(reference.counts, recent)
    apart = ks(reference.counts, recent) if reference.edges else None
    psi_chance = _chi_squared_999(len(recent) - 1) / size
    ks_chance = _KOLMOGOROV_999 / math.sqrt(size)
    order: tuple[tuple[Level, float, float], ...] = (("other", PSI_OTHER, KS_OTHER), ("moved", PSI_MOVED, KS_MOVED))
    for level, psi_at, ks_at in order:
        if found >= max(psi_at, psi_chance) or (apart is not None and apart >= max(ks_at, ks_chance)):
            return Shift(calls=now, psi=found, ks=apart, level=level)
    return Shift(calls=now, psi=found, ks=apart, level="calm")


def psi(before: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index: sum of (p - q) ln(p / q), half a call added to every bin; 0 = the same shares."""
    total_before, total_now = sum(before) + _SMOOTHING * len(before), sum(now) + _SMOOTHING * len(now)
    shares = (((a + _SMOOTHING) / total_before, (b + _SMOOTHING) / total_now) for a, b in zip(before, now, strict=True))
    return math.fsum((q - p) * math.log(q / p) for p, q in shares)


def ks(before: Sequence[int], now: Sequence[int]) -> float:
    """Kolmogorov-Smirnov distance of binned values, 0 to 1: the most that the two shares up to a value differ."""
    pairs = zip(itertools.accumulate(before), itertools.accumulate(now), strict=True)
    return max(abs(a / sum(before) - b / sum(now)) for a, b in pairs)


def _chi_squared_999(freedom: int) -> float:
    """The 99.9 % quantile of chi squared (Wilson and Hilferty), which PSI times `size` follows without a shift."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + _NORMAL_999 * math.sqrt(part)) ** 3)
