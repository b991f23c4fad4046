"""`baseload commit current`: the contract already signed, what a saving is in cash, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder, Source

if TYPE_CHECKING:
    from rich.console import Console

    from baseload.commit.contract import Contract
    from baseload.commit.current import CurrentContract
    from baseload.commit.mid_term.document import CurrentDocument
    from baseload.commit.paths import Paths
    from baseload.commit.size.demand import Demand


def current(
    contract: Annotated[
        Path | None, Parameter(help="The signed contract and its standing; the project's current_contract when none.")
    ] = None,
    *,
    demand: Annotated[
        Path | None, Parameter(help="CSV of list dollars: month (YYYY-MM) or date, list_usd, optionally workload.")
    ] = None,
    ledger: Annotated[
        bool, Parameter(name="--ledger", negative=(), show_default=False, help="Demand from the project's ledger.")
    ] = False,
    paths: Annotated[
        Path | None, Parameter(name="--paths", help="Your own sample paths, Parquet; month 0 is the month under way.")
    ] = None,
    plan: Annotated[Path | None, Parameter(help="plan.json of `baseload plan`: the savings that could ship.")] = None,
    savings: Annotated[
        str | None, Parameter(help="One saving on everything: low,likely,high,ship_date (0.3,0.45,0.6,2027-03-01).")
    ] = None,
    reforecast_share: Annotated[
        str | None,
        Parameter(help="Share of the remaining balance the vendor would take back. Default: all that would be lost."),
    ] = None,
    pull_months: Annotated[int, Parameter(help="Months of later work that could be pulled forward, 0 to 3.")] = 3,
    renewal: Annotated[
        Path | None, Parameter(help="What would be signed next, an offer; without a commitment the best one is taken.")
    ] = None,
    seed: Annotated[int, Parameter(help="The same seed and input give the same bytes.")] = 0,
    paths_count: Annotated[int, Parameter(help="Sample paths to draw.")] = 2_000,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """The contract already signed: what becomes of its balance, what savings are in cash, and what to do now.

    What was paid is paid: shipping now, a reforecast, pulling work forward and renewing early are compared with waiting
    by the cash still to come, on the same paths. While the balance lasts a list dollar saved saves no cash.

    Examples
    --------
    baseload commit current signed.yaml --demand demand.csv --savings 0.3,0.45,0.6,2026-12
    baseload commit current --project . --ledger --plan baseload-plan/plan.json
    baseload commit current signed.yaml --demand demand.csv --renewal offer.yaml --json | jq .options
    """
    from baseload.cli.commit_demand import Wanted, demand_from, one_saving, one_source
    from baseload.cli.output import EXIT_DONE, exit_code, print_json, print_problems, progress, stdout
    from baseload.commit.founding import founding_contract
    from baseload.commit.mid_term.build import current_document
    from baseload.commit.mid_term.rest import months_left
    from baseload.commit.offer import Offer

    one_source(demand, ledger, paths, ())
    one_saving(plan, savings)
    signed, assumed = _signed(contract, project)
    following = None if renewal is None else _renewal(renewal)
    after = following.term_months if following else 0
    months = months_left(signed) + max(after, _pulled(pull_months))
    start = f"{signed.as_of:%Y-%m}"
    with progress("Reading"):
        terms = Offer(contract=founding_contract(Decimal(0), months))
        wanted = Wanted(terms, plan, savings, start, seed, paths_count, source, project, as_of)
        found, said, _ = _drawn(lambda: demand_from(wanted, demand, paths, ()), signed)
        as_is, shipped = (_cut(found, name, months) for name in ("none", "expected"))
        following, sized = _sized(following, shipped, months_left(signed))
        document = current_document(
            signed,
            as_is,
            shipped if found.savings else None,
            seed=seed,
            reforecast_share=_share(reforecast_share),
            pull_months=pull_months,
            renewal=following,
            assumed=assumed,
            notes=(*said, *sized),
        )
    if json:
        print_json(document)
    else:
        print_current(stdout(), document)
        print_problems(found.problems)
    return exit_code(found.problems) if found.problems else EXIT_DONE


def print_current(console: Console, document: CurrentDocument) -> None:
    """Where it stands, what becomes of the balance, the saving in cash, every option; rounded to its interval."""
    from baseload.commit.size.amounts import percent, step_of
    from baseload.report.names import PROSE, clean

    standing = document.standing

    def say(text: str) -> None:
        console.print(text, markup=False, emoji=False, soft_wrap=True)

    say(
        f"{clean(standing.name) or 'Signed contract'}: {standing.start} to {standing.end}, as of {standing.as_of} "
        f"({standing.months_left} months left). ${float(standing.remaining_usd):,.0f} of commitment to draw "
        f"({standing.commit_basis} basis, {percent(standing.discount)} off), ${float(standing.paid_usd):,.0f} paid, "
        f"${float(standing.due_usd):,.0f} due."
    )
    if standing.notice_by:
        say(f"Renews by itself unless stopped by {standing.notice_by}.")
    for one in document.balance:
        ends = (
            f"is exceeded in {one.runs_out} or before on half of all paths" if one.runs_out else "lasts on most paths"
        )
        say(
            f"  {one.usage}: uses {_about(one.list_usd)} at list until the end; the balance {ends} (exceeded on "
            f"{percent(one.p_runs_out)} of them), {_about(one.lost_usd)} of it is never used."
        )
    if document.saving:
        saved = document.saving
        say(
            f"Savings until the end: {_about(saved.list_saved_usd)} at list, {_about(saved.cash_saved_usd)} in cash; "
            f"the balance swallows {_about(saved.swallowed_usd)}."
        )
    say(f"Cash still to come over {document.horizon_months} months, and against waiting with the savings (* cheapest):")
    width = max(len(one.option) for one in document.options)
    for part in document.options:
        mark = "*" if part.option == document.best else " "
        asked = "" if part.by_right else "  (the vendor must agree)"
        step = step_of(float(part.p10_usd), float(part.p90_usd))
        cost, low, high = (_dollars(text, step) for text in (part.cost_usd, part.p10_usd, part.p90_usd))
        say(
            f" {mark}{part.option.ljust(width)}  {cost:>12}  saves {_about(part.saved_usd):>10}  80 %: {low} to "
            f"{high}{asked}"
        )
    for note in document.notes:
        say(clean(note, PROSE))
    if document.assumed:
        say(f"Not stated, so assumed: {', '.join(document.assumed)}.")


def _dollars(text: str, step: float) -> str:
    """Rounded to a step.

    >>> _dollars("-12345.60", 1_000.0), _dollars("-3.00", 10.0)
    ('−$12,000', '$0')
    """
    from baseload.commit.size.amounts import rounded

    said = rounded(abs(float(text)), step)
    return f"{'−' if float(text) < 0 and said != '0' else ''}${said}"


def _about(text: str) -> str:
    """A mean in two figures: what lies behind it is wider.

    >>> _about("12345.60"), _about("7.20")
    ('$12,000', '$7')
    """
    return _dollars(text, 10.0 ** max(0, len(str(int(abs(float(text))))) - 2))


def _signed(file: Path | None, project: Path | None) -> tuple[CurrentContract, tuple[str, ...]]:
    """The contract of the command line, else the project's, and what its file leaves open."""
    from baseload.cli.book import read_file
    from baseload.cli.places import find_project, load_project
    from baseload.commit.current_file import read_current
    from baseload.errors import UsageError

    folder = project or find_project(Path.cwd())
    named = load_project(folder).commit.current_contract
    path = file or ((folder or Path()) / named if named else None)
    if path is None:
        raise UsageError(
            "no signed contract given. Name its file, or current_contract under [commit] in baseload.toml "
            "(docs/reference/offer.md#a-contract-already-signed)"
        )
    signed, offer = read_current(read_file(path, "contract"), str(path))
    return signed, offer.assumed


