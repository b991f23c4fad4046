"""`baseload commit log`: the rounds of a negotiation, kept in a file of the project."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, ProjectFolder, epilogue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baseload.commit.contract import Contract
    from baseload.commit.paths import Paths
    from baseload.commit.rounds.document import LogDocument
    from baseload.commit.rounds.log import Round
    from baseload.commit.rounds.move import Move
    from baseload.values import Problem

app = App(
    name="log",
    help="The rounds of a negotiation: offers and counters, and what each concession was worth.",
    help_epilogue=epilogue(
        [
            "baseload commit log add offer.yaml --side vendor --by 'account team' --demand history.csv",
            "baseload commit log show --demand history.csv",
        ]
    ),
)
FOLDER = Path(".baseload") / "commit"
FILE = "rounds.jsonl"
LogFile = Annotated[Path | None, Parameter(name="--log", help="The log. Default: .baseload/commit/rounds.jsonl.")]
Demand = Annotated[Path | None, Parameter(help="Demand to price on: month,list_usd or date,list_usd.")]
Seed = Annotated[int, Parameter(help="Of the demand paths.")]


@app.command
def add(
    offer: Annotated[Path, Parameter(help="The offer or counter, a YAML file.")],
    *,
    side: Annotated[str, Parameter(help="vendor (an offer) or buyer (a counter).")],
    by: Annotated[str, Parameter(help="Who made it.")],
    date: Annotated[dt.date | None, Parameter(help="When, YYYY-MM-DD. Default: today, UTC.")] = None,
    note: Annotated[str, Parameter(help="What was said with it.")] = "",
    demand: Demand = None,
    log: LogFile = None,
    seed: Seed = 0,
    json: Json = False,
    project: ProjectFolder = None,
) -> int:
    """Add a round. With --demand, what it changed since the last one is priced, and the figures are kept with it.

    The log only grows: each round holds the hash of the one before, and a log that was changed is refused.

    Examples
    --------
    baseload commit log add offer.yaml --side vendor --by "account team" --date 2026-11-02
    baseload commit log add counter.yaml --side buyer --by procurement --demand history.csv --json
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import exit_code
    from baseload.commit.offer import read_offer
    from baseload.commit.rounds.demand import digest_of
    from baseload.commit.rounds.log import appended
    from baseload.commit.rounds.move import move

    path = _path(log, project)
    rounds = _read(path)
    found = read_offer(read_file(offer, "offer"), str(offer))
    priced: Move | None = None
    problems: list[Problem] = []
    if demand is not None and rounds:
        data = read_file(demand, "demand file")
        paths, problems = _drawn(data, demand, [rounds[-1].offer, found.contract], seed)
        priced = move(rounds[-1].offer, found.contract, paths, demand=digest_of(data), seed=seed)
    entry = appended(
        rounds,
        found.contract,
        date=date or dt.datetime.now(dt.UTC).date(),
        side=side,
        by=by,
        note=note,
        assumed=found.assumed,
        move=priced,
    )
    _write(path, entry)
    _show([*rounds, entry], None, problems, json=json)
    return exit_code(problems)


@app.command
def show(
    *,
    demand: Demand = None,
    log: LogFile = None,
    seed: Seed = 0,
    json: Json = False,
    project: ProjectFolder = None,
) -> int:
    """Every round, what it changed, and what that was worth: as it was priced then, or with --demand all anew.

    Examples
    --------
    baseload commit log show
    baseload commit log show --demand history.csv --json | jq '.rounds[] | {number, says}'
    """
    from baseload.cli.book import read_file
    from baseload.cli.output import exit_code
    from baseload.errors import NothingToRead

    path = _path(log, project)
    rounds = _read(path)
    if not rounds:
        raise NothingToRead(f"{path}: no round yet. Add the first with `baseload commit log add`.")
    if demand is None:
        _show(rounds, None, [], json=json)
        return exit_code([])
    data = read_file(demand, "demand file")
    paths, problems = _drawn(data, demand, [one.offer for one in rounds], seed)
    _show(rounds, paths, problems, json=json, data=data, seed=seed)
    return exit_code(problems)


def _path(log: Path | None, project: Path | None) -> Path:
    from baseload.cli.places import find_project

    if log is not None:
        return log
    return (project or find_project(Path.cwd()) or Path.cwd()) / FOLDER / FILE


def _read(path: Path) -> tuple[Round, ...]:
    from baseload.cli.book import read_file
    from baseload.commit.rounds.log import read_rounds

    return read_rounds(read_file(path, "log"), str(path)) if path.exists() else ()


def _write(path: Path, entry: Round) -> None:
    import os

    from baseload.commit.rounds.log import line_of
    from baseload.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(line_of(entry))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}). Check the folder.") from error


def _drawn(data: bytes, name: Path, offers: Sequence[Contract], seed: int) -> tuple[Paths, list[Problem]]:
    from baseload.commit.rounds.demand import offer_paths

    return offer_paths(data, str(name), max(offer.term_months for offer in offers), seed=seed)


def _show(
    rounds: Sequence[Round],
    paths: Paths | None,
    problems: Sequence[Problem],
    *,
    json: bool,
    data: bytes = b"",
    seed: int = 0,
) -> None:
    from baseload.cli.output import print_json, print_problems
    from baseload.commit.rounds.demand import digest_of
    from baseload.commit.rounds.document import log_document

    demand = digest_of(data) if data else ""
    document = log_document(rounds, paths, demand=demand, seed=seed, problems=problems)
    if json:
        print_json(document)
        return
    _print(document)
    print_problems(problems)


def _print(document: LogDocument) -> None:
    from baseload.cli.output import stdout
    from baseload.report.names import PROSE, clean

    console = stdout()

    def say(text: str, indent: int = 0) -> None:
        console.print(" " * indent + clean(text, PROSE), markup=False, soft_wrap=True)

    for row in document.rounds:
        name = f" {row.offer}" if row.offer else ""
        say(f"{row.number}. {row.date} {row.side}, {row.by}:{name} {row.says}")
        if row.note:
            say(row.note, 3)
        dollars = {part.term: part.earned_usd for part in row.move.parts} if row.move else {}
        for change in row.move.parts if row.move else row.changes:
            worth = f": {_signed(dollars[change.term])}" if dollars.get(change.term) else ""
            say(f"{change.term}: {change.before} -> {change.after}{worth}", 3)
    if document.since_first is not None:
        one = document.since_first
        say(
            f"Since the first offer: {_signed(one.earned_usd)} for the buyer "
            f"({_signed(one.low_usd)} to {_signed(one.high_usd)}), at {one.at} sizes."
        )


def _signed(text: str | None) -> str:
    """Three significant digits with a sign.

    >>> _signed("-12345.67"), _signed("0.00")
    ('-12,300', '+0')
    """
    return f"{float(f'{float(text or 0):.3g}'):+,.0f}"
