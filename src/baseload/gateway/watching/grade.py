"""The watching process: `python -m baseload.gateway.watching.grade`. One JSON line asked, one answered.

Numbers and graders are heavy and run code of the company's own: they stay out of the process that serves callers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.gateway.watching.judged import Said, questions_of
from baseload.gateway.watching.messages import NOT_MADE, Ask, Begin, Difference, Fault, Grade, State, Step
from baseload.gateway.watching.unlabelled import by_form, has_no_truth
from baseload.project_bars import INCUMBENT, GraderTable, JudgeTable
from baseload.quality.graders.answers import Answer, Asked, Unparsable, answer_of
from baseload.quality.graders.grader import Grader, PairGrader, difference
from baseload.quality.trial.bars import grader_of
from baseload.quality.trial.tables import GraderFiles, bytes_of, files_of, named, truth_of_incumbent
from baseload.quality.watch.machine import replay
from baseload.quality.watch.route import RolledBack, Route, begin, carried, read_state, state_bytes

_asks: Final = msgspec.json.Decoder(Ask)
MOST_FILE_BYTES: Final = 64 * 1024 * 1024


class Answering:
    """Answers what is asked; graders are made once for each table."""

    def __init__(self) -> None:
        self._graders: dict[tuple[str, bytes], tuple[GraderTable, Grader | PairGrader, str]] = {}

    def answer(self, line: bytes) -> bytes:
        """A line's answer; a fault names the type of the error only, since its text may quote what was sent."""
        try:
            found: State | Difference | Fault = self._answered(_asks.decode(line))
        except Exception as error:  # noqa: BLE001 - whatever a customer's grader raises costs one pair
            found = Fault(fault=type(error).__name__)
        return msgspec.json.encode(found) + b"\n"

    def _answered(self, ask: Ask) -> State | Difference:
        match ask:
            case Begin():
                return _state(begun(ask))
            case Step():
                route, actions = replay(read_state(ask.state.encode()), ask.events)
                return msgspec.structs.replace(_state(route), actions=actions)
            case Grade():
                return self._graded(ask)

    def _graded(self, ask: Grade) -> Difference:
        said = Said({name: _answer(reply).text for name, reply in ask.replies.items()})
        try:
            spec, grader, name = self._grader(ask, said)
        except UsageError:
            return Difference(reason=NOT_MADE)
        call = Asked(call_id=ask.call_id, request=msgspec.json.decode(ask.request, type=dict[str, Any]))
        candidate, incumbent = _answer(ask.candidate), _answer(ask.incumbent)
        if has_no_truth(spec):
            found = by_form(grader, candidate, incumbent)
            return msgspec.structs.replace(found, grader=name)
        try:
            wanted = getattr(spec, "truth", "") == INCUMBENT and not incumbent.failure
            truth = truth_of_incumbent(spec, incumbent) if wanted else incumbent.text
        except Unparsable:
            return Difference(reason="the incumbent's answer is not in the grader's form")
        pair = difference(grader, call, candidate, incumbent, truth)
        if isinstance(spec, JudgeTable) and said.missing:
            return questions_of(said.missing, spec.model)
        return Difference(d=pair.d, how=pair.how, reason="grader fault" if pair.fault else "", grader=name)

    def _grader(self, ask: Grade, said: Said) -> tuple[GraderTable, Grader | PairGrader, str]:
        """The table, the grader, and its name."""
        key = (ask.folder, msgspec.json.encode(ask.grader, order="sorted"))
        found = self._graders.get(key)
        if found is None:
            spec: GraderTable = msgspec.convert(ask.grader, GraderTable)
            folder = Path(ask.folder)
            files = GraderFiles(
                folder=folder, contents={name: _read(folder / name) for name in files_of(spec)}, ask=said
            )
            for name in files_of(spec):
                bytes_of(name, "file", files)
            grader = grader_of(spec, files)
            found = (spec, grader, grader_name(named(spec, files), grader))
            if not isinstance(spec, JudgeTable):  # a judge is made for one pair: it knows that pair's replies
                self._graders[key] = found
        return found


def begun(ask: Begin) -> Route:
    """The state a route begins in. A `before` that cannot be read counts as none: it begins in shadow."""
    past = tuple(msgspec.convert(msgspec.to_builtins(one), RolledBack) for one in ask.past)
    try:
        before = read_state(ask.before.encode()) if ask.before else None
        if before is not None:
            return carried(before, ask.terms)
    except UsageError:
        pass
    return begin(ask.terms, ask.at_us, past)


def grader_name(of_bar: str, grader: Grader | PairGrader) -> str:
    """What a verdict was earned with (`terms.Promise.grader`): the bar's own words for its grader, and the version."""
    return f"{of_bar} {getattr(grader, 'version', '')}".rstrip()


def _answer(message: msgspec.Raw) -> Answer:
    return answer_of(msgspec.json.decode(message, type=dict[str, Any]))


def _state(route: Route) -> State:
    return State(state=state_bytes(route).decode(), events=route.events)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise UsageError(f"{path.name}: larger than {MOST_FILE_BYTES} bytes; expected a grader's file")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name}: {error.strerror}; expected a grader's file") from error


def main() -> None:
    """Answer until standard input ends."""
    answering = Answering()
    answers = sys.stdout.buffer
    sys.stdout = sys.stderr  # what a grader prints is no answer
    for line in sys.stdin.buffer:
        answers.write(answering.answer(line))
        answers.flush()


if __name__ == "__main__":
    main()
