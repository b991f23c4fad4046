"""The JSON contract: the schema file and its page say what the program writes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from map_fixture import MAPS

from baseload.report.schema import DECIMAL, map_schema


def definitions() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(map_schema())["$defs"]
    return found


def faults(value: Any, kind: dict[str, Any], parts: dict[str, Any], where: str = "$") -> list[str]:
    """What in `value` contradicts the schema: the few keywords this schema uses, written out."""
    if "$ref" in kind:
        return faults(value, parts[kind["$ref"].rsplit("/", 1)[1]], parts, where)
    if "anyOf" in kind:
        tried = [faults(value, option, parts, where) for option in kind["anyOf"]]
        return [] if [] in tried else tried[0]
    if "const" in kind:
        return [] if value == kind["const"] else [f"{where}: {value!r} is not {kind['const']!r}"]
    types = {
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
        "array": list,
        "object": dict,
    }
    if not isinstance(value, types[kind["type"]]) or (isinstance(value, bool) and kind["type"] != "boolean"):
        return [f"{where}: {value!r} is no {kind['type']}"]
    if isinstance(value, str) and not re.search(kind.get("pattern", ""), value):
        return [f"{where}: {value!r} does not match {kind['pattern']}"]
    if isinstance(value, list):
        return [
            fault for at, item in enumerate(value) for fault in faults(item, kind["items"], parts, f"{where}[{at}]")
        ]
    if isinstance(value, dict):
        known = kind.get("properties", {})
        missing = [f"{where}: no {name}" for name in kind.get("required", []) if name not in value]
        extra = kind.get("additionalProperties")
        inner = [
            fault
            for name, one in value.items()
            for fault in faults(one, known.get(name, extra), parts, f"{where}.{name}")
        ]
        return missing + inner
    return []


def test_the_schema_file_is_current(root: Path) -> None:
    written = (root / "docs" / "reference" / "map.schema.json").read_bytes()

    assert written == map_schema(), "run `python tools/map_schema.py` and review the change: it is a public contract"


@pytest.mark.parametrize("name", sorted(MAPS))
def test_every_document_keeps_the_schema(name: str) -> None:
    value = json.loads(msgspec.json.encode(MAPS[name]()))

    assert faults(value, {"$ref": "#/$defs/MapDocument"}, definitions()) == []


def test_the_schema_refuses_what_it_must() -> None:
    value = json.loads(msgspec.json.encode(MAPS["company"]()))
    value["totals"]["list_usd"] = 1047818.1  # a float is not exact
    value["window"]["start"] = "26 May"
    del value["headline"]["status"]
    value["schema"] = "baseload.map/2"

    found = " ".join(faults(value, {"$ref": "#/$defs/MapDocument"}, definitions()))
    for expected in ("$.totals.list_usd", "$.window.start", "no status", "'baseload.map/2' is not 'baseload.map/1'"):
        assert expected in found


def test_every_money_field_is_a_decimal_string_and_every_field_is_required() -> None:
    for name, part in definitions().items():
        assert part["required"] == list(part["properties"]), name
        for field, kind in part["properties"].items():
            if field.endswith("_usd") and field != "daily_usd":
                options = kind.get("anyOf", [kind])
                assert [option.get("pattern") for option in options if option["type"] == "string"] == [DECIMAL], field


def test_the_page_about_the_json_names_every_field(root: Path) -> None:
    page = (root / "docs" / "reference" / "json.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z0-9_]+)(?:\[\])?`", page))
    fields = {field for part in definitions().values() for field in part["properties"]}

    assert fields - named == set()
