"""What every `baseload trial` command begins with: one workload of the project's ledger, and what the project says."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from pathlib import Path

import msgspec
import numpy as np

from baseload.cli.book import open_book, read_file
from baseload.cli.output import numbered
from baseload.cli.places import find_project, load_project
from baseload.cli.run import MEMORY_LIMIT, PROJECT_LEDGER, checked_as_of, with_owners
from baseload.cli.trial_calls import recorded_calls
from baseload.engine.duckdb import DuckDBEngine
from baseload.engine.port import Engine
from baseload.errors import UsageError
from baseload.ledger.run_rate import complete_window, run_rate
from baseload.ledger.store import Ledger, is_ledger
from baseload.ledger.totals import daily_nano, daily_tokens, inside, whole_days
from baseload.levers.position import Position
from baseload.levers.positions import positions_of
from baseload.pipeline import Ranked, rank_ledger
from baseload.prices.book import PriceBook
from baseload.project import Project
from baseload.project_bars import BarTable, HumanTable
from baseload.quality.bar import Bar
from baseload.quality.trial.tables import Ask, GraderFiles, bar_of, files_of
from baseload.values import (
    NANO_PER_USD,
    Call,
    Problem,
    Table,
    Tokens,
    Window,
    Workload,
    day_of_date,
)
from baseload.vault.data_use import DataUse, parse_data_use
from baseload.workloads.decisions import rule_of
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.rules import bar_of_workload, bar_problems

DAYS_A_MONTH = Decimal(365) / 12


class TrialInputs(msgspec.Struct, frozen=True, kw_only=True):
    """One workload and one candidate: everything known before a dollar is spent.

    `incumbent` is the model with most of the workload's list dollars in `window`; "" = no call of it has a price.
    `calls` are the recorded calls on it, newest first, at most `cli.trial_calls.MOST_CALLS`, with `body_ref` and
    without `prefix_blocks`; answered or not, replayable or not (`quality.sampling.population` says which). `by_model`
    counts all recorded calls of the workload, the incumbent's among them. `window` is that of the run rate, else all
    days.

    `calls_a_month` are the incumbent's: None where no source counts calls. Where only some do, theirs are scaled by
    list dollars, and `counted_share` is theirs of the dollars. `list_nano` is their list price in
    the window, `positions` their tokens by price, `tokens` the sum of those. `bar_table` and `bar` are None where
    nobody set a bar. `problems` are about bars and owners; those of reading the ledger are the map's.
    """

    folder: Path
    project: Project
    book: PriceBook
    today: dt.date
    workload: Workload
    workloads: tuple[Workload, ...]  # all there are, dearest first, the unattributed left out
    incumbent: str
    incumbent_effort: str  # of most of its calls; "" = the model's default, or unsaid
    model: str  # the candidate's id; "" = none named
    effort: str  # the candidate's; "" = the model's default
    calls: tuple[Call, ...]
    by_model: Mapping[str, int]
    window: Window
    positions: tuple[Position, ...]
    tokens: Tokens
    requests: int | None  # of the incumbent, in the window; scaled where `counted_share` is below 1
    counted_share: Decimal  # of `list_nano`: where calls are counted
    list_nano: int
    bar_table: BarTable | None
    bar: Bar | None
    files: GraderFiles | None  # what the bar's grader is made of; None without a bar
    data_use: DataUse
    problems: tuple[Problem, ...] = ()

    @property
    def as_of_day(self) -> int:
        return day_of_date(self.today)

    @property
    def calls_a_month(self) -> Decimal | None:
        """Calls of the incumbent in a twelfth of 365 days, at the window's pace."""
        return None if self.requests is None else self.requests * DAYS_A_MONTH / self.window.days

    @property
    def list_usd_per_call(self) -> Decimal | None:
        """List dollars of one call of the incumbent; None where no call is counted, or there is none."""
        return Decimal(self.list_nano) / self.requests / NANO_PER_USD if self.requests else None

    @property
    def list_usd_a_month(self) -> Decimal:
        """List dollars of the incumbent in a month, at the window's pace."""
        return Decimal(self.list_nano) / NANO_PER_USD * DAYS_A_MONTH / self.window.days


