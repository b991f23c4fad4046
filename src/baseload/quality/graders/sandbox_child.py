"""What runs first inside the sandbox: takes rights away from itself, then becomes the program to run.

Stands alone (`python -I -S sandbox_child.py SPEC READY`): nothing of Baseload is imported where foreign code is to run.
SPEC is JSON: cpu_seconds, memory_bytes, file_bytes, disk_bytes (of the folder in all; 0 = no limit), processes (0 = no
limit), user (the id to become; 0 = stay), search (it reads what root may: true or false), files (fence them: true or
false), folder (the only place to write), readable (paths), command. READY is a descriptor: one byte once walls stand.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from typing import Any

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # Landlock system calls, the same on every architecture
NO_NEW_PRIVILEGES = 38
DEATH_SIGNAL, KEEP_CAPABILITIES, AMBIENT, RAISE = 1, 8, 47, 2  # prctl
NO_SET_USER, NO_DEVICES = 2, 4  # mount
CAPABILITIES_3, DAC_READ_SEARCH = 0x20080522, 2
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


def scratch(libc: ctypes.CDLL, folder: str, size: int, user: int) -> None:
    """The same files in a memory file system of `size`, that only this mount namespace sees: a bound on their sum."""
    held = {}
    for name in os.listdir(folder):  # noqa: PTH208 - as above
        with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 - as above
            held[name] = file.read()
    options = f"size={size + sum(map(len, held.values()))},mode=700,uid={user},gid={user}".encode()
    if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", NO_SET_USER | NO_DEVICES, options):
        raise OSError("the kernel refused a memory file system")
    for name, content in held.items():
        with open(f"{folder}/{name}", "wb") as file:  # noqa: PTH123 - as above
            file.write(content)
        os.chown(f"{folder}/{name}", user, user)


def become(libc: ctypes.CDLL, user: int, *, search: bool) -> None:
    """Another user for good, without capabilities: the kernel bounds no processes of root.

    `search` keeps the right to read past file permissions, for an interpreter below root's own folder: behind the fence
    only, which decides what may be read. Raises OSError where the kernel refuses.
    """
    libc.prctl(KEEP_CAPABILITIES, int(search), 0, 0, 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    kept = 1 << DAC_READ_SEARCH if search else 0
    header, sets = struct.pack("=Ii", CAPABILITIES_3, 0), struct.pack("=6I", kept, kept, kept, 0, 0, 0)
    if libc.capset(header, sets) or (search and libc.prctl(AMBIENT, RAISE, DAC_READ_SEARCH, 0, 0)):
        raise OSError("the kernel refused a capability")
    libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)  # the change of user cleared what `unshare --kill-child` set


def main() -> None:
    spec = json.loads(sys.argv[1])
    libc = ctypes.CDLL(None, use_errno=True)
    if spec["disk_bytes"]:
        scratch(libc, spec["folder"], spec["disk_bytes"], spec["user"])
    limit(spec)
    os.chdir(spec["folder"])
    if spec["files"]:
        fence(libc, spec["folder"], spec["readable"])
    if spec["user"]:
        become(libc, spec["user"], search=spec["search"])
    ready = int(sys.argv[2])
    os.write(ready, b"1")
    os.close(ready)
    os.execv(spec["command"][0], spec["command"])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
