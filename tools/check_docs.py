"""Runs the documentation: every link leads somewhere, every page is in the navigation, every command's help has
examples, every marked example still prints what the page shows.

A fenced block behind `<!-- run -->` holds `$ command` lines and the output each is followed by. Commands run in order
in one empty folder that has `examples/` in it; `…` stands for any text. A command may end with 0 or
1 (records with problems); anything else fails. Pages: README.md and docs/.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from command_reference import commands

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]*)(#[^)]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")
_EXAMPLE = re.compile(r"<!-- run -->\s*```[a-z]*\n(.*?)```", re.DOTALL)


def main() -> int:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    faults = [fault for page in pages for fault in broken_links(page)]
    faults += [*unlisted_pages(), *commands_without_examples()]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if (ROOT / "examples").is_dir():
            shutil.copytree(ROOT / "examples", folder / "examples")
        faults += [fault for page in pages for fault in failed_examples(page, folder)]
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{len(pages)} pages, {len(faults)} faults")
    return 1 if faults else 0


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a page that lead to no file, or to no heading of it."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for match in _LINK.finditer(text):
        target, anchor = match[1] or match[3] or "", match[2] or ""
        if "://" in target or target.startswith("mailto:"):
            continue
        found = page.parent / target if target else page
        if not found.exists():
            yield f"{_shown(page)}: link to {target} leads nowhere"
        elif anchor and found.suffix == ".md" and anchor[1:] not in anchors(found):
            yield f"{_shown(page)}: {target}{anchor}: no such heading"


def anchors(page: Path) -> set[str]:
    """What the headings of a page are called in links to it."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip().lower()) for title in titles}


def _shown(page: Path) -> Path:
    return page.relative_to(ROOT) if page.is_relative_to(ROOT) else page


def unlisted_pages(docs: Path = ROOT / "docs", settings: Path = ROOT / "zensical.toml") -> Iterator[str]:
    """Pages that no reader of the site would find, and entries of the navigation without a page."""
    listed = set(_entries(tomllib.loads(settings.read_text(encoding="utf-8"))["project"]["nav"]))
    there = {page.relative_to(docs).as_posix() for page in docs.rglob("*.md")}
    yield from (f"docs/{page}: not in the nav of {settings.name}" for page in sorted(there - listed))
    yield from (f"{settings.name}: {page} is in the nav and not in docs/" for page in sorted(listed - there))


def _entries(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _entries(part)


def commands_without_examples() -> Iterator[str]:
    for path, command in commands():
        if "baseload " + " ".join(path) not in (command.help_epilogue or ""):
            yield f"baseload {' '.join(path)} --help: shows no example of the command"


def failed_examples(page: Path, folder: Path) -> Iterator[str]:
    for block in _EXAMPLE.findall(page.read_text(encoding="utf-8")):
        for command, expected in steps(block):
            yield from failed(page, command, expected, folder)


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """(command, expected output lines) of one example block."""
    command, expected = "", list[str]()
    for line in block.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, expected
            command, expected = line[2:], []
        elif line.strip():
            expected.append(_plain(line))
    if command:
        yield command, expected


def failed(page: Path, command: str, expected: list[str], folder: Path) -> Iterator[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }
    run = subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    where = f"{_shown(page)}: $ {command}"
    if run.returncode not in (0, 1):
        yield f"{where}\n  exit code {run.returncode}: {run.stderr.strip()[-400:]}"
        return
    pattern = ".*".join(re.escape("\n".join(expected)).split("…"))
    if expected and not re.search(pattern, _trimmed(run.stdout), re.DOTALL):
        yield f"{where}\n  printed\n{_trimmed(run.stdout)}\n  the page shows\n" + "\n".join(expected)


def _trimmed(text: str) -> str:
    return "\n".join(_plain(line) for line in text.splitlines() if line.strip())


def _plain(line: str) -> str:
    """The line as people type it: no space at its end, and no special ones inside."""
    return line.rstrip().replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


if __name__ == "__main__":
    sys.exit(main())
