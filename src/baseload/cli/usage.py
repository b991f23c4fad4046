"""`baseload usage`: the quick look. Totals and list price by day, model, key or session; keeps nothing."""

from __future__ import annotations

import datetime as dt
import gc
import os
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.book import open_book
from baseload.cli.help import Json
from baseload.cli.output import EXIT_PROBLEMS, exit_code, print_json, print_problems, progress, stdout
from baseload.cli.places import find_project, load_org_key, load_project
from baseload.errors import NothingToRead, UsageError
from baseload.prices.age import age_line, age_warning
from baseload.report.names import PROSE, TITLE, clean
from baseload.usage.files import Found, claude_code_folders
from baseload.usage.quick import OpenFile, Totals, quick_totals
from baseload.usage.quick_report import GROUPS, Look, Row, document_of, look_of

if TYPE_CHECKING:
    from baseload.prices.book import PriceBook
    from baseload.project import Project

_MOST_ROWS = 400
_CENT, _HALF_CENT = Decimal("0.01"), Decimal("0.005")


def usage(
    *paths: Annotated[Path, Parameter(help="Files and folders; Claude Code's own transcripts when none.")],
    by: Annotated[str, Parameter(help="Group by any of day, model, key, session; several with commas.")] = "day",
    source: Annotated[
        str, Parameter(show_default=False, help="Read every PATH as this source instead of detecting it.")
    ] = "",
    as_json: Json = False,
) -> int:
    """The quick look: exact totals and list price of everything under PATHS, without a ledger.

    Without a PATH it reads Claude Code's own transcripts. Each call counts once, whatever its copies; a key that a
    source does not know is the project or workspace. List price is what the tokens cost without any discount.

    Examples
    --------
    baseload usage
    baseload usage logs/ --by model,key
    baseload usage ~/.claude/projects --by session --json
    """
    groups = _groups(by)
    now = dt.datetime.now(dt.UTC)
    settings = load_project(find_project(Path.cwd()))
    book = open_book(settings, find_project(Path.cwd()))
    gc.disable()  # a short run that only ever adds to a few dicts
    with progress("Reading") as bar:
        totals = quick_totals(
            _paths(paths),
            _opener(book, settings, now, source),
            as_of_us=int(now.timestamp() * 1_000_000),
            by=groups,
            source=source,
            resolve_model=book.resolve,
            progress=bar.advance,
        )
    look = look_of(totals, book, groups)
    if not totals.calls and not totals.controls:
        print_problems(totals.problems)
        where = ", ".join(str(path) for path in paths) or "the folders of Claude Code"
        raise NothingToRead(f"no usage record in {where}. Name files or folders with usage in them.")
    if as_json:
        print_json(document_of(look, totals, book, now.date()))
    else:
        _show(look, totals, book, now.date())
        print_problems(totals.problems)
    return EXIT_PROBLEMS if look.unpriced else exit_code(totals.problems)


def _groups(by: str) -> list[str]:
    names = [name.strip() for name in by.split(",") if name.strip()]
    wrong = [name for name in names if name not in GROUPS]
    if wrong or not names:
        raise UsageError(f"--by {by!r}: expected any of {', '.join(GROUPS)}, joined by commas")
    return list(dict.fromkeys(names))


def _paths(paths: tuple[Path, ...]) -> list[Path]:
    if paths:
        missing = [path for path in paths if not path.exists()]
        if missing:
            raise UsageError(f"{missing[0]} does not exist. Name files or folders with usage in them.")
        return list(paths)
    folders = claude_code_folders(Path.home(), os.environ.get("CLAUDE_CONFIG_DIR", ""))
    if not folders:
        raise UsageError("no PATH given and no Claude Code transcripts in your home. Name files or folders.")
    return folders


def _opener(book: PriceBook, settings: Project, now: dt.datetime, source: str) -> Callable[[Found], OpenFile]:
    """How files of other sources are read; their readers are loaded when the first of them comes."""
    opened: list[Callable[[Found], OpenFile]] = []

    def open_file(found: Found) -> OpenFile:
        if not opened:
            from baseload.usage.detect import READERS, reader_named
            from baseload.usage.read import Run
            from baseload.usage.reader import ReadContext

            context = ReadContext(
                org_key=load_org_key(), resolve_model=book.resolve, account=settings.account, want_features=False
            )
            forced = reader_named(source) if source else None
            opened.append(Run(context, int(now.timestamp() * 1_000_000), forced, {}, READERS).open)
        return opened[0](found)

    return open_file


