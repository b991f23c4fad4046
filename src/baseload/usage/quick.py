"""The quick look: exact totals without a ledger. Each call counts once, whatever its copies, as in the ledger.

Claude Code transcripts, of which people have gigabytes, go through a loop that builds no rows; every other source
through its reader. Aggregate sources are control totals: they are kept apart and never added to calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from baseload.usage.claude_code_files import project_slug, recognise, workspace_of
from baseload.usage.claude_code_lines import (
    Message,
    Response,
    Usage,
    composite_of,
    counts_of,
    is_composite,
    response_lines,
    response_of,
)
from baseload.usage.clock import EARLIEST_US, clock_skew
from baseload.usage.fields import BadRecord, time_field
from baseload.usage.files import SOURCE, Found, Progress, find_files, in_turn, unreadable
from baseload.usage.normal import call_id, completeness_rank, geo_of, speed_of, tier_of
from baseload.usage.reader import Line, Record
from baseload.usage.source_file import LocalFile
from baseload.values import DAY_US, TOKEN_CLASSES, Call, Problem, band_of_context, band_of_prompt, day_of

CLAUDE_CODE: Final = "claude_code"
_ZULU_CHARS: Final = len("2025-09-03T00:52:35.576Z")


class Cell(NamedTuple):
    """What calls are summed by: everything that decides their price, and what they may be grouped by."""

    day: int
    model_raw: str
    platform: str
    geo: str
    tier: str
    speed: str
    band: str
    ttl_unknown: bool
    key: str  # api key, else the project or workspace
    session: str


class Kept(NamedTuple):
    """The best copy of one call so far."""

    rank: int
    start: str  # comparable text: the earliest of equal copies is kept
    cell: Cell
    counts: tuple[int, ...]  # requests, the five token classes, web searches
    parts: tuple[tuple[Cell, tuple[int, ...]], ...] = ()


class Totals(msgspec.Struct, kw_only=True):
    """What was found. Sums are (requests, the five token classes, web searches); -1 requests = not said."""

    cells: dict[Cell, list[int]] = {}
    controls: dict[str, dict[Cell, list[int]]] = {}  # aggregate source -> its own cells, never added to the calls
    sources: Counter[str] = msgspec.field(default_factory=Counter)  # files by reader
    copies: int = 0  # records that repeated a call
    sampled: bool = False
    bytes_read: int = 0
    problems: list[Problem] = []
