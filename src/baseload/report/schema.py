"""The JSON Schema of `map.json`, made from the records themselves so that it cannot drift from them."""

from __future__ import annotations

from baseload.plan.schema import document_schema
from baseload.report.document import SCHEMA, MapDocument

DECIMAL = r"^-?\d+\.\d{2,9}$"
_DAYS = frozenset({"day", "start", "end_exclusive", "as_of", "checked"})


def map_schema() -> bytes:
    """The schema of the map document; money has up to nine decimals."""
    description = "What `baseload map --json` prints and every report folder holds as map.json."
    return document_schema(MapDocument, SCHEMA, description, money=DECIMAL, days=_DAYS)