def _show(look: Look, totals: Totals, book: PriceBook, today: dt.date) -> None:
    """A plain aligned table: a figure is never cut to a terminal's width, as a drawn table would."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    shown = look.groups[-_MOST_ROWS:]
    rows = [[*map(_named, row.labels), *_numbers(row)] for row in shown]
    total = ["total", *[""] * (len(look.by) - 1), *_numbers(look.total)]
    head = [*look.by, "calls", "input", "cache read", "cache write", "output", "list USD"]
    widths = [max(map(cell_len, column)) for column in zip(head, *rows, total, strict=True)]
    rule = ["─" * width for width in widths]
    console = stdout()
    for cells in (head, rule, *rows, rule, total, []):
        text = "  ".join(
            set_cell_size(cell, width) if place < len(look.by) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=False))
        )
        console.print(Text(text, style="bold" if cells is head or cells is total else ""), soft_wrap=True)
    for line in (*_notes(look, totals, len(look.groups) - len(shown)), age_line(book, today), age_warning(book, today)):
        if line:
            console.print(Text(clean(line, PROSE)), soft_wrap=True)


def _named(label: str) -> str:
    """A name from outside, safe on a terminal: no control characters, one line."""
    return clean(label, TITLE)


def _numbers(row: Row) -> list[str]:
    requests, uncached, read, write_5m, write_1h, output = row.counts[:6]
    written = (write_5m or 0) + (write_1h or 0)
    counts = [f"{count:,}" if count is not None else "?" for count in (requests, uncached, read, written, output)]
    price = _range(row.list_usd, row.list_high_usd)
    if row.unpriced_tokens:
        price = f"{price} + unpriced" if row.list_high_usd else "unpriced"
    return [*counts, price]


def _range(low: Decimal, high: Decimal) -> str:
    """One price, or a range rounded outwards: a total of ranges never looks surer than its parts.

    >>> _range(Decimal("0.376"), Decimal("0.379")), _range(Decimal("0.376"), Decimal("0.376"))
    ('0.37 to 0.38', '0.38')
    """
    if low == high or high < _CENT:
        return _price(high)
    least, most = low.quantize(_CENT, ROUND_FLOOR), high.quantize(_CENT, ROUND_CEILING)
    return f"{'<0.01' if 0 < low < _CENT else f'{least:,.2f}'} to {most:,.2f}"


def _price(usd: Decimal) -> str:
    """Dollars and cents; what is more than nothing is never shown as nothing."""
    return "<0.01" if 0 < usd < _HALF_CENT else f"{usd:,.2f}"


def _notes(look: Look, totals: Totals, hidden: int) -> list[str]:
    """What a reader of the table must know."""
    files = ", ".join(f"{source} {count:,}" for source, count in sorted(totals.files.items()))
    notes = [f"Files read: {files}. Copies of calls left out: {totals.copies:,}."]
    notes.append("All dollars: measured, counted tokens at list price; shown to the cent, added up before rounding.")
    if hidden > 0:
        notes.append(f"{hidden:,} earlier groups are not shown; --json has them all.")
    if look.basis != "calls":
        notes.append(f"There are no single calls: these are the totals of {look.basis}.")
    for source, row in look.controls.items():
        notes.append(f"{source} is a control total, not added: list {row.list_usd:,.2f} USD.")
    for model, why in sorted(look.unpriced.items()):
        notes.append(f"Not priced: {model}: {why}")
    if look.total.list_usd != look.total.list_high_usd:
        notes.append(
            "The range: cache writes of unknown lifetime cost more if they were kept for an hour. Its ends are rounded "
            "outwards."
        )
    if totals.is_sampled:
        notes.append("Some files are a declared sample; nothing here is scaled up. `baseload map` does that.")
    return notes
