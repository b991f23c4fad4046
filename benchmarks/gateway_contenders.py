"""Who is measured against whom: our gateway in three dresses, its peers, and no gateway at all.

Each is started on a core of its own by the command shown in the table, and stopped again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "build" / "peers"
GATEWAY_CORE, LOAD_CORE = 1, 0
HEADERS = ("x-api-key: bench",)  # the load generator sends content-type and anthropic-version itself

POLICY = """schema_version: 1
entries:
  - workload: {id: bench}
    match: {tag: {app: bench}}
    decision: pin
    model: claude-sonnet-4-6
    verdict_id: bench
    from_models: [claude-opus-4-8]
    cache:
      marks:
        - {section: system, after: "system:0", ttl: 5m}
        - {section: messages, after: tail, ttl: 5m}
"""
GSUB = """function envoy_on_request(handle)
  if handle:headers():get("x-baseload-tag-app") == "bench" then
    local body = handle:body()
    local text = body:getBytes(0, body:length())
    local made = string.gsub(text, '"model": "claude%-opus%-4%-8"', '"model": "claude-sonnet-4-6"', 1)
    handle:headers():replace("content-length", tostring(body:setBytes(made)))
  end
end
"""
NGINX = """daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 32m;
  client_body_buffer_size 256k;
  keepalive_requests 1000000;
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
SETTINGS = """[policy]
file = "policy.yaml"
start = "at_once"
holdback = 0.0
[[budget]]
usd = "1000000"
[[budget]]
workload = "bench"
usd = "1000000"
[log]
ship_to = ""
"""


class Contender(NamedTuple):
    """One way to the upstream. `start` gives its command; `headers` are sent along."""

    name: str
    start: Callable[[int, int, Path], list[str]]  # port, port of the upstream, a folder of its own
    headers: tuple[str, ...] = ()
    env: dict[str, str] = {}  # noqa: RUF012 - never changed
    ready_s: float = 30.0


class Running(NamedTuple):
    """A contender that answers: where, as which process, and how long it took until it did."""

    contender: Contender
    port: int
    pid: int
    started_s: float


BARE = """
import asyncio, sys, uvloop
from baseload.gateway.config import origin_of
from baseload.gateway.wire.bare import BareDoor
from baseload.gateway.wire.limits import Limits
from baseload.gateway.wire.server import Server
async def main():
    server = Server(BareDoor(origin_of(sys.argv[2])), Limits())
    await server.start("127.0.0.1", int(sys.argv[1]))
    await asyncio.Event().wait()
uvloop.run(main())
"""


def bare(port: int, upstream: int, folder: Path) -> list[str]:
    program = folder / "bare.py"
    program.write_text(BARE)
    return [sys.executable, str(program), str(port), f"http://127.0.0.1:{upstream}"]


def ours(*flags: str, settings: str = "") -> Callable[[int, int, Path], list[str]]:
    def start(port: int, upstream: int, folder: Path) -> list[str]:
        (folder / "policy.yaml").write_text(POLICY)
        (folder / "gateway.toml").write_text(settings or '[log]\nship_to = ""\n')
        base = [
            str(Path(sys.executable).with_name("baseload")),
            "gateway",
            "run",
            "--config",
            str(folder / "gateway.toml"),
        ]
        return [*base, "--upstream", f"http://127.0.0.1:{upstream}", "--port", str(port), *flags]

    return start


def envoy(port: int, upstream: int, folder: Path) -> list[str]:
    """Envoy with the least Lua that rewrites a model by a header: no guard of any kind, the fastest it can be."""
    whole = _envoy_yaml(port, upstream)
    begin = whole.index("function envoy_on_request")
    begin = whole.rindex("\n", 0, begin) + 1
    indent = " " * (len(whole[begin:]) - len(whole[begin:].lstrip()))
    end = whole.index("- name: envoy.filters.http.router")
    end = whole.rindex("\n", 0, end) + 1
    text = whole[:begin] + textwrap.indent(GSUB, indent) + whole[end:]
    return _envoy(folder, text)


def guarded_envoy(port: int, upstream: int, folder: Path) -> list[str]:
    """Envoy as `baseload export envoy` sets it up: it leaves alone what it may not change."""
    return _envoy(folder, _envoy_yaml(port, upstream))


