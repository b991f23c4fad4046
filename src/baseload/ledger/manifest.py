"""The one file that says what a ledger holds; replaced atomically, so that a reader sees all of a commit or nothing."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from baseload.errors import LedgerError, LedgerVersion
from baseload.ledger.upgrades import SCHEMA_VERSION, upgraded
from baseload.usage.marks import FileMark

MANIFEST_NAME: Final = "manifest.json"
_DATA_NAME = re.compile(
    r"(?:calls|cells|superseded|problems)-[0-9a-f]{32}\.(?:parquet|json)|manifest-[0-9a-f]{32}\.tmp"
)


class CallFile(msgspec.Struct, frozen=True, kw_only=True):
    """One immutable Parquet file of calls."""

    name: str
    rows: int
    min_day: int
    max_day: int  # inclusive
    has_calls: bool  # at least one row of grain "call"
    has_aggregates: bool
    schema_version: int = SCHEMA_VERSION


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a ledger holds. Files not named here do not exist for a reader."""

    schema_version: int = SCHEMA_VERSION
    next_row_id: int = 0
    calls: tuple[CallFile, ...] = ()
    cells: tuple[str, ...] = ()  # Parquet: the cell dimension, in parts
    superseded: str = ""  # Parquet: row ids that a better copy replaced; "" when there are none
    superseded_rows: int = 0
    problems: str = ""  # JSON: source file -> its problems; "" when there are none
    marks: dict[str, FileMark] = msgspec.field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Names of every data file the ledger consists of."""
        return frozenset((*(file.name for file in self.calls), *self.cells, self.superseded, self.problems)) - {""}

    @property
    def rows(self) -> int:
        """Calls and buckets that count: stored rows less superseded ones."""
        return sum(file.rows for file in self.calls) - self.superseded_rows


def read_manifest(root: Path) -> Manifest | None:
    """The ledger's manifest, brought to this version's form; None where there is no ledger.

    Raises LedgerVersion when a newer Baseload wrote it, LedgerError when it cannot be read.
    """
    path = root / MANIFEST_NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error
    try:
        raw: dict[str, Any] = msgspec.json.decode(data, type=dict)
        return msgspec.convert(upgraded(raw), Manifest)
    except LedgerVersion as error:
        raise LedgerVersion(f"{path}: {error}") from None
    except msgspec.MsgspecError as error:
        raise LedgerError(
            f"{path} is not a ledger manifest: {error}. Move the folder away and import again from the sources."
        ) from error


def publish(root: Path, manifest: Manifest, known: frozenset[str]) -> None:
    """Make `manifest` the ledger's: after this returns it survives a power cut, before that nothing has changed.

    Data files not among the `known` (committed) names are synced to disk first.
    """
    for name in sorted(manifest.names - known):
        _sync(root / name)
    temporary = root / f"manifest-{new_token()}.tmp"
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(manifest))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(root / MANIFEST_NAME)
    _sync(root)


def new_token() -> str:
    """32 hex digits that no other data file of the ledger has."""
    return uuid.uuid4().hex


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def orphans(root: Path, named: Iterable[str]) -> list[Path]:
    """Data files of ours in the folder that the manifest does not name: left by a crash, or replaced since."""
    kept = set(named)
    return sorted(path for path in root.iterdir() if _DATA_NAME.fullmatch(path.name) and path.name not in kept)
