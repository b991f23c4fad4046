"""`baseload import --keep-bodies`: bodies of the imported files' calls into the project's vault, within its caps."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from baseload.cli.bodies import beside, caps_of, make_vault, vault_folder
from baseload.cli.databases import is_database, shown
from baseload.cli.places import load_org_key
from baseload.cli.run import MEMORY_LIMIT, with_owners
from baseload.engine.duckdb import DuckDBEngine
from baseload.engine.port import Engine
from baseload.errors import NothingToRead, UsageError
from baseload.ledger.sql_parts import canonical_calls, count_if
from baseload.ledger.store import Ledger
from baseload.pipeline import rank_ledger
from baseload.prices.book import PriceBook
from baseload.project import Project
from baseload.values import Call, Problem, Workload, day_of_date
from baseload.vault.data_use import parse_data_use
from baseload.workloads.decisions import rule_of

MOST_BODIES: Final = 500_000
"""Of one import with more calls, the newest."""
MOST_PROBLEMS: Final = 100
"""Listed in full; `skipped` counts all."""

NO_BODY: Final = "the source held no body"
NOT_ANSWERED: Final = "the call was not answered"
FORBIDDEN: Final = "data_use is none"
NO_ROOM: Final = "older than what fits in max_mb"
TOO_MANY: Final = f"beyond the newest {MOST_BODIES:,}"
_WHY: Final = {
    "body-file-gone": "the file is gone",
    "body-changed": "the record was changed",
    "body-not-recorded": NO_BODY,
    "vault-record-too-large": "larger than the vault takes",
}
_COLUMNS: Final = (
    "call_id", "source", "source_file", "source_row", "body_ref", "request_hash", "user_id", "session_id", "start_us",
    "requests", "http_status",
)  # fmt: skip


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What went into the vault, in bodies: `known` were there already, `pushed_out` gave way, `expired` were too old.

    `skipped` counts the others of the same files by reason. `key_file` is the key made now, None where there was one.
    """

    vault: str
    key_file: str | None
    stored: int
    known: int
    expired: int
    pushed_out: int
    skipped: dict[str, int]
    problems: tuple[Problem, ...] = ()


def keep_from(
    paths: Sequence[Path], ledger: Ledger, book: PriceBook, project: Project, folder: Path, today: dt.date
) -> Kept:
    """Keep the bodies of all calls that these PATHs hold, newest first where not all fit.

    A workload whose `data_use` says none is left out; one that says nothing is kept, and replayed only once it says
    so. Bodies that are there are not read again. Raises VaultKeyError and UsageError as `cli.bodies.make_vault`.
    """
    skipped: Counter[str] = Counter()
    with DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        found = list(_calls(engine, ledger, paths, skipped))
        workload_of = _workloads(ledger, engine, book, project, folder) if found else {}
    allowed, ids = _allowed(found, workload_of, project, skipped)
    if not allowed:
        return _nothing_kept(vault_folder(folder, project), skipped)
    return _store(allowed, ids, ledger, project, folder, day_of_date(today), skipped)


def _store(
    calls: Sequence[Call],
    ids: dict[str, str],
    ledger: Ledger,
    project: Project,
    folder: Path,
    today: int,
    skipped: Counter[str],
) -> Kept:
    from baseload.vault.bodies import keep

    vault, made = make_vault(folder, project)
    there = {entry.call_id for entry in vault.entries if today - entry.day < vault.caps.days}
    fresh = [call for call in calls if call.call_id not in there]
    fitting = list(_fitting(fresh, caps_of(project).total_bytes))
    skipped[NO_ROOM] += len(fresh) - len(fitting)
    names = {call.source_file for call in fitting}
    stored = keep(vault, fitting, ids, load_org_key(), base=Path.cwd(), beside=beside(names, ledger), as_of_day=today)
    for problem in stored.problems:
        skipped[_WHY.get(problem.code, problem.code)] += 1
    return Kept(
        vault=str(vault.root),
        key_file=str(made) if made else None,
        stored=stored.stored,
        known=stored.known + len(calls) - len(fresh),
        expired=stored.expired,
        pushed_out=stored.pushed_out,
        skipped=dict(sorted((+skipped).items())),
        problems=stored.problems[:MOST_PROBLEMS],
    )


def _nothing_kept(root: Path, skipped: Counter[str]) -> Kept:
    why = dict(sorted((+skipped).items()))
    return Kept(vault=str(root), key_file=None, stored=0, known=0, expired=0, pushed_out=0, skipped=why)


