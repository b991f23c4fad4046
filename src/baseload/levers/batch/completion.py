"""How long batches take: a table of quantiles with its source, the user's own, or what the ledger's batches took."""

from __future__ import annotations

import datetime as dt
import itertools
import math
import tomllib
from collections.abc import Sequence
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import UsageError
from baseload.values import DAY_US

MINUTE_US: Final = 60_000_000
EXPIRY_US: Final = DAY_US
"""Anything unprocessed this long after creation expires, unbilled (anthropic-facts section 4)."""
EXPIRY_MINUTES: Final = 1440
MIN_MEASURED: Final = 30
"""Fewer recorded batches than this are no distribution."""

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Provenance = Literal["assumed", "measured"]


class Completion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The time from a batch's creation to its end; see `completion.toml` for the fields.

    All results of a batch come at its end: the API shows counts only then (anthropic-facts section 4).
    """

    quantiles: tuple[tuple[Share, float], ...]
    expires_share: Share
    expired_items: Share
    provenance: Provenance = "assumed"
    source: str

    def __post_init__(self) -> None:
        shares, minutes = [row[0] for row in self.quantiles], [row[1] for row in self.quantiles]
        if len(shares) < 2 or shares[0] != 0 or shares[-1] != 1 or not _grows(shares):
            raise ValueError("quantiles must run from share 0 to share 1, each above the one before")
        if not _grows(minutes) or minutes[0] <= 0 or minutes[-1] > EXPIRY_MINUTES:
            raise ValueError(f"minutes must grow with the share, between 0 and {EXPIRY_MINUTES}")

    def draw_us(self, uniform: float) -> tuple[int, bool]:
        """(microseconds to the end, whether part of it expired) of the batch at a quantile in [0, 1)."""
        if uniform >= 1 - self.expires_share:
            return EXPIRY_US, True
        return self.quantile_us(uniform / (1 - self.expires_share)), False

    def quantile_us(self, share: float) -> int:
        """Within how long this share of the batches that do not expire has ended."""
        logs = [math.log(row[1]) for row in self.quantiles]
        return int(math.exp(float(np.interp(share, [row[0] for row in self.quantiles], logs))) * MINUTE_US)

    def ended_share(self, within_us: float) -> float:
        """Share of all batches that have ended whole within a time; those that expire never do."""
        if within_us <= 0:
            return 0.0
        logs = [math.log(row[1]) for row in self.quantiles]
        shares = [row[0] for row in self.quantiles]
        inside = float(np.interp(math.log(within_us / MINUTE_US), logs, shares, left=0.0))
        return inside * (1 - self.expires_share)


class CompletionTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Three readings of the same facts; `likely` is planned with, the others bound it."""

    slow: Completion
    likely: Completion
    fast: Completion
    checked: dt.date | None = None  # the day the sources were last looked at; not computed with

    @property
    def provenance(self) -> Provenance:
        return self.likely.provenance


def completion_table(own: bytes | None = None, path: str = "completion.toml") -> CompletionTable:
    """The packaged table, or the user's own file of the same form. Raises UsageError naming key and expectation."""
    data = own if own is not None else files("baseload.levers.batch").joinpath("completion.toml").read_bytes()
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), CompletionTable)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}. Mend it and run again.") from error
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}. See docs/how-to/batch.md for the form.") from error


def measured(durations_us: Sequence[int] | NDArray[np.int64]) -> CompletionTable | None:
    """The table of batches whose creation and end were recorded; None where there are fewer than `MIN_MEASURED`.

    One row is one batch. A batch that took 24 hours counts as expired; how many of its requests did is taken as all
    of them. `slow` and `fast` are the edges of a 95 % band around the measured distribution (Dvoretzky-Kiefer-
    Wolfowitz), so that few batches leave a wide range; `slow` lets 3 / n more of n batches expire (the rule of three).
    """
    took = np.sort(np.asarray(durations_us, dtype=np.float64))
    took = took[took > 0]
    if len(took) < MIN_MEASURED:
        return None
    band = math.sqrt(math.log(2 / 0.05) / (2 * len(took)))
    return CompletionTable(
        slow=_of_times(took, band), likely=_of_times(took, 0.0), fast=_of_times(took, -band), checked=None
    )


_SHARES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)


def _of_times(took: NDArray[np.float64], shift: float) -> Completion:
    """Quantiles of sorted durations, each read `shift` further up: above 0 slower than measured, below 0 faster."""
    ended = took[took < EXPIRY_US * 0.999]
    expired = 1 - len(ended) / len(took)
    if not len(ended):
        ended = np.array([EXPIRY_US * 0.999])
    minutes = np.quantile(ended, np.clip(np.array(_SHARES) + shift, 0, 1)) / MINUTE_US
    rows: list[tuple[float, float]] = []
    for share, value in zip(_SHARES, minutes.tolist(), strict=True):
        rows.append((share, max(value, rows[-1][1] * (1 + 1e-9)) if rows else value))
    top = min(1.0, EXPIRY_MINUTES / rows[-1][1])
    return Completion(
        quantiles=tuple((share, value * top) for share, value in rows),
        expires_share=float(min(expired + (3 / len(took) if shift > 0 else 0.0), 0.999)),
        expired_items=1.0,
        provenance="measured",
        source=f"{len(took)} batches in the ledger",
    )


def _grows(values: Sequence[float]) -> bool:
    return all(low < high for low, high in itertools.pairwise(values))
