"""Prompts and answers in the queue are sealed with the vault's key, each bound to the item it belongs to."""

from __future__ import annotations

import base64
from typing import TypeVar

import msgspec

from baseload.vault.frame import seal, unsealed
from baseload.vault.key import VaultKey

_R = TypeVar("_R", bound=msgspec.Struct)


class Sealer:
    """Text for the database and back."""

    def __init__(self, key: VaultKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "Sealer(…)"

    def close(self, record: msgspec.Struct, beside: str) -> str:
        return base64.b64encode(seal(msgspec.msgpack.encode(record), beside.encode(), self._key)).decode()

    def open(self, text: str, beside: str, kind: type[_R]) -> _R:
        """Raises VaultTampered where the text, `beside` or the key are not those of the sealing."""
        return msgspec.msgpack.decode(unsealed(base64.b64decode(text), beside.encode(), self._key), type=kind)
