"""`baseload commit size`: how large a commitment should be, and why so much and no more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.cli.commit_demand import Wanted
    from baseload.cli.output import Progress
    from baseload.commit.search.risk import Risk
    from baseload.commit.size.demand import Demand
    from baseload.commit.size.document import SizeDocument

STAGES = 5


def size(
    *usage: Annotated[
        Path,
        Parameter(help="With --ledger: files, folders or one ledger; the project's own ledger when none."),
    ],
    offer: Annotated[Path, Parameter(help="The offer, a YAML file; its keys: docs/reference/offer.md.")],
    demand: Annotated[
        Path | None, Parameter(help="CSV of list dollars: month (YYYY-MM) or date, list_usd, optionally workload.")
    ] = None,
    ledger: Annotated[
        bool, Parameter(name="--ledger", negative=(), show_default=False, help="Demand from a ledger of usage.")
    ] = False,
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
    ramp: Annotated[
        Literal["free", "flat"], Parameter(help="Each contract year its own amount, or one amount for all.")
    ] = "free",
    risk_weight: Annotated[
        float, Parameter(help="Weight of the worst tenth of regret beside expected cost, 0 to 1.")
    ] = 0.0,
    shortfall_budget: Annotated[
        float | None, Parameter(help="Most dollars of commitment that may be expected to go unused.")
    ] = None,
    seed: Annotated[int, Parameter(help="The same seed and input give the same bytes.")] = 0,
    paths_count: Annotated[int, Parameter(help="Sample paths to draw.")] = 2_000,
    quick: Annotated[
        bool, Parameter(name="--quick", negative=(), show_default=False, help="Leave out clauses and timing.")
    ] = False,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """How large a commitment should be: the size of least expected cost on sample paths of the demand to come.

    Every size is priced on the same paths, every clause of the offer counted. With it: what it costs against on demand,
    how often some of it goes unused, why it stays below the mean, other sizes, the range over assumed bands, what is
    left if savings land, what each input moves, what clauses and dates of signing are worth. A commitment that only
    the forecast supports is not recommended; under six months of history nothing is.

    Examples
    --------
    baseload commit size --demand demand.csv --offer offer.yaml
    baseload commit size --demand demand.csv --offer offer.yaml --savings 0.3,0.45,0.6,2027-03
    baseload commit size --ledger --offer offer.yaml --plan baseload-plan/plan.json
    baseload commit size --paths paths.parquet --offer offer.yaml --json | jq .recommended
    """
    from baseload.cli.commit_demand import Wanted, demand_from, offer_file, one_saving, one_source
    from baseload.cli.output import exit_code, print_json, print_problems, progress, stdout
    from baseload.commit.size.text import text_of

    one_source(demand, ledger, paths, usage)
    one_saving(plan, savings)
    with progress("Reading") as bar:
        terms, sha = offer_file(offer)
        wanted = Wanted(terms, plan, savings, start, seed, paths_count, source, project, as_of)
        found, warnings, demand_sha = demand_from(wanted, demand, paths, usage)
        document = _sized(
            wanted, found, _risk(risk_weight, shortfall_budget), ramp, quick, (*warnings,), (sha, demand_sha), bar
        )
    if json:
        print_json(document)
    else:
        console = stdout()
        for line in text_of(document):  # never cut, however narrow the terminal
            console.print(line, markup=False, emoji=False, soft_wrap=True)
        print_problems(document.problems)
    return exit_code(document.problems)


def _risk(weight: float, budget: float | None) -> Risk | None:
    import math

    from baseload.commit.refusal import CommitError
    from baseload.commit.search.risk import Risk

    if not (math.isfinite(weight) and 0 <= weight <= 1):
        raise CommitError("--risk-weight", weight, "0 (expected cost alone) to 1 (the worst tenth of regret alone)")
    if budget is not None and not (math.isfinite(budget) and budget >= 0):
        raise CommitError("--shortfall-budget", budget, "US dollars, 0 or more")
    return Risk(cvar_weight=weight, shortfall_budget_usd=budget) if weight or budget is not None else None


def _sized(
    wanted: Wanted,
    demand: Demand,
    risk: Risk | None,
    ramp: Literal["free", "flat"],
    quick: bool,
    warnings: tuple[str, ...],
    hashes: tuple[str, str],
    bar: Progress,
) -> SizeDocument:
    from baseload.cli.book import read_file
    from baseload.cli.commit_demand import sha256_of
    from baseload.commit.size.found import SizeRequest
    from baseload.commit.size.refused import size_refused
    from baseload.commit.size.sizing import size as sized
    from baseload.demand.ranges import refuse_quantiles

    request = SizeRequest(
        offer=wanted.terms,
        demand=demand,
        ramp=ramp,
        risk=risk,
        quick=quick,
        offer_sha256=hashes[0],
        demand_sha256=hashes[1],
        savings_text=wanted.savings or ("plan" if wanted.plan else ""),
        savings_sha256=sha256_of(read_file(wanted.plan, "plan")) if wanted.plan else "",
        warnings=warnings,
    )
    if demand.history is not None:
        skipped = (demand.first_month or demand.history.next_month) - demand.history.next_month
        refusal = refuse_quantiles(demand.history, skipped + wanted.term)
        if refusal is not None:
            return size_refused(request, refusal)
    done = 0

    def say(label: str) -> None:
        nonlocal done
        done += 1
        bar.advance(done, STAGES, label)

    return sized(request, say)
