"""Numbered steps from every older ledger schema to this one; each is applied while reading, `migrate` makes it last.

To change the schema: raise SCHEMA_VERSION by one and append the step from the version before. A step says how an
older manifest becomes a newer one, and how a SELECT over older call rows gives newer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from baseload.errors import LedgerVersion

SCHEMA_VERSION: Final = 1


class Upgrade(NamedTuple):
    """From `version` to `version + 1`."""

    version: int
    manifest: Callable[[dict[str, Any]], dict[str, Any]]
    columns: Mapping[str, str]
    """Columns that are new or changed: name -> portable SQL expression over the older columns."""


UPGRADES: Final[tuple[Upgrade, ...]] = ()


def upgraded(manifest: dict[str, Any], newest: int = SCHEMA_VERSION) -> dict[str, Any]:
    """A raw manifest in this version's form. Raises LedgerVersion when it is newer or no step leads here."""
    version = manifest.get("schema_version", 0)
    if version > newest:
        raise LedgerVersion(
            f"schema version is {version}, this Baseload knows up to {newest}. Upgrade Baseload, or import afresh."
        )
    steps = {step.version: step for step in UPGRADES}
    while version < newest:
        if version not in steps:
            raise LedgerVersion(f"schema version is {version} and nothing leads from it to {newest}; import afresh.")
        manifest = steps[version].manifest(manifest)
        version += 1
    return {**manifest, "schema_version": newest}


def upgrade_sql(relation: str, version: int, columns: Sequence[str]) -> str:
    """A SELECT of `columns` in this version's form from `relation`, a FROM item whose rows have an older schema."""
    expressions: dict[str, str] = {}
    for step in UPGRADES:
        if step.version >= version:
            expressions |= step.columns
    listed = ", ".join(f"{expressions[name]} AS {name}" if name in expressions else name for name in columns)
    return f"SELECT {listed} FROM {relation}"
