"""`baseload demo upstream`, as the function behind it: a process that listens until it is told to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CODE = """
import signal, sys
from cyclopts import App
from baseload.cli.demo_upstream import upstream
signal.signal(signal.SIGINT, signal.default_int_handler)  # as from a terminal, whoever started the tests
app = App(result_action="return_value")
app.default(upstream)
sys.exit(app(sys.argv[1:]))
"""


@contextmanager
def listening(*arguments: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[2].rstrip(";")
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def post(base_url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        base_url + "/v1/messages",
        json.dumps(body).encode(),
        {"x-api-key": "any", "anthropic-version": "2023-06-01"},
    )
    with urllib.request.urlopen(request, timeout=10) as reply:
        found: dict[str, Any] = json.load(reply)
        return found


def test_recorded_answers_are_served_until_interrupted(tmp_path: Path) -> None:
    body = {"model": "claude-haiku-5-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    answers = tmp_path / "answers.jsonl"
    answers.write_text(json.dumps({"model": body["model"], "request": body, "text": "good day"}) + "\n")
    with listening("--answers", str(answers)) as base_url:
        assert post(base_url, body)["content"][0]["text"] == "good day"
        with pytest.raises(OSError, match="404"):
            post(base_url, {**body, "messages": [{"role": "user", "content": "unknown"}]})


def test_a_file_that_holds_no_answers_or_faults_is_refused(tmp_path: Path) -> None:
    from baseload.cli.demo_upstream import upstream
    from baseload.errors import UsageError

    bad = tmp_path / "bad.json"
    bad.write_text('[{"kind": "explode"}]')
    with pytest.raises(UsageError, match="faults"):
        upstream(port=0, faults=bad)
    with pytest.raises(UsageError, match="row 1"):
        upstream(port=0, answers=bad)
