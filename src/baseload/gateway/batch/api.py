"""The Message Batches API over the gateway's own client: one request a call, no retry of its own.

It answers in the words of `quality.replay.transport`: Refused = nothing was carried out, Unsure = nobody knows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from baseload.gateway.batch.records import Group
from baseload.gateway.exchange import Header, Origin
from baseload.gateway.wire.client import Client
from baseload.gateway.wire.fetch import Fetched, NotFetched, fetch
from baseload.quality.replay.transport import BatchSeen, Refused, Unsure, is_own_limit
from baseload.values import OrgKey

PATH: Final = b"/v1/messages/batches"
_PAGE: Final = 100
_MOST_PAGES: Final = 20
_OVERLOADED: Final = 529


class Result(NamedTuple):
    """One line of results: `message` where it succeeded; else the API's error type and its message."""

    custom_id: str
    kind: str
    message: msgspec.Raw | None
    error_type: str
    error_message: str


class _Error(msgspec.Struct):
    type: str = ""
    message: str = ""
    error: _Error | None = None
    details: dict[str, Any] | None = None


class _Result(msgspec.Struct):
    type: str = ""
    message: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class _Line(msgspec.Struct):
    custom_id: str
    result: _Result


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class _Batch(msgspec.Struct):
    id: str
    created_at: dt.datetime
    processing_status: str = ""
    request_counts: _Counts = msgspec.field(default_factory=_Counts)


class _Page(msgspec.Struct):
    data: list[_Batch]
    has_more: bool = False
    last_id: str | None = None


_line: Final = msgspec.json.Decoder(_Line).decode
_batch: Final = msgspec.json.Decoder(_Batch).decode
_page: Final = msgspec.json.Decoder(_Page).decode
_error: Final = msgspec.json.Decoder(_Error).decode


class BatchApi:
    """`keys` gives the gateway's own keys, those of its environment or files; the first makes new batches."""

    def __init__(
        self, client: Client, origin: Origin, keys: Callable[[], Sequence[bytes]], org_key: OrgKey, timeout_s: float
    ) -> None:
        self._client = client
        self._origin = origin
        self._keys = keys
        self._org_key = org_key
        self._timeout_s = timeout_s

    def credential(self) -> str:
        """A keyed fingerprint of the key that new batches are made with; "" where there is none."""
        keys = self._keys()
        return self._org_key.fingerprint("batch-key", keys[0]) if keys else ""

    async def create(self, group: Group, items: Iterable[tuple[str, bytes]]) -> BatchSeen:
        """(custom id, params as JSON) of each item. Raises Refused, Unsure."""
        rows = [b'{"custom_id":"%b","params":%b}' % (custom_id.encode(), params) for custom_id, params in items]
        return _seen(_read(_batch, await self._ask(group, b"POST", PATH, b'{"requests":[%b]}' % b",".join(rows))))

    async def since(self, group: Group, since_s: float) -> list[BatchSeen]:
        """Newest first. Raises Refused, Unsure."""
        found: list[BatchSeen] = []
        after = b""
        for _ in range(_MOST_PAGES):
            page = _read(_page, await self._ask(group, b"GET", b"%b?limit=%d%b" % (PATH, _PAGE, after)))
            seen = [_seen(one) for one in page.data]
            found += [one for one in seen if one.created >= since_s]
            if not page.has_more or not page.last_id or any(one.created < since_s for one in seen):
                break
            after = b"&after_id=" + page.last_id.encode()
        return found

    async def batch(self, group: Group, batch_id: str) -> BatchSeen:
        return _seen(_read(_batch, await self._ask(group, b"GET", _of(batch_id))))

    async def results(self, group: Group, batch_id: str) -> list[Result]:
        """Of each item, in any order. Raises Refused, Unsure."""
        body = await self._ask(group, b"GET", _of(batch_id) + b"/results")
        return [_result(_read(_line, line)) for line in body.split(b"\n") if line.strip()]

    async def cancel(self, group: Group, batch_id: str) -> None:
        await self._ask(group, b"POST", _of(batch_id) + b"/cancel")

    async def delete(self, group: Group, batch_id: str) -> None:
        await self._ask(group, b"DELETE", _of(batch_id))

    async def _ask(self, group: Group, method: bytes, target: bytes, body: bytes = b"") -> bytes:
        try:
            found = await fetch(
                self._client, self._origin, method, target, self._headers(group, body), body, timeout_s=self._timeout_s
            )
        except NotFetched as error:
            if error.kind == "connect":
                raise Refused(_OVERLOADED, "connect") from None
            raise Unsure(error.kind) from None
        if found.status >= 300:
            raise _refused(found)
        return found.body

    def _headers(self, group: Group, body: bytes) -> tuple[Header, ...]:
        keys = self._keys()
        key = next(
            (one for one in keys if self._org_key.fingerprint("batch-key", one) == group.credential),
            keys[0] if keys else b"",
        )
        found: list[Header] = [
            (b"x-api-key", key),
            (b"anthropic-version", group.version.encode()),
            (b"accept", b"application/json"),
            (b"accept-encoding", b"identity"),
        ]
        if group.betas:
            found.append((b"anthropic-beta", group.betas.encode()))
        if body:
            found.append((b"content-type", b"application/json"))
        return tuple(found)


def _of(batch_id: str) -> bytes:
    return b"%b/%b" % (PATH, batch_id.encode())


def _read(decode: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeError):
        raise Unsure("unreadable") from None


def _seen(batch: _Batch) -> BatchSeen:
    counts = batch.request_counts
    items = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    return BatchSeen(batch.id, batch.created_at.timestamp(), batch.processing_status == "ended", items)


def _result(line: _Line) -> Result:
    error = line.result.error
    if error is not None and error.error is not None:
        error = error.error
    kind, message = line.result.type, line.result.message
    if kind == "succeeded" and bytes(message):
        return Result(line.custom_id, kind, message, "", "")
    named = error or _Error(type="api_error" if kind in ("errored", "succeeded") else "")
    return Result(line.custom_id, kind, None, named.type, named.message)


def _refused(found: Fetched) -> Refused:
    """Types and codes of an error; its message may quote the request and stays out."""
    try:
        error = _error(found.body).error or _Error()
    except (msgspec.MsgspecError, UnicodeError):
        error = _Error()
    code = (error.details or {}).get("error_code", "")
    return Refused(
        found.status,
        error.type[:60] or "error",
        retry_after_s=_retry_after_s({name.lower(): value for name, value in found.headers}),
        error_code=str(code)[:60],
        own_limit=is_own_limit(error.message),
    )


def _retry_after_s(headers: Mapping[bytes, bytes]) -> float | None:
    try:
        found = float(headers.get(b"retry-after", b""))
    except ValueError:
        return None
    return found if 0 <= found < 86_400 else None
