"""Bodies re-read from the files the calls came from, and verified by hash: file by its first line, request by its own.

A `body_ref` is "file-hash:offset:length". The file hash says which file, the offset where the record's line begins in
the decompressed text; the request's keyed hash, kept in the ledger, proves that it is still the same request.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from baseload.usage.fields import BadRecord, decode_json
from baseload.usage.source_file import LocalFile
from baseload.values import Call, OrgKey, Problem
from baseload.vault.body import Body
from baseload.vault.recover import body_in

SOURCE: Final = "bodies"


class BodyRef(NamedTuple):
    """Where a record's line lies."""

    digest: str
    offset: int
    length: int


def parse_body_ref(text: str) -> BodyRef | None:
    """The parts of a call's `body_ref`; None where it names no place."""
    digest, _, rest = text.partition(":")
    offset, _, length = rest.partition(":")
    if not (digest and offset.isdecimal() and length.isdecimal() and offset.isascii() and length.isascii()):
        return None
    return BodyRef(digest, int(offset), int(length))


def read_bodies(
    calls: Iterable[Call], org_key: OrgKey, *, base: Path, beside: Sequence[Path] = ()
) -> Iterator[tuple[Call, Body | Problem]]:
    """The body of each call, file by file; a Problem where it cannot be had or is not what was imported.

    Paths in the ledger are taken from `base`. A file that has moved is found by its hash among `beside`.
    """
    by_file: dict[str, list[tuple[BodyRef, Call]]] = defaultdict(list)
    for call in calls:
        ref = parse_body_ref(call.body_ref)
        if ref is None or not call.request_hash:
            yield (
                call,
                _problem(call, "body-not-recorded", "The source of this call holds no body that can be verified"),
            )
        else:
            by_file[call.source_file].append((ref, call))
    moved: dict[str, Path] = {}
    for name, wanted in by_file.items():
        for digest in {ref.digest for ref, _ in wanted}:
            found = _find(base / name, digest, beside, moved)
            here = sorted((item for item in wanted if item[0].digest == digest), key=lambda item: item[0].offset)
            if found is None:
                yield from ((call, _problem(call, "body-file-gone", _GONE)) for _, call in here)
            else:
                yield from _from_file(found, here, org_key)


_GONE: Final = "The file this call came from is not there any more, or begins differently"
_CHANGED: Final = "The record is not what was imported: no part of it hashes to the call's request"


def _find(path: Path, digest: str, beside: Sequence[Path], moved: dict[str, Path]) -> Path | None:
    if _digest(path) == digest:
        return path
    if not moved:
        moved.update({_digest(other): other for other in beside})
    return moved.get(digest)


def _digest(path: Path) -> str:
    file = LocalFile(path)
    try:
        return file.digest
    except (OSError, BadRecord):
        return ""
    finally:
        file.close()


def _from_file(
    path: Path, wanted: Sequence[tuple[BodyRef, Call]], org_key: OrgKey
) -> Iterator[tuple[Call, Body | Problem]]:
    try:
        lines = _lines_at(path, sorted({ref.offset for ref, _ in wanted}))
    except (OSError, BadRecord):
        lines = {}
    for ref, call in wanted:
        record = _record(lines.get(ref.offset, b""))
        body = body_in(record, call, org_key) if record is not None else None
        yield call, body or _problem(call, "body-changed", _CHANGED)


def _lines_at(path: Path, offsets: Sequence[int]) -> dict[int, bytes]:
    """The lines that begin at these offsets: sought for in plain files, passed by in packed ones."""
    first = LocalFile(path)
    try:
        is_plain = first.plain
    finally:
        first.close()
    found: dict[int, bytes] = {}
    for start, group in ((offset, [offset]) for offset in offsets) if is_plain else ((0, list(offsets)),):
        file = LocalFile(path, start=start)
        try:
            for block in file.blocks(count_rows=False):
                end = block.offset + len(block.data)
                while group and group[0] < end:
                    at = group.pop(0) - block.offset
                    stop = block.data.find(b"\n", at)
                    found[at + block.offset] = block.data[at : stop if stop >= 0 else len(block.data)]
                if not group:
                    break
        finally:
            file.close()
    return found


def _record(line: bytes) -> Mapping[str, object] | None:
    """The JSON object of a line, behind whatever a tool put before it."""
    text = line.decode("utf-8", "replace")
    try:
        value = decode_json(text[text.find("{") :] if "{" in text else "")
    except BadRecord:
        return None
    return value if isinstance(value, Mapping) else None


def _problem(call: Call, code: str, message: str) -> Problem:
    return Problem(
        source=SOURCE,
        file=call.source_file,
        row=call.source_row,
        code=code,
        message=message,
        value=call.call_id[:32],
        expected="the file as it was imported",
        next_step="Restore the file, or fill a vault so that trials have bodies to replay.",
    )
