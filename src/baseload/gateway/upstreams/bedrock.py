"""Claude on Amazon Bedrock: InvokeModel, signed by botocore with the credentials of the environment it runs in.

Imported only where an upstream of this kind is configured. Sources: anthropic-facts 2; the official SDK's Bedrock
client for paths and fields; Amazon's event stream for frames.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

import botocore.session  # type: ignore[import-untyped]  # ships no types
import msgspec
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import ReadOnlyCredentials  # type: ignore[import-untyped]

from baseload.errors import UsageError
from baseload.gateway.config import ANTHROPIC, UpstreamSettings, origin_of
from baseload.gateway.exchange import Answer, Forward, Header, Origin, Trip, Untranslatable
from baseload.gateway.upstreams.backend import NO_BODY, NO_CREDENTIALS, What, betas_in
from baseload.gateway.upstreams.event_stream import Frame, Frames
from baseload.gateway.upstreams.kept import Kept
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.upstreams.spelt import body_of, in_path, members_of
from baseload.gateway.upstreams.translate import JSON, ErrorText, Feed, Passing, reheaded, value_of
from baseload.gateway.wire.answer import error_answer, error_event
from baseload.prices.book import PriceBook
from baseload.prices.names import spell
from baseload.usage.providers import bedrock_geo

VERSION: Final = "bedrock-2023-05-31"
_SERVICE: Final = "bedrock"
_DROPPED: Final = frozenset(("model", "stream"))
_LOOK_AGAIN_S: Final = 60.0  # botocore renews what ends within 15 minutes
_STREAM: Final = "application/vnd.amazon.eventstream"
_SSE: Final = b"text/event-stream; charset=utf-8"
_KINDS: Final = {
    "throttlingException": "rate_limit_error",
    "validationException": "invalid_request_error",
    "modelTimeoutException": "timeout_error",
    "serviceUnavailableException": "overloaded_error",
}
"""The API's error type by the exception of a stream; another one is an api_error."""

Credentials = Callable[[], ReadOnlyCredentials | None]


def bedrock_of(settings: UpstreamSettings, book: PriceBook) -> Bedrock:
    """Bedrock with the credentials botocore finds: environment, profile, container, instance. Raises UsageError."""
    found = botocore.session.Session().get_credentials()
    if found is None:
        raise UsageError(f"upstream {settings.name}: no AWS credentials; expected a profile, role or AWS_ACCESS_KEY_ID")
    kept = Kept(settings.name, lambda: (found.get_frozen_credentials(), _LOOK_AGAIN_S))
    return Bedrock(settings, book, lambda: kept.value)


class Bedrock:
    """One region. A model goes by its entry in `models`, or by a name of Bedrock's own; no other is taken."""

    platform = "bedrock"

    def __init__(self, settings: UpstreamSettings, book: PriceBook, credentials: Credentials) -> None:
        self._settings = settings
        self._book = book
        self._credentials = credentials
        given = settings.base_url
        url = f"https://bedrock-runtime.{settings.region}.amazonaws.com" if given == ANTHROPIC else given.rstrip("/")
        self._origin: Origin = origin_of(url)
        self._url = url.removesuffix(self._origin.base_path.decode()) if self._origin.base_path else url
        self._betas = frozenset(settings.betas)

    def __repr__(self) -> str:
        return f"Bedrock({self._settings.name!r})"

    def takes(self, asked: Asked, what: What) -> bool:
        """Messages only: InvokeModel has no count of tokens, no batches of the API's and no files."""
        return what == "messages" and bool(in_path(self._model(asked.model)))

    def forward(self, asked: Asked, trip: Trip, key: bytes) -> Forward | Answer:  # noqa: ARG002 - it signs instead
        members = members_of(asked.body)
        if members is None:
            return error_answer(400, NO_BODY)
        credentials = self._credentials()
        if credentials is None:
            return error_answer(503, NO_CREDENTIALS, retry_after_s=5)
        extra: dict[str, object] = {"anthropic_version": VERSION}
        betas = [beta for beta in betas_in(asked.headers) if beta in self._betas]
        if betas:
            extra["anthropic_beta"] = betas
        body = body_of(members, without=_DROPPED, extra=extra)
        how = "invoke-with-response-stream" if asked.stream else "invoke"
        target = f"/model/{in_path(self._model(asked.model))}/{how}"
        headers = self._signed(target, body, credentials)
        forward = Forward(
            self._origin, b"POST", target.encode(), headers, body, trip, timeout_s=self._settings.timeout_s
        )
        forward.translate = BedrockAnswer()
        return forward

    def geo(self, asked: Asked) -> str:
        return bedrock_geo(self._model(asked.model), self._settings.region).geo

    def _model(self, asked: str) -> str:
        """What Bedrock calls it; "" where it is not known to."""
        models = self._settings.models
        known = models.get(asked) or models.get(self._book.resolve(asked))
        if known:
            return known
        return asked if asked.startswith("arn:") or spell(asked).hints.platform == "bedrock" else ""

    def _signed(self, target: str, body: bytes, credentials: ReadOnlyCredentials) -> tuple[Header, ...]:
        url = self._url + self._origin.base_path.decode() + target
        request = AWSRequest(method="POST", url=url, headers={"content-type": "application/json"}, data=body)
        SigV4Auth(credentials, _SERVICE, self._settings.region).add_auth(request)
        return tuple((name.lower().encode(), value.encode()) for name, value in request.headers.items())


