"""The JSON Schema of `policy.yaml`, made from the records so that it cannot drift from them."""

from __future__ import annotations

from typing import Any

import msgspec

from baseload.plan.policy import SCHEMA_VERSION, Policy

_REQUIRED = {"Policy": ["schema_version", "entries"], "Entry": ["workload"]}
"""Beyond what has no default: a file that leaves these out is refused."""


def policy_schema() -> bytes:
    """JSON Schema 2020-12, indented, with a final newline: the shape of the file once its YAML is read.

    What no schema can say is in `plan.policy` and in docs/reference/policy.md: the order of cache marks, what each
    decision needs, one entry a workload.
    """
    (root,), parts = msgspec.json.schema_components([Policy], ref_template="#/$defs/{name}")
    for name, required in _REQUIRED.items():
        parts[name]["required"] = sorted({*parts[name].get("required", []), *required})
    parts["Policy"]["properties"]["schema_version"] = {"const": SCHEMA_VERSION}
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Baseload policy",
        "description": "policy.yaml: what `baseload plan` decided for each workload, as the gateway consumes it.",
        **root,
        "$defs": parts,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
