"""What runs first inside the sandbox: takes rights away from itself, then becomes the program to run.

Stands alone (`python -I -S sandbox_child.py SPEC READY`): nothing of Baseload is imported where foreign code is to run.
SPEC is JSON: cpu_seconds, memory_bytes, file_bytes, processes (0 = no limit), files (fence them: true or false),
folder (the only place to write), readable (paths), command. READY is a descriptor: one byte once all walls stand.
"""

import ctypes
import json
import os
import resource
import struct
import sys
from typing import Any

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # Landlock system calls, the same on every architecture
NO_NEW_PRIVILEGES = 38
READ = 0b1101  # execute, read a file, read a folder
ON_FILES = 0xC007  # execute, write, read, truncate, ioctl: all a single file can be given


def landlock_version(libc: ctypes.CDLL) -> int:
    """What the kernel knows of Landlock; 0 or less = nothing."""
    return int(libc.syscall(CREATE, None, 0, 1))


def fence(libc: ctypes.CDLL, folder: str, readable: list[str]) -> None:
    """Only `folder` can be written, only it and `readable` read; no TCP. Raises OSError where the kernel refuses."""
    version = landlock_version(libc)
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    attributes = struct.pack("=QQQ", handled, 0b11, 0b11)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = libc.syscall(CREATE, attributes, len(attributes), 0)
    if version < 1 or rules < 0:
        raise OSError("the kernel has no Landlock")
    for path, rights in [(folder, handled), ("/dev/null", 0b110), *((path, READ) for path in readable)]:
        if not os.path.exists(path):  # noqa: PTH110 - one import less before foreign code
            continue
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed = rights & handled & (-1 if os.path.isdir(path) else ON_FILES)  # noqa: PTH112 - as above
        if libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", allowed, place), 0):
            raise OSError("the kernel refused a rule")
        os.close(place)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or libc.syscall(RESTRICT, rules, 0):
        raise OSError("the kernel refused the fence")
    os.close(rules)


def limit(spec: dict[str, Any]) -> None:
    """Bounds of the process and its children."""
    bounds = {
        resource.RLIMIT_CPU: spec["cpu_seconds"],
        resource.RLIMIT_AS: spec["memory_bytes"],
        resource.RLIMIT_FSIZE: spec["file_bytes"],
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
    }
    if spec["processes"]:
        bounds[resource.RLIMIT_NPROC] = spec["processes"]
    for kind, bound in bounds.items():
        resource.setrlimit(kind, (bound, bound))


def main() -> None:
    spec = json.loads(sys.argv[1])
    limit(spec)
    if spec["files"]:
        fence(ctypes.CDLL(None, use_errno=True), spec["folder"], spec["readable"])
    os.chdir(spec["folder"])
    ready = int(sys.argv[2])
    os.write(ready, b"1")
    os.close(ready)
    os.execv(spec["command"][0], spec["command"])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
