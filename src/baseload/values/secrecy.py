"""Keyed fingerprints, so that identities join across machines and cannot be guessed from outside."""

from __future__ import annotations

import hashlib

import msgspec


class OrgKey(msgspec.Struct, frozen=True):
    """One secret per organisation; it keys every fingerprint (design.md section 5)."""

    secret: bytes

    def __repr__(self) -> str:
        return "OrgKey(…)"

    def fingerprint(self, kind: str, value: str | bytes) -> str:
        """32 hex digits of BLAKE2b keyed with the organisation's secret; `kind` keeps namespaces apart."""
        data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
        person = kind.encode()[:16]
        return hashlib.blake2b(data, digest_size=16, key=self.secret[:64], person=person).hexdigest()
