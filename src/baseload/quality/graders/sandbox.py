"""Run code that a model wrote: a process of its own with bounds, without network, that can write in one folder only.

What holds depends on the machine and is said with every result. `limits` (time, memory, file sizes, no secrets in the
environment) hold on any POSIX system, for each process and each file and not for their sum; `network` and `processes`
need Linux user namespaces (`unshare`), `processes` a user that is not root, `files` a kernel with Landlock. It is no
virtual machine: local sockets that are files can still be connected to.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
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
_NAMESPACES: Final = ("--map-root-user", "--net", "--pid", "--fork", "--kill-child")
_PROBE_SECONDS: Final = 10


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one run may cost. `accept_weaker`: run also where the machine cannot give every wall."""

    seconds: float = 10.0
    memory_bytes: int = 1024 * _MIB
    file_bytes: int = 16 * _MIB
    processes: int = 32
    output_bytes: int = 1 * _MIB
    accept_weaker: bool = False


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended. `code` is None where it was stopped for time; `walls` are those that stood."""

    code: int | None
    output: bytes
    walls: tuple[Wall, ...]


@functools.cache
def walls() -> tuple[Wall, ...]:
    """What this machine can give: found out once, by trying."""
    found: list[Wall] = ["limits"]
    if _unshare():
        found.append("network")
        if os.getuid() != 0:  # the kernel counts no processes of root, so that a limit on them bounds nothing
            found.append("processes")
    if sys.platform == "linux" and sandbox_child.landlock_version(ctypes.CDLL(None, use_errno=True)) > 0:
        found.append("files")
    return tuple(found)


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
        code, output = _wait(_command(folder, bounds, standing), folder, bounds, given)
    return Finished(code=code, output=output, walls=standing)


def _command(folder: Path, bounds: Bounds, standing: tuple[Wall, ...]) -> list[str]:
    spec = {
        "cpu_seconds": max(1, round(bounds.seconds + 0.5)),
        "memory_bytes": bounds.memory_bytes,
        "file_bytes": bounds.file_bytes,
        # outside a namespace the system counts all processes of the user, so that a bound would hit bystanders
        "processes": bounds.processes if "processes" in standing else 0,
        "files": "files" in standing,
        "folder": str(folder),
        "readable": _readable(),
        "command": [sys.executable, "-I", "-B", MAIN],
    }
    child = [sys.executable, "-I", "-S", "-B", sandbox_child.__file__, msgspec.json.encode(spec).decode()]
    return [*_unshare(), *child]


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
def _unshare() -> tuple[str, ...]:
    """The command that takes the network away and gives process ids of its own; () where it is not to be had."""
    found = shutil.which("unshare", path="/usr/bin:/bin:/usr/sbin:/sbin") if sys.platform == "linux" else None
    if found is None:
        return ()
    command = (found, *_NAMESPACES, "--")
    try:
        tried = subprocess.run(  # noqa: S603 - as above
            [*command, sys.executable, "-I", "-S", "-c", ""], capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if tried.returncode == 0 else ()
