"""Clients of a gateway, and the pairs of records it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import anthropic
import pytest
from served import Served

from baseload.gateway.state.keys import new_key
from baseload.gateway.state.records import KeyScope
from baseload.usage.gateway_records import End, Start, json_of, record_of

_clients: list[anthropic.Anthropic] = []


@pytest.fixture(autouse=True)
def closing_clients() -> Iterator[None]:
    """What `client` made is closed after its test."""
    yield
    while _clients:
        _clients.pop().close()


def client(served: Served, key: str = "sk-ant-caller") -> anthropic.Anthropic:
    """The official SDK, which tries nothing twice by itself."""
    made = anthropic.Anthropic(base_url=served.base_url, api_key=key, max_retries=0)
    _clients.append(made)
    return made


def attempts(folder: Path) -> list[tuple[Start, End]]:
    """Every attempt's two records, in the order they began; each must have both."""
    starts: dict[int, Start] = {}
    ends: dict[int, End] = {}
    for path in sorted((folder / ".baseload/gateway/log").glob("*.log")):
        for line in path.read_bytes().splitlines():
            body = json_of(line)
            assert body is not None
            record = record_of(body)
            if isinstance(record, Start):
                starts[record.seq] = record
            elif isinstance(record, End):
                ends[record.seq] = record
    assert starts.keys() == ends.keys()
    return [(starts[seq], ends[seq]) for seq in sorted(starts)]


def with_key(served: Served) -> str:
    """A virtual key the gateway knows from now on."""
    gateway = served.gateway
    made = new_key("caller", KeyScope(), gateway.clock_us())
    served.call(lambda: gateway.state(lambda store: store.add_key(made.row)))
    served.call(lambda: gateway.core.keys.replace([made.row], gateway.clock_us()))
    return made.secret
