"""An upstream of the API's own kind: bytes go as they are, but for the credential where it is ours."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from baseload.gateway.config import UpstreamSettings
from baseload.gateway.decide.splice import locate, member_cuts, spliced
from baseload.gateway.exchange import Answer, Forward, Header, Trip
from baseload.gateway.upstreams.backend import What, without_betas
from baseload.gateway.upstreams.port import Asked
from baseload.gateway.wire.answer import error_answer

CREDENTIALS: Final = frozenset((b"x-api-key", b"authorization"))
_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Anthropic:
    """One base URL. Betas and models are touched only where its settings name some."""

    platform = "anthropic"

    def __init__(self, settings: UpstreamSettings) -> None:
        self._origin = settings.origin
        self._timeout_s = settings.timeout_s
        self._betas = frozenset(settings.betas)
        self._models = settings.models

    def takes(self, asked: Asked, what: What) -> bool:  # noqa: ARG002 - it is the API: it takes everything
        return True

    def forward(self, asked: Asked, trip: Trip, key: bytes) -> Forward | Answer:
        headers = asked.headers
        if asked.ours:
            if not key:
                return error_answer(503, "The gateway has no key for its upstream.")
            headers = with_key(headers, key)
        if self._betas:
            headers = without_betas(headers, self._betas)
        body = asked.body
        if self._models and (model := self._models.get(asked.model)):
            body = with_model(body, model)
        return Forward(self._origin, asked.method, asked.target, headers, body, trip, timeout_s=self._timeout_s)

    def geo(self, asked: Asked) -> str:  # noqa: ARG002 - where it was served is in the answer's usage
        return "global"


def with_key(headers: tuple[Header, ...], key: bytes) -> tuple[Header, ...]:
    """The headers with this API key in place of whatever credential they had."""
    kept = tuple(header for header in headers if header[0].lower() not in CREDENTIALS)
    return (*kept, (b"x-api-key", key))


def with_model(body: bytes, model: str) -> bytes:
    """The body with another model, every other byte as it is; the very same where it names none that can be found."""
    try:
        members = _members(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body
    located = locate(body, members) if "model" in members else None
    if located is None:
        return body
    return spliced(body, member_cuts(located, {"model": msgspec.json.encode(model)}))
