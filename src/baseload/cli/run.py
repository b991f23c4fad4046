"""PATHs -> map document, for every command that shows one: the only place that knows the clock and the folders."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import msgspec

from baseload.cli.book import open_book, read_file
from baseload.cli.databases import database_records, file_marks, is_database, shown
from baseload.cli.output import numbered, print_problems, progress
from baseload.cli.places import find_project, load_org_key, load_project, map_ledger_folder
from baseload.cli.private import emptied, private_ledger
from baseload.cli.trial_folder import held_to_records, is_demo, read_trials, stand_together
from baseload.engine.duckdb import DuckDBEngine
from baseload.errors import NothingToRead, UsageError
from baseload.ledger.importing import ImportSummary, import_records
from baseload.ledger.manifest import Manifest
from baseload.ledger.store import Ledger, is_ledger
from baseload.levers.cache.price import is_priced
from baseload.levers.cache.report import CacheReport, cache_report
from baseload.levers.route.verdicts import VerdictKey, of_own_traffic, read_verdicts
from baseload.pipeline import MapRequest, Ranked, map_ledger, rank_ledger
from baseload.planning import Plan, PlanRequest, plan_ledger
from baseload.prices.age import age_warning
from baseload.prices.book import PriceBook
from baseload.project import Project
from baseload.report.assemble import rank_document
from baseload.report.document import MapDocument, RankDocument
from baseload.report.facts import BookNote
from baseload.usage.freshness import still_stands
from baseload.usage.read import read_paths
from baseload.usage.reader import ReadContext
from baseload.values import Problem, Verdict, day_of_date
from baseload.workloads.owners import with_owner_csv

LEDGER_NAME = "ledger"
PROJECT_LEDGER = Path(".baseload") / LEDGER_NAME
VERDICTS = Path(".baseload") / "verdicts"
FIRST_AS_OF = dt.date(2023, 1, 1)
"""No Claude model was on sale before."""
MEMORY_LIMIT = "1500MB"
"""What the engine may hold before it spills to disk: a ledger of 20 million calls is mapped well within 3 GB."""
RANK_MEMORY_LIMIT = "150MB"
"""The same for a ranking alone, whose two questions need little: within 0.5 GB in all."""


def build_map(
    paths: Sequence[Path],
    project_dir: Path | None = None,
    *,
    source: str | None = None,
    project: Project | None = None,
    as_of: dt.date | None = None,
    title: str = "",
    recompute: str = "",
    clock: dt.date | None = None,
) -> MapDocument:
    """The map of exactly these PATHs; of the project's own ledger where none is given.

    A PATH that is a ledger folder is used as it stands; other PATHs are read into a private ledger in the user's cache
    folder, which the next run only brings up to date. `as_of` says which days are complete, never what is read; `clock`
    is the real day unless said. Raises NothingToRead when no record could be used.
    """
    with _opened(paths, project_dir, source, project, as_of, clock) as run:
        request = _request(run, paths, title, recompute)
        verdicts, problems = _verdicts(run, request.as_of_day)
        asked = msgspec.structs.replace(request, verdicts=verdicts, problems=tuple(problems))
        document, _ = map_ledger(run.ledger, run.engine, run.book, asked)
    return document


def build_rank(
    paths: Sequence[Path],
    project_dir: Path | None = None,
    *,
    source: str | None = None,
    as_of: dt.date | None = None,
    most: int = 0,
) -> RankDocument:
    """The ranked table of exactly these PATHs, as `build_map` reads them, without what a ranking does not need."""
    with _opened(paths, project_dir, source, None, as_of, memory_limit=RANK_MEMORY_LIMIT) as run:
        found = rank_ledger(run.ledger, run.engine, run.book, run.settings)
        request = _request(run, paths, "", "")
    return rank_document(
        request.title, request.as_of, request.book_note, found.window, found.ranking, found.problems, most
    )


class RankedRun(NamedTuple):
    """A ranking with everything it was made from: what a command needs that goes on from there."""

    found: Ranked
    book: PriceBook
    settings: Project
    today: dt.date
    title: str
    manifest: Manifest


def build_ranked(
    paths: Sequence[Path],
    project_dir: Path | None = None,
    *,
    source: str | None = None,
    as_of: dt.date | None = None,
) -> RankedRun:
    """Exactly these PATHs settled and ranked, as `build_rank` reads them."""
    with _opened(paths, project_dir, source, None, as_of, memory_limit=RANK_MEMORY_LIMIT) as run:
        found = rank_ledger(run.ledger, run.engine, run.book, run.settings)
        title = run.settings.name or _title(paths, run.folder)
        return RankedRun(found, run.book, run.settings, run.today, title, run.ledger.manifest)


def build_plan(
    paths: Sequence[Path],
    project_dir: Path | None = None,
    *,
    source: str | None = None,
    project: Project | None = None,
    as_of: dt.date | None = None,
    recompute: str = "",
    clock: dt.date | None = None,
) -> Plan:
    """The plan of exactly these PATHs, as `build_map` reads them, with the project's verdicts and batch times."""
    with _opened(paths, project_dir, source, project, as_of, clock) as run:
        request = _request(run, paths, "", recompute)
        verdicts, problems = _verdicts(run, request.as_of_day)
        own_times = run.settings.plan.batch_completion
        completion = read_file((run.folder or Path()) / own_times, "batch completion times") if own_times else None
        together, names = stand_together(run.folder, read_trials(run.folder)[0])
        asked = PlanRequest(
            map=request,
            verdicts=verdicts,
            completion=completion,
            together=together,
            trial_names=names,
            problems=tuple(problems),
        )
        return plan_ledger(run.ledger, run.engine, run.book, asked)[0]


