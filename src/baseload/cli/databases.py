"""PATHs that are databases: `postgresql://…` is a LiteLLM spend log, read on from where the last run ended.

The command line hands every PATH over as a `Path`, which folds the two slashes into one; the address is restored here.
An address may hold a password: only `shown` is ever printed or stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from baseload.errors import UsageError
from baseload.usage.marks import FileMark
from baseload.usage.reader import ReadContext, Record
from baseload.values import HOUR_US, Call, Problem

READER = "litellm_pg"
OVERLAP_US = 24 * HOUR_US
"""A spend log's row is written when its call ends: reading a day again finds the long ones, and copies cost nothing."""

_SCHEMES = ("postgresql:/", "postgres:/")


def is_database(path: Path) -> bool:
    return str(path).startswith(_SCHEMES)


def shown(path: Path) -> str:
    """A PATH as it may be printed: a file's own name, a database's address without user and password."""
    return _module().shown_address(_address(path)) if is_database(path) else str(path)


class DatabaseRecords:
    """One database as the import sees a file: `records` to the end, then `mark`."""

    def __init__(self, path: Path, context: ReadContext, old: FileMark | None) -> None:
        self.path = shown(path)
        self.reader = READER
        self.unchanged = False
        self.mark: FileMark | None = None
        self._last_us = old.mtime_ns // 1000 if old else 0
        since_us = max(0, self._last_us - OVERLAP_US)
        self.records: Iterator[Call | Problem] = self._read(_address(path), context, since_us)

    def _read(self, address: str, context: ReadContext, since_us: int) -> Iterator[Record]:
        for record in _module().read_postgres(address, context, since_us):
            if isinstance(record, Call):
                self._last_us = max(self._last_us, record.start_us)
            yield record
        self.mark = FileMark(path=self.path, reader=READER, size=0, mtime_ns=self._last_us * 1000)


def database_records(
    paths: Sequence[Path], context: ReadContext, marks: Mapping[str, FileMark]
) -> Iterator[DatabaseRecords]:
    """One result per database among the PATHs."""
    for path in paths:
        if is_database(path):
            yield DatabaseRecords(path, context, marks.get(shown(path)))


def file_marks(marks: Mapping[str, FileMark]) -> dict[str, FileMark]:
    """The marks that are of files."""
    return {name: mark for name, mark in marks.items() if mark.reader != READER}


def _address(path: Path) -> str:
    scheme, _, rest = str(path).partition(":/")
    return f"{scheme}://{rest.lstrip('/')}"


def _module() -> _Reader:
    try:
        from baseload.usage import litellm_pg
    except ImportError as error:
        raise UsageError("a postgresql:// PATH needs the extra: pip install 'baseload[pg]'") from error
    return _Reader(litellm_pg.read_postgres, litellm_pg.shown_address)


class _Reader(msgspec.Struct, frozen=True):
    """The two functions of `usage.litellm_pg`, once psycopg is known to be there."""

    read_postgres: Callable[[str, ReadContext, int], Iterator[Record]]
    shown_address: Callable[[str], str]
