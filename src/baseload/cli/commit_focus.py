"""`baseload commit focus`: FOCUS Contract Commitment rows, out and in."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

app = App(
    name="focus",
    help="FOCUS Contract Commitment: the recommendation as proposed rows, a signed commitment read back.",
    help_epilogue=epilogue(
        [
            "baseload commit focus export offer.yaml --start 2027-01-01 -o proposed.csv",
            "baseload commit focus import commitments.csv --id C-1 -o signed.yaml",
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

    One row a contract year. A size must be of this offer's file and recommend a commitment. Terms that FOCUS has no
    column for are named on standard error, and in the JSON.

    Examples
    --------
    baseload commit focus export offer.yaml --start 2027-01-01 -o proposed.csv
    baseload commit focus export offer.yaml --size size.json --start 2027-01-01 --json | jq .not_in_focus
    """
    from baseload.cli.book import read_file
    from baseload.cli.commit_demand import offer_file
    from baseload.cli.output import EXIT_DONE, print_json, stderr
    from baseload.commit.focus.export import focus_csv, focus_document
    from baseload.commit.focus.sized import sized_contract
    from baseload.report.csv_tables import text_cell

    terms, sha256 = offer_file(offer)
    contract = terms.contract
    if size is not None:
        contract = sized_contract(contract, read_file(size, "size document"), str(size), offer_sha256=sha256)
    document = focus_document(contract, start, contract_id=contract_id)
    if json:
        print_json(document)
        return EXIT_DONE
    _write(output, focus_csv(document.rows, text_cell))
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
    """A signed commitment as a contract for `commit current`: what FOCUS says, and what it cannot say as `unknown`.

    Start and end are FOCUS's; where the contract stands (as_of, paid_usd, remaining_usd) is not in it. The file that is
    written is complete only once each unknown is answered from the signed contract and its account; until then commands
    that need the term refuse it by name.

    Examples
    --------
    baseload commit focus import commitments.csv -o signed.yaml
    baseload commit focus import commitments.csv --id C-1 --json | jq '.problems[].value'
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.commit.focus.read import import_document, read_focus
    from baseload.commit.focus.signed import signed_text

    found = read_focus(read_file(file, "FOCUS file"), str(file), contract_id=contract_id)
    if json:
        print_json(import_document(found))
    else:
        _write(output, signed_text(found, str(file)).encode())
        print_problems(found.problems)
    return exit_code(found.problems)


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
