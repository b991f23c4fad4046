"""What `baseload trial plan` plans with: the project's ledger, its routing options, bars, permissions and trials."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from baseload.cli.bodies import stored_calls
from baseload.cli.book import open_book, read_file
from baseload.cli.output import numbered
from baseload.cli.places import find_project, load_project
from baseload.cli.run import MEMORY_LIMIT, PROJECT_LEDGER, VERDICTS, checked_as_of, with_owners
from baseload.cli.trial_attempts import ahead
from baseload.cli.trial_folder import SET_ASIDE, held_to_records, is_demo, read_trials
from baseload.engine.duckdb import DuckDBEngine
from baseload.errors import BaseloadError, UsageError
from baseload.ledger.store import Ledger, is_ledger
from baseload.levers.options import RouteOption
from baseload.levers.position import Position
from baseload.levers.route.cost import Cost, option_cost
from baseload.levers.route.verdicts import VerdictKey, of_own_traffic, read_verdicts
from baseload.pipeline import MapRequest
from baseload.planning import Candidates, PlanRequest, candidates
from baseload.prices.book import PriceBook
from baseload.prices.capabilities import LEVELS
from baseload.project import Project
from baseload.project_bars import BarTable, HumanTable
from baseload.quality.bar import Bar
from baseload.quality.trial.bars import GraderFiles, bar_of, files_of, needs_truths, truths_of
from baseload.quality.trial.document import TrialDocument, folder_name
from baseload.quality.trial.planning import DAYS_A_MONTH
from baseload.quality.trial.planning_calls import Earlier, earlier_of
from baseload.quality.trial.planning_cost import Factors, Shape, Transport, Usd
from baseload.quality.trial.planning_population import Recordings, recordings
from baseload.quality.trial.planning_question import Candidate, Grading, Question, grading_of
from baseload.report.facts import BookNote
from baseload.values import NANO_PER_USD, Problem, Tokens, Verdict, Workload, day_of_date, iso_day
from baseload.vault.data_use import DataUse, parse_data_use
from baseload.workloads.decisions import rule_of
from baseload.workloads.key import UNATTRIBUTED
from baseload.workloads.rules import bar_of_workload, bar_problems

NOT_LISTED = "the levers find no saving in it for this workload's calls"


class Quality(NamedTuple):
    """What the project says about a workload's bar: `bar` None where nobody set one, or where `fault` says why not."""

    bar: Bar | None
    grading: Grading | None
    held_back_days: int
    truths: int | None
    fault: str


class LeftOut(NamedTuple):
    """A candidate that is not planned, and why."""

    candidate: str
    effort: str
    why: str


