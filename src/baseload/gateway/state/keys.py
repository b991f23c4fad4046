"""Virtual keys: random, shown once, stored as a hash, looked up in memory."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable
from typing import Final

from baseload.errors import UsageError
from baseload.gateway.state.records import KeyRow, KeyScope

PREFIX: Final = "blk_"
KEY_BYTES: Final = 32
_ID_BYTES: Final = 6


class NewKey:
    """A key just made. `secret` is shown to its owner once and then forgotten."""

    __slots__ = ("row", "secret")

    def __init__(self, row: KeyRow, secret: str) -> None:
        self.row = row
        self.secret = secret

    def __repr__(self) -> str:
        return f"NewKey({self.row!r}, …)"


def new_key(
    name: str,
    scope: KeyScope,
    at_us: int,
    *,
    expires_us: int | None = None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> NewKey:
    """A key of 256 random bits. Its id is random too: nothing of the key can be told from it.

    Raises UsageError on a name, a workload or a model that is empty: who left a variable unset wanted a bound.
    """
    if not all(one.strip() for one in (name, *scope.workloads, *scope.models)):
        raise UsageError("a key with an empty name, workload or model; expected one, or none of it said at all")
    secret = PREFIX + base64.urlsafe_b64encode(random(KEY_BYTES)).rstrip(b"=").decode()
    row = KeyRow(
        key_id="key_" + random(_ID_BYTES).hex(),
        hash=hash_of(secret.encode()),
        name=name,
        scope=scope,
        created_us=at_us,
        expires_us=expires_us,
    )
    return NewKey(row, secret)


def hash_of(secret: bytes) -> str:
    """What is stored of a key. A plain hash will do: 256 random bits cannot be guessed through it."""
    return hashlib.sha256(secret).hexdigest()


def is_virtual(secret: bytes) -> bool:
    """Whether a credential has the form of a virtual key, known or not."""
    return secret.startswith(b"blk_")


class KeyView:
    """The keys as this replica knows them; replaced whole when the store's change counter moves.

    While the store is down the last view holds: known keys go on, and a revocation waits for the store.
    """

    __slots__ = ("_by_hash", "loaded_us")

    def __init__(self, rows: Iterable[KeyRow] = (), loaded_us: int = 0) -> None:
        self._by_hash: dict[str, KeyRow] = {}
        self.replace(rows, loaded_us)

    def replace(self, rows: Iterable[KeyRow], loaded_us: int) -> None:
        """With every key of the store. One that was revoked serves nothing from here on."""
        self._by_hash = {row.hash: row for row in rows if row.revoked_us is None}
        self.loaded_us = loaded_us  # when it was true, UTC microseconds

    def __len__(self) -> int:
        return len(self._by_hash)

    def __repr__(self) -> str:
        return f"KeyView({len(self._by_hash)} keys)"

    def find(self, secret: bytes, now_us: int) -> KeyRow | None:
        """The key a caller gave; None for one that is unknown, revoked or expired."""
        row = self._by_hash.get(hash_of(secret))
        return None if row is None or (row.expires_us is not None and row.expires_us <= now_us) else row


def may_use(scope: KeyScope, workload: str, model: str) -> bool:
    """Whether a key may call this model for this workload. A model is allowed by its own name or a `prefix*`."""
    return (not scope.workloads or workload in scope.workloads) and (
        not scope.models
        or any(model.startswith(one[:-1]) if one.endswith("*") else model == one for one in scope.models)
    )
