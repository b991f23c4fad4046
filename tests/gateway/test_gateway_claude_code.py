"""Claude Code, headless, through the gateway: what it sends and what it is told are as without one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from served import Served, serving, settings
from test_gateway_sdk import records

from baseload.demo.upstream.server import Upstream
from baseload.usage.gateway_records import End, Start

IDS = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|cc_version=[^;]*; *cch=[^;]*;"
)
"""What it draws anew in every run: ids of its device, its messages and its prompts."""
SESSION = "11111111-2222-4333-8444-555555555555"


def headless(claude: Path, base_url: str, home: Path) -> dict[str, Any]:
    """One question to Claude Code in an empty folder; the JSON it prints."""
    shutil.rmtree(home, ignore_errors=True)
    work = home / "work"
    work.mkdir(parents=True)
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "ANTHROPIC_BASE_URL": base_url,
        "ANTHROPIC_API_KEY": "sk-ant-caller",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    command = [str(claude), "-p", "say hello", "--output-format", "json", "--session-id", SESSION]
    done = subprocess.run(command, cwd=work, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-500:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def observing(upstream: Upstream, tmp_path: Path) -> Any:
    with serving(settings(upstream.base_url, "", "", tmp_path / "gateway")) as gateway:
        yield gateway


def test_it_sends_the_same_requests_and_tells_the_same_answer(
    claude_code: Path, upstream: Upstream, observing: Served, tmp_path: Path
) -> None:
    told, sent = [], []
    for url in (upstream.base_url, observing.base_url):
        upstream.requests.clear()
        told.append(headless(claude_code, url, tmp_path / "home"))
        asked = [request for request in upstream.requests if request.path == "/v1/messages"]
        assert asked
        sent.append([IDS.sub(b"ID", request.body) for request in asked])
    assert told[0]["result"] == told[1]["result"]
    assert (told[0]["num_turns"], told[0]["is_error"]) == (told[1]["num_turns"], told[1]["is_error"])
    assert sent[0] == sent[1]


def test_its_session_groups_its_calls(claude_code: Path, observing: Served, tmp_path: Path) -> None:
    headless(claude_code, observing.base_url, tmp_path / "home")
    found = records(tmp_path / "gateway")
    starts = [record for record in found if isinstance(record, Start)]
    assert len({start.session_id for start in starts if start.session_id}) == 1
    assert all(start.tools_fp for start in starts[-1:])
    ends = [record for record in found if isinstance(record, End)]
    assert len(starts) == len(ends)
    assert all(end.usage for end in ends if end.status == 200)
