"""What is wrong with an offer's file, in the words of the file: key, value, rule."""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from baseload.commit.contract import Contract
from baseload.commit.refusal import CommitError

SEE: Final = "docs/reference/offer.md"
MONEY_RULE: Final = "a plain number (2000000, 0.20): no currency sign, no thousands separator, shares as fractions"
_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_NAMED: Final = re.compile(r"field `([^`]{1,60})")


def refused(error: msgspec.ValidationError, content: dict[str, Any], name: str) -> CommitError:
    """The refusal that a conversion error stands for; `content` is the file with its clauses written out."""
    found = _PATH.search(str(error))
    path, said = (found[1], str(error)[: found.start()]) if found else ("", str(error))
    named = _NAMED.search(said)
    if named:
        field = ".".join(filter(None, (path, named[1])))
        keys = _keys(_type_at(path))
        if "missing" in said:
            return CommitError(field, "missing", f"all of what {path or 'an offer'} needs, see {SEE}", where=name)
        near = difflib.get_close_matches(named[1], keys, n=1)
        rule = f"{near[0]}, perhaps" if near else f"one of {', '.join(keys)}" if len(keys) < 12 else f"a key of {SEE}"
        return CommitError(field, "not a key", rule, where=name)
    return CommitError(path, _shown(_value_at(content, path)), _rule(said, path, content), where=name)


def _rule(said: str, path: str, content: dict[str, Any]) -> str:
    if "decimal" in said:
        value = _value_at(content, path)
        foreign = isinstance(value, str) and any(letter.isalpha() or letter in "$€£¥" for letter in value)
        return f"{MONEY_RULE}; every amount is in USD, currencies are not mixed" if foreign else MONEY_RULE
    allowed = _allowed(_type_at(path))
    if allowed:
        return f"one of {', '.join(allowed)}"
    for word, rule in (("int", "a whole number"), ("bool", "true or false"), ("array", "a list"), ("object", "keys")):
        if f"`{word}" in said:
            return f"{rule}, see {SEE}"
    return f"what {SEE} says"


def _value_at(content: Any, path: str) -> Any:
    for key, index in _STEP.findall(path):
        try:
            content = content[int(index)] if index else content[key]
        except (KeyError, IndexError, TypeError):
            return ""
    return content


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else "a mapping" if isinstance(value, dict) else "a list"


def _type_at(path: str) -> Any:
    """The declared type of a key, without what makes it optional or a list."""
    kind: Any = Contract
    for key, _ in _STEP.findall(path):
        if key:
            hints = typing.get_type_hints(kind) if _keys(kind) else {}
            kind = _inner(hints.get(key))
    return kind


def _inner(kind: Any) -> Any:
    """The record inside `X | None` or `tuple[X, ...]`."""
    parts = [part for part in typing.get_args(kind) if part not in (type(None), Ellipsis)]
    return parts[0] if len(parts) == 1 and typing.get_origin(kind) is not Literal else kind


def _keys(kind: Any) -> Sequence[str]:
    return tuple(kind.__struct_fields__) if hasattr(kind, "__struct_fields__") else ()


def _allowed(kind: Any) -> Sequence[str]:
    return tuple(map(str, typing.get_args(kind))) if typing.get_origin(kind) is Literal else ()