def _renewal(path: Path) -> Contract:
    from baseload.cli.book import read_file
    from baseload.commit.offer import read_offer

    return read_offer(read_file(path, "offer"), str(path)).contract


def _sized(renewal: Contract | None, shipped: Paths, end: int) -> tuple[Contract | None, tuple[str, ...]]:
    """The renewal with a commitment: its own, else the one of least expected cost on what follows the end."""
    from baseload.commit.search.optimum import optimum

    if renewal is None or renewal.commit_usd_by_year:
        return renewal, ()
    found = optimum(renewal, shipped.between(end, end + renewal.term_months)).commit_usd_by_year
    amounts = ", ".join(f"${amount:,.0f}" for amount in found)
    return renewal.sized(*found), (
        f"The renewal states no commitment: the best one after the end is taken, {amounts}.",
    )


def _drawn(draw: Callable[[], tuple[Demand, list[str], str]], signed: CurrentContract) -> tuple[Demand, list[str], str]:
    """The demand from the month under way on. Raises CommitError where it ends elsewhere, NothingToRead where it
    is too short to draw from.
    """
    from baseload.commit.refusal import CommitError
    from baseload.demand.history import LEAST_MONTHS
    from baseload.errors import NothingToRead

    try:
        found = draw()
    except CommitError as error:
        if error.field == "--start":
            raise CommitError("as_of", signed.as_of, f"a day in a month after the demand ends: {error.rule}") from error
        raise
    demand = found[0]
    if demand.history is not None and demand.history.months < LEAST_MONTHS:
        raise NothingToRead(
            f"demand: {demand.history.months} months; expected at least {LEAST_MONTHS} whole months: options are "
            "priced on sample paths, and fewer carry none."
        )
    return found


def _cut(demand: Demand, scenario: str, months: int) -> Paths:
    return {str(name): paths for name, paths in demand.scenarios.items()}[scenario].first(months)


def _share(text: str | None) -> Decimal | None:
    from decimal import InvalidOperation

    from baseload.commit.refusal import CommitError, check_share

    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise CommitError("--reforecast-share", text, "a fraction from 0 to 1 (0.20 is 20 %)") from error
    check_share("--reforecast-share", value)
    return value


def _pulled(months: int) -> int:
    from baseload.commit.current import MOST_PULLED_MONTHS
    from baseload.commit.refusal import check_months

    check_months("--pull-months", months, most=MOST_PULLED_MONTHS)
    return months
