"""`baseload commit focus`: FOCUS Contract Commitment rows, out and in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from decimal import Decimal

app = App(
    name="focus",
    help="FOCUS Contract Commitment: the recommendation as proposed rows, a signed commitment read back.",
    help_epilogue=epilogue(
        [
            "baseload commit focus export offer.yaml --start 2027-01-01 -o proposed.csv",
            "baseload commit focus import commitments.csv --id C-1 -o signed-offer.yaml",
        ]
    ),
)
Output = Annotated[Path | None, Parameter(name=["-o", "--output"], help="Where to write it. Default: standard output.")]


@app.command
def export(
    offer: Annotated[Path, Parameter(help="The offer, a YAML file.")],
    *,
    start: Annotated[dt.date, Parameter(help="First day of the contract, YYYY-MM-DD.")],
    size: Annotated[Path | None, Parameter(help="What `commit size --json` wrote: its recommended commitment.")] = None,
    contract_id: Annotated[str, Parameter(name="--id", help="ContractId. Default: made from the terms.")] = "",
    output: Output = None,
    json: Json = False,
) -> int:
    """A sized contract as FOCUS Contract Commitment rows with the status Proposed: CSV, or one JSON document.

    One row a contract year. Terms that FOCUS has no column for are named on standard error, and in the JSON.

    Examples
    --------
    baseload commit focus export offer.yaml --start 2027-01-01 -o proposed.csv
    baseload commit focus export offer.yaml --size size.json --start 2027-01-01 --json | jq .not_in_focus
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import EXIT_DONE, print_json, stderr
    from baseload.commit.focus.export import focus_csv, focus_document
    from baseload.commit.offer import read_offer

    contract = read_offer(read_file(offer, "offer"), str(offer)).contract
    if size is not None:
        contract = contract.sized(*_recommended(read_file(size, "size document"), str(size)))
    document = focus_document(contract, start, contract_id=contract_id)
    if json:
        print_json(document)
        return EXIT_DONE
    _write(output, focus_csv(document.rows))
    stderr().print(f"Not in FOCUS: {', '.join(document.not_in_focus)}.", markup=False)
    return EXIT_DONE


@app.command(name="import")
def import_rows(
    file: Annotated[Path, Parameter(help="CSV with FOCUS Contract Commitment columns.")],
    *,
    contract_id: Annotated[str, Parameter(name="--id", help="ContractId, where the file holds several.")] = "",
    output: Output = None,
    json: Json = False,
) -> int:
    """A signed commitment as an offer: what FOCUS says, and the terms it cannot say as `unknown`.

    The file that is written is complete only once each unknown is answered from the signed contract; until then
    commands that need the term refuse it by name.

    Examples
    --------
    baseload commit focus import commitments.csv -o signed-offer.yaml
    baseload commit focus import commitments.csv --id C-1 --json | jq '.problems[].value'
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.commit.asks.files import offer_text
    from baseload.commit.asks.ranges import draft_of
    from baseload.commit.focus.read import import_document, read_focus

    found = read_focus(read_file(file, "FOCUS file"), str(file), contract_id=contract_id)
    if json:
        print_json(import_document(found))
    else:
        _write(output, offer_text(draft_of(found.terms, name=str(file))).encode())
        print_problems(found.problems)
    return exit_code(found.problems)


def _recommended(data: bytes, name: str) -> list[Decimal]:
    """The commitments of a size document. Raises UsageError."""
    from decimal import Decimal, InvalidOperation

    import msgspec

    from baseload.errors import UsageError

    try:
        document = msgspec.json.decode(data)
        found = document["recommended"]["commit_usd_by_year"]
        if not str(document["schema"]).startswith("baseload.commit.size/") or not found:
            raise KeyError("schema")
        return [Decimal(amount) for amount in found]
    except (msgspec.DecodeError, KeyError, TypeError, InvalidOperation) as error:
        raise UsageError(f"{name}: not a size document; expected what `commit size --json` writes") from error


def _write(path: Path | None, data: bytes) -> None:
    import sys

    from baseload.errors import UsageError

    if path is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise UsageError(f"{path} exists and is not overwritten. Move it away, or name another.") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}). Check the folder.") from error
