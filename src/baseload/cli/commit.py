"""`baseload commit`: what a commitment costs, how large it should be, what each clause is worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from baseload.commit.offer import Offer
    from baseload.commit.statement import Statement

app = App(
    name="commit",
    help="How large a commitment should be, what each clause is worth, when to sign, and what it costs to the cent.",
    help_epilogue=epilogue(
        [
            "baseload commit size --demand examples/offers/demand.csv --offer examples/offers/founding-example.yaml",
            "baseload commit simulate examples/offers/founding-example.yaml --usage examples/offers/usage.csv",
            "baseload commit offer examples/offers/founding-example.yaml",
        ]
    ),
)
offer_app = App(name="offer", help="An offer's terms, as they are read.")
app.command(offer_app)
app.command("baseload.cli.commit_size:size", name="size", help="How large a commitment should be, and why.")
app.command("baseload.cli.commit_case:case", name="case", help="What to weigh beside the size.")
app.command("baseload.cli.commit_compare:compare", name="compare", help="Offers on equal terms, and why.")
app.command("baseload.cli.commit_pool:pool", name="pool", help="One commitment over all workloads, or one for each.")
app.command("baseload.cli.commit_current:current", name="current", help="The signed contract, and what to do now.")
app.command("baseload.cli.commit_track:track", name="track", help="A signed contract from day to day.")
app.command("baseload.cli.commit_log:app", name="log", help="The rounds of a negotiation and what each was worth.")
app.command("baseload.cli.commit_focus:app", name="focus", help="FOCUS Contract Commitment rows, out and in.")
offer_app.command("baseload.cli.commit_offer_new:offer_new", name="new", help="Ten questions, and what to ask next.")

_KNOWN = (
    "All dollars: computed, the offer's terms on this usage; the usage is the file's own, neither measured nor billed."
)

OfferFile = Annotated[Path, Parameter(help="The offer, a YAML file; its keys: docs/reference/offer.md.")]


@app.command
def simulate(
    offer: OfferFile,
    *,
    usage: Annotated[Path, Parameter(help="CSV with a row a month: month (YYYY-MM, or 0, 1, …) and list_usd.")],
    commit: Annotated[
        list[str] | None,
        Parameter(help="Commitment of each contract year in the offer's basis; one amount stands for all.", show=True),
    ] = None,
    json: Json = False,
) -> int:
    """One path of usage through the contract, month by month: a table that a finance person can audit.

    Exact to the cent: what was committed, drawn, exceeded, lost and paid, and when. Rights that somebody would have
    to exercise (step-down, step-up, leaving) are left unused. Terms the offer does not state are assumed, and named.

    Examples
    --------
    baseload commit simulate offer.yaml --usage usage.csv
    baseload commit simulate offer.yaml --usage usage.csv --commit 2000000 --json | jq .effective_rate
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import EXIT_DONE, print_json
    from baseload.commit.statement import statement_of
    from baseload.commit.usage_file import read_usage

    found = _sized(_read(offer), commit)
    months, rows = read_usage(read_file(usage, "usage file"), str(usage))
    statement = statement_of(found, months, rows)
    if json:
        print_json(statement)
    else:
        _print_statement(statement)
    return EXIT_DONE


@offer_app.default
def show_offer(offer: OfferFile, *, json: Json = False) -> int:
    """Every term of an offer as it is read, and which of them the file leaves open.

    Examples
    --------
    baseload commit offer offer.yaml
    baseload commit offer offer.yaml --json | jq .assumed
    """
    from baseload.cli.output import EXIT_DONE, print_json, stdout
    from baseload.commit.offer_write import write_offer

    found = _read(offer)
    if json:
        print_json({"schema": "baseload.commit.offer/1", "contract": found.contract, "assumed": found.assumed})
        return EXIT_DONE
    console = stdout()
    console.print(write_offer(found.contract), markup=False, end="")
    console.print(_assumed(found.assumed), markup=False)
    return EXIT_DONE


def _read(path: Path) -> Offer:
    from baseload.cli.book import read_file
    from baseload.commit.offer import read_offer

    return read_offer(read_file(path, "offer"), str(path))


def _sized(offer: Offer, commit: list[str] | None) -> Offer:
    """The offer with the commitments of the command line, where there are any."""
    from decimal import Decimal, InvalidOperation

    from msgspec.structs import replace

    from baseload.commit.offer_faults import MONEY_RULE
    from baseload.commit.refusal import CommitError

    if not commit:
        return offer
    try:
        amounts = [Decimal(amount) for amount in commit]
    except InvalidOperation as error:
        raise CommitError("--commit", " ".join(commit), MONEY_RULE) from error
    assumed = tuple(name for name in offer.assumed if name != "commit_usd_by_year")
    return replace(offer, contract=offer.contract.sized(*amounts), assumed=assumed)


def _print_statement(statement: Statement) -> None:
    from baseload.cli.output import stdout

    console = stdout()
    units = [
        f"{name}_usd"
        for name in ("list", "commit_drawn", "rolled_drawn", "credits_drawn", "excess", "expired", "returned")
    ]
    last = ("balance_usd", "cash_usd")
    cash = [name for name in statement.rows[0] if name not in (*units, *last, "month", "usage_usd")]
    names = [name for name in (*units, last[0], *cash) if any(float(row[name]) for row in statement.rows)]
    columns = [["month", *(row["month"] for row in statement.rows)]] + [
        [name.removesuffix("_usd").replace("_", " "), *(_grouped(row[name]) for row in statement.rows)]
        for name in (*names, last[1])
    ]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):  # never cut, however narrow the terminal: every figure is audited
        console.print("  ".join(map(str.rjust, row, widths)), markup=False, soft_wrap=True)
    console.print(
        f"Cash {_grouped(statement.cost_usd)} for {_grouped(statement.list_usd)} at list: "
        f"{_rate(statement.effective_rate)}. Present value {_grouped(statement.npv_usd)}. "
        f"Committed {_grouped(statement.committed_usd)}, drawn {_grouped(statement.drawn_usd)}, "
        f"lost {_grouped(statement.expired_usd)}.",
        markup=False,
    )
    for note in (_KNOWN, *statement.notes, _assumed(statement.assumed)):
        console.print(note, markup=False)


def _rate(value: float | None) -> str:
    return "no usage" if value is None else f"{value:.4f} dollars a list dollar"


def _grouped(amount: str) -> str:
    """With thousands separators; nothing is blank.

    >>> _grouped("1600000.00"), _grouped("0.00")
    ('1,600,000.00', '')
    """
    from decimal import Decimal

    value = Decimal(amount)
    return f"{value:,.2f}" if value else ""


def _assumed(names: tuple[str, ...]) -> str:
    return f"Not stated, so assumed: {', '.join(names)}." if names else "Every term is stated."
