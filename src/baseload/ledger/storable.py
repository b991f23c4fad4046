"""What no ledger can hold: text that is not Unicode, numbers past 64 bits. Mended or refused, never an exception.

File names on POSIX are bytes; Python shows those that are not UTF-8 with lone surrogates, which no file format takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from baseload.ledger.columns import TEXT
from baseload.values import CALL_FIELDS, Call, Problem

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1


def clean_text(text: str) -> str:
    r"""The text itself; where it holds lone surrogates, these as escapes.

    >>> clean_text("caf\udce9.jsonl")
    'caf\\udce9.jsonl'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def clean_problem(problem: Problem) -> Problem:
    """The problem with every text storable."""
    changes = {name: clean_text(value) for name, value in msgspec.structs.asdict(problem).items() if name != "row"}
    return msgspec.structs.replace(problem, **changes)


def storable(calls: Iterable[Call]) -> tuple[list[Call], list[Problem]]:
    """The calls with their texts mended, and one problem for each that holds a number past 64 bits."""
    kept: list[Call] = []
    refused: list[Problem] = []
    for call in calls:
        too_large = _first_too_large(call)
        if too_large:
            refused.append(clean_problem(_refusal(call, too_large)))
        else:
            kept.append(_mended(call))
    return kept, refused


def _first_too_large(call: Call) -> str:
    for name in CALL_FIELDS:
        value: Any = getattr(call, name)
        if isinstance(value, int) and not _LEAST <= value <= _MOST:
            return name
    return ""


def _refusal(call: Call, field: str) -> Problem:
    return Problem(
        source=call.source,
        file=call.source_file,
        row=call.source_row if _LEAST <= call.source_row <= _MOST else 0,
        code="number-too-large",
        message=f"{field} does not fit 64 bits; the record is left out",
        value=f"{len(str(abs(getattr(call, field))))} digits",
        expected=f"an integer from {_LEAST} to {_MOST}",
        next_step="Look at the record in its source; no usage is that large.",
    )


def _mended(call: Call) -> Call:
    changes = {}
    for name in TEXT:
        value = getattr(call, name)
        clean = clean_text(value)
        if clean != value:
            changes[name] = clean
    return msgspec.structs.replace(call, **changes) if changes else call
