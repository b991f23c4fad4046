"""Claude Code's raw API bodies: the folder that `OTEL_LOG_RAW_API_BODIES=file:<dir>` fills.

A call is `<request id>.response.json` (the whole message with its usage) and a `<uuid>.request.json` that does not
name it. They are joined through the *next* request of the conversation: its first system block names the request id
of the call before (`cc_prev_req`), and its messages are that call's messages and answer with something appended. So
the last call of a conversation stays without its request (flag `request_unknown`); its figures are exact all the same.
Bodies carry no time: a call is dated by its response file (flag `time_from_file`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final, NamedTuple

import msgspec

from baseload.usage.exchange_rows import Origin, calls_of
from baseload.usage.exchanges import Exchange, refuse_time
from baseload.usage.fields import BadRecord, decode_json, object_of
from baseload.usage.prefix import text_in
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile

NAME: Final = "claude_code_bodies"
AGENT: Final = "claude-code"
REQUEST_SUFFIX: Final = ".request.json"
RESPONSE_SUFFIX: Final = ".response.json"
_PREVIOUS = re.compile(r"cc_prev_req=([\w-]+)")


class _Asked(NamedTuple):
    """One request file, as far as joining needs it."""

    name: str
    previous: str  # request id of the call before it in its conversation; "" when it names none
    conversation: bytes  # digest of all its messages
    before_answer: bytes  # digest of its messages before the last answer: the conversation of the call before it


def recognise(head: bytes, name: str) -> int:
    """2 for either half of a call, by its name."""
    is_object = head.lstrip().startswith(b"{")
    return 2 if is_object and name.endswith((REQUEST_SUFFIX, RESPONSE_SUFFIX)) else 0


def read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    """The call of a response file; nothing for a request file, which is read with its response."""
    name = PurePath(file.path).name
    if not name.endswith(RESPONSE_SUFFIX):
        return
    request_id = name.removesuffix(RESPONSE_SUFFIX)
    try:
        message = object_of(decode_json(file.data()), "the response")
        if file.modified_us is None:
            raise refuse_time()
        request = _request_of(request_id, file, context) if context.want_features else {}
        flags = ("time_from_file",) if request else ("time_from_file", "request_unknown")
        exchange = Exchange(
            request=request,
            response=message,
            request_id=request_id if request_id.startswith("req_") else "",
            native_id=request_id,
            start_us=file.modified_us,
            record={"agent": AGENT},
        )
        yield from calls_of(exchange, context, Origin(source=NAME, file=file.path, row=0, flags=flags))
    except BadRecord as bad:
        yield bad.problem(NAME, file.path, 0)


def _request_of(request_id: str, file: SourceFile, context: ReadContext) -> Mapping[str, Any]:
    """The request of a response; empty where no later request tells which it is, or two would fit."""
    asked = _requests_beside(file, context)
    wanted = {later.before_answer for later in asked if later.previous == request_id}
    fitting = [one.name for one in asked if one.conversation in wanted and one.previous != request_id]
    if len(fitting) != 1:
        return {}
    data = file.sibling(fitting[0])
    return object_of(decode_json(data), "the request") if data is not None else {}


def _requests_beside(file: SourceFile, context: ReadContext) -> Sequence[_Asked]:
    """The folder's requests, looked through once a run while no file is added."""
    names = file.siblings(REQUEST_SUFFIX)
    key, state = f"{NAME}:{PurePath(file.path).parent}", (len(names), names[-1:])
    held = context.memo.get(key)
    if held is None or held[0] != state:
        found = (_asked(name, file.sibling(name)) for name in names)
        held = context.memo[key] = state, [asked for asked in found if asked is not None]
    requests: list[_Asked] = held[1]
    return requests


def _asked(name: str, data: bytes | None) -> _Asked | None:
    try:
        body = object_of(decode_json(data or b""), "the request")
    except BadRecord:
        return None  # half-written, or not a request: its response is still counted
    system, messages = body.get("system"), body.get("messages")
    if not isinstance(messages, list):
        return None
    found = _PREVIOUS.search(text_in(system)[:4096])
    answers = [place for place, message in enumerate(messages) if _role(message) == "assistant"]
    before = messages[: answers[-1]] if answers else []
    return _Asked(name, found.group(1) if found else "", _digest(messages), _digest(before) if answers else b"")


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, dict) else None


def _digest(messages: Sequence[Any]) -> bytes:
    """Equal for one conversation however it is spelled: cache marks and one-block lists move as it grows."""
    plain = [(_role(message), _blocks(message.get("content"))) for message in messages if isinstance(message, dict)]
    return hashlib.blake2b(msgspec.json.encode(plain, order="sorted"), digest_size=16).digest()


def _blocks(content: object) -> list[Any]:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [
        {name: value for name, value in block.items() if name != "cache_control"} if isinstance(block, dict) else block
        for block in (blocks if isinstance(blocks, list) else [])
    ]


READER: Final = Reader(name=NAME, recognise=recognise, read=read)
