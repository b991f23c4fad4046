"""`baseload brief`: what to say at the table, and what to hand over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import Json

if TYPE_CHECKING:
    from baseload.commit.brief.document import CounterpartyBrief, InternalBrief


def brief(
    *,
    size: Annotated[Path, Parameter(help="The size: what `baseload commit size --json` printed.")],
    audience: Annotated[
        Literal["internal", "counterparty"], Parameter(help="Who reads it: our side, or the vendor.")
    ] = "internal",
    output: Annotated[Path | None, Parameter(name=["--output", "-o"], help="Markdown file to write.")] = None,
    compare: Annotated[
        Path | None, Parameter(help="Internal only: offers compared, as `baseload commit compare --json` printed them.")
    ] = None,
    case: Annotated[
        Path | None, Parameter(help="Internal only: what to weigh beside it, as `baseload commit case --json` printed.")
    ] = None,
    map_file: Annotated[
        Path | None,
        Parameter(name="--map", help="Counterparty only: `baseload map --json` of the size's ledger: its invoices."),
    ] = None,
    channel: Annotated[
        str | None, Parameter(help="With --map: whose invoices may be shown (anthropic, aws, azure, gcp, openrouter).")
    ] = None,
    by_month: Annotated[
        bool,
        Parameter(name="--by-month", negative=(), show_default=False, help="With --map: each invoice, not totals."),
    ] = False,
    ask: Annotated[
        list[str] | None,
        Parameter(help="Counterparty only: a term to ask for; else all that are worth something.", negative=()),
    ] = None,
    json: Json = False,
) -> int:
    """The negotiation brief from a size: every figure with the run and the field it comes from.

    Internal: the account team's four arguments answered, asks by dollars with what may be given for each, where to walk
    away, bands with how far to trust them; with --case leverage, effort and a schedule. Counterparty: method, baseline,
    hashes of the evidence and the asks, built from a list of what may be shown; nothing about what signing is worth to
    you.

    Examples
    --------
    baseload brief --size size.json -o brief.md
    baseload brief --size size.json --compare compare.json -o brief.md
    baseload brief --size size.json --case case.json -o brief.md
    baseload brief --size size.json --audience counterparty --map map.json --channel anthropic -o for-the-vendor.md
    """
    from baseload import __version__
    from baseload.cli.book import read_file
    from baseload.cli.output import EXIT_DONE, print_json, stdout
    from baseload.commit.brief.counterparty import counterparty_brief
    from baseload.commit.brief.figures import read_size
    from baseload.commit.brief.internal import internal_brief
    from baseload.commit.brief.invoices import Shown, own_invoices, read_bridge
    from baseload.commit.brief.render import counterparty_markdown, internal_markdown
    from baseload.errors import UsageError
    from baseload.report.names import clean

    _check(audience, compare, case, map_file, ask)
    _check_map(map_file, channel, by_month)
    found = read_size(read_file(size, "size"), str(size))
    document: InternalBrief | CounterpartyBrief
    if audience == "internal":
        compared = None if compare is None else read_file(compare, "comparison")
        beside = None if case is None else read_file(case, "case")
        document = internal_brief(found, version=__version__, compare=compared, case=beside)
        text, named = internal_markdown(document), document.run_id
    else:
        invoices = Shown((), 0)
        if map_file is not None:
            read = read_bridge(read_file(map_file, "map"), str(map_file))
            invoices = own_invoices(read, found.inputs, channel or "")
        document = counterparty_brief(found, version=__version__, asks=ask, invoices=invoices, by_month=by_month)
        text, named = counterparty_markdown(document), document.edition_id
    if output is not None:
        try:
            output.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UsageError(f"{output}: {error.strerror}; expected a file that can be written") from error
    if json:
        print_json(document)
    elif output is None:
        stdout().print(text, markup=False, end="", soft_wrap=True)
    else:
        stdout().print(f"{audience} brief: {clean(str(output))} ({named})", markup=False)
    return EXIT_DONE


def _check(
    audience: str, compare: Path | None, case: Path | None, map_file: Path | None, ask: list[str] | None
) -> None:
    """Options that only mean something to the other reader are refused, not ignored."""
    from baseload.errors import UsageError

    theirs: list[tuple[str, object]] = [("--map", map_file), ("--ask", ask)]
    ours: list[tuple[str, object]] = [("--compare", compare), ("--case", case)]
    for option, value in theirs if audience == "internal" else ours:
        if value is not None:
            raise UsageError(f"{option} means nothing to --audience {audience}; leave it out")


def _check_map(map_file: Path | None, channel: str | None, by_month: bool) -> None:
    """A map holds the invoices of every channel: which of them the reader sent has to be said."""
    from baseload.errors import UsageError

    if map_file is not None and channel is None:
        raise UsageError("--map without --channel; expected the channel whose invoices may be shown, as anthropic")
    for option, there in (("--channel", channel is not None), ("--by-month", by_month)):
        if there and map_file is None:
            raise UsageError(f"{option} without --map; leave it out, or name the map")
