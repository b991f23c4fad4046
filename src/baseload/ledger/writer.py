"""Adding to a ledger: batches become immutable files, and a commit makes them the ledger's in one step."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.columns import CallColumns, id_keys
from baseload.ledger.dedup import Batch, Stored, against_ledger, call_of_row, merged
from baseload.ledger.dimension import STORED_COLUMNS, cell_columns
from baseload.ledger.labels import Cell
from baseload.ledger.manifest import CallFile, Manifest, new_token, publish, read_manifest
from baseload.ledger.storable import clean_problem, clean_text, storable
from baseload.usage.marks import FileMark
from baseload.values import AGGREGATE_GRAINS, CALL_FIELDS, Call, Problem, Table

BATCH_CALLS: Final = 100_000
"""Calls per file: memory while importing is about 2 KB a call."""

COMMIT_CALLS: Final = 1_000_000
"""A long import commits about this often, so that a crash costs little."""


MEMORY_LIMIT: Final = "1GB"
"""Of the engine that writes and looks for copies; beyond it, it spills to disk."""


class Writer:
    """What `Ledger.writer()` gives; not for use after its `with` block."""

    def __init__(
        self,
        root: Path,
        manifest: Manifest,
        problems: dict[str, list[Problem]],
        path_of: Callable[[CallFile], Path],
    ) -> None:
        self._root = root
        self._path_of = path_of
        self._manifest = manifest
        self._columns = CallColumns()
        self._known_cells: set[int] | None = None
        self._problems = problems
        self._problems_changed = False
        self._refused: list[Problem] = []
        self._refused_noted = 0
        self._pending: list[Call] = []
        self._start()

    @property
    def file_marks(self) -> Mapping[str, FileMark]:
        """Marks as of now: what is committed, and what was noted since."""
        return ChainMap(self._marks, self._manifest.marks)

    @property
    def refused(self) -> Sequence[Problem]:
        """One problem for each call that could not be stored, complete after `commit`."""
        return tuple(self._refused)

    def append(self, calls: Iterable[Call]) -> None:
        """Add calls. Copies of one call_id are one call: the best copy, whatever the order (see `ledger.dedup`)."""
        self._pending.extend(calls)
        while len(self._pending) >= BATCH_CALLS:
            batch, self._pending = self._pending[:BATCH_CALLS], self._pending[BATCH_CALLS:]
            self._write(batch)

    def note_file(self, mark: FileMark, problems: Sequence[Problem] = (), *, continued: bool = False) -> None:
        """Say that every call of a file up to `mark` has been appended; its problems replace those of an earlier
        reading, or are added to them when this reading `continued` that one: then those of lines read again, which
        were torn before, are dropped."""
        path = clean_text(mark.path)
        known = self.file_marks.get(path)
        upto = known.rows if continued and known is not None else None
        self._marks[path] = mark if path == mark.path else msgspec.structs.replace(mark, path=path)
        self.note_problems(path, problems, continued=continued, upto=upto)
        if self._staged_rows >= COMMIT_CALLS:
            self.commit()

    def note_problems(
        self, file: str, problems: Sequence[Problem], *, continued: bool = False, upto: int | None = None
    ) -> None:
        """Keep the problems of a file, also of one that could not be read at all and so has no mark.

        Of a `continued` file those kept before stay, or only those of the rows `upto` a last one.
        """
        file = clean_text(file)
        before = self._problems.get(file, []) if continued else []
        kept = [problem for problem in before if upto is None or problem.row <= upto]
        wanted = [*kept, *map(clean_problem, problems)]
        if wanted == self._problems.get(file, []):
            return
        self._problems_changed = True
        self._problems.pop(file, None)
        if wanted:
            self._problems[file] = wanted

    def commit(self) -> Manifest:
        """Make everything so far the ledger's; a crash before this returns leaves what was committed before."""
        if self._pending:
            batch, self._pending = self._pending, []
            self._write(batch)
        for problem in self._refused[self._refused_noted :]:
            self.note_problems(problem.file, [problem], continued=True)
        self._refused_noted = len(self._refused)
        if self._is_unchanged():
            return self._manifest
        following = self._with_dimensions()
        publish(self._root, following, self._manifest.names)
        self._manifest = following
        self._start()
        return self._manifest

    def discard(self) -> None:
        """Forget what was not committed; its files are removed here, or by the next writer after a crash."""
        manifest = read_manifest(self._root)  # an interrupt may have come just after the commit took place
        named = manifest.names if manifest else frozenset()
        for file in self._staged:
            if file.name not in named:
                (self._root / file.name).unlink(missing_ok=True)
        self._start()

    def close(self) -> None:
        if "_engine" in self.__dict__:
            self._engine.close()

    @cached_property
    def _engine(self) -> DuckDBEngine:
        """Opened only when there is something to write: an import of unchanged files needs none."""
        return DuckDBEngine(memory_limit=MEMORY_LIMIT)

    def _start(self) -> None:
        self._staged: list[CallFile] = []
        self._staged_rows = 0
        self._marks: dict[str, FileMark] = {}
        self._new_cells: list[Cell] = []
        self._new_superseded: list[int] = []
        self._next_row_id = self._manifest.next_row_id

    def _is_unchanged(self) -> bool:
        known = self._manifest.marks
        marks_changed = any(known.get(path) != mark for path, mark in self._marks.items())
        return not (self._staged or self._new_superseded or self._problems_changed or marks_changed)

    # batches

    def _write(self, calls: Sequence[Call]) -> None:
        try:
            self._add(calls)
        except (UnicodeError, OverflowError):  # rare, and dear to look for in every field of every call
            mended, refused = storable(calls)
            self._refused += refused
            self._add(mended)

    def _add(self, calls: Sequence[Call]) -> None:
        added, lost = merged(calls)
        batch = against_ledger(added, lost, self._stored_copies(added))
        if batch.added or batch.added_superseded:
            self._stage(batch)
        self._new_superseded += batch.replaced_row_ids

    def _stage(self, batch: Batch) -> None:
        rows = sorted(batch.added, key=attrgetter("start_us", "call_id")) + batch.added_superseded
        first, end = self._next_row_id, self._next_row_id + len(rows)
        table = {**self._columns.table(rows), "row_id": np.arange(first, end)}
        name = f"calls-{new_token()}.parquet"
        self._engine.write_parquet(table, self._root / name)
        self._next_row_id = end
        self._new_superseded += range(end - len(batch.added_superseded), end)
        self._staged_rows += len(rows)
        self._staged.append(_call_file(name, table))
        self._learn_cells(table)

    def _learn_cells(self, table: Table) -> None:
        if self._known_cells is None:
            self._known_cells = set(self._read_parts(self._manifest.cells, "cell").tolist())
        new = [cell for cell in self._columns.cells(table) if cell.cell not in self._known_cells]
        self._known_cells.update(cell.cell for cell in new)
        self._new_cells += new

    # copies the ledger has already

    def _stored_copies(self, calls: Sequence[Call]) -> dict[str, list[Stored]]:
        files = [self._path_of(file) for file in (*self._manifest.calls, *self._staged)]
        if not files or not calls:
            return {}
        self._engine.register_parquet("stored_calls", files)
        self._engine.register("wanted", {"id_key": np.unique(id_keys(call.call_id for call in calls))})
        found = self._engine.query(
            "SELECT stored_calls.row_id FROM stored_calls INNER JOIN wanted ON stored_calls.id_key = wanted.id_key"
        )
        if not len(found["row_id"]):
            return {}
        return self._copies(found["row_id"], {call.call_id for call in calls})

    def _copies(self, row_ids: Any, call_ids: set[str]) -> dict[str, list[Stored]]:
        superseded = set(self._superseded_row_ids().tolist())
        self._engine.register("wanted", {"row_id": row_ids})
        columns = ", ".join(f"stored_calls.{name}" for name in ("row_id", *CALL_FIELDS))
        table = self._engine.query(
            f"SELECT {columns} FROM stored_calls INNER JOIN wanted ON stored_calls.row_id = wanted.row_id"
        )
        copies: dict[str, list[Stored]] = {}
        for row_id, *values in zip(*(column.tolist() for column in table.values()), strict=True):
            call = call_of_row(dict(zip(CALL_FIELDS, values, strict=True)))
            if call.call_id in call_ids:
                copy = Stored(row_id=row_id, superseded=row_id in superseded, call=call)
                copies.setdefault(call.call_id, []).append(copy)
        return copies

    def _superseded_row_ids(self) -> Any:
        committed = self._read_parts((self._manifest.superseded,), "row_id")
        return np.unique(np.concatenate([committed, np.array(self._new_superseded, dtype=np.int64)]))

    def _read_parts(self, names: Sequence[str], column: str) -> Any:
        files = [self._root / name for name in names if name]
        if not files:
            return np.empty(0, dtype=np.int64)
        self._engine.register_parquet("part", files)
        return self._engine.query(f"SELECT {column} FROM part")[column]

    # commit

    def _with_dimensions(self) -> Manifest:
        """The next manifest, once what changed beside the calls is written too."""
        changes: dict[str, Any] = {
            "calls": (*self._manifest.calls, *self._staged),
            "next_row_id": self._next_row_id,
            "marks": {**self._manifest.marks, **self._marks},
        }
        if self._new_cells:
            name = f"cells-{new_token()}.parquet"
            table = cell_columns(self._new_cells)
            self._engine.write_parquet({column: table[column] for column in STORED_COLUMNS}, self._root / name)
            changes["cells"] = (*self._manifest.cells, name)
        if self._new_superseded:
            name = f"superseded-{new_token()}.parquet"
            row_ids = self._superseded_row_ids()
            self._engine.write_parquet({"row_id": row_ids}, self._root / name)
            changes |= {"superseded": name, "superseded_rows": len(row_ids)}
        if self._problems_changed:
            name = f"problems-{new_token()}.json"
            (self._root / name).write_bytes(msgspec.json.encode(self._problems))
            changes["problems"] = name
            self._problems_changed = False
        return msgspec.structs.replace(self._manifest, **changes)


def _call_file(name: str, table: Table) -> CallFile:
    grains = set(table["grain"].tolist())
    return CallFile(
        name=name,
        rows=len(table["day"]),
        min_day=int(table["day"].min()),
        max_day=int(table["day"].max()),
        has_calls=bool(grains - set(AGGREGATE_GRAINS)),
        has_aggregates=bool(grains & set(AGGREGATE_GRAINS)),
    )