def _calls(engine: Engine, ledger: Ledger, paths: Sequence[Path], skipped: Counter[str]) -> Iterator[tuple[Call, str]]:
    """(call with what finds its body, signature), newest first, of the files that lie under the PATHs."""
    ledger.attach(engine)
    files = engine.query(_files_sql())
    names = files["source_file"].tolist()
    chosen = _under(names, paths, ledger)
    for name, refs, rest in zip(names, files["refs"].tolist(), files["rest"].tolist(), strict=True):
        if name in chosen:
            skipped[NO_BODY] += rest
            skipped[TOO_MANY] += refs
    if not chosen:
        return
    engine.register("kept_file", {"source_file": np.array(sorted(chosen), dtype=object)})
    rows = engine.query(_calls_sql())
    columns = [rows[name].tolist() for name in (*_COLUMNS, "signature")]
    skipped[TOO_MANY] -= len(columns[0])
    for *values, signature in zip(*columns, strict=True):
        call = Call(**dict(zip(_COLUMNS, values, strict=True)))
        if call.requests == 0 or (call.http_status or 200) >= 400:
            skipped[NOT_ANSWERED] += 1
        else:
            yield call, signature


def _under(names: Sequence[str], paths: Sequence[Path], ledger: Ledger) -> set[str]:
    """Source files, as calls name them, that are one of the PATHs or lie below it, wherever the import was run."""
    databases = {shown(path) for path in paths if is_database(path)}
    tops = [path.absolute() for path in paths if not is_database(path)]
    marks: dict[str, list[str]] = defaultdict(list)
    for mark in ledger.file_marks:
        if any(Path(mark).is_relative_to(top) for top in tops):
            marks[Path(mark).name].append(f"/{mark}")
    return {
        name
        for name in names
        if name in databases or any(mark.endswith(f"/{_plain(name)}") for mark in marks.get(Path(name).name, ()))
    }


def _plain(name: str) -> str:
    return str(Path(name)).lstrip("/") if not name.startswith("..") else name.replace("../", "")


def _workloads(ledger: Ledger, engine: Engine, book: PriceBook, project: Project, folder: Path) -> dict[str, Workload]:
    """Signature -> workload; empty where nothing of the ledger has a token."""
    try:
        return dict(rank_ledger(ledger, engine, book, with_owners(project, folder)).workload_of)
    except NothingToRead:
        return {}


def _allowed(
    found: Sequence[tuple[Call, str]], workload_of: dict[str, Workload], project: Project, skipped: Counter[str]
) -> tuple[list[Call], dict[str, str]]:
    """Calls whose workload may be kept, and the workload of each by its id."""
    forbidden = {one.id for one in workload_of.values() if _is_forbidden(one, project)}
    calls, ids = [], {}
    for call, signature in found:
        workload = workload_of[signature].id if signature in workload_of else ""
        if workload in forbidden:
            skipped[FORBIDDEN] += 1
            continue
        calls.append(call)
        ids[call.call_id] = workload
    return calls, ids


def _is_forbidden(workload: Workload, project: Project) -> bool:
    """Somebody said no, or said what cannot be read."""
    rule = rule_of(workload.id, workload.name, project)
    if rule is None or not rule.data_use:
        return False
    try:
        return parse_data_use(rule.data_use) == "none"
    except UsageError:
        return True


def _fitting(calls: Sequence[Call], most_bytes: int) -> Iterator[Call]:
    """Calls, newest first, until their records fill the vault; a record is about as long as its line in the source."""
    total = 0
    for call in calls:
        total += int(call.body_ref.rpartition(":")[2] or 0)
        if total > most_bytes:
            return
        yield call


def _files_sql() -> str:
    has = "calls.body_ref <> '' AND calls.request_hash <> ''"
    return f"""
WITH calls AS ({canonical_calls("source_file", "body_ref", "request_hash")})
SELECT calls.source_file, {count_if(has)} AS refs, COUNT(*) - {count_if(has)} AS rest
FROM calls
GROUP BY calls.source_file"""


def _calls_sql() -> str:
    has = "stored_calls.body_ref <> '' AND stored_calls.request_hash <> ''"
    return f"""
WITH calls AS ({canonical_calls("cell", "id_key", *_COLUMNS, where=has)})
SELECT cells.signature, {", ".join(f"calls.{name}" for name in _COLUMNS)}
FROM calls INNER JOIN cells ON cells.cell = calls.cell
INNER JOIN kept_file ON kept_file.source_file = calls.source_file
ORDER BY calls.start_us DESC, calls.id_key
LIMIT {MOST_BODIES}"""