def trial_inputs(
    project_dir: Path | None,
    workload: str,
    model: str = "",
    effort: str = "",
    *,
    as_of: dt.date | None = None,
    ask: Ask | None = None,
) -> TrialInputs:
    """The inputs of one workload, named by id or name, from the project's own ledger.

    Raises UsageError where there is no ledger, no such workload, several of that name, or a model without a price.
    """
    [found] = every_input(project_dir, workload=workload, model=model, effort=effort, as_of=as_of, ask=ask)
    return found


def every_input(
    project_dir: Path | None,
    *,
    workload: str = "",
    model: str = "",
    effort: str = "",
    as_of: dt.date | None = None,
    ask: Ask | None = None,
) -> list[TrialInputs]:
    """The inputs of all workloads, dearest first; of the one named where one is. The ledger is read once.

    `ask` is handed to the grader's files: how a judge's model is asked (`quality.graders.judge`).
    """
    folder = project_dir or find_project(Path.cwd()) or Path()
    now = dt.datetime.now(dt.UTC).date()
    today = checked_as_of(as_of, now)
    project = with_owners(load_project(folder), folder)
    book = open_book(project, folder)
    own = folder / PROJECT_LEDGER
    if not is_ledger(own):
        raise UsageError(f"{folder} has no ledger of its own. Fill it with `baseload import PATH`.")
    with Ledger.open(own) as ledger, DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        scene = _Scene(folder, project, book, today, ledger, engine)
        chosen = [scene.named(workload)] if workload else scene.workloads
        return [scene.inputs(one, _candidate(book, model), effort, ask) for one in chosen]


class _Scene:
    """A ledger ranked once, of which workloads are asked about one by one."""

    def __init__(
        self, folder: Path, project: Project, book: PriceBook, today: dt.date, ledger: Ledger, engine: Engine
    ) -> None:
        self.folder, self.project, self.book, self.today, self.engine = folder, project, book, today, engine
        self.ranked = rank_ledger(ledger, engine, book, project)
        self.workloads = [one.workload for one in self.ranked.ranking.workloads if one.workload.id != UNATTRIBUTED.id]
        self.window = _window(self.ranked, day_of_date(today))
        self.problems = tuple(bar_problems(project.bar, self.workloads))
        self._positions = self._by_workload()

    def named(self, text: str) -> Workload:
        """The workload of an id or a name. Raises UsageError."""
        found = [one for one in self.workloads if one.id == text] or [one for one in self.workloads if one.name == text]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(
                f"{text[:60]!r} is the name of {len(found)} workloads; expected an id, such as {found[0].id}"
            )
        raise UsageError(
            f"{text[:60]!r} is no workload of this ledger, which has {numbered(len(self.workloads), 'workload')}; "
            "expected an id or a name as `baseload rank` lists them"
        )

    def inputs(self, workload: Workload, model: str, effort: str, ask: Ask | None) -> TrialInputs:
        positions = self._positions.get(workload.id, ())
        incumbent = _dearest(positions)
        mine = tuple(one for one in positions if one.key.model == incumbent)
        signatures = [name for name, one in self.ranked.workload_of.items() if one.id == workload.id]
        calls, by_model = recorded_calls(self.engine, self.book, signatures, incumbent)
        table = bar_of_workload(workload.id, workload.name, self.project.bar)
        files = grader_files(table, self.folder, ask) if table else None
        rule = rule_of(workload.id, workload.name, self.project)
        requests, counted_share = requests_of(mine)
        return TrialInputs(
            folder=self.folder,
            project=self.project,
            book=self.book,
            today=self.today,
            workload=workload,
            workloads=tuple(self.workloads),
            incumbent=incumbent,
            incumbent_effort=_commonest(call.effort for call in calls),
            model=model,
            effort=effort,
            calls=calls,
            by_model=by_model,
            window=self.window,
            positions=mine,
            tokens=sum((one.tokens for one in mine), Tokens()),
            requests=requests,
            counted_share=counted_share,
            list_nano=sum(one.list_nano for one in mine),
            bar_table=table,
            bar=bar_of(table, workload.id, files) if table and files else None,
            files=files,
            data_use=_data_use(rule.data_use if rule else ""),
            problems=self.problems,
        )

    def _by_workload(self) -> dict[str, tuple[Position, ...]]:
        rows = self.ranked.settled.rows
        ids = [self.ranked.workload_of.get(name, UNATTRIBUTED).id for name in rows["signature"].tolist()]
        named: Table = {**rows, "workload": np.array(ids, dtype=object)}
        found: dict[str, list[Position]] = {}
        for position in positions_of(inside(named, self.window), self.ranked.intervals.keys):
            found.setdefault(position.workload, []).append(position)
        return {name: tuple(members) for name, members in found.items()}


