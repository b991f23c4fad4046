"""Writes docs/reference/policy.schema.json from the records; a test fails while the two differ."""

from __future__ import annotations

from pathlib import Path

from baseload.plan.policy_schema import policy_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "policy.schema.json"

if __name__ == "__main__":
    TARGET.write_bytes(policy_schema())
