"""One sealed record: a head without text, and the body encrypted and bound to that head (AES-256-GCM, RFC 5116).

frame = "BLV1", length of head, length of box (4 bytes each, big-endian), head as JSON, box
box   = 12 random bytes, then the ciphertext with its 16-byte seal; the head is the additional data
"""

from __future__ import annotations

import os
import struct
from typing import Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from baseload.vault.body import Body
from baseload.vault.faults import VaultTampered
from baseload.vault.key import VaultKey

MAGIC: Final = b"BLV1"
START: Final = struct.Struct(">4sII")
NONCE_BYTES: Final = 12
MOST_HEAD_BYTES: Final = 4096


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the vault knows of a body without opening it: ids and keyed fingerprints, never text.

    `day` is the UTC day it was stored: age counts from there. "" = the record names none.
    """

    call_id: str
    day: int
    workload: str = ""
    user_id: str = ""
    session_id: str = ""


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """What lies inside a box."""

    request: msgspec.Raw
    response: msgspec.Raw
    response_verified: bool


class Frame(NamedTuple):
    """Where a record lies in its file."""

    entry: Entry
    head: bytes
    offset: int  # of the frame
    box_offset: int
    end: int  # exclusive


_ENTRY: Final = msgspec.json.Decoder(Entry)
_SEALED: Final = msgspec.json.Decoder(Sealed)


def sealed(entry: Entry, body: Body, key: VaultKey) -> bytes:
    """The frame of a body, as it is written."""
    head = msgspec.json.encode(entry)
    inside = msgspec.json.encode((body.request, body.response, body.response_verified))
    box = seal(inside, head, key)
    return START.pack(MAGIC, len(head), len(box)) + head + box


def seal(data: bytes, beside: bytes, key: VaultKey) -> bytes:
    """Encrypted under a nonce of its own, bound to `beside`."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key.secret).encrypt(nonce, data, beside)


def unsealed(box: bytes, beside: bytes, key: VaultKey) -> bytes:
    """What was sealed. Raises VaultTampered where box, `beside` or key are not those of the sealing."""
    try:
        return AESGCM(key.secret).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], beside)
    except (InvalidTag, ValueError) as error:
        raise VaultTampered("a vault record does not fit its seal: it was changed, or cut, after it was written") from (
            error
        )


def opened(box: bytes, head: bytes, key: VaultKey) -> Body:
    """The body of a frame. Raises VaultTampered."""
    inside = _SEALED.decode(unsealed(box, head, key))
    return Body(
        request=msgspec.json.decode(inside.request, type=dict),
        response=msgspec.json.decode(inside.response, type=dict),
        response_verified=inside.response_verified,
    )


def read_head(data: bytes) -> Entry | None:
    """The entry of a head; None where it is none."""
    try:
        return _ENTRY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
