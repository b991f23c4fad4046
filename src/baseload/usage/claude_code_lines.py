"""Claude Code transcript lines: which of them are responses, decoded as little as the figures need.

A block of lines is decoded by one call into typed records that skip what is not wanted, which is several times faster
than line by line; a block with a line that is not as expected is read again line by line. Rules and traps:
usage-sources 0.2, 0.3, 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from baseload.usage.fields import MAX_CALL_TOKENS, UNDECODABLE, BadRecord, decode_json, object_of, text_of
from baseload.usage.normal import UsageTokens, call_id, has_null_tokens, tokens_from_usage
from baseload.usage.providers import LeftOut, is_other_provider
from baseload.usage.reader import SourceFile
from baseload.usage.source_file import Block, LocalFile, lines_in
from baseload.values import Problem

SOURCE: Final = "claude_code"
SYNTHETIC: Final = "<synthetic>"
"""The model name of lines Claude Code writes itself, such as API errors: no call was billed."""


_SURELY_FINE: Final = (1 << (MAX_CALL_TOKENS.bit_length() - 1)) - 1
"""All counts are fine when their bitwise union is at most this."""


class _Split(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _ServerTools(msgspec.Struct, gc=False):
    web_search_requests: int = 0
    web_fetch_requests: int = 0


class _Details(msgspec.Struct, gc=False):
    thinking_tokens: int | None = None


class _Iteration(msgspec.Struct, gc=False):
    type: str | None = None
    model: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation: _Split | None = None


class Usage(msgspec.Struct, gc=False):
    """The provider's `usage`, only what is counted."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation: _Split | None = None
    server_tool_use: _ServerTools | None = None
    output_tokens_details: _Details | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    iterations: list[_Iteration] | None = None


class Message(msgspec.Struct, gc=False):
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    content: msgspec.Raw = msgspec.Raw(b"")
    stop_reason: str | None = None


class Response(msgspec.Struct, gc=False):
    """One transcript line; a response when `message.usage` is there. The names are Claude Code's own."""

    message: Message | None = None
    timestamp: str | None = None
    requestId: str | None = None  # noqa: N815 - as written
    uuid: str | None = None
    sessionId: str | None = None  # noqa: N815 - as written
    isSidechain: bool | None = False  # noqa: N815 - as written
    isApiErrorMessage: bool | None = False  # noqa: N815 - as written
    agentId: str | None = None  # noqa: N815 - as written
    cwd: str | None = None
    costUSD: msgspec.Raw = msgspec.Raw(b"")  # noqa: N815 - as written


class _Mended(Response, gc=False):
    """A response with null for a count, which is 0 here."""


class Found(NamedTuple):
    """A line that is a response."""

    row: int
    line: Response
    message: Message
    usage: Usage
    has_nulls: bool = False  # a count was null, and is 0 here


class OtherModels:
    """The responses of one file that no Claude gave (a gateway may take others): left out, and counted."""

    def __init__(self, resolve_model: Callable[[str], str]) -> None:
        self._resolve = resolve_model
        self._known: dict[str, bool] = {}
        self._ids: set[str] = set()

    def took(self, found: Found) -> bool:
        """True, and remembered, when a line is another provider's."""
        raw = found.message.model or ""
        is_other = self._known.get(raw)
        if is_other is None:
            is_other = self._known[raw] = is_other_provider(raw, self._resolve(raw))
        if is_other:
            self._ids.add(found.message.id or found.line.requestId or found.line.uuid or str(found.row))
        return is_other

    def problems(self, path: str) -> Iterator[Problem]:
        """At most one, with the number of responses."""
        left_out = LeftOut()
        for _ in self._ids:
            left_out.add()
        yield from left_out.problems(SOURCE, path)


_decoder = msgspec.json.Decoder(Response)
_decode, _decode_lines = _decoder.decode, _decoder.decode_lines


def responses(file: SourceFile, *, count_rows: bool = True) -> Iterator[Found | Problem]:
    """Every response line of a transcript. A line that is torn or has impossible fields is one problem.

    Without `count_rows` (faster) rows of responses are those inside their block.
    """
    if not isinstance(file, LocalFile):
        for line in file.lines():
            yield from [line] if isinstance(line, Problem) else _found_in(line.row, line.data, file.path)
        return
    for block in file.blocks(count_rows=count_rows):
        try:
            decoded = _decode_lines(block.data)
        except UNDECODABLE:
            decoded = None
        if decoded is None or (count_rows and len(decoded) != block.lines):
            yield from _one_by_one(file, block)  # a torn, odd or empty line somewhere
        else:
            for row, response in enumerate(decoded, start=block.row):
                message = response.message
                if message is not None and (usage := message.usage) is not None and is_billed(response, message):
                    yield Found(row, response, message, usage)
        yield from file.take_problems()
    yield from file.take_problems()


