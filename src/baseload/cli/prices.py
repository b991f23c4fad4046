"""`baseload prices`: look at the price book, check it, compare days, weigh a change, add what is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, ProjectFolder, epilogue

if TYPE_CHECKING:
    from baseload.prices.book import PriceBook
    from baseload.prices.impact import Side

app = App(
    name="prices",
    help="Look at the price book, check it, compare days, weigh a change, add what is missing.",
    help_epilogue=epilogue(["baseload prices show", "baseload prices check --brief"]),
)

_DAY = Parameter(help="A UTC day, YYYY-MM-DD; today when left out.")


@app.command
def show(
    model: Annotated[str, Parameter(show_default=False, help="Any name of one model; all models when left out.")] = "",
    *,
    on: Annotated[dt.date | None, _DAY] = None,
    platform: Annotated[
        str, Parameter(help="Where it is bought: anthropic, bedrock, vertex, foundry, …")
    ] = "anthropic",
    geo: Annotated[str, Parameter(help="global, us, regional or us_gov.")] = "global",
    tier: Annotated[str, Parameter(help="standard, batch or priority.")] = "standard",
    speed: Annotated[str, Parameter(help="standard or fast.")] = "standard",
    overlay: Annotated[Path | None, Parameter(help="A YAML file of negotiated prices.")] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> int:
    """Show the prices of a day, or everything known about one model.

    MODEL may be any spelling: an id, an ARN, a Console name, a gateway's. Prices are USD per million tokens.

    Examples
    --------
    baseload prices show
    baseload prices show --platform bedrock --geo regional --tier batch
    baseload prices show "Claude Haiku 5.5"
    baseload prices show us.anthropic.claude-sonnet-4-5-20250929-v1:0 --on 2026-01-31
    """
    from baseload.cli import price_documents as documents
    from baseload.cli.output import EXIT_DONE, print_json
    from baseload.cli.price_views import print_show
    from baseload.errors import UsageError
    from baseload.prices.rates import PriceKey

    book = _book(project, overlay)
    service = PriceKey("", platform, geo, tier, speed, "any")
    day, found = on or _today(), book.models.get(book.resolve(model))
    if model and found is None:
        raise UsageError(f"{model[:60]!r} is no model of the price book; `baseload prices show` lists them")
    document = (
        documents.show_model(book, found, service, day, _today())
        if found
        else documents.show_list(book, service, day, _today())
    )
    if json:
        print_json(document)
    else:
        print_show(document)
    return EXIT_DONE


@app.command
def check(
    *,
    on: Annotated[dt.date | None, Parameter(help="Compare prices up to this UTC day; today when left out.")] = None,
    brief: Annotated[
        bool, Parameter(negative=(), show_default=False, help="One line per known fault instead of every request.")
    ] = False,
    json: Json = False,
) -> int:
    """Compare the packaged book with genai-prices, request by request, and print every disagreement with both values.

    Faults known of that list are named and proven; anything else is unexpected and the exit code is 1. Your own
    additions and overlay take no part. Needs genai-prices, which `make test` installs in a checkout.

    Examples
    --------
    baseload prices check
    baseload prices check --brief
    baseload prices check --json | jq .unexpected
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.cli.price_documents import check_document
    from baseload.cli.price_views import print_check
    from baseload.errors import UsageError
    from baseload.prices.crosscheck import cross_check
    from baseload.prices.load import load_book
    from baseload.values import day_of_date

    try:
        from baseload.prices.peer import PEER, peer_names, peer_price
    except ModuleNotFoundError as error:
        raise UsageError(
            f"prices check needs {error.name}, which this installation leaves out. In a checkout: `make test` installs "
            "it, or .venv/bin/python -m pip install genai-prices. Elsewhere: pip install 'baseload[prices-check]'."
        ) from error
    book, last = load_book(), on or _today()
    result = cross_check(book, peer_price, day_of_date(last), names=peer_names())
    document = check_document(book, result, PEER, last, _today())
    if json:
        print_json(document)
    else:
        print_check(document, brief=brief)
    return EXIT_PROBLEMS if result.unexpected or result.unknown_names else EXIT_DONE


@app.command
def diff(
    date1: Annotated[dt.date, Parameter(help="One UTC day, YYYY-MM-DD.")],
    date2: Annotated[dt.date, Parameter(help="The other.")],
    /,
    *,
    project: ProjectFolder = None,
    json: Json = False,
) -> int:
    """List what changed between two days: prices, models, platforms, rules and fees.

    The two days are compared with each other; the order does not matter.

    Examples
    --------
    baseload prices diff 2026-09-01 2026-11-22
    baseload prices diff 2025-11-23 2025-11-25 --json
    """
    from baseload.cli.output import EXIT_DONE, print_json
    from baseload.cli.price_documents import diff_document
    from baseload.cli.price_views import print_diff
    from baseload.prices.changes import changes_between
    from baseload.values import day_of_date

    first, last = sorted((date1, date2))
    book = _book(project)
    changes = changes_between(book, day_of_date(first), day_of_date(last))
    document = diff_document(book, changes, first, last, _today())
    if json:
        print_json(document)
    else:
        print_diff(document)
    return EXIT_DONE


