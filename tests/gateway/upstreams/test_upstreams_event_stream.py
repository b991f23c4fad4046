"""Amazon's frames, with botocore's own reader as the referee."""

from __future__ import annotations

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]
from clouds import frame
from hypothesis import given
from hypothesis import strategies as st

from baseload.gateway.upstreams.event_stream import BadFrame, Frame, Frames

EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
"""Amazon's own example of a message without headers and payload."""

names = st.text("abc:-", min_size=1, max_size=12)
headers = st.dictionaries(names, st.text(max_size=20), max_size=4)
frames = st.lists(st.tuples(headers, st.binary(max_size=60)), max_size=5)


def fed(data: bytes, cuts: list[int]) -> list[Frame]:
    """The frames of a stream that comes in these pieces."""
    reader, found, at = Frames(), [], 0
    for cut in [*sorted(one % (len(data) + 1) for one in cuts), len(data)]:
        found += reader.feed(data[at:cut])
        at = cut
    assert not reader.waits
    return found


def test_amazons_own_example_is_read() -> None:
    assert fed(EMPTY, []) == [Frame({}, b"")]


@given(frames, st.lists(st.integers(0, 10_000), max_size=6))
def test_however_it_is_cut_it_reads_as_botocore_reads_it(
    given_frames: list[tuple[dict[str, str], bytes]], cuts: list[int]
) -> None:
    data = b"".join(frame(told, payload) for told, payload in given_frames)
    referee = EventStreamBuffer()
    referee.add_data(data)
    assert fed(data, cuts) == [Frame(dict(one.headers), one.payload) for one in referee]


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_never_an_answer(place: int, change: int) -> None:
    data = bytearray(frame({":event-type": "chunk"}, b'{"bytes":"e30="}'))
    data[place % len(data)] ^= change
    with pytest.raises(BadFrame):
        list(Frames().feed(bytes(data)))


def test_headers_of_every_type_are_stepped_over_and_text_is_kept() -> None:
    told = b""
    values = [(0, b""), (1, b""), (2, b"\x01"), (3, b"12"), (4, b"1234"), (5, b"12345678"), (6, b"\x00\x02ab"),
              (8, b"12345678"), (9, b"0123456789abcdef"), (7, b"\x00\x02ok")]  # fmt: skip
    for kind, value in values:
        told += b"\x01" + bytes([97 + kind]) + bytes([kind]) + value
    prelude = struct.pack(">II", len(told) + 16, len(told))
    data = prelude + struct.pack(">I", zlib.crc32(prelude)) + told
    data += struct.pack(">I", zlib.crc32(data))
    assert fed(data, []) == [Frame({"h": "ok"}, b"")]
    referee = EventStreamBuffer()
    referee.add_data(data)
    assert [one.headers["h"] for one in referee] == ["ok"]


@pytest.mark.parametrize(
    "told",
    [b"\x05ab", b"\x01a\x0a", b"\x01a\x07\x00\x09ab", b"\x01a\x07\x00", b"\x01\xff\x01", b"\x01a", b"\x01a\x05\x00"],
)
def test_headers_that_do_not_add_up_are_refused(told: bytes) -> None:
    prelude = struct.pack(">II", len(told) + 16, len(told))
    data = prelude + struct.pack(">I", zlib.crc32(prelude)) + told
    data += struct.pack(">I", zlib.crc32(data))
    with pytest.raises(BadFrame):
        list(Frames().feed(data))


@pytest.mark.parametrize(("total", "told"), [(15, 0), (16, 1), (0, 0), (20 * 1024 * 1024, 0), (300_000, 200_000)])
def test_lengths_that_cannot_be_are_refused_before_anything_is_waited_for(total: int, told: int) -> None:
    prelude = struct.pack(">II", total, told)
    with pytest.raises(BadFrame):
        list(Frames().feed(prelude + struct.pack(">I", zlib.crc32(prelude))))


def test_frames_before_the_bad_one_are_given_first() -> None:
    reader = Frames().feed(EMPTY + b"\x00" * 12)
    assert next(reader) == Frame({}, b"")
    with pytest.raises(BadFrame):
        next(reader)


def test_half_a_frame_waits() -> None:
    reader = Frames()
    assert list(reader.feed(EMPTY[:9])) == []
    assert reader.waits
    assert list(reader.feed(EMPTY[9:])) == [Frame({}, b"")]
    assert not reader.waits
