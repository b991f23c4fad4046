"""Typed comparison of two records, leaf by leaf: numbers by tolerance, dates by day, text by its plain form.

A leaf is a value that is neither a filled object nor a filled list. Null is a value: it is not the same as missing.
Lists are sets unless a rule says otherwise: equal elements find each other, the rest is matched as well as can be (past
60 elements of a side, in order).
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any, Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.graders.matching import MOST, best_total
from baseload.quality.graders.normal import plain, same_value

Kind = Literal["auto", "number", "date", "text", "exact", "ordered"]
MOST_FUZZY_CHARS: Final = 2_000
DEEPEST: Final = 50


class FieldRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the leaves at and below one path are compared.

    "auto" goes by the reference: numbers by tolerance, ISO dates by day or moment, text by its plain form. "number" and
    "date" also read text ("1,234.50"); "exact" is JSON equality; "ordered" is a list whose order counts. `tolerance` is
    the largest difference, `relative` the same as a share of the reference; the larger counts. `similarity` 0.9 takes
    text of nine tenths the same characters for equal, 1 = plain forms must be equal. `critical` fields must be right
    for any score at all.
    """

    kind: Kind = "auto"
    tolerance: float = 0.0
    relative: float = 0.0
    similarity: float = 1.0
    critical: bool = False

    def __post_init__(self) -> None:
        if not (self.tolerance >= 0 and self.relative >= 0 and 0 < self.similarity <= 1):
            raise UsageError("a field rule: expected tolerances of 0 or more and a similarity above 0, at most 1")


Rules = Mapping[str, FieldRule]
"""Path -> rule: "total", "lines.price" (a list's elements have its path); a longer path wins, "" is for all."""
_DEFAULT: Final = FieldRule()


class FieldScore(msgspec.Struct, frozen=True, kw_only=True):
    """Leaves right, and leaves there are on both sides. `critical_wrong` names critical paths that are not right."""

    right: float
    expected: int
    found: int
    critical_wrong: tuple[str, ...] = ()

    @property
    def f1(self) -> float:
        """2 right / (expected + found); two empty records agree."""
        total = self.expected + self.found
        return 2 * self.right / total if total else 1.0


def compare(expected: Any, found: Any, rules: Rules | None = None) -> FieldScore:
    """How much of the expected record was found. Raises UsageError on a reference nested beyond reason."""
    rules = rules or {}
    if not _is_shallow(expected):
        raise UsageError(f"a reference is nested more than {DEEPEST} deep")
    if not _is_shallow(found):
        return FieldScore(right=0, expected=_leaves(expected), found=1, critical_wrong=("",) if rules else ())
    return FieldScore(
        right=_right(expected, found, "", rules),
        expected=_leaves(expected),
        found=_leaves(found),
        critical_wrong=tuple(
            sorted(path for path, rule in rules.items() if rule.critical and not _all(expected, found, path, rules))
        ),
    )


def _all(expected: Any, found: Any, path: str, rules: Rules) -> bool:
    """Everything at a path is right, and nothing is there that is not expected."""
    ours, theirs = (_narrowed(side, path.split(".") if path else []) for side in (expected, found))
    right = _right(ours, theirs, "", rules)
    return _leaves(ours) == _leaves(theirs) and right > _leaves(ours) - 1e-9


def _narrowed(value: Any, path: Sequence[str]) -> Any:
    """The record with nothing in it but what leads to a path."""
    if isinstance(value, list):
        return [_narrowed(element, path) for element in value]
    if not path or not isinstance(value, Mapping):
        return value
    return {path[0]: _narrowed(value[path[0]], path[1:])} if path[0] in value else {}


def _right(expected: Any, found: Any, path: str, rules: Rules) -> float:
    """Leaves that are right, lists matched so that they are as many as can be."""
    rule = _rule(path, rules)
    if rule.kind == "exact":
        return float(_leaves(expected)) if same_value(expected, found) else 0.0
    if isinstance(expected, Mapping) and isinstance(found, Mapping) and expected and found:
        below = f"{path}." if path else ""
        return sum(_right(expected[key], found[key], below + key, rules) for key in expected if key in found)
    if isinstance(expected, list) and isinstance(found, list) and expected and found:
        return _right_elements(expected, found, path, rules)
    return 1.0 if same_leaf(expected, found, rule) else 0.0


