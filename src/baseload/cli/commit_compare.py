"""`baseload commit compare`: offers on equal terms, and the sentence that says why."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder, Source

if TYPE_CHECKING:
    from decimal import Decimal

    from baseload.commit.offer import Offer
    from baseload.commit.paths import Paths
    from baseload.commit.size.demand import Demand


def compare(
    *offers: Annotated[Path, Parameter(help="Offers, YAML files; the project's [commit] offers when none.")],
    demand: Annotated[
        Path | None, Parameter(help="CSV of list dollars: month (YYYY-MM) or date, list_usd, optionally workload.")
    ] = None,
    ledger: Annotated[
        bool, Parameter(name="--ledger", negative=(), show_default=False, help="Demand from a ledger of usage.")
    ] = False,
    usage: Annotated[
        list[Path] | None,
        Parameter(help="With --ledger: files, folders or one ledger; the project's own ledger when none."),
    ] = None,
    paths: Annotated[
        Path | None,
        Parameter(name="--paths", help="Your own sample paths, Parquet: integer path and month (0 = first), list_usd."),
    ] = None,
    plan: Annotated[Path | None, Parameter(help="plan.json of `baseload plan`: its savings enter the demand.")] = None,
    savings: Annotated[
        str | None,
        Parameter(help="One saving on everything: low,likely,high,ship_date (0.3,0.45,0.6,2027-03-01)."),
    ] = None,
    start: Annotated[
        str | None, Parameter(help="First contract month, YYYY-MM. Default: the month after the demand ends.")
    ] = None,
    at: Annotated[
        Literal["best", "stated"],
        Parameter(help="Rank each offer at the size that suits it, or at the size it states."),
    ] = "best",
    wacc: Annotated[
        str | None, Parameter(help="Cost of capital a year, as a fraction. Default: the highest that an offer states.")
    ] = None,
    seed: Annotated[int, Parameter(help="The same seed and input give the same bytes.")] = 0,
    paths_count: Annotated[int, Parameter(help="Sample paths to draw.")] = 2_000,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """Offers on equal terms: the same demand, months and cost of capital, each at the size that suits it.

    Months after a shorter term are on demand. Each offer's stated size is priced beside the one that suits it. What an
    offer costs over the first is given in dollars and in points of discount, and split by the terms that make it. Terms
    an offer does not state are assumed, and named.

    Examples
    --------
    baseload commit compare A.yaml B.yaml --demand demand.csv
    baseload commit compare A.yaml B.yaml --demand demand.csv --savings 0.3,0.45,0.6,2027-03 --at stated
    baseload commit compare A.yaml B.yaml --paths paths.parquet --json | jq -r .why
    """
    from baseload.cli.output import exit_code, print_json, print_problems, progress, stdout
    from baseload.commit.worth.document import compare_document
    from baseload.commit.worth.offers import compare as compared
    from baseload.commit.worth.text import compare_text

    capital = _capital(wacc)
    with progress("Comparing") as bar:
        read = _offers(offers or _of_project(project))
        drawn, said, problems = _paths(
            max(read.values(), key=lambda one: one.contract.term_months),
            (demand, ledger, tuple(usage or ()), paths),
            (plan, savings, start),
            (seed, paths_count, source, project, as_of),
        )
        bar.advance(1, 2, "Comparing")
        found = compared([(name, one.contract) for name, one in read.items()], drawn, seed=seed, wacc=capital, at=at)
        document = compare_document(found, read, seed=seed, notes=said, problems=problems.problems)
    if json:
        print_json(document)
    else:
        console = stdout()
        for line in compare_text(document, found):  # never cut, however narrow the terminal
            console.print(_visible(line), markup=False, emoji=False, soft_wrap=True)
        print_problems(document.problems)
    return exit_code(document.problems)


def _visible(line: str) -> str:
    """Characters that steer a terminal are not passed on; spaces that align columns are."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)


def _of_project(project: Path | None) -> tuple[Path, ...]:
    """The offers that baseload.toml names, from its own folder."""
    from baseload.cli.places import find_project, load_project

    folder = project or find_project(Path.cwd())
    return tuple((folder or Path()) / name for name in load_project(folder).commit.offers)


def _offers(files: tuple[Path, ...]) -> dict[str, Offer]:
    """Offers by what their tables call them: their name, else their file's; the file's path where that is taken."""
    from baseload.cli.book import read_file
    from baseload.commit.offer import read_offer
    from baseload.errors import UsageError
    from baseload.report.names import shorten

    if not files:
        raise UsageError(
            "no offer given; expected one or more offer files (docs/reference/offer.md), or offers under [commit] in "
            "baseload.toml"
        )
    if len(set(files)) != len(files):
        raise UsageError("an offer file is given twice; expected each once")
    found: dict[str, Offer] = {}
    for file in files:
        offer = read_offer(read_file(file, "offer"), str(file))
        name = shorten(offer.contract.name) or file.stem
        found[name if name not in found else str(file)] = offer
    return found


def _capital(text: str | None) -> Decimal | None:
    from decimal import Decimal, InvalidOperation

    from baseload.commit.refusal import CommitError, check_share

    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise CommitError("--wacc", text, "a fraction from 0 to 1 (0.10 is 10 % a year)") from error
    check_share("--wacc", value)
    return value


def _paths(
    longest: Offer,
    where: tuple[Path | None, bool, tuple[Path, ...], Path | None],
    saved: tuple[Path | None, str | None, str | None],
    drawn: tuple[int, int, str | None, Path | None, dt.date | None],
) -> tuple[Paths, list[str], Demand]:
    """The expected scenario of the demand, read as `commit size` reads it, long enough for the longest offer."""
    from baseload.cli.commit_demand import Wanted, demand_from, one_saving, one_source
    from baseload.demand.history import LEAST_MONTHS, DemandError

    demand, ledger, usage, paths = where
    plan, savings, start = saved
    seed, count, source, project, as_of = drawn
    one_source(demand, ledger, paths, usage)
    one_saving(plan, savings)
    wanted = Wanted(longest, plan, savings, start, seed, count, source, project, as_of)
    found, said, _ = demand_from(wanted, demand, paths, usage)
    if not found.scenarios:
        raise DemandError(
            f"under {LEAST_MONTHS} whole months of history nobody can say what an offer is expected to cost; "
            "expected a longer demand, or your own sample paths with --paths"
        )
    return found.expected, list(said), found
