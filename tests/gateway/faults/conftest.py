"""Every fault test ends with a look at what was logged: no key, no word of a prompt, nothing but names and counts."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults_world import no_secrets


@pytest.fixture(autouse=True)
def nothing_said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[None]:
    """All log records with all they carry, both streams, and every file the test left."""
    for ours in ("baseload", "asyncio", "concurrent"):
        caplog.set_level(logging.DEBUG, ours)
    yield
    out, err = capfd.readouterr()
    carried = "\n".join(f"{one.__dict__!r}" for one in caplog.get_records("call"))
    no_secrets(tmp_path, caplog.text, carried, out, err)
