"""Which files the given PATHs mean: folders walked in natural order, each file once, faults as problems."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from baseload.usage.fields import BadRecord
from baseload.usage.source_file import shown_path
from baseload.usage.source_note import NOTE_NAME
from baseload.values import Problem

DATA_SUFFIXES: Final = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".sse", ".log", ".txt", ".gz")
"""What a folder is searched for; a file named by itself may end in anything."""
QUIET_SUFFIXES: Final = (".txt", ".log")
"""Names so general that a folder's file which no reader knows is no problem."""
SOURCE: Final = "files"
"""The `source` of problems about files no reader has seen."""

Progress = Callable[[int, int, str], None]
"""(bytes done, bytes in all, current file)."""

_DIGITS = re.compile(r"(\d+)")
_KEPT_HIDDEN = (".claude",)
_MAP_NAME: Final = "map.json"
_MAP_TABLES: Final = frozenset({"workloads.csv", "opportunities.csv", "days.csv", "reconciliation.csv", "problems.csv"})
"""Tables a map writes beside its `map.json`; other files of that folder are the user's."""
_OWN_DOCUMENT: Final = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"baseload\.')
_OWN_HEAD_BYTES: Final = 256


class Found(NamedTuple):
    """One file to read."""

    path: Path
    top: Path  # the PATH it was found under; the file itself when the user named it

    @property
    def named(self) -> bool:
        return self.path == self.top


def natural_key(name: str) -> list[tuple[int, int | str]]:
    """Sorts `log-2` before `log-10`."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in _DIGITS.split(name) if part]


def find_files(paths: Iterable[Path]) -> Iterator[Found | Problem]:
    """Every file the paths mean, each once, folders in natural order; a path that gives none is one problem."""
    seen: set[tuple[int, int]] = set()
    for path in paths:
        path = claude_projects_of(path)
        count = 0
        for item in _found_in(path, seen):
            count += 1
            yield Found(item, path) if isinstance(item, Path) else item
        if not count:
            yield _fault(path, "empty-folder", "The folder has no usage files", expected=", ".join(DATA_SUFFIXES))


def in_turn(items: Iterable[Found | Problem], progress: Progress | None) -> Iterator[Found | Problem]:
    """The items one by one, telling `progress` how many bytes of all files lie behind."""
    found = list(items)
    sizes = [_size_of(item.path) if isinstance(item, Found) else 0 for item in found]
    total, done = sum(sizes), 0
    for item, size in zip(found, sizes, strict=True):
        if progress is not None and isinstance(item, Found):
            progress(done, total, shown_path(Path(item.path.name)))
        yield item
        done += size
    if progress is not None:
        progress(total, total, "")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def claude_code_folders(home: Path, config_dirs: str = "") -> list[Path]:
    """Where Claude Code keeps its transcripts: `CLAUDE_CONFIG_DIR` (comma list) when set, else the two defaults.

    Only folders that exist, each once.
    """
    roots = [Path(part.strip()).expanduser() for part in config_dirs.split(",") if part.strip()]
    roots = roots or [home / ".config" / "claude", home / ".claude"]
    folders = [root if root.name == "projects" else root / "projects" for root in roots]
    return list(dict.fromkeys(folder.resolve() for folder in folders if folder.is_dir()))


def claude_projects_of(path: Path) -> Path:
    """A Claude Code configuration folder stands for its transcripts; any other path is itself."""
    projects = path / "projects"
    is_configuration = path.name == ".claude" or (path / "settings.json").is_file()
    return projects if is_configuration and projects.is_dir() else path


def _found_in(path: Path, seen: set[tuple[int, int]]) -> Iterator[Path | Problem]:
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        yield _unreadable(path, error)
        return
    if stat.S_ISDIR(state.st_mode):
        if (state.st_dev, state.st_ino) in seen:
            yield _fault(
                path,
                "same-folder",
                "This folder was already read under another path of this run",
                expected="each folder once",
            )
        yield from _walk(path, seen, ())
    elif not stat.S_ISREG(state.st_mode):
        yield _fault(path, "not-a-file", "This is neither a file nor a folder", expected="a file or a folder")
    elif _is_new(state, seen):
        yield path
    else:
        yield _fault(
            path, "same-file", "This file was already read under another path of this run", expected="each file once"
        )


def _walk(folder: Path, seen: set[tuple[int, int]], above: tuple[tuple[int, int], ...]) -> Iterator[Path | Problem]:
    """Files of a folder and of the folders in it. A link back to a folder above is one problem; others are followed."""
    try:
        state = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: natural_key(entry.name))
    except OSError as error:
        yield _unreadable(folder, error)
        return
    here = (state.st_dev, state.st_ino)
    if here in above:
        yield _fault(
            folder, "symlink-loop", "The link leads back to a folder above it; it was not followed", expected="a tree"
        )
        return
    if here in seen:
        return
    seen.add(here)
    has_map = any(entry.name == _MAP_NAME and _is_own(Path(entry.path)) for entry in entries)
    for entry in entries:
        if not (has_map and entry.name in _MAP_TABLES):
            yield from _entry(entry, seen, (*above, here))


def _entry(
    entry: os.DirEntry[str], seen: set[tuple[int, int]], above: tuple[tuple[int, int], ...]
) -> Iterator[Path | Problem]:
    path = Path(entry.path)
    hidden = entry.name.startswith(".") and entry.name not in _KEPT_HIDDEN
    try:
        if hidden:
            return
        if entry.is_dir():
            yield from _walk(path, seen, above)
        elif entry.name.lower().endswith(DATA_SUFFIXES) and entry.name != NOTE_NAME:
            state = entry.stat()
            if stat.S_ISREG(state.st_mode) and not _is_own(path) and _is_new(state, seen):
                yield path
    except OSError as error:
        yield _unreadable(path, error)


def _is_own(path: Path) -> bool:
    """Whether Baseload itself wrote this JSON document (a map, a demo's truth); unreadable files are not its."""
    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open("rb") as file:
            return _OWN_DOCUMENT.match(file.read(_OWN_HEAD_BYTES)) is not None
    except OSError:
        return False


def _is_new(state: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    key = (state.st_dev, state.st_ino)
    if key in seen:
        return False
    seen.add(key)
    return True


def _unreadable(path: Path, error: OSError | ValueError) -> Problem:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "it cannot be opened"
    return unreadable(shown_path(path), reason)


def unreadable(path: str, reason: str) -> Problem:
    """The problem of a file or folder the system does not let us read."""
    fault = BadRecord(
        "unreadable-file",
        f"Cannot be read: {reason}",
        expected="a readable file or folder",
        next_step="Check the path and its permissions.",
    )
    return fault.problem(SOURCE, path, 0)


def _fault(path: Path, code: str, message: str, *, expected: str = "") -> Problem:
    fault = BadRecord(
        code, message, expected=expected, next_step="Nothing was lost by it; name other paths if you meant others."
    )
    return fault.problem(SOURCE, shown_path(path), 0)
