"""Server-sent events of the Messages API, put back together into the message they carried.

Rules (anthropic-facts 5.2, usage-sources 1.3): `message_start.usage` gives the input and a placeholder of the output;
each `message_delta.usage` is cumulative and final for the fields it names; unknown events are passed over; a stream
without `message_delta` was broken off, and what it used was billed all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from baseload.usage.fields import BadRecord, decode_json

_DATA: Final = "data:"


class Streamed(msgspec.Struct, kw_only=True):
    """One message as far as its stream went."""

    message: dict[str, Any]
    requested_model: str = ""  # where a fallback model answered: the one that was asked first
    settled: bool = False  # a message_delta gave the final usage
    failed: bool = False  # an error event broke into the stream


def is_stream(text: str) -> bool:
    """True for the text of a stream, also one that lost its first event name."""
    start = text.lstrip()[:200]
    return start.startswith(("event:", _DATA)) and ("message_start" in text[:4000] or "error" in start)


def events_in(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON events of a stream, in order; a torn last event is passed over."""
    for line in text.splitlines():
        if line.startswith(_DATA):
            try:
                event = decode_json(line[len(_DATA) :].strip())
            except BadRecord:
                continue
            if isinstance(event, dict):
                yield event


def messages_in(events: Iterable[Mapping[str, Any]]) -> Iterator[Streamed]:
    """Each message of one or more streams written one after the other."""
    current: Streamed | None = None
    for event in events:
        kind = event.get("type")
        if kind == "message_start":
            if current is not None:
                yield current
            current = _begun(event)
        elif current is not None:
            _take(current, kind, event)
    if current is not None:
        yield current


def _begun(event: Mapping[str, Any]) -> Streamed:
    message = event.get("message")
    begun = dict(message) if isinstance(message, dict) else {}
    usage = begun.get("usage")
    begun["usage"] = dict(usage) if isinstance(usage, dict) else {}
    begun["content"] = []
    return Streamed(message=begun)


def _take(current: Streamed, kind: object, event: Mapping[str, Any]) -> None:
    if kind == "message_delta":
        _final(current, event)
    elif kind == "content_block_start":
        _block(current, event.get("content_block"))
    elif kind == "content_block_delta":
        _text(current, event.get("delta"))
    elif kind == "error":
        current.failed = True


def _final(current: Streamed, event: Mapping[str, Any]) -> None:
    delta, usage = event.get("delta"), event.get("usage")
    if isinstance(delta, dict):
        current.message.update({name: value for name, value in delta.items() if value is not None})
    if isinstance(usage, dict):
        current.message["usage"].update({name: value for name, value in usage.items() if value is not None})
        current.settled = True


def _block(current: Streamed, block: object) -> None:
    if not isinstance(block, dict):
        return
    current.message["content"].append(dict(block))
    served_by = block.get("to")
    if block.get("type") == "fallback" and isinstance(served_by, dict) and isinstance(served_by.get("model"), str):
        current.requested_model = current.requested_model or str(current.message.get("model") or "")
        current.message["model"] = served_by["model"]


def _text(current: Streamed, delta: object) -> None:
    content = current.message["content"]
    if content and isinstance(delta, dict) and isinstance(delta.get("text"), str):
        content[-1]["text"] = str(content[-1].get("text") or "") + delta["text"]
