"""Message Batches results, joined on `custom_id` with the requests file and the batch object beside them.

Only `succeeded` results are billed, at the batch tier; errored, expired and canceled ones are rows with `requests` 0.
Results carry no times: a batch call belongs to the day its batch was submitted (design.md section 5), which the batch
object beside the results says (`created_at`); without one, to the file's own time (flag `time_from_file`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import takewhile
from pathlib import PurePath
from typing import Any, Final

import msgspec

from baseload.usage.exchange_rows import Origin, calls_of
from baseload.usage.exchanges import Exchange, refuse_time
from baseload.usage.fields import UNDECODABLE, BadRecord, decode_json, object_of, optional_object, text_of, time_field
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import Problem

NAME: Final = "batches"
_SUFFIXES: Final = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_MOST_BESIDE: Final = 50
"""So many files at most are looked into for requests and the batch object, those of the most similar name first."""


class _Item(msgspec.Struct):
    """One line of a requests file, its body left undecoded."""

    custom_id: str = ""
    params: msgspec.Raw = msgspec.Raw(b"{}")


class _Submission(msgspec.Struct):
    """The body of a batch's creation, saved as one document."""

    requests: list[_Item] = []


def recognise(head: bytes, name: str) -> int:
    """2 for results, and for the requests and the batch object that are read together with them."""
    del name
    if b'"custom_id"' in head and (b'"result"' in head or b'"params"' in head):
        return 2
    return 2 if b'"message_batch"' in head and b'"processing_status"' in head else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """A row per result; nothing for a requests file or a batch object themselves."""
    beside = _Beside(file)
    for line in file.lines():
        if isinstance(line, Problem):
            yield line
        elif b'"result"' in line.data:
            try:
                record = object_of(decode_json(line.data), "the line")
                origin = Origin(source=NAME, file=file.path, row=line.row, flags=beside.flags, tier="batch")
                yield from calls_of(_exchange(record, beside), context, origin)
            except BadRecord as bad:
                yield bad.problem(NAME, file.path, line.row)
    if beside.was_used and beside.flags:
        yield refuse_time().problem(NAME, file.path, 0)


def _exchange(record: Mapping[str, Any], beside: _Beside) -> Exchange:
    custom_id, result = text_of(record, "custom_id"), object_of(record.get("result"), "result")
    kind = text_of(result, "type")
    message = object_of(result.get("message"), "result.message") if kind == "succeeded" else {"type": "error"}
    error = optional_object(result, "error")
    return Exchange(
        request=beside.request(custom_id),
        response=dict(message) | {"stop_reason": message.get("stop_reason") or kind},
        request_id=text_of(error, "request_id"),
        native_id=f"{beside.batch_id}:{custom_id}",
        start_us=beside.submitted_us,
        end_us=beside.ended_us,
        record=record,
    )


class _Beside:
    """What lies beside a results file: looked for when the first result needs it."""

    def __init__(self, file: SourceFile) -> None:
        self._file = file
        self.was_used = False

    @property
    def batch_id(self) -> str:
        return text_of(self._batch, "id") or PurePath(self._file.path).stem

    @property
    def flags(self) -> tuple[str, ...]:
        return () if self._batch else ("time_from_file",)

    @cached_property
    def submitted_us(self) -> int:
        self.was_used = True
        if self._batch:
            return time_field(self._batch.get("created_at"), "created_at")[0]
        if self._file.modified_us is None:
            raise refuse_time()
        return self._file.modified_us

    @cached_property
    def ended_us(self) -> int | None:
        ended = self._batch.get("ended_at")
        return time_field(ended, "ended_at")[0] if ended else None

    def request(self, custom_id: str) -> Mapping[str, Any]:
        """The request of a result; empty when no requests file has it."""
        for requests in self._requests:
            if custom_id in requests:
                return object_of(decode_json(bytes(requests[custom_id])), "params")
        return {}

    @cached_property
    def _batch(self) -> Mapping[str, Any]:
        """The batch object: the one whose id is in the results' name, else the only one there is."""
        found = []
        for data in self._files:
            if b'"message_batch"' in data[:4096]:
                try:
                    found.append(object_of(decode_json(data), "the batch"))
                except BadRecord:
                    continue
        name = PurePath(self._file.path).name
        named = [batch for batch in found if text_of(batch, "id") and text_of(batch, "id") in name]
        return named[0] if named else found[0] if len(found) == 1 else {}

    @cached_property
    def _requests(self) -> list[dict[str, msgspec.Raw]]:
        return [requests for data in self._files if b'"params"' in data and (requests := _requests_in(data))]

    @cached_property
    def _files(self) -> list[bytes]:
        """The files beside this one, most similar name first."""
        own = PurePath(self._file.path).name
        names = {name for suffix in _SUFFIXES for name in self._file.siblings(suffix)} - {own}
        ordered = sorted(names, key=lambda name: (-_shared_start(name, own), name))
        contents = (self._file.sibling(name) for name in ordered[:_MOST_BESIDE])
        return [data for data in contents if data is not None and b'"result"' not in data[:4096]]


def _shared_start(name: str, other: str) -> int:
    """How many characters two names share from the start."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(name, other, strict=False)))


def _requests_in(data: bytes) -> dict[str, msgspec.Raw]:
    """custom_id -> request body, of JSON lines or of one creation document; torn lines are passed over."""
    try:
        items = msgspec.json.decode(data, type=_Submission).requests
    except UNDECODABLE:
        items = []
        for line in data.split(b"\n"):
            try:
                items.append(msgspec.json.decode(line, type=_Item))
            except UNDECODABLE:
                continue
    return {item.custom_id: item.params for item in items if item.custom_id}


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
