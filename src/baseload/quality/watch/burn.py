"""Burn-rate alarms on the free signals: multi-window rules of the SRE workbook against a measured error budget.

The budget of a signal is what was measured before the switch plus a margin. A rule trips when the rate in its long
window *and* in its short one reaches a multiple of the budget: the long one makes it certain, the short one makes it
still true.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from baseload.errors import UsageError
from baseload.quality.watch.events import SIGNALS, Signal

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
LEAST_BAD: Final = 10
"""Fewer bad answers in the long window trip nothing: a rate of two in three says little."""


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a signal may show. Raises UsageError.

    `baseline`: the incumbent's own rate, measured, 0 to 1. `margin`: what may be added, above 0.
    """

    baseline: float
    margin: float = 0.01

    def __post_init__(self) -> None:
        if not (0 <= self.baseline <= 1 and 0 < self.margin <= 1 and self.rate <= 1):
            raise UsageError(
                f"budget: baseline {self.baseline}, margin {self.margin}; expected rates from 0 to 1, the margin "
                "above 0 and both together at most 1"
            )

    @property
    def rate(self) -> float:
        return self.baseline + self.margin

    def trips_at(self, multiple: float) -> float:
        """The rate a rule trips at: the multiple of the budget, but never beyond half the way from budget to always.

        A budget of 8 % cannot be spent 14.4 times over; without the bound that rule would sleep through an outage.
        """
        return min(multiple * self.rate, (1 + self.rate) / 2)


class Burn(NamedTuple):
    """One rule. `short_us` 0 = no short window."""

    multiple: float
    long_us: int
    short_us: int
    does: Literal["roll_back", "retest"]


RULES: Final = (
    Burn(14.4, HOUR_US, 5 * MINUTE_US, "roll_back"),
    Burn(6.0, 6 * HOUR_US, 30 * MINUTE_US, "roll_back"),
    Burn(1.0, 72 * HOUR_US, 0, "retest"),
)
"""Most urgent first."""


class Bucket(msgspec.Struct, frozen=True, array_like=True):
    """Answers of one stretch of time. `number` counts such stretches since 1970; `bad` is in the order of SIGNALS."""

    number: int
    calls: int
    bad: tuple[int, ...]


_KEPT: Final = ((MINUTE_US, 60), (5 * MINUTE_US, 72), (HOUR_US, 72))
"""Width and number of the buckets for windows up to 1 h, 6 h and 3 d."""


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of the last three days, in buckets that are finer the younger. Empty ones are not kept.

    A window is so many buckets with the one that runs: at most its length, and at least that less one bucket.
    """

    rings: tuple[tuple[Bucket, ...], ...] = ((),) * len(_KEPT)

    def counted(self, at_us: int, calls: int, bad: Mapping[Signal, int]) -> Windows:
        """With these answers at `at_us`, which is not before any time counted yet."""
        fresh = tuple(bad.get(signal, 0) for signal in SIGNALS)
        return Windows(
            rings=tuple(
                _added(ring, at_us // width, kept, calls, fresh)
                for ring, (width, kept) in zip(self.rings, _KEPT, strict=True)
            )
        )

    def total(self, at_us: int, length_us: int) -> tuple[int, tuple[int, ...]]:
        """Calls, and bad ones by signal, in the window of this length that ends at `at_us`."""
        which = next(n for n, (width, kept) in enumerate(_KEPT) if length_us <= width * kept)
        width = _KEPT[which][0]
        after = at_us // width - length_us // width
        inside = [bucket for bucket in self.rings[which] if bucket.number > after]
        sums = tuple(map(sum, zip(*(bucket.bad for bucket in inside), strict=True))) if inside else (0,) * len(SIGNALS)
        return sum(bucket.calls for bucket in inside), sums

    @property
    def is_sound(self) -> bool:
        """Stored ones can be gone on with."""
        buckets = [bucket for ring in self.rings for bucket in ring]
        return len(self.rings) == len(_KEPT) and all(
            len(bucket.bad) == len(SIGNALS) and min(bucket.calls, *bucket.bad) >= 0 for bucket in buckets
        )


def _added(ring: tuple[Bucket, ...], number: int, kept: int, calls: int, bad: tuple[int, ...]) -> tuple[Bucket, ...]:
    if ring and ring[-1].number == number:
        last = ring[-1]
        bad = tuple(map(sum, zip(last.bad, bad, strict=True)))
        ring, calls = ring[:-1], calls + last.calls
    young = tuple(bucket for bucket in ring if bucket.number > number - kept)
    return (*young, Bucket(number, calls, bad)) if calls else young


class Tripped(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that holds now, in the figures of its long window."""

    signal: Signal
    rule: Burn
    calls: int
    bad: int

    def says(self, budget: Budget) -> str:
        hours = self.rule.long_us // HOUR_US
        return (
            f"{self.signal}: {self.bad} of {self.calls} answers in {hours} h; the budget is {budget.rate:.1%}, "
            f"the rule {self.rule.multiple:g} times that"
        )


def tripped(
    windows: Windows, at_us: int, budgets: Mapping[Signal, Budget], least_bad: int = LEAST_BAD
) -> tuple[Tripped, ...]:
    """The rules that hold, most urgent first, signals in their order. A signal without a budget is not judged."""
    found = []
    for rule in RULES:
        calls, bad = windows.total(at_us, rule.long_us)
        short = windows.total(at_us, rule.short_us) if rule.short_us else (calls, bad)
        for place, signal in enumerate(SIGNALS):
            if signal not in budgets or bad[place] < least_bad:
                continue
            trips_at = budgets[signal].trips_at(rule.multiple)
            if bad[place] >= trips_at * calls and short[1][place] and short[1][place] >= trips_at * short[0]:
                found.append(Tripped(signal=signal, rule=rule, calls=calls, bad=bad[place]))
    return tuple(found)
