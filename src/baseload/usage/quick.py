"""The quick look: exact totals without a ledger. Each call counts once, whatever its copies, as in the ledger.

Claude Code transcripts, of which people have gigabytes, go through a loop that builds no rows; every other file
through its reader. Aggregate sources are control totals: they are kept apart and never added to calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from baseload.usage.claude_code_files import recognise
from baseload.usage.claude_code_lines import SOURCE
from baseload.usage.fields import BadRecord
from baseload.usage.files import SOURCE as FILES
from baseload.usage.files import Found, Progress, find_files, in_turn, unreadable
from baseload.usage.quick_cells import Cell, Sums
from baseload.usage.quick_transcripts import Transcripts
from baseload.usage.reader import Record
from baseload.usage.source_file import LocalFile
from baseload.usage.source_note import SourceNote, SourceNotes
from baseload.values import DAY_US, TOKEN_CLASSES, Call, Problem, band_of_context, band_of_prompt, day_of


class OpenFile(Protocol):
    """A file read by its own reader (`usage.read.FileResult`)."""

    @property
    def reader(self) -> str: ...

    @property
    def records(self) -> Iterable[Record]: ...


class Totals(NamedTuple):
    """What the paths hold, unpriced."""

    calls: Sums
    controls: dict[str, Sums]  # by aggregate source
    files: Counter[str]  # by source
    copies: int  # records that only repeated a call
    is_sampled: bool  # some files are a declared sample; nothing is scaled up
    problems: list[Problem]


def quick_totals(
    paths: Iterable[Path],
    open_file: Callable[[Found], OpenFile],
    *,
    as_of_us: int,
    by: Collection[str] = (),
    source: str = "",
    resolve_model: Callable[[str], str] = str,
    progress: Progress | None = None,
) -> Totals:
    """Sums over every file the paths mean. `open_file` reads what is no Claude Code transcript.

    `by` may hold "key" and "session": without them calls are not told apart by these. `source`, when given, is taken
    instead of detection. `resolve_model` tells Claude from other providers, whose calls are left out and counted. Bad
    records are in `problems`, never in the sums.
    """
    look = _Look(as_of_us + DAY_US, by, resolve_model)
    for found in in_turn(find_files(paths), progress):
        if isinstance(found, Problem):
            look.problems.append(found)
        elif not look.took_transcript(found, source):
            look.take_records(open_file(found))
    return look.totals()


class _Look:
    """The state of one run."""

    def __init__(self, latest_us: int, by: Collection[str], resolve_model: Callable[[str], str]) -> None:
        self._by = by
        self._transcripts = Transcripts(
            latest_us, by_key="key" in by, by_session="session" in by, resolve_model=resolve_model
        )
        self.problems = self._transcripts.problems
        self._calls: dict[str, Call] = {}
        self._aggregates: dict[str, dict[str, Call]] = {}
        self._files: Counter[str] = Counter()
        self._notes = SourceNotes()
        self._records = 0
        self._is_sampled = False

    def took_transcript(self, found: Found, source: str) -> bool:
        """Read a Claude Code transcript; False when the file is another's."""
        if source not in ("", SOURCE):
            return False
        file = LocalFile(found.path)
        file.source = SOURCE
        try:
            if not source and recognise(file.head(), found.path.name) < 2:
                return False
            self._files[SOURCE] += 1
            self._transcripts.read(file, self._declared_key(found))
        except OSError as error:
            self.problems.append(unreadable(file.path, error.strerror or "it cannot be opened"))
        except BadRecord as fault:
            self.problems.append(fault.problem(FILES, file.path, 0))
        finally:
            file.close()
        return True

    def _declared_key(self, found: Found) -> str:
        """The key or workspace the folder's note declares; "" when none."""
        note = self._notes.of(found.path, found.path.parent if found.named else found.top)
        if not isinstance(note, SourceNote):
            return ""
        self._is_sampled |= note.sampling_rate > 1
        return note.api_key or note.workspace

    def take_records(self, file: OpenFile) -> None:
        """The calls and control totals of another source's file."""
        if file.reader:
            self._files[file.reader] += 1
        for record in file.records:
            if isinstance(record, Problem):
                self.problems.append(record)
                continue
            self._is_sampled |= record.sampling_rate > 1
            if record.grain == "call":
                self._records += 1
                _keep(self._calls, record)
            elif record.prompt_tokens or record.output_tokens:
                _keep(self._aggregates.setdefault(record.source, {}), record)

    def totals(self) -> Totals:
        ranks = self._transcripts.ranks() if self._calls else {}
        worse = {key for key, call in self._calls.items() if ranks.get(key, -1) > call.rank}
        better = (self._calls.keys() & ranks.keys()) - worse
        sums = self._transcripts.sums(better)
        distinct = len(self._transcripts) + len(self._calls) - len(worse) - len(better)
        for key, call in self._calls.items():
            if key not in worse:
                _count(sums, call, self._by)
        return Totals(
            calls=sums,
            controls={source: self._summed(rows) for source, rows in sorted(self._aggregates.items())},
            files=self._files,
            copies=self._records + self._transcripts.records - distinct,
            is_sampled=self._is_sampled,
            problems=self.problems,
        )

    def _summed(self, rows: dict[str, Call]) -> Sums:
        sums = Sums()
        for call in rows.values():
            _count(sums, call, self._by)
        return sums


def _keep(calls: dict[str, Call], call: Call) -> None:
    held = calls.get(call.call_id)
    if held is None or held.rank < call.rank:
        calls[call.call_id] = call


def _count(sums: Sums, call: Call, by: Collection[str]) -> None:
    cell = Cell(
        day_of(call.start_us),
        call.model or call.model_raw,
        call.platform,
        call.geo,
        call.tier,
        call.speed,
        band_of_prompt(call.prompt_tokens) if call.grain == "call" else band_of_context(call.context),
        "ttl_unknown" in call.flags.split(","),
        (call.api_key or call.workspace) if "key" in by else "",
        call.session_id if "session" in by else "",
    )
    requests = -1 if call.requests is None else call.requests
    sums.count(cell, (requests, *(getattr(call, name) for name in TOKEN_CLASSES), call.web_search_requests))
