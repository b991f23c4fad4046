"""The reference of `close` knows every field of its document and every line of its bridge."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from baseload.plan.close.bridge import LINES
from baseload.plan.close.document import SCHEMA, CloseDocument
from baseload.plan.close.lines import LABELS


def page(root: Path, name: str) -> str:
    return (root / "docs" / name).read_text(encoding="utf-8")


def test_every_field_is_in_the_reference(root: Path) -> None:
    _, parts = msgspec.json.schema_components([CloseDocument])
    names = {name for part in parts.values() for name in part.get("properties", {})}
    said = set(re.findall(r"`(?:[a-z]+\.)?([a-z_0-9]+)(?:\[\])?`", page(root, "reference/close.md")))

    problem = {"source", "file", "row", "code", "message", "value", "expected", "next_step"}  # on their own page
    assert names - said - problem == {"schema"}
    assert SCHEMA in page(root, "reference/close.md")


def test_every_line_has_a_label_and_is_documented(root: Path) -> None:
    reference = page(root, "reference/close.md")
    assert list(LABELS) == list(LINES)
    assert [line for line in LINES if f"`{line}`" not in reference] == []
