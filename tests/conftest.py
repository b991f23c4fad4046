"""What every test may lean on."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real samples beside the checkout; skips, with the reason, only where it is absent."""
    data = SHARED / "data"
    if not data.is_dir():
        pytest.skip(f"no sample data beside the checkout ({data.parent.name}/data is absent)")
    return data