class BedrockAnswer:
    """An answer of Bedrock's as the API gives it: frames as server-sent events, errors in its words."""

    __slots__ = ("_feed",)

    def __init__(self) -> None:
        self._feed: Feed = Passing().feed

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...]:
        request_id = value_of(headers, b"x-amzn-requestid")
        if status >= 400:
            self._feed = ErrorText(status, request_id).feed
            return reheaded(headers, JSON, request_id)
        if value_of(headers, b"content-type").startswith(_STREAM):
            self._feed = Events().feed
            return reheaded(headers, _SSE, request_id)
        return reheaded(headers, JSON, request_id)

    def feed(self, chunk: bytes, done: bool) -> bytes:
        return self._feed(chunk, done)


class _Chunk(msgspec.Struct):
    bytes: str = ""


class _Event(msgspec.Struct):
    type: str = ""


class _Said(msgspec.Struct):
    message: str = ""


_chunk = msgspec.json.Decoder(_Chunk).decode
_event = msgspec.json.Decoder(_Event).decode
_said = msgspec.json.Decoder(_Said).decode


class Events:
    """Frames in, server-sent events out. Raises Untranslatable where the bytes are none, or end inside one."""

    __slots__ = ("_frames",)

    def __init__(self) -> None:
        self._frames = Frames()

    def feed(self, chunk: bytes, done: bool) -> bytes:
        found: list[bytes] = []
        try:
            for frame in self._frames.feed(chunk):
                found.append(as_event(frame))  # noqa: PERF401 - those before a bad one are kept
        except (ValueError, UnicodeDecodeError):
            raise Untranslatable("bytes that are no frame of a stream", b"".join(found)) from None
        if done and self._frames.waits:
            raise Untranslatable("a stream that ends inside a frame", b"".join(found))
        return b"".join(found)


def as_event(frame: Frame) -> bytes:
    """One frame as an event of the API; b"" for one that is none of its. Raises ValueError where it cannot be read."""
    headers = frame.headers
    kind = headers.get(":message-type", "event")
    if kind == "exception":
        name = headers.get(":exception-type", "")
        return error_event(_said(frame.payload).message or name, b"", kind=_KINDS.get(name, "api_error"))
    if kind == "error":
        said = headers.get(":error-message") or headers.get(":error-code", "")
        return error_event(said, b"", kind="api_error")
    if headers.get(":event-type") != "chunk":
        return b""
    text = base64.b64decode(_chunk(frame.payload).bytes, validate=True)
    if b"\n" in text or b"\r" in text:
        text = msgspec.json.format(text, indent=-1)
    return b"event: %b\ndata: %b\n\n" % (_event(text).type.encode(), text)
