"""`baseload init` and `baseload next`: what only people know, asked for in the order of the dollars it holds up."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, Paths, ProjectFolder, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baseload.project import Project
    from baseload.report.document import MapDocument
    from baseload.values import Problem
    from baseload.workloads.decisions import Decision, Usage

_OUTPUT = Parameter(
    name=["--output", "-o"],
    allow_leading_hyphen=True,
    show_default=False,
    help="Another file than the project's; - for standard output.",
)


def init(
    *paths: Paths,
    project: Annotated[Path | None, Parameter(help="Project folder: where baseload.toml is written.")] = None,
    owners: Annotated[Path | None, Parameter(help="A CSV key,owner[,cost_center] to take owners from.")] = None,
    output: Annotated[str, _OUTPUT] = "",
    force: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Replace the file; the old one is kept beside it.")
    ] = False,
    source: Source = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """Write a commented baseload.toml from usage: owners, deadlines and bars for the workloads that matter.

    It asks about the workloads that hold 80 % of the spend and lists all spend without an owner. Without PATH the
    project's own ledger is read. Settings of an existing baseload.toml are kept in the new text; the file itself is
    never replaced without --force.

    Examples
    --------
    baseload init exports/
    baseload init exports/ --owners teams.csv
    baseload init -o - > draft.toml
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_problems
    from baseload.cli.places import PROJECT_FILE, load_project
    from baseload.cli.run import build_map
    from baseload.workloads.init_file import render_project
    from baseload.workloads.rules import bar_problems

    folder = _project_folder(project)
    target = None if output == "-" else Path(output) if output else folder / PROJECT_FILE
    _refuse_to_overwrite(target, force=force)
    settings, problems = _with_owners(load_project(folder), owners, folder)
    document = build_map(paths, folder, source=source, project=settings, as_of=as_of)
    usage = usage_of(document)
    problems = [*problems, *bar_problems(settings.bar, usage.subjects)]
    text = render_project(settings, usage)
    kept = _write(text, target)
    print_problems(problems)
    if json:
        _print_init_json(document, usage, text, target, kept, problems)
    elif target is None:
        print(text, end="")  # noqa: T201 - the document itself, without rich's wrapping
    else:
        _print_init(usage, target, kept)
        _print_price_age(document)
    return EXIT_PROBLEMS if problems or document.problem_counts else EXIT_DONE


