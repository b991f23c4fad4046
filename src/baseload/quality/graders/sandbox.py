"""Run code that a model wrote: a process of its own with bounds, without network, that can write in one folder only.

What holds depends on the machine and is said with every result. `limits` (time, memory, file sizes, no secrets in the
environment) hold on any POSIX system, for each process and each file; `network` and `processes` need Linux namespaces
(`unshare`), by which the files have a bound in all too; `files` needs a kernel with Landlock. Under root the code runs
as a user of its own that owns nothing, for the kernel counts no processes of root. It is no virtual machine: local
sockets that are files can still be connected to.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from baseload.errors import UsageError
from baseload.quality.graders import sandbox_child

Wall = Literal["limits", "network", "processes", "files"]
WALLS: Final[tuple[Wall, ...]] = ("limits", "network", "processes", "files")
MAIN: Final = "main.py"
_MIB: Final = 1024 * 1024
_SYSTEM: Final = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/dev/urandom")
_NAMESPACES: Final = ("--net", "--pid", "--fork", "--kill-child")
_PROBE_SECONDS: Final = 10
_HIGH_USERS: Final = 1 << 30  # as many ids from here on: nobody's, so that no two runs share a count of processes
_NOBODY: Final = 65_534  # where a container has no high ids
_BOUND: Final = 3  # how a probe ends that could not start a second process
_PROBE: Final = f"""
import os
try: child = os.fork()
except OSError: os._exit({_BOUND})
if child: os.waitpid(child, 0)
"""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may cost. `accept_weaker`: run also where the machine cannot give every wall."""

    seconds: float = 10.0
    memory_bytes: int = 1024 * _MIB
    file_bytes: int = 16 * _MIB
    disk_bytes: int = 64 * _MIB  # all files of the run together, where there are namespaces
    processes: int = 32
    output_bytes: int = 1 * _MIB
    accept_weaker: bool = False


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `code` is None where it was stopped for time; `walls` are those that stood."""

    code: int | None
    output: bytes
    walls: tuple[Wall, ...]


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """How a machine walls code in: the command before it, and the user it becomes, "high" being one of its own."""

    unshare: tuple[str, ...] = ()
    user: Literal["", "high", "nobody"] = ""
    search: bool = False
    disk: bool = False
    processes: bool = False


@functools.cache
def walls() -> tuple[Wall, ...]:
    """What this machine can give: found out once, by trying."""
    found: list[Wall] = ["limits"]
    if _way().unshare:
        found.append("network")
    if _way().processes:
        found.append("processes")
    if _has_landlock():
        found.append("files")
    return tuple(found)


@functools.cache
def _has_landlock() -> bool:
    return sys.platform == "linux" and sandbox_child.landlock_version(ctypes.CDLL(None, use_errno=True)) > 0


def run(files: Mapping[str, str], bounds: Bounds, *, given: bytes = b"") -> Finished:
    """Run `main.py` of these files in a new folder, with `given` as its standard input.

    Raises UsageError where the machine lacks a wall and `accept_weaker` is not set.
    """
    standing = walls()
    lacking = [wall for wall in WALLS if wall not in standing]
    if lacking and not bounds.accept_weaker:
        raise UsageError(
            f"this machine has no walls for foreign code of kind: {', '.join(lacking)}. Grade on Linux with user "
            "namespaces and Landlock, or in a container of its own with accept_weaker."
        )
    with tempfile.TemporaryDirectory(prefix="baseload-run-") as scratch:
        folder = Path(scratch).resolve()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", errors="replace")
        code, output = _wait(_command(folder, bounds, standing, _way()), folder, bounds, given)
    return Finished(code=code, output=output, walls=standing)


def _command(folder: Path, bounds: Bounds, standing: tuple[Wall, ...], way: _Way, *program: str) -> list[str]:
    user = {"": 0, "high": _HIGH_USERS + secrets.randbelow(_HIGH_USERS), "nobody": _NOBODY}[way.user]
    if user and not way.disk:
        os.chown(folder, user, user)
    spec = {
        "cpu_seconds": max(1, round(bounds.seconds + 0.5)),
        "memory_bytes": bounds.memory_bytes,
        "file_bytes": bounds.file_bytes,
        "disk_bytes": bounds.disk_bytes if way.disk else 0,
        # outside a namespace the system counts all processes of the user, so that a bound would hit bystanders
        "processes": bounds.processes if "processes" in standing else 0,
        "user": user,
        "search": way.search,
        "files": "files" in standing,
        "folder": str(folder),
        "readable": _readable(),
        "command": [sys.executable, "-I", "-B", *(program or (MAIN,))],
    }
    child = [sys.executable, "-I", "-S", "-B", sandbox_child.__file__, msgspec.json.encode(spec).decode()]
    return [*way.unshare, *child]


def _wait(command: list[str], folder: Path, bounds: Bounds, given: bytes) -> tuple[int | None, bytes]:
    """Exit code and output; the whole group of processes is ended when the time is up.

    Raises UsageError where the walls did not stand before the code was to begin.
    """
    environment = {
        "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder), "PYTHONHASHSEED": "0",
    }  # fmt: skip
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as source, os.fdopen(reader, "rb") as ready:
        source.write(given)
        source.seek(0)
        running = subprocess.Popen(  # noqa: S603 - our own interpreter on our own script
            [*command, str(writer)], stdin=source, stdout=output, stderr=subprocess.DEVNULL,
            env=environment, start_new_session=True, pass_fds=(writer,),
        )  # fmt: skip
        os.close(writer)
        try:
            code: int | None = running.wait(bounds.seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            _end(running)
        if not ready.read(1):
            raise UsageError("the sandbox could not be set up: the kernel refused a limit or the fence")
        output.seek(0)
        return code, output.read(bounds.output_bytes)


def _end(running: subprocess.Popen[bytes]) -> None:
    """End every process of the run, also those that it left behind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def _readable() -> list[str]:
    """The interpreter, its library and what it was installed with; nobody's home folder."""
    paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.realpath(sys.executable), sandbox_child.__file__}
    paths |= {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return sorted({*_SYSTEM, *filter(None, paths)})


@functools.cache
def _way() -> _Way:
    """The strongest way that works here, by trying; no namespaces and the same user where none does."""
    for way in _ways():
        code = _probed(way)
        if code in (0, _BOUND) and (code == _BOUND or not way.user):
            return msgspec.structs.replace(way, processes=code == _BOUND)
    return _Way()


def _ways() -> list[_Way]:
    """Strongest first. Root needs no user namespace, and in one of its own it would stay root to the kernel."""
    found = shutil.which("unshare", path="/usr/bin:/bin:/usr/sbin:/sbin") if sys.platform == "linux" else None
    if found is None:
        return []
    ways: list[_Way] = []
    if os.geteuid() == 0:
        own = _Way(unshare=(found, "--mount", *_NAMESPACES, "--"), user="high", disk=True)
        nobody = msgspec.structs.replace(own, user="nobody")
        past_permissions = [msgspec.structs.replace(way, search=True) for way in (own, nobody) if _has_landlock()]
        ways += [own, nobody, *past_permissions]
    ways.append(_Way(unshare=(found, "--map-root-user", "--mount", *_NAMESPACES, "--"), disk=True))
    ways.append(_Way(unshare=(found, "--map-root-user", *_NAMESPACES, "--")))
    return ways


def _probed(way: _Way) -> int | None:
    """How a program ends that may not start a second process; None where it never began."""
    standing: tuple[Wall, ...] = ("processes", "files") if _has_landlock() else ("processes",)
    bounds = Bounds(seconds=_PROBE_SECONDS, processes=1)
    with tempfile.TemporaryDirectory(prefix="baseload-run-") as scratch:
        folder = Path(scratch).resolve()
        try:
            return _wait(_command(folder, bounds, standing, way, "-c", _PROBE), folder, bounds, b"")[0]
        except (OSError, UsageError):
            return None
