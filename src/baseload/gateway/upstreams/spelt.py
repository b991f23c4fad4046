"""A request's body as the clouds spell it: the model is in the path, the API's version in the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Raw

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encoded = msgspec.json.encode
CONTENT: Final = (b"content-type", b"application/json")


def members_of(body: bytes) -> dict[str, Raw] | None:
    """The body's members as they stand in it; None where it is no object."""
    try:
        return _members(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def body_of(members: Mapping[str, Raw], *, without: frozenset[str], extra: Mapping[str, object]) -> bytes:
    """An object of these members, each value byte for byte, without some and with more where it has not got them."""
    found: dict[str, object] = {name: value for name, value in members.items() if name not in without}
    for name, value in extra.items():
        found.setdefault(name, value)
    return _encoded(found)


def in_path(model: str) -> str:
    """A model's name as one segment of a path; "" where it could not be one."""
    return "" if model in ("", ".", "..") else quote(model, safe=":@")
