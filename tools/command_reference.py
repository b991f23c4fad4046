"""Writes docs/reference/commands.md from the command line itself; a test fails while the two differ.

With `--print` it writes nothing. Run it as a script: cyclopts takes part of the usage lines from how it was started.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cyclopts import App

from baseload.cli.help import show_docstrings
from baseload.cli.main import app

TARGET = Path(__file__).resolve().parent.parent / "docs" / "reference" / "commands.md"

_HEAD = """<!-- Written by tools/command_reference.py from the program's own help: change the docstrings, not this. -->

# Commands

The same text as `baseload COMMAND --help`. Every command but `completion` and `demo upstream` takes `--json`
([documents](json.md)), every one ends with one of the [exit codes](environment.md#exit-codes), and none uses the
network but `pull anthropic` and `gateway`. Days are UTC. `baseload --version` prints the version.
"""
_HEADING = re.compile(r"^(#+) baseload(.*)$", re.MULTILINE)


def commands(parent: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], App]]:
    """Every command and group below the program, each once, with its path and its full help."""
    seen: list[App] = []
    for name in parent:
        if not name.startswith("-") and parent[name] not in seen:
            seen.append(parent[name])
            show_docstrings(app, (*path, name))
            yield (*path, name), parent[name]
            yield from commands(parent[name], (*path, name))


def reference() -> str:
    """The whole page."""
    examples = {path: command.help_epilogue or "" for path, command in commands()}
    text = app.generate_docs(output_format="markdown", recursive=True, heading_level=1)
    starts = [match.start() for match in _HEADING.finditer(text)][1:]
    sections = [text[start:end].strip() for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return "\n\n".join([_HEAD.strip(), *(_section(text, examples) for text in sections)]) + "\n"


def _section(text: str, examples: dict[tuple[str, ...], str]) -> str:
    heading = _HEADING.match(text)
    path = tuple(heading[2].split()) if heading else ()
    foot = examples.get(path, "").replace("Examples:", "**Examples**:").replace("```\nbaseload", "```console\nbaseload")
    return f"{text}\n\n{foot}".strip()


if __name__ == "__main__":
    if "--print" in sys.argv:
        sys.stdout.write(reference())
    else:
        TARGET.write_text(reference(), encoding="utf-8")