def _right_elements(expected: list[Any], found: list[Any], path: str, rules: Rules) -> float:
    if _rule(path, rules).kind == "ordered":
        return sum(_right(ours, theirs, path, rules) for ours, theirs in zip(expected, found, strict=False))
    right, expected, found = _equal_apart(expected, found)
    if max(len(expected), len(found)) > MOST:
        return right + sum(_right(ours, theirs, path, rules) for ours, theirs in zip(expected, found, strict=False))
    return right + best_total([[_right(ours, theirs, path, rules) for theirs in found] for ours in expected])


def _equal_apart(expected: list[Any], found: list[Any]) -> tuple[float, list[Any], list[Any]]:
    """Leaves of elements that stand on both sides word for word, and what is left of each side to be matched."""
    waiting: dict[str, list[int]] = {}
    for place, theirs in enumerate(found):
        waiting.setdefault(json.dumps(theirs, sort_keys=True), []).append(place)
    right, left, taken = 0, [], set()
    for ours in expected:
        places = waiting.get(json.dumps(ours, sort_keys=True))
        if places:
            taken.add(places.pop())
            right += _leaves(ours)
        else:
            left.append(ours)
    return float(right), left, [theirs for place, theirs in enumerate(found) if place not in taken]


def same_leaf(expected: Any, found: Any, rule: FieldRule = _DEFAULT) -> bool:
    """Two values are the same by the rule. Null is only null, true never 1, text no number unless read as one."""
    if expected is None or found is None or isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, (Mapping, list)) or isinstance(found, (Mapping, list)):
        return same_value(expected, found)
    if rule.kind == "number":
        return _close(_number(expected), _number(found), rule)
    if isinstance(expected, str) != isinstance(found, str):
        return False
    if not isinstance(expected, str):
        return _close(_number(expected), _number(found), rule)
    if rule.kind == "date" or (rule.kind == "auto" and _moment(expected) is not None):
        moment = _moment(expected)
        return moment is not None and _moment(found) == moment
    return _alike(plain(expected), plain(found), rule.similarity)


def _close(a: Decimal | None, b: Decimal | None, rule: FieldRule) -> bool:
    if a is None or b is None:
        return False
    return abs(a - b) <= max(Decimal(repr(rule.tolerance)), Decimal(repr(rule.relative)) * abs(a))


def _number(value: Any) -> Decimal | None:
    """A finite number, also of text with thousands commas; None for anything else."""
    text = value.replace(",", "").strip() if isinstance(value, str) else repr(value)
    if len(text) > 400 or (isinstance(value, float) and not math.isfinite(value)):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 400 else None


def _moment(text: str) -> dt.date | dt.datetime | None:
    """An ISO date, or a moment in UTC; None for other text. A moment without a zone is another than one with."""
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError:
        pass
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _alike(a: str, b: str, similarity: float) -> bool:
    if a == b or similarity == 1 or max(len(a), len(b)) > MOST_FUZZY_CHARS:
        return a == b
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= similarity


def _leaves(value: Any) -> int:
    if isinstance(value, Mapping) and value:
        return sum(map(_leaves, value.values()))
    return sum(map(_leaves, value)) if isinstance(value, list) and value else 1


def _rule(path: str, rules: Rules) -> FieldRule:
    """The rule of the longest path that leads here."""
    while path and path not in rules:
        path = path.rpartition(".")[0]
    return rules.get(path, _DEFAULT)


def _is_shallow(value: Any, left: int = DEEPEST) -> bool:
    if isinstance(value, Mapping):
        return left > 0 and all(_is_shallow(inner, left - 1) for inner in value.values())
    return not isinstance(value, list) or (left > 0 and all(_is_shallow(inner, left - 1) for inner in value))
