"""Amazon's event stream in frames, as they come (`application/vnd.amazon.eventstream`).

    total length u32 | headers length u32 | CRC32 of these 8 | headers | payload | CRC32 of all before

Big-endian. A header: name length u8, name, type u8, value; type 7 is text with a u16 length, the only one read here.
What does not add up to the byte raises BadFrame: a guess at where the next frame begins would invent an answer.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final, NamedTuple

MOST_FRAME_BYTES: Final = 16 * 1024 * 1024 + 128 * 1024 + 16
"""A payload of 16 MiB, headers of 128 KiB and the framing: what the format allows, and botocore too."""
_MOST_HEADER_BYTES: Final = 128 * 1024
_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_LENGTH: Final = struct.Struct(">H")
_FRAMING: Final = _PRELUDE.size + _CRC.size
_SIZES: Final = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a value by its type: true, false, byte, short, integer, long, timestamp, uuid."""
_TEXT: Final = 7
_BYTES: Final = 6


class BadFrame(ValueError):
    """The bytes are no event stream. Quotes nothing of it."""


class Frame(NamedTuple):
    """One message. `headers` are those with text."""

    headers: dict[str, str]
    payload: bytes

    def __repr__(self) -> str:
        return f"Frame({len(self.payload)} bytes)"


class Frames:
    """Bytes in, whole frames out; what is begun waits for the rest."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def waits(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._buffer)

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that are whole now. Raises BadFrame."""
        data = self._buffer + chunk if self._buffer else chunk
        at = 0
        try:
            while len(data) - at >= _PRELUDE.size:
                total, headers = _prelude(data, at)
                if len(data) - at < total:
                    break
                yield _frame(data[at : at + total], headers)
                at += total
        finally:
            self._buffer = data[at:]


def _prelude(data: bytes, at: int) -> tuple[int, int]:
    """(bytes of the frame, bytes of its headers), checked before anything waits for that many bytes."""
    total, headers, crc = _PRELUDE.unpack_from(data, at)
    if zlib.crc32(data[at : at + 8]) != crc:
        raise BadFrame("a frame whose first checksum is wrong")
    if total > MOST_FRAME_BYTES or headers > _MOST_HEADER_BYTES or total < headers + _FRAMING:
        raise BadFrame("a frame whose lengths cannot be")
    return total, headers


def _frame(data: bytes, headers: int) -> Frame:
    if zlib.crc32(data[:-4]) != _CRC.unpack_from(data, len(data) - 4)[0]:
        raise BadFrame("a frame whose last checksum is wrong")
    end = _PRELUDE.size + headers
    return Frame(_headers(data[_PRELUDE.size : end]), data[end:-4])


def _headers(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            start = at + 1 + data[at]
            name, kind = data[at + 1 : start].decode(), data[start]
            start += 1
            size = _SIZES.get(kind)
            if size is None:
                if kind not in (_TEXT, _BYTES):
                    raise BadFrame("a header of an unknown type")
                size = _LENGTH.unpack_from(data, start)[0]
                start += 2
            at = start + size
            if at > len(data):
                raise BadFrame("a header longer than its frame")
            if kind == _TEXT:
                found[name] = data[start:at].decode()
    except (IndexError, struct.error, UnicodeDecodeError):
        raise BadFrame("a header that cannot be read") from None
    return found
