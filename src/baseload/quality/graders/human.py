"""People's judgements of pairs, from JSONL or CSV: imported as they were given, every row used or a Problem."""

from __future__ import annotations

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked
from baseload.quality.graders.grader import Comparison, How
from baseload.quality.graders.normal import same_text
from baseload.values import Problem

SOURCE: Final = "human_labels"
WINNERS: Final[Mapping[str, float]] = {"candidate": 1.0, "tie": 0.0, "incumbent": -1.0}
MOST_ROWS: Final = 1_000_000


class HumanLabels(msgspec.Struct, frozen=True, kw_only=True):
    """Call -> mean judgement of the people who saw it, -1 to 1, and how many they were."""

    d: Mapping[str, float]
    raters: Mapping[str, int]


def read_labels(data: bytes, file: str) -> tuple[HumanLabels, list[Problem]]:
    """Labels of a file: rows of `call`, and `winner` (candidate, tie, incumbent) or `d` (-1 to 1), and `by`, the rater.

    One rater judges a call once: a second row of theirs is a Problem and is not used, nor is the first where it
    differs. Rows that cannot be read are Problems.
    """
    problems: list[Problem] = []
    given: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row, record in enumerate(_records(data), start=1):
        if row > MOST_ROWS:
            problems.append(_problem(file, row, "too-many-rows", f"at most {MOST_ROWS} rows"))
            break
        call, d = _text(record, "call"), _judgement(record)
        if not call or d is None:
            problems.append(_problem(file, row, "bad-label", "call, and winner (candidate, tie, incumbent) or d"))
            continue
        theirs = given[call][_text(record, "by")]
        if theirs:
            problems.append(_problem(file, row, "label-twice", "one label of a call by each rater"))
        theirs.append(d)
    settled = {
        call: [values[0] for values in raters.values() if len(set(values)) == 1] for call, raters in given.items()
    }
    kept = {call: values for call, values in settled.items() if values}
    means = {call: sum(values) / len(values) for call, values in kept.items()}
    return HumanLabels(d=means, raters={call: len(values) for call, values in kept.items()}), problems


class HumanGrader(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of each call. A call that nobody labelled costs the candidate a loss: label all that differ."""

    labels: HumanLabels
    usd_per_label: Decimal = Decimal(0)
    id: str = "human"
    version: str = "1"
    tier: Tier = "adjudicated"
    how: How = "human"

    def compare(self, call: Asked, candidate: Answer, incumbent: Answer) -> Comparison:
        del candidate, incumbent
        d = self.labels.d.get(call.call_id)
        if d is None:
            return Comparison(d=-1, reason="nobody labelled it", fault="no label")
        people = self.labels.raters[call.call_id]
        return Comparison(d=d, reason=f"labelled by {people}", usd=self.usd_per_label * people)

    def same(self, a: Answer, b: Answer) -> bool:
        return same_text(a, b)


def _records(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Rows of CSV with a head, or of JSON lines; a line that is none is an empty record."""
    text = data.decode("utf-8-sig", "replace")
    if not text.lstrip().startswith(("{", "[")):
        try:
            yield from csv.DictReader(io.StringIO(text, newline=""))
        except csv.Error:
            yield {}  # what follows cannot be told into rows
        return
    for line in text.splitlines():
        if line.strip():
            try:
                record = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                record = {}
            yield record if isinstance(record, Mapping) else {}


def _judgement(record: Mapping[str, Any]) -> float | None:
    winner = _text(record, "winner").lower()
    if winner:
        return WINNERS.get(winner)
    value = record.get("d")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        d = float(value)
    except ValueError:
        return None
    return d if math.isfinite(d) and -1 <= d <= 1 else None


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _problem(file: str, row: int, code: str, expected: str) -> Problem:
    return Problem(
        source=SOURCE,
        file=file,
        row=row,
        code=code,
        message="The label is not used",
        expected=expected,
        next_step="Mend the row and import the file again.",
    )
