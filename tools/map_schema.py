"""Writes docs/reference/map.schema.json from the records; a test fails while the two differ."""

from __future__ import annotations

from pathlib import Path

from baseload.report.schema import map_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "map.schema.json"

if __name__ == "__main__":
    TARGET.write_bytes(map_schema())
