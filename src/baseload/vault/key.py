"""The vault's key: 32 random bytes as 64 hex digits, from the environment or from a file nobody else can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

import msgspec

from baseload.vault.faults import VaultKeyError

VARIABLE: Final = "BASELOAD_VAULT_KEY"
KEY_BYTES: Final = 32
_HOW: Final = "expected 64 hex digits, such as `openssl rand -hex 32` prints"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class VaultKey(msgspec.Struct, frozen=True):
    """The secret bodies are sealed with. Whoever has lost it cannot read them again; `forget` works without it."""

    secret: bytes

    def __repr__(self) -> str:
        return "VaultKey(…)"


def parse_key(text: str, where: str) -> VaultKey:
    """The key a text states. Raises VaultKeyError, which never shows the text."""
    try:
        secret = bytes.fromhex(text.strip())
    except ValueError:
        secret = b""
    if len(secret) != KEY_BYTES:
        raise VaultKeyError(f"{where} is no vault key ({len(text.strip())} characters); {_HOW}")
    return VaultKey(secret)


def find_key(given: str, path: Path) -> VaultKey | None:
    """The key of the environment (`given`, "" = not set), else of the file; None where there is neither.

    Raises VaultKeyError on a file that others may read, and on what is no key.
    """
    if given:
        return parse_key(given, VARIABLE)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise VaultKeyError(f"{path}: {error.strerror}; expected a readable key file, or {VARIABLE} set") from error
    with os.fdopen(descriptor, "rb") as file:
        _check_private(file.fileno(), path)
        return parse_key(file.read(4 * KEY_BYTES).decode("ascii", "replace"), str(path))


def make_key(path: Path) -> VaultKey:
    """A new key in a new 0600 file. Raises VaultKeyError where there is a file already: keys are never overwritten."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = VaultKey(secrets.token_bytes(KEY_BYTES))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise VaultKeyError(f"{path}: {error.strerror}; expected a place for a new key file") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.secret.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def _check_private(descriptor: int, path: Path) -> None:
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    if mode & _OTHERS:
        raise VaultKeyError(f"{path} has mode {mode:04o}; expected 0600: others may read it. Run chmod 600 on it.")
