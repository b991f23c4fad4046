"""Bytes of a file as UTF-8 text pieces: gzip opened with bounds, byte-order marks removed, UTF-16 transcoded.

Pieces are yielded until a fault; the fault is then raised as BadRecord, so that everything before it is used.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO, Final, NamedTuple

from baseload.usage.fields import BadRecord

MIB: Final = 1024 * 1024
PIECE_BYTES: Final = 256 * 1024
"""Small enough to stay in a processor's cache while it is searched and decoded: measured twice as fast as 2 MiB."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_SAMPLE_BYTES: Final = 512


class Limits(NamedTuple):
    """What one file may cost. Tests pass small ones."""

    line_bytes: int = 48 * MIB  # the API takes bodies of 32 MB; a log holds request and response, escaped
    whole_bytes: int = 512 * MIB  # of a file that must be read in one piece
    sibling_bytes: int = 64 * MIB
    expanded_ratio: int = 250  # decompressed : compressed, judged only past `expanded_free`
    expanded_free: int = 64 * MIB
    expanded_bytes: int = 64 * 1024 * MIB


LIMITS: Final = Limits()


class Text(NamedTuple):
    """UTF-8 pieces of one file, and what was done to get them."""

    pieces: Iterator[bytes]
    plain: bool  # the bytes are those on disk, so offsets can be seeked to
    encoding: str  # "utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"


def open_text(file: BinaryIO, limits: Limits = LIMITS) -> tuple[Text, bytes]:
    """The file as UTF-8 pieces, and a copy of the first. BadRecord and OSError may come now or while iterating."""
    first = file.read(PIECE_BYTES)
    gzipped = first.startswith(_GZIP_MAGIC)
    raw = chain((first,), pieces_of(file))
    pieces = _gunzip(raw, limits) if gzipped else raw
    start = next(pieces, b"")
    pieces = chain((start,), pieces)
    encoding = encoding_of(start)
    if encoding != "utf-8":
        pieces = _transcode(pieces, encoding)
        start = next(pieces, b"")
        pieces = chain((start,), pieces)
    return Text(pieces, plain=encoding == "utf-8" and not gzipped, encoding=encoding), start


def encoding_of(start: bytes) -> str:
    """The encoding a file's first bytes show: its mark, else UTF-16 when every second byte is zero, else UTF-8.

    >>> encoding_of(b"{"), encoding_of("{}".encode("utf-16-le"))
    ('utf-8', 'utf-16-le')
    """
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if start.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if start.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    sample = start[:_SAMPLE_BYTES]
    if len(sample) >= 4:
        if not any(sample[1::2]):
            return "utf-16-le"
        if not any(sample[0::2]):
            return "utf-16-be"
    return "utf-8"


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """The rest of an open file, as it is on disk."""
    while piece := file.read(PIECE_BYTES):
        yield piece


def _gunzip(raw: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """All members of a gzip file. Raises BadRecord `bad-gzip`, `truncated-gzip` or `zip-bomb` after the good part."""
    member = zlib.decompressobj(wbits=31)
    begun = False  # a byte of the current member was read
    taken = given = 0
    for data in raw:
        taken += len(data)
        while data:
            begun = True
            try:
                piece = member.decompress(data, PIECE_BYTES)
            except zlib.error:
                raise BadRecord(
                    "bad-gzip",
                    "The gzip data is damaged; what came before was read",
                    expected="a whole gzip file",
                    next_step="Copy or download the file again.",
                ) from None
            given += len(piece)
            _check_expansion(taken, given, limits)
            if piece:
                yield piece
            data = member.unconsumed_tail
            if member.eof:
                data = member.unused_data.lstrip(b"\0")
                member, begun = zlib.decompressobj(wbits=31), False
    if begun:
        raise BadRecord(
            "truncated-gzip",
            "The gzip file ends too early; what came before was read",
            expected="a whole gzip file",
            next_step="Copy or download the file again.",
        )


def _check_expansion(taken: int, given: int, limits: Limits) -> None:
    if given > limits.expanded_bytes or given > limits.expanded_free + taken * limits.expanded_ratio:
        raise BadRecord(
            "zip-bomb",
            "The gzip file expands beyond any log; reading stopped",
            value=f"{taken} bytes became more than {given}",
            expected=f"at most {limits.expanded_ratio} times its size",
            next_step="If the file is genuine, decompress it yourself and give the result.",
        )


def _transcode(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-8 of the pieces, without a mark; what is not text becomes the replacement sign."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    begun = False
    for piece in pieces:
        text = decoder.decode(piece)
        if text and not begun:
            begun, text = True, text.removeprefix("\ufeff")
        yield text.encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
