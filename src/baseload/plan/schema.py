"""The JSON Schema of a document, made from the records themselves so that it cannot drift from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from baseload.plan.document import SCHEMA, PlanDocument

CENTS = r"^-?\d+\.\d{2}$"
DAY = r"^\d{4}-\d{2}-\d{2}$"
_DAYS = frozenset({"start", "end_exclusive", "as_of", "checked", "prices_of", "gone_before", "gone_after"})


def plan_schema() -> bytes:
    """The schema of the plan document; money is whole cents."""
    return document_schema(PlanDocument, SCHEMA, "What `baseload plan --json` prints.", money=CENTS, days=_DAYS)


def document_schema(
    document: type[msgspec.Struct], schema: str, description: str, *, money: str, days: Collection[str]
) -> bytes:
    """JSON Schema 2020-12 of a document's record, indented, with a final newline.

    Tighter than the Python types: every field is present, `usd` fields are decimal strings of the pattern `money`, text
    fields named in `days` are `YYYY-MM-DD`.
    """
    (root,), parts = msgspec.json.schema_components([document], ref_template="#/$defs/{name}")
    for part in parts.values():
        part["required"] = list(part.get("properties", {}))
        for name, kind in part.get("properties", {}).items():
            is_money = name == "usd" or name.endswith("_usd")
            _tighten(kind, money if is_money else DAY if name in days else "")
    parts[document.__name__]["properties"]["schema"] = {"const": schema}
    whole: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": schema,
        "description": description,
        **root,
        "$defs": parts,
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"


def _tighten(kind: dict[str, Any], pattern: str) -> None:
    """Say of a text field what its name promises, in place; a default is dropped, because every field is written."""
    kind.pop("default", None)
    for option in kind.get("anyOf", [kind]) if pattern else []:
        if option.get("type") == "string":
            option["pattern"] = pattern
