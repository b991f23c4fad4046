"""`baseload commit size`: how large a commitment should be, and why so much and no more."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.cli.output import Progress
    from baseload.commit.offer import Offer
    from baseload.commit.search.risk import Risk
    from baseload.commit.size.demand import Demand
    from baseload.commit.size.document import SizeDocument
    from baseload.demand.history import History
    from baseload.demand.savings import Saving
    from baseload.values import Problem

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
    from baseload.cli.output import exit_code, print_json, print_problems, progress, stdout
    from baseload.commit.size.text import text_of

    _one_source(demand, ledger, paths, usage)
    _one_saving(plan, savings)
    with progress("Reading") as bar:
        terms, sha = _offer(offer)
        wanted = _Wanted(terms, plan, savings, start, seed, paths_count, source, project, as_of)
        found, warnings, demand_sha = _demand(wanted, demand, paths, usage)
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


class _Wanted:
    """What the command line asks, in one place."""

    def __init__(
        self,
        terms: Offer,
        plan: Path | None,
        savings: str | None,
        start: str | None,
        seed: int,
        count: int,
        source: str | None,
        project: Path | None,
        as_of: dt.date | None,
    ) -> None:
        self.terms, self.plan, self.savings = terms, plan, savings
        self.start = _month(start)
        self.seed, self.count = seed, count
        self.source, self.project, self.as_of = source, project, as_of

    @property
    def term(self) -> int:
        return self.terms.contract.term_months


def _one_source(demand: Path | None, ledger: bool, paths: Path | None, usage: tuple[Path, ...]) -> None:
    from baseload.errors import UsageError

    given = [name for name, there in (("--demand", demand), ("--ledger", ledger), ("--paths", paths)) if there]
    if len(given) != 1:
        raise UsageError(
            f"{' and '.join(given) or 'no demand given'}; expected one of --demand FILE, --ledger, --paths FILE"
        )
    if usage and not ledger:
        raise UsageError(f"{usage[0]} beside {given[0]}; expected files of usage with --ledger only")


def _one_saving(plan: Path | None, savings: str | None) -> None:
    from baseload.errors import UsageError

    if plan is not None and savings is not None:
        raise UsageError("--plan and --savings; expected one of them: the same saving would be counted twice")


def _month(text: str | None) -> int | None:
    from baseload.commit.refusal import CommitError
    from baseload.demand.months import parse_month

    if text is None:
        return None
    try:
        return parse_month(text)
    except ValueError as error:
        raise CommitError("--start", text, "a month, YYYY-MM, of 2000 to 2099") from error


def _risk(weight: float, budget: float | None) -> Risk | None:
    import math

    from baseload.commit.refusal import CommitError
    from baseload.commit.search.risk import Risk

    if not (math.isfinite(weight) and 0 <= weight <= 1):
        raise CommitError("--risk-weight", weight, "0 (expected cost alone) to 1 (the worst tenth of regret alone)")
    if budget is not None and not (math.isfinite(budget) and budget >= 0):
        raise CommitError("--shortfall-budget", budget, "US dollars, 0 or more")
    return Risk(cvar_weight=weight, shortfall_budget_usd=budget) if weight or budget is not None else None


def _offer(path: Path) -> tuple[Offer, str]:
    from baseload.cli.book import read_file
    from baseload.commit.offer import read_offer

    data = read_file(path, "offer")
    return read_offer(data, str(path)), _sha256(data)


def _sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def _demand(
    wanted: _Wanted, file: Path | None, paths: Path | None, usage: tuple[Path, ...]
) -> tuple[Demand, list[str], str]:
    """The demand, what must be said of how it was read, and the hash of its file ("" for a ledger)."""
    from baseload.cli.book import read_file
    from baseload.demand.series import read_demand

    if paths is not None:
        return _own_paths(wanted, paths)
    if file is not None:
        data = read_file(file, "demand file")
        history, problems = read_demand(data, str(file), as_of=wanted.as_of)
        return _of_history(wanted, history, problems), [], _sha256(data)
    from baseload.cli.commit_size_ledger import LedgerAsk, ledger_demand

    _seed(wanted.seed)
    ask = LedgerAsk(
        usage=usage,
        project=wanted.project,
        source=wanted.source,
        as_of=wanted.as_of,
        term_months=wanted.term,
        start=wanted.start,
        seed=wanted.seed,
        paths=wanted.count,
    )
    return ledger_demand(ask, lambda history, first: _savings(wanted, history, first)), [], ""


def _own_paths(wanted: _Wanted, file: Path) -> tuple[Demand, list[str], str]:
    from baseload.cli.book import read_file
    from baseload.commit.refusal import CommitError
    from baseload.commit.size.demand import demand_of_paths, month_before
    from baseload.commit.size.paths_file import read_paths

    _seed(wanted.seed)
    found, ignored = read_paths(file, term_months=wanted.term)
    said = [f"{file.name}: column {name} has no known meaning and is ignored." for name in ignored]
    if (wanted.savings or wanted.plan) and wanted.start is None:
        raise CommitError("--start", "missing", "the first contract month, YYYY-MM: savings have dates, --paths none")
    savings, problems = _savings(wanted, month_before(wanted.start or 0), wanted.start or 0)
    demand = demand_of_paths(found, savings=savings, first_month=wanted.start, seed=wanted.seed)
    return demand._replace(problems=tuple(problems)), said, _sha256(read_file(file, "paths"))


def _of_history(wanted: _Wanted, history: History, problems: list[Problem]) -> Demand:
    from baseload.commit.size.demand import demand_of, first_month_of, sampled
    from baseload.commit.size.refused import too_short
    from baseload.demand.ranges import refuse_quantiles

    _seed(wanted.seed)
    savings, said = _savings(wanted, history, first_month_of(history, wanted.start))
    every = [*problems, *said]
    if refuse_quantiles(history, wanted.term) is not None:
        return too_short(history, seed=wanted.seed, start=wanted.start, savings=savings, problems=every)
    drawn = sampled(history, term_months=wanted.term, paths=wanted.count, seed=wanted.seed, start=wanted.start)
    return demand_of(history, drawn, savings=savings, problems=every)


def _seed(seed: int) -> None:
    from baseload.commit.refusal import CommitError

    if seed < 0:
        raise CommitError("--seed", seed, "0 or more")


def _savings(wanted: _Wanted, history: History, first_month: int) -> tuple[list[Saving], list[Problem]]:
    """What the plan or the command line saves, dated from the first month of the contract."""
    from baseload.cli.book import read_file
    from baseload.commit.size.demand import shifted
    from baseload.demand.savings import parse_savings, plan_savings

    if wanted.savings is not None:
        return [parse_savings(wanted.savings, first_month)], []
    if wanted.plan is None:
        return [], []
    content = _json(read_file(wanted.plan, "plan (plan.json of `baseload plan`)"), wanted.plan)
    found, problems = plan_savings(content, history)
    return shifted(found, first_month - history.next_month), problems


def _json(data: bytes, path: Path) -> dict[str, object]:
    import msgspec

    from baseload.demand.history import DemandError

    try:
        return msgspec.json.decode(data, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DemandError(f"--plan: {path}: no JSON object; expected plan.json of `baseload plan`") from error


def _sized(
    wanted: _Wanted,
    demand: Demand,
    risk: Risk | None,
    ramp: Literal["free", "flat"],
    quick: bool,
    warnings: tuple[str, ...],
    hashes: tuple[str, str],
    bar: Progress,
) -> SizeDocument:
    from baseload.cli.book import read_file
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
        savings_sha256=_sha256(read_file(wanted.plan, "plan")) if wanted.plan else "",
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
