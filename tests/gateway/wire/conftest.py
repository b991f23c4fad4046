"""What the wire's tests stand on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire_world import NotedDoor, Script, World


@pytest.fixture
def script() -> Iterator[Script]:
    """An upstream that says what a test gives it."""
    found = Script()
    yield found
    found.close()


@pytest.fixture
def door(script: Script) -> NotedDoor:
    return NotedDoor(script.origin)


@pytest.fixture
def world(door: NotedDoor) -> Iterator[World]:
    found = World(door)
    yield found
    found.stop()
