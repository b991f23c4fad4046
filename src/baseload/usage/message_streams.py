"""Captured Messages API streams: files of server-sent events, one stream or several one after the other.

A stream says nowhere when it was made: its call is dated by the file (flag `time_from_file`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from baseload.usage.exchange_rows import Origin, calls_of
from baseload.usage.exchanges import Exchange, refuse_time
from baseload.usage.fields import BadRecord
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.usage.streams import events_in, messages_in

NAME: Final = "message_stream"
_STARTS = (b"event:", b"data:")


def recognise(head: bytes, name: str) -> int:
    del name
    return 2 if head.lstrip().startswith(_STARTS) and b"message_start" in head else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """One row per stream; the number of the stream is its row."""
    text = file.data().decode()
    is_dated_by_file = False
    for row, streamed in enumerate(messages_in(events_in(text)), start=1):
        try:
            if file.modified_us is None:
                raise refuse_time()
            exchange = Exchange(request={}, response=streamed.message, streamed=streamed, start_us=file.modified_us)
            origin = Origin(source=NAME, file=file.path, row=row, flags=("time_from_file",))
            yield from calls_of(exchange, context, origin)
            is_dated_by_file = True
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, row)
    if is_dated_by_file:
        yield refuse_time().problem(NAME, file.path, 0)


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
