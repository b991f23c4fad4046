"""What the export tests share: a policy, the organisation's key, and waiting for a server of another make."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import pytest

from baseload.demo.upstream.server import Upstream
from baseload.usage.features import SYSTEM_CHARS, masked
from baseload.values import OrgKey

MASTER = "sk-litellm-master-of-the-tests"
ORG_KEY = "the organisation's key of the export tests"
KEY = OrgKey(hashlib.blake2b(ORG_KEY.encode(), digest_size=32).digest())  # as `BASELOAD_ORG_KEY` is read
LONG = "You sort letters into piles. " * 2_000
SORTING = KEY.fingerprint("system", masked("Sort this letter.", SYSTEM_CHARS))
POLICY = f"""schema_version: 1
entries:
  - workload: {{id: triage}}
    match: {{tag: {{app: triage}}}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
    cache:
      marks:
        - {{section: system, after: "system:0", ttl: 1h}}
        - {{section: messages, after: tail, ttl: 5m}}
  - workload: {{id: thrifty}}
    match: {{tag: {{app: thrifty}}}}
    decision: pin
    model: claude-opus-4-8
    effort: low
    verdict_id: v2
  - workload: {{id: letters}}
    match: {{system_fp: ["{SORTING}"]}}
    decision: pin
    model: claude-sonnet-5-5
    verdict_id: v3
  - workload: {{id: kept}}
    match: {{tag: {{app: kept}}}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v4
    pin_original: true
"""


NIGHT_KEY = "sk-ant-of-the-night-shift"
ENVOY_POLICY = """schema_version: 1
entries:
  - workload: {id: triage}
    match: {tag: {use_case: triage*}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v1
  - workload: {id: legal}
    match: {tag: {use_case: triage-legal, app: letters}}
    decision: leave
  - workload: {id: thrifty, name: Thrifty letters}
    match: {tag: {app: thrifty}}
    decision: pin
    model: claude-opus-4-8
    effort: low
    verdict_id: v2
  - workload: {id: newer}
    match: {tag: {app: newer}}
    decision: pin
    model: claude-haiku-5-5
    from_models: [claude-opus-4-8]
    verdict_id: v3
  - workload: {id: night}
    match: {api_key: [night-*]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v4
  - workload: {id: code}
    match: {agent: [claude-code]}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v5
  - workload: {id: kept}
    match: {tag: {app: kept}}
    decision: pin
    model: claude-haiku-4-5
    verdict_id: v6
    pin_original: true
"""


class Proxy(NamedTuple):
    """A running LiteLLM proxy and the upstream behind it."""

    base_url: str
    upstream: Upstream
    log: Path


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 120) -> None:
    """Until a server answers; what it wrote where it ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError as answer:
            answer.close()
            if answer.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.2)
    pytest.fail(f"it does not answer: {log.read_text()[-2_000:]}")
