"""The pull's shell: carries actions out over HTTP and on disk. All decisions are in `machine`."""

from __future__ import annotations

import asyncio
import datetime as dt
import email.utils
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from baseload import __version__
from baseload.errors import PullError, UsageError
from baseload.usage.pull.actions import Remove, Reply, Save, Send, Wait
from baseload.usage.pull.admin_key import AdminKey
from baseload.usage.pull.folder import PullFolder
from baseload.usage.pull.machine import Flow
from baseload.usage.pull.state import PullState

BASE_URL: Final = "https://api.anthropic.com"
API_VERSION: Final = "2023-06-01"
MOST_BYTES: Final = 64 * 1024 * 1024
"""More than this in one page is no report."""
TIMEOUT: Final = aiohttp.ClientTimeout(total=180, sock_connect=20, sock_read=90)

Progress = Callable[[int, int, str], None]
"""(windows done, windows in all, what is happening)."""


async def run(
    flow: Flow,
    folder: PullFolder,
    key: AdminKey,
    *,
    base_url: str = BASE_URL,
    progress: Progress = lambda *_: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> PullState:
    """Drive `flow` to its end. Raises PullError (without the key in it) and UsageError for a bad `base_url`."""
    _check(base_url)
    headers = {
        **key.headers(),
        "anthropic-version": API_VERSION,
        "user-agent": f"baseload/{__version__}",
        "accept": "application/json",
    }
    async with aiohttp.ClientSession(headers=headers, timeout=TIMEOUT) as session:
        reply: Reply | None = None
        while True:
            try:
                action = flow.send(reply)
            except StopIteration as finished:
                state: PullState = finished.value
                return state
            except PullError as error:
                raise PullError(key.hidden_in(str(error))) from None
            reply = None
            if isinstance(action, Send):
                reply = await _send(session, base_url.rstrip("/"), action)
            elif isinstance(action, Wait):
                await sleep(action.seconds)
            else:
                _keep(folder, action)
                _report(action.state, progress)


def _keep(folder: PullFolder, action: Save | Remove) -> None:
    if isinstance(action, Save):
        folder.save(action.state, action.name, action.content)
    else:
        folder.save(action.state)
        folder.remove(action.names)


def _report(state: PullState, progress: Progress) -> None:
    left = next((task for task in state.tasks if not task.done), None)
    done = sum(task.done for task in state.tasks)
    label = f"{left.series} {left.window.start:%Y-%m}, page {len(left.files) + 1}" if left else "done"
    progress(done, len(state.tasks), label)


async def _send(session: aiohttp.ClientSession, base_url: str, action: Send) -> Reply:
    """One request. A redirect is not followed: it would carry the key elsewhere."""
    headers = {"anthropic-beta": action.beta} if action.beta else {}
    try:
        async with session.get(
            base_url + action.path, params=action.params, headers=headers, allow_redirects=False
        ) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MOST_BYTES:
                    return Reply(status=0, error=f"the answer is larger than {MOST_BYTES} bytes")
            return Reply(
                status=response.status,
                body=bytes(body),
                retry_after=_retry_after(response.headers),
                organization_id=response.headers.get("anthropic-organization-id", ""),
                date=_moment(response.headers.get("date", "")),
            )
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return Reply(status=0, error=f"no answer from {urlsplit(base_url).netloc} ({type(error).__name__})")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `retry-after-ms` or `retry-after` (seconds, or a date by the server's own clock); None if unsaid."""
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(float(milliseconds) / 1000, 0.0)
        return max(float(headers["retry-after"]), 0.0)
    except KeyError:
        return None
    except ValueError:
        until, now = _date(headers.get("retry-after", "")), _date(headers.get("date", ""))
        return max((until - now).total_seconds(), 0.0) if until and now else None


def _moment(date: str) -> str:
    """ISO 8601 of an HTTP date; "" where it is none."""
    moment = _date(date)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else ""


def _date(text: str) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(text).astimezone(dt.UTC)
    except (TypeError, ValueError):
        return None


def _check(base_url: str) -> None:
    """The key leaves this machine only encrypted."""
    parts = urlsplit(base_url)
    local = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and local)):
        raise UsageError(f"--base-url {base_url!r} is not usable; expected https://… (http only on this machine)")