def _verdicts(run: _Run, day: int) -> tuple[dict[VerdictKey, Verdict], list[Problem]]:
    """The project's verdicts, each held to the record of its trial where that is here."""
    verdicts, problems = read_verdicts(_verdict_files(run.folder), run.book, day)
    held, faults = held_to_records(run.folder, verdicts, day)
    held = held if is_demo(run.folder) else of_own_traffic(held)
    return held, [*problems, *faults]


def _verdict_files(folder: Path | None) -> dict[str, bytes]:
    found = sorted((folder or Path()).joinpath(VERDICTS).glob("*.json"))
    return {str(path): read_file(path, "verdict") for path in found}


def build_cache_report(
    paths: Sequence[Path],
    project_dir: Path | None = None,
    *,
    source: str | None = None,
    as_of: dt.date | None = None,
    model: str = "",
    train_share: float = 0.5,
) -> CacheReport:
    """Cache policies and misses of exactly these PATHs, by workload, as `build_rank` reads them."""
    with _opened(paths, project_dir, source, None, as_of) as run:
        found = rank_ledger(run.ledger, run.engine, run.book, run.settings)
        day = day_of_date(run.today)
        return cache_report(
            run.engine, found.workload_of, run.book, day, model=_known_model(run.book, model), train_share=train_share
        )


def _known_model(book: PriceBook, asked: str) -> str:
    """The id of a model the book has a price for, "" for none asked. Raises UsageError."""
    found = book.resolve(asked) if asked else ""
    if asked and not is_priced(book, found):
        raise UsageError(f"--model {asked[:60]}: the price book has no price for it. `baseload prices` lists them.")
    return found


class _Run(NamedTuple):
    """A ledger brought up to date, with everything that is asked of it next."""

    ledger: Ledger
    engine: DuckDBEngine
    book: PriceBook
    settings: Project
    folder: Path | None
    today: dt.date


@contextmanager
def _opened(
    paths: Sequence[Path],
    project_dir: Path | None,
    source: str | None,
    project: Project | None,
    as_of: dt.date | None,
    clock: dt.date | None = None,
    *,
    memory_limit: str = MEMORY_LIMIT,
) -> Iterator[_Run]:
    now = clock or dt.datetime.now(dt.UTC).date()
    today = checked_as_of(as_of, now)
    folder = project_dir if project_dir is not None else find_project(Path.cwd())
    settings = with_owners(project if project is not None else load_project(folder), folder)
    book = open_book(settings, folder)
    ledger_of = _ledger(paths, folder, settings, book, source, now)
    with ledger_of as ledger, DuckDBEngine(memory_limit=memory_limit) as engine:
        if not ledger.rows:
            print_problems(ledger.problems)
            raise NothingToRead(_nothing(paths, ledger))
        yield _Run(ledger, engine, book, settings, folder, today)


def checked_as_of(as_of: dt.date | None, now: dt.date) -> dt.date:
    """The day that was asked for, else `now`. Raises UsageError where no model could be priced."""
    last = now + dt.timedelta(days=366)
    if as_of is not None and not FIRST_AS_OF <= as_of <= last:
        raise UsageError(f"--as-of {as_of}: expected a day from {FIRST_AS_OF} to {last}")
    return as_of or now