def _envoy_yaml(port: int, upstream: int) -> str:
    from baseload.gateway.export.envoy import exported
    from baseload.plan.policy_read import read_policy
    from baseload.prices.load import load_book

    found = exported(read_policy(POLICY.encode()), load_book(), upstream=f"http://127.0.0.1:{upstream}", port=port)
    return found.files["envoy.yaml"]


def _envoy(folder: Path, text: str) -> list[str]:
    (folder / "envoy.yaml").write_text(text)
    program = Path(sys.executable).with_name("envoy")
    return [
        str(program),
        "-c",
        str(folder / "envoy.yaml"),
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "error",
    ]


def nginx(port: int, upstream: int, folder: Path) -> list[str]:
    """nginx as a plain proxy: changes nothing, knows nothing of what it carries."""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    return [nginx_program(), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def nginx_program() -> str:
    """Debian's, whose folder an ordinary search may leave out; "" where there is none."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""


def litellm(port: int, upstream: int, folder: Path) -> list[str]:
    models = [
        {"model_name": name, "litellm_params": {"model": f"anthropic/{name}", "api_base": f"http://127.0.0.1:{upstream}",
                                                "api_key": "bench"}}
        for name in ("claude-opus-4-8",)
    ]  # fmt: skip
    (folder / "config.yaml").write_text(json.dumps({"model_list": models}))
    program = ROOT / "build" / ".venv-litellm" / "bin" / "litellm"
    return [str(program), "--config", str(folder / "config.yaml"), "--port", str(port), "--host", "127.0.0.1",
            "--num_workers", "1"]  # fmt: skip


def portkey(port: int, upstream: int, folder: Path) -> list[str]:  # noqa: ARG001 - as the others
    program = portkey_program()
    return ["node", str(program), "--headless", f"--port={port}"]


def portkey_program() -> Path:
    """Portkey's open-source gateway from npm, with the versions of its parts that stream (gateways.md 5.2)."""
    folder = PEERS / "portkey"
    program = folder / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        package = {
            "private": True,
            "dependencies": {"@portkey-ai/gateway": "1.15.2"},
            "overrides": {"hono": "4.9.7", "@hono/node-server": "1.13.5"},
        }
        (folder / "package.json").write_text(json.dumps(package))
        install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(install, cwd=folder, check=False, capture_output=True, timeout=300)
    return program


def contenders() -> list[Contender]:
    """Ours and those of the peers that are there."""
    tag = "x-baseload-tag-app: bench"
    found = [
        Contender("our bare pipe", bare),
        Contender("ours, observing", ours("--observe")),
        Contender("ours, policy, marks, budgets, metering and log", ours(settings=SETTINGS), (tag,)),
    ]
    if Path(sys.executable).with_name("envoy").exists():
        found.append(Contender("Envoy + Lua rewrite", envoy, (tag,)))
        found.append(Contender("Envoy as we export it", guarded_envoy, (tag,)))
    if nginx_program():
        found.append(Contender("nginx, no rewrite", nginx))
    if (ROOT / "build" / ".venv-litellm" / "bin" / "litellm").exists():
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
               "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true"}  # fmt: skip
        found.append(Contender("LiteLLM proxy", litellm, (), env, 90.0))
    if shutil.which("node") and shutil.which("npm") and portkey_program().exists():
        headers = ("x-portkey-provider: anthropic", "x-portkey-custom-host: http://127.0.0.1:UPSTREAM/v1")
        found.append(Contender("Portkey", portkey, headers, {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}))
    return found


@contextmanager
def running(contender: Contender, upstream: int) -> Iterator[Running]:
    """Started on the gateway's core; gone afterwards with everything it started."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ["taskset", "-c", str(GATEWAY_CORE), *contender.start(port, upstream, Path(folder))]
        began = time.monotonic()
        env = {**os.environ, **contender.env, "XDG_CACHE_HOME": folder, "XDG_CONFIG_HOME": folder}
        with subprocess.Popen(
            command, cwd=folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                until = began + contender.ready_s
                while not listens(port):
                    if process.poll() is not None or time.monotonic() > until:
                        raise RuntimeError(f"{contender.name} does not start: {' '.join(command)}")
                    time.sleep(0.01)
                asked = tuple(header.replace("UPSTREAM", str(upstream)) for header in contender.headers)
                yield Running(contender._replace(headers=asked), port, process.pid, time.monotonic() - began)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
