"""The JSON Schema of `offer.yaml`, made from the records so that it cannot drift from them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from baseload.commit.contract import Contract
from baseload.commit.offer import ALONE, REQUIRED

_NUMBER: Final = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9_]+(\.[0-9]+)?$"}]}


def offer_schema() -> bytes:
    """JSON Schema 2020-12, indented, with a final newline: the shape of the file once its YAML is read.

    What no schema can say is in the records and in docs/reference/offer.md: bands that increase, a ramp as long as the
    term, clauses that exclude each other.
    """
    (root,), parts = msgspec.json.schema_components([Contract], ref_template="#/$defs/{name}")
    parts = _numbers(parts)
    keys = parts["Contract"]["properties"]
    for clause in ALONE:
        keys[clause] = {"anyOf": [keys[clause], {"type": ["string", "number"]}]}
    keys["commit_usd_by_year"] = {"anyOf": [keys["commit_usd_by_year"], _NUMBER]}
    parts["Contract"]["required"] = list(REQUIRED)
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Baseload offer",
        "description": "offer.yaml: what a vendor offered, or what was signed, as `baseload commit` reads it.",
        **root,
        "$defs": parts,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _numbers(node: Any) -> Any:
    """Decimals are numbers, or text of digits, in the file; defaults likewise."""
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            return {**{key: value for key, value in node.items() if key not in ("type", "format")}, **_NUMBER}
        return {key: _numbers(value) for key, value in node.items()}
    return [_numbers(one) for one in node] if isinstance(node, list) else node
