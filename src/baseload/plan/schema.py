"""The JSON Schema of the plan document, made from the records themselves so that it cannot drift from them."""

from __future__ import annotations

from typing import Any

import msgspec

from baseload.plan.document import SCHEMA, PlanDocument

DECIMAL = r"^-?\d+\.\d{2}$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
_DAYS = {"start", "end_exclusive", "as_of", "checked", "prices_of", "gone_before", "gone_after"}


def plan_schema() -> bytes:
    """JSON Schema 2020-12, indented, with a final newline.

    Tighter than the Python types: every field is present, money is a decimal string of whole cents, days are
    `YYYY-MM-DD`.
    """
    (root,), parts = msgspec.json.schema_components([PlanDocument], ref_template="#/$defs/{name}")
    for part in parts.values():
        part["required"] = list(part.get("properties", {}))
        for name, kind in part.get("properties", {}).items():
            _tighten(name, kind)
    parts["PlanDocument"]["properties"]["schema"] = {"const": SCHEMA}
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        "description": "What `baseload plan --json` prints.",
        **root,
        "$defs": parts,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _tighten(name: str, kind: dict[str, Any]) -> None:
    """Say of a text field what its name promises, in place; a default is dropped, because every field is written."""
    kind.pop("default", None)
    pattern = DECIMAL if name == "usd" or name.endswith("_usd") else DAY if name in _DAYS else ""
    for option in kind.get("anyOf", [kind]) if pattern else []:
        if option.get("type") == "string":
            option["pattern"] = pattern
