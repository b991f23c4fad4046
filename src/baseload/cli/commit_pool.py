"""`baseload commit pool`: one commitment over all workloads of a demand file against one for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from baseload.commit.contract import Contract
    from baseload.commit.paths import Paths
    from baseload.commit.scoping.pooling import PoolDocument
    from baseload.demand.paths import Paths as Drawn


def pool(
    *,
    demand: Annotated[Path, Parameter(help="CSV of list dollars: month or date, list_usd and workload: the parts.")],
    offer: Annotated[Path, Parameter(help="The offer that each part, or all together, would sign.")],
    seed: Annotated[int, Parameter(help="The same seed and input give the same bytes.")] = 0,
    paths_count: Annotated[int, Parameter(help="Sample paths to draw.")] = 2_000,
    json: Json = False,
    as_of: AsOf = None,
) -> int:
    """One pooled commitment against one for each workload, account or team, on the same paths.

    The parts are the workloads of the demand file. Each is sized by itself and all of them together; the difference is
    what pooling saves: less unused, less overage, and a deeper band where the sum reaches one. Each part's share of the
    pooled cost goes by its usage at list.

    Examples
    --------
    baseload commit pool --demand teams.csv --offer offer.yaml
    baseload commit pool --demand teams.csv --offer offer.yaml --json | jq .diversification_usd
    """
    from baseload.cli.book import read_file
    from baseload.cli.commit_demand import refuse_future
    from baseload.cli.output import exit_code, numbered, print_json, print_problems, progress, stdout
    from baseload.commit.offer import read_offer
    from baseload.commit.size.demand import sampled
    from baseload.demand.history import LEAST_MONTHS
    from baseload.demand.series import read_demand
    from baseload.errors import NothingToRead

    terms = read_offer(read_file(offer, "offer"), str(offer)).contract
    history, problems = read_demand(read_file(demand, "demand file"), str(demand), as_of=as_of)
    refuse_future(history, str(demand), as_of)
    if history.months < LEAST_MONTHS:
        raise NothingToRead(
            f"{demand}: {numbered(history.months, 'month')}; expected at least {LEAST_MONTHS} whole months: parts "
            "are pooled on sample paths, and fewer carry none."
        )
    with progress("Drawing paths"):
        drawn = sampled(history, term_months=terms.term_months, paths=paths_count, seed=seed)
        document = _pooled(terms, _parts(drawn), demand, seed)
    if json:
        print_json(document)
    else:
        _print(stdout(), document)
        print_problems(problems)
    return exit_code(problems)


def _pooled(terms: Contract, parts: Mapping[str, Paths], demand: Path, seed: int) -> PoolDocument:
    from baseload.commit.refusal import CommitError
    from baseload.commit.scoping.pooling import pooling

    try:
        return pooling(terms, parts, seed=seed)
    except CommitError as error:
        raise (error.within(str(demand)) if error.field == "workload" else error) from error


def _parts(drawn: Drawn) -> Mapping[str, Paths]:
    """Each workload's own paths, prices and metering moving in all alike."""
    from baseload.commit.search.demand import contract_paths

    empty = drawn.events[:0]
    return {
        name: contract_paths(
            drawn._replace(
                names=(name,), workloads=drawn.workloads[place : place + 1], events=empty, event_names=(),
                event_workloads=(),
            )
        )
        for place, name in enumerate(drawn.names)
    }  # fmt: skip


def _print(console: Console, document: PoolDocument) -> None:
    from baseload.commit.size.amounts import percent, rounded, step_of
    from baseload.report.names import clean

    low, high = float(document.p10_usd), float(document.p90_usd)

    def say(text: str) -> None:
        console.print(text, markup=False, emoji=False, soft_wrap=True)

    def money(text: str, step: float = 1_000.0) -> str:
        value = float(text)
        return f"{'−' if value < 0 and rounded(abs(value), step) != '0' else ''}${rounded(abs(value), step)}"

    def yearly(amounts: tuple[str, ...]) -> str:
        return ", ".join(f"${float(amount):,.0f}" for amount in amounts)

    step = step_of(low, high)
    saved = money(document.diversification_usd, step)
    say(
        f"Pooled: commit {yearly(document.pooled_commit_usd_by_year)}, expected cost "
        f"{money(document.pooled_cost_usd)}, unused with a chance of {percent(document.pooled_p_shortfall)}."
    )
    say(
        f"Separate: {yearly(document.separate_commit_usd_by_year)} in all, expected cost "
        f"{money(document.separate_cost_usd)}."
    )
    say(
        f"Pooling saves {saved} (80 % of paths: {money(document.p10_usd, step)} to {money(document.p90_usd, step)}), a "
        "deeper band included."
    )
    for part in document.parts:
        say(
            f"  {clean(part.name, 40)}: alone {yearly(part.commit_usd_by_year)}, cost {money(part.expected_cost_usd)}, "
            f"unused with a chance of {percent(part.p_shortfall)}; of the pooled cost {money(part.share_usd)} by usage."
        )
