"""Writes docs/reference/offer.schema.json from the records; a test fails while the two differ."""

from __future__ import annotations

from pathlib import Path

from baseload.commit.offer_schema import offer_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "offer.schema.json"

if __name__ == "__main__":
    TARGET.write_bytes(offer_schema())
