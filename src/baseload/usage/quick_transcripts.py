"""The fast loop of the quick look: Claude Code transcripts to sums, without a row per call.

It keeps of every response the best copy as `claude_code.read` and the ledger do (highest rank, of equal ones the
earliest), so both give the same totals; tests compare them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from operator import add
from typing import Final

from baseload.usage.claude_code_files import project_slug, workspace_of
from baseload.usage.claude_code_lines import (
    SOURCE,
    Found,
    OtherModels,
    Response,
    composite_of,
    counts_of,
    identity,
    is_composite,
    responses,
)
from baseload.usage.clock import EARLIEST_US, clock_skew
from baseload.usage.fields import BadRecord, time_field
from baseload.usage.names import model_text
from baseload.usage.normal import Part, call_id, completeness_rank, geo_of, null_tokens, speed_of, tier_of, totals_of
from baseload.usage.quick_cells import Cell, Counts, Sums
from baseload.usage.source_file import LocalFile
from baseload.values import DAY_US, TOKEN_CLASSES, Problem, band_of_prompt, day_of, day_of_date

_ZULU_CHARS: Final = len("2025-09-03T00:52:35.576Z")
_IDENTITY_MARK: Final = "="

_Labels = tuple[str, str | None, str | None, str | None, bool, str, str]
"""(model, geo, tier, speed as written, TTL unknown, key, session)."""
_Kept = tuple[int, str, _Labels, Counts, tuple[Part, ...]]
"""(rank, start as comparable text, labels, counts, parts billed at other models)."""


class Transcripts:
    """Responses kept so far, over all files of a run."""

    def __init__(
        self, latest_us: int, *, by_key: bool, by_session: bool, resolve_model: Callable[[str], str] = str
    ) -> None:
        self.problems: list[Problem] = []
        self.records = 0  # response lines, copies included
        self._latest_us = latest_us
        self._by_key = by_key
        self._by_session = by_session
        self._resolve_model = resolve_model
        self._kept: dict[str, _Kept] = {}  # by message id; "=" and the call id where there is none
        self._dates: set[str] = set()  # UTC dates that need no further check

    def read(self, file: LocalFile, declared_key: str) -> None:
        """Take every response of a file; `declared_key` names its key where the folder's note does.

        Rows are only counted, in a second reading, when a response turns out to be bad.
        """
        records = self.records
        try:
            found = list(self._problems_in(file, declared_key, count_rows=False))
        except BadRecord:
            self.records = records
            again = LocalFile(file.location, shown=file.path)
            try:
                found = list(self._problems_in(again, declared_key, count_rows=True))
            finally:
                again.close()
        self.problems += found

    def _problems_in(self, file: LocalFile, declared_key: str, *, count_rows: bool) -> Iterator[Problem]:
        """Take the responses, give the problems. Raises BadRecord at a bad response whose row is not known."""
        slug = project_slug(file.path)
        others = OtherModels(self._resolve_model)
        said_null = False
        for found in responses(file, count_rows=count_rows):
            if isinstance(found, Problem):
                yield found
                continue
            if others.took(found):
                continue
            if found.has_nulls and not said_null:
                said_null = True
                yield null_tokens().problem(SOURCE, file.path, found.row)
            try:
                self._take(found, slug, declared_key)
            except BadRecord as bad:
                if not count_rows:
                    raise
                yield bad.problem(SOURCE, file.path, found.row)
        yield from others.problems(file.path)

    def _take(self, found: Found, slug: str, declared_key: str) -> None:
        """Keep one copy of a response if it is the first or the best. Raises BadRecord."""
        _, response, message, usage, _ = found
        uncached, read, write_5m, write_1h, output, ttl_unknown = counts_of(usage)
        total = uncached + read + write_5m + write_1h + output
        parts: tuple[Part, ...] = ()
        if usage.iterations and is_composite(usage):
            whole = composite_of(message, usage)
            uncached, read, write_5m, write_1h, output = (getattr(whole.tokens, name) for name in TOKEN_CLASSES)
            total, parts, ttl_unknown = totals_of(whole), whole.extra, "ttl_unknown" in whole.flags
        rank = completeness_rank(total, original=not response.isSidechain, detail=0 if ttl_unknown else 1)
        start = response.timestamp or ""
        if start[:10] not in self._dates or len(start) != _ZULU_CHARS or start[-1] != "Z":
            start = self._checked_start(response)
        self.records += 1
        key = message.id or _IDENTITY_MARK + identity(response, message, usage)
        held = self._kept.get(key)
        if held is None or rank > held[0] or (rank == held[0] and start < held[1]):
            searches = usage.server_tool_use.web_search_requests or 0 if usage.server_tool_use else 0
            named = (declared_key or workspace_of(slug, response.cwd or "")) if self._by_key else ""
            session = (response.sessionId or "") if self._by_session else ""
            labels = (
                message.model or "", usage.inference_geo, usage.service_tier, usage.speed, ttl_unknown, named, session,
            )  # fmt: skip
            counts = (1, uncached, read, write_5m, write_1h, output, searches)
            self._kept[key] = (rank, start, labels, counts, parts)

    def _checked_start(self, response: Response) -> str:
        """The start as text that compares in time and begins with its UTC date. Raises BadRecord."""
        start_us, _ = time_field(response.timestamp, "timestamp")
        if not EARLIEST_US <= start_us <= self._latest_us:
            raise clock_skew(start_us)
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=start_us)
        start = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        day = day_of(start_us)
        if day * DAY_US >= EARLIEST_US and (day + 1) * DAY_US <= self._latest_us:
            self._dates.add(start[:10])
        return start

    def __len__(self) -> int:
        return len(self._kept)

    def ranks(self) -> dict[str, int]:
        """call id -> rank, to compare with what other sources say of the same calls."""
        return {_call_id(key): kept[0] for key, kept in self._kept.items()}

    def sums(self, without: Collection[str] = ()) -> Sums:
        """The sums of all calls but those whose id is in `without`."""
        sums = Sums()
        held: dict[tuple[str, _Labels, str], list[int]] = {}
        for key, (_, start, labels, counts, parts) in self._kept.items():
            if without and _call_id(key) in without:
                continue
            place = start[:10], labels, band_of_prompt(counts[1] + counts[2] + counts[3] + counts[4])
            row = held.get(place)
            if row is None:
                held[place] = list(counts)
            else:
                row[:] = map(add, row, counts)
            for part in parts:
                _count_part(sums, _cell(*place), part)
        for place, row in held.items():
            sums.count(_cell(*place), tuple(row))
        return sums


def _call_id(key: str) -> str:
    return key[1:] if key.startswith(_IDENTITY_MARK) else call_id(message_id=key)


def _cell(date: str, labels: _Labels, band: str) -> Cell:
    model, geo, tier, speed, ttl_unknown, key, session = labels
    day = day_of_date(dt.date.fromisoformat(date))
    return Cell(
        day,
        model_text(model),
        "anthropic",
        geo_of(geo),
        tier_of(tier),
        speed_of(speed),
        band,
        ttl_unknown,
        key,
        session,
    )


def _count_part(sums: Sums, cell: Cell, part: Part) -> None:
    """Tokens another model served inside a response: no request of their own."""
    own = cell._replace(model=part.model, band=band_of_prompt(part.tokens.prompt_tokens))
    sums.count(own, (0, *(getattr(part.tokens, name) for name in TOKEN_CLASSES), 0))
