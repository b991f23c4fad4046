"""Claude on Google's Vertex AI: rawPredict, with tokens by google-auth.

Imported only where an upstream of this kind is configured. Sources: anthropic-facts 2; the official SDK's Vertex client
for hosts, paths and fields.
"""

from __future__ import annotations

import datetime as dt
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

import google.auth
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.auth.transport import Request, Response

from baseload.errors import UsageError
from baseload.gateway.config import ANTHROPIC, UpstreamSettings, origin_of
from baseload.gateway.exchange import Answer, Forward, Header, Trip
from baseload.gateway.upstreams.backend import NO_BODY, NO_CREDENTIALS, What, without_betas
from baseload.gateway.upstreams.kept import Kept
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.upstreams.spelt import CONTENT, body_of, in_path, members_of
from baseload.gateway.upstreams.translate import JSON, ErrorText, reheaded, value_of
from baseload.gateway.wire.answer import error_answer
from baseload.prices.book import PriceBook
from baseload.usage.providers import vertex_geo

VERSION: Final = "vertex-2023-10-16"
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_BEFORE_S: Final = 300.0  # a token is renewed so long before it ends
_LEAST_S: Final = 30.0
_DATE: Final = re.compile(r"-(\d{8})$")
_BETA: Final = b"anthropic-beta"
_NO_MODEL: Final = frozenset(("model",))


def vertex_of(settings: UpstreamSettings, book: PriceBook) -> Vertex:
    """Vertex with the application's default credentials. Raises UsageError where there are none."""
    try:
        credentials, _ = google.auth.default(scopes=[SCOPE])
    except DefaultCredentialsError as error:
        raise UsageError(
            f"upstream {settings.name}: no Google credentials; expected GOOGLE_APPLICATION_CREDENTIALS or a role"
        ) from error
    transport = Transport()

    def fetch() -> tuple[bytes, float]:
        credentials.refresh(transport)  # type: ignore[no-untyped-call]  # google-auth types some of itself
        return str(credentials.token).encode("ascii"), _until_renewal_s(credentials.expiry)

    kept = Kept(settings.name, fetch)
    return Vertex(settings, book, lambda: kept.value or b"")


class Vertex:
    """One project and location. A model goes by its entry in `models`, else by Vertex's spelling of its own name."""

    platform = "vertex"

    def __init__(self, settings: UpstreamSettings, book: PriceBook, token: Callable[[], bytes]) -> None:
        self._settings = settings
        self._book = book
        self._token = token
        self._origin = origin_of(url_of(settings.region) if settings.base_url == ANTHROPIC else settings.base_url)
        project, region = quote(settings.project, safe=""), quote(settings.region, safe="")
        self._models = f"/projects/{project}/locations/{region}/publishers/anthropic/models/"
        self._betas = frozenset(settings.betas)

    def __repr__(self) -> str:
        return f"Vertex({self._settings.name!r})"

    def takes(self, asked: Asked, what: What) -> bool:
        return what != "other" and bool(in_path(self._model(asked.model)))

    def forward(self, asked: Asked, trip: Trip, key: bytes) -> Forward | Answer:  # noqa: ARG002 - it has a token
        members = members_of(asked.body)
        if members is None:
            return error_answer(400, NO_BODY)
        token = self._token()
        if not token:
            return error_answer(503, NO_CREDENTIALS, retry_after_s=5)
        model = self._model(asked.model)
        extra: dict[str, object] = {"anthropic_version": VERSION}
        if asked.target.partition(b"?")[0].endswith(b"/count_tokens"):
            path = "count-tokens:rawPredict"
            body = body_of(members, without=_NO_MODEL, extra={**extra, "model": model})
        else:
            path = f"{in_path(model)}:{'streamRawPredict' if asked.stream else 'rawPredict'}"
            body = body_of(members, without=_NO_MODEL, extra=extra)
        betas = tuple(one for one in without_betas(asked.headers, self._betas) if one[0].lower() == _BETA)
        headers = (CONTENT, *betas, (b"authorization", b"Bearer " + token))
        target = (self._models + path).encode()
        forward = Forward(self._origin, b"POST", target, headers, body, trip, timeout_s=self._settings.timeout_s)
        forward.translate = VertexAnswer()
        return forward

    def geo(self, asked: Asked) -> str:  # noqa: ARG002 - the location decides, whatever the model
        return vertex_geo(self._settings.region).geo

    def _model(self, asked: str) -> str:
        """What Vertex calls it: the same, but for the `@` before a date; "" where it is no Claude model known here."""
        models = self._settings.models
        known = self._book.resolve(asked)
        found = models.get(asked) or models.get(known)
        if found or not known:
            return found or ""
        return _DATE.sub(r"@\1", known)


def url_of(region: str) -> str:
    """Where a location listens; `global`, `us` and `eu` are spread over regions."""
    if region == "global":
        return "https://aiplatform.googleapis.com/v1"
    if region in ("us", "eu"):
        return f"https://aiplatform.{region}.rep.googleapis.com/v1"
    return f"https://{region}-aiplatform.googleapis.com/v1"


class VertexAnswer:
    """Vertex answers as the API does; only its errors have words of their own."""

    __slots__ = ("_error",)

    def __init__(self) -> None:
        self._error: ErrorText | None = None

    def head(self, status: int, headers: tuple[Header, ...]) -> tuple[Header, ...] | None:
        if status < 400:
            return None
        request_id = value_of(headers, b"request-id")
        self._error = ErrorText(status, request_id)
        return reheaded(headers, JSON, "")

    def feed(self, chunk: bytes, done: bool) -> bytes:
        return chunk if self._error is None else self._error.feed(chunk, done)


class Transport(Request):
    """google-auth's way to the token's server, by the standard library: `requests` is no dependency of ours."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: object,  # noqa: ARG002 - what other transports take
    ) -> Response:
        if not url.startswith(("https://", "http://")):
            raise TransportError("a token's address that is no http")  # type: ignore[no-untyped-call]  # as above
        request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=timeout or 20) as answer:  # noqa: S310 - checked above
                return _Answered(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            return _Answered(error.code, dict(error.headers.items()), error.read())
        except OSError as error:
            raise TransportError(type(error).__name__) from error  # type: ignore[no-untyped-call]  # as above


class _Answered(Response):
    def __init__(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self._status = status
        self._headers = headers
        self._data = data

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return self._data


def _until_renewal_s(expiry: dt.datetime | None) -> float:
    """google-auth's times are UTC without saying so."""
    if expiry is None:
        return _BEFORE_S
    left = (expiry.replace(tzinfo=dt.UTC) - dt.datetime.now(dt.UTC)).total_seconds()
    return max(left - _BEFORE_S, _LEAST_S)
