"""`baseload import` and `baseload ledger`: fill the project's ledger, look at it, rewrite it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from baseload.cli.help import Json, ProjectFolder, Source, epilogue

if TYPE_CHECKING:
    from baseload.cli.keep import Kept
    from baseload.ledger.compact import Rewritten
    from baseload.ledger.importing import ImportSummary
    from baseload.ledger.store import Ledger

app = App(
    name="ledger",
    help="Look at the ledger, compact or migrate it.",
    help_epilogue=epilogue(["baseload ledger show", "baseload ledger compact"]),
)

LEDGER_FOLDER = Path(".baseload") / "ledger"
"""Of a project."""

_Where = Annotated[Path | None, Parameter(help="A ledger folder; the project's own if unsaid.")]


def import_paths(
    *paths: Annotated[Path, Parameter(help="Files, folders, or a LiteLLM database as postgresql://….")],
    project: ProjectFolder = None,
    source: Source = None,
    keep_bodies: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="Also keep prompts and answers, encrypted, for later trials."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Read usage into the project's ledger, .baseload/ledger.

    Files that did not change since the last import are skipped and log files that grew are read from where they ended,
    so the command can run every hour. The same call in two files counts once: the most complete copy. A ledger that is
    killed while it imports is whole; run the command again.

    The ledger holds no text. With --keep-bodies the prompts and answers of these PATHs go into the project's encrypted
    vault as well, within its caps, for trials to replay when the files are gone: docs/reference/vault.md.

    Examples
    --------
    baseload import ~/.claude/projects
    baseload import logs/ --keep-bodies
    baseload import exports/ --project finops --json
    baseload import odd-name.txt --source console_csv
    """
    from baseload.cli.book import open_book
    from baseload.cli.databases import is_database
    from baseload.cli.keep import keep_from
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.cli.places import load_project
    from baseload.cli.run import import_into
    from baseload.errors import UsageError
    from baseload.ledger.store import Ledger

    if not paths:
        raise UsageError("no PATH given. Name files or folders with usage in them.")
    missing = [path for path in paths if not is_database(path) and not path.exists()]
    if missing:
        raise UsageError(f"{missing[0]} does not exist. Name files or folders with usage in them.")
    folder = _folder(project)
    settings = load_project(folder)
    with Ledger.open(folder / LEDGER_FOLDER, create=True) as ledger:
        now, book = dt.datetime.now(dt.UTC).date(), open_book(settings, folder)
        summary = import_into(ledger, paths, settings, book, source, now)
        kept = keep_from(paths, ledger, book, settings, folder, now) if keep_bodies else None
        problems = [*summary.problems, *(kept.problems if kept else ())]
        if as_json:
            print_json(_import_document(ledger, summary) | ({"bodies": kept} if kept else {}))
        else:
            _show_import(ledger, summary)
            if kept:
                _show_kept(kept)
            print_problems(problems)
    return exit_code(problems)


@app.command(name=["show", "status"])
def show(ledger: _Where = None, *, project: ProjectFolder = None, as_json: Json = False) -> int:
    """What the ledger holds: sources, days, rows, files, problems.

    Examples
    --------
    baseload ledger show
    baseload ledger show build/ledger --json
    """
    from baseload.cli.output import print_json
    from baseload.engine.duckdb import DuckDBEngine
    from baseload.ledger.store import Ledger

    with Ledger.open(_ledger_folder(ledger, project)) as opened, DuckDBEngine() as engine:
        document = _ledger_document(opened, engine)
    if as_json:
        print_json(document)
    else:
        _show_ledger(document)
    return 0


@app.command
def compact(ledger: _Where = None, *, project: ProjectFolder = None, as_json: Json = False) -> int:
    """Rewrite the ledger into fewer, larger files by day and drop replaced copies of calls; no answer changes.

    Worth it after many small imports. Needs room for a second copy while it runs.

    Examples
    --------
    baseload ledger compact
    baseload ledger compact finops/.baseload/ledger --json
    """
    from baseload.ledger import compact as module
    from baseload.ledger.store import Ledger

    with Ledger.open(_ledger_folder(ledger, project)) as opened:
        return _show_rewritten(opened, module.compact(opened), "compacted", as_json=as_json)


@app.command
def migrate(ledger: _Where = None, *, project: ProjectFolder = None, as_json: Json = False) -> int:
    """Rewrite files of older ledger schemas in this version's, so that they need not be converted on every read.

    Examples
    --------
    baseload ledger migrate
    """
    from baseload.ledger import compact as module
    from baseload.ledger.store import Ledger

    with Ledger.open(_ledger_folder(ledger, project)) as opened:
        return _show_rewritten(opened, module.migrate(opened), "migrated", as_json=as_json)


def _folder(project: Path | None) -> Path:
    from baseload.cli.places import find_project

    return project or find_project(Path.cwd()) or Path()


def _ledger_folder(ledger: Path | None, project: Path | None) -> Path:
    return ledger or _folder(project) / LEDGER_FOLDER


