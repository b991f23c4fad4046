"""One page of metrics for all processes that share a port: whichever of them is asked, asks the others.

Each process answers for itself on a loopback socket that was opened before the first fork, so that it outlives a
process that dies. Every series has the label `process`; nothing is summed here, since a counter of one that was started
again begins at 0, and only who reads the series can tell.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import Final, NamedTuple

PATH: Final = "/metrics/process"
WAIT_S: Final = 2.0
"""A process that does not answer in time is shown as down; a scrape waits no longer."""
MOST_BYTES: Final = 16 << 20
UP: Final = "baseload_process_up"


class Beside(NamedTuple):
    """The `number`-th of the processes that share a port, and the socket each of them answers on for itself."""

    number: int
    sockets: tuple[socket.socket, ...]


def sockets_for(count: int) -> tuple[socket.socket, ...]:
    """Listening sockets on loopback, one a process. Raises OSError."""
    found: list[socket.socket] = []
    try:
        for _ in range(count):
            found.append(one := socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            one.bind(("127.0.0.1", 0))
            one.listen(64)
    except OSError:
        for one in found:
            one.close()
        raise
    return tuple(found)


async def page(beside: Beside, own: bytes, token: str) -> bytes:
    """The metrics of all processes. `own` are this one's; the others want the same token."""
    others = [number for number in range(len(beside.sockets)) if number != beside.number]
    ports = [beside.sockets[number].getsockname()[1] for number in others]
    pages = await asyncio.gather(*(_asked(port, token) for port in ports))
    return merged({beside.number: own, **dict(zip(others, pages, strict=True))})


def merged(pages: Mapping[int, bytes | None]) -> bytes:
    """One exposition of several; a family's description stands once. None = that process did not answer."""
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for number, text in sorted(pages.items()):
        name = ""
        for line in (text or b"").decode("utf-8", "replace").splitlines():
            if line.startswith("# "):
                name = line.split(" ", 3)[2]
                known = heads.setdefault(name, [])
                known += [line] if line not in known else []
            elif line:
                samples.setdefault(name, []).append(_labelled(line, number))
    lines = [f"# HELP {UP} 1 where that process answered.", f"# TYPE {UP} gauge"]
    lines += [f'{UP}{{process="{number}"}} {int(text is not None)}' for number, text in sorted(pages.items())]
    for name, head in heads.items():
        lines += [*head, *samples.get(name, ())]
    return ("\n".join(lines) + "\n").encode()


def _labelled(line: str, number: int) -> str:
    """
    >>> _labelled('a_total{b="c"} 1.0', 2)
    'a_total{process="2",b="c"} 1.0'
    >>> _labelled('a 1.0', 0)
    'a{process="0"} 1.0'
    """
    label = f'process="{number}"'
    space, brace = line.find(" "), line.find("{")
    if 0 <= brace < space:
        return f"{line[: brace + 1]}{label},{line[brace + 1 :]}"
    return f"{line[:space]}{{{label}}}{line[space:]}"


async def _asked(port: int, token: str) -> bytes | None:
    """Another process's own page; None where it cannot be had."""
    try:
        async with asyncio.timeout(WAIT_S):
            return await _got(port, token)
    except (OSError, TimeoutError, ValueError):
        return None


async def _got(port: int, token: str) -> bytes | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=MOST_BYTES)
    try:
        head = f"GET {PATH} HTTP/1.0\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n"
        writer.write(head.encode("utf-8", "replace"))
        answer = await reader.read(MOST_BYTES)
        while more := await reader.read(MOST_BYTES):
            answer += more
    finally:
        writer.close()
    first, _, body = answer.partition(b"\r\n\r\n")
    return body if first.split(b" ", 2)[1:2] == [b"200"] else None