def with_owners(settings: Project, folder: Path | None) -> Project:
    """The project with the owners of its `owner_csv` behind its own rules. Raises UsageError where it has none."""
    if not settings.owner_csv:
        return settings
    path = (folder or Path()) / settings.owner_csv
    project, problems = with_owner_csv(settings, read_file(path, "owners CSV (key,owner[,cost_center])"), str(path))
    print_problems(problems)
    return project


def import_into(
    ledger: Ledger, paths: Sequence[Path], settings: Project, book: PriceBook, source: str | None, now: dt.date
) -> ImportSummary:
    """Bring a ledger up to date with some PATHs, showing progress; returns what it read.

    `now` is the real day: what is dated after it is a clock fault and stays out of the ledger for good.
    """
    context = ReadContext(org_key=load_org_key(), resolve_model=book.resolve, account=settings.account)
    with progress("Reading") as bar:
        files = read_paths(
            [path for path in paths if not is_database(path)],
            context,
            as_of_us=_end_of(now),
            source=source or "",
            marks=ledger.file_marks,
            progress=bar.advance,
        )
        return import_records(ledger, chain(files, database_records(paths, context, ledger.file_marks)))


@contextmanager
def _ledger(
    paths: Sequence[Path],
    folder: Path | None,
    settings: Project,
    book: PriceBook,
    source: str | None,
    now: dt.date,
) -> Iterator[Ledger]:
    """The ledger the command looks at, brought up to date where it is a private one."""
    if not paths:
        own = (folder or Path()) / PROJECT_LEDGER
        if not is_ledger(own):
            raise UsageError("no PATH given and no ledger in this project. Name files or folders with usage in them.")
        with Ledger.open(own) as ledger:
            yield ledger
        return
    missing = [path for path in paths if not is_database(path) and not path.exists()]
    if missing:
        raise UsageError(f"{missing[0]} does not exist. Name files or folders with usage in them.")
    ledgers = [path for path in paths if is_ledger(path)]
    if ledgers and len(paths) > 1:
        raise UsageError(f"{ledgers[0]} is a ledger: give it alone, or name only files and folders with usage.")
    if ledgers:
        with Ledger.open(ledgers[0]) as ledger:
            yield ledger
        return
    for path in paths:
        if is_ledger(path / LEDGER_NAME):
            raise UsageError(f"{path} holds a ledger. Give the ledger itself: {path / LEDGER_NAME}")

    def fill(root: Path) -> Ledger:
        private = _current(Ledger.open(root, create=True), paths, source or "")
        try:
            import_into(private, paths, settings, book, source, now)
        except BaseException:
            private.close()
            raise
        return private

    with private_ledger(map_ledger_folder(paths, load_org_key()), fill) as ledger:
        yield ledger


def _current(ledger: Ledger, paths: Sequence[Path], source: str) -> Ledger:
    """A private ledger that holds nothing but what its files hold now: made anew when one is gone or was rewritten."""
    files = [path for path in paths if not is_database(path)]
    if still_stands(files, file_marks(ledger.file_marks), source=source):
        return ledger
    return emptied(ledger)


def _request(run: _Run, paths: Sequence[Path], title: str, recompute: str) -> MapRequest:
    named = " ".join(shlex.quote(shown(path)) for path in paths)
    return MapRequest(
        title=title or run.settings.name or _title(paths, run.folder),
        as_of=run.today.isoformat(),
        as_of_day=day_of_date(run.today),
        recompute=recompute or f"baseload map {named}".strip(),
        book_note=BookNote(
            checked=run.book.checked.isoformat(),
            age_days=run.book.age_days(run.today),
            warning=age_warning(run.book, run.today),
            overlay=run.settings.price_overlay,
        ),
        project=run.settings,
    )


def _title(paths: Sequence[Path], folder: Path | None) -> str:
    first = paths[0] if paths else folder or Path.cwd()
    return shown(first) if is_database(first) else first.resolve().name


def _nothing(paths: Sequence[Path], ledger: Ledger) -> str:
    where = ", ".join(shown(path) for path in paths) or "the ledger"
    count = len(ledger.problems)
    first = f" {numbered(count, 'record or file', 'records or files')} had problems." if count else ""
    below = [path / PROJECT_LEDGER for path in paths if is_ledger(path / PROJECT_LEDGER)]
    if below:
        return f"no usage record in {where}, but a ledger: {below[0]}. Give that as the PATH."
    return f"no usage record in {where}.{first} Supported sources: docs/reference/sources; --source names one."


def _end_of(today: dt.date) -> int:
    return (day_of_date(today) + 1) * 86_400_000_000 - 1
