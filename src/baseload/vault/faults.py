"""What can go wrong with a vault as a whole; a single body that cannot be had is a Problem."""

from __future__ import annotations

from baseload.errors import BaseloadError, UsageError


class VaultError(BaseloadError):
    """The vault folder cannot be used."""


class VaultKeyError(UsageError):
    """There is no key, it is no key, others can read it, or it is not this vault's."""


class VaultTampered(VaultError):
    """A record is not what was written: its seal does not fit."""
