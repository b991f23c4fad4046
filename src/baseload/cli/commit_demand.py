"""Where a commitment's demand comes from, as every `baseload commit` command asks for it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from baseload.commit.offer import Offer
    from baseload.commit.size.demand import Demand
    from baseload.demand.history import History
    from baseload.demand.savings import Saving
    from baseload.values import Problem


class Wanted:
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
        self.start = start_month(start)
        self.seed, self.count = seed, count
        self.source, self.project, self.as_of = source, project, as_of

    @property
    def term(self) -> int:
        return self.terms.contract.term_months


def one_source(demand: Path | None, ledger: bool, paths: Path | None, usage: tuple[Path, ...]) -> None:
    from baseload.errors import UsageError

    given = [name for name, there in (("--demand", demand), ("--ledger", ledger), ("--paths", paths)) if there]
    if len(given) != 1:
        raise UsageError(
            f"{' and '.join(given) or 'no demand given'}; expected one of --demand FILE, --ledger, --paths FILE"
        )
    if usage and not ledger:
        raise UsageError(f"{usage[0]} beside {given[0]}; expected files of usage with --ledger only")


def one_saving(plan: Path | None, savings: str | None) -> None:
    from baseload.errors import UsageError

    if plan is not None and savings is not None:
        raise UsageError("--plan and --savings; expected one of them: the same saving would be counted twice")


def start_month(text: str | None) -> int | None:
    from baseload.commit.refusal import CommitError
    from baseload.demand.months import parse_month

    if text is None:
        return None
    try:
        return parse_month(text)
    except ValueError as error:
        raise CommitError("--start", text, "a month, YYYY-MM, of 2000 to 2099") from error


def offer_file(path: Path) -> tuple[Offer, str]:
    from baseload.cli.book import read_file
    from baseload.commit.offer import read_offer

    data = read_file(path, "offer")
    return read_offer(data, str(path)), sha256_of(data)


def sha256_of(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def demand_from(
    wanted: Wanted, file: Path | None, paths: Path | None, usage: tuple[Path, ...]
) -> tuple[Demand, list[str], str]:
    """The demand, what must be said of how it was read, and the hash of its file or of the ledger's usage."""
    from baseload.cli.book import read_file
    from baseload.demand.series import read_demand

    if paths is not None:
        return _own_paths(wanted, paths)
    if file is not None:
        data = read_file(file, "demand file")
        history, problems = read_demand(data, str(file), as_of=wanted.as_of)
        refuse_future(history, str(file), wanted.as_of)
        return _of_history(wanted, history, problems), [], sha256_of(data)
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
    found, sha256 = ledger_demand(ask, lambda history, first: _savings(wanted, history, first))
    return found, [], sha256


def refuse_future(history: History, name: str, as_of: dt.date | None) -> None:
    """Raises DemandError where every month is still to come: nobody has spent anything in it."""
    from baseload.demand.history import DemandError
    from baseload.demand.months import month_text

    today = as_of or dt.datetime.now(dt.UTC).date()
    if history.first_month > today.year * 12 + today.month - 1:
        raise DemandError(
            f"{name}: its first month, {month_text(history.first_month)}, is after today, {today}; expected months "
            "that were spent. For a demand to come give --paths; --as-of takes another day for today."
        )


def _own_paths(wanted: Wanted, file: Path) -> tuple[Demand, list[str], str]:
    from baseload.cli.book import read_file
    from baseload.commit.refusal import CommitError
    from baseload.commit.size.demand import demand_of_paths, month_before
    from baseload.commit.size.paths_file import read_paths

    _seed(wanted.seed)
    found, ignored = read_paths(file, term_months=wanted.term)
    said = [f"{file.name}: column {name} has no known meaning and is ignored." for name in ignored]
    if (wanted.savings or wanted.plan) and wanted.start is None:
        raise CommitError("--start", "missing", "the first contract month, YYYY-MM: savings have dates, --paths none")
    savings, problems = _savings(wanted, month_before(wanted.start or 0), wanted.start or 0, dated=False)
    demand = demand_of_paths(found, savings=savings, first_month=wanted.start, seed=wanted.seed)
    return demand._replace(problems=tuple(problems)), said, sha256_of(read_file(file, "paths"))


def _of_history(wanted: Wanted, history: History, problems: list[Problem]) -> Demand:
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


def _savings(
    wanted: Wanted, history: History, first_month: int, *, dated: bool = True
) -> tuple[list[Saving], list[Problem]]:
    """What the plan or the command line saves, dated from the first month of the contract.

    `dated`: the history has an end, so that a saving may have been due before it.
    """
    from baseload.cli.book import read_file
    from baseload.commit.size.demand import shifted
    from baseload.demand.savings import overdue, parse_savings, plan_savings

    if wanted.savings is not None:
        saving = parse_savings(wanted.savings, first_month)
        return [saving], overdue([saving], history.next_month - first_month) if dated else []
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
