"""Writes docs/reference/plan.schema.json from the records; a test fails while the two differ."""

from __future__ import annotations

from pathlib import Path

from baseload.plan.schema import plan_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "plan.schema.json"

if __name__ == "__main__":
    TARGET.write_bytes(plan_schema())
