"""A policy as the YAML people read: comments that say why, nothing that is empty, strings every YAML tool reads alike.

Written by hand because a library's writer keeps no comments; `read_policy` gives back what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.plan.policy import Entry, Policy

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_WORDS: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
"""Words that some YAML reader takes for something else than text."""
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_WIDTH: Final = 116
_EMPTY: Final[tuple[Any, ...]] = ("", None, (), {})

_HEAD: Final = (
    "What each workload runs on, as the plan decided it. The gateway consumes this file.",
    "To take one workload back, set its pin_original to true: nothing else has to change.",
    "Any other edit changes what is decided: delete policy_id then, and `baseload` computes the new one.",
    "Every key: docs/reference/policy.md.",
)


def write_policy(policy: Policy, comments: Mapping[str, Sequence[str]] | None = None) -> str:
    """The text of `policy.yaml`. `comments` are lines above a workload's entry, by workload id; they are not read."""
    said = comments or {}
    lines = [f"# {line}" for line in _HEAD]
    lines += [f"schema_version: {policy.schema_version}", f"policy_id: {scalar(policy.policy_id)}"]
    lines += [f"{name}: {scalar(value)}" for name, value in _dates(policy) if value]
    lines.append("entries:" if policy.entries else "entries: []")
    for entry in policy.entries:
        lines.append("")
        lines += [f"  # {part}" for text in said.get(entry.workload.id, ()) for part in _wrapped(text)]
        lines += _entry(entry)
    return "\n".join(lines) + "\n"


def scalar(value: str | int | bool) -> str:
    """A value as YAML: plain where it can only be text, else in double quotes.

    >>> scalar("claude-haiku-5-5"), scalar("no"), scalar("a: b"), scalar(True)
    ('claude-haiku-5-5', '"no"', '"a: b"', 'true')
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _dates(policy: Policy) -> tuple[tuple[str, str], ...]:
    return ("created", policy.created), ("prices_checked", policy.prices_checked)


def _entry(entry: Entry) -> Iterator[str]:
    """The lines of one list item: the decision and the way back always, the rest where it says something."""
    plain = msgspec.to_builtins(entry)
    kept = {
        name: value
        for name, value in plain.items()
        if name in ("workload", "match", "decision", "pin_original") or value not in _EMPTY
    }
    lines = list(_mapping(kept, "    "))
    yield "  - " + lines[0].lstrip()
    yield from lines[1:]


def _mapping(values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            inner = {key: one for key, one in value.items() if one not in _EMPTY}
            yield f"{indent}{scalar(name)}:" if inner else f"{indent}{scalar(name)}: {{}}"
            yield from _mapping(inner, indent + "  ")
        elif isinstance(value, tuple):
            yield from _list(name, value, indent)
        else:
            yield f"{indent}{scalar(name)}: {scalar(value)}"


def _list(name: str, values: Sequence[Any], indent: str) -> Iterator[str]:
    """A short list of text on its line, a long one an item a line, marks as one line each."""
    items = [_flow(value) if isinstance(value, dict) else scalar(value) for value in values]
    line = f"{indent}{name}: [{', '.join(items)}]"
    if len(line) <= _WIDTH and not any(isinstance(value, dict) for value in values):
        yield line
        return
    yield f"{indent}{name}:"
    yield from (f"{indent}  - {item}" for item in items)


def _flow(value: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{name}: {scalar(one)}" for name, one in value.items()) + "}"


def _wrapped(text: str) -> Iterator[str]:
    """A comment in lines of readable width; nothing in it can end the comment."""
    line = ""
    for word in "".join(char if char.isprintable() else " " for char in text).split():
        if line and len(line) + 1 + len(word) > _WIDTH - 4:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    if line:
        yield line


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
