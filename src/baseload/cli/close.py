"""`baseload close`: why the bill moved, what was saved of the plan, and a month that stays as it was closed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from baseload.plan.close.document import CloseDocument
    from baseload.plan.close.promises import Promises
    from baseload.plan.close.run import CloseRequest
    from baseload.values import Problem


def close(
    month: Annotated[str, Parameter(help="The month to close, YYYY-MM.")],
    *paths: Paths,
    against: Annotated[
        str, Parameter(show_default=False, help="The month to compare with; else the last one before it with data.")
    ] = "",
    plan: Annotated[Path | None, Parameter(help="A saved plan: realised against planned savings.")] = None,
    year_start: Annotated[
        int,
        Parameter(show_default=False, help="Month in which the fiscal year begins, 1-12; else as in baseload.toml."),
    ] = 0,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="Folder for close.json, lines.csv and workloads.csv.")
    ] = None,
    freeze: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Keep the month as closed, with a hash, in .baseload.")
    ] = False,
    refreeze: Annotated[
        bool,
        Parameter(
            negative=(), show_default=False, help="Take a restatement over; the old file stays, as a numbered revision."
        ),
    ] = False,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """Why the bill moved: a bridge from one month's bill to the next that adds up to the cent.

    Each line changes one thing and keeps the rest: days, volume, text per call, model, tokenizer, cache, batch, price,
    discount, and what only the invoice says. Without PATH the project's own ledger is read.

    --freeze keeps the month, with a hash, in the project's .baseload/close. A frozen month is shown as it was frozen
    and computed again beside it; what changed since is a restatement. --refreeze takes the change over and keeps the
    old file as a numbered revision.

    Examples
    --------
    baseload close 2026-11
    baseload close 2026-11 --against 2026-08 --json | jq '.figures.lines[] | {label, usd}'
    baseload close 2026-10 --plan plan.json --freeze
    """
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.errors import UsageError

    if year_start and not 1 <= year_start <= 12:
        raise UsageError(f"--year-start {year_start}: expected a month, 1 to 12")
    folder = _project_folder(project)
    request = _request(month, paths, folder, source, as_of, against, plan, year_start)
    document = _closed(request, folder, freeze=freeze or refreeze, refreeze=refreeze)
    if output:
        _write(document, output)
    if json:
        print_json(document)
    else:
        from baseload.cli.close_text import print_close

        print_close(document)
        print_problems(_problems(document))
    return exit_code(_problems(document))


def _closed(request: CloseRequest, folder: Path, *, freeze: bool, refreeze: bool) -> CloseDocument:
    """The document, and the month frozen where that was asked for and changes anything."""
    from msgspec.structs import replace

    from baseload.cli.close_files import load_frozen, write_frozen
    from baseload.errors import UsageError
    from baseload.plan.close.freeze import sealed
    from baseload.plan.close.run import close_month
    from baseload.values import iso_day

    document, _ = close_month(request)
    if not freeze or (document.check and (document.check.status == "verified" or not refreeze)):
        return document
    if document.state == "running":
        raise UsageError(f"{request.month} is not over on {document.as_of}: freeze it when it is.")
    held = request.frozen.get(request.month)
    old = held.document if held else None
    others = {name: one for name, one in request.frozen.items() if name != request.month}
    against = request.against or (old.figures.against if old and held and held.intact else "") or ""
    fresh, _ = close_month(replace(request, frozen=others, against=against))
    now_frozen = sealed(fresh, iso_day(request.as_of_day), old)
    write_frozen(folder, now_frozen, replaces=old.seal.revision if old and old.seal else 0)
    again = load_frozen(folder, request.month)
    kept = {**others, request.month: again} if again else others
    return close_month(replace(request, frozen=kept))[0]


def _request(
    month: str,
    paths: Sequence[Path],
    folder: Path,
    source: str | None,
    as_of: dt.date | None,
    against: str,
    plan: Path | None,
    year_start: int,
) -> CloseRequest:
    from baseload import __version__
    from baseload.cli.close_files import load_frozen
    from baseload.cli.run import build_ranked
    from baseload.ledger.totals import whole_days
    from baseload.plan.close.bills import Overage
    from baseload.plan.close.freeze import digest
    from baseload.plan.close.months import check_order, month_window, months_with_data, previous_month
    from baseload.plan.close.run import CloseRequest
    from baseload.values import day_of_date

    for name in filter(None, (month, against)):
        month_window(name)
    check_order(month, against)
    run = build_ranked(paths, folder, source=source, as_of=as_of)
    rows = run.found.settled.rows
    frozen = load_frozen(folder, month)
    before = against or previous_month(month, months_with_data(rows))
    if frozen and frozen.intact and not against:
        before = frozen.document.figures.against or ""
    wanted = {month: frozen, before: load_frozen(folder, before) if before else None}
    return CloseRequest(
        title=run.title,
        as_of_day=day_of_date(run.today),
        month=month,
        against=against,
        rows=rows,
        workload_of=run.found.workload_of,
        whole_days=whole_days(run.found.spend),
        book=run.book,
        invoices=run.settings.invoice,
        overages=tuple(
            Overage(month=one.month, channel=one.channel, account=one.account, usd=one.overage)
            for one in run.settings.invoice
            if one.overage != "0"
        ),
        promises=_promises(plan),
        fiscal_year_start=year_start or (0 if frozen and frozen.intact else run.settings.plan.fiscal_year_start),
        ledger_sha256=digest(run.manifest),
        program=__version__,
        frozen={name: one for name, one in wanted.items() if one},
        problems=tuple(run.found.problems),
    )


def _promises(plan: Path | None) -> Promises | None:
    from baseload.cli.book import read_file
    from baseload.plan.close.promises import promises_of

    return None if plan is None else promises_of(read_file(plan, "saved plan"), str(plan))


def _project_folder(named: Path | None) -> Path:
    from baseload.cli.places import find_project

    return named or find_project(Path.cwd()) or Path()


def _problems(document: CloseDocument) -> list[Problem]:
    from msgspec.structs import asdict

    from baseload.values import Problem

    return [Problem(**asdict(part)) for part in document.problems]


def _write(document: CloseDocument, folder: Path) -> None:
    """The document and its two tables. Raises UsageError where a file of these names is of something else."""
    from baseload.cli.close_tables import write_close

    write_close(document, folder)