def _one_by_one(file: LocalFile, block: Block) -> Iterator[Found | Problem]:
    for row, data in enumerate(lines_in(block), start=block.row or file.row_at(block.offset)):
        if file.is_short(row, len(data)):
            yield from _found_in(row, data, file.path)


def is_billed(response: Response, message: Message) -> bool:
    """False for lines Claude Code wrote itself, such as API errors."""
    return message.model != SYNTHETIC and not response.isApiErrorMessage


def _found_in(row: int, data: bytes, path: str) -> Iterator[Found | Problem]:
    """The response of one line, or its one problem, or nothing.

    Task results nest a `usage` of their own that is not `message.usage`: it never counts.
    """
    text = data.strip()
    if not text:
        return
    try:
        response = _response_of(text)
    except BadRecord as bad:
        yield bad.problem(SOURCE, path, row)
        return
    message = response.message if response is not None else None
    if response is not None and message is not None and message.usage is not None and is_billed(response, message):
        yield Found(row, response, message, message.usage, isinstance(response, _Mended))


def _response_of(data: bytes) -> Response | None:
    try:
        return _decode(data)
    except UNDECODABLE:
        return _checked(data)


def identity(line: Response, message: Message, usage: Usage) -> str:
    """The call id all copies of a response share: by message id, else request id, else the line's own id."""
    if message.id:
        return call_id(message_id=message.id)
    if line.requestId or line.uuid:
        return call_id(request_id=line.requestId or "", source=SOURCE, native_id=line.uuid or "")
    return call_id(source=SOURCE, content=content_key(line, message, usage).encode())


def content_key(line: Response, message: Message, usage: Usage) -> str:
    """What names a response without any id: its time, session, model and counts."""
    return msgspec.json.encode([line.timestamp, line.sessionId, message.model, usage]).decode()


def counts_of(usage: Usage) -> tuple[int, int, int, int, int, bool]:
    """(uncached input, read, 5m write, 1h write, output, whether some write's TTL is unknown).

    Raises BadRecord, naming the field, on a negative or impossible count.
    """
    uncached, output = usage.input_tokens, usage.output_tokens
    read, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    split = usage.cache_creation
    if split is None:
        write_5m = write_1h = 0
    else:
        write_5m, write_1h = split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens
    if not 0 <= uncached | output | read | written | write_5m | write_1h <= _SURELY_FINE:
        tokens_from_usage(msgspec.to_builtins(usage))  # raises when one is negative or too large
    unsplit = written - write_5m - write_1h
    if unsplit > 0:
        return uncached, read, write_5m + unsplit, write_1h, output, True
    return uncached, read, write_5m, write_1h, output, False


def is_composite(usage: Usage) -> bool:
    """True when iterations hold more than the sampling that the top level already sums (compaction, other models)."""
    return any(entry.model is not None or entry.type not in (None, "message") for entry in usage.iterations or ())


def composite_of(message: Message, usage: Usage) -> UsageTokens:
    """The whole reading of a composite response, with the parts billed at other models. Raises BadRecord."""
    return tokens_from_usage(msgspec.to_builtins(usage), model=message.model or "")


def _checked(data: bytes) -> Response | None:
    """A line the typed decoder refused: another kind of line, a response with odd labels, or a BadRecord."""
    record = object_of(decode_json(data), "the line")
    message = record.get("message")
    usage = message.get("usage") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(usage, Mapping):
        return None
    tokens_from_usage(usage)  # names the field that is no count
    plain = {name: value for name, value in usage.items() if value is not None and name in Usage.__struct_fields__}
    plain |= {name: text_of(usage, name) for name in ("service_tier", "speed", "inference_geo")}
    return (_Mended if has_null_tokens(usage) else Response)(
        message=Message(
            id=text_of(message, "id"),
            model=text_of(message, "model"),
            usage=_plain_usage(plain),
            content=msgspec.Raw(msgspec.json.encode(message.get("content"))),
            stop_reason=text_of(message, "stop_reason"),
        ),
        timestamp=text_of(record, "timestamp"),
        requestId=text_of(record, "requestId"),
        uuid=text_of(record, "uuid"),
        sessionId=text_of(record, "sessionId"),
        isSidechain=record.get("isSidechain") is True,
        isApiErrorMessage=record.get("isApiErrorMessage") is True,
        agentId=text_of(record, "agentId"),
        cwd=text_of(record, "cwd"),
    )


def _plain_usage(usage: Mapping[str, Any]) -> Usage:
    try:
        return msgspec.convert(usage, Usage, strict=False)
    except msgspec.ValidationError as error:
        raise BadRecord("bad-usage", f"message.usage is not as documented: {error}") from None
