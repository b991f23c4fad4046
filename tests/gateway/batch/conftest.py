"""A real PostgreSQL for the queue that several replicas share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres_server import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgres() as address:
        yield address