def grader_files(table: BarTable, folder: Path, ask: Ask | None = None) -> GraderFiles:
    """The files of a bar's grader, read from the project folder. Raises UsageError where one cannot be read.

    People label what the replay found to differ: their file may come later.
    """
    what = f"file of the bar of {table.workload[:40]!r}"
    is_later = isinstance(table.grader, HumanTable)
    named = [name for name in files_of(table.grader) if not is_later or (folder / name).exists()]
    contents = {name: read_file(folder / name, what) for name in named}
    return GraderFiles(folder=folder, contents=contents, ask=ask)


def _window(ranked: Ranked, as_of_day: int) -> Window:
    """The run rate's window, so that a trial's dollars are the plan's; all days where there is none."""
    rows = ranked.settled.rows
    rate = run_rate(
        daily_nano(rows),
        complete_window(*whole_days(ranked.spend), as_of_day),
        tokens=daily_tokens(rows),
        unpriced=daily_tokens(rows, unpriced=True),
    )
    return rate.window or ranked.window


def _candidate(book: PriceBook, model: str) -> str:
    found = book.resolve(model) if model else ""
    if model and not found:
        raise UsageError(f"--model {model[:60]}: the price book does not know it. `baseload prices` lists the models.")
    return found


def _dearest(positions: Sequence[Position]) -> str:
    """The model with most list dollars, of equal ones the first by id; "" where none is known."""
    spent: Counter[str] = Counter()
    for one in positions:
        if not one.key.model.startswith("?"):
            spent[one.key.model] += one.list_nano
    return min(spent, key=lambda model: (-spent[model], model), default="")


def requests_of(positions: Sequence[Position]) -> tuple[int | None, Decimal]:
    """Calls of these positions, and the share of their list dollars where calls are counted.

    Dollars without a count (what a report says beyond the calls that were seen) are taken to be calls of the same
    price: the count is scaled by dollars. None where nothing is counted.
    """
    counted = [one for one in positions if one.requests is not None]
    calls = sum(one.requests or 0 for one in counted)
    nano, whole = (sum(one.list_nano for one in some) for some in (counted, positions))
    if len(counted) == len(positions):
        return calls, Decimal(1)
    if not calls or nano <= 0:
        return None, Decimal(0)
    share = (Decimal(nano) / whole).quantize(Decimal("0.0001"), rounding=ROUND_DOWN)
    return int((calls * Decimal(whole) / nano).to_integral_value(ROUND_HALF_EVEN)), share


def _commonest(values: Iterator[str]) -> str:
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default="")


def _data_use(text: str) -> DataUse:
    """What the project says; "none" where it cannot be read, which is a problem of the rule's."""
    try:
        return parse_data_use(text)
    except UsageError:
        return "none"
