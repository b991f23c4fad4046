"""Scores from a file: JSONL, one row a call, in order."""

from __future__ import annotations

import codecs
import json
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
    for number, line in enumerate(lines):
        text = line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
        if not text.strip():
            continue
        row += 1
        try:
            yield _difference(text)
        except UnicodeDecodeError as error:
            raise _Unreadable(row, "not UTF-8") from error
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise _Unreadable(row, str(error)[:120]) from error


def _difference(line: bytes) -> float:
    """The difference of one row. Raises ValueError, msgspec.DecodeError, RecursionError."""
    text = line.decode()  # fields that are not read are text too, or the file is not what it says
    found = msgspec.json.decode(line, type=_Row).d
    if not math.isfinite(found):
        raise ValueError("d is not finite")
    if json.loads(text, object_pairs_hook=_keys).count("d") > 1:
        raise ValueError("d is there twice")
    return found


def _keys(pairs: list[tuple[str, object]]) -> list[str]:
    return [key for key, _ in pairs]
