"""Records as TOML that reads back as the same record: what differs from the defaults, and nothing else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


def table_lines(header: str, record: msgspec.Struct, *, listed: bool = False) -> Iterator[str]:
    """A table `[header]`, or one of `[[header]]`, and below it the tables inside it."""
    yield f"[[{header}]]" if listed else f"[{header}]"
    below: list[tuple[str, Any]] = []
    tag = record.__struct_config__.tag
    if tag is not None:
        yield f"{record.__struct_config__.tag_field} = {value_text(tag)}"
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if value is None or _is_default(field, value):
            continue
        if _is_table(value):
            below.append((f"{header}.{field.name}", value))
        else:
            yield f"{field.name} = {value_text(value)}"
    for name, value in below:
        yield from _tables(name, value)


def value_text(value: Any) -> str:
    """A TOML value. JSON's text escapes are TOML's, but for DEL."""
    if isinstance(value, str):
        return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{value_text(key)} = {value_text(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return repr(value)


def _tables(header: str, value: Any) -> Iterator[str]:
    if isinstance(value, msgspec.Struct):
        yield from table_lines(header, value)
    elif isinstance(value, tuple):
        for item in value:
            yield from table_lines(header, item, listed=True)
    else:
        for key, item in value.items():
            yield from table_lines(f"{header}.{value_text(key)}", item)


def _is_table(value: Any) -> bool:
    """A record, or a list or a mapping of records."""
    if isinstance(value, Mapping):
        return any(isinstance(item, msgspec.Struct) for item in value.values())
    if isinstance(value, tuple):
        return any(isinstance(item, msgspec.Struct) for item in value)
    return isinstance(value, msgspec.Struct)


def _is_default(field: msgspec.structs.FieldInfo, value: Any) -> bool:
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(value == field.default_factory())
    return bool(field.default is not msgspec.NODEFAULT and value == field.default)
