"""A ledger: a folder of immutable Parquet files named by one manifest (design.md section 5, The ledger).

Readers see one commit, all of it, for as long as they hold it open; one process writes at a time; a crash at any
moment leaves the last commit. See docs/reference/ledger.md for the files.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np

from baseload.engine.duckdb import DuckDBEngine
from baseload.engine.port import Engine
from baseload.errors import LedgerError
from baseload.ledger.columns import CALL_TABLE_COLUMNS, DERIVED_TEXT, TEXT
from baseload.ledger.dimension import MOST_SIGNATURES, STORED_COLUMNS, cell_columns, report_cells, signature_table
from baseload.ledger.lock import ReaderLock, WriterLock
from baseload.ledger.manifest import MANIFEST_NAME, CallFile, Manifest, orphans, publish, read_manifest
from baseload.ledger.upgrades import SCHEMA_VERSION, upgrade_sql
from baseload.ledger.writer import Writer
from baseload.usage.marks import FileMark
from baseload.values import Problem, Table


class Ledger:
    """One open ledger, as of one commit. Close it, or use it as a context manager."""

    def __init__(self, root: Path, manifest: Manifest, lock: ReaderLock) -> None:
        self.root = root
        self._manifest = manifest
        self._lock = lock
        self._upgraded: Path | None = None  # folder of copies made from files of older schemas

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """The ledger in a folder. Raises LedgerError where there is none and `create` is False."""
        if not is_ledger(path):
            if not create:
                raise LedgerError(f"{path} is not a ledger. Make one with `baseload import PATH`.")
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise LedgerError(f"{path} cannot be made: {error.strerror}. Check the folder above it.") from error
        lock = ReaderLock(path)
        try:
            return cls(path, read_manifest(path) or Manifest(), lock)
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let replaced files go; the object is of no use afterwards."""
        self._lock.release()
        if self._upgraded is not None:
            shutil.rmtree(self._upgraded, ignore_errors=True)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    @property
    def rows(self) -> int:
        """Calls and buckets, replaced copies not counted."""
        return self._manifest.rows

    @property
    def file_marks(self) -> Mapping[str, FileMark]:
        """Source file -> how far it has been read."""
        return self._manifest.marks

    @cached_property
    def problems_by_file(self) -> dict[str, list[Problem]]:
        if not self._manifest.problems:
            return {}
        data = (self.root / self._manifest.problems).read_bytes()
        return msgspec.json.decode(data, type=dict[str, list[Problem]])

    @property
    def problems(self) -> list[Problem]:
        """Every problem of every file read into this ledger, by file name and row."""
        return [problem for file in sorted(self.problems_by_file) for problem in self.problems_by_file[file]]

    @cached_property
    def cells(self) -> Table:
        """The dimension reports join, at most 50,000 signatures (see `ledger.dimension`)."""
        if not self._manifest.cells:
            return report_cells(cell_columns(()), MOST_SIGNATURES)
        with DuckDBEngine(threads=1) as engine:
            engine.register_parquet("cells", [self.root / name for name in self._manifest.cells])
            stored = engine.query(f"SELECT {', '.join(STORED_COLUMNS)} FROM cells")
        return report_cells(stored, MOST_SIGNATURES)

    def signatures(self) -> Table:
        """`signature` and SIGNATURE_FIELDS of everything stored, sorted; never scans the calls."""
        return signature_table(self.cells)

    def price_keys(self) -> list[str]:
        """Every price key of the ledger, sorted: what the price book must answer for."""
        return sorted(set(self.cells["price_key"].tolist()))

    def attach(self, engine: Engine) -> None:
        """Register what `ledger.queries` reads: stored_calls, superseded, cells."""
        files = [self.path_of(file) for file in self._manifest.calls]
        if files:
            engine.register_parquet("stored_calls", files)
        else:
            engine.register("stored_calls", empty_calls())
        if self._manifest.superseded:
            engine.register_parquet("superseded", [self.root / self._manifest.superseded])
        else:
            engine.register("superseded", {"row_id": np.empty(0, dtype=np.int64)})
        engine.register("cells", self.cells)

    def path_of(self, file: CallFile) -> Path:
        """Where to read a calls file in this version's schema: itself, or a copy made on first use that lasts until
        `close`."""
        if file.schema_version == SCHEMA_VERSION:
            return self.root / file.name
        if self._upgraded is None:
            self._upgraded = Path(tempfile.mkdtemp(prefix="baseload-"))
        copy = self._upgraded / file.name
        if not copy.exists():
            with DuckDBEngine(memory_limit="1GB") as engine:
                engine.register_parquet("older", [self.root / file.name])
                columns = (*CALL_TABLE_COLUMNS, "row_id")
                engine.copy_parquet(upgrade_sql("older", file.schema_version, columns), copy)
        return copy

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Add to the ledger; committed at the end of the block, given up when it raises.

        Afterwards this object shows the new commit. Raises LedgerLocked while another process writes.
        """
        with self.exclusive() as manifest:
            writer = Writer(self.root, manifest, dict(self.problems_by_file), self.path_of)
            try:
                yield writer
                self._show(writer.commit())
                self._collect()
            except BaseException:
                writer.discard()
                self._show(read_manifest(self.root) or Manifest())
                raise
            finally:
                writer.close()

    @contextmanager
    def exclusive(self) -> Iterator[Manifest]:
        """The newest commit, which nobody else changes inside the block. Raises LedgerLocked."""
        lock = WriterLock(self.root)
        try:
            self._show(read_manifest(self.root) or Manifest())
            self._collect()
            yield self._manifest
        finally:
            lock.release()

    def publish(self, manifest: Manifest) -> None:
        """Make `manifest` the ledger's next commit. Only inside `exclusive`."""
        publish(self.root, manifest, self._manifest.names)
        self._show(manifest)
        self._collect()

    def _show(self, manifest: Manifest) -> None:
        self._manifest = manifest
        for name in ("cells", "problems_by_file"):
            self.__dict__.pop(name, None)

    def _collect(self) -> None:
        """Remove files no commit names, unless somebody may still be reading them. Needs the writer lock."""
        stale = orphans(self.root, self._manifest.names)
        if stale and self._lock.alone():
            for path in stale:
                path.unlink(missing_ok=True)


def is_ledger(path: Path) -> bool:
    """Whether a folder holds a committed ledger."""
    return (path / MANIFEST_NAME).is_file()


def empty_calls() -> Table:
    """The stored calls table without a row."""
    columns: dict[str, Any] = {}
    for name in (*CALL_TABLE_COLUMNS, "row_id"):
        text = name in TEXT or name in DERIVED_TEXT
        columns[name] = np.empty(0, dtype=object if text else np.int64)
    return columns
