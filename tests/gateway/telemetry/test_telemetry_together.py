"""Several processes on one page of metrics: each series once a process, nothing summed, nobody missing in silence."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from baseload.gateway.admin import admin_app
from baseload.gateway.telemetry.together import PATH, Beside, merged, page, sockets_for

ONE = b"""# HELP a_total Attempts.
# TYPE a_total counter
a_total{b="c {d} e"} 2.0
# HELP g Now.
# TYPE g gauge
g 7.0
"""
TWO = b"""# HELP a_total Attempts.
# TYPE a_total counter
a_total{b="c {d} e"} 3.0
# HELP h How long.
# TYPE h histogram
h_bucket{le="+Inf"} 1.0
h_count 1.0
h_sum 0.5
"""


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def test_each_series_stands_once_a_process_and_each_family_is_described_once() -> None:
    text = merged({1: TWO, 0: ONE, 2: None})
    assert samples(text) == {
        ("baseload_process_up", "0"): 1, ("baseload_process_up", "1"): 1, ("baseload_process_up", "2"): 0,
        ("a_total", "c {d} e", "0"): 2, ("a_total", "c {d} e", "1"): 3, ("g", "0"): 7,
        ("h_bucket", "+Inf", "1"): 1, ("h_count", "1"): 1, ("h_sum", "1"): 0.5,
    }  # fmt: skip
    assert text.count(b"# TYPE a_total counter") == 1


@contextlib.contextmanager
def sockets(count: int) -> Iterator[Beside]:
    found = sockets_for(count)
    try:
        yield Beside(0, found)
    finally:
        for one in found:
            one.close()


def test_a_process_that_refuses_or_does_not_answer_is_down_and_the_page_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second refuses, the third was never started: its socket takes the connection and nobody reads it."""
    monkeypatch.setattr("baseload.gateway.telemetry.together.WAIT_S", 0.2)

    async def asked(beside: Beside) -> bytes:
        async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 401 Unauthorized\r\n\r\nsecrets_total 1\n")
            writer.close()

        async with await asyncio.start_server(refuses, sock=beside.sockets[1].dup()):
            return await page(beside, ONE, "t")

    with sockets(3) as beside:
        found = samples(asyncio.run(asked(beside)))
    up = {key[1]: value for key, value in found.items() if key[0] == "baseload_process_up"}
    assert up == {"0": 1, "1": 0, "2": 0}
    assert ("g", "0") in found
    assert "secrets_total" not in str(found)


def test_a_processs_own_page_asks_for_the_token_too() -> None:
    paths = {route.path for route in admin_app(None, "t").routes}  # type: ignore[arg-type, attr-defined]  # not asked
    assert PATH in paths
