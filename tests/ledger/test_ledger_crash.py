"""kill -9 at any moment, then run again: the ledger is what one clean run makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("kill_driver.py")


def run_driver(*arguments: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, str(DRIVER), *arguments],
        env={**os.environ, "PYTHONPATH": str(DRIVER.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return dict(json.loads(run.stdout))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a ledger holds that nobody killed."""
    (found,) = run_driver("random", str(tmp_path_factory.mktemp("clean")), "0", "0")["ledgers"]
    assert found["rows"] == 30 * 5 + 40 + 1  # calls 30n … 30n + 39 of six files overlap by ten, and one total
    assert found["problems"] == 6
    assert len(found["marks"]) == 6
    assert found["orphans"] == []
    return dict(found)


def test_killed_at_random_moments(tmp_path: Path, clean: dict[str, Any]) -> None:
    """Five imports killed up to three times each; `make prove` does a hundred."""
    found = run_driver("random", str(tmp_path), "5", "1")
    assert found["died"] >= 5
    assert found["ledgers"] == [clean] * 6


def test_killed_at_every_step_of_a_commit(tmp_path: Path, clean: dict[str, Any]) -> None:
    """Before and after every write, sync, rename and removal of an import and a compaction."""
    found = run_driver("steps", str(tmp_path))
    assert found["died"] >= 20
    assert found["ledgers"] == [clean]


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(10))
def test_killed_three_hundred_times(tmp_path: Path, clean: dict[str, Any], seed: int) -> None:
    found = run_driver("random", str(tmp_path), "10", str(seed))
    assert found["ledgers"] == [clean] * 11
