"""OTLP in its JSON form: documents of resources, scopes and records, one document a line or one a file.

proto3 JSON writes 64-bit integers as text, real exporters also as numbers or as plain text attributes
(usage-sources 2.5 and 2.11): `count` takes them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from baseload.usage.fields import BadRecord, checked_int, epoch_field
from baseload.usage.reader import SourceFile
from baseload.usage.rows import Row, json_rows
from baseload.values import Problem

NANOSECONDS: Final = 1_000_000_000
_NESTED: Final = {"resourceLogs": ("scopeLogs", "logRecords"), "resourceSpans": ("scopeSpans", "spans")}
_OWN_RESOURCE: Final = ("service.", "telemetry.", "os.", "host.", "process.", "container.", "k8s.", "cloud.", "wsl.")
"""Resource attributes that SDKs and detectors set; what else is there the operator set on purpose."""


class Entry(NamedTuple):
    """One log record or span with its surroundings; `row` is the line of its document."""

    row: int
    resource: Mapping[str, Any]
    scope: str
    record: Mapping[str, Any]
    attributes: Mapping[str, Any]


def entries(file: SourceFile, source: str, kind: str, *, whole: bool = True) -> Iterator[Entry | Problem]:
    """Every record of `kind` (resourceLogs or resourceSpans) in the file; other kinds of documents are passed over.

    `whole` as in `json_rows`: False for a file that a collector goes on writing, whatever its name.
    """
    for row in json_rows(file, source, whole=whole):
        if not isinstance(row, Row):
            yield row
            continue
        try:
            yield from list(_entries_of(row, kind))
        except BadRecord as bad:
            yield bad.problem(source, file.path, row.number)


def _entries_of(row: Row, kind: str) -> Iterator[Entry]:
    scopes_name, records_name = _NESTED[kind]
    for resource in _objects(row.record, kind):
        described = resource.get("resource")
        about = attributes_of(described.get("attributes")) if isinstance(described, Mapping) else {}
        for scope in _objects(resource, scopes_name):
            named = scope.get("scope")
            name = named.get("name") if isinstance(named, Mapping) else None
            for record in _objects(scope, records_name):
                own = attributes_of(record.get("attributes"))
                yield Entry(row.number, about, name if isinstance(name, str) else "", record, own)


def _objects(parent: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The list under `name`; BadRecord when it holds anything but objects."""
    value = parent.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise BadRecord("not-otlp", f"{name} is not a list of objects", value=value, expected="OTLP JSON")
    return value


def attributes_of(pairs: object) -> dict[str, Any]:
    """OTLP key-value pairs as a plain dict; pairs of another shape are passed over."""
    found: dict[str, Any] = {}
    for pair in pairs if isinstance(pairs, list) else ():
        if isinstance(pair, Mapping) and isinstance(pair.get("key"), str):
            found[pair["key"]] = value_of(pair.get("value"))
    return found


def value_of(value: object) -> Any:
    """The plain value of an OTLP AnyValue; integers written as text stay text until `count` reads them."""
    if not isinstance(value, Mapping):
        return None
    for name in ("stringValue", "intValue", "doubleValue", "boolValue", "bytesValue"):
        if name in value:
            return value[name]
    array, pairs = value.get("arrayValue"), value.get("kvlistValue")
    if isinstance(array, Mapping):
        items = array.get("values")
        return [value_of(item) for item in items] if isinstance(items, list) else []
    return attributes_of(pairs.get("values")) if isinstance(pairs, Mapping) else None


def count(attributes: Mapping[str, Any], *names: str) -> int | None:
    """The first of these attributes that is present, as a count; None when none is. Raises BadRecord."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return checked_int(value, name, text=True)
    return None


def shape_count(attributes: Mapping[str, Any], *names: str) -> int | None:
    """`count` for what only describes a call: None where it cannot be read."""
    try:
        return count(attributes, *names)
    except BadRecord:
        return None


def text(attributes: Mapping[str, Any], *names: str) -> str:
    """The first of these attributes that holds text."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def moment(record: Mapping[str, Any], *names: str) -> int | None:
    """UTC microseconds of the first of these fields that is set (nanoseconds since 1970, 0 = unset)."""
    for name in names:
        value = record.get(name)
        if value not in (None, "", 0, "0"):
            return epoch_field(value, name, per_second=NANOSECONDS)
    return None


def resource_tags(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Resource attributes the operator set (OTEL_RESOURCE_ATTRIBUTES): team, cost centre, environment."""
    return {
        name: value
        for name, value in resource.items()
        if isinstance(value, str | int | float) and value != "" and not name.startswith(_OWN_RESOURCE)
    }
