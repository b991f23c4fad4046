"""Scores from a file: JSONL, one row a call, in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import msgspec

from baseload.quality.betting import Rule
from baseload.quality.decide import Decision, decide, invalid

_EXPECTED = '{"d": a number from -1 to 1}'


class _Row(msgspec.Struct):
    d: float


class _Unreadable(Exception):
    def __init__(self, row: int, why: str) -> None:
        super().__init__(f"row {row}: {why}; expected {_EXPECTED}")
        self.row = row


def decide_lines(lines: Iterable[bytes], rule: Rule) -> Decision:
    """The verdict on rows of JSON, each with its difference under `d`; empty lines are no rows.

    A row that cannot be read makes the verdict INVALID, unless the test had stopped before it.
    """
    try:
        return decide(_differences(lines), rule)
    except _Unreadable as error:
        return invalid(rule, error.row - 1, str(error))


def _differences(lines: Iterable[bytes]) -> Iterator[float]:
    row = 0
    for line in lines:
        if not line.strip():
            continue
        row += 1
        try:
            found = msgspec.json.decode(line, type=_Row).d
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _Unreadable(row, str(error)[:120]) from error
        if not math.isfinite(found):
            raise _Unreadable(row, "d is not finite")
        yield found