class Scene:
    """A ledger read once, of which (workload, candidate) pairs are asked one by one."""

    def __init__(
        self,
        folder: Path,
        project: Project,
        book: PriceBook,
        today: dt.date,
        found: Candidates,
        recorded: Recordings,
        verdicts: Mapping[VerdictKey, Verdict],
        trials: Mapping[VerdictKey, TrialDocument],
        problems: Sequence[Problem],
    ) -> None:
        self.folder, self.project, self.book, self.today = folder, project, book, today
        self.found, self.recorded, self.verdicts, self.trials = found, recorded, verdicts, trials
        ranked = [one.workload for one in found.ranked.ranking.workloads]
        self.workloads = [one for one in ranked if one.id != UNATTRIBUTED.id and one.id in found.routes]
        self.problems = (*problems, *bar_problems(project.bar, self.workloads))
        self._qualities: dict[str, Quality] = {}

    def named(self, text: str) -> Workload:
        """The workload of an id or a name. Raises UsageError."""
        matching = [one for one in self.workloads if text in (one.id, one.name)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            ids = ", ".join(one.id for one in matching[:5])
            raise UsageError(f"{text[:60]!r} is the name of {len(matching)} workloads; expected one of the ids {ids}")
        raise UsageError(
            f"{text[:60]!r} is no workload of this ledger, which has {numbered(len(self.workloads), 'workload')}; "
            "expected an id or a name as `baseload rank` lists them"
        )

    def questions(
        self, workload: str, model: str = "", effort: str = "", transport: Transport | None = None
    ) -> list[Question]:
        """One for each candidate worth a trial; of the one named where one is; none where the levers list none."""
        known = self.found.workloads[workload]
        return [self._question(known, one, transport) for one in self._candidates(workload, model, effort)]

    def _candidates(self, workload: str, model: str, effort: str) -> list[Candidate]:
        today, *others = self.found.routes[workload]
        if not model and not effort:
            return [self._candidate(workload, one) for one in _worth_trying(today, others)]
        name = self._known(model) or today.model
        if name == today.model and effort in ("", today.effort):
            return [Candidate(model=name, effort=today.effort)]  # refused by the plan: nothing to find out
        matching = [one for one in others if one.model == name and effort in ("", one.effort)]
        if matching:
            return [self._candidate(workload, max(matching, key=_level))]
        return [Candidate(model=name, effort=effort, excluded_by=(NOT_LISTED,))]

    def left_out(self, workload: str) -> list[LeftOut]:
        """Options of the levers that `questions` does not ask about unless they are named, each with the reason."""
        today, *others = self.found.routes[workload]
        asked = {(one.model, one.effort) for one in _worth_trying(today, others)}
        return [
            LeftOut(candidate=one.model, effort=one.effort, why=_why_left_out(one))
            for one in others
            if (one.model, one.effort) not in asked
        ]

    def _known(self, model: str) -> str:
        found = self.book.resolve(model) if model else ""
        if model and not found:
            raise UsageError(
                f"--model {model[:60]}: the price book does not know it. `baseload prices show` lists the models."
            )
        return found

    def _candidate(self, workload: str, option: RouteOption) -> Candidate:
        today, members = self.found.routes[workload][0], self.found.positions[workload]
        day = day_of_date(self.today)
        now, then = (option_cost(members, one, today.model, self.book, day) for one in (today, option))
        broke = option.verdict == "breaks"  # said on its own, with the day it counts until
        return Candidate(
            model=option.model,
            effort=option.effort,
            excluded_by=tuple(why for why in option.excluded_by if not (broke and why.startswith("a trial found"))),
            output=Factors(option.output_low, option.output_likely, option.output_high),
            saving_a_month=_a_month(now, then, self.found.window.days),
        )

    def _question(self, workload: Workload, candidate: Candidate, transport: Transport | None) -> Question:
        incumbent, quality = self.found.routes[workload.id][0].model, self.quality(workload)
        recorded = self.recorded.recorded(
            workload.id,
            incumbent,
            self.book.models.get(candidate.model),
            self.book,
            held_back_days=quality.held_back_days,
            with_truth=quality.truths,
        )
        return Question(
            workload=workload.id,
            workload_name=workload.name,
            incumbent=incumbent,
            incumbent_effort=self.found.routes[workload.id][0].effort,
            candidate=candidate,
            bar=quality.bar,
            grading=quality.grading,
            data_use=self._data_use(workload),
            recorded=recorded,
            shapes=self._shapes(workload.id, incumbent),
            day=day_of_date(self.today),
            bar_fault=quality.fault,
            task=workload.task,
            zero_data_retention=self.project.zero_data_retention,
            transport=transport,
            earlier=self._earlier(workload.id, candidate),
            **self._attempts(workload.id, candidate),
        )

    def quality(self, workload: Workload) -> Quality:
        """The project's bar for a workload, read once."""
        if workload.id not in self._qualities:
            table = bar_of_workload(workload.id, workload.name, self.project.bar)
            self._qualities[workload.id] = self._read(table, workload.id)
        return self._qualities[workload.id]

    def _read(self, table: BarTable | None, workload: str) -> Quality:
        if table is None:
            return Quality(None, None, 0, None, "")
        try:
            files = self._files(table)
            bar = bar_of(table, workload, files)
            truths = len(truths_of(table.grader, files)[0]) if needs_truths(table.grader) else None
            return Quality(bar, grading_of(table.grader, self.book.resolve), table.held_back_days, truths, "")
        except UsageError as error:
            return Quality(None, None, table.held_back_days, None, str(error))

    def _files(self, table: BarTable) -> GraderFiles:
        """What the grader is made of; a file of people's labels may come later."""
        names = [
            name
            for name in files_of(table.grader)
            if not isinstance(table.grader, HumanTable) or (self.folder / name).is_file()
        ]
        return GraderFiles(
            folder=self.folder, contents={name: read_file(self.folder / name, "grader's file") for name in names}
        )

    def _data_use(self, workload: Workload) -> DataUse:
        """What the project says; "none" where it cannot be read, which is a problem of the rule's."""
        rule = rule_of(workload.id, workload.name, self.project)
        try:
            return parse_data_use(rule.data_use if rule else "")
        except UsageError:
            return "none"

    def _shapes(self, workload: str, incumbent: str) -> tuple[Shape, ...]:
        """Its recorded calls; where there are only totals, their tokens by requests."""
        found = self.recorded.shapes(workload, incumbent)
        members = [one for one in self.found.positions[workload] if one.key.model == incumbent]
        return found or tuple(_shape(one) for one in members if one.requests and one.tokens != Tokens())

    def _earlier(self, workload: str, candidate: Candidate) -> Earlier | None:
        """The trial of this candidate that lies in the project, else the verdict alone; none of a stand-in."""
        verdict = self.verdicts.get((workload, candidate.model, candidate.effort))
        trial = self.trials.get((workload, candidate.model, candidate.effort))
        if trial is not None:
            return earlier_of(trial) if trial.grade == "replayed" else None
        if verdict is None or verdict.grade != "replayed":
            return None
        expires = iso_day(verdict.expires_day) if verdict.expires_day is not None else ""
        return Earlier(state=verdict.state, calls=0, verdict_id=verdict.verdict_id, expires_day=expires)

    def _attempts(self, workload: str, candidate: Candidate) -> dict[str, Any]:
        """Which attempt a trial would be, and what the earlier ones left it."""
        name = folder_name(workload, candidate.model, candidate.effort)
        try:
            number, earlier = ahead(self.folder, name, day_of_date(self.today))
        except BaseloadError as error:
            return {"attempt_fault": str(error)}
        compared = sum(len(one.calls) for one in earlier)
        return {"attempt": number, "wealths": tuple(one.wealth for one in earlier), "compared": compared}


def _why_left_out(option: RouteOption) -> str:
    if option.proven:
        return "a trial holds for it already"
    if option.excluded_by:
        return "; ".join(option.excluded_by)
    return "another model at less effort is two changes at once: name it with --model and --effort"


def _worth_trying(today: RouteOption, others: Sequence[RouteOption]) -> list[RouteOption]:
    """Options no trial of the model itself has shown to hold: other models at today's effort, today's at less.

    A new model at less effort would be two untested changes at once. Excluded ones only where there is nothing else.
    """
    most = {one.model: max(_level(other) for other in others if other.model == one.model) for one in others}
    single = [one for one in others if one.model == today.model or _level(one) == most[one.model]]
    untested = [one for one in single if not one.proven]
    return [one for one in untested if not one.excluded_by] or untested


def _level(option: RouteOption) -> int:
    """The place of an effort; the model's default counts as no change and so as the highest."""
    return LEVELS.index(option.effort) if option.effort in LEVELS else len(LEVELS)


def _a_month(now: Cost, then: Cost, days: int) -> Usd:
    """What an option saves in a month at the window's pace, in list dollars; low against its dearest reading."""
    pace = DAYS_A_MONTH / days / NANO_PER_USD
    return Usd((now.low - then.high) * pace, (now.likely - then.likely) * pace, (now.high - then.low) * pace)


def _shape(position: Position) -> Shape:
    return Shape(key=position.key, calls=position.requests or 0, tokens=position.tokens)


def open_scene(project_dir: Path | None, as_of: dt.date | None) -> Scene:
    """The scene of a project's own ledger. Raises UsageError where it has none."""
    folder = project_dir or find_project(Path.cwd()) or Path()
    today = checked_as_of(as_of, dt.datetime.now(dt.UTC).date())
    project = with_owners(load_project(folder), folder)
    book = open_book(project, folder)
    own = folder / PROJECT_LEDGER
    if not is_ledger(own):
        raise UsageError(f"{folder} has no ledger of its own. Fill it with `baseload import PATH`.")
    documents = {str(path): read_file(path, "verdict") for path in sorted((folder / VERDICTS).glob("*.json"))}
    day = day_of_date(today)
    stated, problems = read_verdicts(documents, book, day)
    held, faults = held_to_records(folder, stated, day)
    verdicts = held if is_demo(folder) else of_own_traffic(held)
    request = PlanRequest(map=_map_request(project, book, today), verdicts=verdicts)
    with Ledger.open(own) as ledger, DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        found = candidates(ledger, engine, book, request)
        workload_of = {name: workload.id for name, workload in found.ranked.workload_of.items()}
        recorded = recordings(engine, workload_of, stored_calls(folder, project, as_of_day=day))
    return Scene(folder, project, book, today, found, recorded, verdicts, _trials(folder), (*problems, *faults))


def _trials(folder: Path) -> dict[VerdictKey, TrialDocument]:
    """The project's finished trials by what they are about; one whose record does not bear it out says nothing."""
    sound = [
        trial.document for trial in read_trials(folder)[0] if not (trial.record_fault or SET_ASIDE.search(trial.name))
    ]
    return {(one.workload, one.candidate, one.effort): one for one in sound}


def _map_request(project: Project, book: PriceBook, today: dt.date) -> MapRequest:
    note = BookNote(checked=book.checked.isoformat(), age_days=book.age_days(today), warning="", overlay="")
    return MapRequest(
        title=project.name,
        as_of=today.isoformat(),
        as_of_day=day_of_date(today),
        recompute="baseload trial plan",
        book_note=note,
        project=project,
    )