@app.command
def impact(
    path: Annotated[Path, Parameter(help="A ledger folder, or a JSON file of usage by price key.")],
    /,
    *,
    before: Annotated[dt.date | None, Parameter(name="--from", help="Price the usage as on this UTC day.")] = None,
    after: Annotated[
        dt.date | None, Parameter(name="--to", help="And as on this UTC day; today when left out.")
    ] = None,
    change: Annotated[
        tuple[Path, ...],
        Parameter(name="--with", negative=(), show_default=False, help="A price file to try, not stored."),
    ] = (),
    overlay: Annotated[Path | None, Parameter(help="Negotiated prices on the after side only.")] = None,
    contract: Annotated[
        Path | None,
        Parameter(help="The contract already signed; the project's current_contract when left out."),
    ] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> int:
    """Show what a price change does to usage already seen: run rate before and after, by model.

    PATH is a ledger folder (its last 28 complete days) or a JSON file of usage by price key. The change is between two
    days of the book, or a price file tried with --with, or a contract tried with --overlay. Tokens stay as they were.
    With a signed contract: the cash still to come before and after, and which counter it allows (lower-of, reforecast,
    substitution, re-open) with its dollars; not with --overlay, which is no move of list prices.

    Examples
    --------
    baseload prices impact .baseload/ledger --from 2026-10-06 --to 2026-10-07
    baseload prices impact usage.json --with announced.yaml --to 2027-01-01
    baseload prices impact .baseload/ledger --overlay contract.yaml
    baseload prices impact .baseload/ledger --with announced.yaml --to 2027-01-01 --contract signed.yaml
    """
    from functools import partial

    from msgspec import structs

    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.cli.price_contract import no_contract, on_contract
    from baseload.cli.price_documents import impact_document
    from baseload.cli.price_usage import read_usage
    from baseload.cli.price_views import print_impact
    from baseload.prices.impact import impact as weigh

    if overlay is not None:
        no_contract(project, contract)
    sides = _sides(project, before, after, change, overlay)
    usage = read_usage(path, _today())
    rows = weigh(usage.rows, *sides)
    window: dict[str, str | int] = {"start": usage.start, "end_exclusive": usage.end_exclusive, "days": usage.days}
    document = impact_document(rows, sides, window, usage.source, _today())
    if not overlay:
        at_list = partial(_sides, project, before, after, change, None, at_list=True)
        document = structs.replace(document, contract=on_contract(project, contract, usage, at_list))
    if json:
        print_json(document)
    else:
        print_impact(document)
    return EXIT_PROBLEMS if document.without_price else EXIT_DONE


@app.command
def add(
    file: Annotated[Path, Parameter(help="A YAML file of models and prices (docs/reference/prices.md).")],
    /,
    *,
    dry_run: Annotated[bool, Parameter(negative=(), show_default=False, help="Check and show, store nothing.")] = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> int:
    """Check a YAML file of models and prices and add it to your book, so that nobody waits for a release.

    Every row needs a source and a first day; the day it was checked is today unless the file says so. It is kept in
    your configuration folder and used by every command from then on; later additions win.

    Examples
    --------
    baseload prices add new-model.yaml
    baseload prices add new-model.yaml --dry-run
    """
    from baseload.cli.book import additions_folder, read_file
    from baseload.cli.output import EXIT_DONE, print_json
    from baseload.cli.price_documents import add_document
    from baseload.cli.price_views import print_add
    from baseload.prices.additions import store_addition
    from baseload.prices.price_files import read_addition

    book = _book(project)
    addition = read_addition(read_file(file), book.record, file.name, as_of=_today().isoformat())
    stored = None if dry_run else str(store_addition(additions_folder(), file.name, addition))
    document = add_document(addition, str(file), stored, book, _today())
    if json:
        print_json(document)
    else:
        print_add(document)
    return EXIT_DONE


def _book(project: Path | None, overlay: Path | None = None) -> PriceBook:
    from baseload.cli.book import open_book
    from baseload.cli.places import find_project, load_project

    folder = project or find_project(Path.cwd())
    return open_book(load_project(folder), folder, overlay=overlay)


def _sides(
    project: Path | None,
    before: dt.date | None,
    after: dt.date | None,
    change: tuple[Path, ...],
    overlay: Path | None,
    *,
    at_list: bool = False,
) -> tuple[Side, Side]:
    """The two states of prices an impact compares; `at_list` leaves the project's own contract prices out.

    Raises UsageError where they are the same.
    """
    import msgspec

    from baseload.cli.book import open_book, read_file
    from baseload.cli.places import find_project, load_project
    from baseload.errors import UsageError
    from baseload.prices.impact import Side
    from baseload.prices.price_files import read_addition
    from baseload.values import day_of_date

    last = after or _today()
    first = before or (last if change or overlay else _today())
    if first == last and not change and not overlay:
        raise UsageError("nothing changes: give another day (--from, --to), a price file (--with) or an --overlay")
    folder = project or find_project(Path.cwd())
    settings = load_project(folder)
    if at_list:
        settings = msgspec.structs.replace(settings, price_overlay="")
    old = open_book(settings, folder)
    today = _today().isoformat()
    extra = [read_addition(read_file(path), old.record, path.name, as_of=today) for path in change]
    added = [msgspec.json.encode(addition) for addition in extra]
    new = open_book(settings, folder, overlay=overlay, extra=added) if added or overlay else old
    return Side(old, day_of_date(first)), Side(new, day_of_date(last))


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()