def _import_document(ledger: Ledger, summary: ImportSummary) -> dict[str, Any]:
    """`baseload.import/1`; see docs/reference/ledger.md."""
    return {
        "schema": "baseload.import/1",
        "ledger": str(ledger.root),
        "files": summary.files,
        "unchanged_files": summary.unchanged_files,
        "records": summary.records,
        "new_rows": summary.new_rows,
        "copies": summary.copies,
        "rows": ledger.rows,
        "readers": summary.readers,
        "problems": summary.problems,
    }


def _show_import(ledger: Ledger, summary: ImportSummary) -> None:
    from baseload.cli.output import numbered, stdout

    read = summary.files - summary.unchanged_files
    sources = ", ".join(f"{name} ({count})" for name, count in summary.readers.items())
    console = stdout()
    console.print(
        f"Read {read:,} of {numbered(summary.files, 'file')} ({summary.unchanged_files:,} unchanged)"
        + (f": {sources}" if sources else ""),
        markup=False,
    )
    console.print(
        f"{numbered(summary.new_rows, 'new row')}, {numbered(summary.copies, 'copy', 'copies')} of known calls",
        markup=False,
    )
    console.print(
        f"{ledger.root} now holds {numbered(ledger.rows, 'row')}. Next: baseload map {ledger.root}", markup=False
    )


def _show_kept(kept: Kept) -> None:
    from baseload.cli.output import numbered, stdout

    console = stdout()
    console.print(
        f"Kept {numbered(kept.stored, 'body', 'bodies')} in {kept.vault}; {kept.known:,} were there already, "
        f"{kept.expired:,} expired, {kept.pushed_out:,} gave way to newer ones",
        markup=False,
    )
    if kept.skipped:
        listed = ", ".join(f"{reason} × {count:,}" for reason, count in kept.skipped.items())
        console.print(f"Not kept: {listed}", markup=False)
    if kept.key_file:
        console.print(f"Made a key: {kept.key_file}. Whoever loses it cannot read these bodies again.", markup=False)


def _ledger_document(ledger: Ledger, engine: Any) -> dict[str, Any]:
    """`baseload.ledger/1`; see docs/reference/ledger.md."""
    from collections import Counter

    from baseload.ledger.queries import sources_sql
    from baseload.values import iso_day

    ledger.attach(engine)
    table = engine.query(sources_sql())
    rows = sorted(zip(*(column.tolist() for column in table.values()), strict=True))
    codes = Counter(problem.code for problem in ledger.problems)
    return {
        "schema": "baseload.ledger/1",
        "ledger": str(ledger.root),
        "schema_version": ledger.manifest.schema_version,
        "rows": ledger.rows,
        "replaced_rows": ledger.manifest.superseded_rows,
        "files": len(ledger.manifest.calls),
        "bytes": sum((ledger.root / name).stat().st_size for name in ledger.manifest.names),
        "source_files": len(ledger.file_marks),
        "signatures": len(ledger.signatures()["signature"]),
        "sources": [
            {
                "source": source,
                "account": account,
                "grain": grain,
                "rows": count,
                "requests": requests,
                "first_day": iso_day(first),
                "last_day": iso_day(last),
            }
            for source, account, grain, count, requests, first, last in rows
        ],
        "problem_counts": dict(sorted(codes.items())),
    }


def _show_ledger(document: dict[str, Any]) -> None:
    from rich.table import Table

    from baseload.cli.output import numbered, stdout

    table = Table("source", "account", "grain", "rows", "requests", "first day", "last day", box=None)
    for source in document["sources"]:
        table.add_row(*(_cell(value) for value in source.values()))
    console = stdout()
    console.print(table)
    console.print(
        f"{numbered(document['rows'], 'row')} (and {document['replaced_rows']:,} replaced) in "
        f"{numbered(document['files'], 'file')}, {document['bytes'] / 1e6:,.1f} MB, from "
        f"{numbered(document['source_files'], 'source file')}, {numbered(document['signatures'], 'signature')}",
        markup=False,
    )
    for code, count in document["problem_counts"].items():
        console.print(f"{code} × {count:,}", markup=False)


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "not said" if value is None else str(value)


def _show_rewritten(ledger: Ledger, done: Rewritten, verb: str, *, as_json: bool) -> int:
    from baseload.cli.output import numbered, print_json, stdout

    if as_json:
        document = {"schema": "baseload.ledger-rewrite/1", "ledger": str(ledger.root), "done": verb}
        print_json(
            document
            | {
                "files_before": done.files_before,
                "files": done.files,
                "rows_before": done.rows_before,
                "rows": done.rows,
            }
        )
    else:
        dropped = done.rows_before - done.rows
        stdout().print(
            f"{verb}: {numbered(done.files_before, 'file')} before, {done.files:,} now; "
            f"{numbered(dropped, 'replaced row')} dropped",
            markup=False,
        )
    return 0
