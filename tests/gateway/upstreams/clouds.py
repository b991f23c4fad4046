"""Bedrock and Vertex as they are at the seam: their paths, fields, credentials, frames and errors, on loopback."""

from __future__ import annotations

import base64
import datetime as dt
import re
import struct
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.http import Headers, Request
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream
from baseload.demo.upstream.service import Reply, Service
from baseload.prices.load import load_book

ACCESS, SECRET, SESSION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session-token-of-a-role"
TOKEN = "ya29.a-token-of-googles"
PROJECT = "a-project"
_ONLY_THE_APIS = rb', ?"inference_geo": ?"[^"]*"'


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of Amazon's event stream."""
    told = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", len(told) + len(payload) + 16, len(told))
    data = prelude + struct.pack(">I", zlib.crc32(prelude)) + told + payload
    return data + struct.pack(">I", zlib.crc32(data))


def chunk_frame(event: bytes) -> bytes:
    """An event's JSON as Bedrock sends it, with the padding it adds."""
    payload = msgspec.json.encode({"bytes": base64.b64encode(event).decode(), "p": "abcdefg"})
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, payload)


def exception_frame(name: str, message: str) -> bytes:
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, msgspec.json.encode({"message": message}))


class Cloud:
    """A backend over the demonstration's service. `errors` are answered first, as they are written."""

    def __init__(self) -> None:
        self.inner = Service(Answers(fallback=seeded_answers(7)), load_book())
        self.behaviour = self.inner.behaviour
        self.errors: list[Reply] = []
        self.seen: list[dict[str, Any]] = []

    def handle(self, request: Request, now: float) -> Reply:
        refused = self.refused(request)
        if refused is not None:
            return refused
        if self.errors:
            return self.errors.pop(0)
        return self.answered(request, now)

    def refused(self, request: Request) -> Reply | None:
        raise NotImplementedError

    def answered(self, request: Request, now: float) -> Reply:
        raise NotImplementedError

    def ask(self, body: dict[str, Any], now: float, path: str = "/v1/messages") -> Reply:
        """What the API would answer to this body."""
        headers = (("x-api-key", "k"), ("anthropic-version", "2023-06-01"))
        reply = self.inner.handle(Request("POST", path, "HTTP/1.1", headers, msgspec.json.encode(body)), now)
        events = tuple(re.sub(_ONLY_THE_APIS, b"", event) for event in reply.events)
        return Reply(headers=reply.headers, body=re.sub(_ONLY_THE_APIS, b"", reply.body), events=events)


class BedrockCloud(Cloud):
    """InvokeModel in us-east-1. `model` is the one name it knows, and `served` what it is."""

    def __init__(self, model: str, served: str) -> None:
        super().__init__()
        self.model = model
        self.served = served
        self.last_frames: tuple[bytes, ...] = ()

    def refused(self, request: Request) -> Reply | None:
        if signature_of(request) == signed_again(request):
            return None
        return amazon_error(403, "InvalidSignatureException", "The request signature we calculated does not match")

    def answered(self, request: Request, now: float) -> Reply:
        _, _, model, how = request.path.split("/")
        body = msgspec.json.decode(request.body)
        self.seen.append(dict(body))
        if unquote(model) != self.model or "model" in body or "stream" in body:
            return amazon_error(400, "ValidationException", "The provided model identifier is invalid.")
        if body.pop("anthropic_version", "") != "bedrock-2023-05-31":
            return amazon_error(400, "ValidationException", "anthropic_version: Field required")
        body.pop("anthropic_beta", None)
        stream = how == "invoke-with-response-stream"
        reply = self.ask({**body, "model": self.served, "stream": stream}, now)
        headers = (("x-amzn-requestid", "0f0f-amzn"), ("x-amzn-bedrock-input-token-count", "9"))
        if not stream:
            return Reply(headers=(("content-type", "application/json"), *headers), body=reply.body)
        events = tuple(chunk_frame(data) for event in reply.events for data in data_of(event))
        return Reply(
            headers=(("content-type", "application/vnd.amazon.eventstream"), *headers),
            events=(*events, *self.last_frames),
        )


def data_of(event: bytes) -> list[bytes]:
    """The JSON in a piece of a stream, of one event or several."""
    return re.findall(rb"^data: (.*)$", event, re.MULTILINE)


def amazon_error(status: int, name: str, message: str, **more: str) -> Reply:
    headers = [("content-type", "application/json"), ("x-amzn-errortype", name), ("x-amzn-requestid", "0f0f-amzn")]
    headers += [(key.replace("_", "-"), value) for key, value in more.items()]
    return Reply(status=status, headers=tuple(headers), body=msgspec.json.encode({"message": message}))


def signature_of(request: Request) -> str:
    return request.header("authorization").rpartition("Signature=")[2]


def signed_again(request: Request) -> str:
    """The signature as Amazon would work it out from what came: by botocore, over the headers said to be signed."""
    found = re.search(r"SignedHeaders=([^,]+)", request.header("authorization"))
    names = found[1].split(";") if found else []
    if not {"host", "x-amz-date", "x-amz-security-token", "content-type"} <= set(names):
        return "too little is signed"
    url = f"http://{request.header('host')}{request.target}"
    again = AWSRequest("POST", url, {name: request.header(name) for name in names}, request.body)
    again.context["timestamp"] = request.header("x-amz-date")
    signer = SigV4Auth(Credentials(ACCESS, SECRET, SESSION), "bedrock", "us-east-1")
    canonical = signer.canonical_request(again)
    return str(signer.signature(signer.string_to_sign(again, canonical), again))


class VertexCloud(Cloud):
    """rawPredict in one location, and the token's server beside it."""

    def __init__(self, location: str, model: str, served: str) -> None:
        super().__init__()
        self.place = f"/v1/projects/{PROJECT}/locations/{location}/publishers/anthropic/models/"
        self.model = model
        self.served = served
        self.tokens = 0
        self.betas: list[str] = []

    def refused(self, request: Request) -> Reply | None:
        if request.path == "/token" or request.header("authorization") == f"Bearer {TOKEN}":
            return None
        return google_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")

    def answered(self, request: Request, now: float) -> Reply:
        if request.path == "/token":
            self.tokens += 1
            answer = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
            return Reply(body=msgspec.json.encode(answer))
        body = msgspec.json.decode(request.body)
        self.seen.append(dict(body))
        self.betas.append(request.header("anthropic-beta"))
        if body.pop("anthropic_version", "") != "vertex-2023-10-16":
            return google_error(400, "INVALID_ARGUMENT", "anthropic_version: Field required")
        if request.path == f"{self.place}count-tokens:rawPredict" and body.pop("model") == self.model:
            return self.ask({**body, "model": self.served}, now, "/v1/messages/count_tokens")
        how = "streamRawPredict" if body.get("stream") else "rawPredict"
        if request.path != f"{self.place}{self.model}:{how}":
            return google_error(404, "NOT_FOUND", "Publisher Model was not found.")
        return self.ask({**body, "model": self.served}, now)


def google_error(status: int, name: str, message: str) -> Reply:
    body = [{"error": {"code": status, "message": message, "status": name}}]
    return Reply(status=status, headers=(("content-type", "application/json; charset=UTF-8"),),
                 body=msgspec.json.encode(body))  # fmt: skip


class CloudServer(Upstream):
    """A backend's socket: nothing of the API's own headers."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud, keep=1_000)  # type: ignore[arg-type]  # it handles requests as the service does

    def _headers(self) -> Headers:
        return (("date", dt.datetime.now(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")),)
