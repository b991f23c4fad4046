"""`baseload commit offer new`: ten questions, the offer they make, and what to ask the vendor next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from baseload.cli.help import Json

if TYPE_CHECKING:
    from rich.console import Console

    from baseload.commit.asks.questions import QuestionsDocument
    from baseload.commit.asks.ranges import Draft
    from baseload.commit.paths import Paths
    from baseload.values import Problem


def offer_new(
    *,
    answers: Annotated[
        Path | None, Parameter(help="Answers as YAML, the keys of offer.yaml; empty or `unknown` is accepted.")
    ] = None,
    given: Annotated[
        list[str] | None, Parameter(name="--set", help="One answer, key=value. Repeat it; it wins over --answers.")
    ] = None,
    demand: Annotated[Path | None, Parameter(help="Demand to rank on: month,list_usd or date,list_usd.")] = None,
    output: Annotated[
        Path, Parameter(name=["-o", "--output"], help="The offer; ranges of unknown terms go beside it.")
    ] = Path("offer.yaml"),
    seed: Annotated[int, Parameter(help="Of the demand paths.")] = 0,
    json: Json = False,
) -> int:
    """Ask ten questions about an offer, write it down, and rank what to ask the vendor by the dollars that hang on it.

    Any answer may be empty or `unknown`: an unknown term is a range over its values, never a default, and sizes are
    computed over the range. The offer says `unknown` there, and the ranges stand beside it (offer.unknown.yaml), to be
    edited. Each question comes with wording for the clause that answers it, for counsel.

    Examples
    --------
    baseload commit offer new --demand history.csv
    baseload commit offer new --answers known.yaml --set overage=list --demand history.csv -o offer.yaml --json
    """
    from baseload.cli.output import exit_code, print_json, print_problems
    from baseload.commit.asks.files import COMPANION, offer_text, ranges_text
    from baseload.commit.asks.questions import questions

    draft = _draft(answers, given)
    paths, problems = _paths(demand, draft, seed)
    document = questions(draft, paths, seed=seed, problems=tuple(problems))
    files = {output: offer_text(draft)}
    if draft.unknown:
        files[output.with_name(output.stem + COMPANION)] = ranges_text(draft)
    _write(files)
    if json:
        print_json(document)
    else:
        _print(document, list(files))
        print_problems(problems)
    return exit_code(problems)


def _draft(answers: Path | None, given: list[str] | None) -> Draft:
    """Answers of a file and the command line, or asked on a terminal; ranges of a companion file beside the answers."""
    from baseload.cli.book import read_file
    from baseload.commit.asks.files import COMPANION
    from baseload.commit.asks.ranges import draft_of
    from baseload.commit.offer import plain_keys
    from baseload.errors import UsageError

    if answers is None and not given:
        if not sys.stdin.isatty():
            raise UsageError("Nobody to ask: give --answers FILE.yaml or --set key=value where there is no terminal.")
        return draft_of(_asked(), name="answers")
    known: dict[str, Any] = {}
    ranges = None
    if answers is not None:
        data = read_file(answers, "answers")
        known = plain_keys(data, str(answers)) if data.strip() else {}
        beside = answers.with_name(answers.stem + COMPANION)
        ranges = plain_keys(read_file(beside, "ranges"), str(beside)) if beside.exists() else None
    for one in given or []:
        known |= _one(one)
    if ranges is not None:
        still = {key for key, value in known.items() if value in ("unknown", "", None)}
        ranges = {key: value for key, value in ranges.items() if key in still or key not in known}
    return draft_of(known, name="answers" if answers is None else str(answers), ranges=ranges)


def _one(text: str) -> dict[str, Any]:
    from baseload.commit.contract import Contract
    from baseload.commit.offer import NAMES, plain_keys
    from baseload.commit.refusal import CommitError

    key, equals, value = text.partition("=")
    if not equals or NAMES.get(key.strip(), key.strip()) not in Contract.__struct_fields__:
        raise CommitError("--set", text, "key=value with a key of docs/reference/offer.md")
    return plain_keys(f"{key.strip()}: {value.strip() or 'unknown'}\n".encode(), "--set")


def _asked() -> dict[str, Any]:
    """The ten questions on a terminal; Enter = unknown."""
    from baseload.cli.output import stdout
    from baseload.commit.asks.ranges import draft_of
    from baseload.commit.asks.wording import QUESTIONS, TEN
    from baseload.commit.offer_write import COMMENTS
    from baseload.commit.refusal import CommitError

    console = stdout()
    console.print("Ten questions. Enter, or `unknown`, where the offer does not say.", markup=False)
    found: dict[str, Any] = {}
    for number, key in enumerate(TEN, start=1):
        console.print(f"{number}. {QUESTIONS[key].question}\n   {COMMENTS[key]}", markup=False)
        while True:
            try:
                more = _one(f"{key}={_typed(console, number)}")
                draft_of(found | more, name="answers")
                found |= more
                break
            except CommitError as error:
                console.print(f"   {error}", markup=False)
    return found


def _typed(console: Console, number: int) -> str:
    """A line of the terminal. Raises UsageError where there is none any more (Ctrl-D)."""
    from baseload.errors import UsageError

    try:
        return console.input("   > ", markup=False)
    except EOFError as error:
        raise UsageError(
            f"The answers ended at question {number}: nothing is written. Enter leaves one open."
        ) from error


def _paths(demand: Path | None, draft: Draft, seed: int) -> tuple[Paths | None, list[Problem]]:
    from baseload.cli.book import read_file
    from baseload.commit.asks.questions import PATHS, longest_term
    from baseload.commit.rounds.demand import offer_paths

    if demand is None:
        return None, []
    data = read_file(demand, "demand file")
    return offer_paths(data, str(demand), longest_term(draft), seed=seed, paths=PATHS)


def _write(files: dict[Path, str]) -> None:
    from baseload.errors import UsageError

    there = next((path for path in files if path.exists()), None)
    if there is not None:
        raise UsageError(f"{there} exists and is not overwritten. Move it away, or name another with -o.")
    for path, text in files.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}). Check the folder.") from error


def _print(document: QuestionsDocument, files: list[Path]) -> None:
    from baseload.cli.output import stdout
    from baseload.report.names import PROSE, clean

    console = stdout()

    def say(text: str, indent: int = 0) -> None:
        console.print(" " * indent + clean(text, PROSE), markup=False, soft_wrap=True)

    say(f"Written: {', '.join(map(str, files))}. Questions {document.says}.")
    for number, row in enumerate(document.questions, start=1):
        swing = "" if row.swing_usd is None else f" [{_about(row.swing_usd)} dollars between the answers]"
        say(f"{number}. {row.question}{swing}")
        for answer in row.answers:
            size = ", ".join(map(_about, answer.commit_usd_by_year))
            say(f"{answer.value}: costs {_about(answer.expected_cost_usd)} at a commitment of {size}", 5)
        if row.says:
            say(row.says, 3)
        say(f"Ask for: {row.wants}. {document.for_counsel}", 3)
        say(f'"{row.clauses[0].wording}"', 3)
        for definition in row.clauses[0].definitions:
            say(definition, 5)
    if document.sizes is not None:
        say(
            f"Commitment over all answers: {_about(document.sizes.low_usd)} to {_about(document.sizes.high_usd)} a "
            f"year, {_about(document.sizes.middle_usd)} at the middle of every range."
        )


def _about(text: str) -> str:
    """Three significant digits, grouped.

    >>> _about("1200848.18")
    '1,200,000'
    """
    return f"{float(f'{float(text):.3g}'):,.0f}"
