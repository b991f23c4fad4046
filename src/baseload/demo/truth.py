"""What really happened: exact totals of all calls by cell, and the calls kept in the 1-in-N sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.demo.company import Era, Service
from baseload.values import Table

COUNTS = (
    "requests",
    "uncached_input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "output_tokens",
    "web_search_requests",
)
"""The order of every vector of totals."""

SAMPLE_COLUMNS = ("unit", "start_us", "era", "uncached", "read", "write", "output", "thinking")
"""What the sample of every shape has: integers. `write` is 5-minute writes; `output` includes `thinking`."""

Totals = NDArray[np.int64]
"""One integer per entry of `COUNTS`."""

BAND_EDGE = 100_000  # prompt tokens, inclusive: anthropic-facts section 0.2


class ModelFacts(NamedTuple):
    """What the simulator needs to know of the models."""

    ratio: Mapping[str, float]
    """Tokens a model sees per declared token: 1, or less for the older tokenizer."""
    thinks: frozenset[str]
    """Models that think when a request does not say (anthropic-facts section 5.4)."""


class Cell(NamedTuple):
    """Where a total belongs: one service, UTC day of the call's start, and all that decides its price."""

    service: str
    day: int
    model: str
    speed: str
    geo: str
    band: str


class DayPlan(NamedTuple):
    """One day of one service before anything is drawn."""

    day: int
    units: int
    era: Era


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One service's simulated window.

    `notes` hold what a better set-up would have billed, or what was wasted, on a day: `repeats` are the totals of
    identical repeats, `ttl_1h` those of the same calls under 1h breakpoints. `sample` has one row per kept call, sorted
    by unit and then by time; every shape has the columns `SAMPLE_COLUMNS` and some of its own.
    """

    cells: Mapping[Cell, Totals]
    notes: Mapping[tuple[str, int], Totals]
    sample: Table
    eras: tuple[Era, ...]  # by day of the window; the sample's `era` column counts them
    units: int  # simulated, of which one in `sampling_rate` is kept


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """The whole company: `[start_day, end_day)` in UTC days."""

    start_day: int
    end_day: int
    runs: Mapping[str, Run]

    def totals(self) -> Totals:
        return sum(
            (total for run in self.runs.values() for total in run.cells.values()), np.zeros(len(COUNTS), np.int64)
        )


class Ledger:
    """Collects the cells and notes of one service while it is simulated."""

    def __init__(self, service: Service) -> None:
        self._service = service.name
        self.cells: dict[Cell, Totals] = {}
        self.notes: dict[tuple[str, int], Totals] = {}

    def add(self, day: int, era: Era, band: str, totals: Totals) -> None:
        """Add to one cell; a total of nothing leaves no cell."""
        if totals[0]:
            cell = Cell(self._service, day, era.model, era.speed, era.geo, band)
            self.cells[cell] = self.cells.get(cell, 0) + totals

    def note(self, name: str, day: int, totals: Totals) -> None:
        self.notes[name, day] = self.notes.get((name, day), 0) + totals


class QualityTruth(NamedTuple):
    """What is planted about one candidate of one workload: scores lie in 0 to 1, differences are candidate - incumbent.

    `state` is what a trial at `margin` has to come to: "not_shown" where the truth lies inside the bar by less than
    the calls it may take can tell.
    """

    service: str
    candidate: str
    incumbent: str
    difference: float
    margin: float
    state: str  # holds | breaks | not_shown