def next_decisions(
    *paths: Paths,
    project: ProjectFolder = None,
    limit: Annotated[int, Parameter(help="How many to show.")] = 15,
    source: Source = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """List the decisions only a person can make, ranked by the dollars that wait for them.

    Without PATH the project's own ledger is read.

    Examples
    --------
    baseload next
    baseload next exports/ --limit 5
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json, print_problems
    from baseload.cli.places import load_project
    from baseload.cli.run import build_map
    from baseload.errors import UsageError
    from baseload.workloads.decisions import decisions
    from baseload.workloads.rules import bar_problems

    if limit < 0:
        raise UsageError(f"--limit {limit}: expected how many decisions to show")
    folder = _project_folder(project)
    settings = load_project(folder)
    document = build_map(paths, folder, source=source, project=settings, as_of=as_of)
    usage = usage_of(document)
    found = decisions(usage, settings)
    problems = bar_problems(settings.bar, usage.subjects)
    if json:
        print_json(_next_document(document, usage, found) | {"problems": problems})
    else:
        _print_decisions(document, usage, found, limit)
        _print_price_age(document)
        print_problems(problems)
    return EXIT_PROBLEMS if problems or document.problem_counts else EXIT_DONE


def _project_folder(named: Path | None) -> Path:
    """The folder named, else the nearest one with a baseload.toml, else this one."""
    from baseload.cli.places import find_project

    return named or find_project(Path.cwd()) or Path()


def usage_of(document: MapDocument) -> Usage:
    """What decisions are made on, taken from a map: nothing is computed twice."""
    from baseload.values import nano_from_usd
    from baseload.workloads.decisions import Subject, Usage

    saving: dict[str, dict[str, int]] = {}
    for one in document.opportunities:
        levers = saving.setdefault(one.workload, {})
        levers[one.lever] = max(levers.get(one.lever, 0), nano_from_usd(one.high_usd))
    unpriced = document.totals.unpriced_rows
    return Usage(
        subjects=tuple(
            Subject(
                id=part.id,
                name=part.name,
                stage=part.stage,
                list_nano=nano_from_usd(part.list_usd),
                share=part.share,
                owner=part.owner,
                task=part.task,
                latency=part.latency,
                latency_evidence=part.latency_evidence,
                saving_nano=saving.get(part.id, {}),
            )
            for part in document.workloads
        ),
        list_nano=nano_from_usd(document.totals.list_usd),
        rows=document.totals.requests or unpriced,
        unpriced_rows=unpriced,
        unknown_models=_unknown_models(document),
        months=_whole_months(document),
        bill_known=document.totals.billed_usd is not None,
    )


def _whole_months(document: MapDocument) -> dict[str, int]:
    """List nano-dollars of the months that lie in the window from their first day on and are over."""
    from baseload.values import nano_from_usd

    found: dict[str, int] = {}
    for day in document.by_day:
        month = day.day[:7]
        if document.window.start <= f"{month}-01" and month < document.as_of[:7]:
            found[month] = found.get(month, 0) + nano_from_usd(day.list_usd)
    return found


def _unknown_models(document: MapDocument) -> tuple[str, ...]:
    """Models as logged that the book does not know: `?name` among the models, else what problems quote of them."""
    listed = {part.model.removeprefix("?") for part in document.by_model if part.model.startswith("?")}
    quoted = {p.value.split("|")[0].removeprefix("?") for p in document.problems if p.code == "unknown-model"}
    return tuple(sorted((listed or quoted) - {""}))


def _with_owners(settings: Project, owners: Path | None, folder: Path) -> tuple[Project, Sequence[Problem]]:
    """The project with an owners CSV named in it, and the rows of that CSV that cannot be used."""
    import os

    from msgspec.structs import replace

    from baseload.errors import UsageError
    from baseload.workloads.owners import read_owner_csv

    if owners is None:
        return settings, ()
    try:
        data = owners.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{owners}: cannot be read ({error.strerror}); expected a CSV key,owner[,cost_center]"
        ) from error
    rules, problems = read_owner_csv(data, str(owners))
    if not rules:
        raise UsageError(f"{owners}: {problems[0].message if problems else 'no row names a key and an owner.'}")
    return replace(settings, owner_csv=os.path.relpath(owners, folder)), problems


def _refuse_to_overwrite(target: Path | None, *, force: bool) -> None:
    from baseload.errors import UsageError

    if target is not None and target.exists() and not force:
        step = "Use --force (the old one is kept beside it), or -o - to look first."
        raise UsageError(f"{target} exists and is not replaced. {step}")


def _write(text: str, target: Path | None) -> Path | None:
    """Write the text whole or not at all; an existing file is kept under a free name beside it, which is returned."""
    if target is None:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    draft.write_text(text, encoding="utf-8")
    kept = None
    if target.exists():
        numbered = (target.with_name(f"{target.name}.{number}") for number in itertools.count(1))
        kept = next(path for path in numbered if not path.exists())
        target.rename(kept)
    draft.rename(target)
    return kept


def _print_init_json(
    document: MapDocument,
    usage: Usage,
    text: str,
    target: Path | None,
    kept: Path | None,
    problems: Sequence[Problem],
) -> None:
    from baseload.cli.output import print_json
    from baseload.values import usd_text
    from baseload.workloads.init_file import covered

    print_json(
        {
            "schema": "baseload.init/1",
            "price_book": document.price_book,
            "path": str(target) if target else None,
            "kept": str(kept) if kept else None,
            "workloads": [subject.id for subject in covered(usage)],
            "unowned_usd": usd_text(usage.unowned_nano),
            "toml": text,
            "problems": problems,
        }
    )


def _print_init(usage: Usage, target: Path, kept: Path | None) -> None:
    from baseload.cli.output import numbered, stdout
    from baseload.workloads.init_file import COVERED_PERCENT, covered

    console = stdout()
    console.print(f"Wrote {target}: it asks about {numbered(len(covered(usage)), 'workload')}.", markup=False)
    if kept:
        console.print(f"The old file is {kept}.", markup=False)
    console.print(f"They hold {COVERED_PERCENT} % of the spend, or all that has a name.", markup=False)
    console.print(f"Nobody owns ${_cents(usage.unowned_nano)} of ${_cents(usage.list_nano)}.", markup=False)
    console.print("Next: fill it in, then `baseload next` for what is still open.", markup=False)


def _next_document(document: MapDocument, usage: Usage, found: Sequence[Decision]) -> dict[str, object]:
    from baseload.values import usd_text

    return {
        "schema": "baseload.next/1",
        "as_of": document.as_of,
        "price_book": document.price_book,
        "window": document.window,
        "list_usd": usd_text(usage.list_nano),
        "decisions": [
            {
                "kind": decision.kind,
                "workload": decision.subject or None,
                "name": decision.subject_name,
                "question": decision.question,
                "why": decision.why,
                "how": decision.how,
                "blocks_usd": None if decision.blocks_nano is None else usd_text(decision.blocks_nano),
                "saving_high_usd": None if decision.saving_nano is None else usd_text(decision.saving_nano),
            }
            for decision in found
        ],
    }


def _print_decisions(document: MapDocument, usage: Usage, found: Sequence[Decision], limit: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from baseload.cli.output import stdout

    console = stdout()
    if not found:
        console.print("Nothing waits for a person.")
        return
    window = f"{document.window.start} to {document.window.end_exclusive} (exclusive)"
    table = Table(title=f"Decisions only a person can make, {window}", title_justify="left", show_lines=True)
    table.add_column("waits on it\nlist $", justify="right")
    table.add_column("saves\nup to $", justify="right")
    table.add_column("question", overflow="fold")
    table.add_column("in baseload.toml", overflow="fold")
    for decision in found[:limit]:
        blocks = "unknown" if decision.blocks_nano is None else _cents(decision.blocks_nano)
        saving = "" if decision.saving_nano is None else _cents(decision.saving_nano)
        table.add_row(blocks, saving, Text(f"{decision.question}\n{decision.why}"), Text(decision.how))
    console.print(table)
    if len(found) > limit:
        console.print(f"… and {len(found) - limit} more; --limit {len(found)} or --json lists them all", markup=False)
    console.print(
        f"List price of the whole window: ${_cents(usage.list_nano)}, measured. Savings overlap and are not summed; "
        "they are assumed until a trial has measured them.",
        markup=False,
    )


def _print_price_age(document: MapDocument) -> None:
    """How old the prices behind the dollars are, or the warning once they may have missed a change."""
    from baseload.cli.output import stdout

    book = document.price_book
    stdout().print(book.warning or f"Prices checked {book.checked}.", markup=False)


def _cents(nano: int) -> str:
    from baseload.values import decimal_usd

    return f"{decimal_usd(nano):,.2f}"
