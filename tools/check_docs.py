"""Runs the documentation: every link leads somewhere, every marked example still prints what the page shows.

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
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)|!\[[^\]]*\]\(([^)\s]+)\)")
_EXAMPLE = re.compile(r"<!-- run -->\s*```[a-z]*\n(.*?)```", re.DOTALL)


def main() -> int:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    faults = [fault for page in pages for fault in broken_links(page)]
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
    """Relative links of a page that lead to no file."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for match in _LINK.finditer(text):
        target = match[1] or match[3]
        if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
            yield f"{page.relative_to(ROOT)}: link to {target} leads nowhere"


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
            expected.append(line.rstrip())
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
    where = f"{page.relative_to(ROOT)}: $ {command}"
    if run.returncode not in (0, 1):
        yield f"{where}\n  exit code {run.returncode}: {run.stderr.strip()[-400:]}"
        return
    pattern = ".*".join(re.escape("\n".join(expected)).split("…"))
    if expected and not re.search(pattern, _trimmed(run.stdout), re.DOTALL):
        yield f"{where}\n  printed\n{_trimmed(run.stdout)}\n  the page shows\n" + "\n".join(expected)


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


if __name__ == "__main__":
    sys.exit(main())
