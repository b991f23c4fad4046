"""The mark of a vault: that a folder is one, and by a sealed constant under which key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from baseload.vault.faults import VaultError, VaultKeyError, VaultTampered
from baseload.vault.frame import seal, unsealed
from baseload.vault.key import VaultKey
from baseload.vault.segment import sync_folder

MARK_NAME: Final = "vault.json"
_MARK: Final = b"baseload vault 1"


def begin(root: Path, key: VaultKey | None) -> None:
    """A new vault's folder and mark: a sealed constant, by which another key is told at once."""
    if key is None:
        raise VaultKeyError(f"{root}: a new vault needs a key; set the variable or make a key file")
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = root / f"{MARK_NAME}.tmp"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode({"version": 1, "check": seal(_MARK, _MARK, key).hex()}))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(root / MARK_NAME)
        sync_folder(root)
    except OSError as error:
        raise VaultError(f"{root} cannot be made a vault: {error.strerror}. Check its permissions.") from error


class _Mark(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    check: str


def check_key(text: bytes, key: VaultKey, root: Path) -> None:
    """Raises VaultKeyError where the mark was sealed under another key, VaultError where it is none."""
    try:
        mark = msgspec.json.decode(text, type=_Mark)
        box = bytes.fromhex(mark.check)
    except (msgspec.DecodeError, ValueError) as error:
        raise VaultError(f"{root / MARK_NAME} is no vault's mark. Restore it, or remove the folder.") from error
    if mark.version != 1:
        raise VaultError(f"{root} is a vault of version {mark.version}; expected 1. Use the Baseload that wrote it.")
    try:
        unsealed(box, _MARK, key)
    except VaultTampered:
        raise VaultKeyError(f"{root} was filled under another key; expected that key") from None
