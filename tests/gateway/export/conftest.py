"""The real LiteLLM proxy, installed once from its own lock and started once, in front of the local upstream."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from export_made import ENVOY_POLICY, KEY, MASTER, NIGHT_KEY, ORG_KEY, POLICY, Proxy, free_port, wait_for

from baseload.demo.upstream.answers import Answers
from baseload.demo.upstream.seeded import seeded_answers
from baseload.demo.upstream.server import Upstream, running
from baseload.demo.upstream.service import Service
from baseload.gateway.export import envoy, litellm
from baseload.gateway.export.litellm_hook import key_check
from baseload.plan.policy_read import read_policy
from baseload.prices.load import load_book


@pytest.fixture(scope="session")
def litellm_command(root: Path) -> Path:
    """`litellm` from a virtual environment under build/, every file held to the hashes of the lock."""
    lock = root / "requirements-litellm.lock"
    folder = root / "build" / ".venv-litellm"
    folder.parent.mkdir(exist_ok=True)
    stamp, wanted = folder / "installed", hashlib.sha256(lock.read_bytes()).hexdigest()
    with (folder.parent / "litellm.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text() != wanted:
            uv = str(Path(sys.executable).with_name("uv"))
            _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
            python = str(folder / "bin" / "python")
            _run([uv, "pip", "install", "--python", python, "--require-hashes", "--no-deps", "-r", str(lock)])
            stamp.write_text(wanted)
    return folder / "bin" / "litellm"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        said = done.stderr.lower()
        if any(words in said for words in ("failed to fetch", "dns error", "error sending request", "timed out")):
            pytest.skip("the package registry is out of reach, and LiteLLM is not installed")
        pytest.fail(f"{command[1]} {command[2]}: {done.stderr[-2_000:]}")


@pytest.fixture(scope="session")
def litellm_proxy(litellm_command: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy with the exported files as they are, but for a master key of its own; about 10 s to start."""
    folder = tmp_path_factory.mktemp("litellm")
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as upstream:
        made = litellm.exported(
            read_policy(POLICY.encode()),
            POLICY,
            load_book(),
            check=key_check(KEY),
            names={"our-opus": "claude-opus-4-8"},
            upstream=upstream.base_url,
        )
        assert made.lost == ()
        for name, text in made.files.items():
            (folder / name).write_text(text)
        config = folder / litellm.CONFIG
        config.write_text(config.read_text() + f"general_settings:\n  master_key: {MASTER}\n")
        port = free_port()
        environment = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(root / "src"),
            "BASELOAD_ORG_KEY": ORG_KEY,
            "ANTHROPIC_API_KEY": "sk-ant-of-the-proxy",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        log = folder / "litellm.log"
        command = [str(litellm_command), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
            try:
                wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, log)
                yield Proxy(f"http://127.0.0.1:{port}", upstream, log)
            finally:
                process.terminate()
                process.wait(20)


@pytest.fixture(scope="session")
def envoy_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Envoy with the exported bootstrap as it is."""
    folder = tmp_path_factory.mktemp("envoy")
    service = Service(Answers(fallback=seeded_answers(7)), load_book())
    with running(Upstream(service, keep=1_000)) as upstream:
        port = free_port()
        made = envoy.exported(
            read_policy(ENVOY_POLICY.encode()), load_book(), upstream=upstream.base_url, port=port,
            keys={"night-shift": "NIGHT_KEY"},
        )  # fmt: skip
        assert made.lost == ()
        config = folder / envoy.BOOTSTRAP
        config.write_text(made.files[envoy.BOOTSTRAP])
        command = [
            str(Path(sys.executable).with_name("envoy")), "-c", str(config), "--concurrency", "1",
            "--disable-hot-restart", "-l", "warn",
        ]  # fmt: skip
        log = folder / "envoy.log"
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NIGHT_KEY": NIGHT_KEY}
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
            try:
                wait_for(f"http://127.0.0.1:{port}/v1/models", process, log)
                yield Proxy(f"http://127.0.0.1:{port}", upstream, log)
            finally:
                process.terminate()
                process.wait(20)
