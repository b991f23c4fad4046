"""The transport of a replay over the official `anthropic` SDK: the only module that knows it.

The SDK's own retries are off: it would create a batch a second time after an answer that never came. Its tracing is
off too, and no key, prompt or answer is in any error that leaves here.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

from baseload.errors import UsageError
from baseload.quality.legality import ApiVersion
from baseload.quality.replay.transport import BatchSeen, Refused, Unsure, is_own_limit

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types.messages import MessageBatch

Answered = TypeVar("Answered")
TIMEOUT_S: Final = 600.0
_PAGE: Final = 100
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@asynccontextmanager
async def connect(
    base_url: str, api_key: str, *, api_version: ApiVersion = "2023-06-01", timeout_s: float = TIMEOUT_S
) -> AsyncIterator[SdkTransport]:
    """A transport to any base URL. `api_version` 2023-06-01 lets older models keep their sampling parameters.

    Raises UsageError where the extra is not installed, or where the key would travel in the clear.
    """
    _check(base_url)
    try:
        import anthropic  # noqa: PLC0415 - an optional extra, and half a second of start
    except ImportError as error:
        raise UsageError("replaying calls needs the extra: pip install 'baseload[trials]'") from error
    logging.getLogger("anthropic").setLevel(logging.WARNING)  # at DEBUG it writes requests out
    client = anthropic.AsyncAnthropic(
        base_url=base_url,
        api_key=api_key,
        max_retries=0,
        timeout=timeout_s,
        open_telemetry=False,
        default_headers={"anthropic-version": api_version},
    )
    async with client:
        yield SdkTransport(client, timeout_s)


def _check(base_url: str) -> None:
    parts = urlsplit(base_url)
    if not (parts.scheme == "https" and parts.hostname) and not (
        parts.scheme == "http" and parts.hostname in _LOOPBACK
    ):
        raise UsageError(f"base URL {parts.scheme[:10]}://{(parts.hostname or '')[:60]}; expected https, or loopback")


class SdkTransport:
    """See `transport.Transport`."""

    def __init__(self, client: AsyncAnthropic, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def workspace(self) -> str:
        raw = await _asked(self._client.messages.batches.with_raw_response.list(limit=1))
        return str(raw.headers.get("anthropic-workspace-id", ""))

    async def create_batch(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> BatchSeen:
        items: list[Any] = [{"custom_id": custom_id, "params": dict(params)} for custom_id, params in requests]
        return _seen(await _asked(self._client.messages.batches.create(requests=items)))

    async def batches_since(self, since: float) -> list[BatchSeen]:
        found: list[BatchSeen] = []
        page = await _asked(self._client.messages.batches.list(limit=_PAGE))
        while True:
            seen = [_seen(one) for one in page.data]
            found += [one for one in seen if one.created >= since]
            if not page.has_next_page() or any(one.created < since for one in seen):
                return found
            page = await _asked(page.get_next_page())

    async def batch(self, batch_id: str) -> BatchSeen:
        return _seen(await _asked(self._client.messages.batches.retrieve(batch_id)))

    async def results(self, batch_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        return await _asked(self._read_results(batch_id))

    async def _read_results(self, batch_id: str) -> list[tuple[str, Mapping[str, Any]]]:
        rows = await self._client.messages.batches.results(batch_id)
        return [(row.custom_id, row.result.to_dict(mode="json")) async for row in rows]

    async def delete_batch(self, batch_id: str) -> None:
        await _asked(self._client.messages.batches.delete(batch_id))

    async def message(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The rest of the body goes as it is: the SDK knows fewer fields than requests have."""
        named = ("model", "messages", "max_tokens")
        given: dict[str, Any] = {name: params[name] for name in named}
        rest = {name: value for name, value in params.items() if name not in named}
        made = self._client.messages.create(**given, extra_body=rest, timeout=self._timeout_s)
        found: dict[str, Any] = (await _asked(made)).to_dict(mode="json")
        return found


async def _asked(call: Awaitable[Answered]) -> Answered:
    """The SDK's errors as ours. Raises Refused and Unsure."""
    import anthropic  # noqa: PLC0415 - as above
    import httpx2  # noqa: PLC0415 - comes with it

    try:
        return await call
    except anthropic.APIStatusError as error:
        raise _refused(error.status_code, error.body, error.response.headers) from None
    except (anthropic.APIError, httpx2.TransportError) as error:
        raise Unsure(type(error).__name__) from None


def _refused(status: int, body: object, headers: Mapping[str, str]) -> Refused:
    """Types and codes of an error; its message may quote the request and stays out."""
    error = body.get("error") if isinstance(body, Mapping) else None
    inner: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    details = inner.get("details")
    code = details.get("error_code", "") if isinstance(details, Mapping) else ""
    return Refused(
        status,
        str(inner.get("type", "error"))[:60],
        retry_after_s=_retry_after_s(headers),
        error_code=str(code)[:60],
        own_limit=is_own_limit(str(inner.get("message", ""))),
    )


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """`retry-after-ms`, else `retry-after` in seconds; a date is not sent by this API."""
    for name, factor in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            found = float(headers[name]) * factor
        except (KeyError, ValueError):
            continue
        if found >= 0:
            return found
    return None


def _seen(batch: MessageBatch) -> BatchSeen:
    counts = batch.request_counts
    items = counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired
    return BatchSeen(batch.id, batch.created_at.timestamp(), batch.processing_status == "ended", items)
