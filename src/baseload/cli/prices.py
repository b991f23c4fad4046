"""`baseload prices`: look at the price book, check it, compare days, weigh a change, add what is missing."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from baseload.prices.book import PriceBook
    from baseload.prices.impact import Side

app = App(name="prices", help="Look at the price book, check it, compare days, weigh a change, add what is missing.")

_JSON = Parameter(name="--json", negative=(), help="One JSON document on standard output.")
_PROJECT = Parameter(help="Project folder with baseload.toml: its model_alias names are known to the book.")
_DAY = Parameter(help="A UTC day, YYYY-MM-DD; today when left out.")


def _examples(*lines: str) -> str:
    """The foot of a command's help: the docstring's own Examples section is not printed by cyclopts."""
    return "\n".join(["Examples:", "", "```", *lines, "```"])


@app.command(
    help_epilogue=_examples(
        "baseload prices show",
        "baseload prices show --platform bedrock --geo regional --tier batch",
        'baseload prices show "Claude Haiku 5.5"',
        "baseload prices show us.anthropic.claude-sonnet-4-5-20250929-v1:0 --on 2026-01-31",
    )
)
def show(
    model: str = "",
    *,
    on: Annotated[dt.date | None, _DAY] = None,
    platform: Annotated[
        str, Parameter(help="Where it is bought: anthropic, bedrock, vertex, foundry, …")
    ] = "anthropic",
    geo: Annotated[str, Parameter(help="global, us, regional or us_gov.")] = "global",
    tier: Annotated[str, Parameter(help="standard, batch or priority.")] = "standard",
    speed: Annotated[str, Parameter(help="standard or fast.")] = "standard",
    overlay: Annotated[Path | None, Parameter(help="A YAML file of negotiated prices.")] = None,
    project: Annotated[Path, _PROJECT] = Path(),
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Show the prices of a day, or everything known about one model.

    MODEL may be any spelling: an id, an ARN, a Console name, a gateway's. Prices are USD per million tokens.
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


@app.command(
    help_epilogue=_examples(
        "baseload prices check",
        "baseload prices check --brief",
        "baseload prices check --json | jq .unexpected",
    )
)
def check(
    *,
    on: Annotated[dt.date | None, Parameter(help="Compare prices up to this UTC day; today when left out.")] = None,
    brief: Annotated[bool, Parameter(negative=(), help="One line per known fault instead of every request.")] = False,
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Compare the packaged book with genai-prices, request by request, and print every disagreement with both values.

    Faults known of that list are named and proven; anything else is unexpected and the exit code is 1. Your own
    additions and overlay take no part. Needs the extra: `pip install "baseload[prices-check]"`.
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
            f'prices check needs {error.name}; install it with: pip install "baseload[prices-check]"'
        ) from error
    book, last = load_book(), on or _today()
    result = cross_check(book, peer_price, day_of_date(last), names=peer_names())
    document = check_document(book, result, PEER, last, _today())
    if json:
        print_json(document)
    else:
        print_check(document, brief=brief)
    return EXIT_PROBLEMS if result.unexpected or result.unknown_names else EXIT_DONE


@app.command(
    help_epilogue=_examples(
        "baseload prices diff 2026-09-01 2026-11-22",
        "baseload prices diff 2025-11-23 2025-11-25 --json",
    )
)
def diff(
    date1: dt.date,
    date2: dt.date,
    *,
    project: Annotated[Path, _PROJECT] = Path(),
    json: Annotated[bool, _JSON] = False,
) -> int:
    """List what changed between two days: prices, models, platforms, rules and fees.

    The two days are compared with each other; the order does not matter.
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


@app.command(
    help_epilogue=_examples(
        "baseload prices impact .baseload/ledger --from 2026-09-21 --to 2026-09-22",
        "baseload prices impact usage.json --with announced.yaml --to 2027-01-01",
        "baseload prices impact .baseload/ledger --overlay contract.yaml",
    )
)
def impact(
    path: Path,
    *,
    before: Annotated[dt.date | None, Parameter(name="--from", help="Price the usage as on this UTC day.")] = None,
    after: Annotated[
        dt.date | None, Parameter(name="--to", help="And as on this UTC day; today when left out.")
    ] = None,
    change: Annotated[
        tuple[Path, ...], Parameter(name="--with", negative=(), help="A price file to try, not stored.")
    ] = (),
    overlay: Annotated[Path | None, Parameter(help="Negotiated prices on the after side only.")] = None,
    project: Annotated[Path, _PROJECT] = Path(),
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Show what a price change does to usage already seen: run rate before and after, by model.

    PATH is a ledger folder (its last 28 complete days) or a JSON file of usage by price key. The change is between two
    days of the book, or a price file tried with --with, or a contract tried with --overlay. Tokens stay as they were.
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json
    from baseload.cli.price_documents import impact_document
    from baseload.cli.price_usage import read_usage
    from baseload.cli.price_views import print_impact
    from baseload.prices.impact import impact as weigh

    sides = _sides(project, before, after, change, overlay)
    usage = read_usage(path, _today())
    rows = weigh(usage.rows, *sides)
    window: dict[str, str | int] = {"start": usage.start, "end_exclusive": usage.end_exclusive, "days": usage.days}
    document = impact_document(rows, sides, window, usage.source, _today())
    if json:
        print_json(document)
    else:
        print_impact(document)
    return EXIT_PROBLEMS if document.without_price else EXIT_DONE


@app.command(
    help_epilogue=_examples(
        "baseload prices add new-model.yaml",
        "baseload prices add new-model.yaml --dry-run",
    )
)
def add(
    file: Path,
    *,
    dry_run: Annotated[bool, Parameter(negative=(), help="Check and show, store nothing.")] = False,
    project: Annotated[Path, _PROJECT] = Path(),
    json: Annotated[bool, _JSON] = False,
) -> int:
    """Check a YAML file of models and prices and add it to your book, so that nobody waits for a release.

    Every row needs a source and a first day; the day it was checked is today unless the file says so. It is kept in
    your configuration folder and used by every command from then on; later additions win.
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


def _book(project: Path, overlay: Path | None = None) -> PriceBook:
    from baseload.cli.book import open_book
    from baseload.cli.places import load_project

    return open_book(load_project(project), project, overlay=overlay)


def _sides(
    project: Path, before: dt.date | None, after: dt.date | None, change: tuple[Path, ...], overlay: Path | None
) -> tuple[Side, Side]:
    """The two states of prices an impact compares. Raises UsageError where they are the same."""
    import msgspec

    from baseload.cli.book import open_book, read_file
    from baseload.cli.places import load_project
    from baseload.errors import UsageError
    from baseload.prices.impact import Side
    from baseload.prices.price_files import read_addition
    from baseload.values import day_of_date

    last = after or _today()
    first = before or (last if change or overlay else _today())
    if first == last and not change and not overlay:
        raise UsageError("nothing changes: give another day (--from, --to), a price file (--with) or an --overlay")
    settings = load_project(project)
    old = open_book(settings, project)
    today = _today().isoformat()
    extra = [read_addition(read_file(path), old.record, path.name, as_of=today) for path in change]
    added = [msgspec.json.encode(addition) for addition in extra]
    new = open_book(settings, project, overlay=overlay, extra=added) if added or overlay else old
    return Side(old, day_of_date(first)), Side(new, day_of_date(last))


def _today() -> dt.date:
    return dt.datetime.now(tz=dt.UTC).date()
