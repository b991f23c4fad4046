"""A kept answer put back together: JSON or a stream's events, gzipped or not, as the message it carried."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.streams import events_in, messages_in

MOST_BYTES: Final = 64 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_DELTAS: Final[Mapping[str, tuple[str, str]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
}
"""Kind of a delta -> its own field, and the field of the block it goes on."""


def message_in(answer: bytes) -> dict[str, Any] | None:
    """The message of an answer; None where it cannot be read, or did not come to its end."""
    data = _plain(answer)
    if data is None:
        return None
    if data.lstrip()[:1] == b"{":
        try:
            found = msgspec.json.decode(data, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return None
        return found if found.get("type") == "message" else None
    events = list(events_in(data.decode("utf-8", "replace")))
    streamed = next(iter(messages_in(events)), None)
    if streamed is None or streamed.failed or not any(event.get("type") == "message_stop" for event in events):
        return None
    return {**streamed.message, "content": _content(events)}


def _plain(answer: bytes) -> bytes | None:
    if not answer.startswith(_GZIP):
        return answer
    inflate = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        data = inflate.decompress(answer, MOST_BYTES)
    except zlib.error:
        return None
    return data if inflate.eof else None


def _content(events: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The blocks of one message; a tool's input comes as pieces of JSON text."""
    blocks: dict[int, dict[str, Any]] = {}
    inputs: dict[int, str] = {}
    for event in events:
        kind, place = event.get("type"), event.get("index")
        if not isinstance(place, int):
            continue
        if kind == "content_block_start" and isinstance(event.get("content_block"), dict):
            blocks[place] = dict(event["content_block"])
        elif kind == "content_block_delta" and isinstance(event.get("delta"), dict) and place in blocks:
            _grow(blocks[place], event["delta"], inputs, place)
    for place, text in inputs.items():
        blocks[place]["input"] = _json(text)
    return [blocks[place] for place in sorted(blocks)]


def _grow(block: dict[str, Any], delta: Mapping[str, Any], inputs: dict[int, str], place: int) -> None:
    kind = delta.get("type")
    if kind == "input_json_delta":
        inputs[place] = inputs.get(place, "") + str(delta.get("partial_json") or "")
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta.get("citation")]
    elif isinstance(kind, str) and kind in _DELTAS:
        source, field = _DELTAS[kind]
        block[field] = str(block.get(field) or "") + str(delta.get(source) or "")


def _json(text: str) -> Any:
    """A tool's input as the API gives it whole; what is no JSON stays text, as a malformed call carries it."""
    try:
        return msgspec.json.decode(text) if text else {}
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text
