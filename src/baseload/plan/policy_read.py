"""Reading `policy.yaml`: a safe subset of YAML, every mistake named by file, line or key path, value and next step.

People write this file and machines serve it, so it is read as hostile: no tags, no aliases (and so no bombs), no key
twice, bounded size and depth. Every scalar is read as text; its meaning comes from the field it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from baseload.plan.policy import Policy, PolicyError, policy_id

MOST_BYTES: Final = 16 * 1024 * 1024
MOST_DEPTH: Final = 10
"""A policy nests six deep; more is a mistake or an attack."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C parser is ten times faster where it is built in
_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_ENUM: Final = re.compile(r"Invalid enum value '.*'", re.DOTALL)
_LONG: Final = re.compile(r"(`[^`]{60})[^`]*", re.DOTALL)
"""A name in backticks that is longer than any key."""
_SEE: Final = "See docs/reference/policy.md."


def read_policy(data: bytes, name: str = "policy.yaml") -> Policy:
    """The policy a file holds, its `policy_id` checked, or computed where the file leaves it out.

    Raises PolicyError.
    """
    content = _content(data, name)
    if not isinstance(content, dict):
        raise PolicyError(f"{name}: {_kind(content)}; expected a mapping with schema_version and entries. {_SEE}")
    for required in ("schema_version", "entries"):
        if required not in content:
            raise PolicyError(f"{name}: no {required}; expected one at the top level. {_SEE}")
    if content["schema_version"] != "1":
        raise PolicyError(f"{name}: schema_version: {_shown(content['schema_version'])}; expected 1. {_SEE}")
    try:
        found = msgspec.convert({**content, "schema_version": 1}, Policy, strict=False)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{name}: {_explained(str(error), content)}. {_SEE}") from error
    return _identified(found, name)


def _identified(found: Policy, name: str) -> Policy:
    computed = policy_id(found)
    if found.policy_id not in ("", computed):
        raise PolicyError(
            f"{name}: policy_id: {_shown(found.policy_id)}, and what the file decides hashes to {computed}. "
            f"Somebody changed it by hand: if you agree with the change, delete the line policy_id."
        )
    return msgspec.structs.replace(found, policy_id=computed)


def _content(data: bytes, name: str) -> Any:
    if len(data) > MOST_BYTES:
        raise PolicyError(f"{name}: {len(data):,} bytes; expected at most {MOST_BYTES:,}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: not UTF-8 at byte {error.start}; save it as UTF-8") from error
    try:
        return _Reader(yaml.parse(text, Loader=_LOADER), name).document()
    except yaml.YAMLError as error:
        raise PolicyError(f"{name}: not readable as YAML: {_problem(error)}") from error


def _problem(error: yaml.YAMLError) -> str:
    """What is wrong and on which line, without the text around it."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark else ""
    return f"{where}{getattr(error, 'problem', None) or type(error).__name__}. {_SEE}"


class _Reader:
    """Plain values from YAML events: mappings, lists and text, and nothing else that YAML can say."""

    def __init__(self, events: Iterator[Any], name: str) -> None:
        self._events = events
        self._name = name

    def document(self) -> Any:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise PolicyError(f"{self._name}: empty; expected schema_version and entries. {_SEE}")
        value = self._value(next(self._events), 0)
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error(after, "a second document; expected one")
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            raise self._error(event, "an alias (*); expected the values written out")
        if event.anchor is not None:
            raise self._error(event, "an anchor (&); expected the values written out")
        if event.tag is not None:
            raise self._error(event, f"the tag {event.tag[:60]!r}; expected plain values")
        if depth > MOST_DEPTH:
            raise self._error(event, f"nested more than {MOST_DEPTH} deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return event.value

    def _sequence(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str):
                raise self._error(event, f"{_kind(key)} as a key; expected text")
            if key in found:
                raise self._error(event, f"the key {key[:60]!r} is given twice")
            found[key] = self._value(next(self._events), depth + 1)
        return found

    def _error(self, event: Any, what: str) -> PolicyError:
        return PolicyError(f"{self._name}: line {event.start_mark.line + 1}: {what}. {_SEE}")


def _explained(message: str, content: Any) -> str:
    """The complaint with its key path first and the value beside it."""
    found = _PATH.search(message)
    if not found:
        return message
    value: Any = content
    for key, index in _STEP.findall(found[1]):
        try:
            value = value[int(index)] if index else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            break
    said = _ENUM.sub("not a value of this key", message[: found.start()])
    said = _LONG.sub(r"\1…", said).replace("`array`", "a list").replace("`object`", "a mapping")
    return f"{found[1]}: {_shown(value)}; {said}" if isinstance(value, str) else f"{found[1]}: {said}"


def _shown(value: Any) -> str:
    return repr(value[:60]) if isinstance(value, str) else _kind(value)


def _kind(value: Any) -> str:
    """What a value is, without showing it."""
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else "text"
